//! Logic of the market contract, without any contract language.
//!
//! Every message is a function over a [`MarketHost`]; the contract decodes the
//! arguments, calls the function and reverts if it fails. `docs/market.md`
//! draws the states.
//!
//! # Money
//! All sums are in the contract's unit. What comes in is either held by a job
//! ([`Job::held`](assay_protocol::market::Job::held)) or stake of an account,
//! unbonding or not; a slashed stake passes through its job. It leaves either
//! through [`stake::withdraw`] or, burned, through [`stake::withdraw_burned`].
//! In every state `in = out + sum(held) + sum(stake + unbonding) + sum(credit)`,
//! which the tests assert after every message of random histories.
//!
//! | module | messages |
//! | --- | --- |
//! | [`rules`] | (called by the constructor) deploy |
//! | [`stake`] | stake, unstake, collect, withdraw, withdraw_burned |
//! | [`offer`] | publish_offer |
//! | [`post`] | post_job, cancel |
//! | [`enlist`] | enlist, reveal_secret, release |
//! | [`train`] | claim, hand_back, commit |
//! | [`draw`] | (called by `advance`) the draw of segments, verifiers and panels |
//! | [`check`] | open, attest, report_unavailable, reveal_traces, insist |
//! | [`challenge`](mod@challenge) | challenge |
//! | [`demand`](mod@demand) | demand, answer |
//! | [`panel`] | panel_seal, panel_reveal |
//! | [`verdict`] | (called by the panel) what follows from a verdict |
//! | [`advance`](mod@advance) | advance: what follows when a deadline has passed |
//! | [`model`] | register |
//! | [`reads`], [`ledger`] | what anybody may read |
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub mod advance;
pub mod challenge;
pub mod check;
pub mod demand;
pub mod draw;
mod ends;
pub mod enlist;
pub mod ledger;
pub mod model;
mod money;
pub mod offer;
pub mod panel;
pub mod post;
pub mod reads;
pub mod rules;
pub mod stake;
#[cfg(test)]
mod testing;
pub mod train;
pub mod verdict;
mod weights;

use alloc::vec::Vec;
use assay_protocol::commitment::JobId;
use assay_protocol::host::{Host, Table};
use assay_protocol::market::{
    Commitment, Demand, Dispute, EndStates, Enlistment, Error, Event, Job, ModelTerms, Offer, Paid, Role, Rules, Seat,
    Slot, Standing, State, Terms, Verification,
};
use assay_protocol::registry::{self, RegisterModel, Royalty};
use assay_protocol::{Address, Hash};

/// What the market needs from its chain beside a [`Host`]: the registry and events.
pub trait MarketHost: Host {
    /// Asks the registry whether `client` may make a model from these inputs,
    /// and what it would owe their owners.
    ///
    /// # Errors
    /// The registry's own.
    fn check_inputs(
        &self,
        client: Address,
        datasets: &[Hash],
        parent: Option<Hash>,
    ) -> Result<Vec<Royalty>, registry::Error>;

    /// Registers the model of a finished job.
    ///
    /// # Errors
    /// The registry's own. Nothing is kept of a refused call.
    fn register_model(&mut self, model: RegisterModel) -> Result<(), registry::Error>;

    /// Emits an event.
    fn emit(&mut self, event: Event);
}

pub(crate) const RULES: Table<(), Rules> = Table::new(b'r');
pub(crate) const COUNT: Table<(), u64> = Table::new(b'n');
pub(crate) const TERMS: Table<u64, Terms> = Table::new(b't');
pub(crate) const MODEL: Table<u64, ModelTerms> = Table::new(b'm');
pub(crate) const DATASETS: Table<u64, Vec<Hash>> = Table::new(b'd');
pub(crate) const ROYALTY: Table<(u64, u8), Royalty> = Table::new(b'o');
pub(crate) const SPEC: Table<(u64, u8), Vec<u8>> = Table::new(b'p');
pub(crate) const JOB: Table<u64, Job> = Table::new(b'j');
pub(crate) const COMMITMENT: Table<u64, Commitment> = Table::new(b'c');
pub(crate) const ENDS: Table<u64, EndStates> = Table::new(b'f');
/// Drawn slots first, challenges after them.
pub(crate) const SLOT: Table<(u64, u8), Slot> = Table::new(b's');
pub(crate) const DISPUTE: Table<u64, Dispute> = Table::new(b'x');
pub(crate) const SEAT: Table<(u64, u8), Seat> = Table::new(b'y');
/// Segments that a panel has upheld.
pub(crate) const UPHELD: Table<(u64, u32), ()> = Table::new(b'h');
pub(crate) const DEMAND: Table<(u64, u8), Demand> = Table::new(b'u');
/// How many reports of a slot were answered.
pub(crate) const REPORTS: Table<(u64, u8), u8> = Table::new(b'R');
pub(crate) const ENLISTMENT: Table<(u64, Address), Enlistment> = Table::new(b'e');
/// Verifiers in the order in which they enlisted.
pub(crate) const PLACE: Table<(u64, u32), Address> = Table::new(b'l');
pub(crate) const WEIGHT: Table<(u64, u32), u128> = Table::new(b'z');
/// A tree like the one of the weights, over those that are not drawn again.
pub(crate) const OUT: Table<(u64, u32), u128> = Table::new(b'O');
/// The weight of all that are not drawn again.
pub(crate) const OUT_TOTAL: Table<u64, u128> = Table::new(b'N');
/// Operators that had the job and lost it.
pub(crate) const BARRED: Table<(u64, Address), ()> = Table::new(b'b');
pub(crate) const STANDING: Table<(Role, Address), Standing> = Table::new(b'a');
/// Whoever ever staked, in that order.
pub(crate) const STAKER: Table<(Role, u32), Address> = Table::new(b'k');
pub(crate) const STAKERS: Table<Role, u32> = Table::new(b'K');
pub(crate) const OFFER: Table<Address, Offer> = Table::new(b'q');
pub(crate) const CREDIT: Table<Address, u128> = Table::new(b'w');
pub(crate) const PAID: Table<(u64, u32), Paid> = Table::new(b'g');
pub(crate) const MODEL_ID: Table<u64, Hash> = Table::new(b'i');
/// What verifiers did in a job and were paid, in the order of their first payment.
pub(crate) const VERIFIED: Table<(u64, u8), Verification> = Table::new(b'v');
/// Where a verifier is in that list.
pub(crate) const VERIFIED_AT: Table<(u64, Address), u8> = Table::new(b'V');

/// By what seals name the job `id` of this market.
pub(crate) fn job_id(host: &impl Host, id: u64) -> JobId {
    JobId { market: host.address(), number: id }
}

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
    in_time(host, job.deadline)?;
    Ok(job)
}

/// Refuses from the first second after the deadline on.
pub(crate) fn in_time(host: &impl Host, deadline: u64) -> Result<(), Error> {
    let now = host.now();
    if now > deadline {
        return Err(Error::DeadlinePassed { deadline, now });
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

/// Refuses another value than what the message costs.
pub(crate) fn exact_value(host: &impl Host, expected: u128) -> Result<(), Error> {
    let sent = host.value();
    if sent != expected {
        return Err(Error::WrongValue { expected, sent });
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
