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

/// A job of a market. Every market numbers its jobs from 0, so what is sealed for
/// a job names both: a seal from one market is worthless in its successor.
///
/// The chain is not named. Contracts of one address on two chains (one account
/// deployed them as its transactions of the same number, or one chain was split
/// off the other) are one market here: who works on both must not use its secrets twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct JobId {
    /// The market contract.
    pub market: Address,
    /// The job's number there.
    pub number: u64,
}

/// The salt of a segment's trace root: the trace root hashes it with the pulses
/// of the segment's steps. With the job in it, a trace root known from one job
/// is worthless in another with the same specification; with the state root
/// after the segment in it, a true trace cannot stand beside a false end.
pub fn trace_salt(hasher: &impl Sha256, job: JobId, segment: u32, after: &Hash) -> Hash {
    hasher.hash_value(Domain::Seal, &(job, segment, after))
}

/// Binds a trace root to the account that claims to have computed it, without
/// showing it: nobody can turn another's seal into one of its own.
pub fn seal(hasher: &impl Sha256, job: JobId, segment: u32, trace: &Hash, by: &Address) -> Hash {
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
pub fn outcome_seal(hasher: &impl Sha256, job: JobId, segment: u32, outcome: &Outcome, by: &Address) -> Hash {
    hasher.hash_value(Domain::Outcome, &(job, segment, outcome, by))
}

/// The salt under which a panel's members hash their traces.
pub fn panel_salt(hasher: &impl Sha256, job: JobId, segment: u32, seed: &Hash) -> Hash {
    hasher.hash_value(Domain::Outcome, &(job, segment, seed))
}

/// The identity of a model: whose job made it, by which program, and the state it
/// ended in. With the client in it nobody else can take it, however early it
/// knows the final state.
pub fn model_id(hasher: &impl Sha256, client: &Address, program: &Hash, final_state: &Hash) -> Hash {
    hasher.hash_value(Domain::Model, &(client, program, final_state))
}

/// What an account publishes of a secret that it will reveal for a draw of `market`.
pub fn sealed_secret(hasher: &impl Sha256, market: &Address, secret: &Hash, by: &Address) -> Hash {
    hasher.hash_value(Domain::Secret, &(market, secret, by))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::Native;

    fn different(hashes: &[Hash]) {
        for (at, hash) in hashes.iter().enumerate() {
            assert!(!hashes[..at].contains(hash), "number {at} is another's");
        }
    }

    const MARKETS: [Address; 2] = [Address([8; 20]), Address([9; 20])];

    fn job(market: usize, number: u64) -> JobId {
        JobId { market: MARKETS[market], number }
    }

    #[test]
    fn seals_and_salts_are_bound_to_all_that_goes_into_them() {
        let (hash, other) = (Hash([3; 32]), Hash([4; 32]));
        let (by, another) = (Address([4; 20]), Address([5; 20]));
        let jobs = [job(0, 1), job(0, 2), job(1, 1)];
        let seals = jobs.map(|job| seal(&Native, job, 2, &hash, &by));
        let others = [(3, hash, by), (2, other, by), (2, hash, another)]
            .map(|(segment, trace, by)| seal(&Native, jobs[0], segment, &trace, &by));
        different(&[seals, others].concat());
        different(&jobs.map(|job| trace_salt(&Native, job, 2, &hash)));
        different(&jobs.map(|job| panel_salt(&Native, job, 2, &hash)));
        different(&jobs.map(|job| outcome_seal(&Native, job, 2, &Outcome::Unavailable, &by)));
        different(
            &[(0, hash, by), (1, hash, by), (0, other, by), (0, hash, another)]
                .map(|(market, secret, by)| sealed_secret(&Native, &MARKETS[market], &secret, &by)),
        );
    }

    #[test]
    fn a_model_is_its_clients() {
        let (program, state) = (Hash([1; 32]), Hash([2; 32]));
        different(&[
            model_id(&Native, &MARKETS[0], &program, &state),
            model_id(&Native, &MARKETS[1], &program, &state),
            model_id(&Native, &MARKETS[0], &state, &program),
        ]);
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
        let sealed =
            [&b"asy:seal"[..], &[8; 20], &[7, 0, 0, 0, 0, 0, 0, 0], &[2, 0, 0, 0], &[3; 32], &[4; 20]].concat();
        assert_eq!(seal(&Native, job(0, 7), 2, &Hash([3; 32]), &Address([4; 20])), Native.sha256(&sealed));
        let model = [&b"asy:modl"[..], &[8; 20], &[1; 32], &[2; 32]].concat();
        assert_eq!(model_id(&Native, &MARKETS[0], &Hash([1; 32]), &Hash([2; 32])), Native.sha256(&model));
        let secret = [&b"asy:secr"[..], &[8; 20], &[3; 32], &[4; 20]].concat();
        assert_eq!(sealed_secret(&Native, &MARKETS[0], &Hash([3; 32]), &Address([4; 20])), Native.sha256(&secret));
    }
}
