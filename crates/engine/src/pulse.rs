//! Pulses and the hashes over them.

use parity_scale_codec::{Decode, Encode, MaxEncodedLen};
use serde::{Deserialize, Serialize};

use crate::float::F32;
use crate::hash::{PULSE, merkle_root, sha256};

/// What a step leaves behind: two exact numbers that cost nothing to record and
/// cannot be known without doing the step.
///
/// SCALE: 16 bytes, `step` (`u64`), then the bits of the loss and of the gradient
/// norm (`u32` each), all little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, MaxEncodedLen, Serialize, Deserialize)]
pub struct Pulse {
    /// The step counter at the start of the step: 0 for a job's first step.
    pub step: u64,
    /// The loss, before the update.
    pub loss: F32,
    /// The Euclidean norm of all gradients together.
    pub grad_norm: F32,
}

impl Pulse {
    /// The loss as a number.
    #[must_use]
    pub fn loss(&self) -> f32 {
        self.loss.get()
    }

    /// The gradient norm as a number.
    #[must_use]
    pub fn grad_norm(&self) -> f32 {
        self.grad_norm.get()
    }
}

/// The trace root: the tree (as in [`crate::tensor_root`]) over
/// `SHA-256(0x13 | "assay/pulse/v1" | SCALE(pulse))` in order; step numbers are in
/// the pulses. No pulses have the root `SHA-256(0x11)`.
#[must_use]
pub fn trace_root(pulses: &[Pulse]) -> [u8; 32] {
    let leaf = |pulse: &Pulse| sha256(&[&[PULSE], b"assay/pulse/v1", &pulse.encode()]);
    merkle_root(pulses.iter().map(leaf).collect())
}

/// A hash over all pulses that nobody can make, or check against another's, without
/// having them: `SHA-256("assay/salted-trace/v1" | salt | count as u64, little-endian
/// | SCALE(pulse) of each)`.
#[must_use]
pub fn salted_trace(salt: [u8; 32], pulses: &[Pulse]) -> [u8; 32] {
    let bytes: Vec<u8> = pulses.iter().flat_map(Encode::encode).collect();
    let count = (pulses.len() as u64).to_le_bytes();
    sha256(&[b"assay/salted-trace/v1", &salt, &count, &bytes])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pulse(step: u64) -> Pulse {
        Pulse { step, loss: 1.5.into(), grad_norm: 0.25.into() }
    }

    #[test]
    fn every_bit_counts() {
        let pulses = [pulse(0), pulse(1), pulse(2)];
        let root = trace_root(&pulses);
        let salted = salted_trace([1; 32], &pulses);
        assert_eq!(pulses[0].encode().len(), 16);
        for i in 0..3 {
            let mut other = pulses;
            other[i].loss = F32::from_bits(other[i].loss.to_bits() ^ 1);
            assert_ne!(trace_root(&other), root);
            assert_ne!(salted_trace([1; 32], &other), salted);
            let mut other = pulses;
            other[i].step += 7;
            assert_ne!(trace_root(&other), root);
        }
        assert_ne!(trace_root(&pulses[..2]), root);
        assert_ne!(salted_trace([2; 32], &pulses), salted);
    }
}
