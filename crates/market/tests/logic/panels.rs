//! Panels without a majority, and what a panel may not count.

use crate::common::work::Cheat;
use crate::common::{CLIENT, OPERATOR, STRANGER, World};
use assay_protocol::commitment::Outcome;
use assay_protocol::hash::Hash;
use assay_protocol::market::{Check, Error, Role, State};

const SLOT_FEE: u128 = 33_334;

fn made_up(byte: u8) -> Outcome {
    Outcome::Replayed { state: Hash([byte; 32]), trace: Hash([byte; 32]), salted: Hash([byte; 32]) }
}

/// An honest job of nine verifiers with slot 0 in doubt, before a panel.
fn disputed(cheats: &[Cheat]) -> (World, u64) {
    disputed_before(3, cheats)
}

/// [`disputed`], before a panel of so many seats.
fn disputed_before(panel: u8, cheats: &[Cheat]) -> (World, u64) {
    let (mut world, id) = World::posted(9, |args| args.terms.panel = panel);
    world.draw(id, 9, cheats);
    world.open(id, OPERATOR).unwrap();
    world.seal_nonsense(id, 0);
    for number in 1..3 {
        world.attest(id, number).unwrap();
    }
    world.reveal_traces(id, OPERATOR).unwrap();
    world.wait(id);
    assert_eq!((world.state(id), world.job(id).disputed), (State::Disputed, Some(0)));
    (world, id)
}

/// The panel seals and reveals these.
fn say(world: &mut World, id: u64, outcomes: &[Outcome]) {
    let members = world.panellists(id);
    for (by, outcome) in members.iter().zip(outcomes) {
        world.panel_seal(id, *by, *outcome).unwrap();
    }
    for (by, outcome) in members.iter().zip(outcomes) {
        world.panel_reveal(id, *by, *outcome).unwrap();
    }
}

#[test]
fn a_second_panel_decides_where_the_first_did_not() {
    let (mut world, id) = disputed(&[]);
    let outcomes = [world.outcome(id), made_up(1), made_up(2)];
    say(&mut world, id, &outcomes);
    let dispute = world.view(id).dispute.unwrap();
    assert_eq!((world.state(id), dispute.round, dispute.sealed), (State::Disputed, 1, 0));
    assert!(world.idle().is_empty(), "nobody was overruled");
    let outcome = world.outcome(id);
    // What was found for the first panel proves nothing to the second.
    assert_ne!(outcome, outcomes[0]);
    world.rule(id, outcome);
    assert_eq!((world.state(id), world.slots(id)[0].check), (State::Window, Check::Upheld));
    world.wait(id);
    assert_eq!(world.state(id), State::Final);
    world.empty();
}

#[test]
fn two_panels_without_a_majority_make_the_job_void() {
    let (mut world, id) = disputed(&[]);
    for _ in 0..2 {
        let outcomes = [world.outcome(id), made_up(1), made_up(2)];
        say(&mut world, id, &outcomes);
    }
    assert_eq!(world.state(id), State::Void);
    assert_eq!(world.standing(Role::Operator, OPERATOR).stake, 600_000);
    let passed = world.slots(id).iter().filter(|slot| slot.check == Check::Passed).count() as u128;
    assert_eq!(world.credit(CLIENT), 1_100_003 - passed * SLOT_FEE);
    assert!(world.idle().is_empty());
    world.empty();
}

#[test]
fn panellists_that_sealed_do_not_pay_for_those_that_stayed_away() {
    let (mut world, id) = disputed(&[]);
    let first = world.panellists(id);
    let outcome = world.outcome(id);
    world.panel_seal(id, first[1], outcome).unwrap();
    world.wait(id);
    assert_eq!(world.idle(), [first[0], first[2]]);
    let second = world.panellists(id);
    assert!(!second.contains(&first[0]) && !second.contains(&first[2]));
    assert_eq!(world.panel_reveal(id, first[1], outcome), Err(Error::WrongState(State::Disputed)));
    world.wait(id);
    assert_eq!(world.state(id), State::Void);
    assert_eq!(world.idle().len(), 2 + second.len());
    world.empty();
}

#[test]
fn a_panel_rules_once_more_than_half_of_it_has_sealed() {
    for (panel, sealed) in [(2, 1), (3, 1), (4, 2), (5, 2), (6, 3), (7, 3)] {
        for (sealed, rules) in [(sealed, false), (sealed + 1, true)] {
            let (mut world, id) = disputed_before(panel, &[]);
            let (members, outcome) = (world.panellists(id), world.outcome(id));
            assert_eq!(members.len(), usize::from(panel));
            for by in &members[..sealed] {
                world.panel_seal(id, *by, outcome).unwrap();
            }
            // With all seals there is nothing to wait for.
            if sealed < members.len() {
                world.wait(id);
            }
            assert_eq!(world.state(id) == State::Ruling, rules, "{sealed} of {panel}");
        }
    }
}

#[test]
fn findings_that_differ_do_not_add_up_against_the_operator() {
    let (mut world, id) = disputed(&[]);
    for _ in 0..2 {
        say(&mut world, id, &[made_up(1), made_up(2), made_up(3)]);
    }
    assert_eq!((world.state(id), world.standing(Role::Operator, OPERATOR).lost), (State::Void, 0));
    world.empty();
}

#[test]
fn ends_that_are_called_false_must_differ_from_the_open_ones() {
    let (mut world, id) = disputed(&[]);
    let ends = world.view(id).ends.unwrap();
    let same = Outcome::FalseEnds { initial_state: ends.initial_state, artefact: ends.artefact };
    for _ in 0..2 {
        say(&mut world, id, &[same; 3]);
    }
    assert_eq!((world.state(id), world.standing(Role::Operator, OPERATOR).lost), (State::Void, 0));
    world.empty();
}

#[test]
fn who_was_not_served_says_nothing_and_pays_nothing() {
    let (mut world, id) = disputed(&[]);
    let outcome = world.outcome(id);
    let members = world.panellists(id);
    say(&mut world, id, &[outcome, Outcome::Unavailable, outcome]);
    assert_eq!(world.slots(id)[0].check, Check::Upheld);
    let lazy = world.slots(id)[0].verifier;
    assert_eq!(world.idle(), [lazy]);
    assert_eq!(world.standing(Role::Verifier, members[1]).missed, 0);
    world.wait(id);
    world.empty();

    // Two of three is no majority with anything that the third could say.
    let (mut world, id) = disputed(&[Cheat::FalseTrace(0), Cheat::FalseTrace(1)]);
    let outcome = world.outcome(id);
    say(&mut world, id, &[outcome, Outcome::Unavailable, Outcome::Unavailable]);
    assert_eq!((world.state(id), world.view(id).dispute.unwrap().round), (State::Disputed, 1));
    assert!(world.idle().is_empty());
    world.wait(id);
    world.empty();
}

#[test]
fn a_slot_that_finds_no_panel_makes_the_job_void() {
    // Three verifiers, one slot each way: with the slot's own and an idle one gone, one is left.
    for insist in [true, false] {
        let (mut world, id) = World::posted(3, |args| {
            args.terms.panel = 2;
            args.terms.samples = 1;
        });
        world.draw(id, 3, &[]);
        world.open(id, OPERATOR).unwrap();
        world.wait(id);
        world.seal_nonsense(id, 0);
        world.reveal_traces(id, OPERATOR).unwrap();
        if insist {
            let by = world.slots(id)[0].verifier;
            world.demand(id, STRANGER, assay_protocol::market::Wanted::Boundary { index: 0 }).unwrap();
            let until = world.demands(id)[0].deadline;
            let insisted = world.send(by, 0, |host| assay_market::check::insist(host, id, 0, crate::common::NONSENSE));
            assert_eq!(insisted, Err(Error::DemandOpen { until }));
            world.answer(id, 0, OPERATOR).unwrap();
            world.send(by, 0, |host| assay_market::check::insist(host, id, 0, crate::common::NONSENSE)).unwrap();
        } else {
            world.wait(id);
        }
        assert_eq!(world.state(id), State::Void);
        assert_eq!(world.standing(Role::Operator, OPERATOR).stake, 600_000);
        world.empty();
    }
}
