//! Steps and segments per second of the CPU back end on a job over a data file:
//! `segments FOLDER JOB.json`, the dataset's folder and the job as `assay job post` takes it.

use anyhow::Context;
use assay_data::{Files, Preparation};
use assay_engine::CpuBackend;
use assay_job::{DataSpec, JobSpec, Task};
use assay_protocol::Hash;
use std::path::Path;
use std::time::Instant;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(folder), Some(job)) = (arguments.next(), arguments.next()) else {
        anyhow::bail!("usage: segments FOLDER JOB.json");
    };
    let job: serde_json::Value = serde_json::from_slice(&std::fs::read(&job)?)?;
    let number = |value: &serde_json::Value, field: &str| value[field].as_u64().with_context(|| format!("no {field}"));
    let prepare: Preparation = serde_json::from_value(job["data"]["prepare"].clone())?;
    let folder = Path::new(&folder);
    let read = |file: &str| std::fs::read(folder.join(file)).with_context(|| format!("cannot read {file}"));
    let files = prepare.files().into_iter().map(|file| Ok((file.to_owned(), read(file)?)));
    let files = files.collect::<anyhow::Result<Files>>()?;
    let held_out = u32::try_from(number(&job["data"], "held_out")?)?;
    let spec = DataSpec::new(Hash::default(), prepare, &files, held_out)?;
    let training = serde_json::from_value(job["training"].clone())?;
    let segment_steps = u32::try_from(number(&job, "segment_steps")?)?;
    let spec = JobSpec::new(training, spec, Hash([1; 32]), number(&job, "steps")?, segment_steps)?;
    let task = Task::new(spec, &files)?;

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
