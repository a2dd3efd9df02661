//! exp, log and tanh: fixed expressions of the allowed operations.
//!
//! Every operation below is one IEEE 754 binary32 operation, rounded to nearest
//! even, in exactly the order that the parentheses give; nothing is fused. The
//! constants are binary32 numbers, given by their bits where a decimal might be
//! read in two ways. They are the *definition* of these ops, not an approximation
//! that a back end may improve on.
//!
//! | function | greatest error found, in units of the last place of the result | inputs tried |
//! | --- | --- | --- |
//! | [`exp`] | 1.0246, at -81.44471 | all with a finite result |
//! | [`log`] | 0.8348, at 1.4054595 | all positive ones |
//! | [`tanh`] | 1.3303, at 0.62830955 | all finite ones |
//!
//! The unit tests try every 1,021st input. All 2^32 of each were tried, against
//! binary64, by
//! `cargo test -p assay-exact --test functions -- --ignored --nocapture`,
//! which prints these figures.

use crate::scalar::rint;

const fn f(bits: u32) -> f32 {
    f32::from_bits(bits)
}

/// log2(e) = 1.442695.
const LOG2_E: f32 = f(0x3fb8_aa3b);
/// ln 2 to ten bits: its product with an integer below 2^14 is exact.
const LN2_HIGH: f32 = f(0x3f31_8000);
/// ln 2 - `LN2_HIGH`.
const LN2_LOW: f32 = f(0xb95e_8083);

/// 1/2!, 1/3!, ... 1/7!, each rounded to nearest.
const INVERSE_FACTORIALS: [f32; 6] =
    [f(0x3f00_0000), f(0x3e2a_aaab), f(0x3d2a_aaab), f(0x3c08_8889), f(0x3ab6_0b61), f(0x3950_0d01)];

/// 2/3, 2/5, 2/7, 2/9, 2/11, each rounded to nearest: the series of
/// `log((1 + s) / (1 - s)) = 2 s + 2/3 s^3 + 2/5 s^5 + ...`.
const LOG_SERIES: [f32; 5] = [f(0x3f2a_aaab), f(0x3ecc_cccd), f(0x3e92_4925), f(0x3e63_8e39), f(0x3e3a_2e8c)];

/// `tanh(x) = x + x z P(z)` with `z = x^2`, for `|x| < 0.625`: interpolation of
/// `(tanh(x)/x - 1)/z` at the six Chebyshev nodes of `[0, 0.625^2]`.
const TANH_SMALL: [f32; 6] =
    [f(0xbeaa_aaab), f(0x3e08_8875), f(0xbd5d_0462), f(0x3cb2_54bb), f(0xbc08_b50b), f(0x3b16_41e0)];

/// `c[0] + x (c[1] + x (c[2] + ...))`, each product and sum rounded.
#[inline(always)]
fn horner<const N: usize>(x: f32, c: [f32; N]) -> f32 {
    let mut p = c[N - 1];
    for i in (0..N - 1).rev() {
        p = p * x + c[i];
    }
    p
}

/// `2^k` for `-126 <= k <= 127`.
#[inline(always)]
fn power_of_two(k: i32) -> f32 {
    f32::from_bits(((k + 127) as u32) << 23)
}

/// `e^x`. Results of 2^128 and above are an infinity, which ends a job; results
/// below half the least subnormal are `+0`.
///
/// `x` is first limited to `[-105, 89]` (a NaN stays one);
/// `n = rint(x * log2(e))`; `r = (x - n * LN2_HIGH) - n * LN2_LOW`;
/// `p = 1 + (r + (r * r) * (1/2! + r (1/3! + ... r/7!)))`; the result is
/// `ldexp(p, n)`.
#[must_use]
#[inline]
pub fn exp(x: f32) -> f32 {
    let x = if x > 89.0 { 89.0 } else { x };
    let x = if x < -105.0 { -105.0 } else { x };
    let n = rint(x * LOG2_E);
    let r = (x - n * LN2_HIGH) - n * LN2_LOW;
    let p = 1.0 + (r + (r * r) * horner(r, INVERSE_FACTORIALS));
    // ldexp(p, n), branch-free: n is in [-152, 128] and p in (0.7, 1.42), so the
    // first product is normal and exact, and the second rounds once.
    let n = n as i32;
    let first = n >> 1;
    p * power_of_two(first) * power_of_two(n - first)
}

/// Natural logarithm. `log(0)` is minus infinity and the logarithm of a number
/// below zero is a NaN; both end a job.
///
/// `x = 2^k (1 + f)` with `1 + f` in `[0.707, 1.415)`: a subnormal `x` is first
/// multiplied by 2^25; then `k` and `1 + f` come from the bits of `x`, cut so that
/// the significand's bits are at least `0x3504f3` (`sqrt(1/2)`) after the cut.
/// `s = f / (2 + f)`, `z = s * s`, `r = z * (2/3 + z (2/5 + ... 2/11 z))`,
/// `h = (f * f) * 0.5`; the result is
/// `k * LN2_HIGH - ((h - (s * (h + r) + k * LN2_LOW)) - f)`.
#[must_use]
#[inline]
pub fn log(x: f32) -> f32 {
    let subnormal = x < f32::MIN_POSITIVE;
    let scaled = if subnormal { x * 33_554_432.0 } else { x };
    // 0x3f3504f3 is sqrt(1/2): adding the distance to 1 moves the cut there.
    let bits = scaled.to_bits().wrapping_add(0x3f80_0000 - 0x3f35_04f3);
    let k = (bits >> 23) as i32 - 127 - if subnormal { 25 } else { 0 };
    let f = f32::from_bits((bits & 0x007f_ffff) + 0x3f35_04f3) - 1.0;
    let s = f / (2.0 + f);
    let z = s * s;
    let r = z * horner(z, LOG_SERIES);
    let h = (f * f) * 0.5;
    let k = k as f32;
    let result = k * LN2_HIGH - ((h - (s * (h + r) + k * LN2_LOW)) - f);
    let result = if x > f32::MAX { f32::INFINITY } else { result };
    let result = if x == 0.0 { f32::NEG_INFINITY } else { result };
    if x >= 0.0 { result } else { f32::NAN }
}

/// Hyperbolic tangent, odd: `tanh(-x) = -tanh(x)`, and `tanh(-0) = -0`.
///
/// With `a = |x|` and `z = a * a`: for `a < 0.625`, `a + (a * z) * P(z)`;
/// otherwise `1 - 2 / (exp(2 min(a, 10)) + 1)`; then the sign of `x`.
#[must_use]
#[inline]
pub fn tanh(x: f32) -> f32 {
    let a = f32::from_bits(x.to_bits() & 0x7fff_ffff);
    let z = a * a;
    let small = a + (a * z) * horner(z, TANH_SMALL);
    let limited = if a > 10.0 { 10.0 } else { a };
    let large = 1.0 - 2.0 / (exp(2.0 * limited) + 1.0);
    let magnitude = if a < 0.625 { small } else { large };
    f32::from_bits((magnitude.to_bits() & 0x7fff_ffff) | (x.to_bits() & 0x8000_0000))
}
