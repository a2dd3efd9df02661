import { toHex } from "./basic.js";
import type { Refusal } from "./errors.js";
import type { Token } from "./types/basic.js";

type Words = string | ((value: any, token: Token) => string);

/** A contract's reasons in words that say what to do: those that a reader's messages can meet. */
const WORDS: Record<string, Words> = {
  // The registry's.
  UnknownDataset: (id) => `dataset ${id} is not registered here; check the id and the network`,
  UnknownModel: (id) => `model ${id} is not registered here; check the id and the network`,
  NotOwner: "only the owner may do this; sign with the owner's account",
  Withdrawn: (id) => `dataset ${id} is withdrawn; no new job may use it`,
  NoGrant: (id) => `this account may not use dataset ${id}; buy access to it, or ask its owner`,
  NotForSale: "access to this dataset is not for sale; ask its owner",
  TermsDiffer: "the dataset's terms have changed; read them again before you agree",
  HasAccess: "this account has access for ever already",
  NothingToWithdraw: "there is nothing to withdraw",
  TransferFailed: "the transfer to the account failed; it can be tried again, nothing was lost",
  // The market's.
  UnknownJob: "the market has no job of this number",
  WrongState: (state) => `the job is ${state}, and this is for another state`,
  DeadlinePassed: "too late: the deadline has passed; moving the job on is all that can be done",
  TooEarly: ({ deadline, now }) => `too early: the state may last ${deadline - now} s more by chain time`,
  DrawBlockPending: (block) => `the draw waits for the end of block ${block}; try again in the next block`,
  NotClient: "only the client that posted the job may do this",
  WrongSecret: "this is not the secret that the account sealed for this job",
  AlreadyRevealed: "the secret is revealed already; nothing is left to do",
  DemandOpen: ({ until }) => `a demand is open until ${until}; the job cannot end before`,
  WrongValue: ({ expected, sent }, token) => `the value must be ${token.format(expected)}, not ${token.format(sent)}`,
  BadTerms: (terms, token) => `bad terms: ${reasonOf(terms, token)}`,
  Registry: (error, token) => `the registry refuses: ${reasonOf(error, token)}`,
  // Of the terms.
  SpecLength: "the specification is empty or too long",
  Segments: "the job has no segments, or too many",
  Samples: "samples must be 1 to 16 and not more than the segments",
  Panel: "a panel must have 2 to 9 verifiers",
  Window: "each window must last from 1 second to the market's longest window",
  Amount: "payment, fee and stake must be above zero, and the bond at least 10 units",
  Model: "the model's name or licence is not one that the registry takes",
  Stake: ({ least }, token) =>
    least === undefined
      ? "no stake is enough for the job's policy; draw more segments, or change it"
      : `the job's policy asks for a stake of at least ${token.format(least)}`,
  HandBack: "handing the job back must not cost more than a tenth of the stake",
  Royalties: "the royalties of all inputs together are more than the whole payment; use other inputs",
  Policy: "the policy has more false segments than there are, or more bribed than all",
  // The titles', as ERC-721 names them.
  ERC721NonexistentToken: "the model has no title here",
  ERC721InsufficientApproval: "the account may not transfer this model; sign with its owner's account",
  ERC721IncorrectOwner: "the account does not own this model any more; load it again",
  ERC721InvalidReceiver: "the receiver is no account that takes titles; check the address",
};

/** `NotAdmin` as "not admin", with whatever comes with it. */
function spelled(name: string, value: unknown): string {
  const text = name.replace(/([a-z0-9])([A-Z])/g, "$1 $2").toLowerCase();
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return text;
  const print = (_: string, part: unknown) =>
    typeof part === "bigint" ? part.toString() : part instanceof Uint8Array ? toHex(part) : part;
  return `${text} (${JSON.stringify(value, print)})`;
}

/** The name of a contract's error and what comes with it, as `tidy` gives it. */
export const named = (error: unknown): { name: string; value: unknown } =>
  typeof error === "string"
    ? { name: error, value: undefined }
    : { name: (error as { type: string }).type, value: (error as { value: unknown }).value };

function reasonOf(error: unknown, token: Token): string {
  const { name, value } = named(error);
  return inWords({ name, value }, token);
}

/** A refusal in words. */
export function inWords({ name, value }: Pick<Refusal, "name" | "value">, token: Token): string {
  const words = Object.hasOwn(WORDS, name) ? WORDS[name] : undefined;
  if (words === undefined) return spelled(name, value);
  return typeof words === "string" ? words : words(value, token);
}

/** The name of a variant as the command line and the index write it. */
export const snake = (name: string): string =>
  name.replace(/[A-Z]/g, (letter, index) => (index ? "_" : "") + letter.toLowerCase());
