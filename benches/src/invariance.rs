//! One state root for every back end, any number of threads and any way of cutting the batch.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, ensure};
use assay_cuda::{CudaBackend, Device, DeviceBackend, EmulatedDevice};
use assay_engine::{
    Backend, CpuBackend, Dataset, EngineError, Instructions, Program, Sampler, State, TrainingSpec, trace_root, train,
};
use serde::Serialize;
use serde_json::json;

use crate::models::{self, DataOptions};

/// Options of `invariance`.
#[derive(clap::Args)]
pub struct Options {
    #[command(flatten)]
    data: DataOptions,
    /// Where the emulated GPU's kernels are kept [default: a folder that is thrown away].
    #[arg(long)]
    kernels: Option<PathBuf>,
    /// Writes every run to this file.
    #[arg(long)]
    json: Option<PathBuf>,
}

const STEPS: u64 = 3;
/// The emulated GPU's capabilities, one for each way in which kernels differ, and the seeds of the
/// order in which its threads take turns.
const EMULATED: [(u32, u64); 2] = [(750, 1), (900, 2)];

const LESS: &str = "within less memory";
const LEAST: &str = "within the least memory";

/// A model with its samples.
struct Job {
    name: &'static str,
    spec: TrainingSpec,
    program: Program,
    data: Dataset,
}

/// One training.
#[derive(Clone, Debug, Serialize)]
struct Run {
    model: &'static str,
    back_end: String,
    threads: Option<usize>,
    batch: String,
    state_root: String,
    trace_root: String,
    seconds: f64,
}

fn jobs(data: &Path) -> anyhow::Result<Vec<Job>> {
    let job = |name, description, samples: fn(&TrainingSpec, &Path) -> anyhow::Result<Dataset>| {
        let spec = models::spec(description)?;
        anyhow::Ok(Job { name, program: spec.compile()?, data: samples(&spec, data)?, spec })
    };
    let mixture = json!({ "forward": "int8x2", "grad_input": "int8x1", "grad_weight": "int8x3" });
    Ok(vec![
        job(
            "perceptron 64-48-10 on digits",
            json!({
                "model": { "mlp": { "inputs": 64, "hidden": [48], "classes": 10, "activation": "relu" } },
                "optimiser": models::adamw(0.003), "batch": 8, "block": 1
            }),
            models::digits,
        )?,
        job(
            "convolutional net on digits",
            json!({
                "model": { "conv": { "image": [1, 8, 8], "classes": 10, "layers": [
                    { "convolution": { "channels": 6, "kernel": [3, 3], "padding": [1, 1], "activation": "relu" } },
                    { "max_pool": { "kernel": [2, 2] } },
                    { "dropout": { "rate": 0.1 } },
                    { "linear": { "outputs": 16, "activation": "gelu" } }
                ] } },
                "optimiser": { "sgd": { "lr": 0.1, "momentum": 0.9, "weight_decay": 0.001 } },
                "precision": mixture, "batch": 8, "block": 1
            }),
            models::digits,
        )?,
        job(
            "GPT of 2 layers on characters",
            json!({
                "model": { "gpt": { "vocabulary": 91, "context": 12, "layers": 2, "heads": 2, "width": 16,
                                    "dropout": 0.1 } },
                "optimiser": models::adamw(0.001), "batch": 8, "block": 1, "clip": 1,
                "schedule": { "warmup": 2, "cosine": { "until": 10 } }
            }),
            models::characters,
        )?,
    ])
}

impl Job {
    fn run(&self, backend: &dyn Backend, threads: Option<usize>, batch: &str) -> anyhow::Result<Run> {
        let sampler = Sampler::new(&models::SEED, (0..self.data.rows()).collect(), self.spec.batch)?;
        let mut session = backend.prepare(&self.program)?;
        session.load(&State::init(&self.program, models::SEED)?)?;
        let mut pulses = vec![];
        let begun = Instant::now();
        train(&mut *session, &self.data, &sampler, STEPS, |pulse| {
            pulses.push(pulse);
            Ok::<(), EngineError>(())
        })?;
        Ok(Run {
            model: self.name,
            back_end: backend.name().to_owned(),
            threads,
            batch: batch.to_owned(),
            state_root: hex::encode(session.state_root()?),
            trace_root: hex::encode(trace_root(&pulses)),
            seconds: begun.elapsed().as_secs_f64(),
        })
    }

    /// The CPU with every set of instructions and several numbers of threads, with the batch in micro-batches
    /// and within budgets.
    fn on_cpu(&self, runs: &mut Vec<Run>) -> anyhow::Result<()> {
        let mut threads = vec![1, 2, std::thread::available_parallelism()?.get()];
        threads.dedup();
        let all = u64::try_from(self.program.memory_bytes())?;
        let least = models::least(&self.program, |bytes| Ok(CpuBackend::new(1)?.with_memory_limit(bytes)))?;
        let batch = self.spec.batch;
        for set in Instructions::available() {
            for &threads in &threads {
                // Cut as finely as can be, so that there is work for every thread.
                let cpu = CpuBackend::new(threads)?.with_instructions(set)?.with_grain(1);
                for size in [batch, batch / 2, 1] {
                    let split = format!("micro-batches of {size}");
                    let mut run = self.run(&cpu.clone().with_parts(batch / size), Some(threads), &split)?;
                    run.back_end = format!("CPU, {set}");
                    runs.push(run);
                }
                for (name, bytes) in [(LESS, all.midpoint(least)), (LEAST, least)] {
                    let mut run = self.run(&cpu.clone().with_memory_limit(bytes), Some(threads), name)?;
                    run.back_end = format!("CPU, {set}");
                    runs.push(run);
                }
            }
        }
        Ok(())
    }

    /// A device, and within budgets of its memory.
    fn on_device<D: Device>(
        &self,
        open: impl Fn() -> anyhow::Result<DeviceBackend<D>>,
        runs: &mut Vec<Run>,
    ) -> anyhow::Result<()> {
        let device = open()?;
        runs.push(self.run(&device, None, &format!("micro-batches of {}", self.spec.batch))?);
        let all = u64::try_from(device.footprint(&self.program)?.bytes)?;
        let least = models::least(&self.program, |bytes| Ok(open()?.with_memory_limit(bytes)))?;
        for (name, bytes) in [(LESS, all.midpoint(least)), (LEAST, least)] {
            runs.push(self.run(&open()?.with_memory_limit(bytes), None, name)?);
        }
        Ok(())
    }
}

/// Runs all of it and prints the table; two different roots of a model are an error.
pub fn run(options: &Options) -> anyhow::Result<()> {
    let thrown_away = tempfile::tempdir()?;
    let kernels = options.kernels.as_deref().unwrap_or(thrown_away.path());
    std::fs::create_dir_all(kernels).with_context(|| format!("cannot make the folder {}", kernels.display()))?;
    let gpu = CudaBackend::open(0);
    let mut runs = Vec::new();
    let jobs = jobs(&options.data.data)?;
    for job in &jobs {
        eprintln!("{}", job.name);
        job.on_cpu(&mut runs)?;
        for (capability, seed) in EMULATED {
            let open = || Ok(DeviceBackend::new(EmulatedDevice::new(kernels, capability, seed)));
            job.on_device(open, &mut runs)?;
        }
        if gpu.is_ok() {
            job.on_device(|| Ok(CudaBackend::open(0)?), &mut runs)?;
        }
    }
    print!("{}", markdown(&jobs, &runs));
    if let Err(error) = &gpu {
        println!("\nNo GPU took part: {error}");
    }
    if let Some(file) = &options.json {
        std::fs::write(file, serde_json::to_string_pretty(&runs)? + "\n")?;
    }
    let others = runs.iter().filter(|run| !is_reference(&runs, run)).count();
    ensure!(others == 0, "{others} of {} runs have another root than the first of their model", runs.len());
    Ok(())
}

fn is_reference(runs: &[Run], run: &Run) -> bool {
    let roots = |run: &Run| (run.state_root.clone(), run.trace_root.clone());
    runs.iter().find(|other| other.model == run.model).is_some_and(|first| roots(first) == roots(run))
}

/// A row for each back end and number of threads, a column for each model, and a cell with the roots of
/// all ways of cutting the batch.
fn markdown(jobs: &[Job], runs: &[Run]) -> String {
    let mut text = format!("State roots after {STEPS} steps, their first 16 digits:\n\n| | threads | batch |");
    for job in jobs {
        let _ = write!(text, " {} |", job.name);
    }
    text += "\n| --- | --- | --- |";
    text += &" --- |".repeat(jobs.len());
    text += "\n";
    let row_of = |run: &Run| (run.back_end.clone(), run.threads, run.batch.clone());
    for first in runs.iter().filter(|run| run.model == jobs[0].name) {
        let threads = first.threads.map_or("-".to_owned(), |threads| threads.to_string());
        let _ = write!(text, "| {} | {threads} | {} |", first.back_end, first.batch);
        for run in runs.iter().filter(|run| row_of(run) == row_of(first)) {
            let note = if is_reference(runs, run) { "" } else { " **differs**" };
            let _ = write!(text, " `{}`{note} |", &run.state_root[..16]);
        }
        text += "\n";
    }
    text
}
