//! `status`: what an operator has, owes and is owed.

use assay_client::{AccountId, Amount, Patience};
use assay_protocol::Address;
use assay_protocol::market::{JobSummary, MAX_PAGE, Role, State};
use assay_shell::options::Deployed;
use assay_shell::output::UsageError;
use assay_shell::{ChainOptions, KeyOptions};
use clap::Args;
use serde::Serialize;

/// Whose status.
#[derive(Args, Clone, Debug)]
pub struct StatusOptions {
    /// The operator: SS58, or 0x and 40 hex digits [default: the key's account]
    #[arg(long, value_name = "ACCOUNT")]
    pub account: Option<String>,
}

/// What an operator has, owes and is owed.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    /// The operator's address.
    pub operator: Address,
    /// Where it serves checkpoints and models; empty if it never said.
    pub endpoint: String,
    /// Its stake.
    pub stake: String,
    /// The part of the stake that no job has locked.
    pub free: String,
    /// Stake that was taken back and is not collected.
    pub unbonding: String,
    /// Seconds of chain time until that can be collected; 0 or less from then on.
    pub unbonds_in: i64,
    /// What it can withdraw.
    pub credit: String,
    /// Jobs it was paid for.
    pub done: u32,
    /// Jobs it was convicted in.
    pub lost: u32,
    /// Jobs it was late with or handed back.
    pub missed: u32,
    /// Its jobs that have not ended.
    pub active: Vec<ActiveJob>,
}

/// A job that has not ended.
#[derive(Clone, Debug, Serialize)]
pub struct ActiveJob {
    /// Its number.
    pub job: u64,
    /// Its state.
    pub state: State,
    /// Seconds that the state may still last by chain time; negative if the
    /// deadline has passed.
    pub seconds_left: i64,
}

fn address(options: &StatusOptions, key: &KeyOptions) -> anyhow::Result<Address> {
    let Some(text) = &options.account else { return Ok(key.signer()?.address()) };
    let wrong = || UsageError(format!("--account {text}: give SS58, or 0x and 40 hex digits"));
    text.parse::<Address>().or_else(|_| text.parse::<AccountId>().map(|id| id.address())).map_err(|_| wrong().into())
}

async fn jobs_of(deployed: &Deployed, operator: Address) -> anyhow::Result<Vec<JobSummary>> {
    let (mut jobs, mut offset) = (vec![], 0);
    loop {
        let page = deployed.market.jobs(offset, MAX_PAGE).await?;
        offset += page.items.len() as u64;
        let last = page.items.is_empty() || offset >= u64::from(page.total);
        jobs.extend(page.items.into_iter().filter(|job| job.operator == Some(operator) && !job.state.is_terminal()));
        if last {
            return Ok(jobs);
        }
    }
}

/// Reads the status. Answers the data and a text for people.
///
/// # Errors
/// If the chain cannot be read, or no account is given.
pub async fn run(options: &StatusOptions, chain: &ChainOptions, key: &KeyOptions) -> anyhow::Result<(Status, String)> {
    let operator = address(options, key)?;
    let deployed = chain.connect(Patience::COMMAND).await?;
    let (unit, now) = (deployed.chain.unit(), deployed.chain.now().await?);
    let standing = deployed.market.standing(Role::Operator, operator).await?.unwrap_or_default();
    let credit = deployed.market.credit(operator).await?;
    let left = |deadline: u64| i64::try_from(deadline).unwrap_or(i64::MAX) - i64::try_from(now).unwrap_or(i64::MAX);
    let active: Vec<ActiveJob> = jobs_of(&deployed, operator)
        .await?
        .into_iter()
        .map(|job| ActiveJob { job: job.id, state: job.state, seconds_left: left(job.deadline) })
        .collect();
    let status = Status {
        operator,
        stake: unit.show(Amount(standing.stake)).to_string(),
        free: unit.show(Amount(standing.free())).to_string(),
        unbonding: unit.show(Amount(standing.unbonding)).to_string(),
        unbonds_in: if standing.unbonding == 0 { 0 } else { left(standing.unbonds_at) },
        credit: unit.show(credit).to_string(),
        done: standing.done,
        lost: standing.lost,
        missed: standing.missed,
        // Anybody can write anything there, a terminal's control characters too.
        endpoint: standing.endpoint.chars().filter(char::is_ascii_graphic).collect(),
        active,
    };
    let text = describe(&status);
    Ok((status, text))
}

fn describe(status: &Status) -> String {
    let mut lines = vec![
        format!("operator  {}", status.operator),
        format!("endpoint  {}", if status.endpoint.is_empty() { "none announced" } else { &status.endpoint }),
        format!("stake     {} ({} free)", status.stake, status.free),
        format!("unbonding {}{}", status.unbonding, unbonds(status.unbonds_in)),
        format!("credit    {} to withdraw", status.credit),
        format!(
            "jobs      {} paid, {} lost, {} late or handed back, {} under way",
            status.done,
            status.lost,
            status.missed,
            status.active.len()
        ),
    ];
    for job in &status.active {
        let time = match job.seconds_left {
            late if late < 0 => format!("deadline passed {} s ago", -late),
            left => format!("{left} s left"),
        };
        lines.push(format!("  job {:<6} {:?}, {time}", job.job, job.state));
    }
    lines.join("\n")
}

fn unbonds(seconds: i64) -> String {
    if seconds > 0 { format!(" (to be collected in {seconds} s)") } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn late_jobs_say_so() {
        let job = |job, seconds_left| ActiveJob { job, state: State::Claimed, seconds_left };
        let status = Status {
            operator: Address([1; 20]),
            endpoint: String::new(),
            stake: "5 UNIT".into(),
            free: "2 UNIT".into(),
            unbonding: "1 UNIT".into(),
            unbonds_in: 9,
            credit: "0 UNIT".into(),
            done: 1,
            lost: 0,
            missed: 2,
            active: vec![job(3, 20), job(4, -5)],
        };
        let text = describe(&status);
        assert!(text.contains("none announced") && text.contains("5 UNIT (2 UNIT free)"), "{text}");
        assert!(text.contains("1 UNIT (to be collected in 9 s)") && text.contains("2 late or handed back"), "{text}");
        assert!(text.contains("job 3      Claimed, 20 s left"), "{text}");
        assert!(text.contains("job 4      Claimed, deadline passed 5 s ago"), "{text}");
    }

    #[test]
    fn accounts_are_read_in_both_forms() {
        let of = |text: &str| {
            let options = StatusOptions { account: Some(text.into()) };
            address(&options, &KeyOptions::default())
        };
        let alice = "0x9621dde636de098b43efb0fa9b61facfe328f99d";
        assert_eq!(of(alice).unwrap().to_string(), alice);
        assert_eq!(of("5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY").unwrap().to_string(), alice);
        assert!(of("alice").unwrap_err().is::<UsageError>());
    }
}
