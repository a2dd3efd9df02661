//! Operands as integers, in the order in which tiles read them.
//!
//! Rows of the left operand and columns of the right one (both are *lines* here) become
//! integers as `assay_exact::quantise` says, straight into their places; no operand is
//! turned first. Lanes (see [`super::kernel`]) of a line and a step are
//!
//! * for lines that are contiguous in a left operand: line after line, step after step;
//! * otherwise: panel after panel of as many lines as a tile has, in a panel step after step,
//!   in a step line after line.
//!
//! Lines are added to fill the last panel, and elements of 0 to fill the last step.

use std::ops::Range;

use assay_exact::Precision;

use super::super::instructions::for_level;
use super::super::power_of_two;
use super::super::split::{Shared, Split};
use super::columns::columns;
use super::kernel::{Kernel, UNROLL};
use super::rows::{Turn, rows, turn_for};

/// Elements along `k` that make a piece, whose norm is known; see [`Norms`].
pub(super) const PIECE: usize = 16;
/// Columns of a row-major operand that are packed together: whole panels of any tile.
const LEFT_STRIP: usize = 48;
const RIGHT_STRIP: usize = 32;
/// Upper bounds of the Euclidean norms of the pieces of a panel's lines; see
/// [`super::kernel`]. A piece has 16, 32 or 64 elements.
pub(super) type Norms = [f32; 3];

/// How an operand is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Form {
    pub precision: Precision,
    /// The left operand (whose lines are rows).
    pub left: bool,
    /// Lines are the columns of the row-major data.
    pub columns: bool,
    /// Elements per lane.
    pub per_lane: usize,
    /// Lines per panel.
    pub panel: usize,
}

impl Form {
    pub fn new(precision: Precision, kernel: &Kernel, left: bool, columns: bool) -> Form {
        let panel = if left { kernel.rows } else { kernel.columns };
        Form { precision, left, columns, per_lane: kernel.per_lane, panel }
    }

    /// Matrices of lanes.
    pub fn planes(&self) -> usize {
        if self.precision == Precision::Int8x3 { 3 } else { 1 }
    }

    /// Steps for `k` elements.
    pub fn steps(&self, k: usize) -> usize {
        k.div_ceil(self.per_lane).next_multiple_of(UNROLL)
    }

    /// Lines packed in one go.
    fn unit(&self) -> usize {
        match (self.columns, self.left) {
            (true, true) => LEFT_STRIP,
            (true, false) => RIGHT_STRIP,
            (false, _) => self.panel,
        }
    }
}

/// An operand in memory, not empty: `lines` lines of `k` elements, row-major or, if the
/// form says so, as columns.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'a> {
    pub data: &'a [f32],
    pub lines: usize,
    pub k: usize,
}

/// Lanes, from an address that is a multiple of 64 on.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    lanes: Vec<u32>,
    start: usize,
}

impl Lanes {
    fn reserve(&mut self, count: usize) {
        if self.lanes.len() < count + 15 {
            // What was there is not needed any more.
            self.lanes = vec![0; count + 15];
            self.start = self.lanes.as_ptr().align_offset(64).min(15);
        }
    }

    pub fn get(&self) -> &[u32] {
        &self.lanes[self.start..]
    }
}

/// A packed operand.
#[derive(Debug, Default)]
pub(super) struct Packed {
    /// One plane, or three for `int8x3`: low limbs, high limbs, and their sums.
    pub planes: [Lanes; 3],
    /// Of every line: `2^(e - 2p)` at the left, `2^e` at the right.
    pub scales: Vec<f64>,
    /// Of every line of signed bytes: 128 times the sum of its integers.
    pub corrections: Vec<f64>,
    /// Of every panel of `int8x2`.
    pub norms: Vec<Norms>,
}

/// Where a packed operand is written.
#[derive(Clone, Copy)]
pub(super) struct Places<'a> {
    pub planes: [Shared<'a, u32>; 3],
    pub scales: Shared<'a, f64>,
    pub corrections: Shared<'a, f64>,
    pub norms: Shared<'a, Norms>,
    pub turn: Turn,
}

impl Packed {
    /// Packs an operand. Allocates only where there is more than ever before.
    pub fn pack(&mut self, form: Form, source: Source<'_>, split: Split) {
        let padded = source.lines.next_multiple_of(form.panel);
        for plane in &mut self.planes[..form.planes()] {
            plane.reserve(padded * form.steps(source.k));
        }
        let longest = self.scales.len().max(padded);
        self.scales.resize(longest, 0.0);
        self.corrections.resize(longest, 0.0);
        self.norms.resize(self.norms.len().max(padded / form.panel), [0.0; 3]);
        let places = Places {
            planes: self.planes.each_mut().map(|plane| Shared::new(&mut plane.lanes[plane.start..])),
            scales: Shared::new(&mut self.scales),
            corrections: Shared::new(&mut self.corrections),
            norms: Shared::new(&mut self.norms),
            turn: turn_for(split.level),
        };
        let unit = form.unit();
        split.each(padded.div_ceil(unit), 4 * unit * source.k, |units| {
            pack_units(split.level, &form, &source, units, &places);
        });
    }
}

for_level! {
    fn pack_units(level; form: &Form, source: &Source<'_>, units: Range<usize>, places: &Places<'_>) {
        let first = units.start * form.unit();
        let end = source.lines.next_multiple_of(form.panel).min(units.end * form.unit());
        match (form.columns, form.left) {
            (false, _) => {
                // A closure would be compiled without the level's instructions.
                for first in (first..end).step_by(form.panel) {
                    rows(form, source, first, places);
                }
            }
            (true, true) => columns::<LEFT_STRIP>(form, source, first..end, places),
            (true, false) => columns::<RIGHT_STRIP>(form, source, first..end, places),
        }
    }
}

/// The factor that a line's results are scaled with.
pub(super) fn scale(form: &Form, exponent: i32) -> f64 {
    power_of_two(if form.left { exponent - 2 * form.precision.bits() } else { exponent })
}

#[inline(always)]
pub(super) fn square(q: i32) -> u32 {
    q.wrapping_mul(q) as u32
}

/// A bound of the norm for a sum of squares that rounding has made too small by a relative
/// 2^-20 at most; the root and the factor are rounded, too.
pub(super) fn norm(squares: f32) -> f32 {
    squares.sqrt() * 1.001
}
