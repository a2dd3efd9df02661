//! From a job on chain to a task on this machine, before and after the claim.

use crate::context::Context;
use crate::policy::{Need, Refusal};
use crate::training;
use anyhow::Context as _;
use assay_content::{Kind, store::write_atomically};
use assay_data::Files;
use assay_engine::EngineError;
use assay_job::{DataSpec, JobSpec, Task};
use assay_protocol::Hash;
use assay_protocol::hash::{Native, Sha256};
use assay_protocol::market::JobView;
use assay_shell::inputs;
use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;

/// In a job's folder: the paths of its data files with their SHA-256 as JSON, so that the
/// job can go on when the data's server is gone.
const DATA_FILE: &str = "data.json";

/// A task, or why the policy does not take it.
pub type Prepared = Result<Arc<Task>, Refusal>;

/// Fetches the inputs of a job that is not claimed yet, and judges it by its
/// size and by a short trial.
///
/// # Errors
/// If an input cannot be had, is not what the chain says, or does not fit.
pub async fn prepare(context: &Arc<Context>, job: &JobView) -> anyhow::Result<Prepared> {
    let spec = inputs::spec(&context.deployed, job).await?;
    let program = spec.compile()?;
    let checkpoint = program.state_layout().file_bytes();
    let own = context.clone();
    let memory = match tokio::task::spawn_blocking(move || own.backend.footprint(&program)).await? {
        Ok(footprint) => {
            tracing::debug!(job = job.id, "memory: {footprint}");
            footprint.bytes
        }
        Err(EngineError::TooLarge { needed, .. }) => needed,
        Err(error) => return Err(error.into()),
    };
    let need = Need { memory: u64::try_from(memory).unwrap_or(u64::MAX), checkpoint };
    if let Err(refusal) = context.policy.size(&spec, need, context.machine()) {
        return Ok(Err(refusal));
    }
    let task = fetch(context, job, spec).await?;
    let (trial_task, trial_context) = (task.clone(), context.clone());
    let seconds = tokio::task::spawn_blocking(move || training::trial(&trial_task, &*trial_context.backend)).await??;
    tracing::debug!(job = job.id, seconds_per_step = seconds, "trial");
    Ok(context.policy.speed(task.spec().steps, seconds, &job.terms.windows).map(|()| task))
}

/// The task of a job that is claimed: from what is kept of it, else fetched anew.
///
/// # Errors
/// If an input cannot be had or is not what the chain says.
pub async fn task(context: &Arc<Context>, job: &JobView) -> anyhow::Result<Arc<Task>> {
    let spec = inputs::spec(&context.deployed, job).await?;
    match kept_data(context, job.id) {
        Some(files) => build(spec, files).await,
        None => fetch(context, job, spec).await,
    }
}

async fn fetch(context: &Arc<Context>, job: &JobView, spec: JobSpec) -> anyhow::Result<Arc<Task>> {
    let limit = context.policy.max_data_bytes;
    let DataSpec { dataset, prepare, .. } = &spec.data;
    let (deployed, inputs) = (&context.deployed, &context.inputs);
    let files = inputs::data_files(deployed, &context.fetcher, *dataset, prepare, inputs, limit, &|_, _| ()).await?;
    let hashes: BTreeMap<&String, Hash> = files.iter().map(|(path, bytes)| (path, Native.sha256(bytes))).collect();
    let folder = context.job_folder(job.id);
    let kept = fs::create_dir_all(&folder)
        .and_then(|()| write_atomically(&folder.join(DATA_FILE), &serde_json::to_vec(&hashes)?));
    kept.with_context(|| format!("cannot write to {}", folder.display()))?;
    build(spec, files).await
}

async fn build(spec: JobSpec, files: Files) -> anyhow::Result<Arc<Task>> {
    Ok(Arc::new(tokio::task::spawn_blocking(move || Task::new(spec, &files)).await??))
}

/// The data files that an earlier preparation has checked and kept.
fn kept_data(context: &Context, job: u64) -> Option<Files> {
    let json = fs::read(context.job_folder(job).join(DATA_FILE)).ok()?;
    let hashes: BTreeMap<String, Hash> = serde_json::from_slice(&json).ok()?;
    let kept = |(path, hash): (String, Hash)| {
        let bytes = context.inputs.get(Kind::Blob, &hash).ok()??;
        (Native.sha256(&bytes) == hash).then_some((path, bytes))
    };
    hashes.into_iter().map(kept).collect()
}
