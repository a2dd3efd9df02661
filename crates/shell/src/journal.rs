//! What a daemon has signed.
//!
//! Before a daemon signs a step of a job it records the step and a hash of its
//! content here, on disk. After a crash, or on a second machine with a copy of
//! the folder, the same step with other content is refused: an account never
//! says two different things.

use assay_protocol::Hash;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Why the journal refuses.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The folder cannot be used.
    #[error("{path}: {source}; check that the folder is writable and the disk not full")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Another process works in the folder.
    #[error(
        "{path} is in use by another process; stop it first, or give this one another --data folder and another key"
    )]
    Locked {
        /// The folder.
        path: PathBuf,
    },
    /// A line that is not the last one cannot be read.
    #[error(
        "{path}: line {line} is damaged ({reason}); restore the file from a backup, and do not delete it: it keeps this account from contradicting itself"
    )]
    Damaged {
        /// The journal's file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// The step was signed with other content before.
    #[error(
        "job {job}: {step} was signed before with other content ({signed}, now {wanted}); refusing to contradict it. \
         Was the software or the data folder changed in the middle of the job?"
    )]
    Contradiction {
        /// The job.
        job: u64,
        /// The step.
        step: String,
        /// Hash of what was signed.
        signed: Hash,
        /// Hash of what would be signed now.
        wanted: Hash,
    },
}

/// Whether a step is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// It was not in the journal and is now.
    New,
    /// It was there with the same content: perhaps sent already.
    Known,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    job: u64,
    step: String,
    content: Hash,
}

/// What a daemon has signed, and the exclusive use of its data folder.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    entries: HashMap<(u64, String), Hash>,
    _lock: File,
}

impl Journal {
    /// Opens the journal in `folder`, which is made if missing, and locks the folder.
    ///
    /// A last line that was cut short by a crash is dropped: what it was to
    /// record has not been signed, because recording comes first.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn open(folder: &Path) -> Result<Self, JournalError> {
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| JournalError::Io { path, source }
        };
        fs::create_dir_all(folder).map_err(io(folder))?;
        let lock_path = folder.join("lock");
        let lock = File::create(&lock_path).map_err(io(&lock_path))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => JournalError::Locked { path: folder.to_owned() },
            TryLockError::Error(source) => JournalError::Io { path: lock_path.clone(), source },
        })?;

        let path = folder.join("journal.jsonl");
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(io(&path)(error)),
        };
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        let mut entries = HashMap::new();
        for (number, line) in text[..whole].lines().enumerate() {
            let entry: Entry = serde_json::from_str(line).map_err(|error| JournalError::Damaged {
                path: path.clone(),
                line: number + 1,
                reason: error.to_string(),
            })?;
            entries.insert((entry.job, entry.step), entry.content);
        }
        let file = OpenOptions::new().create(true).append(true).open(&path).map_err(io(&path))?;
        file.set_len(whole as u64).map_err(io(&path))?;
        Ok(Self { path, file, entries, _lock: lock })
    }

    /// Records that `step` of `job` is about to be signed with `content`, and
    /// returns once that is on disk.
    ///
    /// # Errors
    /// [`JournalError::Contradiction`] if other content was recorded before.
    pub fn record(&mut self, job: u64, step: &str, content: Hash) -> Result<Recorded, JournalError> {
        match self.get(job, step) {
            Some(signed) if signed == content => return Ok(Recorded::Known),
            Some(signed) => {
                return Err(JournalError::Contradiction { job, step: step.to_owned(), signed, wanted: content });
            }
            None => {}
        }
        let entry = Entry { job, step: step.to_owned(), content };
        let mut line = serde_json::to_string(&entry).expect("an entry is plain data");
        line.push('\n');
        let written = self.file.write_all(line.as_bytes()).and_then(|()| self.file.sync_data());
        written.map_err(|source| JournalError::Io { path: self.path.clone(), source })?;
        self.entries.insert((job, entry.step), content);
        Ok(Recorded::New)
    }

    /// What was recorded for a step.
    pub fn get(&self, job: u64, step: &str) -> Option<Hash> {
        self.entries.get(&(job, step.to_owned())).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_signed_with_one_content_only_even_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(folder.path()).unwrap();
        assert_eq!(journal.record(1, "commit", Hash([1; 32])).unwrap(), Recorded::New);
        assert_eq!(journal.record(1, "commit", Hash([1; 32])).unwrap(), Recorded::Known);
        assert_eq!(journal.record(2, "commit", Hash([2; 32])).unwrap(), Recorded::New);
        drop(journal);
        let mut journal = Journal::open(folder.path()).unwrap();
        assert_eq!(journal.record(1, "commit", Hash([1; 32])).unwrap(), Recorded::Known);
        let error = journal.record(1, "commit", Hash([3; 32])).unwrap_err();
        assert!(matches!(error, JournalError::Contradiction { job: 1, .. }), "{error}");
        assert_eq!(journal.get(2, "commit"), Some(Hash([2; 32])));
    }

    #[test]
    fn a_line_cut_short_is_dropped_and_a_damaged_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let mut journal = Journal::open(folder.path()).unwrap();
        journal.record(1, "claim", Hash([1; 32])).unwrap();
        journal.record(1, "commit", Hash([2; 32])).unwrap();
        drop(journal);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, &text[..text.len() - 5]).unwrap();
        let mut journal = Journal::open(folder.path()).unwrap();
        assert_eq!(journal.get(1, "commit"), None);
        assert_eq!(journal.record(1, "commit", Hash([3; 32])).unwrap(), Recorded::New);
        drop(journal);
        fs::write(&path, text.replacen("{", "", 1)).unwrap();
        let error = Journal::open(folder.path()).unwrap_err();
        assert!(matches!(error, JournalError::Damaged { line: 1, .. }), "{error}");
    }

    #[test]
    fn one_process_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let first = Journal::open(folder.path()).unwrap();
        let error = Journal::open(folder.path()).unwrap_err();
        assert!(matches!(error, JournalError::Locked { .. }), "{error}");
        drop(first);
        Journal::open(folder.path()).unwrap();
    }
}
