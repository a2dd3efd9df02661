//! Registering, owners, locations, lists.

use crate::common::*;
use assay_protocol::{
    Address, Hash,
    commitment::model_id,
    hash::Native,
    registry::{
        DatasetRecord, DatasetTerms, Error, Event, MAX_DATASETS, MAX_LOCATIONS, MAX_PAGE, Node, Page, RegisterDataset,
        RegisterModel, Royalty,
    },
    titles::Call,
};
use assay_registry::{import, owners, reads, records};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

#[test]
fn the_admin_binds_one_market_once_after_the_titles() {
    let chain = Chain::default();
    chain.deploy(TITLES, REGISTRY, None);
    let registry = chain.registry();
    assert_eq!(registry.read(|frame| (reads::admin(frame), reads::market(frame))), (ADMIN, None));
    assert_eq!(registry.read(|frame| (reads::titles(frame), reads::predecessor(frame))), (TITLES, None));
    assert_eq!(registry.bind_market(ALICE, MARKET), Err(Error::NotAdmin));
    assert_eq!(registry.register_model(classifier(&[hash(1)], None, 1)), Err(Error::NotMarket));
    assert_eq!(registry.bind_market(ADMIN, Address::default()), Err(Error::ZeroAddress));
    assert_eq!(registry.bind_market(ADMIN, MARKET), Err(Error::TitlesNotBound));
    chain.bind(TITLES, REGISTRY, MARKET);
    assert_eq!(chain.last_event(), Some(Event::MarketBound { market: MARKET }));
    assert_eq!(registry.read(reads::market), Some(MARKET));
    assert_eq!(registry.bind_market(ADMIN, BOB), Err(Error::MarketAlreadyBound));
}

#[test]
fn a_registry_with_another_ones_titles_gets_no_market() {
    let chain = bound();
    // Its titles are bound to the first registry, or not deployed at all.
    for titles in [TITLES, CAROL] {
        chain.run(ADMIN, REGISTRY_2, |frame| assay_registry::init(frame, titles, None));
        assert_eq!(chain.successor().bind_market(ADMIN, MARKET_2), Err(Error::TitlesNotBound));
    }
}

#[test]
fn a_dataset_is_registered_as_given() {
    let chain = bound();
    let registry = chain.registry();
    registry.register(ALICE, digits(hash(1), &[])).unwrap();
    assert_eq!(chain.last_event(), Some(Event::DatasetRegistered { dataset: hash(1), owner: ALICE }));
    let record = DatasetRecord {
        owner: ALICE,
        name: "digits".into(),
        bytes: 1797,
        terms: DatasetTerms::open("CC-BY-4.0"),
        registered_at: 1_700_000_000,
        block: 7,
        locations: 1,
        withdrawn_at: None,
    };
    assert_eq!(registry.read(|frame| reads::dataset(frame, hash(1))), Some(record.clone()));
    assert_eq!(registry.read(|frame| reads::dataset(frame, hash(2))), None);
    let locations = |node| registry.read(|frame| reads::locations(frame, node));
    assert_eq!(locations(Node::Dataset(hash(1))), ["https://example.org/digits"]);
    assert!(locations(Node::Model(hash(1))).is_empty());
    let terms = record.terms.hash(&assay_protocol::hash::Native);
    assert_eq!(registry.read(|frame| reads::terms(frame, terms)), Some(record.terms));
}

#[test]
fn a_wrong_dataset_is_refused() {
    let chain = bound();
    let registry = chain.registry();
    let send = |change: fn(&mut RegisterDataset)| {
        let mut args = digits(hash(9), &[]);
        change(&mut args);
        registry.register(ALICE, args)
    };
    assert_eq!(send(|args| args.name.clear()), Err(Error::BadName));
    assert_eq!(send(|args| args.terms.licence = "all rights/reserved".into()), Err(Error::BadLicence));
    assert_eq!(send(|args| args.terms.licence = "LicenseRef-own".into()), Err(Error::NoLicenceText));
    assert_eq!(send(|args| args.terms.royalty_bp = 10_001), Err(Error::BadRoyalty));
    assert_eq!(send(|args| args.terms.price = Some(1)), Err(Error::OpenHasNoPrice));
    assert_eq!(send(|args| args.locations[0] = "here".into()), Err(Error::BadLocation));
    let many = |args: &mut RegisterDataset| {
        args.locations = (0..=MAX_LOCATIONS).map(|index| format!("https://example.org/{index}")).collect()
    };
    assert_eq!(send(many), Err(Error::TooManyLocations));
    assert_eq!(send(|args| args.bytes = 0), Err(Error::EmptyDataset));
    assert_eq!(registry.register(ALICE, digits(hash(9), &[hash(9)])), Err(Error::SelfParent));
    assert_eq!(registry.register(ALICE, digits(hash(9), &[hash(1)])), Err(Error::UnknownDataset(hash(1))));
    let mut ids = Vec::new();
    for byte in 10..=10 + MAX_DATASETS as u8 {
        registry.register(ALICE, digits(hash(byte), &ids)).unwrap();
        ids.push(hash(byte));
    }
    assert_eq!(registry.register(ALICE, digits(hash(9), &ids)), Err(Error::TooManyDatasets));
    let twice = digits(hash(9), &[hash(10), hash(11), hash(11)]);
    assert_eq!(registry.register(ALICE, twice), Err(Error::RepeatedDataset(hash(11))));
    assert_eq!(registry.register(BOB, digits(hash(10), &[])), Err(Error::AlreadyRegistered));
}

#[test]
fn parents_that_want_more_than_the_whole_are_refused() {
    let chain = bound();
    let registry = chain.registry();
    for (byte, royalty_bp) in [(1, 6_000), (2, 4_000), (3, 1)] {
        let mut args = digits(hash(byte), &[]);
        args.terms.royalty_bp = royalty_bp;
        registry.register(ALICE, args).unwrap();
    }
    assert_eq!(registry.register(BOB, digits(hash(4), &[hash(1), hash(2), hash(3)])), Err(Error::RoyaltiesTooHigh));
    assert_eq!(registry.register(BOB, digits(hash(4), &[hash(1), hash(2)])), Ok(()));
}

#[test]
fn parents_that_raised_their_share_before_the_registration_are_refused() {
    let chain = bound();
    let registry = chain.registry();
    let of = |byte, royalty_bp| {
        let mut args = digits(hash(byte), &[]);
        args.terms.royalty_bp = royalty_bp;
        args
    };
    registry.register(ALICE, of(1, 500)).unwrap();
    registry.register(ALICE, of(2, 100)).unwrap();
    let mut derived = digits(hash(4), &[hash(1), hash(2)]);
    (derived.parents[0].most_bp, derived.parents[1].most_bp) = (500, 100);
    registry.set_terms(ALICE, hash(2), of(2, 101).terms).unwrap();
    let raised = Error::ShareRaised { dataset: hash(2), asked_bp: 101, most_bp: 100 };
    assert_eq!(registry.register(BOB, derived.clone()), Err(raised));
    // Less than was agreed to is what is recorded.
    registry.set_terms(ALICE, hash(2), of(2, 99).terms).unwrap();
    assert_eq!(registry.register(BOB, derived), Ok(()));
    let parents = registry.read(|frame| import::export_dataset(frame, hash(4))).unwrap().parents;
    assert_eq!(parents.iter().map(|parent| parent.share_bp).collect::<Vec<_>>(), [500, 99]);
}

#[test]
fn a_model_is_registered_with_its_lineage_and_title() {
    let chain = bound();
    let registry = chain.registry();
    for byte in 1..=2 {
        registry.register(ALICE, digits(hash(byte), &[])).unwrap();
    }
    registry.register_model(classifier(&[hash(1)], None, 1)).unwrap();
    let id = registry.register_model(classifier(&[hash(2), hash(1)], Some(classifier_id(1)), 2)).unwrap();
    assert_eq!(id, classifier_id(2));
    assert_eq!(
        chain.last_event(),
        Some(Event::ModelRegistered { model: id, owner: ALICE, job: 2, operator: OPERATOR })
    );
    let record = registry.read(|frame| reads::model(frame, id)).unwrap();
    assert_eq!((record.first_owner, record.operator, record.market, record.job), (ALICE, OPERATOR, MARKET, 2));
    assert_eq!((record.segments, record.segments_drawn, record.segments_checked), (20, 5, 4));
    assert_eq!((record.registered_at, record.block), (1_700_000_000, 7));
    assert_eq!((registry.owner_of(id), chain.title(TITLES, id)), (Some(ALICE), Some(ALICE)));
    assert_eq!(registry.owner_of(hash(1)), None);

    let job = Node::Job { market: MARKET, job: 2 };
    let inputs = vec![Node::Dataset(hash(2)), Node::Dataset(hash(1)), Node::Model(classifier_id(1)), job];
    let made_into = |node| registry.read(|frame| reads::made_into(frame, node, 0, 50));
    assert_eq!(
        registry.read(|frame| reads::made_from(frame, Node::Model(id), 0, 50)),
        Page { total: 4, items: inputs }
    );
    assert_eq!(made_into(job), Page { total: 1, items: vec![Node::Model(id)] });
    let made = vec![Node::Model(classifier_id(1)), Node::Model(id)];
    assert_eq!(made_into(Node::Dataset(hash(1))), Page { total: 2, items: made });
    assert_eq!(made_into(Node::Model(classifier_id(1))).items, [Node::Model(id)]);
    assert_eq!(registry.read(|frame| reads::models(frame, 0, 50)).items, [classifier_id(1), id]);
}

#[test]
fn a_wrong_model_is_refused() {
    let chain = bound();
    let registry = chain.registry();
    registry.register(ALICE, digits(hash(1), &[])).unwrap();
    registry.register_model(classifier(&[hash(1)], None, 1)).unwrap();
    for by in [ALICE, ADMIN] {
        registry.refused(by, Error::NotMarket, |frame| records::register_model(frame, classifier(&[hash(1)], None, 2)));
    }
    let send = |change: fn(&mut RegisterModel)| {
        let mut args = classifier(&[hash(1)], None, 2);
        change(&mut args);
        registry.register_model(args)
    };
    assert_eq!(send(|args| args.name = "\n".into()), Err(Error::BadName));
    assert_eq!(send(|args| args.licence.clear()), Err(Error::BadLicence));
    assert_eq!(send(|args| args.royalty_bp = 10_001), Err(Error::BadRoyalty));
    assert_eq!(send(|args| args.owner = Address::default()), Err(Error::ZeroAddress));
    assert_eq!(send(|args| args.datasets.clear()), Err(Error::NoDataset));
    assert_eq!(send(|args| args.datasets = (0..9).map(hash).collect()), Err(Error::TooManyDatasets));
    assert_eq!(send(|args| args.datasets.push(hash(5))), Err(Error::UnknownDataset(hash(5))));
    assert_eq!(send(|args| args.datasets.push(hash(1))), Err(Error::RepeatedDataset(hash(1))));
    assert_eq!(send(|args| args.parent = Some(hash(1))), Err(Error::UnknownModel(hash(1))));
    // The same client, program and final state are the same model, whoever trained it.
    let again = send(|args| (args.operator, args.final_state) = (ALICE, Hash([1; 32])));
    assert_eq!(again, Err(Error::AlreadyRegistered));
    // Another client's is another; its final state leads to the earlier one.
    let id = send(|args| (args.owner, args.final_state) = (BOB, Hash([1; 32]))).unwrap();
    assert_ne!(id, classifier_id(1));
    let [first, second] = [classifier_id(1), id].map(|id| registry.read(|frame| reads::model(frame, id)).unwrap());
    assert_eq!((first.final_state, first.first_owner), (second.final_state, ALICE));
    // Of each its record alone gives the id, wherever it is copied to.
    for (id, record) in [(classifier_id(1), first), (id, second)] {
        assert_eq!(model_id(&Native, &record.first_owner, &record.program, &record.final_state), id);
    }
}

/// A contract of titles that refuses keeps the model off the record.
#[test]
fn no_model_without_a_title() {
    let chain = bound();
    let registry = chain.registry();
    registry.register(ALICE, digits(hash(1), &[])).unwrap();
    // The titles are running, so that they cannot be called.
    chain.run(ALICE, TITLES, |frame| {
        assert_eq!(frame.chain.registry().register_model(classifier(&[hash(1)], None, 1)), Err(Error::TitleRefused));
    });
    assert_eq!(registry.read(|frame| reads::models(frame, 0, 50)).total, 0);
    assert_eq!(registry.register_model(classifier(&[hash(1)], None, 1)), Ok(classifier_id(1)));
}

#[test]
fn only_the_owner_transfers_a_dataset() {
    let chain = bound();
    let registry = chain.registry();
    registry.register(ALICE, digits(hash(1), &[])).unwrap();
    let transfer = |by, id, to| registry.send(by, 0, |frame| owners::transfer_dataset(frame, id, to));
    assert_eq!(transfer(ALICE, hash(1), Address::default()), Err(Error::ZeroAddress));
    assert_eq!(transfer(ALICE, hash(2), BOB), Err(Error::UnknownDataset(hash(2))));
    assert_eq!(transfer(ALICE, hash(1), BOB), Ok(()));
    assert_eq!(chain.last_event(), Some(Event::DatasetTransferred { dataset: hash(1), from: ALICE, to: BOB }));
    assert_eq!(transfer(ALICE, hash(1), ALICE), Err(Error::NotOwner));
    assert_eq!(transfer(BOB, hash(1), ALICE), Ok(()));
    assert_eq!(registry.read(|frame| reads::dataset(frame, hash(1))).unwrap().owner, ALICE);
}

/// Whoever holds the title acts for the model in the registry.
#[test]
fn the_title_decides_who_owns_a_model() {
    let chain = bound();
    let registry = chain.registry();
    registry.register(ALICE, digits(hash(1), &[])).unwrap();
    let whole = registry.register_model(RegisterModel { royalty_bp: 10_000, ..classifier(&[hash(1)], None, 2) });
    assert!(whole.is_ok(), "all of the payment is allowed");
    let id = registry.register_model(classifier(&[hash(1)], None, 1)).unwrap();
    let royalty = |by, id, bp| registry.send(by, 0, |frame| owners::set_royalty(frame, id, bp));
    assert_eq!(royalty(ALICE, id, 10_000), Ok(()));
    assert_eq!(chain.last_event(), Some(Event::RoyaltyChanged { model: id, royalty_bp: 10_000 }));
    assert_eq!(royalty(ALICE, id, 10_001), Err(Error::BadRoyalty));
    assert_eq!(royalty(ALICE, hash(1), 1), Err(Error::UnknownModel(hash(1))));
    chain.titles(ALICE, TITLES, Call::TransferFrom { from: ALICE, to: BOB, token: id }).unwrap();
    assert_eq!(registry.owner_of(id), Some(BOB));
    assert_eq!(royalty(ALICE, id, 1), Err(Error::NotOwner));
    assert_eq!(royalty(BOB, id, 250), Ok(()));
    let owed = Royalty { node: Node::Model(id), to: BOB, share_bp: 250 };
    assert_eq!(registry.check(CAROL, &[hash(1)], Some(id)), Ok(vec![owed]));
    // Approved to transfer is not the owner.
    chain.titles(BOB, TITLES, Call::Approve { to: CAROL, token: id }).unwrap();
    assert_eq!(royalty(CAROL, id, 1), Err(Error::NotOwner));
}

#[test]
fn the_owner_replaces_locations() {
    let chain = bound();
    let registry = chain.registry();
    registry.register(ALICE, digits(hash(1), &[])).unwrap();
    registry.register_model(classifier(&[hash(1)], None, 1)).unwrap();
    let set =
        |by, node, locations: &[String]| registry.send(by, 0, |frame| owners::set_locations(frame, node, locations));
    let stored = chain.stored(REGISTRY);
    for node in [Node::Dataset(hash(1)), Node::Model(classifier_id(1))] {
        let many: Vec<String> = (0..MAX_LOCATIONS).map(|index| format!("https://example.org/{index}")).collect();
        assert_eq!(set(ALICE, node, &many), Ok(()));
        assert_eq!(chain.last_event(), Some(Event::LocationsChanged { node, locations: MAX_LOCATIONS as u8 }));
        assert_eq!(registry.read(|frame| reads::locations(frame, node)), many);
        set(ALICE, node, &many[3..5]).unwrap();
        assert_eq!(registry.read(|frame| reads::locations(frame, node)), many[3..5]);
        assert_eq!(set(ALICE, node, &["x".to_string()]), Err(Error::BadLocation));
        assert_eq!(set(BOB, node, &[]), Err(Error::NotOwner));
        set(ALICE, node, &[]).unwrap();
        assert!(registry.read(|frame| reads::locations(frame, node)).is_empty());
    }
    // Nothing is left of the locations that were taken away.
    assert_eq!(chain.stored(REGISTRY), stored - 1);
    let job = Node::Job { market: MARKET, job: 1 };
    assert_eq!(set(ALICE, job, &[]), Err(Error::NotARecord));
    assert_eq!(set(ALICE, Node::Dataset(hash(2)), &[]), Err(Error::UnknownDataset(hash(2))));
    assert_eq!(set(ALICE, Node::Model(hash(2)), &[]), Err(Error::UnknownModel(hash(2))));
}

#[test]
fn a_dataset_that_takes_a_models_id_changes_nothing_for_the_model() {
    let chain = bound();
    let registry = chain.registry();
    registry.register(ALICE, digits(hash(1), &[])).unwrap();
    registry.register(BOB, digits(classifier_id(1), &[])).unwrap();
    registry.register_model(classifier(&[hash(1)], None, 1)).unwrap();
    assert_eq!(registry.owner_of(classifier_id(1)), Some(ALICE));
    assert!(registry.read(|frame| reads::locations(frame, Node::Model(classifier_id(1)))).is_empty());
    assert_eq!(registry.read(|frame| reads::made_from(frame, Node::Dataset(classifier_id(1)), 0, 50)).total, 0);
}

#[test]
fn pages_cover_a_list_once() {
    let chain = bound();
    let registry = chain.registry();
    let parent = hash(0);
    registry.register(ALICE, digits(parent, &[])).unwrap();
    let children: Vec<Hash> = (1..=130).map(hash).collect();
    for child in &children {
        registry.register(ALICE, digits(*child, &[parent])).unwrap();
    }
    for limit in [1, 7, MAX_PAGE, MAX_PAGE + 1, u32::MAX] {
        let mut read = Vec::new();
        loop {
            let offset = read.len() as u32;
            let page = registry.read(|frame| reads::made_into(frame, Node::Dataset(parent), offset, limit));
            assert_eq!(page.total, 130);
            assert!(page.items.len() as u32 <= limit.min(MAX_PAGE));
            read.extend(page.items);
            if read.len() as u32 == page.total {
                break;
            }
        }
        let expected: Vec<Node> = children.iter().copied().map(Node::Dataset).collect();
        assert_eq!(read, expected);
    }
    let datasets = |offset, limit| registry.read(|frame| reads::datasets(frame, offset, limit));
    assert_eq!(datasets(130, 5), Page { total: 131, items: vec![hash(130)] });
    for (offset, limit) in [(0, 0), (131, 5), (u32::MAX, u32::MAX)] {
        assert_eq!(datasets(offset, limit), Page { total: 131, items: vec![] });
    }
}

proptest! {
    /// Whatever is registered in whatever order, each edge is found from both
    /// of its ends, and no message leaves a partial record.
    #[test]
    fn edges_agree_both_ways(messages in proptest::collection::vec(
        (any::<bool>(), 0u8..12, proptest::collection::vec(0u8..12, 0..10), proptest::option::of(0u8..12)), 1..40,
    )) {
        let chain = bound();
        let registry = chain.registry();
        let mut expected: BTreeMap<Node, Vec<Node>> = BTreeMap::new();
        for (is_model, number, inputs, parent) in messages {
            let ids: Vec<Hash> = inputs.iter().copied().map(hash).collect();
            let mut from: Vec<Node> = ids.iter().copied().map(Node::Dataset).collect();
            let (made, accepted) = if is_model {
                let job = u64::from(number);
                let parent = parent.map(|job| classifier_id(job.into()));
                from.extend(parent.map(Node::Model));
                from.push(Node::Job { market: MARKET, job });
                let result = registry.register_model(classifier(&ids, parent, job));
                (Node::Model(classifier_id(job)), result.is_ok())
            } else {
                (Node::Dataset(hash(number)), registry.register(ALICE, digits(hash(number), &ids)).is_ok())
            };
            let known = |node: &Node| matches!(node, Node::Job { .. }) || expected.contains_key(node);
            let distinct = inputs.iter().collect::<BTreeSet<_>>().len() == inputs.len();
            let good = !expected.contains_key(&made)
                && from.iter().all(known)
                && distinct
                && ids.len() <= MAX_DATASETS
                && (!is_model || !ids.is_empty());
            prop_assert_eq!(accepted, good);
            if good {
                expected.insert(made, from);
            }
        }
        let mut reverse: BTreeMap<Node, BTreeSet<Node>> = BTreeMap::new();
        for (made, from) in &expected {
            prop_assert_eq!(&registry.read(|frame| reads::made_from(frame, *made, 0, 50)).items, from);
            for node in from {
                reverse.entry(*node).or_default().insert(*made);
            }
        }
        for (node, made) in reverse {
            let page = registry.read(|frame| reads::made_into(frame, node, 0, 50));
            prop_assert_eq!(page.total as usize, made.len());
            prop_assert_eq!(page.items.into_iter().collect::<BTreeSet<_>>(), made);
        }
        let count = registry.read(|frame| reads::datasets(frame, 0, 0).total + reads::models(frame, 0, 0).total);
        prop_assert_eq!(count as usize, expected.len());
    }
}
