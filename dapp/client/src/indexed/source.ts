// One index: whether it may be believed to be of this chain and of now, and its answers.

import { messageOf } from "../errors.js";
import type { Client } from "../types/client.js";
import type { IndexStatus } from "../types/functions.js";
import { type NotUnderstood, address, count, fields, hash, parsed, whole } from "./wire.js";

/** An index that is so many seconds behind the node, by the chain's clock, is not used. */
const MOST_BEHIND = 120;
/** How long what `/v1/status` said holds, in milliseconds; after a failure it is asked again after this, too. */
const CHECK_EVERY = 15_000;
const TIMEOUT = 10_000;

/** Why an answer of the index cannot be used. */
export class Unusable extends Error {}

/** An answer that says that there is no such thing. */
export class Missing extends Unusable {}

export class Source {
  private checked: Promise<void> | undefined;
  private checkedAt = 0;
  private lastEvent = 0;
  private readonly leave: () => void;
  /** The first block that it has read. */
  from = 0;

  constructor(
    private readonly client: Client,
    readonly url: string,
    private readonly tell: (status: IndexStatus) => void,
  ) {
    this.leave = client.onEvent(({ block }) => (this.lastEvent = Math.max(this.lastEvent, block.number)));
  }

  close() {
    this.leave();
  }

  /** What the index says, or what `otherwise` gives if it cannot be used now. */
  async or<T>(ask: () => Promise<T>, otherwise: () => Promise<T>): Promise<T> {
    try {
      await this.check();
      return await ask();
    } catch (error) {
      if (error instanceof Older || error instanceof Missing) return await otherwise();
      // Until it is asked anew, what was wrong is known.
      this.checked = Promise.reject(error);
      this.checked.catch(() => undefined);
      this.tell({ used: false, reason: reasonOf(error) });
      return await otherwise();
    }
  }

  /** An answer's JSON. */
  async get(path: string): Promise<unknown> {
    const { body, block } = await this.fetch(path);
    // What the reader has just seen happen must not be gone again.
    if (block !== undefined && block < this.lastEvent) throw new Older();
    return body;
  }

  /** Asks whether it is of this chain and of now, unless that is known. */
  private check(): Promise<void> {
    if (Date.now() - this.checkedAt > CHECK_EVERY) this.checked = undefined;
    if (!this.checked) {
      this.checkedAt = Date.now();
      this.checked = this.ask();
      // Whoever waits for it is told; nobody may.
      this.checked.catch(() => undefined);
    }
    return this.checked;
  }

  private async ask(): Promise<void> {
    const status = fields((await this.fetch("status")).body, "its status");
    const chain = fields(status["chain"], "its chain");
    const { genesis, registry, market, titles } = this.client.network.deployment;
    if (hash(chain, "genesis") !== genesis) throw new Unusable("it is of another chain");
    const same = (name: string, at: string) => address(chain, name) === at;
    if (!same("registry", registry.address) || !same("market", market.address) || !same("titles", titles.address)) {
      throw new Unusable("it is of other contracts of this chain");
    }
    const block = fields(chain["block"], "its block");
    const [number, time] = [count(block, "number"), whole(block, "time")];
    const behind = (await this.client.now()) - time;
    if (behind > MOST_BEHIND) throw new Unusable(`it is ${behind} s behind the node`);
    this.from = count(status, "from");
    this.tell({ used: true, block: number });
  }

  private async fetch(path: string): Promise<{ body: unknown; block: number | undefined }> {
    const answer = await fetch(`${this.url}/v1/${path}`, {
      signal: AbortSignal.timeout(TIMEOUT),
      credentials: "omit",
      referrerPolicy: "no-referrer",
    });
    if (answer.status === 404 && path !== "status") throw new Missing();
    if (!answer.ok) throw new Unusable(`it answers ${answer.status}`);
    const block = answer.headers.get("x-assay-block");
    return { body: parsed(await answer.text()), block: block === null ? undefined : Number(block) };
  }
}

/** An answer from before what the reader has seen happen: no fault of the index. */
class Older extends Error {}

function reasonOf(error: unknown): string {
  if (error instanceof Unusable) return error.message;
  const { name } = error as Error | NotUnderstood;
  if (name === "TimeoutError") return "it does not answer";
  // What `fetch` throws where nothing can be reached, or the answer may not be read.
  if (error instanceof TypeError) return "it cannot be reached";
  return `it answers what no index does (${messageOf(error)})`;
}
