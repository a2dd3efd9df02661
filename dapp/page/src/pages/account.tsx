// One account: what it has, what it stakes, how it did, what it works on.

import type { Account as Record, Address, Role, Standing } from "@assay/client";
import { useState } from "preact/hooks";
import { WithdrawDialog } from "../actions/simple";
import { StateTag } from "../parts/state";
import { useRead } from "../read";
import { to } from "../router";
import { bytes, count, duration } from "../text";
import { signer } from "../wallet";
import { Amount, Countdown, Facts, Hex, Location, Name, When } from "../ui/basics";
import { Empty, Part, Show } from "../ui/states";

export function AccountPage({ address }: { address: Address }) {
  const read = useRead(`account ${address}`, (client) => client.account(address));
  return (
    <>
      <header class="head">
        <p class="kind">Account</p>
        <h1 class="mono address">{address}</h1>
      </header>
      <Show read={read} what="the account">
        {(account) => <Whole account={account} />}
      </Show>
    </>
  );
}

function Whole({ account }: { account: Record }) {
  const { address, ss58, balance, marketCredit, registryCredit, operator, verifier } = account;
  const [from, setFrom] = useState<"market" | "registry">();
  const mine = signer.value?.address === address;
  const credit = (amount: bigint, which: "market" | "registry") => (
    <>
      <Amount value={amount} />{" "}
      {mine && amount > 0n ? (
        <button type="button" class="plain" onClick={() => setFrom(which)}>
          Withdraw
        </button>
      ) : null}
    </>
  );
  return (
    <>
      <Facts>
        {[
          ["Address", <Hex value={address} what="address" />],
          ["SS58", ss58 ? <Hex value={ss58} what="SS58 address" /> : "not known: it has not called a contract"],
          ["It can spend", <Amount value={balance} />],
          ["Credited by the market", credit(marketCredit, "market")],
          ["Credited by the registry", credit(registryCredit, "registry")],
        ]}
      </Facts>
      {operator ? <Standings address={address} role="Operator" standing={operator} /> : null}
      {verifier ? <Standings address={address} role="Verifier" standing={verifier} /> : null}
      {operator ? <OfferPart address={address} /> : null}
      <Live address={address} as="Operator" title="Jobs that it trains" hidden={!operator} />
      <Live address={address} as="Verifier" title="Jobs that it checks" hidden={!verifier} />
      <Live address={address} as="Client" title="Jobs that it pays for" hidden={false} />
      {from ? <WithdrawDialog from={from} close={() => setFrom(undefined)} /> : null}
    </>
  );
}

function Standings({ role, standing }: { address: Address; role: Role; standing: Standing }) {
  const operator = role === "Operator";
  return (
    <Part id={role} title={operator ? "As an operator" : "As a verifier"}>
      <p>
        {operator
          ? `${count(standing.done, "job")} done, ${standing.lost} lost, ${standing.missed} late or handed back.`
          : `${count(standing.done, "segment")} checked, ${count(standing.lost, "dispute")} lost, ${count(standing.missed, "turn")} missed.`}
      </p>
      <Facts>
        {[
          ["Stake", <Amount value={standing.stake} />],
          ["Of it locked in jobs", <Amount value={standing.locked} />],
          [
            "Taken back, waiting",
            standing.unbonding > 0n ? (
              <>
                <Amount value={standing.unbonding} /> until <When at={standing.unbondsAt} />
              </>
            ) : undefined,
          ],
          ["Serves at", standing.endpoint ? <Location url={standing.endpoint} /> : undefined],
        ]}
      </Facts>
    </Part>
  );
}

function OfferPart({ address }: { address: Address }) {
  const read = useRead(`operator ${address}`, (client) => client.operator(address));
  const offer = read.value?.offer;
  if (!offer) return null;
  return (
    <Part id="offer" title="What it asks of a job">
      <p class="quiet">It binds nobody: claiming a job is what binds.</p>
      <Facts>
        {[
          ["Payment, at least", <Amount value={offer.minPayment} />],
          ["For each segment", <Amount value={offer.paymentPerSegment} />],
          ["Stake, at most", offer.maxStake === undefined ? "any" : <Amount value={offer.maxStake} />],
          ["Data, at most", bytes(offer.maxDataBytes)],
          ["Steps, at most", offer.maxSteps.toLocaleString("en-GB")],
          ["Memory, at most", bytes(offer.maxMemoryBytes)],
          ["Jobs at once", String(offer.maxJobs)],
          ["Time to train, at least", duration(offer.minTrainSeconds)],
          ["It says", offer.note ? <Name text={offer.note} /> : undefined],
        ]}
      </Facts>
    </Part>
  );
}

interface LiveProps {
  address: Address;
  as: Role | "Client";
  title: string;
  hidden: boolean;
}

function Live({ address, as, title, hidden }: LiveProps) {
  const read = useRead(`live ${as} ${address}`, (client) => client.liveJobs(address, as));
  if (hidden) return null;
  return (
    <Part id={`live-${as}`} title={title}>
      <Show read={read} what="the jobs">
        {(jobs) =>
          jobs.length === 0 ? (
            <Empty>None at the moment.</Empty>
          ) : (
            <ul class="bare rows">
              {jobs.map(({ id, state, deadline }) => (
                <li key={String(id)}>
                  <a href={to("job", id)}>Job {String(id)}</a> <StateTag state={state} />{" "}
                  <span class="quiet">
                    <Countdown deadline={deadline} past="its deadline passed" />
                  </span>
                </li>
              ))}
            </ul>
          )
        }
      </Show>
    </Part>
  );
}
