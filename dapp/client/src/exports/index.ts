// A record's provenance in forms that other tools read: the same documents as `assay export` writes.

import type { Contracts } from "../contracts.js";
import { AssayError } from "../errors.js";
import type { Block, Node } from "../types/basic.js";
import type { Export, ExportForm, GraphOptions } from "../types/provenance.js";
import { card } from "./card.js";
import { croissant } from "./croissant.js";
import { document } from "./json.js";
import { prov } from "./prov.js";
import { provLd } from "./prov-ld.js";
import { type Provenance, readProvenance } from "./provenance.js";
import { statement } from "./statement.js";
import { svg } from "./svg.js";

interface Form {
  /** What it describes, where that is not any node. */
  of?: "model" | "dataset";
  mediaType: string;
  /** What a file's name ends with. */
  ending: string;
  write: (provenance: Provenance) => string | undefined;
}

const inJson =
  (write: (provenance: Provenance) => Parameters<typeof document>[0] | undefined) =>
  (provenance: Provenance): string | undefined => {
    const json = write(provenance);
    return json === undefined ? undefined : document(json);
  };

const FORMS: Record<ExportForm, Form> = {
  prov: { mediaType: "application/json", ending: "prov.json", write: inJson(prov) },
  "prov-ld": { mediaType: "application/ld+json", ending: "prov.jsonld", write: inJson(provLd) },
  croissant: {
    of: "dataset",
    mediaType: "application/ld+json",
    ending: "croissant.json",
    write: inJson(croissant),
  },
  statement: {
    of: "model",
    mediaType: "application/vnd.in-toto+json",
    ending: "intoto.json",
    write: inJson(statement),
  },
  card: { of: "model", mediaType: "text/markdown; charset=utf-8", ending: "md", write: card },
  svg: { mediaType: "image/svg+xml", ending: "svg", write: svg },
};

/** Writes a provenance in a form. */
export function written(form: ExportForm, provenance: Provenance): Export {
  const { of, mediaType, ending, write } = FORMS[form];
  const { root, block, entries } = provenance;
  const kind = root.node.type.toLowerCase();
  if (of !== undefined && kind !== of) {
    throw new AssayError("BadInput", `${form} describes a ${of}, and this is a ${kind}`);
  }
  const text = write(provenance);
  if (text === undefined) throw new AssayError("NotFound", `${root.key} has no record of its own here`);
  const cut = [...entries.values()].some(({ facts }) => facts.cut);
  return { text, mediaType, ending, block, cut };
}

/** Reads a node's provenance and writes it in a form. */
export async function exported(
  contracts: Contracts,
  at: Block,
  form: ExportForm,
  root: Node,
  options: GraphOptions,
): Promise<Export> {
  return written(form, await readProvenance(contracts, at, root, options));
}
