//! How long a training step takes, beside JAX in FP32 on the same machine.

use std::fmt::Write;
use std::path::PathBuf;

use assay_engine::{Precision, PrecisionSpec};
use serde::Serialize;
use serde_json::{Value, json};

use crate::contest::{Contest, JaxOptions, Outcome};
use crate::models;
use crate::report::load;

/// Options of `train`.
#[derive(clap::Args)]
pub struct Options {
    #[command(flatten)]
    jax: JaxOptions,
    /// Without the GPT of 124 million parameters, and fewer steps.
    #[arg(long)]
    quick: bool,
    /// Numbers of threads [default: 1, and one per core].
    #[arg(long, value_delimiter = ',')]
    threads: Vec<usize>,
    /// Writes all figures to this file.
    #[arg(long)]
    json: Option<PathBuf>,
}

const MEMORY: u64 = 16 << 30;
/// First steps that are not timed: the first one allocates or compiles.
const WARM: usize = 2;

/// What is timed.
struct Job {
    name: &'static str,
    training: Value,
    steps: usize,
}

/// One contender's time.
#[derive(Serialize)]
struct Row {
    model: &'static str,
    threads: usize,
    contender: &'static str,
    /// Median seconds of a step.
    seconds: f64,
    /// As a multiple of JAX's speed.
    ratio: f64,
    outcome: Outcome,
}

fn jobs(quick: bool) -> Vec<Job> {
    let gpt = |vocabulary, layers, heads, width, batch| {
        json!({
            "model": { "gpt": { "vocabulary": vocabulary, "context": 256, "layers": layers, "heads": heads,
                                "width": width } },
            "optimiser": models::adamw(0.0003), "batch": batch
        })
    };
    let mlp = json!({
        "model": { "mlp": { "inputs": 64, "hidden": [64], "classes": 10, "activation": "relu" } },
        "optimiser": models::adamw(0.003), "batch": 64
    });
    let mut jobs = vec![
        Job { name: "digits perceptron 64-64-10, batch 64", training: mlp, steps: if quick { 100 } else { 2000 } },
        Job {
            name: "GPT, 10.7 M parameters, 4 x 256 tokens",
            training: gpt(91, 6, 6, 384, 4),
            steps: if quick { 1 } else { 7 },
        },
    ];
    if !quick {
        jobs.push(Job {
            name: "GPT-2 small, 124 M parameters, 1 x 256 tokens",
            training: gpt(50257, 12, 12, 768, 1),
            steps: 3,
        });
    }
    jobs
}

/// Times everything and prints the table.
pub fn run(options: &Options) -> anyhow::Result<()> {
    let cores = std::thread::available_parallelism()?.get();
    let mut threads = if options.threads.is_empty() { vec![1, cores] } else { options.threads.clone() };
    threads.dedup();
    let (before, mut rows) = (load(), Vec::new());
    for job in jobs(options.quick) {
        let spec = models::spec(job.training)?;
        let random = &mut fastrand::Rng::with_seed(1);
        let batches: Vec<_> = (0..WARM + job.steps).map(|_| models::made_up(&spec, random)).collect();
        let contest = Contest::new(spec, models::SEED, WARM, &batches, &[])?;
        for &threads in &threads {
            eprintln!("{}, {threads} threads", job.name);
            let jax = contest.jax(&options.jax, threads)?;
            let peer = jax.median();
            let mut row = |contender, outcome: Outcome| {
                let seconds = outcome.median();
                rows.push(Row { model: job.name, threads, contender, seconds, ratio: peer / seconds, outcome });
            };
            row("JAX FP32", jax);
            for (name, precision) in [("int8x1", Precision::Int8x1), ("int8x2", Precision::Int8x2)] {
                let all = PrecisionSpec { forward: precision, grad_input: precision, grad_weight: precision };
                row(name, contest.engine(all, threads, MEMORY)?);
            }
        }
    }
    print!("{}", markdown(&rows, cores, before));
    if let Some(file) = &options.json {
        std::fs::write(file, serde_json::to_string_pretty(&rows)? + "\n")?;
    }
    Ok(())
}

fn markdown(rows: &[Row], cores: usize, before: f64) -> String {
    let of = |what: &str| rows.iter().find(|row| row.contender == what).map_or("", |row| row.outcome.what.as_str());
    let mut text = format!(
        "{}, engine `{}`, {cores} cores. Milliseconds of a step (medians), in brackets how many times as fast as JAX: of \
         processor time with one thread, of the clock with more. Load average before and after: {before:.1}, {:.1}.\n\n\
         | model | threads | JAX FP32 | int8x1 | int8x2 |\n| --- | --- | --- | --- | --- |\n",
        of("JAX FP32"),
        of("int8x1"),
        load()
    );
    // Each group has the three contenders of a model on a number of threads.
    for group in rows.chunks(3) {
        let _ = write!(text, "| {} | {} |", group[0].model, group[0].threads);
        for (i, row) in group.iter().enumerate() {
            let ratio = if i == 0 { String::new() } else { format!(" ({:.2})", row.ratio) };
            let _ = write!(text, " {:.2}{ratio} |", 1e3 * row.seconds);
        }
        text += "\n";
    }
    text
}
