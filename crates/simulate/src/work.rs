//! Training in a world where a segment is a hash: what is true of a job, and
//! what its operator says.

use crate::chain::job_id;
use assay_protocol::commitment::{Leaf, Outcome, seal};
use assay_protocol::hash::{Domain, Native, Sha256};
use assay_protocol::market::{Ends, LeafOpening};
use assay_protocol::state_tree::{StateLeaf, Tensor};
use assay_protocol::{Address, Hash, merkle};

/// The trace root that everybody gets who replays `segment`.
pub fn true_trace(job: u64, segment: u32) -> Hash {
    Native.hash_value(Domain::Manifest, &(b"trace", job, segment))
}

/// All that there is of the state at a boundary: one chunk of one tensor.
pub fn state_leaf(job: u64, boundary: u32) -> StateLeaf {
    let bytes = Native.hash_value(Domain::Manifest, &(b"state", job, boundary)).0;
    let tensor = Tensor { name: "weights", shape: &[8], bytes: &bytes };
    StateLeaf::prove(&Native, boundary.into(), &[tensor], 0, 0).expect("eight elements of four bytes")
}

fn state(job: u64, boundary: u32) -> Hash {
    state_leaf(job, boundary).root(&Native, 0, 0).expect("a chunk of a state")
}

/// What the operator of a job has committed to. Its states are true, so that one
/// hash tells a false segment from a true one: the trace root.
pub struct Work {
    job: u64,
    operator: Address,
    /// The trace roots, by segment.
    traces: Vec<Hash>,
    leaves: Vec<Hash>,
}

impl Work {
    /// The work of `operator`, who makes up the `false_segments`; each `nonce`
    /// makes it up otherwise.
    pub fn new(job: u64, operator: Address, segments: u32, false_segments: &[u32], nonce: u32) -> Self {
        let trace = |segment| match false_segments.contains(&segment) {
            true => Native.hash_value(Domain::Manifest, &(b"made up", job, segment, nonce)),
            false => true_trace(job, segment),
        };
        let mut work = Self { job, operator, traces: (0..segments).map(trace).collect(), leaves: Vec::new() };
        work.leaves = (0..=segments).map(|boundary| work.leaf(boundary).hash(&Native)).collect();
        work
    }

    /// The committed Merkle root.
    pub fn root(&self) -> Hash {
        merkle::root(&Native, &self.leaves).expect("a job has boundaries")
    }

    /// The trace root that the operator says `segment` has.
    pub fn trace(&self, segment: u32) -> Hash {
        self.traces[segment as usize]
    }

    /// Whether the operator made `segment` up.
    pub fn is_false(&self, segment: u32) -> bool {
        self.trace(segment) != true_trace(self.job, segment)
    }

    /// The leaf at a boundary, with its way to the root.
    pub fn opening(&self, boundary: u32) -> LeafOpening {
        let proof = merkle::proof(&Native, &self.leaves, boundary).expect("a boundary of the job");
        let Leaf { state, seal, .. } = self.leaf(boundary);
        LeafOpening { state, seal, proof }
    }

    /// The ends of the commitment.
    pub fn ends(&self) -> Ends {
        let last = self.traces.len() as u32;
        let artefact = Native.hash_value(Domain::Manifest, &(b"artefact", self.job));
        Ends { first: self.opening(0), last: self.opening(last), artefact }
    }

    /// What a panellist reveals that found `trace` for `segment`.
    pub fn finding(&self, segment: u32, trace: Hash, salt: Hash) -> Outcome {
        let salted = Native.hash_value(Domain::Manifest, &(b"salted", trace, salt));
        Outcome::Replayed { state: state(self.job, segment + 1), trace, salted }
    }

    fn leaf(&self, boundary: u32) -> Leaf {
        let seal = match boundary.checked_sub(1) {
            Some(segment) => seal(&Native, job_id(self.job), segment, &self.trace(segment), &self.operator),
            None => Hash::default(),
        };
        Leaf { index: boundary, state: state(self.job, boundary), seal }
    }
}
