//! Lives of jobs without a dispute, with exact sums.

use crate::common::{CLIENT, OPERATOR, RIVAL, STRANGER, World, post_args, terms, verifier};
use assay_market::{advance, check, enlist, post, reads};
use assay_protocol::commitment::model_id;
use assay_protocol::hash::{Hash, Native, Sha256};
use assay_protocol::market::{BURN_ADDRESS, Check, Error, Event, Reason, Role, State};
use assay_protocol::{Address, registry};

const PAYMENT: u128 = 1_000_000;
/// A third of the fee of 100,003, rounded down.
const SLOT_FEE: u128 = 33_334;
const STAKE: u128 = 500_001;

#[test]
fn an_honest_job_pays_everybody_to_the_unit() {
    let (mut world, id) = World::window(5, &[]);
    assert!(world.slots(id).iter().all(|slot| slot.check == Check::Passed));
    world.wait(id);

    let job = world.job(id);
    assert_eq!((job.state, job.held, job.deadline), (State::Final, 0, 0));
    assert_eq!(world.credit(OPERATOR), PAYMENT);
    // What three equal parts of the fee leave over.
    assert_eq!(world.credit(CLIENT), 1);
    for number in 0..5 {
        let by = verifier(number);
        let checked = world.slots(id).iter().filter(|slot| slot.verifier == by).count();
        assert_eq!(world.credit(by), SLOT_FEE * checked as u128);
        assert_eq!(world.standing(Role::Verifier, by).done as usize, checked);
        assert_eq!(world.standing(Role::Verifier, by).lost, 0);
    }
    let standing = world.standing(Role::Operator, OPERATOR);
    assert_eq!((standing.stake, standing.locked, standing.done, standing.lost), (600_000, 0, 1, 0));

    let view = world.view(id);
    let model = model_id(&Native, &CLIENT, &view.terms.program, world.works[&id].states.last().unwrap());
    assert_eq!(view.model_id, Some(model));
    assert_eq!(world.host.models.len(), 1);
    let registered = &world.host.models[0];
    assert_eq!((registered.owner, registered.operator, registered.job), (CLIENT, OPERATOR, id));
    assert_eq!((registered.segments, registered.segments_drawn, registered.segments_checked), (8, 3, 3));
    assert_eq!(registered.artefact, world.works[&id].artefact);
    assert_eq!(world.host.last_events().last(), Some(&Event::ModelRegistered { job: id, model, known: false }));
    world.empty();
}

#[test]
fn money_does_not_wait_for_the_registry() {
    let (mut world, id) = World::window(5, &[]);
    world.host.refuse = Some(registry::Error::NotMarket);
    world.wait(id);
    assert_eq!(world.state(id), State::Final);
    assert_eq!(world.credit(OPERATOR), PAYMENT);
    assert_eq!(world.view(id).model_id, None);
    let refused = Event::ModelRefused { job: id, error: registry::Error::NotMarket };
    assert_eq!(world.host.last_events().last(), Some(&refused));
    assert_eq!(world.register(id), Err(Error::Registry(registry::Error::NotMarket)));
    world.host.refuse = None;
    world.register(id).unwrap();
    assert_eq!(world.host.models.len(), 1);
    assert_eq!(world.register(id), Err(Error::NothingToRegister));
    world.empty();
}

#[test]
fn a_client_cancels_an_unclaimed_job_and_gets_all_back() {
    let (mut world, id) = World::posted(2, |_| ());
    assert_eq!(world.send(STRANGER, 0, |host| post::cancel(host, id)), Err(Error::NotClient));
    world.send(CLIENT, 0, |host| post::cancel(host, id)).unwrap();
    assert_eq!(world.state(id), State::Cancelled);
    assert_eq!(world.credit(CLIENT), 1_100_003);
    let again = world.send(CLIENT, 0, |host| post::cancel(host, id));
    assert_eq!(again, Err(Error::WrongState(State::Cancelled)));
    world.empty();
    // Nothing was asked of the verifiers, so nothing is taken from them.
    assert!(world.slashed(Reason::Idle).is_empty());
}

#[test]
fn a_job_that_nobody_claims_is_cancelled() {
    let (mut world, id) = World::posted(0, |_| ());
    assert!(matches!(world.advance(id), Err(Error::TooEarly { .. })));
    world.wait(id);
    assert_eq!(world.state(id), State::Cancelled);
    assert_eq!(world.credit(CLIENT), 1_100_003);
    world.empty();
}

#[test]
fn a_late_operator_pays_a_tenth_and_the_job_goes_to_another() {
    let (mut world, id) = World::posted(5, |_| ());
    world.claim(id, OPERATOR).unwrap();
    world.wait(id);
    assert_eq!(world.state(id), State::Open);
    assert_eq!(world.job(id).operator, None);
    // A tenth of 500,001 rounded down. The client earns nothing by it.
    assert_eq!(world.slashed(Reason::Late), [(OPERATOR, 50_000)]);
    assert_eq!(world.credit(CLIENT), 0);
    assert_eq!(world.credit(BURN_ADDRESS), 50_000);
    let standing = world.standing(Role::Operator, OPERATOR);
    assert_eq!((standing.stake, standing.locked, standing.missed, standing.lost), (550_000, 0, 1, 0));

    assert_eq!(world.claim(id, OPERATOR), Err(Error::ConflictOfInterest));
    world.claim(id, RIVAL).unwrap();
    world.commit(id, RIVAL, &[]).unwrap();
    for by in (0..5).map(verifier).chain([CLIENT]) {
        world.reveal(id, by).unwrap();
    }
    world.tick(1);
    world.advance(id).unwrap();
    world.open(id, RIVAL).unwrap();
    for number in 0..3 {
        world.attest(id, number).unwrap();
    }
    world.reveal_traces(id, RIVAL).unwrap();
    world.wait(id);
    assert_eq!((world.state(id), world.job(id).attempts), (State::Final, 2));
    assert_eq!(world.credit(RIVAL), PAYMENT);
    world.empty();
}

#[test]
fn after_three_late_operators_the_client_is_refunded() {
    let (mut world, id) = World::posted(4, |_| ());
    let third = Address([3; 20]);
    world.stake(Role::Operator, third, STAKE);
    for operator in [OPERATOR, RIVAL, third] {
        world.claim(id, operator).unwrap();
        world.wait(id);
    }
    assert_eq!(world.state(id), State::Cancelled);
    assert_eq!(world.credit(CLIENT), 1_100_003);
    world.empty();
    assert!(world.slashed(Reason::Idle).is_empty());
}

#[test]
fn an_operator_that_does_not_open_loses_its_stake() {
    let (mut world, id) = World::drawn(5, &[]);
    world.wait(id);
    assert_eq!(world.state(id), State::Failed);
    assert_eq!(world.slashed(Reason::Absent), [(OPERATOR, STAKE)]);
    // Half of the stake, rounded down, and what was paid.
    assert_eq!(world.credit(CLIENT), 250_000 + 1_100_003);
    assert_eq!(world.credit(BURN_ADDRESS), 250_001);
    let standing = world.standing(Role::Operator, OPERATOR);
    assert_eq!((standing.stake, standing.locked, standing.lost), (99_999, 0, 1));
    world.empty();
}

#[test]
fn opening_a_part_is_not_enough() {
    let (mut world, id) = World::drawn(5, &[]);
    let part = vec![world.works[&id].open(1, world.slots(id)[1].segment)];
    world.open_these(id, OPERATOR, part).unwrap();
    assert_eq!((world.state(id), world.job(id).opened), (State::Drawn, 1));
    world.wait(id);
    assert_eq!(world.state(id), State::Failed);
    world.empty();
}

#[test]
fn an_operator_that_hides_its_traces_loses_its_stake_to_client_and_verifiers() {
    let (mut world, id) = World::attested(5, &[]);
    assert_eq!(world.state(id), State::Attested);
    world.wait(id);
    assert_eq!(world.state(id), State::Failed);
    assert_eq!(world.slashed(Reason::Absent), [(OPERATOR, STAKE)]);
    assert_eq!(world.credit(CLIENT), 125_000 + 1_100_003);
    for slot in world.slots(id) {
        let sealed = world.slots(id).iter().filter(|other| other.verifier == slot.verifier).count();
        assert_eq!(world.credit(slot.verifier), 41_666 * sealed as u128);
    }
    assert_eq!(world.credit(BURN_ADDRESS), STAKE - 125_000 - 3 * 41_666);
    world.empty();
}

#[test]
fn an_idle_verifier_pays_and_its_slot_goes_to_another() {
    let (mut world, id) = World::opened(5, &[]);
    let idle = world.slots(id)[0].verifier;
    let mine: Vec<u8> = (0..3).filter(|number| world.slots(id)[usize::from(*number)].verifier == idle).collect();
    for number in (0..3).filter(|number| !mine.contains(number)) {
        world.attest(id, number).unwrap();
    }
    let seed = world.job(id).seed;
    world.wait(id);
    assert_eq!((world.state(id), world.job(id).rounds), (State::Opened, 2));
    assert_ne!(world.job(id).seed, seed);
    assert_eq!(world.slashed(Reason::Idle), vec![(idle, 1_000); mine.len()]);
    // Nobody gains by keeping a verifier away, the operator least of all.
    assert_eq!(world.credit(OPERATOR), 0);
    assert_eq!(world.credit(BURN_ADDRESS), 1_000 * mine.len() as u128);
    let turns = mine.len();
    for number in mine {
        let slot = &world.slots(id)[usize::from(number)];
        assert_ne!(slot.verifier, idle);
        assert_eq!(slot.check, Check::Opened);
        let late = world.send(idle, 0, |host| check::attest(host, id, number, Hash::default()));
        assert_eq!(late, Err(Error::NotDrawn));
        world.attest(id, number).unwrap();
    }
    world.reveal_traces(id, OPERATOR).unwrap();
    world.wait(id);
    assert_eq!(world.state(id), State::Final);
    let standing = world.standing(Role::Verifier, idle);
    assert_eq!((standing.done, standing.missed as usize, standing.lost), (0, turns, 0));
    world.empty();
}

#[test]
fn a_job_that_nobody_checks_is_void() {
    let (mut world, id) = World::opened(10, &[]);
    for round in 2..=3 {
        world.wait(id);
        assert_eq!((world.state(id), world.job(id).rounds), (State::Opened, round));
    }
    world.wait(id);
    assert_eq!(world.state(id), State::Void);
    assert_eq!(world.credit(CLIENT), 1_100_003);
    let standing = world.standing(Role::Operator, OPERATOR);
    assert_eq!((standing.stake, standing.locked, standing.lost), (600_000, 0, 0));
    world.empty();
}

#[test]
fn a_deadline_is_the_last_second_in_time() {
    let (mut world, id) = World::drawn(5, &[]);
    world.host.memory.now = world.job(id).deadline;
    assert!(matches!(world.advance(id), Err(Error::TooEarly { .. })));
    world.open(id, OPERATOR).unwrap();
    world.host.memory.now = world.job(id).deadline + 1;
    assert!(matches!(world.attest(id, 0), Err(Error::DeadlinePassed { .. })));
    world.advance(id).unwrap();
}

#[test]
fn reads_show_what_was_posted() {
    let (mut world, id) = World::posted(4, |args| {
        args.spec = (0..4_096u32).map(|byte| byte as u8).collect();
        args.terms.spec = Native.sha256(&args.spec);
    });
    assert_eq!(reads::spec(&world.host, id).unwrap().len(), 4_096);
    assert_eq!(Native.sha256(&reads::spec(&world.host, id).unwrap()), world.view(id).terms.spec);
    assert!(reads::spec(&world.host, 1).is_none() && reads::job(&world.host, 1).is_none());
    for _ in 0..60 {
        world.post(post_args(terms(CLIENT))).unwrap();
    }
    let page = reads::jobs(&world.host, 0, u32::MAX);
    assert_eq!((page.total, page.items.len()), (61, 50));
    let page = reads::jobs(&world.host, 50, 50);
    assert_eq!((page.items.len(), page.items[0].id, page.items[0].client), (11, 50, CLIENT));
    assert!(reads::jobs(&world.host, u64::MAX, 50).items.is_empty());
    assert!(reads::jobs(&world.host, 0, 0).items.is_empty());
    assert!(reads::enlistment(&world.host, id, verifier(0)).is_some());
    assert!(reads::standing(&world.host, Role::Operator, STRANGER).is_none());
    assert!(reads::slots(&world.host, id).is_empty() && reads::seats(&world.host, id).is_empty());
}

#[test]
fn a_bond_is_given_back_once() {
    let (mut world, id) = World::window(5, &[]);
    let by = verifier(0);
    assert_eq!(world.release(id, by), Err(Error::NotEnded));
    world.wait(id);
    let bond = reads::enlistment(&world.host, id, by).unwrap().bond;
    world.release(id, by).unwrap();
    assert_eq!(world.host.last_events(), [Event::Released { job: id, verifier: by, bond }]);
    assert_eq!(world.release(id, by), Err(Error::NotEnlisted));
    assert_eq!(world.send(STRANGER, 0, |host| enlist::release(host, id)), Err(Error::NotEnlisted));
    assert_eq!(world.send(CLIENT, 0, |host| advance::advance(host, id)), Err(Error::WrongState(State::Final)));
    world.empty();
}
