//! A folder of content, each file named by the hash of what it holds.

use assay_protocol::Hash;
use assay_protocol::hash::{Native, Sha256};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// What kind of content a hash names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Bytes known by their SHA-256.
    Blob,
    /// A checkpoint known by its state root.
    State,
    /// The leaves of a job's commitment, known by their Merkle root.
    Leaves,
}

impl Kind {
    /// The kind's folder in a store, and the first part of its path on a server.
    pub const fn folder(self) -> &'static str {
        match self {
            Kind::Blob => "blob",
            Kind::State => "state",
            Kind::Leaves => "leaves",
        }
    }
}

/// Why the store failed.
#[derive(Debug, thiserror::Error)]
#[error("content store {path}: {source}; check that the folder is writable and the disk not full")]
pub struct StoreError {
    path: PathBuf,
    source: io::Error,
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> StoreError + '_ {
    |source| StoreError { path: path.to_owned(), source }
}

/// Writes `bytes` to `path` so that after a crash there is either the whole
/// file or what was there before: a temporary file, synced, renamed, and the
/// folder synced.
///
/// # Errors
/// What the file system says.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().ok_or_else(|| io::Error::other("a file needs a folder"))?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    File::open(folder)?.sync_all()
}

/// A folder of content.
#[derive(Clone, Debug)]
pub struct Store {
    root: PathBuf,
}

impl Store {
    /// Opens the store in `root`, making the folder if it is missing.
    ///
    /// # Errors
    /// If the folder cannot be made.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let root = root.into();
        for kind in [Kind::Blob, Kind::State, Kind::Leaves] {
            let folder = root.join(kind.folder());
            fs::create_dir_all(&folder).map_err(at(&folder))?;
        }
        Ok(Self { root })
    }

    /// The store's folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where content of this kind and hash is, if it is.
    pub fn path(&self, kind: Kind, hash: &Hash) -> PathBuf {
        self.root.join(kind.folder()).join(hash.to_string())
    }

    /// Whether the content is here.
    pub fn has(&self, kind: Kind, hash: &Hash) -> bool {
        self.path(kind, hash).is_file()
    }

    /// Keeps a blob and returns its hash.
    ///
    /// # Errors
    /// What the file system says.
    pub fn put_blob(&self, bytes: &[u8]) -> Result<Hash, StoreError> {
        let hash = Native.sha256(bytes);
        self.put(Kind::Blob, &hash, bytes)?;
        Ok(hash)
    }

    /// Keeps a checkpoint under its state root, which the caller has computed.
    ///
    /// # Errors
    /// What the file system says.
    pub fn put_state(&self, root: &Hash, bytes: &[u8]) -> Result<(), StoreError> {
        self.put(Kind::State, root, bytes)
    }

    /// Keeps the encoded leaves of a commitment under its root, which the
    /// caller has computed.
    ///
    /// # Errors
    /// What the file system says.
    pub fn put_leaves(&self, root: &Hash, bytes: &[u8]) -> Result<(), StoreError> {
        self.put(Kind::Leaves, root, bytes)
    }

    fn put(&self, kind: Kind, hash: &Hash, bytes: &[u8]) -> Result<(), StoreError> {
        let path = self.path(kind, hash);
        if path.is_file() {
            return Ok(());
        }
        write_atomically(&path, bytes).map_err(at(&path))
    }

    /// The content's bytes; `None` if it is not here. They are as they were
    /// written, but a disk may lie: check them before use.
    ///
    /// # Errors
    /// What the file system says.
    pub fn get(&self, kind: Kind, hash: &Hash) -> Result<Option<Vec<u8>>, StoreError> {
        let path = self.path(kind, hash);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(at(&path)(error)),
        }
    }

    /// Forgets content, if it is here.
    ///
    /// # Errors
    /// What the file system says.
    pub fn remove(&self, kind: Kind, hash: &Hash) -> Result<(), StoreError> {
        let path = self.path(kind, hash);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(&path)(error)),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_what_it_is_given_under_its_hash() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("a/b")).unwrap();
        let hash = store.put_blob(b"abc").unwrap();
        assert_eq!(hash, Native.sha256(b"abc"));
        assert_eq!(store.get(Kind::Blob, &hash).unwrap().unwrap(), b"abc");
        assert_eq!(store.get(Kind::State, &hash).unwrap(), None);
        store.put_state(&hash, b"state").unwrap();
        assert!(store.has(Kind::State, &hash));
        store.remove(Kind::State, &hash).unwrap();
        store.remove(Kind::State, &hash).unwrap();
        assert!(!store.has(Kind::State, &hash));
        // A second store over the same folder finds it.
        assert!(Store::open(store.root()).unwrap().has(Kind::Blob, &hash));
    }

    #[test]
    fn says_where_it_failed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, b"").unwrap();
        let error = Store::open(&file).unwrap_err().to_string();
        assert!(error.contains("file/blob") && error.contains("writable"), "{error}");
    }
}
