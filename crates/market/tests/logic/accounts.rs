//! Stake that is taken back, offers, lists of accounts, handing a job back.

use crate::common::{CLIENT, LONGEST_WINDOW, OPERATOR, REGISTRY, RIVAL, STRANGER, World, verifier};
use assay_market::{offer, reads, stake, train};
use assay_protocol::Address;
use assay_protocol::market::{
    BURN_ADDRESS, Error, Event, MAX_NOTE_BYTES, MAX_STANDINGS_PAGE, Offer, Reason, Role, State,
};

const DELAY: u64 = 2 * LONGEST_WINDOW as u64;

fn unstake(world: &mut World, by: Address, amount: u128) -> Result<(), Error> {
    world.send(by, 0, |host| stake::unstake(host, Role::Operator, amount))
}

fn collect(world: &mut World, by: Address) -> Result<(), Error> {
    world.send(by, 0, |host| stake::collect(host, Role::Operator))
}

#[test]
fn stake_waits_longer_than_any_window_before_it_is_paid_out() {
    let mut world = World::new();
    let rules = reads::rules(&world.host);
    assert_eq!((rules.registry, rules.longest_window, u64::from(rules.unbonding)), (REGISTRY, LONGEST_WINDOW, DELAY));
    world.stake(Role::Operator, OPERATOR, 600_000);
    assert_eq!(collect(&mut world, OPERATOR), Err(Error::NothingUnbonding));
    unstake(&mut world, OPERATOR, 200_000).unwrap();
    let at = world.host.memory.now + DELAY;
    let unbonding = Event::Unbonding { account: OPERATOR, role: Role::Operator, amount: 200_000, at };
    assert_eq!(world.host.last_events(), [unbonding]);
    let standing = world.standing(Role::Operator, OPERATOR);
    assert_eq!(
        (standing.stake, standing.unbonding, standing.unbonds_at, standing.free()),
        (400_000, 200_000, at, 400_000)
    );

    // What waits is no stake: it cannot be locked, nor taken back again.
    assert_eq!(unstake(&mut world, OPERATOR, 400_001), Err(Error::StakeTooSmall { needed: 400_001, free: 400_000 }));
    // More of it makes all wait anew.
    world.tick(DELAY - 1);
    unstake(&mut world, OPERATOR, 100_000).unwrap();
    let at = world.host.memory.now + DELAY;
    world.tick(DELAY - 1);
    assert_eq!(collect(&mut world, OPERATOR), Err(Error::StillUnbonding { at, now: at - 1 }));
    assert_eq!(world.withdraw(OPERATOR), Err(Error::NothingToWithdraw));
    // Nothing changes the time of what waits: neither nothing, nor new stake.
    unstake(&mut world, OPERATOR, 0).unwrap();
    world.stake(Role::Operator, OPERATOR, 5);
    world.tick(1);
    collect(&mut world, OPERATOR).unwrap();
    let credited = Event::Credited { account: OPERATOR, job: None, amount: 300_000, reason: Reason::Unstaked };
    assert_eq!(world.host.last_events(), [credited]);
    assert_eq!(collect(&mut world, OPERATOR), Err(Error::NothingUnbonding));
    assert_eq!(world.withdraw(OPERATOR), Ok(300_000));
    assert_eq!(world.standing(Role::Operator, OPERATOR).stake, 300_005);
    world.empty();
}

#[test]
fn unbonding_stake_cannot_be_locked() {
    let (mut world, id) = World::posted(4, |_| ());
    unstake(&mut world, OPERATOR, 100_000).unwrap();
    assert_eq!(world.claim(id, OPERATOR), Err(Error::StakeTooSmall { needed: 500_001, free: 500_000 }));
    world.stake(Role::Operator, OPERATOR, 1);
    world.claim(id, OPERATOR).unwrap();
    world.send(verifier(0), 0, |host| stake::unstake(host, Role::Verifier, 15_000)).unwrap();
    let second = world.post(crate::common::post_args(crate::common::terms(CLIENT))).unwrap();
    assert_eq!(world.enlist(second, verifier(0)), Err(Error::StakeTooSmall { needed: 10_000, free: 0 }));
    world.wait(id);
    world.wait(id);
    world.wait(second);
    world.empty();
}

#[test]
fn whoever_ever_staked_is_listed_once() {
    let mut world = World::new();
    for number in 0..30u8 {
        world.stake(Role::Operator, Address([number; 20]), 1);
        world.stake(Role::Operator, Address([number; 20]), u128::from(number));
    }
    world.stake(Role::Verifier, STRANGER, 7);
    unstake(&mut world, Address([3; 20]), 4).unwrap();
    let page = reads::standings(&world.host, Role::Operator, 0, u32::MAX);
    assert_eq!((page.total, page.items.len()), (30, MAX_STANDINGS_PAGE as usize));
    assert_eq!((page.items[3].0, page.items[3].1.stake, page.items[3].1.unbonding), (Address([3; 20]), 0, 4));
    let rest = reads::standings(&world.host, Role::Operator, 25, 3);
    assert_eq!(rest.items.iter().map(|(by, _)| by.0[0]).collect::<Vec<_>>(), [25, 26, 27]);
    assert!(reads::standings(&world.host, Role::Operator, u32::MAX, 9).items.is_empty());
    let verifiers = reads::standings(&world.host, Role::Verifier, 0, 50);
    assert_eq!((verifiers.total, verifiers.items[0].0), (1, STRANGER));
}

fn an_offer(note: String) -> Offer {
    Offer {
        min_payment: 1_000,
        payment_per_segment: 10,
        max_stake: None,
        max_data_bytes: 1 << 30,
        max_steps: 1_000_000,
        max_disk_bytes: 1 << 40,
        max_memory_bytes: 1 << 36,
        max_jobs: 2,
        min_train_seconds: 600,
        min_window_seconds: 60,
        note,
    }
}

#[test]
fn an_offer_is_published_replaced_and_taken_back() {
    let mut world = World::new();
    let publish = |world: &mut World, offer| world.send(OPERATOR, 0, |host| offer::publish_offer(host, offer));
    assert_eq!(reads::offer(&world.host, OPERATOR), None);
    for bad in ["n".repeat(MAX_NOTE_BYTES + 1), "a\nb".into(), " a".into(), "a\u{202e}b".into()] {
        assert_eq!(publish(&mut world, Some(an_offer(bad))), Err(Error::BadOffer));
    }
    for note in [String::new(), "n".repeat(MAX_NOTE_BYTES), "H200, nights only; é".into()] {
        publish(&mut world, Some(an_offer(note.clone()))).unwrap();
        assert_eq!(reads::offer(&world.host, OPERATOR).unwrap().note, note);
        assert_eq!(world.host.last_events(), [Event::OfferChanged { operator: OPERATOR, offered: true }]);
    }
    assert_eq!(reads::offer(&world.host, RIVAL), None);
    publish(&mut world, None).unwrap();
    assert_eq!(reads::offer(&world.host, OPERATOR), None);
    assert_eq!(world.host.last_events(), [Event::OfferChanged { operator: OPERATOR, offered: false }]);
}

#[test]
fn an_operator_hands_a_job_back_for_the_stated_price() {
    let (mut world, id) = World::posted(5, |_| ());
    assert_eq!(world.send(OPERATOR, 0, |host| train::hand_back(host, id)), Err(Error::WrongState(State::Open)));
    world.claim(id, OPERATOR).unwrap();
    assert_eq!(world.send(RIVAL, 0, |host| train::hand_back(host, id)), Err(Error::NotOperator));
    world.host.memory.now = world.job(id).deadline;
    world.send(OPERATOR, 0, |host| train::hand_back(host, id)).unwrap();
    assert_eq!((world.state(id), world.job(id).operator), (State::Open, None));
    let slashed = Event::Slashed { account: OPERATOR, job: id, amount: 20_000, reason: Reason::HandedBack };
    assert!(world.host.last_events().contains(&slashed));
    assert_eq!((world.credit(BURN_ADDRESS), world.credit(CLIENT)), (20_000, 0));
    let standing = world.standing(Role::Operator, OPERATOR);
    assert_eq!((standing.stake, standing.locked, standing.missed, standing.lost), (580_000, 0, 1, 0));
    assert_eq!(world.claim(id, OPERATOR), Err(Error::ConflictOfInterest));

    world.claim(id, RIVAL).unwrap();
    world.miss_deadline(id);
    let (deadline, now) = (world.job(id).deadline, world.host.memory.now);
    let late = world.send(RIVAL, 0, |host| train::hand_back(host, id));
    assert_eq!(late, Err(Error::DeadlinePassed { deadline, now }));
    world.advance(id).unwrap();
    // The third operator is the last.
    let third = Address([3; 20]);
    world.stake(Role::Operator, third, 500_001);
    world.claim(id, third).unwrap();
    world.send(third, 0, |host| train::hand_back(host, id)).unwrap();
    assert_eq!(world.state(id), State::Cancelled);
    assert_eq!(world.credit(CLIENT), 1_100_003);
    assert_eq!(reads::contributions(&world.host, id).unwrap().burned, 20_000 + 50_000 + 20_000);
    world.empty();
}

#[test]
fn handing_back_may_be_free() {
    let (mut world, id) = World::posted(4, |args| args.terms.hand_back = 0);
    world.claim(id, OPERATOR).unwrap();
    world.send(OPERATOR, 0, |host| train::hand_back(host, id)).unwrap();
    let standing = world.standing(Role::Operator, OPERATOR);
    assert_eq!((standing.stake, standing.locked, standing.missed), (600_000, 0, 1));
    // No word of sums that are none.
    let job = world.job(id);
    assert_eq!(world.host.last_events(), [Event::JobMoved { job: id, state: State::Open, deadline: job.deadline }]);
    assert_eq!(job.payments, 0);
    world.wait(id);
    world.empty();
}
