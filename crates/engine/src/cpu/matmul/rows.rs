//! Packs lines that are contiguous in memory.
#![allow(unsafe_code)]

use assay_exact::Precision;

use super::super::instructions::Level;
use super::pack::{Form, PIECE, Places, Source, norm, scale, square};
use super::quantised::{
    Both, CHUNK, Grid, High, Low, Part, Signed, Small, Unsigned, Whole, magnitude, rint_narrow, rint_wide,
};
#[cfg(target_arch = "x86_64")]
use crate::Instructions;

/// A panel of lines that are contiguous in the source.
#[inline(always)]
pub(super) fn rows(form: &Form, source: &Source<'_>, first: usize, places: &Places<'_>) {
    match (form.precision, form.per_lane) {
        (Precision::Int8x1, 4) if form.left => row_panel::<Unsigned>(form, source, first, places),
        (Precision::Int8x1, 4) => row_panel::<Signed>(form, source, first, places),
        (Precision::Int8x1, _) => row_panel::<Small>(form, source, first, places),
        (Precision::Int8x2, _) => row_panel::<Whole>(form, source, first, places),
        (Precision::Int8x3, _) => {
            row_panel::<Low>(form, source, first, places);
            row_panel::<High>(form, source, first, places);
            row_panel::<Both>(form, source, first, places);
        }
    }
}

/// Lines that are turned together.
const GROUP: usize = 8;

#[inline(always)]
fn row_panel<L: Part>(form: &Form, source: &Source<'_>, first: usize, places: &Places<'_>) {
    let (steps, k, panel) = (form.steps(source.k), source.k, form.panel);
    // SAFETY: units, which are panels, are packed once each, and their lines are apart.
    let (plane, scales, corrections, norms) = unsafe {
        (
            places.planes[L::PLANE].slice(first * steps..(first + panel) * steps),
            places.scales.slice(first..first + panel),
            places.corrections.slice(first..first + panel),
            places.norms.slice(first / panel..first / panel + 1),
        )
    };
    let line = |r: usize| if first + r < source.lines { &source.data[(first + r) * k..][..k] } else { &[] };
    let mut squares = [0f32; 3];
    for from in (0..panel).step_by(if form.left { 1 } else { GROUP }) {
        let lines: [&[f32]; GROUP] = std::array::from_fn(|r| if from + r < panel { line(from + r) } else { &[] });
        let count = if form.left { 1 } else { GROUP };
        let mut grids = [Grid::new(0, form.precision); GROUP];
        let mut sums = [0i64; GROUP];
        let mut lanes = [[0u32; CHUNK / 2]; GROUP];
        for r in 0..count {
            grids[r] = Grid::new(lines[r].iter().fold(0, |most, x| most.max(magnitude(*x))), form.precision);
            scales[from + r] = scale(form, grids[r].exponent);
        }
        for at in (0..steps).step_by(CHUNK / L::PER_LANE) {
            let now = (steps - at).min(CHUNK / L::PER_LANE);
            for r in 0..count {
                let integers = integers(lines[r], at * L::PER_LANE, &grids[r]);
                lanes[r] = L::lanes(&integers);
                if L::NORMS {
                    // 16 squares of at most 16,319 fit in 32 bits.
                    let mut squared = [0u32; CHUNK];
                    for (squared, q) in squared.iter_mut().zip(&integers) {
                        *squared = square(*q);
                    }
                    let pairs: [u32; 32] = halved(squared);
                    let fours: [u32; 16] = halved(pairs);
                    let eights: [u32; 8] = halved(fours);
                    let sixteens: [u32; CHUNK / PIECE] = halved(eights);
                    let [a, b, c, d] = sixteens.map(|squares| squares as f32);
                    squares[0] = squares[0].max(a).max(b).max(c).max(d);
                    squares[1] = squares[1].max(a + b).max(c + d);
                    squares[2] = squares[2].max((a + b) + (c + d));
                }
                if L::SUMS {
                    sums[r] += i64::from(integers.iter().fold(0i32, |sum, q| sum.wrapping_add(*q)));
                }
            }
            if form.left {
                plane[from * steps + at..][..now].copy_from_slice(&lanes[0][..now]);
            } else {
                (places.turn)(&lanes, now, &mut plane[at * panel + from..], panel);
            }
        }
        if L::SUMS {
            for r in 0..count {
                corrections[from + r] = 128.0 * sums[r] as f64;
            }
        }
    }
    if L::NORMS {
        norms[0] = squares.map(norm);
    }
}

/// The sums of neighbours.
#[inline(always)]
fn halved<const N: usize, const M: usize>(x: [u32; N]) -> [u32; M] {
    let mut sums = [0; M];
    for (i, sum) in sums.iter_mut().enumerate() {
        *sum = x[2 * i].wrapping_add(x[2 * i + 1]);
    }
    sums
}

/// A chunk of a line from element `at` on as integers, with zeros behind its end.
#[inline(always)]
fn integers(line: &[f32], at: usize, grid: &Grid) -> [i32; CHUNK] {
    let mut padded = [0.0; CHUNK];
    let chunk = match line.get(at..at + CHUNK).and_then(|chunk| chunk.try_into().ok()) {
        Some(chunk) => chunk,
        None => {
            let rest = line.get(at..).unwrap_or(&[]);
            padded[..rest.len()].copy_from_slice(rest);
            &padded
        }
    };
    // Not `map`, which the compiler does not make vector code of.
    let mut integers = [0; CHUNK];
    if grid.is_narrow() {
        for (q, x) in integers.iter_mut().zip(chunk) {
            *q = rint_narrow(*x, grid.narrow());
        }
    } else {
        for (q, x) in integers.iter_mut().zip(chunk) {
            *q = rint_wide(*x, grid.wide());
        }
    }
    integers
}

/// Writes the lanes of lines, of which the first `steps` count, side by side: line `r`'s lane
/// `s` to `s * panel + r`.
pub(super) type Turn = fn(lines: &[[u32; CHUNK / 2]; GROUP], steps: usize, out: &mut [u32], panel: usize);

fn turn(lines: &[[u32; CHUNK / 2]; GROUP], steps: usize, out: &mut [u32], panel: usize) {
    for (s, out) in out.chunks_mut(panel).take(steps).enumerate() {
        for (out, line) in out.iter_mut().zip(lines) {
            *out = line[s];
        }
    }
}

/// The fastest way of this level.
pub(super) fn turn_for(level: Level) -> Turn {
    match level.get() {
        #[cfg(target_arch = "x86_64")]
        Instructions::Avx2 | Instructions::AvxVnni | Instructions::Avx512Vnni => super::x86::turn,
        _ => turn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Instructions;

    #[test]
    fn lines_are_turned_alike() {
        let lines: [[u32; 32]; 8] = std::array::from_fn(|r| std::array::from_fn(|s| (100 * r + s) as u32));
        for set in Instructions::available() {
            let turn = turn_for(Level::of(set).unwrap());
            for steps in [4, 8, 12, 32] {
                let mut out = vec![7; 32 * 16 + 8];
                turn(&lines, steps, &mut out[8..], 16);
                for (i, got) in out.iter().enumerate() {
                    let (s, r) = (i / 16, (i % 16).wrapping_sub(8));
                    let want = if r < 8 && s < steps { lines[r][s] } else { 7 };
                    assert_eq!(*got, want, "{set}, {steps} steps, {i}");
                }
            }
        }
    }
}
