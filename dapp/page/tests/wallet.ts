// A wallet as the polkadot.js extension puts itself into pages, with one development account. It asks nobody.

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
  await context.addInitScript(
    ({ address, name }) => {
      const account = { address, name, type: "sr25519" };
      const sign = (window as unknown as { signForTests: (payload: unknown) => Promise<{ error?: string }> })
        .signForTests;
      const enabled = {
        accounts: {
          get: async () => [account],
          subscribe: (take: (accounts: unknown[]) => void) => {
            take([account]);
            return () => undefined;
          },
        },
        signer: {
          signPayload: async (payload: unknown) => {
            const answer = await sign(payload);
            if (answer.error) throw new Error(answer.error);
            return { id: 1, ...answer };
          },
          signRaw: async () => {
            throw new Error("nothing here signs raw bytes");
          },
        },
      };
      Object.assign(window, { injectedWeb3: { "polkadot-js": { version: "0.63.1", enable: async () => enabled } } });
    },
    { address: pair.address, name: "Wallet of a test" },
  );
  return wallet;
}
