//! Demands: what the operator must show, and what it costs to ask.

use crate::common::work::Cheat;
use crate::common::{CLIENT, OPERATOR, STRANGER, World};
use assay_market::{check, demand, reads};
use assay_protocol::Address;
use assay_protocol::hash::Hash;
use assay_protocol::market::{Answer, BURN_ADDRESS, Check, Error, Event, MAX_DEMANDS, Reason, Role, State, Wanted};

const STAKE: u128 = 500_001;
const DEMAND: u128 = 1_000;
const START: Wanted = Wanted::Leaf { boundary: 0, tensor: 3, chunk: 9 };
const OTHER: Address = Address([0x98; 20]);

fn leaf(boundary: u32) -> Wanted {
    Wanted::Leaf { boundary, tensor: 0, chunk: 0 }
}

/// A job in its window whose state root after `segment` no state has; the
/// segment was not drawn.
fn without_a_state() -> (World, u64, u32) {
    for segment in 0..7 {
        let (world, id) = World::opened(6, &[Cheat::NoState(segment)]);
        if world.slots(id).iter().any(|slot| slot.segment == segment + 1) {
            return (world, id, segment);
        }
    }
    panic!("no draw had the segment after the missing state");
}

#[test]
fn an_answer_burns_the_demanders_bond() {
    let (mut world, id) = World::window(5, &[]);
    let wanted = [START, leaf(8), leaf(world.slots(id)[1].segment), Wanted::Boundary { index: 9 + 4 }];
    for (number, wanted) in (0u8..).zip(wanted) {
        assert_eq!(world.demand(id, STRANGER, wanted), Ok(number));
        let demanded = &world.demands(id)[usize::from(number)];
        assert_eq!((demanded.by, demanded.bond, demanded.wanted), (STRANGER, DEMAND, wanted));
        assert_eq!(demanded.deadline, world.host.memory.now + 60);
    }
    assert_eq!(world.job(id).held, 1_100_003 + 4 * DEMAND);
    for number in [2, 0, 3, 1] {
        // Anybody who has the data may answer.
        world.answer(id, number, OTHER).unwrap();
        let answered = Event::Answered { job: id, number, by: OTHER };
        assert_eq!(world.host.last_events().last(), Some(&answered));
    }
    assert_eq!(world.credit(BURN_ADDRESS), 4 * DEMAND);
    assert!(world.demands(id).is_empty());
    world.wait(id);
    assert_eq!(world.state(id), State::Final);
    assert_eq!(world.credit(STRANGER), 0);
    world.empty();
}

#[test]
fn who_does_not_answer_loses_its_stake_to_the_demander() {
    let (mut world, id) = World::window(5, &[]);
    world.demand(id, OTHER, leaf(8)).unwrap();
    world.tick(1);
    world.demand(id, STRANGER, START).unwrap();
    world.tick(59);
    assert!(matches!(world.advance(id), Err(Error::TooEarly { .. })));
    world.tick(1);
    // One second late, and one second before it.
    let (deadline, now) = (world.demands(id)[0].deadline, world.host.memory.now);
    assert_eq!(now, deadline + 1);
    assert_eq!(world.answer(id, 0, OPERATOR), Err(Error::DeadlinePassed { deadline, now }));
    world.answer(id, 1, OPERATOR).unwrap();
    world.demand(id, STRANGER, START).unwrap();
    world.advance(id).unwrap();
    assert_eq!(world.state(id), State::Failed);
    let slashed = Event::Slashed { account: OPERATOR, job: id, amount: STAKE, reason: Reason::Unavailable };
    assert!(world.host.last_events().contains(&slashed));
    // Half of the stake and its bond; the other demand's bond goes back.
    assert_eq!(world.credit(OTHER), 250_000 + DEMAND);
    assert_eq!(world.credit(STRANGER), DEMAND);
    assert_eq!(world.credit(BURN_ADDRESS), 250_001 + DEMAND);
    // What was checked is paid, the client gets the rest.
    assert_eq!(world.credit(CLIENT), 1_100_003 - 3 * 33_334);
    let standing = world.standing(Role::Operator, OPERATOR);
    assert_eq!((standing.stake, standing.lost), (600_000 - STAKE, 1));
    assert_eq!(world.answer(id, 0, OPERATOR), Err(Error::UnknownDemand(0)));
    let parts = reads::contributions(&world.host, id).unwrap();
    assert_eq!((parts.challengers, parts.bonds, parts.burned), (250_000, 2 * DEMAND, 250_001 + DEMAND));
    world.empty();
}

#[test]
fn no_state_means_no_answer() {
    let (mut world, id, segment) = without_a_state();
    world.demand(id, STRANGER, leaf(segment + 1)).unwrap();
    assert_eq!(world.answer(id, 0, OPERATOR), Err(Error::BadAnswer));
    let until = world.demands(id)[0].deadline;
    world.host.memory.now = until + 1;
    world.advance(id).unwrap();
    assert_eq!(world.state(id), State::Failed);
    assert_eq!(world.credit(STRANGER), 250_000 + DEMAND);
    world.empty();
}

#[test]
fn a_job_is_not_final_while_a_demand_is_open() {
    let (mut world, id) = World::window(5, &[]);
    world.host.memory.now = world.job(id).deadline;
    world.demand(id, STRANGER, START).unwrap();
    let until = world.demands(id)[0].deadline;
    world.tick(1);
    assert_eq!(world.advance(id), Err(Error::DemandOpen { until }));
    // No more of them: demands cannot hold a job up for ever.
    let (deadline, now) = (world.job(id).deadline, world.host.memory.now);
    assert_eq!(world.demand(id, STRANGER, START), Err(Error::DeadlinePassed { deadline, now }));
    world.answer(id, 0, OPERATOR).unwrap();
    world.advance(id).unwrap();
    assert_eq!(world.state(id), State::Final);
    world.empty();
}

#[test]
fn a_job_is_not_void_while_a_demand_is_open() {
    let (mut world, id) = World::opened(10, &[]);
    world.wait(id);
    world.wait(id);
    world.host.memory.now = world.job(id).deadline;
    world.demand(id, STRANGER, START).unwrap();
    let until = world.demands(id)[0].deadline;
    world.tick(1);
    assert_eq!(world.advance(id), Err(Error::DemandOpen { until }));
    assert_eq!(world.slots(id)[0].check, Check::Opened, "nothing is kept of the refused message");
    world.answer(id, 0, OPERATOR).unwrap();
    world.advance(id).unwrap();
    assert_eq!(world.state(id), State::Void);
    world.empty();
}

#[test]
fn a_panel_that_is_not_served_demands() {
    let (mut world, id) = World::window(6, &[Cheat::HideFromPanel, Cheat::FalseTrace(0)]);
    let segment = (0..8).find(|segment| world.slots(id).iter().all(|slot| slot.segment != *segment)).unwrap();
    world.challenge(id, STRANGER, segment).unwrap();
    let member = world.panellists(id)[0];
    world.demand(id, member, leaf(segment)).unwrap();
    for by in world.panellists(id) {
        let outcome = world.outcome(id);
        world.panel_seal(id, by, outcome).unwrap();
    }
    let until = world.demands(id)[0].deadline;
    world.host.memory.now = until + 1;
    world.advance(id).unwrap();
    assert_eq!(world.state(id), State::Failed);
    assert_eq!(world.credit(member), 250_000 + DEMAND);
    // The challenge was not decided, and costs nothing.
    assert_eq!(world.credit(STRANGER), 10_000);
    assert!(world.panellists(id).iter().all(|by| world.standing(Role::Verifier, *by).missed == 0));
    world.empty();
}

#[test]
fn a_ruling_without_a_majority_waits_for_an_open_demand() {
    let (mut world, id) = World::posted(3, |args| args.terms.panel = 2);
    world.draw(id, 3, &[Cheat::HideFromPanel]);
    world.open(id, OPERATOR).unwrap();
    let lazy = world.slots(id)[0].verifier;
    world.seal_nonsense(id, 0);
    for number in 1..3 {
        world.attest(id, number).unwrap();
    }
    world.reveal_traces(id, OPERATOR).unwrap();
    world.wait(id);
    let members = world.panellists(id);
    for by in &members {
        let outcome = world.outcome(id);
        world.panel_seal(id, *by, outcome).unwrap();
    }
    world.demand(id, STRANGER, START).unwrap();
    for by in &members {
        let outcome = world.outcome(id);
        world.panel_reveal(id, *by, outcome).unwrap();
    }
    // All have revealed; the first panel is replaced, and nobody has to wait for that.
    assert_eq!(world.state(id), State::Ruling);
    world.advance(id).unwrap();
    assert_eq!((world.state(id), world.view(id).dispute.unwrap().round), (State::Disputed, 1));
    for by in world.panellists(id) {
        let outcome = world.outcome(id);
        world.panel_seal(id, by, outcome).unwrap();
    }
    for by in world.panellists(id) {
        let outcome = world.outcome(id);
        world.panel_reveal(id, by, outcome).unwrap();
    }
    let until = world.demands(id)[0].deadline;
    assert_eq!((world.state(id), world.advance(id)), (State::Ruling, Err(Error::DemandOpen { until })));
    world.answer(id, 0, OPERATOR).unwrap();
    world.advance(id).unwrap();
    assert_eq!(world.state(id), State::Void);
    assert!(members.iter().chain([&lazy]).all(|by| world.standing(Role::Verifier, *by).missed == 0));
    world.empty();
}

#[test]
fn demands_that_are_refused() {
    let (mut world, id) = World::drawn(5, &[]);
    assert_eq!(world.demand(id, STRANGER, START), Err(Error::WrongState(State::Drawn)));
    world.open(id, OPERATOR).unwrap();
    assert_eq!(world.demand(id, OPERATOR, START), Err(Error::ConflictOfInterest));
    for sent in [0, DEMAND - 1, DEMAND + 1] {
        let demanded = world.send(STRANGER, sent, |host| demand::demand(host, id, START));
        assert_eq!(demanded, Err(Error::WrongValue { expected: DEMAND, sent }));
    }
    let opened: Vec<u32> = world.slots(id).iter().flat_map(|slot| [slot.segment, slot.segment + 1]).collect();
    for boundary in (1..8).chain([9, u32::MAX]) {
        let demanded = world.demand(id, STRANGER, leaf(boundary));
        match opened.contains(&boundary) {
            true => demanded.map(|number| world.answer(id, number, OPERATOR).unwrap()).unwrap(),
            false => assert_eq!(demanded, Err(Error::NotOpened { boundary })),
        }
    }
    // Leaves of the commitment may be demanded whether they are open or not.
    for number in 0..MAX_DEMANDS {
        assert_eq!(world.demand(id, STRANGER, Wanted::Boundary { index: number.into() }), Ok(number));
    }
    assert_eq!(world.demand(id, STRANGER, START), Err(Error::TooManyDemands));
    // A drawn verifier can report all the same.
    let reporter = world.slots(id)[2].verifier;
    world.send(reporter, 0, |host| check::report_unavailable(host, id, 2, 0, 0)).unwrap();
    world.answer(id, 7, OPERATOR).unwrap();
    assert_eq!(world.demand(id, STRANGER, START), Ok(7));
}

#[test]
fn answers_that_are_refused() {
    let (mut world, id) = World::window(5, &[]);
    let slot = world.slots(id)[0].clone();
    let work = world.works[&id].clone();
    world.demand(id, STRANGER, leaf(slot.segment)).unwrap();
    world.demand(id, STRANGER, Wanted::Boundary { index: 2 }).unwrap();
    let send =
        |world: &mut World, number, answer| world.send(OTHER, 0, |host| demand::answer(host, id, number, answer));
    assert_eq!(send(&mut world, 2, work.answer(&START).unwrap()), Err(Error::UnknownDemand(2)));
    let state_of = |boundary| work.answer(&leaf(boundary)).unwrap();
    let leaf_of = |index| work.answer(&Wanted::Boundary { index }).unwrap();
    assert_eq!(send(&mut world, 0, state_of(slot.segment + 1)), Err(Error::BadAnswer));
    assert_eq!(send(&mut world, 0, leaf_of(slot.segment)), Err(Error::BadAnswer));
    assert_eq!(send(&mut world, 1, leaf_of(3)), Err(Error::BadAnswer));
    assert_eq!(send(&mut world, 1, state_of(2)), Err(Error::BadAnswer));
    let Answer::Leaf(mut changed) = state_of(slot.segment) else { panic!("a leaf") };
    changed.chunk[31] ^= 1;
    assert_eq!(send(&mut world, 0, Answer::Leaf(changed)), Err(Error::BadAnswer));
    let Answer::Boundary(mut changed) = leaf_of(2) else { panic!("a boundary") };
    changed.seal = Hash::default();
    assert_eq!(send(&mut world, 1, Answer::Boundary(changed)), Err(Error::BadAnswer));
    send(&mut world, 0, state_of(slot.segment)).unwrap();
    send(&mut world, 1, leaf_of(2)).unwrap();
    assert_eq!(send(&mut world, 1, leaf_of(2)), Err(Error::UnknownDemand(1)));
}
