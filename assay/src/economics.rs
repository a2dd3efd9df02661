//! What a job's terms are worth: the odds that a cheat goes unseen, with and
//! without bribed verifiers, and the stake at which it does not pay. The same
//! integers as the contract's, see `docs/economics.md`.

use assay_protocol::economics::{least_stake, unseen};
use assay_protocol::market::Policy;

/// Share of the weight that is taken to be bribed where a policy says nothing, in basis points.
const BRIBED_BP: u16 = 2_000;

/// The odds for one extent of cheating.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Odds {
    /// Segments that are false.
    pub false_segments: u32,
    /// The probability that none of them is drawn.
    pub unseen: f64,
    /// The probability that none of them is drawn for an honest verifier.
    pub unseen_bribed: f64,
    /// The same for who throws the dice twice, by a bribed verifier that keeps its secret back.
    pub second_throw: f64,
    /// A gain in proportion: its share of the payment, in the contract's unit.
    pub gain: u128,
    /// The least stake at which that gain does not pay, with the bribed verifiers;
    /// `None` if no stake is enough.
    pub least_stake: Option<u128>,
}

/// What terms are worth.
#[derive(Clone, Debug, PartialEq)]
pub struct Economics {
    /// The share of bribed weight that the odds are for, in basis points.
    pub bribed_bp: u16,
    /// Odds for 1 segment, a tenth, half and all of the segments, and those of the policy.
    pub odds: Vec<Odds>,
    /// The stake that the policy asks for; `None` if none is enough.
    pub asked: Option<u128>,
}

impl Economics {
    /// Of a job that pays `payment` for `segments`, of which `samples` are drawn, and
    /// whose disputes panels of `panel` seats decide.
    pub fn new(segments: u32, samples: u8, panel: u8, payment: u128, policy: &Policy) -> Self {
        let bribed_bp = if policy.bribed_bp > 0 { policy.bribed_bp } else { BRIBED_BP };
        let mut extents = vec![1, segments.div_ceil(10), segments.div_ceil(2), segments];
        if policy.gain > 0 {
            extents.push(policy.false_segments.min(segments));
        }
        extents.sort_unstable();
        extents.dedup();
        let odds = extents.into_iter().map(|false_segments| {
            let gain = (payment / u128::from(segments.max(1))).saturating_mul(false_segments.into());
            let cheat = Policy { gain, false_segments, bribed_bp };
            let unseen_bribed = unseen(segments, false_segments, samples, bribed_bp).to_f64();
            Odds {
                false_segments,
                unseen: unseen(segments, false_segments, samples, 0).to_f64(),
                unseen_bribed,
                second_throw: 1.0 - (1.0 - unseen_bribed).powi(2),
                gain,
                least_stake: least_stake(&cheat, segments, samples, panel),
            }
        });
        Self { bribed_bp, odds: odds.collect(), asked: least_stake(policy, segments, samples, panel) }
    }

    /// The stake at which none of these cheats pays; `None` if no stake is enough.
    pub fn least_stake(&self) -> Option<u128> {
        self.odds.iter().map(|odds| odds.least_stake).try_fold(0, |most, stake| Some(most.max(stake?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extents(economics: &Economics) -> Vec<u32> {
        economics.odds.iter().map(|odds| odds.false_segments).collect()
    }

    #[test]
    fn extents_are_one_a_tenth_half_all_and_the_policys() {
        let none = Policy::default();
        let economics = Economics::new(24, 6, 3, 100, &none);
        assert_eq!((extents(&economics), economics.bribed_bp), (vec![1, 3, 12, 24], 2_000));
        assert!((economics.odds[0].unseen - 0.75).abs() < 1e-12);
        assert!((economics.odds[0].unseen_bribed - 0.8).abs() < 1e-12, "1/4 is drawn, and a fifth of that is bribed");
        assert!((economics.odds[0].second_throw - 0.96).abs() < 1e-12);
        assert_eq!((extents(&Economics::new(2, 1, 3, 100, &none)), economics.asked), (vec![1, 2], Some(0)));
        let policy = Policy { gain: 10, false_segments: 5, bribed_bp: 1_000 };
        let economics = Economics::new(24, 6, 3, 100, &policy);
        assert_eq!((extents(&economics), economics.bribed_bp), (vec![1, 3, 5, 12, 24], 1_000));
        assert_eq!(economics.asked, least_stake(&policy, 24, 6, 3));
    }

    #[test]
    fn the_least_stake_covers_every_extent_there_is() {
        let economics = Economics::new(24, 6, 3, 2_400_000, &Policy::default());
        let stake = economics.least_stake().unwrap();
        for false_segments in 1..=24 {
            let gain = 100_000 * u128::from(false_segments);
            let cheat = Policy { gain, false_segments, bribed_bp: economics.bribed_bp };
            assert!(least_stake(&cheat, 24, 6, 3).unwrap() <= stake, "{false_segments}");
        }
        // Whoever has bribed everybody is never seen.
        let all = Policy { gain: 1, false_segments: 1, bribed_bp: 10_000 };
        let economics = Economics::new(24, 6, 3, 2_400, &all);
        assert_eq!((economics.asked, economics.least_stake()), (None, None));
    }
}
