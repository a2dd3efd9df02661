/** `0x` and 64 hex digits, lower case. */
export type Hash = `0x${string}`;

/** An account or a contract as contracts know it: `0x` and 40 hex digits, lower case. */
export type Address = `0x${string}`;

/** An amount as contracts count it: in 10^-18 of a token. `Token.format` shows it. */
export type Amount = bigint;

/** A second of chain time, since 1970. `FOR_EVER` (2^64 - 1) in a grant that never ends. */
export type Seconds = bigint;

/** The number of a job in its market. */
export type JobId = bigint;

/** A node of the provenance graph. */
export type Node =
  | { type: "Dataset"; value: Hash }
  | { type: "Model"; value: Hash }
  | { type: "Job"; value: { market: Address; job: JobId } };

/** Which part of a list is wanted: `offset` 0 is the newest. */
export interface PageRequest {
  offset?: number;
  /** 20 if left out. More than the chain gives at once is fetched in several reads. */
  limit?: number;
}

/** A part of a list, newest first. */
export interface Page<T> {
  /** Items in the whole list. */
  total: number;
  items: T[];
}

/** The chain's token. */
export interface Token {
  /** Such as `PAS`. */
  symbol: string;
  /** Digits behind the point of a native balance. */
  decimals: number;
  /** How many of a contract's units are one native unit. */
  nativeToContract: bigint;
  /** `1.5 UNIT`, in full precision. */
  format(amount: Amount): string;
  /**
   * Reads `1.5`, `1.5 UNIT` or `250 mUNIT`.
   * @throws AssayError `BadAmount` that says what is wrong with the text.
   */
  parse(text: string): Amount;
}

/** A contract that was deployed. */
export interface DeployedContract {
  address: Address;
  /** Keccak-256 of its code. */
  codeHash: Hash;
}

/** Where the contracts are: the file that `assay deploy` writes, as `parseDeployment` reads it. */
export interface Deployment {
  /** What the chain calls itself. */
  network: string;
  /** A node of the chain. */
  url: string;
  /** Hash of the chain's first block. */
  genesis: Hash;
  titles: DeployedContract;
  registry: DeployedContract;
  market: DeployedContract;
  /** Block in which the last of them was deployed: no record is older. */
  block: number;
  deployedAt: number;
}

/** The chain that a client is connected to. */
export interface Network {
  name: string;
  genesis: Hash;
  token: Token;
  /** Prefix of the chain's SS58 addresses. */
  ss58Prefix: number;
  /** Whether it is a development chain, whose accounts' keys everybody knows. */
  development: boolean;
  deployment: Deployment;
}

/** A finalised block. */
export interface Block {
  number: number;
  hash: Hash;
}

/** A block that somebody named; an index does not keep the hashes of all. */
export interface NamedBlock {
  number: number;
  hash: Hash | undefined;
}

/** How the connection is. */
export type Status =
  | { state: "connecting"; url: string }
  | { state: "connected"; url: string }
  /** The node went away; the library tries again by itself. */
  | { state: "lost"; url: string; reason: string }
  /**
   * The node came back with another chain: connect anew with that chain's deployment. `found` is the hash of the
   * block there that has the number of the deployment's.
   */
  | { state: "reset"; url: string; found: Hash | undefined }
  | { state: "closed" };

/** Ends a subscription. */
export type Unsubscribe = () => void;
