// The one connection of the page: which network, whether it is there, and what it is at.

import type { Block, Client, Deployment, IndexStatus, Status } from "@assay/client";
import { indexUrl, withIndex } from "@assay/client";
import { computed, signal } from "@preact/signals";
import { recall, remember } from "./storage";
import { toError } from "./errors";

/** A network that can be chosen: where its contracts are, and a node of it. */
export interface Choice {
  deployment: Deployment;
  /** As the file had it, to be remembered. */
  source: unknown;
  /** Added by the reader, and so removable. */
  own: boolean;
}

/** An index that is asked where it can be. */
export interface Index {
  url: string;
  /** Whether this page's address named it, and not the reader. */
  byAddress: boolean;
  /** Unknown until it was asked. */
  status: IndexStatus | undefined;
}

/** What the page needs of the client library; tests give another. */
export interface Library {
  connect(url: string, deployment: Deployment): Promise<Client>;
  parseDeployment(json: unknown): Deployment;
}

let library: Library | undefined;

export const choices = signal<Choice[]>([]);
export const chosen = signal<Choice | undefined>(undefined);
export const client = signal<Client | undefined>(undefined);
export const index = signal<Index | undefined>(undefined);
export const status = signal<Status>({ state: "closed" });
export const block = signal<Block | undefined>(undefined);
/** Why there is no connection. */
export const failure = signal<Error | undefined>(undefined);
/** Counts up whenever something may have changed on chain, so that what is shown is read again. */
export const changes = signal(0);
/** Chain time less the reader's clock, in seconds. */
export const clockOffset = signal(0);
/** Whether the list of networks has been read. */
export const ready = signal(false);

export const token = computed(() => client.value?.network.token);

/** Chain time in seconds, as far as it can be told now. */
export function chainNow(): number {
  return Date.now() / 1000 + clockOffset.value;
}

const sameNetwork = (one: Choice, other: Choice) =>
  one.deployment.genesis === other.deployment.genesis &&
  one.deployment.market.address === other.deployment.market.address &&
  one.deployment.url === other.deployment.url;

function readChoice(source: unknown, own: boolean): Choice {
  if (!library) throw new Error("the page has not been started");
  return { deployment: library.parseDeployment(source), source, own };
}

/** Starts the page: reads the networks that it was published with and those of the reader, and connects. */
export async function start(using: Library): Promise<void> {
  library = using;
  const published: unknown[] = [];
  try {
    const answer = await fetch("networks.json", { cache: "no-cache" });
    const list: unknown = answer.ok ? await answer.json() : [];
    if (Array.isArray(list)) published.push(...list);
  } catch {
    // A page without a list still takes the reader's own networks.
  }
  const read: Choice[] = [];
  const add = (sources: unknown[], own: boolean) => {
    for (const source of sources) {
      try {
        const choice = readChoice(source, own);
        if (!read.some((other) => sameNetwork(other, choice))) read.push(choice);
      } catch (error) {
        console.warn("a network in the list cannot be used:", toError(error).message);
      }
    }
  };
  add(published, false);
  add(recall<unknown[]>("networks", []), true);
  choices.value = read;
  const last = recall<string>("network", "");
  const choice = read.find(({ deployment }) => `${deployment.genesis} ${deployment.url}` === last) ?? read[0];
  ready.value = true;
  if (choice) await choose(choice);
}

/** Adds a network of the reader's own, by the text of the file that `assay deploy` writes. */
export function addNetwork(text: string, url: string): Choice {
  let source: unknown;
  try {
    source = JSON.parse(text);
  } catch {
    throw new Error("This is not a deployment file: it is not JSON. `assay deploy` writes one, deployment.json.");
  }
  if (url !== "" && typeof source === "object" && source !== null) source = { ...source, url };
  const choice = readChoice(source, true);
  if (!/^wss?:\/\//.test(choice.deployment.url)) {
    throw new Error("A node's URL starts with wss:// (or ws:// for one on this machine).");
  }
  choices.value = [...choices.value.filter((other) => !sameNetwork(other, choice)), choice];
  keepOwn();
  return choice;
}

/** Forgets a network of the reader's own. */
export function removeNetwork(choice: Choice): void {
  choices.value = choices.value.filter((other) => other !== choice);
  keepOwn();
}

function keepOwn(): void {
  remember(
    "networks",
    choices.value.filter(({ own }) => own).map(({ source }) => source),
  );
}

/** Under which name the index of a network is remembered. */
const indexName = ({ deployment }: Choice) => `index ${deployment.genesis} ${deployment.market.address}`;

/**
 * Which index to ask for a network: the one that the page's address names (`?index=`), the one that the reader chose
 * (or none, if that was the choice), or the one that the list of networks has (`index` beside the deployment's fields).
 */
function indexOf(choice: Choice): Index | undefined {
  const named = new URLSearchParams(location.search).get("index");
  const published = (choice.source as { index?: unknown }).index;
  const kept = recall<unknown>(indexName(choice), published);
  const url = named ?? kept;
  if (typeof url !== "string" || url === "") return undefined;
  try {
    return { url: indexUrl(url), byAddress: named !== null, status: undefined };
  } catch (error) {
    return { url, byAddress: named !== null, status: { used: false, reason: toError(error).message } };
  }
}

/** Asks an index from now on, or none, and remembers that for the network. Throws if the URL is none of an index. */
export async function useIndex(url: string): Promise<void> {
  const { value: choice } = chosen;
  if (!choice) return;
  remember(indexName(choice), url === "" ? "" : indexUrl(url));
  // The reader's word comes before that of the address.
  const address = new URL(location.href);
  address.searchParams.delete("index");
  history.replaceState(history.state, "", address);
  // The connection to the node stays; without one there is nobody to ask yet.
  if (!connection) return void choose(choice);
  client.value?.close();
  client.value = overIndex(connection, choice);
  changes.value += 1;
}

/** The connection to the node, without an index before it. */
let connection: Client | undefined;

/** A client whose closing leaves the connection open. */
function lent(connected: Client): Client {
  return new Proxy(connected, {
    get: (target, name) => (name === "close" ? () => undefined : Reflect.get(target, name, target)),
  });
}

/** The client over the index, if there is one. */
function overIndex(connected: Client, choice: Choice): Client {
  const found = indexOf(choice);
  index.value = found;
  if (!found || found.status) return lent(connected);
  return withIndex(lent(connected), found.url, {
    onStatus: (status) => {
      if (index.value?.url === found.url) index.value = { ...found, status };
    },
  });
}

let attempt = 0;
let leave: (() => void)[] = [];

/**
 * Connects to a network and remembers it. A later choice overtakes an earlier one. A node that cannot be reached is
 * tried again until it can be: nobody has to sit by a page for that.
 */
export async function choose(choice: Choice): Promise<void> {
  if (!library) return;
  const mine = ++attempt;
  for (const end of leave.splice(0)) end();
  client.value?.close();
  client.value = undefined;
  connection?.close();
  connection = undefined;
  block.value = undefined;
  failure.value = undefined;
  index.value = undefined;
  chosen.value = choice;
  const { deployment } = choice;
  remember("network", `${deployment.genesis} ${deployment.url}`);
  for (let tries = 0; mine === attempt; tries++) {
    status.value = { state: "connecting", url: deployment.url };
    try {
      const connected = await library.connect(deployment.url, deployment);
      if (mine !== attempt) return connected.close();
      listen(connected);
      connection = connected;
      failure.value = undefined;
      client.value = overIndex(connected, choice);
      return;
    } catch (error) {
      if (mine !== attempt) return;
      failure.value = toError(error);
      status.value = { state: "lost", url: deployment.url, reason: failure.value.message };
      if (!isPassing(failure.value)) return;
    }
    const delay = retryDelays[Math.min(tries, retryDelays.length - 1)];
    await new Promise((done) => setTimeout(done, delay));
  }
}

/** How long to wait before a node is tried once more, in milliseconds; the last one holds from then on. */
const retryDelays = [1_000, 2_000, 5_000, 10_000, 30_000];

/** Whether a connection that failed so may succeed later, with nothing changed here. */
export const isPassing = (error: Error): boolean => (error as { code?: unknown }).code === "Unreachable";

/** The least time between two looks at the chain's clock, in milliseconds. */
const clockInterval = 5_000;
/** How long to gather changes before everything is read again, in milliseconds. */
const changeDelay = 400;

/** After so long without an event everything is read again with the next block, in milliseconds: events can be lost. */
const silence = 20_000;

function listen(connected: Client): void {
  let clockRead = 0;
  let pending: ReturnType<typeof setTimeout> | undefined;
  let lastChange = Date.now();
  const changed = () => {
    pending ??= setTimeout(() => {
      pending = undefined;
      lastChange = Date.now();
      changes.value += 1;
    }, changeDelay);
  };
  const readClock = async () => {
    if (Date.now() - clockRead < clockInterval) return;
    clockRead = Date.now();
    const now = await connected.now();
    clockOffset.value = Number(now) - Date.now() / 1000;
  };
  let wasLost = false;
  status.value = connected.status;
  leave = [
    connected.onStatus((next) => {
      status.value = next;
      if (next.state === "lost") wasLost = true;
      // Whatever happened in the meantime was not heard.
      if (next.state === "connected" && wasLost) {
        wasLost = false;
        changed();
      }
    }),
    connected.onBlock((next) => {
      block.value = next;
      if (Date.now() - lastChange > silence) changed();
      readClock().catch((error) => console.warn("the chain's clock cannot be read:", toError(error).message));
    }),
    connected.onEvent(changed, (error) => console.warn("events cannot be followed:", error.message)),
    () => clearTimeout(pending),
  ];
}

/** Tries again where a connection failed. */
export async function retry(): Promise<void> {
  if (chosen.value) await choose(chosen.value);
}
