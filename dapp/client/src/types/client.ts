import type { MarketEvents } from "../generated/market.js";
import type { RegistryEvents } from "../generated/registry.js";
import type {
  Address,
  Amount,
  Block,
  Hash,
  JobId,
  Network,
  Node,
  Page,
  PageRequest,
  Seconds,
  Status,
  Unsubscribe,
} from "./basic.js";
import type { Job, JobSummary, Operator, Paid, Role, Rules, StakedAccount, Standing, Verifier } from "./market.js";
import type { Export, ExportForm, Graph, GraphOptions, History, JobContributions, JobMove, Owners, Verification } from "./provenance.js";
import type { Dataset, DatasetSummary, Grant, Model, ModelSummary, Statement } from "./registry.js";
import type { JobDraft, PostedJob, Secret, Signer, Transaction } from "./transactions.js";

/** Titles follow ERC-721. */
export interface TitlesEvents {
  /** From the zero address: the title was issued. */
  Transfer: { from: Address; to: Address; token: Hash };
  Approval: { owner: Address; approved: Address; token: Hash };
  ApprovalForAll: { owner: Address; operator: Address; approved: boolean };
  RegistryBound: { registry: Address };
}

type EventsOf<C, E> = { [N in keyof E]: { contract: C; name: N; fields: E[N]; block: Block; at: Seconds } }[keyof E];

/** An event of one of the three contracts, by the contract's own names; fields are in camel case. */
export type ContractEvent =
  EventsOf<"market", MarketEvents> | EventsOf<"registry", RegistryEvents> | EventsOf<"titles", TitlesEvents>;

/** What an account has and does. */
export interface Account {
  address: Address;
  /** The account of the chain behind the address, if one is mapped to it. */
  ss58: string | undefined;
  /** What it can spend. */
  balance: Amount;
  /** What it can withdraw from the market and the registry. */
  marketCredit: Amount;
  registryCredit: Amount;
  operator: Standing | undefined;
  verifier: Standing | undefined;
}

/** Something that a search found. */
export type Found =
  | { type: "model"; id: Hash; name: string }
  | { type: "dataset"; id: Hash; name: string }
  | { type: "job"; id: JobId; name: string }
  | { type: "operator" | "verifier" | "account"; address: Address };

export interface SearchResult {
  items: Found[];
  /** Whether all records were looked at; names are looked for among the newest 1,000 only. */
  complete: boolean;
}

/**
 * Assay's records on one chain. Whatever is read is read at the newest finalised block. Texts that come from the
 * chain are strangers' texts, plain strings that nobody has made safe for anything.
 *
 * Reads throw `AssayError`; what is not on record is `undefined`.
 */
export interface Client {
  readonly network: Network;

  // Connection.

  readonly status: Status;
  onStatus(listener: (status: Status) => void): Unsubscribe;
  /** Called with the newest finalised block, and again with each that follows. */
  onBlock(listener: (block: Block) => void): Unsubscribe;
  /** Called with each event of the contracts in blocks that are finalised from now on, in order. */
  onEvent(listener: (event: ContractEvent) => void, onError?: (error: Error) => void): Unsubscribe;
  /** Chain time. */
  now(): Promise<Seconds>;
  close(): void;

  // Lists, newest first.

  models(page?: PageRequest): Promise<Page<ModelSummary>>;
  datasets(page?: PageRequest): Promise<Page<DatasetSummary>>;
  jobs(page?: PageRequest): Promise<Page<JobSummary>>;
  operators(page?: PageRequest): Promise<Page<StakedAccount>>;
  verifiers(page?: PageRequest): Promise<Page<StakedAccount>>;

  // Records.

  model(id: Hash): Promise<Model | undefined>;
  dataset(id: Hash): Promise<Dataset | undefined>;
  job(id: JobId): Promise<Job | undefined>;
  operator(account: Address): Promise<Operator | undefined>;
  verifier(account: Address): Promise<Verifier | undefined>;
  account(address: Address): Promise<Account>;
  rules(): Promise<Rules>;

  // Provenance.

  /** What a model or dataset was made from, all the way up. */
  provenance(root: Hash | Node, options?: GraphOptions): Promise<Graph>;
  /** What was made from it, all the way down. */
  descendants(root: Hash | Node, options?: GraphOptions): Promise<Graph>;
  /** What was made from a node, one step, newest first. */
  children(node: Node, page?: PageRequest): Promise<Page<Node>>;
  parents(node: Node, page?: PageRequest): Promise<Page<Node>>;
  /** What a node was made from, in a form that other tools read. Croissant comes without the dataset's files. */
  export(form: ExportForm, root: Hash | Node, options?: GraphOptions): Promise<Export>;
  owners(model: Hash): Promise<Owners>;
  verification(model: Hash): Promise<Verification | undefined>;
  contributions(job: JobId): Promise<JobContributions | undefined>;
  payments(job: JobId, page?: PageRequest): Promise<Page<Paid>>;
  grants(dataset: Hash, page?: PageRequest): Promise<Page<Grant>>;
  /** An account's access to a dataset, be it over or not. */
  grant(dataset: Hash, account: Address): Promise<Grant | undefined>;
  statements(about: Node, page?: PageRequest): Promise<Page<Statement>>;
  statementsBy(author: Address, page?: PageRequest): Promise<Page<Statement>>;
  /** How a job came to where it is. */
  jobHistory(job: JobId): Promise<History<JobMove>>;
  /** Past events of the contracts, oldest first, as far as the node has them. */
  events(filter?: (event: ContractEvent) => boolean): Promise<History<ContractEvent>>;
  /** Jobs that have not ended in which an account is operator or client, newest first. */
  liveJobs(account: Address, as: Role | "Client"): Promise<JobSummary[]>;
  /** Finds models and datasets by id or part of the name, jobs by number (`job:3` or `3`), accounts by address. */
  search(text: string): Promise<SearchResult>;

  // Transactions: tried with `estimate`, signed with `submit`.

  transferModel(model: Hash, to: Address): Promise<Transaction<void>>;
  /** On the terms that the dataset has now. */
  buyAccess(dataset: Hash): Promise<Transaction<void>>;
  /** What a job on chain was posted with, to post one like it. */
  jobLike(job: JobId): Promise<JobDraft | undefined>;
  /** A fresh secret for a job's draw, sealed by the account that will post the job. */
  newSecret(by: Address): Secret;
  /** `secret` must be sealed by the account that signs, and be kept until it is revealed. */
  postJob(draft: JobDraft, secret: Secret): Transaction<PostedJob>;
  revealSecret(job: JobId, secret: Hash): Transaction<void>;
  /** Moves a job on whose state may last no longer. */
  advance(job: JobId): Transaction<void>;
  cancel(job: JobId): Transaction<void>;
  /** Sends out what the market, or the registry, has credited to the signer. */
  withdraw(from: "market" | "registry"): Transaction<Amount>;
  /** The account of a well-known key, such as `//Alice`. Refused on a chain that is no development chain. */
  developmentSigner(suri: string): Signer;
}
