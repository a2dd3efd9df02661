// What needs neither a browser nor a chain.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { JobDraft } from "@assay/client";
import { fileName } from "../src/files.js";
import { choices, clash, dutiesOf, gather } from "../src/licences.js";
import { type Edge, layOut, path, withoutRings } from "../src/lineage/layout.js";
import { step } from "../src/lineage/walk.js";
import { parse, to } from "../src/router.js";
import { fieldsOf, read } from "../src/actions/draft.js";
import { freshSeed, schedule, segments, withSchedule } from "../src/actions/spec.js";
import { bytes, cut, duration, followable, odds, plain, short } from "../src/text.js";
import { token } from "../../client/src/token.js";

test("texts for people", () => {
  assert.equal(plain("a\u202eb\u200bc\n"), "a\\u{202e}b\\u{200b}c\\u{a}");
  assert.equal(plain("digits, 8×8 – ﷽"), "digits, 8×8 – ﷽");
  assert.equal(cut("abcdef", 4), "abc…");
  assert.equal(short(`0x${"12".repeat(32)}`), "0x1212…1212");
  for (const [seconds, words] of [
    [0, "0 s"],
    [59, "59 s"],
    [61, "1 min 1 s"],
    [3_600, "1 h"],
    [86_400, "1 day"],
    [180_000, "2 days 2 h"],
  ] as const) {
    assert.equal(duration(seconds), words);
  }
  assert.deepEqual([bytes(999), bytes(264_712n)], ["999 B", "264.7 kB"]);
  assert.deepEqual(
    [odds(0), odds(1e-9), odds(0.5), odds(0.99999), odds(1)],
    ["0 %", "under 0.0001 %", "50 %", "over 99.99 %", "100 %"],
  );
  assert.equal(fileName("../../<b>Digits</b> 8×8", "x"), "b-Digits-b-8-8");
  assert.equal(fileName("﷽", "model"), "model");
});

test("only safe locations can be followed", () => {
  assert.equal(followable("https://example.org/a"), "https://example.org/a");
  assert.equal(followable("ipfs://bafy"), "ipfs://bafy");
  for (const bad of [
    "javascript:1",
    "http://example.org",
    "https://a:b@example.org",
    "https://a/\u202e",
    "data:,x",
    "x",
  ]) {
    assert.equal(followable(bad), undefined, bad);
  }
});

test("places survive whatever is in them", () => {
  const text = "a/b #?% ü";
  assert.deepEqual(parse(to("search", text)), ["search", text]);
  assert.deepEqual(parse("#/x/%zz"), ["x", "%zz"]);
  assert.deepEqual(parse(""), []);
});

test("licences: what is asked", () => {
  assert.deepEqual(choices("MIT OR (Apache-2.0 AND CC-BY-4.0)"), [["MIT"], ["Apache-2.0", "CC-BY-4.0"]]);
  assert.equal(choices("no such licence"), undefined);
  assert.deepEqual(dutiesOf("CC0-1.0"), []);
  assert.deepEqual(dutiesOf("LicenseRef-own"), ["own-text"]);
  assert.deepEqual(dutiesOf("<script>"), ["unknown"]);
  assert.deepEqual(dutiesOf("CC0-1.0 OR CC-BY-NC-4.0"), [], "one may choose the one that asks nothing");
});

test("licences: what clashes", () => {
  for (const [source, made] of [
    ["CC-BY-NC-4.0", "Apache-2.0"],
    ["CC-BY-ND-4.0", "CC-BY-ND-4.0"],
    ["CC-BY-SA-4.0", "MIT"],
    ["CC-BY-SA-4.0", "CC-BY-SA-3.0"],
    ["GPL-3.0-only AND CC-BY-SA-4.0", "CC-BY-SA-4.0"],
    ["GPL-2.0-only", "GPL-3.0-only"],
    ["CC-BY-NC-4.0", "CC-BY-NC-4.0 OR MIT"],
  ] as const) {
    assert.ok(clash(source, made), `${source} into ${made}`);
  }
  for (const [source, made] of [
    ["CC-BY-4.0", "Apache-2.0"],
    ["CC-BY-NC-4.0", "CC-BY-NC-SA-4.0"],
    ["CC-BY-SA-4.0", "CC-BY-SA-4.0"],
    ["CC-BY-SA-4.0", "GPL-3.0-or-later"],
    ["GPL-2.0-or-later", "GPL-3.0-only"],
    ["CC-BY-ND-4.0 OR MIT", "Apache-2.0"],
    ["LicenseRef-own", "MIT"],
  ] as const) {
    assert.equal(clash(source, made), undefined, `${source} into ${made}`);
  }
});

test("duties are gathered through nodes without a licence, rings and all", () => {
  const nodes = [
    { key: "model", licence: "Apache-2.0" },
    { key: "job", licence: "" },
    { key: "mixed", licence: "CC-BY-4.0" },
    { key: "private", licence: "CC-BY-NC-4.0" },
  ];
  const from = new Map([
    ["model", ["job"]],
    ["job", ["mixed"]],
    ["mixed", ["private"]],
    ["private", ["mixed"]],
  ]);
  const { duties, conflicts } = gather("model", nodes, from);
  assert.deepEqual(
    duties.map(({ duty, from }) => [duty, from]),
    [
      ["no-commerce", ["private"]],
      ["credit", ["mixed", "private"]],
      ["notice", ["model"]],
      ["changes", ["model", "mixed", "private"]],
    ],
  );
  assert.deepEqual(
    conflicts.map(({ source, made }) => [source, made]),
    [
      ["private", "mixed"],
      ["private", "model"],
    ],
  );
});

const chain: Edge[] = [
  { source: "a", target: "b" },
  { source: "b", target: "c" },
  { source: "a", target: "c" },
];

test("a layout has layers in the order of making, in both directions", () => {
  for (const direction of ["right", "down"] as const) {
    const along = direction === "right" ? 0 : 1;
    const { nodes, edges } = layOut(["a", "b", "c"], [...chain, { source: "a", target: "gone" }], direction);
    assert.ok(nodes.get("a")![along] < nodes.get("b")![along] && nodes.get("b")![along] < nodes.get("c")![along]);
    assert.equal(edges.length, 3);
    assert.match(path(edges[0]!.points, direction), /^M[\d.-]+,[\d.-]+C/);
  }
  assert.equal(layOut([], [], "down").nodes.size, 0);
});

test("rings are broken, and nothing else is turned", () => {
  const ring = [...chain, { source: "c", target: "a" }, { source: "b", target: "b" }];
  const straight = withoutRings(["a", "b", "c"], ring);
  assert.deepEqual(straight.slice(0, 2), chain.slice(0, 2));
  assert.equal(straight.filter(({ source, target }) => source === "a" && target === "c").length, 2);
  assert.equal(layOut(["a", "b", "c"], ring, "right").nodes.size, 3);
});

test("a large lineage: no two nodes on one place, every edge forward", () => {
  const nodes = Array.from({ length: 900 }, (_, number) => `n${number}`);
  const edges = nodes.slice(1).flatMap((target, number) => [
    { source: nodes[Math.floor(number / 3)]!, target },
    { source: nodes[Math.max(0, number - 50)]!, target },
  ]);
  const layout = layOut(nodes, edges, "right");
  assert.equal(new Set([...layout.nodes.values()].map(String)).size, 900);
  for (const { source, target } of edges) assert.ok(layout.nodes.get(source)![0] < layout.nodes.get(target)![0]);
});

test("arrows walk along and across", () => {
  const layout = layOut(["a", "b", "c"], chain, "right");
  assert.equal(step(layout, chain, "c", "ArrowLeft", "right"), "b");
  assert.equal(step(layout, chain, "b", "ArrowRight", "right"), "c");
  assert.equal(step(layout, chain, "a", "ArrowLeft", "right"), undefined);
  const fork = [
    { source: "a", target: "b" },
    { source: "a", target: "c" },
  ];
  const forked = layOut(["a", "b", "c"], fork, "down");
  const other = step(forked, fork, "b", "ArrowRight", "down") ?? step(forked, fork, "b", "ArrowLeft", "down");
  assert.equal(other, "c");
});

const program = `0x${"ab".repeat(32)}` as const;
const seed = `0x${"cd".repeat(32)}` as const;

/** A specification whose training is of no interest. */
function spec(steps: bigint, segmentSteps: number): Uint8Array {
  const bytes = new Uint8Array(20 + 76);
  bytes.fill(7, 0, 20);
  bytes.fill(0xab, 20 + 44);
  return withSchedule(bytes, { seed, steps, segmentSteps });
}

test("the schedule of a specification is read and changed, and nothing else", () => {
  const one = spec(10n, 4);
  assert.deepEqual(schedule(one, program, 3), { seed, steps: 10n, segmentSteps: 4 });
  assert.equal(schedule(one, program, 4), undefined, "as many segments as the job has");
  assert.equal(schedule(one, `0x${"00".repeat(32)}`, 3), undefined, "another program");
  assert.equal(schedule(one.slice(50), program, 3), undefined, "too short");
  const other = withSchedule(one, { seed: freshSeed(), steps: 2n ** 40n, segmentSteps: 1 << 30 });
  assert.deepEqual(other.subarray(0, 20), one.subarray(0, 20));
  assert.deepEqual(other.subarray(64), one.subarray(64));
  assert.equal(schedule(other, program, 1024)?.steps, 2n ** 40n);
  assert.equal(segments({ seed, steps: 9n, segmentSteps: 4 }), 3);
});

test("a form is read back as the job that it was filled from, and says what is wrong", () => {
  const unit = token("UNIT", 12, 1_000_000n);
  const one = 10n ** 18n;
  const draft: JobDraft = {
    model: { name: "m", licence: "MIT", parent: undefined, royaltyBp: 250 },
    datasets: [],
    spec: spec(10n, 4),
    program,
    segments: 3,
    payment: 10n * one,
    fee: 3n * one,
    stake: 30n * one,
    handBack: one,
    bond: 5n * one,
    samples: 2,
    panel: 2,
    policy: { gain: one, falseSegments: 1, bribedBp: 1_000 },
    windows: { claim: 600, train: 600, secrets: 60, open: 60, attest: 120, reveal: 60, dispute: 5 },
    mostRoyaltiesBp: 0,
  };
  const fields = { ...fieldsOf(draft, unit), seed };
  assert.deepEqual(read(fields, draft, unit, 600), { draft, problems: {} });
  assert.notEqual(fieldsOf(draft, unit).seed, seed, "a fresh seed, for another model");
  assert.equal(read({ ...fields, steps: "40" }, draft, unit, 600).draft?.segments, 10);
  for (const [field, text] of [
    ["name", "é".repeat(33)],
    ["licence", "MIT/X11"],
    ["royalty", "101"],
    ["seed", "0x12"],
    ["steps", "0"],
    ["segmentSteps", "1.5"],
    ["payment", "0"],
    ["stake", "5 apples"],
    ["handBack", "4 UNIT"],
    ["samples", "4"],
    ["panel", "1"],
    ["falseSegments", "0"],
    ["bribed", "x"],
    ["train", "601"],
  ] as const) {
    const { draft: none, problems } = read({ ...fields, [field]: text }, draft, unit, 600);
    assert.equal(none, undefined, field);
    assert.ok(problems[field], field);
  }
});
