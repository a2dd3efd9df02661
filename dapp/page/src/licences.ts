// What the licences of a lineage oblige to, and where they do not go together.
// A reading aid, not advice: it reads the names of licences, never their texts,
// and takes the cautious view that a model is derived from what it was trained on.

import parse from "spdx-expression-parse";

/** What a licence asks of whoever passes the work, or something made from it, on. */
export type Duty =
  | "credit"
  | "notice"
  | "changes"
  | "share-alike"
  | "source"
  | "network"
  | "no-commerce"
  | "no-derivatives"
  | "behaviour"
  | "own-text"
  | "unknown";

/** The duties in words, in the order in which they are shown. */
export const duties: Record<Duty, string> = {
  "no-derivatives": "Nothing made from it may be passed on",
  "no-commerce": "No commercial use",
  "share-alike": "Pass on what is made from it under the same licence",
  source: "Offer the source to whoever gets it",
  network: "Offer the source to whoever uses it over a network",
  behaviour: "Keep to the uses that its licence allows",
  credit: "Name the authors",
  notice: "Pass on the licence and its notices",
  changes: "Say what was changed",
  "own-text": "It has a licence of its own: read its text",
  unknown: "This page does not know the licence: read its text",
};

/** Families of licences by the start of their SPDX names; the first that fits counts. */
const families: [start: string, duties: Duty[]][] = [
  ["CC0-", []],
  ["Unlicense", []],
  ["0BSD", []],
  ["MIT-0", []],
  ["WTFPL", []],
  ["PDDL-", []],
  ["CC-PDDC", []],
  ["CC-BY-NC-ND-", ["credit", "no-commerce", "no-derivatives"]],
  ["CC-BY-NC-SA-", ["credit", "changes", "no-commerce", "share-alike"]],
  ["CC-BY-NC-", ["credit", "changes", "no-commerce"]],
  ["CC-BY-ND-", ["credit", "no-derivatives"]],
  ["CC-BY-SA-", ["credit", "changes", "share-alike"]],
  ["CC-BY-", ["credit", "changes"]],
  ["ODC-By-", ["credit", "notice"]],
  ["ODbL-", ["credit", "notice", "share-alike"]],
  ["CDLA-Permissive-", ["notice"]],
  ["CDLA-Sharing-", ["notice", "changes", "share-alike"]],
  ["C-UDA-", ["credit", "notice"]],
  ["OGL-UK-", ["credit"]],
  ["etalab-", ["credit"]],
  ["AGPL-", ["notice", "changes", "share-alike", "source", "network"]],
  ["LGPL-", ["notice", "changes", "share-alike", "source"]],
  ["GPL-", ["notice", "changes", "share-alike", "source"]],
  ["EUPL-", ["notice", "changes", "share-alike", "source", "network"]],
  ["OSL-", ["notice", "changes", "share-alike", "source", "network"]],
  ["GFDL-", ["credit", "notice", "changes", "share-alike"]],
  ["MPL-", ["notice", "source"]],
  ["EPL-", ["notice", "source"]],
  ["CDDL-", ["notice", "source"]],
  ["Apache-", ["notice", "changes"]],
  ["MIT", ["notice"]],
  ["BSD-", ["notice"]],
  ["ISC", ["notice"]],
  ["Zlib", ["notice", "changes"]],
  ["BSL-1.0", ["notice"]],
  ["AFL-", ["notice", "changes"]],
  ["Artistic-", ["notice", "changes"]],
  ["PolyForm-Noncommercial-", ["notice", "no-commerce"]],
];

/** Licences under which something may go on that has a share-alike licence, besides itself. */
const alsoUnder: Record<string, string[]> = {
  "CC-BY-SA-3.0": ["CC-BY-SA-4.0"],
  "CC-BY-SA-4.0": ["GPL-3.0-only", "GPL-3.0-or-later"],
  "LGPL-2.1-only": ["GPL-2.0-only", "GPL-2.0-or-later", "GPL-3.0-only", "GPL-3.0-or-later"],
  "LGPL-3.0-only": ["GPL-3.0-only", "GPL-3.0-or-later", "AGPL-3.0-only", "AGPL-3.0-or-later"],
  "GPL-2.0-or-later": ["GPL-2.0-only", "GPL-3.0-only", "GPL-3.0-or-later", "AGPL-3.0-only", "AGPL-3.0-or-later"],
  "LGPL-2.1-or-later": [
    "LGPL-2.1-only",
    "LGPL-3.0-only",
    "LGPL-3.0-or-later",
    "GPL-2.0-only",
    "GPL-2.0-or-later",
    "GPL-3.0-only",
    "GPL-3.0-or-later",
  ],
  "GPL-3.0-only": ["AGPL-3.0-only"],
  "GPL-3.0-or-later": ["GPL-3.0-only", "AGPL-3.0-only", "AGPL-3.0-or-later"],
  "LGPL-3.0-or-later": ["LGPL-3.0-only", "GPL-3.0-only", "GPL-3.0-or-later", "AGPL-3.0-only", "AGPL-3.0-or-later"],
  "AGPL-3.0-or-later": ["AGPL-3.0-only"],
};

/** The licences of an expression: one list for each way in which `OR` lets one choose. */
export function choices(expression: string): string[][] | undefined {
  let tree: parse.Info;
  try {
    tree = parse(expression);
  } catch {
    return undefined;
  }
  const walk = (part: parse.Info): string[][] => {
    if ("license" in part) return [[part.plus ? part.license.replace(/(-only)?$/, "-or-later") : part.license]];
    const [left, right] = [walk(part.left), walk(part.right)];
    if (part.conjunction === "or") return [...left, ...right];
    return left.flatMap((one) => right.map((other) => [...one, ...other])).slice(0, 64);
  };
  return walk(tree).slice(0, 64);
}

function dutiesOfName(name: string): Duty[] {
  if (/^(DocumentRef-.*:)?LicenseRef-/.test(name)) return ["own-text"];
  const family = families.find(([start]) => name === start || (start.endsWith("-") && name.startsWith(start)));
  if (family) return family[1];
  return /rail|responsible/i.test(name) ? ["behaviour", "notice"] : ["unknown"];
}

/** What an expression obliges to. Where one may choose, what every choice asks. */
export function dutiesOf(expression: string): Duty[] {
  const ways = choices(expression);
  if (!ways) return ["unknown"];
  const sets = ways.map((names) => new Set(names.flatMap(dutiesOfName)));
  return [...sets[0]!].filter((duty) => sets.every((set) => set.has(duty)));
}

/**
 * Why something under `made` could not be made from something under these licences. Whoever gets the
 * result chooses among its licences, so each of them has to fit.
 */
function clashOf(names: string[], made: string[][]): string | undefined {
  const allows = (fits: (one: string) => boolean) => made.every((way) => way.some(fits));
  for (const name of names) {
    const asked = dutiesOfName(name);
    if (asked.includes("no-derivatives")) return `${name} does not let anything made from it be passed on`;
    if (asked.includes("no-commerce") && !allows((one) => dutiesOfName(one).includes("no-commerce"))) {
      return `${name} forbids commercial use, which the result allows`;
    }
    if (asked.includes("share-alike") && !allows((one) => one === name || (alsoUnder[name] ?? []).includes(one))) {
      return `${name} asks that what is made from it has the same licence`;
    }
  }
  return undefined;
}

/** What is wrong with making something under the licence `made` from something under `source`; undefined if nothing is. */
export function clash(source: string, made: string): string | undefined {
  const [sourceWays, madeWays] = [choices(source), choices(made)];
  // What cannot be read is shown as a duty to read it, not as a conflict.
  if (!sourceWays || !madeWays) return undefined;
  const clashes = sourceWays.map((names) => clashOf(names, madeWays));
  return clashes.some((one) => one === undefined) ? undefined : clashes[0];
}

/** A node of a lineage, as far as licences go. */
export interface Licensed {
  key: string;
  licence: string;
}

/** Something that was made from something whose licence does not allow it. */
export interface Conflict {
  source: string;
  made: string;
  reason: string;
}

/** The duties that reach the root of a lineage, and the conflicts in it. */
export interface Obligations {
  duties: { duty: Duty; from: string[] }[];
  conflicts: Conflict[];
}

/**
 * Gathers over a lineage. `from` names what each node was made from; duties and
 * licences pass through nodes without a licence, such as jobs. Everything that the
 * root stems from is held against the root's licence, and everything else against
 * what it was directly made from.
 */
export function gather(
  root: string,
  nodes: readonly Licensed[],
  from: ReadonlyMap<string, readonly string[]>,
): Obligations {
  const licences = new Map(nodes.filter(({ licence }) => licence !== "").map(({ key, licence }) => [key, licence]));
  const reached = new Set<string>([root]);
  const queue = [root];
  const conflicts: Conflict[] = [];
  const known = new Map<string, string | undefined>();
  const check = (source: string, made: string) => {
    const [a, b] = [licences.get(source), licences.get(made)];
    if (a === undefined || b === undefined) return;
    const pair = `${a}\n${b}`;
    if (!known.has(pair)) known.set(pair, clash(a, b));
    const reason = known.get(pair);
    if (reason) conflicts.push({ source, made, reason });
  };
  for (let node = queue.shift(); node !== undefined; node = queue.shift()) {
    if (node !== root) check(node, root);
    for (const source of from.get(node) ?? []) {
      if (node !== root) check(source, node);
      if (reached.has(source)) continue;
      reached.add(source);
      queue.push(source);
    }
  }
  const asked = new Map<Duty, string[]>();
  for (const key of reached) {
    for (const duty of dutiesOf(licences.get(key) ?? "CC0-1.0")) asked.set(duty, [...(asked.get(duty) ?? []), key]);
  }
  const order = Object.keys(duties) as Duty[];
  return {
    duties: order.filter((duty) => asked.has(duty)).map((duty) => ({ duty, from: asked.get(duty)! })),
    conflicts,
  };
}
