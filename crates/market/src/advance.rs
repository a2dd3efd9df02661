//! `advance`: the one message that moves a job on when its deadline has passed,
//! and that draws. Anybody may call it; nobody can choose anything by it.

use crate::check::{drawn, put};
use crate::demand::{latest, overdue};
use crate::ends::{convict, end_cancelled, end_void, finalise};
use crate::model::register_final;
use crate::money::penalise_idle;
use crate::panel::{dispute, start, tally};
use crate::train::give_up;
use crate::verdict::{Verdict, conclude};
use crate::{JOB, MarketHost, draw, job, move_to, no_value, terms};
use alloc::vec::Vec;
use assay_protocol::market::{Check, Error, Job, LATE_PENALTY_BP, Reason, Slot, State, Terms, majority};
use assay_protocol::registry::share;
use assay_protocol::{Address, Hash};

/// Moves a job on.
///
/// | state | when | what follows |
/// | --- | --- | --- |
/// | any | a demand was not answered in time | operator loses its stake, client refunded |
/// | Open | deadline passed | cancelled, client refunded |
/// | Claimed | deadline passed | operator loses a tenth of the stake, job open again (cancelled after the third) |
/// | Committed | all secrets in, or deadline passed | draw (after a passed deadline, one block later); void if too few revealed |
/// | Drawn | deadline passed | operator loses its stake, client refunded |
/// | Opened | deadline passed, or no slot waits for its verifier | idle verifiers pay, their slots go to others; void after the last draw |
/// | Attested | deadline passed | operator loses its stake, client refunded |
/// | Window | deadline passed | a panel for a slot that is in doubt, else final |
/// | Disputed | deadline passed | ruling by those that sealed; without a majority of them a fresh panel, once |
/// | Ruling | deadline passed, or all have revealed | ruling by those that revealed |
///
/// # Errors
/// [`Error::UnknownJob`], [`Error::TooEarly`], [`Error::DrawBlockPending`],
/// [`Error::DemandOpen`], [`Error::WrongState`] for a job that has ended.
pub fn advance(host: &mut impl MarketHost, id: u64) -> Result<(), Error> {
    no_value(host)?;
    let mut job = job(host, id)?;
    if job.state.is_terminal() {
        return Err(Error::WrongState(job.state));
    }
    let job = &mut job;
    let terms = terms(host, id);
    if let Some(demand) = overdue(host, id, job) {
        convict(host, id, job, &terms, Reason::Unavailable, Some(demand.by), (&[], Reason::Reward));
        return Ok(());
    }
    if job.state == State::Committed {
        return committed(host, id, job, &terms);
    }
    let now = host.now();
    if now <= job.deadline && !may_end_early(host, id, job, &terms) {
        return Err(Error::TooEarly { deadline: job.deadline, now });
    }
    match job.state {
        State::Open => end_cancelled(host, id, job),
        State::Claimed => give_up(host, id, job, &terms, share(terms.stake, LATE_PENALTY_BP), Reason::Late),
        State::Drawn | State::Attested => absent(host, id, job, &terms),
        State::Opened => idle(host, id, job, &terms)?,
        State::Window => close(host, id, job, &terms)?,
        State::Disputed => panel_idle(host, id, job, &terms)?,
        State::Ruling => {
            let verdict = tally(host, id, job);
            conclude(host, id, job, verdict)?;
        }
        State::Committed | State::Final | State::Failed | State::Void | State::Cancelled => {
            unreachable!("answered above")
        }
    }
    Ok(())
}

/// Whether nobody's turn is left in the state.
fn may_end_early(host: &impl MarketHost, id: u64, job: &Job, terms: &Terms) -> bool {
    match job.state {
        State::Opened => {
            !drawn(host, id, terms).iter().any(|slot| matches!(slot.check, Check::Opened | Check::Unserved))
        }
        State::Ruling => {
            let dispute = dispute(host, id);
            dispute.revealed == dispute.sealed
        }
        _ => false,
    }
}

/// Draws.
///
/// With all secrets in, they alone make the seed: who reveals last chooses the
/// block it reveals in, and must not choose the draw by it. With a secret
/// missing, the hash of the block in which the missed deadline was noticed goes
/// in, in the block after it at the earliest, so that holding back a secret is a
/// throw of dice and not a choice between two known draws. If that block is too
/// far back by now, the current one is taken.
fn committed(host: &mut impl MarketHost, id: u64, job: &mut Job, terms: &Terms) -> Result<(), Error> {
    let current = host.block_number();
    let complete = job.client_secret.is_some() && job.revealed == job.enlisted;
    match job.draw_block {
        _ if complete => {
            return draw_or_void(host, id, job, terms, Hash::default());
        }
        None => {
            let now = host.now();
            if now <= job.deadline {
                return Err(Error::TooEarly { deadline: job.deadline, now });
            }
            if job.revealed < 1 + u32::from(terms.panel) {
                return end_void(host, id, job, terms);
            }
        }
        Some(block) if block >= current => return Err(Error::DrawBlockPending(block)),
        Some(block) => {
            if let Some(hash) = host.block_hash(block) {
                return draw_or_void(host, id, job, terms, hash);
            }
        }
    }
    job.draw_block = Some(current);
    JOB.set(host, &id, job);
    Ok(())
}

fn draw_or_void(
    host: &mut impl MarketHost,
    id: u64,
    job: &mut Job,
    terms: &Terms,
    block_hash: Hash,
) -> Result<(), Error> {
    match draw::first(host, id, job, terms, block_hash) {
        true => Ok(()),
        false => end_void(host, id, job, terms),
    }
}

/// The operator stayed away after its commitment: as costly as a cheat, or a
/// cheat would stay away. Verifiers that had sealed share with the client.
fn absent(host: &mut impl MarketHost, id: u64, job: &mut Job, terms: &Terms) {
    let sealed = |slot: &&Slot| slot.check == Check::Sealed;
    let sealed: Vec<Address> = drawn(host, id, terms).iter().filter(sealed).map(|slot| slot.verifier).collect();
    let client = job.client;
    convict(host, id, job, terms, Reason::Absent, Some(client), (&sealed, Reason::Reward));
}

/// Verifiers that did not attest pay, and others get their slots and those of
/// reports that were answered.
fn idle(host: &mut impl MarketHost, id: u64, job: &mut Job, terms: &Terms) -> Result<(), Error> {
    let mut missing = Vec::new();
    for (number, entry) in (0u8..).zip(drawn(host, id, terms)) {
        match entry.check {
            Check::Opened => {
                penalise_idle(host, id, job, entry.verifier);
                put(host, id, number, &Slot { check: Check::Idle, ..entry });
                missing.push(number);
            }
            Check::Idle => missing.push(number),
            // What was demanded may still be answered.
            Check::Unserved => return Err(Error::DemandOpen { until: latest(host, id, job).unwrap_or_default() }),
            _ => {}
        }
    }
    if job.rounds == terms.rounds() || !draw::again(host, id, job, terms, &missing) {
        return end_void(host, id, job, terms);
    }
    Ok(())
}

/// The window is over: a slot that is in doubt goes to a panel, else all is well.
fn close(host: &mut impl MarketHost, id: u64, job: &mut Job, terms: &Terms) -> Result<(), Error> {
    let in_doubt = (0u8..).zip(drawn(host, id, terms)).find(|(_, slot)| slot.check == Check::Mismatched);
    let Some((number, _)) = in_doubt else {
        finalise(host, id, job, terms)?;
        register_final(host, id, job, terms);
        return Ok(());
    };
    if !start(host, id, job, terms, number, false) {
        return end_void(host, id, job, terms);
    }
    Ok(())
}

/// The panel's time to seal is over.
fn panel_idle(host: &mut impl MarketHost, id: u64, job: &mut Job, terms: &Terms) -> Result<(), Error> {
    let dispute = dispute(host, id);
    if dispute.sealed >= majority(dispute.seats) {
        move_to(host, id, job, State::Ruling, terms.windows.reveal);
        return Ok(());
    }
    conclude(host, id, job, Verdict::Undecided)
}
