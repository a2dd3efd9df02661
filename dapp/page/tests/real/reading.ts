// What readers see: every page, and that it is what the command line says.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { accessible, narrowEnough } from "../browser.js";
import { digits, fact, first, fresh, letters, open, second, settled, waiting, whole, world } from "./setting.js";

const run = promisify(execFile);
const bin = (name: string) => join(process.env.ASSAY_BIN ?? "", name);
/** Where pictures go; none are taken without it. */
const shots = process.env.ASSAY_SHOTS;

const pages = (): [name: string, place: string][] => [
  ["home", ""],
  ["models", "models"],
  ["datasets", "datasets"],
  ["jobs", "jobs"],
  ["operators", "operators"],
  ["verifiers", "verifiers"],
  ["search", "search/reader"],
  ["model", `model/${second.model}`],
  ["dataset", `dataset/${digits}`],
  ["job", `job/${second.job}`],
  ["job-open", `job/${waiting}`],
  ["account", "account/0x9621dde636de098b43efb0fa9b61facfe328f99d"],
  ["post", `post/like/${first.job}`],
  ["nothing", "model/0x12"],
];

test("every page, at both widths, in light and dark: no complaint, accessible, nothing sticks out", async (t) => {
  if (shots) await mkdir(shots, { recursive: true });
  for (const colorScheme of ["light", "dark"] as const) {
    for (const width of [1280, 390]) {
      const { context, page, complaints } = await fresh(t, { viewport: { width, height: 900 }, colorScheme });
      for (const [name, place] of pages()) {
        const where = `${name}, ${width} wide, ${colorScheme}`;
        await open(page, place);
        await narrowEnough(page, where);
        await accessible(page, where);
        assert.deepEqual(complaints, [], where);
        if (shots) await page.screenshot({ path: join(shots, `${name}-${width}-${colorScheme}.png`), fullPage: true });
      }
      await context.close();
    }
  }
});

test("the page and the command line agree on a model", async (t) => {
  const { page } = await fresh(t);
  const said = await world.assay("model", "show", second.model);
  await open(page, `model/${second.model}`);
  assert.equal(await page.locator("h1").innerText(), said.record.name);
  assert.equal(await whole(page, "Id"), second.model);
  assert.equal(await whole(page, "Owner"), said.owner);
  assert.equal(await fact(page, "Licence").innerText(), said.record.licence);
  assert.equal(await whole(page, "Trained by"), said.record.operator);
  assert.equal(await whole(page, "Paid for by"), said.record.first_owner);
  assert.equal(await whole(page, "Program"), said.record.program);
  assert.equal(await whole(page, "Final state"), said.record.final_state);
  assert.equal(await fact(page, "In block").innerText(), String(said.record.block));
  assert.equal(await page.locator("#file + p code").getAttribute("title"), said.record.artefact);
  assert.ok((await page.locator(".lead").innerText()).includes(`${said.record.segments_drawn} were drawn`));

  const paid = await world.assay("job", "contributions", String(second.job));
  const rows = page.locator("#contributions ~ .wide tr");
  for (const { paid: amount, operator } of [paid.compute]) {
    assert.ok((await rows.filter({ has: page.locator(`[title="${operator}"]`) }).innerText()).includes(amount));
  }
  for (const { verifier, paid: amount } of paid.verification) {
    const row = rows.filter({ hasText: "Checking" }).filter({ has: page.locator(`[title="${verifier}"]`) });
    assert.ok((await row.innerText()).includes(amount));
  }
});

test("a lineage is walked by keyboard, its conflict pointed out, its picture saved", async (t) => {
  const { context, page, complaints } = await fresh(t);
  await open(page, `model/${second.model}`);
  const root = page.locator(`[data-key="model:${second.model}"]`);
  await root.focus();
  await page.keyboard.press("ArrowLeft");
  await page.locator(`.node.selected:not([data-key="model:${second.model}"])`).waitFor();
  await page.keyboard.press("Home");
  await page.locator(`.node.selected[data-key="model:${second.model}"]`).waitFor();

  const conflict = page.locator("[data-conflicts]");
  assert.match(await conflict.innerText(), /Second reader is made from Letters <b>for<\/b> research, but CC-BY-NC-4.0/);
  assert.equal(await page.locator(".node.marked").getAttribute("data-key"), `dataset:${letters}`);

  // From a dataset on to what was made of it.
  await page.locator(`[data-key="dataset:${digits}"]`).click();
  await page.getByRole("link", { name: "Open this dataset" }).click();
  await settled(page);
  assert.equal(await page.locator("h1").innerText(), "Handwritten digits");
  await page.locator(`[data-key="model:${first.model}"]`).click();
  await page.getByRole("button", { name: "Show what was made from it" }).click();
  await page.locator(`[data-key="model:${second.model}"]`).waitFor();

  const [saved] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Save the drawing (SVG)" }).click(),
  ]);
  const svg = await readFile((await saved.path())!, "utf8");
  // Read where no policy stands in the way.
  const blank = await context.newPage();
  const texts = await blank.evaluate((svg) => {
    const parsed = new DOMParser().parseFromString(svg, "image/svg+xml");
    if (parsed.querySelector("parsererror")) throw new Error("it is no XML");
    return [...parsed.querySelectorAll(".node-title")].map(({ textContent }) => textContent);
  }, svg);
  assert.ok(texts.includes("First reader"), String(texts));
  assert.deepEqual(complaints, []);
});

test("a downloaded file is told from another, and the audit command is the one to run", async (t) => {
  const { page } = await fresh(t);
  const file = world.path("model.safetensors");
  await world.assay("model", "fetch", second.model, "--output", file);
  const bytes = await readFile(file);
  bytes[bytes.length - 1]! ^= 1;
  await writeFile(world.path("changed.safetensors"), bytes);
  await open(page, `model/${second.model}`);
  const input = page.getByLabel("The downloaded file");
  await input.setInputFiles(file);
  await page.getByText("It is the registered file").waitFor();
  await input.setInputFiles(world.path("changed.safetensors"));
  await page.getByText("It is another file").waitFor();
  assert.match(await page.locator("[data-drop]").innerText(), /Do not use it/);

  // The second model's lineage is claimed, not true, as its training does not start from the first: an audit
  // says so. The first one's holds.
  await open(page, `model/${first.model}`);
  const [program, ...args] = (await page.locator("#again ~ pre code").innerText()).split(" ");
  assert.equal(program, "assay-verifier");
  const env = {
    ...process.env,
    ASSAY_URL: world.url,
    ASSAY_DEPLOYMENT: world.path("deployment.json"),
    HOME: world.folder,
  };
  const { stdout } = await run(bin(program), args, { env });
  assert.ok(stdout.length > 0);
});

test("what is saved is what the command line exports", async (t) => {
  const { page } = await fresh(t);
  // A card says in which block it was read, which is another one here.
  const withoutBlock = (text: string) => text.replace(/\nWritten from the records as of block .*\n$/, "\n");
  for (const [place, id, forms] of [
    [
      `model/${second.model}`,
      second.model,
      { card: "Model card", statement: "in-toto statement", prov: "W3C PROV (PROV-JSON)" },
    ],
    [`dataset/${letters}`, letters, { croissant: "Croissant", svg: "Lineage as SVG", "prov-ld": "W3C PROV (JSON-LD)" }],
  ] as const) {
    await open(page, place);
    for (const [form, name] of Object.entries(forms)) {
      const [saved] = await Promise.all([
        page.waitForEvent("download"),
        page.getByRole("button", { name, exact: true }).click(),
      ]);
      const file = world.path(`exported.${form}`);
      const more = form === "croissant" ? ["--without-files"] : [];
      await world.assay("export", form, id, "--output", file, ...more);
      const [mine, theirs] = [await readFile((await saved.path())!, "utf8"), await readFile(file, "utf8")];
      assert.equal(withoutBlock(mine), withoutBlock(theirs), form);
    }
  }
});

test("a search finds by name, by hash, by account, and says when it does not", async (t) => {
  const { page } = await fresh(t);
  await open(page, "");
  for (const [text, expected] of [
    ["second", "Second reader"],
    [first.model, "First reader"],
    [`job:${waiting}`, `Job ${waiting}`],
    ["5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY", "0x9621…f99d"],
    ["no such thing", "Nothing has this name"],
  ] as const) {
    await page.getByRole("searchbox").fill(text);
    await page.keyboard.press("Enter");
    await page.locator("main").getByText(expected).first().waitFor();
  }
});
