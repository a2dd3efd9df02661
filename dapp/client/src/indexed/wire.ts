// What an index answers (docs/openapi.json), checked and in the library's own shapes. An index is a stranger's server:
// an answer of another shape is an error, and texts in it are texts.

import { isAddress, isHash } from "../basic.js";
import type { Address, Amount, Hash, Node, Seconds } from "../types/basic.js";
import type { JobState, JobSummary, StakedAccount } from "../types/market.js";
import type { DatasetSummary, ModelSummary } from "../types/registry.js";

export class NotUnderstood extends Error {
  constructor(what: string, value: unknown) {
    super(`${what} is ${String(JSON.stringify(value)).slice(0, 60)}`);
  }
}

type Fields = Record<string, unknown>;

/** JSON in which whole numbers beyond what a `number` holds are strings. */
export const parsed = (text: string): unknown =>
  JSON.parse(text.replace(/"(?:[^"\\]|\\.)*"|\d{16,}/g, (part) => (part.startsWith('"') ? part : `"${part}"`)));

export function fields(value: unknown, what: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new NotUnderstood(what, value);
  return value as Fields;
}

export function list(value: unknown, what: string): unknown[] {
  if (!Array.isArray(value)) throw new NotUnderstood(what, value);
  return value;
}

/** One field of an object, read as what it must be. */
const field =
  <T>(fits: (value: unknown) => T | undefined) =>
  (from: Fields, name: string): T => {
    const value = fits(from[name]);
    if (value === undefined) throw new NotUnderstood(name, from[name]);
    return value;
  };

const orNone =
  <T>(read: (from: Fields, name: string) => T) =>
  (from: Fields, name: string): T | undefined =>
    from[name] === null || from[name] === undefined ? undefined : read(from, name);

const lower = (value: string) => value.toLowerCase() as `0x${string}`;

export const text = field((value) => (typeof value === "string" ? value : undefined));
export const flag = field((value) => (typeof value === "boolean" ? value : undefined));
export const hash = field((value): Hash | undefined =>
  typeof value === "string" && isHash(value) ? lower(value) : undefined,
);
export const address = field((value): Address | undefined =>
  typeof value === "string" && isAddress(value) ? lower(value) : undefined,
);
export const count = field((value) =>
  Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : undefined,
);
/** A whole number of 64 bits, or an amount. */
export const whole = field((value): bigint | undefined =>
  /^\d{1,39}$/.test(String(value)) && (typeof value === "number" || typeof value === "string")
    ? BigInt(value)
    : undefined,
);
const items = field((value) => (Array.isArray(value) ? value.length : undefined));
export const addressOrNone = orNone(address);
const hashOrNone = orNone(hash);
const wholeOrNone = orNone<Amount | Seconds>(whole);

/** `final` is `Final`. */
const pascal = (name: string) => name.replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());

const STATES: ReadonlySet<string> = new Set<JobState>([
  "Open",
  "Claimed",
  "Committed",
  "Drawn",
  "Opened",
  "Attested",
  "Window",
  "Disputed",
  "Ruling",
  "Final",
  "Failed",
  "Void",
  "Cancelled",
]);

export const state = field((value): JobState | undefined =>
  typeof value === "string" && STATES.has(pascal(value)) ? (pascal(value) as JobState) : undefined,
);

export function node(value: unknown): Node {
  const from = fields(value, "a node");
  switch (from["kind"]) {
    case "dataset":
      return { type: "Dataset", value: hash(from, "id") };
    case "model":
      return { type: "Model", value: hash(from, "id") };
    case "job":
      return { type: "Job", value: { market: address(from, "market"), job: whole(from, "job") } };
  }
  throw new NotUnderstood("a node", value);
}

export function model(value: unknown): ModelSummary & { owner: Address | undefined } {
  const from = fields(value, "a model");
  return {
    id: hash(from, "id"),
    owner: addressOrNone(from, "owner"),
    record: {
      firstOwner: address(from, "first_owner"),
      name: text(from, "name"),
      licence: text(from, "licence"),
      program: hash(from, "program"),
      finalState: hash(from, "final_state"),
      artefact: hash(from, "artefact"),
      market: address(from, "market"),
      job: whole(from, "job"),
      operator: address(from, "operator"),
      segments: count(from, "segments"),
      segmentsDrawn: count(from, "segments_drawn"),
      segmentsChecked: count(from, "segments_checked"),
      royaltyBp: count(from, "royalty_bp"),
      registeredAt: whole(from, "registered_at"),
      block: count(from, "block"),
      locations: items(from, "locations"),
    },
  };
}

export function dataset(value: unknown): DatasetSummary {
  const from = fields(value, "a dataset");
  return {
    id: hash(from, "id"),
    record: {
      owner: address(from, "owner"),
      name: text(from, "name"),
      bytes: whole(from, "bytes"),
      terms: {
        licence: text(from, "licence"),
        licenceText: hashOrNone(from, "licence_text"),
        open: flag(from, "open"),
        price: wholeOrNone(from, "price"),
        accessSeconds: whole(from, "access_seconds"),
        royaltyBp: count(from, "royalty_bp"),
      },
      registeredAt: whole(from, "registered_at"),
      block: count(from, "block"),
      locations: items(from, "locations"),
      withdrawnAt: wholeOrNone(from, "withdrawn_at"),
    },
  };
}

/** A job as lists have it, with the name of its model. */
export function job(value: unknown): JobSummary & { name: string } {
  const from = fields(value, "a job");
  return {
    id: whole(from, "id"),
    client: address(from, "client"),
    state: state(from, "state"),
    deadline: whole(from, "deadline"),
    operator: addressOrNone(from, "operator"),
    name: text(from, "model_name"),
  };
}

export function staked(value: unknown): StakedAccount {
  const from = fields(value, "a standing");
  return {
    account: address(from, "account"),
    standing: {
      stake: whole(from, "stake"),
      locked: whole(from, "locked"),
      unbonding: whole(from, "unbonding"),
      unbondsAt: whole(from, "unbonds_at"),
      done: count(from, "done"),
      lost: count(from, "lost"),
      missed: count(from, "missed"),
      endpoint: text(from, "endpoint"),
    },
  };
}
