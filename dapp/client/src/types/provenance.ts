import type { Address, Amount, Block, Hash, JobId, NamedBlock, Node, Seconds } from "./basic.js";
import type { Check, Contributions, Job, JobState } from "./market.js";
import type { DatasetRecord, ModelRecord } from "./registry.js";

/** A node of the lineage graph with what is known of it. */
export interface GraphNode {
  /** `nodeKey(node)`: the same text for the same node. */
  key: string;
  /** An operator is a node too: `{ type: "Operator", value: address }`. */
  node: Node | { type: "Operator"; value: Address };
  /** A stranger's text; `undefined` if it has none. */
  name: string | undefined;
  /** SPDX expression; a model's or a dataset's. */
  licence: string | undefined;
  /** Who owns it now: a model's title, a dataset. */
  owner: Address | undefined;
  /** The record of a model or a dataset; `undefined` for one that is not in this registry. */
  model: ModelRecord | undefined;
  dataset: DatasetRecord | undefined;
  /** State of a job of this deployment's market. */
  state: JobState | undefined;
  /** Steps from the root, by the shortest way. */
  depth: number;
  /** Whether it has edges that were not followed, because of a limit. */
  cut: boolean;
}

/** From what was made to what it was made from, by key. Operators: from the job to its operator. */
export interface GraphEdge {
  made: string;
  from: string;
}

export interface Graph {
  /** Key of the node that it was asked for. */
  root: string;
  nodes: GraphNode[];
  edges: GraphEdge[];
  /** Whether any node is cut. */
  cut: boolean;
}

export interface GraphOptions {
  /** Follow so many edges from the root at most; 32 if left out. */
  depth?: number;
  /** So many nodes at most; 1,000 if left out. */
  limit?: number;
  /** Leave operators out. */
  withoutOperators?: boolean;
  /** Told as nodes come in, to show a graph while it grows. */
  onProgress?: (nodes: number) => void;
  signal?: AbortSignal;
}

/** An owner of a model, oldest first. */
export interface Ownership {
  owner: Address;
  /** Who gave it; `undefined` for the first owner. */
  from: Address | undefined;
  /** When, and in which block. `undefined` if the node no longer has that block's events. */
  block: NamedBlock | undefined;
  at: Seconds | undefined;
}

export interface Owners {
  model: Hash;
  /** Now. */
  owner: Address | undefined;
  history: Ownership[];
  /** Whether the history reaches back to the registration without a gap. */
  complete: boolean;
}

/** A drawn or challenged segment, as readers want it. */
export interface CheckedSegment {
  slot: number;
  segment: number;
  /** Drawn by the seed, or challenged by somebody. */
  why: "drawn" | "challenged";
  verifier: Address;
  check: Check;
  /** Whether somebody replayed it and got the same. */
  confirmed: boolean;
  operatorSeal: Hash | undefined;
  verifierSeal: Hash | undefined;
  trace: Hash | undefined;
  before: Hash | undefined;
  after: Hash | undefined;
}

/** The odds, of 0 to 1, for one extent of cheating. */
export interface CheatOdds {
  falseSegments: number;
  /** That none of the false segments is drawn. */
  unseen: number;
  /** That none is drawn for an honest verifier, if `bribedBp` of the weight is bribed. */
  unseenBribed: number;
  /** The same for a cheat that hides and throws the dice twice (`escapes` in docs/economics.md). */
  escapes: number;
}

/** How a model was checked. */
export interface Verification {
  model: Hash;
  job: JobId;
  /** `undefined` if another market trained it: then only the record's counts are known here. */
  jobRecord: Job | undefined;
  segments: number;
  drawn: number;
  confirmed: number;
  seed: Hash | undefined;
  slots: CheckedSegment[];
  /** Verifiers with the segments that each confirmed. */
  verifiers: { verifier: Address; segments: number[] }[];
  /** Share of bribed weight that `unseenBribed` and `escapes` are for, in basis points. */
  bribedBp: number;
  /** For 1 segment, a tenth, half and all of the segments, and those of the job's policy. */
  odds: CheatOdds[];
  /** The command that checks it again. */
  auditCommand: string;
}

/** Who contributed to a model, and its job's state. */
export interface JobContributions extends Contributions {
  job: JobId;
  state: JobState;
  /** Segments that the operator trained. */
  segments: number;
  /** What the job holds still. */
  held: Amount;
}

/** A change of a job's state, oldest first. */
export interface JobMove {
  state: JobState;
  /** Until when the new state might last. */
  deadline: Seconds;
  block: NamedBlock;
  at: Seconds;
}

/** Events from the past. */
export interface History<T> {
  items: T[];
  /** Whether nothing is missing: the node still had all blocks since the deployment. */
  complete: boolean;
}

/**
 * A form that other tools read: W3C PROV of any node (PROV-JSON, JSON-LD), Croissant of a dataset, an in-toto statement of a
 * model, a model card, a drawing of any node's lineage. `docs/exports.md` describes each.
 */
export type ExportForm = "prov" | "prov-ld" | "croissant" | "statement" | "card" | "svg";

/** A provenance in one of these forms: what `assay export` writes of the same block. */
export interface Export {
  text: string;
  mediaType: string;
  /** What a file's name ends with, such as `prov.json`. */
  ending: string;
  /** The block as of which it is. */
  block: Block;
  /** Whether a limit kept a part of the lineage out of it. */
  cut: boolean;
}
