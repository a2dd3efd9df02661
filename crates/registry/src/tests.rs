use super::*;
use alloc::{format, string::ToString, vec};
use assay_protocol::{
    host::MemoryHost,
    registry::{MAX_LOCATIONS, MAX_PAGE},
};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const ADMIN_ACCOUNT: Address = Address([1; 20]);
const MARKET_CONTRACT: Address = Address([2; 20]);
const ALICE: Address = Address([3; 20]);
const BOB: Address = Address([4; 20]);

fn hash(byte: u8) -> Hash {
    Hash([byte; 32])
}

/// A registry with its market bound; the next caller is Alice.
fn bound() -> MemoryHost {
    let mut host = MemoryHost { caller: ADMIN_ACCOUNT, now: 1_700_000_000, block_number: 7, ..Default::default() };
    init(&mut host);
    bind_market(&mut host, MARKET_CONTRACT).unwrap();
    host.caller = ALICE;
    host
}

fn digits(id: Hash, parents: &[Hash]) -> RegisterDataset {
    RegisterDataset {
        id,
        name: "digits".to_string(),
        licence: "CC-BY-4.0".to_string(),
        bytes: 1797,
        locations: vec!["https://example.org/digits".to_string()],
        parents: parents.to_vec(),
    }
}

fn classifier(datasets: &[Hash], parent: Option<Hash>, job: u64) -> RegisterModel {
    RegisterModel {
        owner: ALICE,
        name: "classifier".to_string(),
        licence: "Apache-2.0".to_string(),
        program: hash(0xa0),
        final_state: Hash([job as u8; 32]),
        artefact: hash(0xa1),
        datasets: datasets.to_vec(),
        parent,
        job,
        operator: BOB,
        segments: 20,
        segments_drawn: 5,
        segments_checked: 4,
    }
}

fn classifier_id(job: u64) -> Hash {
    model_id(&MemoryHost::default(), &hash(0xa0), &Hash([job as u8; 32]))
}

/// Sends `args` as whoever calls.
fn send_model(host: &mut MemoryHost, args: RegisterModel) -> Result<Event, Error> {
    let (id, event) = register_model(host, args)?;
    assert!(matches!(event, Event::ModelRegistered { model, .. } if model == id));
    Ok(event)
}

/// Sends `args` as the market, then hands the host back to Alice.
fn as_market(host: &mut MemoryHost, args: RegisterModel) -> Result<Event, Error> {
    host.caller = MARKET_CONTRACT;
    let result = send_model(host, args);
    host.caller = ALICE;
    result
}

/// A message that must fail with `error` and leave storage as it was.
#[track_caller]
fn refused(host: &mut MemoryHost, error: Error, message: impl FnOnce(&mut MemoryHost) -> Result<Event, Error>) {
    let before = host.storage.clone();
    assert_eq!(message(host), Err(error));
    assert_eq!(host.storage, before);
}

#[test]
fn the_admin_binds_one_market_once() {
    let mut host = MemoryHost { caller: ADMIN_ACCOUNT, ..Default::default() };
    init(&mut host);
    assert_eq!((admin(&host), market(&host)), (ADMIN_ACCOUNT, None));
    host.caller = ALICE;
    refused(&mut host, Error::NotAdmin, |host| bind_market(host, MARKET_CONTRACT));
    refused(&mut host, Error::NotMarket, |host| send_model(host, classifier(&[hash(1)], None, 1)));
    host.caller = ADMIN_ACCOUNT;
    refused(&mut host, Error::ZeroAddress, |host| bind_market(host, Address::default()));
    let event = bind_market(&mut host, MARKET_CONTRACT);
    assert_eq!(event, Ok(Event::MarketBound { market: MARKET_CONTRACT }));
    assert_eq!(market(&host), Some(MARKET_CONTRACT));
    refused(&mut host, Error::MarketAlreadyBound, |host| bind_market(host, BOB));
}

#[test]
fn a_dataset_is_registered_as_given() {
    let mut host = bound();
    let event = register_dataset(&mut host, digits(hash(1), &[])).unwrap();
    assert_eq!(event, Event::DatasetRegistered { dataset: hash(1), owner: ALICE });
    let record = DatasetRecord {
        owner: ALICE,
        name: "digits".to_string(),
        licence: "CC-BY-4.0".to_string(),
        bytes: 1797,
        registered_at: 1_700_000_000,
        block: 7,
        locations: 1,
    };
    assert_eq!(dataset(&host, hash(1)), Some(record));
    assert_eq!(dataset(&host, hash(2)), None);
    assert_eq!(locations(&host, Node::Dataset(hash(1))), ["https://example.org/digits"]);
    assert!(locations(&host, Node::Model(hash(1))).is_empty());
}

#[test]
fn a_wrong_dataset_is_refused() {
    let mut host = bound();
    let host = &mut host;
    let args = |change: fn(&mut RegisterDataset)| {
        let mut args = digits(hash(9), &[]);
        change(&mut args);
        args
    };
    let send = |args: RegisterDataset| move |host: &mut MemoryHost| register_dataset(host, args);
    refused(host, Error::BadName, send(args(|args| args.name.clear())));
    refused(host, Error::BadLicence, send(args(|args| args.licence = "all rights/reserved".to_string())));
    refused(host, Error::BadLocation, send(args(|args| args.locations[0] = "here".to_string())));
    let locations = |args: &mut RegisterDataset| {
        args.locations = (0..=MAX_LOCATIONS).map(|index| format!("https://example.org/{index}")).collect()
    };
    refused(host, Error::TooManyLocations, send(args(locations)));
    refused(host, Error::EmptyDataset, send(args(|args| args.bytes = 0)));
    refused(host, Error::SelfParent, send(digits(hash(9), &[hash(9)])));
    refused(host, Error::UnknownDataset(hash(1)), send(digits(hash(9), &[hash(1)])));
    let mut ids = Vec::new();
    for byte in 10..=10 + MAX_DATASETS as u8 {
        register_dataset(host, digits(hash(byte), &ids)).unwrap();
        ids.push(hash(byte));
    }
    refused(host, Error::TooManyDatasets, send(digits(hash(9), &ids)));
    refused(host, Error::RepeatedDataset(hash(11)), send(digits(hash(9), &[hash(10), hash(11), hash(11)])));
    host.caller = BOB;
    refused(host, Error::AlreadyRegistered, send(digits(hash(10), &[])));
}

#[test]
fn a_model_is_registered_with_its_lineage() {
    let mut host = bound();
    for byte in 1..=2 {
        register_dataset(&mut host, digits(hash(byte), &[])).unwrap();
    }
    as_market(&mut host, classifier(&[hash(1)], None, 1)).unwrap();
    let event = as_market(&mut host, classifier(&[hash(2), hash(1)], Some(classifier_id(1)), 2)).unwrap();
    let id = classifier_id(2);
    assert_eq!(event, Event::ModelRegistered { model: id, owner: ALICE, job: 2, operator: BOB });
    let record = model(&host, id).unwrap();
    assert_eq!((record.owner, record.operator, record.market, record.job), (ALICE, BOB, MARKET_CONTRACT, 2));
    assert_eq!((record.segments, record.segments_drawn, record.segments_checked), (20, 5, 4));
    assert_eq!((record.registered_at, record.block), (1_700_000_000, 7));

    let job = Node::Job { market: MARKET_CONTRACT, job: 2 };
    let inputs = vec![Node::Dataset(hash(2)), Node::Dataset(hash(1)), Node::Model(classifier_id(1)), job];
    assert_eq!(made_from(&host, Node::Model(id), 0, 50), Page { total: 4, items: inputs });
    assert_eq!(made_into(&host, job, 0, 50), Page { total: 1, items: vec![Node::Model(id)] });
    let made = vec![Node::Model(classifier_id(1)), Node::Model(id)];
    assert_eq!(made_into(&host, Node::Dataset(hash(1)), 0, 50), Page { total: 2, items: made });
    assert_eq!(made_into(&host, Node::Model(classifier_id(1)), 0, 50).items, [Node::Model(id)]);
    assert_eq!(models(&host, 0, 50).items, [classifier_id(1), id]);
}

#[test]
fn a_wrong_model_is_refused() {
    let mut host = bound();
    register_dataset(&mut host, digits(hash(1), &[])).unwrap();
    as_market(&mut host, classifier(&[hash(1)], None, 1)).unwrap();
    host.caller = ALICE;
    refused(&mut host, Error::NotMarket, |host| send_model(host, classifier(&[hash(1)], None, 2)));
    host.caller = ADMIN_ACCOUNT;
    refused(&mut host, Error::NotMarket, |host| send_model(host, classifier(&[hash(1)], None, 2)));
    let changed = |change: fn(&mut RegisterModel)| {
        let mut args = classifier(&[hash(1)], None, 2);
        change(&mut args);
        move |host: &mut MemoryHost| as_market(host, args)
    };
    refused(&mut host, Error::BadName, changed(|args| args.name = "\n".to_string()));
    refused(&mut host, Error::BadLicence, changed(|args| args.licence.clear()));
    refused(&mut host, Error::ZeroAddress, changed(|args| args.owner = Address::default()));
    refused(&mut host, Error::NoDataset, changed(|args| args.datasets.clear()));
    refused(&mut host, Error::UnknownDataset(hash(5)), changed(|args| args.datasets.push(hash(5))));
    refused(&mut host, Error::RepeatedDataset(hash(1)), changed(|args| args.datasets.push(hash(1))));
    refused(&mut host, Error::UnknownModel(hash(1)), changed(|args| args.parent = Some(hash(1))));
    // The same program and final state are the same model, whoever trained it.
    let again = |host: &mut MemoryHost| {
        let mut args = classifier(&[hash(1)], None, 1);
        (args.owner, args.operator, args.job) = (BOB, ALICE, 2);
        as_market(host, args)
    };
    refused(&mut host, Error::AlreadyRegistered, again);
}

#[test]
fn only_the_owner_transfers() {
    let mut host = bound();
    register_dataset(&mut host, digits(hash(1), &[])).unwrap();
    as_market(&mut host, classifier(&[hash(1)], None, 1)).unwrap();
    let id = classifier_id(1);
    let host = &mut host;
    refused(host, Error::ZeroAddress, |host| transfer_dataset(host, hash(1), Address::default()));
    refused(host, Error::ZeroAddress, |host| transfer_model(host, id, Address::default()));
    refused(host, Error::UnknownDataset(id), |host| transfer_dataset(host, id, BOB));
    refused(host, Error::UnknownModel(hash(1)), |host| transfer_model(host, hash(1), BOB));
    let event = transfer_dataset(host, hash(1), BOB).unwrap();
    assert_eq!(event, Event::Transferred { node: Node::Dataset(hash(1)), from: ALICE, to: BOB });
    let event = transfer_model(host, id, BOB).unwrap();
    assert_eq!(event, Event::Transferred { node: Node::Model(id), from: ALICE, to: BOB });
    refused(host, Error::NotOwner, |host| transfer_dataset(host, hash(1), ALICE));
    refused(host, Error::NotOwner, |host| transfer_model(host, id, ALICE));
    host.caller = BOB;
    transfer_model(host, id, ALICE).unwrap();
    assert_eq!(dataset(host, hash(1)).unwrap().owner, BOB);
    assert_eq!(model(host, id).unwrap().owner, ALICE);
}

#[test]
fn the_owner_replaces_locations() {
    let mut host = bound();
    let host = &mut host;
    register_dataset(host, digits(hash(1), &[])).unwrap();
    as_market(host, classifier(&[hash(1)], None, 1)).unwrap();
    let without = host.storage.len();
    for node in [Node::Dataset(hash(1)), Node::Model(classifier_id(1))] {
        let many: Vec<String> = (0..MAX_LOCATIONS).map(|index| format!("https://example.org/{index}")).collect();
        let event = set_locations(host, node, &many);
        assert_eq!(event, Ok(Event::LocationsChanged { node, locations: MAX_LOCATIONS as u8 }));
        assert_eq!(locations(host, node), many);
        set_locations(host, node, &many[3..5]).unwrap();
        assert_eq!(locations(host, node), many[3..5]);
        refused(host, Error::BadLocation, |host| set_locations(host, node, &["x".to_string()]));
        host.caller = BOB;
        refused(host, Error::NotOwner, |host| set_locations(host, node, &[]));
        host.caller = ALICE;
        set_locations(host, node, &[]).unwrap();
        assert!(locations(host, node).is_empty());
    }
    // Nothing is left of the locations that were taken away.
    assert_eq!(host.storage.len(), without - 1);
    let job = Node::Job { market: MARKET_CONTRACT, job: 1 };
    refused(host, Error::JobHasNoLocations, |host| set_locations(host, job, &[]));
    refused(host, Error::UnknownDataset(hash(2)), |host| set_locations(host, Node::Dataset(hash(2)), &[]));
    refused(host, Error::UnknownModel(hash(2)), |host| set_locations(host, Node::Model(hash(2)), &[]));
}

#[test]
fn a_dataset_that_takes_a_models_id_changes_nothing_for_the_model() {
    let mut host = bound();
    register_dataset(&mut host, digits(hash(1), &[])).unwrap();
    host.caller = BOB;
    register_dataset(&mut host, digits(classifier_id(1), &[])).unwrap();
    as_market(&mut host, classifier(&[hash(1)], None, 1)).unwrap();
    assert_eq!(model(&host, classifier_id(1)).unwrap().owner, ALICE);
    assert!(locations(&host, Node::Model(classifier_id(1))).is_empty());
    assert_eq!(made_from(&host, Node::Dataset(classifier_id(1)), 0, 50).total, 0);
}

#[test]
fn pages_cover_a_list_once() {
    let mut host = bound();
    let parent = hash(0);
    register_dataset(&mut host, digits(parent, &[])).unwrap();
    let children: Vec<Hash> = (1..=130).map(hash).collect();
    for child in &children {
        register_dataset(&mut host, digits(*child, &[parent])).unwrap();
    }
    for limit in [1, 7, MAX_PAGE, MAX_PAGE + 1, u32::MAX] {
        let mut read = Vec::new();
        loop {
            let page = made_into(&host, Node::Dataset(parent), read.len() as u32, limit);
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
    assert_eq!(datasets(&host, 130, 5), Page { total: 131, items: vec![hash(130)] });
    for (offset, limit) in [(0, 0), (131, 5), (u32::MAX, u32::MAX)] {
        assert_eq!(datasets(&host, offset, limit), Page { total: 131, items: vec![] });
    }
}

proptest! {
    /// Whatever is registered in whatever order, each edge is found from both
    /// of its ends, no message leaves a partial record, and nobody but the
    /// owner changes anything.
    #[test]
    fn edges_agree_both_ways(messages in proptest::collection::vec(
        (any::<bool>(), 0u8..12, proptest::collection::vec(0u8..12, 0..10), proptest::option::of(0u8..12)), 1..60,
    )) {
        let mut host = bound();
        let mut expected: BTreeMap<Node, Vec<Node>> = BTreeMap::new();
        for (is_model, number, inputs, parent) in messages {
            let ids: Vec<Hash> = inputs.iter().copied().map(hash).collect();
            let before = host.storage.clone();
            let mut from: Vec<Node> = ids.iter().copied().map(Node::Dataset).collect();
            let (made, result) = if is_model {
                let job = u64::from(number);
                let parent = parent.map(|job| classifier_id(job.into()));
                from.extend(parent.map(Node::Model));
                from.push(Node::Job { market: MARKET_CONTRACT, job });
                (Node::Model(classifier_id(job)), as_market(&mut host, classifier(&ids, parent, job)))
            } else {
                (Node::Dataset(hash(number)), register_dataset(&mut host, digits(hash(number), &ids)))
            };
            let known = |node: &Node| matches!(node, Node::Job { .. }) || expected.contains_key(node);
            let distinct = inputs.iter().collect::<BTreeSet<_>>().len() == inputs.len();
            let good = !expected.contains_key(&made)
                && from.iter().all(known)
                && distinct
                && ids.len() <= MAX_DATASETS
                && (!is_model || !ids.is_empty());
            prop_assert_eq!(result.is_ok(), good, "{:?}", result);
            if good {
                expected.insert(made, from);
            } else {
                prop_assert_eq!(&host.storage, &before);
            }
        }
        let mut reverse: BTreeMap<Node, BTreeSet<Node>> = BTreeMap::new();
        for (made, from) in &expected {
            prop_assert_eq!(&made_from(&host, *made, 0, 50).items, from);
            for node in from {
                reverse.entry(*node).or_default().insert(*made);
            }
        }
        for (node, made) in reverse {
            let page = made_into(&host, node, 0, 50);
            prop_assert_eq!(page.total as usize, made.len());
            prop_assert_eq!(page.items.into_iter().collect::<BTreeSet<_>>(), made);
        }
        let count = datasets(&host, 0, 0).total + models(&host, 0, 0).total;
        prop_assert_eq!(count as usize, expected.len());
    }
}
