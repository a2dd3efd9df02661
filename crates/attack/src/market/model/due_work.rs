//! Why a message about a committed job must be refused.

use super::{Model, Task, opens};
use crate::market::msg::Msg;
use crate::market::work::made;
use crate::market::world::job_id;
use assay_protocol::Hash;
use assay_protocol::commitment::{outcome_seal, seal};
use assay_protocol::hash::Native;
use assay_protocol::market::{
    Answer, Challenge, Check, Error, LeafOpening, MAX_CHALLENGES, MAX_DEMANDS, Opening, SlotTrace, State, Wanted,
};

/// States in which content can be demanded.
pub const DEMANDABLE: [State; 5] = [State::Opened, State::Attested, State::Window, State::Disputed, State::Ruling];

impl Model {
    pub(super) fn due_of_work(&self, task: &Task, msg: &Msg, due: &mut Vec<Error>) {
        match msg {
            Msg::Open { opening, .. } => {
                self.need(task, &[State::Drawn], due);
                self.need_operator(task, due);
                self.due_of_open(task, opening, due);
            }
            Msg::Attest { slot, .. } | Msg::ReportUnavailable { slot, .. } => {
                self.need(task, &[State::Opened], due);
                match task.slots.get(usize::from(*slot)) {
                    None => due.push(Error::UnknownSlot(*slot)),
                    Some(entry) => {
                        if entry.verifier != self.caller {
                            due.push(Error::NotDrawn);
                        }
                        if entry.check != Check::Opened {
                            due.push(Error::WrongCheck(entry.check));
                        }
                    }
                }
            }
            Msg::RevealTraces { job, traces } => {
                self.need(task, &[State::Attested], due);
                self.need_operator(task, due);
                self.due_of_traces(*job, task, traces, due);
            }
            Msg::Insist { job, slot, trace } => self.due_of_insist(*job, task, *slot, *trace, due),
            Msg::Challenge { challenge, .. } => self.due_of_challenge(task, challenge, due),
            Msg::PanelSeal { .. } => {
                self.need(task, &[State::Disputed], due);
                self.due_of_seat(task, |seat| seat.seal.is_some(), due);
            }
            Msg::PanelReveal { job, outcome } => {
                self.need(task, &[State::Ruling], due);
                self.due_of_seat(task, |seat| seat.outcome.is_some(), due);
                let own = task.quarrel.as_ref().and_then(|quarrel| {
                    let segment = task.slots[usize::from(quarrel.slot)].segment;
                    let seat = quarrel.seats.iter().find(|seat| seat.verifier == self.caller)?;
                    Some(seat.seal == Some(outcome_seal(&Native, job_id(*job), segment, outcome, &self.caller)))
                });
                if own != Some(true) {
                    due.push(Error::WrongSeal);
                }
            }
            Msg::Demand { wanted, .. } => self.due_of_demand(task, wanted, due),
            Msg::Answer { number, answer, .. } => self.due_of_answer(task, *number, answer, due),
            Msg::Advance { .. } => self.due_of_advance(task, due),
            _ => unreachable!("judged before"),
        }
    }

    fn due_of_open(&self, task: &Task, opening: &Opening, due: &mut Vec<Error>) {
        let Some(root) = task.root else { return };
        let count = task.terms.segments + 1;
        let leaf = |boundary: u32, leaf: &LeafOpening, due: &mut Vec<Error>| {
            if !opens(root, count, boundary, leaf) {
                due.push(Error::BadProof { boundary });
            }
        };
        match (&opening.ends, &task.ends) {
            (None, None) => due.push(Error::EndsMissing),
            (Some(_), Some(_)) => due.push(Error::EndsOpen),
            (Some(ends), None) => {
                leaf(0, &ends.first, due);
                leaf(task.terms.segments, &ends.last, due);
            }
            (None, Some(_)) => {}
        }
        for (at, slot) in opening.slots.iter().enumerate() {
            let Some(entry) = task.slots.get(usize::from(slot.slot)) else {
                due.push(Error::UnknownSlot(slot.slot));
                continue;
            };
            if opening.slots[..at].iter().any(|earlier| earlier.slot == slot.slot) {
                due.push(Error::WrongCheck(Check::Opened));
            }
            if entry.check != Check::Drawn {
                due.push(Error::WrongCheck(entry.check));
            }
            leaf(entry.segment, &slot.before, due);
            leaf(entry.segment + 1, &slot.after, due);
        }
    }

    fn due_of_traces(&self, id: u64, task: &Task, traces: &[SlotTrace], due: &mut Vec<Error>) {
        let mut slots: Vec<u8> = traces.iter().map(|trace| trace.slot).collect();
        slots.sort_unstable();
        let sealed = (0u8..).zip(&task.slots).filter(|(_, slot)| slot.check == Check::Sealed);
        if !sealed.map(|(number, _)| number).eq(slots) {
            due.push(Error::IncompleteTraces);
        }
        for SlotTrace { slot, trace } in traces {
            let Some(entry) = task.slots.get(usize::from(*slot)) else {
                due.push(Error::UnknownSlot(*slot));
                continue;
            };
            let own = seal(&Native, job_id(id), entry.segment, trace, &self.caller);
            if *trace == Hash::default() || entry.operator_seal != Some(own) {
                due.push(Error::WrongTrace { slot: *slot });
            }
        }
    }

    fn due_of_insist(&self, id: u64, task: &Task, slot: u8, trace: Hash, due: &mut Vec<Error>) {
        self.need(task, &[State::Window], due);
        if task.quarrel.is_some() {
            due.push(Error::DisputeOpen);
        }
        let Some(entry) = task.slots.get(usize::from(slot)) else { return due.push(Error::UnknownSlot(slot)) };
        if entry.verifier != self.caller {
            due.push(Error::NotDrawn);
        }
        if entry.check != Check::Mismatched {
            due.push(Error::NothingToDispute);
        }
        if entry.verifier_seal != Some(seal(&Native, job_id(id), entry.segment, &trace, &self.caller)) {
            due.push(Error::WrongSeal);
        }
        // Without a panel the job would be void, which an open demand forbids.
        let until = task.demands.iter().map(|demand| demand.deadline).max();
        if let Some(until) = until
            && task.drawable(&[entry.verifier]).len() < 2
        {
            due.push(Error::DemandOpen { until });
        }
    }

    fn due_of_challenge(&self, task: &Task, challenge: &Challenge, due: &mut Vec<Error>) {
        let Challenge { segment, before, after } = challenge;
        self.need(task, &[State::Window], due);
        if task.quarrel.is_some() {
            due.push(Error::DisputeOpen);
        }
        if self.value != task.terms.bond {
            due.push(Error::WrongValue { expected: task.terms.bond, sent: self.value });
        }
        if task.operator == Some(self.caller) || task.part(self.caller).is_some() {
            due.push(Error::ConflictOfInterest);
        }
        if *segment >= task.terms.segments {
            return due.push(Error::UnknownSegment(*segment));
        }
        let settled = |check: Check| matches!(check, Check::Upheld | Check::Mismatched);
        if task.slots.iter().any(|slot| slot.segment == *segment && settled(slot.check)) {
            due.push(Error::NotChallengeable(*segment));
        }
        let challenges = task.slots.len() - usize::from(task.terms.samples).min(task.slots.len());
        if challenges >= usize::from(MAX_CHALLENGES) {
            due.push(Error::TooManyChallenges);
        }
        if let Some(root) = task.root {
            let count = task.terms.segments + 1;
            for (boundary, leaf) in [(*segment, before), (*segment + 1, after)] {
                if !opens(root, count, boundary, leaf) {
                    due.push(Error::BadProof { boundary });
                }
            }
        }
        if task.drawable(&[self.caller]).len() < 2 {
            due.push(Error::NoPanel);
        }
    }

    fn due_of_seat(&self, task: &Task, done: impl Fn(&assay_protocol::market::Seat) -> bool, due: &mut Vec<Error>) {
        let seats = task.quarrel.iter().flat_map(|quarrel| &quarrel.seats);
        match seats.into_iter().find(|seat| seat.verifier == self.caller) {
            None => due.push(Error::NotDrawn),
            Some(seat) if done(seat) => due.push(Error::AlreadyRevealed),
            Some(_) => {}
        }
    }

    fn due_of_demand(&self, task: &Task, wanted: &Wanted, due: &mut Vec<Error>) {
        self.need(task, &DEMANDABLE, due);
        let expected = task.terms.demand_bond();
        if self.value != expected {
            due.push(Error::WrongValue { expected, sent: self.value });
        }
        if task.operator == Some(self.caller) {
            due.push(Error::ConflictOfInterest);
        }
        if task.demands.iter().filter(|demand| demand.slot().is_none()).count() >= usize::from(MAX_DEMANDS) {
            due.push(Error::TooManyDemands);
        }
        if let Wanted::Leaf { boundary, .. } = wanted
            && task.opened_state(*boundary).is_none()
        {
            due.push(Error::NotOpened { boundary: *boundary });
        }
    }

    fn due_of_answer(&self, task: &Task, number: u8, answer: &Answer, due: &mut Vec<Error>) {
        let Some(demand) = task.demands.iter().find(|demand| demand.number == number) else {
            return due.push(Error::UnknownDemand(number));
        };
        if self.now > demand.deadline {
            due.push(Error::DeadlinePassed { deadline: demand.deadline, now: self.now });
        }
        let right = match (&demand.wanted, answer) {
            (Wanted::Boundary { index }, Answer::Boundary(leaf)) => {
                let count = task.terms.segments + 1;
                opens(task.root.expect("demands come after the commitment"), count, index % count, leaf)
            }
            // There is one right answer, and whoever made the state knows it.
            (Wanted::Leaf { tensor, chunk, .. }, Answer::Leaf(leaf)) => {
                demand.state.and_then(|root| made(&root)).is_some_and(|toy| toy.chunk(*tensor, *chunk) == *leaf)
            }
            _ => false,
        };
        if !right {
            due.push(Error::BadAnswer);
        }
    }
}
