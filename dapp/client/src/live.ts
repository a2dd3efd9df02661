import { type Chain, Listeners } from "./chain.js";
import type { Contracts } from "./contracts.js";
import { EventLog } from "./events.js";
import type { Block, Unsubscribe } from "./types/basic.js";
import type { ContractEvent } from "./types/client.js";

/** Events as blocks are finalised; blocks that came while the connection was lost are read afterwards. */
export class Live {
  private readonly chain: Chain;
  private readonly listeners = new Listeners<ContractEvent>();
  private readonly failures = new Listeners<Error>();
  private readonly log: EventLog;
  private count = 0;
  private stop: Unsubscribe | undefined;
  /** The last block whose events were told. */
  private told: number | undefined;
  private newest = 0;
  private reading = false;

  constructor(contracts: Contracts) {
    this.chain = contracts.chain;
    this.log = new EventLog(contracts);
  }

  add(listener: (event: ContractEvent) => void, onError: (error: Error) => void = () => {}): Unsubscribe {
    const off = [this.listeners.add(listener), this.failures.add(onError)];
    this.count++;
    this.stop ??= this.chain.onBlock((block) => this.see(block));
    let done = false;
    return () => {
      if (done) return;
      done = true;
      off.forEach((one) => one());
      if (--this.count === 0) {
        this.stop?.();
        this.stop = this.told = undefined;
      }
    };
  }

  private see({ number }: Block) {
    this.newest = number;
    // What is finalised already is the past.
    this.told ??= number;
    if (!this.reading) void this.catchUp();
  }

  private async catchUp() {
    this.reading = true;
    try {
      while (this.told !== undefined && this.told < this.newest) {
        const [from, to] = [this.told + 1, this.newest];
        const { events } = await this.log.between(from, to);
        this.told = to;
        events.forEach((event) => this.listeners.call(event));
      }
    } catch (error) {
      // The next block tries again from where it stopped.
      this.failures.call(error instanceof Error ? error : new Error(String(error)));
    } finally {
      this.reading = false;
    }
  }
}
