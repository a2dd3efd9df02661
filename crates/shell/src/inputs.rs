//! From a job on chain to a task that can be run: the specification from the
//! chain, the dataset from its locations, every byte checked by hash.

use crate::options::Deployed;
use anyhow::{Context, bail};
use assay_content::{Fetcher, Kind, Store, fetch::Progress};
use assay_data::{Files, Preparation};
use assay_job::{DataSpec, JobSpec, Manifest, Task};
use assay_protocol::Hash;
use assay_protocol::hash::{Native, Sha256};
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

/// The files that a preparation names: each from `cache` if it is there, else from
/// the dataset's locations on chain, and kept in `cache`. `progress` hears of bytes
/// of all files together.
///
/// # Errors
/// If the dataset is not registered, the files have more than `limit` bytes
/// together, or no location serves the right bytes.
pub async fn data_files(
    deployed: &Deployed,
    fetcher: &Fetcher,
    dataset: Hash,
    prepare: &Preparation,
    cache: &Store,
    limit: u64,
    progress: Progress<'_>,
) -> anyhow::Result<Files> {
    let locations = deployed.registry.locations(&assay_protocol::registry::Node::Dataset(dataset)).await?;
    let manifest = Manifest::fetch(fetcher, &locations, &dataset).await?;
    let entries = prepare.files().into_iter().map(|path| manifest.file(path)).collect::<Result<Vec<_>, _>>()?;
    let total = entries.iter().fold(0u64, |sum, entry| sum.saturating_add(entry.bytes));
    if total > limit {
        let names: Vec<&str> = entries.iter().map(|entry| entry.path.as_str()).collect();
        bail!("{} of dataset {dataset} have {total} bytes, more than the limit of {limit}", names.join(", "));
    }
    let mut files = Files::new();
    let mut done = 0;
    for entry in entries {
        let bytes = match kept(cache, &entry.sha256)? {
            Some(bytes) => bytes,
            None => {
                check_disk(cache, entry.bytes)?;
                let own: Progress<'_> = &|have, _| progress(done + have, Some(total));
                let bytes = manifest.fetch_file(fetcher, &locations, &entry.path, own).await?;
                cache.put_blob(&bytes)?;
                bytes
            }
        };
        done += entry.bytes;
        files.insert(entry.path.clone(), bytes);
    }
    Ok(files)
}

/// Content that `cache` has. A disk may lie: only what has the right hash is taken from it.
fn kept(cache: &Store, sha256: &Hash) -> anyhow::Result<Option<Vec<u8>>> {
    let Some(bytes) = cache.get(Kind::Blob, sha256)? else { return Ok(None) };
    if Native.sha256(&bytes) == *sha256 {
        return Ok(Some(bytes));
    }
    cache.remove(Kind::Blob, sha256)?;
    Ok(None)
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
/// As [`spec`] and [`data_files`], and if the data does not fit.
pub async fn task(
    deployed: &Deployed,
    fetcher: &Fetcher,
    job: &JobView,
    cache: &Store,
    limit: u64,
    progress: Progress<'_>,
) -> anyhow::Result<Task> {
    let spec = spec(deployed, job).await?;
    let DataSpec { dataset, prepare, .. } = &spec.data;
    let files = data_files(deployed, fetcher, *dataset, prepare, cache, limit, progress).await?;
    Ok(Task::new(spec, &files)?)
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
