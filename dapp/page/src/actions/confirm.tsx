// From a transaction to its receipt: tried first, shown with its fee and deposit, and signed only then.

import type { Estimate, Progress, Receipt, Signer, Transaction } from "@assay/client";
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { plain, short } from "../text";
import { signer } from "../wallet";
import { Amount, Facts, Hex } from "../ui/basics";
import { Dialog } from "../ui/dialog";
import { Failed, Waiting } from "../ui/states";
import { AccountList } from "./accounts";
import { toError } from "../errors";

type Stage<T> =
  | { at: "trying" }
  | { at: "refused"; error: Error }
  | { at: "tried"; transaction: Transaction<T>; estimate: Estimate<T> }
  | { at: "signing"; progress: Progress | undefined }
  | { at: "failed"; error: Error }
  | { at: "done"; receipt: Receipt<T> };

interface Props<T> {
  title: string;
  /** Makes the transaction, for the account that will sign. */
  make: (signer: Signer) => Transaction<T> | Promise<Transaction<T>>;
  close: () => void;
  /** What else should be read before signing. */
  children?: ComponentChildren;
  /** What the reader has to do first, if anything; signing waits for it. */
  missing?: string | undefined;
  /** Shown when it is done. */
  done: (receipt: Receipt<T>) => ComponentChildren;
}

const steps: Record<Progress["step"], string> = {
  mapping: "Making the account known to contracts: sign in your wallet …",
  signing: "Sign in your wallet …",
  sent: "Sent; waiting for a final block …",
  included: "In a final block.",
};

/** Asks before anything is signed. */
export function Confirm<T>({ title, make, close, children, missing, done }: Props<T>) {
  const account = signer.value;
  const [stage, setStage] = useState<Stage<T>>({ at: "trying" });
  const [tries, setTries] = useState(0);
  useEffect(() => {
    if (!account) return;
    let dropped = false;
    setStage({ at: "trying" });
    (async () => {
      const transaction = await make(account);
      const estimate = await transaction.estimate(account);
      return { transaction, estimate };
    })().then(
      (tried) => dropped || setStage({ at: "tried", ...tried }),
      (error: unknown) => dropped || setStage({ at: "refused", error: toError(error) }),
    );
    return () => {
      dropped = true;
    };
  }, [account, tries]);

  if (!account) {
    return (
      <Dialog title={title} close={close}>
        <p>Which account signs?</p>
        <AccountList done={() => undefined} />
      </Dialog>
    );
  }
  const sign = async (transaction: Transaction<T>) => {
    setStage({ at: "signing", progress: undefined });
    try {
      const receipt = await transaction.submit(account, (progress) => setStage({ at: "signing", progress }));
      setStage({ at: "done", receipt });
    } catch (error) {
      setStage({ at: "failed", error: toError(error) });
    }
  };
  return (
    <Dialog title={title} close={close} held={stage.at === "signing"}>
      {stage.at === "done" ? null : children}
      <p class="quiet">
        Signed by {account.name ? plain(account.name) : "your account"} <code>{short(account.address)}</code>
      </p>
      {stage.at === "trying" ? <Waiting what="what it would cost" /> : null}
      {stage.at === "refused" ? (
        <Failed error={stage.error} again={() => setTries((count) => count + 1)} what="This would not go through" />
      ) : null}
      {stage.at === "tried" ? (
        <Costs
          estimate={stage.estimate}
          description={stage.transaction.description}
          missing={missing}
          sign={() => sign(stage.transaction)}
          close={close}
        />
      ) : null}
      {stage.at === "signing" ? (
        <p class="waiting" role="status">
          {stage.progress ? steps[stage.progress.step] : "Trying it once more …"}
        </p>
      ) : null}
      {stage.at === "failed" ? (
        <Failed error={stage.error} again={() => setTries((count) => count + 1)} what="It was not done" />
      ) : null}
      {stage.at === "done" ? (
        <div class="box good" role="status" data-done>
          <p>
            <strong>Done</strong>, in block {stage.receipt.block.number.toLocaleString("en-GB")}, for a fee of{" "}
            <Amount value={stage.receipt.fee} />. Transaction <Hex value={stage.receipt.hash} />
          </p>
          {done(stage.receipt)}
          <p>
            <button type="button" class="button" onClick={close}>
              Close
            </button>
          </p>
        </div>
      ) : null}
    </Dialog>
  );
}

interface CostsProps {
  estimate: Estimate<unknown>;
  description: string;
  missing: string | undefined;
  sign: () => void;
  close: () => void;
}

function Costs({ estimate, description, missing, sign, close }: CostsProps) {
  const { value, fee, deposit, mappingCost, total, spendable, affordable, needsMapping } = estimate;
  return (
    <>
      <p data-what>{plain(description)}</p>
      <Facts>
        {[
          ["Sent along", value > 0n ? <Amount value={value} /> : undefined],
          ["Fee, at most", <Amount value={fee} />],
          deposit < 0n
            ? ["Deposit that comes back", <Amount value={-deposit} />]
            : ["Deposit for storage", <Amount value={deposit} />],
          ["Making the account known to contracts, once", needsMapping ? <Amount value={mappingCost} /> : undefined],
          [
            "All of it, at most",
            <strong>
              <Amount value={total} />
            </strong>,
          ],
          ["You have", <Amount value={spendable} />],
        ]}
      </Facts>
      {affordable ? null : <p class="tag bad">The account has not enough.</p>}
      {missing ? <p class="quiet">{missing}</p> : null}
      <div class="actions">
        <button type="button" class="button main" disabled={!affordable || missing !== undefined} onClick={sign}>
          Sign and send
        </button>
        <button type="button" class="button" onClick={close}>
          Cancel
        </button>
      </div>
    </>
  );
}
