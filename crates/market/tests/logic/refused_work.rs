//! Errors of the work on a drawn job, with the condition that brings each.

use crate::common::work::{Cheat, Work};
use crate::common::{CLIENT, OPERATOR, REGISTRY, RIVAL, STRANGER, World, job_id, post_args, terms, verifier};
use assay_market::{check, panel};
use assay_protocol::commitment::{JobId, outcome_seal, seal};
use assay_protocol::hash::{Hash, Native};
use assay_protocol::market::{Check, Ends, Error, Opening, SlotTrace, State};

#[test]
fn openings() {
    let (mut world, id) = World::drawn(5, &[]);
    let (slots, work) = (world.slots(id), world.works[&id].clone());
    let send = |world: &mut World, opening| world.send(OPERATOR, 0, |host| check::open(host, id, opening));
    // The ends come with the first opening, once.
    assert_eq!(world.open(id, RIVAL), Err(Error::NotOperator));
    let without = Opening { ends: None, slots: vec![work.open(0, slots[0].segment)] };
    assert_eq!(send(&mut world, without), Err(Error::EndsMissing));
    let ends = |change: fn(&mut Ends, &Work)| {
        let mut ends = work.ends();
        change(&mut ends, &work);
        Opening { ends: Some(ends), slots: vec![] }
    };
    let first = ends(|ends, work| ends.first = work.opening(1));
    assert_eq!(send(&mut world, first), Err(Error::BadProof { boundary: 0 }));
    let last = ends(|ends, _| ends.last.state = Hash([1; 32]));
    assert_eq!(send(&mut world, last), Err(Error::BadProof { boundary: 8 }));
    let swapped = ends(|ends, _| std::mem::swap(&mut ends.first, &mut ends.last));
    assert_eq!(send(&mut world, swapped), Err(Error::BadProof { boundary: 0 }));
    assert!(world.view(id).ends.is_none());
    send(&mut world, ends(|_, _| ())).unwrap();
    assert_eq!(world.state(id), State::Drawn);
    assert_eq!(send(&mut world, ends(|_, _| ())), Err(Error::EndsOpen));

    let open = |world: &mut World, slots| world.open_these(id, OPERATOR, slots);
    assert_eq!(open(&mut world, vec![work.open(3, 0)]), Err(Error::UnknownSlot(3)));
    // A proof for another leaf, and the right leaves the wrong way round.
    let segment = slots[0].segment;
    let other = (segment + 1) % 8;
    assert_eq!(open(&mut world, vec![work.open(0, other)]), Err(Error::BadProof { boundary: segment }));
    let mut swapped = work.open(0, segment);
    std::mem::swap(&mut swapped.before, &mut swapped.after);
    assert_eq!(open(&mut world, vec![swapped]), Err(Error::BadProof { boundary: segment }));
    // Another state, another seal, in a leaf that was committed.
    let mut changed = work.open(0, segment);
    changed.after.state = Hash([1; 32]);
    assert_eq!(open(&mut world, vec![changed]), Err(Error::BadProof { boundary: segment + 1 }));
    let mut changed = work.open(0, segment);
    changed.after.seal = Hash([1; 32]);
    assert_eq!(open(&mut world, vec![changed]), Err(Error::BadProof { boundary: segment + 1 }));
    // Leaves of another commitment by the same operator.
    let fresh = Work::new(id, OPERATOR, Hash::default(), 8, &[Cheat::Skip(0)]);
    assert_eq!(open(&mut world, vec![fresh.open(0, segment)]), Err(Error::BadProof { boundary: segment }));
    // Twice in one message: nothing of it is kept.
    let twice = vec![work.open(0, segment), work.open(0, segment)];
    assert_eq!(open(&mut world, twice), Err(Error::WrongCheck(Check::Opened)));
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
    let report = world.send(slots[0].verifier, 0, |host| check::report_unavailable(host, id, 0, 5, 7));
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
    let garbage = seal(&Native, job_id(id), slots[0].segment, &found, &wrong);
    world.send(wrong, 0, |host| check::attest(host, id, 0, garbage)).unwrap();
    world.attest(id, 1).unwrap();
    world.attest(id, 2).unwrap();
    let insist = |world: &mut World, by, slot, trace| world.send(by, 0, |host| check::insist(host, id, slot, trace));
    assert_eq!(insist(&mut world, wrong, 0, found), Err(Error::WrongState(State::Attested)));
    world.reveal_traces(id, OPERATOR).unwrap();
    assert_eq!(insist(&mut world, STRANGER, 0, found), Err(Error::NotDrawn));
    assert_eq!(insist(&mut world, wrong, 3, found), Err(Error::UnknownSlot(3)));
    assert_eq!(insist(&mut world, wrong, 0, Hash::default()), Err(Error::WrongSeal));
    // The operator's trace root, which is public now, is not what was sealed.
    let public = world.slots(id)[0].trace.unwrap();
    assert_eq!(insist(&mut world, wrong, 0, public), Err(Error::WrongSeal));
    assert_eq!(insist(&mut world, slots[1].verifier, 1, found), Err(Error::NothingToDispute));
    insist(&mut world, wrong, 0, found).unwrap();
    assert_eq!(insist(&mut world, wrong, 0, found), Err(Error::DisputeOpen));

    let outcome = world.outcome(id);
    let member = world.panellists(id)[0];
    // A seal made for another account.
    let stolen = outcome_seal(&Native, job_id(id), world.disputed_segment(id), &outcome, &world.panellists(id)[1]);
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
    let opening = Opening { ends: Some(work.ends()), slots: vec![work.open(0, slot.segment)] };
    let opened = world.send(RIVAL, 0, |host| check::open(host, new, opening));
    assert!(matches!(opened, Err(Error::BadProof { .. })));
    world.open(new, RIVAL).unwrap();
    // The right trace root, sealed for the old job or the same job of another
    // market, is a worthless seal in the new one.
    let elsewhere = JobId { market: REGISTRY, ..job_id(new) };
    for (number, slot) in (0u8..).zip(world.slots(new)) {
        let trace = world.works[&new].traces[slot.segment as usize];
        let sealed =
            seal(&Native, [job_id(old), elsewhere][usize::from(number % 2)], slot.segment, &trace, &slot.verifier);
        world.send(slot.verifier, 0, |host| check::attest(host, new, number, sealed)).unwrap();
    }
    world.reveal_traces(new, RIVAL).unwrap();
    assert!(world.slots(new).iter().all(|slot| slot.check == Check::Mismatched));
}
