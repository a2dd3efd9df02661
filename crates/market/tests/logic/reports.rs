//! Reports: drawn verifiers that are not served, one of them or one after another.

use crate::common::work::Cheat;
use crate::common::{CLIENT, OPERATOR, STRANGER, World};
use assay_market::reads;
use assay_protocol::Address;
use assay_protocol::market::{BURN_ADDRESS, Check, Error, Event, MAX_DEMANDS, Reason, Role, State, Wanted};

const STAKE: u128 = 500_001;
const ESCROW: u128 = 1_100_003;
const IDLE: u128 = 1_000;

/// An opened job of this panel and so many slots, whose operator serves no
/// drawn verifier.
fn hidden(verifiers: u8, panel: u8, samples: u8) -> (World, u64) {
    let (mut world, id) = World::posted(verifiers, |args| {
        args.terms.panel = panel;
        args.terms.samples = samples;
    });
    world.draw(id, verifiers, &[Cheat::HideFromVerifiers]);
    world.open(id, OPERATOR).unwrap();
    (world, id)
}

/// The verifier of a slot reports, and the operator answers. Returns who it was.
fn report(world: &mut World, id: u64, slot: u8) -> Address {
    let reporter = world.slots(id)[usize::from(slot)].verifier;
    world.attest(id, slot).unwrap();
    world.answer(id, MAX_DEMANDS + slot, OPERATOR).unwrap();
    reporter
}

fn convicted(world: &World) -> bool {
    let slashed = |event: &Event| matches!(event, Event::Slashed { account: OPERATOR, .. });
    world.host.events.iter().any(slashed)
}

#[test]
fn a_report_that_is_answered_costs_the_idle_penalty_and_the_turn() {
    let (mut world, id) = World::opened(6, &[Cheat::HideFromVerifiers]);
    let reporter = world.slots(id)[0].verifier;
    world.attest(id, 0).unwrap();
    assert_eq!(world.slots(id)[0].check, Check::Unserved);
    let demanded = world.demands(id)[0].clone();
    assert_eq!((demanded.number, demanded.by, demanded.bond), (MAX_DEMANDS, reporter, 0));
    assert_eq!(world.attest(id, 0), Err(Error::WrongCheck(Check::Unserved)));
    world.answer(id, MAX_DEMANDS, OPERATOR).unwrap();
    assert_eq!(world.slots(id)[0].check, Check::Idle);
    let slashed = Event::Slashed { account: reporter, job: id, amount: 1_000, reason: Reason::Idle };
    assert!(world.host.last_events().contains(&slashed));
    assert_eq!(world.credit(BURN_ADDRESS), 1_000);
    let enlistment = reads::enlistment(&world.host, id, reporter).unwrap();
    assert_eq!((enlistment.locked, enlistment.bond, enlistment.idle), (10_000, 9_000, true));

    // The others are served after all.
    world.works.get_mut(&id).unwrap().serve();
    for number in 1..3 {
        if world.slots(id)[usize::from(number)].verifier != reporter {
            assert!(matches!(world.advance(id), Err(Error::TooEarly { .. })));
            world.attest(id, number).unwrap();
        }
    }
    // Nobody's turn is left, so nobody has to wait.
    if world.slots(id).iter().any(|slot| slot.check == Check::Opened) {
        world.miss_deadline(id);
    }
    world.advance(id).unwrap();
    let slot = world.slots(id)[0].clone();
    assert_eq!((world.state(id), world.job(id).rounds, slot.check), (State::Opened, 2, Check::Opened));
    assert_ne!(slot.verifier, reporter);
    for number in 0..3 {
        if world.slots(id)[usize::from(number)].check == Check::Opened {
            world.attest(id, number).unwrap();
        }
    }
    world.reveal_traces(id, OPERATOR).unwrap();
    world.wait(id);
    assert_eq!(world.state(id), State::Final);
    world.empty();
}

#[test]
fn a_report_that_nobody_answers_convicts() {
    let (mut world, id) = World::opened(6, &[Cheat::HideFromVerifiers]);
    // At the last second: the demand outlasts the state.
    world.host.memory.now = world.job(id).deadline;
    let reporter = world.slots(id)[0].verifier;
    for number in 0..3 {
        world.attest(id, number).unwrap();
    }
    assert_eq!(world.state(id), State::Opened, "nobody has sealed anything");
    let until = world.demands(id)[0].deadline;
    world.tick(1);
    assert_eq!(world.advance(id), Err(Error::DemandOpen { until }));
    world.host.memory.now = until + 1;
    world.advance(id).unwrap();
    assert_eq!(world.state(id), State::Failed);
    assert_eq!(world.credit(reporter), 250_000);
    assert_eq!(world.credit(CLIENT), 1_100_003);
    assert_eq!(world.standing(Role::Verifier, reporter).missed, 0);
    world.empty();
}

#[test]
fn enough_answered_reports_of_one_slot_convict() {
    // More than half of the panel: two of 2 or 3, three of 5, five of 9.
    for (panel, least) in [(2, 2), (3, 2), (5, 3), (9, 5)] {
        let (mut world, id) = hidden(12, panel, 1);
        let mut reporters = Vec::new();
        for number in 1..=least {
            assert!(!convicted(&world));
            reporters.push(report(&mut world, id, 0));
            if number < least {
                assert_eq!(world.state(id), State::Opened);
                // Nobody's turn is left, so the slot goes to another at once.
                world.advance(id).unwrap();
            }
        }
        assert_eq!((world.state(id), world.job(id).rounds), (State::Failed, least));
        let events = world.host.last_events();
        assert!(events.contains(&Event::Slashed {
            account: OPERATOR,
            job: id,
            amount: STAKE,
            reason: Reason::Unavailable
        }));
        // All of the stake is burned, and the reporters' penalties: nobody earns by it.
        for reporter in &reporters {
            assert_eq!(world.credit(*reporter), 0);
            let enlistment = reads::enlistment(&world.host, id, *reporter).unwrap();
            assert_eq!((enlistment.bond, enlistment.idle), (10_000 - IDLE, true));
            assert_eq!(world.standing(Role::Verifier, *reporter).missed, 1);
        }
        let burned = STAKE + IDLE * u128::from(least);
        assert_eq!((world.credit(BURN_ADDRESS), world.credit(CLIENT)), (burned, ESCROW));
        let standing = world.standing(Role::Operator, OPERATOR);
        assert_eq!((standing.stake, standing.locked, standing.lost), (600_000 - STAKE, 0, 1));
        reporters.sort_unstable();
        reporters.dedup();
        assert_eq!(reporters.len(), usize::from(least), "a verifier reports a slot once");
        world.empty();
    }
}

#[test]
fn one_report_fewer_does_not_convict() {
    for (panel, least) in [(3, 2), (5, 3), (9, 5)] {
        let (mut world, id) = hidden(12, panel, 1);
        let reporters: Vec<Address> = (1..least)
            .map(|_| {
                let reporter = report(&mut world, id, 0);
                world.advance(id).unwrap();
                reporter
            })
            .collect();
        world.works.get_mut(&id).unwrap().serve();
        let served = world.slots(id)[0].verifier;
        world.attest(id, 0).unwrap();
        world.reveal_traces(id, OPERATOR).unwrap();
        world.wait(id);
        assert_eq!((world.state(id), convicted(&world)), (State::Final, false));
        assert_eq!(world.credit(served), 100_003);
        assert!(reporters.iter().all(|by| world.credit(*by) == 0));
        assert_eq!(world.credit(BURN_ADDRESS), IDLE * reporters.len() as u128);
        world.empty();
    }
}

#[test]
fn reports_of_different_slots_do_not_add_up() {
    let (mut world, id) = hidden(12, 3, 3);
    for slot in 0..3 {
        report(&mut world, id, slot);
        assert_eq!((world.state(id), convicted(&world)), (State::Opened, false));
    }
    world.advance(id).unwrap();
    // Slot 2 is still waited for when slot 1 has its second report; what others
    // have demanded meanwhile is given back.
    let waiting = world.slots(id)[2].verifier;
    world.attest(id, 2).unwrap();
    world.demand(id, STRANGER, Wanted::Boundary { index: 2 }).unwrap();
    let before = world.credit(BURN_ADDRESS);
    let bond = world.standing(Role::Verifier, waiting).stake;
    let second = report(&mut world, id, 1);
    assert_eq!(world.state(id), State::Failed);
    assert!(world.demands(id).is_empty());
    assert_eq!(world.credit(STRANGER), 1_000);
    assert_eq!(world.credit(CLIENT), ESCROW);
    assert_eq!(world.credit(second), 0);
    if waiting != second {
        assert_eq!((world.credit(waiting), world.standing(Role::Verifier, waiting).stake), (0, bond));
    }
    assert_eq!(world.credit(BURN_ADDRESS) - before, STAKE + IDLE);
    assert_eq!(world.answer(id, MAX_DEMANDS + 2, OPERATOR), Err(Error::UnknownDemand(MAX_DEMANDS + 2)));
    world.empty();
}

#[test]
fn a_turn_that_is_missed_between_reports_does_not_count() {
    let (mut world, id) = hidden(8, 3, 1);
    let first = report(&mut world, id, 0);
    world.advance(id).unwrap();
    let idle = world.slots(id)[0].verifier;
    world.wait(id);
    assert_eq!((world.state(id), world.job(id).rounds), (State::Opened, 3));
    let last = report(&mut world, id, 0);
    assert_eq!(world.state(id), State::Failed);
    assert_eq!([first, idle, last].map(|by| world.credit(by)), [0, 0, 0]);
    assert_eq!(world.credit(BURN_ADDRESS), STAKE + 3 * IDLE);
    world.empty();
}

#[test]
fn a_job_has_three_draws_and_as_many_as_reports_convict() {
    for (panel, draws) in [(2, 3), (5, 3), (7, 4), (9, 5)] {
        let (mut world, id) = hidden(12, panel, 1);
        for round in 1..=draws {
            assert_eq!((world.state(id), world.job(id).rounds), (State::Opened, round));
            world.wait(id);
        }
        assert_eq!((world.state(id), world.job(id).rounds), (State::Void, draws));
        assert_eq!(world.slots(id)[0].check, Check::Idle, "the record says who stayed away last");
        assert_eq!((world.credit(CLIENT), world.credit(BURN_ADDRESS)), (ESCROW, IDLE * u128::from(draws)));
        assert_eq!(world.standing(Role::Operator, OPERATOR).stake, 600_000);
        world.empty();
    }
}
