//! A dispute: a second, larger draw of verifiers replays the segment, without
//! the first, and its majority says who is slashed.
//!
//! The trace roots of the first check are public by now, so a panellist proves
//! its work by the trace root under a fresh salt. The element-level court will
//! take the place of `tally`: it gives the same [`Verdict`] to `conclude`.

use crate::verdict::{Verdict, conclude};
use crate::{DISPUTE, ENDS, MarketHost, SEAT, draw, job_id, job_in, move_to, no_value, slot, terms};
use alloc::vec::Vec;
use assay_protocol::Address;
use assay_protocol::commitment::{Outcome, outcome_seal, panel_salt, seal};
use assay_protocol::hash::{Domain, Hash};
use assay_protocol::market::{Dispute, Error, Event, Job, Seat, Slot, State, Terms, majority};

/// Starts a dispute over a slot in the window; `false` if there are not two for a panel.
pub(crate) fn start(
    host: &mut impl MarketHost,
    id: u64,
    job: &mut Job,
    terms: &Terms,
    number: u8,
    insisted: bool,
) -> bool {
    // At most a window, which 32 bits hold.
    let window_left = job.deadline.saturating_sub(host.now()) as u32;
    let dispute = Dispute {
        slot: number,
        insisted,
        round: 0,
        window_left,
        seats: 0,
        salt: Hash::default(),
        sealed: 0,
        revealed: 0,
    };
    seat(host, id, job, terms, dispute)
}

/// Seats a fresh panel for a dispute; `false` if there are not two for it.
pub(crate) fn seat(host: &mut impl MarketHost, id: u64, job: &mut Job, terms: &Terms, dispute: Dispute) -> bool {
    let entry = slot(host, id, dispute.slot).expect("whoever disputes has read the slot");
    // Nothing that changes from block to block goes in, nor anything that whoever
    // disputes could choose: it could wait for a panel of its friends.
    let seed = host.hash_value(Domain::Draw, &(job.seed, b'x', dispute.slot, dispute.round));
    let members = draw::panel(host, id, job, terms, &seed, &entry);
    if members.len() < 2 {
        return false;
    }
    for (seat, verifier) in (0u8..).zip(&members) {
        SEAT.set(host, &(id, seat), &Seat { verifier: *verifier, seal: None, outcome: None });
        host.emit(Event::SeatMoved { job: id, seat, verifier: *verifier });
    }
    job.disputed = Some(dispute.slot);
    let salt = panel_salt(host, job_id(host, id), entry.segment, &seed);
    let dispute = Dispute { seats: members.len() as u8, salt, sealed: 0, revealed: 0, ..dispute };
    DISPUTE.set(host, &id, &dispute);
    move_to(host, id, job, State::Disputed, terms.windows.attest);
    true
}

pub(crate) fn dispute(host: &impl MarketHost, id: u64) -> Dispute {
    DISPUTE.get(host, &id).expect("a disputed job has a dispute")
}

/// The seats of the open dispute, in order.
pub(crate) fn seats(host: &impl MarketHost, id: u64) -> Vec<Seat> {
    let seats = DISPUTE.get(host, &id).map_or(0, |dispute| dispute.seats);
    (0..seats).map(|seat| SEAT.get(host, &(id, seat)).expect("seats are dense")).collect()
}

fn seat_of_caller(host: &impl MarketHost, id: u64) -> Result<(u8, Seat), Error> {
    let caller = host.caller();
    (0u8..).zip(seats(host, id)).find(|(_, seat)| seat.verifier == caller).ok_or(Error::NotDrawn)
}

/// A panellist posts the [`outcome_seal`] over what it found.
///
/// # Errors
/// [`Error::WrongState`], [`Error::DeadlinePassed`], [`Error::NotDrawn`],
/// [`Error::AlreadyRevealed`] if it has sealed before.
pub fn panel_seal(host: &mut impl MarketHost, id: u64, seal: Hash) -> Result<(), Error> {
    no_value(host)?;
    let mut job = job_in(host, id, State::Disputed)?;
    let (number, mut seat) = seat_of_caller(host, id)?;
    if seat.seal.is_some() {
        return Err(Error::AlreadyRevealed);
    }
    seat.seal = Some(seal);
    SEAT.set(host, &(id, number), &seat);
    host.emit(Event::SeatMoved { job: id, seat: number, verifier: seat.verifier });
    let mut dispute = dispute(host, id);
    dispute.sealed += 1;
    DISPUTE.set(host, &id, &dispute);
    if dispute.sealed == dispute.seats {
        let window = terms(host, id).windows.reveal;
        move_to(host, id, &mut job, State::Ruling, window);
    }
    Ok(())
}

/// A panellist reveals what it sealed. The last one brings the ruling.
///
/// # Errors
/// [`Error::WrongState`], [`Error::DeadlinePassed`], [`Error::NotDrawn`],
/// [`Error::AlreadyRevealed`], [`Error::WrongSeal`].
pub fn panel_reveal(host: &mut impl MarketHost, id: u64, outcome: Outcome) -> Result<(), Error> {
    no_value(host)?;
    let mut job = job_in(host, id, State::Ruling)?;
    let (number, mut seat) = seat_of_caller(host, id)?;
    if seat.outcome.is_some() {
        return Err(Error::AlreadyRevealed);
    }
    let mut dispute = dispute(host, id);
    let segment = slot(host, id, dispute.slot)?.segment;
    if seat.seal != Some(outcome_seal(host, job_id(host, id), segment, &outcome, &seat.verifier)) {
        return Err(Error::WrongSeal);
    }
    seat.outcome = Some(outcome);
    SEAT.set(host, &(id, number), &seat);
    host.emit(Event::SeatMoved { job: id, seat: number, verifier: seat.verifier });
    dispute.revealed += 1;
    DISPUTE.set(host, &id, &dispute);
    if dispute.revealed == dispute.sealed {
        let verdict = tally(host, id, &job);
        // Without a majority the job may be void, which an open demand forbids:
        // `advance` concludes then.
        if verdict != Verdict::Undecided || job.demands == 0 {
            conclude(host, id, &mut job, verdict)?;
        }
    }
    Ok(())
}

/// Whether an outcome speaks for the operator; `None` if it says nothing.
fn speaks_for_operator(host: &impl MarketHost, id: u64, job: &Job, disputed: &Slot, outcome: &Outcome) -> Option<bool> {
    match outcome {
        Outcome::Replayed { state, trace, .. } => {
            let operator = job.operator.expect("a disputed job has an operator");
            let sealed = seal(host, job_id(host, id), disputed.segment, trace, &operator);
            Some(disputed.after == Some(*state) && disputed.operator_seal == Some(sealed))
        }
        // Whether something is served shows when it is demanded on chain.
        Outcome::Unavailable => None,
        Outcome::FalseEnds { initial_state, artefact } => {
            let ends = ENDS.get(host, &id).expect("a disputed job has opened its ends");
            // Who calls the ends false has to name others than the committed ones.
            (ends.initial_state != *initial_state || ends.artefact != *artefact).then_some(false)
        }
    }
}

/// What more than half of the panel's seats found. Findings must be the same to
/// count together.
pub(crate) fn tally(host: &impl MarketHost, id: u64, job: &Job) -> Verdict {
    let seats = seats(host, id);
    let disputed = slot(host, id, dispute(host, id).slot).expect("the disputed slot exists");
    for outcome in seats.iter().filter_map(|seat| seat.outcome) {
        let Some(upheld) = speaks_for_operator(host, id, job, &disputed, &outcome) else { continue };
        let agree: Vec<Address> =
            seats.iter().filter(|seat| seat.outcome == Some(outcome)).map(|seat| seat.verifier).collect();
        if agree.len() >= usize::from(majority(seats.len() as u8)) {
            return if upheld { Verdict::ForOperator(agree) } else { Verdict::AgainstOperator(agree) };
        }
    }
    Verdict::Undecided
}
