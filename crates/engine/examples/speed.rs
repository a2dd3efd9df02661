//! How long training steps of a described model take, and in how much memory, on made-up samples.
//!
//! `cargo run -p assay-engine --example speed -- SPEC.json [steps] [threads] [bytes]`: `SPEC.json` is a
//! `training` object (`docs/models.md`); 0 threads stands for one per core; `bytes` is the budget for
//! tensors.

use std::time::Instant;

use anyhow::Context;
use assay_engine::{Backend, CpuBackend, Input, Samples, State, TrainingSpec};
use assay_exact::philox;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().context("usage: speed SPEC.json [steps] [threads] [bytes]")?;
    let mut number =
        |name: &'static str, default: u64| arguments.next().map_or(Ok(default), |n| n.parse()).context(name);
    let (steps, threads, bytes) = (number("steps", 5)?, number("threads", 0)?, number("bytes", 8 << 30)?);
    let spec: TrainingSpec = serde_json::from_str(&std::fs::read_to_string(&path).with_context(|| path)?)?;
    let program = spec.compile()?;
    let state = State::init(&program, [42; 32])?;
    let parameters: u64 = spec.compile_forward()?.state_layout().elements();
    let backend = CpuBackend::new(usize::try_from(threads)?)?.with_memory_limit(bytes);
    println!(
        "{}: {parameters} parameters, {} ops, {} bytes in all tensors",
        backend.name(),
        program.ops.len(),
        program.memory_bytes()
    );
    let mut session = backend.prepare(&program)?;
    session.load(&state)?;

    let batch = u64::from(spec.batch);
    let random = |count: u64, step: u64| (0..count).map(move |i| philox::word([1, 2], 3, step, i));
    for step in 0..=steps {
        let counter = philox::counter([5, 6], step);
        let (name, samples, labels): (_, Vec<f32>, Vec<f32>) = match spec.model.samples() {
            Samples::Features { width, classes } => {
                let features = random(batch * u64::from(width), step).map(philox::unit).collect();
                ("features", features, random(batch, !step).map(|word| (word % classes) as f32).collect())
            }
            Samples::Tokens { context, vocabulary } => {
                let tokens =
                    |step| random(batch * u64::from(context), step).map(|word| (word % vocabulary) as f32).collect();
                ("tokens", tokens(step), tokens(!step))
            }
        };
        let inputs = [Input::new(name, &samples), Input::new("labels", &labels), Input::new("counter", &counter)];
        let inputs = if program.has_input("counter") { &inputs[..] } else { &inputs[..2] };
        let start = Instant::now();
        let pulse = session.step(inputs)?;
        // The first allocates.
        let note = if step == 0 { " (the first)" } else { "" };
        println!("step {step}: {:.1} ms, loss {:.4}{note}", 1e3 * start.elapsed().as_secs_f64(), pulse.loss());
    }
    Ok(())
}
