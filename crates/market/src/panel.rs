//! A dispute: a second, larger draw of verifiers replays the segment, without
//! the first, and its majority says who is slashed.
//!
//! The trace roots of the first check are public by now, so a panellist proves
//! its work by the trace root under a fresh salt. The element-level court will
//! take the place of `tally`: it gives the same [`Verdict`] to `conclude`.

use crate::check::{put, slots};
use crate::money::{distribute, pay, pay_equally, penalise, refund, share, slash, standing, unlock};
use crate::{COMMITMENT, DISPUTE, JOB, MarketHost, SEAT, STANDING, draw, job_in, move_to, no_value, slot, terms};
use alloc::vec::Vec;
use assay_protocol::Address;
use assay_protocol::commitment::{Outcome, outcome_seal, panel_salt, seal};
use assay_protocol::hash::{Domain, Hash};
use assay_protocol::market::{
    Check, Dispute, Error, Event, IDLE_PENALTY_BP, Job, Reason, Role, Seat, Slot, State, Terms,
};

/// Who was right, and who gets a share for having said so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The operator's segment is what the job's specification gives.
    ForOperator(Vec<Address>),
    /// It is not, or it is not served.
    AgainstOperator(Vec<Address>),
    /// No majority.
    Undecided,
}

/// Starts a dispute over a slot; without a panel of two the job is void.
pub(crate) fn start(host: &mut impl MarketHost, id: u64, job: &mut Job, number: u8, insisted: bool) {
    let terms = terms(host, id);
    let entry = slot(host, id, number).expect("whoever disputes has read the slot");
    // Nothing that changes from block to block goes in: whoever insists chooses
    // the block, and could wait for a panel of its friends.
    let seed = host.hash_value(Domain::Draw, &(job.seed, b'x', number));
    let members = draw::panel(host, id, job, &terms, &seed, &entry);
    if members.len() < 2 {
        end_void(host, id, job, &terms);
        return;
    }
    for (seat, verifier) in (0u8..).zip(&members) {
        SEAT.set(host, &(id, seat), &Seat { verifier: *verifier, seal: None, outcome: None });
        host.emit(Event::SeatMoved { job: id, seat, verifier: *verifier });
    }
    let dispute = Dispute {
        slot: number,
        insisted,
        seats: members.len() as u8,
        salt: panel_salt(host, id, entry.segment, &seed),
        sealed: 0,
        revealed: 0,
    };
    DISPUTE.set(host, &id, &dispute);
    job.disputed = Some(number);
    move_to(host, id, job, State::Disputed, terms.windows.attest);
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
    if seat.seal != Some(outcome_seal(host, id, segment, &outcome, &seat.verifier)) {
        return Err(Error::WrongSeal);
    }
    seat.outcome = Some(outcome);
    SEAT.set(host, &(id, number), &seat);
    host.emit(Event::SeatMoved { job: id, seat: number, verifier: seat.verifier });
    dispute.revealed += 1;
    DISPUTE.set(host, &id, &dispute);
    if dispute.revealed == dispute.sealed {
        let verdict = tally(host, id, &job);
        conclude(host, id, &mut job, verdict);
    }
    Ok(())
}

/// Whether an outcome speaks for the operator; `None` if it says nothing.
fn speaks_for_operator(host: &impl MarketHost, id: u64, job: &Job, disputed: &Slot, outcome: &Outcome) -> Option<bool> {
    match outcome {
        Outcome::Replayed { state, trace, .. } => {
            let operator = job.operator.expect("a disputed job has an operator");
            let sealed = seal(host, id, disputed.segment, trace, &operator);
            Some(disputed.after == Some(*state) && disputed.operator_seal == Some(sealed))
        }
        Outcome::Unavailable => Some(false),
        Outcome::FalseEnds { initial_state, artefact } => {
            let commitment = COMMITMENT.get(host, &id).expect("a disputed job has a commitment");
            // Who calls the ends false has to name others than the committed ones.
            (commitment.initial_state != *initial_state || commitment.artefact != *artefact).then_some(false)
        }
    }
}

/// What more than half of the panel's seats found.
///
/// Findings must be the same to count together, but for those that were not
/// served: they count with whatever else speaks against the operator, or a
/// cheat could split a panel by serving half of it.
pub(crate) fn tally(host: &impl MarketHost, id: u64, job: &Job) -> Verdict {
    let seats = seats(host, id);
    let disputed = slot(host, id, dispute(host, id).slot).expect("the disputed slot exists");
    let mut verdict = Verdict::Undecided;
    let mut most = seats.len() / 2;
    for outcome in seats.iter().filter_map(|seat| seat.outcome) {
        let Some(upheld) = speaks_for_operator(host, id, job, &disputed, &outcome) else { continue };
        let agree: Vec<Address> = seats
            .iter()
            .filter(|seat| seat.outcome == Some(outcome) || (!upheld && seat.outcome == Some(Outcome::Unavailable)))
            .map(|seat| seat.verifier)
            .collect();
        if agree.len() > most {
            most = agree.len();
            verdict = if upheld { Verdict::ForOperator(agree) } else { Verdict::AgainstOperator(agree) };
        }
    }
    verdict
}

/// Panellists that did not do their turn, or whom the majority overruled, lose
/// the idle penalty; it is burned, so that nobody gains by outvoting.
fn penalise_minority(host: &mut impl MarketHost, id: u64, terms: &Terms, majority: &[Address]) {
    for seat in seats(host, id) {
        if !majority.contains(&seat.verifier) {
            let penalty = share(terms.bond, IDLE_PENALTY_BP);
            let taken = penalise(host, id, seat.verifier, penalty, Reason::Idle);
            distribute(host, id, taken, None, &[]);
        }
    }
}

/// Ends the open dispute by a verdict, whoever reached it.
pub(crate) fn conclude(host: &mut impl MarketHost, id: u64, job: &mut Job, verdict: Verdict) {
    let terms = terms(host, id);
    let dispute = dispute(host, id);
    let mut entry = slot(host, id, dispute.slot).expect("the disputed slot exists");
    job.disputed = None;
    match verdict {
        Verdict::ForOperator(majority) => {
            penalise_minority(host, id, &terms, &majority);
            let (penalty, reason) = match dispute.insisted {
                true => (terms.bond, Reason::Wrong),
                false => (share(terms.bond, IDLE_PENALTY_BP), Reason::Idle),
            };
            let taken = penalise(host, id, entry.verifier, penalty, reason);
            distribute(host, id, taken, None, &majority);
            pay_equally(host, id, job, &majority, slot_fee(&terms), Reason::Fee);
            entry.check = Check::Upheld;
            put(host, id, dispute.slot, &entry);
            clear(host, id, &dispute);
            move_to(host, id, job, State::Window, terms.windows.dispute);
        }
        Verdict::AgainstOperator(majority) => {
            penalise_minority(host, id, &terms, &majority);
            let first = (dispute.insisted || entry.check == Check::Unavailable).then_some(entry.verifier);
            // A seal that is wrong too was no check, and earns nothing.
            if first.is_some() || found_the_same(host, id, &entry, &majority) {
                pay_check(host, id, job, &terms, entry.verifier);
            }
            entry.check = Check::Refuted;
            put(host, id, dispute.slot, &entry);
            convict(host, id, job, &terms, Reason::Convicted, first, &majority);
        }
        Verdict::Undecided => {
            // Before the ruling nobody could reveal: there, sealing was the turn.
            let idle = |seat: &&Seat| match job.state {
                State::Disputed => seat.seal.is_none(),
                _ => seat.outcome.is_none(),
            };
            for seat in seats(host, id).iter().filter(idle) {
                let penalty = share(terms.bond, IDLE_PENALTY_BP);
                let taken = penalise(host, id, seat.verifier, penalty, Reason::Idle);
                distribute(host, id, taken, None, &[]);
            }
            end_void(host, id, job, &terms);
        }
    }
}

/// Whether the seal of a slot's verifier holds the trace root that the panel found.
fn found_the_same(host: &impl MarketHost, id: u64, entry: &Slot, majority: &[Address]) -> bool {
    seats(host, id).iter().filter(|seat| majority.contains(&seat.verifier)).any(|seat| match seat.outcome {
        Some(Outcome::Replayed { trace, .. }) => {
            entry.verifier_seal == Some(seal(host, id, entry.segment, &trace, &entry.verifier))
        }
        _ => false,
    })
}

/// Forgets a decided dispute, so that the next one finds empty seats.
fn clear(host: &mut impl MarketHost, id: u64, dispute: &Dispute) {
    for seat in 0..dispute.seats {
        SEAT.remove(host, &(id, seat));
    }
    DISPUTE.remove(host, &id);
}

/// What one checked slot earns, in the contract's unit.
pub(crate) fn slot_fee(terms: &Terms) -> u128 {
    terms.fee / u128::from(terms.samples)
}

/// Pays a verifier for a slot and counts it.
fn pay_check(host: &mut impl MarketHost, id: u64, job: &mut Job, terms: &Terms, verifier: Address) {
    pay(host, id, job, verifier, slot_fee(terms), Reason::Fee);
    let mut standing = standing(host, Role::Verifier, verifier);
    standing.done += 1;
    STANDING.set(host, &(Role::Verifier, verifier), &standing);
}

/// Pays the verifiers of the slots that passed. The fee of a slot that was
/// disputed is paid when the dispute ends.
pub(crate) fn pay_verifiers(host: &mut impl MarketHost, id: u64, job: &mut Job, terms: &Terms) {
    for entry in slots(host, id).iter().filter(|slot| slot.check == Check::Passed) {
        pay_check(host, id, job, terms, entry.verifier);
    }
}

/// Slashes the operator's whole stake for the job, pays verifiers whose check
/// is beyond doubt, refunds the client and ends the job.
pub(crate) fn convict(
    host: &mut impl MarketHost,
    id: u64,
    job: &mut Job,
    terms: &Terms,
    reason: Reason,
    main: Option<Address>,
    others: &[Address],
) {
    let operator = job.operator.expect("whoever is convicted has claimed");
    slash(host, Role::Operator, operator, id, terms.stake, reason);
    distribute(host, id, terms.stake, main, others);
    pay_verifiers(host, id, job, terms);
    refund(host, id, job);
    move_to(host, id, job, State::Failed, 0);
}

/// Ends a job that nobody could check or decide: the operator keeps its stake,
/// verifiers whose check is beyond doubt their fee, and the client the rest.
pub(crate) fn end_void(host: &mut impl MarketHost, id: u64, job: &mut Job, terms: &Terms) {
    let operator = job.operator.expect("only a claimed job becomes void");
    unlock(host, Role::Operator, operator, terms.stake);
    pay_verifiers(host, id, job, terms);
    job.disputed = None;
    refund(host, id, job);
    move_to(host, id, job, State::Void, 0);
    debug_assert!(JOB.get(host, &id).is_some_and(|job| job.held == 0));
}
