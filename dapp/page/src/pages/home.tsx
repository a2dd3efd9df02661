// The first page: what is new, and a search.

import type { DatasetSummary, JobSummary, ModelSummary } from "@assay/client";
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { useRead } from "../read";
import { go, to } from "../router";
import { bytes, percent } from "../text";
import { Amount, Countdown, Licence, Name, When } from "../ui/basics";
import { Empty, Part, Show } from "../ui/states";
import { StateTag } from "../parts/state";

export function SearchForm({ text = "" }: { text?: string }) {
  const [typed, setTyped] = useState(text);
  return (
    <form
      class="search"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        if (typed.trim() !== "") go("search", typed.trim());
      }}
    >
      <label class="unseen" for="search">
        Search by name, hash or account
      </label>
      <input
        id="search"
        type="search"
        placeholder="A name, a hash, an account, or job:3"
        autocomplete="off"
        spellcheck={false}
        value={typed}
        onInput={(event) => setTyped(event.currentTarget.value)}
      />
      <button type="submit" class="button main">
        Search
      </button>
    </form>
  );
}

export function ModelRow({ id, record }: ModelSummary) {
  return (
    <li>
      <span class="name">
        <a href={to("model", id)}>
          <Name text={record.name} />
        </a>
      </span>
      <span class="quiet">
        <Licence text={record.licence} /> · {record.segmentsChecked} of {record.segmentsDrawn} drawn segments confirmed
        · <When at={record.registeredAt} />
      </span>
    </li>
  );
}

export function DatasetRow({ id, record }: DatasetSummary) {
  const { terms } = record;
  return (
    <li>
      <span class="name">
        <a href={to("dataset", id)}>
          <Name text={record.name} otherwise="Withdrawn dataset" />
        </a>
      </span>
      <span class="quiet">
        <Licence text={terms.licence} /> · {bytes(record.bytes)} ·{" "}
        {record.withdrawnAt !== undefined ? (
          "withdrawn"
        ) : terms.price !== undefined ? (
          <Amount value={terms.price} />
        ) : terms.open ? (
          "open to all"
        ) : (
          "by grant only"
        )}
        {terms.royaltyBp > 0 ? ` · ${percent(terms.royaltyBp)} of each job` : ""}
      </span>
    </li>
  );
}

export function JobRow({ id, state, deadline }: JobSummary) {
  return (
    <li>
      <span class="name">
        <a href={to("job", id)}>Job {String(id)}</a> <StateTag state={state} />
      </span>
      {deadline > 0n ? (
        <span class="quiet">
          <Countdown deadline={deadline} past="its deadline passed" />
        </span>
      ) : null}
    </li>
  );
}

/** A list of such rows. */
export function Rows<T extends { id: string | bigint }>({ items, row: Row }: { items: T[]; row: (one: T) => VNode }) {
  return (
    <ul class="bare rows">
      {items.map((one) => (
        <Row key={String(one.id)} {...one} />
      ))}
    </ul>
  );
}

const shown = 6;

export function Home() {
  const models = useRead("home models", (client) => client.models({ limit: shown }));
  const datasets = useRead("home datasets", (client) => client.datasets({ limit: shown }));
  const jobs = useRead("home jobs", (client) => client.jobs({ limit: shown }));
  return (
    <>
      <header class="head home">
        <h1>What is this model made of?</h1>
        <p class="lead">
          Every model here has its record on a chain: the data it was trained on, whose it is, under which licence, who
          trained it, and who checked that by doing parts of the work again.
        </p>
        <SearchForm />
      </header>
      <div class="trio">
        <Part id="new-models" title="Newest models">
          <Show read={models} what="models">
            {({ items, total }) =>
              items.length === 0 ? (
                <Empty>
                  No model yet. One is registered when a <a href={to("jobs")}>job</a> is final.
                </Empty>
              ) : (
                <>
                  <Rows items={items} row={ModelRow} />
                  <More total={total} href={to("models")} what="models" />
                </>
              )
            }
          </Show>
        </Part>
        <Part id="new-datasets" title="Newest datasets">
          <Show read={datasets} what="datasets">
            {({ items, total }) =>
              items.length === 0 ? (
                <Empty>
                  No dataset yet. <code>assay dataset register</code> adds one.
                </Empty>
              ) : (
                <>
                  <Rows items={items} row={DatasetRow} />
                  <More total={total} href={to("datasets")} what="datasets" />
                </>
              )
            }
          </Show>
        </Part>
        <Part id="new-jobs" title="Newest jobs">
          <Show read={jobs} what="jobs">
            {({ items, total }) =>
              items.length === 0 ? (
                <Empty>
                  No job yet. <code>assay job post</code> posts one.
                </Empty>
              ) : (
                <>
                  <Rows items={items} row={JobRow} />
                  <More total={total} href={to("jobs")} what="jobs" />
                </>
              )
            }
          </Show>
        </Part>
      </div>
    </>
  );
}

function More({ total, href, what }: { total: number; href: string; what: string }) {
  if (total <= shown) return null;
  return (
    <p>
      <a href={href}>
        All {total.toLocaleString("en-GB")} {what}
      </a>
    </p>
  );
}
