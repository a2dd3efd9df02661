//! What a verifier has to do in a job, as the chain shows it. Pure: the same
//! records give the same duties, after a restart as before.

use assay_protocol::Address;
use assay_protocol::market::{Check, Enlistment, Job, Seat, Slot, State};

/// One thing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duty {
    /// Reveal the secret for the draw.
    RevealSecret,
    /// Replay a slot's segment and seal what was found.
    Attest(u8),
    /// Stand by what was sealed for a slot, if it is found again.
    Insist(u8),
    /// Replay the disputed segment and seal the outcome.
    PanelSeal(u8),
    /// Reveal the sealed outcome.
    PanelReveal(u8),
    /// Move the job on.
    Advance,
    /// Take the bond back.
    Release,
}

/// The duties of `me`, who is enlisted, in the order in which to do them.
/// `now` is chain time in seconds, `block` the newest finalised block.
pub fn duties(
    me: &Address,
    (now, block): (u64, u64),
    job: &Job,
    enlistment: &Enlistment,
    slots: &[Slot],
    seats: &[Seat],
) -> Vec<Duty> {
    let late = now > job.deadline;
    let mine = |check: Check| {
        (0u8..)
            .zip(slots)
            .filter(move |(_, slot)| slot.verifier == *me && slot.check == check)
            .map(|(number, _)| number)
    };
    let seat = seats.iter().find(|seat| seat.verifier == *me);
    match job.state {
        State::Final | State::Failed | State::Void | State::Cancelled => vec![Duty::Release],
        State::Committed => match job.draw_block {
            Some(draw) if block > u64::from(draw) => vec![Duty::Advance],
            Some(_) => vec![],
            None if late => vec![Duty::Advance],
            None if !enlistment.revealed => vec![Duty::RevealSecret],
            None => vec![],
        },
        _ if late => vec![Duty::Advance],
        State::Opened => mine(Check::Opened).map(Duty::Attest).collect(),
        State::Window => {
            // Each starts a dispute, and the next one can only be after it.
            mine(Check::Mismatched).map(Duty::Insist).collect()
        }
        State::Disputed => match (seat, job.disputed) {
            (Some(seat), Some(slot)) if seat.seal.is_none() => vec![Duty::PanelSeal(slot)],
            _ => vec![],
        },
        State::Ruling => match (seat, job.disputed) {
            (Some(seat), Some(slot)) if seat.seal.is_some() && seat.outcome.is_none() => vec![Duty::PanelReveal(slot)],
            _ => vec![],
        },
        State::Open | State::Claimed | State::Drawn | State::Attested => vec![],
    }
}

/// Whether somebody who is enlisted can have anything to do in a job of which
/// only this much is known.
pub fn may_have_duties(state: State, deadline: u64, now: u64) -> bool {
    let waits_for_others = matches!(state, State::Open | State::Claimed | State::Drawn | State::Attested);
    !waits_for_others || now > deadline
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{ME, OTHER, job_view};
    use assay_protocol::Hash;

    fn enlistment(revealed: bool) -> Enlistment {
        Enlistment { sealed_secret: Hash::default(), locked: 1, bond: 1, place: 3, revealed, idle: false }
    }

    fn slot(verifier: Address, check: Check) -> Slot {
        let (before, after, operator_seal, verifier_seal, trace) = (None, None, None, None, None);
        Slot { segment: 0, verifier, check, before, after, operator_seal, verifier_seal, trace }
    }

    fn at(state: State, now: u64, slots: &[Slot], seats: &[Seat]) -> Vec<Duty> {
        let mut job = job_view(state).job;
        job.disputed = Some(1);
        duties(&ME, (now, 10), &job, &enlistment(true), slots, seats)
    }

    #[test]
    fn every_state_that_lasts_too_long_is_moved_on() {
        for state in [
            State::Open,
            State::Claimed,
            State::Committed,
            State::Drawn,
            State::Opened,
            State::Attested,
            State::Window,
            State::Disputed,
            State::Ruling,
        ] {
            let slots = [slot(ME, Check::Opened), slot(ME, Check::Mismatched)];
            let seats = [Seat { verifier: ME, seal: None, outcome: None }];
            assert_eq!(at(state, 1001, &slots, &seats), [Duty::Advance], "{state:?}");
            assert!(may_have_duties(state, 1000, 1001));
            if !may_have_duties(state, 1000, 1000) {
                assert_eq!(at(state, 1000, &slots, &seats), [], "{state:?}");
            }
        }
    }

    #[test]
    fn a_bond_comes_back_from_every_end() {
        for state in [State::Final, State::Failed, State::Void, State::Cancelled] {
            assert_eq!(at(state, 5, &[], &[]), [Duty::Release]);
            assert!(may_have_duties(state, 0, 5));
        }
    }

    #[test]
    fn the_secret_is_revealed_once_and_the_draw_waits_for_its_block() {
        let mut job = job_view(State::Committed).job;
        let at = |job: &Job, revealed, block| duties(&ME, (5, block), job, &enlistment(revealed), &[], &[]);
        assert_eq!(at(&job, false, 10), [Duty::RevealSecret]);
        assert_eq!(at(&job, true, 10), []);
        job.draw_block = Some(10);
        assert_eq!(at(&job, true, 10), []);
        assert_eq!(at(&job, true, 11), [Duty::Advance]);
    }

    #[test]
    fn only_own_slots_that_wait_are_worked_on() {
        let slots = [
            slot(OTHER, Check::Opened),
            slot(ME, Check::Opened),
            slot(ME, Check::Sealed),
            slot(ME, Check::Mismatched),
            slot(ME, Check::Unserved),
            slot(OTHER, Check::Mismatched),
            slot(ME, Check::Passed),
        ];
        assert_eq!(at(State::Opened, 5, &slots, &[]), [Duty::Attest(1)]);
        assert_eq!(at(State::Window, 5, &slots, &[]), [Duty::Insist(3)]);
        assert_eq!(at(State::Drawn, 5, &slots, &[]), []);
    }

    #[test]
    fn a_panellist_seals_then_reveals() {
        let seat = |verifier, sealed: bool| Seat { verifier, seal: sealed.then_some(Hash([1; 32])), outcome: None };
        assert_eq!(at(State::Disputed, 5, &[], &[seat(OTHER, false), seat(ME, false)]), [Duty::PanelSeal(1)]);
        assert_eq!(at(State::Disputed, 5, &[], &[seat(OTHER, false), seat(ME, true)]), []);
        assert_eq!(at(State::Ruling, 5, &[], &[seat(ME, true)]), [Duty::PanelReveal(1)]);
        assert_eq!(at(State::Ruling, 5, &[], &[seat(ME, false)]), []);
        assert_eq!(at(State::Ruling, 5, &[], &[seat(OTHER, true)]), []);
    }
}
