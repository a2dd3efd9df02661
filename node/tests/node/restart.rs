//! What a restart keeps, however the node ended.

use crate::harness::{account, number, run_to_end, signed, transfer, Node};
use assay_node_runtime::{currency::UNIT, Hash};
use serde_json::json;
use tempfile::TempDir;

fn start(folder: &TempDir, more: &[&str]) -> Node {
    Node::start(&[&["--base-path", folder.path().to_str().unwrap()], more].concat())
}

/// Sends transactions through several restarts and checks that each finds the
/// last block, its state, and a chain that goes on.
fn survives(name: &str) {
    let folder = tempfile::tempdir().unwrap();
    let mut last: Option<(Hash, u128)> = None;
    for round in 0..5 {
        let node = start(&folder, &[]);
        let mut client = node.client();
        if let Some((block, balance)) = last {
            assert_eq!(client.finalized_head(), block, "{name}, round {round}");
            assert_eq!(client.height(), 2 * round, "{name}, round {round}");
            assert_eq!(client.free(&account("//Bob")), balance);
        }
        let mut block = node.genesis;
        for nonce in 2 * round..2 * round + 2 {
            block = client.submit(&signed(node.genesis, "//Alice", nonce, transfer("//Bob", UNIT)));
        }
        last = Some((block, client.free(&account("//Bob"))));
        // At the very moment at which the client knows that the block is final.
        node.stop(name);
    }
}

#[test]
fn keeps_the_chain_when_it_is_asked_to_stop() {
    survives("TERM");
}

#[test]
fn keeps_the_chain_when_it_is_killed() {
    survives("KILL");
}

#[test]
fn keeps_every_finalised_block_when_killed_while_making_them() {
    let folder = tempfile::tempdir().unwrap();
    let mut known: Vec<(u32, Hash)> = Vec::new();
    for _ in 0..5 {
        let node = start(&folder, &["--block-time-ms", "10"]);
        let mut client = node.client();
        for (height, block) in &known {
            assert_eq!(client.block_hash(*height), Some(*block), "block {height} is gone");
        }
        let heads = client.call("chain_subscribeFinalizedHeads", json!([]));
        let height = std::iter::repeat_with(|| number(&client.next(&heads))).nth(20).unwrap();
        known.push((height, client.block_hash(height).unwrap()));
        node.stop("KILL");
    }
}

#[test]
fn forgets_without_a_folder() {
    let node = Node::start(&["--tmp"]);
    let genesis = node.genesis;
    let mut client = node.client();
    client.submit(&signed(genesis, "//Alice", 0, transfer("//Bob", UNIT)));
    node.stop("TERM");
    let node = Node::start(&["--tmp"]);
    assert_eq!(node.genesis, genesis);
    assert_eq!(node.client().height(), 0);
}

#[test]
fn a_folder_in_use_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let node = start(&folder, &[]);
    let path = folder.path().to_str().unwrap();
    let ended = run_to_end(&["--rpc-port", "0", "--base-path", path]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("in use by another assay-node"), "{}", ended.stderr);
    assert!(ended.stderr.contains(path), "{}", ended.stderr);
    // The first one does not mind.
    node.client().submit(&signed(node.genesis, "//Alice", 0, transfer("//Bob", UNIT)));
}

#[test]
fn a_chain_that_began_otherwise_is_refused_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let funded = ["--fund", "//Stranger=1"];
    let node = start(&folder, &funded);
    let genesis = node.genesis;
    node.stop("TERM");

    let ended = run_to_end(&["--rpc-port", "0", "--base-path", path]);
    assert_eq!(ended.code, Some(1));
    for part in [path, "--fund", "--base-path", &format!("{genesis:?}")] {
        assert!(ended.stderr.contains(part), "{part}: {}", ended.stderr);
    }
    assert_eq!(start(&folder, &funded).genesis, genesis);
}
