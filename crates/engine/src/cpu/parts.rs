//! Ops for a part of the batch.
#![allow(unsafe_code)]

use assay_exact::scalar::exponent_above;
use assay_exact::{ElementError, Shape};

use super::moves::check_integers;
use super::reduce::{collapse, greatest};
use super::split::{Shared, Split};
use crate::session::View;
use crate::sums::Sums;

/// The exponent above all of these numbers, `None` if they are all zero.
pub(super) fn exponent(data: &[f32], split: Split) -> Option<i32> {
    match split.reduce(data.len(), 2, |part| greatest(split.level, &data[part]), i32::max) {
        0 => None,
        most => Some(exponent_above(f32::from_bits(most as u32))),
    }
}

/// Adds what a long sum over `axes` adds. In the whole batch, a sum has at most `count` addends.
pub(super) fn long_sum(input: View<'_>, axes: u8, count: u64, sums: &mut Sums, split: Split) {
    let Some(exponent) = exponent(input.data, split) else { return };
    let (sums, adder) = sums.adder(exponent, count);
    let Some([outer, count, inner]) = collapse(&input.shape, axes) else {
        for (i, sum) in sums.iter_mut().enumerate() {
            for r in 0..input.shape.reduction_count(axes) {
                adder.add(i, sum, input.data[input.shape.reduction_index(axes, i as u64, r) as usize]);
            }
        }
        return;
    };
    let sums = Shared::new(sums);
    // Columns, of which each sum is one.
    split.each(inner, 4 * outer * count, |columns| {
        for block in 0..outer {
            let from = block * inner;
            // SAFETY: `each` hands out every column once.
            let own = unsafe { sums.slice(from + columns.start..from + columns.end) };
            for row in 0..count {
                let row = &input.data[(block * count + row) * inner..][..inner];
                for ((i, sum), x) in columns.clone().zip(&mut *own).zip(&row[columns.clone()]) {
                    adder.add(from + i, sum, *x);
                }
            }
        }
    });
}

/// Adds what a long scatter-add adds.
pub(super) fn long_scatter_add(
    [values, indices]: [View<'_>; 2],
    output: &Shape,
    count: u64,
    sums: &mut Sums,
    split: Split,
) -> Result<(), ElementError> {
    check_integers(indices, 1, output.from_right(1))?;
    let width = output.from_right(0) as usize;
    let Some(exponent) = exponent(values.data, split) else { return Ok(()) };
    let (sums, adder) = sums.adder(exponent, count);
    let sums = Shared::new(sums);
    split.each(width, 4 * indices.data.len(), |columns| {
        for (row, target) in values.data.chunks_exact(width).zip(indices.data) {
            let from = *target as usize * width;
            // SAFETY: `each` hands out every column once, and rows come one after another.
            let own = unsafe { sums.slice(from + columns.start..from + columns.end) };
            for ((i, sum), x) in columns.clone().zip(own).zip(&row[columns.clone()]) {
                adder.add(from + i, sum, *x);
            }
        }
    });
    Ok(())
}
