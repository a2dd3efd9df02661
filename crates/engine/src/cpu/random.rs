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

pub(super) fn run(counter: View<'_>, stream: u32, out: &mut [f32], split: Split) -> Result<bool, ElementError> {
    if out.is_empty() {
        return Ok(true);
    }
    check_integers(counter, 0, 1 << 16)?;
    let (key, step) = philox::from_counter(std::array::from_fn(|i| counter.data[i] as u32));
    Ok(split.fill(out, UNIT, UNIT * COST, |start, out| {
        fill(split.level, key, [step as u32, (step >> 32) as u32, (1 << 25) + stream], start, out);
        true
    }))
}

for_level! {
    /// The numbers from `start`, a multiple of 4, on.
    fn fill(level; key: philox::Key, fixed: [u32; 3], start: usize, out: &mut [f32]) {
        for (i, out) in out.chunks_mut(UNIT).enumerate() {
            let first = (start + i * UNIT) / 4;
            let mut counters = [[0; BLOCKS]; 4];
            for block in 0..BLOCKS {
                counters[0][block] = (first + block) as u32;
            }
            for (words, fixed) in counters[1..].iter_mut().zip(fixed) {
                words.fill(fixed);
            }
            let words = philox::blocks(counters, key);
            for (i, out) in out.iter_mut().enumerate() {
                *out = philox::unit(words[i % 4][i / 4]);
            }
        }
    }
}
