//! Philox4x32-10: random numbers by counter.
//!
//! Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3"
//! (SC 2011). The numbers at any counter are known without those before.
//!
//! Number `index` of stream `stream` at step `step` is word `index mod 4` of the
//! block with the counter words `(index / 4, step mod 2^32, step / 2^32, stream)`,
//! least significant word first.

const MULTIPLIERS: [u32; 2] = [0xd251_1f53, 0xcd9e_8d57];
const WEYL: [u32; 2] = [0x9e37_79b9, 0xbb67_ae85];

/// A 64-bit key.
pub type Key = [u32; 2];

/// One block of four words.
#[must_use]
pub fn block(counter: [u32; 4], key: Key) -> [u32; 4] {
    blocks(counter.map(|word| [word]), key).map(|[word]| word)
}

/// `N` blocks at once: word `w` of block `i` is at `[w][i]`, as that of its counter is.
/// Written so that compilers make vector code of it.
#[inline(always)]
#[must_use]
pub fn blocks<const N: usize>(counters: [[u32; N]; 4], key: Key) -> [[u32; N]; 4] {
    let [mut c0, mut c1, mut c2, mut c3] = counters;
    let [mut k0, mut k1] = key;
    for _ in 0..10 {
        for i in 0..N {
            let p0 = u64::from(MULTIPLIERS[0]) * u64::from(c0[i]);
            let p1 = u64::from(MULTIPLIERS[1]) * u64::from(c2[i]);
            c0[i] = (p1 >> 32) as u32 ^ c1[i] ^ k0;
            c1[i] = p1 as u32;
            c2[i] = (p0 >> 32) as u32 ^ c3[i] ^ k1;
            c3[i] = p0 as u32;
        }
        k0 = k0.wrapping_add(WEYL[0]);
        k1 = k1.wrapping_add(WEYL[1]);
    }
    [c0, c1, c2, c3]
}

/// Random word `index` (below 2^34) of `stream` at `step`.
#[must_use]
pub fn word(key: Key, stream: u32, step: u64, index: u64) -> u32 {
    let counter = [(index / 4) as u32, step as u32, (step >> 32) as u32, stream];
    block(counter, key)[(index % 4) as usize]
}

/// The number in `[-bound, bound)` that a random word stands for:
/// `((word >> 8) - 2^23) * 2^-23`, which is exact, times `bound`, rounded once.
#[must_use]
pub fn uniform(word: u32, bound: f32) -> f32 {
    let centred = (word >> 8) as i32 - (1 << 23);
    (centred as f32 / 8_388_608.0) * bound
}

/// The number in `[0, 1)` that a random word stands for: `(word >> 8) * 2^-24`, which is
/// exact.
#[must_use]
pub fn unit(word: u32) -> f32 {
    (word >> 8) as f32 / 16_777_216.0
}

/// Elements of a [`counter`].
pub const COUNTER_LENGTH: usize = 8;

/// Key and step as the tensor that [`crate::Op::Random`] reads: the 16-bit parts of
/// `key[0]`, `key[1]` and `step`, least significant first, as numbers.
#[must_use]
pub fn counter(key: Key, step: u64) -> [f32; COUNTER_LENGTH] {
    let all = u128::from(step) << 64 | u128::from(key[1]) << 32 | u128::from(key[0]);
    core::array::from_fn(|i| f32::from((all >> (16 * i)) as u16))
}

/// The key and the step that the parts of a [`counter`], each below 2^16, stand for.
#[must_use]
pub fn from_counter(parts: [u32; COUNTER_LENGTH]) -> (Key, u64) {
    let pair = |i: usize| parts[i] | parts[i + 1] << 16;
    ([pair(0), pair(2)], u64::from(pair(4)) | u64::from(pair(6)) << 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Random123 1.14, tests/kat_vectors, lines "philox4x32 10".
    #[test]
    fn published_vectors() {
        assert_eq!(block([0; 4], [0; 2]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        assert_eq!(block([u32::MAX; 4], [u32::MAX; 2]), [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]);
        assert_eq!(
            block([0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0]),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }

    #[test]
    fn uniform_stays_in_its_interval() {
        assert_eq!(uniform(0, 0.75), -0.75);
        assert!(uniform(u32::MAX, 0.75) < 0.75);
        assert_eq!(uniform(1 << 31, 0.75), 0.0);
        let mean: f64 = (0..10_000).map(|i| f64::from(uniform(word([1, 2], 3, 4, i), 1.0))).sum::<f64>() / 10_000.0;
        assert!(mean.abs() < 0.03, "mean {mean}");
    }

    #[test]
    fn counters_hold_key_and_step() {
        let (key, step) = ([0x0123_4567, 0xfedc_ba98], 0x0011_2233_4455_6677);
        let counter = counter(key, step);
        assert_eq!(counter[0], 17767.0);
        assert_eq!(from_counter(counter.map(|x| x as u32)), (key, step));
    }

    #[test]
    fn units_are_in_their_interval() {
        assert_eq!((unit(0), unit(255), unit(256)), (0.0, 0.0, 2f32.powi(-24)));
        assert_eq!(unit(u32::MAX), 1.0f32.next_down());
    }

    #[test]
    fn words_differ_by_every_coordinate() {
        let base = word([1, 2], 3, 4, 5);
        assert_ne!(base, word([1, 2], 4, 4, 5));
        assert_ne!(base, word([1, 2], 3, 5, 5));
        assert_ne!(base, word([1, 2], 3, 4 + (1 << 32), 5));
        assert_ne!(base, word([1, 2], 3, 4, 6));
        assert_ne!(base, word([1, 2], 3, 4, 9));
    }
}
