// A client that asks an index where that is quicker or knows more, and the chain for everything else.

import { isAddress, isHash, nodeKey, toAddress, toNode } from "../basic.js";
import { AssayError } from "../errors.js";
import { DEFAULT_LIMIT } from "../pages.js";
import type { Address, Hash, JobId, Node, Page, PageRequest } from "../types/basic.js";
import type { Client, Found, SearchResult } from "../types/client.js";
import type { IndexOptions, IndexStatus } from "../types/functions.js";
import type { Graph, GraphOptions, JobMove, Ownership } from "../types/provenance.js";
import { graph } from "./graph.js";
import { Missing, Source } from "./source.js";
import * as wire from "./wire.js";

/** Most items of a page, and most nodes of a lineage, that an index gives. */
const MOST_ITEMS = 200;
const MOST_NODES = 2_000;
/** So many names are found at most. */
const MOST_FOUND = 20;

/** An index's URL as requests begin; throws what is wrong with it. */
export function indexUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const local = url && ["localhost", "127.0.0.1"].includes(url.hostname);
  if (!url || !(url.protocol === "https:" || (local && url.protocol === "http:")) || url.username || url.search) {
    throw new AssayError("BadInput", "an index's URL starts with https:// (or http:// for one on this machine)");
  }
  return (url.origin + url.pathname).replace(/\/+$/, "").replace(/\/v1$/, "");
}

export function withIndex(client: Client, at: string, { onStatus = () => undefined }: IndexOptions = {}): Client {
  const tell = (status: IndexStatus) => onStatus(status);
  const source = new Source(client, indexUrl(at), tell);
  const market = client.network.deployment.market.address;

  async function page<T>(path: string, item: (value: unknown) => T, request: PageRequest = {}): Promise<Page<T>> {
    const { offset = 0, limit = DEFAULT_LIMIT } = request;
    const found: T[] = [];
    for (;;) {
      const query = `offset=${offset + found.length}&limit=${Math.max(1, Math.min(MOST_ITEMS, limit - found.length))}`;
      const answer = wire.fields(await source.get(`${path}${path.includes("?") ? "&" : "?"}${query}`), "a page");
      const total = wire.count(answer, "total");
      const items = wire.list(answer["items"], "its items").map(item);
      found.push(...items);
      if (items.length === 0 || found.length >= limit || offset + found.length >= total) {
        return { total, items: found.slice(0, limit) };
      }
    }
  }

  const summary = (value: unknown) => {
    const { name: _, ...job } = wire.job(value);
    return job;
  };
  const model = (value: unknown) => {
    const { owner: _, ...one } = wire.model(value);
    return one;
  };

  const lineage = (root: Hash | Node, into: boolean, options: GraphOptions, otherwise: () => Promise<Graph>) => {
    const { depth = 32, limit = 1_000 } = options;
    if (limit > MOST_NODES) return otherwise();
    const of = async (node: Node) => {
      const query = `into=${into}&depth=${depth}&nodes=${Math.max(1, limit)}`;
      const name = node.type === "Job" ? `job:${node.value.market}:${node.value.job}` : nodeKey(node);
      return graph(await source.get(`lineage/${name}?${query}`), market, into, options);
    };
    return source.or(async () => {
      if (typeof root !== "string" || !isHash(root)) return of(toNode(root));
      const value = root.toLowerCase() as Hash;
      const asModel = await ifThere(of({ type: "Model", value }));
      return asModel ?? (await of({ type: "Dataset", value }));
    }, otherwise);
  };

  async function jobNamed(id: JobId): Promise<Found[]> {
    const found = await ifThere(source.get(`jobs/${id}`));
    return found === undefined ? [] : [{ type: "job", id, name: wire.job(found).name }];
  }

  async function byAddress(address: Address): Promise<Found[]> {
    const from = wire.fields(await source.get(`accounts/${address}`), "an account");
    const roles = (["operator", "verifier"] as const).filter((role) => from[role] !== null && from[role] !== undefined);
    return [...roles, "account" as const].map((type) => ({ type, address }));
  }

  async function search(wanted: string): Promise<SearchResult> {
    const job = /^job[: ]?\s*(\d{1,20})$/i.exec(wanted);
    if (job) return { items: await jobNamed(BigInt(job[1]!)), complete: true };
    const address = isAddress(wanted) || /^[1-9A-HJ-NP-Za-km-z]{46,50}$/.test(wanted) ? addressOf(wanted) : undefined;
    if (address) return { items: await byAddress(address), complete: true };
    const answer = wire.fields(await source.get(`search?q=${encodeURIComponent(wanted)}`), "a search");
    const found = wire.list(answer["nodes"], "its nodes").flatMap((value): Found[] => {
      const from = wire.fields(value, "what was found");
      const node = wire.node(from["node"]);
      if (node.type === "Job") return [];
      return [{ type: node.type === "Model" ? "model" : "dataset", id: node.value, name: wire.text(from, "name") }];
    });
    const numbered = answer["job"] === null ? [] : await jobNamed(BigInt(wanted.replace(/\D+/g, "")));
    return { items: [...numbered, ...found], complete: found.length < MOST_FOUND };
  }

  const indexed: Partial<Client> = {
    models: (request) =>
      source.or(
        () => page("models", model, request),
        () => client.models(request),
      ),
    datasets: (request) =>
      source.or(
        () => page("datasets", wire.dataset, request),
        () => client.datasets(request),
      ),
    jobs: (request) =>
      source.or(
        () => page("jobs", summary, request),
        () => client.jobs(request),
      ),
    operators: (request) =>
      source.or(
        () => page("operators", wire.staked, request),
        () => client.operators(request),
      ),
    verifiers: (request) =>
      source.or(
        () => page("verifiers", wire.staked, request),
        () => client.verifiers(request),
      ),
    provenance: (root, options = {}) => lineage(root, false, options, () => client.provenance(root, options)),
    descendants: (root, options = {}) => lineage(root, true, options, () => client.descendants(root, options)),
    owners: (id) =>
      source.or(
        async () => {
          const all = { limit: Number.MAX_SAFE_INTEGER };
          const [{ items }, record] = await Promise.all([
            page(`owners/model:${id}?order=oldest`, ownership, all),
            source.get(`models/${id}`),
          ]);
          const { owner } = wire.model(record);
          const complete = items[0]?.from === undefined && items.at(-1)?.owner === owner;
          if (!complete) throw new Missing();
          return { model: id, owner, history: items, complete };
        },
        () => client.owners(id),
      ),
    jobHistory: (id) =>
      source.or(
        async () => {
          if (source.from > client.network.deployment.block) throw new Missing();
          const all = { limit: Number.MAX_SAFE_INTEGER };
          const { items } = await page(`events?node=job:${id}&order=oldest`, move, all);
          return { items: items.filter((one) => one !== undefined), complete: true };
        },
        () => client.jobHistory(id),
      ),
    search: (text) => {
      const wanted = text.trim();
      const short = wanted === "" || /^0x[0-9a-f]{0,3}$/i.test(wanted);
      return short
        ? client.search(text)
        : source.or(
            () => search(wanted),
            () => client.search(text),
          );
    },
    close: () => {
      source.close();
      client.close();
    },
  };
  // Whatever the index has no part in is the client's own, getters included.
  return new Proxy(client, {
    get: (target, name) => (name in indexed ? indexed[name as keyof Client] : Reflect.get(target, name, target)),
  });
}

/** What a read gives, or nothing where the index has none. */
async function ifThere<T>(read: Promise<T>): Promise<T | undefined> {
  try {
    return await read;
  } catch (error) {
    if (error instanceof Missing) return undefined;
    throw error;
  }
}

function addressOf(text: string): Address | undefined {
  try {
    return toAddress(text);
  } catch {
    return undefined;
  }
}

function ownership(value: unknown): Ownership {
  const from = wire.fields(value, "a change of owner");
  return {
    owner: wire.address(from, "to"),
    from: wire.addressOrNone(from, "from"),
    block: { number: wire.count(from, "block"), hash: undefined },
    at: wire.whole(from, "time"),
  };
}

/** A change of a job's state; other events are none. */
function move(value: unknown): JobMove | undefined {
  const from = wire.fields(value, "an event");
  if (from["event"] !== "job_moved") return undefined;
  const said = wire.fields(from["fields"], "its fields");
  return {
    state: wire.state(said, "state"),
    deadline: wire.whole(said, "deadline"),
    block: { number: wire.count(from, "block"), hash: undefined },
    at: wire.whole(from, "time"),
  };
}
