//! Scalar operations that `core` lacks, by integer arithmetic only.

/// Splits a finite `x` into `(negative, m, e)` with `|x| = m * 2^e`, `m < 2^24`.
///
/// Zeros and subnormals have `e = -149`; normal numbers have `m >= 2^23`.
#[must_use]
pub fn decompose(x: f32) -> (bool, u32, i32) {
    let bits = x.to_bits();
    let field = (bits >> 23) & 0xff;
    let fraction = bits & 0x007f_ffff;
    let negative = bits >> 31 == 1;
    if field == 0 { (negative, fraction, -149) } else { (negative, fraction | 0x0080_0000, field as i32 - 150) }
}

/// `rint(m / 2^shift)`: nearest integer, ties to even.
#[must_use]
pub fn round_shift(m: u64, shift: u32) -> u64 {
    match shift {
        0 => m,
        // The quotient is below 1/2 (m < 2^(shift-1)) or there is nothing left of m.
        65.. => 0,
        64 => u64::from(m > 1 << 63),
        _ => {
            let quotient = m >> shift;
            let rest = m & ((1 << shift) - 1);
            let half = 1 << (shift - 1);
            quotient + u64::from(rest > half || (rest == half && quotient & 1 == 1))
        }
    }
}

/// `x * 2^k`, exact unless the result is subnormal, then rounded once to nearest
/// even (with the sign of `x` on a zero). Magnitudes of 2^128 and above become
/// an infinity, which ends a job. Zeros, infinities and NaNs come back as they are.
#[must_use]
pub fn ldexp(x: f32, k: i32) -> f32 {
    if x == 0.0 || !x.is_finite() {
        return x;
    }
    let (negative, m, e) = decompose(x);
    let sign = u32::from(negative) << 31;
    let lead = m.leading_zeros() - 8;
    let m = m << lead;
    // |x| * 2^k = m * 2^(field - 150) with 2^23 <= m < 2^24.
    let field = (e - lead as i32 + 150).saturating_add(k);
    if field >= 255 {
        return f32::from_bits(sign | 0x7f80_0000);
    }
    if field >= 1 {
        return f32::from_bits(sign | (field as u32) << 23 | (m & 0x007f_ffff));
    }
    let shift = 1i64 - i64::from(field);
    let shift = u32::try_from(shift).unwrap_or(u32::MAX);
    // A carry into bit 23 is the least normal number, as its encoding should be.
    f32::from_bits(sign | round_shift(u64::from(m), shift) as u32)
}

/// `rint(x * 2^k)` of the real product, ties to even, for a finite `x` with
/// `|x * 2^k| < 2^62`.
///
/// # Panics
/// If the product is 2^62 or more; the callers choose `k` so that it is not.
#[must_use]
pub fn rint_scaled(x: f32, k: i32) -> i64 {
    let (negative, m, e) = decompose(x);
    let shift = e + k;
    let magnitude = if m == 0 {
        0
    } else if shift >= 0 {
        assert!(shift <= 38, "rint_scaled: the product is too large");
        i64::from(m) << shift
    } else {
        round_shift(u64::from(m), shift.unsigned_abs()) as i64
    };
    if negative { -magnitude } else { magnitude }
}

/// The least `e` with `|x| < 2^e`, for a finite `x` other than zero.
#[must_use]
pub fn exponent_above(x: f32) -> i32 {
    let (_, m, e) = decompose(x);
    e + (32 - m.leading_zeros() as i32)
}

/// Square root, rounded to nearest even, as IEEE 754 says: `sqrt(-0) = -0`, NaN
/// for numbers below zero.
#[must_use]
pub fn sqrt(x: f32) -> f32 {
    if x == 0.0 || x.is_nan() || x == f32::INFINITY {
        return x;
    }
    if x < 0.0 {
        return f32::NAN;
    }
    let (_, m, e) = decompose(x);
    // Scale m into [2^48, 2^50) by an even power, so that the integer root has
    // 25 bits: the 24 of the result and one to round with.
    let mut shift = m.leading_zeros() as i32 - 8 + 25;
    if (e - shift) & 1 != 0 {
        shift += 1;
    }
    let scaled = u64::from(m) << shift;
    let root = scaled.isqrt();
    let half = root >> 1;
    let inexact = root * root != scaled;
    let up = root & 1 == 1 && (inexact || half & 1 == 1);
    ldexp((half + u64::from(up)) as f32, (e - shift) / 2 + 1)
}

/// Nearest integer, ties to even, with the sign of `x` on a zero. Numbers of
/// magnitude 2^23 and above, infinities and NaNs come back as they are.
#[must_use]
#[inline]
pub fn rint(x: f32) -> f32 {
    const GRID: f32 = 8_388_608.0;
    let magnitude = f32::from_bits(x.to_bits() & 0x7fff_ffff);
    let rounded = (magnitude + GRID) - GRID;
    let rounded = if magnitude < GRID { rounded } else { magnitude };
    f32::from_bits(rounded.to_bits() | (x.to_bits() & 0x8000_0000))
}

/// `if b < a { b } else { a }`: so `min(-0, 0) = -0` and `min(0, -0) = 0`.
#[must_use]
#[inline]
pub fn min(a: f32, b: f32) -> f32 {
    if b < a { b } else { a }
}

/// `if b > a { b } else { a }`: so `max(-0, 0) = -0` and `max(0, -0) = 0`.
#[must_use]
#[inline]
pub fn max(a: f32, b: f32) -> f32 {
    if b > a { b } else { a }
}

/// An integer that orders finite numbers as they are ordered, with `-0` below
/// `+0`. The reduction [`crate::Op::Max`] takes the greatest by this key, so that
/// it does not depend on the order of its inputs.
#[must_use]
#[inline]
pub fn total_order_key(x: f32) -> i32 {
    let bits = x.to_bits() as i32;
    bits ^ (((bits >> 31) as u32) >> 1) as i32
}

/// The inverse of [`total_order_key`].
#[must_use]
#[inline]
pub fn from_total_order_key(key: i32) -> f32 {
    f32::from_bits((key ^ (((key >> 31) as u32) >> 1) as i32) as u32)
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use proptest::prelude::*;

    fn finite() -> impl Strategy<Value = f32> {
        any::<u32>().prop_map(f32::from_bits).prop_filter("finite", |x| x.is_finite())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        // A product with a power of two is exact in binary64, so the cast is the one rounding.
        #[test]
        fn ldexp_rounds_once(x in finite(), k in -330i32..330) {
            let want = (f64::from(x) * 2f64.powi(k)) as f32;
            prop_assert_eq!(ldexp(x, k).to_bits(), want.to_bits());
        }

        #[test]
        fn sqrt_is_the_processors(bits in 0u32..0x7f80_0001) {
            let x = f32::from_bits(bits);
            prop_assert_eq!(sqrt(x).to_bits(), x.sqrt().to_bits());
        }

        #[test]
        fn rint_is_the_processors(x in finite()) {
            prop_assert_eq!(rint(x).to_bits(), x.round_ties_even().to_bits());
        }

        #[test]
        fn rint_is_right_where_fractions_are(x in -20.0f32..20.0) {
            prop_assert_eq!(rint(x).to_bits(), x.round_ties_even().to_bits());
        }

        #[test]
        fn rint_scaled_is_the_real_product_rounded(x in finite(), bits in 0i32..40) {
            prop_assume!(x != 0.0);
            let k = bits - exponent_above(x);
            let want = (f64::from(x) * 2f64.powi(k)).round_ties_even();
            prop_assert_eq!(rint_scaled(x, k) as f64, want);
        }

        #[test]
        fn exponent_above_is_least(x in finite()) {
            prop_assume!(x != 0.0);
            let e = exponent_above(x);
            prop_assert!(f64::from(x).abs() < 2f64.powi(e));
            prop_assert!(f64::from(x).abs() >= 2f64.powi(e - 1));
        }

        #[test]
        fn total_order_is_an_order(a in finite(), b in finite()) {
            prop_assert_eq!(from_total_order_key(total_order_key(a)).to_bits(), a.to_bits());
            prop_assert_eq!(a.total_cmp(&b), total_order_key(a).cmp(&total_order_key(b)));
        }
    }

    #[test]
    fn ldexp_at_the_edges() {
        assert_eq!(ldexp(1.0, -149).to_bits(), 1);
        // Half of the least subnormal is a tie and goes to zero, with its sign.
        assert_eq!(ldexp(1.0, -150).to_bits(), 0);
        assert_eq!(ldexp(-1.0, -150).to_bits(), 0x8000_0000);
        assert_eq!(ldexp(1.5, -150).to_bits(), 1);
        assert_eq!(ldexp(f32::MAX, 1), f32::INFINITY);
        assert_eq!(ldexp(-1.0, i32::MAX), f32::NEG_INFINITY);
        assert_eq!(ldexp(-1.0, i32::MIN).to_bits(), 0x8000_0000);
        assert_eq!(ldexp(f32::from_bits(1), 149), 1.0);
        assert_eq!(ldexp(-0.0, 5).to_bits(), 0x8000_0000);
    }

    #[test]
    fn sqrt_of_subnormals_and_specials() {
        for bits in (1..0x0080_0000u32).step_by(977).chain([1, 2, 3, 0x007f_ffff]) {
            let x = f32::from_bits(bits);
            assert_eq!(sqrt(x).to_bits(), x.sqrt().to_bits(), "sqrt of {bits:#x}");
        }
        assert!(sqrt(-1.0).is_nan());
        assert_eq!(sqrt(-0.0).to_bits(), 0x8000_0000);
    }

    #[test]
    fn round_shift_far() {
        assert_eq!(round_shift(u64::MAX, 64), 1);
        assert_eq!(round_shift(1 << 63, 64), 0);
        assert_eq!(round_shift(u64::MAX, 65), 0);
        assert_eq!(round_shift(3, 1), 2);
        assert_eq!(round_shift(5, 1), 2);
    }
}
