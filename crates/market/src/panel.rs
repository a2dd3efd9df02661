//! A dispute: a second, larger draw of verifiers replays the segment, without
//! the first, and its majority says who is slashed.
//!
//! The trace roots of the first check are public by now, so a panellist proves
//! its work by the trace root under a fresh salt. The element-level court will
//! take the place of [`tally`]: it gives the same [`Verdict`] to [`conclude`].

use crate::check::{put, slots};
use crate::money::{distribute, penalise, refund, share, slash, standing, unlock};
use crate::{DISPUTE, JOB, MarketHost, SEAT, STANDING, draw, job_in, move_to, no_value, slot, terms};
use alloc::vec::Vec;
use assay_protocol::commitment::{Outcome, outcome_seal, panel_salt, seal};
use assay_protocol::hash::{Domain, Hash};
use assay_protocol::market::{
    Check, Dispute, Error, Event, IDLE_PENALTY_BP, Job, Reason, Role, Seat, Slot, State, Terms,
};
use assay_protocol::Address;

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
    let block = host.block_number().checked_sub(1).and_then(|last| host.block_hash(last)).unwrap_or_default();
    let seed = host.hash_value(Domain::Draw, &(job.seed, b'x', number, block));
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

/// What more than half of the panel's seats found.
pub(crate) fn tally(host: &impl MarketHost, id: u64, job: &Job) -> Verdict {
    let seats = seats(host, id);
    let disputed = slot(host, id, dispute(host, id).slot).expect("the disputed slot exists");
    let operator = job.operator.expect("a disputed job has an operator");
    for candidate in &seats {
        let Some(outcome) = candidate.outcome else { continue };
        let majority: Vec<Address> =
            seats.iter().filter(|seat| seat.outcome == Some(outcome)).map(|seat| seat.verifier).collect();
        if majority.len() * 2 <= seats.len() {
            continue;
        }
        let upheld = match outcome {
            Outcome::Replayed { state, trace, .. } => {
                disputed.after == Some(state)
                    && disputed.operator_seal == Some(seal(host, id, disputed.segment, &trace, &operator))
            }
            Outcome::Unavailable | Outcome::FalseEnds { .. } => false,
        };
        return if upheld { Verdict::ForOperator(majority) } else { Verdict::AgainstOperator(majority) };
    }
    Verdict::Undecided
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
            crate::money::pay_equally(host, id, job, &majority, slot_fee(&terms), Reason::Fee);
            entry.check = Check::Upheld;
            put(host, id, dispute.slot, &entry);
            clear(host, id, &dispute);
            move_to(host, id, job, State::Window, terms.windows.dispute);
        }
        Verdict::AgainstOperator(majority) => {
            penalise_minority(host, id, &terms, &majority);
            let first = (dispute.insisted || entry.check == Check::Unavailable).then_some(entry.verifier);
            entry.check = Check::Refuted;
            put(host, id, dispute.slot, &entry);
            convict(host, id, job, &terms, Reason::Convicted, first, &majority);
        }
        Verdict::Undecided => {
            for seat in seats(host, id).iter().filter(|seat| seat.outcome.is_none()) {
                let penalty = share(terms.bond, IDLE_PENALTY_BP);
                let taken = penalise(host, id, seat.verifier, penalty, Reason::Idle);
                distribute(host, id, taken, None, &[]);
            }
            end_void(host, id, job, &terms);
        }
    }
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

/// Pays the verifiers of slots that `earned` names, and counts the slot for them.
pub(crate) fn pay_verifiers(
    host: &mut impl MarketHost,
    id: u64,
    job: &mut Job,
    terms: &Terms,
    earned: impl Fn(&Slot) -> bool,
) {
    for entry in slots(host, id).iter().filter(|slot| earned(slot)) {
        crate::money::pay(host, id, job, entry.verifier, slot_fee(terms), Reason::Fee);
        let mut standing = standing(host, Role::Verifier, entry.verifier);
        standing.done += 1;
        STANDING.set(host, &(Role::Verifier, entry.verifier), &standing);
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
    pay_verifiers(host, id, job, terms, |slot| matches!(slot.check, Check::Passed | Check::Refuted));
    refund(host, id, job);
    move_to(host, id, job, State::Failed, 0);
}

/// Ends a job that nobody could check or decide: the operator keeps its stake,
/// verifiers whose check is beyond doubt their fee, and the client the rest.
pub(crate) fn end_void(host: &mut impl MarketHost, id: u64, job: &mut Job, terms: &Terms) {
    let operator = job.operator.expect("only a claimed job becomes void");
    unlock(host, Role::Operator, operator, terms.stake);
    pay_verifiers(host, id, job, terms, |slot| slot.check == Check::Passed);
    job.disputed = None;
    refund(host, id, job);
    move_to(host, id, job, State::Void, 0);
    debug_assert!(JOB.get(host, &id).is_some_and(|job| job.held == 0));
}
