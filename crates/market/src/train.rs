//! Claiming a job and committing to what came of it.

use crate::money::{lock, standing};
use crate::{BARRED, COMMITMENT, ENLISTMENT, MarketHost, job_in, move_to, no_value, terms};
use assay_protocol::commitment::Leaf;
use assay_protocol::host::Host;
use assay_protocol::market::{Commit, Commitment, Error, LeafOpening, Role, State};
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

/// The operator commits to all boundaries of the job, and opens the first and the last.
///
/// # Errors
/// [`Error::WrongState`], [`Error::DeadlinePassed`], [`Error::NotOperator`], [`Error::BadProof`].
pub fn commit(host: &mut impl MarketHost, id: u64, args: Commit) -> Result<(), Error> {
    no_value(host)?;
    let mut job = job_in(host, id, State::Claimed)?;
    if job.operator != Some(host.caller()) {
        return Err(Error::NotOperator);
    }
    let terms = terms(host, id);
    check_leaf(host, &args.root, terms.segments, 0, &args.first)?;
    check_leaf(host, &args.root, terms.segments, terms.segments, &args.last)?;
    let commitment = Commitment {
        root: args.root,
        initial_state: args.first.state,
        final_state: args.last.state,
        artefact: args.artefact,
        block: host.block_number(),
    };
    COMMITMENT.set(host, &id, &commitment);
    move_to(host, id, &mut job, State::Committed, terms.windows.secrets);
    Ok(())
}
