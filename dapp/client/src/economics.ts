// What a cheat may hope for: `crates/protocol/src/economics.rs` in the same integers, so that the page shows what the
// contract decides by. `docs/economics.md` derives the formulas.

import type { Amount } from "./types/basic.js";
import type { Policy } from "./types/market.js";
import type { CheatOdds } from "./types/provenance.js";
import type { Economics, EconomicsRequest } from "./types/transactions.js";

const WHOLE_BP = 10_000n;
/** Share of a slashed stake that is burned, in basis points. */
const BURNED_BP = 5_000n;
/** Share of the weight that is taken to be bribed where a policy says nothing. */
const BRIBED_BP = 2_000;
/** Odds are in parts of 2^63, rounded up. */
const CERTAIN = 1n << 63n;
const MOST = (1n << 128n) - 1n;

const ceil = (over: bigint, under: bigint) => (over + under - 1n) / under;
const min = (one: bigint, other: bigint) => (one < other ? one : other);
const toNumber = (odds: bigint) => Number(odds) / Number(CERTAIN);

/** More than half of a panel of so many seats. */
const majority = (seats: number) => Math.floor(seats / 2) + 1;

/** The odds that no false segment meets an honest verifier, if a drawn false one passes with odds `weight / whole`. */
function passes(segments: number, falseSegments: number, samples: number, weight: bigint, whole: bigint): bigint {
  const draws = Math.min(samples, segments);
  const marked = Math.min(falseSegments, segments);
  const last = new Array<bigint>(draws + 1).fill(CERTAIN);
  for (let drawn = draws - 1; drawn >= 0; drawn--) {
    for (let hits = Math.max(0, drawn - (segments - marked)); hits <= Math.min(drawn, marked); hits++) {
      const others = BigInt(segments - marked - (drawn - hits));
      const hit = weight * BigInt(marked - hits) * last[hits + 1]!;
      const miss = whole * others * last[hits]!;
      last[hits] = ceil(hit + miss, whole * BigInt(segments - drawn));
    }
  }
  return last[0]!;
}

/** The odds that none of the false segments is drawn for an honest verifier, in parts of 2^63. */
export const unseen = (segments: number, falseSegments: number, samples: number, bribedBp: number): bigint =>
  passes(segments, falseSegments, samples, min(BigInt(bribedBp), WHOLE_BP), WHOLE_BP);

/** The odds that one of `tries` verifiers is bribed, in parts of 2^32. */
function oneIsBribed(bribedBp: number, tries: number): bigint {
  const honest = WHOLE_BP - min(BigInt(bribedBp), WHOLE_BP);
  let none = CERTAIN;
  for (let number = 0; number < tries; number++) none = (none * honest) / WHOLE_BP;
  return ceil(CERTAIN - none, 1n << 31n);
}

/** The odds that a cheat is not convicted that hides and throws the dice twice, in parts of 2^63. */
export function escapes(
  segments: number,
  falseSegments: number,
  samples: number,
  panel: number,
  bribedBp: number,
): bigint {
  if (bribedBp === 0) return unseen(segments, falseSegments, samples, 0);
  const odds = passes(segments, falseSegments, samples, oneIsBribed(bribedBp, majority(panel)), 1n << 32n);
  const caught = CERTAIN - odds;
  return CERTAIN - ((caught * caught) >> 63n);
}

/** The least stake at which the cheat of a policy does not pay; `undefined` if none is enough. */
export function leastStake(policy: Policy, segments: number, samples: number, panel: number): Amount | undefined {
  if (policy.gain === 0n) return 0n;
  const odds = escapes(segments, policy.falseSegments, samples, panel, policy.bribedBp);
  const seen = CERTAIN - odds;
  if (seen === 0n) return undefined;
  const burned = ceil(policy.gain * odds, seen);
  const stake = ceil(burned * WHOLE_BP, BURNED_BP);
  return burned * WHOLE_BP > MOST ? undefined : stake;
}

/** 1, a tenth, half and all of the segments, and those of the policy. */
function extents(segments: number, policy: Policy): number[] {
  const all = [1, Math.ceil(segments / 10), Math.ceil(segments / 2), segments];
  if (policy.gain > 0n) all.push(Math.min(policy.falseSegments, segments));
  return [...new Set(all)].sort((one, other) => one - other);
}

const bribedOf = (policy: Policy) => (policy.bribedBp > 0 ? policy.bribedBp : BRIBED_BP);

/** What a job's terms are worth, before it is posted. */
export function economics({ segments, samples, panel, payment, policy }: EconomicsRequest): Economics {
  const bribedBp = bribedOf(policy);
  const odds = extents(segments, policy).map((falseSegments) => {
    const gain = (payment / BigInt(Math.max(segments, 1))) * BigInt(falseSegments);
    const unseenBribed = toNumber(unseen(segments, falseSegments, samples, bribedBp));
    return {
      falseSegments,
      unseen: toNumber(unseen(segments, falseSegments, samples, 0)),
      unseenBribed,
      secondThrow: 1 - (1 - unseenBribed) ** 2,
      gain,
      leastStake: leastStake({ gain, falseSegments, bribedBp }, segments, samples, panel),
    };
  });
  const stakes = odds.map((one) => one.leastStake);
  return {
    bribedBp,
    odds,
    asked: leastStake(policy, segments, samples, panel),
    leastStake: stakes.reduce(
      (most, stake) => (most === undefined || stake === undefined ? undefined : most > stake ? most : stake),
      0n,
    ),
  };
}

/** The odds that a cheat went unseen in a job that was checked. */
export function cheatOdds(
  segments: number,
  samples: number,
  panel: number,
  policy: Policy,
): { bribedBp: number; odds: CheatOdds[] } {
  const bribedBp = bribedOf(policy);
  const odds = extents(segments, policy).map((falseSegments) => ({
    falseSegments,
    unseen: toNumber(unseen(segments, falseSegments, samples, 0)),
    unseenBribed: toNumber(unseen(segments, falseSegments, samples, bribedBp)),
    escapes: toNumber(escapes(segments, falseSegments, samples, panel, bribedBp)),
  }));
  return { bribedBp, odds };
}
