//! The database and the API without a chain: what is written is served, once and in
//! order; who asks wrongly, too often or for nothing new is told so.

use assay_export::{Amount, BlockInfo, ChainInfo, Dataset, Node, OwnerChange};
use assay_index::{
    IndexError, Store,
    api::{self, Options},
    changes::Changes,
    describe::Event,
    store::State,
};
use assay_protocol::{Address, Hash};
use reqwest::{Client, Response};
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn block(number: u8) -> BlockInfo {
    BlockInfo { number: number.into(), hash: Hash([number; 32]), time: 1_000 }
}

fn begin() -> State {
    let chain = ChainInfo {
        network: "test".into(),
        genesis: Hash([9; 32]),
        registry: Address([1; 20]),
        market: Address([2; 20]),
        titles: Address([3; 20]),
        symbol: "UNIT".into(),
        block: block(0),
    };
    State { chain, from: 0, changed: block(0) }
}

fn dataset(byte: u8, name: &str) -> Dataset {
    Dataset {
        id: Hash([byte; 32]),
        owner: Address([byte % 2; 20]),
        name: name.into(),
        bytes: u64::MAX,
        licence: "MIT".into(),
        licence_text: None,
        open: true,
        price: Some(Amount(u128::MAX)),
        access_seconds: 0,
        royalty_bp: 0,
        terms: Hash::default(),
        registered_at: 0,
        block: u32::from(byte),
        withdrawn_at: None,
        locations: vec![],
        imported: None,
    }
}

/// The registration of a dataset that was made from others, in the block of its number.
fn registered(byte: u8, name: &str, sources: &[u8]) -> Changes {
    let node = |byte: u8| Node::Dataset { id: Hash([byte; 32]) };
    let block = u64::from(byte);
    let event = Event {
        block,
        position: 0,
        time: 0,
        contract: "registry".into(),
        event: "dataset_registered".into(),
        fields: json!({}),
    };
    let change = OwnerChange { node: node(byte), from: None, to: Address([byte % 2; 20]), block, time: 0 };
    Changes {
        events: vec![(event, BTreeSet::from([node(byte).to_string()]))],
        datasets: vec![dataset(byte, name)],
        made_from: vec![(node(byte), sources.iter().map(|byte| node(*byte)).collect())],
        owner_changes: vec![(0, change)],
        ..Changes::default()
    }
}

/// A database of its own: SQLite's, or PostgreSQL's, emptied, if `ASSAY_TEST_POSTGRES`
/// names one (then with `--test-threads 1`).
struct Database {
    store: Store,
    _folder: tempfile::TempDir,
}

async fn database() -> Database {
    let folder = tempfile::tempdir().unwrap();
    let url = match std::env::var("ASSAY_TEST_POSTGRES") {
        Ok(url) => url,
        Err(_) => format!("sqlite:{}", folder.path().join("new/folder/index.db").display()),
    };
    let store = Store::open(&url).await.unwrap();
    store.clear().await.unwrap();
    Database { store, _folder: folder }
}

/// Five datasets, each made from the one before, in blocks 1 to 5.
async fn filled() -> (Database, State) {
    let database = database().await;
    let mut state = begin();
    database.store.begin(&state).await.unwrap();
    for byte in 1..=5 {
        let before = [byte - 1];
        let changes = registered(byte, &format!("Data 50%_{byte}"), if byte > 1 { &before } else { &[] });
        database.store.apply(&mut state, block(byte), &changes).await.unwrap();
    }
    (database, state)
}

struct Server {
    http: Client,
    url: String,
}

impl Server {
    async fn start(store: &Store, options: Options) -> Self {
        // An error: it is there already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (listen, stop) = ("127.0.0.1:0".parse().unwrap(), std::future::pending());
        let (address, server) = api::serve(store.clone(), None, listen, options, stop).await.unwrap();
        tokio::spawn(server);
        Self { http: Client::new(), url: format!("http://{address}") }
    }

    async fn ask(&self, path: &str) -> Response {
        self.http.get(format!("{}{path}", self.url)).send().await.unwrap()
    }

    async fn ask_with(&self, path: &str, header: &str, value: &str) -> Response {
        self.http.get(format!("{}{path}", self.url)).header(header, value).send().await.unwrap()
    }

    async fn json(&self, path: &str) -> Value {
        let answer = self.ask(path).await;
        assert_eq!(answer.status(), 200, "{path}");
        answer.json().await.unwrap()
    }
}

fn header<'a>(answer: &'a Response, name: &str) -> &'a str {
    answer.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

async fn error_of(answer: Response) -> (String, String) {
    let body: Value = answer.json().await.unwrap();
    let text = |key: &str| body["error"][key].as_str().unwrap_or_default().to_owned();
    (text("code"), text("message"))
}

#[tokio::test]
async fn what_is_written_is_served() {
    let (database, _) = filled().await;
    let server = Server::start(&database.store, Options::default()).await;
    let blocks = |page: &Value, list: &str| -> Vec<Value> {
        page[list].as_array().unwrap().iter().map(|item| item["block"].clone()).collect()
    };
    let page = server.json("/v1/datasets?limit=2&offset=1").await;
    assert_eq!(
        (&page["total"], &page["offset"], blocks(&page, "items")),
        (&json!(5), &json!(1), vec![json!(4), json!(3)])
    );
    assert_eq!(blocks(&server.json("/v1/datasets?order=oldest&limit=3").await, "items"), [1, 2, 3]);
    let owned = server.json(&format!("/v1/datasets?owner={}", Address([1; 20]))).await;
    assert_eq!((&owned["total"], blocks(&owned, "items")), (&json!(3), vec![json!(5), json!(3), json!(1)]));
    let one = server.json(&format!("/v1/datasets/{}", Hash([3; 32]))).await;
    assert_eq!(one, serde_json::to_value(dataset(3, "Data 50%_3")).unwrap());
    // No digit is lost on the way.
    assert_eq!((one["price"].as_str(), one["bytes"].as_u64()), (Some(u128::MAX.to_string().as_str()), Some(u64::MAX)));

    let node = format!("dataset:{}", Hash([5; 32]));
    let lineage = server.json(&format!("/v1/lineage/{node}")).await;
    assert_eq!((lineage["nodes"].as_array().unwrap().len(), &lineage["cut"]), (5, &json!([])));
    let near = server.json(&format!("/v1/lineage/{node}?depth=1")).await;
    assert_eq!(near["cut"], json!([{ "kind": "dataset", "id": Hash([4; 32]) }]));
    let events = server.json(&format!("/v1/events?node={node}")).await;
    assert_eq!((&events["total"], &events["items"][0]["block"]), (&json!(1), &json!(5)));
    assert_eq!(server.json(&format!("/v1/owners/{node}")).await["total"], 1);
    let svg = server.ask(&format!("/v1/exports/svg/{node}")).await;
    assert_eq!(header(&svg, "content-type"), "image/svg+xml");
    assert!(header(&svg, "content-security-policy").starts_with("default-src 'none'"));

    let found = async |query: &str| blocks(&server.json(&format!("/v1/search?q={query}")).await, "nodes");
    assert_eq!(found("dATA").await, [5, 4, 3, 2, 1]);
    assert_eq!((found("50%25_2").await, found("0x0303").await), (vec![json!(2)], vec![json!(3)]));
    // Neither is a wildcard.
    assert!(found("%00").await.is_empty());
    assert!(found("5%25_2").await.is_empty() && found("50%25%252").await.is_empty() && found("D_ta").await.is_empty());
}

#[tokio::test]
async fn wrong_questions_are_answered_in_words() {
    let (database, _) = filled().await;
    let server = Server::start(&database.store, Options::default()).await;
    let card = format!("/v1/exports/card/dataset:{}", Hash([1; 32]));
    for (path, expected, word) in [
        ("/v1/datasets?limit=0", 400, "1 to 200"),
        ("/v1/datasets?limit=201", 400, "1 to 200"),
        ("/v1/datasets?limit=x", 400, "limit"),
        ("/v1/datasets?order=sideways", 400, "newest"),
        ("/v1/datasets?owner=0x12", 400, "40 hex digits"),
        ("/v1/datasets/0x12", 400, "64 hex digits"),
        ("/v1/jobs/-1", 400, "-1"),
        ("/v1/jobs/99", 404, "on record"),
        ("/v1/grants", 400, "dataset"),
        ("/v1/statements?node=thing:1", 400, "job:MARKET:N"),
        ("/v1/events?node=job:1&account=0x0101010101010101010101010101010101010101", 400, "not both"),
        ("/v1/search?q=%20", 400, "empty"),
        ("/v1/search?q=0x1", 400, "4 digits"),
        ("/v1/search", 400, "q"),
        ("/v1/lineage/job:99", 404, "on record"),
        ("/v1/exports/pdf/job:1", 400, "croissant"),
        (card.as_str(), 400, "model"),
        ("/v1/nothing", 404, "openapi"),
        ("/", 404, "openapi"),
    ] {
        let answer = server.ask(path).await;
        let status = answer.status().as_u16();
        let (code, message) = error_of(answer).await;
        assert_eq!(status, expected, "{path}: {message}");
        assert_eq!(code, if status == 404 { "not_found" } else { "bad_request" }, "{path}");
        assert!(message.contains(word), "{path}: {message}");
    }
    let posted = server.http.post(format!("{}/v1/datasets", server.url)).send().await.unwrap();
    assert_eq!((posted.status().as_u16(), error_of(posted).await.0), (405, "read_only".into()));
}

#[tokio::test]
async fn the_tag_changes_with_what_changed_and_not_before() {
    let (database, mut state) = filled().await;
    let server = Server::start(&database.store, Options::default()).await;
    let ask = async |tags: &str| server.ask_with("/v1/models", "if-none-match", tags).await;
    let first = server.ask("/v1/models").await;
    let tag = header(&first, "etag").to_owned();
    assert_eq!((header(&first, "x-assay-block"), header(&first, "cache-control")), ("5", "no-cache"));
    let known = ask(&format!("\"other\", W/{tag}")).await;
    assert_eq!((known.status().as_u16(), header(&known, "etag")), (304, tag.as_str()));
    assert!(known.bytes().await.unwrap().is_empty());
    // A block in which nothing happened.
    database.store.apply(&mut state, block(6), &Changes::default()).await.unwrap();
    let same = ask(&tag).await;
    assert_eq!((same.status().as_u16(), header(&same, "x-assay-block")), (304, "6"));
    database.store.apply(&mut state, block(7), &registered(7, "new", &[])).await.unwrap();
    assert_eq!(ask(&tag).await.status(), 200);
    assert_eq!(header(&server.ask("/v1/jobs/99").await, "etag"), "");
    let status = server.ask("/v1/status").await;
    assert_eq!(header(&status, "cache-control"), "no-store");
    assert_eq!(status.json::<Value>().await.unwrap()["changed"]["number"], 7);
}

#[tokio::test]
async fn pages_of_any_origin_may_ask() {
    let (database, _) = filled().await;
    let server = Server::start(&database.store, Options::default()).await;
    let answer = server.ask_with("/v1/models", "origin", "https://page.example").await;
    assert_eq!(header(&answer, "access-control-allow-origin"), "*");
    let exposed = header(&answer, "access-control-expose-headers").to_lowercase();
    assert!(exposed.contains("etag") && exposed.contains("x-assay-block"), "{exposed}");
    let asked = server.http.request(reqwest::Method::OPTIONS, format!("{}/v1/models", server.url));
    let asked = asked.header("origin", "https://page.example").header("access-control-request-method", "GET");
    let allowed = asked.header("access-control-request-headers", "if-none-match").send().await.unwrap();
    assert!(allowed.status().is_success());
    assert!(header(&allowed, "access-control-allow-headers").contains("if-none-match"));
}

#[tokio::test]
async fn who_asks_too_often_is_told_when_to_come_back() {
    let (database, _) = filled().await;
    // So slow that a loaded machine does not earn another request in between.
    let options = Options { per_second: 1, burst: 3, behind_proxy: false };
    let server = Server::start(&database.store, options).await;
    let mut statuses = vec![];
    for _ in 0..20 {
        // What others say of who asks is not believed.
        let answer = server.ask_with("/v1/status", "x-forwarded-for", &format!("192.0.2.{}", statuses.len())).await;
        statuses.push(answer.status().as_u16());
        if statuses.last() == Some(&429) {
            let seconds: u64 = header(&answer, "retry-after").parse().unwrap();
            assert!((1..=2).contains(&seconds), "{seconds}");
            assert_eq!(error_of(answer).await.0, "too_many_requests");
            break;
        }
    }
    assert!(statuses.starts_with(&[200, 200, 200]) && statuses.ends_with(&[429]), "{statuses:?}");

    let server = Server::start(&database.store, Options { behind_proxy: true, ..options }).await;
    for number in 1..20 {
        let answer = server.ask_with("/v1/status", "x-forwarded-for", &format!("192.0.2.{number}")).await;
        assert_eq!(answer.status(), 200, "each is another");
    }
}

#[tokio::test]
async fn an_empty_index_says_so() {
    let database = database().await;
    let server = Server::start(&database.store, Options::default()).await;
    for path in ["/v1/status", "/v1/models"] {
        let answer = server.ask(path).await;
        assert_eq!((answer.status().as_u16(), header(&answer, "retry-after")), (503, "2"), "{path}");
        assert_eq!(error_of(answer).await.0, "not_ready");
    }
    assert!(database.store.state().await.unwrap().is_none());
}

#[tokio::test]
async fn a_block_is_written_whole_or_not_at_all_and_once() {
    let (database, mut state) = filled().await;
    let store = &database.store;
    let before = state.clone();
    // A second event in one place cannot be written: nor is what comes with it.
    let mut broken = registered(6, "broken", &[]);
    broken.events.push(broken.events[0].clone());
    assert!(matches!(store.apply(&mut state, block(6), &broken).await, Err(IndexError::Database(_))));
    assert_eq!((&state, store.state().await.unwrap().as_ref()), (&before, Some(&before)));
    let server = Server::start(store, Options::default()).await;
    assert_eq!(server.json("/v1/datasets").await["total"], 5);

    // Somebody else has written a block since.
    let mut other = state.clone();
    store.apply(&mut other, block(6), &registered(6, "theirs", &[])).await.unwrap();
    let late = store.apply(&mut state, block(6), &registered(6, "ours", &[])).await;
    assert!(matches!(late, Err(IndexError::Shared)), "{late:?}");
    assert_eq!(server.json(&format!("/v1/datasets/{}", Hash([6; 32]))).await["name"], "theirs");

    // A withdrawn dataset keeps its place and is not found by its name.
    let withdrawn = Changes { datasets: vec![dataset(3, "")], ..Changes::default() };
    store.apply(&mut other, block(7), &withdrawn).await.unwrap();
    assert_eq!(server.json("/v1/datasets?order=oldest").await["items"][2]["name"], "");
    assert_eq!(server.json("/v1/search?q=50%25_3").await["nodes"], json!([]));
    store.clear().await.unwrap();
    assert_eq!(store.state().await.unwrap(), None);
}

#[tokio::test]
async fn the_description_is_the_committed_one_and_every_path_is_there() {
    let description = api::openapi().to_pretty_json().unwrap();
    let committed = include_str!("../../../docs/openapi.json");
    assert!(description.trim() == committed.trim(), "run `assay index openapi >docs/openapi.json`");
    let (database, _) = filled().await;
    let server = Server::start(&database.store, Options::default()).await;
    let description: Value = serde_json::from_str(&description).unwrap();
    let paths = description["paths"].as_object().unwrap();
    for path in paths.keys() {
        let filled = path.replace("{id}", "1").replace("{node}", "job:1").replace("{account}", "1");
        let text = server.ask(&filled.replace("{form}", "svg")).await.text().await.unwrap();
        assert!(!text.contains("there is nothing here"), "{path} is described and not served");
    }
    // And the other way round.
    let source = include_str!("../src/api/mod.rs");
    let mut routes = 0;
    for route in source.split(".route(\"").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(paths.contains_key(route) || route == "/v1/openapi.json", "{route} is served and not described");
        routes += 1;
    }
    assert_eq!(routes, paths.len() + 1);
}
