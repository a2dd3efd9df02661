//! What follows from a verdict, whoever reached it.

use crate::check::{drawn, put};
use crate::ends::{convict, end_void, pay_check};
use crate::money::{burn, distribute, idle_penalty, pay, penalise, penalise_idle};
use crate::panel::{dispute, seat, seats};
use crate::{DISPUTE, MarketHost, SEAT, UPHELD, job_id, move_to, slot, terms};
use alloc::vec::Vec;
use assay_protocol::Address;
use assay_protocol::commitment::{Outcome, seal};
use assay_protocol::market::{
    Check, Dispute, Error, Job, LEAST_WINDOW_PART, MAX_PANELS, Reason, Seat, Slot, State, Terms,
};

/// Who was right, and who gets a share for having said so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The operator's segment is what the job's specification gives.
    ForOperator(Vec<Address>),
    /// It is not.
    AgainstOperator(Vec<Address>),
    /// No majority.
    Undecided,
}

/// Ends the open dispute by a verdict.
pub(crate) fn conclude(host: &mut impl MarketHost, id: u64, job: &mut Job, verdict: Verdict) -> Result<(), Error> {
    let terms = terms(host, id);
    let dispute = dispute(host, id);
    let entry = slot(host, id, dispute.slot).expect("the disputed slot exists");
    match verdict {
        Verdict::ForOperator(majority) => {
            penalise_minority(host, id, job, &majority);
            uphold(host, id, job, &terms, &dispute, entry, &majority);
        }
        Verdict::AgainstOperator(majority) => {
            penalise_minority(host, id, job, &majority);
            refute(host, id, job, &terms, &dispute, entry, &majority);
        }
        Verdict::Undecided => undecided(host, id, job, &terms, &dispute, entry)?,
    }
    Ok(())
}

/// Panellists that did not do their turn, or whom the majority overruled, lose
/// the idle penalty; it is burned, so that nobody gains by outvoting. Who was
/// not served has said nothing, and is not overruled.
fn penalise_minority(host: &mut impl MarketHost, id: u64, job: &mut Job, majority: &[Address]) {
    for seat in seats(host, id) {
        if !majority.contains(&seat.verifier) && seat.outcome != Some(Outcome::Unavailable) {
            penalise_idle(host, id, job, seat.verifier);
        }
    }
}

/// The panel found for the operator: whoever disputed pays, and the window goes on.
fn uphold(
    host: &mut impl MarketHost,
    id: u64,
    job: &mut Job,
    terms: &Terms,
    dispute: &Dispute,
    entry: Slot,
    majority: &[Address],
) {
    if entry.check == Check::Challenged {
        // Its bond is with the job already.
        distribute(host, id, job, terms.bond, job.operator, (majority, 0, Reason::Seat));
    } else {
        let (penalty, reason) = match dispute.insisted {
            true => (u128::MAX, Reason::Wrong),
            false => (idle_penalty(host, id, entry.verifier), Reason::Idle),
        };
        let taken = penalise(host, id, job, entry.verifier, penalty, reason);
        distribute(host, id, job, taken, None, (majority, terms.slot_fee(), Reason::Seat));
    }
    UPHELD.set(host, &(id, entry.segment), &());
    go_on(host, id, job, terms, dispute, Slot { check: Check::Upheld, ..entry });
}

/// The panel found against the operator.
fn refute(
    host: &mut impl MarketHost,
    id: u64,
    job: &mut Job,
    terms: &Terms,
    dispute: &Dispute,
    entry: Slot,
    majority: &[Address],
) {
    let challenged = entry.check == Check::Challenged;
    job.disputed = None;
    if challenged {
        pay(host, id, job, entry.verifier, terms.bond, Reason::Bond);
        // Who found the same segment right earns nothing for it.
        for (number, other) in (0u8..).zip(drawn(host, id, terms)) {
            if other.segment == entry.segment && other.check == Check::Passed {
                put(host, id, number, &Slot { check: Check::Refuted, ..other });
            }
        }
    } else if dispute.insisted || found_the_same(host, id, &entry, majority) {
        // A seal that is wrong too was no check, and earns nothing.
        pay_check(host, id, job, terms, entry.verifier);
    }
    let first = dispute.insisted.then_some(entry.verifier);
    put(host, id, dispute.slot, &Slot { check: Check::Refuted, ..entry });
    convict(host, id, job, terms, Reason::Convicted, first, (majority, Reason::Seat));
}

/// A panel without a majority is replaced by a fresh one. After the last, a
/// drawn slot makes the job void; a challenge costs the idle penalty, and
/// others may challenge the segment again.
fn undecided(
    host: &mut impl MarketHost,
    id: u64,
    job: &mut Job,
    terms: &Terms,
    dispute: &Dispute,
    entry: Slot,
) -> Result<(), Error> {
    // Before the ruling nobody could reveal: there, sealing was the turn.
    let idle = |seat: &Seat| match job.state {
        State::Disputed => seat.seal.is_none(),
        _ => seat.outcome.is_none(),
    };
    let idle: Vec<Address> = seats(host, id).iter().filter(|seat| idle(seat)).map(|seat| seat.verifier).collect();
    for verifier in idle {
        penalise_idle(host, id, job, verifier);
    }
    clear(host, id, dispute);
    let next = Dispute { round: dispute.round + 1, ..dispute.clone() };
    if next.round < MAX_PANELS && seat(host, id, job, terms, next) {
        return Ok(());
    }
    if entry.check != Check::Challenged {
        return end_void(host, id, job, terms);
    }
    let penalty = terms.demand_bond();
    burn(host, id, job, penalty);
    pay(host, id, job, entry.verifier, terms.bond - penalty, Reason::Bond);
    go_on(host, id, job, terms, dispute, Slot { check: Check::Undecided, ..entry });
    Ok(())
}

/// Whether the seal of a slot's verifier holds the trace root that the panel found.
fn found_the_same(host: &impl MarketHost, id: u64, entry: &Slot, majority: &[Address]) -> bool {
    seats(host, id).iter().filter(|seat| majority.contains(&seat.verifier)).any(|seat| match seat.outcome {
        Some(Outcome::Replayed { trace, .. }) => {
            entry.verifier_seal == Some(seal(host, job_id(host, id), entry.segment, &trace, &entry.verifier))
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

/// The window goes on for what was left of it: a dispute must not shorten it,
/// and need not begin it anew.
fn go_on(host: &mut impl MarketHost, id: u64, job: &mut Job, terms: &Terms, dispute: &Dispute, entry: Slot) {
    put(host, id, dispute.slot, &entry);
    clear(host, id, dispute);
    job.disputed = None;
    let least = terms.windows.dispute.div_ceil(LEAST_WINDOW_PART);
    move_to(host, id, job, State::Window, dispute.window_left.max(least));
}
