// Who contributed to a job, and what each was paid.

import type { JobContributions, JobId } from "@assay/client";
import { useRead } from "../read";
import { client } from "../session";
import { count, percent } from "../text";
import { Account, Amount, nodeAddress } from "../ui/basics";
import { Empty, Part, Show } from "../ui/states";

export function Contributions({ job }: { job: JobId }) {
  const read = useRead(`contributions ${job}`, (client) => client.contributions(job));
  return (
    <Part id="contributions" title="Who contributed, and what each was paid">
      <Show read={read} what="the payments">
        {(found) => (found ? <Table found={found} /> : <Empty>The market has no record of these payments.</Empty>)}
      </Show>
    </Part>
  );
}

function Table({ found }: { found: NonNullable<JobContributions> }) {
  const market = client.value?.network.deployment.market.address ?? "0x";
  const others: [string, bigint][] = [
    ["Further verifiers", found.verificationMore],
    ["Challengers, and those who demanded in vain", found.challengers],
    ["Bonds given back", found.bonds],
    ["Back to the client", found.refund],
    ["Burned", found.burned],
  ];
  const rest = others.filter(([, paid]) => paid > 0n);
  if (!found.compute && found.data.length === 0 && found.verification.length === 0 && rest.length === 0) {
    return <Empty>Nobody has been paid yet.</Empty>;
  }
  return (
    <div class="wide" role="group" aria-label="Table" tabindex={0}>
      <table>
        <thead>
          <tr>
            <th>Contribution</th>
            <th>By</th>
            <th class="amount">Paid</th>
          </tr>
        </thead>
        <tbody>
          {found.data.map(({ node, owner, shareBp, paid }, place) => {
            const href = nodeAddress(node, market);
            const kind = node.type === "Model" ? "parent model" : "data";
            return (
              <tr key={`d${place}`}>
                <td>
                  {href ? <a href={href}>{kind === "data" ? "Data" : "Parent model"}</a> : kind}
                  <span class="quiet"> {percent(shareBp)} of the payment</span>
                </td>
                <td>
                  <Account address={owner} />
                </td>
                <td class="amount">
                  <Amount value={paid} />
                </td>
              </tr>
            );
          })}
          {found.compute ? (
            <tr>
              <td>
                Training<span class="quiet"> {count(found.segments, "segment")}</span>
              </td>
              <td>
                <Account address={found.compute.operator} />
              </td>
              <td class="amount">
                <Amount value={found.compute.paid} />
              </td>
            </tr>
          ) : null}
          {found.verification.map(({ verifier, segments, seats, paid }) => (
            <tr key={verifier}>
              <td>
                Checking
                <span class="quiet">
                  {" "}
                  {count(segments, "segment")}
                  {seats > 0 ? `, ${count(seats, "seat")} of a panel` : ""}
                </span>
              </td>
              <td>
                <Account address={verifier} />
              </td>
              <td class="amount">
                <Amount value={paid} />
              </td>
            </tr>
          ))}
          {rest.map(([label, paid]) => (
            <tr key={label}>
              <td colSpan={2}>{label}</td>
              <td class="amount">
                <Amount value={paid} />
              </td>
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr>
            <td colSpan={2}>Together</td>
            <td class="amount">
              <Amount value={found.total} />
            </td>
          </tr>
        </tfoot>
      </table>
    </div>
  );
}
