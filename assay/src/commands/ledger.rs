//! `ledger`: a job's money from the market's events.

use crate::cli::{Answer, Global, shown};
use crate::money_log::{MoneyLog, Movement, Sums, reason_text};
use crate::names::no_job;
use crate::progress;
use crate::show;
use anyhow::{Context, bail};
use assay_client::{Block, Chain, Unit};
use assay_protocol::Address;
use assay_protocol::market::{BURN_ADDRESS, Event, JobView, Reason};
use assay_shell::options::Deployed;
use clap::Args;
use futures_util::{StreamExt, TryStreamExt};
use serde_json::{Value, json};

/// Blocks whose events are asked for at the same time.
const AT_ONCE: usize = 16;

/// Who was paid and slashed in a job and why, with the sums checked.
///
/// Reads the events of all blocks from the job's posting to its end (further,
/// if a verifier may be slashed after it), so the node must still have the
/// state of these blocks. Fails if what came in is not what went out.
#[derive(Args, Debug)]
pub struct Ledger {
    /// The job's number
    id: u64,
}

/// The first block of chain time `time` or later, from `low` on.
async fn first_at(chain: &Chain, time: u64, mut low: u64, mut high: u64) -> anyhow::Result<u64> {
    while low < high {
        let middle = low + (high - low) / 2;
        let block = chain.block(middle).await?.with_context(|| format!("block {middle} is not final"))?;
        match chain.time_at(block.hash).await? >= time {
            true => high = middle,
            false => low = middle + 1,
        }
    }
    Ok(low)
}

async fn events_of(deployed: &Deployed, number: u64) -> anyhow::Result<(u64, Vec<Event>)> {
    let block = deployed.chain.block(number).await?.with_context(|| format!("block {number} is not final"))?;
    let events = deployed.chain.contract_events(block).await?;
    let events: Result<Vec<Option<Event>>, _> = events.iter().map(|event| deployed.market.event(event)).collect();
    Ok((number, events?.into_iter().flatten().collect()))
}

/// Whether `verifier` has still to release its bond, so that nothing more of it
/// can be found in blocks that are over.
async fn is_enlisted(deployed: &Deployed, id: u64, verifier: Address) -> anyhow::Result<bool> {
    Ok(deployed.market.enlistment(id, verifier).await?.is_some())
}

/// Reads the job's events up to `head`, and stops as soon as no more can follow.
async fn read(deployed: &Deployed, job: &JobView, head: Block) -> anyhow::Result<MoneyLog> {
    let first = first_at(&deployed.chain, job.job.posted_at, 0, head.number).await?;
    let bar = progress::things("reading blocks", head.number - first + 1);
    let mut log = MoneyLog::default();
    let mut settled = false;
    let mut blocks =
        futures_util::stream::iter(first..=head.number).map(|number| events_of(deployed, number)).buffered(AT_ONCE);
    while let Some((number, events)) = blocks.try_next().await? {
        for event in &events {
            log.add(job.id, number, event);
        }
        bar.inc(1);
        if log.ended() && !settled {
            settled = true;
            for verifier in log.may_follow() {
                settled &= is_enlisted(deployed, job.id, verifier).await?;
            }
        }
        if settled || (log.ended() && log.may_follow().is_empty()) {
            break;
        }
    }
    bar.finish_and_clear();
    Ok(log)
}

fn who(job: &JobView, one: &Movement) -> &'static str {
    match one.account {
        _ if one.reason == Reason::Royalty => "data owner",
        BURN_ADDRESS => "burned",
        account if account == job.job.client => "client",
        account if Some(account) == job.job.operator => "operator",
        _ if one.reason == Reason::Bond => "challenger",
        _ => "verifier",
    }
}

fn rows(unit: &Unit, job: &JobView, movements: &[Movement]) -> Vec<Vec<String>> {
    let row = |one: &Movement| {
        vec![
            one.block.to_string(),
            who(job, one).to_owned(),
            one.account.to_string(),
            shown(unit, one.amount),
            reason_text(one.reason).to_owned(),
        ]
    };
    movements.iter().map(row).collect()
}

fn data(unit: &Unit, job: &JobView, movements: &[Movement]) -> Vec<Value> {
    let one = |one: &Movement| {
        json!({
            "block": one.block,
            "role": who(job, one),
            "account": one.account,
            "amount": shown(unit, one.amount),
            "reason": one.reason,
        })
    };
    movements.iter().map(one).collect()
}

fn sums_text(unit: &Unit, sums: &Sums) -> String {
    show::fields([
        ("paid in", shown(unit, sums.paid_in)),
        ("slashed from stakes", shown(unit, sums.slashed)),
        ("credited, burned included", shown(unit, sums.credited)),
        ("held by the job still", shown(unit, sums.held)),
    ])
}

impl Ledger {
    /// Does it.
    pub async fn run(self, global: &Global) -> anyhow::Result<Answer> {
        let deployed = global.connect().await?;
        let unit = deployed.chain.unit();
        let (job, head) = at_one_block(&deployed, self.id).await?;
        let log = read(&deployed, &job, head).await?;
        let sums = log.sums(&job);
        let heading = ["BLOCK", "WHO", "ACCOUNT", "AMOUNT", "WHY"];
        let table = |movements: &[Movement], none: &str| match movements.is_empty() {
            true => format!("{none}\n"),
            false => show::table(&heading, &rows(unit, &job, movements)),
        };
        let text = format!(
            "job {}: {:?}\n\nslashed\n{}\ncredited\n{}\n{}",
            job.id,
            job.job.state,
            table(&log.slashed, "nobody"),
            table(&log.credited, "nobody yet"),
            sums_text(unit, &sums)
        );
        if !sums.add_up() {
            bail!(
                "the sums do not add up, so either the node has not given all events or the contract is broken; \
                 please report it with this:\n{text}"
            );
        }
        let data = json!({
            "job": job.id,
            "state": job.job.state,
            "slashed": data(unit, &job, &log.slashed),
            "credited": data(unit, &job, &log.credited),
            "sums": {
                "paid_in": shown(unit, sums.paid_in),
                "slashed": shown(unit, sums.slashed),
                "credited": shown(unit, sums.credited),
                "held": shown(unit, sums.held),
            },
            "adds_up": true,
        });
        // Both sums are the same, and neither overflows: that was just checked.
        let (came_in, went_out) = (shown(unit, sums.paid_in + sums.slashed), shown(unit, sums.credited + sums.held));
        Answer::new(data, format!("{text}the sums add up: {came_in} in, {went_out} out and held"))
    }
}

/// The job as it stands at a block, and that block.
async fn at_one_block(deployed: &Deployed, id: u64) -> anyhow::Result<(JobView, Block)> {
    let head = deployed.chain.latest().await?;
    let job: Option<JobView> = deployed.chain.read_at(deployed.market.address(), "job", (id,), head.hash).await?;
    Ok((job.with_context(|| no_job(id))?, head))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_burn_address_is_named() {
        assert_eq!(BURN_ADDRESS.to_string(), "0x000000000000000000000000000000000000dead");
    }
}
