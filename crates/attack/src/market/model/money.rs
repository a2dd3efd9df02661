//! Every unit that moves.

use super::{Model, Role};
use assay_protocol::Address;
use assay_protocol::market::{BURN_ADDRESS, IDLE_PENALTY_BP, Reason, WINNER_SHARE_BP};

/// What a payment out of a job is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// To the operator.
    Payment,
    /// To the owner of an input, by its place.
    Royalty,
    /// For a checked slot.
    Fee,
    /// For a seat in a panel's majority.
    Seat,
    /// Part of a slashed sum.
    Reward,
    /// A bond given back.
    Bond,
    /// The rest, to the client.
    Refund,
    /// Gone.
    Burned,
}

/// What an account lost.
#[derive(Clone, Copy, Debug)]
pub struct Loss {
    /// In which job.
    pub job: u64,
    /// In which role.
    pub role: Role,
    /// Who.
    pub who: Address,
    /// How much.
    pub amount: u128,
    /// Why.
    pub reason: Reason,
}

/// `amount * bp / 10,000`, rounded down.
pub fn part_of(amount: u128, bp: u16) -> u128 {
    let bp = u128::from(bp);
    match amount.checked_mul(bp) {
        Some(product) => product / 10_000,
        None => amount / 10_000 * bp + amount % 10_000 * bp / 10_000,
    }
}

/// The idle penalty of somebody that locked `amount`.
pub fn idle_part(amount: u128) -> u128 {
    part_of(amount, IDLE_PENALTY_BP)
}

impl Model {
    pub(super) fn credit(&mut self, who: Address, amount: u128) {
        *self.credits.entry(who).or_default() += amount;
        self.touched.push(who);
    }

    /// Pays out of what the job holds.
    pub(super) fn pay(&mut self, job: u64, who: Address, class: Class, amount: u128) {
        let task = &mut self.jobs[job as usize];
        task.held = task.held.checked_sub(amount).expect("a job pays what it holds");
        task.ledger.push((who, class, amount));
        self.credit(who, amount);
    }

    /// Pays what may be paid only once, such as the fee of a slot.
    pub(super) fn pay_once(&mut self, job: u64, who: Address, class: Class, number: u8, amount: u128) {
        let task = &mut self.jobs[job as usize];
        assert!(!task.paid_for.contains(&(class, number)), "{class:?} {number} of job {job} is paid twice");
        task.paid_for.push((class, number));
        self.pay(job, who, class, amount);
    }

    pub(super) fn burn(&mut self, job: u64, amount: u128) {
        self.pay(job, BURN_ADDRESS, Class::Burned, amount);
    }

    /// Takes value that came with the message into the job.
    pub(super) fn take_in(&mut self, job: u64, amount: u128) {
        let task = &mut self.jobs[job as usize];
        task.held += amount;
        task.took += amount;
    }

    /// Moves locked stake into the job.
    pub(super) fn slash(&mut self, job: u64, role: Role, who: Address, amount: u128, reason: Reason) {
        let stand = self.stands.get_mut(&(role, who)).expect("whoever is slashed has staked");
        stand.stake -= amount;
        stand.locked -= amount;
        match reason {
            Reason::Late | Reason::HandedBack | Reason::Idle => stand.missed += 1,
            _ => stand.lost += 1,
        }
        self.touched.push(who);
        self.losses.push(Loss { job, role, who, amount, reason });
        self.take_in(job, amount);
    }

    pub(super) fn unlock(&mut self, role: Role, who: Address, amount: u128) {
        self.stands.get_mut(&(role, who)).expect("whoever has locked has staked").locked -= amount;
        self.touched.push(who);
    }

    pub(super) fn lock(&mut self, role: Role, who: Address, amount: u128) {
        self.stands.get_mut(&(role, who)).expect("whoever locks has staked").locked += amount;
        self.touched.push(who);
    }

    /// Takes up to `amount` of what a verifier has left in a job.
    pub(super) fn penalise(&mut self, job: u64, who: Address, amount: u128, reason: Reason) -> u128 {
        let Some(part) = self.jobs[job as usize].parts.iter_mut().find(|part| part.who == who) else { return 0 };
        let taken = amount.min(part.left);
        part.left -= taken;
        part.idle = true;
        self.slash(job, Role::Verifier, who, taken, reason);
        taken
    }

    /// A missed turn: a tenth of what it locked, burned.
    pub(super) fn idle(&mut self, job: u64, who: Address) {
        let locked = self.jobs[job as usize].part(who).map_or(0, |part| part.locked);
        let taken = self.penalise(job, who, idle_part(locked), Reason::Idle);
        self.burn(job, taken);
    }

    /// Half of a slashed sum to those who were wronged, the rest burned. `others`
    /// also get equal parts of `fee`, which is not part of the sum.
    pub(super) fn split(&mut self, job: u64, amount: u128, main: Option<Address>, others: (&[Address], Class, u128)) {
        let (others, class, fee) = others;
        let winners = part_of(amount, WINNER_SHARE_BP);
        let for_main = match main {
            None => 0,
            Some(_) if others.is_empty() => winners,
            Some(_) => winners / 2,
        };
        let mut burned = amount - for_main;
        if let Some(main) = main {
            self.pay(job, main, Class::Reward, for_main);
        }
        for other in others {
            let each = (winners - for_main) / others.len() as u128;
            burned -= each;
            self.pay(job, *other, class, each + fee / others.len() as u128);
        }
        self.burn(job, burned);
    }
}
