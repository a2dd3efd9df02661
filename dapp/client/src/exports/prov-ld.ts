// W3C PROV as JSON-LD, in the terms of PROV-O: `crates/export/src/prov_ld.rs`.

import type { Json } from "./json.js";
import { prov } from "./prov.js";
import type { Provenance } from "./provenance.js";

type Fields = { [name: string]: Json | undefined };

/** Kinds of elements, and their classes. */
const CLASSES = [
  ["entity", "prov:Entity"],
  ["activity", "prov:Activity"],
  ["agent", "prov:Agent"],
] as const;

/** Relations that are properties of the same name: from what, to what. */
const RELATIONS = [
  ["wasAttributedTo", "prov:entity", "prov:agent"],
  ["wasAssociatedWith", "prov:activity", "prov:agent"],
  ["wasGeneratedBy", "prov:entity", "prov:activity"],
  ["wasDerivedFrom", "prov:generatedEntity", "prov:usedEntity"],
  ["used", "prov:activity", "prov:entity"],
] as const;

const fields = (value: Json | undefined) => (value ?? {}) as Fields;
const byName = <T>([one]: [string, T], [other]: [string, T]) => (one < other ? -1 : 1);

/** A provenance as a JSON-LD document that says what its words mean by itself. */
export function provLd(provenance: Provenance): Json {
  const parts = fields(prov(provenance));
  const nodes = new Map<string, Fields>();
  for (const [kind, type] of CLASSES) {
    for (const [id, attributes] of Object.entries(fields(parts[kind]))) {
      nodes.set(id, element(id, type, fields(attributes)));
    }
  }
  for (const [kind, from, to] of RELATIONS) {
    const ends = Object.values(fields(parts[kind])).map((value): [string, string, Json | undefined] => {
      const relation = fields(value);
      return [String(relation[from]), String(relation[to]), fields(relation["prov:role"])["$"]];
    });
    const sorted = ends.map((end): [string, typeof end] => [end.join(" "), end]).sort(byName);
    for (const [, [from, to, role]] of sorted) {
      const node = nodes.get(from) ?? { "@id": from };
      nodes.set(from, node);
      const other = { "@id": to };
      add(node, `prov:${kind}`, other);
      if (role !== undefined) {
        const association = { "@type": "prov:Association", "prov:agent": other, "prov:hadRole": { "@id": role } };
        add(node, "prov:qualifiedAssociation", association);
      }
    }
  }
  return {
    "@context": {
      ...fields(parts["prefix"]),
      prov: "http://www.w3.org/ns/prov#",
      rdfs: "http://www.w3.org/2000/01/rdf-schema#",
    },
    "@graph": [...nodes].sort(byName).map(([, node]) => node),
  };
}

function element(id: string, type: string, attributes: Fields): Fields {
  const node: Fields = { "@id": id, "@type": [type] };
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined) continue;
    const typed = typeof value === "object" ? fields(value) : undefined;
    if (name === "prov:type") node["@type"] = [type, typed?.["$"] as Json];
    else if (name === "prov:label") node["rdfs:label"] = value;
    else if (name === "prov:startTime") node["prov:startedAtTime"] = { "@type": "xsd:dateTime", "@value": value };
    else node[name] = typed ? { "@type": typed["type"], "@value": typed["$"] } : value;
  }
  return node;
}

/** Adds a value to a property, once. */
function add(node: Fields, property: string, value: Json) {
  const values = (node[property] ??= []) as Json[];
  if (!values.some((other) => JSON.stringify(other) === JSON.stringify(value))) values.push(value);
}
