//! The roots of the state tensors.

use super::{Plan, Planner};
use crate::device::DeviceError;

/// Numbers per leaf.
const LEAF: u64 = 256;
/// Bytes of a hash.
const HASH: u64 = 32;

impl<K> Planner<'_, K> {
    /// The roots of the state tensors, in canonical order, as big-endian words.
    pub fn hashes(mut self) -> Result<Plan<K>, DeviceError> {
        for (place, id) in self.program.canonical_state().into_iter().enumerate() {
            self.scratch.0 = 0;
            let tensor = self.tensor(id);
            let root = self.places.roots + HASH * place as u64;
            let mut count = tensor.elements().div_ceil(LEAF).max(1);
            let levels = [self.scratch(HASH * count), self.scratch(HASH * count.div_ceil(2))];
            let mut level = if count == 1 { root } else { levels[0] };
            self.over("sha_leaves", count, &[&[tensor.address], &[tensor.elements()], &[count], &[level]])?;
            let mut next = 1;
            while count > 1 {
                let out = if count <= 2 { root } else { levels[next] };
                self.over("sha_level", count.div_ceil(2), &[&[level], &[count], &[out]])?;
                (level, next, count) = (out, 1 - next, count.div_ceil(2));
            }
        }
        Ok(self.done())
    }
}
