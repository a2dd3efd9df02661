import { keccak_256 } from "@noble/hashes/sha3.js";
import { AccountId } from "@polkadot-api/substrate-bindings";
import { AssayError } from "./errors.js";
import type { Address, Amount, Hash, Node } from "./types/basic.js";
import type { GraphNode } from "./types/provenance.js";

/** Until when a grant lasts that never ends. */
export const FOR_EVER = 2n ** 64n - 1n;

export const isHash = (text: string): boolean => /^0x[0-9a-fA-F]{64}$/.test(text);
export const isAddress = (text: string): boolean => /^0x[0-9a-fA-F]{40}$/.test(text);

export const toHex = (bytes: Uint8Array): `0x${string}` =>
  `0x${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;

export const fromHex = (hex: string): Uint8Array =>
  Uint8Array.from({ length: (hex.length - 2) / 2 }, (_, index) =>
    parseInt(hex.slice(2 + 2 * index, 4 + 2 * index), 16),
  );

/** A hash as the chain writes it. */
export function toHash(text: string): Hash {
  if (!isHash(text)) throw new AssayError("BadInput", `${JSON.stringify(text)} is no id: give 0x and 64 hex digits`);
  return text.toLowerCase() as Hash;
}

/** Accounts made from an Ethereum address end with these bytes. */
const ETHEREUM = "ee".repeat(12);

/** The public key of an account in SS58 or hex. */
export function publicKey(account: string): Uint8Array {
  try {
    return isHash(account) ? fromHex(account) : AccountId().enc(account);
  } catch (cause) {
    const forms = "0x and 40 hex digits (an address), SS58, or a public key";
    throw new AssayError("BadAccount", `${JSON.stringify(account)} is no account: give ${forms}`, { cause });
  }
}

/** Whether an account of the chain was made from an address, so that it needs no mapping. */
export const isFromAddress = (account: string): boolean => toHex(publicKey(account)).endsWith(ETHEREUM);

/** By which contracts know an account of the chain: as pallet-revive's `AccountId32Mapper` has it. */
export function toAddress(account: string): Address {
  if (isAddress(account)) return account.toLowerCase() as Address;
  const key = publicKey(account);
  const hex = toHex(key);
  return hex.endsWith(ETHEREUM) ? `0x${hex.slice(2, 42)}` : toHex(keccak_256(key).slice(12));
}

/** The account that an address has if none is mapped to it. */
export const unmappedAccount = (address: Address, prefix: number): string =>
  AccountId(prefix).dec(fromHex(address + ETHEREUM));

/** `amount * bp / 10,000`, rounded down. */
export const share = (amount: Amount, bp: number): Amount => (amount * BigInt(bp)) / 10_000n;

export function nodeKey(node: GraphNode["node"]): string {
  switch (node.type) {
    case "Job":
      return `job:${node.value.market}:${node.value.job}`;
    default:
      return `${node.type.toLowerCase()}:${node.value}`;
  }
}

export function parseNodeKey(key: string): GraphNode["node"] | undefined {
  const [kind, value = "", job = "", ...rest] = key.split(":");
  if (rest.length > 0) return undefined;
  if (kind === "job" && isAddress(value) && /^\d{1,20}$/.test(job)) {
    return { type: "Job", value: { market: value.toLowerCase() as Address, job: BigInt(job) } };
  }
  if (job !== "") return undefined;
  if (kind === "operator" && isAddress(value)) return { type: "Operator", value: value.toLowerCase() as Address };
  if (kind === "model" && isHash(value)) return { type: "Model", value: value.toLowerCase() as Hash };
  if (kind === "dataset" && isHash(value)) return { type: "Dataset", value: value.toLowerCase() as Hash };
  return undefined;
}

/** A node as it was named: a node itself, or its key. */
export function toNode(name: Node | string): Node {
  if (typeof name !== "string") return name;
  const node = parseNodeKey(name);
  if (!node || node.type === "Operator") {
    const forms = "model:0x…, dataset:0x… or job:0x…:N";
    throw new AssayError("BadInput", `${JSON.stringify(name)} is no node: give ${forms}`);
  }
  return node;
}
