//! How jobs end, and who is paid then.

use crate::check::drawn;
use crate::demand::{demands, latest};
use crate::money::{count_done, distribute, pay, pay_for, refund, slash, unlock};
use crate::{DEMAND, MarketHost, move_to, reads, slot};
use assay_protocol::Address;
use assay_protocol::market::{Check, Error, Job, Reason, Role, State, Terms};
use assay_protocol::registry::share;

/// Ends an unclaimed job with everything going back to its client.
pub(crate) fn end_cancelled(host: &mut impl MarketHost, id: u64, job: &mut Job) {
    refund(host, id, job);
    move_to(host, id, job, State::Cancelled, 0);
}

/// Pays a verifier for a slot and counts it.
pub(crate) fn pay_check(host: &mut impl MarketHost, id: u64, job: &mut Job, terms: &Terms, verifier: Address) {
    pay(host, id, job, verifier, terms.slot_fee(), Reason::Fee);
    count_done(host, Role::Verifier, verifier);
}

/// Pays the verifiers of the slots that passed. The fee of a slot that was
/// disputed is paid when the dispute ends.
fn pay_verifiers(host: &mut impl MarketHost, id: u64, job: &mut Job, terms: &Terms) {
    for entry in drawn(host, id, terms).iter().filter(|slot| slot.check == Check::Passed) {
        pay_check(host, id, job, terms, entry.verifier);
    }
}

/// Gives back the bonds of a challenge that is not decided and of demands that
/// are still open.
fn return_bonds(host: &mut impl MarketHost, id: u64, job: &mut Job, terms: &Terms) {
    let disputed = job.disputed.take().and_then(|number| slot(host, id, number).ok());
    if let Some(entry) = disputed.filter(|entry| entry.check == Check::Challenged) {
        pay(host, id, job, entry.verifier, terms.bond, Reason::Bond);
    }
    for demand in demands(host, id, job) {
        pay(host, id, job, demand.by, demand.bond, Reason::Bond);
        DEMAND.remove(host, &(id, demand.number));
    }
    job.demands = 0;
}

/// Refuses while a demand is open: its answer, or its absence, still counts.
fn no_open_demand(host: &impl MarketHost, id: u64, job: &Job) -> Result<(), Error> {
    latest(host, id, job).map_or(Ok(()), |until| Err(Error::DemandOpen { until }))
}

/// Slashes the operator's whole stake for the job, pays verifiers whose check
/// is beyond doubt, refunds the client and ends the job. `others` share for
/// the given reason.
pub(crate) fn convict(
    host: &mut impl MarketHost,
    id: u64,
    job: &mut Job,
    terms: &Terms,
    reason: Reason,
    main: Option<Address>,
    others: (&[Address], Reason),
) {
    let operator = job.operator.expect("whoever is convicted has claimed");
    slash(host, id, job, (Role::Operator, operator), terms.stake, reason);
    distribute(host, id, job, terms.stake, main, (others.0, 0, others.1));
    return_bonds(host, id, job, terms);
    pay_verifiers(host, id, job, terms);
    refund(host, id, job);
    move_to(host, id, job, State::Failed, 0);
}

/// Ends a job that nobody could check or decide: the operator keeps its stake,
/// verifiers whose check is beyond doubt their fee, and the client the rest.
pub(crate) fn end_void(host: &mut impl MarketHost, id: u64, job: &mut Job, terms: &Terms) -> Result<(), Error> {
    no_open_demand(host, id, job)?;
    let operator = job.operator.expect("only a claimed job becomes void");
    unlock(host, Role::Operator, operator, terms.stake);
    return_bonds(host, id, job, terms);
    pay_verifiers(host, id, job, terms);
    refund(host, id, job);
    move_to(host, id, job, State::Void, 0);
    Ok(())
}

/// Pays everybody: owners of inputs first, the operator the rest of the payment.
pub(crate) fn finalise(host: &mut impl MarketHost, id: u64, job: &mut Job, terms: &Terms) -> Result<(), Error> {
    no_open_demand(host, id, job)?;
    let operator = job.operator.expect("a committed job has an operator");
    let mut payment = terms.payment;
    for royalty in reads::royalties(host, id) {
        let part = share(terms.payment, royalty.share_bp);
        payment -= part;
        pay_for(host, id, job, royalty.to, part, Reason::Royalty, Some(royalty.node));
    }
    pay(host, id, job, operator, payment, Reason::Payment);
    unlock(host, Role::Operator, operator, terms.stake);
    count_done(host, Role::Operator, operator);
    pay_verifiers(host, id, job, terms);
    // What the division of the fee leaves over.
    refund(host, id, job);
    move_to(host, id, job, State::Final, 0);
    Ok(())
}
