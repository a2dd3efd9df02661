//! Demands: what the operator is asked to show on chain, on pain of its stake.

use crate::check::put;
use crate::ends::convict;
use crate::money::{burn, penalise_idle};
use crate::train::check_leaf;
use crate::{
    COMMITMENT, DEMAND, ENDS, JOB, MarketHost, REPORTS, exact_value, in_time, job, no_value, reads, slot, terms,
};
use alloc::vec::Vec;
use assay_protocol::Hash;
use assay_protocol::market::{
    Answer, Check, Demand, Error, Event, Job, MAX_DEMANDS, MAX_SAMPLES, Reason, State, Terms, Wanted,
};

/// The open demands of a job, in the order of their numbers.
pub(crate) fn demands(host: &impl MarketHost, id: u64, job: &Job) -> Vec<Demand> {
    if job.demands == 0 {
        return Vec::new();
    }
    (0..MAX_DEMANDS + MAX_SAMPLES).filter_map(|number| DEMAND.get(host, &(id, number))).collect()
}

/// An open demand that nobody has answered in time: of several, the one that
/// was due first.
pub(crate) fn overdue(host: &impl MarketHost, id: u64, job: &Job) -> Option<Demand> {
    let now = host.now();
    demands(host, id, job).into_iter().filter(|demand| now > demand.deadline).min_by_key(|demand| demand.deadline)
}

/// The last second at which an open demand may be answered; `None` if none is open.
pub(crate) fn latest(host: &impl MarketHost, id: u64, job: &Job) -> Option<u64> {
    demands(host, id, job).iter().map(|demand| demand.deadline).max()
}

/// The state root at a boundary, if it is open.
fn open_state(host: &impl MarketHost, id: u64, terms: &Terms, boundary: u32) -> Option<Hash> {
    let ends = ENDS.get(host, &id)?;
    if boundary == 0 {
        return Some(ends.initial_state);
    }
    if boundary == terms.segments {
        return Some(ends.final_state);
    }
    reads::slots(host, id).into_iter().find_map(|slot| match boundary.checked_sub(slot.segment) {
        Some(0) => slot.before,
        Some(1) => slot.after,
        _ => None,
    })
}

/// Puts a demand on record. The caller stores the job.
pub(crate) fn add(
    host: &mut impl MarketHost,
    id: u64,
    job: &mut Job,
    terms: &Terms,
    number: u8,
    (wanted, state): (Wanted, Option<Hash>),
) {
    let (by, bond) = (host.caller(), host.value());
    let deadline = host.now() + u64::from(terms.windows.open);
    DEMAND.set(host, &(id, number), &Demand { number, by, wanted, state, bond, deadline });
    job.demands += 1;
    job.held += bond;
    host.emit(Event::Demanded { job: id, number, by, deadline });
}

/// Anybody but the operator demands a chunk of an open state or a leaf of the
/// commitment. The value sent is
/// [`demand_bond`](assay_protocol::market::Terms::demand_bond): it is burned when
/// somebody answers, or an operator would earn by serving nobody. If nobody
/// does in time, `advance` convicts the operator and the caller gets half of
/// its stake. Returns the demand's number.
///
/// # Errors
/// [`Error::WrongState`], [`Error::DeadlinePassed`] (of the job's state, so that
/// demands cannot hold a job up for ever), [`Error::WrongValue`],
/// [`Error::ConflictOfInterest`], [`Error::NotOpened`], [`Error::TooManyDemands`].
pub fn demand(host: &mut impl MarketHost, id: u64, wanted: Wanted) -> Result<u8, Error> {
    let mut job = job(host, id)?;
    if !matches!(job.state, State::Opened | State::Attested | State::Window | State::Disputed | State::Ruling) {
        return Err(Error::WrongState(job.state));
    }
    in_time(host, job.deadline)?;
    let terms = terms(host, id);
    exact_value(host, terms.demand_bond())?;
    if job.operator == Some(host.caller()) {
        return Err(Error::ConflictOfInterest);
    }
    let state = match wanted {
        Wanted::Leaf { boundary, .. } => {
            Some(open_state(host, id, &terms, boundary).ok_or(Error::NotOpened { boundary })?)
        }
        Wanted::Boundary { .. } => None,
    };
    let free = |number: &u8| DEMAND.get(host, &(id, *number)).is_none();
    let number = (0..MAX_DEMANDS).find(free).ok_or(Error::TooManyDemands)?;
    add(host, id, &mut job, &terms, number, (wanted, state));
    JOB.set(host, &id, &job);
    Ok(number)
}

/// Whether `answer` is what was demanded.
fn answers(host: &impl MarketHost, id: u64, demand: &Demand, answer: &Answer) -> bool {
    match (&demand.wanted, demand.state, answer) {
        (Wanted::Leaf { tensor, chunk, .. }, Some(state), Answer::Leaf(leaf)) => {
            leaf.verify(host, &state, *tensor, *chunk)
        }
        (Wanted::Boundary { index }, _, Answer::Boundary(opening)) => {
            let segments = terms(host, id).segments;
            let root = COMMITMENT.get(host, &id).expect("demands follow a commitment").root;
            check_leaf(host, &root, segments, index % (segments + 1), opening).is_ok()
        }
        _ => false,
    }
}

/// Anybody answers a demand. The demander's bond is burned; a drawn verifier
/// that reported pays the idle penalty, and its slot goes to another.
///
/// To answer is not to serve: one chunk shows that the operator has the state,
/// not that others get it. So when [`Terms::reports`] verifiers, drawn one after
/// another for the same slot, have reported, the operator is convicted though
/// each was answered, and all of its stake is burned. Otherwise a cheat that shows its false segments to those
/// whom it has bribed alone, and answers the rest, could never lose its stake.
///
/// # Errors
/// [`Error::UnknownDemand`], [`Error::DeadlinePassed`] (of the demand), [`Error::BadAnswer`].
pub fn answer(host: &mut impl MarketHost, id: u64, number: u8, answer: Answer) -> Result<(), Error> {
    no_value(host)?;
    let mut job = job(host, id)?;
    let demand = DEMAND.get(host, &(id, number)).ok_or(Error::UnknownDemand(number))?;
    in_time(host, demand.deadline)?;
    if !answers(host, id, &demand, &answer) {
        return Err(Error::BadAnswer);
    }
    DEMAND.remove(host, &(id, number));
    job.demands -= 1;
    burn(host, id, &mut job, demand.bond);
    if let Some(reported) = number.checked_sub(MAX_DEMANDS) {
        let mut entry = slot(host, id, reported)?;
        penalise_idle(host, id, &mut job, entry.verifier);
        entry.check = Check::Idle;
        put(host, id, reported, &entry);
        let reports = REPORTS.get(host, &(id, reported)).unwrap_or(0) + 1;
        REPORTS.set(host, &(id, reported), &reports);
        let terms = terms(host, id);
        if reports >= terms.reports() {
            // All of the stake is burned: nobody must earn by saying so without a proof.
            convict(host, id, &mut job, &terms, Reason::Unavailable, None, (&[], Reason::Reward));
        }
    }
    JOB.set(host, &id, &job);
    let by = host.caller();
    host.emit(Event::Answered { job: id, number, by });
    Ok(())
}
