//! The options of `run`, which other programs with another [`Trainer`](crate::Trainer) share.

use crate::policy::Policy;
use assay_client::{Amount, Unit};
use assay_cuda::BackendChoice;
use assay_protocol::market::MAX_NOTE_BYTES;
use assay_shell::output::UsageError;
use clap::{Args, ValueEnum};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Which checkpoints of ended jobs are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum KeepCheckpoints {
    /// All, so that anybody can audit any segment later.
    All,
    /// The final state and the model.
    Final,
}

/// How an oracle runs.
#[derive(Args, Clone, Debug)]
pub struct RunOptions {
    /// Folder for checkpoints, models and the journal of what was signed
    /// [default: assay/oracle/ADDRESS in the user's data folder]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Address to serve checkpoints and models on; port 0 takes any free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9955")]
    pub listen: SocketAddr,
    /// URL by which others reach that address, announced on chain [default: http://ADDR]
    #[arg(long, value_name = "URL")]
    pub endpoint: Option<String>,
    /// What to train on: cpu, cuda (the first NVIDIA GPU), or auto (the GPU if there is one that
    /// passes a self-test, else the CPU, which also takes over if the GPU fails)
    #[arg(long, value_name = "BACKEND", default_value_t)]
    pub backend: BackendChoice,
    /// Threads to train with on the CPU; 0 takes one per core
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub threads: usize,
    /// Raises the operator's stake to this at the start, if it is lower
    #[arg(long, value_name = "AMOUNT")]
    pub stake: Option<String>,
    /// Withdraws what the market owes once it is above this
    #[arg(long, value_name = "AMOUNT", default_value = "0")]
    pub withdraw_above: String,
    /// Takes --max-jobs jobs at most, and ends once those taken are done, with
    /// exit code 1 if one was not paid
    #[arg(long)]
    pub once: bool,
    /// Which checkpoints of ended jobs are kept
    #[arg(long, value_name = "WHICH", value_enum, default_value_t = KeepCheckpoints::All)]
    pub keep_checkpoints: KeepCheckpoints,
    /// Keeps the policy off the chain; else it is published as the operator's
    /// offer, so that clients know what to post
    #[arg(long)]
    pub no_offer: bool,
    /// A line for people in the offer, such as who runs this and on what
    #[arg(long, value_name = "TEXT", default_value = "", value_parser = note, conflicts_with = "no_offer")]
    pub note: String,
    /// Which jobs are taken.
    #[command(flatten)]
    pub policy: PolicyOptions,
}

/// Which jobs are taken.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Policy: which jobs are taken")]
pub struct PolicyOptions {
    /// Least payment of a job, after royalties
    #[arg(long, value_name = "AMOUNT", default_value = "0")]
    pub min_payment: String,
    /// Least payment for each segment of a job, after royalties
    #[arg(long, value_name = "AMOUNT", default_value = "0")]
    pub payment_per_segment: String,
    /// Largest stake that a job may lock [default: any]
    #[arg(long, value_name = "AMOUNT")]
    pub max_stake: Option<String>,
    /// Largest data file
    #[arg(long, value_name = "BYTES", default_value_t = assay_shell::inputs::POLICY_DATA_BYTES)]
    pub max_data_bytes: u64,
    /// Most training steps
    #[arg(long, value_name = "N", default_value_t = 10_000_000)]
    pub max_steps: u64,
    /// Most bytes of all checkpoints of a job together
    #[arg(long, value_name = "BYTES", default_value_t = 64 << 30)]
    pub max_disk_bytes: u64,
    /// Most bytes of a job's tensors in memory at a time; on the CPU, a job that has more
    /// is done in less by computing values twice and in parts of the batch, as far as that goes
    #[arg(long, value_name = "BYTES", default_value_t = 8 << 30)]
    pub max_memory_bytes: u64,
    /// Jobs in training at once; those that are only being checked do not count
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    pub max_jobs: u16,
    /// Shortest time that a job may allow for training
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub min_train_seconds: u32,
    /// Shortest time that a job may allow for opening leaves and for revealing
    /// traces: who is late there loses the stake
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub min_window: u32,
    /// How many times its estimate (from a short trial) a job's training time must allow
    #[arg(long, value_name = "FACTOR", default_value_t = 2.0)]
    pub time_margin: f64,
}

/// Reads an amount of `unit` that `option` was given.
///
/// # Errors
/// [`UsageError`] if it is none.
pub fn amount(unit: &Unit, option: &str, text: &str) -> anyhow::Result<Amount> {
    Ok(unit.parse(text).map_err(|error| UsageError(format!("{option}: {error}")))?)
}

impl PolicyOptions {
    /// The policy, on a chain with this token.
    ///
    /// # Errors
    /// [`UsageError`] if an amount or the margin is none.
    pub fn policy(&self, unit: &Unit) -> anyhow::Result<Policy> {
        if !(self.time_margin.is_finite() && self.time_margin >= 0.0) {
            return Err(UsageError(format!("--time-margin: {} is not a number from 0 up", self.time_margin)).into());
        }
        let max_stake = self.max_stake.as_deref().map(|text| amount(unit, "--max-stake", text)).transpose()?;
        Ok(Policy {
            min_payment: amount(unit, "--min-payment", &self.min_payment)?,
            payment_per_segment: amount(unit, "--payment-per-segment", &self.payment_per_segment)?,
            max_stake,
            max_data_bytes: self.max_data_bytes,
            max_steps: self.max_steps,
            max_disk_bytes: self.max_disk_bytes,
            max_memory_bytes: self.max_memory_bytes,
            max_jobs: usize::from(self.max_jobs),
            min_train_seconds: self.min_train_seconds,
            min_window_seconds: self.min_window,
            time_margin: self.time_margin,
        })
    }
}

fn note(text: &str) -> Result<String, String> {
    match text.len() <= MAX_NOTE_BYTES && !text.chars().any(char::is_control) {
        true => Ok(text.to_owned()),
        false => Err(format!("give one line of at most {MAX_NOTE_BYTES} bytes")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_one_short_line() {
        assert_eq!(note("run by Ann").unwrap(), "run by Ann");
        assert!(note("two\nlines").is_err() && note(&"x".repeat(MAX_NOTE_BYTES + 1)).is_err());
    }
}
