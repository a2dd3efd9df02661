//! Ops that move values, and the scatter's exact sums.

use assay_exact::{ElementError, Shape};

use super::instructions::for_level;
use super::long::long_rows;
use super::reduce::{WIDTH, all_finite, sum_rows};
use super::split::Split;
use crate::session::View;

/// Checks that all elements are integers below `limit`.
pub(super) fn check_integers(view: View<'_>, input: usize, limit: u32) -> Result<(), ElementError> {
    match view.data.iter().position(|&x| assay_exact::integer_below(x, limit).is_none()) {
        None => Ok(()),
        Some(at) => Err(ElementError::BadInteger { input, index: at as u64, bits: view.data[at].to_bits(), limit }),
    }
}

/// Fills `out` with a class per row of it.
pub(super) fn one_hot(input: View<'_>, output: &Shape, out: &mut [f32]) -> Result<bool, ElementError> {
    if !out.is_empty() {
        let classes = output.from_right(0);
        check_integers(input, 0, classes)?;
        out.fill(0.0);
        for (row, class) in out.chunks_exact_mut(classes as usize).zip(input.data) {
            row[*class as usize] = 1.0;
        }
    }
    Ok(true)
}

pub(super) fn copy(data: &[f32], out: &mut [f32], split: Split) -> bool {
    split.fill(out, 1 << 12, 1 << 13, |start, out| {
        out.copy_from_slice(&data[start..][..out.len()]);
        true
    })
}

pub(super) fn transpose(input: View<'_>, out: &mut [f32], split: Split) -> bool {
    if out.is_empty() {
        return true;
    }
    let (rows, columns) = (input.shape.from_right(1) as usize, input.shape.from_right(0) as usize);
    // Whole rows of the output, which are columns of the input.
    split.fill(out, rows, 4 * rows, |start, mut out| {
        let mut at = start / rows;
        while !out.is_empty() {
            let (matrix, first) = (at / columns, at % columns);
            let count = (out.len() / rows).min(columns - first);
            let (own, rest) = out.split_at_mut(count * rows);
            transpose_columns(&input.data[matrix * rows * columns..][..rows * columns], columns, first, own);
            (out, at) = (rest, at + count);
        }
        true
    })
}

/// Columns `first..` of a matrix as rows, tile by tile.
fn transpose_columns(data: &[f32], columns: usize, first: usize, out: &mut [f32]) {
    const TILE: usize = 16;
    let rows = data.len() / columns;
    let count = out.len() / rows;
    for c0 in (0..count).step_by(TILE) {
        for r0 in (0..rows).step_by(TILE) {
            for c in c0..count.min(c0 + TILE) {
                for r in r0..rows.min(r0 + TILE) {
                    out[c * rows + r] = data[r * columns + first + c];
                }
            }
        }
    }
}

pub(super) fn gather(table: View<'_>, indices: View<'_>, out: &mut [f32], split: Split) -> Result<bool, ElementError> {
    if out.is_empty() {
        return Ok(true);
    }
    let width = table.shape.from_right(0) as usize;
    check_integers(indices, 1, table.shape.from_right(1))?;
    Ok(split.fill(out, width, 2 * width, |start, out| {
        for (out, row) in out.chunks_exact_mut(width).zip(&indices.data[start / width..]) {
            out.copy_from_slice(&table.data[*row as usize * width..][..width]);
        }
        true
    }))
}

/// For every target of a scatter, the rows that go there.
#[derive(Debug, Default)]
pub(super) struct Lists {
    /// By target: the first row, plus 1; 0 where there is none.
    first: Vec<u32>,
    /// By row: the next row with the same target, plus 1.
    next: Vec<u32>,
}

impl Lists {
    fn make(&mut self, indices: &[f32], targets: usize) {
        self.first.clear();
        self.first.resize(targets, 0);
        self.next.clear();
        self.next.resize(indices.len(), 0);
        for (row, target) in indices.iter().enumerate() {
            let first = &mut self.first[*target as usize];
            self.next[row] = *first;
            *first = row as u32 + 1;
        }
    }

    /// The rows that go to a target.
    #[inline(always)]
    fn rows(&self, target: usize) -> impl Iterator<Item = usize> + Clone {
        let some = |row: u32| row.checked_sub(1).map(|row| row as usize);
        std::iter::successors(some(self.first[target]), move |&row| some(self.next[row]))
    }
}

/// By exact sums, or by long ones.
pub(super) fn scatter_add(
    [values, indices]: [View<'_>; 2],
    is_long: bool,
    output: &Shape,
    out: &mut [f32],
    lists: &mut Lists,
    split: Split,
) -> Result<bool, ElementError> {
    if out.is_empty() {
        return Ok(true);
    }
    let (targets, width) = (output.from_right(1), output.from_right(0) as usize);
    check_integers(indices, 1, targets)?;
    lists.make(indices.data, targets as usize);
    let lists = &*lists;
    let cost = 2 * width + 2 * values.data.len() / targets as usize;
    Ok(split.fill(out, width, cost, |start, out| {
        scatter_rows(split.level, values.data, lists, is_long, [width, start / width], out)
    }))
}

for_level! {
    /// The sums of the targets from `first` on.
    fn scatter_rows(
        level;
        values: &[f32],
        lists: &Lists,
        is_long: bool,
        sizes: [usize; 2],
        out: &mut [f32],
    ) -> bool {
        let [width, first] = sizes;
        for (target, out) in out.chunks_exact_mut(width).enumerate() {
            // Most tokens of a vocabulary are not in a batch.
            if lists.first[first + target] == 0 {
                out.fill(0.0);
                continue;
            }
            for (part, out) in out.chunks_mut(WIDTH).enumerate() {
                let count = out.len();
                let rows = lists.rows(first + target).map(|row| &values[row * width + WIDTH * part..][..count]);
                if is_long { long_rows(rows, out) } else { sum_rows(rows, out) }
            }
        }
        all_finite(out)
    }
}
