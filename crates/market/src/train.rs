//! Claiming a job, handing it back, committing to what came of it.

use crate::ends::end_cancelled;
use crate::money::{burn, lock, slash, standing, unlock};
use crate::{BARRED, COMMITMENT, ENLISTMENT, MarketHost, job_in, move_to, no_value, terms};
use assay_protocol::commitment::Leaf;
use assay_protocol::host::Host;
use assay_protocol::market::{Commit, Commitment, Error, Job, LeafOpening, MAX_ATTEMPTS, Reason, Role, State, Terms};
use assay_protocol::{Hash, merkle};

/// The caller, an operator, claims an open job and locks the job's stake.
///
/// # Errors
/// [`Error::WrongState`], [`Error::DeadlinePassed`], [`Error::StakeTooSmall`],
/// [`Error::TooFewVerifiers`], [`Error::ConflictOfInterest`] for the client, an
/// enlisted verifier, and an operator that lost this job before.
pub fn claim(host: &mut impl MarketHost, id: u64) -> Result<(), Error> {
    no_value(host)?;
    let mut job = job_in(host, id, State::Open)?;
    let (operator, terms) = (host.caller(), terms(host, id));
    if operator == job.client
        || ENLISTMENT.get(host, &(id, operator)).is_some()
        || BARRED.get(host, &(id, operator)).is_some()
    {
        return Err(Error::ConflictOfInterest);
    }
    // One to check a slot, and a panel without it: fewer could not decide a dispute.
    let needed = 1 + u32::from(terms.panel);
    if job.enlisted < needed {
        return Err(Error::TooFewVerifiers { needed, enlisted: job.enlisted });
    }
    let standing = standing(host, Role::Operator, operator);
    if standing.free() < terms.stake {
        return Err(Error::StakeTooSmall { needed: terms.stake, free: standing.free() });
    }
    lock(host, Role::Operator, operator, standing, terms.stake);
    job.operator = Some(operator);
    job.attempts += 1;
    move_to(host, id, &mut job, State::Claimed, terms.windows.train);
    Ok(())
}

/// The job goes to others, and its operator loses `penalty` of its stake. All of
/// it is burned: a client that earned by it would post jobs that nobody can finish.
pub(crate) fn give_up(
    host: &mut impl MarketHost,
    id: u64,
    job: &mut Job,
    terms: &Terms,
    penalty: u128,
    reason: Reason,
) {
    let operator = job.operator.take().expect("a claimed job has an operator");
    slash(host, id, job, (Role::Operator, operator), penalty, reason);
    burn(host, id, job, penalty);
    unlock(host, Role::Operator, operator, terms.stake - penalty);
    BARRED.set(host, &(id, operator), &());
    if job.attempts == MAX_ATTEMPTS {
        end_cancelled(host, id, job);
    } else {
        move_to(host, id, job, State::Open, terms.windows.claim);
    }
}

/// The operator hands the job back in time, for the price that its terms state.
///
/// # Errors
/// [`Error::WrongState`], [`Error::DeadlinePassed`], [`Error::NotOperator`].
pub fn hand_back(host: &mut impl MarketHost, id: u64) -> Result<(), Error> {
    no_value(host)?;
    let mut job = job_in(host, id, State::Claimed)?;
    if job.operator != Some(host.caller()) {
        return Err(Error::NotOperator);
    }
    let terms = terms(host, id);
    give_up(host, id, &mut job, &terms, terms.hand_back, Reason::HandedBack);
    Ok(())
}

/// Checks that `opening` is the leaf of `boundary` under `root`.
pub(crate) fn check_leaf(
    host: &impl Host,
    root: &Hash,
    segments: u32,
    boundary: u32,
    opening: &LeafOpening,
) -> Result<(), Error> {
    let leaf = Leaf { index: boundary, state: opening.state, seal: opening.seal };
    if !merkle::verify(host, root, segments + 1, boundary, &leaf.hash(host), &opening.proof) {
        return Err(Error::BadProof { boundary });
    }
    Ok(())
}

/// The operator commits to all boundaries of the job. It opens none of them
/// yet: whoever saw a final state before it committed could copy it.
///
/// # Errors
/// [`Error::WrongState`], [`Error::DeadlinePassed`], [`Error::NotOperator`].
pub fn commit(host: &mut impl MarketHost, id: u64, args: Commit) -> Result<(), Error> {
    no_value(host)?;
    let mut job = job_in(host, id, State::Claimed)?;
    if job.operator != Some(host.caller()) {
        return Err(Error::NotOperator);
    }
    COMMITMENT.set(host, &id, &Commitment { root: args.root, block: host.block_number() });
    let window = terms(host, id).windows.secrets;
    move_to(host, id, &mut job, State::Committed, window);
    Ok(())
}
