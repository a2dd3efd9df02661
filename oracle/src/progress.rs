//! How far a job has come, on disk.
//!
//! One file a job, only ever appended to. Each record is
//!
//! | bytes | content |
//! | --- | --- |
//! | 4 | length of the record's body, little-endian |
//! | body | SCALE of a record: the job, its start, a finished segment, the artefact |
//! | 32 | SHA-256 of the check before it and the body; of zeros and the body for the first |
//!
//! and is synced before anything relies on it. A file that was cut short or
//! damaged is good up to the last record whose check holds; what follows is
//! dropped and done again.

use assay_engine::Pulse;
use assay_job::trace;
use assay_protocol::commitment::JobId;
use assay_protocol::hash::{Native, Sha256};
use assay_protocol::{Address, Hash};
use parity_scale_codec::{Decode, DecodeAll, Encode};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Version of the file's format, in its first record.
const VERSION: u32 = 2;
/// Bytes around a record's body.
const FRAME: usize = 4 + 32;

/// Which job a file is about. Another job, or another account's, is another file.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Subject {
    /// The job.
    pub job: JobId,
    /// Hash of its specification.
    pub spec: Hash,
    /// Who does it: the seals depend on it.
    pub operator: Address,
}

#[derive(Debug, Encode, Decode)]
enum Record {
    #[codec(index = 0)]
    Subject(u32, Subject),
    /// State root at boundary 0.
    #[codec(index = 1)]
    Start(Hash),
    /// State root after the next segment, and the pulses of its steps.
    #[codec(index = 2)]
    Segment(Hash, Vec<Pulse>),
    /// SHA-256 of the model's file.
    #[codec(index = 3)]
    Artefact(Hash),
}

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {source}; check that the folder is writable and the disk not full")]
pub struct ProgressError {
    path: PathBuf,
    source: io::Error,
}

/// How far a job has come.
#[derive(Debug)]
pub struct Progress {
    path: PathBuf,
    file: File,
    subject: Subject,
    states: Vec<Hash>,
    traces: Vec<Hash>,
    artefact: Option<Hash>,
    /// Where the file ends and the check it ends with, after the subject's
    /// record and after each boundary's.
    ends: Vec<(u64, Hash)>,
}

/// The next record of `bytes`, which continues after `check`, and its whole length.
fn next(bytes: &[u8], check: &Hash) -> Option<(Record, Hash, usize)> {
    let length = u32::from_le_bytes(bytes.get(..4)?.try_into().ok()?) as usize;
    let whole = length.checked_add(FRAME)?;
    let body = bytes.get(4..4 + length)?;
    let found = chained(check, body);
    if bytes.get(4 + length..whole)? != found.0 {
        return None;
    }
    Some((Record::decode_all(&mut &body[..]).ok()?, found, whole))
}

fn chained(check: &Hash, body: &[u8]) -> Hash {
    Native.sha256(&[&check.0, body].concat())
}

impl Progress {
    /// Opens the file at `path`, or makes it. What cannot be read in it, or is
    /// about another subject, is dropped and said so in the log.
    ///
    /// # Errors
    /// What the file system says.
    pub fn open(path: &Path, subject: Subject) -> Result<Self, ProgressError> {
        let failed = |source| ProgressError { path: path.to_owned(), source };
        let mut file =
            OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path).map_err(failed)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(failed)?;
        let mut progress = Self {
            path: path.to_owned(),
            file,
            subject,
            states: vec![],
            traces: vec![],
            artefact: None,
            ends: vec![(0, Hash::default())],
        };
        let good = progress.read(&bytes);
        if good < bytes.len() {
            tracing::warn!(
                job = progress.subject.job.number,
                file = %path.display(),
                dropped = bytes.len() - good,
                segments = progress.traces.len(),
                "the progress file is damaged or was cut short; carrying on from the last good segment"
            );
            progress.file.set_len(good as u64).map_err(failed)?;
        }
        progress.file.seek(SeekFrom::End(0)).map_err(failed)?;
        if good == 0 {
            let record = Record::Subject(VERSION, progress.subject.clone());
            let end = progress.append(&record)?;
            progress.ends = vec![end];
        }
        // A new file's name is on disk only once its folder is.
        if let Some(folder) = path.parent() {
            File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
        }
        Ok(progress)
    }

    /// Takes over the good records at the beginning of `bytes`, and says how
    /// long they are.
    fn read(&mut self, bytes: &[u8]) -> usize {
        let (mut at, mut check) = (0, Hash::default());
        while let Some((record, found, length)) = next(&bytes[at..], &check) {
            let end = ((at + length) as u64, found);
            match record {
                Record::Subject(VERSION, subject) if at == 0 && subject == self.subject => self.ends = vec![end],
                Record::Start(root) if at > 0 && self.states.is_empty() => {
                    self.states.push(root);
                    self.ends.push(end);
                }
                Record::Segment(root, pulses) if !self.states.is_empty() && self.artefact.is_none() => {
                    self.traces.push(trace(self.subject.job, self.traces.len() as u32, &root, &pulses));
                    self.states.push(root);
                    self.ends.push(end);
                }
                Record::Artefact(hash) if !self.states.is_empty() && self.artefact.is_none() => {
                    self.artefact = Some(hash);
                }
                _ => break,
            }
            (at, check) = (at + length, found);
        }
        at
    }

    /// Appends a record and returns where the file then ends, once it is on disk.
    fn append(&mut self, record: &Record) -> Result<(u64, Hash), ProgressError> {
        let check = match record {
            Record::Subject(..) => Hash::default(),
            _ => self.ends.last().expect("a file begins with its subject").1,
        };
        let body = record.encode();
        let check = chained(&check, &body);
        let bytes = [&(body.len() as u32).to_le_bytes()[..], &body, &check.0].concat();
        let written = self.file.write_all(&bytes).and_then(|()| self.file.sync_data());
        let end = written.and_then(|()| self.file.stream_position());
        match end {
            Ok(end) => Ok((end, check)),
            Err(source) => Err(ProgressError { path: self.path.clone(), source }),
        }
    }

    /// Records the state root at boundary 0, of which the checkpoint is kept already.
    ///
    /// # Errors
    /// What the file system says.
    ///
    /// # Panics
    /// If it is recorded already.
    pub fn start(&mut self, root: Hash) -> Result<(), ProgressError> {
        assert!(self.states.is_empty(), "the start is recorded once");
        let end = self.append(&Record::Start(root))?;
        self.ends.push(end);
        self.states.push(root);
        Ok(())
    }

    /// Records the next segment: the state root after it, of which the
    /// checkpoint is kept already, and the pulses of its steps.
    ///
    /// # Errors
    /// What the file system says.
    ///
    /// # Panics
    /// If no start is recorded, or the artefact is.
    pub fn segment(&mut self, root: Hash, pulses: Vec<Pulse>) -> Result<(), ProgressError> {
        assert!(!self.states.is_empty() && self.artefact.is_none(), "segments come after the start, the artefact last");
        let trace = trace(self.subject.job, self.traces.len() as u32, &root, &pulses);
        let end = self.append(&Record::Segment(root, pulses))?;
        self.ends.push(end);
        self.traces.push(trace);
        self.states.push(root);
        Ok(())
    }

    /// Records the model's file, which is kept already.
    ///
    /// # Errors
    /// What the file system says.
    pub fn finish(&mut self, artefact: Hash) -> Result<(), ProgressError> {
        self.append(&Record::Artefact(artefact))?;
        self.artefact = Some(artefact);
        Ok(())
    }

    /// Forgets everything after `boundary`, because its checkpoint is the last
    /// good one; `None` forgets the start as well.
    ///
    /// # Errors
    /// What the file system says.
    ///
    /// # Panics
    /// If there is no such boundary.
    pub fn rewind(&mut self, boundary: Option<u32>) -> Result<(), ProgressError> {
        let boundaries = boundary.map_or(0, |boundary| boundary as usize + 1);
        assert!(boundaries <= self.states.len(), "no such boundary");
        self.states.truncate(boundaries);
        self.traces.truncate(boundaries.saturating_sub(1));
        self.ends.truncate(boundaries + 1);
        self.artefact = None;
        let end = self.ends.last().expect("the subject's end stays").0;
        let cut = self.file.set_len(end).and_then(|()| self.file.seek(SeekFrom::Start(end)));
        cut.and_then(|_| self.file.sync_data()).map_err(|source| ProgressError { path: self.path.clone(), source })
    }

    /// State roots at the boundaries so far.
    pub fn states(&self) -> &[Hash] {
        &self.states
    }

    /// Trace roots of the finished segments.
    pub fn traces(&self) -> &[Hash] {
        &self.traces
    }

    /// SHA-256 of the model's file, once it is made.
    pub fn artefact(&self) -> Option<Hash> {
        self.artefact
    }

    /// The state roots in a file, whatever it is about and without changing it.
    /// Empty if there is no such file or nothing in it can be read.
    pub fn peek(path: &Path) -> Vec<Hash> {
        let bytes = std::fs::read(path).unwrap_or_default();
        let (mut at, mut check, mut states) = (0, Hash::default(), vec![]);
        while let Some((record, found, length)) = next(&bytes[at..], &check) {
            match record {
                Record::Start(root) | Record::Segment(root, _) => states.push(root),
                Record::Subject(..) | Record::Artefact(_) => {}
            }
            (at, check) = (at + length, found);
        }
        states
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject() -> Subject {
        Subject { job: JobId { market: Address([9; 20]), number: 7 }, spec: Hash([1; 32]), operator: Address([2; 20]) }
    }

    fn pulses(segment: u64) -> Vec<Pulse> {
        (0..3).map(|step| Pulse { step: 3 * segment + step, loss: 0.5.into(), grad_norm: 2.0.into() }).collect()
    }

    /// A finished job of four segments.
    fn whole(path: &Path) -> (Vec<Hash>, Vec<Hash>) {
        let mut progress = Progress::open(path, subject()).unwrap();
        progress.start(Hash([10; 32])).unwrap();
        for segment in 0..4u8 {
            progress.segment(Hash([11 + segment; 32]), pulses(segment.into())).unwrap();
        }
        progress.finish(Hash([99; 32])).unwrap();
        (progress.states().to_vec(), progress.traces().to_vec())
    }

    #[test]
    fn what_is_recorded_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("progress");
        let (states, traces) = whole(&path);
        let progress = Progress::open(&path, subject()).unwrap();
        assert_eq!((progress.states(), progress.traces()), (&states[..], &traces[..]));
        assert_eq!(progress.artefact(), Some(Hash([99; 32])));
        assert_eq!(Progress::peek(&path), states);
        let verifiers = assay_job::trace(subject().job, 2, &Hash([13; 32]), &pulses(2));
        assert_eq!(traces[2], verifiers, "the trace root is the one that verifiers compute");
    }

    #[test]
    fn a_file_cut_anywhere_is_good_up_to_the_last_whole_record() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("progress");
        let (states, traces) = whole(&path);
        let bytes = std::fs::read(&path).unwrap();
        let mut lengths = vec![];
        for length in 0..bytes.len() {
            std::fs::write(&path, &bytes[..length]).unwrap();
            let progress = Progress::open(&path, subject()).unwrap();
            assert_eq!(progress.states(), &states[..progress.states().len()], "cut at {length}");
            assert_eq!(progress.traces(), &traces[..progress.states().len().saturating_sub(1)]);
            assert_eq!(progress.artefact(), None);
            lengths.push(progress.states().len());
        }
        assert!(lengths.is_sorted() && lengths[0] == 0 && lengths.ends_with(&[5]), "{lengths:?}");
    }

    #[test]
    fn a_damaged_byte_never_gives_other_roots() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("progress");
        let (states, traces) = whole(&path);
        let bytes = std::fs::read(&path).unwrap();
        for at in (0..bytes.len()).step_by(5) {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x20;
            std::fs::write(&path, &damaged).unwrap();
            let mut progress = Progress::open(&path, subject()).unwrap();
            let known = progress.states().len();
            assert_eq!(progress.states(), &states[..known], "byte {at}");
            assert_eq!(progress.artefact(), None);
            // And it carries on from there.
            if known == 0 {
                progress.start(states[0]).unwrap();
            }
            for segment in progress.traces().len()..4 {
                progress.segment(states[segment + 1], pulses(segment as u64)).unwrap();
            }
            progress.finish(Hash([99; 32])).unwrap();
            drop(progress);
            let again = Progress::open(&path, subject()).unwrap();
            assert_eq!((again.states(), again.traces()), (&states[..], &traces[..]));
            assert_eq!(std::fs::read(&path).unwrap(), bytes);
        }
    }

    #[test]
    fn garbage_and_other_jobs_files_count_as_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("progress");
        for garbage in [&b"garbage"[..], &[0xff; 4096], &[0; 4096]] {
            std::fs::write(&path, garbage).unwrap();
            assert!(Progress::open(&path, subject()).unwrap().states().is_empty());
        }
        whole(&path);
        for other in [
            Subject { job: JobId { number: 8, ..subject().job }, ..subject() },
            Subject { job: JobId { market: Address([8; 20]), ..subject().job }, ..subject() },
            Subject { spec: Hash([3; 32]), ..subject() },
            Subject { operator: Address([3; 20]), ..subject() },
        ] {
            assert!(Progress::open(&path, other).unwrap().states().is_empty());
        }
    }

    #[test]
    fn rewinding_forgets_what_came_after() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("progress");
        let (states, traces) = whole(&path);
        let bytes = std::fs::read(&path).unwrap();
        let mut progress = Progress::open(&path, subject()).unwrap();
        progress.rewind(Some(2)).unwrap();
        assert_eq!((progress.states(), progress.traces(), progress.artefact()), (&states[..3], &traces[..2], None));
        drop(progress);
        let mut progress = Progress::open(&path, subject()).unwrap();
        assert_eq!(progress.states(), &states[..3]);
        for segment in 2..4 {
            progress.segment(states[segment + 1], pulses(segment as u64)).unwrap();
        }
        progress.finish(Hash([99; 32])).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
        progress.rewind(None).unwrap();
        assert!(progress.states().is_empty());
        progress.start(states[0]).unwrap();
        assert_eq!(progress.states(), &states[..1]);
    }
}
