//! Every error, with the condition that brings it. A refused message leaves no
//! trace and keeps no money: `World::send` checks the books after each.

mod common;

use assay_market::{advance, check, enlist, panel, post, stake, train};
use assay_protocol::commitment::{Outcome, outcome_seal, seal};
use assay_protocol::hash::{Hash, Native, Sha256};
use assay_protocol::market::{
    Check, Error, MAX_ENDPOINT_BYTES, MAX_PANEL, MAX_SAMPLES, MAX_SEGMENTS, MAX_SPEC_BYTES, MAX_WINDOW_SECONDS,
    PostJob, Role, SlotTrace, State, TermsError,
};
use assay_protocol::registry;
use common::work::{Cheat, Work};
use common::{CLIENT, OPERATOR, RIVAL, STRANGER, World, post_args, terms, verifier};

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
        (Window, |args| args.terms.windows.train = MAX_WINDOW_SECONDS + 1),
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
    ];
    let mut world = World::new();
    for (error, change) in cases {
        let mut args = post_args(terms(CLIENT));
        change(&mut args);
        assert_eq!(world.post(args), Err(Error::BadTerms(error)));
    }
    assert!(world.host.memory.storage.is_empty());
    // At the limits.
    let mut args = post_args(terms(CLIENT));
    args.terms.segments = MAX_SEGMENTS;
    args.terms.samples = MAX_SAMPLES;
    args.terms.panel = MAX_PANEL;
    args.terms.windows.claim = MAX_WINDOW_SECONDS;
    world.post(args).unwrap();
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

#[test]
fn messages_that_take_no_value() {
    let (mut world, id) = World::posted(4, |_| ());
    let hash = Hash::default();
    let commit = Work::new(id, OPERATOR, hash, 8, &[]).commit();
    let sent: Vec<Result<(), Error>> = vec![
        world.send(CLIENT, 1, |host| post::cancel(host, id)),
        world.send(CLIENT, 1, |host| advance::advance(host, id)),
        world.send(verifier(0), 1, |host| enlist::enlist(host, id, hash)),
        world.send(verifier(0), 1, |host| enlist::reveal_secret(host, id, hash)),
        world.send(verifier(0), 1, |host| enlist::release(host, id)),
        world.send(OPERATOR, 1, |host| train::claim(host, id)),
        world.send(OPERATOR, 1, |host| train::commit(host, id, commit)),
        world.send(OPERATOR, 1, |host| check::open(host, id, vec![])),
        world.send(verifier(0), 1, |host| check::attest(host, id, 0, hash)),
        world.send(verifier(0), 1, |host| check::report_unavailable(host, id, 0)),
        world.send(OPERATOR, 1, |host| check::reveal_traces(host, id, vec![])),
        world.send(verifier(0), 1, |host| check::insist(host, id, 0, None)),
        world.send(verifier(0), 1, |host| panel::panel_seal(host, id, hash)),
        world.send(verifier(0), 1, |host| panel::panel_reveal(host, id, Outcome::Unavailable)),
        world.send(OPERATOR, 1, |host| stake::unstake(host, Role::Operator, 1)),
        world.send(OPERATOR, 1, |host| stake::withdraw(host).map(drop)),
        world.send(OPERATOR, 1, |host| stake::withdraw_burned(host).map(drop)),
    ];
    assert!(sent.iter().all(|sent| *sent == Err(Error::ValueNotWanted)), "{sent:?}");
}

#[test]
fn an_unknown_job() {
    let mut world = World::new();
    let hash = Hash::default();
    let commit = Work::new(7, OPERATOR, hash, 8, &[]).commit();
    let sent: Vec<Result<(), Error>> = vec![
        world.send(CLIENT, 0, |host| post::cancel(host, 7)),
        world.send(CLIENT, 0, |host| advance::advance(host, 7)),
        world.send(verifier(0), 0, |host| enlist::enlist(host, 7, hash)),
        world.send(verifier(0), 0, |host| enlist::reveal_secret(host, 7, hash)),
        world.send(verifier(0), 0, |host| enlist::release(host, 7)),
        world.send(OPERATOR, 0, |host| train::claim(host, 7)),
        world.send(OPERATOR, 0, |host| train::commit(host, 7, commit)),
        world.send(OPERATOR, 0, |host| check::open(host, 7, vec![])),
        world.send(verifier(0), 0, |host| check::attest(host, 7, 0, hash)),
        world.send(verifier(0), 0, |host| check::report_unavailable(host, 7, 0)),
        world.send(OPERATOR, 0, |host| check::reveal_traces(host, 7, vec![])),
        world.send(verifier(0), 0, |host| check::insist(host, 7, 0, None)),
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
    let spec = world.view(id).terms.spec;
    let work = Work::new(id, OPERATOR, spec, 8, &[]);
    let mut args = work.commit();
    args.first = work.opening(1);
    assert_eq!(world.send(OPERATOR, 0, |host| train::commit(host, id, args)), Err(Error::BadProof { boundary: 0 }));
    let mut args = work.commit();
    args.last.state = Hash([1; 32]);
    assert_eq!(world.send(OPERATOR, 0, |host| train::commit(host, id, args)), Err(Error::BadProof { boundary: 8 }));
    // A commitment to another number of segments.
    let args = Work::new(id, OPERATOR, spec, 9, &[]).commit();
    assert!(matches!(world.send(OPERATOR, 0, |host| train::commit(host, id, args)), Err(Error::BadProof { .. })));
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
    let stolen = world.send(verifier(1), 0, |host| enlist::reveal_secret(host, id, common::secret(verifier(0))));
    assert_eq!(stolen, Err(Error::WrongSecret));
    assert_eq!(world.reveal(id, STRANGER), Err(Error::NotEnlisted));
    assert!(matches!(world.advance(id), Err(Error::TooEarly { .. })));
    world.miss_deadline(id);
    assert!(matches!(world.reveal(id, verifier(1)), Err(Error::DeadlinePassed { .. })));
}

#[test]
fn openings() {
    let (mut world, id) = World::drawn(5, &[]);
    let (slots, work) = (world.slots(id), world.works[&id].clone());
    let open = |world: &mut World, by, openings: Vec<_>| world.send(by, 0, |host| check::open(host, id, openings));
    assert_eq!(world.open(id, RIVAL), Err(Error::NotOperator));
    assert_eq!(open(&mut world, OPERATOR, vec![work.open(3, 0)]), Err(Error::UnknownSlot(3)));
    // A proof for another leaf, and the right leaves the wrong way round.
    let segment = slots[0].segment;
    let other = (segment + 1) % 8;
    assert_eq!(open(&mut world, OPERATOR, vec![work.open(0, other)]), Err(Error::BadProof { boundary: segment }));
    let mut swapped = work.open(0, segment);
    std::mem::swap(&mut swapped.before, &mut swapped.after);
    assert_eq!(open(&mut world, OPERATOR, vec![swapped]), Err(Error::BadProof { boundary: segment }));
    // Another state, another seal, in a leaf that was committed.
    let mut changed = work.open(0, segment);
    changed.after.state = Hash([1; 32]);
    assert_eq!(open(&mut world, OPERATOR, vec![changed]), Err(Error::BadProof { boundary: segment + 1 }));
    let mut changed = work.open(0, segment);
    changed.after.seal = Hash([1; 32]);
    assert_eq!(open(&mut world, OPERATOR, vec![changed]), Err(Error::BadProof { boundary: segment + 1 }));
    // Leaves of another commitment by the same operator.
    let fresh = Work::new(id, OPERATOR, Hash::default(), 8, &[Cheat::Skip(0)]);
    assert_eq!(open(&mut world, OPERATOR, vec![fresh.open(0, segment)]), Err(Error::BadProof { boundary: segment }));
    // Twice in one message: nothing of it is kept.
    let twice = vec![work.open(0, segment), work.open(0, segment)];
    assert_eq!(open(&mut world, OPERATOR, twice), Err(Error::WrongCheck(Check::Opened)));
    assert_eq!(world.slots(id)[0].check, Check::Drawn);
    world.open(id, OPERATOR).unwrap();
    assert_eq!(world.open(id, OPERATOR), Err(Error::WrongState(State::Opened)));
}

#[test]
fn attestations() {
    let (mut world, id) = World::opened(5, &[]);
    let (slots, hash) = (world.slots(id), Hash([1; 32]));
    let attest = |world: &mut World, by, slot| world.send(by, 0, |host| check::attest(host, id, slot, hash));
    assert_eq!(attest(&mut world, STRANGER, 0), Err(Error::NotDrawn));
    assert_eq!(attest(&mut world, OPERATOR, 0), Err(Error::NotDrawn));
    assert_eq!(attest(&mut world, slots[0].verifier, 3), Err(Error::UnknownSlot(3)));
    world.attest(id, 0).unwrap();
    assert_eq!(attest(&mut world, slots[0].verifier, 0), Err(Error::WrongCheck(Check::Sealed)));
    let report = world.send(slots[0].verifier, 0, |host| check::report_unavailable(host, id, 0));
    assert_eq!(report, Err(Error::WrongCheck(Check::Sealed)));
    let early = world.send(OPERATOR, 0, |host| check::reveal_traces(host, id, vec![]));
    assert_eq!(early, Err(Error::WrongState(State::Opened)));
}

#[test]
fn a_trace_of_zero_is_no_trace() {
    let (mut world, id) = World::attested(5, &[Cheat::NoTraces]);
    assert_eq!(world.reveal_traces(id, OPERATOR), Err(Error::WrongTrace { slot: 0 }));
    world.wait(id);
    assert_eq!(world.state(id), State::Failed);
}

#[test]
fn traces() {
    let (mut world, id) = World::attested(5, &[]);
    let traces = world.traces(id);
    let reveal = |world: &mut World, by, traces: Vec<SlotTrace>| {
        world.send(by, 0, |host| check::reveal_traces(host, id, traces))
    };
    assert_eq!(reveal(&mut world, STRANGER, traces.clone()), Err(Error::NotOperator));
    assert_eq!(reveal(&mut world, OPERATOR, traces[1..].to_vec()), Err(Error::IncompleteTraces));
    let twice = vec![traces[0].clone(), traces[0].clone(), traces[1].clone()];
    assert_eq!(reveal(&mut world, OPERATOR, twice), Err(Error::IncompleteTraces));
    let mut unknown = traces.clone();
    unknown[2].slot = 3;
    assert_eq!(reveal(&mut world, OPERATOR, unknown), Err(Error::UnknownSlot(3)));
    let mut wrong = traces.clone();
    wrong[1].trace = Hash([1; 32]);
    assert_eq!(reveal(&mut world, OPERATOR, wrong), Err(Error::WrongTrace { slot: 1 }));
    assert!(world.slots(id).iter().all(|slot| slot.check == Check::Sealed));
    reveal(&mut world, OPERATOR, traces.clone()).unwrap();
    assert_eq!(reveal(&mut world, OPERATOR, traces), Err(Error::WrongState(State::Window)));
}

#[test]
fn disputes() {
    let (mut world, id) = World::opened(6, &[]);
    let slots = world.slots(id);
    let (wrong, found) = (slots[0].verifier, Hash([9; 32]));
    let garbage = seal(&Native, id, slots[0].segment, &found, &wrong);
    world.send(wrong, 0, |host| check::attest(host, id, 0, garbage)).unwrap();
    world.attest(id, 1).unwrap();
    world.attest(id, 2).unwrap();
    let insist = |world: &mut World, by, slot, trace| world.send(by, 0, |host| check::insist(host, id, slot, trace));
    assert_eq!(insist(&mut world, wrong, 0, Some(found)), Err(Error::WrongState(State::Attested)));
    world.reveal_traces(id, OPERATOR).unwrap();
    assert_eq!(insist(&mut world, STRANGER, 0, Some(found)), Err(Error::NotDrawn));
    assert_eq!(insist(&mut world, wrong, 3, Some(found)), Err(Error::UnknownSlot(3)));
    assert_eq!(insist(&mut world, wrong, 0, Some(Hash::default())), Err(Error::WrongSeal));
    // The operator's trace root, which is public now, is not what was sealed.
    let public = world.slots(id)[0].trace;
    assert_eq!(insist(&mut world, wrong, 0, public), Err(Error::WrongSeal));
    assert_eq!(insist(&mut world, wrong, 0, None), Err(Error::NothingToDispute));
    assert_eq!(insist(&mut world, slots[1].verifier, 1, Some(found)), Err(Error::NothingToDispute));
    insist(&mut world, wrong, 0, Some(found)).unwrap();
    assert_eq!(insist(&mut world, wrong, 0, Some(found)), Err(Error::DisputeOpen));

    let outcome = world.outcome(id);
    let member = world.panellists(id)[0];
    // A seal made for another account.
    let stolen = outcome_seal(&Native, id, world.disputed_segment(id), &outcome, &world.panellists(id)[1]);
    world.send(member, 0, |host| panel::panel_seal(host, id, stolen)).unwrap();
    for by in &world.panellists(id)[1..] {
        world.panel_seal(id, *by, outcome).unwrap();
    }
    assert_eq!(world.panel_reveal(id, member, outcome), Err(Error::WrongSeal));
    world.miss_deadline(id);
    assert!(matches!(world.panel_reveal(id, member, outcome), Err(Error::DeadlinePassed { .. })));
}

#[test]
fn messages_of_an_old_job_do_not_pass_in_a_new_one() {
    let (mut world, old) = World::attested(5, &[]);
    let new = world.post(post_args(terms(CLIENT))).unwrap();
    for number in 0..5 {
        world.enlist(new, verifier(number)).unwrap();
    }
    world.claim(new, RIVAL).unwrap();
    world.commit(new, RIVAL, &[]).unwrap();
    for by in (0..5).map(verifier).chain([CLIENT]) {
        world.reveal(new, by).unwrap();
    }
    world.tick(1);
    world.advance(new).unwrap();
    let (slot, work) = (world.slots(new)[0].clone(), world.works[&old].clone());
    let openings = vec![work.open(0, slot.segment)];
    let opened = world.send(RIVAL, 0, |host| check::open(host, new, openings));
    assert!(matches!(opened, Err(Error::BadProof { .. })));
    world.open(new, RIVAL).unwrap();
    // The right trace root, sealed for the old job, is a worthless seal in the new one.
    for (number, slot) in (0u8..).zip(world.slots(new)) {
        let trace = world.works[&new].traces[slot.segment as usize];
        let sealed = seal(&Native, old, slot.segment, &trace, &slot.verifier);
        world.send(slot.verifier, 0, |host| check::attest(host, new, number, sealed)).unwrap();
    }
    world.reveal_traces(new, RIVAL).unwrap();
    assert!(world.slots(new).iter().all(|slot| slot.check == Check::Mismatched));
}

#[test]
fn a_specification_is_known_by_its_hash() {
    let mut world = World::new();
    let mut args = post_args(terms(CLIENT));
    args.spec = vec![1; MAX_SPEC_BYTES];
    args.terms.spec = Native.sha256(&args.spec);
    world.post(args).unwrap();
}
