//! What the market knows of accounts: standings, offers, payments.

use crate::records::{Amount, Node, name_of};
use assay_protocol::{Address, market};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What an operator asks of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Offer {
    /// The least payment.
    pub min_payment: Amount,
    /// What each segment must pay at least.
    pub payment_per_segment: Amount,
    /// The largest stake; `null` for any.
    pub max_stake: Option<Amount>,
    /// The largest dataset, in bytes.
    pub max_data_bytes: u64,
    /// Most steps.
    pub max_steps: u64,
    /// Most bytes of disk.
    pub max_disk_bytes: u64,
    /// Most bytes of memory.
    pub max_memory_bytes: u64,
    /// Most jobs at a time.
    pub max_jobs: u32,
    /// The shortest window for training, in seconds.
    pub min_train_seconds: u32,
    /// The shortest of the other windows, in seconds.
    pub min_window_seconds: u32,
    /// Anything else, in words.
    pub note: String,
}

impl From<market::Offer> for Offer {
    fn from(offer: market::Offer) -> Self {
        Self {
            min_payment: Amount(offer.min_payment),
            payment_per_segment: Amount(offer.payment_per_segment),
            max_stake: offer.max_stake.map(Amount),
            max_data_bytes: offer.max_data_bytes,
            max_steps: offer.max_steps,
            max_disk_bytes: offer.max_disk_bytes,
            max_memory_bytes: offer.max_memory_bytes,
            max_jobs: offer.max_jobs,
            min_train_seconds: offer.min_train_seconds,
            min_window_seconds: offer.min_window_seconds,
            note: offer.note,
        }
    }
}

/// An operator's or a verifier's standing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Standing {
    /// Whose.
    #[schema(value_type = String)]
    pub account: Address,
    /// `operator` or `verifier`.
    pub role: String,
    /// Stake, locked part included and unbonding part not.
    pub stake: Amount,
    /// Part of the stake that is locked in jobs.
    pub locked: Amount,
    /// What was taken back and waits.
    pub unbonding: Amount,
    /// From which second of chain time on the unbonding sum can be collected.
    pub unbonds_at: u64,
    /// Jobs done (operator) or segments checked (verifier).
    pub done: u32,
    /// Jobs lost (operator) or disputes lost (verifier).
    pub lost: u32,
    /// Jobs late or handed back (operator) or turns not done (verifier).
    pub missed: u32,
    /// Where its content is served; empty for none. Written by a stranger.
    pub endpoint: String,
    /// What an operator asks of a job, if it says so.
    pub offer: Option<Offer>,
}

impl Standing {
    /// The standing of `account` in `role`.
    pub fn new(role: market::Role, account: Address, standing: market::Standing, offer: Option<market::Offer>) -> Self {
        let market::Standing { stake, locked, unbonding, unbonds_at, done, lost, missed, endpoint } = standing;
        Self {
            account,
            role: name_of(&role),
            stake: Amount(stake),
            locked: Amount(locked),
            unbonding: Amount(unbonding),
            unbonds_at,
            done,
            lost,
            missed,
            endpoint,
            offer: offer.map(Offer::from),
        }
    }
}

/// One credit that a job gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Payment {
    /// The job.
    pub job: u64,
    /// Its number in the job's list.
    pub number: u32,
    /// To whom.
    #[schema(value_type = String)]
    pub account: Address,
    /// For what: `payment`, `fee`, `refund`, `reward`, `burned`, `royalty`, `seat`, `bond`.
    pub reason: String,
    /// How much.
    pub amount: Amount,
    /// For which input, if it is a royalty.
    pub node: Option<Node>,
}

impl Payment {
    /// Payment `number` of `job`.
    pub fn new(job: u64, number: u32, paid: &market::Paid) -> Self {
        let (amount, node) = (Amount(paid.amount), paid.node.map(Node::from));
        Self { job, number, account: paid.account, reason: name_of(&paid.reason), amount, node }
    }
}
