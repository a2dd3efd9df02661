// A lineage as an index has it, as the library's graph.

import { nodeKey } from "../basic.js";
import { DEPTH, addOperator, unknown } from "../graph.js";
import type { Address } from "../types/basic.js";
import type { Graph, GraphEdge, GraphNode, GraphOptions } from "../types/provenance.js";
import { address, addressOrNone, dataset, fields, job, list, model, node } from "./wire.js";

interface Found {
  facts: GraphNode;
  operator: Address | undefined;
}

function entry(value: unknown, market: Address): Found {
  const from = fields(value, "an entry");
  const what = node(from["node"]);
  const facts = unknown(what, 0);
  const record = from["record"];
  if (record === null) return { facts, operator: undefined };
  switch (what.type) {
    case "Dataset": {
      const { record: one } = dataset(record);
      const { owner, terms, name } = one;
      return {
        facts: { ...facts, dataset: one, name: name || undefined, licence: terms.licence, owner },
        operator: undefined,
      };
    }
    case "Model": {
      const { record: one, owner } = model(record);
      return { facts: { ...facts, model: one, name: one.name, licence: one.licence, owner }, operator: undefined };
    }
    case "Job": {
      if (address(fields(record, "a job"), "market") !== market) return { facts, operator: undefined };
      const { name, state, client } = job(record);
      return {
        facts: { ...facts, name, state, owner: client },
        operator: addressOrNone(fields(record, "a job"), "operator"),
      };
    }
  }
}

/** The graph of an answer of `/v1/lineage`. */
export function graph(answer: unknown, market: Address, into: boolean, options: GraphOptions): Graph {
  const from = fields(answer, "a lineage");
  const found = list(from["nodes"], "its nodes").map((one) => entry(one, market));
  const edges: GraphEdge[] = list(from["edges"], "its edges").map((one) => {
    const ends = fields(one, "an edge");
    return { made: nodeKey(node(ends["made"])), from: nodeKey(node(ends["source"])) };
  });
  const root = nodeKey(node(from["root"]));
  const cut = new Set(list(from["cut"], "its cut nodes").map((one) => nodeKey(node(one))));
  const depths = steps(root, edges, into);
  const nodes = new Map<string, GraphNode>();
  for (const { facts } of found) {
    nodes.set(facts.key, { ...facts, depth: depths.get(facts.key) ?? 0, cut: cut.has(facts.key) });
  }
  if (!into && !options.withoutOperators) {
    for (const { facts, operator } of found) {
      const job = nodes.get(facts.key)!;
      if (operator && job.depth < (options.depth ?? DEPTH)) addOperator(nodes, edges, job, operator);
    }
  }
  return { root, nodes: [...nodes.values()], edges, cut: cut.size > 0 };
}

/** Steps from the root, by the shortest way. */
function steps(root: string, edges: readonly GraphEdge[], into: boolean): Map<string, number> {
  const next = new Map<string, string[]>();
  for (const { made, from } of edges) {
    const [here, there] = into ? [from, made] : [made, from];
    next.set(here, [...(next.get(here) ?? []), there]);
  }
  const depths = new Map([[root, 0]]);
  for (const [key, depth] of depths) {
    for (const other of next.get(key) ?? []) if (!depths.has(other)) depths.set(other, depth + 1);
  }
  return depths;
}
