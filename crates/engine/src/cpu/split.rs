//! How work is cut over threads.
#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::ops::Range;

use super::instructions::Level;

/// How work is cut, and with which instructions it is done.
#[derive(Clone, Copy, Debug)]
pub(super) struct Split {
    pub threads: usize,
    /// Work, in element operations, below which an op is not split.
    pub grain: usize,
    pub level: Level,
}

impl Split {
    /// The same on the caller's thread alone.
    pub fn alone(self) -> Split {
        Split { threads: 1, ..self }
    }

    /// Whether `units` units of `cost` element operations each are split.
    pub fn pays(self, units: usize, cost: usize) -> bool {
        self.threads > 1 && units > 1 && units.saturating_mul(cost) >= self.grain
    }

    /// Units per part, for `units` units of `cost` element operations each: all of
    /// them where splitting does not pay.
    pub fn part(self, units: usize, cost: usize) -> usize {
        // A few parts per thread even out threads that are held up.
        if self.pays(units, cost) { units.div_ceil(4 * self.threads) } else { units.max(1) }
    }

    /// Does `work` for all of `0..units`, part by part, and joins what it gives.
    pub fn reduce<T: Send>(
        self,
        units: usize,
        cost: usize,
        work: impl Fn(Range<usize>) -> T + Sync,
        join: impl Fn(T, T) -> T + Sync,
    ) -> T {
        halve(0..units, self.part(units, cost), &work, &join)
    }

    /// Does `work` for all of `0..units`, part by part.
    pub fn each(self, units: usize, cost: usize, work: impl Fn(Range<usize>) + Sync) {
        self.reduce(units, cost, work, |(), ()| ());
    }

    /// Gives `work` all of `out`, in parts of whole units of `unit` elements (the last may be
    /// shorter), each with its first element's number; a unit costs `cost`. Whether all of
    /// `work` gave true.
    pub fn fill<T: Send>(
        self,
        out: &mut [T],
        unit: usize,
        cost: usize,
        work: impl Fn(usize, &mut [T]) -> bool + Sync,
    ) -> bool {
        let length = out.len();
        let shared = Shared::new(out);
        self.reduce(
            length.div_ceil(unit),
            cost,
            |units| {
                let range = units.start * unit..length.min(units.end * unit);
                let start = range.start;
                // SAFETY: `reduce` hands out every unit once.
                work(start, unsafe { shared.slice(range) })
            },
            |a, b| a & b,
        )
    }
}

/// Halves the range until its parts are of at most `part` units. Allocates nothing.
fn halve<T: Send>(
    range: Range<usize>,
    part: usize,
    work: &(impl Fn(Range<usize>) -> T + Sync),
    join: &(impl Fn(T, T) -> T + Sync),
) -> T {
    if range.len() <= part {
        return work(range);
    }
    // Whole parts before the cut.
    let middle = range.start + range.len().div_ceil(part).div_ceil(2) * part;
    let (a, b) =
        rayon::join(|| halve(range.start..middle, part, work, join), || halve(middle..range.end, part, work, join));
    join(a, b)
}

/// A slice whose parts several threads write.
#[derive(Clone, Copy)]
pub(super) struct Shared<'a, T> {
    start: *mut T,
    length: usize,
    lifetime: PhantomData<&'a mut [T]>,
}

// SAFETY: it only gives access through `slice`, whose callers keep the parts apart.
unsafe impl<T: Send> Send for Shared<'_, T> {}
// SAFETY: likewise.
unsafe impl<T: Send> Sync for Shared<'_, T> {}

impl<'a, T> Shared<'a, T> {
    pub fn new(slice: &'a mut [T]) -> Shared<'a, T> {
        Shared { start: slice.as_mut_ptr(), length: slice.len(), lifetime: PhantomData }
    }

    /// A part.
    ///
    /// # Safety
    /// No two parts that exist at the same time overlap.
    ///
    /// # Panics
    /// If the range is not within the slice.
    #[inline(always)]
    pub unsafe fn slice(&self, range: Range<usize>) -> &'a mut [T] {
        assert!(range.start <= range.end && range.end <= self.length, "a part beyond the slice");
        // SAFETY: the range is within the slice, which is borrowed mutably for 'a, and
        // the caller promises that nobody else has a part of it.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(range.start), range.len()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_element_is_given_out_once() {
        for threads in [1, 2, 3, 8] {
            for (length, unit) in [(0, 5), (1, 5), (5, 5), (99, 7), (1000, 1), (64, 64)] {
                let split = Split { threads, grain: 1, level: Level::best() };
                let mut out = vec![0; length];
                let all = split.fill(&mut out, unit, 1, |start, part| {
                    assert!(start % unit == 0);
                    part.iter_mut().enumerate().for_each(|(i, x)| *x += start + i + 1);
                    true
                });
                assert!(all && out.iter().enumerate().all(|(i, x)| *x == i + 1), "{threads} threads, {length}");
                assert_eq!(split.fill(&mut out, unit, 1, |start, part| start != 0 || part.is_empty()), length == 0);
            }
        }
    }

    #[test]
    fn small_work_stays_together() {
        let split = Split { threads: 4, grain: 100, level: Level::best() };
        assert_eq!((split.part(10, 9), split.part(32, 10), split.part(0, 9)), (10, 2, 1));
        assert_eq!(split.alone().part(32, 10), 32);
    }
}
