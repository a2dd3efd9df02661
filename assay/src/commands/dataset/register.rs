//! `dataset register`.

use super::{access::TermsOptions, keep_manifest, manifest_at};
use crate::cli::{Answer, Global};
use crate::names::no_dataset;
use crate::show;
use crate::signing;
use anyhow::Context;
use assay_job::Manifest;
use assay_protocol::Hash;
use assay_protocol::registry::{self, NamedParent, RegisterDataset};
use assay_shell::options::Deployed;
use clap::Args;
use serde_json::json;
use std::path::PathBuf;

/// Put a dataset on record; the key's account becomes its owner.
///
/// Anybody may use it in jobs unless it has a --price or is --private.
#[derive(Args, Debug)]
pub struct Register {
    /// The dataset's folder, or its manifest.json
    path: PathBuf,
    /// Name for people, at most 64 bytes
    #[arg(long)]
    name: String,
    /// SPDX licence expression, such as CC-BY-4.0; one of your own starts with LicenseRef-
    #[arg(long, visible_alias = "license", value_name = "SPDX")]
    licence: String,
    /// On which terms it may be used.
    #[command(flatten)]
    terms: TermsOptions,
    /// URL below which manifest.json and the files are; best first, repeatable
    #[arg(long = "location", value_name = "URL")]
    locations: Vec<String>,
    /// Registered dataset that this one was derived from; repeatable. Its owner
    /// gets its royalty, as it is now and at most, of what this one is sold for
    #[arg(long = "parent", value_name = "ID")]
    parents: Vec<Hash>,
}

impl Register {
    /// Does it.
    pub async fn run(self, global: &Global) -> anyhow::Result<Answer> {
        let manifest = manifest_at(&self.path)?;
        let id = manifest.id();
        registry::check_name(&self.name)?;
        let terms = self.terms.new_terms(&self.licence)?;
        registry::check_locations(&self.locations)?;
        if self.path.is_dir() {
            keep_manifest(&self.path, &manifest)?;
        }
        let deployed = global.connect().await?;
        let terms = terms.in_unit(deployed.chain.unit())?;
        for location in &self.locations {
            let fetched = Manifest::fetch(&deployed.fetcher(), std::slice::from_ref(location), &id).await;
            if let Err(error) = fetched {
                eprintln!("warning: nobody can fetch the dataset from this location yet: {error}");
            }
        }
        if self.locations.is_empty() {
            eprintln!(
                "warning: without a --location nobody can fetch the dataset; `assay dataset set-locations` adds some later"
            );
        }
        let parents = named_parents(&deployed, &self.parents, global.json).await?;
        let dataset = RegisterDataset {
            id,
            name: self.name.clone(),
            bytes: manifest.bytes(),
            terms,
            locations: self.locations,
            parents,
        };
        let what = format!("register the dataset {} ({})", show::plain(&self.name), show::bytes(manifest.bytes()));
        let call = deployed.registry.register_dataset(&dataset);
        signing::one(global, &deployed.chain, &what, &call, |()| json!({ "id": id }), |()| id.to_string()).await
    }
}

/// The parents with the shares that their owners ask for now, which are shown:
/// the registrant agrees to these and no more.
async fn named_parents(deployed: &Deployed, parents: &[Hash], quiet: bool) -> anyhow::Result<Vec<NamedParent>> {
    let mut named = Vec::new();
    for &id in parents {
        let record = deployed.registry.dataset(id).await?.with_context(|| no_dataset(&id))?;
        let most_bp = record.terms.royalty_bp;
        if !quiet {
            let share = f64::from(most_bp) / 100.0;
            eprintln!("{share} % of the price go to {} for {}, {id}", record.owner, show::plain(&record.name));
        }
        named.push(NamedParent { dataset: id, most_bp });
    }
    Ok(named)
}
