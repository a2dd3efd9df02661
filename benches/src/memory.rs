//! The most memory that a process that trains has at a time, beside JAX's.

use std::fmt::Write;
use std::path::PathBuf;

use anyhow::bail;
use assay_engine::{CpuBackend, PrecisionSpec, TrainingSpec};
use serde::Serialize;
use serde_json::json;

use crate::contest::{Contest, JaxOptions};
use crate::models;

/// Options of `memory`.
#[derive(clap::Args)]
pub struct Options {
    #[command(flatten)]
    jax: JaxOptions,
    /// The two smallest only.
    #[arg(long)]
    quick: bool,
    /// Writes all figures to this file.
    #[arg(long)]
    json: Option<PathBuf>,
}

const STEPS: usize = 2;
const UNLIMITED: u64 = 64 << 30;
/// Layers and samples of a step: growth with the one, then with the other.
const SIZES: [(u32, u32); 6] = [(2, 4), (4, 4), (8, 4), (12, 4), (4, 8), (4, 16)];
const MIB: f64 = 1048576.0;

/// What one size takes, in bytes.
#[derive(Serialize)]
struct Row {
    layers: u32,
    batch: u32,
    jax: u64,
    /// Tensors of the program, all kept.
    tensors: u64,
    /// Processes of the engine: with all tensors kept, within a budget midway from that to the least,
    /// within the least.
    kept: u64,
    midway: u64,
    least: u64,
    /// The least budget.
    least_budget: u64,
    /// Seconds of a step, as in the columns.
    seconds: [f64; 3],
}

fn spec(layers: u32, batch: u32) -> anyhow::Result<TrainingSpec> {
    models::spec(json!({
        "model": { "gpt": { "vocabulary": 256, "context": 256, "layers": layers, "heads": 4, "width": 256 } },
        "optimiser": models::adamw(0.001), "batch": batch, "block": 1
    }))
}

fn measure(options: &Options, layers: u32, batch: u32) -> anyhow::Result<Row> {
    let spec = spec(layers, batch)?;
    let random = &mut fastrand::Rng::with_seed(1);
    let batches: Vec<_> = (0..STEPS).map(|_| models::made_up(&spec, random)).collect();
    let program = spec.compile()?;
    let tensors = u64::try_from(program.memory_bytes())?;
    let least_budget = models::least(&program, |bytes| Ok(CpuBackend::new(1)?.with_memory_limit(bytes)))?;
    let contest = Contest::new(spec, models::SEED, 1, &batches, &[])?;
    let engine = |bytes| contest.engine(PrecisionSpec::default(), 0, bytes);
    let runs = [engine(UNLIMITED)?, engine(tensors.midpoint(least_budget))?, engine(least_budget)?];
    let [kept, midway, least] = [0, 1, 2].map(|i: usize| runs[i].peak_bytes);
    let seconds = [0, 1, 2].map(|i: usize| runs[i].median());
    if runs.iter().any(|run| run.losses != runs[0].losses) {
        bail!("a budget changes the losses of {layers} layers with {batch} samples");
    }
    let jax = contest.jax(&options.jax, 0)?.peak_bytes;
    Ok(Row { layers, batch, jax, tensors, kept, midway, least, least_budget, seconds })
}

/// Measures everything and prints the table.
pub fn run(options: &Options) -> anyhow::Result<()> {
    let mut rows = Vec::new();
    for (layers, batch) in SIZES.into_iter().take(if options.quick { 2 } else { SIZES.len() }) {
        eprintln!("{layers} layers, {batch} samples");
        rows.push(measure(options, layers, batch)?);
    }
    print!("{}", markdown(&rows));
    if let Some(file) = &options.json {
        std::fs::write(file, serde_json::to_string_pretty(&rows)? + "\n")?;
    }
    Ok(())
}

fn markdown(rows: &[Row]) -> String {
    let mut text = "MiB at the peak of a process that trains a GPT (256 wide, context 256) for two steps, everything \
        that it loads included, with one thread per core; in brackets the second step's milliseconds. *Kept*: every \
        tensor of the step has its own memory. *Least*: the \
        least budget that the engine takes. *Midway*: a budget half way between.\n\n\
        | layers | batch | JAX FP32 | tensors | engine, kept | engine, midway | least budget | engine, least |\n\
        | --- | --- | --- | --- | --- | --- | --- | --- |\n"
        .to_owned();
    for row in rows {
        let mib = |bytes: u64| format!("{:.0}", bytes as f64 / MIB);
        let run = |bytes: u64, seconds: f64| format!("{} ({:.0})", mib(bytes), 1e3 * seconds);
        let [kept, midway, least] = row.seconds;
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} | {} |",
            row.layers,
            row.batch,
            mib(row.jax),
            mib(row.tensors),
            run(row.kept, kept),
            run(row.midway, midway),
            mib(row.least_budget),
            run(row.least, least)
        );
    }
    text
}
