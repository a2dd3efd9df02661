// The form in which a job is described, as texts, and what it comes to.

import type { Hash, JobDraft, Policy, Token, Windows } from "@assay/client";
import { choices } from "../licences";
import { type Schedule, freshSeed, schedule, segments, withSchedule } from "./spec";
import { toError } from "../errors";

/** The fields of the form. Amounts are texts with the chain's unit, shares are percentages. */
export interface Fields {
  name: string;
  licence: string;
  royalty: string;
  seed: string;
  steps: string;
  segmentSteps: string;
  payment: string;
  fee: string;
  stake: string;
  handBack: string;
  bond: string;
  samples: string;
  panel: string;
  gain: string;
  falseSegments: string;
  bribed: string;
  claim: string;
  train: string;
  secrets: string;
  open: string;
  attest: string;
  reveal: string;
  dispute: string;
}

export type Field = keyof Fields;

/** The windows with what each is for. */
export const windowNames: [keyof Windows & Field, string][] = [
  ["claim", "For an operator to claim it"],
  ["train", "To train and commit"],
  ["secrets", "To reveal the secrets for the draw"],
  ["open", "To open what was drawn"],
  ["attest", "To replay and seal"],
  ["reveal", "To reveal the traces"],
  ["dispute", "To challenge"],
];

/** Limits of the market (`assay_protocol::market`). */
const most = { name: 64, samples: 16, panel: 9, segments: 1 << 20 };

/** Fields filled from a job on chain. Its seed is replaced: the same one would give the same model again. */
export function fieldsOf(draft: JobDraft, token: Token): Fields {
  const { model, policy, windows } = draft;
  const plan = schedule(draft.spec, draft.program, draft.segments);
  const text = Object.fromEntries(windowNames.map(([name]) => [name, String(windows[name])])) as Record<
    keyof Windows,
    string
  >;
  return {
    name: model.name,
    licence: model.licence,
    royalty: String(model.royaltyBp / 100),
    seed: plan ? freshSeed() : "",
    steps: plan ? String(plan.steps) : "",
    segmentSteps: plan ? String(plan.segmentSteps) : "",
    payment: token.format(draft.payment),
    fee: token.format(draft.fee),
    stake: token.format(draft.stake),
    handBack: token.format(draft.handBack),
    bond: token.format(draft.bond),
    samples: String(draft.samples),
    panel: String(draft.panel),
    gain: token.format(policy.gain),
    falseSegments: String(policy.falseSegments),
    bribed: String(policy.bribedBp / 100),
    ...text,
  };
}

/** A job to post, or what is wrong with each field. */
export interface Reading {
  draft: JobDraft | undefined;
  problems: Partial<Record<Field, string>>;
}

/** Reads the form against the job that it was filled from. */
export function read(fields: Fields, base: JobDraft, token: Token, longestWindow: number): Reading {
  const problems: Partial<Record<Field, string>> = {};
  const amount = (field: Field, least: bigint): bigint => {
    try {
      const value = token.parse(fields[field]);
      if (value < least) problems[field] = "It must be more than zero.";
      return value;
    } catch (error) {
      problems[field] = toError(error).message;
      return 0n;
    }
  };
  const whole = (field: Field, least: number, largest: number): number => {
    const value = /^\d{1,15}$/.test(fields[field].trim()) ? Number(fields[field]) : Number.NaN;
    if (!(value >= least && value <= largest)) {
      problems[field] = `It must be a whole number from ${least} to ${largest.toLocaleString("en-GB")}.`;
      return least;
    }
    return value;
  };
  const share = (field: Field): number => {
    const value = fields[field].trim() === "" ? Number.NaN : Number(fields[field]);
    const basisPoints = Math.round(value * 100);
    if (!(basisPoints >= 0 && basisPoints <= 10_000)) {
      problems[field] = "It must be a percentage from 0 to 100.";
      return 0;
    }
    return basisPoints;
  };

  const name = fields.name.trim();
  const nameBytes = new TextEncoder().encode(name).length;
  if (nameBytes < 1 || nameBytes > most.name) problems.name = `A name has 1 to ${most.name} bytes.`;
  const licence = fields.licence.trim();
  if (!choices(licence)) {
    problems.licence =
      "This is no SPDX expression. Names are on spdx.org/licenses; one of your own starts with LicenseRef-";
  }

  const plan = schedule(base.spec, base.program, base.segments);
  let parts = { spec: base.spec, segments: base.segments };
  if (plan) {
    const next: Schedule = {
      seed: fields.seed.trim().toLowerCase() as Hash,
      steps: BigInt(whole("steps", 1, 2 ** 40)),
      segmentSteps: whole("segmentSteps", 1, 2 ** 32 - 1),
    };
    if (!/^0x[0-9a-f]{64}$/.test(next.seed)) problems.seed = "A seed is 0x and 64 hex digits.";
    const count = segments(next);
    if (count > most.segments) problems.segmentSteps = "That makes too many segments; use longer ones.";
    if (!problems.seed && !problems.steps && !problems.segmentSteps) {
      parts = { spec: withSchedule(base.spec, next), segments: count };
    }
  }

  const policy: Policy = {
    gain: amount("gain", 0n),
    falseSegments: whole("falseSegments", 0, parts.segments),
    bribedBp: share("bribed"),
  };
  const windows = Object.fromEntries(
    windowNames.map(([field]) => [field, whole(field, 1, longestWindow)]),
  ) as unknown as Windows;
  const draft: JobDraft = {
    ...base,
    ...parts,
    model: { ...base.model, name, licence, royaltyBp: share("royalty") },
    payment: amount("payment", 1n),
    fee: amount("fee", 1n),
    stake: amount("stake", 1n),
    handBack: amount("handBack", 0n),
    bond: amount("bond", 1n),
    samples: whole("samples", 1, Math.min(most.samples, parts.segments)),
    panel: whole("panel", 2, most.panel),
    policy,
    windows,
  };
  if (!problems.handBack && !problems.stake && draft.handBack * 10n > draft.stake) {
    problems.handBack = "It must be at most a tenth of the stake.";
  }
  if (policy.gain > 0n && policy.falseSegments === 0)
    problems.falseSegments = "A cheat falsifies at least one segment.";
  return { draft: Object.keys(problems).length === 0 ? draft : undefined, problems };
}
