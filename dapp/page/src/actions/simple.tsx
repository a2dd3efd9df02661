// Actions with a confirmation and little else: transfer a model, buy access, move a job on, withdraw.

import type { Dataset, JobId, Model, Secret } from "@assay/client";
import { toAddress } from "@assay/client";
import { useState } from "preact/hooks";
import { client } from "../session";
import { duration, plain } from "../text";
import { Amount, Hex, Licence } from "../ui/basics";
import { Dialog } from "../ui/dialog";
import { Confirm } from "./confirm";
import { toError } from "../errors";
import { Problem } from "../ui/states";

function connected() {
  const now = client.value;
  if (!now) throw new Error("The connection is gone. Wait until the page has it again, then try again.");
  return now;
}

/** Asks for the new owner, then for the signature. */
export function TransferDialog({ model, close }: { model: Model; close: () => void }) {
  const [typed, setTyped] = useState("");
  const [to, setTo] = useState<`0x${string}`>();
  const [problem, setProblem] = useState<string>();
  if (to) {
    return (
      <Confirm
        title="Transfer the model"
        close={close}
        make={() => connected().transferModel(model.id, to)}
        done={() => <p>The model has a new owner.</p>}
      >
        <p>
          The title of <bdi>{plain(model.record.name)}</bdi>, and the royalties of later jobs that start from it, go to{" "}
          <Hex value={to} what="address" />. You cannot take it back.
        </p>
      </Confirm>
    );
  }
  return (
    <Dialog title="Transfer the model" close={close}>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          try {
            setTo(toAddress(typed.trim()));
          } catch (error) {
            setProblem(toError(error).message);
          }
        }}
      >
        <label>
          New owner
          <input
            type="text"
            class="mono"
            required
            autocomplete="off"
            spellcheck={false}
            value={typed}
            aria-describedby="to-help"
            aria-invalid={problem !== undefined}
            onInput={(event) => {
              setTyped(event.currentTarget.value);
              setProblem(undefined);
            }}
          />
        </label>
        <p id="to-help" class="quiet">
          An address (0x and 40 digits) or an SS58 account.
        </p>
        <Problem text={problem} />
        <div class="actions">
          <button type="submit" class="button main">
            See what it costs
          </button>
        </div>
      </form>
    </Dialog>
  );
}

/** Buys access on the terms that the reader sees. */
export function BuyDialog({ dataset, close }: { dataset: Dataset; close: () => void }) {
  const { terms, name } = dataset.record;
  const [agreed, setAgreed] = useState(false);
  return (
    <Confirm
      title="Buy access"
      close={close}
      make={() => connected().buyAccess(dataset.id)}
      missing={agreed ? undefined : "Agree to the terms first."}
      done={() => <p>You have access, and can use the dataset in jobs.</p>}
    >
      <p>
        Access to <bdi>{plain(name)}</bdi>
        {terms.price !== undefined ? (
          <>
            {" "}
            for <Amount value={terms.price} />
          </>
        ) : null}
        , {terms.accessSeconds === 0n ? "for ever" : `for ${duration(Number(terms.accessSeconds))}`}, under{" "}
        <Licence text={terms.licence} />.
      </p>
      {terms.licenceText ? (
        <p>
          The licence has a text of its own, with the SHA-256 <Hex value={terms.licenceText} what="SHA-256" />. Read it
          first.
        </p>
      ) : null}
      <label class="check">
        <input type="checkbox" checked={agreed} onChange={(event) => setAgreed(event.currentTarget.checked)} />I agree
        to these terms, whose hash goes on record.
      </label>
      <p class="quiet">
        Hash of the terms: <Hex value={dataset.termsHash} />
      </p>
    </Confirm>
  );
}

/** Moves a job on whose deadline has passed. */
export function AdvanceDialog({ job, close }: { job: JobId; close: () => void }) {
  return (
    <Confirm
      title="Move the job on"
      close={close}
      make={() => connected().advance(job)}
      done={() => <p>The job has moved on.</p>}
    >
      <p>The deadline of job {String(job)} has passed. Anybody may move it on; money goes where the rules say.</p>
    </Confirm>
  );
}

/** Reveals what the client sealed into its job. */
export function RevealDialog({ job, secret, close }: { job: JobId; secret: Secret; close: () => void }) {
  return (
    <Confirm
      title="Reveal the secret"
      close={close}
      make={() => connected().revealSecret(job, secret.secret)}
      done={() => <p>The draw now depends on your secret.</p>}
    >
      <p>
        The operator has committed to its work, so the secret that this browser keeps for job {String(job)} can go into
        the draw of the segments that are checked.
      </p>
    </Confirm>
  );
}

/** Takes an open job back. */
export function CancelDialog({ job, close }: { job: JobId; close: () => void }) {
  return (
    <Confirm
      title="Take the job back"
      close={close}
      make={() => connected().cancel(job)}
      done={() => <p>The job is cancelled, and what it held is credited to you.</p>}
    >
      <p>Nobody has claimed job {String(job)} yet. All that it holds is credited to you.</p>
    </Confirm>
  );
}

/** Sends out what is credited. */
export function WithdrawDialog({ from, close }: { from: "market" | "registry"; close: () => void }) {
  return (
    <Confirm
      title="Withdraw"
      close={close}
      make={() => connected().withdraw(from)}
      done={() => <p>It is in your account.</p>}
    >
      <p>What the {from} has credited to you is sent to your account.</p>
    </Confirm>
  );
}
