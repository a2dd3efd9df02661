//! A registry that carries on another one, and the titles that move.

use crate::common::*;
use assay_protocol::{
    Hash,
    hash::Native,
    registry::{DatasetTerms, Error, Event, Import, Node, Predecessor, Royalty},
    titles::{self, Answer, Call, Error as TitlesError},
};
use assay_registry::{owners, reads};

/// Datasets 1 and 2 (derived from 1), models 1 and 2 (from model 1) in the old registry.
fn with_records() -> Chain {
    let chain = succeeded();
    let registry = chain.registry();
    let mut base = digits(hash(1), &[]);
    base.terms = for_sale(1_000, 2_500);
    registry.register(ALICE, base).unwrap();
    let mut derived = digits(hash(2), &[hash(1)]);
    derived.terms = for_sale(100, 0);
    registry.register(BOB, derived).unwrap();
    let mut first = classifier(&[hash(1)], None, 1);
    first.royalty_bp = 700;
    registry.register_model(first).unwrap();
    registry.register_model(classifier(&[hash(2), hash(1)], Some(classifier_id(1)), 2)).unwrap();
    chain
}

#[test]
fn records_are_copied_as_they_are() {
    let chain = with_records();
    let (old, new) = (chain.registry(), chain.successor());
    old.say(CAROL, Node::Model(classifier_id(1)), "good").unwrap();
    assert_eq!(new.read(reads::predecessor), Some(Predecessor { registry: REGISTRY, titles: TITLES }));
    chain.set_now(chain.now() + 1_000);
    assert_eq!(new.import_dataset(hash(2)), Err(Error::ImportFirst(Node::Dataset(hash(1)))));
    assert_eq!(new.import_model(classifier_id(1)), Err(Error::ImportFirst(Node::Dataset(hash(1)))));
    new.import_dataset(hash(1)).unwrap();
    assert_eq!(chain.last_event(), Some(Event::Imported { node: Node::Dataset(hash(1)) }));
    new.import_dataset(hash(2)).unwrap();
    assert_eq!(new.import_model(classifier_id(2)), Err(Error::ImportFirst(Node::Model(classifier_id(1)))));
    new.import_model(classifier_id(1)).unwrap();
    new.import_model(classifier_id(2)).unwrap();
    for id in [1, 2] {
        let read = |registry: &Registry<'_>| registry.read(|frame| reads::dataset(frame, hash(id)));
        assert_eq!(read(&new), read(&old));
        let read = |registry: &Registry<'_>| registry.read(|frame| reads::model(frame, classifier_id(id.into())));
        assert_eq!(read(&new), read(&old));
        assert!(
            read(&new).is_some_and(|record| record.registered_at == chain.now() - 1_000 && record.market == MARKET)
        );
    }
    let nodes = [1, 2].map(|id| Node::Dataset(hash(id))).into_iter();
    for node in nodes.chain([1, 2].map(|job| Node::Model(classifier_id(job)))) {
        let read = |registry: &Registry<'_>| {
            registry.read(|frame| {
                let edges = (reads::made_from(frame, node, 0, 50), reads::made_into(frame, node, 0, 50));
                (reads::locations(frame, node), edges.0, edges.1)
            })
        };
        assert_eq!(read(&new), read(&old), "{node}");
        let statements = u32::from(node == Node::Model(classifier_id(1)));
        let import = Import { from: REGISTRY, statements, at: chain.now(), block: 7 };
        assert_eq!(new.read(|frame| reads::imported(frame, node)), Some(import));
        assert_eq!(old.read(|frame| reads::imported(frame, node)), None);
    }
    let terms = for_sale(1_000, 2_500);
    assert_eq!(new.read(|frame| reads::terms(frame, terms.hash(&Native))), Some(terms));
    assert_eq!(
        new.read(|frame| (reads::datasets(frame, 0, 50).items, reads::models(frame, 0, 50).items)),
        (vec![hash(1), hash(2)], vec![classifier_id(1), classifier_id(2)])
    );

    assert_eq!(new.import_dataset(hash(1)), Err(Error::AlreadyRegistered));
    assert_eq!(new.import_model(classifier_id(1)), Err(Error::AlreadyRegistered));
    assert_eq!(new.import_dataset(hash(9)), Err(Error::NothingToImport));
    assert_eq!(new.import_model(hash(9)), Err(Error::NothingToImport));
    for result in [old.import_dataset(hash(1)), old.import_model(hash(1)), old.import_grant(hash(1), BOB)] {
        assert_eq!(result, Err(Error::NoPredecessor));
    }
}

/// The shares that were agreed to in the old registry hold in the new one.
#[test]
fn an_imported_dataset_is_sold_on_the_old_shares() {
    let chain = with_records();
    let new = chain.successor();
    chain.registry().set_terms(ALICE, hash(1), for_sale(1_000, 9_999)).unwrap();
    new.import_dataset(hash(1)).unwrap();
    new.import_dataset(hash(2)).unwrap();
    new.buy_as_is(CAROL, hash(2)).unwrap();
    assert_eq!((new.credit(ALICE), new.credit(BOB), chain.balance(REGISTRY_2)), (25, 75, 100));
}

/// Nobody takes the records of others by registering them anew in the successor.
#[test]
fn ids_of_the_predecessor_are_taken() {
    let chain = with_records();
    let new = chain.successor();
    assert_eq!(new.register(CAROL, digits(hash(1), &[])), Err(Error::InPredecessor));
    new.register(CAROL, digits(hash(5), &[])).unwrap();
    assert_eq!(new.register_model(classifier(&[hash(5)], None, 1)), Err(Error::InPredecessor));
    new.import_dataset(hash(1)).unwrap();
    new.import_model(classifier_id(1)).unwrap();
    assert_eq!(new.register_model(classifier(&[hash(5)], None, 1)), Err(Error::AlreadyRegistered));
    assert_eq!(new.register_model(classifier(&[hash(5)], Some(classifier_id(1)), 3)), Ok(classifier_id(3)));
    // Nor in a successor's successor.
    let (titles, third) = (Hash([0xf3; 32]), Hash([0xe3; 32]));
    let [titles, third] = [titles, third].map(|hash| assay_protocol::Address(hash.0[..20].try_into().unwrap()));
    chain.deploy(titles, third, Some(REGISTRY_2));
    let third = Registry { chain: &chain, at: third };
    assert_eq!(third.register(CAROL, digits(hash(2), &[])), Err(Error::InPredecessor), "two registries back");
    assert_eq!(third.register(CAROL, digits(hash(5), &[])), Err(Error::InPredecessor));
    assert_eq!(third.register(CAROL, digits(hash(6), &[])), Ok(()));
}

#[test]
fn access_that_was_paid_for_is_carried_over() {
    let chain = with_records();
    let (old, new) = (chain.registry(), chain.successor());
    let now = chain.now();
    old.buy_as_is(CAROL, hash(1)).unwrap();
    assert_eq!(new.import_grant(hash(1), CAROL), Err(Error::UnknownDataset(hash(1))));
    // In the second of the import it is already for the owner here to say.
    new.import_dataset(hash(1)).unwrap();
    assert_eq!(new.import_grant(hash(1), CAROL), Err(Error::NothingToImport));

    let chain = with_records();
    let (old, new) = (chain.registry(), chain.successor());
    old.buy_as_is(CAROL, hash(1)).unwrap();
    chain.set_now(now + 1);
    new.import_dataset(hash(1)).unwrap();
    assert_eq!(new.check(CAROL, &[hash(1)], None), Err(Error::NoGrant(hash(1))));
    new.buy_as_is(CAROL, hash(1)).unwrap();
    let later = new.read(|frame| reads::grant(frame, hash(1), CAROL)).unwrap();
    assert_eq!(new.import_grant(hash(1), CAROL), Err(Error::NothingToImport), "what is here is better");
    assert_eq!(later.until, now + 3601);

    // Under terms that the old registry knows and the new one does not.
    let chain = with_records();
    let (old, new) = (chain.registry(), chain.successor());
    let long = DatasetTerms { access_seconds: 1 << 20, ..for_sale(7, 0) };
    old.set_terms(ALICE, hash(1), long.clone()).unwrap();
    old.buy_as_is(CAROL, hash(1)).unwrap();
    old.grant(ALICE, hash(1), BOB, u64::MAX, hash(0x7e)).unwrap();
    old.set_terms(ALICE, hash(1), for_sale(1_000, 0)).unwrap();
    chain.set_now(now + 1);
    new.import_dataset(hash(1)).unwrap();
    new.buy_as_is(CAROL, hash(1)).unwrap();
    // Not while access under other terms holds here, to its last second.
    assert_eq!(new.import_grant(hash(1), CAROL), Err(Error::NothingToImport));
    chain.set_now(now + 3_601);
    assert_eq!(new.import_grant(hash(1), CAROL), Err(Error::NothingToImport));
    chain.set_now(now + 3_602);
    new.import_grant(hash(1), CAROL).unwrap();
    let grant = new.read(|frame| reads::grant(frame, hash(1), CAROL)).unwrap();
    assert_eq!((grant.until, grant.paid, grant.terms), (now + (1 << 20), 1_007, long.hash(&Native)));
    assert_eq!(new.read(|frame| reads::terms(frame, long.hash(&Native))), Some(long));
    new.import_grant(hash(1), BOB).unwrap();
    assert_eq!(new.check(BOB, &[hash(1)], None).map(|royalties| royalties.len()), Ok(0));
    assert_eq!(new.import_grant(hash(1), BOB), Err(Error::NothingToImport), "once");
    assert_eq!(new.import_grant(hash(1), OPERATOR), Err(Error::NothingToImport));
    // What the old owner grants there afterwards does not count here.
    old.grant(ALICE, hash(1), OPERATOR, u64::MAX, hash(0x7e)).unwrap();
    assert_eq!(new.import_grant(hash(1), OPERATOR), Err(Error::NothingToImport));
    // Nor is there anything to carry over for what was registered here.
    new.register(ALICE, digits(hash(5), &[])).unwrap();
    assert_eq!(new.import_grant(hash(5), BOB), Err(Error::NothingToImport));
}

#[test]
fn a_withdrawn_dataset_stays_withdrawn() {
    let chain = with_records();
    let new = chain.successor();
    chain.registry().send(ALICE, 0, |frame| owners::withdraw_locations(frame, hash(1))).unwrap();
    new.import_dataset(hash(1)).unwrap();
    assert_eq!(new.check(ALICE, &[hash(1)], None), Err(Error::Withdrawn(hash(1))));
}

/// A title moves when its owner sends it; until then the old one counts.
#[test]
fn a_title_moves_by_its_owner() {
    let chain = with_records();
    let new = chain.successor();
    let token = classifier_id(1);
    let send = |by, from, to| chain.titles(by, TITLES, Call::SafeTransferFrom { from, to, token });
    // Before the import the new titles do not take it, and nothing moves.
    assert_eq!(send(ALICE, ALICE, TITLES_2), Err(TitlesError::InvalidReceiver(TITLES_2)));
    assert_eq!(chain.title(TITLES, token), Some(ALICE));
    new.import_dataset(hash(1)).unwrap();
    new.import_model(token).unwrap();
    // Sold in the old contract, after the import: the buyer owns it in both.
    send(ALICE, ALICE, BOB).unwrap();
    assert_eq!((chain.title(TITLES_2, token), new.owner_of(token)), (None, Some(BOB)));
    let royalty = |by, bp| new.send(by, 0, |frame| owners::set_royalty(frame, token, bp));
    assert_eq!(royalty(ALICE, 1), Err(Error::NotOwner));
    assert_eq!(royalty(BOB, 800), Ok(()));
    let owed = Royalty { node: Node::Model(token), to: BOB, share_bp: 800 };
    assert!(new.check(ALICE, &[hash(1)], Some(token)).unwrap().contains(&owed));
    // An account that Bob approved sends it: the title here is Bob's.
    chain.titles(BOB, TITLES, Call::Approve { to: CAROL, token }).unwrap();
    send(CAROL, BOB, TITLES_2).unwrap();
    assert_eq!((chain.title(TITLES, token), chain.title(TITLES_2, token)), (Some(TITLES_2), Some(BOB)));
    assert_eq!(new.owner_of(token), Some(BOB));
    let issued = titles::Event::Transfer { from: Default::default(), to: BOB, token };
    assert_eq!(chain.0.borrow().title_events.last(), Some(&issued));
    // From now on only the new one counts.
    chain.titles(BOB, TITLES_2, Call::TransferFrom { from: BOB, to: ALICE, token }).unwrap();
    assert_eq!(new.owner_of(token), Some(ALICE));
    for thief in [ALICE, BOB, CAROL] {
        let error = TitlesError::InsufficientApproval { operator: thief, token };
        assert_eq!(send(thief, TITLES_2, thief), Err(error), "the old one is locked for good");
    }
}

#[test]
fn only_the_predecessors_titles_are_exchanged() {
    let chain = with_records();
    let new = chain.successor();
    let token = classifier_id(1);
    new.import_dataset(hash(1)).unwrap();
    new.import_model(token).unwrap();
    let received = Call::OnErc721Received { operator: BOB, from: BOB, token, data: vec![] };
    // Anybody can say that a token was sent; a contract that names itself titles as well.
    for sender in [BOB, ADMIN, REGISTRY, REGISTRY_2] {
        assert_eq!(chain.titles(sender, TITLES_2, received.clone()), Err(TitlesError::NotPredecessor(sender)));
    }
    let not_imported = Call::OnErc721Received { operator: BOB, from: BOB, token: classifier_id(2), data: vec![] };
    assert_eq!(chain.titles(TITLES, TITLES_2, not_imported), Err(TitlesError::NotImported(classifier_id(2))));
    // Titles without a predecessor take nothing; unbound ones neither.
    assert_eq!(chain.titles(TITLES_2, TITLES, received.clone()), Err(TitlesError::NotPredecessor(TITLES_2)));
    chain.run(ADMIN, OPERATOR, assay_titles::init);
    assert_eq!(chain.titles(TITLES, OPERATOR, received.clone()), Err(TitlesError::RegistryNotBound));
    assert_eq!(chain.titles(TITLES, TITLES_2, received), Ok(Answer::Bytes4([0x15, 0x0b, 0x7a, 0x02])));
}

/// Neither contract ever calls back into one that waits for it.
#[test]
fn a_description_needs_the_registry_alone() {
    let chain = with_records();
    chain.0.borrow_mut().asked.clear();
    assert!(matches!(chain.titles(BOB, TITLES, Call::TokenUri { token: classifier_id(1) }), Ok(Answer::Text(_))));
    assert_eq!(chain.0.borrow().asked.iter().copied().collect::<Vec<_>>(), [REGISTRY]);
}
