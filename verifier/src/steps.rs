//! The daemon's steps in one job: from a duty to what is signed.

use crate::daemon::Daemon;
use crate::duties::{Duty, duties};
use crate::findings::{Finding, Purpose, Subject};
use crate::inspect::Assignment;
use anyhow::{Context, bail};
use assay_client::{Amount, Block};
use assay_content::Kind;
use assay_protocol::Hash;
use assay_protocol::commitment::{outcome_seal, seal, sealed_secret};
use assay_protocol::hash::Native;
use assay_protocol::market::{Enlistment, JobView, Role, Seat, Slot, State};

/// What the chain says about a job.
struct Records {
    view: JobView,
    slots: Vec<Slot>,
    seats: Vec<Seat>,
    enlistment: Enlistment,
}

/// A window's last fifth is for signing: what has not been served until then is given up.
fn patience(deadline: u64, window: u32) -> u64 {
    deadline.saturating_sub(u64::from(window) / 5)
}

impl Daemon {
    /// Looks at a job that is open for verifiers, and enlists if it fits.
    pub(crate) async fn consider(&mut self, job: u64) -> anyhow::Result<()> {
        let market = self.deployed.market.clone();
        let view = market.job(job).await?.context("the job is gone")?;
        if !matches!(view.job.state, State::Open | State::Claimed) {
            return Ok(());
        }
        let free = market.standing(Role::Verifier, self.me).await?.unwrap_or_default().free();
        if let Err(refusal) = self.config.policy.terms(&self.me, &view, self.busy(), free) {
            self.leave(job, refusal.to_string(), !refusal.may_pass());
            return Ok(());
        }
        if self.tracked(job).task.is_none() {
            self.prepare(job);
            return Ok(());
        }
        let sealed = sealed_secret(&Native, &market.address(), &self.secret(job), &self.me);
        self.journal.record(job, "enlist", sealed)?;
        let bond = Amount(self.config.policy.bond(view.terms.bond, free));
        if self.send(&market.enlist(job, sealed, bond)).await?.is_some() {
            tracing::info!(job, bond = %self.deployed.chain.unit().show(bond), "enlisted");
            self.tracked(job).enlisted = Some(true);
        } else {
            // Ask the chain again: another run of this daemon may have been quicker.
            self.tracked(job).enlisted = None;
        }
        Ok(())
    }

    fn secret(&self, job: u64) -> Hash {
        self.secrets.of(&self.deployed.chain.genesis(), &self.deployed.market.address(), job, &self.me)
    }

    fn objection(&self, job: u64, slot: u8) -> Hash {
        let (genesis, market) = (self.deployed.chain.genesis(), self.deployed.market.address());
        self.secrets.objection(&genesis, &market, job, &self.me, slot)
    }

    /// Does what this account has to do in a job that it is enlisted in.
    pub(crate) async fn work(&mut self, job: u64, now: u64, head: Block) -> anyhow::Result<()> {
        let market = self.deployed.market.clone();
        let Some(enlistment) = market.enlistment(job, self.me).await? else {
            // Released already, by this account's owner for example.
            self.end(job);
            return Ok(());
        };
        let view = market.job(job).await?.context("the job is gone")?;
        let slots = market.slots(job).await?;
        let seats = match view.job.state {
            State::Disputed | State::Ruling => market.seats(job).await?,
            _ => vec![],
        };
        if view.job.demands > 0 && market.demands(job).await?.iter().any(|demand| now > demand.deadline) {
            // Nobody answered in time: who demanded is to get its bond back, and its reward.
            return self.advance(job, view.job.state).await;
        }
        let records = Records { view, slots, seats, enlistment };
        let duties = duties(
            &self.me,
            (now, head.number),
            &records.view.job,
            &records.enlistment,
            &records.slots,
            &records.seats,
        );
        tracing::trace!(job, state = ?records.view.job.state, ?duties, "duties");
        let mut first_error = None;
        for duty in duties {
            // A slot that cannot be worked on must not hold up the others.
            if let Err(error) = self.perform(job, duty, &records).await {
                first_error.get_or_insert(error.context(format!("{duty:?}")));
            }
        }
        first_error.map_or(Ok(()), Err)
    }

    async fn perform(&mut self, job: u64, duty: Duty, records: &Records) -> anyhow::Result<()> {
        let market = self.deployed.market.clone();
        match duty {
            Duty::RevealSecret => {
                let secret = self.secret(job);
                if sealed_secret(&Native, &market.address(), &secret, &self.me) != records.enlistment.sealed_secret {
                    bail!(
                        "this data folder does not hold the secret that was sealed for the job; start with the folder \
                         that the account enlisted with, or it pays the idle penalty"
                    );
                }
                self.journal.record(job, "reveal_secret", secret)?;
                if self.send(&market.reveal_secret(job, secret)).await?.is_some() {
                    tracing::info!(job, "revealed the secret for the draw");
                }
            }
            Duty::Attest(slot) => self.attest(job, slot, records).await?,
            Duty::Insist(slot) => self.insist(job, slot, records).await?,
            Duty::PanelSeal(slot) => self.panel_seal(job, slot, records).await?,
            Duty::PanelReveal(slot) => self.panel_reveal(job, slot, records).await?,
            Duty::Advance => self.advance(job, records.view.job.state).await?,
            Duty::Release => {
                if self.send(&market.release(job)).await?.is_some() {
                    tracing::info!(job, state = ?records.view.job.state, "the job has ended; took the bond back");
                }
                self.clean(job, records)?;
                self.end(job);
            }
        }
        Ok(())
    }

    /// Moves a job on. All of its accounts may do it: some leave it to the others
    /// at each block, so that not all pay for what one of them does.
    async fn advance(&mut self, job: u64, from: State) -> anyhow::Result<()> {
        let market = self.deployed.market.clone();
        if fastrand::bool() && self.send(&market.advance(job)).await?.is_some() {
            tracing::info!(job, ?from, "moved the job on");
        }
        Ok(())
    }

    /// What is to be looked at in a slot.
    fn assignment(&self, job: u64, slot: u8, purpose: Purpose, records: &Records) -> anyhow::Result<Assignment> {
        let JobView { terms, job: state, commitment, ends, .. } = &records.view;
        let entry = records.slots.get(usize::from(slot)).context("the slot is gone")?;
        let root = commitment.as_ref().context("the job has no commitment")?.root;
        let ends = ends.clone().context("the ends of the commitment are not open")?;
        let (Some(before), Some(after)) = (entry.before, entry.after) else { bail!("slot {slot} is not opened") };
        let window = match purpose {
            Purpose::Slot(_) | Purpose::Panel(_) => terms.windows.attest,
            Purpose::Again(_) | Purpose::Challenge(_) => terms.windows.dispute,
        };
        Ok(Assignment {
            subject: Subject { job: self.deployed.market.job_id(job), root, segment: entry.segment, before, after },
            purpose,
            operator: state.operator.context("the job has no operator")?,
            // Whoever checked the segment has the checkpoint too.
            witness: entry.verifier,
            ends,
            give_up_at: patience(state.deadline, window),
        })
    }

    /// The finding for a purpose; starts to look if there is none yet.
    fn finding(&mut self, job: u64, slot: u8, purpose: Purpose, records: &Records) -> anyhow::Result<Option<Finding>> {
        let assignment = self.assignment(job, slot, purpose, records)?;
        if let Some(finding) = self.findings.get(purpose, &assignment.subject)? {
            return Ok(Some(finding));
        }
        match self.tracked(job).task.clone() {
            Some(task) => self.inspect(task, assignment),
            None => self.prepare(job),
        }
        Ok(None)
    }

    async fn attest(&mut self, job: u64, slot: u8, records: &Records) -> anyhow::Result<()> {
        let Some(finding) = self.finding(job, slot, Purpose::Slot(slot), records)? else { return Ok(()) };
        let market = self.deployed.market.clone();
        let step = format!("attest/{slot}");
        match finding.sealed_trace(self.objection(job, slot)) {
            Some(trace) => {
                let sealed = seal(&Native, finding.subject.job, finding.subject.segment, &trace, &self.me);
                self.journal.record(job, &step, sealed)?;
                if self.send(&market.attest(job, slot, sealed)).await?.is_some() {
                    tracing::info!(job, slot, segment = finding.subject.segment, "attested");
                }
            }
            None => {
                self.journal.record(job, &step, Hash::default())?;
                // Any piece will do, as long as the operator cannot foresee it.
                let (tensor, chunk) = (fastrand::u32(..), fastrand::u32(..));
                if self.send(&market.report_unavailable(job, slot, tensor, chunk)).await?.is_some() {
                    tracing::warn!(job, slot, "the checkpoint is not served; demanded a piece of it on chain");
                }
            }
        }
        Ok(())
    }

    /// Insists if a second replay finds the same: a verifier that insists and is
    /// wrong loses its whole bond, and memory has been known to flip bits.
    async fn insist(&mut self, job: u64, slot: u8, records: &Records) -> anyhow::Result<()> {
        let Some(first) = self.finding(job, slot, Purpose::Slot(slot), records)? else { return Ok(()) };
        let segment = first.subject.segment;
        let objection = self.objection(job, slot);
        let Some(trace) = first.sealed_trace(objection) else {
            bail!("slot {slot} was sealed, but the finding on disk says that nothing was served; not insisting")
        };
        let sealed = seal(&Native, first.subject.job, segment, &trace, &self.me);
        if records.slots.get(usize::from(slot)).and_then(|slot| slot.verifier_seal) != Some(sealed) {
            bail!(
                "slot {slot} was sealed with something else than what is found now; not insisting. Check this machine"
            )
        }
        let Some(second) = self.finding(job, slot, Purpose::Again(slot), records)? else { return Ok(()) };
        // What cannot be fetched any more says nothing against the first finding.
        if second.sealed_trace(objection).is_some_and(|again| again != trace) {
            bail!(
                "segment {segment} gave two different results on this machine; not insisting. Its memory or processor \
                 is faulty: do not verify with it"
            )
        }
        self.journal.record(job, &format!("insist/{slot}"), sealed)?;
        if self.send(&self.deployed.market.insist(job, slot, trace)).await?.is_some() {
            tracing::warn!(job, slot, segment, "insisted: {}", first.describe());
        }
        Ok(())
    }

    async fn panel_seal(&mut self, job: u64, slot: u8, records: &Records) -> anyhow::Result<()> {
        let Some(finding) = self.finding(job, slot, Purpose::Panel(slot), records)? else { return Ok(()) };
        let salt = records.view.dispute.as_ref().context("the job has no dispute")?.salt;
        let sealed =
            outcome_seal(&Native, finding.subject.job, finding.subject.segment, &finding.outcome(&salt), &self.me);
        self.journal.record(job, &format!("panel_seal/{slot}"), sealed)?;
        if self.send(&self.deployed.market.panel_seal(job, sealed)).await?.is_some() {
            tracing::info!(job, slot, "sealed the panel's finding");
        }
        Ok(())
    }

    async fn panel_reveal(&mut self, job: u64, slot: u8, records: &Records) -> anyhow::Result<()> {
        let Some(finding) = self.finding(job, slot, Purpose::Panel(slot), records)? else { return Ok(()) };
        let salt = records.view.dispute.as_ref().context("the job has no dispute")?.salt;
        let outcome = finding.outcome(&salt);
        let sealed = outcome_seal(&Native, finding.subject.job, finding.subject.segment, &outcome, &self.me);
        let seat = records.seats.iter().find(|seat| seat.verifier == self.me).context("the seat is gone")?;
        if seat.seal != Some(sealed) {
            bail!("the panel's seal holds something else than what is found now; not revealing")
        }
        self.journal.record(job, &format!("panel_reveal/{slot}"), sealed)?;
        if self.send(&self.deployed.market.panel_reveal(job, &outcome)).await?.is_some() {
            tracing::info!(job, slot, "revealed the panel's finding: {}", finding.describe());
        }
        Ok(())
    }

    /// Removes what a job that has ended left on disk. The data stays: the next
    /// job may use the same.
    fn clean(&self, job: u64, records: &Records) -> anyhow::Result<()> {
        self.findings.forget(job).context("cannot remove findings")?;
        let ends = records.view.ends.iter().map(|ends| ends.final_state);
        for root in ends.chain(records.slots.iter().filter_map(|slot| slot.before)) {
            self.cache.remove(Kind::State, &root)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::patience;

    #[test]
    fn the_last_fifth_of_a_window_is_kept_for_signing() {
        assert_eq!(patience(1000, 100), 980);
        assert_eq!(patience(10, 3), 10);
        assert_eq!(patience(5, 100), 0);
    }
}
