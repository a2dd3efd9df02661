// A dataset as MLCommons Croissant 1.0, JSON-LD, without its files, which the chain does not know:
// `crates/export/src/croissant.rs`.

import type { Hash } from "../types/basic.js";
import { type Json } from "./json.js";
import { type Provenance, sourcesOf } from "./provenance.js";
import { isWebUrl, timestamp, visible } from "./text.js";

const OWN_TERMS = [
  "column extract field fileProperty fileObject fileSet format includes isLiveDataset jsonPath key md5 parentField",
  "path recordSet references regex repeated replace separator source subField transform",
].flatMap((terms) => terms.split(" "));

/** The context that Croissant 1.0 prescribes. */
const CONTEXT: Json = {
  "@language": "en",
  "@vocab": "https://schema.org/",
  cr: "http://mlcommons.org/croissant/",
  rai: "http://mlcommons.org/croissant/RAI/",
  sc: "https://schema.org/",
  dct: "http://purl.org/dc/terms/",
  conformsTo: "dct:conformsTo",
  data: { "@id": "cr:data", "@type": "@json" },
  dataType: { "@id": "cr:dataType", "@type": "@vocab" },
  examples: { "@id": "cr:examples", "@type": "@json" },
  citeAs: "cr:citeAs",
  ...Object.fromEntries(OWN_TERMS.map((term) => [term, `cr:${term}`])),
};

/** The page of a licence on SPDX's list, or the expression itself if it is not one name. */
const licence = (expression: string) =>
  /^(?!LicenseRef-)[A-Za-z0-9.-]+$/.test(expression)
    ? `https://spdx.org/licenses/${expression}.html`
    : visible(expression);

/** The dataset at the root. */
export function croissant(provenance: Provenance): Json | undefined {
  const { network, root, locations } = provenance;
  const { dataset } = root.facts;
  if (root.node.type !== "Dataset" || !dataset) return undefined;
  const id = root.node.value;
  const { registry } = network.deployment;
  const urn = (id: Hash) => `urn:assay:${network.genesis}:dataset:${id}`;
  const parents = sourcesOf(provenance, root.node).flatMap((source) =>
    source.type === "Dataset" ? [{ "@type": "sc:Dataset", identifier: urn(source.value) }] : [],
  );
  return {
    "@context": CONTEXT,
    "@type": "sc:Dataset",
    conformsTo: "http://mlcommons.org/croissant/1.0",
    name: dataset.name === "" ? `withdrawn dataset ${id}` : visible(dataset.name),
    description:
      `Dataset ${id} of ${dataset.bytes} bytes on record in registry ${registry.address} of the chain ` +
      `${visible(network.name)} since block ${dataset.block}. Its id is the hash of the manifest that lists the ` +
      "SHA-256 of every file.",
    identifier: urn(id),
    url: locations.find(isWebUrl) ?? urn(id),
    license: licence(dataset.terms.licence),
    // What a hash names never changes.
    version: "1.0.0",
    creator: { "@type": "sc:Organization", name: `account ${dataset.owner}` },
    isAccessibleForFree: dataset.terms.open && dataset.terms.price === undefined,
    citeAs: `Dataset ${id}, registry ${registry.address}, chain ${network.genesis}`,
    datePublished: timestamp(dataset.registeredAt),
    isBasedOn: parents.length > 0 ? parents : undefined,
  };
}
