//! `scripts/bench reader`: how fast an index of 100,000 records answers.
//!
//! Prints a table in Markdown. Every request goes over HTTP, one after the other.

// A job has many fields.
#![recursion_limit = "256"]

use assay_export::{Amount, BlockInfo, ChainInfo, Dataset, Job, Model, Node, OwnerChange, Standing, Statement};
use assay_index::{
    Store,
    api::{self, Options},
    changes::Changes,
    describe::Event,
    store::State,
};
use assay_protocol::{Address, Hash};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    error::Error,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

/// Records of each of the three large kinds.
const EACH: u32 = 30_000;
/// Standings in each role, and statements.
const OTHERS: u32 = 5_000;
/// Records that one block changes.
const PER_BLOCK: usize = 30;
/// Accounts among which the records are shared.
const ACCOUNTS: u32 = 500;
/// How often each request is made.
const TIMES: usize = 200;

fn hash(kind: u8, number: u32) -> Hash {
    let mut bytes = [kind; 32];
    // Spread like hashes are.
    let mixed = u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bytes[..8].copy_from_slice(&mixed.to_be_bytes());
    bytes[8..12].copy_from_slice(&number.to_be_bytes());
    Hash(bytes)
}

fn account(number: u32) -> Address {
    let mut bytes = [0xac; 20];
    bytes[..4].copy_from_slice(&(number % ACCOUNTS).to_be_bytes());
    Address(bytes)
}

fn market() -> Address {
    Address([0x3a; 20])
}

fn dataset(number: u32) -> Dataset {
    Dataset {
        id: hash(1, number),
        owner: account(number),
        name: format!("measured dataset {number} of {}", ["rivers", "faces", "prices", "voices"][number as usize % 4]),
        bytes: u64::from(number),
        licence: "CC-BY-4.0".into(),
        licence_text: None,
        open: true,
        price: Some(Amount(10u128.pow(18))),
        access_seconds: 0,
        royalty_bp: 100,
        terms: hash(4, number),
        registered_at: 1_700_000_000,
        block: number,
        withdrawn_at: None,
        locations: vec![format!("https://example.org/data/{number}")],
        imported: None,
    }
}

/// Each from a dataset, its job and the model before it: the newest thousand are a chain.
fn model(number: u32) -> Model {
    Model {
        id: hash(2, number),
        owner: Some(account(number)),
        first_owner: account(number),
        name: format!("classifier {number}"),
        licence: "Apache-2.0".into(),
        program: hash(5, 0),
        final_state: hash(6, number),
        artefact: hash(7, number),
        market: market(),
        job: u64::from(number),
        operator: account(number + 1),
        segments: 1_000,
        segments_drawn: 8,
        segments_checked: 8,
        royalty_bp: 0,
        registered_at: 1_700_000_000,
        block: number,
        locations: vec![],
        imported: None,
    }
}

fn job(number: u32) -> Job {
    let slot = |segment: u32| {
        json!({ "segment": segment, "verifier": account(segment), "check": "passed", "before": hash(8, segment),
            "after": hash(9, segment), "operator_seal": null, "verifier_seal": hash(10, segment), "trace": hash(11, segment) })
    };
    let windows = json!({ "claim": 1, "train": 1, "secrets": 1, "open": 1, "attest": 1, "reveal": 1, "dispute": 1 });
    let job = json!({
        "market": market(), "id": number, "client": account(number), "state": "final", "deadline": 0,
        "posted_at": 1_700_000_000, "operator": account(number + 1), "attempts": 1, "rounds": 1, "enlisted": 8,
        "revealed": 8, "challenges": 0, "held": "0", "model_name": "classifier", "model_licence": "Apache-2.0",
        "parent": null, "datasets": [hash(1, number)], "royalties": [], "commitment": { "root": hash(12, number),
        "block": number }, "ends": null, "seed": hash(13, number), "slots": (0..8).map(slot).collect::<Vec<_>>(),
        "seats": [], "dispute": null, "demands": [], "model": hash(2, number),
        "terms": { "spec": hash(14, number), "program": hash(5, 0), "segments": 1000, "payment": "1", "fee": "1",
            "stake": "1", "hand_back": "0", "bond": "1", "samples": 8, "panel": 3, "windows": windows,
            "policy": { "gain": "0", "false_segments": 1, "bribed_bp": 0 } },
        "contributions": { "data": [], "compute": null, "verification": [], "verification_more": "0",
            "challengers": "0", "bonds": "0", "refund": "0", "burned": "0" },
    });
    serde_json::from_value(job).expect("it has every field")
}

fn standing(number: u32, role: &str) -> Standing {
    let mut bytes = [0xbb; 20];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    Standing {
        account: Address(bytes),
        role: role.into(),
        stake: Amount(10u128.pow(20)),
        locked: Amount(0),
        unbonding: Amount(0),
        unbonds_at: 0,
        done: number,
        lost: 0,
        missed: 0,
        endpoint: String::new(),
        offer: None,
    }
}

fn record(number: u32, changes: &mut Changes) {
    let (data, made) = (Node::Dataset { id: hash(1, number) }, Node::Model { id: hash(2, number) });
    let trained = Node::Job { market: market(), job: u64::from(number) };
    let block = u64::from(number) / 10 + 1;
    let first = |node| OwnerChange { node, from: None, to: account(number), block, time: 0 };
    let position = (number * 3) % 30_000;
    changes.datasets.push(dataset(number));
    changes.jobs.push((job(number), vec![]));
    changes.models.push(model(number));
    changes.made_from.push((data, vec![]));
    let mut sources = vec![data, trained];
    if !number.is_multiple_of(1_000) {
        sources.push(Node::Model { id: hash(2, number - 1) });
    }
    changes.made_from.push((made, sources));
    changes.owner_changes.extend([(position, first(data)), (position + 1, first(made))]);
    for (node, name) in [(data, "dataset_registered"), (trained, "job_moved"), (made, "model_registered")] {
        let fields = json!({ "owner": account(number), "node": node });
        let position = changes.events.len() as u32;
        let event = Event { block, position, time: 0, contract: "registry".into(), event: name.into(), fields };
        changes.events.push((event, BTreeSet::from([node.to_string(), format!("account:{}", account(number))])));
    }
    if number < OTHERS {
        changes.standings.extend([standing(number, "operator"), standing(number, "verifier")]);
        changes.statements.push(Statement {
            node: data,
            number: 0,
            author: account(number),
            kind: "note".into(),
            text: "measured".into(),
            evidence: None,
            at: 0,
            block: number,
        });
    }
}

async fn fill(store: &Store) -> Result<(u64, Duration), Box<dyn Error>> {
    let block = |number: u64| BlockInfo { number, hash: hash(15, number as u32), time: number };
    let chain = ChainInfo {
        network: "measured".into(),
        genesis: hash(16, 0),
        registry: Address([0x2a; 20]),
        market: market(),
        titles: Address([0x4a; 20]),
        symbol: "UNIT".into(),
        block: block(0),
    };
    let mut state = State { chain, from: 0, changed: block(0) };
    store.begin(&state).await?;
    let begun = Instant::now();
    let per_block = (PER_BLOCK / 3) as u32;
    for number in 0..EACH / per_block {
        let mut changes = Changes::default();
        (number * per_block..(number + 1) * per_block).for_each(|one| record(one, &mut changes));
        store.apply(&mut state, block(u64::from(number) + 1), &changes).await?;
    }
    Ok((u64::from(EACH / per_block), begun.elapsed()))
}

/// Makes a request on a connection of its own; gives the bytes of the answer's body.
fn get(address: SocketAddr, path: &str) -> Result<Vec<u8>, Box<dyn Error + Send + Sync>> {
    let mut stream = TcpStream::connect(address)?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = vec![];
    stream.read_to_end(&mut answer)?;
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").ok_or("the answer has no body")?;
    match answer.starts_with(b"HTTP/1.1 200") {
        true => Ok(answer.split_off(end + 4)),
        false => Err(format!("{path}: {}", String::from_utf8_lossy(&answer)).into()),
    }
}

fn memory(field: &str) -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap_or_default();
    let kilobytes: u64 = line.split_whitespace().nth(1).and_then(|text| text.parse().ok()).unwrap_or(0);
    format!("{} MB", kilobytes / 1_000)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::temp_dir().join(format!("assay-reader-{}", std::process::id()));
    let url = match std::env::args().nth(1) {
        Some(url) => url,
        None => format!("sqlite:{}", folder.join("index.db").display()),
    };
    let result = measure(&url).await;
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    result
}

async fn measure(url: &str) -> Result<(), Box<dyn Error>> {
    let store = Store::open(url).await?;
    store.clear().await?;
    let (blocks, took) = fill(&store).await?;
    let records = 3 * EACH + 3 * OTHERS;
    let options = Options { per_second: 1_000_000, burst: 1_000_000, behind_proxy: false };
    let (address, server) = api::serve(store, None, "127.0.0.1:0".parse()?, options, std::future::pending()).await?;
    tokio::spawn(server);

    let (one, last) = (hash(1, 12_345), EACH - 1);
    let newest = Node::Model { id: hash(2, last) };
    let requests = [
        ("newest 50 models", "/v1/models".to_owned()),
        ("newest 200 jobs", "/v1/jobs?limit=200".into()),
        ("50 models from the middle", format!("/v1/models?offset={}", EACH / 2)),
        ("last page of the events", format!("/v1/events?offset={}", 3 * EACH - 50)),
        ("an owner's datasets", format!("/v1/datasets?owner={}", account(7))),
        ("an account's events", format!("/v1/events?account={}", account(7))),
        ("a dataset", format!("/v1/datasets/{one}")),
        ("an account", format!("/v1/accounts/{}", account(7))),
        ("search: a word of many names", "/v1/search?q=rivers".into()),
        ("search: one name", "/v1/search?q=dataset%2012345%20of".into()),
        ("search: no name", "/v1/search?q=nothing%20like%20it".into()),
        ("search: start of an id", format!("/v1/search?q={}", &one.to_string()[..14])),
        ("lineage of 500 nodes", format!("/v1/lineage/{newest}?depth=1000&nodes=500")),
        ("the same drawn", format!("/v1/exports/svg/{newest}?depth=1000&nodes=500")),
    ];
    let mut rows = vec![];
    for (what, path) in requests {
        let row = tokio::task::spawn_blocking(move || {
            let (mut times, mut bytes) = (vec![], 0);
            let times_each = if path.contains("nodes=") { TIMES / 10 } else { TIMES };
            for _ in 0..times_each {
                let begun = Instant::now();
                bytes = get(address, &path)?.len();
                times.push(begun.elapsed());
            }
            times.sort();
            let shown = |time: Duration| format!("{:.1}", time.as_secs_f64() * 1e3);
            let (median, slow) = (times[times.len() / 2], times[times.len() * 95 / 100]);
            let row = format!("| {what} | {} | {} | {:.1} |", shown(median), shown(slow), bytes as f64 / 1e3);
            Ok::<_, Box<dyn Error + Send + Sync>>(row)
        });
        rows.push(row.await?.map_err(|error| error.to_string())?);
    }
    let status: Value = serde_json::from_slice(&get(address, "/v1/status").map_err(|error| error.to_string())?)?;
    assert_eq!(status["chain"]["block"]["number"], blocks, "all blocks are there");
    let per_second = f64::from(records) / took.as_secs_f64();
    println!(
        "{records} records with {} events in {blocks} blocks, written in {:.0} s ({per_second:.0} records a second). \
         The process holds {} of memory, {} at most.\n",
        3 * EACH,
        took.as_secs_f64(),
        memory("VmRSS"),
        memory("VmHWM")
    );
    println!("| request | median, ms | of 20 all but one below, ms | answer, kB |\n| --- | ---: | ---: | ---: |");
    rows.iter().for_each(|row| println!("{row}"));
    Ok(())
}
