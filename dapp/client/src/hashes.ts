import { sha256 } from "@noble/hashes/sha2.js";
import { fromHex, toHex } from "./basic.js";
import type { InkContract } from "./codec.js";
import type { Address, Hash } from "./types/basic.js";
import type { DatasetTerms } from "./types/registry.js";
import type { Secret } from "./types/transactions.js";

/** SHA-256 of a domain's tag and what belongs to it: `hash_value` of `crates/protocol`. */
function hashValue(tag: string, ...parts: Uint8Array[]): Hash {
  const hasher = sha256.create().update(new TextEncoder().encode(tag));
  for (const part of parts) hasher.update(part);
  return toHex(hasher.digest());
}

/** The hash by which grants and buyers name a dataset's terms. */
export const termsHash = (registry: InkContract, terms: DatasetTerms): Hash =>
  hashValue("asy:term", registry.encode("DatasetTerms", terms));

/** What an account publishes of a secret that it will reveal for a draw of a market. */
export function sealedSecret(market: Address, secret: Hash, by: Address): Hash {
  return hashValue("asy:secr", ...[market, secret, by].map(fromHex));
}

/** A fresh secret for the draw of a job of a market. */
export function newSecret(market: Address, by: Address): Secret {
  const secret = toHex(crypto.getRandomValues(new Uint8Array(32)));
  return { secret, sealed: sealedSecret(market, secret, by) };
}
