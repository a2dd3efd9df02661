//! Credits, slashes and the penalties of verifiers.

use crate::{CREDIT, ENLISTMENT, MarketHost, STANDING};
use alloc::vec::Vec;
use assay_protocol::Address;
use assay_protocol::market::{BURN_ADDRESS, Event, Job, Reason, Role, Standing, WINNER_SHARE_BP};

/// Basis points in a whole.
const WHOLE_BP: u128 = 10_000;

/// `amount * bp / 10,000`, rounded down, without overflow for any `amount`.
pub fn share(amount: u128, bp: u16) -> u128 {
    let bp = u128::from(bp);
    amount / WHOLE_BP * bp + amount % WHOLE_BP * bp / WHOLE_BP
}

/// Lets `account` withdraw `amount`.
pub fn credit(host: &mut impl MarketHost, account: Address, job: Option<u64>, amount: u128, reason: Reason) {
    if amount == 0 {
        return;
    }
    let credit = CREDIT.get(host, &account).unwrap_or(0) + amount;
    CREDIT.set(host, &account, &credit);
    host.emit(Event::Credited { account, job, amount, reason });
}

/// Pays `amount` of what the job holds to `account`.
pub fn pay(host: &mut impl MarketHost, id: u64, job: &mut Job, account: Address, amount: u128, reason: Reason) {
    job.held -= amount;
    credit(host, account, Some(id), amount, reason);
}

/// Gives the client all that the job still holds.
pub fn refund(host: &mut impl MarketHost, id: u64, job: &mut Job) {
    let (client, held) = (job.client, job.held);
    pay(host, id, job, client, held, Reason::Refund);
}

/// The standing of an account that has one.
pub fn standing(host: &impl MarketHost, role: Role, account: Address) -> Standing {
    STANDING.get(host, &(role, account)).unwrap_or_default()
}

/// Locks `amount` of a stake that has been found large enough.
pub fn lock(host: &mut impl MarketHost, role: Role, account: Address, mut standing: Standing, amount: u128) {
    standing.locked += amount;
    STANDING.set(host, &(role, account), &standing);
}

/// Unlocks the operator's stake.
pub fn unlock(host: &mut impl MarketHost, role: Role, account: Address, amount: u128) {
    let mut standing = standing(host, role, account);
    standing.locked -= amount;
    STANDING.set(host, &(role, account), &standing);
}

/// Takes `amount` of locked stake. Whoever calls says where it goes.
pub fn slash(host: &mut impl MarketHost, role: Role, account: Address, job: u64, amount: u128, reason: Reason) {
    let mut standing = standing(host, role, account);
    standing.stake -= amount;
    standing.locked -= amount;
    standing.lost += 1;
    STANDING.set(host, &(role, account), &standing);
    if amount > 0 {
        host.emit(Event::Slashed { account, job, amount, reason });
    }
}

/// Splits a slashed sum: [`WINNER_SHARE_BP`] of it to those who were wronged,
/// half of that to `main` and half to `others` in equal parts (all to the one
/// if the other is missing), and everything else, roundings included, is burned.
pub fn distribute(host: &mut impl MarketHost, job: u64, amount: u128, main: Option<Address>, others: &[Address]) {
    let winners = share(amount, WINNER_SHARE_BP);
    let for_main = match (main, others.is_empty()) {
        (None, _) => 0,
        (Some(_), true) => winners,
        (Some(_), false) => winners / 2,
    };
    let each = (winners - for_main).checked_div(others.len() as u128).unwrap_or(0);
    if let Some(main) = main {
        credit(host, main, Some(job), for_main, Reason::Reward);
    }
    for other in others {
        credit(host, *other, Some(job), each, Reason::Reward);
    }
    let burned = amount - for_main - each * others.len() as u128;
    credit(host, BURN_ADDRESS, Some(job), burned, Reason::Burned);
}

/// Takes up to `amount` of what is left of a verifier's bond, and says how much it was.
pub fn penalise(host: &mut impl MarketHost, job: u64, verifier: Address, amount: u128, reason: Reason) -> u128 {
    let Some(mut enlistment) = ENLISTMENT.get(host, &(job, verifier)) else {
        return 0;
    };
    let amount = amount.min(enlistment.bond);
    enlistment.bond -= amount;
    enlistment.idle = true;
    ENLISTMENT.set(host, &(job, verifier), &enlistment);
    slash(host, Role::Verifier, verifier, job, amount, reason);
    amount
}

/// The equal parts of `amount` for `accounts`, out of what the job holds.
pub fn pay_equally(
    host: &mut impl MarketHost,
    id: u64,
    job: &mut Job,
    accounts: &Vec<Address>,
    amount: u128,
    reason: Reason,
) {
    let each = amount.checked_div(accounts.len() as u128).unwrap_or(0);
    for account in accounts {
        pay(host, id, job, *account, each, reason);
    }
}

#[cfg(test)]
mod tests {
    use super::share;

    #[test]
    fn shares_round_down_and_do_not_overflow() {
        assert_eq!(share(10_001, 5_000), 5_000);
        assert_eq!(share(9, 1_000), 0);
        assert_eq!(share(u128::MAX, 10_000), u128::MAX);
        assert_eq!(share(u128::MAX, 1), u128::MAX / 10_000);
    }
}
