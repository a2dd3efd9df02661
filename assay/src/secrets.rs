//! The secrets that a client seals into its jobs. Without the secret the client
//! cannot take part in the draw, so it is on disk before the job is posted.

use anyhow::{Context, bail};
use assay_content::store::write_atomically;
use assay_protocol::commitment::sealed_secret;
use assay_protocol::hash::Native;
use assay_protocol::{Address, Hash};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// A client's secret for one job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secret {
    /// Who sealed it.
    pub client: Address,
    /// For which market.
    pub market: Address,
    /// What was sealed, and what the chain shows until it is revealed.
    pub sealed: Hash,
    /// What will be revealed. Whoever knows it before the commitment can bias the draw.
    pub secret: Hash,
}

impl Secret {
    /// A new secret from the system's randomness.
    pub fn new(client: Address, market: Address) -> anyhow::Result<Self> {
        let secret = random()?;
        Ok(Self { client, market, sealed: sealed_secret(&Native, &market, &secret, &client), secret })
    }

    fn path(data: &Path, sealed: &Hash) -> PathBuf {
        data.join("secrets").join(format!("{sealed}.json"))
    }

    /// Keeps the secret; on return it survives a power cut. Only the user can read it.
    pub fn save(&self, data: &Path) -> anyhow::Result<PathBuf> {
        let path = Self::path(data, &self.sealed);
        let write = || -> std::io::Result<()> {
            std::fs::create_dir_all(data.join("secrets"))?;
            write_atomically(&path, serde_json::to_string_pretty(self)?.as_bytes())
        };
        write().with_context(|| {
            format!(
                "cannot keep the job's secret at {}; nothing was signed. Give another folder with --data",
                path.display()
            )
        })?;
        Ok(path)
    }

    /// The secret that was sealed as `sealed`.
    pub fn load(data: &Path, sealed: &Hash) -> anyhow::Result<Self> {
        let path = Self::path(data, sealed);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => bail!(
                "the secret of this job is not at {}; name the folder that it was posted with by --data. \
                 Without it the draw goes on when its window has passed",
                path.display()
            ),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        let secret: Secret = serde_json::from_str(&text)
            .with_context(|| format!("{} is damaged; restore it from a backup", path.display()))?;
        if sealed_secret(&Native, &secret.market, &secret.secret, &secret.client) != *sealed {
            bail!("{} does not hold the secret that was sealed; restore it from a backup", path.display());
        }
        Ok(secret)
    }
}

/// 32 bytes of the system's randomness.
pub fn random() -> anyhow::Result<Hash> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).context("the system gives no randomness")?;
    Ok(Hash(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_secret_is_found_by_what_was_sealed_and_by_nobody_else() {
        let folder = tempfile::tempdir().unwrap();
        let secret = Secret::new(Address([1; 20]), Address([2; 20])).unwrap();
        assert_ne!(secret.secret, Secret::new(Address([1; 20]), Address([2; 20])).unwrap().secret);
        let path = secret.save(folder.path()).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o077, 0);
        assert_eq!(Secret::load(folder.path(), &secret.sealed).unwrap(), secret);
        let error = Secret::load(folder.path(), &Hash([3; 32])).unwrap_err().to_string();
        assert!(error.contains("--data"), "{error}");
    }

    #[test]
    fn a_damaged_secret_is_not_revealed() {
        let folder = tempfile::tempdir().unwrap();
        let secret = Secret::new(Address([1; 20]), Address([2; 20])).unwrap();
        let path = secret.save(folder.path()).unwrap();
        let other = Secret { secret: Hash([9; 32]), ..secret.clone() };
        for text in [serde_json::to_string(&other).unwrap(), "{".into()] {
            std::fs::write(&path, text).unwrap();
            assert!(Secret::load(folder.path(), &secret.sealed).unwrap_err().to_string().contains("backup"));
        }
    }
}
