//! Challenges: segments that nobody drew, before a panel, at the price of a bond.

use crate::common::work::Cheat;
use crate::common::{CLIENT, OPERATOR, STRANGER, World, verifier};
use assay_market::challenge::challenge;
use assay_market::reads;
use assay_protocol::Address;
use assay_protocol::commitment::Outcome;
use assay_protocol::hash::Hash;
use assay_protocol::market::{BURN_ADDRESS, Check, Error, Event, MAX_CHALLENGES, Reason, Role, State};

const STAKE: u128 = 500_001;
const BOND: u128 = 10_000;
const SLOT_FEE: u128 = 33_334;
const OTHER: Address = Address([0x98; 20]);

/// A job in its window with one false segment, which nobody drew.
fn unseen(count: u8) -> (World, u64, u32) {
    for segment in 0..8 {
        let (world, id) = World::window(count, &[Cheat::FalseTrace(segment)]);
        if world.slots(id).iter().all(|slot| slot.check == Check::Passed) {
            return (world, id, segment);
        }
    }
    panic!("every false segment was drawn");
}

fn undrawn(world: &World, id: u64) -> Vec<u32> {
    (0..8).filter(|segment| world.slots(id).iter().all(|slot| slot.segment != *segment)).collect()
}

/// A panel of two finds nothing, in one of two ways.
fn stay_undecided(world: &mut World, id: u64, with_seals: bool) {
    let members = world.panellists(id);
    if !with_seals {
        world.wait(id);
        return;
    }
    for (number, by) in (0u8..).zip(&members) {
        let outcome =
            Outcome::Replayed { state: Hash([number; 32]), trace: Hash([number; 32]), salted: Hash::default() };
        world.panel_seal(id, *by, outcome).unwrap();
    }
    for (number, by) in (0u8..).zip(&members) {
        let outcome =
            Outcome::Replayed { state: Hash([number; 32]), trace: Hash([number; 32]), salted: Hash::default() };
        world.panel_reveal(id, *by, outcome).unwrap();
    }
}

#[test]
fn a_challenger_convicts_where_no_draw_did() {
    let (mut world, id, segment) = unseen(6);
    assert_eq!(world.challenge(id, STRANGER, segment), Ok(3));
    let slot = world.slots(id)[3].clone();
    assert_eq!((slot.segment, slot.verifier, slot.check), (segment, STRANGER, Check::Challenged));
    assert_eq!((world.state(id), world.job(id).held), (State::Disputed, 1_100_003 + BOND));
    let members = world.panellists(id);
    let outcome = world.outcome(id);
    world.rule(id, outcome);
    assert_eq!((world.state(id), world.slots(id)[3].check), (State::Failed, Check::Refuted));
    // A quarter of the stake and the bond back; a quarter to the panel.
    assert_eq!(world.credit(STRANGER), 125_000 + BOND);
    for by in &members {
        let checked = world.slots(id).iter().filter(|slot| slot.verifier == *by).count() as u128;
        assert_eq!(world.credit(*by), 41_666 + checked * SLOT_FEE);
    }
    assert_eq!(world.credit(BURN_ADDRESS), STAKE - 125_000 - 3 * 41_666);
    assert_eq!(world.credit(CLIENT), 1_100_003 - 3 * SLOT_FEE);
    let parts = reads::contributions(&world.host, id).unwrap();
    assert_eq!((parts.challengers, parts.bonds), (125_000, BOND));
    assert_eq!(
        parts.verification.iter().map(|part| (part.segments, part.seats)).fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1)),
        (3, 3)
    );
    world.empty();
}

#[test]
fn a_false_challenge_pays_the_operator_and_the_panel() {
    let (mut world, id) = World::window(6, &[]);
    let segment = undrawn(&world, id)[0];
    world.tick(30);
    world.challenge(id, CLIENT, segment).unwrap();
    let members = world.panellists(id);
    let outcome = world.outcome(id);
    world.rule(id, outcome);
    assert_eq!((world.state(id), world.slots(id)[3].check), (State::Window, Check::Upheld));
    // A quarter to the operator, a quarter to the panel in thirds, the rest burned.
    assert_eq!(world.credit(OPERATOR), 2_500);
    for by in &members {
        assert_eq!(world.credit(*by), 833);
    }
    assert_eq!(world.credit(BURN_ADDRESS), BOND - 2_500 - 3 * 833);
    // The window goes on for the 60 seconds that were left of it.
    assert_eq!(world.job(id).deadline, world.host.memory.now + 60);
    assert_eq!(world.challenge(id, STRANGER, segment), Err(Error::NotChallengeable(segment)));
    world.wait(id);
    assert_eq!(world.state(id), State::Final);
    assert_eq!(world.credit(OPERATOR), 2_500 + 1_000_000);
    let parts = reads::contributions(&world.host, id).unwrap();
    assert_eq!(parts.compute.unwrap().paid, 1_002_500);
    assert_eq!(world.host.models[0].segments_checked, 3);
    world.empty();
}

#[test]
fn two_panels_that_cannot_decide_cost_the_challenger_the_idle_penalty() {
    for with_seals in [false, true] {
        let (mut world, id) = World::posted(9, |args| args.terms.panel = 2);
        world.draw(id, 9, &[]);
        world.open(id, OPERATOR).unwrap();
        for number in 0..3 {
            world.attest(id, number).unwrap();
        }
        world.reveal_traces(id, OPERATOR).unwrap();
        let segment = undrawn(&world, id)[0];
        world.challenge(id, STRANGER, segment).unwrap();
        let (first, salt) = (world.panellists(id), world.view(id).dispute.unwrap().salt);
        stay_undecided(&mut world, id, with_seals);
        let dispute = world.view(id).dispute.unwrap();
        assert_eq!((world.state(id), dispute.round, dispute.revealed), (State::Disputed, 1, 0));
        assert_ne!(dispute.salt, salt);
        if !with_seals {
            assert!(world.panellists(id).iter().all(|by| !first.contains(by)), "the idle are not drawn again");
        }
        stay_undecided(&mut world, id, with_seals);
        assert_eq!((world.state(id), world.slots(id)[3].check), (State::Window, Check::Undecided));
        assert_eq!(world.credit(STRANGER), BOND - 1_000);
        assert_eq!(world.credit(BURN_ADDRESS), if with_seals { 1_000 } else { 5_000 });
        assert_eq!(world.standing(Role::Operator, OPERATOR).lost, 0);
        // Somebody else may try again.
        assert_eq!(world.challenge(id, OTHER, segment), Ok(4));
        let outcome = world.outcome(id);
        world.rule(id, outcome);
        world.wait(id);
        assert_eq!(world.state(id), State::Final);
        world.empty();
    }
}

#[test]
fn a_dispute_leaves_at_least_a_quarter_of_the_window() {
    let (mut world, id) = World::window(6, &[]);
    world.host.memory.now = world.job(id).deadline;
    let segment = undrawn(&world, id)[0];
    world.challenge(id, STRANGER, segment).unwrap();
    let outcome = world.outcome(id);
    world.rule(id, outcome);
    // 90 / 4, rounded up.
    assert_eq!(world.job(id).deadline, world.host.memory.now + 23);
}

#[test]
fn the_panel_depends_on_the_slots_number_alone() {
    let panel = |by: Address, segment: usize, seconds: u64| {
        let (mut world, id) = World::window(8, &[]);
        world.tick(seconds);
        let segment = undrawn(&world, id)[segment];
        world.challenge(id, by, segment).unwrap();
        world.panellists(id)
    };
    assert_eq!(panel(STRANGER, 0, 0), panel(CLIENT, 1, 17));
}

#[test]
fn a_drawn_segment_that_passed_can_be_challenged() {
    // Its verifier sealed what the operator told it.
    let (mut world, id) = World::opened(6, &(0..8).map(Cheat::FalseTrace).collect::<Vec<_>>());
    world.seal_what_the_operator_did(id, 0);
    for number in 1..3 {
        world.seal_what_the_operator_did(id, number);
    }
    world.reveal_traces(id, OPERATOR).unwrap();
    let slots = world.slots(id);
    assert!(slots.iter().all(|slot| slot.check == Check::Passed));
    world.challenge(id, STRANGER, slots[0].segment).unwrap();
    let members = world.panellists(id);
    let outcome = world.outcome(id);
    world.rule(id, outcome);
    assert_eq!((world.state(id), world.slots(id)[0].check), (State::Failed, Check::Refuted));
    // The fee for the slot that was refuted goes back to the client.
    let bribed = slots[0].verifier;
    let others = slots[1..].iter().filter(|slot| slot.verifier == bribed).count() as u128;
    let seat = if members.contains(&bribed) { 41_666 } else { 0 };
    assert_eq!(world.credit(bribed), others * SLOT_FEE + seat);
    assert_eq!(world.credit(CLIENT), 1_100_003 - 2 * SLOT_FEE);
    world.empty();
}

#[test]
fn challenges_that_are_refused() {
    let (mut world, id) = World::attested(6, &[]);
    assert_eq!(world.challenge(id, STRANGER, 0), Err(Error::WrongState(State::Attested)));
    world.reveal_traces(id, OPERATOR).unwrap();
    let segment = undrawn(&world, id)[0];
    for sent in [0, BOND - 1, BOND + 1] {
        let args = world.works[&id].challenge(segment);
        let challenged = world.send(STRANGER, sent, |host| challenge(host, id, args));
        assert_eq!(challenged, Err(Error::WrongValue { expected: BOND, sent }));
    }
    assert_eq!(world.challenge(id, OPERATOR, segment), Err(Error::ConflictOfInterest));
    assert_eq!(world.challenge(id, verifier(5), segment), Err(Error::ConflictOfInterest));
    let mut args = world.works[&id].challenge(segment);
    args.segment = 8;
    assert_eq!(world.send(STRANGER, BOND, |host| challenge(host, id, args)), Err(Error::UnknownSegment(8)));
    let mut args = world.works[&id].challenge(segment);
    args.after.seal = Hash::default();
    let refused = Err(Error::BadProof { boundary: segment + 1 });
    assert_eq!(world.send(STRANGER, BOND, |host| challenge(host, id, args)), refused);
    let mut args = world.works[&id].challenge(segment);
    args.before.state = Hash::default();
    let refused = Err(Error::BadProof { boundary: segment });
    assert_eq!(world.send(STRANGER, BOND, |host| challenge(host, id, args)), refused);
    world.challenge(id, STRANGER, segment).unwrap();
    assert_eq!(world.challenge(id, OTHER, segment), Err(Error::DisputeOpen));
    let outcome = world.outcome(id);
    world.rule(id, outcome);
    world.miss_deadline(id);
    let (deadline, now) = (world.job(id).deadline, world.host.memory.now);
    assert_eq!(world.challenge(id, OTHER, 0), Err(Error::DeadlinePassed { deadline, now }));
}

#[test]
fn a_segment_whose_slot_is_in_doubt_waits_for_its_own_panel() {
    let (mut world, id) = World::opened(6, &[]);
    world.seal_nonsense(id, 0);
    for number in 1..3 {
        world.attest(id, number).unwrap();
    }
    world.reveal_traces(id, OPERATOR).unwrap();
    let segment = world.slots(id)[0].segment;
    assert_eq!(world.challenge(id, STRANGER, segment), Err(Error::NotChallengeable(segment)));
    world.wait(id);
    let outcome = world.outcome(id);
    world.rule(id, outcome);
    assert_eq!(world.slots(id)[0].check, Check::Upheld);
    assert_eq!(world.challenge(id, STRANGER, segment), Err(Error::NotChallengeable(segment)));
}

#[test]
fn challenges_are_limited() {
    let (mut world, id) = World::posted(6, |args| args.terms.segments = 64);
    world.draw(id, 6, &[]);
    world.open(id, OPERATOR).unwrap();
    for number in 0..3 {
        world.attest(id, number).unwrap();
    }
    world.reveal_traces(id, OPERATOR).unwrap();
    let segments: Vec<u32> =
        (0..64).filter(|segment| world.slots(id).iter().all(|slot| slot.segment != *segment)).collect();
    for segment in &segments[..usize::from(MAX_CHALLENGES)] {
        world.challenge(id, STRANGER, *segment).unwrap();
        let outcome = world.outcome(id);
        world.rule(id, outcome);
    }
    let next = segments[usize::from(MAX_CHALLENGES)];
    assert_eq!(world.challenge(id, STRANGER, next), Err(Error::TooManyChallenges));
    world.wait(id);
    assert_eq!(world.state(id), State::Final);
    world.empty();
}

#[test]
fn without_two_for_a_panel_there_is_no_challenge() {
    let (mut world, id) = World::posted(3, |args| {
        args.terms.panel = 2;
        args.terms.samples = 1;
    });
    world.draw(id, 3, &[]);
    world.open(id, OPERATOR).unwrap();
    // Two of three verifiers miss their turn.
    world.wait(id);
    world.wait(id);
    world.attest(id, 0).unwrap();
    world.reveal_traces(id, OPERATOR).unwrap();
    let segment = undrawn(&world, id)[0];
    assert_eq!(world.challenge(id, STRANGER, segment), Err(Error::NoPanel));
    assert_eq!((world.state(id), world.job(id).held), (State::Window, 1_100_003));
    world.wait(id);
    assert_eq!(world.state(id), State::Final);
    world.empty();
}

#[test]
fn events_tell_of_a_challenge() {
    let (mut world, id) = World::window(6, &[]);
    let segment = undrawn(&world, id)[0];
    world.challenge(id, STRANGER, segment).unwrap();
    let moved = Event::SlotMoved { job: id, slot: 3, verifier: STRANGER, check: Check::Challenged };
    assert!(world.host.last_events().contains(&moved));
    let outcome = world.outcome(id);
    world.rule(id, outcome);
    let seats = reads::payments(&world.host, id, 0, 50).items;
    assert_eq!(seats.iter().filter(|paid| paid.reason == Reason::Seat).count(), 3);
}
