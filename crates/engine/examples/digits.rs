//! Trains a multi-layer perceptron on the handwritten digits.
//!
//! `cargo run -p assay-engine --example digits -- data/digits/digits.csv [threads] [spec.json]
//! [steps]`; 0 threads stands for one per core, and the description of the model is the one below
//! unless a file is given.
//!
//! Of the 1,797 rows, 360 are held out by a keyed split; the accuracy on these, the
//! speed, and the hashes that identify the run are printed.

use std::time::Instant;

use anyhow::Context;
use assay_engine::{
    Backend, CpuBackend, Dataset, EngineError, Pulse, Sampler, State, TrainingSpec, accuracy, split, trace_root, train,
};

const SPEC: &str = r#"{
    "model": { "mlp": { "inputs": 64, "hidden": [64], "classes": 10, "activation": "relu" } },
    "optimiser": {
        "adamw": { "lr": 0.003, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.01 }
    },
    "precision": { "forward": "int8x2", "grad_input": "int8x2", "grad_weight": "int8x2" },
    "batch": 64
}"#;
const STEPS: u64 = 800;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().context("usage: digits PATH_TO_digits.csv [threads] [spec.json] [steps]")?;
    let threads = arguments.next().map_or(Ok(0), |n| n.parse()).context("threads")?;
    let json = match arguments.next() {
        Some(path) => std::fs::read_to_string(&path).with_context(|| path)?,
        None => SPEC.to_owned(),
    };
    let spec: TrainingSpec = serde_json::from_str(&json)?;
    let steps = arguments.next().map_or(Ok(STEPS), |n| n.parse()).context("steps")?;
    let text = std::fs::read_to_string(&path).with_context(|| path)?;
    let data = Dataset::from_csv(&text, 10, 16.0)?;

    let seed = [42; 32];
    let (training, held_out) = split(&seed, data.rows(), 360)?;
    let program = spec.compile()?;
    let backend = CpuBackend::new(threads)?;
    println!("{}, {} ops, program {}", backend.name(), program.ops.len(), hex(&program.hash()));

    let mut session = backend.prepare(&program)?;
    session.load(&State::init(&program, seed)?)?;
    let sampler = Sampler::new(&seed, training, spec.batch)?;
    let mut pulses: Vec<Pulse> = Vec::new();
    let start = Instant::now();
    train(&mut *session, &data, &sampler, steps, |pulse| {
        if pulse.step % 100 == 0 {
            println!("step {:4}: loss {:.4}, gradient norm {:.4}", pulse.step, pulse.loss, pulse.grad_norm);
        }
        pulses.push(pulse);
        Ok::<(), EngineError>(())
    })?;
    let seconds = start.elapsed().as_secs_f64();

    let state = session.state()?;
    let right = accuracy(&backend, &spec.compile_forward()?, &state, &data, &held_out)?;
    println!("{:.0} steps/s ({:.0} µs a step)", steps as f64 / seconds, 1e6 * seconds / steps as f64);
    println!("held out: {right} of {} right ({:.2} %)", held_out.len(), 100.0 * right as f64 / held_out.len() as f64);
    println!("trace root {}", hex(&trace_root(&pulses)));
    println!("state root {}", hex(&state.root()));
    Ok(())
}

fn hex(hash: &[u8; 32]) -> String {
    format!("0x{}", hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}
