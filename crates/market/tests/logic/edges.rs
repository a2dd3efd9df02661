//! The edges of numbers, blocks and seconds.

use crate::common::work::Cheat;
use crate::common::{CLIENT, OPERATOR, STRANGER, World, post_args, terms, verifier};
use assay_market::{post, reads};
use assay_protocol::Address;
use assay_protocol::market::{BURN_ADDRESS, Check, Error, Role, State};

#[test]
fn every_state_takes_its_last_second_and_not_the_next() {
    type Step = fn(&mut World, u64) -> Result<(), Error>;
    let steps: [(State, Step); 7] = [
        (State::Open, |world, id| world.claim(id, OPERATOR)),
        (State::Claimed, |world, id| world.commit(id, OPERATOR, &[])),
        (State::Committed, |world, id| world.reveal(id, CLIENT)),
        (State::Drawn, |world, id| world.open(id, OPERATOR)),
        (State::Opened, |world, id| world.attest(id, 0)),
        (State::Attested, |world, id| world.reveal_traces(id, OPERATOR)),
        (State::Window, |world, id| {
            let segment = (0..8).find(|s| world.slots(id).iter().all(|slot| slot.segment != *s)).unwrap();
            world.challenge(id, STRANGER, segment).map(drop)
        }),
    ];
    for (state, step) in steps {
        for late in [false, true] {
            let (mut world, id) = World::posted(5, |_| ());
            world.walk_to(id, state);
            assert_eq!(world.state(id), state);
            let deadline = world.job(id).deadline;
            world.host.memory.now = deadline + u64::from(late);
            if late {
                assert_eq!(
                    step(&mut world, id),
                    Err(Error::DeadlinePassed { deadline, now: deadline + 1 }),
                    "{state:?}"
                );
                world.advance(id).unwrap();
            } else {
                assert!(matches!(world.advance(id), Err(Error::TooEarly { .. })), "{state:?}");
                step(&mut world, id).unwrap();
            }
        }
    }
}

#[test]
fn sums_near_the_end_of_128_bits() {
    // All money there is: nearly 2^128 units, most of it one operator's stake.
    let stake = u128::MAX / 2;
    let bond = u128::MAX / 16;
    let mut world = World::new();
    let mut args = post_args(terms(CLIENT));
    args.terms.stake = stake;
    args.terms.bond = bond;
    args.terms.hand_back = stake / 10;
    args.terms.payment = u128::MAX / 32;
    args.terms.fee = 31;
    let value = args.terms.payment + 31;
    let id = world.send(CLIENT, value, |host| post::post_job(host, args)).unwrap();
    world.stake(Role::Operator, OPERATOR, stake);
    for number in 0..5 {
        world.stake(Role::Verifier, verifier(number), bond);
        world.enlist(id, verifier(number)).unwrap();
    }
    world.draw(id, 5, &(0..8).map(Cheat::FalseTrace).collect::<Vec<_>>());
    assert_eq!(world.job(id).revealed_stake, 5 * bond);
    world.open(id, OPERATOR).unwrap();
    for number in 0..3 {
        world.seal_what_the_operator_did(id, number);
    }
    world.reveal_traces(id, OPERATOR).unwrap();
    world.challenge(id, STRANGER, 0).unwrap();
    let outcome = world.outcome(id);
    world.rule(id, outcome);
    assert_eq!(world.state(id), State::Failed);
    let winners = stake / 10_000 * 5_000 + stake % 10_000 / 2;
    assert_eq!(world.credit(STRANGER), winners / 2 + bond);
    assert!(world.credit(BURN_ADDRESS) >= stake - winners);
    world.empty();
}

#[test]
fn a_sum_beyond_128_bits_is_refused() {
    let mut world = World::new();
    let mut args = post_args(terms(CLIENT));
    args.terms.payment = u128::MAX - 100_002;
    assert_eq!(world.send(CLIENT, 0, |host| post::post_job(host, args)), Err(Error::Overflow));
    let mut args = post_args(terms(CLIENT));
    args.terms.payment = u128::MAX - 100_003;
    let refused = world.send(CLIENT, 7, |host| post::post_job(host, args));
    assert_eq!(refused, Err(Error::WrongValue { expected: u128::MAX, sent: 7 }));
}

#[test]
fn a_bond_below_the_jobs_is_refused() {
    let (mut world, id) = World::posted(0, |_| ());
    world.stake(Role::Verifier, verifier(0), 25_000);
    let small = Error::BondTooSmall { needed: 10_000, given: 9_999 };
    assert_eq!(world.enlist_with(id, verifier(0), 9_999), Err(small));
    let much = Error::StakeTooSmall { needed: 25_001, free: 25_000 };
    assert_eq!(world.enlist_with(id, verifier(0), 25_001), Err(much));
    world.enlist_with(id, verifier(0), 25_000).unwrap();
    let part = reads::enlistment(&world.host, id, verifier(0)).unwrap();
    assert_eq!((part.locked, part.bond, part.place, part.revealed), (25_000, 25_000, 0, false));
}

#[test]
fn a_penalty_is_a_share_of_what_was_locked() {
    let (mut world, id) = World::posted(0, |_| ());
    for number in 0..8 {
        world.stake(Role::Verifier, verifier(number), 100_000);
        world.enlist_with(id, verifier(number), 10_000 + 1_111 * u128::from(number)).unwrap();
    }
    world.draw(id, 8, &[]);
    world.open(id, OPERATOR).unwrap();
    let idle: Vec<Address> = world.slots(id).iter().map(|slot| slot.verifier).collect();
    world.wait(id);
    for by in &idle {
        let turns = idle.iter().filter(|other| *other == by).count() as u128;
        let part = reads::enlistment(&world.host, id, *by).unwrap();
        assert_eq!(part.locked - part.bond, part.locked / 10 * turns);
        assert!(part.idle);
    }
    assert!(world.slots(id).iter().all(|slot| slot.check == Check::Opened && !idle.contains(&slot.verifier)));
}
