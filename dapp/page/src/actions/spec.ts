// The end of an encoded specification (`JobSpec` in crates/job/src/spec.rs): seed, steps,
// steps of a segment, and the hash of the program. What stands before it (the training and the
// data) belongs to the program and stays as it is.

import type { Hash } from "@assay/client";

const hashBytes = 32;
const tail = hashBytes + 8 + 4 + hashBytes;

/** What of a specification may be changed without compiling its training again. */
export interface Schedule {
  seed: Hash;
  /** Training steps. */
  steps: bigint;
  /** Steps of each segment; the last may have fewer. */
  segmentSteps: number;
}

function toHash(bytes: Uint8Array): Hash {
  return `0x${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

/** Segments of a schedule. */
export function segments({ steps, segmentSteps }: Schedule): number {
  return Number((steps + BigInt(segmentSteps) - 1n) / BigInt(segmentSteps));
}

/**
 * Reads the end of a specification. `undefined` if it does not end as expected: with the
 * program, and a schedule of as many segments as the job has.
 */
export function schedule(spec: Uint8Array, program: Hash, expected: number): Schedule | undefined {
  if (spec.length < tail) return undefined;
  const end = spec.subarray(spec.length - tail);
  const numbers = new DataView(end.buffer, end.byteOffset, end.length);
  const steps = numbers.getBigUint64(hashBytes, true);
  const segmentSteps = numbers.getUint32(hashBytes + 8, true);
  if (toHash(end.subarray(tail - hashBytes)) !== program || segmentSteps === 0) return undefined;
  const read = { seed: toHash(end.subarray(0, hashBytes)), steps, segmentSteps };
  return segments(read) === expected ? read : undefined;
}

/** The specification with another schedule. */
export function withSchedule(spec: Uint8Array, { seed, steps, segmentSteps }: Schedule): Uint8Array {
  const changed = spec.slice();
  const end = changed.subarray(changed.length - tail);
  const numbers = new DataView(end.buffer, end.byteOffset, end.length);
  for (let place = 0; place < hashBytes; place += 1) {
    end[place] = Number.parseInt(seed.slice(2 + 2 * place, 4 + 2 * place), 16);
  }
  numbers.setBigUint64(hashBytes, steps, true);
  numbers.setUint32(hashBytes + 8, segmentSteps, true);
  return changed;
}

/** A fresh seed from the browser's randomness. */
export function freshSeed(): Hash {
  return toHash(crypto.getRandomValues(new Uint8Array(hashBytes)));
}
