//! Credits, slashes and the penalties of verifiers. What is slashed passes
//! through the job, whose list of payments shows where it went.

use crate::{CREDIT, ENLISTMENT, MarketHost, PAID, STANDING, ledger, weights};
use assay_protocol::Address;
use assay_protocol::market::{
    BURN_ADDRESS, Event, IDLE_PENALTY_BP, Job, Paid, Reason, Role, Standing, WINNER_SHARE_BP,
};
use assay_protocol::registry::{Node, share};

/// Lets `account` withdraw `amount`.
pub fn credit(host: &mut impl MarketHost, account: Address, job: Option<u64>, amount: u128, reason: Reason) {
    if amount == 0 {
        return;
    }
    let credit = CREDIT.get(host, &account).unwrap_or(0) + amount;
    CREDIT.set(host, &account, &credit);
    host.emit(Event::Credited { account, job, amount, reason });
}

/// Pays `amount` of what the job holds to `account`. The caller stores the job.
pub fn pay(host: &mut impl MarketHost, id: u64, job: &mut Job, account: Address, amount: u128, reason: Reason) {
    pay_for(host, id, job, account, amount, reason, None);
}

/// [`pay`], for an input if there is one.
pub fn pay_for(
    host: &mut impl MarketHost,
    id: u64,
    job: &mut Job,
    account: Address,
    amount: u128,
    reason: Reason,
    node: Option<Node>,
) {
    job.held -= amount;
    // Work is on record even where its share is rounded down to nothing.
    if amount > 0 || matches!(reason, Reason::Fee | Reason::Seat) {
        let paid = Paid { account, reason, amount, node };
        PAID.set(host, &(id, job.payments), &paid);
        job.payments += 1;
        ledger::add(host, id, job, &paid);
    }
    credit(host, account, Some(id), amount, reason);
}

/// Burns `amount` of what the job holds.
pub fn burn(host: &mut impl MarketHost, id: u64, job: &mut Job, amount: u128) {
    pay(host, id, job, BURN_ADDRESS, amount, Reason::Burned);
}

/// Gives the client all that the job still holds.
pub fn refund(host: &mut impl MarketHost, id: u64, job: &mut Job) {
    let (client, held) = (job.client, job.held);
    pay(host, id, job, client, held, Reason::Refund);
}

/// The standing of an account, empty if it has none.
pub fn standing(host: &impl MarketHost, role: Role, account: Address) -> Standing {
    STANDING.get(host, &(role, account)).unwrap_or_default()
}

/// Locks `amount` of a stake that has been found large enough.
pub fn lock(host: &mut impl MarketHost, role: Role, account: Address, mut standing: Standing, amount: u128) {
    standing.locked += amount;
    STANDING.set(host, &(role, account), &standing);
}

/// Unlocks `amount` of a stake.
pub fn unlock(host: &mut impl MarketHost, role: Role, account: Address, amount: u128) {
    let mut standing = standing(host, role, account);
    standing.locked -= amount;
    STANDING.set(host, &(role, account), &standing);
}

/// Counts one more job done or segment checked.
pub fn count_done(host: &mut impl MarketHost, role: Role, account: Address) {
    let mut standing = standing(host, role, account);
    standing.done += 1;
    STANDING.set(host, &(role, account), &standing);
}

/// Takes `amount` of locked stake into what the job holds. Whoever calls says
/// where it goes, and stores the job.
pub fn slash(
    host: &mut impl MarketHost,
    id: u64,
    job: &mut Job,
    (role, account): (Role, Address),
    amount: u128,
    reason: Reason,
) {
    let mut standing = standing(host, role, account);
    standing.stake -= amount;
    standing.locked -= amount;
    match reason {
        Reason::Late | Reason::HandedBack | Reason::Idle => standing.missed += 1,
        _ => standing.lost += 1,
    }
    STANDING.set(host, &(role, account), &standing);
    job.held += amount;
    if amount > 0 {
        host.emit(Event::Slashed { account, job: id, amount, reason });
    }
}

/// Takes up to `amount` of what is left of a verifier's bond into what the job
/// holds, and says how much it was. The verifier is not drawn again in the job.
pub fn penalise(
    host: &mut impl MarketHost,
    id: u64,
    job: &mut Job,
    verifier: Address,
    amount: u128,
    reason: Reason,
) -> u128 {
    let mut enlistment = ENLISTMENT.get(host, &(id, verifier)).expect("only the enlisted are drawn");
    let amount = amount.min(enlistment.bond);
    enlistment.bond -= amount;
    if enlistment.revealed && !enlistment.idle {
        weights::take_out(host, id, job, enlistment.place, enlistment.locked);
    }
    enlistment.idle = true;
    ENLISTMENT.set(host, &(id, verifier), &enlistment);
    slash(host, id, job, (Role::Verifier, verifier), amount, reason);
    amount
}

/// What a verifier pays for a turn that it misses.
pub fn idle_penalty(host: &impl MarketHost, id: u64, verifier: Address) -> u128 {
    ENLISTMENT.get(host, &(id, verifier)).map_or(0, |enlistment| share(enlistment.locked, IDLE_PENALTY_BP))
}

/// Takes the idle penalty, and burns it: whoever gained by it would keep
/// verifiers away.
pub fn penalise_idle(host: &mut impl MarketHost, id: u64, job: &mut Job, verifier: Address) {
    let penalty = idle_penalty(host, id, verifier);
    let taken = penalise(host, id, job, verifier, penalty, Reason::Idle);
    burn(host, id, job, taken);
}

/// Splits a slashed sum that the job holds: [`WINNER_SHARE_BP`] of it to those
/// who were wronged, half of that to `main` and half to `others` in equal parts
/// (all to the one if the other is missing), and everything else, roundings
/// included, is burned. `others` are paid for `reason`, with equal parts of
/// `fee` added, whose rest the job keeps.
pub fn distribute(
    host: &mut impl MarketHost,
    id: u64,
    job: &mut Job,
    amount: u128,
    main: Option<Address>,
    (others, fee, reason): (&[Address], u128, Reason),
) {
    let winners = share(amount, WINNER_SHARE_BP);
    let for_main = match (main, others.is_empty()) {
        (None, _) => 0,
        (Some(_), true) => winners,
        (Some(_), false) => winners / 2,
    };
    let count = others.len() as u128;
    let each = (winners - for_main).checked_div(count).unwrap_or(0);
    let fee_each = fee.checked_div(count).unwrap_or(0);
    if let Some(main) = main {
        pay(host, id, job, main, for_main, Reason::Reward);
    }
    for other in others {
        pay(host, id, job, *other, each + fee_each, reason);
    }
    burn(host, id, job, amount - for_main - each * count);
}
