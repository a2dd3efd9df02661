//! From a job on chain to a task that can be run: the specification from the
//! chain, the dataset from its locations, every byte checked by hash.

use crate::options::Deployed;
use anyhow::{Context, bail};
use assay_content::{Fetcher, Kind, Store, fetch::Progress};
use assay_job::{JobSpec, Manifest, Task};
use assay_protocol::market::JobView;

/// Most bytes of a data file that is fetched, unless a policy says less.
pub const MAX_DATA_BYTES: u64 = 8 << 30;
/// Most bytes of a data file that daemons fetch for a job unless told otherwise:
/// it is held in memory, and anybody can post a job.
pub const POLICY_DATA_BYTES: u64 = 1 << 30;
/// Bytes of disk that data leaves free: journals and checkpoints must still be written.
const KEEP_FREE: u64 = 1 << 30;

/// The specification of a job, checked against the job's terms.
///
/// # Errors
/// If the chain has none, it cannot be read, or it is not what the terms say.
pub async fn spec(deployed: &Deployed, job: &JobView) -> anyhow::Result<JobSpec> {
    let bytes = deployed.market.spec(job.id).await?.with_context(|| format!("job {} has no specification", job.id))?;
    let spec = JobSpec::from_bytes(&bytes)?;
    if spec.hash() != job.terms.spec {
        bail!("job {}: the specification's hash is {}, and the terms say {}", job.id, spec.hash(), job.terms.spec);
    }
    if spec.program != job.terms.program {
        bail!("job {}: the specification names program {}, and the terms {}", job.id, spec.program, job.terms.program);
    }
    if spec.segments() != job.terms.segments {
        bail!(
            "job {}: the specification makes {} segments, and the terms {}",
            job.id,
            spec.segments(),
            job.terms.segments
        );
    }
    if job.datasets != [spec.data.dataset] {
        bail!("job {}: the specification's dataset {} is not the one the job names", job.id, spec.data.dataset);
    }
    Ok(spec)
}

/// The data file of a specification: from `cache` if it is there, else from the
/// dataset's locations on chain, and kept in `cache`.
///
/// # Errors
/// If the dataset is not registered, is larger than `limit` bytes, or no
/// location serves the right bytes.
pub async fn data_file(
    deployed: &Deployed,
    fetcher: &Fetcher,
    spec: &JobSpec,
    cache: &Store,
    limit: u64,
    progress: Progress<'_>,
) -> anyhow::Result<Vec<u8>> {
    let dataset = spec.data.dataset;
    let locations = deployed.registry.locations(&assay_protocol::registry::Node::Dataset(dataset)).await?;
    let manifest = Manifest::fetch(fetcher, &locations, &dataset).await?;
    let entry = manifest.file(&spec.data.file)?;
    if entry.bytes > limit {
        bail!("{} of dataset {dataset} has {} bytes, more than the limit of {limit}", entry.path, entry.bytes);
    }
    if let Some(bytes) = cache.get(Kind::Blob, &entry.sha256)? {
        // A disk may lie: only what has the right hash is taken from the cache.
        if assay_protocol::hash::Sha256::sha256(&assay_protocol::hash::Native, &bytes) == entry.sha256 {
            return Ok(bytes);
        }
        cache.remove(Kind::Blob, &entry.sha256)?;
    }
    check_disk(cache, entry.bytes)?;
    let bytes = manifest.fetch_file(fetcher, &locations, &spec.data.file, progress).await?;
    cache.put_blob(&bytes)?;
    Ok(bytes)
}

/// Refuses data that would fill the disk.
fn check_disk(cache: &Store, bytes: u64) -> anyhow::Result<()> {
    let Ok(stat) = rustix::fs::statvfs(cache.root()) else { return Ok(()) };
    let free = stat.f_bavail.saturating_mul(stat.f_frsize);
    if free < bytes.saturating_add(KEEP_FREE) {
        bail!(
            "the data has {bytes} bytes, and the disk with {} has {free} free, of which {KEEP_FREE} are left alone; \
             make room, for example by deleting what is in its folder `blob`",
            cache.root().display()
        );
    }
    Ok(())
}

/// The task of a job: its specification and its data.
///
/// # Errors
/// As [`spec`] and [`data_file`], and if the data does not fit.
pub async fn task(
    deployed: &Deployed,
    fetcher: &Fetcher,
    job: &JobView,
    cache: &Store,
    limit: u64,
    progress: Progress<'_>,
) -> anyhow::Result<Task> {
    let spec = spec(deployed, job).await?;
    let file = data_file(deployed, fetcher, &spec, cache, limit, progress).await?;
    Ok(Task::new(spec, &file)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_that_would_fill_the_disk_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Store::open(folder.path()).unwrap();
        let error = check_disk(&cache, u64::MAX).unwrap_err().to_string();
        assert!(error.contains("make room"), "{error}");
    }
}
