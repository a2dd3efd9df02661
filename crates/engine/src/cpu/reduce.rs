//! Exact sums and maxima.
//!
//! Integers on the grid come from binary64: `x * 2^(30-e)` is exact there, and
//! adding `1.5 * 2^52` rounds it to an integer, ties to even, in the low bits.

use assay_exact::sum::finish;
use assay_exact::{Shape, scalar};
use rayon::prelude::*;

use super::{Split, power_of_two};
use crate::session::View;

const MAGIC: f64 = 6_755_399_441_055_744.0;

/// `rint(x * scale)` for `|x * scale| < 2^50` and a power of two `scale`.
#[inline(always)]
fn to_grid(x: f32, scale: f64) -> i64 {
    ((f64::from(x) * scale + MAGIC).to_bits() as i64).wrapping_sub(MAGIC.to_bits() as i64)
}

/// Magnitudes as integers, which are ordered as the magnitudes are.
#[inline(always)]
fn magnitude(x: f32) -> i32 {
    (x.to_bits() & 0x7fff_ffff) as i32
}

fn greatest(data: &[f32]) -> i32 {
    data.iter().fold(0, |most, x| most.max(magnitude(*x)))
}

/// The exponent and the scale of the grid for a greatest magnitude other than zero.
fn grid(greatest: i32) -> (i32, f64) {
    let exponent = scalar::exponent_above(f32::from_bits(greatest as u32));
    (exponent, power_of_two(30 - exponent))
}

fn add(data: &[f32], scale: f64) -> i64 {
    data.iter().fold(0, |total: i64, x| total.wrapping_add(to_grid(*x, scale)))
}

fn sum_slice(data: &[f32]) -> f32 {
    match greatest(data) {
        0 => 0.0,
        most => {
            let (exponent, scale) = grid(most);
            finish(add(data, scale), exponent)
        }
    }
}

/// The exact sum of everything in `inputs`.
pub(super) fn total(inputs: &[View<'_>], split: Split) -> f32 {
    let all: usize = inputs.iter().map(|input| input.data.len()).sum();
    let part = split.part(all, 2);
    if part >= all {
        return match inputs.iter().map(|input| greatest(input.data)).max() {
            None | Some(0) => 0.0,
            Some(most) => {
                let (exponent, scale) = grid(most);
                finish(inputs.iter().map(|input| add(input.data, scale)).sum(), exponent)
            }
        };
    }
    let parts: Vec<&[f32]> = inputs.iter().flat_map(|input| input.data.chunks(part)).collect();
    match parts.par_iter().map(|data| greatest(data)).max() {
        None | Some(0) => 0.0,
        Some(most) => {
            let (exponent, scale) = grid(most);
            finish(parts.par_iter().map(|data| add(data, scale)).sum(), exponent)
        }
    }
}

/// A reduction over neighbouring axes: input `[outer, count, inner]`, output
/// `[outer, inner]`. `None` if the reduced axes are not neighbours.
fn collapse(shape: &Shape, axes: u8) -> Option<[usize; 3]> {
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

pub(super) fn sum(input: View<'_>, axes: u8, out: &mut [f32], split: Split) {
    let Some([_, count, inner]) = collapse(&input.shape, axes) else {
        return general(input, axes, out, split, sum_slice);
    };
    match inner {
        _ if out.is_empty() => {}
        _ if count == 0 => out.fill(0.0),
        1 if out.len() == 1 => out[0] = total(&[input], split),
        1 => rows(input.data, count, out, split, sum_slice),
        _ => columns(input.data, count, inner, out, split, |data, first, out| {
            sum_columns(data, inner, first, out);
        }),
    }
}

pub(super) fn max(input: View<'_>, axes: u8, out: &mut [f32], split: Split) {
    let Some([_, count, inner]) = collapse(&input.shape, axes) else {
        return general(input, axes, out, split, max_slice);
    };
    match inner {
        _ if out.is_empty() => {}
        1 => rows(input.data, count, out, split, max_slice),
        _ => columns(input.data, count, inner, out, split, |data, first, out| {
            max_columns(data, inner, first, out);
        }),
    }
}

fn max_slice(data: &[f32]) -> f32 {
    let most = data.iter().fold(i32::MIN, |most, x| most.max(scalar::total_order_key(*x)));
    scalar::from_total_order_key(most)
}

/// One result per row of `count` elements.
fn rows(data: &[f32], count: usize, out: &mut [f32], split: Split, reduce: impl Fn(&[f32]) -> f32 + Sync) {
    let part = split.part(out.len(), 2 * count);
    let run = |data: &[f32], out: &mut [f32]| {
        for (out, row) in out.iter_mut().zip(data.chunks_exact(count)) {
            *out = reduce(row);
        }
    };
    if part >= out.len() {
        return run(data, out);
    }
    out.par_chunks_mut(part).zip(data.par_chunks(part * count)).for_each(|(out, data)| run(data, out));
}

/// Results for runs of columns of each `[count, inner]` block: `reduce(block, first
/// column, results)`.
fn columns(
    data: &[f32],
    count: usize,
    inner: usize,
    out: &mut [f32],
    split: Split,
    reduce: impl Fn(&[f32], usize, &mut [f32]) + Sync,
) {
    let results = out.len();
    let part = split.part(results, 2 * count);
    let blocks = data.chunks_exact(count * inner).zip(out.chunks_mut(inner));
    if part >= results {
        return blocks.for_each(|(data, out)| reduce(data, 0, out));
    }
    let part = part.min(inner);
    let tasks: Vec<(&[f32], usize, &mut [f32])> = blocks
        .flat_map(|(data, out)| out.chunks_mut(part).enumerate().map(move |(i, out)| (data, i * part, out)))
        .collect();
    tasks.into_par_iter().for_each(|(data, first, out)| reduce(data, first, out));
}

/// Columns `first..` of a block whose rows have `inner` elements, summed into `out`.
fn sum_columns(data: &[f32], inner: usize, first: usize, out: &mut [f32]) {
    const WIDTH: usize = 64;
    for (i, out) in out.chunks_mut(WIDTH).enumerate() {
        let from = first + i * WIDTH;
        let rows = || data.chunks_exact(inner).map(|row| &row[from..][..out.len()]);
        let mut most = [0i32; WIDTH];
        for row in rows() {
            for (most, x) in most.iter_mut().zip(row) {
                *most = (*most).max(magnitude(*x));
            }
        }
        let (mut exponents, mut scales) = ([0; WIDTH], [0.0; WIDTH]);
        for (i, &most) in most.iter().enumerate().filter(|(_, most)| **most != 0) {
            (exponents[i], scales[i]) = grid(most);
        }
        let mut totals = [0i64; WIDTH];
        for row in rows() {
            for ((total, x), scale) in totals.iter_mut().zip(row).zip(&scales) {
                *total = total.wrapping_add(to_grid(*x, *scale));
            }
        }
        for ((out, total), exponent) in out.iter_mut().zip(totals).zip(exponents) {
            *out = finish(total, exponent);
        }
    }
}

fn max_columns(data: &[f32], inner: usize, first: usize, out: &mut [f32]) {
    for (i, out) in out.iter_mut().enumerate() {
        let column = data.iter().skip(first + i).step_by(inner);
        let most = column.fold(i32::MIN, |most, x| most.max(scalar::total_order_key(*x)));
        *out = scalar::from_total_order_key(most);
    }
}

/// Any axes: the elements of each result are collected, then reduced.
fn general(input: View<'_>, axes: u8, out: &mut [f32], split: Split, reduce: impl Fn(&[f32]) -> f32 + Sync) {
    let count = input.shape.reduction_count(axes);
    let run = |first: usize, out: &mut [f32]| {
        let mut elements = Vec::with_capacity(count as usize);
        for (i, out) in out.iter_mut().enumerate() {
            let at = |r| input.shape.reduction_index(axes, (first + i) as u64, r) as usize;
            elements.clear();
            elements.extend((0..count).map(|r| input.data[at(r)]));
            *out = reduce(&elements);
        }
    };
    let part = split.part(out.len(), 8 * count as usize);
    if part >= out.len() {
        return run(0, out);
    }
    out.par_chunks_mut(part).enumerate().for_each(|(i, out)| run(i * part, out));
}
