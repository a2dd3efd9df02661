// All models, datasets, jobs, operators and verifiers, and what a search finds.

import type { Found, Page, Role, StakedAccount } from "@assay/client";
import type { ComponentChildren } from "preact";
import { useRead } from "../read";
import { to } from "../router";
import { Account, Amount, Location, Name } from "../ui/basics";
import { Empty, Pager, Show, usePage } from "../ui/states";
import { short } from "../text";
import type { Client } from "@assay/client";
import { DatasetRow, JobRow, ModelRow, Rows, SearchForm } from "./home";

const size = 20;

interface ListProps<T> {
  title: string;
  lead: string;
  name: string;
  read: (client: Client, request: { offset: number; limit: number }) => Promise<Page<T>>;
  empty: ComponentChildren;
  children: (items: T[]) => ComponentChildren;
  above?: ComponentChildren;
}

function List<T>({ title, lead, name, read, empty, children, above }: ListProps<T>) {
  const page = usePage(size);
  const found = useRead(`${name} ${page.offset}`, (client) => read(client, { offset: page.offset, limit: size }));
  return (
    <>
      <header class="head">
        <h1>{title}</h1>
        <p class="lead">{lead}</p>
        {above}
      </header>
      <Show read={found} what={name}>
        {({ total, items }) =>
          total === 0 ? (
            <Empty>{empty}</Empty>
          ) : (
            <>
              {children(items)}
              <Pager offset={page.offset} size={size} total={total} go={page.go} />
            </>
          )
        }
      </Show>
    </>
  );
}

export function Models() {
  return (
    <List
      title="Models"
      lead="Each was trained by a job, and holds the record of what it was made from and how it was checked."
      name="models"
      read={(client, page) => client.models(page)}
      empty="No model yet. One is registered when a job is final."
    >
      {(items) => <Rows items={items} row={ModelRow} />}
    </List>
  );
}

export function Datasets() {
  return (
    <List
      title="Datasets"
      lead="Each is known by the hash of the list of its files. Who registered one claims it; the chain does not judge."
      name="datasets"
      read={(client, page) => client.datasets(page)}
      empty={
        <>
          No dataset yet. <code>assay dataset register</code> adds one.
        </>
      }
    >
      {(items) => <Rows items={items} row={DatasetRow} />}
    </List>
  );
}

export function Jobs() {
  return (
    <List
      title="Jobs"
      lead="A client pays for a training, an operator does it, verifiers drawn by lot do parts of it again."
      name="jobs"
      read={(client, page) => client.jobs(page)}
      empty={
        <>
          No job yet. <code>assay job post</code> posts the first; later ones can be posted here.
        </>
      }
      above={
        <p class="actions">
          <a class="button" href={to("post")}>
            Post a job
          </a>
        </p>
      }
    >
      {(items) => <Rows items={items} row={JobRow} />}
    </List>
  );
}

const records: Record<Role, [done: string, lost: string, missed: string]> = {
  Operator: ["Jobs done", "Jobs lost", "Late or handed back"],
  Verifier: ["Segments checked", "Disputes lost", "Turns missed"],
};

function Staked({ role, items }: { role: Role; items: StakedAccount[] }) {
  const [done, lost, missed] = records[role];
  return (
    <div class="wide" role="group" aria-label="Table" tabindex={0}>
      <table>
        <thead>
          <tr>
            <th>Account</th>
            <th class="amount">Stake</th>
            <th class="amount">In jobs</th>
            <th class="amount">{done}</th>
            <th class="amount">{lost}</th>
            <th class="amount">{missed}</th>
            {role === "Operator" ? <th>Serves at</th> : null}
          </tr>
        </thead>
        <tbody>
          {items.map(({ account, standing }) => (
            <tr key={account}>
              <td>
                <Account address={account} />
              </td>
              <td class="amount">
                <Amount value={standing.stake} />
              </td>
              <td class="amount">
                <Amount value={standing.locked} />
              </td>
              <td class="amount">{standing.done}</td>
              <td class="amount">{standing.lost}</td>
              <td class="amount">{standing.missed}</td>
              {role === "Operator" ? <td>{standing.endpoint ? <Location url={standing.endpoint} /> : ""}</td> : null}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function Operators() {
  return (
    <List
      title="Operators"
      lead="They train. Whoever lies about it loses its stake."
      name="operators"
      read={(client, page) => client.operators(page)}
      empty={
        <>
          Nobody has staked as an operator yet. <code>assay-oracle run</code> does.
        </>
      }
    >
      {(items) => <Staked role="Operator" items={items} />}
    </List>
  );
}

export function Verifiers() {
  return (
    <List
      title="Verifiers"
      lead="They replay the segments that they are drawn for, and seal what they found before they can know it otherwise."
      name="verifiers"
      read={(client, page) => client.verifiers(page)}
      empty={
        <>
          Nobody has staked as a verifier yet. <code>assay-verifier run</code> does.
        </>
      }
    >
      {(items) => <Staked role="Verifier" items={items} />}
    </List>
  );
}

function FoundRow({ found }: { found: Found }) {
  switch (found.type) {
    case "model":
    case "dataset":
      return (
        <li>
          <span class="name">
            <a href={to(found.type, found.id)}>
              <Name text={found.name} />
            </a>{" "}
            <span class="tag">{found.type}</span>
          </span>
          <code class="quiet">{short(found.id)}</code>
        </li>
      );
    case "job":
      return (
        <li>
          <span class="name">
            <a href={to("job", found.id)}>Job {String(found.id)}</a> <span class="tag">job</span>
          </span>
          <span class="quiet">
            for <Name text={found.name} />
          </span>
        </li>
      );
    default:
      return (
        <li>
          <span class="name">
            <a href={to("account", found.address)}>{short(found.address)}</a> <span class="tag">{found.type}</span>
          </span>
        </li>
      );
  }
}

export function Search({ text }: { text: string }) {
  const read = useRead(`search ${text}`, (client) => client.search(text), false);
  return (
    <>
      <header class="head">
        <h1>Search</h1>
        <SearchForm key={text} text={text} />
      </header>
      <Show read={read} what="what was found">
        {({ items, complete }) => (
          <>
            {items.length === 0 ? (
              <Empty>
                Nothing has this name, hash or account. Look at <a href={to("models")}>all models</a> or{" "}
                <a href={to("datasets")}>all datasets</a>, or choose another network.
              </Empty>
            ) : (
              <ul class="bare rows">
                {items.map((found, place) => (
                  <FoundRow key={place} found={found} />
                ))}
              </ul>
            )}
            {complete ? null : <p class="quiet">Names were looked for among the newest records only.</p>}
          </>
        )}
      </Show>
    </>
  );
}
