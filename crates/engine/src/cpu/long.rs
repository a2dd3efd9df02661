//! Long sums: the real sum, rounded once.
//!
//! With `e` the exponent above the greatest addend, each addend is cut into an integer on the
//! grid of `2^(e-40)` and one on that of `2^(e-80)`, both added in 64 bits; what is finer than
//! that, which is rare, sends the whole sum to the law's long accumulator.

use assay_exact::long::{self, LongSum};
use assay_exact::scalar::{self, exponent_above};

use super::instructions::for_level;
use super::power_of_two;
use super::reduce::{MAGIC, WIDTH, greatest, greatest_of, magnitude};
use super::split::Split;

/// Bits of a cut.
const BITS: i32 = 40;
const STEP: f64 = (1u64 << BITS) as f64;
/// Addends whose cuts fit in 64 bits together.
const ADDENDS: usize = 1 << 20;

/// The two cuts of `x`, for a `scale` of `2^(40-e)`; and whether nothing is left.
#[inline(always)]
fn cut(x: f32, scale: f64) -> (i64, i64, bool) {
    let whole = f64::from(x) * scale;
    let high = whole + MAGIC;
    let rest = (whole - (high - MAGIC)) * STEP;
    let low = rest + MAGIC;
    let integer = |x: f64| (x.to_bits() as i64).wrapping_sub(MAGIC.to_bits() as i64);
    (integer(high), integer(low), low - MAGIC == rest)
}

/// The integers of many addends together.
#[inline(always)]
fn joined(high: i64, low: i64) -> i128 {
    (i128::from(high) << BITS) + i128::from(low)
}

/// An integer on the finer grid, rounded once: a result below 2^-126 is a multiple of 2^-149,
/// which the conversion keeps.
fn finish(total: i128, exponent: i32) -> f32 {
    scalar::ldexp(total as f32, exponent - 2 * BITS)
}

fn grid(greatest: i32) -> (i32, f64) {
    let exponent = exponent_above(f32::from_bits(greatest as u32));
    (exponent, power_of_two(BITS - exponent))
}

/// The integers of some addends, `None` if the grid is too coarse for one of them.
#[inline(always)]
fn total_of(data: &[f32], scale: f64) -> Option<i128> {
    let mut total = 0;
    for data in data.chunks(ADDENDS) {
        let (mut high, mut low, mut fits) = (0i64, 0i64, true);
        for x in data {
            let (a, b, exact) = cut(*x, scale);
            (high, low, fits) = (high.wrapping_add(a), low.wrapping_add(b), fits & exact);
        }
        if !fits {
            return None;
        }
        total += joined(high, low);
    }
    Some(total)
}

for_level! {
    fn part(level; data: &[f32], scale: f64) -> Option<i128> {
        total_of(data, scale)
    }
}

/// The long sum of a row.
#[inline(always)]
pub(super) fn long_of(data: &[f32]) -> f32 {
    match greatest_of(data) {
        0 => 0.0,
        most => {
            let (exponent, scale) = grid(most);
            total_of(data, scale).map_or_else(|| slow(data), |total| finish(total, exponent))
        }
    }
}

#[cold]
fn slow(data: &[f32]) -> f32 {
    long::long_sum(data.iter().copied())
}

/// The long sum of everything in `data`, on all threads.
pub(super) fn long_total(data: &[f32], split: Split) -> f32 {
    let most = split.reduce(data.len(), 2, |range| greatest(split.level, &data[range]), i32::max);
    if most == 0 {
        return 0.0;
    }
    let (exponent, scale) = grid(most);
    let total = split.reduce(
        data.len(),
        4,
        |range| part(split.level, &data[range], scale),
        |a: Option<i128>, b| a.and_then(|a| Some(a + b?)),
    );
    total.map_or_else(|| slow(data), |total| finish(total, exponent))
}

/// The long sums of the columns of some rows, of at most 64 elements. The rows are finite.
#[inline(always)]
pub(super) fn long_rows<'a>(rows: impl Iterator<Item = &'a [f32]> + Clone, out: &mut [f32]) {
    let mut most = [0i32; WIDTH];
    let mut count = 0;
    for row in rows.clone() {
        count += 1;
        for (most, x) in most.iter_mut().zip(row) {
            *most = (*most).max(magnitude(*x));
        }
    }
    let (mut exponents, mut scales) = ([0; WIDTH], [0.0; WIDTH]);
    for (i, &most) in most.iter().enumerate().filter(|(_, most)| **most != 0) {
        (exponents[i], scales[i]) = grid(most);
    }
    let (mut highs, mut lows, mut fits) = ([0i64; WIDTH], [0i64; WIDTH], count <= ADDENDS);
    for row in rows.clone() {
        for (((high, low), x), scale) in highs.iter_mut().zip(&mut lows).zip(row).zip(&scales) {
            let (a, b, exact) = cut(*x, *scale);
            (*high, *low, fits) = (high.wrapping_add(a), low.wrapping_add(b), fits & exact);
        }
    }
    if !fits {
        return slow_rows(rows, out);
    }
    for (i, out) in out.iter_mut().enumerate() {
        *out = finish(joined(highs[i], lows[i]), exponents[i]);
    }
}

#[cold]
fn slow_rows<'a>(rows: impl Iterator<Item = &'a [f32]>, out: &mut [f32]) {
    let mut sums = [LongSum::default(); WIDTH];
    for row in rows {
        sums.iter_mut().zip(row).for_each(|(sum, x)| sum.add(*x));
    }
    out.iter_mut().zip(sums).for_each(|(out, sum)| *out = sum.finish());
}
