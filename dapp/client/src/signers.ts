import { DEV_PHRASE, entropyToMiniSecret, mnemonicToEntropy, ss58Address } from "@polkadot-labs/hdkd-helpers";
import { sr25519CreateDerive } from "@polkadot-labs/hdkd";
import { connectInjectedExtension, getInjectedExtensions } from "polkadot-api/pjs-signer";
import { getPolkadotSigner } from "polkadot-api/signer";
import { isAddress, toAddress } from "./basic.js";
import { AssayError, messageOf } from "./errors.js";
import type { Network } from "./types/basic.js";
import type { Wallet } from "./types/functions.js";
import type { Signer } from "./types/transactions.js";

/** The account of a well-known key, such as `//Alice`. Only for development chains: everybody has these keys. */
export function developmentSigner(network: Network, suri: string): Signer {
  if (!network.development) {
    const message = `${network.name} is no development chain, and the key of ${suri} is no secret; sign with a wallet`;
    throw new AssayError("BadAccount", message);
  }
  if (!/^(\/\/?[\w-]+)+$/.test(suri)) {
    throw new AssayError("BadAccount", `${JSON.stringify(suri)} is no development account: give one such as //Alice`);
  }
  const derive = sr25519CreateDerive(entropyToMiniSecret(mnemonicToEntropy(DEV_PHRASE)));
  const keys = derive(suri);
  const ss58 = ss58Address(keys.publicKey, network.ss58Prefix);
  return {
    ss58,
    address: toAddress(ss58),
    name: suri,
    signer: getPolkadotSigner(keys.publicKey, "Sr25519", keys.sign),
  };
}

/** The wallets that have put themselves into the page. */
export function wallets(): Wallet[] {
  // There is no page in Node.js.
  if (typeof window === "undefined") return [];
  return getInjectedExtensions().map((name) => ({ name, connect: () => connect(name) }));
}

async function connect(name: string): Promise<Signer[]> {
  try {
    const extension = await connectInjectedExtension(name);
    // Ethereum's accounts sign otherwise.
    const accounts = extension.getAccounts().filter(({ address }) => !isAddress(address));
    return accounts.map(({ address, name, polkadotSigner }) => ({
      ss58: address,
      address: toAddress(address),
      name,
      signer: polkadotSigner,
    }));
  } catch (cause) {
    throw new AssayError("NotSigned", `the wallet ${name} did not show its accounts: ${messageOf(cause)}`, { cause });
  }
}
