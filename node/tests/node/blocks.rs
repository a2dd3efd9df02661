//! When blocks are made, and what is in them.

use crate::harness::{account, hash, hex, number, signed, transfer, unhex, Node};
use assay_node_runtime::{currency::UNIT, RuntimeCall, RuntimeEvent, UncheckedExtrinsic};
use codec::{DecodeAll, Encode};
use serde_json::json;
use sp_runtime::traits::{BlakeTwo256, Hash as _};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64
}

#[test]
fn a_transaction_makes_a_block_that_is_final_at_once() {
    let node = Node::start(&[]);
    let mut client = node.client();
    let before = client.free(&account("//Bob"));
    for nonce in 0..3 {
        let sent = now_ms();
        let block = client.submit(&signed(node.genesis, "//Alice", nonce, transfer("//Bob", UNIT)));
        // Neither a second block nor one that waits for finality.
        assert_eq!(client.height(), nonce + 1);
        assert_eq!(client.finalized_head(), block);
        assert_eq!(client.block_hash(nonce + 1), Some(block));
        // The clock, and the transaction.
        let body = client.call("chain_getBlock", json!([block]));
        assert_eq!(body["block"]["extrinsics"].as_array().unwrap().len(), 2);
        let stamped = client.timestamp(block);
        assert!(stamped >= sent && stamped <= now_ms(), "{sent} {stamped}");
    }
    assert_eq!(client.free(&account("//Bob")), before + 3 * UNIT);
}

#[test]
fn a_block_shows_its_transactions_as_the_hex_that_was_sent() {
    let node = Node::start(&[]);
    let mut client = node.client();
    let sent = signed(node.genesis, "//Alice", 0, transfer("//Bob", UNIT));
    let follow = client.call("chainHead_v1_follow", json!([false]));
    let block = client.submit(&sent);

    let shown = client.call("chain_getBlock", json!([block]))["block"]["extrinsics"].take();
    let [clock, transaction] = shown.as_array().unwrap().as_slice() else { panic!("two transactions: {shown}") };
    assert_eq!(unhex(transaction.as_str().expect("hex, not numbers")), sent);
    // What the node makes itself looks no different, and both can be decoded.
    let clock = unhex(clock.as_str().expect("hex, not numbers"));
    let decoded = UncheckedExtrinsic::decode_all(&mut &clock[..]).unwrap();
    assert!(matches!(decoded.0.function, RuntimeCall::Timestamp(_)), "{decoded:?}");
    assert_eq!(UncheckedExtrinsic::decode_all(&mut &sent[..]).unwrap().encode(), sent);

    // The newer methods say the same.
    assert_eq!(client.call("archive_v1_body", json!([block])), shown);
    while client.next(&follow)["event"] != "finalized" {}
    let started = client.call("chainHead_v1_body", json!([follow, block]));
    assert_eq!(started["result"], "started", "{started}");
    let done = client.next(&follow);
    assert_eq!(done["event"], "operationBodyDone", "{done}");
    assert_eq!(done["operationId"], started["operationId"]);
    assert_eq!(done["value"], shown);
}

#[test]
fn a_transaction_that_waits_is_shown_as_the_hex_that_was_sent() {
    // No block within the time of this test.
    let node = Node::start(&["--block-time-ms", "3600000"]);
    let mut client = node.client();
    let sent = signed(node.genesis, "//Alice", 0, transfer("//Bob", UNIT));
    let named = client.call("author_submitExtrinsic", json!([hex(&sent)]));
    assert_eq!(hash(&named), BlakeTwo256::hash(&sent));
    assert_eq!(client.call("author_pendingExtrinsics", json!([])), json!([hex(&sent)]));
}

#[test]
fn bytes_that_are_no_transaction_are_refused() {
    let node = Node::start(&[]);
    let mut client = node.client();
    let good = signed(node.genesis, "//Alice", 0, transfer("//Bob", UNIT));
    let cut = &good[..good.len() - 1];
    // With a length that is right, so that only the runtime can tell.
    let nonsense = vec![0xff; 40].encode();
    for (bad, code) in [(&[][..], 1040), (cut, 1040), (&nonsense, 1002)] {
        let error = client.try_call("author_submitExtrinsic", json!([hex(bad)])).unwrap_err();
        assert_eq!(error["code"], code, "{error}");
    }
    assert_eq!(client.call("author_pendingExtrinsics", json!([])), json!([]));
    client.submit(&good);
}

#[test]
fn nothing_that_is_ready_is_left_waiting() {
    let node = Node::start(&[]);
    let mut client = node.client();
    // In an order in which each needs one that comes later, and then in bulk.
    for nonce in (1..20).rev() {
        let early = signed(node.genesis, "//Alice", nonce, transfer("//Bob", UNIT));
        client.call("author_submitExtrinsic", json!([hex(&early)]));
    }
    assert_eq!(client.height(), 0);
    let first = signed(node.genesis, "//Alice", 0, transfer("//Bob", UNIT));
    let last = signed(node.genesis, "//Alice", 20, transfer("//Bob", UNIT));
    client.call("author_submitExtrinsic", json!([hex(&first)]));
    client.submit(&last);
    assert_eq!(client.nonce(&account("//Alice")), 21);
    assert_eq!(client.call("author_pendingExtrinsics", json!([])), json!([]));
}

#[test]
fn a_transaction_that_cannot_be_paid_or_is_for_another_chain_is_refused() {
    let node = Node::start(&[]);
    let mut client = node.client();
    let call = || transfer("//Bob", UNIT);
    let poor = signed(node.genesis, "//Nobody", 0, call());
    let elsewhere = signed([7; 32].into(), "//Alice", 0, call());
    for bad in [poor, elsewhere] {
        let error = client.try_call("author_submitExtrinsic", json!([hex(&bad)])).unwrap_err();
        assert_eq!(error["code"], 1010, "{error}");
    }
    assert_eq!(client.height(), 0);
    // The node goes on as if nothing had happened.
    client.submit(&signed(node.genesis, "//Alice", 0, call()));
}

#[test]
fn a_tick_makes_a_block_with_or_without_transactions() {
    const TICK: u64 = 250;
    let node = Node::start(&["--block-time-ms", "250"]);
    let mut client = node.client();
    let heads = client.call("chain_subscribeFinalizedHeads", json!([]));
    let from = number(&client.next(&heads));
    let started = Instant::now();
    let mut previous = None;
    for expected in from + 1..from + 7 {
        let header = client.next(&heads);
        assert_eq!(number(&header), expected);
        let block = client.block_hash(expected).unwrap();
        let stamp = client.timestamp(block);
        assert!(previous.is_none_or(|previous| stamp > previous), "the clock stood still");
        assert!(stamp <= now_ms());
        previous = Some(stamp);
    }
    // Six blocks, the first of which may have been due at once.
    let took = started.elapsed();
    assert!(took >= Duration::from_millis(4 * TICK), "too fast: {took:?}");

    // Ready before a tick is in that tick's block; the one being made right now
    // may have been closed already.
    let height = client.height();
    let block = client.submit(&signed(node.genesis, "//Alice", 0, transfer("//Bob", UNIT)));
    let header = client.call("chain_getHeader", json!([block]));
    assert!(number(&header) <= height + 2, "{} after {height}", number(&header));
}

#[test]
fn fees_are_told_beforehand_and_burned() {
    let node = Node::start(&[]);
    let mut client = node.client();
    let extrinsic = signed(node.genesis, "//Alice", 0, transfer("//Bob", UNIT));
    let told = client.call("payment_queryInfo", json!([hex(&extrinsic)]));
    let told: u128 = told["partialFee"].as_str().unwrap().parse().unwrap();
    let before = client.free(&account("//Alice"));
    let block = client.submit(&extrinsic);
    let paid = client
        .events(block)
        .into_iter()
        .find_map(|record| match record.event {
            RuntimeEvent::TransactionPayment(pallet_transaction_payment::Event::TransactionFeePaid {
                actual_fee,
                ..
            }) => Some(actual_fee),
            _ => None,
        })
        .expect("a fee was paid");
    assert_eq!(client.free(&account("//Alice")), before - UNIT - paid);
    assert!(paid > 0 && paid <= told, "{paid} of {told}");
}

#[test]
fn the_new_subscription_follows_the_chain() {
    let node = Node::start(&[]);
    let mut client = node.client();
    let follow = client.call("chainHead_v1_follow", json!([false]));
    let first = client.next(&follow);
    assert_eq!(first["event"], "initialized");
    assert_eq!(hash(&first["finalizedBlockHashes"][0]), node.genesis);
    let block = client.submit(&signed(node.genesis, "//Alice", 0, transfer("//Bob", UNIT)));
    let finalized =
        std::iter::repeat_with(|| client.next(&follow)).find(|event| event["event"] == "finalized").unwrap();
    assert_eq!(hash(&finalized["finalizedBlockHashes"][0]), block);
}
