// Hostile records, under the page's own content-security policy: shown as text, never run.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { fake, launch, narrowEnough, serve, watched } from "./browser.js";
import { address, hash, hostileTexts, hostileUrls } from "./fake/records.js";

let site: Awaited<ReturnType<typeof serve>>;
let browser: Browser;

before(async () => {
  site = await serve(fake, { "/networks.json": "[{}]", "/favicon.ico": "" });
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await site?.close();
});

async function open(page: Page, place: string) {
  await page.goto(`${site.url}?case=hostile#/${place}`);
  await page.locator("main h1").waitFor();
  await page.waitForFunction(() => !document.querySelector(".waiting"));
}

/** Fails if anything of the records became more than text. */
async function harmless(page: Page, where: string) {
  const found = await page.evaluate(() => ({
    hacked: "hacked" in window,
    elements: document.querySelectorAll("main img, main script, main iframe, main object, main style").length,
    handlers: [...document.querySelectorAll("*")].filter((one) =>
      one.getAttributeNames().some((name) => name.startsWith("on")),
    ).length,
    links: [...document.querySelectorAll<HTMLAnchorElement>("a[href]")].map((link) => link.getAttribute("href")!),
    invisible: /[\u0000-\u0008\u000b\u001b\u200b-\u200f\u202a-\u202e\u2066-\u2069]/.test(document.body.innerText),
  }));
  assert.equal(found.hacked, false, where);
  assert.equal(found.elements, 0, where);
  assert.equal(found.handlers, 0, where);
  assert.equal(found.invisible, false, `${where}: characters that hide or turn`);
  const elsewhere = found.links.filter((link) => !link.startsWith("#"));
  assert.deepEqual(
    elsewhere.filter((link) => !/^(https|ipfs):\/\//.test(link)),
    [],
    where,
  );
  for (const link of elsewhere) assert.ok(!link.includes("@") && !link.includes("\u202e"), `${where}: ${link}`);
}

const places = [
  "",
  "models",
  "datasets",
  "operators",
  `model/${hash("e", 1)}`,
  `job/0`,
  `account/${address(2)}`,
  "search/<img>",
];

test("hostile records are shown as text, on every page, at a phone's width and a desk's", async () => {
  for (const width of [390, 1280]) {
    const context = await browser.newContext({ viewport: { width, height: 900 } });
    const { page, complaints } = await watched(context);
    for (const place of [...places, ...hostileTexts.map((_, number) => `dataset/${hash("d", number + 1)}`)]) {
      await open(page, place);
      await harmless(page, `${place}, ${width}`);
      await narrowEnough(page, `${place}, ${width}`);
      assert.deepEqual(complaints, [], place);
    }
    await context.close();
  }
});

test("only https and ipfs locations are links, and lead out without telling where from", async () => {
  const { page } = await watched(await browser.newContext());
  await open(page, `model/${hash("e", 1)}`);
  const list = page.locator("#file ~ ul").first();
  assert.equal(await list.locator("li").count(), hostileUrls.length + 2, "every location is shown");
  const links = await list
    .locator("a")
    .evaluateAll((links) =>
      links.map((link) => [link.getAttribute("href"), link.getAttribute("rel"), link.getAttribute("referrerpolicy")]),
    );
  assert.deepEqual(links, [
    ["https://example.org/good", "noopener noreferrer nofollow external", "no-referrer"],
    ["ipfs://bafybeigood", "noopener noreferrer nofollow external", "no-referrer"],
  ]);
});

test("names that turn the writing round or hide are made visible", async () => {
  const { page } = await watched(await browser.newContext());
  await open(page, `dataset/${hash("d", 6)}`);
  assert.equal(await page.locator("h1").innerText(), "gnp.\\u{202e}exe.txt\\u{200b}\\u{2066}evil");
});

test("the policy lets nothing else run", async () => {
  const { page } = await watched(await browser.newContext());
  await open(page, "");
  const ran = await page.evaluate(async () => {
    for (const source of ["", "data:text/javascript,window.hacked='data'"]) {
      try {
        const element = document.createElement("script");
        if (source) element.src = source;
        else element.textContent = "window.hacked = 'inline'";
        document.body.append(element);
      } catch {
        // Refused outright, which is as good.
      }
    }
    try {
      document.body.insertAdjacentHTML("beforeend", "<img src=x onerror=\"window.hacked='handler'\">");
    } catch {
      // As above.
    }
    const frame = document.createElement("iframe");
    frame.src = "https://example.org/";
    document.body.append(frame);
    await new Promise((done) => document.addEventListener("securitypolicyviolation", done, { once: true }));
    return "hacked" in window;
  });
  assert.equal(ran, false);
});

test("a saved drawing and the exports keep hostile names as text", async () => {
  const { page } = await watched(await browser.newContext());
  await open(page, `model/${hash("e", 1)}`);
  const read = async (name: string) => {
    const [saved] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name }).click()]);
    const chunks: Buffer[] = [];
    for await (const chunk of await saved.createReadStream()) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).toString();
  };
  // Read where no policy stands in the way.
  const blank = await page.context().newPage();
  const elements = (svg: string) =>
    blank.evaluate((svg) => {
      const parsed = new DOMParser().parseFromString(svg, "image/svg+xml");
      return [...new Set([...parsed.querySelectorAll("*")].map(({ localName }) => localName))].sort();
    }, svg);
  const drawn = await elements(await read("Save the drawing (SVG)"));
  assert.deepEqual(drawn, ["clipPath", "defs", "g", "path", "rect", "style", "svg", "text", "title"]);
  assert.deepEqual(await elements(await read("Lineage as SVG")), [
    "g",
    "path",
    "rect",
    "style",
    "svg",
    "text",
    "title",
  ]);
  const statement = JSON.parse(await read("in-toto statement"));
  assert.match(statement.subject[0].downloadLocation, /^https:\/\/[^<>"\s]+$/);
  assert.ok(JSON.parse(await read("W3C PROV (PROV-JSON)")).entity);
  const card = await read("Model card");
  // The head is YAML, in which a quoted text is a text; below it Markdown must not see markup.
  const body = card.replace(/^---\n[\s\S]*?\n---\n/, "");
  assert.notEqual(body, card);
  assert.doesNotMatch(body, /(?<!\\)<(?:img|script|svg)|\]\(javascript|^\s*javascript:/m);
});

test("a node that is away leaves a page that says what to do", async () => {
  const { page } = await watched(await browser.newContext());
  await page.goto(`${site.url}?case=unreachable#/`);
  await page.getByRole("heading", { name: "No connection" }).waitFor();
  await page.getByRole("button", { name: "Try again" }).waitFor();
});
