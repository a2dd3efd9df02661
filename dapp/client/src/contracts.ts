import type { InkMetadata } from "@polkadot-api/ink-contracts";
import { decodeErrorResult, decodeEventLog, decodeFunctionResult, encodeFunctionData } from "viem";
import { fromHex, toHex, unmappedAccount } from "./basic.js";
import type { Chain } from "./chain.js";
import { InkContract } from "./codec.js";
import { AssayError } from "./errors.js";
import { type MarketMessages, marketMetadata, marketVersion } from "./generated/market.js";
import { type RegistryMessages, registryMetadata, registryVersion } from "./generated/registry.js";
import { titlesAbi, titlesVersion } from "./generated/titles.js";
import { type Ran, dryRun } from "./revive.js";
import type { Address, Block, DeployedContract, Hash } from "./types/basic.js";
import { inWords, named } from "./words.js";

/** Who asks: reading needs no account, and none exists here. */
const NOBODY: Address = "0x0000000000000000000000000000000000000000";

type Messages = Record<string, { args: Record<string, unknown>; answer: unknown }>;

/** What was sent is not what this contract takes. */
export const unknownMessage = (name: string, address: Address, message: string) =>
  new AssayError(
    "OtherContract",
    `the ${name} at ${address} does not understand ${message}: it is another contract or another version of it`,
  );

/** What a message takes, and what it answers. */
export type ArgsOf<M, L extends keyof M> = M[L] extends Messages[string] ? M[L]["args"] : never;
type AnswerOf<M, L extends keyof M> = M[L] extends Messages[string] ? M[L]["answer"] : never;

/** An ink! contract that is read by its messages. */
export class Contract<M> {
  constructor(
    readonly chain: Chain,
    readonly name: "market" | "registry",
    readonly address: Address,
    readonly codec: InkContract,
  ) {}

  encode<L extends string & keyof M>(label: L, args: ArgsOf<M, L>): Uint8Array {
    return this.codec.message(label).encode(args);
  }

  /** Asks a message that changes nothing and cannot refuse. */
  async ask<L extends string & keyof M>(at: Block, label: L, args: ArgsOf<M, L>): Promise<AnswerOf<M, L>> {
    const data = this.encode(label, args);
    const origin = unmappedAccount(NOBODY, this.chain.network.ss58Prefix);
    const ran = await dryRun(this.chain, at, { origin, to: this.address, value: 0n, data, what: label });
    return this.answer(label, ran) as AnswerOf<M, L>;
  }

  /** What a message answered. */
  answer(label: string, ran: Ran): unknown {
    const decoded = ran.data.length === 0 ? undefined : this.codec.message(label).decode(ran.data);
    if (!decoded) throw unknownMessage(this.name, this.address, label);
    return decoded.answer;
  }

  /** What a message answered that may refuse. */
  accepted(label: string, ran: Ran): unknown {
    const answer = this.answer(label, ran) as { success: boolean; value: unknown };
    if (answer.success) return answer.value;
    const reason = { contract: this.name, ...named(answer.value) };
    throw new AssayError("Refused", `${label} was refused: ${inWords(reason, this.chain.network.token)}`, { reason });
  }
}

const marketCodec = new InkContract(marketMetadata as InkMetadata);
const registryCodec = new InkContract(registryMetadata as InkMetadata);

/** The contract that holds the models' titles: ERC-721. */
export class Titles {
  readonly name = "titles";

  constructor(
    readonly chain: Chain,
    readonly address: Address,
  ) {}

  async ask(
    at: Block,
    functionName: "ownerOf" | "kind" | "version" | "registry",
    args: readonly unknown[] = [],
  ): Promise<unknown> {
    const origin = unmappedAccount(NOBODY, this.chain.network.ss58Prefix);
    const data = fromHex(encodeFunctionData({ abi: titlesAbi, functionName, args } as never));
    const ran = await dryRun(this.chain, at, { origin, to: this.address, value: 0n, data, what: functionName });
    if (ran.reverted) throw this.refusal(functionName, ran.data);
    if (ran.data.length === 0) throw unknownMessage(this.name, this.address, functionName);
    return decodeFunctionResult({ abi: titlesAbi, functionName, data: toHex(ran.data) } as never);
  }

  async ownerOf(at: Block, model: Hash): Promise<Address | undefined> {
    try {
      return ((await this.ask(at, "ownerOf", [BigInt(model)])) as string).toLowerCase() as Address;
    } catch (error) {
      if (error instanceof AssayError && error.reason?.name === "ERC721NonexistentToken") return undefined;
      throw error;
    }
  }

  transfer(from: Address, to: Address, model: Hash): Uint8Array {
    const args = [from, to, BigInt(model)] as const;
    return fromHex(encodeFunctionData({ abi: titlesAbi, functionName: "safeTransferFrom", args }));
  }

  /** Nothing, if the contract did not refuse a message that answers nothing. */
  accepted(message: string, ran: Ran): void {
    if (ran.reverted) throw this.refusal(message, ran.data);
  }

  /** Why it reverted. */
  refusal(message: string, data: Uint8Array): AssayError {
    try {
      const { errorName, args } = decodeErrorResult({ abi: titlesAbi, data: toHex(data) });
      const reason = { contract: "titles" as const, name: errorName, value: args };
      return new AssayError("Refused", `${message} was refused: ${inWords(reason, this.chain.network.token)}`, {
        reason,
      });
    } catch (cause) {
      return new AssayError(
        "OtherContract",
        `the titles at ${this.address} reverted ${message} without a reason that can be read`,
        { cause },
      );
    }
  }

  /** The event with these topics; nothing if the contract has none such. */
  static event(topics: Hash[], data: Uint8Array): { name: string; fields: Record<string, unknown> } | undefined {
    try {
      const { eventName, args } = decodeEventLog({
        abi: titlesAbi,
        topics: topics as [Hash, ...Hash[]],
        data: toHex(data),
      });
      const field = (name: string, value: unknown): [string, unknown] =>
        name === "tokenId"
          ? ["token", `0x${(value as bigint).toString(16).padStart(64, "0")}`]
          : [name, typeof value === "string" ? value.toLowerCase() : value];
      return {
        name: eventName,
        fields: Object.fromEntries(Object.entries(args ?? {}).map(([name, value]) => field(name, value))),
      };
    } catch {
      // Of another signature: a later version's.
      return undefined;
    }
  }
}

/** Checks that a contract is what this library was made for. */
async function checkKind(
  { name, address }: { name: string; address: Address },
  expected: number,
  ...asked: [Promise<unknown>, Promise<unknown>]
) {
  const [kind, version] = await Promise.all(asked);
  if (kind === name && Number(version) === expected) return;
  const says = `says that it is ${JSON.stringify(kind)} of version ${version}`;
  const message = `the contract at ${address} ${says}, not ${name} of version ${expected}`;
  throw new AssayError("OtherContract", `${message}; check the deployment, or use this library in that version`);
}

/** The three contracts of a deployment. */
export class Contracts {
  readonly market: Contract<MarketMessages>;
  readonly registry: Contract<RegistryMessages>;
  readonly titles: Titles;

  constructor(readonly chain: Chain) {
    const { market, registry, titles } = chain.network.deployment;
    this.market = new Contract(chain, "market", market.address, marketCodec);
    this.registry = new Contract(chain, "registry", registry.address, registryCodec);
    this.titles = new Titles(chain, titles.address);
  }

  /** Checks that the contracts are those of the deployment, and belong together. */
  async verify(): Promise<void> {
    const { deployment } = this.chain.network;
    const { market, registry, titles } = this;
    await this.chain.read(async (at) => {
      const check = (name: "market" | "registry" | "titles") => this.checkCode(at, name, deployment[name]);
      await Promise.all([check("market"), check("registry"), check("titles")]);
      await Promise.all([
        checkKind(market, marketVersion, market.ask(at, "kind", {}), market.ask(at, "version", {})),
        checkKind(registry, registryVersion, registry.ask(at, "kind", {}), registry.ask(at, "version", {})),
        checkKind(titles, titlesVersion, titles.ask(at, "kind"), titles.ask(at, "version")),
      ]);
      const [ofRegistry, bound, ofTitles, rules] = await Promise.all([
        registry.ask(at, "titles", {}),
        registry.ask(at, "market", {}),
        titles.ask(at, "registry"),
        market.ask(at, "rules", {}),
      ]);
      const same = (what: string, found: unknown, expected: string) => {
        if (String(found).toLowerCase() === expected) return;
        const message = `these contracts do not belong together: ${what} is ${found ?? "none"}, not ${expected}`;
        throw new AssayError("OtherContract", `${message}; check the deployment`);
      };
      same("the registry's contract of titles", ofRegistry, titles.address);
      same("the registry's market", bound, market.address);
      same("the titles' registry", ofTitles, registry.address);
      same("the market's registry", rules.registry, registry.address);
    });
  }

  private async checkCode(at: Block, name: string, { address, codeHash }: DeployedContract) {
    const info: any = await this.chain.api.query.Revive!.AccountInfoOf!.getValue(address, { at: at.hash });
    const found = info?.account_type?.type === "Contract" ? (info.account_type.value.code_hash as Hash) : undefined;
    if (!found) {
      const message = `there is no contract at ${address} on ${this.chain.network.name}, where the ${name} should be`;
      throw new AssayError("NoContract", `${message}; check the network, or deploy with \`assay deploy\``);
    }
    if (found !== codeHash) {
      throw new AssayError(
        "OtherContract",
        `the ${name} at ${address} has the code ${found}, not ${codeHash}; check the deployment`,
      );
    }
  }

  get addresses(): Address[] {
    return [this.market.address, this.registry.address, this.titles.address];
  }

  has(address: Address): boolean {
    return this.addresses.includes(address);
  }

  /** An event of one of the contracts, decoded; nothing for others' events. */
  event(address: Address, topics: Hash[], data: Uint8Array) {
    switch (address) {
      case this.market.address:
        return { contract: "market", event: marketCodec.event(topics, data) } as const;
      case this.registry.address:
        return { contract: "registry", event: registryCodec.event(topics, data) } as const;
      case this.titles.address:
        return { contract: "titles", event: Titles.event(topics, data) } as const;
      default:
        return undefined;
    }
  }
}
