//! SHA-256 trees.

use sha2::{Digest, Sha256};

/// First byte of a chunk of a tensor's bytes.
const CHUNK: u8 = 0x10;
/// First byte of an inner node.
const NODE: u8 = 0x11;
/// First byte of a tensor's leaf in the state tree.
pub(crate) const TENSOR: u8 = 0x12;
/// First byte of a pulse's leaf in the trace tree.
pub(crate) const PULSE: u8 = 0x13;

/// Bytes of a tensor per leaf.
pub(crate) const CHUNK_BYTES: usize = 1024;

/// SHA-256 over the parts one after another.
pub(crate) fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// The root of the tree over `level`: see [`tensor_root`].
pub(crate) fn merkle_root(mut level: Vec<[u8; 32]>) -> [u8; 32] {
    if level.is_empty() {
        return sha256(&[&[NODE]]);
    }
    while level.len() > 1 {
        level = level
            .chunks(2)
            .map(|pair| match pair {
                [left, right] => sha256(&[&[NODE], left, right]),
                [odd] => *odd,
                _ => unreachable!("chunks of two"),
            })
            .collect();
    }
    level[0]
}

/// The root over a tensor's elements: the tree over its little-endian bytes cut into
/// 1,024-byte chunks (the last may be shorter), each hashed as
/// `SHA-256(0x10 | chunk)`. A tensor without elements has one empty chunk.
///
/// A tree joins neighbours level by level as `SHA-256(0x11 | left | right)`; the last
/// of an odd level goes up as it is. One leaf is its own root; the root of no leaves
/// is `SHA-256(0x11)`.
#[must_use]
pub fn tensor_root(data: &[f32]) -> [u8; 32] {
    if data.is_empty() {
        return sha256(&[&[CHUNK]]);
    }
    let mut bytes = [0; CHUNK_BYTES];
    let leaves = data
        .chunks(CHUNK_BYTES / 4)
        .map(|chunk| {
            for (four, x) in bytes.chunks_exact_mut(4).zip(chunk) {
                four.copy_from_slice(&x.to_le_bytes());
            }
            sha256(&[&[CHUNK], &bytes[..4 * chunk.len()]])
        })
        .collect();
    merkle_root(leaves)
}

/// The Philox key that a job's seed stands for: the first eight bytes of
/// `SHA-256("assay/philox-key/v1" | seed)`, as two little-endian words.
#[must_use]
pub fn philox_key(seed: &[u8; 32]) -> assay_exact::philox::Key {
    let hash = sha256(&[b"assay/philox-key/v1", seed]);
    [0, 4].map(|at| u32::from_le_bytes([hash[at], hash[at + 1], hash[at + 2], hash[at + 3]]))
}
