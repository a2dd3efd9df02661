// An index is asked where there is one; the page works the same without it, and says which it was.

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { accessible, narrowEnough } from "../browser.js";
import { first, fresh, open, second, settled, site, world } from "./setting.js";

const shots = process.env.ASSAY_SHOTS;
let url: string;

const foot = (page: Page) => page.locator("footer").innerText();

/** Sets the index by the dialog. */
async function choose(page: Page, index: string) {
  await page.getByRole("button", { name: /^Network/ }).click();
  const field = page.getByLabel("An index’s URL");
  if (!(await field.isVisible())) await page.locator("summary", { hasText: /^Index$/ }).click();
  await field.fill(index);
  await page.getByRole("button", { name: "Use this index" }).click();
}

test("an index is chosen, asked and remembered, and shows what the chain shows", async (t) => {
  url = (await world.daemon("index", "assay", "index", "run", "--listen", "127.0.0.1:0")).ready.split(" ")[1]!;
  for (const [width, colorScheme] of [
    [1280, "light"],
    [390, "dark"],
  ] as const) {
    const { context, page, complaints } = await fresh(t, { viewport: { width, height: 900 }, colorScheme });
    const asked = new Set<string>();
    page.on("response", (answer) => {
      const { origin, pathname } = new URL(answer.url());
      if (origin === url && answer.ok()) asked.add(pathname.split("/")[2]!);
    });
    const texts = async () => {
      const shown: string[] = [];
      for (const place of ["models", "datasets", "operators", "verifiers", "search/reader"]) {
        await open(page, place);
        shown.push(await page.locator("main").innerText());
      }
      await open(page, `model/${second.model}`);
      shown.push(await page.locator("section", { has: page.locator("#owners") }).innerText());
      shown.push(
        (await page.locator(".node").evaluateAll((all) => all.map((one) => one.getAttribute("data-key"))))
          .sort()
          .join(),
      );
      return shown;
    };
    const fromChain = await texts();
    assert.match(await foot(page), /nothing stands in between/);
    await choose(page, "http://index.example");
    await page.getByRole("alert").getByText("https://").waitFor();
    await accessible(page, "the choice of an index");
    await narrowEnough(page, "the choice of an index");
    if (shots) await mkdir(shots, { recursive: true });
    if (shots) await page.screenshot({ path: join(shots, `index-choice-${width}-${colorScheme}.png`) });
    await page.getByLabel("An index’s URL").fill(`${url}/`);
    await page.getByRole("button", { name: "Use this index" }).click();
    await page.locator("footer").getByText("come from the index at").waitFor();
    await page.reload();
    await settled(page);
    assert.deepEqual(await texts(), fromChain);
    await page.locator("footer").getByText("come from the index at").waitFor();
    for (const path of ["models", "datasets", "operators", "verifiers", "search", "owners", "lineage"]) {
      assert.ok(asked.has(path), `${path} was not asked of the index`);
    }
    assert.deepEqual(complaints, []);
    await context.close();
  }
});

test("an index that an address names is told, and can be left", async (t) => {
  const { page, complaints } = await fresh(t);
  await page.goto(`${site.url}?index=${encodeURIComponent(url)}#/model/${first.model}`);
  await settled(page);
  const notice = page.locator(".notice", { hasText: "names an index" });
  await notice.getByText("come from the index at").waitFor();
  await accessible(page, "an index by address");
  if (shots) await page.screenshot({ path: join(shots, "index-by-address.png") });
  await notice.getByRole("button", { name: "Use none" }).click();
  await notice.waitFor({ state: "detached" });
  await settled(page);
  assert.match(await foot(page), /nothing stands in between/);
  assert.ok(!page.url().includes("index="), page.url());
  assert.deepEqual(complaints, []);
});

test("an index that cannot be used is said, and everything is read from the chain", async (t) => {
  const { page } = await fresh(t);
  // The node's own port is none of an index.
  const port = new URL(world.url).port;
  await page.goto(`${site.url}?index=${encodeURIComponent(`http://127.0.0.1:${port}`)}#/models`);
  await settled(page);
  await page.locator("footer").getByText("Everything is read from the chain").waitFor();
  await page.locator("main").getByText("Second reader").waitFor();
});
