//! The claim.

use super::train::cannot_be_done;
use super::{Ended, Worker};
use crate::context::{CLAIM, CLAIM_LOST};
use crate::policy;
use crate::prepare;
use anyhow::Context as _;
use assay_protocol::market::{self, JobView};
use assay_shell::Recorded;
use std::time::Duration;

/// How long a job's data may take to come before the claim: anybody can post
/// jobs, and name servers that are slow or endless.
const PREPARATION: Duration = Duration::from_secs(30 * 60);

impl Worker {
    /// Prepares and claims an open job.
    pub(super) async fn take(&mut self, job: &JobView, now: u64) -> anyhow::Result<Option<Ended>> {
        let not = |reason: String, again| Ok(Some(Ended::NotTaken { reason, again }));
        if !policy::is_claimable(job, now) {
            return not("it can no longer be claimed".into(), true);
        }
        tracing::info!(job = self.id, "fits the policy; fetching its inputs and trying a few steps");
        let Ok(prepared) = tokio::time::timeout(PREPARATION, prepare::prepare(&self.context, job)).await else {
            return not(format!("its data is not here after {} s", PREPARATION.as_secs()), false);
        };
        let task = match prepared {
            Ok(Ok(task)) => task,
            Ok(Err(refusal)) => return not(refusal.describe(self.context.chain().unit()), false),
            Err(error) => return not(format!("{error:#}"), !cannot_be_done(&error)),
        };
        if self.context.shutdown.requested() {
            return Ok(Some(Ended::Stopped));
        }
        if let Some(reason) = self.contradicts(job) {
            return not(reason, false);
        }
        let recorded = self.context.record(self.id, CLAIM, &self.context.claim_content(job))?;
        match self.context.market().claim(self.id).execute(&self.context.signer).await {
            Ok(receipt) => {
                self.say("claimed", &receipt);
                (self.claimed, self.task) = (true, Some(task));
                Ok(None)
            }
            Err(error) => match error.refusal() {
                Some(market::Error::WrongState(_)) => self.beaten(recorded).await,
                Some(reason) => not(reason.to_string(), matches!(reason, market::Error::TooFewVerifiers { .. })),
                None => Err(error.into()),
            },
        }
    }

    /// The journal knows this number for another job, or this account's other
    /// oracle got the job before.
    fn contradicts(&self, job: &JobView) -> Option<String> {
        let known = self.context.journal.lock().expect("no panic while held").get(self.id, CLAIM).is_some();
        if known { self.context.is_ours(job).err() } else { None }
    }

    /// The job was claimed while this oracle was about to.
    async fn beaten(&self, recorded: Recorded) -> anyhow::Result<Option<Ended>> {
        let job = self.context.market().job(self.id).await?.context("the market no longer has this job")?;
        if job.job.operator != Some(self.context.operator()) {
            return Ok(Some(Ended::NotTaken { reason: "another operator claimed it first".into(), again: false }));
        }
        if recorded == Recorded::Known {
            // An earlier attempt of ours may have been included after all.
            return Ok(None);
        }
        // Our first attempt was refused and yet the job is this account's.
        self.context.record(self.id, CLAIM_LOST, &())?;
        Ok(Some(Ended::LeftAlone(self.context.is_ours(&job).err().unwrap_or_default())))
    }
}
