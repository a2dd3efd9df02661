import { cheatOdds } from "./economics.js";
import type { Records } from "./records.js";
import type { Block, Hash } from "./types/basic.js";
import type { Check, Job, Slot } from "./types/market.js";
import type { CheckedSegment, Verification } from "./types/provenance.js";

const LARGEST_PANEL = 9;

/** Checks after which somebody has replayed the segment and got the same. */
const CONFIRMED: readonly Check[] = ["Passed", "Upheld"];

const checked = (slot: Slot, number: number, samples: number): CheckedSegment => ({
  slot: number,
  segment: slot.segment,
  why: number < samples ? "drawn" : "challenged",
  verifier: slot.verifier,
  check: slot.check,
  confirmed: CONFIRMED.includes(slot.check),
  operatorSeal: slot.operatorSeal,
  verifierSeal: slot.verifierSeal,
  trace: slot.trace,
  before: slot.before,
  after: slot.after,
});

function byVerifier(slots: CheckedSegment[]): Verification["verifiers"] {
  const segments = new Map<string, Verification["verifiers"][number]>();
  for (const { verifier, segment, why, check } of slots) {
    // An upheld slot was confirmed by a panel, not by its verifier.
    if (why !== "drawn" || check !== "Passed") continue;
    const one = segments.get(verifier) ?? { verifier, segments: [] };
    one.segments.push(segment);
    segments.set(verifier, one);
  }
  return [...segments.values()];
}

/** How a model was checked. */
export async function verification(records: Records, at: Block, model: Hash): Promise<Verification | undefined> {
  const { registry, market } = records.contracts;
  const record = await registry.ask(at, "model", { id: model });
  if (!record) return undefined;
  const job: Job | undefined = record.market === market.address ? await records.job(at, record.job) : undefined;
  const slots = job?.slots.map((slot, number) => checked(slot, number, job.terms.samples)) ?? [];
  const none = { gain: 0n, falseSegments: 0, bribedBp: 0 };
  const terms = job?.terms;
  return {
    model,
    job: record.job,
    jobRecord: job,
    segments: record.segments,
    drawn: record.segmentsDrawn,
    confirmed: record.segmentsChecked,
    seed: job && /^0x0*$/.test(job.job.seed) ? undefined : job?.job.seed,
    slots,
    verifiers: byVerifier(slots),
    // Without the job's record its panel is not known: the largest gives a cheat the most tries.
    ...cheatOdds(record.segments, record.segmentsDrawn, terms?.panel ?? LARGEST_PANEL, terms?.policy ?? none),
    auditCommand: `assay-verifier audit ${model}`,
  };
}
