//! `assay-benches matmul`: the exact matmul, packing included, against single-precision matmuls
//! of other libraries. See `scripts/bench matmul`.
//!
//! `assay-benches gpu`: an NVIDIA GPU's state roots against the committed ones, and its speed. See
//! `scripts/bench gpu`.
//!
//! `assay-benches invariance`: one state root on every back end. See `scripts/bench invariance`.
//!
//! `assay-benches parity`, `train` and `memory`: the same training by the engine and by JAX. See
//! `scripts/bench parity`, `train` and `memory`.

mod chart;
mod contest;
mod cublas;
mod gpu;
mod invariance;
mod memory;
mod models;
mod parity;
mod peers;
mod report;
mod shapes;
mod train;

use std::path::PathBuf;
use std::time::Instant;

use anyhow::ensure;
use assay_engine::{CpuBackend, ExactMatMul, Instructions, Matrix, Precision};
use clap::{Parser, Subcommand};
use rustix::time::{ClockId, clock_gettime};

use peers::OpenBlas;
use report::{Contender, Report, Row};
use shapes::Shape;

/// Measurements against other libraries.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// The exact matmul against f32 matmuls.
    Matmul(MatmulOptions),
    /// A GPU: state roots, and products, steps and hashes against the clock.
    Gpu(gpu::Options),
    /// State roots of the same jobs on every back end.
    Invariance(invariance::Options),
    /// Losses beside those of FP32.
    Parity(parity::Options),
    /// Seconds of a training step beside FP32's.
    Train(train::Options),
    /// Peak memory beside that of FP32.
    Memory(memory::Options),
    /// One training, as the others start it.
    #[command(hide = true)]
    Engine(contest::EngineOptions),
}

#[derive(clap::Args)]
struct MatmulOptions {
    /// OpenBLAS's library file, as in the scipy-openblas32 wheel.
    #[arg(long)]
    openblas: PathBuf,
    /// Writes all figures to this file.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Fewer shapes, for a minute instead of ten.
    #[arg(long)]
    quick: bool,
    /// Only shapes whose name or group contains this.
    #[arg(long)]
    only: Option<String>,
    /// Instructions of the exact matmul [default: the fastest].
    #[arg(long)]
    instructions: Option<Instructions>,
    /// Numbers of threads [default: 1, and one per core].
    #[arg(long, value_delimiter = ',')]
    threads: Vec<usize>,
    /// Without the gemm crate, which always takes the fastest instructions.
    #[arg(long)]
    no_gemm: bool,
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Matmul(options) => matmul(&options),
        Command::Gpu(options) => gpu::run(&options),
        Command::Invariance(options) => invariance::run(&options),
        Command::Parity(options) => parity::run(&options),
        Command::Train(options) => train::run(&options),
        Command::Memory(options) => memory::run(&options),
        Command::Engine(options) => contest::engine(&options),
    }
}

const PRECISIONS: [(Contender, Precision); 3] = [
    (Contender::Int8x1, Precision::Int8x1),
    (Contender::Int8x2, Precision::Int8x2),
    (Contender::Int8x3, Precision::Int8x3),
];

fn matmul(options: &MatmulOptions) -> anyhow::Result<()> {
    let openblas = OpenBlas::open(&options.openblas)?;
    let cores = std::thread::available_parallelism()?.get();
    let mut report = Report::new(&openblas.name, cores);
    let threads = match (options.threads.is_empty(), cores) {
        (false, _) => options.threads.clone(),
        (true, 1) => vec![1],
        (true, _) => vec![1, cores],
    };
    let shapes = shapes::shapes(options.quick).into_iter().filter(|shape| {
        options.only.as_ref().is_none_or(|part| shape.name.contains(part) || shape.group.contains(part))
    });
    let random = &mut fastrand::Rng::with_seed(1);
    for shape in shapes {
        let [a, b] = [shape.m * shape.k, shape.k * shape.n].map(|count| normal(random, count));
        for &threads in &threads {
            let mut backend = CpuBackend::new(threads)?;
            if let Some(instructions) = options.instructions {
                backend = backend.with_instructions(instructions)?;
            }
            report.instructions = backend.instructions().name().to_owned();
            openblas.set_threads(threads);
            let row = measure(&shape, threads, &mut backend.exact_matmul(), &openblas, !options.no_gemm, &a, &b)?;
            eprintln!("{}", row.line());
            report.rows.push(row);
        }
    }
    report.load_after = report::load();
    print!("{}", report.markdown());
    if let Some(file) = &options.json {
        std::fs::write(file, serde_json::to_string_pretty(&report)? + "\n")?;
    }
    Ok(())
}

/// Normally distributed numbers, by the polar method.
fn normal(random: &mut fastrand::Rng, count: usize) -> Vec<f32> {
    let mut one = || loop {
        let (x, y) = (2.0 * random.f32() - 1.0, 2.0 * random.f32() - 1.0);
        let s = x * x + y * y;
        if s > 0.0 && s < 1.0 {
            break x * (-2.0 * s.ln() / s).sqrt();
        }
    };
    (0..count).map(|_| one()).collect()
}

/// All contenders in turn, several rounds; the medians.
fn measure(
    shape: &Shape,
    threads: usize,
    exact: &mut ExactMatMul,
    openblas: &OpenBlas,
    with_gemm: bool,
    a: &[f32],
    b: &[f32],
) -> anyhow::Result<Row> {
    let mut out = vec![0.0f32; shape.m * shape.n];
    let mut run = |contender: Contender, out: &mut [f32]| -> anyhow::Result<()> {
        match contender {
            Contender::OpenBlas => openblas.run(shape, a, b, out),
            Contender::Gemm => peers::gemm_crate(shape, threads, a, b, out),
            Contender::Int8x1 | Contender::Int8x2 | Contender::Int8x3 => {
                let stored = |rows: usize, columns: usize, swap: bool| {
                    if swap { [columns as u32, rows as u32] } else { [rows as u32, columns as u32] }
                };
                let a = Matrix {
                    shape: stored(shape.m, shape.k, shape.transpose_a),
                    data: a,
                    transposed: shape.transpose_a,
                };
                let b = Matrix {
                    shape: stored(shape.k, shape.n, shape.transpose_b),
                    data: b,
                    transposed: shape.transpose_b,
                };
                let precision = PRECISIONS.iter().find(|(name, _)| *name == contender).expect("one of them").1;
                ensure!(exact.run(a, b, precision, out)?, "an infinity");
            }
        }
        Ok(())
    };
    let contenders: Vec<Contender> =
        Contender::ALL.into_iter().filter(|contender| with_gemm || *contender != Contender::Gemm).collect();

    // The first round warms up, and shows that all multiply the same.
    let mut reference = Vec::new();
    for &contender in &contenders {
        out.fill(0.0);
        run(contender, &mut out)?;
        let sample: Vec<f32> = out.iter().step_by(out.len() / 1000 + 1).copied().collect();
        if contender == Contender::OpenBlas {
            reference = sample;
            continue;
        }
        let norm = |x: &mut dyn Iterator<Item = f32>| x.map(|x| f64::from(x).powi(2)).sum::<f64>().sqrt();
        let error = norm(&mut sample.iter().zip(&reference).map(|(x, y)| x - y)) / norm(&mut reference.iter().copied());
        ensure!(error < contender.tolerance(), "{contender:?} is off by {error:e} in {shape:?}");
    }

    let begun = Instant::now();
    let mut seconds: Vec<Vec<f64>> = vec![Vec::new(); contenders.len()];
    // Five rounds at least where they are short, one where it takes seconds.
    while seconds[0].is_empty() || begun.elapsed().as_secs_f64() < if seconds[0].len() < 5 { 2.0 } else { 0.4 } {
        for (contender, seconds) in contenders.iter().zip(&mut seconds) {
            // What takes microseconds is repeated until it can be measured.
            let repeat = (2e7 / shape.products()).ceil() as usize;
            let begun = now(threads);
            for _ in 0..repeat {
                run(*contender, &mut out)?;
            }
            seconds.push((now(threads) - begun) / repeat as f64);
        }
    }
    Ok(Row::new(shape, threads, &contenders, seconds))
}

/// Seconds: of this thread's work where there is one thread, so that what else the machine
/// does counts for little; otherwise of the clock.
fn now(threads: usize) -> f64 {
    let clock = if threads == 1 { ClockId::ThreadCPUTime } else { ClockId::Monotonic };
    let time = clock_gettime(clock);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}
