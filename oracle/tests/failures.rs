//! Machines that fail in the middle of a segment: it is done again, with the same bits, or not at all.

use assay_content::Store;
use assay_cuda::FallBack;
use assay_data::{Csv, Files};
use assay_engine::{Backend, CpuBackend, EngineError, Input, Program, Pulse, Session, State, Tensor};
use assay_job::{DataSpec, JobSpec, Task};
use assay_oracle::meter::Meters;
use assay_oracle::progress::{Progress, Subject};
use assay_oracle::training::{Training, TrainingError};
use assay_oracle::{Honest, Trainer};
use assay_protocol::commitment::JobId;
use assay_protocol::{Address, Hash};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

/// Steps of the job, and of its segments.
const STEPS: (u64, u32) = (7, 3);

fn task() -> Task {
    let rows = (0..40u32).map(|row| format!("{},{},{}\n", row % 7, row % 5, row % 3));
    let files = Files::from([("data.csv".to_owned(), rows.collect::<String>().into_bytes())]);
    let training = serde_json::from_str(
        r#"{ "model": { "mlp": { "inputs": 2, "hidden": [8], "classes": 3, "activation": "relu" } },
             "optimiser": { "sgd": { "lr": 0.125, "momentum": 0.5, "weight_decay": 0.0 } }, "batch": 4 }"#,
    )
    .unwrap();
    let data = DataSpec::new(Hash([5; 32]), Csv::plain("data.csv", 16.0), &files, 10).unwrap();
    Task::new(JobSpec::new(training, data, Hash([6; 32]), STEPS.0, STEPS.1).unwrap(), &files).unwrap()
}

/// A back end whose device goes away when it was asked for something `left` times, and comes back after
/// `away` more requests. What was on it is lost then.
struct Flaky {
    cpu: CpuBackend,
    left: Arc<AtomicI64>,
    away: i64,
}

impl Flaky {
    fn new(left: i64, away: i64) -> Flaky {
        Flaky { cpu: CpuBackend::new(1).unwrap(), left: Arc::new(AtomicI64::new(left)), away }
    }
}

fn ask(left: &AtomicI64, away: i64) -> Result<(), EngineError> {
    match left.fetch_sub(1, Ordering::Relaxed) {
        left if left > 0 || left <= -away => Ok(()),
        _ => Err(EngineError::Machine("the device is gone".into())),
    }
}

impl Backend for Flaky {
    fn name(&self) -> &str {
        "a device that goes away"
    }

    fn prepare(&self, program: &Program) -> Result<Box<dyn Session>, EngineError> {
        ask(&self.left, self.away)?;
        let session = Some(self.cpu.prepare(program)?);
        Ok(Box::new(OnDevice { session, program: program.clone(), left: Arc::clone(&self.left), away: self.away }))
    }
}

/// None once the device has failed.
struct OnDevice {
    session: Option<Box<dyn Session>>,
    program: Program,
    left: Arc<AtomicI64>,
    away: i64,
}

impl OnDevice {
    fn session(&mut self) -> Result<&mut dyn Session, EngineError> {
        if let Err(error) = ask(&self.left, self.away) {
            self.session = None;
            return Err(error);
        }
        Ok(&mut **self.session.as_mut().ok_or(EngineError::NoState)?)
    }
}

impl Session for OnDevice {
    fn program(&self) -> &Program {
        &self.program
    }

    fn load(&mut self, state: &State) -> Result<(), EngineError> {
        self.session()?.load(state)
    }

    fn execute(&mut self, inputs: &[Input<'_>]) -> Result<Option<Pulse>, EngineError> {
        self.session()?.execute(inputs)
    }

    fn state(&mut self) -> Result<State, EngineError> {
        self.session()?.state()
    }

    fn steps(&self) -> Result<u64, EngineError> {
        self.session.as_ref().ok_or(EngineError::NoState)?.steps()
    }

    fn tensor(&mut self, name: &str) -> Result<Tensor, EngineError> {
        self.session()?.tensor(name)
    }
}

#[test]
fn a_segment_in_which_the_machine_fails_is_done_again_from_its_beginning() {
    let task = task();
    let start = task.initial_state().unwrap();
    let segment = |backend: &dyn Backend| {
        let mut heard = vec![];
        let run = task.runner(backend)?.run(&start, 0, |pulse| {
            heard.push(pulse.step);
            true
        });
        run.map(|run| (run.unwrap(), heard))
    };
    let (want, heard) = segment(&CpuBackend::new(2).unwrap()).unwrap();
    assert_eq!(heard, [0, 1, 2]);
    // To prepare, to load, three steps, the state: the device fails at each but the first.
    for left in 1..6 {
        let (run, heard) = segment(&Flaky::new(left, 1)).unwrap();
        assert_eq!(run, want, "{left}");
        assert_eq!(heard.len() as i64, 3 + (left - 2).clamp(0, 3), "{left}");
        assert!(heard.ends_with(&[0, 1, 2]));
        // Gone for good: an error, and no result.
        let error = segment(&Flaky::new(left, i64::MAX)).unwrap_err();
        assert!(error.is_of_machine(), "{error}");
    }
    assert_eq!(segment(&Flaky::new(6, i64::MAX)).unwrap().1, heard);
}

#[test]
fn held_out_samples_are_judged_again_when_the_machine_fails() {
    let task = task();
    let state = task.initial_state().unwrap();
    let want = task.evaluate(&CpuBackend::new(1).unwrap(), &state).unwrap();
    for left in 0..5 {
        assert_eq!(task.evaluate(&Flaky::new(left, 1), &state).unwrap(), want, "{left}");
    }
}

/// A job's training in a folder.
struct Job {
    task: Task,
    store: Store,
    progress: Progress,
    _folder: tempfile::TempDir,
}

impl Job {
    fn new() -> Job {
        let folder = tempfile::tempdir().unwrap();
        let job = JobId { market: Address([1; 20]), number: 3 };
        let subject = Subject { job, spec: Hash([2; 32]), operator: Address([3; 20]) };
        let progress = Progress::open(&folder.path().join("progress"), subject).unwrap();
        Job { task: task(), store: Store::open(folder.path().join("content")).unwrap(), progress, _folder: folder }
    }

    fn train(&mut self, backend: &dyn Backend, trainer: &dyn Trainer) -> Result<bool, TrainingError> {
        let (stop, meter) = (AtomicBool::new(false), Meters::default().meter(3, 0, STEPS.0));
        let Job { task, store, progress, .. } = self;
        Training { task, backend, trainer, store, stop: &stop, meter: &meter }.finish(progress)
    }

    /// What is committed to.
    fn roots(&self) -> (Vec<Hash>, Vec<Hash>, Option<Hash>) {
        (self.progress.states().to_vec(), self.progress.traces().to_vec(), self.progress.artefact())
    }
}

fn honest() -> (Vec<Hash>, Vec<Hash>, Option<Hash>) {
    let mut job = Job::new();
    assert!(job.train(&CpuBackend::new(1).unwrap(), &Honest).unwrap());
    job.roots()
}

#[test]
fn the_cpu_finishes_what_a_lost_device_began_with_the_same_commitments() {
    let want = honest();
    assert_eq!((want.0.len(), want.1.len()), (4, 3));
    for left in 0..16 {
        let first = Arc::new(Flaky::new(left, i64::MAX));
        let backend = FallBack::new(first, Arc::new(CpuBackend::new(1).unwrap()));
        let mut job = Job::new();
        assert!(job.train(&backend, &Honest).unwrap(), "{left}");
        assert_eq!(job.roots(), want, "{left}");
        // 1 to prepare, and for each segment one to load, one for the state, and its steps.
        assert_eq!(backend.name().starts_with("cpu"), (1..14).contains(&left), "{left}");
    }
}

#[test]
fn a_training_that_a_lost_device_ends_is_carried_on_elsewhere() {
    let want = honest();
    let mut job = Job::new();
    // It goes in the second segment.
    let error = job.train(&Flaky::new(8, i64::MAX), &Honest).unwrap_err();
    assert!(matches!(&error, TrainingError::Job(error) if error.is_of_machine()), "{error}");
    assert_eq!(job.roots(), (want.0[..2].to_vec(), want.1[..1].to_vec(), None));
    assert!(job.train(&CpuBackend::new(1).unwrap(), &Honest).unwrap());
    assert_eq!(job.roots(), want);
}
