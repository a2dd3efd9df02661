//! Disputes: who is convicted, and who gets what, to the unit.

use crate::common::work::Cheat;
use crate::common::{CLIENT, NONSENSE, OPERATOR, World, job_id};
use assay_market::{check, panel};
use assay_protocol::Address;
use assay_protocol::commitment::{Outcome, seal};
use assay_protocol::hash::{Hash, Native};
use assay_protocol::market::{BURN_ADDRESS, Check, Error, Reason, Role, State};

const SLOT_FEE: u128 = 33_334;
const STAKE: u128 = 500_001;
const BOND: u128 = 10_000;

fn everywhere(cheat: fn(u32) -> Cheat) -> Vec<Cheat> {
    (0..8).map(cheat).collect()
}

/// An honest job whose slot 0 has a seal over [`NONSENSE`]; the others passed.
fn lazy_on_honest() -> (World, u64, Address) {
    let (mut world, id) = World::opened(6, &[]);
    world.seal_nonsense(id, 0);
    for number in 1..3 {
        world.attest(id, number).unwrap();
    }
    world.reveal_traces(id, OPERATOR).unwrap();
    let slot = &world.slots(id)[0];
    assert_eq!((world.state(id), slot.check), (State::Window, Check::Mismatched));
    let lazy = slot.verifier;
    (world, id, lazy)
}

#[test]
fn a_cheat_is_convicted_and_its_stake_split_to_the_unit() {
    let (mut world, id) = World::window(6, &everywhere(Cheat::Skip));
    assert!(world.slots(id).iter().all(|slot| slot.check == Check::Mismatched));
    let winner = world.slots(id)[1].verifier;
    world.insist(id, 1).unwrap();
    assert_eq!((world.state(id), world.job(id).disputed), (State::Disputed, Some(1)));
    let panellists = world.panellists(id);
    assert_eq!(panellists.len(), 3);
    assert!(!panellists.contains(&winner));
    let outcome = world.outcome(id);
    world.rule(id, outcome);

    assert_eq!(world.state(id), State::Failed);
    assert_eq!(world.slots(id)[1].check, Check::Refuted);
    assert_eq!(world.slashed(Reason::Convicted), [(OPERATOR, STAKE)]);
    // A quarter to the verifier that insisted, with its fee; a quarter to the panel; the rest burned.
    assert_eq!(world.credit(winner), 125_000 + SLOT_FEE);
    for by in panellists {
        assert_eq!(world.credit(by), 41_666);
    }
    assert_eq!(world.credit(BURN_ADDRESS), STAKE - 125_000 - 3 * 41_666);
    assert_eq!(world.credit(CLIENT), 1_100_003 - SLOT_FEE);
    assert_eq!(world.standing(Role::Verifier, winner).done, 1);
    let standing = world.standing(Role::Operator, OPERATOR);
    assert_eq!((standing.stake, standing.locked, standing.lost), (600_000 - STAKE, 0, 1));
    assert_eq!(world.credit(OPERATOR), 0);
    world.empty();
}

#[test]
fn every_kind_of_cheat_is_convicted_once_its_segment_is_drawn() {
    let kinds = [
        everywhere(Cheat::Skip),
        everywhere(Cheat::FalseState),
        everywhere(Cheat::FalseTrace),
        vec![Cheat::FalseStart],
        vec![Cheat::FalseArtefact],
    ];
    for cheats in kinds {
        let (mut world, id) = World::attested(6, &cheats);
        world.reveal_traces(id, OPERATOR).unwrap();
        // Nobody insists; the end of the window brings the panel.
        world.wait(id);
        assert_eq!(world.state(id), State::Disputed, "{cheats:?}");
        let outcome = world.outcome(id);
        world.rule(id, outcome);
        assert_eq!(world.state(id), State::Failed, "{cheats:?}");
        assert_eq!(world.slashed(Reason::Convicted), [(OPERATOR, STAKE)]);
        world.empty();
    }
}

#[test]
fn who_insists_wrongly_loses_its_bond_to_the_panel() {
    let (mut world, id, wrong) = lazy_on_honest();
    world.send(wrong, 0, |host| check::insist(host, id, 0, NONSENSE)).unwrap();
    let panellists = world.panellists(id);
    let outcome = world.outcome(id);
    world.rule(id, outcome);

    assert_eq!((world.state(id), world.slots(id)[0].check), (State::Window, Check::Upheld));
    assert_eq!(world.slashed(Reason::Wrong), [(wrong, BOND)]);
    for by in &panellists {
        // A third of half the bond and a third of the slot's fee.
        assert_eq!(world.credit(*by), 1_666 + 11_111);
    }
    assert_eq!(world.credit(BURN_ADDRESS), BOND - 3 * 1_666);
    assert!(world.view(id).dispute.is_none() && world.panellists(id).is_empty());
    let before = world.credit(OPERATOR);
    world.wait(id);
    assert_eq!(world.state(id), State::Final);
    assert_eq!(world.credit(OPERATOR), before + 1_000_000);
    // The slot's fee went to the panel, not to its verifier as well.
    assert_eq!(world.credit(CLIENT), 100_003 - 2 * SLOT_FEE - 3 * 11_111);
    world.empty();
}

#[test]
fn a_seal_without_a_replay_earns_nothing_and_costs_the_idle_penalty() {
    let (mut world, id, lazy) = lazy_on_honest();
    let passed = world.slots(id).iter().filter(|slot| slot.verifier == lazy && slot.check == Check::Passed).count();
    world.wait(id);
    assert_eq!(world.state(id), State::Disputed);
    let outcome = world.outcome(id);
    world.rule(id, outcome);
    assert_eq!(world.slashed(Reason::Idle), [(lazy, 1_000)]);
    world.wait(id);
    assert_eq!(world.state(id), State::Final);
    assert_eq!(world.credit(lazy), SLOT_FEE * passed as u128);
    world.empty();
}

#[test]
fn a_seal_without_a_replay_earns_nothing_on_a_cheat_either() {
    for honest in [false, true] {
        let (mut world, id) = World::opened(6, &everywhere(Cheat::FalseTrace));
        let slot = world.slots(id)[0].clone();
        let found = if honest { world.works[&id].first_finding(slot.segment).unwrap() } else { NONSENSE };
        let sealed = seal(&Native, job_id(id), slot.segment, &found, &slot.verifier);
        world.send(slot.verifier, 0, |host| check::attest(host, id, 0, sealed)).unwrap();
        for number in 1..3 {
            world.attest(id, number).unwrap();
        }
        world.reveal_traces(id, OPERATOR).unwrap();
        // Nobody insists.
        world.wait(id);
        assert_eq!(world.job(id).disputed, Some(0));
        let outcome = world.outcome(id);
        world.rule(id, outcome);
        assert_eq!(world.state(id), State::Failed);
        assert_eq!(world.credit(slot.verifier), if honest { SLOT_FEE } else { 0 });
        world.empty();
    }
}

#[test]
fn a_panel_rules_without_an_idle_member() {
    let (mut world, id, lazy) = lazy_on_honest();
    world.wait(id);
    let panellists = world.panellists(id);
    let outcome = world.outcome(id);
    for by in &panellists[..2] {
        world.panel_seal(id, *by, outcome).unwrap();
    }
    world.wait(id);
    assert_eq!(world.state(id), State::Ruling);
    // Too late to seal, and nothing was sealed to reveal.
    assert_eq!(world.panel_seal(id, panellists[2], outcome), Err(Error::WrongState(State::Ruling)));
    assert_eq!(world.panel_reveal(id, panellists[2], outcome), Err(Error::WrongSeal));
    for by in &panellists[..2] {
        world.panel_reveal(id, *by, outcome).unwrap();
    }
    assert_eq!(world.slots(id)[0].check, Check::Upheld);
    assert_eq!(world.slashed(Reason::Idle), [(panellists[2], 1_000), (lazy, 1_000)]);
    world.wait(id);
    assert_eq!(world.state(id), State::Final);
    world.empty();
}

#[test]
fn a_panellist_that_does_not_reveal_pays_when_the_ruling_comes_without_it() {
    let (mut world, id, lazy) = lazy_on_honest();
    world.wait(id);
    let panellists = world.panellists(id);
    let outcome = world.outcome(id);
    for by in &panellists {
        world.panel_seal(id, *by, outcome).unwrap();
    }
    for by in &panellists[1..] {
        world.panel_reveal(id, *by, outcome).unwrap();
    }
    assert_eq!(world.state(id), State::Ruling);
    world.wait(id);
    assert_eq!(world.slots(id)[0].check, Check::Upheld);
    assert_eq!(world.slashed(Reason::Idle), [(panellists[0], 1_000), (lazy, 1_000)]);
    world.wait(id);
    world.empty();
}

#[test]
fn a_panellist_that_copies_the_public_trace_is_outvoted() {
    let (mut world, id, lazy) = lazy_on_honest();
    world.wait(id);
    let panellists = world.panellists(id);
    let honest = world.outcome(id);
    let Outcome::Replayed { state, trace, .. } = honest else { panic!("served and replayed") };
    let copied = Outcome::Replayed { state, trace, salted: Hash::default() };
    let outcomes = [honest, copied, honest];
    for (by, outcome) in panellists.iter().zip(outcomes) {
        world.panel_seal(id, *by, outcome).unwrap();
    }
    for (by, outcome) in panellists.iter().zip(outcomes) {
        world.panel_reveal(id, *by, outcome).unwrap();
    }
    assert_eq!(world.slots(id)[0].check, Check::Upheld);
    assert_eq!(world.slashed(Reason::Idle), [(panellists[1], 1_000), (lazy, 1_000)]);
    assert_eq!(world.credit(panellists[1]) % SLOT_FEE, 0, "no part of the panel's fee");
}

#[test]
fn the_panel_does_not_depend_on_the_block_of_insisting() {
    let panel = |blocks: u32| {
        let (mut world, id, wrong) = lazy_on_honest();
        world.host.memory.block_number += blocks;
        world.send(wrong, 0, |host| check::insist(host, id, 0, NONSENSE)).unwrap();
        (world.panellists(id), world.view(id).dispute.unwrap().salt)
    };
    assert_eq!(panel(0), panel(17));
}

#[test]
fn one_dispute_follows_another() {
    let (mut world, id) = World::opened(8, &[]);
    for (number, slot) in (0u8..).zip(world.slots(id)) {
        let garbage = seal(&Native, job_id(id), slot.segment, &Hash([number; 32]), &slot.verifier);
        world.send(slot.verifier, 0, |host| check::attest(host, id, number, garbage)).unwrap();
    }
    world.reveal_traces(id, OPERATOR).unwrap();
    let mut salts = Vec::new();
    for round in 0..3u8 {
        let slot = world.slots(id)[usize::from(2 - round)].clone();
        let trace = Hash([2 - round; 32]);
        world.send(slot.verifier, 0, |host| check::insist(host, id, 2 - round, trace)).unwrap();
        let again = world.send(slot.verifier, 0, |host| check::insist(host, id, 2 - round, trace));
        assert_eq!(again, Err(Error::DisputeOpen));
        salts.push(world.view(id).dispute.unwrap().salt);
        let outcome = world.outcome(id);
        world.rule(id, outcome);
        assert_eq!(world.state(id), State::Window);
    }
    salts.sort();
    salts.dedup();
    assert_eq!(salts.len(), 3);
    world.wait(id);
    assert_eq!(world.state(id), State::Final);
    assert!(world.slots(id).iter().all(|slot| slot.check == Check::Upheld));
    assert_eq!(world.host.models[0].segments_checked, 3);
    world.empty();
}

#[test]
fn a_panel_takes_one_seal_and_one_outcome_from_each_member() {
    let (mut world, id, lazy) = lazy_on_honest();
    world.wait(id);
    let outcome = world.outcome(id);
    let members = world.panellists(id);
    assert_eq!(world.panel_seal(id, lazy, outcome), Err(Error::NotDrawn));
    assert_eq!(world.panel_reveal(id, members[0], outcome), Err(Error::WrongState(State::Disputed)));
    world.panel_seal(id, members[0], outcome).unwrap();
    assert_eq!(world.panel_seal(id, members[0], outcome), Err(Error::AlreadyRevealed));
    for by in &members[1..] {
        world.panel_seal(id, *by, outcome).unwrap();
    }
    assert_eq!(world.panel_reveal(id, lazy, outcome), Err(Error::NotDrawn));
    assert_eq!(world.panel_reveal(id, members[0], Outcome::Unavailable), Err(Error::WrongSeal));
    world.panel_reveal(id, members[0], outcome).unwrap();
    let again = world.send(members[0], 0, |host| panel::panel_reveal(host, id, outcome));
    assert_eq!(again, Err(Error::AlreadyRevealed));
}
