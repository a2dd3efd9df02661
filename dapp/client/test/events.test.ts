// Past events from nodes that answer differently, without a chain.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Contracts } from "../src/contracts.js";
import { EventLog } from "../src/events.js";
import type { Address, Hash } from "../src/types/basic.js";

const OURS = `0x${"0a".repeat(20)}` as const;
const THEIRS = `0x${"0b".repeat(20)}` as const;
const hashOf = (number: number): Hash => `0x${number.toString(16).padStart(64, "0")}`;

/** A chain whose block `n` has events of the contract `blocks[n]`, or none. */
function chain(blocks: (Address | undefined)[], node: { ranges?: boolean; keeps?: number } = {}) {
  const asked: string[] = [];
  const numberOf = (hash: Hash) => Number(hash);
  const raw = (number: number) => (blocks[number] ? `0x1122${blocks[number].slice(2)}33` : "0x00");
  const answers: Record<string, (...params: any[]) => unknown> = {
    state_queryStorage: (keys: string[], from: Hash, to: Hash) => {
      if (node.ranges === false) throw new Error("RPC call is unsafe to be called externally");
      const sets = [];
      for (let number = numberOf(from); number <= numberOf(to); number++) {
        // A node leaves out a block in which nothing has changed.
        if (number > numberOf(from) && raw(number) === raw(number - 1)) continue;
        sets.push({ block: hashOf(number), changes: [[keys[0], raw(number)]] });
      }
      return sets;
    },
    chain_getHeader: (hash: Hash) => ({ number: `0x${numberOf(hash).toString(16)}` }),
  };
  const getValue = async ({ at }: { at: Hash }) => {
    const number = numberOf(at);
    asked.push(`events ${number}`);
    if (number < (node.keeps ?? 0)) throw new Error("State already discarded for this block");
    const contract = blocks[number];
    const value = { contract, topics: [], data: new Uint8Array([number]) };
    return contract ? [{ event: { type: "Revive", value: { type: "ContractEmitted", value } } }] : [];
  };
  const contracts = {
    addresses: [OURS],
    has: (address: Address) => address === OURS,
    event: (address: Address, _: Hash[], data: Uint8Array) =>
      address === OURS ? { contract: "market", event: { name: "Seen", fields: { number: data[0] } } } : undefined,
    chain: {
      api: { query: { System: { Events: { getValue, getKey: async () => "0xkey" } } } },
      client: { _request: async (method: string, params: any[]) => (asked.push(method), answers[method]!(...params)) },
      hashOf: async (number: number) => (number < blocks.length ? hashOf(number) : undefined),
      timeOf: async (hash: Hash) => BigInt(numberOf(hash)),
    },
  };
  return { log: new EventLog(contracts as unknown as Contracts), asked };
}

const seen = (read: { items: any[] }) => read.items.map(({ block }) => block.number);

/** Two equal blocks in the middle and two at the end. */
const BLOCKS = Array.from({ length: 30 }, (_, number) =>
  [4, 11, 12, 28, 29].includes(number) ? OURS : number === 20 ? THEIRS : undefined,
);

test("a range is one request, and blocks that equal the one before are not lost", async () => {
  const { log, asked } = chain(BLOCKS);
  const read = await log.read(0, 29);
  assert.deepEqual(seen(read), [4, 11, 12, 28, 29]);
  assert.equal(read.complete, true);
  assert.deepEqual(
    asked.filter((one) => one.startsWith("events")),
    [4, 11, 12, 28, 29].map((number) => `events ${number}`),
    "no other block's events are read",
  );
});

test("what was read is kept, and extended at both ends", async () => {
  const { log, asked } = chain(BLOCKS);
  assert.deepEqual(seen(await log.read(10, 20)), [11, 12]);
  assert.deepEqual(seen(await log.read(0, 29)), [4, 11, 12, 28, 29]);
  const before = asked.length;
  assert.deepEqual(seen(await log.read(5, 28)), [11, 12, 28]);
  assert.equal(asked.length, before, "nothing is read twice");
});

test("a node that locks ranges is read block by block", async () => {
  const { log, asked } = chain(BLOCKS, { ranges: false });
  const read = await log.read(0, 29);
  assert.deepEqual([seen(read), read.complete], [[4, 11, 12, 28, 29], true]);
  await log.read(0, 29);
  assert.equal(asked.filter((one) => one === "state_queryStorage").length, 1, "it is not asked again");
});

test("a node that has thrown blocks away makes history incomplete", async () => {
  const { log } = chain(BLOCKS, { ranges: false, keeps: 10 });
  const read = await log.read(0, 29);
  assert.deepEqual([seen(read), read.complete], [[11, 12, 28, 29], false]);
});
