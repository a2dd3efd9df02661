//! The tree over a training state, and proofs that a chunk of bytes is in it.
//!
//! A state has named tensors and the number of steps behind it. Two levels of
//! trees make its root, with `node = SHA-256(0x11 | left | right)` and the last
//! of an odd level going up as it is:
//!
//! * a tensor's root is over its little-endian bytes in chunks of
//!   [`CHUNK_BYTES`] (the last may be shorter), each `SHA-256(0x10 | chunk)`; a
//!   tensor without elements has one empty chunk;
//! * the state's root is over one leaf per tensor, `SHA-256(0x12 |
//!   "assay/state/v1" | step as u64 | place as u32 | number of tensors as u32 |
//!   SCALE(name) | SCALE(shape) | tensor root)`, with integers little-endian.
//!
//! The engine makes these roots; the tests hold this module to them.

use crate::hash::{Hash, Sha256};
use crate::merkle::{climb, proved_root};
use alloc::{string::String, vec::Vec};
use parity_scale_codec::{Decode, Encode};
use scale_info::TypeInfo;

/// Bytes of a tensor per leaf.
pub const CHUNK_BYTES: usize = 1024;
/// Bytes of an element.
const ELEMENT_BYTES: u64 = 4;

const CHUNK: u8 = 0x10;
const NODE: u8 = 0x11;
const TENSOR: u8 = 0x12;
const STATE_TAG: &[u8] = b"assay/state/v1";

/// One chunk of a tensor of a state, with its way to the state's root.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct StateLeaf {
    /// Steps behind the state.
    pub step: u64,
    /// Tensors of the state.
    pub tensors: u32,
    /// The tensor's name.
    pub name: String,
    /// Its dimensions, outermost first.
    pub shape: Vec<u32>,
    /// The chunk's bytes.
    pub chunk: Vec<u8>,
    /// Siblings of the chunk in the tensor's tree, lowest first.
    pub tensor_proof: Vec<Hash>,
    /// Siblings of the tensor in the state's tree, lowest first.
    pub state_proof: Vec<Hash>,
}

/// A tensor whose chunks are to be proved.
#[derive(Clone, Copy, Debug)]
pub struct Tensor<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its dimensions, outermost first.
    pub shape: &'a [u32],
    /// Its elements, little-endian.
    pub bytes: &'a [u8],
}

fn node(hasher: &impl Sha256, left: &Hash, right: &Hash) -> Hash {
    let mut bytes = Vec::with_capacity(65);
    bytes.push(NODE);
    bytes.extend_from_slice(&left.0);
    bytes.extend_from_slice(&right.0);
    hasher.sha256(&bytes)
}

fn chunk_hash(hasher: &impl Sha256, chunk: &[u8]) -> Hash {
    let mut bytes = Vec::with_capacity(1 + chunk.len());
    bytes.push(CHUNK);
    bytes.extend_from_slice(chunk);
    hasher.sha256(&bytes)
}

fn tensor_hash(
    hasher: &impl Sha256,
    step: u64,
    (place, tensors): (u32, u32),
    name: &str,
    shape: &[u32],
    root: &Hash,
) -> Hash {
    let mut bytes = Vec::from([TENSOR]);
    bytes.extend_from_slice(STATE_TAG);
    bytes.extend_from_slice(&step.to_le_bytes());
    bytes.extend_from_slice(&place.to_le_bytes());
    bytes.extend_from_slice(&tensors.to_le_bytes());
    name.encode_to(&mut bytes);
    shape.encode_to(&mut bytes);
    bytes.extend_from_slice(&root.0);
    hasher.sha256(&bytes)
}

/// Bytes of a tensor of this shape; `None` if it is larger than any machine.
fn tensor_bytes(shape: &[u32]) -> Option<u64> {
    shape.iter().try_fold(ELEMENT_BYTES, |bytes, side| bytes.checked_mul(u64::from(*side)))
}

impl StateLeaf {
    /// Whether this is chunk `chunk` of tensor `tensor` of the state with this
    /// root, in the canonical order of its tensors. Both numbers wrap: they are
    /// taken modulo what there is.
    pub fn verify(&self, hasher: &impl Sha256, root: &Hash, tensor: u32, chunk: u32) -> bool {
        self.root(hasher, tensor, chunk) == Some(*root)
    }

    /// The root that a state has whose chunk this is, by the numbers of
    /// [`verify`](Self::verify); `None` if it can be no state's.
    pub fn root(&self, hasher: &impl Sha256, tensor: u32, chunk: u32) -> Option<Hash> {
        let place = tensor.checked_rem(self.tensors)?;
        let bytes = tensor_bytes(&self.shape)?;
        let chunks = bytes.div_ceil(CHUNK_BYTES as u64).max(1);
        let chunk = u64::from(chunk) % chunks;
        let length = (bytes - chunk * CHUNK_BYTES as u64).min(CHUNK_BYTES as u64);
        if self.chunk.len() as u64 != length {
            return None;
        }
        let node = |left: &Hash, right: &Hash| node(hasher, left, right);
        let tensor_root = proved_root(node, chunk_hash(hasher, &self.chunk), chunk, chunks, &self.tensor_proof)?;
        let leaf = tensor_hash(hasher, self.step, (place, self.tensors), &self.name, &self.shape, &tensor_root);
        proved_root(node, leaf, u64::from(place), u64::from(self.tensors), &self.state_proof)
    }

    /// The answer to a demand: chunk `chunk` of tensor `tensor` of a state, both
    /// modulo what there is. `tensors` are all of the state's, in canonical
    /// order. `None` for a state without tensors, or a tensor whose bytes are not
    /// what its shape says.
    pub fn prove(hasher: &impl Sha256, step: u64, tensors: &[Tensor], tensor: u32, chunk: u32) -> Option<Self> {
        let count = u32::try_from(tensors.len()).ok()?;
        let place = tensor.checked_rem(count)?;
        let chosen = tensors[place as usize];
        let node = |left: &Hash, right: &Hash| node(hasher, left, right);
        let mut leaves = Vec::with_capacity(tensors.len());
        let mut proof = None;
        for (at, tensor) in (0u32..).zip(tensors) {
            if tensor_bytes(tensor.shape) != Some(tensor.bytes.len() as u64) {
                return None;
            }
            let mut chunks: Vec<Hash> =
                tensor.bytes.chunks(CHUNK_BYTES).map(|chunk| chunk_hash(hasher, chunk)).collect();
            if chunks.is_empty() {
                chunks.push(chunk_hash(hasher, &[]));
            }
            let wanted = chunk as usize % chunks.len();
            let (root, siblings) = climb(node, chunks, wanted)?;
            if at == place {
                proof = Some((wanted, siblings));
            }
            leaves.push(tensor_hash(hasher, step, (at, count), tensor.name, tensor.shape, &root));
        }
        let (_, state_proof) = climb(node, leaves, place as usize)?;
        let (wanted, tensor_proof) = proof?;
        Some(Self {
            step,
            tensors: count,
            name: chosen.name.into(),
            shape: chosen.shape.to_vec(),
            chunk: chosen.bytes.chunks(CHUNK_BYTES).nth(wanted).unwrap_or_default().to_vec(),
            tensor_proof,
            state_proof,
        })
    }
}
