//! Stake in and out, and the one way by which money leaves.

use crate::money::{credit, standing};
use crate::rules::rules;
use crate::{CREDIT, MarketHost, STAKER, STAKERS, STANDING, no_value};
use alloc::string::String;
use assay_protocol::Address;
use assay_protocol::market::{BURN_ADDRESS, Error, Event, MAX_ENDPOINT_BYTES, Reason, Role};

/// Adds the value sent to the caller's stake in `role`; `endpoint`, if given,
/// replaces where its content is served. A value of zero only sets the endpoint.
///
/// # Errors
/// [`Error::BadEndpoint`], [`Error::Overflow`].
pub fn stake(host: &mut impl MarketHost, role: Role, endpoint: Option<String>) -> Result<(), Error> {
    let (account, amount) = (host.caller(), host.value());
    let mut standing = standing(host, role, account);
    if let Some(endpoint) = endpoint {
        if endpoint.len() > MAX_ENDPOINT_BYTES || !endpoint.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::BadEndpoint);
        }
        standing.endpoint = endpoint;
    }
    standing.stake = standing.stake.checked_add(amount).ok_or(Error::Overflow)?;
    if STANDING.get(host, &(role, account)).is_none() {
        let count = STAKERS.get(host, &role).unwrap_or(0);
        STAKER.set(host, &(role, count), &account);
        STAKERS.set(host, &role, &(count + 1));
    }
    STANDING.set(host, &(role, account), &standing);
    host.emit(Event::Staked { account, role, amount });
    Ok(())
}

/// Takes free stake back: it waits for the market's unbonding delay, in which it
/// is no stake any more, and can then be collected. What waits already waits
/// anew with it.
///
/// # Errors
/// [`Error::StakeTooSmall`], [`Error::ValueNotWanted`].
pub fn unstake(host: &mut impl MarketHost, role: Role, amount: u128) -> Result<(), Error> {
    no_value(host)?;
    let account = host.caller();
    let mut standing = standing(host, role, account);
    if amount > standing.free() {
        return Err(Error::StakeTooSmall { needed: amount, free: standing.free() });
    }
    if amount == 0 {
        return Ok(());
    }
    standing.stake -= amount;
    standing.unbonding += amount;
    standing.unbonds_at = host.now() + u64::from(rules(host).unbonding);
    STANDING.set(host, &(role, account), &standing);
    host.emit(Event::Unbonding { account, role, amount: standing.unbonding, at: standing.unbonds_at });
    Ok(())
}

/// Credits the stake that the caller has taken back and that has waited long enough.
///
/// # Errors
/// [`Error::NothingUnbonding`], [`Error::StillUnbonding`], [`Error::ValueNotWanted`].
pub fn collect(host: &mut impl MarketHost, role: Role) -> Result<(), Error> {
    no_value(host)?;
    let (account, now) = (host.caller(), host.now());
    let mut standing = standing(host, role, account);
    let amount = core::mem::take(&mut standing.unbonding);
    if amount == 0 {
        return Err(Error::NothingUnbonding);
    }
    if now < standing.unbonds_at {
        return Err(Error::StillUnbonding { at: standing.unbonds_at, now });
    }
    standing.unbonds_at = 0;
    STANDING.set(host, &(role, account), &standing);
    credit(host, account, None, amount, Reason::Unstaked);
    Ok(())
}

fn take(host: &mut impl MarketHost, account: Address) -> Result<u128, Error> {
    no_value(host)?;
    let amount = CREDIT.get(host, &account).unwrap_or(0);
    if amount == 0 {
        return Err(Error::NothingToWithdraw);
    }
    CREDIT.remove(host, &account);
    host.emit(Event::Withdrawn { account, amount });
    Ok(amount)
}

/// Clears the caller's credit. The contract then sends the returned sum to the
/// caller, and reverts everything if that fails.
///
/// # Errors
/// [`Error::NothingToWithdraw`], [`Error::ValueNotWanted`].
pub fn withdraw(host: &mut impl MarketHost) -> Result<u128, Error> {
    take(host, host.caller())
}

/// Clears what was burned; anybody may call it. The contract then sends the
/// returned sum to [`BURN_ADDRESS`].
///
/// # Errors
/// [`Error::NothingToWithdraw`], [`Error::ValueNotWanted`].
pub fn withdraw_burned(host: &mut impl MarketHost) -> Result<u128, Error> {
    take(host, BURN_ADDRESS)
}
