//! What `docs/economics.md` derives, in floating point: the same sums as
//! [`economics`](assay_protocol::economics), for weights that are no basis points
//! and for the questions that the contract does not ask.

/// The distribution of how many of `marked` among `all` are drawn when `draws`
/// are drawn without replacement.
fn drawn(all: u32, marked: u32, draws: u32) -> Vec<f64> {
    let mut odds = vec![1.0];
    for turn in 0..draws.min(all) {
        let mut next = vec![0.0; odds.len() + 1];
        for (hits, before) in odds.iter().enumerate() {
            let hit = f64::from(marked.saturating_sub(hits as u32)) / f64::from(all - turn);
            next[hits + 1] += before * hit;
            next[hits] += before * (1.0 - hit);
        }
        odds = next;
    }
    odds
}

/// A job as a cheat sees it.
#[derive(Clone, Copy, Debug)]
pub struct Draw {
    /// Segments of the job.
    pub segments: u32,
    /// How many of them are false.
    pub false_segments: u32,
    /// How many are drawn.
    pub samples: u32,
}

impl Draw {
    /// The probability that no false segment is found out, if each drawn one
    /// passes with probability `drawn_passes` and each other with `other_passes`:
    /// the expectation of `drawn_passes^J * other_passes^(f - J)`.
    pub fn passes(&self, drawn_passes: f64, other_passes: f64) -> f64 {
        let odds = drawn(self.segments, self.false_segments, self.samples);
        let hits = 0..=self.false_segments.min(self.samples);
        hits.map(|hits| {
            let others = self.false_segments - hits;
            odds[hits as usize] * drawn_passes.powi(hits as i32) * other_passes.powi(others as i32)
        })
        .sum()
    }
}

/// Verifiers of a job, by whose side they are on.
#[derive(Clone, Copy, Debug)]
pub struct Crowd {
    /// Honest verifiers, each with a bond of 1.
    pub honest: u32,
    /// Bribed ones.
    pub bribed: u32,
    /// The bond of each of those.
    pub weight: f64,
}

impl Crowd {
    /// The probability that a draw by bond takes a bribed one.
    pub fn bribed_share(&self) -> f64 {
        let bribed = f64::from(self.bribed) * self.weight;
        bribed / (bribed + f64::from(self.honest))
    }

    /// Without one honest verifier: a panel leaves out the slot's own.
    pub fn without_an_honest_one(&self) -> Self {
        Self { honest: self.honest - 1, ..*self }
    }

    /// Without one bribed verifier: it kept back its secret.
    pub fn without_a_bribed_one(&self) -> Self {
        Self { bribed: self.bribed - 1, ..*self }
    }

    /// The probability that of `draws`, one after another, each without the honest
    /// ones drawn before, one takes a bribed verifier.
    pub fn one_of_bribed(&self, draws: u32) -> f64 {
        let honest = |before| Self { honest: self.honest.saturating_sub(before), ..*self };
        1.0 - (0..draws).map(|before| 1.0 - honest(before).bribed_share()).product::<f64>()
    }

    /// The probability that all of `draws`, one after another, each without those
    /// drawn before, take bribed verifiers.
    pub fn all_bribed(&self, draws: u32) -> f64 {
        let left = |before| Self { bribed: self.bribed.saturating_sub(before), ..*self };
        (0..draws).map(|before| left(before).bribed_share()).product()
    }

    /// How likely each number of bribed members is on a panel of `seats`, each
    /// drawn by bond among those without a seat.
    pub fn seated(&self, seats: u32) -> Vec<f64> {
        let mut odds = vec![1.0];
        for turn in 0..seats.min(self.honest + self.bribed) {
            let mut next = vec![0.0; odds.len() + 1];
            for (hits, before) in odds.iter().enumerate().filter(|(_, before)| **before > 0.0) {
                let left = Self {
                    honest: self.honest - (turn - hits as u32),
                    bribed: self.bribed - hits as u32,
                    weight: self.weight,
                };
                next[hits + 1] += before * left.bribed_share();
                next[hits] += before * (1.0 - left.bribed_share());
            }
            odds = next;
        }
        odds
    }

    /// The probability that a panel of `seats` has a majority of bribed members.
    pub fn bribed_majority(&self, seats: u32) -> f64 {
        let odds = self.seated(seats);
        odds.iter().skip(odds.len().div_ceil(2)).sum()
    }

    /// The share of the seats that bribed members have on a panel where they are no majority.
    pub fn minority_share(&self, seats: u32) -> f64 {
        let odds = self.seated(seats);
        let minority = || odds.iter().take(odds.len().div_ceil(2)).enumerate();
        let seated: f64 = minority().map(|(hits, odds)| hits as f64 * odds).sum();
        seated / f64::from(seats) / minority().map(|(_, odds)| odds).sum::<f64>()
    }

    /// The probability that a drawn false segment passes: its verifier is bribed,
    /// or the panel is that decides between an honest one and the operator.
    pub fn drawn_passes(&self, seats: u32) -> f64 {
        let share = self.bribed_share();
        match self.honest {
            0 => 1.0,
            _ => share + (1.0 - share) * self.without_an_honest_one().bribed_majority(seats),
        }
    }
}

/// The probability that some of `tries` succeeds, each with probability `one`.
pub fn some_of(tries: u32, one: f64) -> f64 {
    1.0 - (1.0 - one).powi(tries as i32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_protocol::economics::{bribed_seats, unseen};

    #[test]
    fn these_are_the_contract_s_formulas() {
        for (segments, false_segments, samples, bribed_bp) in [(24, 1, 6, 0), (24, 5, 6, 2_000), (7, 7, 3, 5_000)] {
            let draw = Draw { segments, false_segments, samples };
            let exact = unseen(segments, false_segments, samples as u8, bribed_bp).to_f64();
            assert!((draw.passes(f64::from(bribed_bp) / 1e4, 1.0) - exact).abs() < 1e-12);
        }
        for (honest, bribed, seats) in [(10, 5, 3), (4, 4, 5), (1, 7, 9), (6, 0, 3)] {
            let crowd = Crowd { honest, bribed, weight: 1.0 };
            let exact = bribed_seats(honest + bribed, bribed, seats as u8, seats.min(8) as u8 / 2 + 1).to_f64();
            assert!((crowd.bribed_majority(seats) - exact).abs() < 1e-12, "{crowd:?} {seats}");
            let exact = bribed_seats(honest + bribed, bribed, 2, 2).to_f64();
            assert!((crowd.all_bribed(2) - exact).abs() < 1e-12, "{crowd:?}");
        }
    }

    #[test]
    fn a_heavier_bond_is_drawn_as_so_many_accounts_but_sits_once() {
        let crowd = Crowd { honest: 2, bribed: 1, weight: 2.0 };
        assert_eq!(crowd.bribed_share(), 0.5);
        assert_eq!(crowd.bribed_majority(3), 0.0);
        assert_eq!(crowd.bribed_majority(1), 0.5);
        // Two of the three sit: the bribed one is there unless both honest ones are.
        // 1 - 1/2 * 1/3: the second draw is without the honest one of the first.
        assert!((crowd.one_of_bribed(2) - (1.0 - 0.5 / 3.0)).abs() < 1e-12);
        assert!((crowd.minority_share(2) - 0.5 * (1.0 - 0.5 / 3.0)).abs() < 1e-12);
    }

    #[test]
    fn segments_that_nobody_draws_can_be_found_by_others() {
        let draw = Draw { segments: 4, false_segments: 1, samples: 1 };
        assert_eq!(draw.passes(0.0, 1.0), 0.75);
        assert_eq!(draw.passes(0.0, 0.5), 0.375);
        assert_eq!(draw.passes(1.0, 1.0), 1.0);
        assert_eq!(some_of(2, 0.5), 0.75);
    }
}
