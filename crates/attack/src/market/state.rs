//! Small states with the tree that real ones have (see `crates/engine`): written
//! here a second time, so that the market's check of a served chunk meets
//! leaves that the market's authors did not make.

use assay_protocol::Hash;
use assay_protocol::hash::{Native, Sha256};
use assay_protocol::state_tree::StateLeaf;
use parity_scale_codec::Encode;

/// Bytes of a chunk, but for a tensor's last.
const CHUNK_BYTES: usize = 1024;
/// Names and elements of the tensors, in canonical order.
const TENSORS: [(&str, u32); 2] = [("bias", 1), ("weight", 300)];

/// A state whose elements follow from `seed`.
#[derive(Clone, Debug)]
pub struct Toy {
    /// Steps behind it.
    pub step: u64,
    /// What its bytes follow from.
    pub seed: Hash,
}

fn node(left: &Hash, right: &Hash) -> Hash {
    Native.sha256(&[&[0x11], &left.0[..], &right.0[..]].concat())
}

/// The root over `leaves` and the siblings on the way from leaf `at`.
fn climb(mut leaves: Vec<Hash>, mut at: usize) -> (Hash, Vec<Hash>) {
    let mut siblings = Vec::new();
    while leaves.len() > 1 {
        siblings.extend(leaves.get(at ^ 1));
        leaves =
            leaves.chunks(2).map(|pair| if let [left, right] = pair { node(left, right) } else { pair[0] }).collect();
        at /= 2;
    }
    (leaves[0], siblings)
}

impl Toy {
    fn bytes(&self, tensor: usize) -> Vec<u8> {
        let count = TENSORS[tensor].1 as usize * 4;
        let mut bytes = self.seed.0.repeat(count / 32 + 1);
        bytes.truncate(count);
        // Equal elements in two tensors must not give equal chunks.
        bytes[0] ^= tensor as u8;
        bytes
    }

    fn chunks(&self, tensor: usize) -> Vec<Hash> {
        let hash = |chunk: &[u8]| Native.sha256(&[&[0x10], chunk].concat());
        self.bytes(tensor).chunks(CHUNK_BYTES).map(hash).collect()
    }

    fn leaves(&self) -> Vec<Hash> {
        let leaf = |tensor: usize| {
            let (name, elements) = TENSORS[tensor];
            let root = climb(self.chunks(tensor), 0).0;
            let count = TENSORS.len() as u32;
            let head = (self.step, tensor as u32, count).encode();
            let rest = (name, vec![elements], root).encode();
            Native.sha256(&[&[0x12][..], b"assay/state/v1", &head, &rest].concat())
        };
        (0..TENSORS.len()).map(leaf).collect()
    }

    /// The state root.
    pub fn root(&self) -> Hash {
        climb(self.leaves(), 0).0
    }

    /// The chunk that the wanted numbers stand for, wrapped around.
    pub fn chunk(&self, tensor: u32, chunk: u32) -> StateLeaf {
        let tensor = tensor as usize % TENSORS.len();
        let hashes = self.chunks(tensor);
        let chunk = chunk as usize % hashes.len();
        let bytes = self.bytes(tensor).chunks(CHUNK_BYTES).nth(chunk).expect("wrapped around").to_vec();
        StateLeaf {
            step: self.step,
            tensors: TENSORS.len() as u32,
            name: TENSORS[tensor].0.into(),
            shape: vec![TENSORS[tensor].1],
            chunk: bytes,
            tensor_proof: climb(hashes, chunk).1,
            state_proof: climb(self.leaves(), tensor).1,
        }
    }
}
