//! `job watch`: what a client leaves running.

use super::act::job;
use super::view::{Details, check_text, details, waits_for, wanted_text};
use crate::cli::{Answer, Global};
use crate::progress;
use crate::secrets::Secret;
use crate::show;
use crate::signing::Signing;
use anyhow::bail;
use assay_client::{Call, Error, Patience, Signer};
use assay_protocol::market::{self, Check, Demand, JobView, State};
use assay_shell::Shutdown;
use assay_shell::options::Deployed;
use assay_shell::output::UsageError;
use clap::Args;
use indicatif::ProgressBar;
use serde_json::json;

/// Follow a job until it has ended.
#[derive(Args, Debug)]
pub struct Watch {
    /// The job's number
    id: u64,
    /// Reveal the client's secret when the operator has committed, and move the
    /// job on when a deadline has passed or the draw is due. Needs -x
    #[arg(long)]
    reveal: bool,
}

/// What the client does at a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Todo {
    Nothing,
    Reveal,
    Advance,
}

/// What is to be done for a job, by chain time `now` and the block `number`.
fn todo(job: &JobView, demands: &[Demand], by_client: bool, now: u64, number: u64) -> Todo {
    let state = &job.job;
    if state.state.is_terminal() {
        return Todo::Nothing;
    }
    // Nobody answered in time: that ends the job in any state.
    if demands.iter().any(|demand| now > demand.deadline) {
        return Todo::Advance;
    }
    let in_time = now <= state.deadline;
    if state.state == State::Committed {
        if by_client && in_time && state.client_secret.is_none() {
            return Todo::Reveal;
        }
        if let Some(block) = state.draw_block {
            return if u64::from(block) <= number { Todo::Advance } else { Todo::Nothing };
        }
    }
    if in_time { Todo::Nothing } else { Todo::Advance }
}

impl Watch {
    /// Does it.
    pub async fn run(self, global: &Global) -> anyhow::Result<Answer> {
        if self.reveal && !global.execute {
            bail!(UsageError("--reveal signs: add -x (and -y to leave it running without being asked)".into()));
        }
        // Whoever watches for hours outlives a node that is restarted.
        let deployed = global.chain.connect(Patience::DAEMON).await?;
        let view = job(&deployed, self.id).await?;
        let hand = match self.reveal && !view.job.state.is_terminal() {
            true => Some(Hand::new(global, &deployed, &view).await?),
            false => None,
        };
        let bar = progress::waiting();
        let watching = Watching { deployed: &deployed, id: self.id, hand, bar: &bar, quiet: global.json };
        let shutdown = Shutdown::on_signals()?;
        let ended = tokio::select! {
            ended = watching.until_ended() => ended,
            () = shutdown.wait() => bail!("stopped before job {} has ended; the same command carries on", self.id),
        };
        bar.finish_and_clear();
        let view = ended?;
        let state = view.job.state;
        if state != State::Final {
            bail!(
                "job {} ended as {state:?}: {}; `assay ledger {}` shows who was paid and slashed",
                self.id,
                waits_for(state),
                self.id
            );
        }
        let text = match view.model_id {
            Some(model) => format!("job {} is final; its model is {model}", self.id),
            None => format!(
                "job {} is final and paid, but its model is not registered; `assay job register {}` tries again",
                self.id, self.id
            ),
        };
        Answer::new(json!({ "job": self.id, "state": state, "model": view.model_id }), text)
    }
}

/// What signs for the client.
struct Hand {
    signer: Signer,
    secret: Option<Secret>,
}

impl Hand {
    async fn new(global: &Global, deployed: &Deployed, view: &JobView) -> anyhow::Result<Self> {
        let mut signing = Signing::new(global, &deployed.chain).await?;
        let is_client = signing.address() == view.job.client;
        let secret = match is_client && view.job.client_secret.is_none() {
            // Now, and not when it is too late to look for it.
            true => Some(Secret::load(&global.data()?, &view.terms.sealed_secret)?),
            false => None,
        };
        if !is_client {
            eprintln!("warning: this key is not the job's client {}; it can only move the job on", view.job.client);
        }
        let later = "a small fee each, known when its time comes";
        if secret.is_some() {
            signing.plan_later("reveal the client's secret when the operator has committed", None, later);
        }
        signing.plan_later("move the job on when a deadline has passed or the draw is due", None, later);
        signing.confirm().await?;
        Ok(Self { signer: signing.signer().clone(), secret })
    }
}

struct Watching<'a> {
    deployed: &'a Deployed,
    id: u64,
    hand: Option<Hand>,
    bar: &'a ProgressBar,
    quiet: bool,
}

impl Watching<'_> {
    async fn until_ended(&self) -> anyhow::Result<JobView> {
        let mut blocks = self.deployed.chain.blocks();
        let mut last: Vec<String> = vec![];
        loop {
            let block = blocks.next().await?;
            let view = job(self.deployed, self.id).await?;
            let now = self.deployed.chain.time_at(block.hash).await?;
            let details = details(self.deployed, self.id).await?;
            let lines = lines(&view, &details);
            for line in lines.iter().filter(|line| !last.contains(line)) {
                self.say(line);
            }
            last = lines;
            if view.job.state.is_terminal() {
                return Ok(view);
            }
            self.bar.set_message(format!("block {}, {}", block.number, show::deadline(view.job.deadline, now)));
            self.bar.tick();
            self.act(&view, &details.demands, now, block.number).await?;
        }
    }

    fn say(&self, line: &str) {
        if !self.quiet {
            self.bar.suspend(|| eprintln!("{line}"));
        }
    }

    async fn act(&self, view: &JobView, demands: &[Demand], now: u64, number: u64) -> anyhow::Result<()> {
        let Some(hand) = &self.hand else { return Ok(()) };
        let market = &self.deployed.market;
        match (todo(view, demands, hand.secret.is_some(), now, number), &hand.secret) {
            (Todo::Reveal, Some(secret)) => {
                self.send(hand, "revealed the client's secret", &market.reveal_secret(self.id, secret.secret)).await
            }
            (Todo::Advance, _) => self.send(hand, "moved the job on", &market.advance(self.id)).await,
            _ => Ok(()),
        }
    }

    /// A refusal is no error here: somebody was quicker, or a block later it fits.
    async fn send(&self, hand: &Hand, done: &str, call: &Call<(), market::Error>) -> anyhow::Result<()> {
        match call.execute(&hand.signer).await {
            Ok(receipt) => {
                let fee = self.deployed.chain.unit().show(receipt.fee);
                self.say(&format!("✓ {done} in block {}, fee {fee}", receipt.block.number));
                Ok(())
            }
            Err(error) if error.refusal().is_some() => Ok(()),
            Err(error) => match Error::from(error) {
                // Another transaction came in between, or this one got lost; at the
                // next block the chain shows what is still to be done.
                error @ (Error::Execution(_) | Error::Submit(_)) => {
                    self.say(&format!("not yet: {error}"));
                    Ok(())
                }
                error => Err(error.into()),
            },
        }
    }
}

/// All that can be seen to change in a job but the time that is left; what did
/// change since the last block is printed.
fn lines(view: &JobView, details: &Details) -> Vec<String> {
    let (state, slots, seats) = (&view.job, &details.slots, &details.seats);
    let mut headline = format!("{:?}: {}", state.state, waits_for(state.state));
    match state.state {
        State::Open => headline += &format!(" ({} of {} enlisted)", state.enlisted, 1 + u32::from(view.terms.panel)),
        State::Claimed => {
            headline += &state.operator.map_or_else(String::new, |operator| format!(" ({operator})"));
        }
        State::Committed => {
            let client = if state.client_secret.is_some() { "the client's is" } else { "the client's is not" };
            headline += &format!(" ({} of {} verifiers' are in, {client})", state.revealed, state.enlisted);
        }
        State::Drawn => headline += &format!(" ({} of {} are open)", state.opened, view.terms.samples),
        State::Opened => {
            let open = slots.iter().filter(|slot| slot.check == Check::Opened).count();
            headline += &format!(" ({} of {} are done)", slots.len() - open, slots.len());
        }
        State::Disputed => {
            let sealed = seats.iter().filter(|seat| seat.seal.is_some()).count();
            headline += &format!(" ({sealed} of {} have sealed)", seats.len());
        }
        State::Ruling => {
            let revealed = seats.iter().filter(|seat| seat.outcome.is_some()).count();
            headline += &format!(" ({revealed} of {} have revealed)", seats.len());
        }
        _ => {}
    }
    let mut lines = vec![headline];
    for (number, slot) in slots.iter().enumerate() {
        // The others are counted above.
        if !matches!(slot.check, Check::Drawn | Check::Opened | Check::Sealed) {
            lines.push(format!("  slot {number}, segment {}: {}", slot.segment, check_text(slot.check)));
        }
    }
    for demand in &details.demands {
        lines.push(format!("  demand {}: {}", demand.number, wanted_text(demand.wanted)));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_protocol::market::{Slot, Wanted};
    use assay_protocol::{Address, Hash};
    use assay_testkit::fixtures::job_view;

    fn view(state: State) -> JobView {
        let mut view = job_view(state);
        (view.job.deadline, view.job.enlisted) = (100, 3);
        view
    }

    fn demand(deadline: u64) -> Demand {
        let by = Address([3; 20]);
        Demand { number: 1, by, wanted: Wanted::Boundary { index: 3 }, state: None, bond: 1, deadline }
    }

    #[test]
    fn a_demand_that_nobody_answered_moves_the_job_on() {
        let job = view(State::Window);
        assert_eq!(todo(&job, &[demand(60)], true, 60, 9), Todo::Nothing);
        assert_eq!(todo(&job, &[demand(60), demand(90)], true, 61, 9), Todo::Advance);
    }

    #[test]
    fn the_secret_is_revealed_once_and_in_time_only() {
        let mut job = view(State::Committed);
        assert_eq!(todo(&job, &[], true, 100, 5), Todo::Reveal);
        assert_eq!(todo(&job, &[], false, 100, 5), Todo::Nothing);
        assert_eq!(todo(&job, &[], true, 101, 5), Todo::Advance, "the deadline has passed: the draw goes on without");
        job.job.client_secret = Some(Hash::default());
        assert_eq!(todo(&job, &[], true, 50, 5), Todo::Nothing);
        assert_eq!(todo(&view(State::Claimed), &[], true, 50, 5), Todo::Nothing);
    }

    #[test]
    fn only_what_changed_is_said_again() {
        let slot = |segment, check| Slot {
            segment,
            verifier: Address([2; 20]),
            check,
            before: None,
            after: None,
            operator_seal: None,
            verifier_seal: None,
            trace: None,
        };
        let job = view(State::Opened);
        let details = |slots: [Slot; 2], demands| Details { slots: slots.into(), seats: vec![], demands };
        let before = lines(&job, &details([slot(5, Check::Opened), slot(9, Check::Opened)], vec![]));
        let after = [slot(5, Check::Sealed), slot(9, Check::Unserved)];
        let after = lines(&job, &details(after, vec![demand(200)]));
        assert!(before.len() == 1 && before[0].contains("0 of 2 are done"), "{before:?}");
        assert!(after.len() == 3 && after[0].contains("2 of 2 are done"), "{after:?}");
        assert!(after[1].contains("slot 1, segment 9: UNSERVED"), "{after:?}");
        assert!(after[2].contains("demand 1: the leaf of boundary 3"), "{after:?}");
    }

    #[test]
    fn a_job_is_moved_on_when_its_time_has_come() {
        let mut job = view(State::Committed);
        job.job.client_secret = Some(Hash::default());
        job.job.draw_block = Some(7);
        assert_eq!(todo(&job, &[], true, 50, 6), Todo::Nothing);
        assert_eq!(todo(&job, &[], true, 50, 7), Todo::Advance);
        for state in [State::Open, State::Claimed, State::Drawn, State::Window, State::Ruling] {
            assert_eq!(todo(&view(state), &[], true, 100, 9), Todo::Nothing);
            assert_eq!(todo(&view(state), &[], true, 101, 9), Todo::Advance);
        }
        assert_eq!(todo(&view(State::Final), &[], true, 101, 9), Todo::Nothing);
    }
}
