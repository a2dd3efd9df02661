// The network is chosen and remembered; the node goes away and comes back.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { accessible, built, serve, watched } from "../browser.js";
import { fresh, open, second, settled, site, world } from "./setting.js";

test("a network is added by its deployment file, remembered, and refused where it is another chain's", async (t) => {
  const { context, page, complaints } = await fresh(t);
  const bare = await serve(built, { "/networks.json": "[]" });
  t.after(() => bare.close());
  const deployment = JSON.parse(await readFile(world.path("deployment.json"), "utf8"));
  await page.goto(bare.url);
  await page.getByRole("heading", { name: "Choose a network" }).waitFor();
  await accessible(page, "the choice of a network");
  await page.locator("textarea").fill("{");
  await page.getByRole("button", { name: "Connect", exact: true }).click();
  await page.getByRole("alert").waitFor();
  await page.locator("input[type=file]").setInputFiles(world.path("deployment.json"));
  await page.getByLabel("A node’s URL").fill(world.url);
  await page.getByRole("button", { name: "Connect", exact: true }).click();
  await page.getByRole("heading", { name: "Newest models" }).waitFor();
  await page.reload();
  await page.getByRole("heading", { name: "Newest models" }).waitFor();
  assert.deepEqual(complaints, []);

  const { page: other } = await watched(context);
  await other.goto(bare.url);
  await other.getByRole("button", { name: /^Network/ }).click();
  await other.getByText("Another network").click();
  const wrong = { ...deployment, genesis: `0x${"12".repeat(32)}` };
  await other.locator("textarea").fill(JSON.stringify(wrong));
  await other.getByRole("button", { name: "Connect", exact: true }).click();
  await other.getByRole("heading", { name: "No connection" }).waitFor();
  assert.match(await other.getByRole("alert").innerText(), /genesis|chain/);
  await accessible(other, "no connection");
});

test("the node goes away and comes back: the page says so, keeps what it has, and carries on", async (t) => {
  const { page } = await fresh(t);
  const port = Number(new URL(world.url).port);
  await open(page, `model/${second.model}`);
  await world.stopChain();
  await page.getByText("The node is away").waitFor();
  assert.equal(await page.locator("h1").innerText(), "Second reader", "what was read stays");
  await world.restartChain(port);
  await page.locator('[data-status="connected"]').waitFor();
  const height = async () =>
    Number(/block ([\d,]+)/.exec(await page.locator(".foot").innerText())![1]!.replaceAll(",", ""));
  const before = await height();
  await page.waitForFunction(
    (before) =>
      Number(/block ([\d,]+)/.exec(document.querySelector(".foot")!.textContent!)![1]!.replaceAll(",", "")) > before,
    before,
  );
  // It hears of what happens now.
  const say = [
    "statement",
    "add",
    second.model,
    "--kind",
    "note",
    "--text",
    "Said after the restart",
    "--suri",
    "//Dave",
  ];
  await world.assay(...say, "-x", "-y");
  await page.getByText("Said after the restart").waitFor();
});

test("a node that is not there yet is tried again until it is", async (t) => {
  const { page } = await fresh(t);
  const port = Number(new URL(world.url).port);
  await world.stopChain();
  await page.goto(`${site.url}#/models`);
  await page.getByRole("heading", { name: "No connection" }).waitFor();
  await page.getByText("tries again by itself").waitFor();
  await accessible(page, "a node that is not there");
  await world.restartChain(port);
  await page.locator("main").getByText("Second reader").waitFor();
});

test("an address that names nothing leads on", async (t) => {
  const { page, complaints } = await fresh(t);
  await page.goto(`${site.url}#/model/0x${"00".repeat(32)}`);
  await page.getByText("is registered on this network").waitFor();
  await page.goto(`${site.url}#/job/4000`);
  await page.getByText("The market has no job 4000").waitFor();
  await page.goto(`${site.url}#/nowhere/%zz`);
  await page.getByRole("heading", { name: "There is no such page" }).waitFor();
  await page.keyboard.press("Tab");
  await settled(page);
  assert.deepEqual(complaints, []);
});
