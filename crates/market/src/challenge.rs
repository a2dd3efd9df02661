//! A challenge: anybody with a bond brings any segment before a panel.

use crate::check::{drawn, put};
use crate::train::check_leaf;
use crate::{COMMITMENT, DISPUTE, ENLISTMENT, MarketHost, UPHELD, exact_value, job, job_in, panel, terms};
use assay_protocol::market::{Challenge, Check, Error, Job, MAX_CHALLENGES, Slot, State};

/// Refuses while a dispute of a running job is open; gives the job otherwise if
/// its window is.
pub(crate) fn undisputed(host: &impl MarketHost, id: u64) -> Result<Job, Error> {
    if DISPUTE.get(host, &id).is_some() && !job(host, id)?.state.is_terminal() {
        return Err(Error::DisputeOpen);
    }
    job_in(host, id, State::Window)
}

/// The caller challenges a segment, drawn or not, with the job's bond as the
/// value sent, and opens the leaves around it. A panel decides. Returns the
/// number of the new slot.
///
/// Who is enlisted may not challenge: the panel is drawn from the seed and the
/// slot's number alone, and must not depend on who challenges what.
///
/// # Errors
/// [`Error::WrongState`], [`Error::DeadlinePassed`], [`Error::DisputeOpen`],
/// [`Error::WrongValue`], [`Error::ConflictOfInterest`] for the operator and the
/// enlisted, [`Error::UnknownSegment`], [`Error::NotChallengeable`],
/// [`Error::TooManyChallenges`], [`Error::BadProof`], [`Error::NoPanel`].
pub fn challenge(host: &mut impl MarketHost, id: u64, args: Challenge) -> Result<u8, Error> {
    let mut job = undisputed(host, id)?;
    let (terms, challenger) = (terms(host, id), host.caller());
    exact_value(host, terms.bond)?;
    if job.operator == Some(challenger) || ENLISTMENT.get(host, &(id, challenger)).is_some() {
        return Err(Error::ConflictOfInterest);
    }
    let Challenge { segment, before, after } = args;
    if segment >= terms.segments {
        return Err(Error::UnknownSegment(segment));
    }
    let in_doubt = |slot: &Slot| slot.segment == segment && slot.check == Check::Mismatched;
    if UPHELD.get(host, &(id, segment)).is_some() || drawn(host, id, &terms).iter().any(in_doubt) {
        return Err(Error::NotChallengeable(segment));
    }
    if job.challenges == MAX_CHALLENGES {
        return Err(Error::TooManyChallenges);
    }
    let root = COMMITMENT.get(host, &id).expect("a window follows a commitment").root;
    check_leaf(host, &root, terms.segments, segment, &before)?;
    check_leaf(host, &root, terms.segments, segment + 1, &after)?;
    let number = terms.samples + job.challenges;
    let entry = Slot {
        segment,
        verifier: challenger,
        check: Check::Challenged,
        before: Some(before.state),
        after: Some(after.state),
        operator_seal: Some(after.seal),
        verifier_seal: None,
        trace: None,
    };
    put(host, id, number, &entry);
    job.challenges += 1;
    job.held += terms.bond;
    if !panel::start(host, id, &mut job, &terms, number, true) {
        return Err(Error::NoPanel);
    }
    Ok(number)
}
