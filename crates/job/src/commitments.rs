//! The leaves that an operator commits to, and their proofs.

use assay_protocol::commitment::Leaf;
use assay_protocol::hash::Native;
use assay_protocol::market::LeafOpening;
use assay_protocol::{Address, Hash, commitment, merkle};

/// All boundaries of a job, as its operator commits to them.
#[derive(Clone, Debug)]
pub struct Commitments {
    leaves: Vec<Leaf>,
    hashes: Vec<Hash>,
}

impl Commitments {
    /// The leaves over `states`, the state roots at the `n + 1` boundaries, and
    /// `traces`, the trace roots of the `n` segments, sealed by `operator` for `job`.
    ///
    /// # Panics
    /// If there is not exactly one more state than traces.
    pub fn new(job: u64, operator: &Address, states: &[Hash], traces: &[Hash]) -> Self {
        assert_eq!(states.len(), traces.len() + 1, "one boundary more than segments");
        let seals = (0u32..).zip(traces).map(|(segment, trace)| commitment::seal(&Native, job, segment, trace, operator));
        let seals = std::iter::once(Hash::default()).chain(seals);
        let leaves: Vec<Leaf> =
            (0u32..).zip(states).zip(seals).map(|((index, state), seal)| Leaf { index, state: *state, seal }).collect();
        let hashes = leaves.iter().map(|leaf| leaf.hash(&Native)).collect();
        Self { leaves, hashes }
    }

    /// The Merkle root.
    pub fn root(&self) -> Hash {
        merkle::root(&Native, &self.hashes).expect("a job has at least one segment, so two boundaries")
    }

    /// The leaf of a boundary with its proof.
    ///
    /// # Panics
    /// If there is no such boundary.
    pub fn opening(&self, boundary: u32) -> LeafOpening {
        let leaf = self.leaves[boundary as usize];
        let proof = merkle::proof(&Native, &self.hashes, boundary).expect("the leaf exists");
        LeafOpening { state: leaf.state, seal: leaf.seal, proof }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openings_lead_to_the_root() {
        let states: Vec<Hash> = (0..6u8).map(|byte| Hash([byte; 32])).collect();
        let traces: Vec<Hash> = (10..15u8).map(|byte| Hash([byte; 32])).collect();
        let commitments = Commitments::new(3, &Address([9; 20]), &states, &traces);
        for boundary in 0..6 {
            let opening = commitments.opening(boundary);
            let leaf = Leaf { index: boundary, state: opening.state, seal: opening.seal };
            let hash = leaf.hash(&Native);
            assert!(merkle::verify(&Native, &commitments.root(), 6, boundary, &hash, &opening.proof));
        }
        assert_eq!(commitments.opening(0).seal, Hash::default());
        let other = Commitments::new(3, &Address([8; 20]), &states, &traces);
        assert_ne!(other.root(), commitments.root(), "another operator cannot use the same commitment");
    }
}
