//! The exact sum.
//!
//! `sum(x[0..n])`: let `m = max |x|`. If `m = 0` (or `n = 0`) the sum is `+0`.
//! Otherwise `e` is the least integer with `m < 2^e`; each addend becomes the
//! integer `rint(x * 2^(30-e))` (ties to even; at most 2^30 in magnitude); the
//! integers are added in 64 bits; the total is rounded once to binary32 (ties to
//! even) and scaled by `2^(e-30)` with [`ldexp`]. A total of zero gives `+0`.
//!
//! `n` is at most [`MAX_ADDENDS`], so 64 bits cannot overflow. Subnormal addends
//! are numbers like any other. Both passes merge in any order.

use crate::scalar::{exponent_above, ldexp, rint_scaled};

/// The most addends of one sum: 2^32 integers of at most 2^30.
pub const MAX_ADDENDS: u64 = 1 << 32;

/// First pass: the greatest magnitude seen. Merging is the maximum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MaxAbs {
    /// The bits of the magnitude; magnitudes are ordered as their bits are.
    bits: u32,
}

impl MaxAbs {
    /// Takes one finite addend into account.
    pub fn add(&mut self, x: f32) {
        self.bits = self.bits.max(x.to_bits() & 0x7fff_ffff);
    }

    /// Takes all that `other` saw into account.
    pub fn merge(&mut self, other: MaxAbs) {
        self.bits = self.bits.max(other.bits);
    }

    /// The greatest magnitude.
    #[must_use]
    pub fn get(self) -> f32 {
        f32::from_bits(self.bits)
    }

    /// The grid exponent `e` of the second pass; `None` if every addend is zero.
    #[must_use]
    pub fn exponent(self) -> Option<i32> {
        (self.bits != 0).then(|| exponent_above(self.get()))
    }
}

/// Second pass: the integer total on the grid of exponent `e`. Merging is addition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Total {
    exponent: i32,
    total: i64,
}

impl Total {
    /// An empty total on the grid that [`MaxAbs::exponent`] gave.
    #[must_use]
    pub fn new(exponent: i32) -> Total {
        Total { exponent, total: 0 }
    }

    /// Adds one addend with `|x| < 2^exponent`.
    pub fn add(&mut self, x: f32) {
        self.total += rint_scaled(x, 30 - self.exponent);
    }

    /// Adds what `other`, on the same grid, has added.
    ///
    /// # Panics
    /// If the grids differ, which is a fault of the caller.
    pub fn merge(&mut self, other: Total) {
        assert_eq!(self.exponent, other.exponent, "totals on different grids");
        self.total += other.total;
    }

    /// The sum.
    #[must_use]
    pub fn finish(self) -> f32 {
        finish(self.total, self.exponent)
    }
}

/// The sum whose addends have the integer total `total` on the grid of `exponent`.
#[must_use]
pub fn finish(total: i64, exponent: i32) -> f32 {
    // An integer conversion rounds to nearest even.
    ldexp(total as f32, exponent - 30)
}

/// The exact sum of finite numbers.
#[must_use]
pub fn exact_sum(addends: impl Iterator<Item = f32> + Clone) -> f32 {
    let mut greatest = MaxAbs::default();
    addends.clone().for_each(|x| greatest.add(x));
    let Some(exponent) = greatest.exponent() else {
        return 0.0;
    };
    let mut total = Total::new(exponent);
    addends.for_each(|x| total.add(x));
    total.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    #[test]
    fn zero_sums_are_plus_zero() {
        assert_eq!(exact_sum([].into_iter()).to_bits(), 0);
        assert_eq!(exact_sum([-0.0f32, -0.0].into_iter()).to_bits(), 0);
        assert_eq!(exact_sum([-1.5f32, 1.5].into_iter()).to_bits(), 0);
    }

    #[test]
    fn keeps_what_ordered_addition_loses() {
        let mut x = Vec::from([16_777_216.0f32]);
        x.extend([1.0; 64]);
        x.push(-16_777_216.0);
        assert_eq!(exact_sum(x.into_iter()), 64.0);
    }

    #[test]
    fn subnormals_sum_exactly() {
        let least = f32::from_bits(1);
        assert_eq!(exact_sum([least; 5].into_iter()).to_bits(), 5);
        assert_eq!(exact_sum([f32::MAX, f32::MAX].into_iter()), f32::INFINITY);
    }

    #[test]
    fn an_addend_below_the_grid_rounds_to_even() {
        // e = 1, so the grid is 2^-29: half a grid step goes to 0, 1.5 steps to 2.
        let step = ldexp(1.0, -29);
        assert_eq!(exact_sum([1.0, -1.0, step / 2.0].into_iter()), 0.0);
        assert_eq!(exact_sum([1.0, -1.0, step * 1.5].into_iter()), 2.0 * step);
    }

    proptest! {
        #[test]
        fn order_and_cut_change_nothing(
            mut x in proptest::collection::vec(any::<u32>(), 0..40),
            cut in 0usize..40,
        ) {
            let x: Vec<f32> = x
                .drain(..)
                .map(|bits| f32::from_bits(bits & 0xbfff_ffff))
                .filter(|x| x.is_finite())
                .collect();
            let want = exact_sum(x.iter().copied());
            prop_assert_eq!(exact_sum(x.iter().rev().copied()).to_bits(), want.to_bits());

            let (a, b) = x.split_at(cut.min(x.len()));
            let mut greatest = MaxAbs::default();
            a.iter().for_each(|&v| greatest.add(v));
            let mut other = MaxAbs::default();
            b.iter().for_each(|&v| other.add(v));
            greatest.merge(other);
            if let Some(e) = greatest.exponent() {
                let (mut ta, mut tb) = (Total::new(e), Total::new(e));
                a.iter().for_each(|&v| ta.add(v));
                b.iter().for_each(|&v| tb.add(v));
                ta.merge(tb);
                prop_assert_eq!(ta.finish().to_bits(), want.to_bits());
            }
        }

        #[test]
        fn close_to_the_real_sum(x in proptest::collection::vec(-1000.0f32..1000.0, 1..200)) {
            let real: f64 = x.iter().map(|&v| f64::from(v)).sum();
            let greatest = x.iter().fold(0.0f64, |m, &v| m.max(f64::from(v).abs()));
            let bound = greatest * 2f64.powi(-29) * x.len() as f64 + real.abs() * 2f64.powi(-23);
            prop_assert!((f64::from(exact_sum(x.iter().copied())) - real).abs() <= bound);
        }
    }
}
