// What readers do: every action, with an injected wallet and with development accounts, each behind its confirmation.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { toAddress } from "../../../client/src/basic.js";
import { tinyJob } from "../../../client/test/world.js";
import { accessible, narrowEnough } from "../browser.js";
import { install } from "../wallet.js";
import { digits, first, fresh, letters, open, second, settled, world } from "./setting.js";

const bob = "0x41dccbd49b26c50d34355ed86ff0fa9e489d1e01";
const dave = toAddress("5DAAnrj7VHTznn2AWBemMuyBwZWs6FNFjdyVXUeYum3PTXFy");

/** An amount of the confirmation. */
const cost = async (page: Page, label: string) =>
  Number((await page.locator(`dialog dt:text-is("${label}") + dd`).innerText()).replace(" UNIT", ""));

/** Signs with a development account. */
async function as(page: Page, name: string): Promise<void> {
  await page.getByRole("button", { name: "Account", exact: true }).click();
  await page.getByRole("dialog").getByRole("button", { name, exact: true }).click();
  await page.getByRole("button", { name: `Account //${name}` }).waitFor();
}

/** Signs what the confirmation shows, and waits until it is done. */
async function sign(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Sign and send" }).click();
  await page.locator("dialog [data-done]").waitFor();
}

test("a model is transferred with an injected wallet, after its cost was shown", async (t) => {
  const { context, page, complaints } = await fresh(t);
  const wallet = await install(context, "//Bob");
  await open(page, `model/${first.model}`);
  await page.getByRole("button", { name: "Transfer it" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("New owner").fill("not an account");
  await dialog.getByRole("button", { name: "See what it costs" }).click();
  await dialog.getByRole("alert").waitFor();
  await dialog.getByLabel("New owner").fill("5DAAnrj7VHTznn2AWBemMuyBwZWs6FNFjdyVXUeYum3PTXFy");
  await dialog.getByRole("button", { name: "See what it costs" }).click();
  await dialog.getByRole("button", { name: "Connect polkadot-js" }).click();
  await dialog.getByRole("button", { name: "Wallet of a test" }).click();
  await dialog.locator("dt").filter({ hasText: "Fee, at most" }).waitFor();
  await accessible(page, "the confirmation");
  assert.ok((await cost(page, "Fee, at most")) > 0);
  assert.ok((await cost(page, "You have")) > (await cost(page, "All of it, at most")));
  assert.equal(wallet.asked.length, 0, "nothing is signed before the reader has said so");

  wallet.refuse = true;
  await dialog.getByRole("button", { name: "Sign and send" }).click();
  await dialog.getByRole("alert").waitFor();
  assert.equal((await world.assay("model", "show", first.model)).owner, bob);
  wallet.refuse = false;
  await dialog.getByRole("button", { name: "Try again" }).click();
  await sign(page);
  assert.equal((await world.assay("model", "show", first.model)).owner, dave);
  await dialog.getByRole("button", { name: "Close" }).last().click();
  // The page has heard of it: the new owner is in the list, above the old one.
  await page.locator("#owners ~ ol li").nth(1).waitFor();
  assert.equal(await page.locator("#owners ~ ol li code").first().getAttribute("title"), dave);
  assert.deepEqual(complaints, []);
});

test("whoever does not own a model is told why it cannot be transferred", async (t) => {
  const { page } = await fresh(t);
  await open(page, `model/${second.model}`);
  await as(page, "Charlie");
  await page.getByRole("button", { name: "Transfer it" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("New owner").fill(bob);
  await dialog.getByRole("button", { name: "See what it costs" }).click();
  await dialog.getByText("This would not go through").waitFor();
  assert.equal(await dialog.getByRole("button", { name: "Sign and send" }).count(), 0);
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
});

test("access is bought with a development account, under terms that were agreed to", async (t) => {
  const { page, complaints } = await fresh(t, { viewport: { width: 390, height: 800 } });
  await open(page, `dataset/${digits}`);
  await as(page, "Dave");
  await page.getByRole("button", { name: "Buy access" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.locator("dt").filter({ hasText: "Sent along" }).waitFor();
  assert.equal(await cost(page, "Sent along"), 2);
  assert.ok(await dialog.getByRole("button", { name: "Sign and send" }).isDisabled(), "before the terms are agreed to");
  await dialog.getByRole("checkbox").check();
  await narrowEnough(page, "the confirmation");
  await accessible(page, "the confirmation");
  await sign(page);
  assert.ok(JSON.stringify(await world.assay("dataset", "grants", digits)).includes(dave));
  await dialog.getByRole("button", { name: "Close" }).last().click();
  await page.getByText("You have access, until").waitFor();
  assert.deepEqual(complaints, []);
});

test("a job is posted from a form that shows its economics, and its secret revealed from the page", async (t) => {
  const { page, complaints } = await fresh(t);
  await open(page, "post");
  await as(page, "Bob");
  await page.getByLabel("Start from").selectOption(String(first.job));
  await page.getByLabel("Name", { exact: true }).fill("Reader from the page");
  const judgement = page.locator("[data-judgement]");
  await page.getByLabel("Operator’s stake").fill("1 UNIT");
  await page.getByLabel("Handing it back costs").fill("0.1 UNIT");
  await page.getByLabel("A false model is worth").fill("5 UNIT");
  await page.locator('[data-judgement="refused"]').waitFor();
  assert.match(await judgement.innerText(), /The market will refuse it: the stake must be [\d.]+ UNIT or more/);
  await page.getByLabel("Operator’s stake").fill("150 apples");
  await page.getByText("is not a unit of this chain").waitFor();
  await page.getByRole("button", { name: "See what it costs" }).click();
  assert.equal(await page.getByRole("dialog").count(), 0, "a form with a fault is not sent");
  await page.getByLabel("Operator’s stake").fill("150 UNIT");
  await page.locator('[data-judgement="sound"]').waitFor();
  await page.getByLabel("Training steps").fill("10");
  await page.getByLabel("To train and commit").evaluate((input) => input.closest("details")!.setAttribute("open", ""));

  await page.getByRole("button", { name: "See what it costs" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.locator("dt").filter({ hasText: "Sent along" }).waitFor();
  assert.equal(await cost(page, "Sent along"), 13);
  assert.ok((await cost(page, "Deposit for storage")) > 0);
  const [saved] = await Promise.all([
    page.waitForEvent("download"),
    dialog.getByRole("button", { name: "Save the secret as a file, too" }).click(),
  ]);
  const secret = JSON.parse(await readFile((await saved.path())!, "utf8"));
  assert.equal(saved.suggestedFilename(), `${secret.sealed}.json`);
  assert.equal(secret.client, bob);
  await sign(page);
  await dialog.getByRole("link", { name: /^job \d+$/ }).click();
  await settled(page);
  const number = Number(/Job (\d+)/.exec(await page.locator("h1").innerText())![1]);
  assert.equal((await world.assay("job", "show", String(number))).model.name, "Reader from the page");

  // The operator takes it, trains and commits; then this browser has the client's secret.
  await page.getByRole("button", { name: "Reveal your secret" }).click();
  await page.getByRole("dialog").locator("dt").filter({ hasText: "Fee, at most" }).waitFor();
  await sign(page);
  await page.getByRole("dialog").getByRole("button", { name: "Close" }).last().click();
  await page.locator(".timeline .now.good").waitFor();
  const posted = await world.assay("job", "show", String(number));
  assert.equal(posted.state, "final");
  assert.ok(posted.client_revealed);
  assert.equal(posted.terms.segments, 5, "10 steps in segments of 2");
  assert.deepEqual(complaints, []);
});

test("an open job is taken back by its client, and the money withdrawn", async (t) => {
  const { page, complaints } = await fresh(t);
  // Nobody has this stake, so nobody claims it.
  const number = await world.post(tinyJob(letters, { name: "Third reader" }, { stake: "9000 UNIT" }));
  await open(page, `job/${number}`);
  assert.match(await page.locator("[data-countdown]").first().innerText(), /^\d+ (min|s)( \d+ s)? left$/);
  const shown = await page.locator("[data-countdown]").first().innerText();
  await page.waitForFunction((shown) => document.querySelector("[data-countdown]")!.textContent !== shown, shown);
  await as(page, "Bob");
  await page.getByRole("button", { name: "Take it back" }).click();
  await page.getByRole("dialog").locator("dt").filter({ hasText: "Fee, at most" }).waitFor();
  await sign(page);
  await page.getByRole("dialog").getByRole("button", { name: "Close" }).last().click();
  await page.locator(".lead").getByText("Cancelled").waitFor();
  await open(page, `account/${bob}`);
  const credit = page.locator('dt:text-is("Credited by the market") + dd');
  await credit.getByRole("button", { name: "Withdraw" }).click();
  await page.getByRole("dialog").locator("dt").filter({ hasText: "Fee, at most" }).waitFor();
  await sign(page);
  await page.getByRole("dialog").getByRole("button", { name: "Close" }).last().click();
  await credit.getByText(/^0 UNIT/).waitFor();
  assert.deepEqual(complaints, []);
});
