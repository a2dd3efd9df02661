//! Steps and segments per second of the CPU back end on a job over a data file:
//! `segments DATA.csv JOB.json`, the job as `assay job post` takes it.

use anyhow::Context;
use assay_engine::{CpuBackend, F32};
use assay_job::{DataSpec, JobSpec, Task};
use assay_protocol::Hash;
use std::time::Instant;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(data), Some(job)) = (arguments.next(), arguments.next()) else {
        anyhow::bail!("usage: segments DATA.csv JOB.json");
    };
    let job: serde_json::Value = serde_json::from_slice(&std::fs::read(&job)?)?;
    let number = |value: &serde_json::Value, field: &str| value[field].as_u64().with_context(|| format!("no {field}"));
    let spec = DataSpec {
        dataset: Hash::default(),
        file: "data.csv".into(),
        divisor: F32::from(job["data"]["divisor"].as_f64().context("no divisor")? as f32),
        held_out: u32::try_from(number(&job["data"], "held_out")?)?,
    };
    let training = serde_json::from_value(job["training"].clone())?;
    let segment_steps = u32::try_from(number(&job, "segment_steps")?)?;
    let spec = JobSpec::new(training, spec, Hash([1; 32]), number(&job, "steps")?, segment_steps)?;
    let task = Task::new(spec, &std::fs::read(&data)?)?;

    let cores = std::thread::available_parallelism()?.get();
    let mut roots = Vec::new();
    for threads in [1, cores] {
        let backend = CpuBackend::new(threads)?;
        let mut runner = task.runner(&backend)?;
        let mut state = task.initial_state()?;
        let begun = Instant::now();
        for segment in 0..task.spec().segments() {
            state = runner.run(&state, segment, |_| true)?.context("nobody stops it")?.state;
        }
        let seconds = begun.elapsed().as_secs_f64();
        let evaluation = task.evaluate(&backend, &state)?;
        println!(
            "{threads} threads: {:.0} steps/s, {:.1} segments/s of {segment_steps} steps, {:.2} % right, state root {}",
            task.spec().steps as f64 / seconds,
            f64::from(task.spec().segments()) / seconds,
            evaluation.accuracy() * 100.0,
            Hash(state.root())
        );
        roots.push(state.root());
    }
    anyhow::ensure!(roots.windows(2).all(|pair| pair[0] == pair[1]), "the state roots differ");
    Ok(())
}
