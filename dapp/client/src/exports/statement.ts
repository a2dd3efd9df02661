// An in-toto Statement v1 that binds the SHA-256 of a model's file to the chain's record, as SLSA Provenance v1:
// `crates/export/src/intoto.rs`. It is unsigned: the chain is what vouches for it.

import type { Json } from "./json.js";
import { type Provenance, jobOf, sourcesOf } from "./provenance.js";
import { isWebUrl, timestamp, visible } from "./text.js";

const BUILD_TYPE = "urn:assay:build:training-job:v1";

/** Hex digits without `0x`, as everybody else writes SHA-256. */
const bare = (hash: string) => hash.replace(/^0x/, "");

/** The statement of the model at the root. */
export function statement(provenance: Provenance): Json | undefined {
  const { network, root, locations } = provenance;
  const { model } = root.facts;
  if (root.node.type !== "Model" || !model) return undefined;
  const id = root.node.value;
  const urn = (rest: string) => `urn:assay:${network.genesis}:${rest}`;
  const dependencies = sourcesOf(provenance, root.node).flatMap((source): Json[] => {
    // The hash of a manifest and that of program and state, which are no file's.
    if (source.type === "Dataset") {
      return [{ uri: urn(`dataset:${source.value}`), digest: { assayManifest: bare(source.value) } }];
    }
    if (source.type === "Model")
      return [{ uri: urn(`model:${source.value}`), digest: { assayModel: bare(source.value) } }];
    return [];
  });
  const job = jobOf(provenance, model)?.job;
  return {
    _type: "https://in-toto.io/Statement/v1",
    subject: [
      {
        name: `model-${id}.safetensors`,
        digest: { sha256: bare(model.artefact) },
        downloadLocation: locations.find(isWebUrl),
      },
    ],
    predicateType: "https://slsa.dev/provenance/v1",
    predicate: {
      buildDefinition: {
        buildType: BUILD_TYPE,
        externalParameters: { specification: job ? bare(job.terms.spec) : null, program: bare(model.program) },
        internalParameters: {
          chain: {
            genesis: network.genesis,
            network: visible(network.name),
            registry: network.deployment.registry.address,
            market: model.market,
            titles: network.deployment.titles.address,
            registeredInBlock: model.block,
          },
          record: {
            model: id,
            name: visible(model.name),
            licence: visible(model.licence),
            job: model.job,
            operator: model.operator,
            firstOwner: model.firstOwner,
            finalState: model.finalState,
            commitment: job?.commitment?.root ?? null,
            segments: model.segments,
            segmentsDrawn: model.segmentsDrawn,
            segmentsChecked: model.segmentsChecked,
          },
        },
        resolvedDependencies: dependencies,
      },
      runDetails: {
        builder: { id: urn(`account:${model.operator}`) },
        metadata: {
          invocationId: urn(`job:${model.market}:${model.job}`),
          startedOn: job && timestamp(job.job.postedAt),
          finishedOn: timestamp(model.registeredAt),
        },
      },
    },
  };
}
