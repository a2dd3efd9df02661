//! Verifiers offer themselves for a job before anything is committed, with a
//! sealed secret that goes into the draw.

use crate::money::{lock, penalise_idle, standing, unlock};
use crate::{COMMITMENT, ENLISTMENT, JOB, MarketHost, PLACE, in_time, job, job_id, job_in, no_value, terms, weights};
use assay_protocol::commitment::{seal, sealed_secret};
use assay_protocol::hash::Hash;
use assay_protocol::market::{Enlistment, Error, Event, Role, State};

/// The caller, a verifier, enlists for a job that nobody has committed to yet,
/// locks a bond of its choice, which will be its weight in the draw, and seals a
/// secret of its own.
///
/// # Errors
/// [`Error::WrongState`], [`Error::DeadlinePassed`], [`Error::AlreadyEnlisted`],
/// [`Error::BondTooSmall`], [`Error::StakeTooSmall`],
/// [`Error::ConflictOfInterest`] for the job's client and operator.
pub fn enlist(host: &mut impl MarketHost, id: u64, sealed_secret: Hash, bond: u128) -> Result<(), Error> {
    no_value(host)?;
    let mut job = job(host, id)?;
    if !matches!(job.state, State::Open | State::Claimed) {
        return Err(Error::WrongState(job.state));
    }
    in_time(host, job.deadline)?;
    let verifier = host.caller();
    if verifier == job.client || Some(verifier) == job.operator {
        return Err(Error::ConflictOfInterest);
    }
    if ENLISTMENT.get(host, &(id, verifier)).is_some() {
        return Err(Error::AlreadyEnlisted);
    }
    let needed = terms(host, id).bond;
    if bond < needed {
        return Err(Error::BondTooSmall { needed, given: bond });
    }
    let standing = standing(host, Role::Verifier, verifier);
    if standing.free() < bond {
        return Err(Error::StakeTooSmall { needed: bond, free: standing.free() });
    }
    lock(host, Role::Verifier, verifier, standing, bond);
    // Places are taken before there is anything to know, so that none can be chosen.
    let place = job.enlisted;
    PLACE.set(host, &(id, place), &verifier);
    let enlistment = Enlistment { sealed_secret, locked: bond, bond, place, revealed: false, idle: false };
    ENLISTMENT.set(host, &(id, verifier), &enlistment);
    job.enlisted += 1;
    JOB.set(host, &id, &job);
    host.emit(Event::Enlisted { job: id, verifier, bond });
    Ok(())
}

/// The client or an enlisted verifier reveals its secret after the commitment.
/// Once all have, `advance` draws.
///
/// # Errors
/// [`Error::WrongState`], [`Error::DeadlinePassed`], [`Error::NotEnlisted`],
/// [`Error::WrongSecret`], [`Error::AlreadyRevealed`].
pub fn reveal_secret(host: &mut impl MarketHost, id: u64, secret: Hash) -> Result<(), Error> {
    no_value(host)?;
    let mut job = job_in(host, id, State::Committed)?;
    let by = host.caller();
    let sealed = sealed_secret(host, &host.address(), &secret, &by);
    if by == job.client {
        if terms(host, id).sealed_secret != sealed {
            return Err(Error::WrongSecret);
        }
        if job.client_secret.is_some() {
            return Err(Error::AlreadyRevealed);
        }
        job.client_secret = Some(secret);
    } else {
        let mut enlistment = ENLISTMENT.get(host, &(id, by)).ok_or(Error::NotEnlisted)?;
        if enlistment.sealed_secret != sealed {
            return Err(Error::WrongSecret);
        }
        if enlistment.revealed {
            return Err(Error::AlreadyRevealed);
        }
        enlistment.revealed = true;
        ENLISTMENT.set(host, &(id, by), &enlistment);
        // What this job has locked is the weight. Free stake must not count: the
        // same sum could be moved through many accounts while they reveal.
        weights::add(host, id, &mut job, enlistment.place, enlistment.locked);
        job.revealed += 1;
        // Exclusive or, so that the order of revealing, which a block's author
        // chooses, changes nothing. Each secret is hashed with its owner first, so
        // that equal secrets do not cancel out.
        let part = seal(host, job_id(host, id), 0, &secret, &by);
        for (sum, byte) in job.secrets.0.iter_mut().zip(part.0) {
            *sum ^= byte;
        }
    }
    if job.client_secret.is_some() && job.revealed == job.enlisted {
        job.draw_block = Some(host.block_number());
    }
    JOB.set(host, &id, &job);
    host.emit(Event::SecretRevealed { job: id, by });
    Ok(())
}

/// The caller takes its bond back from a job that has ended. Who was asked for
/// its secret and did not reveal it loses the idle penalty here.
///
/// # Errors
/// [`Error::NotEnded`], [`Error::NotEnlisted`].
pub fn release(host: &mut impl MarketHost, id: u64) -> Result<(), Error> {
    no_value(host)?;
    let mut job = job(host, id)?;
    let verifier = host.caller();
    let enlistment = ENLISTMENT.get(host, &(id, verifier)).ok_or(Error::NotEnlisted)?;
    if !job.state.is_terminal() {
        return Err(Error::NotEnded);
    }
    if !enlistment.revealed && COMMITMENT.get(host, &id).is_some() {
        penalise_idle(host, id, &mut job, verifier);
        JOB.set(host, &id, &job);
    }
    let left = ENLISTMENT.get(host, &(id, verifier)).map_or(0, |enlistment| enlistment.bond);
    ENLISTMENT.remove(host, &(id, verifier));
    unlock(host, Role::Verifier, verifier, left);
    host.emit(Event::Released { job: id, verifier, bond: left });
    Ok(())
}
