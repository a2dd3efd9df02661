//! The leaves that an operator commits to, and their proofs.

use assay_protocol::commitment::{JobId, Leaf};
use assay_protocol::hash::Native;
use assay_protocol::market::LeafOpening;
use assay_protocol::{Address, Hash, commitment, merkle};
use parity_scale_codec::{DecodeAll, Encode};

/// All boundaries of a job, as its operator commits to them.
#[derive(Clone, Debug)]
pub struct Commitments {
    leaves: Vec<Leaf>,
    /// The Merkle tree from the leaves' hashes up, so that a proof takes no hashing.
    levels: Vec<Vec<Hash>>,
}

impl Commitments {
    /// The leaves over `states`, the state roots at the `n + 1` boundaries, and
    /// `traces`, the trace roots of the `n` segments, sealed by `operator` for `job`.
    ///
    /// # Panics
    /// If there is not exactly one more state than traces.
    pub fn new(job: JobId, operator: &Address, states: &[Hash], traces: &[Hash]) -> Self {
        assert_eq!(states.len(), traces.len() + 1, "one boundary more than segments");
        let seals =
            (0u32..).zip(traces).map(|(segment, trace)| commitment::seal(&Native, job, segment, trace, operator));
        let seals = std::iter::once(Hash::default()).chain(seals);
        let leaves: Vec<Leaf> =
            (0u32..).zip(states).zip(seals).map(|((index, state), seal)| Leaf { index, state: *state, seal }).collect();
        Self::of(leaves)
    }

    fn of(leaves: Vec<Leaf>) -> Self {
        let levels = merkle::levels(&Native, leaves.iter().map(|leaf| leaf.hash(&Native)).collect());
        Self { leaves, levels }
    }

    /// Most bytes of the encoded leaves of a job with so many segments.
    pub fn encoded_limit(segments: u32) -> u64 {
        // Index, state root and seal of each boundary, and the list's length in front.
        (u64::from(segments) + 1) * 68 + 5
    }

    /// The leaves as an operator serves them: the SCALE encoding of `Vec<Leaf>`.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.leaves.encode()
    }

    /// Reads the leaves that somebody serves, and refuses them unless they are
    /// one for each boundary of a job with so many segments, in order, and lead
    /// to the committed `root`.
    ///
    /// # Errors
    /// A sentence that says what is wrong with them.
    pub fn from_bytes(bytes: &[u8], segments: u32, root: &Hash) -> Result<Self, String> {
        let leaves = Vec::<Leaf>::decode_all(&mut &bytes[..]).map_err(|error| format!("no list of leaves: {error}"))?;
        if leaves.len() as u64 != u64::from(segments) + 1 {
            return Err(format!("{} leaves, and a job of {segments} segments has {}", leaves.len(), segments + 1));
        }
        if let Some((index, leaf)) = (0u32..).zip(&leaves).find(|(index, leaf)| leaf.index != *index) {
            return Err(format!("leaf {index} says that it is leaf {}", leaf.index));
        }
        let commitments = Self::of(leaves);
        if commitments.root() != *root {
            return Err(format!("their Merkle root is {}", commitments.root()));
        }
        Ok(commitments)
    }

    /// The leaves, one for each boundary, in order.
    pub fn leaves(&self) -> &[Leaf] {
        &self.leaves
    }

    /// The Merkle root.
    pub fn root(&self) -> Hash {
        self.levels[self.levels.len() - 1][0]
    }

    /// The leaf of a boundary with its proof.
    ///
    /// # Panics
    /// If there is no such boundary.
    pub fn opening(&self, boundary: u32) -> LeafOpening {
        let leaf = self.leaves[boundary as usize];
        let proof = merkle::siblings(&self.levels, boundary);
        LeafOpening { state: leaf.state, seal: leaf.seal, proof }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JOB: JobId = JobId { market: Address([1; 20]), number: 3 };

    #[test]
    fn openings_lead_to_the_root() {
        let states: Vec<Hash> = (0..6u8).map(|byte| Hash([byte; 32])).collect();
        let traces: Vec<Hash> = (10..15u8).map(|byte| Hash([byte; 32])).collect();
        let commitments = Commitments::new(JOB, &Address([9; 20]), &states, &traces);
        for boundary in 0..6 {
            let opening = commitments.opening(boundary);
            let leaf = Leaf { index: boundary, state: opening.state, seal: opening.seal };
            let hash = leaf.hash(&Native);
            assert!(merkle::verify(&Native, &commitments.root(), 6, boundary, &hash, &opening.proof));
        }
        assert_eq!(commitments.opening(0).seal, Hash::default());
        let other = Commitments::new(JOB, &Address([8; 20]), &states, &traces);
        assert_ne!(other.root(), commitments.root(), "another operator cannot use the same commitment");
        let elsewhere = JobId { market: Address([2; 20]), ..JOB };
        let other = Commitments::new(elsewhere, &Address([9; 20]), &states, &traces);
        assert_ne!(other.root(), commitments.root(), "nor can the same one in another market");
    }

    #[test]
    fn served_leaves_are_those_committed_to_or_refused() {
        let states: Vec<Hash> = (0..6u8).map(|byte| Hash([byte; 32])).collect();
        let traces: Vec<Hash> = (10..15u8).map(|byte| Hash([byte; 32])).collect();
        let commitments = Commitments::new(JOB, &Address([9; 20]), &states, &traces);
        let (bytes, root) = (commitments.to_bytes(), commitments.root());
        assert!(bytes.len() as u64 <= Commitments::encoded_limit(5));
        let read = Commitments::from_bytes(&bytes, 5, &root).unwrap();
        assert_eq!(read.leaves(), commitments.leaves());
        let refused = |bytes: &[u8], segments| Commitments::from_bytes(bytes, segments, &root).unwrap_err();
        assert!(refused(&bytes, 4).contains("6 leaves"));
        assert!(refused(&bytes[..bytes.len() - 1], 5).contains("no list"));
        assert!(refused(&[&bytes[..], &[0]].concat(), 5).contains("no list"));
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            refused(&changed, 5);
        }
    }
}
