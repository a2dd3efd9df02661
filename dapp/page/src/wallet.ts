// Who signs: accounts of wallets that have put themselves into the page, and on a
// development chain the accounts whose keys everybody knows.

import type { Client, Signer, Wallet } from "@assay/client";
import { wallets } from "@assay/client";
import { effect, signal } from "@preact/signals";
import { forget, recall, remember } from "./storage";
import { client } from "./session";
import { toError } from "./errors";

/** The account that signs. */
export const signer = signal<Signer | undefined>(undefined);

/** The names of the development accounts. */
export const developmentNames = ["Alice", "Bob", "Charlie", "Dave", "Eve", "Ferdie"];

type Remembered = { development: string } | { wallet: string; address: string };

/** Signs with a development account from now on. */
export function useDevelopment(connected: Client, name: string): void {
  signer.value = connected.developmentSigner(`//${name}`);
  remember("signer", { development: name } satisfies Remembered);
}

/** Signs with an account of a wallet from now on. */
export function useAccount(wallet: Wallet, account: Signer): void {
  signer.value = account;
  remember("signer", { wallet: wallet.name, address: account.address } satisfies Remembered);
}

/** Signs with none. */
export function leaveAccount(): void {
  signer.value = undefined;
  forget("signer");
}

async function recallAccount(connected: Client): Promise<Signer | undefined> {
  const last = recall<Remembered | undefined>("signer", undefined);
  if (!last) return undefined;
  if ("development" in last) {
    return connected.network.development ? connected.developmentSigner(`//${last.development}`) : undefined;
  }
  const wallet = wallets().find(({ name }) => name === last.wallet);
  const accounts = await wallet?.connect();
  return accounts?.find(({ address }) => address === last.address);
}

/** Keeps the account with the connection; call it once. */
export function followClient(): void {
  effect(() => {
    const connected = client.value;
    signer.value = undefined;
    if (!connected) return;
    recallAccount(connected).then(
      (account) => {
        if (client.peek() === connected && account) signer.value = account;
      },
      // The reader is asked again when there is something to sign.
      (error) => console.warn("the last account is not there:", toError(error).message),
    );
  });
}
