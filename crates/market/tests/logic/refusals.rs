//! Every error, with the condition that brings it. A refused message leaves no
//! trace and keeps no money: `World::send` checks the books after each.

use crate::common::work::Work;
use crate::common::{CLIENT, LONGEST_WINDOW, OPERATOR, REGISTRY, RIVAL, STRANGER, World, post_args, terms, verifier};
use assay_market::{advance, challenge, check, demand, enlist, model, offer, panel, post, rules, stake, train};
use assay_protocol::commitment::Outcome;
use assay_protocol::hash::{Hash, Native, Sha256};
use assay_protocol::market::{
    Answer, Error, MAX_ENDPOINT_BYTES, MAX_PANEL, MAX_SAMPLES, MAX_SEGMENTS, MAX_SPEC_BYTES, MAX_WINDOW_SECONDS,
    Opening, Policy, PostJob, Role, State, TermsError, Wanted,
};
use assay_protocol::registry;

#[test]
fn terms_out_of_their_limits() {
    use TermsError::*;
    type Change = fn(&mut PostJob);
    let cases: Vec<(TermsError, Change)> = vec![
        (SpecHash, |args| args.spec.push(0)),
        (SpecLength, |args| args.spec.clear()),
        (SpecLength, |args| args.spec = vec![0; MAX_SPEC_BYTES + 1]),
        (Segments, |args| args.terms.segments = 0),
        (Segments, |args| args.terms.segments = MAX_SEGMENTS + 1),
        (Samples, |args| args.terms.samples = 0),
        (Samples, |args| args.terms.samples = 9),
        (Samples, |args| {
            args.terms.segments = 100;
            args.terms.samples = MAX_SAMPLES + 1;
        }),
        (Panel, |args| args.terms.panel = 1),
        (Panel, |args| args.terms.panel = MAX_PANEL + 1),
        (Window, |args| args.terms.windows.claim = 0),
        (Window, |args| args.terms.windows.train = LONGEST_WINDOW + 1),
        (Window, |args| args.terms.windows.secrets = 0),
        (Window, |args| args.terms.windows.open = 0),
        (Window, |args| args.terms.windows.attest = 0),
        (Window, |args| args.terms.windows.reveal = 0),
        (Window, |args| args.terms.windows.dispute = 0),
        (Amount, |args| args.terms.payment = 0),
        (Amount, |args| args.terms.fee = 0),
        (Amount, |args| args.terms.stake = 0),
        (Amount, |args| args.terms.bond = 0),
        (Model, |args| args.model.name.clear()),
        (Model, |args| args.model.licence = "no licence!".into()),
        (Royalties, |args| args.model.royalty_bp = 10_001),
        (HandBack, |args| args.terms.hand_back = 50_001),
        (Policy, |args| args.terms.policy.false_segments = 9),
        (Policy, |args| args.terms.policy.bribed_bp = 10_001),
        // One false segment of eight goes unseen in five of eight draws of three.
        (Stake { least: Some(500_004) }, |args| args.terms.policy = policy(150_001, 0)),
        (Stake { least: None }, |args| args.terms.policy = policy(1, 10_000)),
        (Stake { least: None }, |args| args.terms.policy = policy(u128::MAX, 5_000)),
    ];
    let mut world = World::new();
    let empty = world.host.memory.storage.clone();
    for (error, change) in cases {
        let mut args = post_args(terms(CLIENT));
        change(&mut args);
        assert_eq!(world.post(args), Err(Error::BadTerms(error)));
    }
    assert_eq!(world.host.memory.storage, empty);
    // At the limits.
    let mut args = post_args(terms(CLIENT));
    args.terms.segments = MAX_SEGMENTS;
    args.terms.samples = MAX_SAMPLES;
    args.terms.panel = MAX_PANEL;
    args.terms.windows.claim = LONGEST_WINDOW;
    args.terms.hand_back = 50_000;
    args.terms.policy = assay_protocol::market::Policy { gain: 0, false_segments: MAX_SEGMENTS, bribed_bp: 10_000 };
    args.model.royalty_bp = 10_000;
    world.post(args).unwrap();
    let mut args = post_args(terms(CLIENT));
    args.terms.policy = policy(149_999, 0);
    args.terms.stake = 499_998;
    args.terms.hand_back = 0;
    world.post(args.clone()).unwrap();
    args.terms.stake -= 1;
    assert_eq!(world.post(args), Err(Error::BadTerms(Stake { least: Some(499_998) })));
}

fn policy(gain: u128, bribed_bp: u16) -> Policy {
    Policy { gain, false_segments: 1, bribed_bp }
}

#[test]
fn rules_out_of_their_limits() {
    let mut world = World::new();
    for bad in [0, MAX_WINDOW_SECONDS + 1] {
        let deployed = world.send(STRANGER, 0, |host| rules::deploy(host, REGISTRY, bad));
        assert_eq!(deployed, Err(Error::BadRules));
    }
    world.send(STRANGER, 0, |host| rules::deploy(host, REGISTRY, MAX_WINDOW_SECONDS)).unwrap();
    let rules = rules::rules(&world.host);
    assert_eq!((rules.longest_window, rules.unbonding), (MAX_WINDOW_SECONDS, 2 * MAX_WINDOW_SECONDS));
}

#[test]
fn the_value_must_be_what_the_message_costs() {
    let mut world = World::new();
    let args = post_args(terms(CLIENT));
    for sent in [0, 1_100_002, 1_100_004, u128::MAX] {
        let posted = world.send(CLIENT, sent, |host| post::post_job(host, args.clone()));
        assert_eq!(posted, Err(Error::WrongValue { expected: 1_100_003, sent }));
    }
    let mut args = post_args(terms(CLIENT));
    args.terms.payment = u128::MAX;
    assert_eq!(world.send(CLIENT, 5, |host| post::post_job(host, args)), Err(Error::Overflow));
    world.stake(Role::Operator, OPERATOR, 1);
    let more = world.send(OPERATOR, u128::MAX, |host| stake::stake(host, Role::Operator, None));
    assert_eq!(more, Err(Error::Overflow));
}

fn nothing() -> Opening {
    Opening { ends: None, slots: vec![] }
}

fn answer(work: &Work) -> Answer {
    work.answer(&Wanted::Boundary { index: 0 }).unwrap()
}

#[test]
fn messages_that_take_no_value() {
    let (mut world, id) = World::posted(4, |_| ());
    let hash = Hash::default();
    let work = Work::new(id, OPERATOR, hash, 8, &[]);
    let commit = work.commit();
    let sent: Vec<Result<(), Error>> = vec![
        world.send(CLIENT, 1, |host| post::cancel(host, id)),
        world.send(CLIENT, 1, |host| advance::advance(host, id)),
        world.send(verifier(0), 1, |host| enlist::enlist(host, id, hash, 10_000)),
        world.send(verifier(0), 1, |host| enlist::reveal_secret(host, id, hash)),
        world.send(verifier(0), 1, |host| enlist::release(host, id)),
        world.send(OPERATOR, 1, |host| train::claim(host, id)),
        world.send(OPERATOR, 1, |host| train::hand_back(host, id)),
        world.send(OPERATOR, 1, |host| demand::answer(host, id, 0, answer(&work))),
        world.send(CLIENT, 1, |host| model::register(host, id)),
        world.send(OPERATOR, 1, |host| train::commit(host, id, commit)),
        world.send(OPERATOR, 1, |host| check::open(host, id, nothing())),
        world.send(verifier(0), 1, |host| check::attest(host, id, 0, hash)),
        world.send(verifier(0), 1, |host| check::report_unavailable(host, id, 0, 5, 7)),
        world.send(OPERATOR, 1, |host| check::reveal_traces(host, id, vec![])),
        world.send(verifier(0), 1, |host| check::insist(host, id, 0, hash)),
        world.send(verifier(0), 1, |host| panel::panel_seal(host, id, hash)),
        world.send(verifier(0), 1, |host| panel::panel_reveal(host, id, Outcome::Unavailable)),
        world.send(OPERATOR, 1, |host| stake::unstake(host, Role::Operator, 1)),
        world.send(OPERATOR, 1, |host| stake::collect(host, Role::Operator)),
        world.send(OPERATOR, 1, |host| offer::publish_offer(host, None)),
        world.send(OPERATOR, 1, |host| stake::withdraw(host).map(drop)),
        world.send(OPERATOR, 1, |host| stake::withdraw_burned(host).map(drop)),
    ];
    assert!(sent.iter().all(|sent| *sent == Err(Error::ValueNotWanted)), "{sent:?}");
}

#[test]
fn an_unknown_job() {
    let mut world = World::new();
    let hash = Hash::default();
    let work = Work::new(7, OPERATOR, hash, 8, &[]);
    let commit = work.commit();
    let sent: Vec<Result<(), Error>> = vec![
        world.send(CLIENT, 0, |host| post::cancel(host, 7)),
        world.send(CLIENT, 0, |host| advance::advance(host, 7)),
        world.send(verifier(0), 0, |host| enlist::enlist(host, 7, hash, 10_000)),
        world.send(verifier(0), 0, |host| enlist::reveal_secret(host, 7, hash)),
        world.send(verifier(0), 0, |host| enlist::release(host, 7)),
        world.send(OPERATOR, 0, |host| train::claim(host, 7)),
        world.send(OPERATOR, 0, |host| train::hand_back(host, 7)),
        world.send(OPERATOR, 0, |host| demand::answer(host, 7, 0, answer(&work))),
        world.send(CLIENT, 0, |host| model::register(host, 7)),
        world.send(OPERATOR, 0, |host| train::commit(host, 7, commit)),
        world.send(OPERATOR, 0, |host| check::open(host, 7, nothing())),
        world.send(verifier(0), 0, |host| check::attest(host, 7, 0, hash)),
        world.send(verifier(0), 0, |host| check::report_unavailable(host, 7, 0, 5, 7)),
        world.send(OPERATOR, 0, |host| check::reveal_traces(host, 7, vec![])),
        world.send(verifier(0), 0, |host| check::insist(host, 7, 0, hash)),
        world.send(STRANGER, 0, |host| challenge::challenge(host, 7, work.challenge(0)).map(drop)),
        world.send(STRANGER, 0, |host| demand::demand(host, 7, Wanted::Boundary { index: 0 }).map(drop)),
        world.send(verifier(0), 0, |host| panel::panel_seal(host, 7, hash)),
        world.send(verifier(0), 0, |host| panel::panel_reveal(host, 7, Outcome::Unavailable)),
    ];
    assert!(sent.iter().all(|sent| *sent == Err(Error::UnknownJob)), "{sent:?}");
}

#[test]
fn stakes_and_withdrawals() {
    let mut world = World::new();
    let short = Error::StakeTooSmall { needed: 1, free: 0 };
    assert_eq!(world.send(OPERATOR, 0, |host| stake::unstake(host, Role::Operator, 1)), Err(short));
    assert_eq!(world.withdraw(OPERATOR), Err(Error::NothingToWithdraw));
    assert_eq!(world.withdraw_burned(), Err(Error::NothingToWithdraw));
    for bad in ["http://a b".to_string(), "é".to_string(), "x".repeat(MAX_ENDPOINT_BYTES + 1)] {
        let staked = world.send(OPERATOR, 9, |host| stake::stake(host, Role::Operator, Some(bad)));
        assert_eq!(staked, Err(Error::BadEndpoint));
    }
    let endpoint = "x".repeat(MAX_ENDPOINT_BYTES);
    world.send(OPERATOR, 9, |host| stake::stake(host, Role::Operator, Some(endpoint.clone()))).unwrap();
    world.send(OPERATOR, 0, |host| stake::stake(host, Role::Operator, None)).unwrap();
    assert_eq!(world.standing(Role::Operator, OPERATOR).endpoint, endpoint);
    assert_eq!(world.send(OPERATOR, 0, |host| stake::collect(host, Role::Operator)), Err(Error::NothingUnbonding));
    // Roles are apart.
    let other = world.send(OPERATOR, 0, |host| stake::unstake(host, Role::Verifier, 1));
    assert_eq!(other, Err(Error::StakeTooSmall { needed: 1, free: 0 }));
    let (mut world, id) = World::posted(4, |_| ());
    world.claim(id, OPERATOR).unwrap();
    let locked = world.send(OPERATOR, 0, |host| stake::unstake(host, Role::Operator, 100_000));
    assert_eq!(locked, Err(Error::StakeTooSmall { needed: 100_000, free: 99_999 }));
    let second = world.post(post_args(terms(CLIENT))).unwrap();
    for number in 0..4 {
        world.enlist(second, verifier(number)).unwrap();
    }
    assert_eq!(world.claim(second, OPERATOR), Err(Error::StakeTooSmall { needed: 500_001, free: 99_999 }));
    let third = world.post(post_args(terms(CLIENT))).unwrap();
    assert_eq!(world.enlist(third, verifier(0)), Err(Error::StakeTooSmall { needed: 10_000, free: 5_000 }));
}

#[test]
fn inputs_that_the_registry_does_not_know() {
    let mut world = World::new();
    let unknown = Hash([8; 32]);
    let mut args = post_args(terms(CLIENT));
    args.datasets = vec![unknown];
    assert_eq!(world.post(args), Err(Error::Registry(registry::Error::UnknownDataset(unknown))));
    let mut args = post_args(terms(CLIENT));
    args.model.parent = Some(unknown);
    assert_eq!(world.post(args), Err(Error::Registry(registry::Error::UnknownModel(unknown))));
}

#[test]
fn claims() {
    let (mut world, id) = World::posted(3, |_| ());
    let few = Error::TooFewVerifiers { needed: 4, enlisted: 3 };
    assert_eq!(world.claim(id, OPERATOR), Err(few));
    assert_eq!(world.enlist(id, verifier(0)), Err(Error::AlreadyEnlisted));
    assert_eq!(world.enlist(id, CLIENT), Err(Error::ConflictOfInterest));
    world.stake(Role::Verifier, verifier(3), 10_000);
    world.enlist(id, verifier(3)).unwrap();
    world.stake(Role::Operator, verifier(3), 600_000);
    assert_eq!(world.claim(id, verifier(3)), Err(Error::ConflictOfInterest));
    assert_eq!(world.claim(id, CLIENT), Err(Error::ConflictOfInterest));
    assert!(matches!(world.claim(id, STRANGER), Err(Error::StakeTooSmall { .. })));
    world.claim(id, OPERATOR).unwrap();
    assert_eq!(world.claim(id, RIVAL), Err(Error::WrongState(State::Claimed)));
    assert_eq!(world.claim(id, OPERATOR), Err(Error::WrongState(State::Claimed)));
    assert_eq!(world.enlist(id, OPERATOR), Err(Error::ConflictOfInterest));
    assert_eq!(world.send(CLIENT, 0, |host| post::cancel(host, id)), Err(Error::WrongState(State::Claimed)));

    let (mut world, id) = World::posted(4, |_| ());
    world.miss_deadline(id);
    let (deadline, now) = (world.job(id).deadline, world.host.memory.now);
    assert_eq!(world.claim(id, OPERATOR), Err(Error::DeadlinePassed { deadline, now }));
    assert_eq!(world.enlist(id, verifier(5)), Err(Error::DeadlinePassed { deadline, now }));
}

#[test]
fn commitments() {
    let (mut world, id) = World::posted(4, |_| ());
    assert_eq!(world.commit(id, OPERATOR, &[]), Err(Error::WrongState(State::Open)));
    world.claim(id, OPERATOR).unwrap();
    assert_eq!(world.commit(id, RIVAL, &[]), Err(Error::NotOperator));
    world.commit(id, OPERATOR, &[]).unwrap();
    // The same message again.
    assert_eq!(world.commit(id, OPERATOR, &[]), Err(Error::WrongState(State::Committed)));

    let (mut world, id) = World::posted(4, |_| ());
    world.claim(id, OPERATOR).unwrap();
    world.miss_deadline(id);
    let (deadline, now) = (world.job(id).deadline, world.host.memory.now);
    assert_eq!(world.commit(id, OPERATOR, &[]), Err(Error::DeadlinePassed { deadline, now }));
    assert_eq!(deadline + 1, now);
}

#[test]
fn secrets() {
    let (mut world, id) = World::posted(5, |_| ());
    assert_eq!(world.reveal(id, CLIENT), Err(Error::WrongState(State::Open)));
    world.claim(id, OPERATOR).unwrap();
    world.commit(id, OPERATOR, &[]).unwrap();
    for by in [CLIENT, verifier(0)] {
        let wrong = world.send(by, 0, |host| enlist::reveal_secret(host, id, Hash([1; 32])));
        assert_eq!(wrong, Err(Error::WrongSecret));
        world.reveal(id, by).unwrap();
        assert_eq!(world.reveal(id, by), Err(Error::AlreadyRevealed));
    }
    // Another's secret is not one's own.
    let stolen = world.send(verifier(1), 0, |host| enlist::reveal_secret(host, id, crate::common::secret(verifier(0))));
    assert_eq!(stolen, Err(Error::WrongSecret));
    assert_eq!(world.reveal(id, STRANGER), Err(Error::NotEnlisted));
    assert!(matches!(world.advance(id), Err(Error::TooEarly { .. })));
    world.miss_deadline(id);
    assert!(matches!(world.reveal(id, verifier(1)), Err(Error::DeadlinePassed { .. })));
}

#[test]
fn a_specification_is_known_by_its_hash() {
    let mut world = World::new();
    let mut args = post_args(terms(CLIENT));
    args.spec = vec![1; MAX_SPEC_BYTES];
    args.terms.spec = Native.sha256(&args.spec);
    world.post(args).unwrap();
}
