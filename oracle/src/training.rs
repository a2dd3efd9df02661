//! Training with checkpoints: carries on from whatever is on disk and good.

use crate::meter::Meter;
use crate::progress::{Progress, ProgressError};
use crate::trainer::Trainer;
use assay_content::{Kind, Store, StoreError};
use assay_engine::{Backend, State};
use assay_job::{JobError, Runner, Task};
use assay_protocol::Hash;
use assay_protocol::hash::{Native, Sha256};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long a trial runs, beyond its first step.
const TRIAL: Duration = Duration::from_millis(500);

/// Why a training stopped.
#[derive(Debug, thiserror::Error)]
pub enum TrainingError {
    /// The progress file.
    #[error(transparent)]
    Progress(#[from] ProgressError),
    /// The checkpoints' folder.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The job itself.
    #[error(transparent)]
    Job(#[from] JobError),
    /// Doing a segment again gave something else.
    #[error(
        "segment {segment} done again ends in {found}, and {recorded} is on record; \
         was the software changed in the middle of the job? Run the version that began it"
    )]
    Differs {
        /// The segment.
        segment: u32,
        /// What was recorded.
        recorded: Hash,
        /// What came out now.
        found: Hash,
    },
}

/// A job's training, on this machine.
pub struct Training<'a> {
    /// What is trained.
    pub task: &'a Task,
    /// What it runs on.
    pub backend: &'a dyn Backend,
    /// Who does the segments.
    pub trainer: &'a dyn Trainer,
    /// Where checkpoints and the model's file are kept.
    pub store: &'a Store,
    /// Set to stop after the current step.
    pub stop: &'a AtomicBool,
    /// Who watches.
    pub meter: &'a Meter,
}

impl Training<'_> {
    /// Trains what is left of the job, keeps a checkpoint at every boundary and
    /// the model's file at the end. `false` if it was stopped before the end;
    /// what was finished by then is kept.
    ///
    /// # Errors
    /// [`TrainingError`].
    pub fn finish(&self, progress: &mut Progress) -> Result<bool, TrainingError> {
        let (boundary, mut state) = self.resume(progress)?;
        let segments = self.task.spec().segments();
        if boundary < segments {
            let mut runner = self.task.runner(self.backend)?;
            for segment in boundary..segments {
                let Some(run) = self.segment(&mut runner, &state, segment)? else { return Ok(false) };
                // The record comes last: it says that the checkpoint is there.
                let root = run.root();
                self.keep(&root, &run.state, segment + 1)?;
                progress.segment(root, run.pulses)?;
                tracing::debug!(segment, %root, "segment done");
                state = run.state;
            }
        }
        let file = self.task.artefact(&state)?;
        let artefact = Native.sha256(&file);
        if self.store.get(Kind::Blob, &artefact)?.is_none_or(|bytes| bytes != file) {
            self.store.remove(Kind::Blob, &artefact)?;
            self.store.put_blob(&file)?;
        }
        if progress.artefact() != Some(artefact) {
            progress.rewind(Some(segments))?;
            progress.finish(artefact)?;
        }
        Ok(true)
    }

    /// Makes sure that the checkpoints of these `boundaries` of a finished
    /// training are there and right, doing segments again where they are not.
    /// `false` if it was stopped before.
    ///
    /// # Errors
    /// [`TrainingError`].
    pub fn repair(&self, progress: &Progress, boundaries: &[u32]) -> Result<bool, TrainingError> {
        for boundary in boundaries {
            if self.load(progress, *boundary)?.is_some() {
                continue;
            }
            tracing::warn!(boundary, "the checkpoint is missing or damaged; doing it again");
            let (mut at, mut state) = self.last_good(progress, *boundary)?;
            let mut runner = self.task.runner(self.backend)?;
            while at < *boundary {
                let Some(run) = self.segment(&mut runner, &state, at)? else { return Ok(false) };
                let (found, recorded) = (run.root(), progress.states()[at as usize + 1]);
                if found != recorded {
                    return Err(TrainingError::Differs { segment: at, recorded, found });
                }
                at += 1;
                self.keep(&found, &run.state, at)?;
                state = run.state;
            }
        }
        Ok(true)
    }

    fn segment(
        &self,
        runner: &mut Runner<'_>,
        from: &State,
        segment: u32,
    ) -> Result<Option<assay_job::SegmentRun>, TrainingError> {
        if self.stop.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let mut on_step = |pulse: &assay_engine::Pulse| {
            self.meter.step(pulse);
            !self.stop.load(Ordering::Relaxed)
        };
        Ok(self.trainer.segment(self.task, runner, from, segment, &mut on_step)?)
    }

    /// The last boundary whose checkpoint is good, with its state. The progress
    /// is rewound to it.
    fn resume(&self, progress: &mut Progress) -> Result<(u32, State), TrainingError> {
        let initial = self.task.initial_state()?;
        let root = Hash(initial.root());
        if progress.states().first().is_some_and(|recorded| *recorded != root) {
            tracing::warn!("the progress on disk starts from another state; starting anew");
            progress.rewind(None)?;
        }
        if progress.states().len() > self.task.spec().segments() as usize + 1 {
            progress.rewind(Some(self.task.spec().segments()))?;
        }
        self.keep(&root, &initial, 0)?;
        if progress.states().is_empty() {
            progress.start(root)?;
            return Ok((0, initial));
        }
        let last = progress.states().len() as u32 - 1;
        let (boundary, state) = self.last_good(progress, last)?;
        if boundary < last {
            tracing::warn!(boundary, "later checkpoints are missing or damaged; carrying on from here");
            progress.rewind(Some(boundary))?;
        } else if last > 0 {
            tracing::info!(boundary, "carrying on from the last checkpoint");
        }
        Ok((boundary, state))
    }

    /// The last boundary up to `boundary` whose checkpoint is good. The initial
    /// state always is: it follows from the specification.
    fn last_good(&self, progress: &Progress, boundary: u32) -> Result<(u32, State), TrainingError> {
        for at in (1..=boundary).rev() {
            if let Some(state) = self.load(progress, at)? {
                return Ok((at, state));
            }
        }
        Ok((0, self.task.initial_state()?))
    }

    fn load(&self, progress: &Progress, boundary: u32) -> Result<Option<State>, TrainingError> {
        self.read(&progress.states()[boundary as usize], boundary)
    }

    /// A checkpoint, if it is there and right. A damaged one is removed, so that
    /// nobody is served it.
    fn read(&self, root: &Hash, boundary: u32) -> Result<Option<State>, TrainingError> {
        let Some(bytes) = self.store.get(Kind::State, root)? else { return Ok(None) };
        match self.task.read_state(&bytes, root, boundary) {
            Ok(state) => Ok(Some(state)),
            Err(reason) => {
                tracing::warn!(%root, boundary, reason, "a checkpoint on disk is damaged");
                self.store.remove(Kind::State, root)?;
                Ok(None)
            }
        }
    }

    fn keep(&self, root: &Hash, state: &State, boundary: u32) -> Result<(), TrainingError> {
        if self.read(root, boundary)?.is_none() {
            self.store.put_state(root, &state.to_bytes())?;
        }
        Ok(())
    }
}

/// Seconds that a step of `task` takes here, from a short trial.
///
/// # Errors
/// If the task does not run here.
pub fn trial(task: &Task, backend: &dyn Backend) -> Result<f64, JobError> {
    let mut runner = task.runner(backend)?;
    let state = task.initial_state()?;
    let (begun, mut warm, mut steps) = (Instant::now(), None, 0u32);
    runner.run(&state, 0, |_| {
        // The first step also pays for what later ones find ready.
        let warm = *warm.get_or_insert_with(Instant::now);
        steps += 1;
        warm.elapsed() < TRIAL
    })?;
    Ok(match warm {
        Some(warm) if steps > 1 => warm.elapsed().as_secs_f64() / f64::from(steps - 1),
        _ => begun.elapsed().as_secs_f64(),
    })
}
