//! What each message of the contracts costs, measured on a fresh development
//! chain by one job that ends well and one that ends in a dispute: prints the
//! table of `docs/costs.md`. Run it by `scripts/bench costs`.

use assay_client::{Amount, Bundle, CallError, Receipt, Signer};
use assay_e2e::{
    CLIENT, CLIENT_SECRET, DEPLOYER, JobOptions, OPERATOR, OTHER_OPERATOR, VERIFIERS, Work, World, tokens,
};
use assay_protocol::Hash;
use assay_protocol::commitment::{Outcome, outcome_seal, seal, sealed_secret};
use assay_protocol::hash::Native;
use assay_protocol::market::{Check, JobView, Role, SlotOpening, SlotTrace, State, Windows};
use assay_protocol::registry::{Node, RegisterDataset};

/// Computation that an extrinsic of the normal class may use, in picoseconds.
const BLOCK_REF_TIME: f64 = 1.5e12;

struct Table {
    world: World,
    rows: Vec<(String, Receipt)>,
}

impl Table {
    /// Sends a message and keeps its receipt; of messages sent again, the dearest.
    async fn send<T, E>(
        &mut self,
        signer: &Signer,
        note: &str,
        call: assay_client::Call<T, E>,
    ) -> anyhow::Result<Receipt>
    where
        T: parity_scale_codec::Decode,
        E: parity_scale_codec::Decode + std::fmt::Display + std::fmt::Debug + Send + Sync + 'static,
        CallError<E>: Into<anyhow::Error>,
    {
        let receipt = call.execute(signer).await.map_err(Into::into)?;
        let name = format!("`{}`{note}", call.label());
        match self.rows.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) if known.weight.ref_time < receipt.weight.ref_time => *known = receipt.clone(),
            Some(_) => {}
            None => self.rows.push((name, receipt.clone())),
        }
        Ok(receipt)
    }

    fn print(&self) -> anyhow::Result<()> {
        let unit = self.world.chain.unit();
        println!("| message | computation, ms | share of a block | proof, kB | deposit | fee |");
        println!("| --- | ---: | ---: | ---: | ---: | ---: |");
        for (name, receipt) in &self.rows {
            println!(
                "| {name} | {:.2} | {:.2} % | {:.0} | {} | {} |",
                receipt.weight.ref_time as f64 / 1e9,
                receipt.weight.ref_time as f64 / BLOCK_REF_TIME * 100.0,
                receipt.weight.proof_size as f64 / 1e3,
                unit.show(receipt.deposit.charged()),
                unit.show(receipt.fee),
            );
        }
        println!();
        for name in ["registry", "market"] {
            let path = assay_e2e::repository().join(format!("contracts/artefacts/{name}.contract"));
            let bundle = Bundle::load(&path)?;
            println!("* `{name}`: {} bytes of code, hash {}", bundle.code().len(), bundle.code_hash());
        }
        Ok(())
    }

    /// A job up to its opened slots.
    async fn opened(
        &mut self,
        options: &JobOptions,
        operator: &Signer,
        verifiers: &[Signer],
    ) -> anyhow::Result<(JobView, Work)> {
        let market = self.world.market.clone();
        let client = self.world.signer(CLIENT).await?;
        let job = self.world.digits_job(client.address(), options);
        let posted = self.send(&client, "", market.post_job(&job)).await?;
        let id = market.posted_job(&posted)?;
        for (number, verifier) in (0u8..).zip(verifiers) {
            let sealed = sealed_secret(&Native, &Hash([number; 32]), &verifier.address());
            self.send(verifier, "", market.enlist(id, sealed)).await?;
        }
        self.send(operator, "", market.claim(id)).await?;
        let work = self.world.train(options, id, &operator.address())?;
        self.send(operator, "", market.commit(id, &work.commit())).await?;
        for (number, verifier) in (0u8..).zip(verifiers) {
            self.send(verifier, "", market.reveal_secret(id, Hash([number; 32]))).await?;
        }
        self.send(&client, "", market.reveal_secret(id, CLIENT_SECRET)).await?;
        self.send(&client, " (draw)", market.advance(id)).await?;
        let openings: Vec<SlotOpening> = (0u8..)
            .zip(market.slots(id).await?)
            .map(|(slot, entry)| SlotOpening {
                slot,
                before: work.commitments.opening(entry.segment),
                after: work.commitments.opening(entry.segment + 1),
            })
            .collect();
        self.send(operator, &format!(" ({} slots)", openings.len()), market.open(id, &openings)).await?;
        Ok((self.world.job(id).await?, work))
    }

    /// Seals every slot: the true trace, or an objection in the slot `but`.
    async fn attest(&mut self, id: u64, work: &Work, verifiers: &[Signer], but: Option<u8>) -> anyhow::Result<()> {
        let market = self.world.market.clone();
        for (number, slot) in (0u8..).zip(market.slots(id).await?) {
            let verifier = of(verifiers, &slot.verifier);
            let trace = if but == Some(number) { Hash([7; 32]) } else { work.traces[slot.segment as usize] };
            let seal = seal(&Native, id, slot.segment, &trace, &slot.verifier);
            self.send(verifier, "", market.attest(id, number, seal)).await?;
        }
        Ok(())
    }

    async fn reveal_traces(&mut self, id: u64, work: &Work, operator: &Signer) -> anyhow::Result<()> {
        let market = self.world.market.clone();
        let traces: Vec<SlotTrace> = (0u8..)
            .zip(market.slots(id).await?)
            .map(|(slot, entry)| SlotTrace { slot, trace: work.traces[entry.segment as usize] })
            .collect();
        self.send(operator, &format!(" ({} slots)", traces.len()), market.reveal_traces(id, &traces)).await?;
        Ok(())
    }
}

fn of<'a>(signers: &'a [Signer], address: &assay_protocol::Address) -> &'a Signer {
    signers.iter().find(|signer| signer.address() == *address).expect("one of the enlisted")
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let world = World::start().await?;
    let (market, registry) = (world.market.clone(), world.registry.clone());
    let mut table = Table { world, rows: vec![] };
    let owner = table.world.signer(DEPLOYER).await?;
    let client = table.world.signer(CLIENT).await?;
    let operator = table.world.signer(OPERATOR).await?;
    let other = table.world.signer(OTHER_OPERATOR).await?;
    let mut verifiers = vec![];
    for suri in VERIFIERS {
        verifiers.push(table.world.signer(suri).await?);
    }
    let dataset = table.world.dataset;
    let node = Node::Dataset(dataset);
    let derived = RegisterDataset {
        id: Hash([3; 32]),
        name: "derived".into(),
        licence: "CC-BY-4.0".into(),
        bytes: 1,
        locations: vec!["http://127.0.0.1:1".into()],
        parents: vec![dataset],
    };
    table.send(&owner, " (one parent, one location)", registry.register_dataset(&derived)).await?;
    let locations = registry.locations(&node).await?;
    table.send(&owner, "", registry.set_locations(&node, &locations)).await?;
    table.send(&owner, "", registry.transfer_dataset(dataset, owner.address())).await?;
    for operator in [&operator, &other] {
        table.send(operator, "", market.stake(Role::Operator, Some("http://127.0.0.1:1"), tokens(300))).await?;
    }
    for verifier in &verifiers {
        table.send(verifier, "", market.stake(Role::Verifier, None, tokens(100))).await?;
    }

    // One job that ends well.
    let windows = Windows { dispute: 1, ..JobOptions::default().windows };
    let options = JobOptions { samples: 8, windows, ..JobOptions::default() };
    let (job, work) = table.opened(&options, &operator, &verifiers).await?;
    table.attest(job.id, &work, &verifiers, None).await?;
    table.reveal_traces(job.id, &work, &operator).await?;
    table.world.past_deadline(job.id).await?;
    table.send(&client, " (final, model registered)", market.advance(job.id)).await?;
    let model = table.world.job(job.id).await?.model_id.expect("the job is final");
    table.send(&client, "", registry.transfer_model(model, client.address())).await?;

    // One in which a verifier insists and is wrong.
    let (job, work) = table.opened(&JobOptions { seed: 2, ..options }, &other, &verifiers).await?;
    table.attest(job.id, &work, &verifiers, Some(0)).await?;
    table.reveal_traces(job.id, &work, &other).await?;
    let slot = market.slots(job.id).await?[0].clone();
    let insister = of(&verifiers, &slot.verifier);
    table.send(insister, "", market.insist(job.id, 0, Some(Hash([7; 32])))).await?;
    let outcome = Outcome::Replayed {
        state: slot.after.expect("it is open"),
        trace: work.traces[slot.segment as usize],
        salted: Hash([8; 32]),
    };
    let seats = market.seats(job.id).await?;
    for seat in &seats {
        let sealed = outcome_seal(&Native, job.id, slot.segment, &outcome, &seat.verifier);
        table.send(of(&verifiers, &seat.verifier), "", market.panel_seal(job.id, sealed)).await?;
    }
    for seat in &seats {
        table.send(of(&verifiers, &seat.verifier), " (with the ruling)", market.panel_reveal(job.id, &outcome)).await?;
    }
    anyhow::ensure!(market.slots(job.id).await?[0].check == Check::Upheld, "the panel did not uphold");
    table.world.past_deadline(job.id).await?;
    table.send(&client, " (final, model registered)", market.advance(job.id)).await?;
    anyhow::ensure!(table.world.job(job.id).await?.job.state == State::Final, "the job did not end well");

    // Money out.
    for verifier in &verifiers {
        table.send(verifier, "", market.release(job.id)).await?;
    }
    table.send(&operator, "", market.unstake(Role::Operator, tokens(300))).await?;
    table.send(&operator, "", market.withdraw()).await?;
    let burned = market.credit(assay_protocol::market::BURN_ADDRESS).await?;
    anyhow::ensure!(burned > Amount::ZERO, "a wrong insister is slashed in part for nobody");
    table.send(&client, "", market.withdraw_burned()).await?;
    let windows = JobOptions::default().windows;
    let id = table.world.post(&JobOptions { windows, ..JobOptions::default() }).await?;
    table.send(&client, "", market.cancel(id)).await?;
    table.print()
}
