import { nodeKey } from "./basic.js";
import type { Contracts } from "./contracts.js";
import { AssayError } from "./errors.js";
import { MOST } from "./pages.js";
import type { Address, Block, Hash, Node } from "./types/basic.js";
import type { Graph, GraphEdge, GraphNode, GraphOptions } from "./types/provenance.js";

/** Steps from the root that are taken if nobody says otherwise. */
export const DEPTH = 32;
const LIMIT = 1_000;

type Direction = "made_from" | "made_into";
/** What was read of a node: itself, its neighbours, and the operator of a job. */
interface Visit {
  facts: GraphNode;
  next: Node[];
  more: boolean;
  operator: Address | undefined;
}

/** Walks the provenance graph, breadth first, each node once: rings end, and near nodes come first. */
export class Walk {
  private readonly nodes = new Map<string, GraphNode>();
  private readonly edges: GraphEdge[] = [];
  private readonly depth: number;
  private readonly limit: number;

  constructor(
    private readonly contracts: Contracts,
    private readonly at: Block,
    private readonly direction: Direction,
    private readonly options: GraphOptions,
  ) {
    this.depth = options.depth ?? DEPTH;
    this.limit = Math.max(1, options.limit ?? LIMIT);
  }

  async from(root: Node): Promise<Graph> {
    const key = nodeKey(root);
    let ring: Node[] = [root];
    const known = new Set([key]);
    for (let depth = 0; ring.length > 0; depth++) {
      if (this.options.signal?.aborted) throw new AssayError("Aborted", "the walk was broken off");
      const visits = await Promise.all(ring.map((node) => this.visit(node, depth)));
      for (const { facts } of visits) this.nodes.set(facts.key, facts);
      ring = [];
      for (const visit of visits) ring.push(...this.connect(visit, depth, known));
      this.options.onProgress?.(this.nodes.size);
    }
    const nodes = [...this.nodes.values()];
    return { root: key, nodes, edges: this.edges, cut: nodes.some(({ cut }) => cut) };
  }

  /** Adds a node's edges; the neighbours that are new. */
  private connect({ facts, next, more, operator }: Visit, depth: number, known: Set<string>): Node[] {
    facts.cut = more || (depth >= this.depth && next.length > 0);
    if (depth >= this.depth) return [];
    const fresh: Node[] = [];
    for (const node of next) {
      const key = nodeKey(node);
      if (!known.has(key)) {
        if (known.size >= this.limit) {
          facts.cut = true;
          continue;
        }
        known.add(key);
        fresh.push(node);
      }
      this.edges.push(this.direction === "made_from" ? { made: facts.key, from: key } : { made: key, from: facts.key });
    }
    if (operator && !this.options.withoutOperators) addOperator(this.nodes, this.edges, facts, operator);
    return fresh;
  }

  private async visit(node: Node, depth: number): Promise<Visit> {
    const [{ facts, operator }, { next, more }] = await Promise.all([this.facts(node, depth), this.neighbours(node)]);
    return { facts, operator, next, more };
  }

  private async neighbours(node: Node): Promise<{ next: Node[]; more: boolean }> {
    const next: Node[] = [];
    for (;;) {
      const page = await this.contracts.registry.ask(this.at, this.direction, {
        node,
        offset: next.length,
        limit: MOST,
      });
      next.push(...page.items);
      if (page.items.length === 0 || next.length >= page.total) return { next, more: false };
      if (next.length >= this.limit) return { next, more: true };
    }
  }

  private async facts(node: Node, depth: number): Promise<{ facts: GraphNode; operator?: Address }> {
    const { registry, market, titles } = this.contracts;
    const facts = unknown(node, depth);
    switch (node.type) {
      case "Dataset": {
        const dataset = await registry.ask(this.at, "dataset", { id: node.value });
        const name = dataset?.name || undefined;
        return { facts: { ...facts, dataset, name, licence: dataset?.terms.licence, owner: dataset?.owner } };
      }
      case "Model": {
        const [model, owner] = await Promise.all([
          registry.ask(this.at, "model", { id: node.value }),
          titles.ownerOf(this.at, node.value),
        ]);
        return { facts: { ...facts, model, name: model?.name, licence: model?.licence, owner } };
      }
      case "Job": {
        // Other markets' jobs are only named.
        if (node.value.market !== market.address) return { facts };
        const view = await market.ask(this.at, "job", { job: node.value.job });
        return {
          facts: { ...facts, name: view?.model.name, state: view?.job.state, owner: view?.job.client },
          operator: view?.job.operator,
        };
      }
    }
  }
}

/** Operators are no nodes of the chain's graph, and do not count against its limits. */
export function addOperator(nodes: Map<string, GraphNode>, edges: GraphEdge[], job: GraphNode, operator: Address) {
  const node = { type: "Operator", value: operator } as const;
  const key = nodeKey(node);
  if (!nodes.has(key)) nodes.set(key, { ...unknown(node, job.depth + 1), owner: operator });
  edges.push({ made: job.key, from: key });
}

/** A node of which only its place is known. */
export const unknown = (node: GraphNode["node"], depth: number): GraphNode => ({
  key: nodeKey(node),
  node,
  name: undefined,
  licence: undefined,
  owner: undefined,
  model: undefined,
  dataset: undefined,
  state: undefined,
  depth,
  cut: false,
});

/** The model or dataset of an id; nothing if neither is on record. */
export async function findNode(contracts: Contracts, at: Block, id: Hash): Promise<Node | undefined> {
  const [model, dataset] = await Promise.all([
    contracts.registry.ask(at, "model", { id }),
    contracts.registry.ask(at, "dataset", { id }),
  ]);
  if (model) return { type: "Model", value: id };
  return dataset && { type: "Dataset", value: id };
}
