//! Elements as integers, and integers as lanes.
#![allow(unsafe_code)]

use assay_exact::{Precision, quantise};

use super::super::power_of_two;

const MAGIC: f32 = 12_582_912.0;
const WIDE_MAGIC: f64 = 6_755_399_441_055_744.0;

#[cfg(target_endian = "big")]
compile_error!("the order of elements in lanes assumes a little-endian processor");

/// Elements along `k` that are packed together.
pub(super) const CHUNK: usize = 64;

/// The magnitudes' bits, which are ordered as the magnitudes are.
#[inline(always)]
pub(super) fn magnitude(x: f32) -> i32 {
    (x.to_bits() & 0x7fff_ffff) as i32
}

/// The grid of a line: its integers are `rint(x * 2^shift)`.
///
/// The products are below 2^21 + 1, so adding `1.5 * 2^23` rounds them to integers,
/// ties to even, in the low bits. Where `2^shift` is no normal binary32 number, the
/// same is done in binary64. (A product that is subnormal in binary32 may be
/// rounded, but is far below one half either way.)
#[derive(Clone, Copy, Debug)]
pub(super) struct Grid {
    pub exponent: i32,
    narrow: f32,
    wide: f64,
}

impl Grid {
    /// For a line whose greatest magnitude has these bits.
    pub fn new(greatest: i32, precision: Precision) -> Grid {
        let exponent = quantise::row_exponent(f32::from_bits(greatest as u32), precision);
        let shift = precision.bits() - exponent;
        let is_normal = (-126..=127).contains(&shift);
        let narrow = if is_normal { f32::from_bits(((shift + 127) as u32) << 23) } else { 0.0 };
        Grid { exponent, narrow, wide: power_of_two(shift) }
    }

    /// Whether binary32 will do.
    #[inline(always)]
    pub fn is_narrow(&self) -> bool {
        self.narrow != 0.0
    }

    /// The factor in binary32.
    #[inline(always)]
    pub fn narrow(&self) -> f32 {
        self.narrow
    }

    /// The factor in binary64.
    #[inline(always)]
    pub fn wide(&self) -> f64 {
        self.wide
    }
}

/// `rint(x * factor)`, where the factor is a [`Grid::narrow`].
#[inline(always)]
pub(super) fn rint_narrow(x: f32, factor: f32) -> i32 {
    (x * factor + MAGIC).to_bits().wrapping_sub(MAGIC.to_bits()) as i32
}

/// `rint(x * factor)`, where the factor is a [`Grid::wide`].
#[inline(always)]
pub(super) fn rint_wide(x: f32, factor: f64) -> i32 {
    (f64::from(x) * factor + WIDE_MAGIC).to_bits().wrapping_sub(WIDE_MAGIC.to_bits()) as i32
}

/// Which part of an integer goes into a lane.
pub(super) trait Part {
    /// Elements per lane.
    const PER_LANE: usize;
    /// Which plane it makes.
    const PLANE: usize = 0;
    /// Whether norms are wanted.
    const NORMS: bool = false;
    /// Whether sums are wanted.
    const SUMS: bool = false;

    /// The part.
    fn of(q: i32) -> i32;

    /// The parts of neighbouring elements of a line, as lanes; in the order of [`Part::at`] on
    /// little-endian processors.
    fn lanes(integers: &[i32; CHUNK]) -> [u32; CHUNK / 2];

    /// The part, at place `i` of a lane.
    #[inline(always)]
    fn at(q: i32, i: usize) -> u32 {
        let bits = 32 / Self::PER_LANE;
        (Self::of(q) as u32 & (u32::MAX >> (32 - bits))) << (i * bits)
    }
}

/// All of an integer of `int8x1`.
pub(super) struct Small;
/// All of an integer of `int8x2`.
pub(super) struct Whole;
/// Of a 22-bit integer `2048 high + low`, `low` in `-1024..1024`.
pub(super) struct Low;
/// `high`, at most 1,020 in magnitude.
pub(super) struct High;
/// `high + low`, at most 2,044 in magnitude.
pub(super) struct Both;
/// `q + 128`, as a byte.
pub(super) struct Unsigned;
/// `q`, as a byte.
pub(super) struct Signed;

macro_rules! words {
    ($name:ident, $plane:literal, $norms:literal, |$q:ident| $part:expr) => {
        impl Part for $name {
            const PER_LANE: usize = 2;
            const PLANE: usize = $plane;
            const NORMS: bool = $norms;

            #[inline(always)]
            fn of($q: i32) -> i32 {
                $part
            }

            #[inline(always)]
            fn lanes(integers: &[i32; CHUNK]) -> [u32; CHUNK / 2] {
                let mut words = [0i16; CHUNK];
                for (word, q) in words.iter_mut().zip(integers) {
                    *word = Self::of(*q) as i16;
                }
                // SAFETY: both are 128 bytes, any of which are numbers.
                unsafe { std::mem::transmute::<[i16; CHUNK], [u32; CHUNK / 2]>(words) }
            }
        }
    };
}

words!(Small, 0, false, |q| q);
words!(Whole, 0, true, |q| q);
words!(Low, 0, false, |q| (q.wrapping_add(1024) & 2047).wrapping_sub(1024));
words!(High, 1, false, |q| q.wrapping_add(1024) >> 11);
words!(Both, 2, false, |q| Low::of(q).wrapping_add(High::of(q)));

macro_rules! bytes {
    ($name:ident, $sums:literal, |$q:ident| $part:expr) => {
        impl Part for $name {
            const PER_LANE: usize = 4;
            const SUMS: bool = $sums;

            #[inline(always)]
            fn of($q: i32) -> i32 {
                $part
            }

            #[inline(always)]
            fn lanes(integers: &[i32; CHUNK]) -> [u32; CHUNK / 2] {
                let mut bytes = [0u8; CHUNK];
                for (byte, q) in bytes.iter_mut().zip(integers) {
                    *byte = Self::of(*q) as u8;
                }
                // SAFETY: both are 64 bytes, any of which are numbers.
                let own = unsafe { std::mem::transmute::<[u8; CHUNK], [u32; CHUNK / 4]>(bytes) };
                let mut lanes = [0; CHUNK / 2];
                lanes[..CHUNK / 4].copy_from_slice(&own);
                lanes
            }
        }
    };
}

bytes!(Unsigned, false, |q| q.wrapping_add(128));
bytes!(Signed, true, |q| q);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limbs_make_the_integer_again() {
        let limit = Precision::Int8x3.limit() as i32;
        for q in (-limit..=limit).step_by(977).chain([limit, -limit, 1023, 1024, -1024, -1025]) {
            let (low, high, both) = (Low::of(q), High::of(q), Both::of(q));
            assert_eq!(2048 * high + low, q);
            assert!((-1024..1024).contains(&low) && high.abs() <= 1020 && both.abs() <= 2044, "{q}");
        }
    }

    #[test]
    fn both_ways_of_rounding_are_the_laws() {
        for precision in [Precision::Int8x1, Precision::Int8x2, Precision::Int8x3] {
            for most in [f32::from_bits(1), 1e-44, 1e-40, f32::MIN_POSITIVE, 1e-30, 0.75, 1.0, 1e30, f32::MAX] {
                let grid = Grid::new(magnitude(most), precision);
                for part in [1.0, -1.0, 0.5, -0.3, 0.124_999, 1e-3, -1e-6, 0.0, -0.0] {
                    let x = most * part;
                    let want = quantise::quantise(x, grid.exponent, precision);
                    assert_eq!(i64::from(rint_wide(x, grid.wide())), want);
                    if grid.is_narrow() {
                        assert_eq!(i64::from(rint_narrow(x, grid.narrow())), want, "{x} of {most}");
                    }
                }
            }
        }
    }
}
