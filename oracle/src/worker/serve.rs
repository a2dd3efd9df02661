//! What follows the commitment: demands, openings, traces.

use super::train::Work;
use super::{Ended, Worker};
use crate::steps;
use anyhow::Context as _;
use assay_content::Kind;
use assay_job::state_leaf;
use assay_protocol::market::{self, Answer, Demand, JobView, State, Wanted};

impl Worker {
    /// Answers what is demanded of the job on chain.
    pub(super) async fn answer_demands(&mut self, job: &JobView) -> anyhow::Result<()> {
        let demands = self.context.market().demands(self.id).await?;
        if demands.is_empty() || !self.finish(job).await? {
            return Ok(());
        }
        for demand in demands {
            let Some(answer) = self.answer(job, &demand).await? else { return Ok(()) };
            let call = self.context.market().answer(self.id, demand.number, &answer);
            match call.execute(&self.context.signer).await {
                Ok(receipt) => self.say(&format!("answered the demand of {}", demand.by), &receipt),
                // Anybody who has the data may answer.
                Err(error) if matches!(error.refusal(), Some(market::Error::UnknownDemand(_))) => {
                    tracing::debug!(job = self.id, demand = demand.number, "answered by somebody else");
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// What a demand asks for; `None` if the process is to stop.
    async fn answer(&mut self, job: &JobView, demand: &Demand) -> anyhow::Result<Option<Answer>> {
        let boundaries = job.terms.segments + 1;
        let (boundary, tensor, chunk) = match demand.wanted {
            Wanted::Boundary { index } => {
                return Ok(Some(Answer::Boundary(self.commitments().opening(index % boundaries))));
            }
            Wanted::Leaf { boundary, tensor, chunk } => (boundary, tensor, chunk),
        };
        let task = self.task(job).await.context("the job's inputs are needed to answer a demand")?;
        if !self.work(job, Work::Repair(vec![boundary])).await? {
            return Ok(None);
        }
        let root = self.progress().states()[boundary as usize];
        let content = self.context.content.clone();
        let leaf = tokio::task::spawn_blocking(move || -> anyhow::Result<_> {
            let bytes = content.get(Kind::State, &root)?.context("the checkpoint has just been there")?;
            let state = task.read_state(&bytes, &root, boundary).map_err(anyhow::Error::msg)?;
            state_leaf(&state, tensor, chunk).context("a state without tensors has no chunks")
        });
        Ok(Some(Answer::Leaf(leaf.await??)))
    }

    /// What follows the draw: opens leaves, reveals traces, and sees to it that
    /// the checkpoints are there for those who ask.
    pub(super) async fn serve(&mut self, job: &JobView) -> anyhow::Result<Option<Ended>> {
        if self.repaired && !matches!(job.job.state, State::Drawn | State::Attested) {
            return Ok(None);
        }
        if !self.finish(job).await? {
            return Ok(None);
        }
        let commitments = self.commitments();
        let committed = job.commitment.as_ref().map(|commitment| commitment.root);
        if committed != Some(commitments.root()) {
            return Ok(Some(Ended::LeftAlone(format!(
                "the chain has the commitment {}, and the work in {} gives {}; restore the data folder that it was made in",
                committed.unwrap_or_default(),
                self.context.folder.display(),
                commitments.root()
            ))));
        }
        let slots = self.context.market().slots(self.id).await?;
        if !self.repaired && self.task(job).await.is_some() {
            let boundaries = steps::served_boundaries(&slots, job.terms.segments);
            if !self.work(job, Work::Repair(boundaries)).await? {
                return Ok(None);
            }
        }
        self.repaired = true;
        match job.job.state {
            State::Drawn => {
                // From the opening on, verifiers ask for checkpoints.
                self.context.keep_endpoint().await?;
                let artefact = self.progress().artefact().expect("a finished training has a model");
                let open = job.ends.is_some();
                for batch in steps::openings(&commitments, artefact, job.terms.segments, open, &slots) {
                    if let Some(ends) = &batch.ends {
                        self.context.record(self.id, "open-ends", ends)?;
                    }
                    for opening in &batch.slots {
                        self.context.record(self.id, &format!("open-{}", opening.slot), opening)?;
                    }
                    let receipt = self.context.market().open(self.id, &batch).execute(&self.context.signer).await?;
                    self.say(&format!("opened {} drawn segments", batch.slots.len()), &receipt);
                }
            }
            State::Attested => {
                let traces = steps::traces(self.progress().traces(), &slots);
                for trace in &traces {
                    self.context.record(self.id, &format!("trace-{}", trace.slot), trace)?;
                }
                let revealed = self.context.market().reveal_traces(self.id, &traces);
                let receipt = revealed.execute(&self.context.signer).await?;
                self.say(&format!("revealed {} trace roots", traces.len()), &receipt);
            }
            _ => {}
        }
        Ok(None)
    }
}
