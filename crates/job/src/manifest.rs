//! The files of a dataset. A dataset's id is the hash of its manifest.

use crate::JobError;
use assay_content::{Fetcher, fetch::Progress};
use assay_protocol::Hash;
use assay_protocol::hash::{Domain, Native, Sha256};
use parity_scale_codec::{Decode, Encode};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The manifest's name in a dataset's folder.
pub const MANIFEST_FILE: &str = "manifest.json";
/// Most bytes of a manifest's JSON.
const MAX_MANIFEST_BYTES: u64 = 16 << 20;

/// One file of a dataset.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Path below the dataset's location, `/` between its parts.
    pub path: String,
    /// Length in bytes.
    pub bytes: u64,
    /// SHA-256 of the content.
    pub sha256: Hash,
}

/// The files of a dataset, in ascending order of their paths.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of this format: 1.
    pub version: u32,
    /// The files.
    pub files: Vec<FileEntry>,
}

/// Whether `path` stays below the folder it is joined to, on every system.
fn is_plain(path: &str) -> bool {
    !path.is_empty()
        && path.len() <= 256
        && !path.contains(['\\', ':', '\0', '?', '#', '%'])
        && path.split('/').all(|part| !part.is_empty() && part != "." && part != "..")
}

impl Manifest {
    /// The dataset's id.
    pub fn id(&self) -> Hash {
        Native.hash_value(Domain::Manifest, self)
    }

    /// Bytes of all files together.
    pub fn bytes(&self) -> u64 {
        self.files.iter().fold(0, |sum, file| sum.saturating_add(file.bytes))
    }

    /// The entry of a file.
    ///
    /// # Errors
    /// [`JobError::Manifest`] if the dataset has no such file.
    pub fn file(&self, path: &str) -> Result<&FileEntry, JobError> {
        self.files.iter().find(|file| file.path == path).ok_or_else(|| {
            let known: Vec<&str> = self.files.iter().take(8).map(|file| file.path.as_str()).collect();
            JobError::Manifest(format!("no file {path:?}; it has {}", known.join(", ")))
        })
    }

    /// Reads a manifest and checks that it is canonical: version 1, plain
    /// relative paths in ascending order, each once.
    ///
    /// # Errors
    /// [`JobError::Manifest`].
    pub fn from_json(json: &[u8]) -> Result<Self, JobError> {
        let manifest: Manifest = serde_json::from_slice(json).map_err(|error| JobError::Manifest(error.to_string()))?;
        if manifest.version != 1 {
            return Err(JobError::Manifest(format!("version {}, but only 1 is understood", manifest.version)));
        }
        if let Some(file) = manifest.files.iter().find(|file| !is_plain(&file.path)) {
            return Err(JobError::Manifest(format!("{:?} is not a plain relative path", file.path)));
        }
        if !manifest.files.is_sorted_by(|one, next| one.path < next.path) {
            return Err(JobError::Manifest("the files must be in ascending order of their paths, each once".into()));
        }
        Ok(manifest)
    }

    /// The manifest as it is written to [`MANIFEST_FILE`].
    pub fn to_json(&self) -> String {
        let mut json = serde_json::to_string_pretty(self).expect("a manifest has only strings and numbers");
        json.push('\n');
        json
    }

    /// Makes the manifest of a folder: all files below it except the manifest itself.
    ///
    /// # Errors
    /// [`JobError::File`] for one that cannot be read or has a name that is not a
    /// plain relative path.
    pub fn of_folder(folder: &Path) -> Result<Self, JobError> {
        let mut files = Vec::new();
        walk(folder, "", &mut files)?;
        files.retain(|file| file.path != MANIFEST_FILE);
        files.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(Manifest { version: 1, files })
    }

    /// Fetches the manifest of dataset `id` from the first location that has it.
    ///
    /// # Errors
    /// [`JobError::Fetch`] with what each location did instead.
    pub async fn fetch(fetcher: &Fetcher, locations: &[String], id: &Hash) -> Result<Self, JobError> {
        let check = |json: &[u8]| match Manifest::from_json(json) {
            Ok(manifest) if manifest.id() == *id => Ok(()),
            Ok(manifest) => Err(format!("it is the manifest of dataset {}", manifest.id())),
            Err(error) => Err(error.to_string()),
        };
        let json = fetcher.file(locations, MANIFEST_FILE, MAX_MANIFEST_BYTES, &|_, _| (), check).await?;
        Manifest::from_json(&json)
    }

    /// Fetches one file of the dataset and checks it against this manifest.
    ///
    /// # Errors
    /// [`JobError::Manifest`] if there is no such file, [`JobError::Fetch`] with
    /// what each location did instead.
    pub async fn fetch_file(
        &self,
        fetcher: &Fetcher,
        locations: &[String],
        path: &str,
        progress: Progress<'_>,
    ) -> Result<Vec<u8>, JobError> {
        let entry = self.file(path)?;
        let check = |bytes: &[u8]| {
            if bytes.len() as u64 != entry.bytes {
                return Err(format!("{} bytes, but the dataset's manifest says {}", bytes.len(), entry.bytes));
            }
            match Native.sha256(bytes) {
                hash if hash == entry.sha256 => Ok(()),
                hash => Err(format!("its SHA-256 is {hash}, but the dataset's manifest says {}", entry.sha256)),
            }
        };
        Ok(fetcher.file(locations, path, entry.bytes, progress, check).await?)
    }
}

fn walk(folder: &Path, prefix: &str, files: &mut Vec<FileEntry>) -> Result<(), JobError> {
    let failed = |path: &str, problem: String| JobError::File { path: path.to_owned(), problem };
    let entries = std::fs::read_dir(folder).map_err(|error| failed(prefix, error.to_string()))?;
    for entry in entries {
        let entry = entry.map_err(|error| failed(prefix, error.to_string()))?;
        let name = entry.file_name();
        let path = format!("{prefix}{}", name.to_string_lossy());
        if name.to_str().is_none() || !is_plain(&path) {
            return Err(failed(&path, "the name is not plain; rename it".into()));
        }
        let kind = entry.file_type().map_err(|error| failed(&path, error.to_string()))?;
        if kind.is_dir() {
            walk(&entry.path(), &format!("{path}/"), files)?;
        } else if kind.is_file() {
            let bytes = std::fs::read(entry.path()).map_err(|error| failed(&path, error.to_string()))?;
            files.push(FileEntry { bytes: bytes.len() as u64, sha256: Native.sha256(&bytes), path });
        } else {
            return Err(failed(&path, "neither a file nor a folder; links are not followed".into()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("b")).unwrap();
        std::fs::write(folder.path().join("b/two.csv"), "1,2\n").unwrap();
        std::fs::write(folder.path().join("a.txt"), "x").unwrap();
        folder
    }

    #[test]
    fn a_folder_has_one_manifest() {
        let folder = folder();
        let manifest = Manifest::of_folder(folder.path()).unwrap();
        let paths: Vec<&str> = manifest.files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, ["a.txt", "b/two.csv"]);
        assert_eq!(manifest.bytes(), 5);
        std::fs::write(folder.path().join(MANIFEST_FILE), manifest.to_json()).unwrap();
        assert_eq!(Manifest::of_folder(folder.path()).unwrap().id(), manifest.id());
        assert_eq!(Manifest::from_json(manifest.to_json().as_bytes()).unwrap(), manifest);
    }

    #[test]
    fn what_is_not_canonical_is_refused() {
        let entry = |path: &str| format!(r#"{{"path":{path:?},"bytes":1,"sha256":"{}"}}"#, Hash::default());
        let json = |files: &[String]| format!(r#"{{"version":1,"files":[{}]}}"#, files.join(","));
        for path in ["../x", "/x", "a//b", "a/./b", "", "c:\\x", "a\\b", "a%2fb"] {
            let error = Manifest::from_json(json(&[entry(path)]).as_bytes()).unwrap_err().to_string();
            assert!(error.contains("plain"), "{error}");
        }
        for twice in [["a", "a"], ["b", "a"]] {
            let error = Manifest::from_json(json(&twice.map(entry)).as_bytes()).unwrap_err().to_string();
            assert!(error.contains("ascending"), "{error}");
        }
        for bad in ["", "{}", r#"{"version":2,"files":[]}"#, r#"{"version":1,"files":[],"more":1}"#] {
            assert!(Manifest::from_json(bad.as_bytes()).is_err());
        }
    }

    #[tokio::test]
    async fn bytes_that_do_not_match_are_refused() {
        let folder = folder();
        let manifest = Manifest::of_folder(folder.path()).unwrap();
        std::fs::write(folder.path().join(MANIFEST_FILE), manifest.to_json()).unwrap();
        let locations = [folder.path().display().to_string()];
        let fetcher = Fetcher::default().with_named(&locations);
        assert_eq!(Manifest::fetch(&fetcher, &locations, &manifest.id()).await.unwrap(), manifest);
        let quiet = &|_, _| ();
        let bytes = manifest.fetch_file(&fetcher, &locations, "b/two.csv", quiet).await.unwrap();
        assert_eq!(bytes, b"1,2\n");
        for wrong in ["1,3\n", "1,2\n3,4\n", "1"] {
            std::fs::write(folder.path().join("b/two.csv"), wrong).unwrap();
            let error = manifest.fetch_file(&fetcher, &locations, "b/two.csv", quiet).await.unwrap_err();
            assert!(matches!(error, JobError::Fetch(_)), "{error}");
        }
        let error = Manifest::fetch(&fetcher, &locations, &Hash::default()).await.unwrap_err().to_string();
        assert!(error.contains("the manifest of dataset"), "{error}");
        let error = manifest.fetch_file(&fetcher, &locations, "no", quiet).await.unwrap_err().to_string();
        assert!(error.contains("a.txt, b/two.csv"), "{error}");
    }
}
