//! What anybody may read, without an account.

use crate::{
    COMMITMENT, COUNT, CREDIT, DATASETS, DISPUTE, ENLISTMENT, JOB, MODEL, MODEL_ID, MarketHost, SPEC, STANDING, TERMS,
    check, panel,
};
use alloc::vec::Vec;
use assay_protocol::Address;
use assay_protocol::market::{Enlistment, JobSummary, JobView, MAX_PAGE, Role, Seat, Slot, Standing};
use assay_protocol::registry::Page;

/// The job `id` with all that was fixed for it; `None` if there is none.
pub fn job(host: &impl MarketHost, id: u64) -> Option<JobView> {
    Some(JobView {
        id,
        job: JOB.get(host, &id)?,
        terms: TERMS.get(host, &id)?,
        model: MODEL.get(host, &id)?,
        datasets: DATASETS.get(host, &id)?,
        commitment: COMMITMENT.get(host, &id),
        dispute: DISPUTE.get(host, &id),
        model_id: MODEL_ID.get(host, &id),
    })
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

/// The drawn slots of job `id`, none before the draw.
pub fn slots(host: &impl MarketHost, id: u64) -> Vec<Slot> {
    check::slots(host, id)
}

/// The seats of the panel of job `id`, none without a dispute.
pub fn seats(host: &impl MarketHost, id: u64) -> Vec<Seat> {
    panel::seats(host, id)
}

/// An account's standing in a role; `None` if it never staked there.
pub fn standing(host: &impl MarketHost, role: Role, account: Address) -> Option<Standing> {
    STANDING.get(host, &(role, account))
}

/// What an account can withdraw, in the contract's unit.
pub fn credit(host: &impl MarketHost, account: Address) -> u128 {
    CREDIT.get(host, &account).unwrap_or(0)
}

/// A verifier's part in a job; `None` if it is not enlisted.
pub fn enlistment(host: &impl MarketHost, id: u64, verifier: Address) -> Option<Enlistment> {
    ENLISTMENT.get(host, &(id, verifier))
}
