//! One job, from the claim to its end. Acts on what the chain shows, not on what
//! it remembers: started again at any point, it carries on.

mod claim;
mod due;
mod serve;
mod train;

use crate::context::Context;
use crate::progress::Progress;
use anyhow::Context as _;
use assay_client::error::{Error, ExecutionError};
use assay_client::market::MarketError;
use assay_client::{Block, Blocks, Receipt};
use assay_job::Task;
use assay_protocol::market::{JobView, State};
use assay_shell::JournalError;
pub use due::{is_due, outcome};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use train::Failures;

/// Longest pause after a failure; short beside any window in which a late step
/// costs the stake.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// In a job's folder: its progress.
pub(crate) const PROGRESS_FILE: &str = "progress";

/// How the work on a job ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was not claimed.
    NotTaken {
        /// Why, in words.
        reason: String,
        /// Whether it may be worth another look later.
        again: bool,
    },
    /// The process is to stop; the job goes on at the next start.
    Stopped,
    /// It is this account's job, and must be left alone.
    LeftAlone(String),
    /// It was not committed in time, and is open to others again.
    Late,
    /// It was handed back, and is open to others again.
    HandedBack,
    /// Its life has ended in this state.
    Over(State),
}

/// The work on one job.
pub struct Worker {
    context: Arc<Context>,
    id: u64,
    blocks: Blocks,
    /// Set once nothing is left to train.
    committed: Arc<AtomicBool>,
    /// Known to be claimed from this data folder.
    claimed: bool,
    task: Option<Arc<Task>>,
    progress: Option<Progress>,
    /// The training is finished, as far as could be checked in this process.
    trained: bool,
    /// The checkpoints that verifiers ask for were looked at in this process.
    repaired: bool,
    /// It was said that a step is late.
    told_late: bool,
    /// How the machine fails in the training.
    failures: Failures,
}

impl Worker {
    /// The work on job `id`, which may be open, or claimed by this account. It
    /// sets `committed` once nothing is left to train.
    pub fn new(context: Arc<Context>, id: u64, committed: Arc<AtomicBool>) -> Self {
        let blocks = context.chain().blocks();
        Self {
            context,
            id,
            blocks,
            committed,
            claimed: false,
            task: None,
            progress: None,
            trained: false,
            repaired: false,
            told_late: false,
            failures: Failures::default(),
        }
    }

    /// Works until the job's end, or the process's.
    pub async fn run(mut self) -> Ended {
        let shutdown = self.context.shutdown.clone();
        let mut pause = None;
        loop {
            let looked = tokio::select! {
                biased;
                () = shutdown.wait() => return Ended::Stopped,
                looked = self.look(pause) => looked,
            };
            let result = match looked {
                Ok((job, now, block)) => self.step(&job, now, block).await,
                Err(error) => Err(error),
            };
            match result {
                Ok(Some(ended)) => return ended,
                Ok(None) => pause = None,
                Err(error) if error.chain().any(|cause| cause.is::<JournalError>()) => {
                    return Ended::LeftAlone(format!("{error:#}"));
                }
                Err(error) => {
                    let next = pause.map_or(Duration::from_secs(1), |pause: Duration| pause * 2).min(LONGEST_PAUSE);
                    tracing::warn!(job = self.id, error = format!("{error:#}"), "failed; trying again in {next:?}");
                    pause = Some(next);
                }
            }
        }
    }

    /// Waits for a new block, or after a failure for a while, and reads the job.
    async fn look(&mut self, pause: Option<Duration>) -> anyhow::Result<(JobView, u64, Block)> {
        let block = match pause {
            None => self.blocks.next().await?,
            Some(pause) => {
                tokio::time::sleep(pause).await;
                self.context.chain().latest().await?
            }
        };
        let job = self.context.market().job(self.id).await?.context("the market no longer has this job")?;
        let now = self.context.chain().time_at(block.hash).await?;
        Ok((job, now, block))
    }

    /// Does the next thing, if there is one.
    async fn step(&mut self, job: &JobView, now: u64, block: Block) -> anyhow::Result<Option<Ended>> {
        let state = job.job.state;
        let ours = job.job.operator == Some(self.context.operator());
        if !self.claimed && !ours && state != State::Open {
            let reason = "another operator claimed it first".into();
            return Ok(Some(Ended::NotTaken { reason, again: false }));
        }
        if !self.claimed && state == State::Open {
            return self.take(job, now).await;
        }
        if !self.claimed {
            if let Err(reason) = self.context.is_ours(job) {
                return Ok(Some(Ended::LeftAlone(reason)));
            }
            self.claimed = true;
        }
        if state.is_terminal() {
            return Ok(Some(Ended::Over(state)));
        }
        if !ours {
            return Ok(Some(Ended::Late));
        }
        self.committed.store(state != State::Claimed, Ordering::Relaxed);
        if job.job.demands > 0 {
            // First of all: one that is not answered in time costs the stake.
            self.answer_demands(job).await?;
        }
        if is_due(&job.job, now, block.number) {
            self.advance().await?;
            return Ok(None);
        }
        let late = now > job.job.deadline;
        match state {
            State::Claimed => self.train_and_commit(job).await,
            State::Drawn | State::Attested if late => {
                if !self.told_late {
                    tracing::error!(
                        job = self.id,
                        ?state,
                        "the deadline has passed and the stake is lost; was this oracle or its node stopped too long?"
                    );
                    self.told_late = true;
                }
                Ok(None)
            }
            State::Committed => Ok(None),
            State::Drawn | State::Opened | State::Attested | State::Window | State::Disputed | State::Ruling => {
                self.serve(job).await
            }
            State::Open | State::Final | State::Failed | State::Void | State::Cancelled => Ok(None),
        }
    }

    /// Moves the job on. That somebody else was first is no failure.
    async fn advance(&self) -> anyhow::Result<()> {
        let result: Result<Receipt, MarketError> =
            self.context.market().advance(self.id).execute(&self.context.signer).await;
        match result {
            Ok(receipt) => self.say("moved on", &receipt),
            Err(MarketError::Refused { reason, .. }) => tracing::debug!(job = self.id, %reason, "not moved on"),
            Err(MarketError::Failed(Error::Execution(ExecutionError::Raced { .. }))) => {
                tracing::debug!(job = self.id, "somebody else moved it on");
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    fn say(&self, what: &str, receipt: &Receipt) {
        let fee = self.context.chain().unit().show(receipt.fee).to_string();
        tracing::info!(job = self.id, block = receipt.block.number, fee, "{what}");
    }
}
