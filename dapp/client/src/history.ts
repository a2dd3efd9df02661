import type { Contracts } from "./contracts.js";
import { EventLog } from "./events.js";
import type { Block, Hash, JobId, Seconds } from "./types/basic.js";
import type { ContractEvent } from "./types/client.js";
import type { History, JobMove, Ownership, Owners } from "./types/provenance.js";

const ZERO = /^0x0*$/;

/** What the contracts' past events tell. */
export class Past {
  private readonly log: EventLog;

  constructor(private readonly contracts: Contracts) {
    this.log = new EventLog(contracts);
  }

  /** All events since the deployment that a filter lets through. */
  async events(at: Block, filter: (event: ContractEvent) => boolean = () => true): Promise<History<ContractEvent>> {
    const { block } = this.contracts.chain.network.deployment;
    const { items, complete } = await this.log.read(Math.min(block, at.number), at.number);
    return { items: items.filter(filter), complete };
  }

  async owners(at: Block, model: Hash): Promise<Owners> {
    const [record, owner] = await Promise.all([
      this.contracts.registry.ask(at, "model", { id: model }),
      this.contracts.titles.ownerOf(at, model),
    ]);
    if (!record) return { model, owner, history: [], complete: true };
    const { items, complete } = await this.log.read(Math.min(record.block, at.number), at.number);
    const history = items.flatMap((event): Ownership[] => {
      if (event.contract !== "titles" || event.name !== "Transfer" || event.fields.token !== model) return [];
      const { from, to } = event.fields;
      return [{ owner: to, from: ZERO.test(from) ? undefined : from, block: event.block, at: event.at }];
    });
    // Where the node has forgotten the beginning, or the title came from a predecessor, the record still tells it.
    if (history[0]?.from !== undefined || history.length === 0) {
      history.unshift({ owner: record.firstOwner, from: undefined, block: undefined, at: record.registeredAt });
    }
    return { model, owner, history, complete: complete && history.at(-1)?.owner === owner };
  }

  async jobHistory(at: Block, job: JobId): Promise<History<JobMove>> {
    const view = await this.contracts.market.ask(at, "job", { job });
    if (!view) return { items: [], complete: true };
    const from = await this.blockOf(view.job.postedAt, at);
    const { items, complete } = await this.log.read(from, at.number);
    const moves = items.flatMap((event): JobMove[] => {
      if (event.contract !== "market" || event.name !== "JobMoved" || event.fields.job !== job) return [];
      return [{ state: event.fields.state, deadline: event.fields.deadline, block: event.block, at: event.at }];
    });
    return { items: moves, complete };
  }

  /** The first block of a second of chain time, or one before it. */
  private async blockOf(time: Seconds, head: Block): Promise<number> {
    const { chain } = this.contracts;
    let low = Math.min(chain.network.deployment.block, head.number);
    let high = head.number;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const hash = await chain.hashOf(middle);
      // A node that has forgotten a block has forgotten those before it.
      const known = hash && (await chain.timeOf(hash).catch(() => undefined));
      if (known === undefined || known < time) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
