//! Royalties, contributions, and whose a model is.

use crate::common::work::Cheat;
use crate::common::{CLIENT, DATASET, OPERATOR, RIVAL, STRANGER, World, post_args, terms, verifier};
use assay_market::{post, reads};
use assay_protocol::Address;
use assay_protocol::hash::Hash;
use assay_protocol::market::{Error, Event, Paid, PostJob, Reason, State, TermsError};
use assay_protocol::registry::{self, Node, Royalty};

const OWNER: Address = Address([0x0d; 20]);
const PARENT_OWNER: Address = Address([0x0e; 20]);
const PARENT: Node = Node::Model(Hash([6; 32]));

fn royalty(node: Node, to: Address, share_bp: u16) -> Royalty {
    Royalty { node, to, share_bp }
}

/// An honest job with these royalties, in its window.
fn window_with(royalties: Vec<Royalty>) -> (World, u64) {
    let (mut world, _) = World::posted(5, |_| ());
    world.host.royalties = royalties;
    let id = world.post(post_args(terms(CLIENT))).unwrap();
    world.host.royalties.clear();
    for number in 0..5 {
        world.enlist(id, verifier(number)).unwrap();
    }
    world.draw(id, 5, &[]);
    world.open(id, OPERATOR).unwrap();
    for number in 0..3 {
        world.attest(id, number).unwrap();
    }
    world.reveal_traces(id, OPERATOR).unwrap();
    (world, id)
}

#[test]
fn owners_of_inputs_get_what_was_agreed_at_posting() {
    let royalties = vec![royalty(Node::Dataset(DATASET), OWNER, 333), royalty(PARENT, PARENT_OWNER, 1)];
    let (mut world, id) = window_with(royalties.clone());
    // The registry says something else by now; the job's terms stay.
    assert_eq!(world.view(id).royalties, royalties);
    let before = reads::contributions(&world.host, id).unwrap();
    assert_eq!(before.data.iter().map(|part| part.paid).sum::<u128>(), 0);
    world.wait(id);
    assert_eq!(world.credit(OWNER), 33_300);
    assert_eq!(world.credit(PARENT_OWNER), 100);
    assert_eq!(world.credit(OPERATOR), 1_000_000 - 33_400);

    let parts = reads::contributions(&world.host, id).unwrap();
    let data: Vec<_> = parts.data.iter().map(|part| (part.node, part.owner, part.share_bp, part.paid)).collect();
    assert_eq!(data, [(Node::Dataset(DATASET), OWNER, 333, 33_300), (PARENT, PARENT_OWNER, 1, 100)]);
    let compute = parts.compute.as_ref().unwrap();
    assert_eq!((compute.operator, compute.paid), (OPERATOR, 966_600));
    assert_eq!(parts.verification.iter().map(|part| part.segments).sum::<u32>(), 3);
    for part in &parts.verification {
        assert_eq!((part.paid, part.seats), (33_334 * u128::from(part.segments), 0));
    }
    assert_eq!((parts.refund, parts.burned, parts.bonds, parts.challengers), (1, 0, 0, 0));
    assert_eq!(parts.total(), 1_100_003);
    assert!(reads::contributions(&world.host, 99).is_none());
    // Sums are kept: however long the list of payments is, it is not read.
    let list = world.host.memory.storage.clone();
    world.host.memory.storage.retain(|key, _| key[0] != b'g');
    assert_eq!(reads::contributions(&world.host, id), Some(parts));
    world.host.memory.storage = list;

    let page = reads::payments(&world.host, id, 0, 50);
    let first = Paid { account: OWNER, reason: Reason::Royalty, amount: 33_300, node: Some(Node::Dataset(DATASET)) };
    assert_eq!((page.total, &page.items[0]), (7, &first));
    assert_eq!(reads::payments(&world.host, id, 6, 50).items, page.items[6..]);
    assert_eq!(reads::payments(&world.host, id, u32::MAX, 50).items, []);
    assert_eq!(reads::payments(&world.host, 99, 0, 50).total, 0);
    world.wait(0);
    world.empty();
}

#[test]
fn royalties_may_take_all_but_not_more() {
    let all = vec![royalty(Node::Dataset(DATASET), OWNER, 9_999), royalty(PARENT, PARENT_OWNER, 1)];
    let (mut world, id) = window_with(all.clone());
    world.wait(id);
    assert_eq!((world.credit(OWNER), world.credit(PARENT_OWNER), world.credit(OPERATOR)), (999_900, 100, 0));
    assert_eq!(reads::contributions(&world.host, id).unwrap().compute.unwrap().paid, 0);
    world.host.royalties = vec![all[0], royalty(PARENT, PARENT_OWNER, 2)];
    assert_eq!(world.post(post_args(terms(CLIENT))), Err(Error::BadTerms(TermsError::Royalties)));
    world.wait(0);
    world.empty();
}

#[test]
fn owners_that_raise_their_royalties_before_the_job_is_posted_are_refused() {
    let mut world = World::new();
    world.host.royalties = vec![royalty(Node::Dataset(DATASET), OWNER, 200), royalty(PARENT, PARENT_OWNER, 50)];
    let agreed = |most_royalties_bp| PostJob { most_royalties_bp, ..post_args(terms(CLIENT)) };
    assert_eq!(world.post(agreed(249)), Err(Error::RoyaltiesRaised { asked_bp: 250, most_bp: 249 }));
    assert_eq!(world.post(agreed(0)), Err(Error::RoyaltiesRaised { asked_bp: 250, most_bp: 0 }));
    let id = world.post(agreed(250)).unwrap();
    world.host.royalties.clear();
    world.post(agreed(0)).unwrap();
    for id in [id, id + 1] {
        world.wait(id);
    }
    world.empty();
}

#[test]
fn a_share_of_one_unit_is_rounded_down() {
    let mut world = World::new();
    world.host.royalties = vec![royalty(Node::Dataset(DATASET), OWNER, 9_999)];
    let mut args = post_args(terms(CLIENT));
    args.terms.payment = 1;
    let id = world.send(CLIENT, 100_004, |host| post::post_job(host, args)).unwrap();
    for number in 0..4 {
        world.stake(assay_protocol::market::Role::Verifier, verifier(number), 10_000);
        world.enlist(id, verifier(number)).unwrap();
    }
    world.stake(assay_protocol::market::Role::Operator, OPERATOR, 500_001);
    world.draw(id, 4, &[]);
    world.open(id, OPERATOR).unwrap();
    for number in 0..3 {
        world.attest(id, number).unwrap();
    }
    world.reveal_traces(id, OPERATOR).unwrap();
    world.wait(id);
    assert_eq!((world.credit(OWNER), world.credit(OPERATOR)), (0, 1));
    world.empty();
}

#[test]
fn no_royalty_is_owed_by_a_job_that_fails() {
    let (mut world, id) = window_with(vec![royalty(Node::Dataset(DATASET), OWNER, 5_000)]);
    world.demand(id, RIVAL, assay_protocol::market::Wanted::Boundary { index: 0 }).unwrap();
    world.miss_deadline(id);
    world.advance(id).unwrap();
    assert_eq!((world.state(id), world.credit(OWNER)), (State::Failed, 0));
    assert_eq!(reads::contributions(&world.host, id).unwrap().data[0].paid, 0);
    world.wait(0);
    world.empty();
}

#[test]
fn inputs_that_are_not_for_this_client() {
    let mut world = World::new();
    world.host.closed.insert(DATASET);
    let refused = world.post(post_args(terms(CLIENT)));
    assert_eq!(refused, Err(Error::Registry(registry::Error::NoGrant(DATASET))));
}

/// A second job with the same specification, posted by `client` and done by [`RIVAL`], up to its draw.
fn second_job(world: &mut World, client: Address) -> u64 {
    let second = world.post_by(client, post_args(terms(client))).unwrap();
    for number in 0..5 {
        world.enlist(second, verifier(number)).unwrap();
    }
    world.claim(second, RIVAL).unwrap();
    world.commit(second, RIVAL, &[]).unwrap();
    for by in (0..5).map(verifier).chain([client]) {
        world.reveal(second, by).unwrap();
    }
    world.tick(1);
    world.advance(second).unwrap();
    second
}

fn finish(world: &mut World, id: u64, by: Address) {
    for number in 0..3 {
        world.attest(id, number).unwrap();
    }
    world.reveal_traces(id, by).unwrap();
    world.wait(id);
}

#[test]
fn nothing_of_a_commitment_shows_before_the_draw() {
    let (mut world, id) = World::committed(5, &[]);
    assert!(world.view(id).ends.is_none());
    for by in (0..5).map(verifier).chain([CLIENT]) {
        world.reveal(id, by).unwrap();
    }
    world.tick(1);
    world.advance(id).unwrap();
    assert!(world.view(id).ends.is_none());
    world.open_these(id, OPERATOR, vec![]).unwrap();
    let opened = world.host.last_events().iter().find_map(|event| match event {
        Event::EndsOpened { job, model } => Some((*job, *model)),
        _ => None,
    });
    let final_state = world.view(id).ends.unwrap().final_state;
    let model =
        assay_protocol::commitment::model_id(&assay_protocol::hash::Native, &CLIENT, &Hash([7; 32]), &final_state);
    assert_eq!(opened, Some((id, model)));
}

#[test]
fn a_model_that_another_job_of_the_client_made_is_known() {
    // The second job opens the same ends later, and is final first.
    let (mut world, id) = World::window(5, &[]);
    let second = second_job(&mut world, CLIENT);
    world.open(second, RIVAL).unwrap();
    assert_eq!(world.register(second), Err(Error::WrongState(State::Opened)));
    finish(&mut world, second, RIVAL);
    let model = world.view(second).model_id.unwrap();
    let last = |world: &World| world.host.last_events().last().unwrap().clone();
    assert_eq!(last(&world), Event::ModelRegistered { job: second, model, known: false });
    assert_eq!(world.register(second), Err(Error::NothingToRegister));

    world.advance(id).unwrap();
    assert_eq!(last(&world), Event::ModelRegistered { job: id, model, known: true });
    assert_eq!(world.view(id).model_id, Some(model));
    assert_eq!(world.host.models.iter().map(|model| model.job).collect::<Vec<_>>(), [second]);
    world.empty();
}

#[test]
fn whoever_knows_a_final_state_cannot_take_anothers_model() {
    // A job of another client ends in the same state, and is final first.
    let (mut world, id) = World::window(5, &[]);
    let second = second_job(&mut world, STRANGER);
    world.open(second, RIVAL).unwrap();
    finish(&mut world, second, RIVAL);
    world.advance(id).unwrap();
    let [first, other] = [id, second].map(|job| world.view(job));
    assert_eq!(first.ends, other.ends);
    assert_ne!(first.model_id.unwrap(), other.model_id.unwrap());
    let registered: Vec<_> = world.host.models.iter().map(|model| (model.job, model.owner)).collect();
    assert_eq!(registered, [(second, STRANGER), (id, CLIENT)]);
    world.empty();
}

#[test]
fn other_final_states_are_other_models() {
    let (mut world, id) = World::window(5, &[Cheat::FalseState(7)]);
    let second = second_job(&mut world, CLIENT);
    world.open(second, RIVAL).unwrap();
    finish(&mut world, second, RIVAL);
    assert_eq!(world.host.models.len(), 1);
    assert_ne!(world.view(id).ends, world.view(second).ends);
}
