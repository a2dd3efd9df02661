//! Whether models learn as they do in FP32: same first weights, same batches.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use assay_engine::{Dataset, Precision, PrecisionSpec, Sampler, TrainingSpec, split};
use serde::{Deserialize, Serialize};
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
    /// Trains nothing: draws and prints again what such a file has.
    #[arg(long, conflicts_with = "json")]
    from: Option<PathBuf>,
}

/// Trainings of each kind: with other first weights, another order and other samples held out.
const SEEDS: u8 = 3;
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

fn name(precision: Option<&PrecisionSpec>) -> String {
    let one = |precision| match precision {
        One => "int8x1",
        Two => "int8x2",
        Three => "int8x3",
    };
    let Some(&PrecisionSpec { forward, grad_input, grad_weight }) = precision else { return "FP32 (JAX)".into() };
    if is_uniform(precision) {
        return one(forward).into();
    }
    [one(forward), one(grad_input), one(grad_weight)].join(", ")
}

fn is_uniform(precision: Option<&PrecisionSpec>) -> bool {
    precision.is_none_or(|of| of.forward == of.grad_input && of.forward == of.grad_weight)
}

/// Products of bytes that all three kinds of matmul take for one product of numbers each.
fn cost(precision: &PrecisionSpec) -> u32 {
    let each = [precision.forward, precision.grad_input, precision.grad_weight];
    each.iter().map(|precision| (precision.bits() as u32 / 7).pow(2)).sum()
}

/// A model, how long it is trained and by how many batches it is judged.
struct Job {
    key: &'static str,
    title: &'static str,
    spec: TrainingSpec,
    data: Dataset,
    steps: u64,
    judges: u64,
}

impl Job {
    /// Batches of a training in the order of a job with this seed, and whole batches of the samples held out.
    fn contest(&self, seed: [u8; 32]) -> anyhow::Result<Contest> {
        let held_out = self.judges * u64::from(self.spec.batch);
        let (training, held_out) = split(&seed, self.data.rows(), held_out)?;
        let sampler = Sampler::new(&seed, training, self.spec.batch)?;
        let batches: Vec<_> = (0..self.steps).map(|step| self.data.batch(&sampler.rows(step))).collect();
        let judges = held_out.chunks_exact(self.spec.batch as usize).map(|rows| self.data.batch(rows));
        Contest::new(self.spec.clone(), seed, 1, &batches, &judges.collect::<Vec<_>>())
    }
}

/// What trainings from each seed gave.
#[derive(Serialize, Deserialize)]
struct Trained {
    /// `None`: JAX, in FP32.
    precision: Option<PrecisionSpec>,
    outcomes: Vec<Outcome>,
}

/// All that was measured of a job; the first training is that in FP32.
#[derive(Serialize, Deserialize)]
struct Measured {
    job: String,
    training: TrainingSpec,
    trained: Vec<Trained>,
}

/// Trains everything, draws the curves and prints the tables.
pub fn run(options: &Options) -> anyhow::Result<()> {
    let known: Option<Vec<Measured>> = match &options.from {
        None => None,
        Some(file) => {
            let text = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
            Some(serde_json::from_slice(&text).with_context(|| format!("{} is not of --json", file.display()))?)
        }
    };
    let mut known = known.map(Vec::into_iter);
    let mut results = Vec::new();
    for job in [mnist(options)?, characters(options)?] {
        let measured = match &mut known {
            None => train(&job, options)?,
            Some(known) => known.next().filter(|known| known.job == job.key).context("the file lacks a job")?,
        };
        if let Some(folder) = &options.plots {
            plot(&job, folder, &measured)?;
        }
        print!("{}", markdown(&job, &measured)?);
        results.push(measured);
    }
    if let Some(file) = &options.json {
        std::fs::write(file, serde_json::to_string_pretty(&results)? + "\n")?;
    }
    Ok(())
}

/// Trains from every seed, in FP32 and with every precision.
fn train(job: &Job, options: &Options) -> anyhow::Result<Measured> {
    let quick = [PRECISIONS[0], PRECISIONS[7]];
    let precisions = if options.quick { &quick[..] } else { &PRECISIONS };
    let with =
        |&[forward, grad_input, grad_weight]: &[Precision; 3]| Some(PrecisionSpec { forward, grad_input, grad_weight });
    let precisions = [None].into_iter().chain(precisions.iter().map(with));
    let mut trained: Vec<_> = precisions.map(|precision| Trained { precision, outcomes: vec![] }).collect();
    for seed in 1..=if options.quick { 1 } else { SEEDS } {
        let contest = job.contest([seed; 32])?;
        for Trained { precision, outcomes } in &mut trained {
            eprintln!("{}, seed {seed}: {}", job.title, name(precision.as_ref()));
            outcomes.push(match precision {
                None => contest.jax(&options.jax, 0)?,
                Some(precision) => contest.engine(*precision, 0, MEMORY)?,
            });
        }
    }
    Ok(Measured { job: job.key.to_owned(), training: job.spec.clone(), trained })
}

fn mnist(options: &Options) -> anyhow::Result<Job> {
    let steps = if options.quick { 100 } else { 800 };
    let spec = models::spec(json!({
        "model": { "mlp": { "inputs": 784, "hidden": [256, 128], "classes": 10, "activation": "relu" } },
        "optimiser": models::adamw(0.001), "batch": 128, "schedule": schedule(steps)
    }))?;
    let data = models::mnist(&options.mnist)?;
    Ok(Job { key: "mnist", title: "MNIST, perceptron 784-256-128-10", spec, data, steps, judges: 78 })
}

fn characters(options: &Options) -> anyhow::Result<Job> {
    let steps = if options.quick { 20 } else { 400 };
    let spec = models::spec(json!({
        "model": { "gpt": { "vocabulary": 91, "context": 64, "layers": 3, "heads": 4, "width": 96 } },
        "optimiser": models::adamw(0.002), "batch": 16, "clip": 1, "schedule": schedule(steps)
    }))?;
    let data = models::characters(&spec, &options.data.data)?;
    Ok(Job {
        key: "characters",
        title: "Characters of the Opticks, GPT of 3 layers, 96 wide",
        spec,
        data,
        steps,
        judges: 40,
    })
}

/// The rate ends at nothing, so that the last weights are not where the last batches happened to throw them.
fn schedule(steps: u64) -> serde_json::Value {
    json!({ "warmup": steps / 20, "cosine": { "until": steps } })
}

/// Means of runs of steps over all trainings, at their middles.
fn smooth(outcomes: &[Outcome]) -> Vec<(f64, f64)> {
    let middle = (SMOOTH as f64 - 1.0) / 2.0;
    let steps = outcomes.iter().map(|outcome| outcome.losses.len()).min().unwrap_or(0) / SMOOTH;
    let mean = |i: usize| {
        let parts = outcomes.iter().flat_map(|outcome| &outcome.losses[i * SMOOTH..(i + 1) * SMOOTH]);
        ((i * SMOOTH) as f64 + middle, parts.sum::<f64>() / (SMOOTH * outcomes.len()) as f64)
    };
    (0..steps).map(mean).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

impl Trained {
    /// Losses on held-out samples, by the seed.
    fn judged(&self) -> Vec<f64> {
        self.outcomes.iter().map(|outcome| outcome.judged.unwrap_or(f64::NAN)).collect()
    }

    /// The same as multiples of FP32's from the same seed.
    fn ratios(&self, fp32: &Trained) -> Vec<f64> {
        self.judged().iter().zip(fp32.judged()).map(|(own, fp32)| own / fp32).collect()
    }
}

impl Measured {
    /// The fewest products that stay within [`WITHIN`], and of these the least loss.
    fn cheapest(&self) -> Option<&PrecisionSpec> {
        let all = self.trained[1..].iter().filter_map(|trained| Some((trained.precision.as_ref()?, trained)));
        let fitting = all
            .map(|(precision, trained)| ((cost(precision), mean(&trained.ratios(&self.trained[0]))), precision))
            .filter(|((_, ratio), _)| *ratio <= 1.0 + WITHIN);
        let least = fitting.min_by(|a, b| a.0.partial_cmp(&b.0).unwrap_or(std::cmp::Ordering::Equal));
        least.map(|(_, precision)| precision)
    }
}

fn plot(job: &Job, folder: &Path, measured: &Measured) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let cheapest = measured.cheapest();
    let is_shown =
        |trained: &&Trained| is_uniform(trained.precision.as_ref()) || trained.precision.as_ref() == cheapest;
    let curve =
        |trained: &Trained| Curve { label: name(trained.precision.as_ref()), points: smooth(&trained.outcomes) };
    let curves: Vec<Curve> = measured.trained.iter().filter(is_shown).map(curve).collect();
    chart::draw(&folder.join(format!("{}.svg", job.key)), job.title, "loss, means of 20 steps", &curves)
}

fn markdown(job: &Job, measured: &Measured) -> anyhow::Result<String> {
    let fp32 = &measured.trained[0];
    let seeds = fp32.outcomes.len();
    let mut text = format!(
        "### {}\n\n![loss curves](benchmarks/{}.svg)\n\n{} steps with batches of {}, judged by {} samples that were \
         held out; {}; means of {seeds} seeds.\n\n\
         | forward, gradients of activations, of weights | products of bytes | held-out loss | to FP32 | \
         least and greatest | loss of the last {SMOOTH} steps | to FP32 |\n| --- | --- | --- | --- | --- | --- | --- |\n",
        job.title,
        job.key,
        job.steps,
        job.spec.batch,
        job.judges * u64::from(job.spec.batch),
        fp32.outcomes[0].what,
    );
    let last = |trained: &Trained| smooth(&trained.outcomes).last().map_or(f64::NAN, |point| point.1);
    for trained in &measured.trained {
        let ratios = trained.ratios(fp32);
        let _ = writeln!(
            text,
            "| {} | {} | {:.5} | {:.4} | {:.4} to {:.4} | {:.5} | {:.4} |",
            name(trained.precision.as_ref()),
            trained.precision.as_ref().map_or("-".into(), |precision| cost(precision).to_string()),
            mean(&trained.judged()),
            mean(&ratios),
            ratios.iter().copied().fold(f64::INFINITY, f64::min),
            ratios.iter().copied().fold(0.0, f64::max),
            last(trained),
            last(trained) / last(fp32)
        );
    }
    let _ = match measured.cheapest() {
        Some(precision) => {
            writeln!(text, "\nCheapest within 1 % of FP32's held-out loss: {}.\n", name(Some(precision)))
        }
        None => writeln!(text, "\nNone is within 1 % of FP32's held-out loss.\n"),
    };
    Ok(text)
}
