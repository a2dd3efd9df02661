//! Starting, refusing to start, and stopping.

use crate::harness::{account, run_to_end, Client, Node};
use assay_node_runtime::currency::UNIT;
use serde_json::json;
use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    time::{Duration, Instant},
};

#[test]
fn says_ready_and_answers_over_websocket_and_http() {
    let node = Node::start(&[]);
    let mut client = node.client();
    assert_eq!(client.block_hash(0), Some(node.genesis));
    assert_eq!(client.height(), 0);
    let properties = client.call("system_properties", json!([]));
    assert_eq!(properties, json!({"tokenSymbol": "UNIT", "tokenDecimals": 12, "ss58Format": 42}));

    let mut stream = TcpStream::connect(("127.0.0.1", node.port)).unwrap();
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"chain_getBlockHash","params":[0]}"#;
    write!(
        stream,
        "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n\
         Connection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.contains(&format!("{:?}", node.genesis)), "{answer}");
}

#[test]
fn offers_the_methods_that_clients_need() {
    let node = Node::start(&[]);
    let listed = node.client().call("rpc_methods", json!([]));
    let listed: Vec<_> = listed["methods"].as_array().unwrap().iter().filter_map(|name| name.as_str()).collect();
    for method in [
        "archive_v1_hashByHeight",
        "author_submitAndWatchExtrinsic",
        "chainHead_v1_follow",
        "chainSpec_v1_genesisHash",
        "payment_queryInfo",
        "state_getMetadata",
        "state_queryStorage",
        "system_accountNextIndex",
        "transactionWatch_v1_submitAndWatch",
        "transaction_v1_broadcast",
    ] {
        assert!(listed.contains(&method), "{method}");
    }
}

#[test]
fn development_accounts_have_funds_and_more_can_be_given() {
    let node = Node::start(&["--fund", "//Stranger=12.5", "--fund", "//Bob=3"]);
    let mut client = node.client();
    for uri in ["//Alice", "//Ferdie", "//Assay0", "//Assay31"] {
        assert_eq!(client.free(&account(uri)), 1_000_000 * UNIT, "{uri}");
    }
    assert_eq!(client.free(&account("//Stranger")), 12 * UNIT + UNIT / 2);
    assert_eq!(client.free(&account("//Bob")), 3 * UNIT);
    assert_eq!(client.free(&account("//Assay32")), 0);
}

#[test]
fn a_port_that_is_taken_is_named() {
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let ended = run_to_end(&["--rpc-port", &port]);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.stderr.contains(&format!("port {port}")), "{}", ended.stderr);
    assert!(ended.stderr.contains("--rpc-port"), "{}", ended.stderr);
    assert_eq!(ended.stdout, "");
}

#[test]
fn a_folder_that_cannot_be_used_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().join("below-a-file");
    let ended = run_to_end(&["--rpc-port", "0", "--base-path", path.to_str().unwrap()]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains(path.to_str().unwrap()), "{}", ended.stderr);
    assert!(ended.stderr.contains("--base-path"), "{}", ended.stderr);
}

#[test]
fn version_help_and_usage() {
    let version = run_to_end(&["--version"]);
    assert_eq!(version.code, Some(0));
    assert_eq!(version.stdout, concat!("assay-node ", env!("CARGO_PKG_VERSION"), "\n"));

    let help = run_to_end(&["--help"]);
    assert_eq!(help.code, Some(0));
    for flag in ["--base-path", "--block-time-ms", "--fund", "--log", "--rpc-port", "--tmp"] {
        assert!(help.stdout.contains(flag), "{flag}");
    }

    for usage in [
        &["--nonsense"][..],
        &["--block-time-ms", "0"],
        &["--tmp", "--base-path", "x"],
        &["--fund", "//Alice"],
        &["--log", "=,="],
    ] {
        let ended = run_to_end(usage);
        assert_eq!(ended.code, Some(2), "{usage:?}: {}", ended.stderr);
        assert_ne!(ended.stderr, "", "{usage:?}");
    }
}

#[test]
fn a_signal_ends_it_cleanly_and_soon_though_clients_listen() {
    for name in ["TERM", "INT"] {
        let node = Node::start(&["--block-time-ms", "50"]);
        let mut client = Client::connect(node.port);
        let heads = client.call("chain_subscribeNewHeads", json!([]));
        client.next(&heads);
        let asked = Instant::now();
        let status = node.stop(name);
        assert_eq!(status.code(), Some(0), "{name}: {status}");
        assert!(asked.elapsed() < Duration::from_secs(10), "{name}: {:?}", asked.elapsed());
    }
}
