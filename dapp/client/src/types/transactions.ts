import type { PolkadotSigner } from "polkadot-api";
import type { Address, Amount, Block, Hash, JobId } from "./basic.js";
import type { ContractEvent } from "./client.js";
import type { ModelTerms, Terms } from "./market.js";

/** Who signs: an injected wallet's account, or a development account. */
export interface Signer {
  /** SS58 with the network's prefix, or the generic one. */
  ss58: string;
  /** By which contracts know it. */
  address: Address;
  /** As the wallet calls it; a stranger's text. */
  name: string | undefined;
  signer: PolkadotSigner;
}

/** What a transaction would do and cost, at the newest finalised block. */
export interface Estimate<T> {
  /** What the contract would answer. */
  output: T;
  /** What is sent along. */
  value: Amount;
  /** From above: what is not used is refunded. */
  fee: Amount;
  /** Put down for storage; negative if it comes back. */
  deposit: Amount;
  /** The most that the account could have less afterwards. */
  total: Amount;
  /** What the account has to spend. */
  spendable: Amount;
  /** Whether `spendable` is enough. */
  affordable: boolean;
  /** Whether the account signs twice: once so that contracts can know it, for `mappingCost`. */
  needsMapping: boolean;
  /** Fee and deposit of the mapping; part of `total`. */
  mappingCost: Amount;
}

export type Progress =
  { step: "mapping" } | { step: "signing" } | { step: "sent"; hash: Hash } | { step: "included"; block: Block };

/** A transaction that is in a finalised block and did what it should. */
export interface Receipt<T> {
  output: T;
  hash: Hash;
  block: Block;
  /** What was paid for it. */
  fee: Amount;
  events: ContractEvent[];
}

/** A message to a contract that somebody may sign. */
export interface Transaction<T> {
  /** In words, for a confirmation; names in it are strangers' texts. */
  description: string;
  /**
   * Tries it without signing anything.
   * @throws AssayError `Refused` with the contract's own reason.
   */
  estimate(account: Address | Signer): Promise<Estimate<T>>;
  /** Tries it, signs it and waits until it is in a finalised block. */
  submit(signer: Signer, onProgress?: (progress: Progress) => void): Promise<Receipt<T>>;
}

/** What a job to post is like: its terms, and what it is about. `jobLike` fills most of it from a job on chain. */
export interface JobDraft extends Omit<Terms, "spec" | "sealedSecret"> {
  model: ModelTerms;
  datasets: Hash[];
  /** The encoded specification, which compiles to `program`. */
  spec: Uint8Array;
  /**
   * The most that the owners of all inputs may get together, in basis points of the payment: they may raise their
   * royalties until the job is posted.
   */
  mostRoyaltiesBp: number;
}

/** A secret for a job's draw. Keep it: who posts a job reveals it after the commitment. */
export interface Secret {
  secret: Hash;
  sealed: Hash;
}

/** What terms are worth. */
export interface Economics {
  /** Share of bribed weight that the odds are for, in basis points. */
  bribedBp: number;
  /** For 1 segment, a tenth, half and all of the segments, and those of the policy. */
  odds: {
    falseSegments: number;
    unseen: number;
    unseenBribed: number;
    secondThrow: number;
    /** Its share of the payment. */
    gain: Amount;
    /** The stake at which that gain does not pay; `undefined` if none is enough. */
    leastStake: Amount | undefined;
  }[];
  /** The stake that the policy asks for, below which the market refuses; `undefined` if none is enough. */
  asked: Amount | undefined;
  /** The stake at which none of these cheats pays; `undefined` if none is enough. */
  leastStake: Amount | undefined;
}

/** What `economics` is asked about. */
export type EconomicsRequest = Pick<Terms, "segments" | "samples" | "panel" | "payment" | "policy">;

/** What `postJob` answers. */
export interface PostedJob {
  job: JobId;
}
