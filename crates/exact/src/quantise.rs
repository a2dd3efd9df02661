//! The exact matmul: integers with one power-of-two scale per row of the left
//! operand and per column of the right one.
//!
//! Let a row have `m = max |a|`. If `m = 0`, its integers are 0 and its exponent
//! `e` is 0. Otherwise, with `p` and `limit` from the table, `e` is the least
//! integer with `rint(m * 2^(p-e)) <= limit`, and each element becomes
//! `q = rint(a * 2^(p-e))`. Every `rint` is of the real product, ties to even.
//!
//! | precision | p | limit | bytes, most significant first | k at most |
//! | --- | --- | --- | --- | --- |
//! | `int8x1` | 7 | 127 | `q` | 2^32 |
//! | `int8x2` | 14 | 16,319 = 127 * 128 + 63 | `q = 128 hi + lo` | 2^32 |
//! | `int8x3` | 21 | 2,088,895 = (127 * 128 + 63) * 128 + 63 | `q = 16384 hi + 128 mid + lo` | 2^21 |
//!
//! The most significant byte is in `[-127, 127]`, the others are in `[-64, 63]`
//! (`lo = ((q + 64) mod 128) - 64` with a floored modulus, and so on upwards), so
//! that each is a signed byte. A back end may use these bytes or any other way to
//! the same integers.
//!
//! The dot product of the integers of a row and a column is exact; `k` is limited
//! so that 64 bits hold it. The result is that integer rounded once to binary32
//! (ties to even) and scaled with [`ldexp`] by `2^(ea + eb - 2p)`. For `k = 0`,
//! or if either is zero throughout, it is `+0`.

use crate::op::Precision;
use crate::scalar::{exponent_above, ldexp, rint_scaled};

impl Precision {
    /// `p`: the power of two of the grid, relative to the exponent.
    #[must_use]
    pub const fn bits(self) -> i32 {
        match self {
            Precision::Int8x1 => 7,
            Precision::Int8x2 => 14,
            Precision::Int8x3 => 21,
        }
    }

    /// The greatest magnitude of an integer.
    #[must_use]
    pub const fn limit(self) -> i64 {
        match self {
            Precision::Int8x1 => 127,
            Precision::Int8x2 => 16_319,
            Precision::Int8x3 => 2_088_895,
        }
    }

    /// The greatest `k`, so that `k * limit^2` stays below 2^63.
    #[must_use]
    pub const fn max_k(self) -> u64 {
        match self {
            Precision::Int8x1 | Precision::Int8x2 => 1 << 32,
            Precision::Int8x3 => 1 << 21,
        }
    }
}

/// The exponent `e` of a row whose greatest magnitude is the finite `m >= 0`.
#[must_use]
pub fn row_exponent(m: f32, precision: Precision) -> i32 {
    if m == 0.0 {
        return 0;
    }
    // With e0 the least integer such that m < 2^e0, the integer of m is at least
    // 2^(p-1) on the grid of e0 and at least 2^p > limit on that of e0 - 1; so e is e0 or e0 + 1.
    let e = exponent_above(m);
    if rint_scaled(m, precision.bits() - e) <= precision.limit() { e } else { e + 1 }
}

/// The integer of element `a` in a row of exponent `e`.
#[must_use]
pub fn quantise(a: f32, e: i32, precision: Precision) -> i64 {
    rint_scaled(a, precision.bits() - e)
}

/// The result for an integer dot product of a row of exponent `ea` with a column
/// of exponent `eb`.
#[must_use]
pub fn finish(dot: i64, ea: i32, eb: i32, precision: Precision) -> f32 {
    ldexp(dot as f32, ea + eb - 2 * precision.bits())
}

/// One element of the product: a row of the left operand with a column of the
/// right one, both of the same length.
#[must_use]
pub fn exact_dot(
    row: impl Iterator<Item = f32> + Clone,
    column: impl Iterator<Item = f32> + Clone,
    precision: Precision,
) -> f32 {
    let greatest = |x: f32, m: f32| if x.abs() > m { x.abs() } else { m };
    let ea = row_exponent(row.clone().fold(0.0, |m, x| greatest(x, m)), precision);
    let eb = row_exponent(column.clone().fold(0.0, |m, x| greatest(x, m)), precision);
    let dot = row.zip(column).map(|(a, b)| quantise(a, ea, precision) * quantise(b, eb, precision)).sum();
    finish(dot, ea, eb, precision)
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use proptest::prelude::*;

    const ALL: [Precision; 3] = [Precision::Int8x1, Precision::Int8x2, Precision::Int8x3];

    #[test]
    fn limits_are_what_the_bytes_hold() {
        assert_eq!(Precision::Int8x2.limit(), 127 * 128 + 63);
        assert_eq!(Precision::Int8x3.limit(), (127 * 128 + 63) * 128 + 63);
        for precision in ALL {
            let limit = i128::from(precision.limit());
            assert!(limit * limit * i128::from(precision.max_k()) < 1 << 63);
            assert!(limit < 1 << precision.bits());
        }
    }

    #[test]
    fn thresholds() {
        // 127.5 is a tie and goes to 128, which is too much; just below stays.
        assert_eq!(row_exponent(127.5 / 128.0, Precision::Int8x1), 1);
        assert_eq!(row_exponent((127.5f32 / 128.0).next_down(), Precision::Int8x1), 0);
        // 16319.5 is a tie and goes to the even 16320.
        assert_eq!(row_exponent(16_319.5 / 16_384.0, Precision::Int8x2), 1);
        assert_eq!(row_exponent((16_319.5f32 / 16_384.0).next_down(), Precision::Int8x2), 0);
        assert_eq!(row_exponent(2_088_895.5 / 2_097_152.0, Precision::Int8x3), 1);
        assert_eq!(row_exponent((2_088_895.5f32 / 2_097_152.0).next_down(), Precision::Int8x3), 0);
    }

    #[test]
    fn zeros_empties_and_edges() {
        for precision in ALL {
            assert_eq!(exact_dot([].into_iter(), [].into_iter(), precision).to_bits(), 0);
            let zero = [-0.0f32; 3];
            let other = [-1.0f32, 2.0, 3.0];
            assert_eq!(exact_dot(zero.into_iter(), other.into_iter(), precision).to_bits(), 0);
            let tiny = f32::from_bits(1);
            assert_eq!(exact_dot([tiny].into_iter(), [1.0].into_iter(), precision), tiny);
            assert_eq!(exact_dot([f32::MAX].into_iter(), [2.0].into_iter(), precision), f32::INFINITY);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn exponent_is_least_and_everything_fits(bits in 1u32..0x7f80_0000) {
            let m = f32::from_bits(bits);
            for precision in ALL {
                let e = row_exponent(m, precision);
                let on = |e: i32| {
                    (f64::from(m) * 2f64.powi(precision.bits() - e)).round_ties_even()
                };
                prop_assert!(on(e) <= precision.limit() as f64);
                prop_assert!(on(e - 1) > precision.limit() as f64);
                prop_assert_eq!(quantise(m, e, precision) as f64, on(e));
                prop_assert_eq!(quantise(-m, e, precision) as f64, -on(e));
            }
        }
    }
}
