// A wallet as the polkadot.js extension puts itself into pages, with one development account. It asks nobody.

import { fileURLToPath } from "node:url";
import { Keyring } from "@polkadot/keyring";
import { TypeRegistry } from "@polkadot/types";
import type { SignerPayloadJSON } from "@polkadot/types/types";
import { cryptoWaitReady } from "@polkadot/util-crypto";
import type { BrowserContext } from "playwright-core";

export interface FakeWallet {
  /** What it was asked to sign. */
  asked: SignerPayloadJSON[];
  /** From now on it refuses. */
  refuse: boolean;
}

/** Puts the wallet into every page of the context. */
export async function install(context: BrowserContext, suri: string): Promise<FakeWallet> {
  await cryptoWaitReady();
  const pair = new Keyring({ type: "sr25519" }).addFromUri(suri);
  const wallet: FakeWallet = { asked: [], refuse: false };
  await context.exposeFunction("signForTests", (payload: SignerPayloadJSON) => {
    wallet.asked.push(payload);
    if (wallet.refuse) return { error: "Cancelled" };
    const registry = new TypeRegistry();
    registry.setSignedExtensions(payload.signedExtensions);
    return registry.createType("ExtrinsicPayload", payload, { version: payload.version }).sign(pair);
  });
  const account = { address: pair.address, name: "Wallet of a test", type: "sr25519" };
  await context.exposeFunction("accountForTests", () => account);
  await context.addInitScript({ path: fileURLToPath(new URL("injected.js", import.meta.url)) });
  return wallet;
}
