//! The long sum: the real sum of binary32 numbers, rounded once.
//!
//! Every binary32 number is an integer times 2^-149, so integers of 320
//! bits hold any sum of up to 2^32 of them without a rounding: Kulisch's long
//! accumulator. The result is that sum, rounded to nearest even; `+0` if it is zero;
//! an infinity, which ends a job, from 2^128 (after rounding) on.
//!
//! Unlike the exact sum of [`crate::sum`] there is nothing to agree on before the
//! first addend, such as the greatest magnitude: addends may come in any order and in
//! any batches, and be forgotten once added. A back end may use any method that gives
//! the rounded real sum.

use crate::scalar::{decompose, ldexp};

/// 64-bit words of an accumulator: 277 bits for a number, 32 for 2^32 of them, a sign.
const LIMBS: usize = 5;

/// A long accumulator: a two's complement integer, least significant word first, in
/// units of 2^-149. Merging is addition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LongSum {
    limbs: [u64; LIMBS],
}

impl LongSum {
    /// Adds a finite number.
    pub fn add(&mut self, x: f32) {
        let (negative, m, e) = decompose(x);
        let shift = (e + 149) as usize;
        let wide = u128::from(m) << (shift % 64);
        let mut addend = [0; LIMBS];
        addend[shift / 64] = wide as u64;
        // A number has at most 277 bits, so this is zero where there is no next word.
        if let Some(next) = addend.get_mut(shift / 64 + 1) {
            *next = (wide >> 64) as u64;
        }
        let addend = LongSum { limbs: addend };
        self.merge(if negative { addend.negated() } else { addend });
    }

    /// Adds `integer * 2^exponent`, which is a multiple of 2^-149 and below 2^170 in magnitude.
    pub fn add_scaled(&mut self, integer: i128, exponent: i32) {
        let shift = exponent + 149;
        // What is shifted out are zeros.
        let magnitude =
            if shift < 0 { integer.unsigned_abs().unbounded_shr(-shift as u32) } else { integer.unsigned_abs() };
        let (word, bit) = (shift.max(0) as usize / 64, shift.max(0) % 64);
        let (low, high) = (u128::from(magnitude as u64) << bit, (magnitude >> 64) << bit);
        let middle = (low >> 64) + u128::from(high as u64);
        let mut addend = [0; LIMBS];
        let words = [low as u64, middle as u64, (high >> 64) as u64 + (middle >> 64) as u64];
        addend[word..].iter_mut().zip(words).for_each(|(own, word)| *own = word);
        let addend = LongSum { limbs: addend };
        self.merge(if integer < 0 { addend.negated() } else { addend });
    }

    /// Adds what `other` has added.
    pub fn merge(&mut self, other: LongSum) {
        let mut carry = false;
        for (own, limb) in self.limbs.iter_mut().zip(other.limbs) {
            let (sum, over) = own.overflowing_add(limb);
            let (sum, again) = sum.overflowing_add(u64::from(carry));
            (*own, carry) = (sum, over || again);
        }
    }

    fn negated(self) -> LongSum {
        let mut result = LongSum { limbs: self.limbs.map(|limb| !limb) };
        result.merge(LongSum { limbs: [1, 0, 0, 0, 0] });
        result
    }

    /// The sum, rounded to nearest even.
    #[must_use]
    pub fn finish(self) -> f32 {
        let negative = self.limbs[LIMBS - 1] >> 63 == 1;
        let LongSum { limbs } = if negative { self.negated() } else { self };
        let Some(top) = limbs.iter().rposition(|&limb| limb != 0) else { return 0.0 };
        // The leading 64 bits, the last of them set if anything follows: with 24 bits
        // kept, that is enough to round.
        let lead = limbs[top].leading_zeros();
        let below = if top > 0 { limbs[top - 1] } else { 0 };
        let both = (u128::from(limbs[top]) << 64 | u128::from(below)) << lead;
        let rest = both as u64 != 0 || limbs[..top.saturating_sub(1)].iter().any(|&limb| limb != 0);
        let leading = (both >> 64) as u64 | u64::from(rest);
        // The sum is leading * 2^exponent; a result below 2^-125 has no bits to round.
        let exponent = 64 * top as i32 - lead as i32 - 149;
        let magnitude = ldexp(leading as f32, exponent);
        if negative { -magnitude } else { magnitude }
    }
}

/// The long sum of finite numbers.
#[must_use]
pub fn long_sum(addends: impl Iterator<Item = f32>) -> f32 {
    let mut sum = LongSum::default();
    addends.for_each(|x| sum.add(x));
    sum.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn sum(x: &[f32]) -> f32 {
        long_sum(x.iter().copied())
    }

    #[test]
    fn edges() {
        let least = f32::from_bits(1);
        assert_eq!(sum(&[]).to_bits(), 0);
        assert_eq!(sum(&[-0.0, -0.0]).to_bits(), 0);
        assert_eq!(sum(&[-1.5, 1.5]).to_bits(), 0);
        assert_eq!(sum(&[-least; 5]).to_bits(), 0x8000_0005);
        assert_eq!(sum(&[f32::MAX, least, -f32::MAX]), least);
        assert_eq!(sum(&[f32::MAX, f32::MAX, -f32::MAX]), f32::MAX);
        assert_eq!(sum(&[f32::MAX, f32::MAX]), f32::INFINITY);
        assert_eq!(sum(&[-f32::MAX; 9]), f32::NEG_INFINITY);
        // Half a unit above the greatest number is a tie, which goes to 2^128.
        let half = 2f32.powi(103);
        assert_eq!(sum(&[f32::MAX, half]), f32::INFINITY);
        assert_eq!(sum(&[f32::MAX, half, -least]), f32::MAX);
    }

    #[test]
    fn what_is_far_below_breaks_a_tie() {
        let (one, half, least) = (1.0f32, 2f32.powi(-24), f32::from_bits(1));
        assert_eq!(sum(&[one, half]), 1.0);
        assert_eq!(sum(&[one, half, least]), 1.0f32.next_up());
        assert_eq!(sum(&[one, half, -least]), 1.0);
        assert_eq!(sum(&[one.next_up(), half]), one.next_up().next_up());
        assert_eq!(sum(&[one.next_up(), half, -least]), one.next_up());
    }

    proptest! {
        #[test]
        fn rounds_the_real_sum_of_two(a: u32, b: u32) {
            let (a, b) = (f32::from_bits(a), f32::from_bits(b));
            prop_assume!(a.is_finite() && b.is_finite());
            // IEEE addition is the real sum rounded once; only the zeros' signs differ.
            prop_assert_eq!(sum(&[a, b]), a + b);
        }

        #[test]
        fn close_sums_are_exact(m in proptest::collection::vec(-(1i64 << 24)..1 << 24, 0..100), e in -149i32..0) {
            let x: Vec<f32> = m.iter().map(|&m| ldexp(m as f32, e)).collect();
            let want = ldexp(m.iter().sum::<i64>() as f32, e);
            // At the bottom the conversion above and ldexp may round twice.
            prop_assume!(e > -130 || m.iter().sum::<i64>().abs() < 1 << 24);
            prop_assert_eq!(sum(&x).to_bits(), want.to_bits());
        }

        #[test]
        fn scaled_integers_are_what_they_say(integer: i128, m in -(1i64 << 24)..1 << 24, exponent in -149i32..8) {
            // Less the same, in pieces of 24 bits, leaves nothing.
            let mut total = LongSum::default();
            total.add(1.5);
            total.add_scaled(integer, exponent);
            let mut left = integer.unsigned_abs();
            let mut place = exponent;
            while left != 0 {
                let part = ldexp((left & 0xff_ffff) as f32, place);
                prop_assume!(part.is_finite());
                total.add(if integer < 0 { part } else { -part });
                (left, place) = (left >> 24, place + 24);
            }
            prop_assert_eq!(total.finish(), 1.5);
            let mut small = LongSum::default();
            small.add_scaled(i128::from(m) << 30, -179);
            prop_assert_eq!(small.finish(), ldexp(m as f32, -149));
        }

        #[test]
        fn order_and_cut_change_nothing(bits in proptest::collection::vec(any::<u32>(), 0..40), cut in 0usize..40) {
            let x: Vec<f32> = bits.into_iter().map(f32::from_bits).filter(|x| x.is_finite()).collect();
            let want = sum(&x);
            prop_assert_eq!(long_sum(x.iter().rev().copied()).to_bits(), want.to_bits());
            let (a, b) = x.split_at(cut.min(x.len()));
            let (mut left, mut right) = (LongSum::default(), LongSum::default());
            a.iter().for_each(|&v| left.add(v));
            b.iter().for_each(|&v| right.add(v));
            right.merge(left);
            prop_assert_eq!(right.finish().to_bits(), want.to_bits());
        }
    }
}
