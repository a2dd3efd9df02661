//! A dishonest trainer, for demonstrations and tests: it skips some segments and
//! makes up the states and pulses, or says that the numbers run away. Everything
//! else it does as an honest operator.

use assay_engine::{ElementError, EngineError, Pulse, State};
use assay_job::{JobError, Runner, SegmentRun, Task};
use assay_oracle::Trainer;

/// Which segments are made up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Skip {
    /// The last of every so many.
    Every(u32),
    /// This share of all, from 0 to 1, evenly spread.
    Share(f64),
}

impl Skip {
    /// Whether a segment is made up.
    pub fn skips(self, segment: u32) -> bool {
        match self {
            Skip::Every(count) => count > 0 && (segment + 1).is_multiple_of(count),
            Skip::Share(share) => {
                let upto = |segments: u32| (f64::from(segments) * share.clamp(0.0, 1.0)).floor();
                upto(segment + 1) > upto(segment)
            }
        }
    }
}

/// Makes up the segments that `skip` names, and trains the others.
#[derive(Clone, Copy, Debug)]
pub struct Cheat {
    /// Which segments are made up.
    pub skip: Skip,
    /// The segment in which it gets to a number that is none, as jobs do whose
    /// learning rate is too high.
    pub runs_away_in: Option<u32>,
}

impl Trainer for Cheat {
    fn segment(
        &self,
        task: &Task,
        runner: &mut Runner<'_>,
        from: &State,
        segment: u32,
        on_step: &mut dyn FnMut(&Pulse) -> bool,
    ) -> Result<Option<SegmentRun>, JobError> {
        if self.runs_away_in == Some(segment) {
            let problem = ElementError::NonFinite { index: 0, bits: f32::INFINITY.to_bits() };
            let step = task.spec().steps_of(segment).start;
            return Err(EngineError::Element { step, op: 0, name: "map", output: "loss".into(), problem }.into());
        }
        if !self.skip.skips(segment) {
            return runner.run(from, segment, on_step);
        }
        tracing::info!(segment, "making this segment up");
        let run = made_up(task, from, segment)?;
        let going = run.pulses.iter().all(on_step);
        Ok(going.then_some(run))
    }
}

/// A state and pulses that look like a segment's and cost nothing: the state
/// before it with a little noise, and a falling loss.
///
/// The same for the same arguments, so that a crash does not give the cheat away.
fn made_up(task: &Task, from: &State, segment: u32) -> Result<SegmentRun, JobError> {
    let steps = task.spec().steps_of(segment);
    let mut random = fastrand::Rng::with_seed(u64::from(segment));
    let data = from
        .tensors()
        .map(|(_, _, values)| values.iter().map(|value| value * (1.0 + 1e-4 * (random.f32() - 0.5))).collect())
        .collect();
    let state = State::from_parts(steps.end, from.layout().clone(), data)?;
    let pulses = steps
        .map(|step| Pulse {
            step,
            loss: ((0.1 + random.f32()) / (1.0 + step as f32 / 100.0)).into(),
            grad_norm: (0.05 + random.f32()).into(),
        })
        .collect();
    Ok(SegmentRun { state, pulses })
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_data::{Csv, Files};
    use assay_engine::CpuBackend;
    use assay_job::{DataSpec, JobSpec};
    use assay_oracle::Honest;
    use assay_protocol::Address;
    use assay_protocol::commitment::JobId;

    #[test]
    fn skips_what_it_is_told_to() {
        let skipped = |skip: Skip| (0..12).filter(|segment| skip.skips(*segment)).collect::<Vec<_>>();
        assert_eq!(skipped(Skip::Every(4)), [3, 7, 11]);
        assert!(skipped(Skip::Every(0)).is_empty());
        assert_eq!(skipped(Skip::Share(0.25)), [3, 7, 11]);
        assert_eq!(skipped(Skip::Share(1.0)).len(), 12);
        assert!(skipped(Skip::Share(0.0)).is_empty());
    }

    fn task() -> Task {
        let model = assay_engine::ModelSpec::Mlp(assay_engine::Mlp {
            inputs: 2,
            hidden: vec![4],
            classes: 2,
            activation: assay_engine::Activation::Relu,
        });
        let optimiser =
            assay_engine::OptimiserSpec::Sgd { lr: 0.5.into(), momentum: 0.5.into(), weight_decay: 0.0.into() };
        let training = assay_engine::TrainingSpec::new(model, optimiser, 2);
        let csv: String = (0..10).map(|row| format!("{},{},{}\n", row % 4, row % 3, row % 2)).collect();
        let files = Files::from([("a.csv".to_owned(), csv.into_bytes())]);
        let data = DataSpec::new(Default::default(), Csv::plain("a.csv", 4.0), &files, 2).unwrap();
        let spec = JobSpec::new(training, data, Default::default(), 8, 2).unwrap();
        Task::new(spec, &files).unwrap()
    }

    #[test]
    fn a_made_up_segment_looks_like_one_and_is_none() {
        let task = task();
        let backend = CpuBackend::new(1).unwrap();
        let mut runner = task.runner(&backend).unwrap();
        let from = task.initial_state().unwrap();
        let cheat = Cheat { skip: Skip::Every(1), runs_away_in: None };
        let mut run =
            |trainer: &dyn Trainer| trainer.segment(&task, &mut runner, &from, 0, &mut |_| true).unwrap().unwrap();
        let (honest, false_one) = (run(&Honest), run(&cheat));
        assert_ne!(honest.root(), false_one.root());
        let job = JobId { market: Address([1; 20]), number: 1 };
        assert_ne!(honest.trace(job, 0), false_one.trace(job, 0));
        assert_eq!(false_one, run(&cheat), "the same again after a crash");
        // The next segment can be trained from it, and its checkpoint is well formed.
        let read = task.read_state(&false_one.state.to_bytes(), &false_one.root(), 1).unwrap();
        let honest_next = Cheat { skip: Skip::Every(9), runs_away_in: Some(2) };
        assert!(honest_next.segment(&task, &mut runner, &read, 1, &mut |_| true).unwrap().is_some());
        assert!(honest_next.segment(&task, &mut runner, &read, 2, &mut |_| true).is_err());
        let steps: Vec<u64> = false_one.pulses.iter().map(|pulse| pulse.step).collect();
        assert_eq!(steps, [0, 1]);
    }
}
