//! Exact matmul with portable 16-bit products.
//!
//! Rows become integers as `assay_exact::quantise` says. The products are of
//! 16-bit *limbs*, summed in 32 bits over blocks of `k` short enough not to
//! overflow, and across blocks in 64 bits:
//!
//! | precision | left limbs | right limbs | block | greatest block sum |
//! | --- | --- | --- | --- | --- |
//! | `int8x1` | `q` | `q` | 65,536 | 127 * 127 * 65536 |
//! | `int8x2` | `q` | `128 hi + lo` | 1,024 | 16319 * 127 * 1024 |
//! | `int8x3` | `2048 hi + lo` | `2048 hi + lo` | 1,024 | 1024 * 1024 * 1024 |

use assay_exact::{Precision, quantise};
use rayon::prelude::*;

use super::moves::transpose_matrix;
use super::{Split, power_of_two};
use crate::session::View;

/// The inner dimension is padded with zeros to a multiple of this.
const LANES: usize = 16;

/// Buffers kept from matmul to matmul.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    left: Packed,
    right: Packed,
}

/// The integers of a matrix's rows.
#[derive(Debug, Default)]
struct Packed {
    /// The matrix with rows contiguous, where the operand had them as columns.
    turned: Vec<f32>,
    exponents: Vec<i32>,
    /// One or two limbs of every element, rows padded, least significant first.
    limbs: [Vec<i16>; 2],
}

/// How integers of a precision are cut into limbs.
#[derive(Clone, Copy, Debug)]
struct Cut {
    /// The bits of the low limb; `None` for a single limb.
    left: Option<u32>,
    right: Option<u32>,
    block: usize,
}

impl Cut {
    fn of(precision: Precision) -> Cut {
        match precision {
            Precision::Int8x1 => Cut { left: None, right: None, block: 1 << 16 },
            Precision::Int8x2 => Cut { left: None, right: Some(7), block: 1 << 10 },
            Precision::Int8x3 => Cut { left: Some(11), right: Some(11), block: 1 << 10 },
        }
    }
}

impl Cut {
    /// The limbs of an operand and their places: `(which, shift)`.
    fn limbs(self, low_bits: Option<u32>) -> impl Iterator<Item = (usize, u32)> {
        std::iter::once((0, 0)).chain(low_bits.map(|bits| (1, bits)))
    }
}

impl Scratch {
    /// `out = left right`, for rank 2 or 3.
    pub fn run(
        &mut self,
        (left, transpose_left): (View<'_>, bool),
        (right, transpose_right): (View<'_>, bool),
        precision: Precision,
        out: &mut [f32],
        split: Split,
    ) {
        let sizes = |view: &View<'_>, swap: bool| {
            let (r, c) = (view.shape.from_right(1) as usize, view.shape.from_right(0) as usize);
            if swap { (c, r) } else { (r, c) }
        };
        let (m, k) = sizes(&left, transpose_left);
        // The right operand is packed by columns: transposed unless it already is.
        let (n, _) = sizes(&right, !transpose_right);
        if out.is_empty() {
            return;
        }
        if k == 0 {
            return out.fill(0.0);
        }
        let cut = Cut::of(precision);
        let lefts = left.data.chunks_exact(m * k);
        let rights = right.data.chunks_exact(k * n);
        for ((a, b), out) in lefts.zip(rights).zip(out.chunks_exact_mut(m * n)) {
            self.left.pack(a, (m, k), transpose_left, precision, cut.left, split);
            self.right.pack(b, (n, k), !transpose_right, precision, cut.right, split);
            self.multiply(k.next_multiple_of(LANES), n, precision, cut, out, split);
        }
    }

    fn multiply(&self, k: usize, n: usize, precision: Precision, cut: Cut, out: &mut [f32], split: Split) {
        let m = out.len() / n;
        let rows = split.part(m, k * n);
        let run = |first: usize, out: &mut [f32]| {
            for (i, out) in out.chunks_exact_mut(n).enumerate() {
                self.row(first + i, k, precision, cut, out);
            }
        };
        if rows >= m {
            return run(0, out);
        }
        out.par_chunks_mut(rows * n).enumerate().for_each(|(i, out)| run(i * rows, out));
    }

    /// One row of the result, four columns at a time.
    fn row(&self, i: usize, k: usize, precision: Precision, cut: Cut, out: &mut [f32]) {
        let own = self.left.exponents[i] - 2 * precision.bits();
        for (group, out) in out.chunks_mut(4).enumerate() {
            let first = 4 * group;
            let mut dots = [0i64; 4];
            for (left, left_shift) in cut.limbs(cut.left) {
                let a = &self.left.limbs[left][i * k..][..k];
                for (right, right_shift) in cut.limbs(cut.right) {
                    let b = &self.right.limbs[right][first * k..][..out.len() * k];
                    add_products(a, b, cut.block, left_shift + right_shift, &mut dots);
                }
            }
            let exponents = &self.right.exponents[first..];
            for ((out, dot), exponent) in out.iter_mut().zip(dots).zip(exponents) {
                // Both roundings of the law: to binary32, then by the power of two.
                *out = (f64::from(dot as f32) * power_of_two(own + exponent)) as f32;
            }
        }
    }
}

impl Packed {
    /// Packs `rows` rows of `k` elements; `turn` if `data` has them as columns.
    fn pack(
        &mut self,
        data: &[f32],
        (rows, k): (usize, usize),
        turn: bool,
        precision: Precision,
        low_bits: Option<u32>,
        split: Split,
    ) {
        let Packed { turned, exponents, limbs: [low, high] } = self;
        let data = if turn {
            turned.resize(rows * k, 0.0);
            transpose_matrix(data, k, rows, turned);
            turned.as_slice()
        } else {
            data
        };
        let padded = k.next_multiple_of(LANES);
        exponents.resize(rows, 0);
        low.resize(rows * padded, 0);
        // Where there is one limb, the other is empty and its rows have no elements.
        let high_padded = if low_bits.is_some() { padded } else { 0 };
        high.resize(rows * high_padded, 0);

        let part = split.part(rows, 4 * k);
        let pack_rows = |data: &[f32], exponents: &mut [i32], low: &mut [i16], high: &mut [i16]| {
            for (i, (row, exponent)) in data.chunks_exact(k).zip(exponents).enumerate() {
                *exponent = row_exponent(row, precision);
                let shift = precision.bits() - *exponent;
                let low = &mut low[i * padded..][..padded];
                match low_bits {
                    None => quantise_row(row, shift, low, |q| q as i16),
                    Some(bits) => {
                        let high = &mut high[i * padded..][..padded];
                        quantise_row(row, shift, low, |q| low_limb(q, bits) as i16);
                        quantise_row(row, shift, high, |q| high_limb(q, bits) as i16);
                    }
                }
            }
        };
        if part >= rows {
            return pack_rows(data, exponents, low, high);
        }
        // Rayon has no chunks of size 0 for the limb that is not there.
        let mut highs: Vec<&mut [i16]> = if high_padded == 0 {
            (0..rows.div_ceil(part)).map(|_| Default::default()).collect()
        } else {
            high.chunks_mut(part * padded).collect()
        };
        data.par_chunks(part * k)
            .zip(exponents.par_chunks_mut(part))
            .zip(low.par_chunks_mut(part * padded))
            .zip(highs.par_iter_mut())
            .for_each(|(((data, exponents), low), high)| pack_rows(data, exponents, low, high));
    }
}

fn row_exponent(row: &[f32], precision: Precision) -> i32 {
    let most = row.iter().fold(0, |most, x| most.max((x.to_bits() & 0x7fff_ffff) as i32));
    quantise::row_exponent(f32::from_bits(most as u32), precision)
}

/// The low limb, in `[-2^(bits-1), 2^(bits-1))`.
#[inline(always)]
fn low_limb(q: i32, bits: u32) -> i32 {
    let half = 1 << (bits - 1);
    (q.wrapping_add(half) & ((1 << bits) - 1)).wrapping_sub(half)
}

/// What is left above the low limb.
#[inline(always)]
fn high_limb(q: i32, bits: u32) -> i32 {
    q.wrapping_sub(low_limb(q, bits)) >> bits
}

/// `rint(x * 2^shift)` of each element through `limb`, padded with zeros.
///
/// The products are below 2^21 + 1, so adding `1.5 * 2^23` rounds them to integers,
/// ties to even, in the low bits. Where `2^shift` is no normal binary32 number, the
/// same is done in binary64. (A product that is subnormal in binary32 may be
/// rounded, but is far below one half either way.)
#[inline(always)]
fn quantise_row(row: &[f32], shift: i32, out: &mut [i16], limb: impl Fn(i32) -> i16) {
    const MAGIC: f32 = 12_582_912.0;
    const WIDE_MAGIC: f64 = 6_755_399_441_055_744.0;
    let (own, padding) = out.split_at_mut(row.len());
    padding.fill(0);
    if (-126..=127).contains(&shift) {
        let scale = f32::from_bits(((shift + 127) as u32) << 23);
        for (out, x) in own.iter_mut().zip(row) {
            *out = limb((x * scale + MAGIC).to_bits().wrapping_sub(MAGIC.to_bits()) as i32);
        }
    } else {
        let scale = power_of_two(shift);
        for (out, x) in own.iter_mut().zip(row) {
            let bits = (f64::from(*x) * scale + WIDE_MAGIC).to_bits();
            *out = limb(bits.wrapping_sub(WIDE_MAGIC.to_bits()) as i32);
        }
    }
}

/// Adds to each of `dots` the dot product of `a` with one of the rows in `b`, of
/// which there are one to four, times `2^shift`.
#[inline(always)]
fn add_products(a: &[i16], b: &[i16], block: usize, shift: u32, dots: &mut [i64; 4]) {
    let k = a.len();
    if b.len() == 4 * k {
        let (b0, b) = b.split_at(k);
        let (b1, b) = b.split_at(k);
        let (b2, b3) = b.split_at(k);
        let mut from = 0;
        while from < k {
            let to = k.min(from + block);
            let b = [&b0[from..to], &b1[from..to], &b2[from..to], &b3[from..to]];
            let sums = narrow4(&a[from..to], b);
            for j in 0..4 {
                dots[j] += i64::from(sums[j]) << shift;
            }
            from = to;
        }
    } else {
        for (dot, b) in dots.iter_mut().zip(b.chunks_exact(k)) {
            for (a, b) in a.chunks(block).zip(b.chunks(block)) {
                *dot += i64::from(narrow1(a, b)) << shift;
            }
        }
    }
}

/// Four dot products in 32 bits, which the caller has seen to be enough. Plain loops
/// over equal lengths become vector code (a multiply-and-add-pairs instruction).
#[inline(always)]
fn narrow4(a: &[i16], [b0, b1, b2, b3]: [&[i16]; 4]) -> [i32; 4] {
    let k = a.len();
    let (b0, b1, b2, b3) = (&b0[..k], &b1[..k], &b2[..k], &b3[..k]);
    let (mut s0, mut s1, mut s2, mut s3) = (0i32, 0i32, 0i32, 0i32);
    for i in 0..k {
        let x = i32::from(a[i]);
        s0 = s0.wrapping_add(x.wrapping_mul(i32::from(b0[i])));
        s1 = s1.wrapping_add(x.wrapping_mul(i32::from(b1[i])));
        s2 = s2.wrapping_add(x.wrapping_mul(i32::from(b2[i])));
        s3 = s3.wrapping_add(x.wrapping_mul(i32::from(b3[i])));
    }
    [s0, s1, s2, s3]
}

#[inline(always)]
fn narrow1(a: &[i16], b: &[i16]) -> i32 {
    let product = |(a, b): (&i16, &i16)| i32::from(*a).wrapping_mul(i32::from(*b));
    a.iter().zip(b).map(product).fold(0, i32::wrapping_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn block_sums_fit_in_32_bits() {
        for precision in [Precision::Int8x1, Precision::Int8x2, Precision::Int8x3] {
            let cut = Cut::of(precision);
            let limit = precision.limit();
            let greatest = |bits: Option<u32>| match bits {
                None => limit,
                // The greater of the low limb's and the high limb's magnitude.
                Some(bits) => (1i64 << (bits - 1)).max((limit + (1 << (bits - 1))) >> bits),
            };
            let product = greatest(cut.left) * greatest(cut.right);
            assert!(product * cut.block as i64 <= i64::from(i32::MAX), "{precision:?}");
            assert!(greatest(cut.left) <= i64::from(i16::MAX));
        }
    }

    #[test]
    fn limbs_make_the_integer_again() {
        for bits in [7, 11] {
            for q in (-2_088_895..=2_088_895).step_by(977).chain([-16_319, 16_319, 63, 64, -64]) {
                let low = low_limb(q, bits);
                assert_eq!((high_limb(q, bits) << bits) + low, q);
                assert!((-(1 << (bits - 1))..1 << (bits - 1)).contains(&low));
            }
        }
    }
}
