// What exports are made of, read from the chain as of one block.

import { nodeKey } from "../basic.js";
import type { Contracts } from "../contracts.js";
import { AssayError } from "../errors.js";
import { Walk } from "../graph.js";
import { Records } from "../records.js";
import type { Block, Network, Node } from "../types/basic.js";
import type { Contributions, Job } from "../types/market.js";
import type { GraphNode, GraphOptions } from "../types/provenance.js";

/** A job with who contributed to it. */
export interface Trained {
  job: Job;
  contributions: Contributions;
}

/** A node with its record; without one it is not in this registry or market. */
export interface Entry {
  key: string;
  node: Node;
  facts: GraphNode;
  trained: Trained | undefined;
}

/** A part of the provenance graph, around one node: `Provenance` of `crates/export`. */
export interface Provenance {
  network: Network;
  block: Block;
  root: Entry;
  /** Where the dataset or the model at the root is. */
  locations: string[];
  /** The root first, then by distance from it. */
  entries: Map<string, Entry>;
  /** By what was made, then by what it was made from, as `compare` orders them. */
  edges: { made: Node; from: Node }[];
}

const KINDS = ["Dataset", "Model", "Job"];

/** Datasets before models before jobs, each by its id. */
export function compare(one: Node, other: Node): number {
  if (one.type !== other.type) return KINDS.indexOf(one.type) - KINDS.indexOf(other.type);
  if (one.type === "Job" && other.type === "Job" && one.value.market === other.value.market) {
    return Number(one.value.job > other.value.job) - Number(one.value.job < other.value.job);
  }
  const [a, b] = [nodeKey(one), nodeKey(other)];
  return Number(a > b) - Number(a < b);
}

const isNode = (node: GraphNode["node"]): node is Node => node.type !== "Operator";

/** Reads what a node was made from, with what exports say of it. */
export async function readProvenance(
  contracts: Contracts,
  at: Block,
  root: Node,
  options: GraphOptions,
): Promise<Provenance> {
  const { market, registry, chain } = contracts;
  const graph = await new Walk(contracts, at, "made_from", { ...options, withoutOperators: true }).from(root);
  const records = new Records(contracts);
  const entry = async (facts: GraphNode): Promise<Entry[]> => {
    const { key, node } = facts;
    if (!isNode(node)) return [];
    if (node.type !== "Job" || node.value.market !== market.address) return [{ key, node, facts, trained: undefined }];
    const [job, contributions] = await Promise.all([
      records.job(at, node.value.job),
      records.contributions(at, node.value.job),
    ]);
    return [{ key, node, facts, trained: job && contributions && { job, contributions } }];
  };
  const entries = (await Promise.all(graph.nodes.map(entry))).flat();
  const known = new Map(entries.map((one) => [one.key, one]));
  const first = known.get(graph.root);
  if (!first || !(first.facts.dataset || first.facts.model || first.trained)) {
    throw new AssayError("NotFound", `${graph.root} is not on record; check the id and the network`);
  }
  const edges = graph.edges.map(({ made, from }) => ({ made: known.get(made)!.node, from: known.get(from)!.node }));
  edges.sort((one, other) => compare(one.made, other.made) || compare(one.from, other.from));
  const locations = root.type === "Job" ? [] : await registry.ask(at, "locations", { node: root });
  return { network: chain.network, block: at, root: first, locations, entries: known, edges };
}

/** What a node was made from. */
export const sourcesOf = ({ edges }: Provenance, node: Node): Node[] =>
  edges.filter(({ made }) => compare(made, node) === 0).map(({ from }) => from);

/** The job of this market that trained a model, if its record is here. */
export function jobOf({ entries }: Provenance, model: { market: `0x${string}`; job: bigint }): Trained | undefined {
  return entries.get(nodeKey({ type: "Job", value: { market: model.market, job: model.job } }))?.trained;
}
