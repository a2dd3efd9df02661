//! What a cheat may hope for: the odds that it goes unseen, and the stake at
//! which it does not pay. `docs/economics.md` derives the formulas;
//! `crates/simulate` plays them against the market's own logic.
//!
//! Everything that decides anything is integers, rounded against the cheat: the
//! contract refuses a stake by the same bits that the command line shows.

use crate::market::{Policy, WINNER_SHARE_BP, majority};
use alloc::vec;

/// Basis points in a whole.
const WHOLE_BP: u16 = 10_000;

/// Odds in parts of 2^63, rounded up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Odds(u64);

impl Odds {
    /// It happens for sure.
    pub const CERTAIN: Self = Self(1 << 63);
    /// It never happens.
    pub const NEVER: Self = Self(0);

    /// In parts of 2^63.
    pub fn parts(self) -> u64 {
        self.0
    }

    /// As a number of `0.0..=1.0`, to show it.
    pub fn to_f64(self) -> f64 {
        self.0 as f64 / Self::CERTAIN.0 as f64
    }
}

/// The expectation of `(weight / whole)^J * last[J]`, where `J` is how many of `marked`
/// among `all` are drawn when `last.len() - 1` are drawn without replacement.
///
/// Backwards over the draws: with `i` drawn, `j` of them marked, the next is
/// marked with probability `(marked - j) / (all - i)`. Every step is a mean of
/// two values of at most [`Odds::CERTAIN`] with weights that sum to at most one,
/// and is rounded up, so the result is never below the exact value and above it
/// by less than one part per draw. `whole` is at most 2^32.
fn expected(all: u32, marked: u32, (weight, whole): (u64, u64), mut last: vec::Vec<u64>) -> Odds {
    let draws = last.len() as u32 - 1;
    for drawn in (0..draws).rev() {
        // Only what can be: no more marked ones than there are, nor more others.
        for hits in drawn.saturating_sub(all - marked)..=drawn.min(marked) {
            let place = hits as usize;
            let others = all - marked - (drawn - hits);
            // The sum is at most whole * (all - drawn) * 2^63, so below 2^127.
            let hit = u128::from(weight) * u128::from(marked - hits) * u128::from(last[place + 1]);
            let miss = u128::from(whole) * u128::from(others) * u128::from(last[place]);
            last[place] = (hit + miss).div_ceil(u128::from(whole) * u128::from(all - drawn)) as u64;
        }
    }
    Odds(last[0])
}

/// The odds that no false segment meets an honest verifier: of `segments`,
/// `false_segments` are false, `samples` are drawn without replacement, and the
/// verifier of each is bribed with `bribed_bp` basis points of probability:
///
/// `sum over j of C(f, j) C(n - f, k - j) / C(n, k) * (b / 10,000)^j`,
///
/// rounded up by less than `samples` parts of 2^63. More samples than segments
/// draw every segment; more than all segments or verifiers are all of them.
///
/// Takes at most `samples (samples + 1) / 2` steps of three multiplications and
/// one division of 128 bits, whatever the other numbers: 136 steps on chain.
///
/// ```
/// use assay_protocol::economics::{Odds, unseen};
/// assert_eq!(unseen(4, 1, 1, 0).to_f64(), 0.75);
/// assert_eq!(unseen(4, 1, 1, 5_000).to_f64(), 0.875);
/// assert_eq!(unseen(4, 1, 4, 0), Odds::NEVER);
/// assert_eq!(unseen(4, 0, 4, 0), Odds::CERTAIN);
/// ```
pub fn unseen(segments: u32, false_segments: u32, samples: u8, bribed_bp: u16) -> Odds {
    passes(segments, false_segments, samples, (bribed_bp.min(WHOLE_BP).into(), WHOLE_BP.into()))
}

/// [`unseen`], if a drawn false segment passes with odds `weight / whole`.
fn passes(segments: u32, false_segments: u32, samples: u8, weight: (u64, u64)) -> Odds {
    let draws = u32::from(samples).min(segments) as usize;
    expected(segments, false_segments.min(segments), weight, vec![Odds::CERTAIN.0; draws + 1])
}

/// The odds that one of `tries` verifiers is bribed, each with `bribed_bp` basis
/// points of probability: `1 - (1 - b)^tries` in parts of 2^32, rounded up by less
/// than one of them and `tries` parts of 2^63.
fn one_is_bribed(bribed_bp: u16, tries: u8) -> u64 {
    let honest = u128::from(WHOLE_BP - bribed_bp.min(WHOLE_BP));
    // Each product is rounded down, at most 63 + 14 bits.
    let none = (0..tries).fold(Odds::CERTAIN.0, |odds, _| (u128::from(odds) * honest / u128::from(WHOLE_BP)) as u64);
    (Odds::CERTAIN.0 - none).div_ceil(1 << 31)
}

/// The odds that a cheat is not convicted that does whatever a bribed verifier
/// makes possible: with `r` as many answered reports of one slot as convict
/// ([`Terms::reports`](crate::market::Terms::reports) of `panel` seats),
///
/// * it serves its false segments to none but the bribed, and answers what others
///   demand. A drawn false segment passes if one of the first `r` verifiers of its
///   slot is bribed, with odds `1 - (1 - b)^r` in the place of `b` in [`unseen`];
/// * if the draw is bad, the last to reveal, who is bribed, has kept its secret
///   back, and there is another draw: `1 - (1 - u)^2` for these odds `u`.
///
/// Without bribed verifiers it is [`unseen`]. Rounded up, by less than `samples`
/// parts of 2^31. Panels are taken to be honest.
///
/// ```
/// use assay_protocol::economics::{Odds, escapes, unseen};
/// // Two of three seats convict: half is bribed, so 3/4 are once in two tries.
/// let hidden = 1.0 - 0.5 * 0.25;
/// let odds = escapes(4, 1, 2, 3, 5_000).to_f64();
/// assert!((odds - (1.0 - (1.0 - hidden) * (1.0 - hidden))).abs() < 1e-8);
/// assert_eq!(escapes(4, 1, 2, 3, 0), unseen(4, 1, 2, 0));
/// ```
pub fn escapes(segments: u32, false_segments: u32, samples: u8, panel: u8, bribed_bp: u16) -> Odds {
    if bribed_bp == 0 {
        return unseen(segments, false_segments, samples, 0);
    }
    let weight = (one_is_bribed(bribed_bp, majority(panel)), 1 << 32);
    one_of_two_throws(passes(segments, false_segments, samples, weight))
}

/// `1 - (1 - u)^2`, rounded up by less than one part.
fn one_of_two_throws(odds: Odds) -> Odds {
    let caught = u128::from(Odds::CERTAIN.0 - odds.0);
    // At most 126 bits; rounded down.
    Odds(Odds::CERTAIN.0 - ((caught * caught) >> 63) as u64)
}

/// The odds that a panel of `seats`, drawn from `verifiers` with equal bonds of
/// which `bribed` are bribed, has at least `least` bribed members; rounded up as
/// [`unseen`]. More seats than verifiers seat them all.
///
/// The market decides by more than half of all seats: `seats / 2 + 1` bribed ones
/// decide, `seats.div_ceil(2)` keep a panel from deciding against them.
///
/// ```
/// use assay_protocol::economics::bribed_seats;
/// // Two of three seats, from four verifiers of which two are bribed.
/// assert_eq!(bribed_seats(4, 2, 3, 2).to_f64(), 0.5);
/// ```
pub fn bribed_seats(verifiers: u32, bribed: u32, seats: u8, least: u8) -> Odds {
    let seats = u32::from(seats).min(verifiers);
    let decided = (0..=seats).map(|hits| if hits >= u32::from(least) { Odds::CERTAIN.0 } else { 0 }).collect();
    expected(verifiers, bribed.min(verifiers), (1, 1), decided)
}

/// The least stake at which the cheat of `policy` does not pay in a job whose
/// disputes panels of `panel` seats decide, in the unit of its gain and rounded
/// up: with `p` the odds of [`escapes`] and `s` the share of a slashed stake that
/// is burned, `gain * p / (1 - p) / s`.
///
/// Only the burned share counts as lost: whoever cheats can have accomplices
/// accuse it before others do, and get back all that is paid for a conviction.
/// What it loses besides, the payment, covers the work that it saved; where
/// verifiers are bribed, put that work into the gain to be sure
/// (`docs/economics.md`).
///
/// `None` if no stake is enough: the cheat is never seen, or the sum exceeds
/// 128 bits. 0 for a gain of 0.
///
/// ```
/// use assay_protocol::economics::least_stake;
/// use assay_protocol::market::Policy;
/// let policy = Policy { gain: 100, false_segments: 1, bribed_bp: 0 };
/// assert_eq!(least_stake(&policy, 4, 1, 3), Some(600)); // Seen once in four times, half of it burned.
/// assert_eq!(least_stake(&policy, 4, 4, 3), Some(0));
/// assert_eq!(least_stake(&Policy { bribed_bp: 10_000, ..policy }, 4, 4, 3), None);
/// ```
pub fn least_stake(policy: &Policy, segments: u32, samples: u8, panel: u8) -> Option<u128> {
    if policy.gain == 0 {
        return Some(0);
    }
    let passes = escapes(segments, policy.false_segments, samples, panel, policy.bribed_bp).0;
    let (passes, seen) = (u128::from(passes), u128::from(Odds::CERTAIN.0 - passes));
    if seen == 0 {
        return None;
    }
    // gain = whole * seen + rest, and rest * passes is below 2^126.
    let (whole, rest) = (policy.gain / seen, policy.gain % seen);
    let burned = whole.checked_mul(passes)?.checked_add((rest * passes).div_ceil(seen))?;
    // The stake of which this is the burned share, split so that no product exceeds the result.
    let (all, share) = (u128::from(WHOLE_BP), u128::from(WHOLE_BP - WINNER_SHARE_BP));
    (burned / share).checked_mul(all)?.checked_add((burned % share * all).div_ceil(share))
}

/// The probability that none of `false_segments` of a job's `segments` is among
/// `samples` drawn without replacement, `C(n - f, k) / C(n, k)`, for any number
/// of samples: an audit replays as many as it likes. To show, not to decide by.
///
/// ```
/// use assay_protocol::economics::undrawn;
/// assert_eq!(undrawn(4, 1, 1), 0.75);
/// assert_eq!(undrawn(4, 0, 4), 1.0);
/// assert_eq!(undrawn(4, 1, 4), 0.0);
/// ```
pub fn undrawn(segments: u32, false_segments: u32, samples: u32) -> f64 {
    let honest = segments.saturating_sub(false_segments);
    (0..samples.min(segments))
        .fold(1.0, |odds, drawn| odds * f64::from(honest.saturating_sub(drawn)) / f64::from(segments - drawn))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn choose(n: u32, k: u32) -> u128 {
        (0..k).fold(1, |product, i| product * u128::from(n.saturating_sub(i)) / u128::from(i + 1))
    }

    /// `(numerator, denominator)` of the odds, if a drawn false segment passes with
    /// those of `over / under`.
    fn exact_passes(n: u32, f: u32, k: u32, (over, under): (u128, u128)) -> (u128, u128) {
        let ways = |j: u32| choose(f, j) * choose(n - f, k - j) * over.pow(j) * under.pow(k - j);
        ((0..=k).map(ways).sum(), choose(n, k) * under.pow(k))
    }

    /// Never below the exact value, and above it by less than `draws` parts.
    fn assert_rounded_up(odds: Odds, (over, under): (u128, u128), draws: u64) {
        let (scaled, exact) = (u128::from(odds.0) * under, over << 63);
        assert!(scaled >= exact, "{odds:?} is below {over} / {under}");
        assert!(scaled == exact || scaled < exact + u128::from(draws) * under, "{odds:?} is above {over} / {under}");
    }

    #[test]
    fn unseen_is_the_exact_fraction_rounded_up() {
        for n in 1..=16 {
            for f in 0..=n {
                for k in 0..=n.min(8) {
                    for tenths in [0u128, 1, 3, 5, 9, 10] {
                        let odds = unseen(n, f, k as u8, tenths as u16 * 1_000);
                        assert_rounded_up(odds, exact_passes(n, f, k, (tenths, 10)), k.into());
                    }
                }
            }
        }
    }

    #[test]
    fn bribed_seats_are_the_exact_fraction_rounded_up() {
        for n in 1..=14 {
            for bribed in 0..=n {
                for seats in 1..=n.min(9) {
                    for least in 0..=seats {
                        let ways = |j| choose(bribed, j) * choose(n - bribed, seats - j);
                        let exact = ((least..=seats).map(ways).sum(), choose(n, seats));
                        assert_rounded_up(bribed_seats(n, bribed, seats as u8, least as u8), exact, seats.into());
                    }
                }
            }
        }
    }

    #[test]
    fn one_bribed_among_several_is_the_exact_fraction_rounded_up() {
        for bp in [0u16, 1, 9, 1_234, 2_000, 5_000, 9_999, 10_000] {
            // Up to as many as a panel of nine needs: 67 bits of denominator.
            for tries in 1..=5 {
                let under = 10_000u128.pow(tries);
                let over = under - u128::from(10_000 - bp).pow(tries);
                let scaled = u128::from(one_is_bribed(bp, tries as u8)) * under;
                assert!(scaled >= over << 32, "{bp} {tries}");
                // One part of 2^32, and 5 of 2^63 at most.
                assert!(scaled - (over << 32) <= under + ((5 * under) >> 31), "{bp} {tries}");
            }
        }
    }

    #[test]
    fn hidden_segments_pass_by_the_exact_fraction_rounded_up() {
        for (tenths, panel) in [(1u128, 2), (2, 3), (5, 3), (3, 5), (9, 4), (10, 3)] {
            let tries = majority(panel);
            let under = 10u128.pow(tries.into());
            let weight = (under - (10 - tenths).pow(tries.into()), under);
            for n in 1..=9 {
                for f in 0..=n {
                    for k in 0..=n.min(4) {
                        let weighed = (one_is_bribed(tenths as u16 * 1_000, tries), 1 << 32);
                        let odds = passes(n, f, k as u8, weighed);
                        // For each draw, its own rounding and that of the weight.
                        assert_rounded_up(odds, exact_passes(n, f, k, weight), u64::from(k) * ((1 << 31) + 6));
                        let twice = one_of_two_throws(odds);
                        assert_eq!(escapes(n, f, k as u8, panel, tenths as u16 * 1_000), twice);
                        let caught = |odds: Odds| u128::from(Odds::CERTAIN.0 - odds.0);
                        let squared = caught(odds) * caught(odds);
                        assert!(caught(twice) << 63 <= squared && squared < (caught(twice) + 1) << 63);
                    }
                }
            }
        }
    }

    #[test]
    fn without_bribes_nobody_can_be_served_alone_nor_keep_a_secret_back() {
        for (n, f, k, panel) in [(24, 3, 6, 3), (7, 2, 3, 9), (1 << 20, 100, 16, 2)] {
            assert_eq!(escapes(n, f, k, panel, 0), unseen(n, f, k, 0));
        }
        // A fifth is bribed, two are drawn: a drawn one passes with 0.36, twice.
        let odds: f64 = 1.0 - (0.25f64 * 0.64).powi(2);
        assert!((escapes(24, 1, 6, 3, 2_000).to_f64() - odds).abs() < 1e-8);
        assert_eq!(escapes(24, 0, 6, 3, 1), Odds::CERTAIN);
        assert_eq!(escapes(24, 1, 6, 3, 10_000), Odds::CERTAIN);
    }

    #[test]
    fn agrees_with_floating_point_where_fractions_are_too_long() {
        let logs = |n: u32, k: u32| (0..k).map(|i| f64::from(n - i).ln() - f64::from(i + 1).ln()).sum::<f64>();
        for (n, f, k, bribed_bp) in [
            (1 << 20, 1, 16, 0),
            (1 << 20, 1 << 10, 16, 3_333),
            (1 << 20, 1 << 19, 16, 9_999),
            (1 << 20, (1 << 20) - 3, 16, 1),
            (u32::MAX, 1 << 31, 200, 5_000),
            (300, 40, 255, 100),
        ] {
            let share = f64::from(bribed_bp) / 1e4;
            let one = |j: u32| (logs(f, j) + logs(n - f, k - j) - logs(n, k)).exp() * share.powi(j as i32);
            let expected: f64 = (0..=k.min(f)).filter(|j| k - j <= n - f).map(one).sum();
            let odds = unseen(n, f, k as u8, bribed_bp).to_f64();
            assert!((odds - expected).abs() <= 1e-9 * expected + 1e-15, "{n} {f} {k}: {odds} for {expected}");
        }
    }

    #[test]
    fn without_bribes_it_is_the_share_of_draws_without_a_false_segment() {
        for (n, f, k) in [(24, 3, 6), (7, 2, 3), (1_000, 100, 16), (16, 1, 16), (5, 5, 1)] {
            assert!((unseen(n, f, k, 0).to_f64() - undrawn(n, f, k.into())).abs() < 1e-12);
        }
    }

    #[test]
    fn numbers_beyond_their_bounds_are_all_there_is() {
        assert_eq!(unseen(4, 9, 1, 0), Odds::NEVER);
        assert_eq!(unseen(4, 2, 1, 60_000), Odds::CERTAIN);
        assert_eq!(unseen(4, 1, 200, 2_500), unseen(4, 1, 4, 2_500));
        assert_eq!(unseen(0, 0, 3, 0), Odds::CERTAIN);
        assert_eq!(bribed_seats(3, 7, 9, 2), Odds::CERTAIN);
        assert_eq!(bribed_seats(3, 1, 9, 2), Odds::NEVER);
    }

    #[test]
    fn no_stake_is_enough_for_a_cheat_that_is_never_seen_or_gains_too_much() {
        let policy = |gain, false_segments, bribed_bp| Policy { gain, false_segments, bribed_bp };
        assert_eq!(least_stake(&policy(1, 0, 0), 8, 3, 3), None);
        assert_eq!(least_stake(&policy(1, 1, 10_000), 8, 8, 3), None);
        assert_eq!(least_stake(&policy(u128::MAX, 1, 0), 8, 3, 3), None);
        assert_eq!(least_stake(&policy(0, 0, 10_000), 8, 3, 3), Some(0));
        // p = 1/2, and half is burned: the gain's double, at most all of 128 bits.
        assert_eq!(least_stake(&policy(u128::MAX / 2, 1, 0), 2, 1, 3), Some(u128::MAX - 1));
        assert_eq!(least_stake(&policy(u128::MAX / 2 + 1, 1, 0), 2, 1, 3), None);
    }

    #[test]
    fn a_stake_that_fits_is_given_however_close_to_certain_the_cheat_is() {
        // Found by the property below: the stake fits 128 bits, ten thousand times half of it does not.
        let policy = Policy { gain: 206_603_533_625_546_980, false_segments: 56_153, bribed_bp: 9_746 };
        let passes = u128::from(escapes(714_702, policy.false_segments, 3, 8, policy.bribed_bp).0);
        let stake = least_stake(&policy, 714_702, 3, 8).unwrap();
        assert!(policy.gain * passes <= ((1 << 63) - passes) * (stake / 2));
    }

    proptest! {
        #[test]
        fn more_samples_or_false_segments_or_honesty_never_help_a_cheat(
            n in 1u32..1 << 20, f in 0u32..1 << 20, k in 0u8..16, b in 0u16..10_000, panel in 2u8..9,
        ) {
            // Up to what rounding adds.
            let slack = 17;
            let odds = unseen(n, f, k, b).0;
            prop_assert!(odds <= Odds::CERTAIN.0);
            prop_assert!(unseen(n, f, k + 1, b).0 <= odds + slack);
            prop_assert!(unseen(n, f + 1, k, b).0 <= odds + slack);
            prop_assert!(unseen(n, f, k, b + 1).0 + slack >= odds);
            let slack = 17 << 32;
            let escape = escapes(n, f, k, panel, b).0;
            prop_assert!((odds..=Odds::CERTAIN.0).contains(&escape));
            prop_assert!(escapes(n, f, k + 1, panel, b).0 <= escape + slack);
            prop_assert!(escapes(n, f + 1, k, panel, b).0 <= escape + slack);
            prop_assert!(escapes(n, f, k, panel, b + 1).0 + slack >= escape);
            // More reports that convict are more tries to meet a bribed verifier.
            prop_assert!(escapes(n, f, k, panel + 1, b).0 + slack >= escape);
        }

        #[test]
        fn the_least_stake_breaks_even(
            gain in 1u128..1 << 60, n in 1u32..1 << 20, f in 1u32..1 << 20, k in 1u8..=16, b in 0u16..10_000,
            panel in 2u8..=9,
        ) {
            let policy = Policy { gain, false_segments: f.min(n), bribed_bp: b };
            let passes = u128::from(escapes(n, policy.false_segments, k, panel, b).0);
            let seen = (1 << 63) - passes;
            match least_stake(&policy, n, k, panel) {
                // The burned half is worth the hope; two units less would not be.
                Some(stake) => {
                    prop_assert!(gain * passes <= seen.saturating_mul(stake / 2));
                    prop_assert!(stake < 2 || gain * passes > seen * (stake / 2 - 1));
                }
                // The gain times the odds is below 2^123, so that a stake always fits.
                None => prop_assert_eq!(seen, 0),
            }
        }
    }
}
