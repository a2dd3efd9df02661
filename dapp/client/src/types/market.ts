import type { Address, Amount, Hash, JobId, Node, Seconds } from "./basic.js";

/** Where a job is in its life; `docs/market.md` explains each state. */
export type JobState =
  | "Open"
  | "Claimed"
  | "Committed"
  | "Drawn"
  | "Opened"
  | "Attested"
  | "Window"
  | "Disputed"
  | "Ruling"
  | "Final"
  | "Failed"
  | "Void"
  | "Cancelled";

/** What is known of a drawn segment. */
export type Check =
  | "Drawn"
  | "Opened"
  | "Sealed"
  | "Passed"
  | "Mismatched"
  | "Unserved"
  | "Upheld"
  | "Refuted"
  | "Idle"
  | "Challenged"
  | "Undecided";

/** How long each state of a job may last, in seconds of chain time. */
export interface Windows {
  claim: number;
  train: number;
  secrets: number;
  open: number;
  attest: number;
  reveal: number;
  dispute: number;
}

/** The cheat that a job's stake has to make unprofitable. */
export interface Policy {
  /** What a false model is worth to whoever cheats; 0 asks nothing of the stake. */
  gain: Amount;
  falseSegments: number;
  /** Share of the draw's weight that the cheat has bribed, in basis points. */
  bribedBp: number;
}

/** What a client fixes when it posts a job. */
export interface Terms {
  /** SHA-256 of the specification. */
  spec: Hash;
  /** Hash of the step program. */
  program: Hash;
  segments: number;
  /** For the operator. */
  payment: Amount;
  /** For the verifiers of the drawn segments together. */
  fee: Amount;
  /** What the operator locks. */
  stake: Amount;
  /** For what the operator may hand the job back. */
  handBack: Amount;
  /** The least that an enlisted verifier locks. */
  bond: Amount;
  /** Segments that are drawn for checking. */
  samples: number;
  /** Verifiers that decide a dispute. */
  panel: number;
  /** The client's sealed secret. */
  sealedSecret: Hash;
  policy: Policy;
  windows: Windows;
}

/** What the model of a job will be registered as. */
export interface ModelTerms {
  name: string;
  licence: string;
  /** Model that training starts from. */
  parent: Hash | undefined;
  royaltyBp: number;
}

/** What the owner of an input gets of a job's payment. */
export interface Royalty {
  node: Node;
  to: Address;
  shareBp: number;
}

/** A job in a list. */
export interface JobSummary {
  id: JobId;
  client: Address;
  state: JobState;
  /** Until when the state may last; 0 in a job that has ended. */
  deadline: Seconds;
  operator: Address | undefined;
}

/** Where a job stands. */
export interface JobStanding {
  client: Address;
  state: JobState;
  /** Until when the state may last; 0 in a job that has ended. */
  deadline: Seconds;
  postedAt: Seconds;
  /** The operator that claimed it last. */
  operator: Address | undefined;
  /** Operators that have claimed it. */
  attempts: number;
  /** Draws so far. */
  rounds: number;
  /** Verifiers that are enlisted, and those that have revealed their secret. */
  enlisted: number;
  revealed: number;
  /** The whole weight of a draw. */
  revealedStake: Amount;
  secrets: Hash;
  clientSecret: Hash | undefined;
  drawBlock: number | undefined;
  /** Zero before the draw. */
  seed: Hash;
  /** Drawn slots whose leaves are open. */
  opened: number;
  disputed: number | undefined;
  challenges: number;
  /** Demands that are open. */
  demands: number;
  payments: number;
  /** What the job still holds. */
  held: Amount;
}

/** One drawn or challenged segment. The first `terms.samples` are drawn, later ones challenged. */
export interface Slot {
  /** The segment, between the boundaries `segment` and `segment + 1`. */
  segment: number;
  /** Who checks it, or has challenged it. */
  verifier: Address;
  check: Check;
  /** State roots before and after it, once opened. */
  before: Hash | undefined;
  after: Hash | undefined;
  operatorSeal: Hash | undefined;
  verifierSeal: Hash | undefined;
  /** The operator's trace root, once revealed. */
  trace: Hash | undefined;
}

export interface Dispute {
  slot: number;
  insisted: boolean;
  round: number;
  windowLeft: number;
  seats: number;
  salt: Hash;
  sealed: number;
  revealed: number;
}

/** What a panellist found. */
export type Outcome =
  | { type: "Replayed"; value: { state: Hash; trace: Hash; salted: Hash } }
  | "Unavailable"
  | { type: "FalseEnds"; value: { initialState: Hash; artefact: Hash } };

export interface Seat {
  verifier: Address;
  seal: Hash | undefined;
  outcome: Outcome | undefined;
}

/** What is demanded of an operator on chain. */
export type Wanted =
  | { type: "Leaf"; value: { boundary: number; tensor: number; chunk: number } }
  | { type: "Boundary"; value: { index: number } };

/** A demand that nobody has answered yet. */
export interface Demand {
  number: number;
  by: Address;
  wanted: Wanted;
  state: Hash | undefined;
  bond: Amount;
  deadline: Seconds;
}

/** A job with all that the chain holds of it. */
export interface Job {
  id: JobId;
  terms: Terms;
  model: ModelTerms;
  datasets: Hash[];
  job: JobStanding;
  royalties: Royalty[];
  /** What the operator committed to, and in which block. */
  commitment: { root: Hash; block: number } | undefined;
  /** The ends of the commitment, once open. */
  ends: { initialState: Hash; finalState: Hash; artefact: Hash } | undefined;
  dispute: Dispute | undefined;
  /** The model, once registered. */
  modelId: Hash | undefined;
  slots: Slot[];
  seats: Seat[];
  demands: Demand[];
}

/** Why a sum was credited or taken. */
export type Reason =
  | "Payment"
  | "Fee"
  | "Refund"
  | "Reward"
  | "Unstaked"
  | "Burned"
  | "Convicted"
  | "Late"
  | "Absent"
  | "Idle"
  | "Wrong"
  | "HandedBack"
  | "Unavailable"
  | "Royalty"
  | "Seat"
  | "Bond";

/** One credit that a job gave. */
export interface Paid {
  account: Address;
  reason: Reason;
  amount: Amount;
  node: Node | undefined;
}

/** Who contributed what to a job, and what each was paid. */
export interface Contributions {
  /** Owners of data and of the parent model. */
  data: { node: Node; owner: Address; shareBp: number; paid: Amount }[];
  compute: { operator: Address; paid: Amount } | undefined;
  verification: { verifier: Address; segments: number; seats: number; paid: Amount }[];
  /** Paid to verifiers beyond those listed. */
  verificationMore: Amount;
  challengers: Amount;
  /** Bonds that were given back. */
  bonds: Amount;
  /** What the client got back. */
  refund: Amount;
  burned: Amount;
  /** All of the above. */
  total: Amount;
}

export type Role = "Operator" | "Verifier";

/** An operator's or a verifier's standing. */
export interface Standing {
  /** Stake, the locked part included and the unbonding part not. */
  stake: Amount;
  locked: Amount;
  unbonding: Amount;
  unbondsAt: Seconds;
  /** Jobs done (operator) or segments checked (verifier). */
  done: number;
  /** Jobs lost (operator) or disputes lost (verifier). */
  lost: number;
  /** Jobs late or handed back (operator) or turns not done (verifier). */
  missed: number;
  /** Where its content is served; empty for none. A stranger's text. */
  endpoint: string;
}

/** What an operator asks of a job. It binds nobody. */
export interface Offer {
  minPayment: Amount;
  paymentPerSegment: Amount;
  maxStake: Amount | undefined;
  maxDataBytes: bigint;
  maxSteps: bigint;
  maxDiskBytes: bigint;
  maxMemoryBytes: bigint;
  maxJobs: number;
  minTrainSeconds: number;
  minWindowSeconds: number;
  /** A stranger's text. */
  note: string;
}

/** Somebody who stakes, in a list. */
export interface StakedAccount {
  account: Address;
  standing: Standing;
}

export interface Operator extends StakedAccount {
  offer: Offer | undefined;
}

export type Verifier = StakedAccount;

/** What was fixed when the market was deployed. */
export interface Rules {
  registry: Address;
  /** The longest window that a job may have, in seconds. */
  longestWindow: number;
  /** How long stake that is taken back waits, in seconds. */
  unbonding: number;
}
