//! The training, and what it may fail of.

use super::{Ended, PROGRESS_FILE, Worker};
use crate::context::Context;
use crate::prepare;
use crate::progress::{Progress, Subject};
use crate::steps;
use crate::training::{Training, TrainingError};
use anyhow::Context as _;
use assay_client::{Amount, Blocks};
use assay_engine::EngineError;
use assay_job::{Commitments, JobError, Task};
use assay_protocol::market::{JobView, State};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// How often in a row the machine may fail at a segment before the job is handed back.
const FAILURES: u32 = 5;

/// What a training is asked for.
pub(super) enum Work {
    /// To be finished.
    Finish,
    /// To have the checkpoints of these boundaries.
    Repair(Vec<u32>),
}

/// Failures of the machine in a row.
#[derive(Debug, Default)]
pub(super) struct Failures {
    /// Segments that were done before the last one.
    done: usize,
    count: u32,
}

impl Failures {
    /// The machine has failed with so many segments `done`. Whether that is often enough to give up.
    fn are_enough(&mut self, done: usize) -> bool {
        self.count = if done > self.done { 1 } else { self.count + 1 };
        self.done = done;
        self.count >= FAILURES
    }
}

/// Sets a flag when it goes, so that a thread that waits for it ends too.
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Worker {
    /// Trains what is left and commits to it. A job that cannot be done, or not by this machine, is handed back.
    pub(super) async fn train_and_commit(&mut self, job: &JobView) -> anyhow::Result<Option<Ended>> {
        match self.finish(job).await {
            Ok(true) => {}
            Ok(false) => return Ok(None),
            Err(error) if cannot_be_done(&error) => {
                return self.hand_back(job, &error, "the job cannot be done as it was posted; handing it back").await;
            }
            Err(error) if of_job(&error).is_some_and(JobError::is_of_machine) => {
                let done = self.progress.as_ref().map_or(0, |progress| progress.traces().len());
                if !self.failures.are_enough(done) {
                    return Err(error);
                }
                let what = "this machine keeps failing; handing the job back, which costs less than to be late";
                return self.hand_back(job, &error, what).await;
            }
            Err(error) => return Err(error),
        }
        let commitments = self.commitments();
        let commit = steps::commit(&commitments);
        // Audits of segments that are not drawn need them: the chain keeps the root only.
        self.context.content.put_leaves(&commitments.root(), &commitments.to_bytes())?;
        self.context.record(self.id, "commit", &commit)?;
        let receipt = self.context.market().commit(self.id, &commit).execute(&self.context.signer).await?;
        self.say("committed", &receipt);
        Ok(None)
    }

    /// Gives the job back, saying why.
    async fn hand_back(&self, job: &JobView, error: &anyhow::Error, why: &str) -> anyhow::Result<Option<Ended>> {
        let unit = self.context.chain().unit();
        tracing::error!(
            job = self.id,
            error = format!("{error:#}"),
            price = %unit.show(Amount(job.terms.hand_back)),
            "{why}"
        );
        let receipt = self.context.market().hand_back(self.id).execute(&self.context.signer).await?;
        self.say("handed back", &receipt);
        Ok(Some(Ended::HandedBack))
    }

    pub(super) fn progress(&self) -> &Progress {
        self.progress.as_ref().expect("there is progress once the training is finished")
    }

    pub(super) fn commitments(&self) -> Commitments {
        let progress = self.progress();
        Commitments::new(
            self.context.market().job_id(self.id),
            &self.context.operator(),
            progress.states(),
            progress.traces(),
        )
    }

    /// The task, if its inputs can be had; else the log says why not.
    pub(super) async fn task(&mut self, job: &JobView) -> Option<Arc<Task>> {
        if self.task.is_none() {
            match prepare::task(&self.context, job).await {
                Ok(task) => self.task = Some(task),
                Err(error) => {
                    tracing::warn!(job = self.id, error = format!("{error:#}"), "the job's inputs cannot be had");
                }
            }
        }
        self.task.clone()
    }

    /// Finishes the training. `false` if it was stopped before.
    pub(super) async fn finish(&mut self, job: &JobView) -> anyhow::Result<bool> {
        if self.trained {
            return Ok(true);
        }
        if self.progress.is_none() {
            let folder = self.context.job_folder(self.id);
            std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
            let operator = self.context.operator();
            let subject = Subject { job: self.context.market().job_id(self.id), spec: job.terms.spec, operator };
            let path = folder.join(PROGRESS_FILE);
            self.progress = Some(tokio::task::spawn_blocking(move || Progress::open(&path, subject)).await??);
        }
        if self.task(job).await.is_none() {
            // Finished work needs no inputs to be committed and opened.
            let progress = self.progress();
            let complete = progress.traces().len() == job.terms.segments as usize && progress.artefact().is_some();
            if !complete {
                anyhow::bail!("the training cannot go on without the job's inputs");
            }
            self.trained = true;
        } else {
            self.trained = self.work(job, Work::Finish).await?;
        }
        Ok(self.trained)
    }

    /// Works in a thread of its own until it is done, or the process is to stop,
    /// or the chain shows that it is of no use any more: then `false`.
    pub(super) async fn work(&mut self, job: &JobView, work: Work) -> anyhow::Result<bool> {
        let task = self.task.clone().context("the job's inputs are missing")?;
        let mut progress = self.progress.take().context("the job's progress is missing")?;
        let stop = Arc::new(AtomicBool::new(false));
        let _stop_on_drop = StopOnDrop(stop.clone());
        let (context, flag) = (self.context.clone(), stop.clone());
        let id = self.id;
        let mut thread = tokio::task::spawn_blocking(move || {
            let done = task.spec().steps_of(progress.traces().len() as u32).start;
            let meter = context.meters.meter(id, done, task.spec().steps);
            let training = Training {
                task: &task,
                backend: &*context.backend,
                trainer: &*context.trainer,
                store: &context.content,
                stop: &flag,
                meter: &meter,
            };
            let result: Result<bool, TrainingError> = match work {
                Work::Finish => training.finish(&mut progress),
                Work::Repair(boundaries) => training.repair(&progress, &boundaries),
            };
            (progress, result)
        });
        let shutdown = self.context.shutdown.clone();
        let mut blocks = self.context.chain().blocks();
        let mut watching = true;
        loop {
            tokio::select! {
                done = &mut thread => {
                    // If the thread panicked, the progress is read from disk again.
                    self.trained &= done.is_ok();
                    let (progress, result) = done?;
                    self.progress = Some(progress);
                    return Ok(result?);
                }
                () = shutdown.wait(), if !stop.load(Ordering::Relaxed) => stop.store(true, Ordering::Relaxed),
                still = still_of_use(&self.context, &mut blocks, job), if watching => match still {
                    Ok(true) => {}
                    Ok(false) => {
                        tracing::info!(job = id, "the chain has moved on; stopping the work on it");
                        stop.store(true, Ordering::Relaxed);
                        watching = false;
                    }
                    // The work may be wanted when the node is back.
                    Err(error) => {
                        tracing::warn!(job = id, error = format!("{error:#}"), "cannot watch the chain; working on");
                        watching = false;
                    }
                },
            }
        }
    }
}

/// What went wrong with the job itself.
fn of_job(error: &anyhow::Error) -> Option<&JobError> {
    error.downcast_ref().or_else(|| match error.downcast_ref()? {
        TrainingError::Job(error) => Some(error),
        _ => None,
    })
}

/// Whether a training failed by what the job itself is: on every machine, and every time.
pub(super) fn cannot_be_done(error: &anyhow::Error) -> bool {
    matches!(of_job(error), Some(JobError::Engine(EngineError::Element { .. })))
}

/// At the next block: whether the work on `job` can still be used.
async fn still_of_use(context: &Context, blocks: &mut Blocks, job: &JobView) -> anyhow::Result<bool> {
    let block = blocks.next().await?;
    let now = context.chain().time_at(block.hash).await?;
    let Some(current) = context.market().job(job.id).await? else { return Ok(false) };
    let late = current.job.state == State::Claimed && now > current.job.deadline;
    Ok(current.job.operator == Some(context.operator()) && !current.job.state.is_terminal() && !late)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_that_fails_at_one_segment_again_and_again_is_given_up() {
        let mut failures = Failures::default();
        assert!((1..FAILURES).all(|_| !failures.are_enough(0)));
        // It got on, so it may get on again.
        assert!((1..FAILURES).all(|_| !failures.are_enough(1)));
        assert!(failures.are_enough(1));
        let gone = TrainingError::from(JobError::from(EngineError::Machine("the GPU is gone".into())));
        assert!(of_job(&gone.into()).is_some_and(JobError::is_of_machine));
        assert!(!of_job(&JobError::Data("no rows".into()).into()).is_some_and(JobError::is_of_machine));
    }

    #[test]
    fn only_what_no_machine_can_do_is_handed_back_at_once() {
        let runs_away = EngineError::Element {
            step: 3,
            op: 1,
            name: "map",
            output: "loss".into(),
            problem: assay_engine::ElementError::NonFinite { index: 0, bits: f32::INFINITY.to_bits() },
        };
        assert!(cannot_be_done(&anyhow::Error::from(TrainingError::from(JobError::from(runs_away)))));
        let machine = EngineError::Machine("no memory".into());
        assert!(!cannot_be_done(&anyhow::Error::from(TrainingError::from(JobError::from(machine)))));
        assert!(!cannot_be_done(&anyhow::anyhow!("the node is away")));
    }
}
