//! What an interrupted deployment leaves, so that the same command carries it on.

use crate::secrets::random;
use anyhow::{Context, bail};
use assay_client::deployment::DeployedContract;
use assay_content::store::write_atomically;
use assay_protocol::{Address, Hash};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// What is under way, written before anything is signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partial {
    /// What is deployed.
    #[serde(flatten)]
    pub start: Start,
    /// Decides the contracts' addresses, so that they are found again.
    pub salt: Hash,
    /// The titles, before they are deployed.
    pub titles: Option<DeployedContract>,
    /// The registry, before it is deployed.
    pub registry: Option<DeployedContract>,
    /// The market, before it is deployed.
    pub market: Option<DeployedContract>,
}

/// What a deployment is started with, and cannot be carried on without.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// The chain.
    pub genesis: Hash,
    /// Who deploys.
    pub deployer: Address,
    /// The registry that the new one carries on.
    pub predecessor: Option<Address>,
    /// Longest window of the new market's jobs, in seconds.
    pub longest_window: u32,
}

impl Partial {
    /// Where it is kept.
    pub fn path(deployment: &Path) -> PathBuf {
        let mut name = deployment.as_os_str().to_owned();
        name.push(".partial");
        name.into()
    }

    /// What an interrupted deployment left, or a new start.
    pub fn open(path: &Path, start: Start, force: bool) -> anyhow::Result<Self> {
        let new = Self { start, salt: random()?, titles: None, registry: None, market: None };
        let text = match std::fs::read_to_string(path) {
            Ok(text) if !force => text,
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("cannot read {}", path.display()));
            }
            _ => return Ok(new),
        };
        let partial: Partial = serde_json::from_str(&text)
            .with_context(|| format!("{} is damaged; --force deploys anew", path.display()))?;
        if partial.start != start {
            let Start { genesis, deployer, predecessor, longest_window } = partial.start;
            let predecessor = predecessor.map_or_else(String::new, |address| format!(" --predecessor {address}"));
            bail!(
                "{} is an interrupted deployment by {deployer} to the chain with genesis {genesis}, with \
                 --longest-window {longest_window}{predecessor}; carry it on with that account, --url and options, \
                 or deploy anew with --force",
                path.display()
            );
        }
        Ok(partial)
    }

    /// Keeps it.
    pub fn save(&self, path: &Path) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        let write = || {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            std::fs::create_dir_all(folder)?;
            write_atomically(&folder.join(path.file_name().unwrap_or_default()), text.as_bytes())
        };
        write().with_context(|| format!("cannot write {}", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interrupted_deployment_is_carried_on_by_its_account_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = Partial::path(&folder.path().join("deployment.json"));
        assert!(path.ends_with("deployment.json.partial"));
        let start =
            Start { genesis: Hash([1; 32]), deployer: Address([2; 20]), predecessor: None, longest_window: 600 };
        let mut first = Partial::open(&path, start, false).unwrap();
        first.registry = Some(DeployedContract { address: Address([3; 20]), code_hash: Hash([4; 32]) });
        first.save(&path).unwrap();
        assert_eq!(Partial::open(&path, start, false).unwrap(), first);
        for other in [
            Start { genesis: Hash([9; 32]), ..start },
            Start { deployer: Address([9; 20]), ..start },
            Start { predecessor: Some(Address([9; 20])), ..start },
            Start { longest_window: 601, ..start },
        ] {
            let error = Partial::open(&path, other, false).unwrap_err().to_string();
            assert!(error.contains("--force") && error.contains("--longest-window 600"), "{error}");
        }
        let anew = Partial::open(&path, start, true).unwrap();
        assert_ne!(anew.salt, first.salt);
        std::fs::write(&path, "{").unwrap();
        assert!(Partial::open(&path, start, false).unwrap_err().to_string().contains("damaged"));
    }
}
