//! Ops that move values, and the scatter's exact sums.

use assay_exact::sum::{MaxAbs, Total};
use assay_exact::{ElementError, Shape};

use crate::session::View;

/// The integers in `view`, each below `limit`.
fn integers(view: View<'_>, input: usize, limit: u32) -> Result<Vec<usize>, ElementError> {
    view.data
        .iter()
        .enumerate()
        .map(|(index, &x)| {
            assay_exact::integer_below(x, limit).map(|value| value as usize).ok_or(ElementError::BadInteger {
                input,
                index: index as u64,
                bits: x.to_bits(),
                limit,
            })
        })
        .collect()
}

pub(super) fn one_hot(input: View<'_>, output: &Shape, out: &mut [f32]) -> Result<(), ElementError> {
    if out.is_empty() {
        return Ok(());
    }
    let classes = output.from_right(0);
    out.fill(0.0);
    let rows = out.chunks_exact_mut(classes as usize);
    for (row, class) in rows.zip(integers(input, 0, classes)?) {
        row[class] = 1.0;
    }
    Ok(())
}

pub(super) fn transpose(input: View<'_>, out: &mut [f32]) {
    let (rows, columns) = (input.shape.from_right(1) as usize, input.shape.from_right(0) as usize);
    if out.is_empty() {
        return;
    }
    let matrices = input.data.chunks_exact(rows * columns);
    for (own, out) in matrices.zip(out.chunks_exact_mut(rows * columns)) {
        transpose_matrix(own, rows, columns, out);
    }
}

/// `out[c][r] = data[r][c]`, tile by tile.
pub(super) fn transpose_matrix(data: &[f32], rows: usize, columns: usize, out: &mut [f32]) {
    const TILE: usize = 16;
    for r0 in (0..rows).step_by(TILE) {
        for c0 in (0..columns).step_by(TILE) {
            for c in c0..columns.min(c0 + TILE) {
                for r in r0..rows.min(r0 + TILE) {
                    out[c * rows + r] = data[r * columns + c];
                }
            }
        }
    }
}

pub(super) fn gather(table: View<'_>, indices: View<'_>, out: &mut [f32]) -> Result<(), ElementError> {
    if out.is_empty() {
        return Ok(());
    }
    let width = table.shape.from_right(0) as usize;
    let rows = integers(indices, 1, table.shape.from_right(1))?;
    for (out, row) in out.chunks_exact_mut(width).zip(rows) {
        out.copy_from_slice(&table.data[row * width..][..width]);
    }
    Ok(())
}

pub(super) fn scatter_add(
    values: View<'_>,
    indices: View<'_>,
    output: &Shape,
    out: &mut [f32],
) -> Result<(), ElementError> {
    if out.is_empty() {
        return Ok(());
    }
    let width = output.from_right(0) as usize;
    let targets = integers(indices, 1, output.from_right(1))?;
    let mut greatest = vec![MaxAbs::default(); out.len()];
    for (row, &target) in values.data.chunks_exact(width).zip(&targets) {
        for (most, &x) in greatest[target * width..][..width].iter_mut().zip(row) {
            most.add(x);
        }
    }
    let mut totals: Vec<Option<Total>> = greatest.iter().map(|most| most.exponent().map(Total::new)).collect();
    for (row, &target) in values.data.chunks_exact(width).zip(&targets) {
        for (total, &x) in totals[target * width..][..width].iter_mut().zip(row) {
            // Nothing but zeros has no grid.
            if let Some(total) = total {
                total.add(x);
            }
        }
    }
    for (out, total) in out.iter_mut().zip(totals) {
        *out = total.map_or(0.0, Total::finish);
    }
    Ok(())
}
