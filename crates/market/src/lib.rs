//! Logic of the market contract, without any contract language.
//!
//! Every message is a function over a [`MarketHost`]; the contract decodes the
//! arguments, calls the function and reverts if it fails. `docs/market.md`
//! draws the states.
//!
//! # Money
//! All sums are in the contract's unit. What comes in is either escrow of a job
//! ([`Job::held`](assay_protocol::market::Job::held)) or stake of an account;
//! it leaves either through [`stake::withdraw`] or, burned, through
//! [`stake::withdraw_burned`]. In every state
//! `in = out + sum(held) + sum(stake) + sum(credit)`, which the tests assert
//! after every message of random histories.
//!
//! | module | messages |
//! | --- | --- |
//! | [`stake`] | stake, unstake, withdraw |
//! | [`post`] | post_job, cancel |
//! | [`enlist`] | enlist, reveal_secret, release |
//! | [`train`] | claim, commit |
//! | [`draw`] | (called by `advance`) the draw of segments, verifiers and panels |
//! | [`check`] | open, attest, report_unavailable, reveal_traces, insist |
//! | [`panel`] | panel_seal, panel_reveal |
//! | [`advance`](mod@advance) | advance: what follows when a deadline has passed |
//! | [`reads`] | what anybody may read |
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub mod advance;
pub mod check;
pub mod draw;
pub mod enlist;
mod money;
pub mod panel;
pub mod post;
pub mod reads;
pub mod stake;
pub mod train;

use alloc::vec::Vec;
use assay_protocol::host::{Host, Table};
use assay_protocol::market::{
    Commitment, Dispute, Enlistment, Error, Event, Job, ModelTerms, Role, Seat, Slot, Standing, State, Terms,
};
use assay_protocol::registry::{self, RegisterModel};
use assay_protocol::{Address, Hash};

/// What the market needs from its chain beside a [`Host`]: the registry and events.
pub trait MarketHost: Host {
    /// Asks the registry whether these inputs exist.
    ///
    /// # Errors
    /// The registry's own.
    fn check_inputs(&self, datasets: &[Hash], parent: Option<Hash>) -> Result<(), registry::Error>;

    /// Registers the model of a finished job.
    ///
    /// # Errors
    /// The registry's own. Nothing is kept of a refused call.
    fn register_model(&mut self, model: RegisterModel) -> Result<(), registry::Error>;

    /// Emits an event.
    fn emit(&mut self, event: Event);
}

pub(crate) const COUNT: Table<(), u64> = Table::new(b'n');
pub(crate) const TERMS: Table<u64, Terms> = Table::new(b't');
pub(crate) const MODEL: Table<u64, ModelTerms> = Table::new(b'm');
pub(crate) const DATASETS: Table<u64, Vec<Hash>> = Table::new(b'd');
pub(crate) const SPEC: Table<(u64, u8), Vec<u8>> = Table::new(b'p');
pub(crate) const JOB: Table<u64, Job> = Table::new(b'j');
pub(crate) const COMMITMENT: Table<u64, Commitment> = Table::new(b'c');
pub(crate) const SLOT: Table<(u64, u8), Slot> = Table::new(b's');
pub(crate) const DISPUTE: Table<u64, Dispute> = Table::new(b'x');
pub(crate) const SEAT: Table<(u64, u8), Seat> = Table::new(b'y');
pub(crate) const ENLISTMENT: Table<(u64, Address), Enlistment> = Table::new(b'e');
/// Verifiers that revealed, in the order of revealing, each with the bonds of
/// all up to and with itself: a weighted draw is a binary search.
pub(crate) const PLACE: Table<(u64, u32), (Address, u128)> = Table::new(b'l');
pub(crate) const BARRED: Table<(u64, Address), ()> = Table::new(b'b');
pub(crate) const STANDING: Table<(Role, Address), Standing> = Table::new(b'a');
pub(crate) const CREDIT: Table<Address, u128> = Table::new(b'w');
pub(crate) const MODEL_ID: Table<u64, Hash> = Table::new(b'i');

/// The job `id`.
pub(crate) fn job(host: &impl Host, id: u64) -> Result<Job, Error> {
    JOB.get(host, &id).ok_or(Error::UnknownJob)
}

/// The terms of a job that exists.
pub(crate) fn terms(host: &impl Host, id: u64) -> Terms {
    TERMS.get(host, &id).expect("every job has terms")
}

/// The slot `slot` of job `id`.
pub(crate) fn slot(host: &impl Host, id: u64, slot: u8) -> Result<Slot, Error> {
    SLOT.get(host, &(id, slot)).ok_or(Error::UnknownSlot(slot))
}

/// The job `id` if it is in `state` and before its deadline.
pub(crate) fn job_in(host: &impl Host, id: u64, state: State) -> Result<Job, Error> {
    let job = job(host, id)?;
    if job.state != state {
        return Err(Error::WrongState(job.state));
    }
    before_deadline(host, &job)?;
    Ok(job)
}

/// Refuses if the job's deadline has passed.
pub(crate) fn before_deadline(host: &impl Host, job: &Job) -> Result<(), Error> {
    let now = host.now();
    if now > job.deadline {
        return Err(Error::DeadlinePassed { deadline: job.deadline, now });
    }
    Ok(())
}

/// Refuses a value sent with a message that takes none.
pub(crate) fn no_value(host: &impl Host) -> Result<(), Error> {
    if host.value() != 0 {
        return Err(Error::ValueNotWanted);
    }
    Ok(())
}

/// Moves `job` to `state`, which may last `window` seconds from now, and stores it.
pub(crate) fn move_to(host: &mut impl MarketHost, id: u64, job: &mut Job, state: State, window: u32) {
    job.state = state;
    job.deadline = if state.is_terminal() { 0 } else { host.now() + u64::from(window) };
    JOB.set(host, &id, job);
    host.emit(Event::JobMoved { job: id, state, deadline: job.deadline });
}
