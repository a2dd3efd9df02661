//! Exact sums and maxima.
//!
//! Integers on the grid come from binary64: `x * 2^(30-e)` is exact there, and
//! adding `1.5 * 2^52` rounds it to an integer, ties to even, in the low bits.

use std::cell::RefCell;

use assay_exact::sum::finish;
use assay_exact::{Shape, scalar};

use super::instructions::for_level;
use super::long::{long_of, long_rows, long_total};
use super::power_of_two;
use super::split::Split;
use crate::session::View;

pub(super) const MAGIC: f64 = 6_755_399_441_055_744.0;
/// Columns that are reduced together.
pub(super) const WIDTH: usize = 64;

thread_local! {
    /// The elements of one result, where they are not neighbours.
    static ELEMENTS: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// `rint(x * scale)` for `|x * scale| < 2^50` and a power of two `scale`.
#[inline(always)]
pub(super) fn to_grid(x: f32, scale: f64) -> i64 {
    ((f64::from(x) * scale + MAGIC).to_bits() as i64).wrapping_sub(MAGIC.to_bits() as i64)
}

/// Magnitudes as integers, which are ordered as the magnitudes are.
#[inline(always)]
pub(super) fn magnitude(x: f32) -> i32 {
    (x.to_bits() & 0x7fff_ffff) as i32
}

/// Whether there is no infinity and no NaN.
#[inline(always)]
pub(super) fn all_finite(data: &[f32]) -> bool {
    data.iter().fold(0, |most, x| most.max(magnitude(*x))) < 0x7f80_0000
}

#[inline(always)]
pub(super) fn greatest_of(data: &[f32]) -> i32 {
    data.iter().fold(0, |most, x| most.max(magnitude(*x)))
}

#[inline(always)]
fn grid_sum_of(data: &[f32], scale: f64) -> i64 {
    data.iter().fold(0, |total: i64, x| total.wrapping_add(to_grid(*x, scale)))
}

/// The exponent and the scale of the grid for a greatest magnitude other than zero.
fn grid(greatest: i32) -> (i32, f64) {
    let exponent = scalar::exponent_above(f32::from_bits(greatest as u32));
    (exponent, power_of_two(30 - exponent))
}

for_level! {
    pub(super) fn greatest(level; data: &[f32]) -> i32 {
        greatest_of(data)
    }
}

for_level! {
    fn grid_sum(level; data: &[f32], scale: f64) -> i64 {
        grid_sum_of(data, scale)
    }
}

/// The exact sum of everything in `inputs`.
pub(super) fn total(inputs: &[View<'_>], split: Split) -> f32 {
    let most = inputs
        .iter()
        .map(|View { data, .. }| split.reduce(data.len(), 2, |part| greatest(split.level, &data[part]), i32::max));
    match most.max() {
        None | Some(0) => 0.0,
        Some(most) => {
            let (exponent, scale) = grid(most);
            let sums = inputs.iter().map(|View { data, .. }| {
                split.reduce(data.len(), 2, |part| grid_sum(split.level, &data[part], scale), i64::wrapping_add)
            });
            finish(sums.fold(0, i64::wrapping_add), exponent)
        }
    }
}

/// A reduction over neighbouring axes: input `[outer, count, inner]`, output
/// `[outer, inner]`. `None` if the reduced axes are not neighbours.
pub(super) fn collapse(shape: &Shape, axes: u8) -> Option<[usize; 3]> {
    let mut sizes = [1usize; 3];
    let mut part = 0;
    for (axis, &size) in shape.dims().iter().enumerate() {
        // An axis of 1 may count as reduced or not.
        let reduced = axes >> axis & 1 == 1;
        if size != 1 {
            match (part, reduced) {
                (0, true) => part = 1,
                (1, false) => part = 2,
                (2, true) => return None,
                _ => {}
            }
        }
        sizes[part] *= size as usize;
    }
    Some(sizes)
}

/// Which reduction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Sum,
    Max,
    LongSum,
}

/// Whether all results are finite.
pub(super) fn sum(input: View<'_>, axes: u8, out: &mut [f32], split: Split) -> bool {
    reduce(Kind::Sum, input, axes, out, split)
}

/// Whether all results are finite.
pub(super) fn long_sum(input: View<'_>, axes: u8, out: &mut [f32], split: Split) -> bool {
    reduce(Kind::LongSum, input, axes, out, split)
}

/// Whether all results are finite.
pub(super) fn max(input: View<'_>, axes: u8, out: &mut [f32], split: Split) -> bool {
    reduce(Kind::Max, input, axes, out, split)
}

fn reduce(kind: Kind, input: View<'_>, axes: u8, out: &mut [f32], split: Split) -> bool {
    let data = input.data;
    match collapse(&input.shape, axes) {
        _ if out.is_empty() => true,
        None => {
            let count = input.shape.reduction_count(axes) as usize;
            split.fill(out, 1, 8 * count, |start, out| scattered(split.level, kind, &input, axes, start, out))
        }
        Some([_, 0, _]) => {
            // Only sums may be empty.
            out.fill(0.0);
            true
        }
        Some([1, _, 1]) if kind == Kind::Sum => {
            out[0] = total(&[input], split);
            out[0].is_finite()
        }
        Some([1, _, 1]) if kind == Kind::LongSum => {
            out[0] = long_total(data, split);
            out[0].is_finite()
        }
        Some([_, count, 1]) => split.fill(out, 1, 2 * count, |start, out| {
            rows(split.level, kind, &data[start * count..][..out.len() * count], count, out)
        }),
        Some([_, count, inner]) => split.fill(out, WIDTH, 2 * count * WIDTH, |start, out| {
            columns(split.level, kind, data, [count, inner], start, out)
        }),
    }
}

#[inline(always)]
fn reduced(kind: Kind, data: &[f32]) -> f32 {
    match kind {
        Kind::Sum => match greatest_of(data) {
            0 => 0.0,
            most => {
                let (exponent, scale) = grid(most);
                finish(grid_sum_of(data, scale), exponent)
            }
        },
        Kind::LongSum => long_of(data),
        Kind::Max => {
            let most = data.iter().fold(i32::MIN, |most, x| most.max(scalar::total_order_key(*x)));
            scalar::from_total_order_key(most)
        }
    }
}

for_level! {
    /// One result per row of `count` elements.
    fn rows(level; kind: Kind, data: &[f32], count: usize, out: &mut [f32]) -> bool {
        for (out, row) in out.iter_mut().zip(data.chunks_exact(count)) {
            *out = reduced(kind, row);
        }
        all_finite(out)
    }
}

for_level! {
    /// Any axes: the elements of each result are collected, then reduced.
    fn scattered(level; kind: Kind, input: &View<'_>, axes: u8, start: usize, out: &mut [f32]) -> bool {
        let count = input.shape.reduction_count(axes);
        let mut elements = ELEMENTS.take();
        for (i, out) in out.iter_mut().enumerate() {
            let at = |r| input.shape.reduction_index(axes, (start + i) as u64, r) as usize;
            elements.clear();
            elements.extend((0..count).map(|r| input.data[at(r)]));
            *out = reduced(kind, &elements);
        }
        ELEMENTS.set(elements);
        all_finite(out)
    }
}

for_level! {
    /// Results from `start` on of the columns of blocks `[count, inner]`.
    fn columns(
        level;
        kind: Kind,
        data: &[f32],
        sizes: [usize; 2],
        start: usize,
        out: &mut [f32],
    ) -> bool {
        let ([count, inner], mut at) = (sizes, start);
        let mut rest = &mut *out;
        while !rest.is_empty() {
            let (outer, first) = (at / inner, at % inner);
            let run = rest.len().min(inner - first).min(WIDTH);
            let (own, after) = rest.split_at_mut(run);
            let block = &data[outer * count * inner..][..count * inner];
            let rows = block.chunks_exact(inner).map(|row| &row[first..first + run]);
            match kind {
                Kind::Sum => sum_rows(rows, own),
                Kind::LongSum => long_rows(rows, own),
                Kind::Max => max_rows(rows, own),
            }
            (at, rest) = (at + run, after);
        }
        all_finite(out)
    }
}

/// The exact sums of the columns of some rows, of at most 64 elements.
#[inline(always)]
pub(super) fn sum_rows<'a>(rows: impl Iterator<Item = &'a [f32]> + Clone, out: &mut [f32]) {
    let mut most = [0i32; WIDTH];
    for row in rows.clone() {
        for (most, x) in most.iter_mut().zip(row) {
            *most = (*most).max(magnitude(*x));
        }
    }
    let (mut exponents, mut scales) = ([0; WIDTH], [0.0; WIDTH]);
    for (i, &most) in most.iter().enumerate().filter(|(_, most)| **most != 0) {
        (exponents[i], scales[i]) = grid(most);
    }
    let mut totals = [0i64; WIDTH];
    for row in rows {
        for ((total, x), scale) in totals.iter_mut().zip(row).zip(&scales) {
            *total = total.wrapping_add(to_grid(*x, *scale));
        }
    }
    for ((out, total), exponent) in out.iter_mut().zip(totals).zip(exponents) {
        *out = finish(total, exponent);
    }
}

#[inline(always)]
fn max_rows<'a>(rows: impl Iterator<Item = &'a [f32]>, out: &mut [f32]) {
    let mut most = [i32::MIN; WIDTH];
    for row in rows {
        for (most, x) in most.iter_mut().zip(row) {
            *most = (*most).max(scalar::total_order_key(*x));
        }
    }
    for (out, most) in out.iter_mut().zip(most) {
        *out = scalar::from_total_order_key(most);
    }
}
