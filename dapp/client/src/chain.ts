import { type JsonRpcProvider, type PolkadotClient, createClient } from "polkadot-api";
import { type StatusChange, type WebSocketClass, getWsProvider } from "polkadot-api/ws";
import { AssayError, messageOf } from "./errors.js";
import { token } from "./token.js";
import type { Block, Deployment, Hash, Network, Seconds, Status, Unsubscribe } from "./types/basic.js";
import type { ConnectOptions } from "./types/functions.js";

const TIMEOUT = 15_000;
/** How often a read is tried when the connection breaks under it. */
const ATTEMPTS = 3;

/** Calls listeners; one that throws does not keep the others from being called. */
export class Listeners<T> {
  private readonly all = new Set<(value: T) => void>();

  add(listener: (value: T) => void): Unsubscribe {
    // The same function may be given twice.
    const own = (value: T) => listener(value);
    this.all.add(own);
    return () => void this.all.delete(own);
  }

  call(value: T) {
    for (const listener of this.all) {
      try {
        listener(value);
      } catch (error) {
        reportError(error);
      }
    }
  }
}

/** As the platform reports what nobody caught. */
const reportError: (error: unknown) => void =
  globalThis.reportError ??
  ((error) =>
    queueMicrotask(() => {
      throw error;
    }));

/** Gives up after so many milliseconds. */
export async function within<T>(milliseconds: number, promise: Promise<T>, error: () => AssayError): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(error()), milliseconds);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** What polkadot-api throws when the connection breaks under a read or a block is let go: trying again helps. */
const isPassing = (error: unknown) =>
  error instanceof Error &&
  ["DisjointError", "StopError", "OperationInaccessibleError", "BlockNotPinnedError", "OperationLimitError"].includes(
    error.name,
  );

/** The connection broke before the chain was known: another is to be made. */
class Interrupted extends Error {}

type Api = ReturnType<PolkadotClient["getUnsafeApi"]>;

/** A connection to a chain that comes back by itself. */
export class Chain {
  /** By the names that the chain's metadata gives, so that older and newer runtimes work too. */
  readonly api: Api;
  network!: Network;
  /** A block that tells the chain from another: that of the deployment. */
  private anchor!: Block;
  private now_: Status;
  private readonly statuses = new Listeners<Status>();
  private readonly blocks = new Listeners<Block>();
  private newest: Block | undefined;
  private readonly following: { unsubscribe(): void };

  /**
   * Whether polkadot-api may be stopped: not between a connection and the first block that follows, for then it would
   * try to follow the chain once more when it has none, which nobody could catch.
   */
  private settled = true;
  private whenSettled: (() => void) | undefined;

  // Until the chain is known.
  private introduced = false;
  private interrupt: (error: Error) => void = () => undefined;
  private connections = 0;
  private refusals = 0;

  private constructor(
    readonly client: PolkadotClient,
    private readonly url: string,
    private readonly addresses: number,
    private readonly timeout: number,
  ) {
    this.api = client.getUnsafeApi();
    this.now_ = { state: "connecting", url };
    this.following = client.finalizedBlock$.subscribe({
      next: ({ number, hash }) => this.see({ number, hash: hash as Hash }),
      error: (error) => this.set({ state: "lost", url, reason: messageOf(error) }),
    });
  }

  static async connect(
    node: string | string[] | JsonRpcProvider,
    deployment: Deployment,
    options: ConnectOptions,
  ): Promise<Chain> {
    for (let attempt = 1; ; attempt++) {
      const chain = Chain.begin(node, options);
      const interrupted = new Promise<never>((_, reject) => (chain.interrupt = reject));
      try {
        await Promise.race([chain.introduce(deployment), interrupted]);
        chain.introduced = true;
        return chain;
      } catch (error) {
        // What polkadot-api does not come back from cannot be stopped too early.
        if (error instanceof Interrupted) chain.settled = true;
        chain.close();
        if (!(error instanceof Interrupted)) throw error;
        if (attempt === ATTEMPTS) throw chain.unreachable("breaks connections off");
      }
    }
  }

  private static begin(node: string | string[] | JsonRpcProvider, options: ConnectOptions): Chain {
    const timeout = options.timeout ?? TIMEOUT;
    if (typeof node === "function") return new Chain(createClient(node), "the given provider", 1, timeout);
    // Told before the chain is there, for the first try begins at once.
    let chain: Chain;
    const provider = getWsProvider(node, {
      websocketClass: (options.webSocket ?? globalThis.WebSocket) as WebSocketClass,
      onStatusChanged: (change) => queueMicrotask(() => chain.changed(change)),
    });
    const urls = [node].flat();
    chain = new Chain(createClient(provider), urls.join(", "), urls.length, timeout);
    return chain;
  }

  private unreachable(reason: string, cause?: unknown): AssayError {
    const message = `the node at ${this.url} ${reason}; check that it runs and that its address is right`;
    return new AssayError("Unreachable", message, { cause });
  }

  private async introduce(deployment: Deployment) {
    const spec = await within(this.timeout, this.client.getChainSpecData(), () => this.unreachable("does not answer"));
    const genesis = spec.genesisHash as Hash;
    if (genesis !== deployment.genesis) {
      const message =
        `the node at ${this.url} is of the chain ${spec.name} (genesis ${genesis}), and the contracts are on ` +
        `${deployment.network} (genesis ${deployment.genesis}); give a node of that chain, or this one's deployment`;
      throw new AssayError("WrongNetwork", message);
    }
    const properties = (spec.properties ?? {}) as Record<string, unknown>;
    const first = (value: unknown): unknown => (Array.isArray(value) ? value[0] : value);
    const [ratio, prefix, type] = await within(
      this.timeout,
      Promise.all([
        this.constant("Revive", "NativeToEthRatio"),
        this.constant("System", "SS58Prefix"),
        // Not every node tells; then it is none.
        this.client._request<unknown, string[]>("system_chainType", []).catch(() => undefined),
      ]),
      () => this.unreachable("does not answer"),
    );
    if (ratio === undefined) {
      const message = `the chain ${spec.name} has no contracts (pallet-revive is missing); use a chain that has it`;
      throw new AssayError("NoPallet", message);
    }
    this.network = {
      name: spec.name,
      genesis,
      token: token(
        String(first(properties.tokenSymbol) ?? "UNIT"),
        Number(first(properties.tokenDecimals) ?? 12),
        BigInt(ratio),
      ),
      ss58Prefix: Number(prefix ?? 42),
      development: type === "Development",
      deployment,
    };
    const head = await within(this.timeout, this.head(), () => this.unreachable("does not answer"));
    const number = Math.min(deployment.block, head.number);
    this.anchor = { number, hash: (await this.hashOf(number)) ?? head.hash };
    this.set({ state: "connected", url: this.url });
  }

  /** A constant of the runtime; `undefined` if it has none such. */
  async constant(pallet: string, name: string): Promise<any> {
    const constant = this.api.constants[pallet]?.[name];
    if (!constant) return undefined;
    try {
      return await constant();
    } catch (error) {
      if (/not found|not exist|undefined/i.test(messageOf(error))) return undefined;
      throw error;
    }
  }

  // Status.

  get status(): Status {
    return this.now_;
  }

  onStatus(listener: (status: Status) => void): Unsubscribe {
    return this.statuses.add(listener);
  }

  private set(status: Status) {
    if (this.now_.state === "closed" || this.now_.state === "reset") return;
    this.now_ = status;
    this.statuses.call(status);
  }

  private changed(change: StatusChange) {
    const type = String(change.type);
    this.settled = type !== "CONNECTED";
    if (this.settled) this.settle();
    if (!this.introduced) {
      // polkadot-api does not come back from a node that ends its following several times as it begins, which a fast
      // development chain does now and then.
      if (type === "CONNECTED" && ++this.connections > 1) this.interrupt(new Interrupted());
      // A mistyped address is not waited for. Twice each: a node that is just starting up may refuse once.
      const refused = type === "ERROR" && this.connections === 0;
      if (refused && ++this.refusals >= 2 * this.addresses) this.interrupt(this.unreachable("cannot be connected to"));
      return;
    }
    switch (type) {
      case "CONNECTED":
        void this.back();
        break;
      case "ERROR":
      case "CLOSE":
        if (this.now_.state === "connected") this.set({ state: "lost", url: this.url, reason: "the connection broke" });
        break;
    }
  }

  /** The node is there again: is it the same chain? A development chain that begins anew has the same first block. */
  private async back() {
    try {
      const found = await this.hashOf(this.anchor.number);
      if (found !== this.anchor.hash) {
        this.set({ state: "reset", url: this.url, found });
        return;
      }
      this.set({ state: "connected", url: this.url });
    } catch (error) {
      this.set({ state: "lost", url: this.url, reason: messageOf(error) });
    }
  }

  close() {
    if (this.now_.state === "closed") return;
    this.now_ = { state: "closed" };
    this.statuses.call(this.now_);
    const timer = setTimeout(() => this.settle(), this.timeout);
    this.whenSettled = () => {
      clearTimeout(timer);
      this.whenSettled = undefined;
      this.following.unsubscribe();
      this.client.destroy();
    };
    if (this.settled) this.settle();
  }

  private settle() {
    this.settled = true;
    this.whenSettled?.();
  }

  // Blocks.

  private see(block: Block) {
    this.settle();
    if (this.now_.state === "closed" || this.now_.state === "reset") return;
    this.newest = block;
    this.blocks.call(block);
  }

  onBlock(listener: (block: Block) => void): Unsubscribe {
    if (this.newest) listener(this.newest);
    return this.blocks.add(listener);
  }

  async head(): Promise<Block> {
    const { number, hash } = await this.client.getFinalizedBlock();
    return { number, hash: hash as Hash };
  }

  private check() {
    if (this.now_.state === "closed") throw new AssayError("Closed", "the client was closed; connect anew");
    if (this.now_.state === "reset") {
      const message = `the node at ${this.url} came back with another chain, without the deployment's block`;
      throw new AssayError("WrongNetwork", `${message}; connect anew with its deployment`);
    }
  }

  /** Reads at one finalised block, which the node keeps for as long; again if the connection breaks under it. */
  async read<T>(read: (at: Block) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      this.check();
      try {
        return await within(this.timeout * 4, this.readOnce(read), () => this.unreachable("does not answer"));
      } catch (error) {
        this.check();
        if (!isPassing(error)) throw error;
        if (attempt === ATTEMPTS) throw this.unreachable(`cannot be read (${messageOf(error)})`, error);
      }
    }
  }

  private async readOnce<T>(read: (at: Block) => Promise<T>): Promise<T> {
    const at = await this.head();
    const release = this.client.hodlBlock(at.hash);
    try {
      return await read(at);
    } finally {
      release();
    }
  }

  /** Chain time of a block. */
  async timeOf(hash: Hash): Promise<Seconds> {
    return BigInt((await this.api.query.Timestamp!.Now!.getValue({ at: hash })) as bigint) / 1000n;
  }

  /** The hash of a finalised block; `undefined` if the node has none of this number. */
  async hashOf(number: number): Promise<Hash | undefined> {
    return (await this.client._request<Hash | null, [number]>("chain_getBlockHash", [number])) ?? undefined;
  }
}
