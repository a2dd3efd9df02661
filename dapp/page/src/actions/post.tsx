// Posting a job: a form filled from a job on chain, what its terms are worth, then the confirmation.

import type { Economics, JobDraft, JobId, PostedJob, Secret, Signer, Token, Transaction } from "@assay/client";
import { economics, share } from "@assay/client";
import { useMemo, useRef, useState } from "preact/hooks";
import { save } from "../files";
import { useRead } from "../read";
import { to } from "../router";
import { client } from "../session";
import { forget, recall, remember } from "../storage";
import { count, odds, percent, sentence } from "../text";
import { Amount, Facts, Name } from "../ui/basics";
import { Empty, Part, Show } from "../ui/states";
import { Confirm } from "./confirm";
import { type Field, type Fields, fieldsOf, read as readFields, windowNames } from "./draft";
import { schedule } from "./spec";

/** The page at `#/post`: which job to start from. */
export function PostPage({ like }: { like: JobId | undefined }) {
  const jobs = useRead("jobs to post like", (client) => client.jobs({ limit: 50 }), false);
  return (
    <>
      <header class="head">
        <p class="kind">Job</p>
        <h1>Post a job</h1>
        <p class="lead">
          You start from a job that is on record: its training and its data stay as they are, all else is yours to set.
          A training of your own design is compiled and posted by <code>assay job post</code>.
        </p>
        <Show read={jobs} what="the jobs">
          {({ items }) =>
            items.length === 0 ? (
              <Empty>There is no job to start from yet.</Empty>
            ) : (
              <label class="inline">
                Start from{" "}
                <select
                  value={like === undefined ? "" : String(like)}
                  onChange={(event) => {
                    location.hash = to("post", "like", event.currentTarget.value);
                  }}
                >
                  {like === undefined ? <option value="">choose a job</option> : null}
                  {like !== undefined && !items.some(({ id }) => id === like) ? (
                    <option value={String(like)}>Job {String(like)}</option>
                  ) : null}
                  {items.map(({ id, state }) => (
                    <option key={String(id)} value={String(id)}>
                      Job {String(id)} ({state.toLowerCase()})
                    </option>
                  ))}
                </select>
              </label>
            )
          }
        </Show>
      </header>
      {like === undefined ? null : <Draft key={String(like)} like={like} />}
    </>
  );
}

interface Base {
  draft: JobDraft;
  /** Of the inputs, in basis points. */
  royalties: { name: string; shareBp: number }[];
  longestWindow: number;
}

function Draft({ like }: { like: JobId }) {
  const read = useRead(
    `draft ${like}`,
    async (client): Promise<{ base: Base | undefined }> => {
      const [draft, rules] = await Promise.all([client.jobLike(like), client.rules()]);
      if (!draft) return { base: undefined };
      const [datasets, parent] = await Promise.all([
        Promise.all(draft.datasets.map((id) => client.dataset(id))),
        draft.model.parent ? client.model(draft.model.parent) : undefined,
      ]);
      const royalties = datasets.flatMap((dataset) =>
        dataset ? [{ name: dataset.record.name, shareBp: dataset.record.terms.royaltyBp }] : [],
      );
      if (parent) royalties.push({ name: parent.record.name, shareBp: parent.record.royaltyBp });
      return { base: { draft, royalties, longestWindow: rules.longestWindow } };
    },
    false,
  );
  const token = client.value?.network.token;
  return (
    <Show read={read} what="the job">
      {({ base }) =>
        base && token ? <Form base={base} token={token} /> : <Empty>The market has no job {String(like)}.</Empty>
      }
    </Show>
  );
}

function Form({ base, token }: { base: Base; token: Token }) {
  const [fields, setFields] = useState<Fields>(() => fieldsOf(base.draft, token));
  const [shown, setShown] = useState<JobDraft>();
  const { draft, problems } = useMemo(
    () => readFields(fields, base.draft, token, base.longestWindow),
    [fields, base, token],
  );
  const planned = schedule(base.draft.spec, base.draft.program, base.draft.segments) !== undefined;
  const input = (field: Field, label: string, help?: string, mono = false) => (
    <label key={field}>
      {label}
      <input
        type="text"
        class={mono ? "mono" : ""}
        value={fields[field]}
        spellcheck={false}
        autocomplete="off"
        aria-invalid={problems[field] !== undefined}
        aria-describedby={`${field}-help`}
        name={field}
        onInput={(event) => {
          const { value } = event.currentTarget;
          setFields((before) => ({ ...before, [field]: value }));
        }}
      />
      <span id={`${field}-help`} class={problems[field] ? "problem" : "quiet"}>
        {problems[field] ? sentence(problems[field]) : help}
      </span>
    </label>
  );
  return (
    <>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          if (draft) setShown(draft);
          else event.currentTarget.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
        }}
      >
        <fieldset>
          <legend>The model to be</legend>
          <div class="grid">
            {input("name", "Name")}
            {input("licence", "Licence", "An SPDX expression, such as Apache-2.0")}
            {input("royalty", "Royalty, in %", "Your share of later jobs that start from it")}
          </div>
        </fieldset>
        <fieldset>
          <legend>The work</legend>
          {planned ? (
            <div class="grid">
              {input("steps", "Training steps")}
              {input("segmentSteps", "Steps of a segment", "What a verifier replays at once")}
              {input("seed", "Seed", "Of all randomness; a fresh one", true)}
            </div>
          ) : (
            <p class="quiet">{count(base.draft.segments, "segment")}, with the seed of the job that you start from.</p>
          )}
        </fieldset>
        <fieldset>
          <legend>The money</legend>
          <div class="grid">
            {input("payment", "Payment", "For the operator, royalties included")}
            {input("fee", "For the verifiers", "Of all drawn segments together")}
            {input("stake", "Operator’s stake", "What it loses if it is convicted")}
            {input("bond", "Verifier’s bond", "What each locks at least")}
            {input("handBack", "Handing it back costs", "At most a tenth of the stake")}
          </div>
        </fieldset>
        <fieldset>
          <legend>The check</legend>
          <div class="grid">
            {input("samples", "Segments that are drawn")}
            {input("panel", "Seats of a panel", "Who decides a dispute")}
            {input("gain", "A false model is worth", "To whoever cheats; 0 asks nothing of the stake")}
            {input("falseSegments", "Segments that it falsifies")}
            {input("bribed", "Verifiers that it has bribed, in %", "Of their weight")}
          </div>
        </fieldset>
        <details>
          <summary>Time for each state, in seconds</summary>
          <div class="grid">{windowNames.map(([field, label]) => input(field, label))}</div>
        </details>
        {draft ? (
          <Worth draft={draft} royalties={base.royalties} />
        ) : (
          <Empty>Mend the fields that are marked, to see what the job is worth.</Empty>
        )}
        <p class="actions">
          <button type="submit" class="button main">
            See what it costs
          </button>
        </p>
      </form>
      {shown ? <PostDialog draft={shown} close={() => setShown(undefined)} /> : null}
    </>
  );
}

/** What the terms are worth: who gets what, and what a cheat may hope for. */
function Worth({ draft, royalties }: { draft: JobDraft; royalties: Base["royalties"] }) {
  const { segments, samples, panel, payment, policy } = draft;
  const worth = useMemo(() => economics({ segments, samples, panel, payment, policy }), [draft]);
  const paid = royalties.map(({ shareBp }) => share(payment, shareBp));
  const left = payment - paid.reduce((sum, one) => sum + one, 0n);
  const asked = royalties.map((royalty, place) => ({ ...royalty, paid: paid[place] ?? 0n }));
  return (
    <Part id="worth" title="What these terms are worth">
      <Facts>
        {[
          ["You pay", <Amount value={payment + draft.fee} />],
          [
            "Royalties",
            asked.some(({ shareBp }) => shareBp > 0) ? (
              <ul class="bare">
                {asked
                  .filter(({ shareBp }) => shareBp > 0)
                  .map(({ name, shareBp, paid }) => (
                    <li key={name}>
                      <Amount value={paid} /> ({percent(shareBp)}) to the owner of <Name text={name} />
                    </li>
                  ))}
              </ul>
            ) : (
              "none"
            ),
          ],
          [
            "The operator",
            <>
              gets <Amount value={left} />, locks <Amount value={draft.stake} />
            </>,
          ],
          [
            "The verifiers",
            <>
              get <Amount value={draft.fee} /> for {count(samples, "segment")} of {segments}
            </>,
          ],
        ]}
      </Facts>
      <Judgement draft={draft} worth={worth} />
      <div class="wide" role="group" aria-label="Table" tabindex={0}>
        <table>
          <thead>
            <tr>
              <th>False segments</th>
              <th class="amount">Unseen by the draw</th>
              <th class="amount">{percent(worth.bribedBp)} bribed</th>
              <th class="amount">Dice thrown twice</th>
              <th class="amount">Stake at which it does not pay</th>
            </tr>
          </thead>
          <tbody>
            {worth.odds.map((one) => (
              <tr key={one.falseSegments}>
                <td class="number">
                  {one.falseSegments} of {segments}
                </td>
                <td class="amount">{odds(one.unseen)}</td>
                <td class="amount">{odds(one.unseenBribed)}</td>
                <td class="amount">{odds(one.secondThrow)}</td>
                <td class="amount">
                  {one.leastStake === undefined ? "none is enough" : <Stake amount={one.leastStake} />}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Part>
  );
}

/** A stake rounded up to a thousandth of the token, to be read. */
function Stake({ amount }: { amount: bigint }) {
  const step = 10n ** 15n;
  return <Amount value={((amount + step - 1n) / step) * step} />;
}

function Judgement({ draft, worth }: { draft: JobDraft; worth: Economics }) {
  if (worth.asked === undefined) {
    return (
      <p class="box bad" data-judgement="refused">
        No stake makes this cheat unprofitable. Draw more segments, or count on fewer bribes.
      </p>
    );
  }
  if (draft.stake < worth.asked) {
    return (
      <p class="box bad" data-judgement="refused">
        <span>
          The market will refuse it: the stake must be <Stake amount={worth.asked} /> or more.
        </span>
      </p>
    );
  }
  if (worth.leastStake === undefined || draft.stake < worth.leastStake) {
    return (
      <p class="box warn" data-judgement="weak">
        <span>
          A cheat that gains its share of the payment may pay, with {percent(worth.bribedBp)} of the verifiers’ weight
          bribed
          {worth.leastStake === undefined ? null : (
            <>
              ; at a stake of <Stake amount={worth.leastStake} /> none does
            </>
          )}
          .
        </span>
      </p>
    );
  }
  return (
    <p class="box good" data-judgement="sound">
      At this stake none of these cheats pays.
    </p>
  );
}

/** The secret as the command line keeps it (`secrets/<sealed>.json` in its data folder). */
function secretFile(secret: Secret, by: Signer): string {
  const market = client.value?.network.deployment.market.address;
  return `${JSON.stringify({ client: by.address, market, ...secret }, null, 2)}\n`;
}

function PostDialog({ draft, close }: { draft: JobDraft; close: () => void }) {
  const [kept, setKept] = useState<{ secret: Secret; by: Signer; stored: boolean }>();
  const [saved, setSaved] = useState(false);
  const sent = useRef<Secret | undefined>(undefined);
  const make = (by: Signer): Transaction<PostedJob> => {
    const connected = client.value;
    if (!connected) throw new Error("The connection is gone. Wait until the page has it again, then try again.");
    const secret = connected.newSecret(by.address);
    // On disk before anything is signed: without it the client cannot take part in the draw.
    const name = `secret.${secret.sealed}`;
    const stored = remember(name, secret) && recall<Secret | undefined>(name, undefined)?.secret === secret.secret;
    drop(kept?.secret);
    setKept({ secret, by, stored });
    const transaction = connected.postJob(draft, secret);
    return {
      description: transaction.description,
      estimate: (account) => transaction.estimate(account),
      submit: (account, onProgress) => {
        sent.current = secret;
        return transaction.submit(account, onProgress);
      },
    };
  };
  // Secrets of jobs that were never sent are of no use.
  const drop = (secret: Secret | undefined) => {
    if (secret && sent.current !== secret) forget(`secret.${secret.sealed}`);
  };
  const leave = () => {
    drop(kept?.secret);
    close();
  };
  const download = () => {
    if (!kept) return;
    save(`${kept.secret.sealed}.json`, "application/json", secretFile(kept.secret, kept.by));
    setSaved(true);
  };
  return (
    <Confirm
      title="Post the job"
      close={leave}
      make={make}
      missing={
        kept && !kept.stored && !saved ? "This browser keeps nothing: save the secret as a file first." : undefined
      }
      done={({ output }) => (
        <>
          <p>
            It is <a href={to("job", output.job)}>job {String(output.job)}</a>. When the operator has committed, come
            back to its page and reveal the secret, or run{" "}
            <code>assay job watch {String(output.job)} --reveal -x -y</code> with the file.
          </p>
          <p>
            <button type="button" class="button" onClick={download}>
              Save the secret as a file
            </button>
          </p>
        </>
      )}
    >
      <p>
        Payment and fee go into escrow with the job. A secret is sealed into it, which makes the draw of the checked
        segments unpredictable. {kept?.stored ? "This browser keeps it for you." : ""}
      </p>
      <p>
        <button type="button" class="plain" onClick={download} disabled={!kept}>
          Save the secret as a file, too
        </button>
      </p>
    </Confirm>
  );
}
