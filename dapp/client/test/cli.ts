// The library's answers as `assay --json` writes them, so that two independent readers can be compared.

import type { Token } from "../src/index.js";
import { snake } from "../src/words.js";

/** Fields that the command line shows as amounts with their unit. */
const AMOUNTS = new Set(
  [
    "payment fee stake handBack bond gain held price paid leastStake locked unbonding minPayment paymentPerSegment",
    "maxStake verificationMore challengers bonds refund burned total",
  ].flatMap((names) => names.split(" ")),
);

const HEX = /^0x[0-9a-f]*$/;

/** Strings that are variants of the contracts' enums, under the fields that hold them. */
const VARIANTS = new Set(["state", "check", "kind", "reason", "outcome"]);

export function asCli(value: unknown, token: Token, field = ""): unknown {
  const inner = (value: unknown, name: string) => asCli(value, token, name);
  if (value === undefined || value === null) return null;
  if (typeof value === "bigint") return AMOUNTS.has(field) ? token.format(value) : Number(value);
  if (typeof value === "string") return VARIANTS.has(field) && !HEX.test(value) ? snake(value) : value;
  if (Array.isArray(value)) return value.map((item) => inner(item, field));
  if (typeof value !== "object") return value;
  const entries = Object.entries(value);
  if ("type" in value && "value" in value && entries.length === 2)
    return { [snake(String(value.type))]: inner(value.value, "") };
  return Object.fromEntries(entries.map(([name, one]) => [snake(name), inner(one, name)]));
}

/** The same text for values that are equal, whatever the order of their fields. */
export const sameText = (value: unknown): string =>
  JSON.stringify(value, (_, part) =>
    part && typeof part === "object" && !Array.isArray(part) ? Object.fromEntries(Object.entries(part).sort()) : part,
  );
