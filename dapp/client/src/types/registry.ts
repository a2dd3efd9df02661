import type { Address, Amount, Hash, JobId, Node, Seconds } from "./basic.js";

/** On which terms a dataset may be used. */
export interface DatasetTerms {
  /** SPDX licence expression. */
  licence: string;
  /** SHA-256 of the licence's text; there where the expression names a `LicenseRef-`. */
  licenceText: Hash | undefined;
  /** Whether anybody may use it in jobs, without a grant. */
  open: boolean;
  /** What access costs; `undefined` if it is not for sale. */
  price: Amount | undefined;
  /** How long bought access lasts, in seconds; 0 for ever. */
  accessSeconds: bigint;
  /** The owner's share of the payment of each job that uses it, in basis points. */
  royaltyBp: number;
}

/** What the registry knows of a dataset. Name and licence are a stranger's text. */
export interface DatasetRecord {
  owner: Address;
  /** Not unique, and empty if the dataset was withdrawn. */
  name: string;
  /** Bytes of all its files together. */
  bytes: bigint;
  terms: DatasetTerms;
  registeredAt: Seconds;
  /** Block of the registration. */
  block: number;
  /** How many locations are on record. */
  locations: number;
  /** Since when its name and locations are removed for good. */
  withdrawnAt: Seconds | undefined;
}

/** What the registry knows of a model. Name and licence are a stranger's text. */
export interface ModelRecord {
  /** Who got its title when it was registered: the job's client. */
  firstOwner: Address;
  name: string;
  /** SPDX licence expression. */
  licence: string;
  /** Root of the step program that trained it. */
  program: Hash;
  /** State root after the last segment. */
  finalState: Hash;
  /** SHA-256 of the file that readers download. */
  artefact: Hash;
  /** The market that registered it, and the job in that market that trained it. */
  market: Address;
  job: JobId;
  /** Who trained it. */
  operator: Address;
  /** Segments of the job, those drawn for checking, and those replayed and confirmed. */
  segments: number;
  segmentsDrawn: number;
  segmentsChecked: number;
  /** The owner's share of the payment of each job that starts from it, in basis points. */
  royaltyBp: number;
  registeredAt: Seconds;
  block: number;
  locations: number;
}

/** A model in a list. */
export interface ModelSummary {
  id: Hash;
  record: ModelRecord;
}

/** A model with what is said of it elsewhere. */
export interface Model extends ModelSummary {
  /** Who owns its title; `undefined` if that is still with a predecessor of the registry. */
  owner: Address | undefined;
  /** Datasets, parent model and job. */
  madeFrom: Node[];
  /** How many nodes were made from it. */
  madeInto: number;
  statements: number;
  /** URLs on record. Strangers' texts: check the scheme before you link them. */
  locations: string[];
  /** Where it may be fetched: its locations, then its operator's endpoint. */
  places: string[];
}

/** A dataset in a list. */
export interface DatasetSummary {
  id: Hash;
  record: DatasetRecord;
}

/** A dataset with what is said of it elsewhere. */
export interface Dataset extends DatasetSummary {
  /** The hash by which buyers agree to its terms. */
  termsHash: Hash;
  locations: string[];
  madeFrom: Node[];
  madeInto: number;
  /** How many accounts ever had access. */
  grants: number;
  statements: number;
}

/** An account's access to a dataset. */
export interface Grant {
  account: Address;
  /** The last second at which it holds; `FOR_EVER` if it never ends. */
  until: Seconds;
  /** Hash of the terms under which it was given. */
  terms: Hash;
  /** What the account has paid for it, all purchases together. */
  paid: Amount;
  at: Seconds;
}

export type StatementKind = "Evaluation" | "Audit" | "Takedown" | "Note";

/** What an account says of a dataset or a model, for good. */
export interface Statement {
  node: Node;
  author: Address;
  kind: StatementKind;
  text: string;
  /** SHA-256 of a document that shows it. */
  evidence: Hash | undefined;
  at: Seconds;
  block: number;
}
