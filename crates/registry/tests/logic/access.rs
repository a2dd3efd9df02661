//! Terms, grants, purchases and their split, royalties, withdrawal, statements.

use crate::common::*;
use assay_protocol::{
    Address, Hash,
    hash::Native,
    registry::{DatasetTerms, Error, Event, FOR_EVER, Grant, Node, Page, Royalty, Statement, StatementKind},
};
use assay_registry::{owners, reads, statements};
use proptest::prelude::*;

/// A registry with dataset 1 of Alice's for sale at 1,000 for an hour.
fn with_sale() -> Chain {
    let chain = bound();
    let mut args = digits(hash(1), &[]);
    args.terms = for_sale(1_000, 0);
    chain.registry().register(ALICE, args).unwrap();
    chain
}

fn grant_of(registry: &Registry<'_>, account: Address) -> Option<Grant> {
    registry.read(|frame| reads::grant(frame, hash(1), account))
}

#[test]
fn a_job_needs_access_to_all_its_datasets() {
    let chain = with_sale();
    let registry = chain.registry();
    registry.register(BOB, digits(hash(2), &[])).unwrap();
    assert_eq!(registry.check(CAROL, &[hash(2)], None), Ok(vec![]), "open to all");
    assert_eq!(registry.check(ALICE, &[hash(1), hash(2)], None), Ok(vec![]), "the owner's");
    assert_eq!(registry.check(CAROL, &[hash(2), hash(1)], None), Err(Error::NoGrant(hash(1))));
    assert_eq!(registry.check(CAROL, &[], None), Err(Error::NoDataset));
    assert_eq!(registry.check(CAROL, &[hash(2); 2], None), Err(Error::RepeatedDataset(hash(2))));
    assert_eq!(registry.check(CAROL, &[hash(2); 9], None), Err(Error::TooManyDatasets));
    assert_eq!(registry.check(CAROL, &[hash(3)], None), Err(Error::UnknownDataset(hash(3))));
    assert_eq!(registry.check(CAROL, &[hash(2)], Some(hash(3))), Err(Error::UnknownModel(hash(3))));
}

#[test]
fn a_grant_holds_until_its_last_second() {
    let chain = with_sale();
    let registry = chain.registry();
    let now = chain.now();
    registry.grant(ALICE, hash(1), CAROL, now + 60, hash(0x7e)).unwrap();
    let expected = Grant { until: now + 60, terms: hash(0x7e), paid: 0, at: now };
    assert_eq!(grant_of(&registry, CAROL), Some(expected));
    let event = Event::AccessGranted { dataset: hash(1), account: CAROL, until: now + 60, terms: hash(0x7e), paid: 0 };
    assert_eq!(chain.last_event(), Some(event));
    for (second, holds) in [(now, true), (now + 60, true), (now + 61, false)] {
        chain.set_now(second);
        let expected = if holds { Ok(vec![]) } else { Err(Error::NoGrant(hash(1))) };
        assert_eq!(registry.check(CAROL, &[hash(1)], None), expected, "at {second}");
    }
    assert_eq!(registry.check(BOB, &[hash(1)], None), Err(Error::NoGrant(hash(1))));
}

#[test]
fn an_owner_cannot_take_a_grant_back() {
    let chain = with_sale();
    let registry = chain.registry();
    let (now, terms) = (chain.now(), hash(0x7e));
    let until = now + 60;
    assert_eq!(registry.grant(BOB, hash(1), BOB, until, terms), Err(Error::NotOwner));
    assert_eq!(registry.grant(ALICE, hash(9), BOB, until, terms), Err(Error::UnknownDataset(hash(9))));
    assert_eq!(registry.grant(ALICE, hash(1), Address::default(), until, terms), Err(Error::ZeroAddress));
    assert_eq!(registry.grant(ALICE, hash(1), BOB, now - 1, terms), Err(Error::GrantOver { now }));
    assert_eq!(registry.grant(ALICE, hash(1), BOB, now, terms), Ok(()));
    assert_eq!(registry.grant(ALICE, hash(1), BOB, until, terms), Ok(()), "prolonged");
    assert_eq!(registry.grant(ALICE, hash(1), BOB, until, terms), Ok(()), "the same again takes nothing away");
    assert_eq!(registry.grant(ALICE, hash(1), BOB, until - 1, terms), Err(Error::GrantStands { until }));
    assert_eq!(registry.grant(ALICE, hash(1), BOB, until + 1, hash(1)), Err(Error::GrantStands { until }));
    chain.set_now(until + 1);
    assert_eq!(registry.grant(ALICE, hash(1), BOB, until + 1, hash(1)), Ok(()), "the old one is over");
    // Off sale and under other terms: what was granted stays.
    registry.set_terms(ALICE, hash(1), DatasetTerms { open: false, ..DatasetTerms::open("MIT") }).unwrap();
    assert_eq!(registry.check(BOB, &[hash(1)], None), Ok(vec![]));
    let page = registry.read(|frame| reads::grants(frame, hash(1), 0, 50));
    assert_eq!((page.total, page.items[0].0, page.items[0].1.terms), (1, BOB, hash(1)));
}

#[test]
fn access_is_bought_at_the_terms_that_the_buyer_has_seen() {
    let chain = with_sale();
    let registry = chain.registry();
    let (now, terms) = (chain.now(), for_sale(1_000, 0).hash(&Native));
    assert_eq!(registry.buy(BOB, hash(9), terms, 1_000), Err(Error::UnknownDataset(hash(9))));
    assert_eq!(registry.buy(BOB, hash(1), hash(7), 1_000), Err(Error::TermsDiffer { terms }));
    for sent in [0, 999, 1_001] {
        assert_eq!(registry.buy(BOB, hash(1), terms, sent), Err(Error::WrongValue { expected: 1_000, sent }));
    }
    assert_eq!(chain.balance(REGISTRY), 0, "what was sent with a refused message came back");
    registry.buy(BOB, hash(1), terms, 1_000).unwrap();
    assert_eq!(grant_of(&registry, BOB), Some(Grant { until: now + 3600, terms, paid: 1_000, at: now }));
    assert_eq!((registry.credit(ALICE), chain.balance(REGISTRY)), (1_000, 1_000));
    // Again, while it holds: prolonged from its end.
    chain.set_now(now + 10);
    registry.buy(BOB, hash(1), terms, 1_000).unwrap();
    assert_eq!(grant_of(&registry, BOB), Some(Grant { until: now + 7200, terms, paid: 2_000, at: now + 10 }));
    // The owner asks for more just before: the buyer's message is refused.
    let dearer = for_sale(2_000, 0);
    registry.set_terms(ALICE, hash(1), dearer.clone()).unwrap();
    let event = Event::TermsChanged { dataset: hash(1), terms: dearer.hash(&Native) };
    assert_eq!(chain.last_event(), Some(event));
    assert_eq!(registry.buy(BOB, hash(1), terms, 1_000), Err(Error::TermsDiffer { terms: dearer.hash(&Native) }));
    // Both kinds of terms can still be read.
    assert_eq!(registry.read(|frame| reads::terms(frame, terms)), Some(for_sale(1_000, 0)));
    assert_eq!(registry.read(|frame| reads::terms(frame, dearer.hash(&Native))), Some(dearer));
    // After it is over, access begins anew.
    chain.set_now(now + 7201);
    registry.buy_as_is(BOB, hash(1)).unwrap();
    assert_eq!(grant_of(&registry, BOB).map(|grant| (grant.until, grant.paid)), Some((now + 10_801, 4_000)));
}

#[test]
fn what_is_not_for_sale_is_not_sold() {
    let chain = with_sale();
    let registry = chain.registry();
    registry.register(ALICE, digits(hash(2), &[])).unwrap();
    assert_eq!(registry.buy_as_is(BOB, hash(2)), Err(Error::NotForSale));
    let for_ever = DatasetTerms { access_seconds: 0, ..for_sale(5, 0) };
    registry.set_terms(ALICE, hash(1), for_ever).unwrap();
    registry.buy_as_is(BOB, hash(1)).unwrap();
    assert_eq!(grant_of(&registry, BOB).unwrap().until, FOR_EVER);
    assert_eq!(registry.buy_as_is(BOB, hash(1)), Err(Error::HasAccess));
    assert_eq!(registry.set_terms(BOB, hash(1), for_sale(1, 0)), Err(Error::NotOwner));
    assert_eq!(registry.set_terms(ALICE, hash(1), for_sale(1, 10_001)), Err(Error::BadRoyalty));
    assert_eq!(registry.set_terms(ALICE, hash(9), for_sale(1, 0)), Err(Error::UnknownDataset(hash(9))));
}

/// Three levels; only the direct parents share, at what they asked for when the
/// dataset was derived, rounded down.
#[test]
fn a_price_is_split_with_the_direct_parents() {
    let chain = bound();
    let registry = chain.registry();
    let register = |by, byte, royalty_bp, parents: &[Hash]| {
        let mut args = digits(hash(byte), parents);
        args.terms = for_sale(1_001, royalty_bp);
        registry.register(by, args).unwrap();
    };
    register(CAROL, 1, 9_000, &[]);
    register(ALICE, 2, 3_333, &[hash(1)]);
    register(BOB, 3, 1, &[]);
    register(OPERATOR, 4, 0, &[hash(2), hash(3)]);
    // A parent that asks for all of it later gets no more than was agreed to.
    registry.set_terms(ALICE, hash(2), for_sale(1, 10_000)).unwrap();
    registry.buy_as_is(MARKET, hash(4)).unwrap();
    let credits = [CAROL, ALICE, BOB, OPERATOR].map(|account| registry.credit(account));
    assert_eq!(credits, [0, 333, 0, 668]); // 1001 * 0.3333 = 333.6, 1001 * 0.0001 = 0.1
    let events = chain.0.borrow().events.clone();
    let credited = |account, amount| Event::Credited { account, dataset: hash(4), amount };
    assert_eq!(events[events.len() - 2..], [credited(ALICE, 333), credited(OPERATOR, 668)]);
}

#[test]
fn credits_are_withdrawn_once() {
    let chain = with_sale();
    let registry = chain.registry();
    assert_eq!(registry.withdraw(ALICE), Err(Error::NothingToWithdraw));
    registry.buy_as_is(BOB, hash(1)).unwrap();
    registry.buy_as_is(CAROL, hash(1)).unwrap();
    assert_eq!(registry.withdraw(BOB), Err(Error::NothingToWithdraw));
    assert_eq!(registry.withdraw(ALICE), Ok(2_000));
    assert_eq!(chain.last_event(), Some(Event::Withdrawn { account: ALICE, amount: 2_000 }));
    assert_eq!((chain.balance(ALICE), chain.balance(REGISTRY), registry.credit(ALICE)), (2_000, 0, 0));
    assert_eq!(registry.withdraw(ALICE), Err(Error::NothingToWithdraw));
}

/// No price is too high to be asked for; sums beyond 128 bits are refused.
#[test]
fn sums_do_not_wrap() {
    let chain = bound();
    let registry = chain.registry();
    let quarter = 1 << 126;
    let mut args = digits(hash(1), &[]);
    args.terms = for_sale(quarter, 0);
    registry.register(ALICE, args).unwrap();
    for buyer in [BOB, CAROL, OPERATOR] {
        registry.buy_as_is(buyer, hash(1)).unwrap();
    }
    // A fourth would be one more than Alice's credit can hold.
    assert_eq!(registry.buy_as_is(MARKET, hash(1)), Err(Error::Overflow));
    assert_eq!(registry.withdraw(ALICE), Ok(3 << 126));
    for _ in 0..2 {
        registry.buy_as_is(BOB, hash(1)).unwrap();
        registry.withdraw(ALICE).unwrap();
    }
    // And one more than Bob's payments can add up to.
    assert_eq!(registry.buy_as_is(BOB, hash(1)), Err(Error::Overflow));
    assert_eq!(registry.buy_as_is(CAROL, hash(1)), Ok(()));
}

#[test]
fn inputs_are_paid_for_by_the_job_that_uses_them() {
    let chain = bound();
    let registry = chain.registry();
    for (by, byte, royalty_bp) in [(ALICE, 1, 500), (BOB, 2, 0), (CAROL, 3, 10_000)] {
        let mut args = digits(hash(byte), &[]);
        args.terms.royalty_bp = royalty_bp;
        registry.register(by, args).unwrap();
    }
    let mut model = classifier(&[hash(2)], None, 1);
    model.royalty_bp = 1_000;
    let id = registry.register_model(model).unwrap();
    let royalty = |node, to, share_bp| Royalty { node, to, share_bp };
    let expected = vec![
        royalty(Node::Dataset(hash(3)), CAROL, 10_000),
        royalty(Node::Dataset(hash(1)), ALICE, 500),
        royalty(Node::Model(id), ALICE, 1_000),
    ];
    // More than the whole: the market refuses that, with its own terms at hand.
    assert_eq!(registry.check(BOB, &[hash(3), hash(2), hash(1)], Some(id)), Ok(expected));
}

#[test]
fn a_withdrawn_dataset_leaves_hashes_and_edges() {
    let chain = with_sale();
    let registry = chain.registry();
    registry.register(BOB, digits(hash(2), &[hash(1)])).unwrap();
    registry.buy_as_is(BOB, hash(1)).unwrap();
    let withdraw = |by, id| registry.send(by, 0, |frame| owners::withdraw_locations(frame, id));
    assert_eq!(withdraw(BOB, hash(1)), Err(Error::NotOwner));
    assert_eq!(withdraw(ALICE, hash(9)), Err(Error::UnknownDataset(hash(9))));
    let (stored, now) = (chain.stored(REGISTRY), chain.now() + 5);
    chain.set_now(now);
    withdraw(ALICE, hash(1)).unwrap();
    assert_eq!(chain.last_event(), Some(Event::DatasetWithdrawn { dataset: hash(1) }));
    assert_eq!(chain.stored(REGISTRY), stored - 1, "the location is gone");
    let record = registry.read(|frame| reads::dataset(frame, hash(1))).unwrap();
    assert_eq!((record.name.as_str(), record.locations, record.withdrawn_at), ("", 0, Some(now)));
    let node = Node::Dataset(hash(1));
    assert!(registry.read(|frame| reads::locations(frame, node)).is_empty());
    assert_eq!(registry.read(|frame| reads::made_into(frame, node, 0, 50)).items, [Node::Dataset(hash(2))]);
    // For good, for everybody.
    let gone = Error::Withdrawn(hash(1));
    assert_eq!(registry.check(BOB, &[hash(1)], None), Err(gone.clone()), "with a grant");
    assert_eq!(registry.check(ALICE, &[hash(1)], None), Err(gone.clone()), "its owner");
    assert_eq!(registry.buy_as_is(CAROL, hash(1)), Err(gone.clone()));
    assert_eq!(registry.set_terms(ALICE, hash(1), for_sale(1, 0)), Err(gone.clone()));
    assert_eq!(registry.grant(ALICE, hash(1), CAROL, FOR_EVER, hash(1)), Err(gone.clone()));
    registry.refused(ALICE, gone.clone(), |frame| owners::set_locations(frame, node, &[]));
    assert_eq!(withdraw(ALICE, hash(1)), Err(gone));
    assert_eq!(registry.register(ALICE, digits(hash(1), &[])), Err(Error::AlreadyRegistered));
    // A job that was posted before is finished, and what was derived stays true.
    assert_eq!(registry.register_model(classifier(&[hash(1)], None, 1)), Ok(classifier_id(1)));
    assert_eq!(registry.register(BOB, digits(hash(3), &[hash(1)])), Ok(()));
}

#[test]
fn statements_are_listed_by_node_and_by_author() {
    let chain = bound();
    let registry = chain.registry();
    registry.register(ALICE, digits(hash(1), &[])).unwrap();
    let id = registry.register_model(classifier(&[hash(1)], None, 1)).unwrap();
    let (dataset, model) = (Node::Dataset(hash(1)), Node::Model(id));
    registry
        .send(BOB, 0, |frame| {
            let text = "0.981 on the held-out part".to_string();
            statements::add_statement(frame, model, StatementKind::Evaluation, text, Some(hash(5)))
        })
        .unwrap();
    let event = Event::Stated { node: model, author: BOB, number: 0, kind: StatementKind::Evaluation };
    assert_eq!(chain.last_event(), Some(event));
    registry.say(CAROL, model, "second").unwrap();
    registry.say(BOB, dataset, "third").unwrap();
    let statements = |node| registry.read(|frame| reads::statements(frame, node, 0, 50));
    let first = Statement {
        author: BOB,
        kind: StatementKind::Evaluation,
        text: "0.981 on the held-out part".into(),
        evidence: Some(hash(5)),
        at: chain.now(),
        block: 7,
    };
    let of_model = statements(model);
    assert_eq!((of_model.total, &of_model.items[0], of_model.items[1].author), (2, &first, CAROL));
    assert_eq!(statements(dataset).items[0].text, "third");
    let by_bob = registry.read(|frame| reads::statements_by(frame, BOB, 0, 50));
    assert_eq!(by_bob, Page { total: 2, items: vec![(model, 0), (dataset, 0)] });

    assert_eq!(registry.say(BOB, model, ""), Err(Error::BadText));
    assert_eq!(registry.say(BOB, model, &"t".repeat(161)), Err(Error::BadText));
    assert_eq!(registry.say(BOB, Node::Dataset(hash(9)), "x"), Err(Error::UnknownDataset(hash(9))));
    assert_eq!(registry.say(BOB, Node::Model(hash(9)), "x"), Err(Error::UnknownModel(hash(9))));
    assert_eq!(registry.say(BOB, Node::Job { market: MARKET, job: 1 }, "x"), Err(Error::NotARecord));
}

const ACCOUNTS: [Address; 4] = [ALICE, BOB, CAROL, OPERATOR];

#[derive(Clone, Debug)]
enum Step {
    Register { by: usize, id: u8, price: u128, royalty_bp: u16, parents: Vec<u8> },
    Terms { by: usize, id: u8, price: u128, royalty_bp: u16 },
    Buy { by: usize, id: u8, sent: Option<u128> },
    Grant { by: usize, id: u8, to: usize, seconds: u64 },
    Transfer { by: usize, id: u8, to: usize },
    Withdraw { by: usize },
    Wait { seconds: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    let (by, id, price) = (0usize..4, 0u8..6, prop_oneof![0u128..20_000, Just(1u128 << 90)]);
    let royalty_bp = prop_oneof![Just(0u16), 0u16..10_001, Just(3_333)];
    prop_oneof![
        (by.clone(), id.clone(), price.clone(), royalty_bp.clone(), proptest::collection::vec(0u8..6, 0..4))
            .prop_map(|(by, id, price, royalty_bp, parents)| Step::Register { by, id, price, royalty_bp, parents }),
        (by.clone(), id.clone(), price.clone(), royalty_bp).prop_map(|(by, id, price, royalty_bp)| Step::Terms {
            by,
            id,
            price,
            royalty_bp
        }),
        (by.clone(), id.clone(), proptest::option::weighted(0.2, price)).prop_map(|(by, id, sent)| Step::Buy {
            by,
            id,
            sent
        }),
        (by.clone(), id.clone(), 0usize..4, 0u64..9_000).prop_map(|(by, id, to, seconds)| Step::Grant {
            by,
            id,
            to,
            seconds
        }),
        (by.clone(), id, 0usize..4).prop_map(|(by, id, to)| Step::Transfer { by, id, to }),
        by.prop_map(|by| Step::Withdraw { by }),
        (0u64..4_000).prop_map(|seconds| Step::Wait { seconds }),
    ]
}

proptest! {
    /// Money in is money out and credits, to the unit, after every message, and
    /// what holds once holds until its end whatever others do.
    #[test]
    fn the_books_balance(steps in proptest::collection::vec(step(), 1..80)) {
        let chain = bound();
        let registry = chain.registry();
        let credits = || ACCOUNTS.map(|account| registry.credit(account)).iter().sum::<u128>() as i128;
        let grants = || {
            let of = |id| registry.read(|frame| reads::grants(frame, hash(id), 0, 50)).items;
            (0u8..6).flat_map(move |id| of(id).into_iter().map(move |(account, grant)| (id, account, grant)))
                .collect::<Vec<_>>()
        };
        let mut before = grants();
        for step in steps {
            match step {
                Step::Register { by, id, price, royalty_bp, parents } => {
                    let parents: Vec<Hash> = parents.into_iter().map(hash).collect();
                    let mut args = digits(hash(id), &parents);
                    args.terms = for_sale(price, royalty_bp);
                    let _ = registry.register(ACCOUNTS[by], args);
                }
                Step::Terms { by, id, price, royalty_bp } => {
                    let _ = registry.set_terms(ACCOUNTS[by], hash(id), for_sale(price, royalty_bp));
                }
                Step::Buy { by, id, sent } => {
                    let Some(record) = registry.read(|frame| reads::dataset(frame, hash(id))) else { continue };
                    let price = record.terms.price.unwrap();
                    let held = credits();
                    let result = registry.buy(ACCOUNTS[by], hash(id), record.terms.hash(&Native), sent.unwrap_or(price));
                    prop_assert_eq!(result.is_ok(), sent.is_none_or(|sent| sent == price));
                    prop_assert_eq!(credits() - held, if result.is_ok() { price as i128 } else { 0 });
                }
                Step::Grant { by, id, to, seconds } => {
                    let until = chain.now() + seconds;
                    let _ = registry.grant(ACCOUNTS[by], hash(id), ACCOUNTS[to], until, hash(7));
                }
                Step::Transfer { by, id, to } => {
                    let to = ACCOUNTS[to];
                    let _ = registry.send(ACCOUNTS[by], 0, |frame| owners::transfer_dataset(frame, hash(id), to));
                }
                Step::Withdraw { by } => {
                    let credit = registry.credit(ACCOUNTS[by]);
                    let result = registry.withdraw(ACCOUNTS[by]);
                    prop_assert_eq!(result, if credit > 0 { Ok(credit) } else { Err(Error::NothingToWithdraw) });
                }
                Step::Wait { seconds } => chain.set_now(chain.now() + seconds),
            }
            prop_assert_eq!(chain.balance(REGISTRY), credits());
            let now = grants();
            for (id, account, grant) in before {
                let after = now.iter().find(|(other, holder, _)| (*other, *holder) == (id, account)).unwrap().2;
                prop_assert!(after.paid >= grant.paid);
                prop_assert!(!grant.holds(chain.now()) || after.until >= grant.until);
            }
            before = now;
        }
        for account in ACCOUNTS {
            let _ = registry.withdraw(account);
        }
        prop_assert_eq!(chain.balance(REGISTRY), 0);
    }
}
