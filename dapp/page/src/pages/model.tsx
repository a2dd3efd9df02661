// One model: what it is made of first, then everything else that is known of it.

import type { Hash, Model } from "@assay/client";
import { useState } from "preact/hooks";
import { TransferDialog } from "../actions/simple";
import { LineageParts } from "../lineage/part";
import { Checked } from "../parts/checked";
import { Contributions } from "../parts/contributions";
import { Exports } from "../parts/exports";
import { Artefact } from "../parts/file";
import { Owners } from "../parts/owners";
import { Statements } from "../parts/statements";
import { useRead } from "../read";
import { to } from "../router";
import { client } from "../session";
import { count, percent } from "../text";
import { signer } from "../wallet";
import { Account, Facts, Hex, Licence, Name, When } from "../ui/basics";
import { Empty, Part, Show } from "../ui/states";

export function ModelPage({ id }: { id: Hash }) {
  const read = useRead(`model ${id}`, (client) => client.model(id));
  return (
    <Show read={read} what="the model">
      {(found) =>
        found ? (
          <Whole model={found} />
        ) : (
          <Empty>
            No model with the id <code>{id}</code> is registered on this network. Choose another network, or look at{" "}
            <a href={to("models")}>all models</a>.
          </Empty>
        )
      }
    </Show>
  );
}

function Whole({ model }: { model: Model }) {
  const { id, record, owner, madeFrom } = model;
  const [dialog, setDialog] = useState(false);
  const market = client.value?.network.deployment.market.address;
  const datasets = madeFrom.filter(({ type }) => type === "Dataset").length;
  const parents = madeFrom.filter(({ type }) => type === "Model").length;
  const mine = owner !== undefined && signer.value?.address === owner;
  return (
    <>
      <header class="head">
        <p class="kind">Model</p>
        <h1>
          <Name text={record.name} />
        </h1>
        <p class="lead">
          Made from {count(datasets, "dataset")}
          {parents > 0 ? ` and ${count(parents, "parent model")}` : ""}, under <Licence text={record.licence} />. Of{" "}
          {count(record.segments, "segment")} of its training {record.segmentsDrawn} were drawn by lot, and{" "}
          {record.segmentsChecked} of these replayed and confirmed.
        </p>
        <p class="actions">
          <button type="button" class="button" onClick={() => setDialog(true)}>
            {mine ? "Transfer your model" : "Transfer it"}
          </button>
        </p>
      </header>
      <LineageParts root={{ type: "Model", value: id }} name={record.name} />
      <Checked model={id} />
      {record.market === market ? <Contributions job={record.job} /> : null}
      <div class="pair">
        <Owners model={id} />
        <Part id="record" title="Its record">
          <Facts>
            {[
              ["Id", <Hex value={id} what="id" />],
              ["Owner", owner ? <Account address={owner} /> : "with a predecessor of this registry"],
              ["Licence", <Licence text={record.licence} />],
              ["Trained by", <Account address={record.operator} />],
              ["Paid for by", <Account address={record.firstOwner} />],
              [
                "Job",
                record.market === market ? (
                  <a href={to("job", record.job)}>Job {String(record.job)}</a>
                ) : (
                  `${record.job} of another market`
                ),
              ],
              ["Royalty", `${percent(record.royaltyBp)} of jobs that start from it`],
              ["Used in", count(model.madeInto, "record")],
              ["Program", <Hex value={record.program} />],
              ["Final state", <Hex value={record.finalState} />],
              ["Registered", <When at={record.registeredAt} />],
              ["In block", record.block.toLocaleString("en-GB")],
            ]}
          </Facts>
        </Part>
      </div>
      <Artefact artefact={record.artefact} places={model.places} audit={`assay-verifier audit ${id}`} />
      <Statements about={{ type: "Model", value: id }} />
      <Exports root={{ type: "Model", value: id }} name={record.name} />
      {dialog ? <TransferDialog model={model} close={() => setDialog(false)} /> : null}
    </>
  );
}
