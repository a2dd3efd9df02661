import type { Chain } from "./chain.js";
import { AssayError } from "./errors.js";
import type { Address, Block } from "./types/basic.js";

export interface Weight {
  ref_time: bigint;
  proof_size: bigint;
}

/** A message that is tried. */
export interface Trial {
  /** SS58. */
  origin: string;
  to: Address;
  /** As a native balance. */
  value: bigint;
  data: Uint8Array;
  /** Named in errors. */
  what: string;
}

/** What a message would do. Deposits are native balances, negative if they come back. */
export interface Ran {
  reverted: boolean;
  data: Uint8Array;
  weight: Weight;
  deposit: bigint;
  /** The most that is put down at any time of the run. */
  highestDeposit: bigint;
}

const REVERT = 1;

const depositOf = (deposit: { type: string; value: bigint }): bigint =>
  deposit.type === "Refund" ? -deposit.value : deposit.value;

/** Runs a message on the state of a block, without changing anything. */
export async function dryRun(chain: Chain, at: Block, trial: Trial): Promise<Ran> {
  const { origin, to, value, data, what } = trial;
  const answer: any = await chain.api.apis.ReviveApi!.call!(origin, to, value, undefined, undefined, data, {
    at: at.hash,
  });
  if (!answer.result.success) throw failure(what, answer.result.value, chain);
  const returned = answer.result.value;
  const flags = typeof returned.flags === "object" ? returned.flags.bits : returned.flags;
  return {
    reverted: (Number(flags) & REVERT) !== 0,
    data: returned.data,
    // Called gas in older versions of the pallet.
    weight: answer.weight_required ?? answer.gas_required,
    deposit: depositOf(answer.storage_deposit),
    highestDeposit: depositOf(answer.max_storage_deposit ?? answer.storage_deposit),
  };
}

const POOR =
  /FundsUnavailable|NotExpendable|BelowMinimum|InsufficientBalance|TransferFailed|NotEnoughFunds|Expendability/;

/** The names of a runtime's error, outermost first. */
function names(error: any): string[] {
  if (typeof error !== "object" || error === null || typeof error.type !== "string") return [];
  return [error.type, ...names(error.value)];
}

/** A runtime's error in words. */
export function failure(what: string, error: unknown, chain: Chain): AssayError {
  const path =
    names(error)
      .filter((name) => name !== "Module")
      .join(".") || JSON.stringify(error);
  if (POOR.test(path)) {
    const message = `the account cannot pay for ${what} (${path})`;
    return new AssayError("NotEnoughFunds", `${message}; send it some ${chain.network.token.symbol}, then try again`);
  }
  return new AssayError("Failed", `${what} does not run: ${path}; nothing was changed`);
}
