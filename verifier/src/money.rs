//! What a verifier has at stake, and moving it: `status`, `stake`, `unstake`,
//! `withdraw`. Nothing is signed without `-x`.

use assay_client::{Amount, Call, Deposit, Signer};
use assay_protocol::market::{Error as Refused, MAX_PAGE, Role, State};
use assay_protocol::{Address, Hash};
use assay_shell::options::Deployed;
use assay_shell::output;
use clap::Args;
use parity_scale_codec::Decode;
use serde::Serialize;
use std::fmt::Write as _;

/// Whether to sign.
#[derive(Args, Clone, Copy, Debug)]
pub struct Signing {
    /// Sign and send; without it, only say what it would do and cost
    #[arg(short = 'x', long)]
    pub execute: bool,
    /// Do not ask before signing
    #[arg(short = 'y', long)]
    pub yes: bool,
}

/// What a message did, or would do.
#[derive(Debug, Serialize)]
pub struct Sent {
    /// The message.
    pub message: &'static str,
    /// The sum that it moves, with its unit.
    pub amount: String,
    /// The fee: an upper bound if nothing was sent.
    pub fee: String,
    /// The storage deposit; a minus in front if it comes back.
    pub deposit: String,
    /// The transaction and its block, if one was sent.
    pub transaction: Option<(Hash, u64)>,
}

/// A verifier's standing.
#[derive(Debug, Serialize)]
pub struct Status {
    /// The account's address.
    pub address: Address,
    /// Stake, with its unit, bonds included.
    pub stake: String,
    /// Part of the stake that is locked as bonds.
    pub locked: String,
    /// What can be withdrawn.
    pub credit: String,
    /// What the account itself can spend.
    pub spendable: String,
    /// Segments checked.
    pub checked: u32,
    /// Penalties.
    pub penalties: u32,
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
pub async fn status(deployed: &Deployed, signer: &Signer) -> anyhow::Result<(Status, String)> {
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
        credit: show(market.credit(me).await?.0),
        spendable: show(chain.balance(signer.account()).await?.spendable.0),
        checked: standing.done,
        penalties: standing.lost,
        jobs,
    };
    let mut text = format!(
        "verifier   {}\nstake      {} ({} locked as bonds)\ncredit     {}\nspendable  {}\nchecked    {} segments, {} penalties\n",
        status.address, status.stake, status.locked, status.credit, status.spendable, status.checked, status.penalties
    );
    for job in &status.jobs {
        writeln!(text, "job {:<6} {:?}, bond {}, {} s left", job.job, job.state, job.bond, job.seconds_left)?;
    }
    Ok((status, text))
}

/// Adds `amount` to the verifier's stake.
///
/// # Errors
/// If the account cannot pay.
pub async fn stake(
    deployed: &Deployed,
    signer: &Signer,
    amount: Amount,
    how: Signing,
) -> anyhow::Result<(Sent, String)> {
    let call = deployed.market.stake(Role::Verifier, None, amount);
    sign(deployed, signer, &call, amount, how).await
}

/// Takes free stake back, which can then be withdrawn.
///
/// # Errors
/// If that much is not free.
pub async fn unstake(
    deployed: &Deployed,
    signer: &Signer,
    amount: Amount,
    how: Signing,
) -> anyhow::Result<(Sent, String)> {
    sign(deployed, signer, &deployed.market.unstake(Role::Verifier, amount), amount, how).await
}

/// Sends all credit to the account.
///
/// # Errors
/// If there is none.
pub async fn withdraw(deployed: &Deployed, signer: &Signer, how: Signing) -> anyhow::Result<(Sent, String)> {
    let credit = deployed.market.credit(signer.address()).await?;
    sign(deployed, signer, &deployed.market.withdraw(), credit, how).await
}

/// Tries a message, shows what it costs, and sends it if that is wanted.
async fn sign<T: Decode>(
    deployed: &Deployed,
    signer: &Signer,
    call: &Call<T, Refused>,
    amount: Amount,
    how: Signing,
) -> anyhow::Result<(Sent, String)> {
    let chain = &deployed.chain;
    let unit = chain.unit();
    let deposit = |deposit: Deposit| match deposit {
        Deposit::Charge(amount) => unit.show(amount).to_string(),
        Deposit::Refund(amount) => format!("-{}", unit.show(amount)),
    };
    let run = call.dry_run(signer.account()).await?;
    let mut sent = Sent {
        message: call.label(),
        amount: unit.show(amount).to_string(),
        fee: unit.show(run.fee).to_string(),
        deposit: deposit(run.deposit),
        transaction: None,
    };
    let plan = format!("{} {}: fee at most {}, storage deposit {}", sent.message, sent.amount, sent.fee, sent.deposit);
    if !how.execute {
        return Ok((sent, format!("{plan}\nnothing was signed; add -x to send it")));
    }
    if !how.yes {
        eprintln!("{plan}");
        output::confirm()?;
    }
    chain.ensure_mapped(signer).await?;
    let receipt = call.send(signer, &run).await?;
    sent.fee = unit.show(receipt.fee).to_string();
    sent.deposit = deposit(receipt.deposit);
    sent.transaction = Some((receipt.transaction, receipt.block.number));
    let text = format!(
        "{} {}: done in block {}, fee {}, storage deposit {}",
        sent.message, sent.amount, receipt.block.number, sent.fee, sent.deposit
    );
    Ok((sent, text))
}
