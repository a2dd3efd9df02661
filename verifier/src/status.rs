//! `status`: what a verifier has at stake, and its jobs.

use assay_client::{Amount, Signer};
use assay_protocol::Address;
use assay_protocol::market::{MAX_PAGE, Role, State};
use assay_shell::options::Deployed;
use serde::Serialize;
use std::fmt::Write as _;

/// A verifier's standing.
#[derive(Debug, Serialize)]
pub struct Status {
    /// The account's address.
    pub address: Address,
    /// Stake, with its unit, bonds included.
    pub stake: String,
    /// Part of the stake that is locked as bonds.
    pub locked: String,
    /// Stake that was taken back and is not collected.
    pub unbonding: String,
    /// From which second of chain time on that can be collected.
    pub unbonds_at: u64,
    /// What can be withdrawn.
    pub credit: String,
    /// What the account itself can spend.
    pub spendable: String,
    /// Segments checked.
    pub checked: u32,
    /// Turns not done.
    pub missed: u32,
    /// Disputes lost.
    pub lost: u32,
    /// Jobs that it is enlisted in.
    pub jobs: Vec<StatusJob>,
}

/// A job that a verifier is enlisted in.
#[derive(Debug, Serialize)]
pub struct StatusJob {
    /// The job.
    pub job: u64,
    /// Its state.
    pub state: State,
    /// What is left of the bond.
    pub bond: String,
    /// Seconds of chain time that the state may still last.
    pub seconds_left: u64,
}

/// Reads what the chain says about a verifier.
///
/// # Errors
/// If the chain cannot be asked.
pub async fn run(deployed: &Deployed, signer: &Signer) -> anyhow::Result<(Status, String)> {
    let (chain, market, me) = (&deployed.chain, &deployed.market, signer.address());
    let show = |amount: u128| chain.unit().show(Amount(amount)).to_string();
    let standing = market.standing(Role::Verifier, me).await?.unwrap_or_default();
    let now = chain.now().await?;
    let mut jobs = Vec::new();
    let mut offset = 0;
    loop {
        let page = market.jobs(offset, MAX_PAGE).await?;
        // Without a bond there is no enlistment to look for.
        if page.items.is_empty() || standing.locked == 0 {
            break;
        }
        offset += page.items.len() as u64;
        for job in page.items {
            if let Some(enlistment) = market.enlistment(job.id, me).await? {
                let seconds_left = job.deadline.saturating_sub(now);
                jobs.push(StatusJob { job: job.id, state: job.state, bond: show(enlistment.bond), seconds_left });
            }
        }
    }
    let status = Status {
        address: me,
        stake: show(standing.stake),
        locked: show(standing.locked),
        unbonding: show(standing.unbonding),
        unbonds_at: standing.unbonds_at,
        credit: show(market.credit(me).await?.0),
        spendable: show(chain.balance(signer.account()).await?.spendable.0),
        checked: standing.done,
        missed: standing.missed,
        lost: standing.lost,
        jobs,
    };
    let mut text = format!(
        "verifier   {}\nstake      {} ({} locked as bonds)\nunbonding  {}{}\ncredit     {}\nspendable  {}\n\
         checked    {} segments, {} turns missed, {} disputes lost\n",
        status.address,
        status.stake,
        status.locked,
        status.unbonding,
        match status.unbonds_at.saturating_sub(now) {
            0 => String::new(),
            left => format!(" (to be collected in {left} s)"),
        },
        status.credit,
        status.spendable,
        status.checked,
        status.missed,
        status.lost
    );
    for job in &status.jobs {
        writeln!(text, "job {:<6} {:?}, bond {}, {} s left", job.job, job.state, job.bond, job.seconds_left)?;
    }
    Ok((status, text))
}
