//! Long sums that are added to over the parts of a batch.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use assay_exact::long::LongSum;
use assay_exact::scalar;

/// Bits that addends of later parts may be above those of the first.
const HEADROOM: i32 = 8;
/// Bits of a sum, without its sign and one more.
const BITS: i32 = 126;

/// One long sum for each element of a tensor: an integer of 128 bits in a unit that all of them
/// share, which the first addends decide on. Addends that are no multiples of it, or too
/// large, are kept beside, each in a sum of 320 bits. Which of them is used cannot be seen in
/// the result.
#[derive(Debug, Default)]
pub(crate) struct Sums {
    /// Of two: the unit's exponent, once there is one.
    unit: Option<i32>,
    sums: Vec<i128>,
    rest: Mutex<Rest>,
}

/// What has no place in the integers, by element.
#[derive(Debug, Default)]
struct Rest {
    sums: HashMap<usize, LongSum>,
    infinities: HashMap<usize, f32>,
}

/// Adds to some sums.
#[derive(Clone, Copy)]
pub(crate) struct Adder<'a> {
    unit: i32,
    rest: &'a Mutex<Rest>,
}

impl Sums {
    pub fn new(elements: usize) -> Sums {
        Sums { unit: None, sums: vec![0; elements], rest: Mutex::default() }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.unit = None;
        self.sums.fill(0);
        *self.rest() = Rest::default();
    }

    fn rest(&mut self) -> &mut Rest {
        self.rest.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    /// The sums, and what adds to them, for addends below `2^exponent`, of which each sum has at
    /// most `count`. The first call decides.
    pub fn adder(&mut self, exponent: i32, count: u64) -> (&mut [i128], Adder<'_>) {
        let bits = 64 - count.leading_zeros() as i32;
        let unit = *self.unit.get_or_insert(exponent + HEADROOM + bits - BITS);
        (&mut self.sums, Adder { unit, rest: &self.rest })
    }

    /// Rounds each sum.
    pub fn finish(&mut self, out: &mut [f32]) {
        let unit = self.unit.unwrap_or(0);
        for (out, sum) in out.iter_mut().zip(&self.sums) {
            // A result below 2^-126 is a multiple of 2^-149, which the conversion keeps.
            *out = scalar::ldexp(*sum as f32, unit);
        }
        let sums = std::mem::take(&mut self.sums);
        let rest = self.rest();
        for (&i, rest) in &mut rest.sums {
            rest.add_scaled(sums[i], unit);
            out[i] = rest.finish();
        }
        for (&i, &infinity) in &rest.infinities {
            out[i] = infinity;
        }
        self.sums = sums;
    }
}

impl Adder<'_> {
    /// Adds `x` to `sum`, which is number `i`.
    #[inline(always)]
    pub fn add(&self, i: usize, sum: &mut i128, x: f32) {
        let bits = x.to_bits();
        let field = (bits >> 23 & 0xff) as i32;
        let fraction = bits & 0x7f_ffff;
        let mantissa = if field == 0 { fraction } else { fraction | 0x80_0000 };
        let shift = field.max(1) - 150 - self.unit;
        let is_finite = field != 255;
        // A multiple of the unit that is not too large.
        let addend = if is_finite && (0..=BITS - 24).contains(&shift) {
            i128::from(mantissa) << shift
        } else if is_finite && (-24..0).contains(&shift) && mantissa.trailing_zeros() as i32 >= -shift {
            i128::from(mantissa >> -shift)
        } else {
            if mantissa != 0 {
                self.beside(i, x);
            }
            return;
        };
        let sign = -i128::from(bits >> 31);
        match sum.checked_add((addend ^ sign) - sign) {
            Some(next) => *sum = next,
            None => self.beside(i, x),
        }
    }

    #[cold]
    fn beside(&self, i: usize, x: f32) {
        let mut rest = self.rest.lock().unwrap_or_else(PoisonError::into_inner);
        if x.is_finite() {
            rest.sums.entry(i).or_default().add(x);
        } else {
            // Once there are both, it is the positive one.
            let own = rest.infinities.entry(i).or_insert(x);
            *own = own.max(x);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn are_long_sums(
            parts in proptest::collection::vec(proptest::collection::vec((any::<u32>(), any::<bool>()), 0..20), 1..5),
        ) {
            // Ordinary numbers with others of any magnitude among them.
            let number = |(bits, is_wild): (u32, bool)| {
                let x = f32::from_bits(bits);
                if is_wild && x.is_finite() { x } else { (bits >> 8) as f32 / 65_536.0 - 100.0 }
            };
            let parts: Vec<Vec<f32>> = parts.into_iter().map(|part| part.into_iter().map(number).collect()).collect();
            let mut sums = Sums::new(2);
            for _ in 0..2 {
                sums.clear();
                for part in &parts {
                    let most = part.iter().fold(0.0f32, |most, x| most.max(x.abs()));
                    if most > 0.0 {
                        let (sums, adder) = sums.adder(scalar::exponent_above(most), 100);
                        part.iter().for_each(|x| adder.add(1, &mut sums[1], *x));
                    }
                }
                let mut out = [1.0; 2];
                sums.finish(&mut out);
                let want = assay_exact::long::long_sum(parts.iter().flatten().copied());
                prop_assert_eq!(out.map(f32::to_bits), [0, want.to_bits()]);
            }
        }
    }

    #[test]
    fn infinities_stay() {
        let mut sums = Sums::new(3);
        // With a unit at which an infinity would look like 2^128.
        let (all, adder) = sums.adder(127, 3);
        for (i, x) in [(0, f32::NEG_INFINITY), (1, f32::NEG_INFINITY), (1, f32::INFINITY), (2, 1.0), (1, 2.0)] {
            adder.add(i, &mut all[i], x);
        }
        let mut out = [0.0; 3];
        sums.finish(&mut out);
        assert_eq!(out, [f32::NEG_INFINITY, f32::INFINITY, 1.0]);
    }
}
