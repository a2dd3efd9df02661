//! Verifiers offer themselves for a job before anything is committed, with a
//! sealed secret that goes into the draw.

use crate::money::{lock, penalise, share, standing, unlock};
use crate::{COMMITMENT, ENLISTMENT, JOB, MarketHost, PLACE, before_deadline, job, job_in, no_value, terms};
use assay_protocol::commitment::{seal, sealed_secret};
use assay_protocol::hash::Hash;
use assay_protocol::market::{BURN_ADDRESS, Enlistment, Error, Event, IDLE_PENALTY_BP, Job, Reason, Role, State};

/// The caller, a verifier, enlists for a job that nobody has committed to yet,
/// locks the job's bond and seals a secret of its own.
///
/// # Errors
/// [`Error::WrongState`], [`Error::DeadlinePassed`], [`Error::AlreadyEnlisted`],
/// [`Error::StakeTooSmall`], [`Error::ConflictOfInterest`] for the job's client
/// and operator.
pub fn enlist(host: &mut impl MarketHost, id: u64, sealed_secret: Hash) -> Result<(), Error> {
    no_value(host)?;
    let mut job = job(host, id)?;
    if !matches!(job.state, State::Open | State::Claimed) {
        return Err(Error::WrongState(job.state));
    }
    before_deadline(host, &job)?;
    let verifier = host.caller();
    if verifier == job.client || Some(verifier) == job.operator {
        return Err(Error::ConflictOfInterest);
    }
    if ENLISTMENT.get(host, &(id, verifier)).is_some() {
        return Err(Error::AlreadyEnlisted);
    }
    let (bond, standing) = (terms(host, id).bond, standing(host, Role::Verifier, verifier));
    if standing.free() < bond {
        return Err(Error::StakeTooSmall { needed: bond, free: standing.free() });
    }
    lock(host, Role::Verifier, verifier, standing, bond);
    ENLISTMENT.set(host, &(id, verifier), &Enlistment { sealed_secret, bond, place: None, idle: false });
    job.enlisted += 1;
    JOB.set(host, &id, &job);
    host.emit(Event::Enlisted { job: id, verifier });
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
    let sealed = sealed_secret(host, &secret, &by);
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
        if enlistment.place.is_some() {
            return Err(Error::AlreadyRevealed);
        }
        add_place(host, id, &mut job, &mut enlistment, secret);
    }
    if job.client_secret.is_some() && job.revealed == job.enlisted {
        job.draw_block = Some(host.block_number());
    }
    JOB.set(host, &id, &job);
    host.emit(Event::SecretRevealed { job: id, by });
    Ok(())
}

fn add_place(host: &mut impl MarketHost, id: u64, job: &mut Job, enlistment: &mut Enlistment, secret: Hash) {
    let verifier = host.caller();
    // The stake that this job has locked. Free stake must not count: the same
    // sum could be moved through many accounts while they reveal.
    job.revealed_stake += enlistment.bond;
    PLACE.set(host, &(id, job.revealed), &(verifier, job.revealed_stake));
    enlistment.place = Some(job.revealed);
    ENLISTMENT.set(host, &(id, verifier), enlistment);
    job.revealed += 1;
    // Exclusive or, so that the order of revealing, which a block's author
    // chooses, changes nothing. Each secret is hashed with its owner first, so
    // that equal secrets do not cancel out.
    let part = seal(host, id, 0, &secret, &verifier);
    for (sum, byte) in job.secrets.0.iter_mut().zip(part.0) {
        *sum ^= byte;
    }
}

/// The caller takes its bond back from a job that has ended. Who was asked for
/// its secret and did not reveal it loses the idle penalty here.
///
/// # Errors
/// [`Error::NotEnded`], [`Error::NotEnlisted`].
pub fn release(host: &mut impl MarketHost, id: u64) -> Result<(), Error> {
    no_value(host)?;
    let job = job(host, id)?;
    let verifier = host.caller();
    let enlistment = ENLISTMENT.get(host, &(id, verifier)).ok_or(Error::NotEnlisted)?;
    if !job.state.is_terminal() {
        return Err(Error::NotEnded);
    }
    if enlistment.place.is_none() && COMMITMENT.get(host, &id).is_some() {
        let penalty = share(terms(host, id).bond, IDLE_PENALTY_BP);
        let taken = penalise(host, id, verifier, penalty, Reason::Idle);
        crate::money::credit(host, BURN_ADDRESS, Some(id), taken, Reason::Burned);
    }
    let left = ENLISTMENT.get(host, &(id, verifier)).map_or(0, |enlistment| enlistment.bond);
    ENLISTMENT.remove(host, &(id, verifier));
    unlock(host, Role::Verifier, verifier, left);
    Ok(())
}
