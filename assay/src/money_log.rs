//! The money of one job, from the market's events: what came in, what went out,
//! and whether the two are the same to the last unit.

use assay_protocol::Address;
use assay_protocol::market::{Event, JobView, MAX_DEMANDS, Reason};
use std::collections::BTreeSet;

/// One movement of a job's money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Movement {
    /// Block of the event.
    pub block: u64,
    /// Whose money.
    pub account: Address,
    /// How much, in the contract's unit.
    pub amount: u128,
    /// Why.
    pub reason: Reason,
}

/// The money of one job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MoneyLog {
    /// Taken from stakes, in order.
    pub slashed: Vec<Movement>,
    /// Credited to accounts, in order.
    pub credited: Vec<Movement>,
    /// Demands that came with a bond.
    demands: u32,
    /// Verifiers that enlisted and were not seen to reveal their secret.
    silent: BTreeSet<Address>,
    /// Whether the job was seen to be committed to, and to end.
    committed: bool,
    ended: bool,
}

/// The sums of a job's money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sums {
    /// Payment and fee, and the bonds of challenges and demands.
    pub paid_in: u128,
    /// Taken from stakes.
    pub slashed: u128,
    /// Credited to accounts, burned sums included.
    pub credited: u128,
    /// What the job holds still.
    pub held: u128,
}

impl Sums {
    /// Whether what came in is what went out and what is held, to the last unit.
    pub fn add_up(&self) -> bool {
        match (self.paid_in.checked_add(self.slashed), self.credited.checked_add(self.held)) {
            (Some(came_in), Some(went_out)) => came_in == went_out,
            _ => false,
        }
    }
}

impl MoneyLog {
    /// Takes note of an event of the market in `block`, if it is of job `id`.
    pub fn add(&mut self, id: u64, block: u64, event: &Event) {
        match *event {
            Event::Slashed { account, job, amount, reason } if job == id => {
                self.slashed.push(Movement { block, account, amount, reason });
                // After the end only the silent are slashed, and each once.
                if self.ended {
                    self.silent.remove(&account);
                }
            }
            Event::Credited { account, job: Some(job), amount, reason } if job == id => {
                self.credited.push(Movement { block, account, amount, reason });
            }
            // The others are reports of drawn verifiers, which come without money.
            Event::Demanded { job, number, .. } if job == id && number < MAX_DEMANDS => self.demands += 1,
            Event::Enlisted { job, verifier, .. } if job == id => {
                self.silent.insert(verifier);
            }
            Event::SecretRevealed { job, by } if job == id => {
                self.silent.remove(&by);
            }
            Event::JobMoved { job, state, .. } if job == id => {
                self.committed |= state == assay_protocol::market::State::Committed;
                self.ended |= state.is_terminal();
            }
            _ => {}
        }
    }

    /// Whether the job has ended.
    pub fn ended(&self) -> bool {
        self.ended
    }

    /// Verifiers that may still be slashed when they release their bond, after
    /// the job's end: those that were asked for their secret and kept it.
    pub fn may_follow(&self) -> Vec<Address> {
        match self.committed {
            true => self.silent.iter().copied().collect(),
            false => vec![],
        }
    }

    /// The sums, with the job as the chain shows it now.
    pub fn sums(&self, job: &JobView) -> Sums {
        let sum = |movements: &[Movement]| movements.iter().fold(0u128, |sum, one| sum.saturating_add(one.amount));
        let terms = &job.terms;
        let bonds = [
            terms.bond.saturating_mul(job.job.challenges.into()),
            terms.demand_bond().saturating_mul(self.demands.into()),
        ];
        let paid_in = bonds.into_iter().fold(terms.payment.saturating_add(terms.fee), u128::saturating_add);
        Sums { paid_in, slashed: sum(&self.slashed), credited: sum(&self.credited), held: job.job.held }
    }
}

/// A reason in words.
pub fn reason_text(reason: Reason) -> &'static str {
    match reason {
        Reason::Payment => "payment for the finished job",
        Reason::Fee => "fee for checked segments",
        Reason::Refund => "refund to the client",
        Reason::Reward => "share of a slashed sum",
        Reason::Unstaked => "stake taken back",
        Reason::Burned => "burned part of a slashed sum",
        Reason::Royalty => "royalty for an input of the job",
        Reason::Seat => "for a seat in a panel's majority",
        Reason::Bond => "bond of a challenge or a demand, given back",
        Reason::Convicted => "convicted: a panel found its work to be false",
        Reason::Unavailable => "did not answer a demand in time",
        Reason::HandedBack => "handed the job back",
        Reason::Late => "did not commit in time",
        Reason::Absent => "did not open its leaves or reveal its traces in time",
        Reason::Idle => "did not do its turn, was overruled on a panel, or demanded what was served",
        Reason::Wrong => "insisted, and a panel found for the operator",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_protocol::market::State;

    const A: Address = Address([1; 20]);
    const B: Address = Address([2; 20]);

    fn moved(state: State) -> Event {
        Event::JobMoved { job: 7, state, deadline: 0 }
    }

    #[test]
    fn other_jobs_and_stakes_are_left_out() {
        let mut log = MoneyLog::default();
        log.add(7, 1, &Event::Credited { account: A, job: Some(8), amount: 5, reason: Reason::Payment });
        log.add(7, 1, &Event::Credited { account: A, job: None, amount: 5, reason: Reason::Unstaked });
        log.add(7, 1, &Event::Slashed { account: A, job: 8, amount: 5, reason: Reason::Idle });
        assert_eq!(log, MoneyLog::default());
        log.add(7, 2, &Event::Credited { account: A, job: Some(7), amount: 5, reason: Reason::Payment });
        assert_eq!(log.credited, [Movement { block: 2, account: A, amount: 5, reason: Reason::Payment }]);
    }

    #[test]
    fn sums_must_be_the_same_to_the_last_unit() {
        let sums = Sums { paid_in: 12, slashed: 30, credited: 42, held: 0 };
        assert!(sums.add_up());
        assert!(!Sums { credited: 41, ..sums }.add_up());
        assert!(Sums { credited: 41, held: 1, ..sums }.add_up());
        assert!(!Sums { paid_in: u128::MAX, slashed: 1, credited: 0, held: 0 }.add_up());
    }

    #[test]
    fn demands_of_verifiers_come_without_a_bond() {
        let mut log = MoneyLog::default();
        for number in [0, MAX_DEMANDS - 1, MAX_DEMANDS] {
            log.add(7, 1, &Event::Demanded { job: 7, number, by: A, deadline: 9 });
        }
        log.add(7, 1, &Event::Demanded { job: 8, number: 0, by: A, deadline: 9 });
        assert_eq!(log.demands, 2);
    }

    #[test]
    fn silent_verifiers_may_be_slashed_after_the_end() {
        let mut log = MoneyLog::default();
        for verifier in [A, B] {
            log.add(7, 1, &Event::Enlisted { job: 7, verifier, bond: 5 });
        }
        assert!(log.may_follow().is_empty(), "nobody was asked for a secret yet");
        log.add(7, 2, &moved(State::Committed));
        log.add(7, 3, &Event::SecretRevealed { job: 7, by: A });
        assert_eq!(log.may_follow(), [B]);
        log.add(7, 4, &moved(State::Final));
        assert!(log.ended());
        log.add(7, 5, &Event::Slashed { account: B, job: 7, amount: 1, reason: Reason::Idle });
        assert!(log.may_follow().is_empty());
    }
}
