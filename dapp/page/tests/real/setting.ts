// A chain with real jobs on it, the built page, and a browser: what all tests of the page share.
//
// ASSAY_NODE and ASSAY_BIN as in client/test/world.ts.

import { readFile } from "node:fs/promises";
import { type TestContext, after, before } from "node:test";
import type { Browser, Page } from "playwright-core";
import { World, tinyJob } from "../../../client/test/world.js";
import { built, launch, serve, watched } from "../browser.js";

/** How long to wait for what has to come, in milliseconds: builds may run beside the tests. */
export const patience = 90_000;

export let world: World;
export let site: Awaited<ReturnType<typeof serve>>;
let browser: Browser;
export let digits: `0x${string}`;
export let letters: `0x${string}`;
export let first: { job: number; model: `0x${string}` };
export let second: { job: number; model: `0x${string}` };
export let waiting: number;

before(async () => {
  world = await World.start({ kept: true });
  const terms = ["--licence", "CC-BY-4.0", "--price", "2 UNIT", "--access-seconds", "86400", "--royalty-bp", "500"];
  digits = await world.dataset("Handwritten digits", 0, "//Alice", ...terms);
  letters = await world.dataset("Letters <b>for</b> research", 1, "//Dave", "--licence", "CC-BY-NC-4.0");
  await world.assay("dataset", "buy", digits, "--suri", "//Bob", "-x", "-y");
  await world.workers();
  first = await world.done(tinyJob(digits, { name: "First reader", royalty_bp: 250 }));
  second = await world.done(tinyJob(letters, { name: "Second reader", parent: first.model, licence: "Apache-2.0" }));
  // Nobody has this stake, so it stays open.
  waiting = await world.post(tinyJob(letters, { name: "Third reader" }, { stake: "9000 UNIT" }));
  const say = [
    "statement",
    "add",
    second.model,
    "--kind",
    "evaluation",
    "--text",
    "Reads <i>well</i>",
    "--suri",
    "//Dave",
  ];
  await world.assay(...say, "-x", "-y");
  const deployment = await readFile(world.path("deployment.json"), "utf8");
  site = await serve(built, { "/networks.json": `[${deployment}]` });
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await site?.close();
  await world?.stop();
});

/** A page to which a reader comes for the first time. Whatever it complains of fails the test. */
export async function fresh(t: TestContext, options: Parameters<Browser["newContext"]>[0] = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  context.setDefaultTimeout(patience);
  const watching = await watched(context);
  t.after(async () => {
    // What a reader would have seen tells more than which line waited for what.
    // (Node.js 20 has the error, its types do not.)
    if (!(t as { error?: unknown }).error) return context.close();
    console.log(watching.page.url(), watching.complaints, await watching.page.locator("body").innerText());
    await context.close();
  });
  return { context, ...watching };
}

/** Waits until everything on the page has been read. */
export async function settled(page: Page): Promise<void> {
  await page.locator("main h1").waitFor();
  await page.waitForFunction(() => !document.querySelector(".waiting"), undefined, { timeout: patience });
}

export async function open(page: Page, place: string): Promise<void> {
  await page.goto(`${site.url}#/${place}`);
  await settled(page);
}

/** The value beside a label. */
export const fact = (page: Page, label: string) => page.locator(`dt:text-is("${label}") + dd`).first();

/** The whole of a hash that is shown shortened. */
export const whole = async (page: Page, label: string) =>
  fact(page, label).locator("code").first().getAttribute("title");
