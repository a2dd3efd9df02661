import { sha256 } from "@noble/hashes/sha2.js";
import { fromHex, toHex } from "./basic.js";
import type { InkContract } from "./codec.js";
import { marketVersion } from "./generated/market.js";
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

/** From this version on a secret is sealed for one market. */
const SEALS_NAME_MARKET = 3;

/** What an account publishes of a secret that it will reveal for a draw of a market. */
export function sealedSecret(market: Address, secret: Hash, by: Address): Hash {
  const parts = [secret, by].map(fromHex);
  return hashValue("asy:secr", ...(marketVersion >= SEALS_NAME_MARKET ? [fromHex(market)] : []), ...parts);
}

/** A fresh secret for the draw of a job of a market. */
export function newSecret(market: Address, by: Address): Secret {
  const secret = toHex(crypto.getRandomValues(new Uint8Array(32)));
  return { secret, sealed: sealedSecret(market, secret, by) };
}
