//! Whether models learn as they do in FP32: same first weights, same batches.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use assay_engine::{Batch, Dataset, Precision, PrecisionSpec, Sampler, TrainingSpec, split};
use serde::Serialize;
use serde_json::json;

use crate::chart::{self, Curve};
use crate::contest::{Contest, JaxOptions, Outcome};
use crate::models::{self, DataOptions};

/// Options of `parity`.
#[derive(clap::Args)]
pub struct Options {
    #[command(flatten)]
    data: DataOptions,
    #[command(flatten)]
    jax: JaxOptions,
    /// A folder with MNIST as four IDX files.
    #[arg(long)]
    mnist: PathBuf,
    /// Few steps and precisions, to see that it works.
    #[arg(long)]
    quick: bool,
    /// Draws the curves into this folder.
    #[arg(long)]
    plots: Option<PathBuf>,
    /// Writes all figures to this file.
    #[arg(long)]
    json: Option<PathBuf>,
}

/// The seed of order and split.
const SEED: [u8; 32] = [7; 32];
const MEMORY: u64 = 8 << 30;
/// How far the loss may be above FP32's.
const WITHIN: f64 = 0.01;
/// Steps that a point of a curve is the mean of: losses of single batches jump.
const SMOOTH: usize = 20;

use Precision::{Int8x1 as One, Int8x2 as Two, Int8x3 as Three};

/// Forward, gradients of activations, gradients of weights; cheapest first.
const PRECISIONS: [[Precision; 3]; 9] = [
    [One, One, One],
    [Two, One, One],
    [One, Two, One],
    [One, One, Two],
    [Two, Two, One],
    [Two, One, Two],
    [One, Two, Two],
    [Two, Two, Two],
    [Three, Three, Three],
];

fn name([forward, grad_input, grad_weight]: [Precision; 3]) -> String {
    let one = |precision| match precision {
        One => "int8x1",
        Two => "int8x2",
        Three => "int8x3",
    };
    if forward == grad_input && grad_input == grad_weight {
        return one(forward).to_owned();
    }
    [one(forward), one(grad_input), one(grad_weight)].join(", ")
}

/// Products of bytes that all three kinds of matmul take for one product of numbers each.
fn cost(precisions: [Precision; 3]) -> u32 {
    precisions.iter().map(|precision| (precision.bits() as u32 / 7).pow(2)).sum()
}

/// A model, how long it is trained and by what it is judged.
struct Job {
    key: &'static str,
    title: &'static str,
    spec: TrainingSpec,
    steps: u64,
    batches: Vec<Batch>,
    judges: Vec<Batch>,
}

/// All that was measured of a job.
#[derive(Serialize)]
struct Measured {
    job: &'static str,
    training: TrainingSpec,
    fp32: Outcome,
    engine: Vec<(PrecisionSpec, Outcome)>,
}

/// Trains everything, draws the curves and prints the tables.
pub fn run(options: &Options) -> anyhow::Result<()> {
    let mut results = Vec::new();
    for job in [mnist(options)?, characters(options)?] {
        let contest = Contest::new(job.spec.clone(), 1, &job.batches, &job.judges)?;
        eprintln!("{}: JAX", job.title);
        let fp32 = contest.jax(&options.jax, 0)?;
        let mut engine = Vec::new();
        let quick = [PRECISIONS[0], PRECISIONS[7]];
        for &precisions in if options.quick { &quick[..] } else { &PRECISIONS } {
            eprintln!("{}: {}", job.title, name(precisions));
            let [forward, grad_input, grad_weight] = precisions;
            let spec = PrecisionSpec { forward, grad_input, grad_weight };
            engine.push((spec, contest.engine(spec, 0, MEMORY)?));
        }
        if let Some(folder) = &options.plots {
            plot(&job, folder, &fp32, &engine)?;
        }
        print!("{}", markdown(&job, &fp32, &engine)?);
        results.push(Measured { job: job.key, training: job.spec, fp32, engine });
    }
    if let Some(file) = &options.json {
        std::fs::write(file, serde_json::to_string_pretty(&results)? + "\n")?;
    }
    Ok(())
}

/// Batches of a training in the order of a job with this seed, and whole batches of the samples held out.
fn job(
    key: &'static str,
    title: &'static str,
    spec: TrainingSpec,
    data: &Dataset,
    steps: u64,
    judges: u64,
) -> anyhow::Result<Job> {
    let (training, held_out) = split(&SEED, data.rows(), judges * u64::from(spec.batch))?;
    let sampler = Sampler::new(&SEED, training, spec.batch)?;
    let batches = (0..steps).map(|step| data.batch(&sampler.rows(step))).collect();
    let judges = held_out.chunks_exact(spec.batch as usize).map(|rows| data.batch(rows)).collect();
    Ok(Job { key, title, spec, steps, batches, judges })
}

fn mnist(options: &Options) -> anyhow::Result<Job> {
    let spec = models::spec(json!({
        "model": { "mlp": { "inputs": 784, "hidden": [256, 128], "classes": 10, "activation": "relu" } },
        "optimiser": models::adamw(0.001), "batch": 128
    }))?;
    let data = models::mnist(&options.mnist)?;
    let steps = if options.quick { 100 } else { 800 };
    job("mnist", "MNIST, perceptron 784-256-128-10", spec, &data, steps, 20)
}

fn characters(options: &Options) -> anyhow::Result<Job> {
    let spec = models::spec(json!({
        "model": { "gpt": { "vocabulary": 91, "context": 64, "layers": 3, "heads": 4, "width": 96 } },
        "optimiser": models::adamw(0.002), "batch": 16, "clip": 1
    }))?;
    let data = models::characters(&spec, &options.data.data)?;
    let steps = if options.quick { 20 } else { 400 };
    job("characters", "Characters of the Opticks, GPT of 3 layers, 96 wide", spec, &data, steps, 20)
}

/// Means of runs of steps, at their middles.
fn smooth(losses: &[f64]) -> Vec<(f64, f64)> {
    let middle = (SMOOTH as f64 - 1.0) / 2.0;
    let mean = |(i, part): (usize, &[f64])| ((i * SMOOTH) as f64 + middle, part.iter().sum::<f64>() / SMOOTH as f64);
    losses.chunks_exact(SMOOTH).enumerate().map(mean).collect()
}

fn of(spec: &PrecisionSpec) -> [Precision; 3] {
    [spec.forward, spec.grad_input, spec.grad_weight]
}

/// A loss on held-out samples as a multiple of FP32's.
fn ratio(fp32: &Outcome, outcome: &Outcome) -> f64 {
    outcome.judged.unwrap_or(f64::NAN) / fp32.judged.unwrap_or(f64::NAN)
}

/// The fewest products that stay within [`WITHIN`], and of these the least loss: cost, ratio, precisions.
fn cheapest(fp32: &Outcome, engine: &[(PrecisionSpec, Outcome)]) -> Option<(u32, f64, [Precision; 3])> {
    let fitting = engine
        .iter()
        .map(|(spec, outcome)| (cost(of(spec)), ratio(fp32, outcome), of(spec)))
        .filter(|(_, ratio, _)| *ratio <= 1.0 + WITHIN);
    fitting.min_by(|a, b| (a.0, a.1).partial_cmp(&(b.0, b.1)).unwrap_or(std::cmp::Ordering::Equal))
}

fn plot(job: &Job, folder: &Path, fp32: &Outcome, engine: &[(PrecisionSpec, Outcome)]) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let cheapest = cheapest(fp32, engine);
    let is_shown = |precisions: [Precision; 3]| {
        precisions.windows(2).all(|pair| pair[0] == pair[1]) || cheapest.is_some_and(|(.., best)| best == precisions)
    };
    let shown =
        engine.iter().map(|(spec, outcome)| (of(spec), outcome)).filter(|(precisions, _)| is_shown(*precisions));
    let runs = std::iter::once(("FP32 (JAX)".to_owned(), fp32))
        .chain(shown.map(|(precisions, outcome)| (name(precisions), outcome)));
    let curves: Vec<Curve> = runs.map(|(label, outcome)| Curve { label, points: smooth(&outcome.losses) }).collect();
    chart::draw(&folder.join(format!("{}.svg", job.key)), job.title, "loss, means of 20 steps", &curves)
}

fn markdown(job: &Job, fp32: &Outcome, engine: &[(PrecisionSpec, Outcome)]) -> anyhow::Result<String> {
    let tail = |outcome: &Outcome| -> anyhow::Result<f64> {
        Ok(smooth(&outcome.losses).last().context("too few steps to smooth")?.1)
    };
    let judged = |outcome: &Outcome| outcome.judged.context("it was judged");
    let mut text = format!(
        "### {}\n\n![loss curves](benchmarks/{}.svg)\n\n{} steps with batches of {}, judged by {} samples that were \
         held out; {}.\n\n\
         | forward, gradients of activations, of weights | products of bytes | held-out loss | to FP32 | \
         loss of the last {SMOOTH} steps | to FP32 |\n| --- | --- | --- | --- | --- | --- |\n\
         | FP32 | - | {:.5} | 1 | {:.5} | 1 |\n",
        job.title,
        job.key,
        job.steps,
        job.spec.batch,
        job.judges.len() * job.spec.batch as usize,
        fp32.what,
        judged(fp32)?,
        tail(fp32)?
    );
    for (spec, outcome) in engine {
        let (ratio, trained) = (ratio(fp32, outcome), tail(outcome)? / tail(fp32)?);
        let _ = writeln!(
            text,
            "| {} | {} | {:.5} | {ratio:.4} | {:.5} | {trained:.4} |",
            name(of(spec)),
            cost(of(spec)),
            judged(outcome)?,
            tail(outcome)?
        );
    }
    let _ = match cheapest(fp32, engine) {
        Some((.., precisions)) => {
            writeln!(text, "\nCheapest within 1 % of FP32's held-out loss: {}.\n", name(precisions))
        }
        None => writeln!(text, "\nNone is within 1 % of FP32's held-out loss.\n"),
    };
    Ok(text)
}
