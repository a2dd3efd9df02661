//! What replays gave, on disk, so that after a restart the same is sealed,
//! insisted on and revealed.
//!
//! A file is the SHA-256 of its content, then the content in SCALE. A file that
//! is damaged counts as missing: the replay is done again and gives the same,
//! and the journal keeps the daemon from sealing anything else.

use assay_content::store::write_atomically;
use assay_engine::{Pulse, salted_trace};
use assay_protocol::Hash;
use assay_protocol::commitment::{JobId, Outcome};
use assay_protocol::hash::{Native, Sha256};
use parity_scale_codec::{Decode, DecodeAll, Encode};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What for a segment was looked at. One account has at most one finding of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Purpose {
    /// As the verifier of a slot.
    Slot(u8),
    /// Once more, before insisting in a slot.
    Again(u8),
    /// As a member of the panel over a slot.
    Panel(u8),
    /// To challenge a segment.
    Challenge(u32),
}

impl std::fmt::Display for Purpose {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Purpose::Slot(slot) => write!(f, "slot-{slot}"),
            Purpose::Again(slot) => write!(f, "slot-{slot}-again"),
            Purpose::Panel(slot) => write!(f, "panel-{slot}"),
            Purpose::Challenge(segment) => write!(f, "challenge-{segment}"),
        }
    }
}

/// What was looked at: a segment between two opened boundaries of a commitment.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Subject {
    /// The job.
    pub job: JobId,
    /// Root of the commitment.
    pub root: Hash,
    /// The segment.
    pub segment: u32,
    /// State root before it, as opened.
    pub before: Hash,
    /// State root after it, as opened.
    pub after: Hash,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Found {
    /// The segment was replayed.
    #[codec(index = 0)]
    Replayed {
        /// State root that the replay ended in.
        state: Hash,
        /// Trace root of the replay.
        trace: Hash,
        /// Its pulses.
        pulses: Vec<Pulse>,
    },
    /// A step of the segment gives something that is not a number, so nobody can have done it.
    #[codec(index = 1)]
    Broken {
        /// The pulses of the steps before it.
        pulses: Vec<Pulse>,
        /// Which element, and what it is.
        reason: String,
    },
    /// The ends of the commitment are not what the specification and the final state give.
    #[codec(index = 2)]
    FalseEnds {
        /// The initial state root that the specification gives.
        initial_state: Hash,
        /// SHA-256 of the artefact that the committed final state gives;
        /// `None` if it was not needed to see the falsehood.
        artefact: Option<Hash>,
    },
    /// A checkpoint could not be had before the patience ended.
    #[codec(index = 3)]
    Unavailable {
        /// What the operator's endpoint did instead.
        reason: String,
    },
}

/// A finding.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Finding {
    /// What was looked at.
    pub subject: Subject,
    /// What was found.
    pub found: Found,
}

impl Finding {
    /// The trace root that a verifier seals: its own if all else is as
    /// committed, `objection` if anything is false; `None` if nothing could be
    /// looked at.
    ///
    /// The operator must not be able to guess the objection: a made-up trace
    /// root that is the same would pass.
    pub fn sealed_trace(&self, objection: Hash) -> Option<Hash> {
        match &self.found {
            Found::Replayed { state, trace, .. } if *state == self.subject.after => Some(*trace),
            Found::Replayed { .. } | Found::Broken { .. } | Found::FalseEnds { .. } => Some(objection),
            Found::Unavailable { .. } => None,
        }
    }

    /// What a panellist says under the dispute's salt.
    pub fn outcome(&self, salt: &Hash) -> Outcome {
        match &self.found {
            Found::Replayed { state, trace, pulses } => {
                Outcome::Replayed { state: *state, trace: *trace, salted: Hash(salted_trace(salt.0, pulses)) }
            }
            // No state comes after it. All panellists must name the same one, and
            // the operator must not have been able to commit to it.
            Found::Broken { pulses, .. } => Outcome::Replayed {
                state: Hash(self.subject.after.0.map(|byte| !byte)),
                trace: Hash::default(),
                salted: Hash(salted_trace(salt.0, pulses)),
            },
            Found::FalseEnds { initial_state, artefact } => {
                Outcome::FalseEnds { initial_state: *initial_state, artefact: artefact.unwrap_or_default() }
            }
            Found::Unavailable { .. } => Outcome::Unavailable,
        }
    }

    /// In words, for the log.
    pub fn describe(&self) -> String {
        match &self.found {
            Found::Replayed { state, .. } if *state == self.subject.after => "replayed: it ends as committed".into(),
            Found::Replayed { state, .. } => format!("FALSE: the replay ends in state {state}"),
            Found::Broken { reason, .. } => format!("FALSE: nobody can have done it: {reason}"),
            Found::FalseEnds { .. } => "FALSE: the commitment's initial state or artefact is not the job's".into(),
            Found::Unavailable { reason } => format!("not served: {reason}"),
        }
    }
}

/// The folder of findings.
#[derive(Clone, Debug)]
pub struct Findings {
    folder: PathBuf,
}

impl Findings {
    /// Opens `folder`, which is made if missing.
    ///
    /// # Errors
    /// What the file system says.
    pub fn open(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        Ok(Self { folder: folder.to_owned() })
    }

    fn path(&self, job: u64, purpose: Purpose) -> PathBuf {
        self.folder.join(format!("job-{job}-{purpose}"))
    }

    /// Keeps a finding.
    ///
    /// # Errors
    /// What the file system says.
    pub fn put(&self, purpose: Purpose, finding: &Finding) -> io::Result<()> {
        let content = finding.encode();
        let bytes = [&Native.sha256(&content).0[..], &content].concat();
        write_atomically(&self.path(finding.subject.job.number, purpose), &bytes)
    }

    /// The finding about `subject`, if there is one and it is whole.
    ///
    /// # Errors
    /// What the file system says.
    pub fn get(&self, purpose: Purpose, subject: &Subject) -> io::Result<Option<Finding>> {
        let path = self.path(subject.job.number, purpose);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io::Error::new(error.kind(), format!("{}: {error}", path.display()))),
        };
        let whole = bytes
            .split_first_chunk::<32>()
            .filter(|(hash, content)| Native.sha256(content).0 == **hash)
            .and_then(|(_, content)| Finding::decode_all(&mut &content[..]).ok());
        match whole {
            Some(finding) if finding.subject == *subject => Ok(Some(finding)),
            Some(_) => {
                tracing::warn!(path = %path.display(), "a finding is about another commitment; it is not used");
                Ok(None)
            }
            None => {
                tracing::warn!(path = %path.display(), "a finding is damaged; the segment is replayed again");
                Ok(None)
            }
        }
    }

    /// Forgets all findings of a job.
    ///
    /// # Errors
    /// What the file system says.
    pub fn forget(&self, job: u64) -> io::Result<()> {
        let prefix = format!("job-{job}-");
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(&prefix) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_protocol::Address;

    fn subject() -> Subject {
        let hash = |byte| Hash([byte; 32]);
        Subject {
            job: JobId { market: Address([7; 20]), number: 7 },
            root: hash(1),
            segment: 3,
            before: hash(2),
            after: hash(3),
        }
    }

    fn pulse(step: u64) -> Pulse {
        Pulse { step, loss: 1.5.into(), grad_norm: 0.25.into() }
    }

    fn finding(state: Hash) -> Finding {
        let found = Found::Replayed { state, trace: Hash([9; 32]), pulses: vec![pulse(0), pulse(1)] };
        Finding { subject: subject(), found }
    }

    #[test]
    fn only_a_segment_that_ends_as_committed_is_sealed_with_its_trace() {
        let objection = Hash([7; 32]);
        let found = |found| Finding { subject: subject(), found }.sealed_trace(objection);
        assert_eq!(finding(subject().after).sealed_trace(objection), Some(Hash([9; 32])));
        assert_eq!(finding(Hash([4; 32])).sealed_trace(objection), Some(objection));
        assert_eq!(found(Found::Broken { pulses: vec![], reason: "x".into() }), Some(objection));
        assert_eq!(found(Found::FalseEnds { initial_state: Hash([1; 32]), artefact: None }), Some(objection));
        assert_eq!(found(Found::Unavailable { reason: "x".into() }), None);
    }

    #[test]
    fn no_committed_state_makes_a_broken_segment_look_right() {
        for after in [Hash::default(), Hash([0xff; 32]), Hash([3; 32])] {
            let subject = Subject { after, ..subject() };
            let finding = Finding { subject, found: Found::Broken { pulses: vec![], reason: "x".into() } };
            let outcome = finding.outcome(&Hash([1; 32]));
            assert!(matches!(outcome, Outcome::Replayed { state, .. } if state != after), "{outcome:?}");
        }
    }

    #[test]
    fn a_panellists_outcome_depends_on_the_salt_and_the_pulses() {
        let salted = |finding: &Finding, salt: u8| match finding.outcome(&Hash([salt; 32])) {
            Outcome::Replayed { salted, .. } => salted,
            other => panic!("{other:?}"),
        };
        let one = finding(Hash([3; 32]));
        assert_ne!(salted(&one, 1), salted(&one, 2));
        let mut shorter = one.clone();
        if let Found::Replayed { pulses, .. } = &mut shorter.found {
            pulses.pop();
        }
        assert_ne!(salted(&one, 1), salted(&shorter, 1));
    }

    #[test]
    fn a_finding_outlives_a_restart_and_is_found_for_its_subject_only() {
        let folder = tempfile::tempdir().unwrap();
        let findings = Findings::open(folder.path()).unwrap();
        let kept = finding(Hash([4; 32]));
        findings.put(Purpose::Slot(2), &kept).unwrap();
        let again = Findings::open(folder.path()).unwrap();
        assert_eq!(again.get(Purpose::Slot(2), &subject()).unwrap(), Some(kept));
        assert_eq!(again.get(Purpose::Again(2), &subject()).unwrap(), None);
        assert_eq!(again.get(Purpose::Slot(1), &subject()).unwrap(), None);
        let other = Subject { root: Hash([8; 32]), ..subject() };
        assert_eq!(again.get(Purpose::Slot(2), &other).unwrap(), None);
        again.forget(70).unwrap();
        assert!(again.get(Purpose::Slot(2), &subject()).unwrap().is_some());
        again.forget(7).unwrap();
        assert_eq!(again.get(Purpose::Slot(2), &subject()).unwrap(), None);
    }

    #[test]
    fn a_truncated_or_changed_file_counts_as_missing() {
        let folder = tempfile::tempdir().unwrap();
        let findings = Findings::open(folder.path()).unwrap();
        findings.put(Purpose::Slot(0), &finding(Hash([4; 32]))).unwrap();
        let path = findings.path(7, Purpose::Slot(0));
        let bytes = fs::read(&path).unwrap();
        for length in 0..bytes.len() {
            fs::write(&path, &bytes[..length]).unwrap();
            assert_eq!(findings.get(Purpose::Slot(0), &subject()).unwrap(), None, "{length} bytes");
        }
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 4;
            fs::write(&path, &changed).unwrap();
            assert_eq!(findings.get(Purpose::Slot(0), &subject()).unwrap(), None, "byte {at}");
        }
        fs::write(&path, &bytes).unwrap();
        assert!(findings.get(Purpose::Slot(0), &subject()).unwrap().is_some());
    }
}
