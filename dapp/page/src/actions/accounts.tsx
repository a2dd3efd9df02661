// Choosing the account that signs.

import type { Signer, Wallet } from "@assay/client";
import { wallets } from "@assay/client";
import { useState } from "preact/hooks";
import { client } from "../session";
import { plain, short } from "../text";
import { developmentNames, leaveAccount, signer, useAccount, useDevelopment } from "../wallet";
import { Dialog } from "../ui/dialog";
import { Failed } from "../ui/states";

/** The wallets' accounts and the development accounts as a list of buttons. */
export function AccountList({ done }: { done: () => void }) {
  const connected = client.value;
  const [found] = useState(() => wallets());
  const [opened, setOpened] = useState<{ wallet: Wallet; accounts: Signer[] }>();
  const [error, setError] = useState<Error>();
  const open = async (wallet: Wallet) => {
    setError(undefined);
    try {
      setOpened({ wallet, accounts: await wallet.connect() });
    } catch (reason) {
      setError(reason instanceof Error ? reason : new Error(String(reason)));
    }
  };
  if (!connected) return <p>Connect to a network first.</p>;
  return (
    <>
      {found.length === 0 ? (
        <p>
          No wallet is in this browser. Any wallet of the Polkadot kind will do, such as the polkadot.js extension;
          install it, then load this page again.
        </p>
      ) : (
        <ul class="bare choices">
          {found.map((wallet) => (
            <li key={wallet.name}>
              <button type="button" class="button" onClick={() => open(wallet)}>
                Connect {plain(wallet.name)}
              </button>
            </li>
          ))}
        </ul>
      )}
      {opened ? (
        opened.accounts.length === 0 ? (
          <p>{plain(opened.wallet.name)} shows no account to this page. Allow one there, then try again.</p>
        ) : (
          <ul class="bare choices">
            {opened.accounts.map((account) => (
              <li key={account.ss58}>
                <button
                  type="button"
                  class="button"
                  onClick={() => {
                    useAccount(opened.wallet, account);
                    done();
                  }}
                >
                  {account.name ? plain(account.name) : "Account"} <code>{short(account.ss58)}</code>
                </button>
              </li>
            ))}
          </ul>
        )
      ) : null}
      {error ? <Failed error={error} what="The wallet did not open" /> : null}
      {connected.network.development ? (
        <>
          <h3>Development accounts</h3>
          <p class="quiet">Their keys are public: they are for development chains such as this one.</p>
          <ul class="bare choices">
            {developmentNames.map((name) => (
              <li key={name}>
                <button
                  type="button"
                  class="button"
                  onClick={() => {
                    useDevelopment(connected, name);
                    done();
                  }}
                >
                  {name}
                </button>
              </li>
            ))}
          </ul>
        </>
      ) : null}
    </>
  );
}

export function AccountDialog({ close }: { close: () => void }) {
  const account = signer.value;
  return (
    <Dialog title="Account" close={close}>
      {account ? (
        <div class="box">
          <p>
            You sign as <strong>{account.name ? plain(account.name) : short(account.ss58)}</strong>{" "}
            <code>{short(account.address)}</code>
          </p>
          <div class="actions">
            <a class="button" href={`#/account/${account.address}`} onClick={close}>
              Open its page
            </a>
            <button type="button" class="button" onClick={leaveAccount}>
              Sign with none
            </button>
          </div>
        </div>
      ) : (
        <p>Reading needs no account. To sign, choose one.</p>
      )}
      <AccountList done={close} />
    </Dialog>
  );
}
