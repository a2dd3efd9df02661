//! Panels: who sits, what they find, what follows.

use super::money::idle_part;
use super::{Class, Model, Quarrel, Task};
use crate::market::host::MarketChain;
use crate::market::world::job_id;
use assay_market::reads;
use assay_protocol::Address;
use assay_protocol::commitment::{Outcome, seal};
use assay_protocol::hash::{Hash, Native};
use assay_protocol::market::{Challenge, Check, LEAST_WINDOW_PART, MAX_PANELS, Reason, Seat, Slot, State};

/// What a panel says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// For the operator, by these.
    Upheld(Vec<Address>),
    /// Against it, by these.
    Refuted(Vec<Address>),
    /// Nothing.
    Undecided,
}

impl Model {
    pub(super) fn challenge(&mut self, id: u64, challenge: &Challenge, after: &MarketChain) {
        let (who, value) = (self.caller, self.value);
        self.take_in(id, value);
        let task = self.job(id);
        let mut slot = Model::fresh(challenge.segment, who);
        slot.before = Some(challenge.before.state);
        slot.after = Some(challenge.after.state);
        slot.operator_seal = Some(challenge.after.seal);
        slot.check = Check::Challenged;
        task.slots.push(slot);
        let number = task.slots.len() as u8 - 1;
        self.quarrel(id, number, true, after);
    }

    /// Somebody's finding goes to a panel.
    pub(super) fn quarrel(&mut self, id: u64, slot: u8, insisted: bool, after: &MarketChain) {
        let left = self.job(id).deadline.saturating_sub(self.now) as u32;
        self.seat(id, Quarrel { slot, insisted, round: 0, left, seats: Vec::new() }, after);
    }

    /// Seats a panel; without two, the dispute cannot be decided.
    fn seat(&mut self, id: u64, mut quarrel: Quarrel, after: &MarketChain) {
        let task = self.job(id);
        let verifier = task.slots[usize::from(quarrel.slot)].verifier;
        let candidates = task.drawable(&[verifier]);
        let wanted = candidates.len().min(usize::from(task.terms.panel));
        if wanted < 2 {
            task.quarrel = Some(Quarrel { seats: Vec::new(), ..quarrel });
            self.give_up(id);
            return;
        }
        let seats = reads::seats(after, id);
        assert_eq!(seats.len(), wanted, "a panel has as many seats as there are verifiers for it");
        for (at, seat) in seats.iter().enumerate() {
            assert!(candidates.contains(&seat.verifier), "{} may not sit", seat.verifier);
            assert!(seats[..at].iter().all(|other| other.verifier != seat.verifier), "one seat each");
        }
        let empty = |seat: &Seat| Seat { verifier: seat.verifier, seal: None, outcome: None };
        quarrel.seats = seats.iter().map(empty).collect();
        task.quarrel = Some(quarrel);
        let window = task.terms.windows.attest;
        self.enter(id, State::Disputed, window);
    }

    fn own_seat(&mut self, id: u64) -> &mut Seat {
        let caller = self.caller;
        let seats = self.job(id).quarrel.iter_mut().flat_map(|quarrel| &mut quarrel.seats);
        seats.into_iter().find(|seat| seat.verifier == caller).expect("judged before")
    }

    pub(super) fn panel_seal(&mut self, id: u64, seal: Hash) {
        self.own_seat(id).seal = Some(seal);
        let task = self.job(id);
        if task.quarrel.iter().flat_map(|quarrel| &quarrel.seats).all(|seat| seat.seal.is_some()) {
            let window = task.terms.windows.reveal;
            self.enter(id, State::Ruling, window);
        }
    }

    pub(super) fn panel_reveal(&mut self, id: u64, outcome: Outcome, after: &MarketChain) {
        self.own_seat(id).outcome = Some(outcome);
        let task = self.job(id);
        if task.all_revealed() {
            let ruling = self.ruling(id);
            // The job may be void without a majority, which an open demand forbids.
            if ruling != Ruling::Undecided || self.jobs[id as usize].demands.is_empty() {
                self.conclude(id, ruling, after);
            }
        }
    }

    /// Whether a finding speaks for the operator; `None` if it says nothing.
    fn speaks(&self, id: u64, task: &Task, slot: u8, outcome: &Outcome) -> Option<bool> {
        let entry = &task.slots[usize::from(slot)];
        match outcome {
            Outcome::Unavailable => None,
            Outcome::Replayed { state, trace, .. } => {
                let operator = task.operator.expect("a disputed job has an operator");
                let own = seal(&Native, job_id(id), entry.segment, trace, &operator);
                Some(entry.after == Some(*state) && entry.operator_seal == Some(own))
            }
            Outcome::FalseEnds { initial_state, artefact } => {
                let ends = task.ends.as_ref().expect("disputed jobs have ends");
                (ends.initial_state != *initial_state || ends.artefact != *artefact).then_some(false)
            }
        }
    }

    /// What more than half of all seats found, word for word.
    pub(super) fn ruling(&self, id: u64) -> Ruling {
        let task = &self.jobs[id as usize];
        let quarrel = task.quarrel.as_ref().expect("a dispute is open");
        for outcome in quarrel.seats.iter().filter_map(|seat| seat.outcome) {
            let Some(upheld) = self.speaks(id, task, quarrel.slot, &outcome) else { continue };
            let agree = quarrel.seats.iter().filter(|seat| seat.outcome == Some(outcome));
            let agree: Vec<Address> = agree.map(|seat| seat.verifier).collect();
            if agree.len() * 2 > quarrel.seats.len() {
                return if upheld { Ruling::Upheld(agree) } else { Ruling::Refuted(agree) };
            }
        }
        Ruling::Undecided
    }

    /// Whether concluding the dispute now would make the job void.
    pub(super) fn would_void(&self, task: &Task) -> bool {
        let quarrel = task.quarrel.as_ref().expect("a dispute is open");
        let id = self.jobs.iter().position(|other| std::ptr::eq(other, task)).expect("a job of this market") as u64;
        let undecided = task.state == State::Disputed || self.ruling(id) == Ruling::Undecided;
        let absent = self.absent(task);
        let fresh = task.drawable(&[&absent[..], &[task.slots[usize::from(quarrel.slot)].verifier]].concat());
        let last = quarrel.round + 1 == MAX_PANELS || fresh.len() < 2;
        undecided && last && task.drawn(quarrel.slot)
    }

    /// Panellists that missed their turn.
    fn absent(&self, task: &Task) -> Vec<Address> {
        let missed = |seat: &&Seat| match task.state {
            State::Disputed => seat.seal.is_none(),
            _ => seat.outcome.is_none(),
        };
        let seats = task.quarrel.iter().flat_map(|quarrel| &quarrel.seats);
        seats.filter(missed).map(|seat| seat.verifier).collect()
    }

    pub(super) fn conclude(&mut self, id: u64, ruling: Ruling, after: &MarketChain) {
        let task = &self.jobs[id as usize];
        let quarrel = task.quarrel.clone().expect("a dispute is open");
        let entry = task.slots[usize::from(quarrel.slot)].clone();
        let drawn = task.drawn(quarrel.slot);
        // Who was not served has said nothing, and is not overruled.
        let minority = |majority: &[Address]| -> Vec<Address> {
            let silent = |seat: &&Seat| seat.outcome == Some(Outcome::Unavailable);
            let seats = quarrel.seats.iter().filter(|seat| !silent(seat)).map(|seat| seat.verifier);
            seats.filter(|who| !majority.contains(who)).collect()
        };
        match ruling {
            Ruling::Upheld(majority) => {
                for who in minority(&majority) {
                    self.idle(id, who);
                }
                if drawn {
                    self.verifier_was_wrong(id, &quarrel, entry.verifier, &majority);
                } else {
                    let (bond, operator) = (self.job(id).terms.bond, self.job(id).operator);
                    self.split(id, bond, operator, (&majority, Class::Seat, 0));
                }
                self.job(id).slots[usize::from(quarrel.slot)].check = Check::Upheld;
                self.back_to_window(id);
            }
            Ruling::Refuted(majority) => {
                for who in minority(&majority) {
                    self.idle(id, who);
                }
                let same = |outcome: &Outcome| match outcome {
                    Outcome::Replayed { trace, .. } => {
                        entry.verifier_seal == Some(seal(&Native, job_id(id), entry.segment, trace, &entry.verifier))
                    }
                    _ => false,
                };
                let mut found = quarrel.seats.iter().filter(|seat| majority.contains(&seat.verifier));
                let right = drawn && (quarrel.insisted || found.any(|seat| seat.outcome.as_ref().is_some_and(same)));
                if right {
                    self.pay_fee(id, quarrel.slot, entry.verifier);
                }
                if !drawn {
                    let bond = self.job(id).terms.bond;
                    self.pay_once(id, entry.verifier, Class::Bond, quarrel.slot, bond);
                    // Whoever found the segment right earns nothing for it.
                    let same = |slot: &&mut Slot| slot.segment == entry.segment && slot.check == Check::Passed;
                    self.job(id).slots.iter_mut().filter(same).for_each(|slot| slot.check = Check::Refuted);
                }
                self.job(id).slots[usize::from(quarrel.slot)].check = Check::Refuted;
                self.job(id).quarrel = None;
                let main = quarrel.insisted.then_some(entry.verifier);
                self.convict(id, Reason::Convicted, main, (&majority, Class::Seat, 0));
            }
            Ruling::Undecided => {
                for who in self.absent(&self.jobs[id as usize]) {
                    self.idle(id, who);
                }
                if quarrel.round + 1 == MAX_PANELS {
                    self.give_up(id);
                } else {
                    self.seat(id, Quarrel { round: quarrel.round + 1, seats: Vec::new(), ..quarrel }, after);
                }
            }
        }
    }

    fn verifier_was_wrong(&mut self, id: u64, quarrel: &Quarrel, verifier: Address, majority: &[Address]) {
        let part = self.jobs[id as usize].part(verifier).cloned();
        let (locked, left) = part.map_or((0, 0), |part| (part.locked, part.left));
        let (penalty, reason) = match quarrel.insisted {
            true => (left, Reason::Wrong),
            false => (idle_part(locked), Reason::Idle),
        };
        let taken = self.penalise(id, verifier, penalty, reason);
        let terms = &self.jobs[id as usize].terms;
        let fee = terms.fee / u128::from(terms.samples);
        self.split(id, taken, None, (majority, Class::Seat, fee));
    }

    /// Nobody could decide: a drawn slot makes the job void, a challenge fails.
    fn give_up(&mut self, id: u64) {
        let quarrel = self.job(id).quarrel.take().expect("a dispute is open");
        if self.jobs[id as usize].drawn(quarrel.slot) {
            self.end_void(id);
            return;
        }
        self.job(id).quarrel = Some(quarrel.clone());
        let entry = &mut self.job(id).slots[usize::from(quarrel.slot)];
        entry.check = Check::Undecided;
        let who = entry.verifier;
        let bond = self.job(id).terms.bond;
        let price = idle_part(bond);
        self.burn(id, price);
        self.pay_once(id, who, Class::Bond, quarrel.slot, bond - price);
        self.back_to_window(id);
    }

    /// The window goes on for what was left, and at least for a part of it.
    fn back_to_window(&mut self, id: u64) {
        let quarrel = self.job(id).quarrel.take().expect("a dispute is open");
        let least = self.job(id).terms.windows.dispute.div_ceil(LEAST_WINDOW_PART);
        self.enter(id, State::Window, quarrel.left.max(least));
    }
}
