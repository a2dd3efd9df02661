//! Where the contracts are: the one file that every command and daemon reads.

use crate::{
    chain::Chain,
    error::{DeploymentError, Error, WrongNetwork},
    market::Market,
    registry::Registry,
    titles::Titles,
};
use assay_protocol::{self as protocol, Address, Hash};
use serde::{Deserialize, Serialize};
use std::{
    io::Write,
    path::{Path, PathBuf},
};

/// Environment variable that names another file than the default one.
pub const DEPLOYMENT_VARIABLE: &str = "ASSAY_DEPLOYMENT";

/// A contract that was deployed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeployedContract {
    /// Its address.
    pub address: Address,
    /// Hash of its code (Keccak-256).
    pub code_hash: Hash,
}

/// The contracts on one chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deployment {
    /// What the chain calls itself.
    pub network: String,
    /// A node of the chain, which is used if none is named.
    pub url: String,
    /// Hash of the chain's first block.
    pub genesis: Hash,
    /// The titles of models.
    pub titles: DeployedContract,
    /// The registry.
    pub registry: DeployedContract,
    /// The market.
    pub market: DeployedContract,
    /// Block in which the last of them was deployed.
    pub block: u64,
    /// Chain time of that block, in seconds since 1970.
    pub deployed_at: u64,
}

impl Deployment {
    /// `ASSAY_DEPLOYMENT`, or `assay/deployment.json` in the user's
    /// configuration folder (`XDG_CONFIG_HOME`, else `~/.config`).
    ///
    /// # Errors
    /// If there is no home directory.
    pub fn default_path() -> Result<PathBuf, DeploymentError> {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        if let Some(path) = set(DEPLOYMENT_VARIABLE) {
            return Ok(path.into());
        }
        let folder = match set("XDG_CONFIG_HOME") {
            Some(folder) => PathBuf::from(folder),
            None => PathBuf::from(set("HOME").ok_or(DeploymentError::NoHome)?).join(".config"),
        };
        Ok(folder.join("assay").join("deployment.json"))
    }

    /// Reads the file.
    ///
    /// # Errors
    /// If there is none or it is none.
    pub fn load(path: &Path) -> Result<Self, DeploymentError> {
        let text = std::fs::read_to_string(path).map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => DeploymentError::None { path: path.into() },
            _ => DeploymentError::Io { what: "read", path: path.into(), source },
        })?;
        serde_json::from_str(&text)
            .map_err(|error| DeploymentError::Malformed { path: path.into(), reason: error.to_string() })
    }

    /// Writes the file and its folder; a reader sees the old content or the new.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), DeploymentError> {
        let failed = |source| DeploymentError::Io { what: "write", path: path.into(), source };
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        std::fs::create_dir_all(folder).map_err(failed)?;
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
        let mut text = serde_json::to_string_pretty(self).expect("hashes and numbers are JSON");
        text.push('\n');
        file.write_all(text.as_bytes()).map_err(failed)?;
        file.as_file().sync_all().map_err(failed)?;
        file.persist(path).map_err(|error| failed(error.error))?;
        Ok(())
    }

    /// Checks that the chain is the one that was deployed to, and that the
    /// contracts there are those that were deployed.
    ///
    /// # Errors
    /// That says which of this is not so.
    pub async fn verify(&self, chain: &Chain) -> Result<(), Error> {
        if chain.genesis() != self.genesis {
            let wrong = WrongNetwork {
                url: chain.url().into(),
                expected_name: self.network.clone(),
                expected: self.genesis,
                found_name: chain.name().into(),
                found: chain.genesis(),
            };
            return Err(DeploymentError::WrongNetwork(Box::new(wrong)).into());
        }
        let (titles, registry, market) = (self.titles(chain), self.registry(chain), self.market(chain));
        tokio::try_join!(
            check_code(chain, "titles", self.titles),
            check_code(chain, "registry", self.registry),
            check_code(chain, "market", self.market),
        )?;
        let (address, version) = (titles.address(), protocol::titles::VERSION);
        let (kind, found) = tokio::join!(titles.kind(), titles.version());
        check_kind(protocol::titles::KIND, address, kind, found, version)?;
        let (address, version) = (registry.address(), protocol::registry::VERSION);
        let (kind, found) = tokio::join!(registry.kind(), registry.version());
        check_kind(protocol::registry::KIND, address, kind, found, version)?;
        let (address, version) = (market.address(), protocol::market::VERSION);
        let (kind, found) = tokio::join!(market.kind(), market.version());
        check_kind(protocol::market::KIND, address, kind, found, version)?;
        self.check_bonds(&titles, &registry, &market).await
    }

    /// Each contract names the other two, so that none stands for another deployment's.
    async fn check_bonds(&self, titles: &Titles, registry: &Registry, market: &Market) -> Result<(), Error> {
        let named = |contract: &'static str, address, what: &str, found: Option<Address>, expected| match found {
            Some(found) if found == expected => Ok(()),
            found => {
                let found = found.map_or_else(|| "none".into(), |found| found.to_string());
                let reason = format!("its {what} is {found}, not {expected}");
                Err(DeploymentError::NotThisKind { contract, address, reason })
            }
        };
        let (of_registry, bound, of_titles, rules) =
            tokio::try_join!(registry.titles(), registry.market(), titles.registry(), market.rules())?;
        let (titles, registry, market) = (titles.address(), registry.address(), market.address());
        named("registry", registry, "contract of titles", Some(of_registry), titles)?;
        named("registry", registry, "market", bound, market)?;
        named("titles", titles, "registry", of_titles, registry)?;
        named("market", market, "registry", Some(rules.registry), registry)?;
        Ok(())
    }

    /// The titles of models.
    pub fn titles(&self, chain: &Chain) -> Titles {
        Titles::at(chain, self.titles.address)
    }

    /// The registry.
    pub fn registry(&self, chain: &Chain) -> Registry {
        Registry::at(chain, self.registry.address)
    }

    /// The market.
    pub fn market(&self, chain: &Chain) -> Market {
        Market::at(chain, self.market.address)
    }
}

async fn check_code(chain: &Chain, contract: &'static str, deployed: DeployedContract) -> Result<(), Error> {
    let DeployedContract { address, code_hash: expected } = deployed;
    match chain.code_hash(address).await? {
        None => Err(DeploymentError::NoCode { contract, address }.into()),
        Some(found) if found != expected => {
            Err(DeploymentError::OtherCode { contract, address, expected, found }.into())
        }
        Some(_) => Ok(()),
    }
}

/// A contract that answers otherwise is another one; a lost connection is not
/// its fault.
fn check_kind(
    contract: &'static str,
    address: Address,
    kind: Result<String, Error>,
    version: Result<u32, Error>,
    expected: u32,
) -> Result<(), Error> {
    let other = |reason: String| Err(DeploymentError::NotThisKind { contract, address, reason }.into());
    match (kind, version) {
        (Ok(kind), Ok(version)) if kind == contract && version == expected => Ok(()),
        (Ok(kind), Ok(version)) => {
            other(format!("it says that it is {kind:?} of version {version}, not {contract:?} of version {expected}"))
        }
        (Err(Error::Execution(error)), _) | (_, Err(Error::Execution(error))) => other(error.to_string()),
        (Err(error), _) | (_, Err(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment() -> Deployment {
        let contract = |byte| DeployedContract { address: Address([byte; 20]), code_hash: Hash([byte; 32]) };
        Deployment {
            network: "Development".into(),
            url: "ws://127.0.0.1:9944".into(),
            genesis: Hash([9; 32]),
            titles: contract(3),
            registry: contract(1),
            market: contract(2),
            block: 7,
            deployed_at: 1_700_000_000,
        }
    }

    #[test]
    fn what_is_saved_is_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/folder/deployment.json");
        deployment().save(&path).unwrap();
        assert_eq!(Deployment::load(&path).unwrap(), deployment());
        let moved = Deployment { block: 8, ..deployment() };
        moved.save(&path).unwrap();
        assert_eq!(Deployment::load(&path).unwrap(), moved);
        let left = std::fs::read_dir(path.parent().unwrap()).unwrap().count();
        assert_eq!(left, 1, "no temporary file stays");
    }

    #[test]
    fn a_missing_or_broken_file_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deployment.json");
        let error = Deployment::load(&path).unwrap_err().to_string();
        assert!(error.contains("assay deploy") && error.contains("deployment.json"), "{error}");
        for text in ["", "{}", r#"{"network": 1}"#] {
            std::fs::write(&path, text).unwrap();
            let error = Deployment::load(&path).unwrap_err();
            assert!(matches!(error, DeploymentError::Malformed { .. }), "{error}");
        }
    }
}
