// Chromium, a server for a folder of static files, and what every test holds a page to.

import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { extname, join, normalize, sep } from "node:path";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import assert from "node:assert/strict";
import { type Browser, type BrowserContext, type Page, chromium } from "playwright-core";

const folder = (name: string) => fileURLToPath(new URL(`../build/${name}`, import.meta.url));

/** The page as it is published, or `ASSAY_PAGE`. */
export const built = process.env.ASSAY_PAGE ?? folder("page");
/** The page over records in memory, or `ASSAY_FAKE`. */
export const fake = process.env.ASSAY_FAKE ?? folder("fake");

const types: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
};

/** Serves a folder. `extra` files come before those of the folder. */
export async function serve(folder: string, extra: Record<string, string> = {}) {
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url ?? "/", "http://here").pathname));
    const name = path === sep ? "/index.html" : path;
    const answer = async () => (name in extra ? extra[name]! : await readFile(join(folder, name)));
    answer().then(
      (content) => response.writeHead(200, { "content-type": types[extname(name)] ?? "text/plain" }).end(content),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    close: () =>
      new Promise<void>((done) => {
        server.closeAllConnections();
        server.close(() => done());
      }),
  };
}

/** The browser of the tests: `CHROMIUM`, or Debian's. */
export function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    // Tests run as root in containers, where Chromium's own sandbox cannot.
    args: process.getuid?.() === 0 ? ["--no-sandbox"] : [],
  });
}

/** A page whose errors, warnings, dialogs and refused requests are written down. */
export async function watched(context: BrowserContext): Promise<{ page: Page; complaints: string[] }> {
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning")
      complaints.push(`${message.type()}: ${message.text()}`);
  });
  page.on("pageerror", (error) => complaints.push(`exception: ${error.stack ?? error.message}`));
  page.on("dialog", (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  return { page, complaints };
}

const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

interface Violation {
  id: string;
  impact: string | null;
  help: string;
  nodes: { html: string; failureSummary?: string }[];
}

/** Fails if axe finds anything serious or critical. */
export async function accessible(page: Page, where: string): Promise<void> {
  // Through the debugger, as the page's policy lets nothing else in.
  await page.evaluate(await readFile(axe, "utf8"));
  const violations = (await page.evaluate(async () => {
    const { axe } = window as unknown as { axe: { run: () => Promise<{ violations: Violation[] }> } };
    return (await axe.run()).violations;
  })) as Violation[];
  const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  const told = serious.map(
    ({ id, help, nodes }) =>
      `${id}: ${help}\n  ${nodes.map(({ html, failureSummary }) => `${html.slice(0, 200)} ${failureSummary}`).join("\n  ")}`,
  );
  assert.deepEqual(told, [], where);
}

/** Whether anything sticks out to the right, so that the whole page would scroll sideways. */
export async function narrowEnough(page: Page, where: string): Promise<void> {
  const [content, window] = await page.evaluate(() => [
    document.documentElement.scrollWidth,
    document.documentElement.clientWidth,
  ]);
  assert.ok(content! <= window!, `${where} is ${content} wide in a window of ${window}`);
}
