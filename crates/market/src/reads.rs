//! What anybody may read, without an account.

use crate::{
    COMMITMENT, COUNT, CREDIT, DATASETS, DISPUTE, ENDS, ENLISTMENT, JOB, MODEL, MODEL_ID, MarketHost, OFFER, ROYALTY,
    SLOT, SPEC, STAKER, STAKERS, STANDING, TERMS, demand, panel,
};
use alloc::vec::Vec;
use assay_protocol::Address;
use assay_protocol::market::{
    Demand, Enlistment, JobSummary, JobView, MAX_PAGE, MAX_STANDINGS_PAGE, Offer, Role, Seat, Slot, Standing,
};
use assay_protocol::registry::{Page, Royalty};

pub use crate::ledger::{contributions, payments};
pub use crate::rules::rules;

/// The job `id` with all that was fixed for it; `None` if there is none.
pub fn job(host: &impl MarketHost, id: u64) -> Option<JobView> {
    Some(JobView {
        id,
        job: JOB.get(host, &id)?,
        terms: TERMS.get(host, &id)?,
        model: MODEL.get(host, &id)?,
        datasets: DATASETS.get(host, &id)?,
        royalties: royalties(host, id),
        commitment: COMMITMENT.get(host, &id),
        ends: ENDS.get(host, &id),
        dispute: DISPUTE.get(host, &id),
        model_id: MODEL_ID.get(host, &id),
    })
}

/// What owners of inputs will get of the payment of job `id`.
pub(crate) fn royalties(host: &impl MarketHost, id: u64) -> Vec<Royalty> {
    (0u8..).map_while(|number| ROYALTY.get(host, &(id, number))).collect()
}

/// Jobs `offset..`, oldest first, at most `limit` and at most [`MAX_PAGE`].
pub fn jobs(host: &impl MarketHost, offset: u64, limit: u32) -> Page<JobSummary> {
    let total = COUNT.get(host, &()).unwrap_or(0);
    let end = total.min(offset.saturating_add(u64::from(limit.min(MAX_PAGE))));
    let items = (offset..end)
        .filter_map(|id| {
            let job = JOB.get(host, &id)?;
            Some(JobSummary {
                id,
                client: job.client,
                state: job.state,
                deadline: job.deadline,
                operator: job.operator,
            })
        })
        .collect();
    Page { total: u32::try_from(total).unwrap_or(u32::MAX), items }
}

/// The encoded specification of job `id`; `None` if there is no such job.
pub fn spec(host: &impl MarketHost, id: u64) -> Option<Vec<u8>> {
    let chunks: Vec<Vec<u8>> = (0u8..).map_while(|chunk| SPEC.get(host, &(id, chunk))).collect();
    (!chunks.is_empty()).then(|| chunks.concat())
}

/// The drawn slots of job `id` and its challenges after them; none before the draw.
pub fn slots(host: &impl MarketHost, id: u64) -> Vec<Slot> {
    (0u8..).map_while(|number| SLOT.get(host, &(id, number))).collect()
}

/// The open demands of job `id`, in the order of their numbers.
pub fn demands(host: &impl MarketHost, id: u64) -> Vec<Demand> {
    JOB.get(host, &id).map(|job| demand::demands(host, id, &job)).unwrap_or_default()
}

/// The seats of the panel of job `id`, none without a dispute.
pub fn seats(host: &impl MarketHost, id: u64) -> Vec<Seat> {
    panel::seats(host, id)
}

/// An account's standing in a role; `None` if it never staked there.
pub fn standing(host: &impl MarketHost, role: Role, account: Address) -> Option<Standing> {
    STANDING.get(host, &(role, account))
}

/// Accounts `offset..` that ever staked in a role, oldest first, at most `limit`
/// and at most [`MAX_STANDINGS_PAGE`].
pub fn standings(host: &impl MarketHost, role: Role, offset: u32, limit: u32) -> Page<(Address, Standing)> {
    let total = STAKERS.get(host, &role).unwrap_or(0);
    let end = total.min(offset.saturating_add(limit.min(MAX_STANDINGS_PAGE)));
    let items = (offset..end)
        .filter_map(|number| {
            let account = STAKER.get(host, &(role, number))?;
            Some((account, STANDING.get(host, &(role, account))?))
        })
        .collect();
    Page { total, items }
}

/// What an operator asks of a job; `None` if it has published nothing.
pub fn offer(host: &impl MarketHost, operator: Address) -> Option<Offer> {
    OFFER.get(host, &operator)
}

/// What an account can withdraw, in the contract's unit.
pub fn credit(host: &impl MarketHost, account: Address) -> u128 {
    CREDIT.get(host, &account).unwrap_or(0)
}

/// A verifier's part in a job; `None` if it is not enlisted.
pub fn enlistment(host: &impl MarketHost, id: u64, verifier: Address) -> Option<Enlistment> {
    ENLISTMENT.get(host, &(id, verifier))
}
