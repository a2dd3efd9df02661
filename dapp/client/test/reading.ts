// What the library reads is what `assay --json` says, field by field.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { promisify } from "node:util";
import { type Hash, artefactMatches, nodeKey } from "../src/index.js";
import { sameText } from "./cli.js";
import { HOSTILE, cli, client, code, data, derived, models, world } from "./stage.js";

test("models agree", async () => {
  const page = await client.models();
  assert.equal(page.total, 2);
  assert.deepEqual(
    page.items.map(({ id }) => id),
    [models[1], models[0]],
    "newest first",
  );
  assert.deepEqual(cli(page.items.toReversed()), await world.assay("model", "list"));
  for (const id of models) {
    const { locations, ...model } = (await client.model(id))!;
    assert.deepEqual(cli(model), await world.assay("model", "show", id));
    assert.deepEqual(locations, []);
  }
  assert.equal((await client.model(models[0]!))!.record.name, HOSTILE);
});

test("datasets and grants agree", async () => {
  for (const id of [data, derived]) {
    const { termsHash, record, ...dataset } = (await client.dataset(id))!;
    const { terms, ...rest } = record;
    const expected = await world.assay("dataset", "show", id);
    assert.deepEqual(cli({ ...dataset, record: { ...rest, ...terms } }), without(expected, "terms"));
    assert.equal(termsHash, expected.terms);
  }
  assert.equal((await client.dataset(data))!.record.name, HOSTILE);
  const { items } = await client.grants(data);
  const { grants } = await world.assay("dataset", "grants", data);
  assert.deepEqual(
    cli(items.toReversed()),
    grants.map((grant: object) => without(grant, "holds")),
  );
  assert.deepEqual(await client.grant(data, items[0]!.account), items[0]);
});

const without = (value: object, ...names: string[]) =>
  Object.fromEntries(Object.entries(value).filter(([name]) => !names.includes(name)));

test("jobs agree", async () => {
  const page = await client.jobs();
  assert.deepEqual(cli(page.items.toReversed()), await world.assay("job", "list"));
  for (const id of [0n, 1n]) {
    const { job, terms, ...view } = (await client.job(id))!;
    const shown = await world.assay("job", "show", String(id));
    const { sealedSecret, ...fixed } = terms;
    const demands = view.demands.map((demand) => without(demand, "held"));
    const { client: by, state, postedAt, operator, attempts, rounds, enlisted, revealed, challenges, held } = job;
    const ended = ["Final", "Failed", "Void", "Cancelled"].includes(state);
    const standing = {
      client: by,
      state,
      postedAt,
      operator,
      attempts,
      rounds,
      enlisted,
      revealed,
      challenges,
      held,
    };
    const expected = {
      ...view,
      ...standing,
      demands,
      terms: fixed,
      ended,
      deadline: ended ? null : job.deadline,
      clientRevealed: job.clientSecret !== undefined,
    };
    assert.deepEqual(cli(expected), without(shown, "now"));
    assert.match(sealedSecret, /^0x[0-9a-f]{64}$/);
  }
});

test("contributions agree", async () => {
  for (const job of [0n, 1n]) {
    const { segments, ...parts } = (await client.contributions(job))!;
    const compute = parts.compute && { ...parts.compute, segments };
    assert.deepEqual(cli({ ...parts, compute }), await world.assay("job", "contributions", String(job)));
    const paid = (await client.payments(job, { limit: 100 })).items.reduce((sum, { amount }) => sum + amount, 0n);
    assert.equal(paid, parts.total);
  }
});

test("operators and verifiers agree", async () => {
  const since = (one: any) => ({
    ...one,
    unbondsAt: one.unbonding > 0n ? one.unbondsAt : null,
  });
  const operators = (await client.operators()).items.toReversed();
  const full = await Promise.all(operators.map(({ account }) => client.operator(account)));
  const flat = full.map((one) => since({ account: one!.account, ...one!.standing, offer: one!.offer }));
  assert.deepEqual(cli(flat), await world.assay("operator", "list"));
  const verifiers = (await client.verifiers()).items.toReversed();
  assert.deepEqual(
    cli(verifiers.map(({ account, standing }) => since({ account, ...standing }))),
    await world.assay("verifier", "list"),
  );
  assert.deepEqual(await client.verifier(verifiers[0]!.account), verifiers[0]);
  assert.equal(await client.operator(verifiers[0]!.account), undefined);
  const bob = client.developmentSigner("//Bob");
  const account = await client.account(bob.address);
  const shown = await world.assay("accounts", "--suri", "//Bob");
  assert.deepEqual([account.ss58, client.network.token.format(account.balance)], [shown.account, shown.spendable]);
});

test("provenance agrees, with operators beside", async () => {
  for (const [root, ...flags] of [[models[1]!], [data, "--into"]] as const) {
    const graph = flags.length
      ? await client.descendants(root)
      : await client.provenance(root, { withoutOperators: true });
    const expected = await world.assay("provenance", root, ...flags);
    const nodes = new Map(graph.nodes.map((node) => [node.key, node]));
    const edges = graph.edges.map(
      ({ made, from }) =>
        cli({
          made: nodes.get(made)!.node,
          from: nodes.get(from)!.node,
        }) as any,
    );
    assert.deepEqual(edges.map(sameText).sort(), expected.edges.map(sameText).sort());
    const facts = (node: any) => sameText([node.node, node.facts.name, node.facts.licence, node.cut]);
    // The command line has a job's state in a note, and no name.
    const mine = graph.nodes.map(({ node, name, licence, cut }) => ({
      node: cli(node),
      facts: {
        name: node.type === "Job" ? null : (name ?? null),
        licence: licence ?? null,
      },
      cut,
    }));
    assert.deepEqual(mine.map(facts).sort(), expected.nodes.map(facts).sort());
    assert.equal(graph.cut, false);
  }
  const graph = await client.provenance(models[1]!);
  const record = (await client.model(models[1]!))!.record;
  const job = nodeKey({
    type: "Job",
    value: { market: record.market, job: record.job },
  });
  assert.ok(graph.edges.some(({ made, from }) => made === job && from === `operator:${record.operator}`));
  const depths = Object.fromEntries(graph.nodes.map(({ key, depth }) => [key, depth]));
  assert.deepEqual([depths[graph.root], depths[`model:${models[0]}`], depths[`dataset:${data}`]], [0, 1, 2]);
});

test("a graph is cut where a limit says, and marked there", async () => {
  const near = await client.provenance(models[1]!, {
    depth: 1,
    withoutOperators: true,
  });
  assert.equal(near.cut, true);
  assert.deepEqual(
    near.nodes
      .filter(({ cut }) => cut)
      .map(({ key }) => key)
      .sort(),
    [`dataset:${derived}`, `model:${models[0]}`].sort(),
  );
  const few = await client.provenance(models[1]!, {
    limit: 2,
    withoutOperators: true,
  });
  assert.deepEqual([few.nodes.length, few.cut], [2, true]);
  await assert.rejects(client.provenance(models[1]!, { signal: AbortSignal.abort() }), code("Aborted"));
  await assert.rejects(client.provenance(`0x${"12".repeat(32)}`), code("NotFound"));
  await assert.rejects(client.provenance("digits" as Hash), code("BadInput"));
  const node = { type: "Dataset", value: data } as const;
  const into = await client.children(node);
  assert.deepEqual(into.items.map(nodeKey).sort(), [`dataset:${derived}`, `model:${models[0]}`].sort());
  assert.equal(into.total, 2);
});

test("statements agree", async () => {
  const node = { type: "Model", value: models[0]! } as const;
  const { items } = await client.statements(node);
  const listed = (await world.assay("statement", "list", models[0]!)).statements;
  assert.deepEqual(cli(items.map(({ node, ...statement }) => ({ node, statement })).reverse()), listed);
  assert.equal(items[0]!.text, HOSTILE);
  assert.deepEqual((await client.statementsBy(items[0]!.author)).items, items);
});

test("how a model was checked", async () => {
  const checked = (await client.verification(models[0]!))!;
  const { record } = (await client.model(models[0]!))!;
  assert.deepEqual(
    [checked.segments, checked.drawn, checked.confirmed],
    [record.segments, record.segmentsDrawn, record.segmentsChecked],
  );
  assert.equal(checked.slots.length, record.segmentsDrawn);
  assert.ok(
    checked.slots.every(
      ({ confirmed, why, operatorSeal, verifierSeal }) => confirmed && why === "drawn" && operatorSeal && verifierSeal,
    ),
  );
  assert.deepEqual(
    checked.verifiers.flatMap(({ segments }) => segments).sort(),
    checked.slots.map(({ segment }) => segment).sort(),
  );
  assert.match(checked.seed!, /^0x[0-9a-f]{64}$/);
  // Two of four segments are drawn.
  assert.equal(checked.odds[0]!.unseen, 0.5);
  assert.ok(
    checked.odds.every(({ unseen, unseenBribed, escapes }) => unseen <= unseenBribed && unseenBribed <= escapes),
  );
  assert.equal(checked.auditCommand, `assay-verifier audit ${models[0]}`);
  assert.equal(await client.verification(data), undefined);
});

test("a downloaded artefact is told from another", async () => {
  const file = world.path("model.safetensors");
  await world.assay("model", "fetch", models[0]!, "-o", file);
  const { record } = (await client.model(models[0]!))!;
  const bytes = await readFile(file);
  assert.equal((await artefactMatches(new Blob([bytes]), record.artefact)).matches, true);
  bytes[bytes.length - 1]! ^= 1;
  assert.equal((await artefactMatches(new Blob([bytes]), record.artefact)).matches, false);
});

test("a job's history is its life", async () => {
  const { items, complete } = await client.jobHistory(0n);
  assert.equal(complete, true);
  assert.deepEqual(
    items.map(({ state }) => state),
    ["Open", "Claimed", "Committed", "Drawn", "Opened", "Attested", "Window", "Final"],
  );
  const view = (await client.job(0n))!;
  assert.equal(items[0]!.at, view.job.postedAt);
  assert.equal(items[2]!.block.number, view.commitment!.block);
  assert.ok(items.every(({ block }, index) => index === 0 || items[index - 1]!.block.number <= block.number));
});

test("things are found by name, id, number and account", async () => {
  const found = async (text: string) => (await client.search(text)).items.map(({ type }) => type);
  assert.deepEqual(await found("ONERROR"), ["model", "dataset"]);
  assert.deepEqual(await found(` ${models[0]} `), ["model"]);
  assert.deepEqual(await found(data.toUpperCase().replace("0X", "0x")), ["dataset"]);
  assert.deepEqual(await found("job:1"), ["job"]);
  // It is part of the hostile name as well.
  assert.deepEqual(await found("1"), ["job", "model", "dataset"]);
  assert.deepEqual(await found("job:99"), []);
  assert.deepEqual(await found("18446744073709551616"), []);
  const { record } = (await client.model(models[0]!))!;
  assert.deepEqual(await found(record.operator), ["operator", "account"]);
  assert.deepEqual(await found(client.developmentSigner("//Charlie").ss58), ["operator", "account"]);
  assert.deepEqual(await found("nothing of this name"), []);
  assert.deepEqual(await found(""), []);
});

test("what is not there is undefined", async () => {
  const none = `0x${"34".repeat(32)}` as const;
  assert.deepEqual(
    await Promise.all([
      client.model(none),
      client.dataset(none),
      client.job(99n),
      client.contributions(99n),
      client.jobLike(99n),
    ]),
    Array(5).fill(undefined),
  );
  await assert.rejects(client.model("digits" as Hash), code("BadInput"));
});

test("the example in the README runs", async () => {
  const readme = await readFile(new URL("../../README.md", import.meta.url), "utf8");
  const example = /```js\n([\s\S]*?)```/.exec(readme)![1]!;
  const file = new URL("../example.mjs", import.meta.url);
  await writeFile(file, example);
  const { stdout } = await promisify(execFile)(process.execPath, [file.pathname, world.path("deployment.json")]);
  const [newest] = (await client.models({ limit: 1 })).items;
  assert.ok(stdout.startsWith(`${newest!.record.name} is made of [`), stdout);
  assert.ok(stdout.includes(newest!.id), stdout);
});
