//! An in-toto Statement v1 (<https://in-toto.io/Statement/v1>) that binds the SHA-256
//! of a model's file to the chain's record, as SLSA Provenance v1
//! (<https://slsa.dev/spec/v1.0/provenance>).
//!
//! It is unsigned: the chain is what vouches for it. Who reads it compares it with
//! the record that it names, by any node of that chain.

use crate::{
    ExportError, Node, Provenance,
    croissant::bare,
    text::{timestamp, visible, web_url},
};
use serde_json::{Value, json};

/// What kind of build a training job is: `docs/exports.md` describes its parameters.
pub const BUILD_TYPE: &str = "urn:assay:build:training-job:v1";

/// The statement of the model at the root.
///
/// # Errors
/// If the root is no model.
pub fn statement(provenance: &Provenance) -> Result<Value, ExportError> {
    let model = provenance.model("statement")?;
    let (chain, node) = (&provenance.chain, Node::Model { id: model.id });
    let urn = |rest: String| format!("urn:assay:{}:{rest}", chain.genesis);
    let dependencies: Vec<Value> = provenance
        .sources(&node)
        .filter_map(|source| match source {
            // The hash of a manifest and that of program and state, which are no file's.
            Node::Dataset { id } => {
                Some(json!({ "uri": urn(format!("dataset:{id}")), "digest": { "assayManifest": bare(id) } }))
            }
            Node::Model { id } => {
                Some(json!({ "uri": urn(format!("model:{id}")), "digest": { "assayModel": bare(id) } }))
            }
            Node::Job { .. } => None,
        })
        .collect();
    let mut subject =
        json!({ "name": format!("model-{}.safetensors", model.id), "digest": { "sha256": bare(&model.artefact) } });
    if let Some(url) = model.locations.iter().find_map(|location| web_url(location)) {
        subject["downloadLocation"] = url.into();
    }
    let job = provenance.job_of(model);
    let mut metadata = json!({ "invocationId": urn(format!("job:{}:{}", model.market, model.job)) });
    if let Some(time) = job.and_then(|job| timestamp(job.posted_at)) {
        metadata["startedOn"] = time.into();
    }
    if let Some(time) = timestamp(model.registered_at) {
        metadata["finishedOn"] = time.into();
    }
    Ok(json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [subject],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {
                    "specification": job.map(|job| bare(&job.terms.spec)),
                    "program": bare(&model.program),
                },
                "internalParameters": {
                    "chain": {
                        "genesis": chain.genesis,
                        "network": visible(&chain.network),
                        "registry": chain.registry,
                        "market": model.market,
                        "titles": chain.titles,
                        "registeredInBlock": model.block,
                    },
                    "record": {
                        "model": model.id,
                        "name": visible(&model.name),
                        "licence": visible(&model.licence),
                        "job": model.job,
                        "operator": model.operator,
                        "firstOwner": model.first_owner,
                        "finalState": model.final_state,
                        "commitment": job.and_then(|job| job.commitment.as_ref()).map(|commitment| commitment.root),
                        "segments": model.segments,
                        "segmentsDrawn": model.segments_drawn,
                        "segmentsChecked": model.segments_checked,
                    },
                },
                "resolvedDependencies": dependencies,
            },
            "runDetails": {
                "builder": { "id": urn(format!("account:{}", model.operator)) },
                "metadata": metadata,
            },
        },
    }))
}
