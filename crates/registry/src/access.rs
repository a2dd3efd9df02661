//! Access to datasets: granted by their owners, or bought.

use crate::{
    CREDIT, GRANTED, GRANTS, PARENTS, RegistryHost, dataset, dataset_in_use, not_zero, owners::owned_dataset_in_use,
    reads,
};
use assay_protocol::{
    Address, Hash,
    host::Host,
    registry::{Error, Event, FOR_EVER, Grant, share},
};

/// Lets `account` use a dataset until the second `until`, under terms of any
/// kind that hash to `terms`. Only the dataset's owner. A grant that holds can
/// only be prolonged, under the same terms.
///
/// # Errors
/// [`Error::ZeroAddress`], [`Error::UnknownDataset`], [`Error::NotOwner`],
/// [`Error::Withdrawn`], [`Error::GrantOver`], [`Error::GrantStands`].
pub fn grant_access(
    host: &mut impl RegistryHost,
    id: Hash,
    account: Address,
    until: u64,
    terms: Hash,
) -> Result<(), Error> {
    not_zero(&account)?;
    owned_dataset_in_use(host, &id)?;
    let now = host.now();
    if until < now {
        return Err(Error::GrantOver { now });
    }
    let before = reads::grant(host, id, account);
    match before {
        Some(grant) if grant.holds(now) && (grant.terms != terms || until < grant.until) => {
            return Err(Error::GrantStands { until: grant.until });
        }
        _ => {}
    }
    let paid = before.map_or(0, |grant| grant.paid);
    store_grant(host, id, account, Grant { until, terms, paid, at: now });
    host.emit(Event::AccessGranted { dataset: id, account, until, terms, paid: 0 });
    Ok(())
}

/// The caller buys access to a dataset, under the terms that hash to `terms`:
/// so that a change just before cannot surprise it. The value sent must be the
/// price. Access that still holds is prolonged from its end.
///
/// The owners of the datasets that it was derived from get their shares as they
/// were when it was registered, each rounded down; its owner gets the rest.
///
/// # Errors
/// [`Error::UnknownDataset`], [`Error::Withdrawn`], [`Error::NotForSale`],
/// [`Error::TermsDiffer`], [`Error::WrongValue`], [`Error::HasAccess`],
/// [`Error::Overflow`].
pub fn buy_access(host: &mut impl RegistryHost, id: Hash, terms: Hash) -> Result<(), Error> {
    let record = dataset_in_use(host, &id)?;
    let price = record.terms.price.ok_or(Error::NotForSale)?;
    let current = record.terms.hash(host);
    if terms != current {
        return Err(Error::TermsDiffer { terms: current });
    }
    if host.value() != price {
        return Err(Error::WrongValue { expected: price, sent: host.value() });
    }
    let (buyer, now) = (host.caller(), host.now());
    let before = reads::grant(host, id, buyer);
    let from = match before {
        Some(grant) if grant.until == FOR_EVER => return Err(Error::HasAccess),
        Some(grant) if grant.holds(now) => grant.until,
        _ => now,
    };
    let paid = before.map_or(0, |grant| grant.paid).checked_add(price).ok_or(Error::Overflow)?;

    let until = record.terms.until(from);
    store_grant(host, id, buyer, Grant { until, terms, paid, at: now });
    host.emit(Event::AccessGranted { dataset: id, account: buyer, until, terms, paid: price });
    let mut rest = price;
    for parent in PARENTS.get(host, &id).unwrap_or_default() {
        // Together at most the whole, since the dataset was registered.
        let amount = share(price, parent.share_bp);
        rest -= amount;
        let owner = dataset(host, &parent.dataset)?.owner;
        credit(host, owner, id, amount)?;
    }
    credit(host, record.owner, id, rest)
}

/// Takes what is credited to the caller off the books and gives the amount,
/// which the contract then sends.
///
/// # Errors
/// [`Error::NothingToWithdraw`].
pub fn withdraw(host: &mut impl RegistryHost) -> Result<u128, Error> {
    let account = host.caller();
    let amount = CREDIT.get(host, &account).ok_or(Error::NothingToWithdraw)?;
    CREDIT.remove(host, &account);
    host.emit(Event::Withdrawn { account, amount });
    Ok(amount)
}

pub(crate) fn store_grant(host: &mut impl Host, dataset: Hash, account: Address, grant: Grant) {
    if GRANTS.get(host, &(dataset, account)).is_none() {
        GRANTED.push(host, &dataset, &account);
    }
    GRANTS.set(host, &(dataset, account), &grant);
}

/// Lets `account` withdraw `amount` for the sale of access to `dataset`.
fn credit(host: &mut impl RegistryHost, account: Address, dataset: Hash, amount: u128) -> Result<(), Error> {
    if amount == 0 {
        return Ok(());
    }
    let credit = CREDIT.get(host, &account).unwrap_or(0).checked_add(amount).ok_or(Error::Overflow)?;
    CREDIT.set(host, &account, &credit);
    host.emit(Event::Credited { account, dataset, amount });
    Ok(())
}
