//! What a job's terms are worth: the odds that a cheat goes unseen, and the
//! stake at which no cheat pays.

use assay_protocol::economics::{least_stake, unseen};
use serde::Serialize;

/// The odds for one extent of cheating.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Odds {
    /// Segments that are false.
    pub false_segments: u32,
    /// The probability that none of them is drawn.
    pub unseen: f64,
}

/// The odds that 1 segment, a tenth and half of the segments go unseen.
pub fn odds(segments: u32, samples: u32) -> Vec<Odds> {
    let mut extents = vec![1, segments.div_ceil(10), segments.div_ceil(2)];
    extents.dedup();
    extents.iter().map(|&count| Odds { false_segments: count, unseen: unseen(segments, count, samples) }).collect()
}

/// The least stake, as a multiple of the payment, at which no extent of
/// cheating pays for an operator whose work costs as much as it is paid: the
/// largest of `least_stake(f / n, seen(f))` over all numbers `f` of false segments.
pub fn least_stake_per_payment(segments: u32, samples: u32) -> f64 {
    let worth = |count: u32| {
        let gain = f64::from(count) / f64::from(segments);
        least_stake(gain, 1.0 - unseen(segments, count, samples))
    };
    (1..=segments).map(worth).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extents_are_one_a_tenth_and_half() {
        let counts: Vec<u32> = odds(24, 6).iter().map(|odds| odds.false_segments).collect();
        assert_eq!(counts, [1, 3, 12]);
        assert!((odds(24, 6)[0].unseen - 0.75).abs() < 1e-12);
        assert_eq!(odds(2, 1).len(), 1);
    }

    #[test]
    fn the_least_stake_covers_every_extent() {
        let stake = least_stake_per_payment(24, 6);
        for count in 1..=24 {
            let seen = 1.0 - unseen(24, count, 6);
            let expected = f64::from(count) / 24.0 * (1.0 - seen) - stake * seen;
            assert!(expected <= 1e-12, "{count} false segments gain {expected}");
        }
        assert_eq!(least_stake_per_payment(4, 4), 0.0);
    }
}
