import type { TxFinalizedPayload } from "polkadot-api";
import { isFromAddress, toAddress, unmappedAccount } from "./basic.js";
import type { Chain } from "./chain.js";
import type { Contracts } from "./contracts.js";
import { AssayError, messageOf } from "./errors.js";
import { decoded, emitted } from "./events.js";
import { type Ran, type Weight, dryRun, failure } from "./revive.js";
import type { Address, Amount, Block, Hash } from "./types/basic.js";
import type { ContractEvent } from "./types/client.js";
import type { Estimate, Progress, Receipt, Signer, Transaction } from "./types/transactions.js";

/** Blocks in which a signed transaction may be included; every chain remembers that many hashes. */
const PERIOD = 128;
/** So many blocks later nobody waits for it any more. */
const PATIENCE = 8;
/** Bytes that a mapping of an address to an account takes. */
const MAPPING_BYTES = 52n;
/** The longest value that a contract stores, for the room that a deposit is given. */
const VALUE_BYTES = 416n;

/** A message to one of the contracts, and how its answer and its events are read. */
export interface Message<T> {
  description: string;
  /** Named in errors. */
  what: string;
  to: Address;
  data: Uint8Array;
  value: Amount;
  /** What a dry run answered; throws if the contract refused. */
  answer(ran: Ran): T;
  /** The same from the events of the transaction itself, where others may have come first. */
  outcome?(events: ContractEvent[]): T | undefined;
}

interface Origin {
  ss58: string;
  address: Address;
  mapped: boolean;
}

/** What is known of a transaction before it is signed. */
interface Plan<T> {
  origin: Origin;
  output: T;
  ran: Ran;
  fee: bigint;
  mapping: bigint;
}

const half = (part: bigint) => part + part / 2n;

/** Half as much again, for the chain moves on between dry run and block; what is not used is refunded. */
const withMargin = ({ ref_time, proof_size }: Weight, most: Weight | undefined): Weight => {
  const limited = (part: bigint, limit: bigint | undefined) =>
    limit !== undefined && half(part) > limit && part <= limit ? limit : half(part);
  return { ref_time: limited(ref_time, most?.ref_time), proof_size: limited(proof_size, most?.proof_size) };
};

export class Prepared<T> implements Transaction<T> {
  readonly description: string;
  private readonly chain: Chain;

  constructor(
    private readonly contracts: Contracts,
    private readonly message: Message<T>,
  ) {
    this.description = message.description;
    this.chain = contracts.chain;
  }

  private get token() {
    return this.chain.network.token;
  }

  private get native(): bigint {
    return this.message.value / this.token.nativeToContract;
  }

  async estimate(account: Address | Signer): Promise<Estimate<T>> {
    return await this.chain.read(async (at) => {
      const { origin, output, ran, fee, mapping } = await this.plan(at, account);
      const ratio = this.token.nativeToContract;
      const parts = [this.message.value, fee * ratio, (ran.deposit > 0n ? ran.deposit : 0n) * ratio, mapping * ratio];
      const total = parts.reduce((sum, part) => sum + part);
      const spendable = (await spendableOf(this.chain, at, origin.ss58)) * ratio;
      return {
        output,
        value: this.message.value,
        fee: fee * ratio,
        deposit: ran.deposit * ratio,
        total,
        spendable,
        affordable: spendable >= total,
        needsMapping: !origin.mapped,
        mappingCost: mapping * ratio,
      };
    });
  }

  async submit(signer: Signer, onProgress: (progress: Progress) => void = () => {}): Promise<Receipt<T>> {
    const estimate = await this.estimate(signer);
    if (!estimate.affordable) {
      const [total, spendable] = [this.token.format(estimate.total), this.token.format(estimate.spendable)];
      throw new AssayError(
        "NotEnoughFunds",
        `the account ${signer.ss58} can spend ${spendable}, and this may cost ${total}; send it funds, then try again`,
      );
    }
    if (estimate.needsMapping) {
      onProgress({ step: "mapping" });
      const done = await this.sign(this.chain.api.tx.Revive!.map_account!({}), signer, () => {});
      if (!done.ok) throw failure("map_account", done.dispatchError, this.chain);
    }
    // Tried again: mapping takes a block, and so may the user.
    const { output, tx } = await this.chain.read(async (at) => {
      const plan = await this.plan(at, signer);
      return { output: plan.output, tx: await this.call(plan.ran) };
    });
    onProgress({ step: "signing" });
    const done = await this.sign(tx, signer, onProgress);
    if (!done.ok) throw await this.whyNot(signer, done.dispatchError);
    return await this.receipt(done, output);
  }

  private async plan(at: Block, account: Address | Signer): Promise<Plan<T>> {
    const origin = await this.originOf(at, account);
    const { message } = this;
    if (message.value % this.token.nativeToContract !== 0n) {
      const [value, least] = [message.value, this.token.nativeToContract].map(this.token.format);
      throw new AssayError("BadAmount", `${value} is finer than the chain's balances; the smallest amount is ${least}`);
    }
    const ran = await dryRun(this.chain, at, {
      origin: origin.ss58,
      to: message.to,
      value: this.native,
      data: message.data,
      what: message.what,
    });
    const output = message.answer(ran);
    const tx = await this.call(ran);
    const [fee, mapping] = await Promise.all([
      tx.getEstimatedFees(origin.ss58, { at: at.hash }),
      this.mappingCost(at, origin),
    ]);
    return { origin, output, ran, fee, mapping };
  }

  private async call(ran: Ran) {
    const [weights, item, byte] = await Promise.all([
      this.chain.constant("System", "BlockWeights"),
      this.chain.constant("Revive", "DepositPerItem"),
      this.chain.constant("Revive", "DepositPerByte"),
    ]);
    const weight = withMargin(ran.weight, weights?.per_class?.normal?.max_extrinsic);
    const highest = ran.highestDeposit > 0n ? ran.highestDeposit : 0n;
    const room = 8n * (BigInt(item ?? 0) + VALUE_BYTES * BigInt(byte ?? 0));
    return this.chain.api.tx.Revive!.call!({
      dest: this.message.to,
      value: this.native,
      // Called gas in older versions of the pallet; what the runtime does not name is left out.
      weight_limit: weight,
      gas_limit: weight,
      storage_deposit_limit: highest + highest / 10n + room,
      data: this.message.data,
    });
  }

  private async originOf(at: Block, account: Address | Signer): Promise<Origin> {
    const address = typeof account === "string" ? toAddress(account) : account.address;
    const ss58 = typeof account === "string" ? undefined : account.ss58;
    const unmapped = unmappedAccount(address, this.chain.network.ss58Prefix);
    const found = await mappedAccount(this.chain, at, address);
    // Accounts that were made from an address need no mapping.
    const mapped = found !== undefined || (ss58 !== undefined && isFromAddress(ss58));
    return { ss58: ss58 ?? found ?? unmapped, address, mapped };
  }

  private async mappingCost(at: Block, origin: Origin): Promise<bigint> {
    if (origin.mapped) return 0n;
    const [fee, item, byte] = await Promise.all([
      this.chain.api.tx.Revive!.map_account!({}).getEstimatedFees(origin.ss58, { at: at.hash }),
      this.chain.constant("Revive", "DepositPerItem"),
      this.chain.constant("Revive", "DepositPerByte"),
    ]);
    return fee + BigInt(item ?? 0) + MAPPING_BYTES * BigInt(byte ?? 0);
  }

  private async sign(tx: any, signer: Signer, onProgress: (progress: Progress) => void): Promise<TxFinalizedPayload> {
    const options = { mortality: { mortal: true, period: PERIOD } };
    let stop = () => {};
    const done = new Promise<TxFinalizedPayload>((resolve, reject) => {
      let last: number | undefined;
      let signed = false;
      const sent = tx.signSubmitAndWatch(signer.signer, options).subscribe({
        next: (event: any) => {
          if (event.type === "signed") signed = true;
          if (event.type === "broadcasted") onProgress({ step: "sent", hash: event.txHash });
          if (event.type === "txBestBlocksState" && event.found) {
            onProgress({ step: "included", block: { number: event.block.number, hash: event.block.hash } });
          }
          if (event.type === "finalized") resolve(event);
        },
        error: (cause: unknown) => {
          const code = signed ? "Failed" : "NotSigned";
          const what = signed ? "the chain did not take the transaction" : "the transaction was not signed";
          reject(new AssayError(code, `${what}: ${messageOf(cause)}`, { cause }));
        },
      });
      // polkadot-api waits for ever for what can no longer be included.
      const off = this.chain.onBlock(({ number }) => {
        if (signed) last ??= number + PERIOD + PATIENCE;
        if (last === undefined || number <= last) return;
        const message = `no block took the transaction in ${PERIOD} blocks, and none can any more; sign it again`;
        reject(new AssayError("Failed", message));
      });
      stop = () => {
        sent.unsubscribe();
        off();
      };
    });
    return await done.finally(() => stop());
  }

  /** The transaction came too late: what does the contract say now? */
  private async whyNot(signer: Signer, error: unknown): Promise<AssayError> {
    try {
      await this.estimate(signer);
    } catch (refusal) {
      if (refusal instanceof AssayError) return refusal;
    }
    return failure(this.message.what, error, this.chain);
  }

  private async receipt(done: TxFinalizedPayload, dry: T): Promise<Receipt<T>> {
    const block: Block = { number: done.block.number, hash: done.block.hash as Hash };
    const at = await this.chain.timeOf(block.hash);
    const events = decoded(this.contracts, emitted(done.events), block, at);
    const paid: any = done.events.find(
      ({ type, value }: any) => type === "TransactionPayment" && value.type === "TransactionFeePaid",
    );
    const fee = BigInt(paid?.value.value.actual_fee ?? 0) * this.token.nativeToContract;
    return { output: this.message.outcome?.(events) ?? dry, hash: done.txHash as Hash, block, fee, events };
  }
}

/** The account of the chain that an address is mapped to. */
export async function mappedAccount(chain: Chain, at: Block, address: Address): Promise<string | undefined> {
  return (await chain.api.query.Revive!.OriginalAccount!.getValue(address, { at: at.hash })) as string | undefined;
}

/** What an account can spend and stay alive, as a native balance. */
export async function spendableOf(chain: Chain, at: Block, ss58: string): Promise<bigint> {
  const [info, least]: any[] = await Promise.all([
    chain.api.query.System!.Account!.getValue(ss58, { at: at.hash }),
    chain.constant("Balances", "ExistentialDeposit"),
  ]);
  const { free = 0n, reserved = 0n, frozen = 0n }: Record<string, bigint> = info?.data ?? {};
  const held = frozen > reserved ? frozen - reserved : 0n;
  const kept = held > BigInt(least ?? 0) ? held : BigInt(least ?? 0);
  return free > kept ? free - kept : 0n;
}
