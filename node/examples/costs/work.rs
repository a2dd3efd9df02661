//! Training that is a hash: what an operator commits to and verifiers find.

use assay_protocol::commitment::{seal, JobId, Leaf};
use assay_protocol::hash::{Domain, Native, Sha256};
use assay_protocol::market::{Challenge, Commit, Ends, LeafOpening, SlotOpening};
use assay_protocol::state_tree::{StateLeaf, Tensor, CHUNK_BYTES};
use assay_protocol::{merkle, Address, Hash};

/// Tensors of a state, and chunks of each, where states are more than a hash.
const TENSORS: usize = 8;
const CHUNKS: usize = 16;

/// What an operator has made of a job.
pub struct Work {
    states: Vec<Hash>,
    traces: Vec<Hash>,
    leaves: Vec<Leaf>,
    hashes: Vec<Hash>,
}

/// A hash that `what` and `of` decide.
pub fn made_up(what: &str, of: u64) -> Hash {
    Native.hash_value(Domain::Manifest, &(what, of))
}

/// A chunk of every job's first state.
pub fn first_leaf(tensor: u32, chunk: u32) -> StateLeaf {
    let bytes = vec![1; CHUNKS * CHUNK_BYTES];
    let shape = [(bytes.len() / 4) as u32];
    let tensors = [Tensor { name: "layer.weight", shape: &shape, bytes: &bytes }; TENSORS];
    StateLeaf::prove(&Native, 0, &tensors, tensor, chunk).expect("the shape is that of the bytes")
}

impl Work {
    /// Of a job that ends as training number `training` does. Every state but
    /// the last is the first, `first`: of each the same chunks can be shown.
    pub fn new(job: JobId, training: u64, operator: Address, first: Hash, segments: u32) -> Self {
        let mut states = vec![first; segments as usize];
        states.push(made_up("state", training));
        let of = |number: u32| training << 32 | u64::from(number);
        let traces: Vec<Hash> = (0..segments).map(|segment| made_up("trace", of(segment))).collect();
        let seals = (0u32..).zip(&traces).map(|(segment, trace)| seal(&Native, job, segment, trace, &operator));
        let seals = std::iter::once(Hash::default()).chain(seals);
        let leaves = (0u32..).zip(states.iter().zip(seals));
        let leaves: Vec<Leaf> = leaves.map(|(index, (state, seal))| Leaf { index, state: *state, seal }).collect();
        let hashes = leaves.iter().map(|leaf| leaf.hash(&Native)).collect();
        Self { states, traces, leaves, hashes }
    }

    pub fn state(&self, boundary: u32) -> Hash {
        self.states[boundary as usize]
    }

    pub fn trace(&self, segment: u32) -> Hash {
        self.traces[segment as usize]
    }

    pub fn leaf(&self, boundary: u32) -> LeafOpening {
        let leaf = &self.leaves[boundary as usize];
        let proof = merkle::proof(&Native, &self.hashes, boundary).expect("the boundary is one of them");
        LeafOpening { state: leaf.state, seal: leaf.seal, proof }
    }

    pub fn commit(&self) -> Commit {
        Commit { root: merkle::root(&Native, &self.hashes).expect("there are leaves") }
    }

    pub fn ends(&self) -> Ends {
        let last = self.traces.len() as u32;
        Ends { first: self.leaf(0), last: self.leaf(last), artefact: made_up("artefact", 0) }
    }

    pub fn open(&self, slot: u8, segment: u32) -> SlotOpening {
        SlotOpening { slot, before: self.leaf(segment), after: self.leaf(segment + 1) }
    }

    pub fn challenge(&self, segment: u32) -> Challenge {
        Challenge { segment, before: self.leaf(segment), after: self.leaf(segment + 1) }
    }
}
