//! What the market shows must be what the model says.

use super::host::MarketChain;
use super::model::{Class, Model};
use assay_market::reads;
use assay_protocol::Address;
use assay_protocol::market::{BURN_ADDRESS, Check, Role, State};

/// An account's stake in a role.
pub fn standing(chain: &MarketChain, model: &Model, role: Role, who: Address) {
    let shown = reads::standing(chain, role, who);
    let Some(own) = model.stands.get(&(role, who)) else {
        assert!(shown.is_none(), "{role:?} {who} has staked nothing and has {shown:?}");
        return;
    };
    let shown = shown.expect("whoever has staked has a standing");
    assert!(shown.locked <= shown.stake, "{role:?} {who} has locked more than it has");
    assert_eq!(shown.stake, own.stake, "stake of {role:?} {who}");
    assert_eq!(shown.locked, own.locked, "locked stake of {role:?} {who}");
    assert_eq!(shown.unbonding, own.unbonding, "unbonding stake of {role:?} {who}");
    if own.unbonding > 0 {
        assert_eq!(shown.unbonds_at, own.unbonds_at, "end of unbonding of {role:?} {who}");
    }
    assert_eq!((shown.done, shown.lost, shown.missed), (own.done, own.lost, own.missed), "record of {role:?} {who}");
    assert_eq!(shown.endpoint, own.endpoint);
}

/// A job.
pub fn job(chain: &MarketChain, model: &Model, id: u64) {
    let own = model.task(id).expect("the model has the job");
    let view = reads::job(chain, id).expect("the market has the job");
    let job = &view.job;
    assert_eq!(job.state, own.state, "state of job {id}");
    assert_eq!(job.deadline, own.deadline, "deadline of job {id} in {:?}", own.state);
    assert_eq!(job.held, own.held, "what job {id} holds in {:?}", own.state);
    assert_eq!(own.took, own.held + own.ledger.iter().map(|paid| paid.2).sum::<u128>(), "books of job {id}");
    assert_eq!(job.operator, own.operator, "operator of job {id}");
    assert_eq!(job.attempts, own.attempts, "attempts of job {id}");
    assert!(job.rounds == own.rounds || own.state == State::Void, "rounds of job {id}");
    assert_eq!(job.demands as usize, own.demands.len(), "demands of job {id}");
    assert_eq!(view.ends, own.ends, "ends of job {id}");
    assert_eq!(view.commitment.as_ref().map(|commitment| commitment.root), own.root, "commitment of job {id}");
    assert_eq!(view.royalties, own.royalties, "royalties of job {id}");
    assert_eq!(view.model_id.is_some(), own.registered, "model of job {id}");
    if own.state.is_terminal() {
        assert_eq!(own.held, 0, "job {id} holds money after its end");
        contributions(chain, own, id);
        return;
    }
    assert_eq!((job.enlisted, job.revealed), (own.parts.len() as u32, own.revealed()), "verifiers of job {id}");
    let disputed = own.quarrel.as_ref().map(|quarrel| quarrel.slot);
    assert_eq!(job.disputed, disputed, "dispute of job {id}");
    assert_eq!(matches!(own.state, State::Disputed | State::Ruling), disputed.is_some());
    assert_eq!(reads::slots(chain, id), own.slots, "slots of job {id}");
    assert_eq!(usize::from(job.challenges), own.slots.len().saturating_sub(own.terms.samples.into()));
    if let Some(quarrel) = &own.quarrel {
        assert_eq!(reads::seats(chain, id), quarrel.seats, "seats of job {id}");
    }
    let mut shown = reads::demands(chain, id);
    shown.sort_by_key(|demand| demand.number);
    let mut demands: Vec<_> = own.demands.iter().collect();
    demands.sort_by_key(|demand| demand.number);
    for (shown, own) in shown.iter().zip(demands) {
        assert_eq!(
            (shown.number, shown.by, &shown.wanted, shown.state, shown.bond, shown.deadline),
            (own.number, own.by, &own.wanted, own.state, own.bond, own.deadline),
            "demand of job {id}"
        );
    }
    for part in &own.parts {
        let shown = reads::enlistment(chain, id, part.who).expect("an enlisted verifier is shown");
        assert_eq!((shown.locked, shown.bond, shown.idle), (part.locked, part.left, part.idle), "part of {}", part.who);
        assert_eq!(shown.revealed, part.revealed);
    }
}

/// Who was paid what.
fn contributions(chain: &MarketChain, own: &super::model::Task, id: u64) {
    let shown = reads::contributions(chain, id).expect("an ended job has contributions");
    assert_eq!(shown.total(), own.took, "job {id} pays what it took in");
    let sum = |class: Class| own.ledger.iter().filter(|paid| paid.1 == class).map(|paid| paid.2).sum::<u128>();
    assert_eq!(shown.burned, sum(Class::Burned), "what job {id} burned");
    assert!(own.ledger.iter().all(|paid| (paid.0 == BURN_ADDRESS) == (paid.1 == Class::Burned)));
    let royalties: Vec<_> = own.royalties.iter().map(|royalty| (royalty.node, royalty.to, royalty.share_bp)).collect();
    assert_eq!(shown.data.iter().map(|part| (part.node, part.owner, part.share_bp)).collect::<Vec<_>>(), royalties);
    assert_eq!(shown.data.iter().map(|part| part.paid).sum::<u128>(), sum(Class::Royalty), "royalties of job {id}");
    for part in &shown.verification {
        let of = |paid: &&(Address, Class, u128)| {
            paid.0 == part.verifier && matches!(paid.1, Class::Fee | Class::Seat | Class::Reward)
        };
        assert_eq!(part.paid, own.ledger.iter().filter(of).map(|paid| paid.2).sum(), "{} in job {id}", part.verifier);
    }
    let compute = shown.compute.as_ref().map_or(0, |compute| compute.paid);
    let of = |paid: &&(Address, Class, u128)| {
        paid.1 == Class::Payment || paid.1 == Class::Reward && Some(paid.0) == own.operator
    };
    assert_eq!(compute, own.ledger.iter().filter(of).map(|paid| paid.2).sum(), "the operator of job {id}");
    assert_eq!(shown.bonds, sum(Class::Bond), "bonds of job {id}");
    let segments: u32 = shown.verification.iter().map(|part| part.segments).sum();
    let fees = own.ledger.iter().filter(|paid| paid.1 == Class::Fee).count();
    assert_eq!(segments as usize, fees, "segments checked in job {id}");
    let seats: u32 = shown.verification.iter().map(|part| part.seats).sum();
    assert_eq!(seats as usize, own.ledger.iter().filter(|paid| paid.1 == Class::Seat).count(), "seats in job {id}");
    if own.state == State::Final {
        assert!(own.slots.iter().all(|slot| matches!(slot.check, Check::Passed | Check::Upheld | Check::Undecided)));
    }
}

/// Lists of accounts and jobs.
pub fn lists(chain: &MarketChain, model: &Model) {
    for (role, own) in [Role::Operator, Role::Verifier].into_iter().zip(&model.stakers) {
        let page = reads::standings(chain, role, 0, u32::MAX);
        let shown: Vec<Address> = page.items.iter().map(|(who, _)| *who).collect();
        assert_eq!((page.total as usize, &shown), (own.len(), own), "who ever staked as {role:?}");
    }
    let jobs = reads::jobs(chain, 0, u32::MAX);
    assert_eq!(jobs.total as usize, model.jobs.len());
    for (shown, own) in jobs.items.iter().zip(&model.jobs) {
        assert_eq!((shown.client, shown.state, shown.operator), (own.client, own.state, own.operator));
    }
    for (who, offer) in &model.offers {
        assert_eq!(reads::offer(chain, *who).as_ref(), Some(offer), "offer of {who}");
    }
}
