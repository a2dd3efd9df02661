//! The secrets that a verifier puts into draws, and those by which it objects.
//!
//! All follow from one random master secret in the data folder, so that a
//! secret that was sealed can be revealed after any crash.

use anyhow::{Context, bail};
use assay_protocol::hash::{Native, Sha256};
use assay_protocol::{Address, Hash};
use parity_scale_codec::Encode;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

const FILE: &str = "master-secret";

/// The master secret.
pub struct Secrets([u8; 32]);

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets")
    }
}

impl Secrets {
    /// Reads the master secret of `folder`, which must exist, or makes one.
    ///
    /// # Errors
    /// If the file cannot be read or written, or is damaged.
    pub fn open(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join(FILE);
        match fs::read(&path) {
            Ok(bytes) => match <[u8; 32]>::try_from(bytes) {
                Ok(secret) => Ok(Self(secret)),
                Err(bytes) => bail!(
                    "{} has {} bytes instead of 32; restore it from a backup: without it, secrets that were sealed \
                     cannot be revealed, which costs the idle penalty. If there is none, delete the file",
                    path.display(),
                    bytes.len()
                ),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let mut secret = [0; 32];
                getrandom::fill(&mut secret).context("the system gives no random numbers")?;
                write_private(&path, &secret).with_context(|| format!("cannot write {}", path.display()))?;
                Ok(Self(secret))
            }
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    /// The secret of `account` for a job of a market on the chain of `genesis`.
    pub fn of(&self, genesis: &Hash, market: &Address, job: u64, account: &Address) -> Hash {
        Native.sha256(&(b"assay/verifier-secret/v1", self.0, genesis, market, job, account).encode())
    }

    /// What stands for the trace root in the seal of a slot that was found to
    /// be false. Nobody can guess it, so that it equals no trace root that an
    /// operator made up, and nobody sees from the seal what was found. It must
    /// not follow from the draw's secret, which everybody knows by then.
    pub fn objection(&self, genesis: &Hash, market: &Address, job: u64, account: &Address, slot: u8) -> Hash {
        Native.sha256(&(b"assay/verifier-objection/v1", self.0, genesis, market, job, account, slot).encode())
    }
}

/// Writes a file that only its owner can read; after a crash it is whole or absent.
fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    match path.parent() {
        Some(folder) => fs::File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_secret_outlives_a_restart_and_is_one_of_its_kind() {
        let folder = tempfile::tempdir().unwrap();
        let secrets = Secrets::open(folder.path()).unwrap();
        let of = |secrets: &Secrets, genesis, market, job, account| {
            secrets.of(&Hash([genesis; 32]), &Address([market; 20]), job, &Address([account; 20]))
        };
        let base = of(&secrets, 1, 1, 1, 1);
        let again = Secrets::open(folder.path()).unwrap();
        assert_eq!(of(&again, 1, 1, 1, 1), base);
        for other in [of(&again, 2, 1, 1, 1), of(&again, 1, 2, 1, 1), of(&again, 1, 1, 2, 1), of(&again, 1, 1, 1, 2)] {
            assert_ne!(other, base);
        }
        let objection = |slot| again.objection(&Hash([1; 32]), &Address([1; 20]), 1, &Address([1; 20]), slot);
        assert_ne!(objection(0), base);
        assert_ne!(objection(0), objection(1));
        let elsewhere = tempfile::tempdir().unwrap();
        assert_ne!(of(&Secrets::open(elsewhere.path()).unwrap(), 1, 1, 1, 1), base);
        let mode = fs::metadata(folder.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_damaged_secret_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), [1; 31]).unwrap();
        let error = Secrets::open(folder.path()).unwrap_err().to_string();
        assert!(error.contains("31 bytes") && error.contains("backup"), "{error}");
    }
}
