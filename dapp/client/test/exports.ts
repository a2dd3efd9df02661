// What the library exports is what `assay export` writes, byte for byte.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import type { Export, ExportForm, Hash } from "../src/index.js";
import { client, code, data, derived, models, world } from "./stage.js";

const job = (number: bigint) => ({
  type: "Job" as const,
  value: { market: client.network.deployment.market.address, job: number },
});

/** A card ends with the block that it was read in, which is another with each reader. */
const withoutBlock = (text: string) => text.replace(/\nWritten from the records as of block .*\n$/, "\n");

async function sameAs(form: ExportForm, root: Parameters<typeof client.export>[1], name: string, ...more: string[]) {
  const file = world.path(`exported-${form}`);
  await world.assay("export", form, name, "-o", file, ...more);
  const mine: Export = await client.export(form, root);
  const theirs = await readFile(file, "utf8");
  assert.equal(withoutBlock(mine.text), withoutBlock(theirs), `${form} of ${name}`);
  if (form === "card") assert.match(mine.text, new RegExp(`as of block ${mine.block.number} .*${mine.block.hash}`));
  assert.equal(mine.cut, false);
}

test("exports are the command line's", async () => {
  for (const model of models)
    for (const form of ["prov", "prov-ld", "statement", "card", "svg"] as const) await sameAs(form, model, model);
  for (const dataset of [data, derived]) {
    for (const form of ["prov", "prov-ld", "svg"] as const) await sameAs(form, dataset, dataset);
    await sameAs("croissant", dataset, dataset, "--without-files");
  }
  for (const form of ["prov", "prov-ld", "svg"] as const) await sameAs(form, job(1n), "job:1");
});

test("what has no such form is refused", async () => {
  await assert.rejects(client.export("card", data), code("BadInput"));
  await assert.rejects(client.export("croissant", models[0]!), code("BadInput"));
  await assert.rejects(client.export("prov", `0x${"12".repeat(32)}` as Hash), code("NotFound"));
  await assert.rejects(client.export("prov", job(99n)), code("NotFound"));
  const near = await client.export("svg", models[1]!, { depth: 1 });
  assert.deepEqual([near.cut, near.text.includes('class="model cut"')], [true, true]);
});
