//! What an operator commits to, and what verifiers put against it.
//!
//! A job of `n` segments has `n + 1` boundaries: boundary 0 is the initial
//! state, boundary `i` the state after segment `i - 1`. The commitment is the
//! Merkle root over one [`Leaf`] per boundary. A segment is opened by opening
//! the two leaves around it, so the end of one segment *is* the beginning of
//! the next: a chain of states with a gap in it cannot be written down.

use crate::hash::{Address, Domain, Hash, Sha256};
use parity_scale_codec::{Decode, Encode};
use scale_info::TypeInfo;

/// One boundary between segments, as committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct Leaf {
    /// Boundary: 0 before the first segment, `n` after the last.
    pub index: u32,
    /// State root at this boundary.
    pub state: Hash,
    /// The operator's [`seal`] over the segment that ends here; zero at boundary 0.
    pub seal: Hash,
}

impl Leaf {
    /// The hash that goes into the Merkle tree.
    pub fn hash(&self, hasher: &impl Sha256) -> Hash {
        hasher.hash_value(Domain::Leaf, self)
    }
}

/// The salt of a segment's trace root: the trace root hashes it with the pulses
/// of the segment's steps. With the job in it, a trace root known from one job
/// is worthless in another with the same specification; with the state root
/// after the segment in it, a true trace cannot stand beside a false end.
pub fn trace_salt(hasher: &impl Sha256, job: u64, segment: u32, after: &Hash) -> Hash {
    hasher.hash_value(Domain::Seal, &(job, segment, after))
}

/// Binds a trace root to the account that claims to have computed it, without
/// showing it: nobody can turn another's seal into one of its own.
pub fn seal(hasher: &impl Sha256, job: u64, segment: u32, trace: &Hash, by: &Address) -> Hash {
    hasher.hash_value(Domain::Seal, &(job, segment, trace, by))
}

/// What a panellist found when it replayed a disputed segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum Outcome {
    /// The segment was replayed from the opened state before it.
    #[codec(index = 0)]
    Replayed {
        /// State root after the segment.
        state: Hash,
        /// Trace root of the segment.
        trace: Hash,
        /// Trace root under the dispute's own salt. Nobody has published it
        /// before, so it proves that this panellist had the pulses.
        salted: Hash,
    },
    /// The operator did not serve the opened state.
    #[codec(index = 1)]
    Unavailable,
    /// The ends of the commitment are false, whatever happened between them.
    #[codec(index = 2)]
    FalseEnds {
        /// The initial state root that the specification gives.
        initial_state: Hash,
        /// SHA-256 of the artefact that the committed final state gives.
        artefact: Hash,
    },
}

/// A panellist's seal over its outcome.
pub fn outcome_seal(hasher: &impl Sha256, job: u64, segment: u32, outcome: &Outcome, by: &Address) -> Hash {
    hasher.hash_value(Domain::Outcome, &(job, segment, outcome, by))
}

/// The salt under which a panel's members hash their traces.
pub fn panel_salt(hasher: &impl Sha256, job: u64, segment: u32, seed: &Hash) -> Hash {
    hasher.hash_value(Domain::Outcome, &(job, segment, seed))
}

/// The identity of a model: the program that made it and the state it ended in.
pub fn model_id(hasher: &impl Sha256, program: &Hash, final_state: &Hash) -> Hash {
    hasher.hash_value(Domain::Model, &(program, final_state))
}

/// What an account publishes of a secret that it will reveal for a draw.
pub fn sealed_secret(hasher: &impl Sha256, secret: &Hash, by: &Address) -> Hash {
    hasher.hash_value(Domain::Secret, &(secret, by))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::Native;

    #[test]
    fn a_seal_is_bound_to_job_segment_trace_and_account() {
        let base = seal(&Native, 1, 2, &Hash([3; 32]), &Address([4; 20]));
        assert_ne!(base, seal(&Native, 2, 2, &Hash([3; 32]), &Address([4; 20])));
        assert_ne!(base, seal(&Native, 1, 3, &Hash([3; 32]), &Address([4; 20])));
        assert_ne!(base, seal(&Native, 1, 2, &Hash([4; 32]), &Address([4; 20])));
        assert_ne!(base, seal(&Native, 1, 2, &Hash([3; 32]), &Address([5; 20])));
    }

    #[test]
    fn encodings_are_frozen() {
        // A change here changes every commitment on every chain.
        let leaf = Leaf { index: 1, state: Hash([2; 32]), seal: Hash([3; 32]) };
        assert_eq!(leaf.encode(), [&[1, 0, 0, 0][..], &[2; 32], &[3; 32]].concat());
        assert_eq!(
            leaf.hash(&Native).to_string(),
            Native.sha256(&[&b"asy:leaf"[..], &leaf.encode()].concat()).to_string()
        );
    }
}
