//! What a GPU gives and how fast.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, bail, ensure};
use assay_cuda::device::Device;
use assay_cuda::{CudaBackend, nvrtc};
use assay_engine::{
    Backend, Dataset, EngineError, Init, Input, Op, OpNode, Precision, Program, Sampler, Session, Shape, State,
    TensorDecl, TensorKind, TrainingSpec, split, trace_root, train,
};
use serde::{Deserialize, Serialize};

use crate::cublas::{Cublas, Kind};

/// Options of `gpu`.
#[derive(clap::Args)]
pub struct Options {
    /// The GPU's number.
    #[arg(long, default_value_t = 0)]
    gpu: u32,
    /// The engine's golden files.
    #[arg(long, default_value = "crates/engine/tests/golden")]
    golden: PathBuf,
    /// The digits.
    #[arg(long, default_value = "data/digits/digits.csv")]
    digits: PathBuf,
    /// Only says which GPU there is.
    #[arg(long)]
    probe: bool,
    /// Writes all figures to this file.
    #[arg(long)]
    json: Option<PathBuf>,
}

/// A committed job: see the engine's tests.
#[derive(Deserialize)]
struct Golden {
    spec: TrainingSpec,
    seed: u8,
    held_out: u64,
    steps: u64,
    final_root: String,
    trace_root: String,
}

/// One figure.
#[derive(Serialize)]
struct Figure {
    what: String,
    value: f64,
    unit: &'static str,
}

struct Bench {
    backend: CudaBackend,
    figures: Vec<Figure>,
}

/// Repetitions of a product in one step, so that its own time shows beside the step's.
const REPEAT: u32 = 8;
/// Steps that are timed.
const STEPS: u32 = 10;
const PRECISIONS: [(&str, Precision); 3] =
    [("int8x1", Precision::Int8x1), ("int8x2", Precision::Int8x2), ("int8x3", Precision::Int8x3)];

/// Runs all of it; a root that differs is an error.
pub fn run(options: &Options) -> anyhow::Result<()> {
    let backend = CudaBackend::open(options.gpu)?;
    let device = backend.device();
    let (limits, (major, minor)) = (device.limits()?, device.driver());
    println!("GPU: {}, {} multiprocessors, capability {}", device.name(), limits.multiprocessors, limits.capability);
    println!("driver for CUDA {major}.{minor}, NVRTC {:?}, {} bytes free", nvrtc::version()?, limits.memory);
    if options.probe {
        return Ok(());
    }
    let mut bench = Bench { backend, figures: vec![] };
    let mut same = true;
    for name in ["digits-adamw", "digits-sgd"] {
        same &= bench.golden(options, name)?;
    }
    ensure!(same, "the GPU's state roots are not the committed ones: nothing is measured");
    bench.products()?;
    bench.steps()?;
    bench.hashes()?;
    if let Some(file) = &options.json {
        std::fs::write(file, serde_json::to_string_pretty(&bench.figures)? + "\n")?;
    }
    Ok(())
}

impl Bench {
    fn figure(&mut self, what: String, value: f64, unit: &'static str) {
        println!("{what}: {value:.4} {unit}");
        self.figures.push(Figure { what, value, unit });
    }

    /// Whether a committed job ends with the same roots.
    fn golden(&self, options: &Options, name: &str) -> anyhow::Result<bool> {
        let path = options.golden.join(format!("{name}.json"));
        let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let want: Golden = serde_json::from_str(&text).with_context(|| format!("in {}", path.display()))?;
        let text = std::fs::read_to_string(&options.digits)
            .with_context(|| format!("cannot read {}", options.digits.display()))?;
        let data = Dataset::from_csv(&text, 10, 16.0)?;
        let program = want.spec.compile()?;
        let seed = [want.seed; 32];
        let (training, _) = split(&seed, data.rows(), want.held_out)?;
        let sampler = Sampler::new(&seed, training, want.spec.batch)?;
        let mut session = self.backend.prepare(&program)?;
        session.load(&State::init(&program, seed)?)?;
        let mut pulses = vec![];
        train(&mut *session, &data, &sampler, want.steps, |pulse| {
            pulses.push(pulse);
            Ok::<(), EngineError>(())
        })?;
        let (root, trace) = (hex::encode(session.state_root()?), hex::encode(trace_root(&pulses)));
        let same = root == want.final_root && trace == want.trace_root;
        println!("{name}, {} steps: state root {root}, trace root {trace}: {}", want.steps, equal(same));
        Ok(same)
    }

    /// Products, quantisation and rounding included, against cuBLAS.
    fn products(&mut self) -> anyhow::Result<()> {
        let cublas = Cublas::open(self.backend.device())?;
        if cublas.is_none() {
            println!("no cuBLAS here: nothing to compare with");
        }
        let square = [1024, 2048, 4096, 8192, 16384].map(|n| [n, n, n]);
        let gpt2 = [[1024, 768, 2304], [1024, 768, 768], [1024, 768, 3072], [1024, 3072, 768], [8192, 768, 3072]];
        for [m, k, n] in square.into_iter().chain(gpt2) {
            let work = 2e-12 * (m * k * n) as f64;
            for (name, precision) in PRECISIONS {
                let seconds = self.product(m, k, n, precision)?;
                self.figure(format!("{m} x {k} x {n}, {name}"), work / seconds, "TFLOP/s");
            }
            let Some(cublas) = &cublas else { continue };
            let kinds = [("FP32", Kind::Float), ("TF32", Kind::Tf32), ("BF16", Kind::Bfloat16)];
            let seconds = kinds
                .map(|(name, kind)| (name, cublas.seconds(self.backend.device(), kind, [m, k, n], REPEAT * STEPS)));
            for (name, seconds) in seconds {
                self.figure(format!("{m} x {k} x {n}, cuBLAS {name}"), work / seconds?, "TFLOP/s");
            }
        }
        Ok(())
    }

    /// Seconds of one product.
    fn product(&self, m: usize, k: usize, n: usize, precision: Precision) -> anyhow::Result<f64> {
        let shape = |rows: usize, columns: usize| Shape::new(&[rows as u32, columns as u32]).context("rank 2");
        let state = TensorKind::State(Init::Uniform { bound: 1f32.to_bits() });
        let mut tensors = vec![
            TensorDecl { name: "a".into(), shape: shape(m, k)?, kind: state },
            TensorDecl { name: "b".into(), shape: shape(k, n)?, kind: state },
        ];
        let op = Op::MatMul { transpose_a: false, transpose_b: false, precision };
        let ops = (0..REPEAT)
            .map(|i| {
                let output = tensors.len() as u32;
                tensors.push(TensorDecl { name: format!("c{i}"), shape: shape(m, n)?, kind: TensorKind::Temporary });
                Ok(OpNode { op: op.clone(), inputs: vec![0, 1], output })
            })
            .collect::<anyhow::Result<_>>()?;
        let program = Program { tensors, ops, updates: vec![], outputs: vec![], pulse: None };
        Ok(self.seconds_per_step(&program, &[])? / f64::from(REPEAT))
    }

    fn seconds_per_step(&self, program: &Program, inputs: &[Input<'_>]) -> anyhow::Result<f64> {
        let mut session: Box<dyn Session> = self.backend.prepare(program)?;
        session.load(&State::init(program, [1; 32])?)?;
        session.execute(inputs)?;
        let start = Instant::now();
        for _ in 0..STEPS {
            session.execute(inputs)?;
        }
        Ok(start.elapsed().as_secs_f64() / f64::from(STEPS))
    }

    /// Training steps of perceptrons.
    fn steps(&mut self) -> anyhow::Result<()> {
        for (inputs, hidden, batch) in [(64, vec![64], 64), (784, vec![512, 512], 128), (1024, vec![4096, 4096], 1024)]
        {
            let spec: TrainingSpec = serde_json::from_value(serde_json::json!({
                "model": { "mlp": { "inputs": inputs, "hidden": hidden, "classes": 10, "activation": "relu" } },
                "optimiser": { "sgd": { "lr": 0.01, "momentum": 0.9, "weight_decay": 0.0 } },
                "precision": { "forward": "int8x2", "grad_input": "int8x2", "grad_weight": "int8x2" },
                "batch": batch
            }))?;
            let program = spec.compile()?;
            let features: Vec<f32> = (0..inputs * batch).map(|i| ((i * 37) % 17) as f32 / 16.0).collect();
            let labels: Vec<f32> = (0..batch).map(|i| (i % 10) as f32).collect();
            let given = [Input::new("features", &features), Input::new("labels", &labels)];
            let seconds = self.seconds_per_step(&program, &given)?;
            self.figure(format!("step of {inputs}-{hidden:?}-10, batch {batch}, int8x2"), 1e3 * seconds, "ms");
        }
        Ok(())
    }

    /// State roots.
    fn hashes(&mut self) -> anyhow::Result<()> {
        let elements = 1u32 << 28;
        let tensor = TensorDecl {
            name: "weights".into(),
            shape: Shape::new(&[elements]).context("rank 1")?,
            kind: TensorKind::State(Init::Constant(1f32.to_bits())),
        };
        let program = Program { tensors: vec![tensor], ops: vec![], updates: vec![], outputs: vec![], pulse: None };
        let state = State::init(&program, [1; 32])?;
        let mut session = self.backend.prepare(&program)?;
        session.load(&state)?;
        let root = session.state_root()?;
        if root != state.root() {
            bail!("the GPU hashes a state of {elements} numbers wrongly");
        }
        let start = Instant::now();
        for _ in 0..STEPS {
            session.state_root()?;
        }
        let seconds = start.elapsed().as_secs_f64() / f64::from(STEPS);
        self.figure("state roots".into(), 4e-9 * f64::from(elements) / seconds, "GB/s");
        Ok(())
    }
}

fn equal(same: bool) -> &'static str {
    if same { "as committed" } else { "DIFFERENT from what is committed" }
}
