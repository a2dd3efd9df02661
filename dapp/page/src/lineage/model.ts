// A lineage as the page draws it, put together from one or more answers of the client library.

import type { Graph, GraphEdge, GraphNode, Node } from "@assay/client";
import { cut, short } from "../text";

/** A graph that can grow as a reader walks it. */
export interface Lineage {
  root: string;
  nodes: Map<string, GraphNode>;
  edges: GraphEdge[];
}

/** The lineage of one answer. */
export function lineage(graph: Graph): Lineage {
  return { root: graph.root, nodes: new Map(graph.nodes.map((node) => [node.key, node])), edges: graph.edges };
}

/** A lineage with another answer added to it. */
export function joined(base: Lineage, more: Graph): Lineage {
  const nodes = new Map(base.nodes);
  for (const node of more.nodes) {
    const known = nodes.get(node.key);
    // What is cut in one answer is whole in the other.
    nodes.set(node.key, known ? { ...known, cut: known.cut && node.cut } : node);
  }
  const has = new Set(base.edges.map(({ made, from }) => `${made} ${from}`));
  const added = more.edges.filter(({ made, from }) => !has.has(`${made} ${from}`));
  return { root: base.root, nodes, edges: [...base.edges, ...added] };
}

/** What each node was made from. */
export function sources(edges: readonly GraphEdge[]): Map<string, string[]> {
  const from = new Map<string, string[]>();
  for (const edge of edges) {
    const list = from.get(edge.made);
    if (list) list.push(edge.from);
    else from.set(edge.made, [edge.from]);
  }
  return from;
}

export type Kind = (Node | { type: "Operator" })["type"];

/** A node's kind in a word. */
export const kindName: Record<Kind, string> = {
  Model: "model",
  Dataset: "dataset",
  Job: "job",
  Operator: "operator",
};

/** A node's name, or what stands for it. */
export function title(node: GraphNode): string {
  const { node: what } = node;
  if (what.type === "Job") return `Job ${what.value.job}`;
  if (node.name) return node.name;
  return what.type === "Operator" ? short(what.value) : `${kindName[what.type]} ${short(what.value)}`;
}

/** The smaller line below a node's name. */
export function subtitle(node: GraphNode): string {
  switch (node.node.type) {
    case "Model":
    case "Dataset":
      if (node.dataset?.withdrawnAt !== undefined) return "withdrawn";
      return node.licence ? cut(node.licence, 26) : kindName[node.node.type];
    case "Job":
      return node.state ? node.state.toLowerCase() : "of another market";
    case "Operator":
      return "operator";
  }
}

/** A node in words, for who cannot see the drawing. */
export function spoken(node: GraphNode, from: readonly string[] | undefined, root: boolean): string {
  const parts = [`${kindName[node.node.type]} ${cut(title(node), 60)}`];
  if (node.licence) parts.push(`licence ${cut(node.licence, 60)}`);
  if (root) parts.push("the one that this page is about");
  const count = from?.length ?? 0;
  if (count > 0) parts.push(`made from ${count}`);
  return parts.join(", ");
}
