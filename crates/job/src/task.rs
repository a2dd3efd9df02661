//! A specification with its data and its program: what segments are run with.

use crate::{JobError, JobSpec, artefact};
use assay_data::{DataError, Files, Prepared};
use assay_engine::{
    Backend, Dataset, Program, Pulse, Sampler, Samples, Session, State, accuracy, salted_trace, split, train,
};
use assay_protocol::Hash;
use assay_protocol::commitment::{self, JobId};
use assay_protocol::hash::Native;

/// The trace root that an operator and its verifiers seal: over the pulses of a
/// segment's steps, its place, and the state root `after` it.
pub fn trace(job: JobId, segment: u32, after: &Hash, pulses: &[Pulse]) -> Hash {
    Hash(salted_trace(commitment::trace_salt(&Native, job, segment, after).0, pulses))
}

/// What running a segment gave.
#[derive(Clone, Debug, PartialEq)]
pub struct SegmentRun {
    /// The state after the segment.
    pub state: State,
    /// Loss and gradient norm of each of its steps.
    pub pulses: Vec<Pulse>,
}

impl SegmentRun {
    /// The state root after the segment.
    pub fn root(&self) -> Hash {
        Hash(self.state.root())
    }

    /// The segment's [`trace`].
    pub fn trace(&self, job: JobId, segment: u32) -> Hash {
        trace(job, segment, &self.root(), &self.pulses)
    }

    /// The trace root under a panel's salt.
    pub fn salted(&self, salt: &Hash) -> Hash {
        Hash(salted_trace(salt.0, &self.pulses))
    }
}

/// Most bytes of memory that a job's samples take.
pub const MAX_PREPARED_BYTES: u64 = 4 << 30;

/// How a model does on the samples that were held out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// Labels of held-out samples that it gives.
    pub right: u64,
    /// Labels of held-out samples: one each, or one for each of a text's tokens.
    pub labels: u64,
}

impl Evaluation {
    /// The share of right answers, 0 to 1.
    pub fn accuracy(&self) -> f64 {
        self.right as f64 / self.labels as f64
    }
}

/// A specification with its data and its programs.
#[derive(Clone, Debug)]
pub struct Task {
    spec: JobSpec,
    program: Program,
    forward: Program,
    data: Dataset,
    sampler: Sampler,
    held_out: Vec<u64>,
}

impl Task {
    /// Puts a specification and the files that its preparation names together.
    ///
    /// # Errors
    /// What [`JobSpec::compile`] refuses, [`JobError::Samples`] if the files are not what the preparation
    /// takes, [`JobError::Data`] or [`JobError::Engine`] if the samples do not fit.
    pub fn new(spec: JobSpec, files: &Files) -> Result<Self, JobError> {
        let prepared = spec.data.prepare.prepare(files, MAX_PREPARED_BYTES)?;
        Self::with_samples(spec, prepared)
    }

    /// Puts a specification and what its files have become together.
    ///
    /// # Errors
    /// As [`Task::new`].
    pub fn with_samples(spec: JobSpec, prepared: Prepared) -> Result<Self, JobError> {
        let program = spec.compile()?;
        let forward = spec.training.compile_forward()?;
        let root = prepared.root();
        if root != spec.data.prepared {
            return Err(JobError::OtherSamples { named: spec.data.prepared, prepared: root });
        }
        let data = dataset(prepared, spec.training.model.samples())?;
        let (training, held_out) = split(&spec.seed.0, data.rows(), u64::from(spec.data.held_out))?;
        let sampler = Sampler::new(&spec.seed.0, training, spec.training.batch)?;
        Ok(Self { spec, program, forward, data, sampler, held_out })
    }

    /// The specification alone.
    pub fn into_spec(self) -> JobSpec {
        self.spec
    }

    /// The specification.
    pub fn spec(&self) -> &JobSpec {
        &self.spec
    }

    /// The inference program.
    pub fn forward(&self) -> &Program {
        &self.forward
    }

    /// The state that the specification starts from.
    ///
    /// # Errors
    /// If the machine has not enough memory.
    pub fn initial_state(&self) -> Result<State, JobError> {
        Ok(State::init(&self.program, self.spec.seed.0)?)
    }

    /// Exact bytes of a checkpoint of this job.
    pub fn state_bytes(&self) -> u64 {
        self.program.state_layout().file_bytes()
    }

    /// Reads a checkpoint, and refuses it unless it has the state root `root`
    /// and stands at the beginning of `boundary`.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it.
    pub fn read_state(&self, bytes: &[u8], root: &Hash, boundary: u32) -> Result<State, String> {
        let state = State::from_bytes(bytes, &self.program.state_layout()).map_err(|error| error.to_string())?;
        if state.root() != root.0 {
            return Err(format!("its state root is {}", Hash(state.root())));
        }
        let step = self.spec.steps_of(boundary).start;
        if state.step() != step {
            return Err(format!("it stands at step {}, and boundary {boundary} is at step {step}", state.step()));
        }
        Ok(state)
    }

    /// A runner on `backend`, which keeps what it has prepared between segments.
    ///
    /// # Errors
    /// If the back end cannot run the program.
    pub fn runner<'a>(&'a self, backend: &'a dyn Backend) -> Result<Runner<'a>, JobError> {
        Ok(Runner { task: self, backend, session: Some(backend.prepare(&self.program)?) })
    }

    /// The model file of a final state.
    ///
    /// # Errors
    /// If the state is not of this job.
    pub fn artefact(&self, state: &State) -> Result<Vec<u8>, JobError> {
        artefact::write(state, &self.forward)
    }

    /// Judges a state, or a model read from its file, by the held-out samples.
    ///
    /// # Errors
    /// [`JobError::Data`] if the specification holds none out.
    pub fn evaluate(&self, backend: &dyn Backend, state: &State) -> Result<Evaluation, JobError> {
        if self.held_out.is_empty() {
            return Err(JobError::Data("the job holds no samples out to judge the model by".into()));
        }
        let right =
            at_most_twice(backend, || Ok(accuracy(backend, &self.forward, state, &self.data, &self.held_out)?))?;
        let labels = self.held_out.len() * self.data.labels_each();
        Ok(Evaluation { right, labels: labels as u64 })
    }
}

/// Samples as the model takes them.
fn dataset(prepared: Prepared, samples: Samples) -> Result<Dataset, JobError> {
    let misfit = |error: DataError| JobError::Data(error.to_string());
    Ok(match (prepared, samples) {
        (Prepared::Rows(rows), Samples::Features { width, classes }) => {
            rows.fit(width, classes).map_err(misfit)?;
            Dataset::from_features(width, rows.features, rows.labels)?
        }
        (Prepared::Tokens(tokens), Samples::Tokens { context, vocabulary }) => {
            tokens.fit(vocabulary, context).map_err(misfit)?;
            Dataset::from_tokens(tokens.tokens, context)?
        }
        (Prepared::Rows(_), Samples::Tokens { .. }) => {
            return Err(JobError::Data("the model takes text, and the data is a table or images".into()));
        }
        (Prepared::Tokens(_), Samples::Features { .. }) => {
            return Err(JobError::Data("the model takes features with a class, and the data is text".into()));
        }
    })
}

/// What `work` gives. If the machine fails in it, it is done again from the beginning, once.
fn at_most_twice<T>(backend: &dyn Backend, mut work: impl FnMut() -> Result<T, JobError>) -> Result<T, JobError> {
    match work() {
        Err(error) if error.is_of_machine() => {
            tracing::warn!(backend = backend.name(), "{error}; doing it again");
            work()
        }
        result => result,
    }
}

/// Runs segments of a task.
pub struct Runner<'a> {
    task: &'a Task,
    backend: &'a dyn Backend,
    /// None after a failure of the machine: what such a session holds is not to be used any more.
    session: Option<Box<dyn Session>>,
}

impl Runner<'_> {
    /// Runs `segment` from the state before it. `on_step` hears of every
    /// finished step, and stops the segment by returning `false`: then there is
    /// no result.
    ///
    /// If the machine fails in the middle (a GPU out of memory, or gone), the segment is
    /// done again from `from` in a session made anew, once; `on_step` then hears of its steps again,
    /// from the first on.
    ///
    /// # Errors
    /// [`JobError::Engine`] if a step gives something that is not a number or the machine failed
    /// twice, and [`JobError::Data`] if the state does not stand at the segment's beginning.
    pub fn run(
        &mut self,
        from: &State,
        segment: u32,
        mut on_step: impl FnMut(&Pulse) -> bool,
    ) -> Result<Option<SegmentRun>, JobError> {
        let steps = self.task.spec.steps_of(segment);
        if steps.is_empty() || from.step() != steps.start {
            return Err(JobError::Data(format!(
                "segment {segment} runs steps {}..{}, and the state stands at {}",
                steps.start,
                steps.end,
                from.step()
            )));
        }
        at_most_twice(self.backend, || {
            let mut session = match self.session.take() {
                Some(session) => session,
                None => self.backend.prepare(&self.task.program)?,
            };
            let run = steps_in(self.task, &mut *session, from, segment, &mut on_step);
            if !run.as_ref().is_err_and(JobError::is_of_machine) {
                self.session = Some(session);
            }
            run
        })
    }
}

/// The steps of a segment, in a session.
fn steps_in(
    task: &Task,
    session: &mut dyn Session,
    from: &State,
    segment: u32,
    on_step: &mut dyn FnMut(&Pulse) -> bool,
) -> Result<Option<SegmentRun>, JobError> {
    session.load(from)?;
    let mut pulses = Vec::new();
    for step in task.spec.steps_of(segment) {
        train::<JobError>(session, &task.data, &task.sampler, step + 1, |pulse| {
            pulses.push(pulse);
            Ok(())
        })?;
        if !on_step(pulses.last().expect("a step gives a pulse")) {
            return Ok(None);
        }
    }
    Ok(Some(SegmentRun { state: session.state()?, pulses }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::tests::{csv, example, files};
    use assay_engine::CpuBackend;
    use assay_protocol::Address;

    fn job(number: u64) -> JobId {
        JobId { market: Address([1; 20]), number }
    }

    fn task() -> Task {
        Task::new(example(10, 4), &files(&csv())).unwrap()
    }

    fn all(task: &Task, threads: usize) -> (Vec<Hash>, Vec<Hash>, State) {
        let backend = CpuBackend::new(threads).unwrap();
        let mut runner = task.runner(&backend).unwrap();
        let mut state = task.initial_state().unwrap();
        let (mut roots, mut traces) = (vec![Hash(state.root())], vec![]);
        for segment in 0..task.spec().segments() {
            let run = runner.run(&state, segment, |_| true).unwrap().unwrap();
            roots.push(run.root());
            traces.push(run.trace(job(1), segment));
            state = run.state;
        }
        (roots, traces, state)
    }

    #[test]
    fn a_job_has_the_same_bits_on_any_number_of_threads_and_from_any_checkpoint() {
        let task = task();
        let (roots, traces, last) = all(&task, 1);
        assert_eq!((roots.clone(), traces.clone()), {
            let (r, t, _) = all(&task, 3);
            (r, t)
        });
        let backend = CpuBackend::new(2).unwrap();
        let first = task.runner(&backend).unwrap().run(&task.initial_state().unwrap(), 0, |_| true).unwrap().unwrap();
        let read = task.read_state(&first.state.to_bytes(), &roots[1], 1).unwrap();
        let again = task.runner(&backend).unwrap().run(&read, 1, |_| true).unwrap().unwrap();
        assert_eq!((again.root(), again.trace(job(1), 1)), (roots[2], traces[1]));
        assert_ne!(again.trace(job(2), 1), traces[1], "another job has another trace root");
        let elsewhere = JobId { market: Address([2; 20]), number: 1 };
        assert_ne!(again.trace(elsewhere, 1), traces[1], "so has a job of another market");
        assert_eq!(last.step(), 10);
    }

    #[test]
    fn a_checkpoint_is_refused_for_any_wrong_byte_and_any_other_place() {
        let task = task();
        let state = task.initial_state().unwrap();
        let (bytes, root) = (state.to_bytes(), Hash(state.root()));
        assert_eq!(bytes.len() as u64, task.state_bytes());
        assert!(task.read_state(&bytes, &root, 1).unwrap_err().contains("boundary 1"));
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert!(task.read_state(&changed, &root, 0).is_err(), "byte {at}");
        }
        assert!(task.read_state(&bytes[..bytes.len() - 1], &root, 0).is_err());
        assert!(task.read_state(&[&bytes[..], &[0]].concat(), &root, 0).is_err());
    }

    #[test]
    fn the_artefact_is_a_function_of_the_state_and_holds_the_model() {
        let task = task();
        let (_, _, state) = all(&task, 1);
        let file = task.artefact(&state).unwrap();
        assert_eq!(file, task.artefact(&state).unwrap());
        let (header, metadata) = safetensors::SafeTensors::read_metadata(&file).unwrap();
        assert_eq!(header % 8, 0);
        let metadata = metadata.metadata().clone().unwrap();
        assert_eq!(metadata.len(), 2);
        assert_eq!(metadata["format"], "pt");
        assert_eq!(metadata[artefact::STATE_ROOT_KEY], Hash(state.root()).to_string());
        let model = artefact::read(&file, task.forward()).unwrap();
        for (name, _, data) in model.tensors() {
            assert_eq!(state.get(name).unwrap().1, data);
        }
        let backend = CpuBackend::new(1).unwrap();
        assert_eq!(task.evaluate(&backend, &model).unwrap(), task.evaluate(&backend, &state).unwrap());
        assert!(artefact::read(&file[..file.len() - 1], task.forward()).is_err());
    }

    #[test]
    fn a_segment_can_be_stopped_and_must_start_where_it_starts() {
        let task = task();
        let backend = CpuBackend::new(1).unwrap();
        let mut runner = task.runner(&backend).unwrap();
        let state = task.initial_state().unwrap();
        assert!(runner.run(&state, 0, |pulse| pulse.step < 1).unwrap().is_none());
        assert!(runner.run(&state, 1, |_| true).unwrap_err().to_string().contains("stands at 0"));
        assert!(runner.run(&state, 3, |_| true).is_err());
    }

    #[test]
    fn data_that_does_not_fit_is_refused() {
        // As its author would post it: with the root of what there is.
        let refused = |text: &str| {
            let mut spec = example(10, 4);
            let files = files(text);
            spec.data.prepared =
                spec.data.prepare.prepare(&files, 1 << 20).map(|samples| samples.root()).unwrap_or_default();
            Task::new(spec, &files).unwrap_err().to_string()
        };
        assert!(refused("1,2,0\n3,4,1\n").contains("2 features"));
        assert!(refused("1,2,3,4,0\n").contains("held out"));
        assert!(refused("1,2,3,4,0\n1,2,3,x,0\n").contains("row 2, column 4"));
        assert!(refused("1,2,3,4,0\n1,2,3,4,3\n").contains("row 2: the class is 3"));
        let other = Task::new(example(10, 4), &files("1,2,3,4,0\n")).unwrap_err();
        assert!(matches!(other, JobError::OtherSamples { .. }), "{other}");
        let mut text = example(10, 4);
        text.data.prepare = serde_json::from_str(r#"{ "text": { "files": ["data.csv"], "tokens": "byte" } }"#).unwrap();
        text.data.prepared = text.data.prepare.prepare(&files("abc"), 1 << 20).unwrap().root();
        assert!(Task::new(text, &files("abc")).unwrap_err().to_string().contains("takes features"));
    }

    #[test]
    fn a_text_trains_a_gpt_and_its_tokens_are_judged() {
        let training = serde_json::from_str(
            r#"{ "model": { "gpt": { "vocabulary": 256, "context": 8, "layers": 1, "heads": 2, "width": 8 } },
                 "optimiser": { "sgd": { "lr": 0.5, "momentum": 0.0, "weight_decay": 0.0 } },
                 "batch": 4 }"#,
        )
        .unwrap();
        let files = Files::from([("a.txt".to_owned(), b"la la la, ".repeat(40))]);
        let prepare: assay_data::Preparation =
            serde_json::from_str(r#"{ "text": { "files": ["a.txt"], "tokens": "byte" } }"#).unwrap();
        let data = crate::DataSpec::new(Hash([5; 32]), prepare, &files, 5).unwrap();
        let task = Task::new(JobSpec::new(training, data, Hash([6; 32]), 60, 30).unwrap(), &files).unwrap();
        let backend = CpuBackend::new(1).unwrap();
        let before = task.evaluate(&backend, &task.initial_state().unwrap()).unwrap();
        let mut runner = task.runner(&backend).unwrap();
        let first = runner.run(&task.initial_state().unwrap(), 0, |_| true).unwrap().unwrap();
        let last = runner.run(&first.state, 1, |_| true).unwrap().unwrap();
        let after = task.evaluate(&backend, &last.state).unwrap();
        assert_eq!((before.labels, after.labels), (40, 40));
        assert!(after.right > before.right + 8, "{before:?} {after:?}");
    }
}
