//! Secrets, and what may go into a draw.

use crate::common::{CLIENT, OPERATOR, World, job_id, secret, verifier};
use assay_protocol::Address;
use assay_protocol::commitment::seal;
use assay_protocol::hash::{Hash, Native};
use assay_protocol::market::{Error, Reason, Role, State};

/// Waits with a secret missing until the block of the draw is fixed.
fn with_a_draw_block() -> (World, u64, u32) {
    let (mut world, id) = World::committed(5, &[]);
    for number in 0..4 {
        world.reveal(id, verifier(number)).unwrap();
    }
    world.wait(id);
    let block = world.job(id).draw_block.unwrap();
    assert_eq!(block, world.host.memory.block_number);
    (world, id, block)
}

#[test]
fn a_client_that_keeps_its_secret_delays_the_draw_and_no_more() {
    let (mut world, id) = World::committed(5, &[]);
    for number in 0..5 {
        world.reveal(id, verifier(number)).unwrap();
    }
    world.tick(1);
    assert!(matches!(world.advance(id), Err(Error::TooEarly { .. })));
    world.wait(id);
    let block = world.host.memory.block_number;
    assert_eq!((world.state(id), world.job(id).draw_block), (State::Committed, Some(block)));
    assert_eq!(world.advance(id), Err(Error::DrawBlockPending(block)));
    world.tick(0);
    world.advance(id).unwrap();
    assert_eq!(world.state(id), State::Drawn);
}

#[test]
fn a_draw_block_that_is_too_far_back_is_replaced() {
    let (mut world, id) = World::committed(5, &[]);
    for number in 0..4 {
        world.reveal(id, verifier(number)).unwrap();
    }
    world.wait(id);
    world.host.memory.block_number += 257;
    world.advance(id).unwrap();
    let block = world.host.memory.block_number;
    assert_eq!((world.state(id), world.job(id).draw_block), (State::Committed, Some(block)));
    world.tick(1);
    world.advance(id).unwrap();
    assert_eq!(world.state(id), State::Drawn);
}

#[test]
fn too_few_secrets_make_the_job_void() {
    let (mut world, id) = World::committed(5, &[]);
    for by in [CLIENT, verifier(0), verifier(1), verifier(2)] {
        world.reveal(id, by).unwrap();
    }
    world.wait(id);
    assert_eq!(world.state(id), State::Void);
    assert_eq!(world.credit(CLIENT), 1_100_003);
    assert_eq!(world.standing(Role::Operator, OPERATOR).stake, 600_000);
    world.empty();
    // Those that kept their secrets pay when they take their bonds back.
    assert_eq!(world.slashed(Reason::Idle), [(verifier(3), 1_000), (verifier(4), 1_000)]);
}

#[test]
fn the_block_of_the_last_secret_does_not_change_the_draw() {
    let draw = |blocks: u32, without: Option<Address>| {
        let (mut world, id) = World::committed(6, &[]);
        for by in (0..6).map(verifier).chain([CLIENT]).filter(|by| Some(*by) != without) {
            world.reveal(id, by).unwrap();
            world.host.memory.block_number += blocks;
        }
        if without.is_some() {
            world.wait(id);
        }
        world.tick(1);
        world.advance(id).unwrap();
        world.job(id).seed
    };
    assert_eq!(draw(0, None), draw(9, None));
    // With a secret held back the hash of a later block goes in.
    assert_ne!(draw(0, Some(verifier(5))), draw(9, Some(verifier(5))));
    assert_ne!(draw(0, Some(CLIENT)), draw(0, None));
}

#[test]
fn every_secret_goes_into_the_draw() {
    let (mut world, id) = World::committed(4, &[]);
    let mut sum = Hash::default();
    for by in (0..4).map(verifier) {
        world.reveal(id, by).unwrap();
        let part = seal(&Native, job_id(id), 0, &secret(by), &by);
        sum = Hash(std::array::from_fn(|byte| sum.0[byte] ^ part.0[byte]));
        assert_eq!(world.job(id).secrets, sum);
    }
}

#[test]
fn the_order_of_secrets_does_not_change_the_draw() {
    let draw = |order: [u8; 4]| {
        let (mut world, id) = World::committed(4, &[]);
        for by in order.map(verifier).into_iter().chain([CLIENT]) {
            world.reveal(id, by).unwrap();
        }
        world.tick(1);
        world.advance(id).unwrap();
        world.job(id).seed
    };
    assert_eq!(draw([0, 1, 2, 3]), draw([3, 1, 0, 2]));
}

#[test]
fn a_verifier_that_misses_two_turns_at_once_leaves_the_draw_once() {
    // Eight slots and five verifiers: somebody has two.
    let (mut world, id) = World::posted(5, |args| args.terms.samples = 8);
    world.draw(id, 5, &[]);
    world.open(id, OPERATOR).unwrap();
    let slots = world.slots(id);
    let turns = |by: Address| slots.iter().filter(|slot| slot.verifier == by).count();
    let away = (0..5).map(verifier).find(|by| turns(*by) > 1).unwrap();
    for (number, _) in (0..).zip(&slots).filter(|(_, slot)| slot.verifier != away) {
        world.attest(id, number).unwrap();
    }
    world.wait(id);
    assert_eq!(world.idle(), vec![away; turns(away)]);
    for (number, slot) in (0..).zip(&slots).filter(|(_, slot)| slot.verifier == away) {
        let now = &world.slots(id)[usize::from(number)];
        assert!(now.segment == slot.segment && now.verifier != away);
        world.attest(id, number).unwrap();
    }
    world.reveal_traces(id, OPERATOR).unwrap();
    world.wait(id);
    assert_eq!(world.state(id), State::Final);
    world.empty();
}

#[test]
fn free_stake_has_no_weight_in_a_draw() {
    // The same free stake could be moved from account to account between reveals.
    let (mut world, id) = World::committed(4, &[]);
    world.stake(Role::Verifier, verifier(0), 1_000_000_000);
    for number in 0..4 {
        world.reveal(id, verifier(number)).unwrap();
    }
    assert_eq!(world.job(id).revealed_stake, 40_000);
}

#[test]
fn the_order_of_revealing_does_not_choose_verifiers() {
    let draw = |order: [u8; 6]| {
        let (mut world, id) = World::committed(6, &[]);
        for by in order.map(verifier).into_iter().chain([CLIENT]) {
            world.reveal(id, by).unwrap();
        }
        world.tick(1);
        world.advance(id).unwrap();
        world.slots(id)
    };
    assert_eq!(draw([0, 1, 2, 3, 4, 5]), draw([5, 2, 4, 0, 1, 3]));
}

#[test]
fn a_draw_block_serves_for_256_blocks() {
    for (later, drawn) in [(0, None), (1, Some(true)), (255, Some(true)), (256, Some(true)), (257, Some(false))] {
        let (mut world, id, block) = with_a_draw_block();
        world.host.memory.block_number = block + later;
        match drawn {
            None => assert_eq!(world.advance(id), Err(Error::DrawBlockPending(block))),
            Some(true) => {
                world.advance(id).unwrap();
                assert_eq!((world.state(id), world.job(id).draw_block), (State::Drawn, Some(block)), "{later}");
            }
            Some(false) => {
                world.advance(id).unwrap();
                assert_eq!((world.state(id), world.job(id).draw_block), (State::Committed, Some(block + later)));
            }
        }
    }
}
