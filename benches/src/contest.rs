//! The same training by the engine and by JAX, each in a process of its own: same first weights, same
//! batches.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use assay_engine::{Backend, Batch, CpuBackend, PrecisionSpec, Program, Session, Shape, State, TrainingSpec};
use assay_exact::philox;
use rustix::time::{ClockId, clock_gettime};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use serde::{Deserialize, Serialize};

use crate::models;

/// Where JAX is.
#[derive(clap::Args)]
pub struct JaxOptions {
    /// A Python with JAX and safetensors.
    #[arg(long)]
    pub python: PathBuf,
    /// What runs in it.
    #[arg(long, default_value = "benches/jax/train.py")]
    pub script: PathBuf,
}

/// The file of a folder that says what is trained.
const JOB: &str = "job.json";
/// The file with the inputs of all steps.
const BATCHES: &str = "batches.safetensors";

#[derive(Serialize, Deserialize)]
struct Job {
    training: TrainingSpec,
    /// Of the first weights.
    seed: [u8; 32],
    /// First steps that are not timed.
    warm: usize,
}

/// What a training gave.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// Who trained.
    pub what: String,
    /// The loss of every step.
    pub losses: Vec<f64>,
    /// The mean loss over the batches that judge, after the last step.
    pub judged: Option<f64>,
    /// Of each timed step: of the process's work with one thread, otherwise of the clock.
    pub seconds: Vec<f64>,
    /// The most memory that the process has had at a time.
    pub peak_bytes: u64,
}

impl Outcome {
    /// The median of the steps' seconds.
    pub fn median(&self) -> f64 {
        let mut seconds = self.seconds.clone();
        seconds.sort_by(f64::total_cmp);
        seconds.get(seconds.len() / 2).copied().unwrap_or(f64::NAN)
    }
}

/// A job in a folder that is thrown away.
pub struct Contest {
    folder: tempfile::TempDir,
}

impl Contest {
    /// A training from the first weights of a seed with these batches, one a step, and those that judge it.
    /// The first `warm` steps are not timed.
    pub fn new(
        training: TrainingSpec,
        seed: [u8; 32],
        warm: usize,
        batches: &[Batch],
        judges: &[Batch],
    ) -> anyhow::Result<Contest> {
        let folder = tempfile::tempdir()?;
        let forward = training.compile_forward()?;
        let initial = State::init(&training.compile()?, seed)?.select(&forward)?;
        let dims_of = |shape: &Shape| shape.dims().iter().map(|&dim| dim as usize).collect::<Vec<_>>();
        let tensors = initial.tensors().map(|(name, shape, data)| Named::new(name.to_owned(), dims_of(&shape), data));
        let tensors: Vec<Named> = tensors.collect();
        save(&folder.path().join("initial.safetensors"), &tensors)?;

        let inputs = forward.tensors.iter().find(|tensor| ["features", "tokens"].contains(&tensor.name.as_str()));
        let dims = dims_of(&inputs.context("a model has inputs")?.shape);
        let mut tensors = Vec::new();
        for (prefix, batches) in [("", batches), ("judge.", judges)] {
            let with_count = |dims: &[usize]| [&[batches.len()], dims].concat();
            let values = batches.iter().flat_map(|batch| &batch.values);
            tensors.push(Named::new(format!("{prefix}values"), with_count(&dims), values));
            let each = batches.first().map_or(0, |batch| batch.labels.len());
            let labels = batches.iter().flat_map(|batch| &batch.labels);
            tensors.push(Named::new(format!("{prefix}labels"), with_count(&[each]), labels));
        }
        save(&folder.path().join(BATCHES), &tensors)?;
        std::fs::write(folder.path().join(JOB), serde_json::to_string(&Job { training, seed, warm })?)?;
        Ok(Contest { folder })
    }

    /// By the engine.
    pub fn engine(&self, precision: PrecisionSpec, threads: usize, memory: u64) -> anyhow::Result<Outcome> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("engine").arg(self.folder.path()).args(["--threads", &threads.to_string()]);
        command.args(["--memory", &memory.to_string(), "--precision", &serde_json::to_string(&precision)?]);
        outcome(command)
    }

    /// By JAX.
    pub fn jax(&self, jax: &JaxOptions, threads: usize) -> anyhow::Result<Outcome> {
        let mut command = Command::new(&jax.python);
        command.arg(&jax.script).arg(self.folder.path()).arg(threads.to_string()).env("JAX_PLATFORMS", "cpu");
        outcome(command)
    }
}

fn outcome(mut command: Command) -> anyhow::Result<Outcome> {
    let output = command.stderr(std::process::Stdio::inherit()).output();
    let output = output.with_context(|| format!("cannot start {command:?}"))?;
    ensure!(output.status.success(), "{command:?} failed: {}", output.status);
    serde_json::from_slice(&output.stdout).with_context(|| format!("{command:?} answers something else"))
}

/// A tensor on its way to a file.
struct Named {
    name: String,
    dims: Vec<usize>,
    bytes: Vec<u8>,
}

impl Named {
    fn new<'a>(name: String, dims: Vec<usize>, data: impl IntoIterator<Item = &'a f32>) -> Named {
        Named { name, dims, bytes: data.into_iter().flat_map(|x| x.to_le_bytes()).collect() }
    }
}

fn save(path: &Path, tensors: &[Named]) -> anyhow::Result<()> {
    let views = tensors.iter().map(|tensor| {
        let view = TensorView::new(Dtype::F32, tensor.dims.clone(), &tensor.bytes)?;
        Ok((tensor.name.as_str(), view))
    });
    let bytes = safetensors::serialize(views.collect::<anyhow::Result<Vec<_>>>()?, None)?;
    std::fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

/// Options of `engine`, which a contest starts.
#[derive(clap::Args)]
pub struct EngineOptions {
    /// The contest's folder.
    folder: PathBuf,
    /// Threads; 0 stands for one per core.
    #[arg(long)]
    threads: usize,
    /// Bytes for tensors.
    #[arg(long)]
    memory: u64,
    /// As in a job's description.
    #[arg(long)]
    precision: String,
}

/// Trains, and writes the [`Outcome`] to standard output.
pub fn engine(options: &EngineOptions) -> anyhow::Result<()> {
    let job = std::fs::read_to_string(options.folder.join(JOB)).context("the folder has no job")?;
    let mut job: Job = serde_json::from_str(&job)?;
    job.training.precision = serde_json::from_str(&options.precision)?;
    let (program, forward) = (job.training.compile()?, job.training.compile_forward()?);
    let backend = CpuBackend::new(options.threads)?.with_memory_limit(options.memory);
    let mut session = backend.prepare(&program)?;
    session.load(&State::init(&program, job.seed)?)?;
    let (mut losses, mut seconds) = (Vec::new(), Vec::new());
    let input = if program.has_input("tokens") { "tokens" } else { "features" };
    let batches = Batches::read(&options.folder.join(BATCHES), input)?;
    for (batch, step) in batches.steps.iter().zip(0..) {
        // The schedule counts with it; nothing here draws numbers by its key.
        let counter = philox::counter([0; 2], step);
        let begun = now(options.threads);
        let pulse = session.step(&models::inputs(&program, batch, &counter))?;
        seconds.push(now(options.threads) - begun);
        losses.push(f64::from(pulse.loss()));
    }
    let judged = match batches.judges.is_empty() {
        true => None,
        false => Some(judge(&backend, &forward, &session.state()?, &batches.judges)?),
    };
    let outcome = Outcome {
        what: backend.name().to_owned(),
        losses,
        judged,
        seconds: seconds.split_off(job.warm),
        peak_bytes: peak_bytes()?,
    };
    println!("{}", serde_json::to_string(&outcome)?);
    Ok(())
}

/// The mean cross-entropy of the model's logits, in binary64.
fn judge(backend: &CpuBackend, forward: &Program, state: &State, judges: &[Batch]) -> anyhow::Result<f64> {
    let mut session: Box<dyn Session> = backend.prepare(forward)?;
    session.load(&state.select(forward)?)?;
    let (mut sum, mut count) = (0.0, 0.0);
    for batch in judges {
        let logits = session.run(&models::inputs(forward, batch, &[])[..1], "logits")?;
        let rows = logits.data.chunks_exact(logits.shape.from_right(0) as usize);
        for (row, &label) in rows.zip(&batch.labels) {
            let greatest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let shifted = |z: f32| f64::from(z) - f64::from(greatest);
            let total: f64 = row.iter().map(|&z| shifted(z).exp()).sum();
            sum += total.ln() - shifted(row[label as usize]);
            count += 1.0;
        }
    }
    Ok(sum / count)
}

/// The batches of a contest's folder.
struct Batches {
    steps: Vec<Batch>,
    judges: Vec<Batch>,
}

impl Batches {
    fn read(path: &Path, input: &'static str) -> anyhow::Result<Batches> {
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let file = SafeTensors::deserialize(&bytes)?;
        let each = |name: String| -> anyhow::Result<Vec<Vec<f32>>> {
            let tensor = file.tensor(&name)?;
            let bytes: usize = tensor.shape()[1..].iter().product::<usize>() * 4;
            let numbers = |batch: &[u8]| batch.as_chunks().0.iter().map(|&word| f32::from_le_bytes(word)).collect();
            Ok(tensor.data().chunks(bytes.max(1)).map(numbers).collect())
        };
        let batches = |prefix: &str| -> anyhow::Result<Vec<Batch>> {
            let pairs = each(format!("{prefix}values"))?.into_iter().zip(each(format!("{prefix}labels"))?);
            Ok(pairs.map(|(values, labels)| Batch { input, values, labels }).collect())
        };
        Ok(Batches { steps: batches("")?, judges: batches("judge.")? })
    }
}

/// Seconds: of this process's work where there is one thread, so that what else the machine does counts
/// for little; otherwise of the clock.
fn now(threads: usize) -> f64 {
    let time = clock_gettime(if threads == 1 { ClockId::ProcessCPUTime } else { ClockId::Monotonic });
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// The most memory that this process has had at a time.
fn peak_bytes() -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status").context("peak memory is read from Linux's /proc")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    Ok(1024 * line.trim_end_matches("kB").trim().parse::<u64>()?)
}
