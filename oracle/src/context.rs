//! What all jobs of a running oracle share.

use crate::meter::Meters;
use crate::policy::{Machine, Policy};
use crate::trainer::Trainer;
use anyhow::{Context as _, bail};
use assay_client::{Amount, Chain, Market, Signer};
use assay_content::{Fetcher, Store};
use assay_engine::Backend;
use assay_protocol::hash::{Native, Sha256};
use assay_protocol::market::{JobView, Role};
use assay_protocol::{Address, Hash};
use assay_shell::options::Deployed;
use assay_shell::{Journal, Recorded, Shutdown};
use parity_scale_codec::Encode;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// What all jobs of a running oracle share.
pub struct Context {
    /// Chain and contracts.
    pub deployed: Deployed,
    /// The operator's key.
    pub signer: Signer,
    /// Where others reach what is served.
    pub endpoint: String,
    /// Which jobs are taken.
    pub policy: Policy,
    /// Who does the segments.
    pub trainer: Arc<dyn Trainer>,
    /// What they run on.
    pub backend: Arc<dyn Backend>,
    /// Gets the jobs' inputs.
    pub fetcher: Fetcher,
    /// Checkpoints and models, which are served.
    pub content: Store,
    /// Inputs, which are not served.
    pub inputs: Store,
    /// The data folder.
    pub folder: PathBuf,
    /// Whether all checkpoints of an ended job are kept, or only its final state.
    pub keep_all: bool,
    /// The bars of all trainings.
    pub meters: Meters,
    /// The end.
    pub shutdown: Shutdown,
    /// What was signed.
    pub journal: Mutex<Journal>,
}

impl Context {
    /// The chain.
    pub fn chain(&self) -> &Chain {
        &self.deployed.chain
    }

    /// The market.
    pub fn market(&self) -> &Market {
        &self.deployed.market
    }

    /// The operator.
    pub fn operator(&self) -> Address {
        self.signer.address()
    }

    /// The folder of a job.
    pub fn job_folder(&self, job: u64) -> PathBuf {
        self.folder.join("jobs").join(job.to_string())
    }

    /// Writes into the journal that `step` of `job` is about to be signed.
    ///
    /// # Errors
    /// If other content was signed before.
    pub fn record(&self, job: u64, step: &str, content: &impl Encode) -> anyhow::Result<Recorded> {
        let content = Native.sha256(&content.encode());
        Ok(self.journal.lock().expect("no panic while held").record(job, step, content)?)
    }

    /// What a claim of this job signs: a job with the same number on another
    /// chain, or on a chain that was begun afresh, is another job.
    pub fn claim_content(&self, job: &JobView) -> (Hash, Address, u64, Hash, u64) {
        (self.chain().genesis(), self.market().address(), job.id, job.terms.spec, job.job.posted_at)
    }

    /// Whether a job that this account has claimed on chain was claimed from
    /// this data folder.
    ///
    /// # Errors
    /// If it was not, in words: then another process has the same key, or the
    /// folder is not the one that it was.
    pub fn is_ours(&self, job: &JobView) -> Result<(), String> {
        let journal = self.journal.lock().expect("no panic while held");
        claimed_here(&journal, job.id, Native.sha256(&self.claim_content(job).encode()), &self.folder)
    }

    /// Sees to it that verifiers are told this oracle's endpoint: another process
    /// with the same key may have announced its own.
    ///
    /// # Errors
    /// If the chain cannot be asked, or does not take it.
    pub async fn keep_endpoint(&self) -> anyhow::Result<()> {
        let standing = self.market().standing(Role::Operator, self.operator()).await?.unwrap_or_default();
        if standing.endpoint != self.endpoint {
            tracing::warn!(
                announced = standing.endpoint.escape_default().to_string(),
                "another process with this key announced its own endpoint; announcing this one again, \
                 or verifiers would not find the checkpoints. Stop the other process"
            );
            let call = self.market().stake(Role::Operator, Some(&self.endpoint), Amount::ZERO);
            call.execute(&self.signer).await.context("cannot announce the endpoint again")?;
        }
        Ok(())
    }

    /// What this machine has free.
    pub fn machine(&self) -> Machine {
        Machine { memory: free_memory(), disk: free_disk(&self.folder) }
    }
}

/// Journal step: the claim of a job.
pub const CLAIM: &str = "claim";
/// Journal step: the claim was not ours, although the chain shows our account.
pub const CLAIM_LOST: &str = "claim-lost";

/// Whether `journal`, in `folder`, says that job `id` was claimed from there, with `content`.
fn claimed_here(journal: &Journal, id: u64, content: Hash, folder: &Path) -> Result<(), String> {
    let folder = folder.display();
    let other_process = "another oracle runs with the same key, or this one was given another data folder; \
                         leaving the job alone: start the oracle with the data folder that it was claimed from";
    match journal.get(id, CLAIM) {
        None => Err(format!("this account has claimed it, but not from {folder}: {other_process}")),
        Some(_) if journal.get(id, CLAIM_LOST).is_some() => {
            Err(format!("this account has claimed it, but this oracle came second: {other_process}"))
        }
        Some(known) if known != content => Err(format!(
            "{folder} knows another job of this number: the chain was begun afresh; \
             give --data another folder for the new chain"
        )),
        Some(_) => Ok(()),
    }
}

/// Bytes of memory that new work can have, where the system says.
fn free_memory() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// Bytes that the disk under `folder` has free for this user.
fn free_disk(folder: &Path) -> Option<u64> {
    let stat = rustix::fs::statvfs(folder).ok()?;
    stat.f_bavail.checked_mul(stat.f_frsize)
}

/// The data folder of an account unless told otherwise.
///
/// # Errors
/// If there is no home directory.
pub fn default_folder(account: &Signer) -> anyhow::Result<PathBuf> {
    let data = dirs::data_dir().context("no home directory; say with --data where to keep checkpoints")?;
    Ok(data.join("assay").join("oracle").join(account.address().to_string()))
}

/// Ties the data folder to its chain, market and account: the journal in it is
/// about those alone.
///
/// # Errors
/// If it belongs to others.
pub fn tie_folder(folder: &Path, deployed: &Deployed, signer: &Signer) -> anyhow::Result<()> {
    let path = folder.join("belongs-to");
    let mine = format!(
        "chain {}\nmarket {}\naccount {}\n",
        deployed.chain.genesis(),
        deployed.market.address(),
        signer.account()
    );
    match fs::read_to_string(&path) {
        Ok(found) if found == mine => Ok(()),
        Ok(found) => bail!(
            "the data folder {} belongs to another chain, market or account ({}); give --data another folder",
            folder.display(),
            found.trim_end().replace('\n', ", ")
        ),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            assay_content::store::write_atomically(&path, mine.as_bytes())
                .with_context(|| format!("cannot write {}", path.display()))
        }
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_claimed_from_this_folder_is_acted_on() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(folder.path()).unwrap();
        let content = Hash([1; 32]);
        let says = |journal: &Journal, id, content| claimed_here(journal, id, content, folder.path()).unwrap_err();
        assert!(says(&journal, 7, content).contains("same key"));
        journal.record(7, CLAIM, content).unwrap();
        assert_eq!(claimed_here(&journal, 7, content, folder.path()), Ok(()));
        assert!(says(&journal, 7, Hash([2; 32])).contains("begun afresh"));
        journal.record(7, CLAIM_LOST, Hash::default()).unwrap();
        assert!(says(&journal, 7, content).contains("came second"));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_machine_says_what_it_has_free() {
        assert!(free_memory().unwrap() > 1 << 20);
        let folder = tempfile::tempdir().unwrap();
        assert!(free_disk(folder.path()).unwrap() > 0);
        assert_eq!(free_disk(&folder.path().join("missing")), None);
    }
}
