//! `stake`, `unstake`, `withdraw`: tried first, shown with fee and deposit, and
//! signed only with `-x` and a yes.

use crate::options::amount;
use assay_client::{Amount, Call, Deposit, DryRun, Error, Patience};
use assay_protocol::market::{self, Role};
use assay_shell::options::Deployed;
use assay_shell::output;
use assay_shell::{ChainOptions, KeyOptions};
use clap::Args;
use parity_scale_codec::Decode;
use serde::Serialize;

/// Whether to sign.
#[derive(Args, Clone, Copy, Debug)]
pub struct SignOptions {
    /// Sign and send. Without it the command only shows what it would do and cost
    #[arg(short = 'x', long)]
    pub execute: bool,
    /// Sign without asking
    #[arg(short = 'y', long)]
    pub yes: bool,
    /// Print one JSON document to standard output: {"ok", "command", "data" | "error"}
    #[arg(long)]
    pub json: bool,
}

/// What moves.
#[derive(Clone, Debug)]
pub enum Movement {
    /// Stake in, as it was written.
    Stake(String),
    /// Free stake back, as it was written.
    Unstake(String),
    /// Everything that is credited.
    Withdraw,
}

/// What a movement did, or would do.
#[derive(Clone, Debug, Serialize)]
pub struct Moved {
    /// Whether it was signed and sent.
    pub executed: bool,
    /// The account, in SS58.
    pub account: String,
    /// How much moved, or would.
    pub amount: String,
    /// The fee that was paid, or at most would be.
    pub fee: String,
    /// The storage deposit; one that comes back has a minus in front.
    pub deposit: String,
    /// The block it is in.
    pub block: Option<u64>,
}

/// Does it, or with no `-x` shows it. Answers the data and a text for people.
///
/// # Errors
/// If it is refused, or cannot be paid for, or nobody says yes.
pub async fn run(
    movement: &Movement,
    sign: SignOptions,
    chain: &ChainOptions,
    key: &KeyOptions,
) -> anyhow::Result<(Moved, String)> {
    let signer = key.signer()?;
    let deployed = chain.connect(Patience::COMMAND).await?;
    let unit = deployed.chain.unit();
    let market = &deployed.market;
    match movement {
        Movement::Stake(text) => {
            let sum = amount(unit, "AMOUNT", text)?;
            let call = market.stake(Role::Operator, None, sum);
            perform(&deployed, &signer, sign, &call, "added to the operator's stake", |()| sum).await
        }
        Movement::Unstake(text) => {
            let sum = amount(unit, "AMOUNT", text)?;
            let call = market.unstake(Role::Operator, sum);
            let what = "taken out of the operator's stake; `assay-oracle withdraw` sends it to the account";
            perform(&deployed, &signer, sign, &call, what, |()| sum).await
        }
        Movement::Withdraw => {
            perform(&deployed, &signer, sign, &market.withdraw(), "withdrawn", |sum: &u128| Amount(*sum)).await
        }
    }
}

async fn perform<T: Decode>(
    deployed: &Deployed,
    signer: &assay_client::Signer,
    sign: SignOptions,
    call: &Call<T, market::Error>,
    what: &str,
    sum: impl Fn(&T) -> Amount,
) -> anyhow::Result<(Moved, String)> {
    let (chain, account) = (&deployed.chain, signer.account());
    let unit = chain.unit();
    let run: DryRun<T> = call.dry_run(account).await.map_err(Error::from)?;
    let mapping = chain.mapping_cost(account).await?;
    let deposit = |deposit: Deposit| match deposit {
        Deposit::Charge(amount) => unit.show(amount).to_string(),
        Deposit::Refund(amount) => format!("-{}", unit.show(amount)),
    };
    let mut moved = Moved {
        executed: false,
        account: account.to_string(),
        amount: unit.show(sum(&run.output)).to_string(),
        fee: unit.show(run.fee).to_string(),
        deposit: deposit(run.deposit),
        block: None,
    };
    if !sign.json {
        eprintln!("{} will be {what}", moved.amount);
        eprintln!("  fee      {} at most", moved.fee);
        eprintln!("  deposit  {}", moved.deposit);
        if let Some((fee, charge)) = mapping {
            eprintln!(
                "  and once, to map the account to its address: fee {}, deposit {}",
                unit.show(fee),
                deposit(charge)
            );
        }
    }
    if !sign.execute {
        return Ok((moved, "Dry run: nothing was signed. Add -x to sign and send.".into()));
    }
    ask(sign)?;
    chain.ensure_mapped(signer).await?;
    let receipt = call.send(signer, &run).await.map_err(Error::from)?;
    moved.executed = true;
    moved.fee = unit.show(receipt.fee).to_string();
    moved.deposit = deposit(receipt.deposit);
    moved.block = Some(receipt.block.number);
    let text = format!("{} {what} (block {}, fee {})", moved.amount, receipt.block.number, moved.fee);
    Ok((moved, text))
}

fn ask(sign: SignOptions) -> anyhow::Result<()> {
    if sign.yes {
        return Ok(());
    }
    output::confirm()
}
