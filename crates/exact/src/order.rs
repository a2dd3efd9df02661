//! The order of samples: a keyed permutation of `0..n` for every epoch.
//!
//! A balanced Feistel network of [`ROUNDS`] rounds over `2h` bits, where `h` is
//! the least integer with `4^h >= n` (at least 1). With the halves `(left, right)`,
//! round `i` makes `(right, left ^ F)`, where `F` is the low `h` bits of Philox
//! block `(right, epoch mod 2^32, epoch / 2^32, stream + i)`, word 0. An image
//! outside `0..n` is put through the network again until it is inside (cycle
//! walking), which keeps it a permutation and takes fewer than four turns on
//! average.

use crate::philox::{self, Key};

/// Feistel rounds.
pub const ROUNDS: u32 = 8;

/// The image of `i` under the permutation of `0..n` that belongs to `epoch`.
/// `n` is at most 2^62.
///
/// # Panics
/// If `i` is not below `n`, or `n` is above 2^62.
#[must_use]
pub fn permute(key: Key, stream: u32, epoch: u64, n: u64, i: u64) -> u64 {
    assert!(i < n && n <= 1 << 62, "position {i} of a permutation of {n}");
    let bits = 64 - (n - 1).leading_zeros();
    let half = bits.div_ceil(2).max(1);
    let mask = (1u64 << half) - 1;
    let mut value = i;
    loop {
        let (mut left, mut right) = (value >> half, value & mask);
        for round in 0..ROUNDS {
            let counter = [right as u32, epoch as u32, (epoch >> 32) as u32, stream.wrapping_add(round)];
            let mixed = u64::from(philox::block(counter, key)[0]) & mask;
            (left, right) = (right, left ^ mixed);
        }
        value = left << half | right;
        if value < n {
            return value;
        }
    }
}

/// Which of `n` samples comes at `position` of the endless sequence of epochs:
/// epoch `position / n`, place `position mod n` in it.
///
/// # Panics
/// If `n` is zero or above 2^62.
#[must_use]
pub fn sample_at(key: Key, stream: u32, n: u64, position: u64) -> u64 {
    assert!(n > 0, "there are no samples");
    permute(key, stream, position / n, n, position % n)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{vec, vec::Vec};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn is_a_bijection(k0: u32, k1: u32, epoch in 0u64..5, n in 1u64..700) {
            let mut seen = vec![false; n as usize];
            for i in 0..n {
                let image = permute([k0, k1], 9, epoch, n, i);
                prop_assert!(!seen[image as usize]);
                seen[image as usize] = true;
            }
        }
    }

    #[test]
    fn epochs_and_keys_differ() {
        let order = |key, epoch| -> Vec<u64> { (0..100).map(|i| permute(key, 0, epoch, 100, i)).collect() };
        assert_ne!(order([1, 2], 0), order([1, 2], 1));
        assert_ne!(order([1, 2], 0), order([1, 3], 0));
        assert_ne!(order([1, 2], 0), (0..100).collect::<Vec<_>>());
        assert_eq!(sample_at([1, 2], 0, 100, 250), permute([1, 2], 0, 2, 100, 50));
    }

    #[test]
    fn large_ranges_work() {
        for n in [1u64 << 62, (1 << 62) - 1, (1 << 33) + 1] {
            assert!(permute([5, 6], 0, 0, n, n - 1) < n);
        }
    }
}
