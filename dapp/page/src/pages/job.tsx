// One job: how it came to where it is, what is drawn, who was paid.

import type { Job, JobId, JobMove, Secret } from "@assay/client";
import { useState } from "preact/hooks";
import { AdvanceDialog, CancelDialog, RevealDialog } from "../actions/simple";
import { Contributions } from "../parts/contributions";
import { Exports } from "../parts/exports";
import { Slots, Strip } from "../parts/checked";
import { StateTag, isOver, states, usualWay } from "../parts/state";
import { useRead } from "../read";
import { to } from "../router";
import { block, chainNow, client } from "../session";
import { recall } from "../storage";
import { count, duration, percent } from "../text";
import { signer } from "../wallet";
import { Account, Amount, Countdown, Facts, Hex, Licence, Name, When } from "../ui/basics";
import { Empty, Part, Show } from "../ui/states";

export function JobPage({ id }: { id: JobId }) {
  const read = useRead(`job ${id}`, (client) => client.job(id));
  return (
    <Show read={read} what="the job">
      {(found) =>
        found ? (
          <Whole view={found} />
        ) : (
          <Empty>
            The market has no job {String(id)}. Look at <a href={to("jobs")}>all jobs</a>, or choose another network.
          </Empty>
        )
      }
    </Show>
  );
}

function Whole({ view }: { view: Job }) {
  const { id, terms, model, job, slots } = view;
  const over = isOver(job.state);
  const drawn = slots.slice(0, terms.samples).length;
  const market = client.value?.network.deployment.market.address;
  return (
    <>
      <header class="head">
        <p class="kind">Job</p>
        <h1>
          Job {String(id)} <span class="for">for</span> <Name text={model.name} />
        </h1>
        <p class="lead">
          <StateTag state={job.state} /> {states[job.state].means}{" "}
          {over ? null : (
            <strong>
              <Countdown deadline={job.deadline} past="Its deadline passed" />
            </strong>
          )}
        </p>
        <Actions view={view} />
      </header>
      <Timeline view={view} />
      <Part id="drawn" title="What was drawn">
        {slots.length === 0 ? (
          <Empty>
            Nothing yet. {count(terms.samples, "segment")} of {terms.segments} will be drawn when the operator has
            committed.
          </Empty>
        ) : (
          <>
            <p>
              {drawn} of {count(terms.segments, "segment")} drawn
              {slots.length > drawn ? `, ${slots.length - drawn} challenged` : ""}. Each in its place:
            </p>
            <Strip segments={terms.segments} slots={slots} />
            <Slots
              seals
              slots={slots.map((slot, place) => ({
                ...slot,
                slot: place,
                why: place < terms.samples ? ("drawn" as const) : ("challenged" as const),
              }))}
            />
          </>
        )}
        <Dispute view={view} />
      </Part>
      <Contributions job={id} />
      <div class="pair">
        <Terms view={view} />
        <Part id="record" title="Its record">
          <Facts>
            {[
              ["Client", <Account address={job.client} />],
              ["Operator", job.operator ? <Account address={job.operator} /> : "nobody yet"],
              ["Enlisted", count(job.enlisted, "verifier")],
              ["Secrets revealed", `${job.revealed}${job.clientSecret ? ", and the client’s" : ""}`],
              ["Model", view.modelId ? <a href={to("model", view.modelId)}>The registered model</a> : undefined],
              ["Licence to be", <Licence text={model.licence} />],
              [
                "Parent model",
                model.parent ? <Hex value={model.parent} what="id" href={to("model", model.parent)} /> : undefined,
              ],
              [
                "Datasets",
                <ul class="bare">
                  {view.datasets.map((dataset) => (
                    <li key={dataset}>
                      <Hex value={dataset} what="id" href={to("dataset", dataset)} />
                    </li>
                  ))}
                </ul>,
              ],
              ["Specification", <Hex value={terms.spec} />],
              ["Program", <Hex value={terms.program} />],
              ["Commitment", view.commitment ? <Hex value={view.commitment.root} /> : undefined],
              ["Artefact", view.ends ? <Hex value={view.ends.artefact} what="SHA-256" /> : undefined],
              ["It still holds", <Amount value={job.held} />],
            ]}
          </Facts>
        </Part>
      </div>
      {market ? <Exports root={{ type: "Job", value: { market, job: id } }} name={`job-${id}`} /> : null}
    </>
  );
}

type Open = { what: "advance" | "cancel" } | { what: "reveal"; secret: Secret } | undefined;

/** What can be done with the job now, and by whom. */
function Actions({ view }: { view: Job }) {
  const { id, job, terms } = view;
  const [open, setOpen] = useState<Open>();
  // Looked at again with each block, as a deadline passes without an event.
  void block.value;
  const over = isOver(job.state);
  const late = !over && Number(job.deadline) < chainNow();
  const mine = signer.value?.address === job.client;
  const secret = recall<Secret | undefined>(`secret.${terms.sealedSecret}`, undefined);
  const close = () => setOpen(undefined);
  return (
    <>
      <p class="actions">
        {late ? (
          <button type="button" class="button main" onClick={() => setOpen({ what: "advance" })}>
            Move it on
          </button>
        ) : null}
        {job.state === "Committed" && !job.clientSecret && secret && mine ? (
          <button type="button" class="button main" onClick={() => setOpen({ what: "reveal", secret })}>
            Reveal your secret
          </button>
        ) : null}
        {job.state === "Open" && mine ? (
          <button type="button" class="button" onClick={() => setOpen({ what: "cancel" })}>
            Take it back
          </button>
        ) : null}
        {view.modelId ? (
          <a class="button main" href={to("model", view.modelId)}>
            Open its model
          </a>
        ) : null}
        <a class="button" href={to("post", "like", id)}>
          Post one like it
        </a>
      </p>
      {open?.what === "advance" ? <AdvanceDialog job={id} close={close} /> : null}
      {open?.what === "cancel" ? <CancelDialog job={id} close={close} /> : null}
      {open?.what === "reveal" ? <RevealDialog job={id} secret={open.secret} close={close} /> : null}
    </>
  );
}

function Timeline({ view }: { view: Job }) {
  const { id, job } = view;
  const read = useRead(`history ${id}`, (client) => client.jobHistory(id));
  return (
    <Part id="timeline" title="How it went">
      <Show read={read} what="its history">
        {({ items, complete }) => (
          <>
            <Steps moves={items} view={view} />
            {complete ? null : <p class="quiet">The node no longer has all of the blocks: steps may be missing.</p>}
          </>
        )}
      </Show>
      {isOver(job.state) || !read.value ? null : (
        <p class="quiet">
          When a deadline passes, anybody may move the job on, so that nobody’s money hangs on somebody’s good will.
        </p>
      )}
    </Part>
  );
}

function Steps({ moves, view }: { moves: JobMove[]; view: Job }) {
  const { job, terms } = view;
  const last = moves[moves.length - 1];
  // The history may be a block behind what is read of the job.
  const shown = last && last.state !== job.state ? moves : moves.slice(0, -1);
  const at = usualWay.indexOf(job.state);
  const windows: Partial<Record<string, number>> = {
    Claimed: terms.windows.train,
    Committed: terms.windows.secrets,
    Drawn: terms.windows.open,
    Opened: terms.windows.attest,
    Attested: terms.windows.reveal,
    Window: terms.windows.dispute,
  };
  const now = last && last.state === job.state ? last : undefined;
  return (
    <ol class="bare timeline">
      {shown.map((move, place) => (
        <li key={place} class="past">
          <strong>{states[move.state].label}</strong>{" "}
          <span class="quiet">
            block {move.block.number.toLocaleString("en-GB")}, <When at={move.at} />
          </span>
        </li>
      ))}
      <li class={`now ${states[job.state].tone}`} aria-current="step">
        <strong>{states[job.state].label}</strong>{" "}
        {now ? (
          <span class="quiet">
            block {now.block.number.toLocaleString("en-GB")}, <When at={now.at} />
          </span>
        ) : null}
        <span class="block">{states[job.state].means}</span>
        {isOver(job.state) ? null : (
          <span class="block">
            <Countdown deadline={job.deadline} past="Its deadline passed" />
          </span>
        )}
      </li>
      {isOver(job.state) || at < 0
        ? null
        : usualWay.slice(at + 1).map((state) => (
            <li key={state} class="next">
              {states[state].label}{" "}
              <span class="quiet">{windows[state] === undefined ? "" : `at most ${duration(windows[state])}`}</span>
            </li>
          ))}
    </ol>
  );
}

function Dispute({ view }: { view: Job }) {
  const { dispute, seats, demands, slots } = view;
  return (
    <>
      {dispute ? (
        <div class="box warn">
          <h3>A dispute</h3>
          <p>
            Over segment {slots[dispute.slot]?.segment ?? "?"}: {count(dispute.seats, "seat")}, {dispute.sealed} sealed,{" "}
            {dispute.revealed} revealed{dispute.round > 0 ? "; it is the second panel" : ""}.
          </p>
          <ul>
            {seats.map(({ verifier, seal, outcome }) => (
              <li key={verifier}>
                <Account address={verifier} />{" "}
                {outcome === undefined
                  ? seal
                    ? "has sealed"
                    : "is awaited"
                  : outcome === "Unavailable"
                    ? "was not served"
                    : outcome.type === "Replayed"
                      ? "replayed it"
                      : "found the ends false"}
              </li>
            ))}
          </ul>
        </div>
      ) : null}
      {demands.length > 0 ? (
        <div class="box warn">
          <h3>Open demands</h3>
          <ul>
            {demands.map((demand) => (
              <li key={demand.number}>
                <Account address={demand.by} /> wants{" "}
                {demand.wanted.type === "Leaf"
                  ? `a piece of the state at boundary ${demand.wanted.value.boundary}`
                  : `boundary ${demand.wanted.value.index}`}
                , <Countdown deadline={demand.deadline} />
              </li>
            ))}
          </ul>
        </div>
      ) : null}
    </>
  );
}

function Terms({ view }: { view: Job }) {
  const { terms, royalties } = view;
  const { windows, policy } = terms;
  return (
    <Part id="terms" title="Its terms">
      <Facts>
        {[
          ["Payment", <Amount value={terms.payment} />],
          ...royalties.map(({ node, to: owner, shareBp }): [string, preact.ComponentChildren] => [
            node.type === "Model" ? "of it, parent model" : "of it, data",
            <>
              {percent(shareBp)} to <Account address={owner} />
            </>,
          ]),
          ["For verifiers", <Amount value={terms.fee} />],
          ["Operator’s stake", <Amount value={terms.stake} />],
          ["Handing it back costs", <Amount value={terms.handBack} />],
          ["Verifier’s bond", <Amount value={terms.bond} />],
          ["Segments", `${terms.segments}, of which ${terms.samples} are drawn`],
          ["Panel", `${terms.panel} seats`],
          [
            "Cheat that must not pay",
            policy.gain === 0n ? (
              "none"
            ) : (
              <>
                worth <Amount value={policy.gain} />, {count(policy.falseSegments, "false segment")},{" "}
                {percent(policy.bribedBp)} bribed
              </>
            ),
          ],
          [
            "Time for each state",
            `claim ${duration(windows.claim)}, train ${duration(windows.train)}, secrets ${duration(windows.secrets)}, open ${duration(windows.open)}, attest ${duration(windows.attest)}, reveal ${duration(windows.reveal)}, challenge ${duration(windows.dispute)}`,
          ],
        ]}
      </Facts>
    </Part>
  );
}
