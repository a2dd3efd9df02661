import { isAddress, isHash } from "./basic.js";
import type { Records } from "./records.js";
import type { Address, Block, Hash } from "./types/basic.js";
import type { Found, SearchResult } from "./types/client.js";
import { toAddress } from "./basic.js";

/** Names are looked for among so many of the newest records of each kind. */
const NAMES = 1_000;
/** So many are shown. */
const SHOWN = 50;

async function byHash(records: Records, at: Block, id: Hash): Promise<Found[]> {
  const [model, dataset] = await Promise.all([
    records.contracts.registry.ask(at, "model", { id }),
    records.contracts.registry.ask(at, "dataset", { id }),
  ]);
  return [
    ...(model ? [{ type: "model" as const, id, name: model.name }] : []),
    ...(dataset ? [{ type: "dataset" as const, id, name: dataset.name }] : []),
  ];
}

async function byAddress(records: Records, at: Block, address: Address): Promise<Found[]> {
  const [operator, verifier] = await Promise.all([records.operator(at, address), records.verifier(at, address)]);
  return [
    ...(operator ? [{ type: "operator" as const, address }] : []),
    ...(verifier ? [{ type: "verifier" as const, address }] : []),
    { type: "account" as const, address },
  ];
}

async function byNumber(records: Records, at: Block, id: bigint): Promise<Found[]> {
  if (id >= 1n << 64n) return [];
  const view = await records.contracts.market.ask(at, "job", { job: id });
  return view ? [{ type: "job", id, name: view.model.name }] : [];
}

async function byName(records: Records, at: Block, text: string): Promise<SearchResult> {
  const [models, datasets] = await Promise.all([
    records.models(at, { limit: NAMES }),
    records.datasets(at, { limit: NAMES }),
  ]);
  const fold = (name: string) => name.normalize("NFKC").toLocaleLowerCase();
  const all: Found[] = [
    ...models.items.map(({ id, record }) => ({ type: "model" as const, id, name: record.name })),
    ...datasets.items.map(({ id, record }) => ({ type: "dataset" as const, id, name: record.name })),
  ];
  const items = all.filter((found) => "name" in found && fold(found.name).includes(fold(text)));
  const complete = models.total <= NAMES && datasets.total <= NAMES && items.length <= SHOWN;
  return { items: items.slice(0, SHOWN), complete };
}

/** Finds models and datasets by id or part of the name, jobs by number, accounts by address. */
export async function search(records: Records, at: Block, text: string): Promise<SearchResult> {
  const wanted = text.trim();
  if (wanted === "") return { items: [], complete: true };
  const found = (items: Found[]): SearchResult => ({ items, complete: true });
  if (isHash(wanted)) return found(await byHash(records, at, wanted.toLowerCase() as Hash));
  if (isAddress(wanted)) return found(await byAddress(records, at, wanted.toLowerCase() as Address));
  const job = /^job[: ]?\s*(\d+)$/i.exec(wanted);
  if (job) return found(await byNumber(records, at, BigInt(job[1]!)));
  if (/^[1-9A-HJ-NP-Za-km-z]{46,50}$/.test(wanted)) {
    // SS58, unless it is a name that looks like it.
    const address = tryAddress(wanted);
    if (address) return found(await byAddress(records, at, address));
  }
  const named = await byName(records, at, wanted);
  const numbered = /^\d{1,20}$/.test(wanted) ? await byNumber(records, at, BigInt(wanted)) : [];
  return { items: [...numbered, ...named.items], complete: named.complete };
}

function tryAddress(text: string): Address | undefined {
  try {
    return toAddress(text);
  } catch {
    return undefined;
  }
}
