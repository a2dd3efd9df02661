//! Packs lines that are columns of row-major data, row by row.
#![allow(unsafe_code)]

use std::ops::Range;

use assay_exact::Precision;

use super::pack::{Form, PIECE, Places, Source, norm, scale, square};
use super::quantised::{
    Both, CHUNK, Grid, High, Low, Part, Signed, Small, Unsigned, Whole, magnitude, rint_narrow, rint_wide,
};

/// Columns that are searched for their maxima together: at most so many, and no more bytes
/// than the second-level cache holds while they are then packed.
const BAND: usize = 480;
const BAND_BYTES: usize = 512 << 10;

/// Some of the source's columns, with those that fill the last panel.
#[inline(always)]
pub(super) fn columns<const W: usize>(form: &Form, source: &Source<'_>, columns: Range<usize>, places: &Places<'_>) {
    let width = (BAND_BYTES / 4 / source.k).clamp(W, BAND) / W * W;
    for first in columns.clone().step_by(width) {
        let band = Band::<W>::new(form, source, first..columns.end.min(first + width), places);
        match (form.precision, form.per_lane) {
            (Precision::Int8x1, 4) if form.left => band.pack::<Unsigned>(),
            (Precision::Int8x1, 4) => band.pack::<Signed>(),
            (Precision::Int8x1, _) => band.pack::<Small>(),
            (Precision::Int8x2, _) => band.pack::<Whole>(),
            (Precision::Int8x3, _) => {
                band.pack::<Low>();
                band.pack::<High>();
                band.pack::<Both>();
            }
        }
    }
}

/// Neighbouring columns, in strips of `W`.
struct Band<'a, const W: usize> {
    form: &'a Form,
    source: &'a Source<'a>,
    places: &'a Places<'a>,
    lines: Range<usize>,
    is_narrow: bool,
    narrow: [f32; BAND],
    wide: [f64; BAND],
}

impl<'a, const W: usize> Band<'a, W> {
    #[inline(always)]
    fn new(form: &'a Form, source: &'a Source<'a>, lines: Range<usize>, places: &'a Places<'a>) -> Self {
        let mut most = [0i32; BAND];
        let there = lines.start..lines.end.min(source.lines);
        for row in source.data.chunks_exact(source.lines) {
            for (most, x) in most.iter_mut().zip(&row[there.clone()]) {
                *most = (*most).max(magnitude(*x));
            }
        }
        let mut band = Band { form, source, places, lines, is_narrow: true, narrow: [1.0; BAND], wide: [1.0; BAND] };
        // SAFETY: units are packed once each, and their lines are apart.
        let scales = unsafe { places.scales.slice(band.lines.clone()) };
        for (c, scale) in scales.iter_mut().enumerate() {
            let grid = Grid::new(most[c], form.precision);
            (band.narrow[c], band.wide[c]) = (grid.narrow(), grid.wide());
            band.is_narrow &= grid.is_narrow();
            *scale = self::scale(form, grid.exponent);
        }
        band
    }

    #[inline(always)]
    fn pack<L: Part>(&self) {
        let Form { panel, .. } = *self.form;
        let (steps, first) = (self.form.steps(self.source.k), self.lines.start);
        // SAFETY: units are packed once each, their lines are apart, and they are whole panels.
        let (plane, corrections, norms) = unsafe {
            (
                self.places.planes[L::PLANE].slice(first * steps..self.lines.end * steps),
                self.places.corrections.slice(self.lines.clone()),
                self.places.norms.slice(first / panel..self.lines.end / panel),
            )
        };
        corrections.fill(0.0);
        norms.fill([0.0; 3]);
        // A chunk of all columns, then the next: memory is read row by row.
        for from in (0..steps).step_by(CHUNK / L::PER_LANE) {
            for strip in (0..self.lines.len()).step_by(W) {
                let lines = W.min(self.lines.len() - strip);
                let plane = &mut plane[strip * steps..(strip + lines) * steps];
                let sums = if self.is_narrow {
                    self.strip::<L, true>(strip, from, steps, plane)
                } else {
                    self.strip::<L, false>(strip, from, steps, plane)
                };
                if L::SUMS {
                    for (correction, sum) in corrections[strip..].iter_mut().zip(sums.integers) {
                        *correction += 128.0 * f64::from(sum);
                    }
                }
                if L::NORMS {
                    for (panel, norms) in norms[strip / panel..].iter_mut().enumerate().take(lines / panel) {
                        for (norm, squares) in norms.iter_mut().zip(&sums.squares) {
                            let squares = &squares[panel * self.form.panel..][..self.form.panel];
                            *norm = squares.iter().fold(*norm, |most, x| if *x > most { *x } else { most });
                        }
                    }
                }
            }
        }
        if L::NORMS {
            norms.iter_mut().flatten().for_each(|norm| *norm = self::norm(*norm));
        }
    }

    /// One chunk of a strip, from step `from` on.
    #[inline(always)]
    fn strip<L: Part, const NARROW: bool>(
        &self,
        strip: usize,
        from: usize,
        steps: usize,
        plane: &mut [u32],
    ) -> Sums<W> {
        let narrow: &[f32; W] = self.narrow[strip..][..W].try_into().expect("whole strips");
        let wide: &[f64; W] = self.wide[strip..][..W].try_into().expect("whole strips");
        // 16 squares of at most 16,319 fit in 32 bits.
        let mut pieces = [[0u32; W]; CHUNK / PIECE];
        let mut integers = [0i32; W];
        let mut padded = [0.0; W];
        for (p, piece) in pieces.iter_mut().enumerate() {
            let from = from + p * (PIECE / L::PER_LANE);
            for step in from..steps.min(from + PIECE / L::PER_LANE) {
                let mut lanes = [0u32; W];
                for i in 0..L::PER_LANE {
                    let row = self.row(step * L::PER_LANE + i, self.lines.start + strip, &mut padded);
                    for c in 0..W {
                        let q = if NARROW { rint_narrow(row[c], narrow[c]) } else { rint_wide(row[c], wide[c]) };
                        lanes[c] |= L::at(q, i);
                        if L::NORMS {
                            piece[c] = piece[c].wrapping_add(square(q));
                        }
                        if L::SUMS {
                            integers[c] = integers[c].wrapping_add(q);
                        }
                    }
                }
                match self.form.panel {
                    3 => deal::<3>(&lanes, step, steps, plane),
                    4 => deal::<4>(&lanes, step, steps, plane),
                    6 => deal::<6>(&lanes, step, steps, plane),
                    8 => deal::<8>(&lanes, step, steps, plane),
                    12 => deal::<12>(&lanes, step, steps, plane),
                    16 => deal::<16>(&lanes, step, steps, plane),
                    32 => deal::<32>(&lanes, step, steps, plane),
                    panel => unreachable!("no tile has {panel} lines"),
                }
            }
        }
        let mut squares = [[0f32; W]; 3];
        let most = |a: f32, b: f32| if a > b { a } else { b };
        for i in 0..W {
            let [a, b, c, d] = [pieces[0][i] as f32, pieces[1][i] as f32, pieces[2][i] as f32, pieces[3][i] as f32];
            squares[0][i] = most(most(a, b), most(c, d));
            squares[1][i] = most(a + b, c + d);
            squares[2][i] = (a + b) + (c + d);
        }
        Sums { squares, integers }
    }

    /// Element `i` of the columns from `first` on, 0 where there is none; copied only where they
    /// are too few.
    #[inline(always)]
    fn row<'b>(&'b self, i: usize, first: usize, padded: &'b mut [f32; W]) -> &'b [f32; W] {
        let (count, data) = (self.source.lines, self.source.data);
        let row = if i < self.source.k { &data[i * count + first..(i + 1) * count] } else { &[] };
        match row.first_chunk() {
            Some(whole) => whole,
            None => {
                padded.fill(0.0);
                padded[..row.len()].copy_from_slice(row);
                padded
            }
        }
    }
}

/// What is known of a strip's chunk.
struct Sums<const W: usize> {
    /// The greatest sums of the squares of pieces of 16, 32 and 64 elements.
    squares: [[f32; W]; 3],
    integers: [i32; W],
}

/// Writes a step's lanes to their panels, as many as there are.
#[inline(always)]
fn deal<const P: usize>(lanes: &[u32], step: usize, steps: usize, plane: &mut [u32]) {
    for (lanes, panel) in lanes.as_chunks::<P>().0.iter().zip(plane.chunks_exact_mut(P * steps)) {
        panel[step * P..][..P].copy_from_slice(lanes);
    }
}
