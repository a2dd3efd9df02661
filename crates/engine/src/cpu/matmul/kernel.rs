//! Register tiles: the innermost loops of the exact matmul.
//!
//! Packed operands are made of 32-bit *lanes*, each holding neighbouring elements along
//! `k`: two of 16 bits (*words*) or four of 8 (*bytes*: unsigned at the left, signed at
//! the right). A *step* multiplies a lane of every row with a lane of every column of the
//! tile and adds the products of the elements.
//!
//! # Why nothing overflows
//!
//! Words: a 32-bit sum takes the products of at most `interval` steps; then its upper half
//! is added to a second register and only the lower half, in `0..2^16`, is kept (a *carry*). With `w`
//! the greatest sum of the magnitudes of an interval's products, `w + 2^16 - 1 <= 2^31 - 1` must hold:
//!
//! | operand | greatest magnitude | interval in elements of `k` | `w` |
//! | --- | --- | --- | --- |
//! | `int8x1` | 127 | 65,536 | 1,057,030,144 |
//! | `int8x2` | 16,319 | 8 | 2,130,478,088 |
//! | `int8x2`, proved by norms | 16,319 | 16, 32 or 64 | at most 2^31 - 2^16 |
//! | a limb of `int8x3`, or the sum of two | 2,044 | 512 | 2,139,095,040 |
//!
//! and 2^31 - 2^16 is 2,147,418,112. The norms: by the inequality of Cauchy and Schwarz,
//! the sum of the magnitudes of the products of two pieces is at most the product of
//! their Euclidean norms, and those of all pieces of 16, 32 and 64 elements are known from
//! packing (see [`super::pack`]).
//! A carry adds at most 2^15 in magnitude to the upper half, so that 2^15 carries stay within 2^30;
//! [`BLOCK`] elements of `k` make at most 2^13.
//!
//! Bytes: the left operand is `q + 128` in `1..=255`, so that 255 * 127 * 65,536 =
//! 2,122,383,360 < 2^31: no carry within [`BLOCK`].

use super::super::instructions::Level;
use crate::Instructions;

/// Elements of `k` in one run of a tile; longer products are added up in wider numbers.
pub(super) const BLOCK: usize = 1 << 16;

/// The most elements of a tile.
pub(super) const TILE: usize = 384;

/// The steps of a tile run are a multiple of this.
pub(super) const UNROLL: usize = 4;

/// The integer sums of a tile: element `(row, column)` at `row * columns + column` is
/// `2^16 * high + low`; `low` may have any sign.
#[repr(align(64))]
pub(super) struct Tile {
    pub low: [i32; TILE],
    pub high: [i32; TILE],
}

impl Tile {
    pub fn new() -> Tile {
        Tile { low: [0; TILE], high: [0; TILE] }
    }
}

/// Where the lanes of a tile's rows are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Left<'a> {
    pub lanes: &'a [u32],
    /// From a row to the next.
    pub row: usize,
    /// From a step to the next.
    pub step: usize,
}

/// Adds up a tile: `steps` steps (a multiple of [`UNROLL`]), with a carry every `interval`
/// steps (a multiple of [`UNROLL`]; not read for bytes). `right` has the lanes of a step
/// side by side.
type Run = fn(left: Left<'_>, right: &[u32], steps: usize, interval: usize, out: &mut Tile);

/// How a kind of lane is multiplied.
#[derive(Clone, Copy)]
pub(super) struct Kernel {
    pub rows: usize,
    pub columns: usize,
    /// Elements per lane: 2 (words) or 4 (bytes).
    pub per_lane: usize,
    run: Run,
}

impl Kernel {
    /// For words.
    pub fn words(level: Level) -> Kernel {
        let (rows, columns, run): (usize, usize, Run) = match level.get() {
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => (3, 16, super::x86::words_avx2),
            #[cfg(target_arch = "x86_64")]
            Instructions::AvxVnni => (3, 16, super::x86::words_avx_vnni),
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512Vnni => (6, 32, super::x86::words_avx512),
            _ => (4, 8, words_scalar),
        };
        Kernel { rows, columns, per_lane: 2, run }
    }

    /// For bytes, where they are faster than words.
    pub fn bytes(level: Level) -> Option<Kernel> {
        let (rows, columns, run): (usize, usize, Run) = match level.get() {
            #[cfg(target_arch = "x86_64")]
            Instructions::AvxVnni => (6, 16, super::x86::bytes_avx_vnni),
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512Vnni => (12, 32, super::x86::bytes_avx512),
            _ => return None,
        };
        Some(Kernel { rows, columns, per_lane: 4, run })
    }

    /// See [`Run`].
    ///
    /// # Panics
    /// If the lanes are not all there.
    #[inline(always)]
    pub fn run(&self, left: Left<'_>, right: &[u32], steps: usize, interval: usize, out: &mut Tile) {
        assert!(steps > 0 && steps.is_multiple_of(UNROLL) && interval > 0 && interval.is_multiple_of(UNROLL));
        assert!((self.rows - 1) * left.row + (steps - 1) * left.step < left.lanes.len());
        assert!(steps * self.columns <= right.len());
        (self.run)(left, right, steps, interval, out);
    }
}

/// The two elements of a lane.
#[inline(always)]
fn halves(lane: u32) -> (i32, i32) {
    (i32::from(lane as u16 as i16), i32::from((lane >> 16) as u16 as i16))
}

/// Plain loops, which compilers turn into what the target always has.
fn words_scalar(left: Left<'_>, right: &[u32], steps: usize, interval: usize, out: &mut Tile) {
    const ROWS: usize = 4;
    const COLUMNS: usize = 8;
    let (mut low, mut high) = ([[0i32; COLUMNS]; ROWS], [[0i32; COLUMNS]; ROWS]);
    for start in (0..steps).step_by(interval) {
        for step in start..steps.min(start + interval) {
            let right: &[u32; COLUMNS] = right[step * COLUMNS..][..COLUMNS].try_into().expect("as many as columns");
            for (r, low) in low.iter_mut().enumerate() {
                let (a0, a1) = halves(left.lanes[r * left.row + step * left.step]);
                for (low, lane) in low.iter_mut().zip(right) {
                    let (b0, b1) = halves(*lane);
                    *low = low.wrapping_add(a0 * b0 + a1 * b1);
                }
            }
        }
        for (low, high) in low.as_flattened_mut().iter_mut().zip(high.as_flattened_mut()) {
            *high += *low >> 16;
            *low &= 0xffff;
        }
    }
    out.low[..ROWS * COLUMNS].copy_from_slice(low.as_flattened());
    out.high[..ROWS * COLUMNS].copy_from_slice(high.as_flattened());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::instructions::Level;

    fn levels() -> impl Iterator<Item = Level> {
        Instructions::available().map(|set| Level::of(set).unwrap())
    }

    /// Every element of both operands is `a` or `b`: the sum is `k a b`.
    fn extreme(kernel: &Kernel, k: usize, interval: usize, lane: impl Fn(i32, bool) -> u32, (a, b): (i32, i32)) {
        let steps = (k / kernel.per_lane).next_multiple_of(UNROLL);
        let filled = k / kernel.per_lane;
        let rows: Vec<u32> =
            (0..kernel.rows * steps).map(|i| if i % steps < filled { lane(a, true) } else { lane(0, true) }).collect();
        let columns: Vec<u32> = (0..kernel.columns * steps)
            .map(|i| if i / kernel.columns < filled { lane(b, false) } else { lane(0, false) })
            .collect();
        let mut tile = Tile::new();
        kernel.run(Left { lanes: &rows, row: steps, step: 1 }, &columns, steps, interval, &mut tile);
        for at in 0..kernel.rows * kernel.columns {
            let got = (i64::from(tile.high[at]) << 16) + i64::from(tile.low[at]);
            // Bytes at the left are read without a sign.
            assert_eq!(got, filled as i64 * kernel.per_lane as i64 * i64::from(a) * i64::from(b), "k {k}");
        }
    }

    fn word(q: i32, _: bool) -> u32 {
        u32::from(q as i16 as u16) * 0x1_0001
    }

    fn byte(q: i32, _: bool) -> u32 {
        u32::from(q as u8) * 0x0101_0101
    }

    #[test]
    fn words_hold_the_extremes() {
        for level in levels() {
            let kernel = Kernel::words(level);
            for (limit, interval) in [(127, BLOCK), (16_319, 8), (2_044, 512)] {
                for k in [2, 6, 8, 10, interval - 2, interval, interval + 2, 3 * interval + 4, BLOCK - 2, BLOCK] {
                    for signs in [(limit, limit), (limit, -limit), (-limit, -limit)] {
                        extreme(&kernel, k.min(BLOCK), interval / 2, word, signs);
                    }
                }
            }
            // The longest intervals that norms allow: 2^31 - 2^16 for 16 elements is 11,585.0^2 each.
            for (limit, interval) in [(11_584, 16), (8_191, 32), (5_792, 64)] {
                for k in [interval - 2, interval, interval + 2, BLOCK] {
                    extreme(&kernel, k, interval / 2, word, (limit, -limit));
                    extreme(&kernel, k, interval / 2, word, (limit, limit));
                }
            }
        }
    }

    #[test]
    fn bytes_hold_the_extremes() {
        for kernel in levels().filter_map(Kernel::bytes) {
            for k in [4, 12, 16, 20, BLOCK - 4, BLOCK] {
                for (a, b) in [(255, 127), (255, -127), (1, -127), (128, 64)] {
                    extreme(&kernel, k, 4, byte, (a, b));
                }
            }
        }
    }

    #[test]
    fn rows_and_columns_are_kept_apart() {
        for level in levels() {
            for kernel in [Some(Kernel::words(level)), Kernel::bytes(level)].into_iter().flatten() {
                let steps = 12;
                // One element of every lane is not zero.
                let rows: Vec<u32> = (0..kernel.rows * steps).map(|i| (i % 97) as u32).collect();
                let columns: Vec<u32> = (0..kernel.columns * steps).map(|i| (i % 89) as u32).collect();
                for (row, step) in [(steps, 1), (1, kernel.rows)] {
                    let mut tile = Tile::new();
                    let left = Left { lanes: &rows, row, step };
                    kernel.run(left, &columns, steps, 4, &mut tile);
                    for r in 0..kernel.rows {
                        for c in 0..kernel.columns {
                            let product =
                                |s: usize| rows[r * row + s * step] as i32 * columns[s * kernel.columns + c] as i32;
                            let at = r * kernel.columns + c;
                            let want: i32 = (0..steps).map(product).sum();
                            assert_eq!((tile.high[at] << 16) + tile.low[at], want);
                        }
                    }
                }
            }
        }
    }
}
