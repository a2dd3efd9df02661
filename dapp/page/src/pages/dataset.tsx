// One dataset: its terms, who may use it, and what was made of it.

import type { Dataset, Hash } from "@assay/client";
import { FOR_EVER } from "@assay/client";
import { useState } from "preact/hooks";
import { BuyDialog } from "../actions/simple";
import { kindName, title } from "../lineage/model";
import { LineageParts } from "../lineage/part";
import { Exports } from "../parts/exports";
import { Statements } from "../parts/statements";
import { useRead } from "../read";
import { to } from "../router";
import { chainNow, client } from "../session";
import { count, duration, percent } from "../text";
import { signer } from "../wallet";
import { Account, Amount, Bytes, Facts, Hex, Licence, Location, Name, When, nodeAddress } from "../ui/basics";
import { Empty, Pager, Part, Show, usePage } from "../ui/states";

export function DatasetPage({ id }: { id: Hash }) {
  const read = useRead(`dataset ${id}`, (client) => client.dataset(id));
  return (
    <Show read={read} what="the dataset">
      {(found) =>
        found ? (
          <Whole dataset={found} />
        ) : (
          <Empty>
            No dataset with the id <code>{id}</code> is registered on this network. Choose another network, or look at{" "}
            <a href={to("datasets")}>all datasets</a>.
          </Empty>
        )
      }
    </Show>
  );
}

function Whole({ dataset }: { dataset: Dataset }) {
  const { id, record } = dataset;
  const { terms } = record;
  const [buying, setBuying] = useState(false);
  const withdrawn = record.withdrawnAt !== undefined;
  return (
    <>
      <header class="head">
        <p class="kind">Dataset</p>
        <h1>
          <Name text={record.name} otherwise="Withdrawn dataset" />
        </h1>
        <p class="lead">
          <Bytes count={record.bytes} /> under <Licence text={terms.licence} />.{" "}
          {withdrawn ? (
            <>
              Withdrawn <When at={record.withdrawnAt!} />: its name and locations are removed, and no new job may use
              it.
            </>
          ) : terms.open ? (
            "Anybody may use it in jobs."
          ) : terms.price !== undefined ? (
            <>
              Access costs <Amount value={terms.price} />
              {terms.accessSeconds > 0n ? ` for ${duration(Number(terms.accessSeconds))}` : ", for ever"}.
            </>
          ) : (
            "Its owner says who may use it."
          )}
        </p>
        {!withdrawn && terms.price !== undefined ? (
          <p class="actions">
            <button type="button" class="button main" onClick={() => setBuying(true)}>
              Buy access
            </button>
            <YourAccess id={id} />
          </p>
        ) : null}
      </header>
      <LineageParts root={{ type: "Dataset", value: id }} name={record.name} />
      <div class="pair">
        <MadeFromIt id={id} />
        <Part id="record" title="Its record">
          <Facts>
            {[
              ["Id", <Hex value={id} what="id" />],
              ["Owner", <Account address={record.owner} />],
              ["Licence", <Licence text={terms.licence} />],
              ["Licence’s text", terms.licenceText ? <Hex value={terms.licenceText} what="SHA-256" /> : undefined],
              ["Price", terms.price === undefined ? "not for sale" : <Amount value={terms.price} />],
              ["Royalty", `${percent(terms.royaltyBp)} of the payment of each job`],
              ["Terms", <Hex value={dataset.termsHash} what="hash of the terms" />],
              ["Size", <Bytes count={record.bytes} />],
              ["Registered", <When at={record.registeredAt} />],
              ["In block", record.block.toLocaleString("en-GB")],
              [
                "Served at",
                dataset.locations.length > 0 ? (
                  <ul class="bare">
                    {dataset.locations.map((url) => (
                      <li key={url}>
                        <Location url={url} />
                      </li>
                    ))}
                  </ul>
                ) : (
                  "no place on record"
                ),
              ],
            ]}
          </Facts>
        </Part>
      </div>
      <Grants id={id} />
      <Statements about={{ type: "Dataset", value: id }} />
      <Exports root={{ type: "Dataset", value: id }} name={record.name} />
      {buying ? <BuyDialog dataset={dataset} close={() => setBuying(false)} /> : null}
    </>
  );
}

function until(seconds: bigint) {
  return seconds >= FOR_EVER ? "for ever" : <When at={seconds} />;
}

function YourAccess({ id }: { id: Hash }) {
  const account = signer.value?.address;
  const read = useRead(`grant ${id} ${account}`, async (client) => (account ? client.grant(id, account) : undefined));
  const grant = read.value;
  if (!grant) return null;
  const holds = Number(grant.until) >= chainNow();
  return (
    <span class="quiet">
      {holds ? "You have access, until " : "Your access ended "}
      {until(grant.until)}
    </span>
  );
}

/** So many are listed; the drawing leads on from there. */
const mostListed = 40;

function MadeFromIt({ id }: { id: Hash }) {
  const read = useRead(`children ${id}`, (client) =>
    client.descendants({ type: "Dataset", value: id }, { depth: 1, limit: mostListed + 1, withoutOperators: true }),
  );
  const market = client.value?.network.deployment.market.address ?? "0x";
  return (
    <Part id="into" title="Made from it">
      <Show read={read} what="what was made from it">
        {({ root, nodes, cut }) => {
          const made = nodes.filter(({ key }) => key !== root);
          if (made.length === 0) return <Empty>Nothing yet.</Empty>;
          return (
            <>
              <ul class="bare rows">
                {made.map((node) => {
                  const href = nodeAddress(node.node, market);
                  const name = <Name text={title(node)} />;
                  return (
                    <li key={node.key}>
                      <span class="name">{href ? <a href={href}>{name}</a> : name}</span>
                      <span class="quiet">
                        {kindName[node.node.type]}
                        {node.licence ? (
                          <>
                            {" "}
                            · <Licence text={node.licence} />
                          </>
                        ) : null}
                      </span>
                    </li>
                  );
                })}
              </ul>
              {cut && made.length >= mostListed ? (
                <p class="quiet">There are more; the drawing leads on to them.</p>
              ) : null}
            </>
          );
        }}
      </Show>
    </Part>
  );
}

function Grants({ id }: { id: Hash }) {
  const page = usePage(10);
  const read = useRead(`grants ${id} ${page.offset}`, (client) =>
    client.grants(id, { offset: page.offset, limit: page.size }),
  );
  return (
    <Part id="grants" title="Who was given access">
      <Show read={read} what="the grants">
        {({ total, items }) =>
          total === 0 ? (
            <Empty>Nobody has bought or been granted access.</Empty>
          ) : (
            <>
              <p class="quiet">
                {count(total, "account")}. A grant says who may use it in a job, not who holds the bytes.
              </p>
              <div class="wide" role="group" aria-label="Table" tabindex={0}>
                <table>
                  <thead>
                    <tr>
                      <th>Account</th>
                      <th>Until</th>
                      <th class="amount">Paid</th>
                      <th>Terms</th>
                    </tr>
                  </thead>
                  <tbody>
                    {items.map((grant) => (
                      <tr key={grant.account}>
                        <td>
                          <Account address={grant.account} />
                        </td>
                        <td class="when">{until(grant.until)}</td>
                        <td class="amount">
                          <Amount value={grant.paid} />
                        </td>
                        <td>
                          <Hex value={grant.terms} what="hash of the terms" />
                        </td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
              <Pager offset={page.offset} size={page.size} total={total} go={page.go} />
            </>
          )
        }
      </Show>
    </Part>
  );
}
