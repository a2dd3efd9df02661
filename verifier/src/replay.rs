//! Replaying a segment, and judging the ends of a commitment.

use assay_engine::{Backend, EngineError, Pulse, State};
use assay_job::{JobError, SegmentRun, Task};
use assay_protocol::Hash;
use assay_protocol::hash::{Native, Sha256};
use std::time::{Duration, Instant};

/// How long a trial lasts.
const TRIAL: Duration = Duration::from_secs(1);

/// How a replay ended.
#[derive(Clone, Debug)]
pub enum Replay {
    /// All steps were done.
    Done(SegmentRun),
    /// A step gives something that is not a number, on every machine.
    Broken {
        /// The pulses of the steps before it.
        pulses: Vec<Pulse>,
        /// Which element, and what it is.
        reason: String,
    },
    /// It was asked to stop.
    Stopped,
}

/// Replays `segment` from the state before it. `on_step` hears of every step and
/// stops the replay by returning `false`. Takes as long as the segment.
///
/// # Errors
/// What is wrong with this machine or the arguments; never with the operator's work.
pub fn replay(
    task: &Task,
    backend: &dyn Backend,
    from: &State,
    segment: u32,
    mut on_step: impl FnMut(&Pulse) -> bool,
) -> Result<Replay, JobError> {
    let first = task.spec().steps_of(segment).start;
    let mut pulses = Vec::new();
    let run = task.runner(backend)?.run(from, segment, |pulse| {
        // A segment may have been begun again.
        pulses.truncate((pulse.step - first) as usize);
        pulses.push(*pulse);
        on_step(pulse)
    });
    match run {
        Ok(Some(run)) => Ok(Replay::Done(run)),
        Ok(None) => Ok(Replay::Stopped),
        Err(JobError::Engine(error @ EngineError::Element { .. })) => {
            Ok(Replay::Broken { pulses, reason: error.to_string() })
        }
        Err(error) => Err(error),
    }
}

/// Seconds that a step of `task` takes here, from a trial of about a second.
///
/// # Errors
/// If the task does not run here.
pub fn trial(task: &Task, backend: &dyn Backend) -> Result<f64, JobError> {
    let start = task.initial_state()?;
    let begun = Instant::now();
    let (mut first, mut steps) = (None, 0u32);
    let run = task.runner(backend)?.run(&start, 0, |_| {
        // The first step also pays for what later ones find ready.
        let first = *first.get_or_insert_with(Instant::now);
        steps += 1;
        first.elapsed() < TRIAL
    });
    match run {
        // A step that gives no number ends a replay too.
        Ok(_) | Err(JobError::Engine(EngineError::Element { .. })) => {}
        Err(error) => return Err(error),
    }
    Ok(match first {
        Some(first) if steps > 1 => first.elapsed().as_secs_f64() / f64::from(steps - 1),
        _ => begun.elapsed().as_secs_f64(),
    })
}

/// The SHA-256 of the model file that `state` gives.
///
/// # Errors
/// If the state is not of this job.
pub fn artefact_hash(task: &Task, state: &State) -> Result<Hash, JobError> {
    Ok(Native.sha256(&task.artefact(state)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{files, spec, task};
    use assay_engine::CpuBackend;

    #[test]
    fn a_replay_gives_what_training_gave_and_can_be_stopped() {
        let task = task(8, 4);
        let backend = CpuBackend::new(1).unwrap();
        let start = task.initial_state().unwrap();
        let first = task.runner(&backend).unwrap().run(&start, 0, |_| true).unwrap().unwrap();
        match replay(&task, &CpuBackend::new(3).unwrap(), &start, 0, |_| true).unwrap() {
            Replay::Done(run) => assert_eq!(run, first),
            other => panic!("{other:?}"),
        }
        assert!(matches!(replay(&task, &backend, &start, 0, |pulse| pulse.step < 1).unwrap(), Replay::Stopped));
        assert!(replay(&task, &backend, &start, 1, |_| true).is_err());
    }

    #[test]
    fn numbers_that_run_away_are_a_finding_and_not_a_failure() {
        let mut spec = spec(8, 4);
        // A rate at which the weights leave the range of numbers within a few steps.
        spec.training = serde_json::from_str(
            r#"{ "model": { "mlp": { "inputs": 4, "hidden": [8], "classes": 3, "activation": "relu" } },
                 "optimiser": { "sgd": { "lr": 1e30, "momentum": 0.5, "weight_decay": 0.0 } }, "batch": 4 }"#,
        )
        .unwrap();
        spec.program = Hash(spec.training.compile().unwrap().hash());
        let task = Task::new(spec, &files()).unwrap();
        let start = task.initial_state().unwrap();
        let run = || replay(&task, &CpuBackend::new(1).unwrap(), &start, 0, |_| true).unwrap();
        match (run(), run()) {
            (Replay::Broken { pulses, reason }, Replay::Broken { pulses: again, .. }) => {
                assert!(!reason.is_empty());
                assert_eq!(pulses, again);
            }
            other => panic!("{other:?}"),
        }
    }
}
