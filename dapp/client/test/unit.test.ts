import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import {
  AssayError,
  artefactHash,
  artefactMatches,
  economics,
  nodeKey,
  parseDeployment,
  parseNodeKey,
  share,
  toAddress,
} from "../src/index.js";
import { tidy } from "../src/codec.js";
import { leastStake, escapes, unseen } from "../src/economics.js";
import { newSecret, sealedSecret } from "../src/hashes.js";
import { all, newest } from "../src/pages.js";
import { token } from "../src/token.js";
import { inWords } from "../src/words.js";

const unit = token("UNIT", 12, 1_000_000n);
const TOKEN = 10n ** 18n;
const hash = (byte: string) => `0x${byte.repeat(32)}` as const;
const address = (byte: string) => `0x${byte.repeat(20)}` as const;
const code = (expected: string) => (error: unknown) => error instanceof AssayError && error.code === expected;

test("amounts are shown and read in full precision", () => {
  for (const [amount, text] of [
    [0n, "0 UNIT"],
    [TOKEN, "1 UNIT"],
    [1_500_000_000_000_000_000n, "1.5 UNIT"],
    [1n, "0.000000000000000001 UNIT"],
    [-(TOKEN / 4n), "-0.25 UNIT"],
    [2n ** 128n - 1n, "340282366920938463463.374607431768211455 UNIT"],
  ] as const) {
    assert.equal(unit.format(amount), text);
  }
  for (const [text, amount] of [
    ["1.5", (TOKEN * 3n) / 2n],
    [" 250 mUNIT ", TOKEN / 4n],
    ["1_000 UNIT", 1_000n * TOKEN],
    [".5 kUNIT", 500n * TOKEN],
    ["1 µUNIT", TOKEN / 1_000_000n],
    ["0.000000000001", 1_000_000n],
  ] as const) {
    assert.equal(unit.parse(text), amount, text);
  }
  for (const bad of ["", "UNIT", ".", "1 PAS", "1.2.3", "-1", "1e3", "0.0000000000001", "1 xUNIT", "<b>1</b>"]) {
    assert.throws(() => unit.parse(bad), code("BadAmount"), bad);
  }
});

test("shares round down", () => {
  assert.equal(share(10_001n, 5_000), 5_000n);
  assert.equal(share(9n, 1_000), 0n);
});

test("addresses are those of pallet-revive", () => {
  const alice = "0x9621dde636de098b43efb0fa9b61facfe328f99d";
  assert.equal(toAddress("5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"), alice);
  assert.equal(toAddress("0xd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d"), alice);
  assert.equal(toAddress(alice.toUpperCase().replace("0X", "0x")), alice);
  // An account that was made from an address.
  assert.equal(toAddress(`${alice}${"ee".repeat(12)}`), alice);
  for (const bad of ["", "Alice", "0x12", "5Grwva"]) assert.throws(() => toAddress(bad), code("BadAccount"), bad);
});

test("a node's key is read back", () => {
  for (const node of [
    { type: "Dataset", value: hash("0a") },
    { type: "Model", value: hash("0b") },
    { type: "Job", value: { market: address("0c"), job: 2n ** 63n } },
    { type: "Operator", value: address("0d") },
  ] as const) {
    assert.deepEqual(parseNodeKey(nodeKey(node)), node);
  }
  for (const bad of [
    "",
    "model",
    "model:0x12",
    `model:${hash("0a")}:1`,
    `job:${address("0a")}`,
    `job:${address("0a")}:-1`,
    `thing:${hash("0a")}`,
  ]) {
    assert.equal(parseNodeKey(bad), undefined, bad);
  }
});

test("a deployment is checked", () => {
  const contract = (byte: string) => ({ address: address(byte), code_hash: hash(byte) });
  const file = {
    network: "Development",
    url: "ws://127.0.0.1:9944",
    genesis: hash("09"),
    titles: contract("03"),
    registry: contract("01"),
    market: contract("02"),
    block: 7,
    deployed_at: 1_700_000_000,
  };
  const read = parseDeployment(JSON.stringify(file));
  assert.deepEqual(read.market, { address: address("02"), codeHash: hash("02") });
  assert.deepEqual(parseDeployment(file), read);
  const without = (name: string) => Object.fromEntries(Object.entries(file).filter(([key]) => key !== name));
  for (const name of Object.keys(file))
    assert.throws(() => parseDeployment(without(name)), code("BadDeployment"), name);
  for (const bad of ["", "{", "[]", null, 7, { ...file, url: "javascript:alert(1)" }, { ...file, block: -1 }]) {
    assert.throws(() => parseDeployment(bad), /assay deploy/);
  }
});

test("pages are newest first, whatever the chain gives at once", async () => {
  const asked: [number, number][] = [];
  const list = (total: number, most: number) => async (offset: number, limit: number) => {
    asked.push([offset, limit]);
    const end = Math.min(total, offset + Math.min(limit, most));
    return { total, items: Array.from({ length: Math.max(0, end - offset) }, (_, index) => offset + index) };
  };
  assert.deepEqual(await newest(list(7, 50), { limit: 3 }), { total: 7, items: [6, 5, 4] });
  assert.deepEqual(await newest(list(7, 50), { offset: 3, limit: 3 }), { total: 7, items: [3, 2, 1] });
  assert.deepEqual(await newest(list(7, 50), { offset: 6, limit: 3 }), { total: 7, items: [0] });
  assert.deepEqual(await newest(list(7, 50), { offset: 9 }), { total: 7, items: [] });
  assert.deepEqual(await newest(list(0, 50)), { total: 0, items: [] });
  asked.length = 0;
  assert.deepEqual((await newest(list(7, 2), { limit: 5 }, 2)).items, [6, 5, 4, 3, 2]);
  assert.deepEqual(asked, [
    [0, 1],
    [2, 2],
    [4, 2],
    [6, 1],
  ]);
  assert.deepEqual(await all(list(5, 2), 2), [0, 1, 2, 3, 4]);
  // A list that shrank has no more, whatever it said before.
  assert.deepEqual(await all(async (offset) => ({ total: 9, items: offset === 0 ? [1, 2] : [] })), [1, 2]);
});

test("what a codec gives comes in camel case, hashes and bytes as they are", () => {
  const bytes = new Uint8Array([1, 2]);
  assert.deepEqual(
    tidy({
      royalty_bp: 5,
      state: { type: "Open", value: undefined },
      by: { type: "Job", value: { job_id: 3n } },
      bytes,
      list: [{ a_b: 1 }],
    }),
    { royaltyBp: 5, state: "Open", by: { type: "Job", value: { jobId: 3n } }, bytes, list: [{ aB: 1 }] },
  );
});

test("odds are exact fractions", () => {
  const certain = 2 ** 63;
  assert.equal(Number(unseen(4, 1, 1, 0)) / certain, 0.75);
  assert.equal(Number(unseen(4, 1, 1, 5_000)) / certain, 0.875);
  assert.equal(unseen(4, 1, 4, 0), 0n);
  assert.equal(unseen(4, 0, 4, 0), 1n << 63n);
  // Two of three seats convict: half is bribed, so 3/4 are once in two tries.
  const hidden = 1 - 0.5 * 0.25;
  assert.ok(Math.abs(Number(escapes(4, 1, 2, 3, 5_000)) / certain - (1 - (1 - hidden) ** 2)) < 1e-8);
  const policy = { gain: 100n, falseSegments: 1, bribedBp: 0 };
  assert.equal(leastStake(policy, 4, 1, 3), 600n);
  assert.equal(leastStake(policy, 4, 4, 3), 0n);
  assert.equal(leastStake({ ...policy, bribedBp: 10_000 }, 4, 4, 3), undefined);
  assert.equal(leastStake({ ...policy, gain: 2n ** 128n - 1n }, 4, 1, 3), undefined);
});

test("economics are for one segment, a tenth, half, all and the policy's", () => {
  const none = { gain: 0n, falseSegments: 0, bribedBp: 0 };
  const worth = economics({ segments: 24, samples: 6, panel: 3, payment: 2_400_000n, policy: none });
  assert.deepEqual(
    worth.odds.map(({ falseSegments }) => falseSegments),
    [1, 3, 12, 24],
  );
  assert.equal(worth.asked, 0n);
  assert.equal(worth.bribedBp, 2_000);
  assert.ok(Math.abs(worth.odds[0]!.secondThrow - 0.96) < 1e-12);
  const all = economics({
    segments: 24,
    samples: 6,
    panel: 3,
    payment: 2_400n,
    policy: { gain: 1n, falseSegments: 1, bribedBp: 10_000 },
  });
  assert.deepEqual([all.asked, all.leastStake], [undefined, undefined]);
});

test("a secret is sealed for its account", () => {
  const [market, by, another] = [address("01"), address("02"), address("03")];
  const { secret, sealed } = newSecret(market, by);
  assert.notEqual(newSecret(market, by).secret, secret);
  assert.equal(sealed, sealedSecret(market, secret, by));
  assert.notEqual(sealed, sealedSecret(market, secret, another));
});

test("a file is hashed chunk by chunk, and told from another", async () => {
  const bytes = new Uint8Array(300_000).map((_, index) => index % 251);
  const expected = `0x${createHash("sha256").update(bytes).digest("hex")}` as const;
  const seen: number[] = [];
  assert.equal(await artefactHash(new Blob([bytes]), { onProgress: (read) => seen.push(read) }), expected);
  assert.equal(seen.at(-1), bytes.length);
  assert.deepEqual(await artefactMatches(new Blob([bytes]).stream(), expected), { matches: true, found: expected });
  bytes[7]! ^= 1;
  assert.equal((await artefactMatches(new Blob([bytes]), expected)).matches, false);
  await assert.rejects(artefactHash(new Blob([bytes]), { signal: AbortSignal.abort() }), code("Aborted"));
});

test("refusals are in words, those without words by their names", () => {
  assert.match(inWords({ name: "NoGrant", value: hash("0a") }, unit), /0x0a.*buy access/);
  const stake = { type: "Stake", value: { least: TOKEN } };
  assert.match(inWords({ name: "BadTerms", value: stake }, unit), /at least 1 UNIT/);
  assert.equal(inWords({ name: "TooManyDemands", value: undefined }, unit), "too many demands");
  assert.equal(inWords({ name: "NotOpened", value: { boundary: 3n } }, unit), 'not opened ({"boundary":"3"})');
  // Names of what every object has are no words.
  assert.equal(inWords({ name: "constructor", value: undefined }, unit), "constructor");
});
