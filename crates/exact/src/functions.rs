//! Functions of one number: fixed expressions of the allowed operations.
//!
//! Every operation below is one IEEE 754 binary32 operation, rounded to nearest
//! even, in exactly the order that the parentheses give; nothing is fused. The
//! constants are binary32 numbers, given by their bits where a decimal might be
//! read in two ways. They are the *definition* of these ops, not an approximation
//! that a back end may improve on.
//!
//! The greatest error of each, over all 2^32 inputs, is in `docs/law.md`, written
//! by `scripts/bench law`. The unit tests try every 1,021st input.

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

/// `erf(x) = x + x P(z)` with `z = x^2`, for `|x| < 0.84375`: interpolation of
/// `erf(x)/x - 1` at the seven Chebyshev nodes of `[0, 0.84375^2]`.
const ERF_SMALL: [f32; 7] =
    [f(0x3e03_75d4), f(0xbec0_93a3), f(0x3de7_175b), f(0xbcdc_0f4f), f(0x3baa_b9a8), f(0xba58_672e), f(0x38ba_6dd0)];

/// `log(1 - erf(x))` for `0.84375 <= x <= 4`: least squares over 200 Chebyshev nodes
/// with the weight `1 - erf(x)`.
const ERF_LARGE: [f32; 8] = [
    f(0x3927_115a),
    f(0xbf90_918a),
    f(0xbf22_2ca7),
    f(0xbddd_6e50),
    f(0x3ccc_f2b3),
    f(0xbb87_717d),
    f(0x39df_d015),
    f(0xb7ab_a059),
];

/// pi, rounded to nearest.
const PI: f32 = f(0x4049_0fdb);
/// pi - `PI`.
const PI_LOW: f32 = f(0xb3bb_bd2e);

/// `sin(pi r) = pi r + r z P(z)` with `z = r^2`, for `|r| <= 1/4`: interpolation at the
/// four Chebyshev nodes of `[0, 1/16]`.
const SIN_PI: [f32; 4] = [f(0xc0a5_5de7), f(0x4023_35e1), f(0xbf19_670f), f(0x3da6_5bb1)];

/// `cos(pi r) = 1 + z P(z)`, likewise.
const COS_PI: [f32; 4] = [f(0xc09d_e9e6), f(0x4081_e0f5), f(0xbfaa_e5cc), f(0x3e6d_b249)];

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
    f32::from_bits((k.wrapping_add(127) as u32) << 23)
}

/// The integer that `n` is, for `|n| <= 2^22`; anything for others.
///
/// From the bits of the sum with 1.5 * 2^23, whose last place is 1: `n as i32` saturates, which compilers
/// turn into one conversion after the other instead of a vector's.
#[inline(always)]
fn integer(n: f32) -> i32 {
    const GRID: f32 = 12_582_912.0;
    (n + GRID).to_bits().wrapping_sub(GRID.to_bits()) as i32
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
    let n = integer(n);
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

/// Error function, odd: `erf(-x) = -erf(x)`, and `erf(-0) = -0`.
///
/// With `a = min(|x|, 4)` and `z = a * a`: for `a < 0.84375`, `a + a * P(z)` with the
/// polynomial `ERF_SMALL`; otherwise `1 - exp(Q(a))` with `ERF_LARGE`; then the
/// sign of `x`. `erf(4)` rounds to 1.
#[must_use]
#[inline]
pub fn erf(x: f32) -> f32 {
    let a = f32::from_bits(x.to_bits() & 0x7fff_ffff);
    let a = if a > 4.0 { 4.0 } else { a };
    let small = a + a * horner(a * a, ERF_SMALL);
    let large = 1.0 - exp(horner(a, ERF_LARGE));
    let magnitude = if a < 0.843_75 { small } else { large };
    f32::from_bits((magnitude.to_bits() & 0x7fff_ffff) | (x.to_bits() & 0x8000_0000))
}

/// `sin(pi r)` and `cos(pi r)` for the `r` in `[-1/4, 1/4]`, and the `k` modulo 4, with
/// `a = r + k/2`. An infinity or a NaN gives NaNs.
#[inline(always)]
fn quarter_turns(a: f32) -> (f32, f32, u32) {
    // From 2^24 on, every number is an even integer.
    let a = if a < 16_777_216.0 { a } else { 0.0 * a };
    let n = rint(a + a);
    let r = a - n * 0.5;
    let z = r * r;
    let sine = r * PI + (r * PI_LOW + (r * z) * horner(z, SIN_PI));
    let cosine = 1.0 + z * horner(z, COS_PI);
    (sine, cosine, n as u32 & 3)
}

/// `sin(pi x)`, odd; at integers a zero with the sign of `x` (IEEE 754's `sinPi`).
///
/// With `a = |x|` (0 for `a >= 2^24`), `n = rint(a + a)` and `r = a - n * 0.5` (exact),
/// `z = r * r`, `s = r * PI + (r * PI_LOW + (r * z) * P(z))` with `SIN_PI` and
/// `c = 1 + z * Q(z)` with `COS_PI`: for `n mod 4` = 0, 1, 2, 3 the result is
/// `s`, `c`, `-s`, `-c`, plus `+0`, with its sign flipped if `x` has one. An infinity
/// gives a NaN.
#[must_use]
#[inline]
pub fn sinpi(x: f32) -> f32 {
    let (sine, cosine, k) = quarter_turns(f32::from_bits(x.to_bits() & 0x7fff_ffff));
    let base = if k & 1 == 0 { sine } else { cosine };
    let turned = f32::from_bits(base.to_bits() ^ (k & 2) << 30) + 0.0;
    f32::from_bits(turned.to_bits() ^ (x.to_bits() & 0x8000_0000))
}

/// `cos(pi x)`, even; `+0` halfway between integers (IEEE 754's `cosPi`).
///
/// With `a`, `n`, `s` and `c` as in [`sinpi`]: for `n mod 4` = 0, 1, 2, 3 the result is
/// `c`, `-s`, `-c`, `s`, plus `+0`. An infinity gives a NaN.
#[must_use]
#[inline]
pub fn cospi(x: f32) -> f32 {
    let (sine, cosine, k) = quarter_turns(f32::from_bits(x.to_bits() & 0x7fff_ffff));
    let base = if k & 1 == 0 { cosine } else { sine };
    f32::from_bits(base.to_bits() ^ ((k + 1) & 2) << 30) + 0.0
}
