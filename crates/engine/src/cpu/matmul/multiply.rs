//! Products of packed operands, tile by tile.
#![allow(unsafe_code)]

use std::ops::Range;

use assay_exact::Precision;

use super::super::instructions::for_level;
use super::super::reduce::all_finite;
use super::super::split::{Shared, Split};
use super::kernel::{BLOCK, Kernel, Left, TILE, Tile};
use super::pack::{Form, Packed};

/// Panels of rows that meet one panel of columns before the next: those of the right operand
/// are then read from the second-level cache most of the time.
const ROWS: usize = 24;
/// Steps of such a meeting, so that the lanes of a tile's rows fit in the first-level cache;
/// the sums go on where they were for the next.
const STEPS: usize = 1024;
const _: () = assert!(4 * STEPS <= BLOCK);

/// Products of elements that take as long as an element operation does.
pub(super) const MACS: usize = 8;

/// The sizes of a product.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    pub m: usize,
    pub k: usize,
    pub n: usize,
}

/// Where a part of a product is written: its first row and column are at the beginning, and
/// `stride` elements are from a row to the next.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub row: usize,
    pub column: usize,
    pub stride: usize,
}

impl Place {
    #[inline(always)]
    fn at(&self, row: usize, column: usize) -> usize {
        (row - self.row) * self.stride + (column - self.column)
    }
}

/// A product to be made.
pub(super) struct Product<'a> {
    pub kernel: Kernel,
    pub sizes: Sizes,
    /// Of the left operand.
    pub form: Form,
    pub left: &'a Packed,
    pub right: &'a Packed,
}

impl Product<'_> {
    /// Writes the product to `out`, whole. Whether all of it is finite.
    pub fn run(&self, out: &mut [f32], split: Split) -> bool {
        let Sizes { m, k, n } = self.sizes;
        assert_eq!(out.len(), m * n);
        let (rows, columns) = (m.div_ceil(self.kernel.rows), n.div_ceil(self.kernel.columns));
        // Blocks of rows and columns, cut so that threads share the longer side.
        let tile = self.kernel.rows * self.kernel.columns * k / MACS;
        let parts = (rows * columns).div_ceil(split.part(rows * columns, tile));
        let (row_parts, column_parts) = if n >= m {
            let column_parts = parts.min(columns);
            (parts.div_ceil(column_parts), column_parts)
        } else {
            let row_parts = parts.min(rows);
            (row_parts, parts.div_ceil(row_parts))
        };
        let (high, wide) = (rows.div_ceil(row_parts), columns.div_ceil(column_parts));
        let (row_parts, column_parts) = (rows.div_ceil(high), columns.div_ceil(wide));
        let out = Shared::new(out);
        let place = Place { row: 0, column: 0, stride: n };
        split.reduce(
            row_parts * column_parts,
            high * wide * tile,
            |parts| {
                parts.fold(true, |finite, part| {
                    let (r, c) = (part / column_parts * high, part % column_parts * wide);
                    let (r, c) = (r..rows.min(r + high), c..columns.min(c + wide));
                    finite & region(split.level, self, [r, c], place, &out)
                })
            },
            |a, b| a & b,
        )
    }

    /// Whether binary64 holds every sum on the way: `k limit^2 <= 2^53` bounds those of
    /// `int8x1` and `int8x2`; of `int8x3`, what adding the lower parts gives, and all before
    /// are multiples of 2^11 below 2^64.
    fn is_short(&self) -> bool {
        let limit = self.form.precision.limit() as u128;
        self.sizes.k as u128 * limit * limit <= 1 << 53
    }

    /// Steps from carry to carry; see [`super::kernel`].
    #[inline(always)]
    fn interval(&self, row: usize, column: usize) -> usize {
        match self.form.precision {
            Precision::Int8x1 => BLOCK / 2,
            Precision::Int8x2 => {
                let (a, b) = (&self.left.norms[row], &self.right.norms[column]);
                // 2^31 - 2^16, less than what rounding the product may hide.
                let fits = |i: usize| a[i] * b[i] <= 2_147_410_000.0;
                if fits(2) {
                    32
                } else if fits(1) {
                    16
                } else if fits(0) {
                    8
                } else {
                    4
                }
            }
            Precision::Int8x3 => 256,
        }
    }

    /// The integer products of a tile over some steps.
    #[inline(always)]
    fn tiles(&self, row: usize, column: usize, range: Range<usize>, tiles: &mut [Tile; 3]) {
        let steps = self.form.steps(self.sizes.k);
        let kernel = &self.kernel;
        let interval = self.interval(row, column);
        for (plane, tile) in tiles[..self.form.planes()].iter_mut().enumerate() {
            let lanes = &self.left.planes[plane].get()[row * kernel.rows * steps..];
            let left = if self.form.columns {
                Left { lanes: &lanes[range.start * kernel.rows..], row: 1, step: kernel.rows }
            } else {
                Left { lanes: &lanes[range.start..], row: steps, step: 1 }
            };
            let right = &self.right.planes[plane].get()[(column * steps + range.start) * kernel.columns..];
            kernel.run(left, right, range.len(), interval, tile);
        }
    }

    /// Adds a tile's integers to `sums`.
    #[inline(always)]
    fn add<T: Dot>(&self, [low, high, both]: &[Tile; 3], sums: &mut [T; TILE]) {
        let joined = |tile: &Tile, i: usize| T::joined(tile.high[i], tile.low[i]);
        let sums = &mut sums[..self.kernel.rows * self.kernel.columns];
        if self.form.precision == Precision::Int8x3 {
            for (i, sum) in sums.iter_mut().enumerate() {
                *sum = sum.plus(T::of_limbs(joined(low, i), joined(high, i), joined(both, i)));
            }
        } else {
            for (i, sum) in sums.iter_mut().enumerate() {
                *sum = sum.plus(joined(low, i));
            }
        }
    }

    /// As [`Self::finish`], straight from the only tile of an element, where the product of two
    /// scales is a normal binary32 number: a product with that is rounded as the law's second
    /// rounding is. `None` where it is not.
    #[inline(always)]
    fn finish_one(
        &self,
        [row, column]: [usize; 2],
        tile: &Tile,
        columns: &Columns,
        place: Place,
        out: &Shared<'_, f32>,
    ) -> Option<bool> {
        let Sizes { m, n, .. } = self.sizes;
        let (first, from) = (row * self.kernel.rows, column * self.kernel.columns);
        let (count, width) = (self.kernel.rows.min(m - first), self.kernel.columns.min(n - from));
        let own = &self.left.scales[first..][..count];
        if !columns.are_narrow || !own.iter().all(is_narrow) {
            return None;
        }
        let mut finite = true;
        for (r, own) in own.iter().enumerate() {
            let own = *own as f32;
            let low = &tile.low[r * self.kernel.columns..][..width];
            let high = &tile.high[r * self.kernel.columns..][..width];
            let at = place.at(first + r, from);
            // SAFETY: every tile belongs to one region, and regions are handed out once.
            let out = unsafe { out.slice(at..at + width) };
            if self.kernel.per_lane == 4 {
                // 127^2 * 4 * STEPS and all on the way fit in 32 bits.
                for (((out, low), scale), correction) in
                    out.iter_mut().zip(low).zip(&columns.scales).zip(&columns.corrections)
                {
                    *out = low.wrapping_sub(*correction) as f32 * (own * scale);
                }
            } else {
                for (((out, low), high), scale) in out.iter_mut().zip(low).zip(high).zip(&columns.scales) {
                    *out = f64::joined(*high, *low) as f32 * (own * scale);
                }
            }
            finite &= all_finite(out);
        }
        Some(finite)
    }

    /// Rounds a tile's integers and scales them into their places.
    #[inline(always)]
    fn finish<T: Dot>(&self, [row, column]: [usize; 2], dots: &[T; TILE], place: Place, out: &Shared<'_, f32>) -> bool {
        let Kernel { rows, columns, per_lane, .. } = self.kernel;
        let Sizes { m, n, .. } = self.sizes;
        let (first, from) = (row * rows, column * columns);
        let width = columns.min(n - from);
        let scales = &self.right.scales[from..][..width];
        let corrections = &self.right.corrections[from..][..width];
        let mut exponents = 0;
        for r in 0..rows.min(m - first) {
            let own = self.left.scales[first + r];
            let at = place.at(first + r, from);
            // SAFETY: every tile belongs to one region, and regions are handed out once.
            let out = unsafe { out.slice(at..at + width) };
            let dots = &dots[r * columns..][..width];
            // Both roundings of the law: to binary32, then by the power of two.
            if per_lane == 4 {
                for (((out, dot), scale), correction) in out.iter_mut().zip(dots).zip(scales).zip(corrections) {
                    *out = (f64::from(dot.less(*correction)) * (own * scale)) as f32;
                    exponents |= u32::from(out.to_bits() & 0x7f80_0000 == 0x7f80_0000);
                }
            } else {
                for ((out, dot), scale) in out.iter_mut().zip(dots).zip(scales) {
                    *out = (f64::from(dot.round()) * (own * scale)) as f32;
                    exponents |= u32::from(out.to_bits() & 0x7f80_0000 == 0x7f80_0000);
                }
            }
        }
        exponents == 0
    }

    #[inline(always)]
    fn region<T: Dot>(&self, [rows, columns]: [Range<usize>; 2], place: Place, out: &Shared<'_, f32>) -> bool {
        let mut tiles = [Tile::new(), Tile::new(), Tile::new()];
        let mut sums = [[T::default(); TILE]; ROWS];
        let mut finite = true;
        let steps = self.form.steps(self.sizes.k);
        let is_one = steps <= STEPS && self.form.planes() == 1;
        for first in rows.clone().step_by(ROWS) {
            for column in columns.clone() {
                let own = Columns::new(self, column);
                for from in (0..steps).step_by(STEPS) {
                    let to = steps.min(from + STEPS);
                    for (row, sums) in (first..rows.end).zip(&mut sums) {
                        self.tiles(row, column, from..to, &mut tiles);
                        if is_one && let Some(all) = self.finish_one([row, column], &tiles[0], &own, place, out) {
                            finite &= all;
                            continue;
                        }
                        if from == 0 {
                            sums.fill(T::default());
                        }
                        self.add(&tiles, sums);
                        if to == steps {
                            finite &= self.finish([row, column], sums, place, out);
                        }
                    }
                }
            }
        }
        finite
    }
}

/// The most columns of a tile.
const COLUMNS: usize = 32;

/// What [`Product::finish_one`] needs of a panel of columns.
struct Columns {
    scales: [f32; COLUMNS],
    corrections: [i32; COLUMNS],
    /// Whether `scales` is all there is to know.
    are_narrow: bool,
}

impl Columns {
    #[inline(always)]
    fn new(product: &Product<'_>, column: usize) -> Columns {
        let width = product.kernel.columns;
        let mut columns = Columns { scales: [0.0; COLUMNS], corrections: [0; COLUMNS], are_narrow: true };
        for (c, scale) in product.right.scales[column * width..][..width].iter().enumerate() {
            columns.scales[c] = *scale as f32;
            columns.are_narrow &= is_narrow(scale);
        }
        if product.kernel.per_lane == 4 {
            for (c, correction) in product.right.corrections[column * width..][..width].iter().enumerate() {
                columns.corrections[c] = *correction as i32;
            }
        }
        columns
    }
}

/// Whether the product of two of these is a normal binary32 number.
#[inline(always)]
fn is_narrow(scale: &f64) -> bool {
    (8e-19..=1.2e18).contains(scale)
}

for_level! {
    /// The panels of rows and of columns given. Whether all is finite.
    pub(super) fn region(
        level;
        product: &Product<'_>,
        panels: [Range<usize>; 2],
        place: Place,
        out: &Shared<'_, f32>,
    ) -> bool {
        if product.is_short() {
            product.region::<f64>(panels, place, out)
        } else {
            product.region::<i64>(panels, place, out)
        }
    }
}

/// What integer products are added up in; large enough for all that comes.
trait Dot: Copy + Default {
    /// `2^16 high + low`.
    fn joined(high: i32, low: i32) -> Self;

    /// `2^22 high + 2^11 (both - high - low) + low`.
    fn of_limbs(low: Self, high: Self, both: Self) -> Self;

    fn plus(self, other: Self) -> Self;

    /// To binary32, ties to even.
    fn round(self) -> f32;

    /// The same, less an integer.
    fn less(self, integer: f64) -> f32;
}

impl Dot for f64 {
    #[inline(always)]
    fn joined(high: i32, low: i32) -> f64 {
        f64::from(high) * 65_536.0 + f64::from(low)
    }

    #[inline(always)]
    fn of_limbs(low: f64, high: f64, both: f64) -> f64 {
        (high * 2048.0 + (both - high - low)) * 2048.0 + low
    }

    #[inline(always)]
    fn plus(self, other: f64) -> f64 {
        self + other
    }

    #[inline(always)]
    fn round(self) -> f32 {
        self as f32
    }

    #[inline(always)]
    fn less(self, integer: f64) -> f32 {
        (self - integer) as f32
    }
}

impl Dot for i64 {
    #[inline(always)]
    fn joined(high: i32, low: i32) -> i64 {
        (i64::from(high) << 16).wrapping_add(i64::from(low))
    }

    #[inline(always)]
    fn of_limbs(low: i64, high: i64, both: i64) -> i64 {
        let middle = both.wrapping_sub(high).wrapping_sub(low);
        ((high << 11).wrapping_add(middle) << 11).wrapping_add(low)
    }

    #[inline(always)]
    fn plus(self, other: i64) -> i64 {
        self.wrapping_add(other)
    }

    #[inline(always)]
    fn round(self) -> f32 {
        self as f32
    }

    #[inline(always)]
    fn less(self, integer: f64) -> f32 {
        self.wrapping_sub(integer as i64) as f32
    }
}
