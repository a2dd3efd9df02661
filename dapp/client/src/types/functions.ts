import type { JsonRpcProvider } from "polkadot-api";
import type { Address, Amount, Deployment, Hash, Node } from "./basic.js";
import type { Client } from "./client.js";
import type { GraphNode } from "./provenance.js";
import type { Economics, EconomicsRequest, Signer } from "./transactions.js";

export interface ConnectOptions {
  /** How long to wait for the first answer of the node, in milliseconds; 15,000 if left out. */
  timeout?: number;
  /** A WebSocket class, where the platform has none (Node.js before 22): `ws`'s. */
  webSocket?: unknown;
}

/** Whether an index is used, and why not. */
export type IndexStatus = { used: true; block: number } | { used: false; reason: string };

export interface IndexOptions {
  /** Told when the index is found to be of use, and when it is not: then everything is read from the chain. */
  onStatus?: (status: IndexStatus) => void;
}

/** A wallet that has put itself into the page. */
export interface Wallet {
  /** As it calls itself; a stranger's text. */
  name: string;
  /** Asks the user, and gives the accounts that the user shows. */
  connect(): Promise<Signer[]>;
}

/** What the package exports beside the types. */
export interface Functions {
  /**
   * Connects and checks that the chain is the deployment's, and its contracts are these.
   * @throws AssayError `Unreachable`, `WrongNetwork`, `NoContract`, `OtherContract`.
   */
  connect(node: string | string[] | JsonRpcProvider, deployment: Deployment, options?: ConnectOptions): Promise<Client>;
  /**
   * The same client, with lists, search, lineage, owners and jobs' histories from an index (docs/index.md) while that is
   * of the same chain and contracts and at most two minutes behind the node. Otherwise, and for everything else, the chain
   * is read. What the index says is not checked against the chain.
   * @throws AssayError `BadInput` if `url` is none of an index.
   */
  withIndex(client: Client, url: string, options?: IndexOptions): Client;
  /** An index's URL as `withIndex` takes it, in one form. */
  indexUrl(url: string): string;
  /** Checks the content of the file that `assay deploy` writes (text, or parsed JSON). */
  parseDeployment(json: unknown): Deployment;
  /** The same text for the same node: `model:0x…`, `dataset:0x…`, `job:0x…:3`, `operator:0x…`. */
  nodeKey(node: GraphNode["node"]): string;
  /** The node of such a text; `undefined` if it is none. */
  parseNodeKey(key: string): GraphNode["node"] | undefined;
  isHash(text: string): boolean;
  isAddress(text: string): boolean;
  /** The address of an account: of `0x` and 40 digits itself, of SS58 or a public key what contracts know it by. */
  toAddress(account: string): Address;
  /** SHA-256 of a file or a stream, chunk by chunk, with the bytes read so far. */
  artefactHash(
    file: Blob | ReadableStream<Uint8Array>,
    options?: { onProgress?: (bytes: number) => void; signal?: AbortSignal },
  ): Promise<Hash>;
  /** Whether a downloaded file is the one on record. */
  artefactMatches(
    file: Blob | ReadableStream<Uint8Array>,
    artefact: Hash,
    options?: { onProgress?: (bytes: number) => void; signal?: AbortSignal },
  ): Promise<{ matches: boolean; found: Hash }>;
  /** What a job's terms are worth: the same integers as the contract's. */
  economics(request: EconomicsRequest): Economics;
  /** The wallets in this page. */
  wallets(): Wallet[];
  /** `amount * bp / 10,000`, rounded down. */
  share(amount: Amount, bp: number): Amount;
  FOR_EVER: bigint;
}

export type NodeOf<T extends Node["type"]> = Extract<Node, { type: T }>;
