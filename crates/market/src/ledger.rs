//! What a job has paid, and for whose part in it.

use crate::{ENLISTMENT, JOB, MarketHost, PAID, TERMS, VERIFIED, VERIFIED_AT, reads};
use assay_protocol::market::{
    Compute, Contributions, Job, MAX_PAGE, MAX_VERIFIERS_SHOWN, Paid, PaidSums, Reason, RoyaltyPaid, State,
    Verification,
};
use assay_protocol::registry::{Page, Royalty, share};

/// Payments `offset..` of job `id`, oldest first, at most `limit` and at most
/// [`MAX_PAGE`]. None if there is no such job.
pub fn payments(host: &impl MarketHost, id: u64, offset: u32, limit: u32) -> Page<Paid> {
    let total = JOB.get(host, &id).map_or(0, |job| job.payments);
    let end = total.min(offset.saturating_add(limit.min(MAX_PAGE)));
    Page { total, items: (offset..end).filter_map(|number| PAID.get(host, &(id, number))).collect() }
}

/// Who contributed data, compute and verification to job `id`, and what each
/// was paid so far; `None` if there is no such job. Sums are kept as payments
/// are made: however many there were, at most
/// [`MAX_VERIFIERS_SHOWN`] and the royalties are read.
pub fn contributions(host: &impl MarketHost, id: u64) -> Option<Contributions> {
    let job = JOB.get(host, &id)?;
    // All royalties are paid with the one message that makes a job final.
    let payment = if job.state == State::Final { TERMS.get(host, &id)?.payment } else { 0 };
    let data = reads::royalties(host, id)
        .into_iter()
        .map(|Royalty { node, to: owner, share_bp }| RoyaltyPaid {
            node,
            owner,
            share_bp,
            paid: share(payment, share_bp),
        })
        .collect();
    let PaidSums { compute, verifiers, verification_more, challengers, bonds, refund, burned } = job.paid;
    Some(Contributions {
        data,
        compute: job.operator.map(|operator| Compute { operator, paid: compute }),
        verification: (0..verifiers).filter_map(|number| VERIFIED.get(host, &(id, number))).collect(),
        verification_more,
        challengers,
        bonds,
        refund,
        burned,
    })
}

/// Adds a payment to the part that it belongs to. A reward belongs to the part
/// that its account has in the job: the operator's of lost challenges, the
/// client's, an enlisted verifier's, and else a challenger's. The caller stores
/// the job.
pub(crate) fn add(host: &mut impl MarketHost, id: u64, job: &mut Job, paid: &Paid) {
    let amount = paid.amount;
    match paid.reason {
        Reason::Royalty => {}
        Reason::Fee | Reason::Seat => add_verification(host, id, job, paid),
        Reason::Refund => job.paid.refund += amount,
        Reason::Burned => job.paid.burned += amount,
        Reason::Bond => job.paid.bonds += amount,
        _ if job.operator == Some(paid.account) => job.paid.compute += amount,
        _ if job.client == paid.account => job.paid.refund += amount,
        _ if ENLISTMENT.get(host, &(id, paid.account)).is_some() => add_verification(host, id, job, paid),
        _ => job.paid.challengers += amount,
    }
}

fn add_verification(host: &mut impl MarketHost, id: u64, job: &mut Job, paid: &Paid) {
    let at = match VERIFIED_AT.get(host, &(id, paid.account)) {
        Some(at) => at,
        None if usize::from(job.paid.verifiers) == MAX_VERIFIERS_SHOWN => {
            job.paid.verification_more += paid.amount;
            return;
        }
        None => {
            let at = job.paid.verifiers;
            VERIFIED_AT.set(host, &(id, paid.account), &at);
            job.paid.verifiers += 1;
            at
        }
    };
    let none = Verification { verifier: paid.account, segments: 0, seats: 0, paid: 0 };
    let mut part = VERIFIED.get(host, &(id, at)).unwrap_or(none);
    part.paid += paid.amount;
    part.segments += u32::from(paid.reason == Reason::Fee);
    part.seats += u32::from(paid.reason == Reason::Seat);
    VERIFIED.set(host, &(id, at), &part);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::job_of;
    use assay_protocol::host::MemoryHost;
    use assay_protocol::market::Event;
    use assay_protocol::registry::{self, RegisterModel};
    use assay_protocol::{Address, Hash, delegate_host};

    struct Bare {
        memory: MemoryHost,
    }

    delegate_host!(Bare, memory);

    impl MarketHost for Bare {
        fn check_inputs(&self, _: Address, _: &[Hash], _: Option<Hash>) -> Result<Vec<Royalty>, registry::Error> {
            unreachable!("nothing is posted")
        }
        fn register_model(&mut self, _: RegisterModel) -> Result<(), registry::Error> {
            unreachable!("nothing is final")
        }
        fn emit(&mut self, _: Event) {}
    }

    #[test]
    fn what_an_account_gets_belongs_to_its_part_in_the_job() {
        let mut host = Bare { memory: MemoryHost::default() };
        let [client, operator, other] = [1, 2, 3].map(|byte| Address([byte; 20]));
        let posted = Job { client, operator: Some(operator), ..job_of(0) };
        let mut paid = |job: &Job, account, reason| {
            let mut job = Job { paid: PaidSums::default(), ..*job };
            add(&mut host, 0, &mut job, &Paid { account, reason, amount: 7, node: None });
            job.paid
        };
        let none = PaidSums::default();
        assert_eq!(paid(&posted, operator, Reason::Payment), PaidSums { compute: 7, ..none });
        assert_eq!(paid(&posted, operator, Reason::Reward), PaidSums { compute: 7, ..none });
        assert_eq!(paid(&posted, client, Reason::Reward), PaidSums { refund: 7, ..none });
        assert_eq!(paid(&posted, other, Reason::Reward), PaidSums { challengers: 7, ..none });
        assert_eq!(paid(&posted, other, Reason::Bond), PaidSums { bonds: 7, ..none });
        // A client may train its own job: what comes back to it is still no payment.
        let own = Job { operator: Some(client), ..posted };
        assert_eq!(paid(&own, client, Reason::Refund), PaidSums { refund: 7, ..none });
    }

    #[test]
    fn a_crowd_is_paid_in_full_and_listed_in_part() {
        let (mut host, mut job) = (Bare { memory: MemoryHost::default() }, job_of(0));
        let verifiers = MAX_VERIFIERS_SHOWN as u8 + 20;
        for _ in 0..3 {
            for number in 0..verifiers {
                let account = Address([number; 20]);
                add(&mut host, 0, &mut job, &Paid { account, reason: Reason::Seat, amount: 5, node: None });
            }
        }
        assert_eq!(usize::from(job.paid.verifiers), MAX_VERIFIERS_SHOWN);
        assert_eq!(job.paid.verification_more, 20 * 15);
        JOB.set(&mut host, &0, &job);
        let parts = contributions(&host, 0).unwrap();
        let listed: Vec<_> = parts.verification.iter().map(|part| (part.verifier, part.seats, part.paid)).collect();
        let due: Vec<_> = (0..MAX_VERIFIERS_SHOWN as u8).map(|number| (Address([number; 20]), 3, 15)).collect();
        assert_eq!(listed, due);
        assert_eq!(parts.total(), 15 * u128::from(verifiers));
    }
}
