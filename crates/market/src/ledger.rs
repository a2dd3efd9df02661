//! What a job has paid, and for whose part in it.

use crate::check::drawn;
use crate::{JOB, MarketHost, PAID, TERMS, reads};
use alloc::vec::Vec;
use assay_protocol::Address;
use assay_protocol::market::{
    Compute, Contributions, MAX_PAGE, MAX_VERIFIERS_SHOWN, Paid, Reason, RoyaltyPaid, Verification,
};
use assay_protocol::registry::Page;

/// Payments `offset..` of job `id`, oldest first, at most `limit` and at most
/// [`MAX_PAGE`]. None if there is no such job.
pub fn payments(host: &impl MarketHost, id: u64, offset: u32, limit: u32) -> Page<Paid> {
    let total = JOB.get(host, &id).map_or(0, |job| job.payments);
    let end = total.min(offset.saturating_add(limit.min(MAX_PAGE)));
    Page { total, items: (offset..end).filter_map(|number| PAID.get(host, &(id, number))).collect() }
}

/// Who contributed data, compute and verification to job `id`, and what each
/// was paid so far; `None` if there is no such job.
pub fn contributions(host: &impl MarketHost, id: u64) -> Option<Contributions> {
    let job = JOB.get(host, &id)?;
    let data = reads::royalties(host, id)
        .into_iter()
        .map(|royalty| RoyaltyPaid { node: royalty.node, owner: royalty.to, share_bp: royalty.share_bp, paid: 0 })
        .collect();
    let mut sums = Contributions {
        data,
        compute: job.operator.map(|operator| Compute { operator, paid: 0 }),
        verification: Vec::new(),
        verification_more: 0,
        challengers: 0,
        bonds: 0,
        refund: 0,
        burned: 0,
    };
    let verifiers: Vec<Address> = drawn(host, id, &TERMS.get(host, &id)?).iter().map(|slot| slot.verifier).collect();
    for paid in (0..job.payments).filter_map(|number| PAID.get(host, &(id, number))) {
        add(&mut sums, &paid, job.client, &verifiers);
    }
    Some(sums)
}

/// Adds one payment to the part that it belongs to. A reward belongs to the part
/// that its account has in the job: the operator's of lost challenges, the
/// client's, a drawn verifier's, and else a challenger's.
fn add(sums: &mut Contributions, paid: &Paid, client: Address, verifiers: &[Address]) {
    let (account, amount) = (paid.account, paid.amount);
    match paid.reason {
        Reason::Royalty => {
            if let Some(part) = sums.data.iter_mut().find(|part| Some(part.node) == paid.node) {
                part.paid += amount;
            }
        }
        Reason::Fee | Reason::Seat => add_verification(sums, paid),
        Reason::Refund => sums.refund += amount,
        Reason::Burned => sums.burned += amount,
        Reason::Bond => sums.bonds += amount,
        _ => match &mut sums.compute {
            Some(compute) if compute.operator == account => compute.paid += amount,
            _ if account == client => sums.refund += amount,
            _ if verifiers.contains(&account) => add_verification(sums, paid),
            _ => sums.challengers += amount,
        },
    }
}

fn add_verification(sums: &mut Contributions, paid: &Paid) {
    let parts = &mut sums.verification;
    let at = parts.iter().position(|part| part.verifier == paid.account).unwrap_or(parts.len());
    if at == MAX_VERIFIERS_SHOWN {
        sums.verification_more += paid.amount;
        return;
    }
    if at == parts.len() {
        parts.push(Verification { verifier: paid.account, segments: 0, seats: 0, paid: 0 });
    }
    let part = &mut parts[at];
    part.paid += paid.amount;
    part.segments += u32::from(paid.reason == Reason::Fee);
    part.seats += u32::from(paid.reason == Reason::Seat);
}
