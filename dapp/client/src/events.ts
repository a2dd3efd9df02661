import type { Contracts } from "./contracts.js";
import type { Address, Block, Hash } from "./types/basic.js";
import type { ContractEvent } from "./types/client.js";

/** As many reads at once as a node answers well. */
const AT_ONCE = 32;
/** Blocks that are asked for in one request, where the node gives ranges. */
const RANGE = 2_000;
/** So few blocks are read one by one. */
const FEW = 8;

export interface Emitted {
  contract: Address;
  topics: Hash[];
  data: Uint8Array;
}

/** What contracts emitted, among a block's or a transaction's events as polkadot-api gives them. */
export function emitted(events: any[]): Emitted[] {
  return events
    .map((record) => record.event ?? record)
    .filter((event) => event.type === "Revive" && event.value?.type === "ContractEmitted")
    .map((event) => event.value.value)
    .map(({ contract, topics, data }) => ({ contract: contract.toLowerCase(), topics, data }));
}

/** The events of our contracts among those. */
export function decoded(contracts: Contracts, all: Emitted[], block: Block, at: bigint): ContractEvent[] {
  return all.flatMap(({ contract, topics, data }) => {
    const found = contracts.event(contract, topics, data);
    return found?.event ? [{ contract: found.contract, ...found.event, block, at } as ContractEvent] : [];
  });
}

/** Does something for each item, in order of the answers, but not for too many at once. */
async function each<T, U>(items: T[], work: (item: T) => Promise<U>): Promise<U[]> {
  const results: U[] = [];
  for (let start = 0; start < items.length; start += AT_ONCE) {
    results.push(...(await Promise.all(items.slice(start, start + AT_ONCE).map(work))));
  }
  return results;
}

/** A range of blocks that was read. */
interface Range {
  events: ContractEvent[];
  /** Blocks that the node no longer has. */
  gone: number;
}

/** Past events, as far as the node has them. What was read once is kept. */
export class EventLog {
  private events: ContractEvent[] = [];
  /** Blocks read so far: from `first` to before `next`. */
  private first: number | undefined;
  private next = 0;
  private complete = true;
  private reading: Promise<unknown> = Promise.resolve();
  /** Whether the node gives ranges; public nodes may not. */
  private ranges = true;

  constructor(private readonly contracts: Contracts) {}

  /** Events in the blocks `from` to `to`, oldest first, and whether the node had all of these blocks. */
  async read(from: number, to: number): Promise<{ items: ContractEvent[]; complete: boolean }> {
    // One after another, so that two readers do not fetch the same.
    const turn = this.reading.then(() => this.extend(from, to));
    this.reading = turn.catch(() => undefined);
    await turn;
    const items = this.events.filter(({ block }) => block.number >= from && block.number <= to);
    return { items, complete: this.complete };
  }

  private async extend(from: number, to: number) {
    this.first ??= this.next = from;
    if (from < this.first) {
      const before = await this.between(from, this.first - 1);
      this.events = [...before.events, ...this.events];
      this.complete &&= before.gone === 0;
      this.first = from;
    }
    while (this.next <= to) {
      const end = Math.min(to, this.next + RANGE - 1);
      const { events, gone } = await this.between(this.next, end);
      this.events.push(...events);
      this.complete &&= gone === 0;
      this.next = end + 1;
    }
  }

  /** Reads the blocks `from` to `to`. */
  async between(from: number, to: number): Promise<Range> {
    let blocks: Block[] | undefined;
    if (this.ranges && to - from >= FEW) blocks = await this.candidates(from, to);
    const numbers = Array.from({ length: to - from + 1 }, (_, index) => from + index);
    blocks ??= (await each(numbers, (number) => this.block(number))).filter((block) => block !== undefined);
    const read = await each(blocks, (block) => this.ofBlock(block));
    const gone = read.filter((events) => events === undefined).length;
    return { events: read.flatMap((events) => events ?? []), gone };
  }

  private async block(number: number): Promise<Block | undefined> {
    const hash = await this.contracts.chain.hashOf(number);
    return hash && { number, hash };
  }

  /** A block's events; nothing if the node no longer has them. */
  private async ofBlock(block: Block): Promise<ContractEvent[] | undefined> {
    const { chain } = this.contracts;
    try {
      const events = emitted((await chain.api.query.System!.Events!.getValue({ at: block.hash })) as any[]);
      if (!events.some(({ contract }) => this.contracts.has(contract))) return [];
      return decoded(this.contracts, events, block, await chain.timeOf(block.hash));
    } catch (error) {
      if (isGone(error)) return undefined;
      throw error;
    }
  }

  /**
   * Blocks in which one of our contracts is named, from one request for the changes of `System.Events` in the range;
   * nothing if the node does not answer such requests.
   */
  private async candidates(from: number, to: number): Promise<Block[] | undefined> {
    const { chain } = this.contracts;
    const key = await chain.api.query.System!.Events!.getKey();
    const [first, last] = await Promise.all([this.block(from), this.block(to)]);
    if (!first || !last) return undefined;
    let sets: { block: Hash; changes: [string, string | null][] }[];
    try {
      sets = await chain.client._request("state_queryStorage", [[key], first.hash, last.hash]);
    } catch {
      // Locked, or the range is too old for it: block by block tells more.
      this.ranges = false;
      return undefined;
    }
    const named = sets.map(({ changes }) =>
      this.contracts.addresses.some((address) => changes[0]?.[1]?.includes(address.slice(2))),
    );
    // A block whose events are the same, byte for byte, as those of the one before is left out of the answer.
    const wanted = sets.map(({ block }, index) => (named[index] || named[index - 1] ? block : undefined));
    const numbers = await each(wanted, async (hash) => hash && this.numberOf(hash));
    const blocks: Block[] = [];
    for (const [index, { block }] of sets.entries()) {
      const number = numbers[index];
      if (!named[index] || number === undefined) continue;
      blocks.push({ number, hash: block });
      const until = index + 1 < sets.length ? numbers[index + 1]! : to + 1;
      for (let same = number + 1; same < until; same++) {
        const repeated = await this.block(same);
        if (repeated) blocks.push(repeated);
      }
    }
    return blocks;
  }

  private async numberOf(hash: Hash): Promise<number> {
    const header = await this.contracts.chain.client._request<{ number: string }, [Hash]>("chain_getHeader", [hash]);
    return Number(header.number);
  }
}

/** What nodes say of blocks whose state they have thrown away. */
const isGone = (error: unknown) =>
  error instanceof Error &&
  (/discarded|pruned|unknown block|not found/i.test(error.message) || error.name === "BlockHashNotFoundError");
