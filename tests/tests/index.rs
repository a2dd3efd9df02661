//! The index on a real chain: its rows are the chain's records, over restarts,
//! outages and a chain that is made anew.

use anyhow::{Context, ensure};
use assay_client::{Signer, all_pages};
use assay_e2e::{CLIENT, CLIENT_SECRET, DEPLOYER, Daemon, JobOptions, OPERATOR, World, tokens};
use assay_export::{Grant, Node, Statement};
use assay_index::{Contracts, Limits, lineage};
use assay_oracle::steps;
use assay_protocol::commitment::seal;
use assay_protocol::hash::{Native, Sha256};
use assay_protocol::market::{Role, SlotTrace, State, Windows};
use assay_protocol::registry::{self, DatasetTerms, MAX_PAGE, NamedParent, RegisterDataset, StatementKind};
use assay_protocol::{Address, Hash};
use assay_testkit::{DevNode, NodeOptions};
use serde::Serialize;
use serde_json::{Value, json};
use std::time::Duration;

/// How long the index may take to follow.
const PATIENCE: Duration = Duration::from_secs(60);

/// The API of a running index.
struct Index {
    daemon: Daemon,
    http: reqwest::Client,
    url: String,
}

impl Index {
    async fn start(world: &World) -> anyhow::Result<Self> {
        let arguments = ["index", "run", "--listen", "127.0.0.1:0", "--rate", "1000", "--burst", "1000"];
        let daemon = world.daemon("index", "assay", &arguments).await?;
        let url = daemon.ready.clone();
        // Plain HTTP needs none, but the client asks for it. An error: it is there already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Ok(Self { daemon, http: reqwest::Client::new(), url })
    }

    async fn get(&self, path: &str) -> anyhow::Result<Value> {
        let answer = self.http.get(format!("{}{path}", self.url)).send().await?;
        let (status, body) = (answer.status(), answer.text().await?);
        ensure!(status.is_success(), "{path}: {status}: {body}");
        Ok(serde_json::from_str(&body)?)
    }

    /// All items of a list, oldest first, in pages of three.
    async fn all(&self, path: &str) -> anyhow::Result<Vec<Value>> {
        let mut items: Vec<Value> = vec![];
        loop {
            let sign = if path.contains('?') { '&' } else { '?' };
            let page = self.get(&format!("{path}{sign}limit=3&order=oldest&offset={}", items.len())).await?;
            let new = page["items"].as_array().context("a page has items")?.clone();
            ensure!(page["offset"] == items.len(), "{path}: {page}");
            items.extend(new.iter().cloned());
            if items.len() as u64 >= page["total"].as_u64().context("a page has a total")? {
                return Ok(items);
            }
            ensure!(!new.is_empty(), "{path} ends before its total: {page}");
        }
    }

    /// Waits until a request's answer is as it should be.
    async fn until(&self, path: &str, reached: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
        let wait = async {
            loop {
                // It may not have begun.
                if let Ok(answer) = self.get(path).await
                    && reached(&answer)
                {
                    return answer;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        let answer = tokio::time::timeout(PATIENCE, wait).await;
        answer.with_context(|| format!("{path} does not become as it should; the index's log:\n{}", self.daemon.log()))
    }

    /// Waits until the index has read a block.
    async fn has(&self, block: u64) -> anyhow::Result<Value> {
        self.until("/v1/status", |status| status["chain"]["block"]["number"].as_u64() >= Some(block)).await
    }
}

fn value(record: impl Serialize) -> Value {
    serde_json::to_value(record).expect("records are JSON")
}

/// Compares everything that the index has with the chain, as of now.
async fn assert_same(world: &World, index: &Index) -> anyhow::Result<()> {
    let contracts = Contracts::new(&world.chain, &world.deployment);
    let block = world.chain.latest().await?;
    index.has(block.number).await?;
    let chain = &contracts.registry;

    let ids = all_pages(|offset| chain.datasets(offset, MAX_PAGE)).await?;
    let mut expected = vec![];
    for id in &ids {
        expected.push(value(contracts.dataset(*id).await?));
        let node = Node::Dataset { id: *id };
        assert_eq!(index.get(&format!("/v1/datasets/{id}")).await?, expected[expected.len() - 1]);
        assert_node(&contracts, index, node).await?;
        let grants = all_pages(|offset| chain.grants(*id, offset, MAX_PAGE)).await?;
        let grants: Vec<Value> =
            grants.iter().map(|(account, grant)| value(Grant::new(*id, *account, grant))).collect();
        assert_eq!(index.all(&format!("/v1/grants?dataset={id}")).await?, grants);
    }
    assert_eq!(index.all("/v1/datasets").await?, expected);

    let (ids, mut expected) = (all_pages(|offset| chain.models(offset, MAX_PAGE)).await?, vec![]);
    for id in &ids {
        expected.push(value(contracts.model(*id).await?));
        assert_eq!(index.get(&format!("/v1/models/{id}")).await?, expected[expected.len() - 1]);
        assert_node(&contracts, index, Node::Model { id: *id }).await?;
    }
    assert_eq!(index.all("/v1/models").await?, expected);

    let (jobs, mut expected) = (contracts.market.jobs(0, 1).await?.total, vec![]);
    for id in 0..u64::from(jobs) {
        let job = contracts.job(id).await?.context("jobs are numbered from 0")?;
        assert_eq!(index.get(&format!("/v1/jobs/{id}/contributions")).await?, value(&job.contributions));
        expected.push(value(job));
        assert_eq!(index.get(&format!("/v1/jobs/{id}")).await?, expected[expected.len() - 1]);
        let payments = value(contracts.payments(id).await?);
        assert_eq!(Value::from(index.all(&format!("/v1/jobs/{id}/payments")).await?), payments);
    }
    assert_eq!(index.all("/v1/jobs").await?, expected);

    for (role, list) in [(Role::Operator, "operators"), (Role::Verifier, "verifiers")] {
        let mut expected = vec![];
        for account in contracts.stakers(role).await? {
            expected.push(value(contracts.standing(role, account).await?));
        }
        // A bond that is taken back changes a standing without an event.
        index.until(&format!("/v1/{list}?limit=200&order=oldest"), |page| page["items"] == json!(expected)).await?;
        assert_eq!(index.all(&format!("/v1/{list}")).await?, expected);
    }
    Ok(())
}

/// Statements, edges and lineage of a node.
async fn assert_node(contracts: &Contracts, index: &Index, node: Node) -> anyhow::Result<()> {
    let of_chain = registry::Node::from(node);
    let statements = all_pages(|offset| contracts.registry.statements(&of_chain, offset, MAX_PAGE)).await?;
    let statements: Vec<Value> =
        (0u32..).zip(statements).map(|(number, statement)| value(Statement::new(node, number, statement))).collect();
    assert_eq!(index.all(&format!("/v1/statements?node={node}")).await?, statements);
    for into in [false, true] {
        let here = index.get(&format!("/v1/lineage/{node}?into={into}&nodes=100")).await?;
        let limits = Limits { into, depth: 32, nodes: 100 };
        let chain = serde_json::from_value(here["chain"].clone())?;
        let there = lineage::follow(contracts, chain, node, limits).await?.context("it is on record")?;
        assert_eq!(here, value(there), "lineage of {node}, into: {into}");
    }
    Ok(())
}

async fn register(world: &World, suri: &str, id: u8, name: &str, parents: Vec<Hash>) -> anyhow::Result<Hash> {
    let terms = DatasetTerms { open: false, price: Some(tokens(3).0), royalty_bp: 100, ..DatasetTerms::open("MIT") };
    let locations = vec!["https://example.org/a".into(), "javascript:alert(1)".into()];
    let id = Hash([id; 32]);
    let parents = parents.into_iter().map(|dataset| NamedParent { dataset, most_bp: 10_000 }).collect();
    let dataset = RegisterDataset { id, name: name.into(), bytes: 5, terms, locations, parents };
    world.registry.register_dataset(&dataset).execute(&world.signer(suri).await?).await?;
    Ok(id)
}

/// A job with every part of it done here, training and all: there is no daemon that a
/// loaded machine would have to wait for. Gives its number and its verifiers.
async fn by_hand(world: &World, options: &JobOptions) -> anyhow::Result<(u64, Vec<Signer>)> {
    let (market, operator) = (&world.market, world.signer(OPERATOR).await?);
    let id = world.post(options).await?;
    let verifiers = world.enlist_all(id).await?;
    market.stake(Role::Operator, Some("https://example.org/<b>"), tokens(100)).execute(&operator).await?;
    market.claim(id).execute(&operator).await?;
    let work = world.train(options, id, &operator.address())?;
    market.commit(id, &work.commit()).execute(&operator).await?;
    for (verifier, secret) in &verifiers {
        market.reveal_secret(id, *secret).execute(verifier).await?;
    }
    market.reveal_secret(id, CLIENT_SECRET).execute(&world.signer(CLIENT).await?).await?;
    market.advance(id).execute(&operator).await?;
    let slots = market.slots(id).await?;
    for batch in steps::openings(&work.commitments, Hash([1; 32]), work.segments, false, &slots) {
        market.open(id, &batch).execute(&operator).await?;
    }
    let mut traces = vec![];
    for (number, slot) in (0u8..).zip(&slots) {
        let trace = work.traces[slot.segment as usize];
        let drawn = verifiers.iter().find(|(signer, _)| signer.address() == slot.verifier);
        let sealed = seal(&Native, market.job_id(id), slot.segment, &trace, &slot.verifier);
        market.attest(id, number, sealed).execute(&drawn.context("it has enlisted")?.0).await?;
        traces.push(SlotTrace { slot: number, trace });
    }
    market.reveal_traces(id, &traces).execute(&operator).await?;
    world.past_deadline(id).await?;
    market.advance(id).execute(&operator).await?;
    Ok((id, verifiers.into_iter().map(|(signer, _)| signer).collect()))
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_the_chains_records_after_a_real_job() -> anyhow::Result<()> {
    // Windows that even a loaded machine keeps: what is tested is not the clock.
    let mut world = World::start_with(600).await?;
    let windows = Windows { claim: 600, train: 600, secrets: 600, open: 600, attest: 600, reveal: 600, dispute: 3 };
    // The index is there before the job: it follows, and then catches up anew.
    let index = Index::start(&world).await?;
    let client = world.signer(CLIENT).await?;
    let (job, verifiers) = by_hand(&world, &JobOptions { windows, ..JobOptions::default() }).await?;
    let done = world.job(job).await?;
    assert_eq!(done.job.state, State::Final);
    let model = done.model_id.context("a final job has a model")?;
    let owner = world.signer(DEPLOYER).await?;
    let to = Address([7; 20]);
    world.titles.transfer_from(client.address(), to, model).execute(&client).await?;
    let cats = register(&world, DEPLOYER, 0xca, "Cats <script>alert(1)</script>", vec![]).await?;
    let kittens = register(&world, CLIENT, 0xcb, "kitt\u{e9}ns_100%", vec![cats]).await?;
    let terms = world.registry.dataset(cats).await?.context("it is registered")?.terms.hash(&Native);
    world.registry.buy_access(cats, terms, tokens(3)).execute(&client).await?;
    world.registry.grant_access(cats, to, registry::FOR_EVER, terms).execute(&owner).await?;
    let evidence = Some(Native.sha256(b"a report"));
    let node = registry::Node::Model(model);
    world.registry.add_statement(&node, StatementKind::Audit, "it \"holds\"", evidence).execute(&owner).await?;
    world.registry.transfer_dataset(cats, client.address()).execute(&owner).await?;
    world.registry.withdraw_locations(kittens).execute(&client).await?;
    assert_same(&world, &index).await?;

    // History that no record keeps.
    let owners = index.all(&format!("/v1/owners/model:{model}")).await?;
    assert_eq!(owners.len(), 2);
    assert_eq!((&owners[0]["from"], &owners[0]["to"]), (&Value::Null, &value(client.address())));
    assert_eq!((&owners[1]["from"], &owners[1]["to"]), (&value(client.address()), &value(to)));
    let owners = index.all(&format!("/v1/owners/dataset:{cats}")).await?;
    assert_eq!((owners.len(), &owners[1]["to"]), (2, &value(client.address())));
    let moves = index.all(&format!("/v1/events?node=job:{job}")).await?;
    let states: Vec<&str> = moves
        .iter()
        .filter(|event| event["event"] == "job_moved")
        .filter_map(|event| event["fields"]["state"].as_str())
        .collect();
    let life = ["open", "claimed", "committed", "drawn", "opened", "attested", "window", "final"];
    assert_eq!(states, life);

    // Search: by a part of the name in any case, id, number, account; not by the name of what was withdrawn.
    let found = async |q: &str| -> anyhow::Result<Vec<Value>> {
        let query = q.replace('%', "%25").replace('<', "%3C").replace('>', "%3E").replace(' ', "%20");
        let answer = index.get(&format!("/v1/search?q={query}")).await?;
        Ok(answer["nodes"].as_array().context("nodes")?.iter().map(|found| found["node"]["id"].clone()).collect())
    };
    assert_eq!(found("CATS <sc").await?, [value(cats)]);
    assert_eq!(found("classifier").await?, [value(model)]);
    assert!(found("kitt").await?.is_empty() && found("c%s").await?.is_empty());
    assert_eq!(found(&cats.to_string()[..12]).await?, [value(cats)]);
    assert_eq!(index.get(&format!("/v1/search?q={job}")).await?["job"]["job"], job);
    let account = index.get(&format!("/v1/search?q={}", client.address())).await?["account"].clone();
    assert_eq!((&account["datasets"], &account["models"], &account["jobs_posted"]), (&json!(2), &json!(0), &json!(1)));

    // Who has the newest answer is told so; a change makes a new tag.
    let ask =
        async |tag: &str| index.http.get(format!("{}/v1/models", index.url)).header("if-none-match", tag).send().await;
    let first = ask("\"none\"").await?;
    let tag = first.headers()["etag"].to_str()?.to_owned();
    assert_eq!((first.status().as_u16(), ask(&tag).await?.status().as_u16()), (200, 304));
    let receipt = world.registry.set_locations(&node, &[]).execute(&owner).await;
    assert!(receipt.is_err(), "only the owner may");
    world.registry.transfer_dataset(cats, to).execute(&client).await?;
    index.until(&format!("/v1/datasets/{cats}"), |dataset| dataset["owner"] == value(to)).await?;
    assert_eq!(ask(&tag).await?.status().as_u16(), 200);

    // Bonds that are taken back.
    for verifier in &verifiers {
        world.market.release(job).execute(verifier).await?;
    }

    // Killed, and started again over a node that was killed as well.
    index.daemon.sigkill().await?;
    let dogs = register(&world, DEPLOYER, 0xd0, "dogs", vec![]).await?;
    world.node.restart().await?;
    let index = Index::start(&world).await?;
    index.until(&format!("/v1/datasets/{dogs}"), |_| true).await?;
    assert_same(&world, &index).await?;
    world.node.sigkill().await?;
    index.until("/v1/status", |status| status["progress"]["outage"].is_string()).await?;
    assert_eq!(index.get(&format!("/v1/datasets/{dogs}")).await?["name"], "dogs", "it serves what it has");
    world.node.start_again().await?;
    index.until("/v1/status", |status| status["progress"]["outage"].is_null()).await?;
    assert_same(&world, &index).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_that_is_made_anew_is_indexed_anew() -> anyhow::Result<()> {
    let mut world = World::start().await?;
    let index = Index::start(&world).await?;
    let cats = register(&world, DEPLOYER, 0xca, "cats", vec![]).await?;
    index.until(&format!("/v1/datasets/{cats}"), |_| true).await?;
    let first = index.get("/v1/status").await?["chain"]["block"].clone();

    // Another chain on the same port: the contracts are not there yet.
    world.node.sigkill().await?;
    let port: u16 = world.node.url().rsplit(':').next().context("a URL has a port")?.parse()?;
    let options = NodeOptions { block_time: Some(Duration::from_millis(200)), ..NodeOptions::default() };
    let _node = DevNode::start_on(port, options).await?;
    index.until("/v1/status", |status| status["progress"]["outage"].is_string()).await?;
    std::fs::remove_file(world.folder.path().join("deployment.json"))?;
    world.succeed("assay", &["deploy", "--suri", DEPLOYER, "--longest-window", "60", "-x", "-y"]).await?;
    let status = index
        .until("/v1/status", |status| status["progress"]["outage"].is_null() && status["chain"]["block"] != first)
        .await?;
    assert_eq!(index.get("/v1/datasets").await?["total"], 0, "{status}");
    assert!(index.get("/v1/events?order=oldest").await?["items"].as_array().is_some_and(Vec::is_empty), "{status}");
    let log = index.daemon.log();
    assert!(log.contains("building it anew"), "{log}");
    Ok(())
}
