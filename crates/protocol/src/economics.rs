//! The odds that a cheat goes unseen.

/// The probability that none of `false_segments` of a job's `segments` is among
/// the `samples` segments drawn without replacement: the hypergeometric
/// `C(n - f, k) / C(n, k)`, as the product of `(n - f - i) / (n - i)`.
///
/// More samples than segments draw every segment.
///
/// ```
/// use assay_protocol::economics::unseen;
/// assert_eq!(unseen(4, 1, 1), 0.75);
/// assert_eq!(unseen(4, 0, 4), 1.0);
/// assert_eq!(unseen(4, 1, 4), 0.0);
/// ```
pub fn unseen(segments: u32, false_segments: u32, samples: u32) -> f64 {
    let honest = segments.saturating_sub(false_segments);
    (0..samples.min(segments))
        .fold(1.0, |odds, drawn| odds * f64::from(honest.saturating_sub(drawn)) / f64::from(segments - drawn))
}

/// The least stake at which cheating does not pay, in the unit of `gain`: a
/// cheat that is seen with probability `p` loses the stake and the payment, and
/// wins `gain` (the cost of the work it skipped) otherwise, so the stake must
/// be at least `gain (1 - p) / p`. Infinite where a cheat is never seen.
pub fn least_stake(gain: f64, seen: f64) -> f64 {
    gain * (1.0 - seen) / seen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_counting() {
        // All ways to draw 3 of 7 segments, 2 of them false.
        let (mut all, mut missed) = (0, 0);
        for a in 0..7 {
            for b in a + 1..7 {
                for c in b + 1..7 {
                    all += 1;
                    missed += u32::from(a >= 2 && b >= 2 && c >= 2);
                }
            }
        }
        let counted = f64::from(missed) / f64::from(all);
        assert!((unseen(7, 2, 3) - counted).abs() < 1e-12);
    }

    #[test]
    fn more_samples_never_help_a_cheat() {
        for samples in 0..30 {
            assert!(unseen(24, 3, samples + 1) <= unseen(24, 3, samples));
        }
    }

    #[test]
    fn a_stake_breaks_even() {
        let seen = 1.0 - unseen(24, 1, 6);
        let stake = least_stake(100.0, seen);
        assert!((100.0 * (1.0 - seen) - stake * seen).abs() < 1e-9);
        assert!(least_stake(1.0, 0.0).is_infinite());
    }
}
