// What is signed through the library is on the chain afterwards.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import { AssayError, type ContractEvent, type JobState, economics } from "../src/index.js";
import { HOSTILE, cli, client, code, data, derived, models, world } from "./stage.js";
import { tinyJob } from "./world.js";

test("a model is transferred, and its owners are remembered", async () => {
  const [bob, eve] = [client.developmentSigner("//Bob"), client.developmentSigner("//Assay3")];
  const id = models[0]!;
  const seen = eventOf(({ contract, name }) => contract === "titles" && name === "Transfer");
  const transfer = await client.transferModel(id, eve.address);
  assert.ok(transfer.description.includes(HOSTILE));
  await assert.rejects(
    transfer.estimate(eve),
    (error: AssayError) => error.code === "Refused" && error.reason?.name === "ERC721InsufficientApproval",
  );
  const estimate = await transfer.estimate(bob);
  assert.ok(estimate.fee > 0n && estimate.affordable && !estimate.needsMapping);
  const before = (await client.account(bob.address)).balance;
  const steps: string[] = [];
  const receipt = await transfer.submit(bob, ({ step }) => steps.push(step));
  assert.deepEqual(steps.slice(0, 3), ["signing", "sent", "included"]);
  const spent = before - (await client.account(bob.address)).balance;
  assert.ok(receipt.fee > 0n && spent >= receipt.fee && spent <= estimate.total, `${spent} of ${estimate.total}`);
  assert.equal((await world.assay("model", "title", id)).owner, eve.address);

  const event = await seen;
  assert.deepEqual(event.fields, {
    from: bob.address,
    to: eve.address,
    token: id,
  });
  assert.equal(event.block.number, receipt.block.number);

  // The new owner is not known to contracts yet: it signs twice.
  const back = await client.transferModel(id, bob.address);
  assert.equal((await back.estimate(eve)).needsMapping, true);
  const again: string[] = [];
  await back.submit(eve, ({ step }) => again.push(step));
  assert.deepEqual(again.slice(0, 2), ["mapping", "signing"]);

  const owners = await client.owners(id);
  assert.equal(owners.complete, true);
  assert.deepEqual(
    owners.history.map(({ owner, from }) => [owner, from]),
    [
      [bob.address, undefined],
      [eve.address, bob.address],
      [bob.address, eve.address],
    ],
  );
  const { record } = (await client.model(id))!;
  assert.deepEqual([owners.history[0]!.block!.number, owners.history[0]!.at], [record.block, record.registeredAt]);
});

/** The next event that a test waits for. */
const eventOf = (wanted: (event: ContractEvent) => boolean): Promise<any> =>
  new Promise((resolve, reject) => {
    const stop = client.onEvent((event) => {
      if (!wanted(event)) return;
      stop();
      resolve(event);
    }, reject);
  });

test("access is bought at its price", async () => {
  const buyer = client.developmentSigner("//Assay5");
  const buy = await client.buyAccess(data);
  const estimate = await buy.estimate(buyer);
  assert.deepEqual([client.network.token.format(estimate.value), estimate.needsMapping], ["2 UNIT", true]);
  await buy.submit(buyer);
  const grant = (await client.grant(data, buyer.address))!;
  assert.equal(grant.paid, estimate.value);
  assert.equal(grant.terms, (await client.dataset(data))!.termsHash);
  assert.ok(
    (await world.assay("dataset", "grants", data)).grants.some(({ account }: any) => account === buyer.address),
  );
  await assert.rejects(client.buyAccess(derived), /open to all/);
  const poor = `0x${"56".repeat(20)}` as const;
  await assert.rejects(buy.estimate(poor), code("NotEnoughFunds"));
});

test("a job like another is posted, with the economics that the command line shows", async () => {
  const bob = client.developmentSigner("//Bob");
  const draft = (await client.jobLike(0n))!;
  const worth = economics(draft);
  const file = world.path("again.json");
  await writeFile(file, JSON.stringify(tinyJob(data, { name: "again" })));
  const tried = await world.assay("job", "post", file, "--suri", "//Bob");
  assert.deepEqual(cli(worth.odds), tried.odds);
  assert.deepEqual(
    [worth.bribedBp, cli({ stake: worth.asked }), cli({ stake: worth.leastStake })],
    [tried.bribed_bp, { stake: tried.policy.least_stake }, { stake: tried.least_stake }],
  );

  const moved = (state: JobState) =>
    eventOf((event) => event.contract === "market" && event.name === "JobMoved" && event.fields.state === state);
  const committed = moved("Committed");
  const secret = client.newSecret(bob.address);
  const name = "from the library";
  const posting = client.postJob({ ...draft, model: { ...draft.model, name }, handBack: 0n }, secret);
  const { output } = await posting.submit(bob);
  const shown = await world.assay("job", "show", String(output.job));
  assert.deepEqual(
    [shown.model.name, shown.terms.spec, shown.terms.hand_back],
    [name, (await client.job(0n))!.terms.spec, "0 UNIT"],
  );
  assert.equal((await client.job(output.job))!.terms.sealedSecret, secret.sealed);

  const stingy = client.postJob({ ...draft, handBack: 0n, stake: 1n }, secret);
  await assert.rejects(stingy.estimate(bob), /finer than the chain|stake of at least/);
  const refused = client.postJob({ ...draft, handBack: 0n, stake: 1_000_000n }, secret);
  await assert.rejects(
    refused.estimate(bob),
    (error: AssayError) => error.reason?.name === "BadTerms" && /a stake of at least .* UNIT/.test(error.message),
  );
  // The operator takes the job and commits; then the secret counts.
  assert.equal((await committed).fields.job, output.job);
  await assert.rejects(
    client.advance(output.job).estimate(bob),
    (error: AssayError) => error.reason?.name === "TooEarly" && /s more by chain time/.test(error.message),
  );
  const wrong = client.revealSecret(output.job, client.newSecret(bob.address).secret);
  await assert.rejects(wrong.estimate(bob), (error: AssayError) => error.reason?.name === "WrongSecret");
  const final = moved("Final");
  await client.revealSecret(output.job, secret.secret).submit(bob);
  assert.equal((await final).fields.job, output.job);
  assert.equal((await client.job(output.job))!.job.clientSecret, secret.secret);
});
