//! `stake`, `unstake`, `collect`, `withdraw`: tried first, shown with fee and
//! deposit, and signed only with `-x` and a yes.

use crate::options::{ChainOptions, Deployed, KeyOptions};
use crate::output::{self, UsageError};
use assay_client::{Amount, Call, Deposit, DryRun, Error, Patience, Signer};
use assay_protocol::Hash;
use assay_protocol::market::{self, Role};
use clap::{Args, Subcommand};
use parity_scale_codec::Decode;
use serde::Serialize;

/// Whether to sign.
#[derive(Args, Clone, Copy, Debug)]
pub struct Signing {
    /// Sign and send. Without it the command only shows what it would do and cost
    #[arg(short = 'x', long)]
    pub execute: bool,
    /// Sign without asking
    #[arg(short = 'y', long)]
    pub yes: bool,
}

/// What moves.
#[derive(Clone, Debug, Subcommand)]
pub enum Movement {
    /// Add to the stake
    Stake {
        /// How much, such as "10 UNIT"
        amount: String,
        /// Whether to sign.
        #[command(flatten)]
        signing: Signing,
    },
    /// Take free stake back: it unbonds for a time that the market fixes, then
    /// `collect` credits it
    Unstake {
        /// How much, such as "10 UNIT"
        amount: String,
        /// Whether to sign.
        #[command(flatten)]
        signing: Signing,
    },
    /// Credit the stake that was taken back and has unbonded
    Collect {
        /// Whether to sign.
        #[command(flatten)]
        signing: Signing,
    },
    /// Send all that the market owes to the account
    Withdraw {
        /// Whether to sign.
        #[command(flatten)]
        signing: Signing,
    },
}

/// What a movement did, or would do.
#[derive(Clone, Debug, Serialize)]
pub struct Moved {
    /// The message.
    pub message: String,
    /// Whether it was signed and sent.
    pub executed: bool,
    /// The account, in SS58.
    pub account: String,
    /// How much moved, or would, with its unit.
    pub amount: String,
    /// The fee that was paid, or at most would be.
    pub fee: String,
    /// The storage deposit; one that comes back has a minus in front.
    pub deposit: String,
    /// The transaction, if one was sent.
    pub transaction: Option<Hash>,
    /// The block it is in.
    pub block: Option<u64>,
}

impl Movement {
    /// The command's name.
    pub fn name(&self) -> &'static str {
        match self {
            Movement::Stake { .. } => "stake",
            Movement::Unstake { .. } => "unstake",
            Movement::Collect { .. } => "collect",
            Movement::Withdraw { .. } => "withdraw",
        }
    }

    /// Does it in `role`, or with no `-x` shows it. Answers the data and a text
    /// for people; `quiet` asks for no preview at the terminal.
    ///
    /// # Errors
    /// If it is refused, or cannot be paid for, or nobody says yes.
    pub async fn run(
        &self,
        role: Role,
        chain: &ChainOptions,
        key: &KeyOptions,
        quiet: bool,
    ) -> anyhow::Result<(Moved, String)> {
        let signer = key.signer()?;
        let deployed = chain.connect(Patience::COMMAND).await?;
        let market = &deployed.market;
        let parse = |text: &str| -> anyhow::Result<Amount> {
            deployed.chain.unit().parse(text).map_err(|error| UsageError(format!("AMOUNT: {error}")).into())
        };
        let perform = Perform { deployed: &deployed, signer: &signer, quiet };
        match self {
            Movement::Stake { amount, signing } => {
                let sum = parse(amount)?;
                perform.call(&market.stake(role, None, sum), *signing, "added to the stake", |_: &()| sum).await
            }
            Movement::Unstake { amount, signing } => {
                let sum = parse(amount)?;
                let wait = market.rules().await?.unbonding;
                let what = format!("taken out of the stake; `collect` credits it {wait} s of chain time later");
                perform.call(&market.unstake(role, sum), *signing, &what, |_: &()| sum).await
            }
            Movement::Collect { signing } => {
                let standing = market.standing(role, signer.address()).await?.unwrap_or_default();
                let (sum, what) = (Amount(standing.unbonding), "credited; `withdraw` sends it to the account");
                perform.call(&market.collect(role), *signing, what, |_: &()| sum).await
            }
            Movement::Withdraw { signing } => {
                perform.call(&market.withdraw(), *signing, "withdrawn", |sum: &u128| Amount(*sum)).await
            }
        }
    }
}

struct Perform<'a> {
    deployed: &'a Deployed,
    signer: &'a Signer,
    quiet: bool,
}

impl Perform<'_> {
    async fn call<T: Decode>(
        &self,
        call: &Call<T, market::Error>,
        signing: Signing,
        what: &str,
        sum: impl Fn(&T) -> Amount,
    ) -> anyhow::Result<(Moved, String)> {
        let (chain, account) = (&self.deployed.chain, self.signer.account());
        let unit = chain.unit();
        let run: DryRun<T> = call.dry_run(account).await.map_err(Error::from)?;
        let mapping = chain.mapping_cost(account).await?;
        let deposit = |deposit: Deposit| match deposit {
            Deposit::Charge(amount) => unit.show(amount).to_string(),
            Deposit::Refund(amount) => format!("-{}", unit.show(amount)),
        };
        let mut moved = Moved {
            message: call.label().to_string(),
            executed: false,
            account: account.to_string(),
            amount: unit.show(sum(&run.output)).to_string(),
            fee: unit.show(run.fee).to_string(),
            deposit: deposit(run.deposit),
            transaction: None,
            block: None,
        };
        if !self.quiet {
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
        if !signing.execute {
            return Ok((moved, "Dry run: nothing was signed. Add -x to sign and send.".into()));
        }
        if !signing.yes {
            output::confirm()?;
        }
        chain.ensure_mapped(self.signer).await?;
        let receipt = call.send(self.signer, &run).await.map_err(Error::from)?;
        moved.executed = true;
        moved.fee = unit.show(receipt.fee).to_string();
        moved.deposit = deposit(receipt.deposit);
        (moved.transaction, moved.block) = (Some(receipt.transaction), Some(receipt.block.number));
        let text = format!("{} {what} (block {}, fee {})", moved.amount, receipt.block.number, moved.fee);
        Ok((moved, text))
    }
}
