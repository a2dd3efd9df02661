//! Random numbers.

use assay_exact::{ElementError, philox};

use super::instructions::for_level;
use super::moves::check_integers;
use super::split::Split;
use crate::session::View;

/// Blocks made together.
const BLOCKS: usize = 16;
/// Elements of these.
const UNIT: usize = 4 * BLOCKS;
/// Element operations for one number, about.
const COST: usize = 16;

/// The numbers from `first` on.
pub(super) fn run(
    counter: View<'_>,
    stream: u32,
    first: u64,
    out: &mut [f32],
    split: Split,
) -> Result<bool, ElementError> {
    if out.is_empty() {
        return Ok(true);
    }
    check_integers(counter, 0, 1 << 16)?;
    let (key, step) = philox::from_counter(std::array::from_fn(|i| counter.data[i] as u32));
    Ok(split.fill(out, UNIT, UNIT * COST, |start, out| {
        fill(split.level, key, [step as u32, (step >> 32) as u32, (1 << 25) + stream], first + start as u64, out);
        true
    }))
}

for_level! {
    /// The numbers from `start` on.
    fn fill(level; key: philox::Key, fixed: [u32; 3], start: u64, out: &mut [f32]) {
        let mut counters = [[0; BLOCKS]; 4];
        for (words, fixed) in counters[1..].iter_mut().zip(fixed) {
            words.fill(fixed);
        }
        let (mut first, mut skipped, mut rest) = (start / 4, (start % 4) as usize, out);
        while !rest.is_empty() {
            for (block, word) in counters[0].iter_mut().enumerate() {
                *word = (first + block as u64) as u32;
            }
            let words = philox::blocks(counters, key);
            let (own, after) = rest.split_at_mut(rest.len().min(UNIT - skipped));
            for (i, out) in own.iter_mut().enumerate() {
                let i = i + skipped;
                *out = philox::unit(words[i % 4][i / 4]);
            }
            (first, skipped, rest) = (first + BLOCKS as u64, 0, after);
        }
    }
}
