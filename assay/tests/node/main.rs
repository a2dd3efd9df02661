//! The program against a real chain. `ASSAY_NODE` names the node's binary.

mod ethereum;
mod stage;
mod terms;

use assay_protocol::market::State;
use serde_json::Value;
use stage::{Operator, Stage, both, strings};

/// Alice's key as polkadot.js exports it.
const KEYSTORE: &str = r#"{
"encoded": "DumgApKCTqoCty1OZW/8WS+sgo6RdpHhCwAkA2IoDBMAgAAAAQAAAAgAAAB6IG/q24EeVf0JqWqcBd5m2tKq5BlyY84IQ8oamLn9DZe9Ouhgunr7i36J1XxUnTI801axqL/ym1gil0U8440Qvj0lFVKwGuxq38zuifgoj0B3Yru0CI6QKEvQPU5xxj4MpyxdSxP+2PnTzYao0HDH0fulaGvlAYXfqtU89xrx2/z9z7IjSwS3oDFPXRQ9kAdDebtyCVreZ9Otw9v3",
"encoding": {"content": ["pkcs8", "sr25519"], "type": ["scrypt", "xsalsa20-poly1305"], "version": "3"},
"address": "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY",
"meta": {"genesisHash": "", "name": "Alice", "whenCreated": 1718265838755}
}"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_is_tried_made_and_left_alone() {
    let stage = Stage::new().await;
    let url = stage.node.url();
    let tried = stage.ok(&["deploy", "--url", url, "--suri", "//Alice"]);
    assert_eq!(tried["executed"], false);
    let plan = tried["plan"].as_array().unwrap();
    assert_eq!(plan.len(), 6, "map, titles, registry, bind, market, bind: {plan:?}");
    assert!(plan[1]["cost"]["deposit"].as_str().unwrap().ends_with(" UNIT"));
    assert!(!stage.path("deployment.json").exists(), "a dry run writes nothing");
    let unasked = stage.run(&["deploy", "--url", url, "--suri", "//Alice", "-x"]);
    assert_eq!(unasked.status.code(), Some(2), "nobody can be asked: {}", both(&unasked));
    assert!(!stage.path("deployment.json.partial").exists());

    let done = stage.deploy();
    assert_eq!(done["transactions"].as_array().unwrap().len(), 6);
    assert!(!stage.path("deployment.json.partial").exists());
    let again = stage.ok(&["deploy"]);
    assert_eq!((&again["executed"], &again["deployment"]), (&Value::Bool(false), &done["deployment"]));

    // The same account from an encrypted keystore.
    let (key, password) = (stage.path("key.json"), stage.path("password"));
    std::fs::write(&key, KEYSTORE).unwrap();
    std::fs::write(&password, "whoisalice\n").unwrap();
    let arguments = ["accounts", "--keystore", key.to_str().unwrap(), "--password-file", password.to_str().unwrap()];
    let accounts = stage.ok(&arguments);
    assert_eq!((&accounts["account"], &accounts["mapped"]), (&done["account"], &Value::Bool(true)));
    std::fs::write(&password, "whoisbob").unwrap();
    assert!(stage.refused(&arguments).contains("password"));

    // The file of another network is not overwritten.
    let other = stage::Stage::new().await;
    let path = other.path("deployment.json");
    let mut file: Value = serde_json::from_slice(&std::fs::read(stage.path("deployment.json")).unwrap()).unwrap();
    file["genesis"] = format!("0x{}", "12".repeat(32)).into();
    std::fs::write(&path, file.to_string()).unwrap();
    let error = other.refused(&["deploy", "--url", other.node.url(), "--suri", "//Alice", "-x", "-y"]);
    assert!(error.contains("--force"), "{error}");
    let error = other.refused(&["job", "list", "--url", other.node.url()]);
    assert!(error.contains("wrong network"), "{error}");
    other.ok(&["deploy", "--url", other.node.url(), "--suri", "//Alice", "-x", "-y", "--force"]);
    other.ok(&["job", "list"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_deployment_is_carried_on() {
    let stage = Stage::new().await;
    let first = stage.deploy();
    // As if it had been cut off before the market was there.
    let file: Value = serde_json::from_slice(&std::fs::read(stage.path("deployment.json")).unwrap()).unwrap();
    std::fs::remove_file(stage.path("deployment.json")).unwrap();
    let partial = serde_json::json!({
        "genesis": file["genesis"],
        "deployer": stage::suri("//Alice").address(),
        "predecessor": null,
        "longest_window": 3600,
        "salt": format!("0x{}", "07".repeat(32)),
        "titles": file["titles"],
        "registry": file["registry"],
        "market": file["market"],
    });
    std::fs::write(stage.path("deployment.json.partial"), partial.to_string()).unwrap();
    let error = stage.refused(&["deploy", "--url", stage.node.url(), "--suri", "//Bob", "-x", "-y"]);
    assert!(error.contains("interrupted"), "{error}");
    let again = stage.deploy();
    for contract in ["titles", "registry", "market"] {
        assert_eq!(again["deployment"][contract], first["deployment"][contract]);
    }
    assert!(again["transactions"].as_array().unwrap().is_empty(), "all was there: {again}");
    assert!(!stage.path("deployment.json.partial").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_posted_cancelled_and_refunded() {
    let stage = Stage::new().await;
    stage.deploy();
    let (dataset, _server) = stage.dataset();
    let listed = stage.ok(&["dataset", "list"]);
    assert_eq!(strings(&listed, "id"), [dataset.as_str()]);
    let path = stage.description(&dataset, 300);
    let tried = stage.ok(&["job", "post", path.to_str().unwrap(), "--suri", "//Charlie"]);
    assert_eq!((&tried["executed"], &tried["segments"]), (&Value::Bool(false), &Value::from(4)));
    assert!(!stage.path("data/secrets").exists(), "a dry run keeps no secret");
    let job = stage.post(&path).to_string();
    assert_eq!(std::fs::read_dir(stage.path("data/secrets")).unwrap().count(), 1);

    let shown = stage.ok(&["job", "show", &job]);
    assert_eq!((&shown["state"], &shown["held"]), (&Value::from("open"), &Value::from("13 UNIT")));
    for (arguments, words) in [
        (&["job", "reveal", &job, "--suri", "//Charlie"][..], "Open"),
        (&["job", "advance", &job, "--suri", "//Charlie"], "too early"),
        (&["job", "cancel", &job, "--suri", "//Alice"], "only the client"),
        (&["job", "show", "99"], "no job 99"),
        (&["job", "watch", &job, "--reveal", "--suri", "//Charlie"], "add -x"),
        (&["withdraw", "--suri", "//Charlie"], "nothing to withdraw"),
        (&["model", "show", &dataset], "not registered"),
        (&["provenance", "job:99"], "no job 99"),
        (
            &[
                "dataset",
                "transfer",
                &dataset,
                "--to",
                "0x0000000000000000000000000000000000000000",
                "--suri",
                "//Alice",
            ],
            "zero",
        ),
        (&["dataset", "set-locations", &dataset, "--location", "https://x", "--suri", "//Bob"], "owner"),
        (&["job", "cancel", &job, "--suri", "//Nobody", "-x", "-y"], "only the client"),
    ] {
        let error = stage.refused(arguments);
        assert!(error.contains(words), "{arguments:?}: {error}");
    }
    // An account without funds, and a message that would go through.
    let poor = ["account", "map", "--url", stage.node.url(), "--suri", "//Nobody", "-x", "-y"];
    assert!(stage.refused(&poor).contains("nothing was signed"));

    stage.ok(&["job", "cancel", &job, "--suri", "//Charlie", "-x", "-y"]);
    let ledger = stage.ok(&["ledger", &job]);
    assert_eq!(ledger["adds_up"], true);
    assert_eq!(strings(&ledger["credited"], "amount"), ["13 UNIT"]);
    let accounts = stage.ok(&["accounts", "--suri", "//Charlie"]);
    assert_eq!(accounts["market"]["credit"], "13 UNIT");
    let withdrawn = stage.ok(&["withdraw", "--suri", "//Charlie", "-x", "-y"]);
    assert_eq!(withdrawn["amount"], "13 UNIT");
    let watched = stage.run(&["job", "watch", &job]);
    assert_eq!(watched.status.code(), Some(1), "a cancelled job is no success: {}", both(&watched));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_nobody_can_do_is_not_posted() {
    let stage = Stage::new().await;
    stage.deploy();
    let (dataset, server) = stage.dataset();
    let path = stage.description(&dataset, 300);
    let mut job: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    job["training"]["model"]["mlp"]["inputs"] = 5.into();
    std::fs::write(&path, job.to_string()).unwrap();
    let post = ["job", "post", path.to_str().unwrap(), "--suri", "//Charlie"];
    let error = stage.refused(&post);
    assert!(error.contains("does not fit the job"), "{error}");
    job["training"]["model"]["mlp"]["inputs"] = 4.into();
    job["data"]["dataset"] = format!("0x{}", "01".repeat(32)).into();
    std::fs::write(&path, job.to_string()).unwrap();
    assert!(stage.refused(&post).contains("not registered"));
    // Nobody serves the data any more, and nothing is cached.
    drop(server);
    std::fs::remove_dir_all(stage.path("data")).unwrap();
    let path = stage.description(&dataset, 300);
    let error = stage.refused(&["job", "post", path.to_str().unwrap(), "--suri", "//Charlie"]);
    assert!(error.contains("set-locations"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watched_job_becomes_a_model_with_its_provenance() {
    let stage = Stage::new().await;
    stage.deploy();
    let (dataset, _server) = stage.dataset();
    let job = stage.post(&stage.description(&dataset, 300));
    let operator = Operator::new(stage.folder.path()).await;
    let watching = stage.watch(job);
    let work = stage.commit(job, &operator).await;
    stage.reveal_secrets(job).await;
    // The client's secret and the draw are the watch's part.
    stage.until(job, State::Drawn).await;
    stage.check(job, &operator, &work).await;
    let watched = watching.await.unwrap();
    assert!(watched.status.success(), "{}", both(&watched));
    let seen = String::from_utf8_lossy(&watched.stderr).into_owned();
    for words in ["Claimed", "revealed the client's secret", "Drawn", "passed: replayed", "Final"] {
        assert!(seen.contains(words), "{words}: {seen}");
    }

    let job = job.to_string();
    let shown = stage.ok(&["job", "show", &job]);
    let model = shown["model_id"].as_str().unwrap();
    assert_eq!(strings(&stage.ok(&["model", "list"]), "id"), [model]);
    let record = stage.ok(&["model", "show", model]);
    assert_eq!(
        (&record["record"]["segments_checked"], &record["record"]["name"]),
        (&Value::from(2), &Value::from("tiny \"model\""))
    );

    // Payment 10 and fee 3 went out, to the last unit.
    let ledger = stage.ok(&["ledger", &job]);
    assert_eq!(
        (&ledger["sums"]["paid_in"], &ledger["sums"]["credited"]),
        (&Value::from("13 UNIT"), &Value::from("13 UNIT"))
    );
    let mut amounts = strings(&ledger["credited"], "amount");
    amounts.sort();
    assert_eq!(amounts, ["1.5 UNIT", "1.5 UNIT", "10 UNIT"]);

    let file = stage.path("model.safetensors");
    let path = file.to_str().unwrap();
    stage.ok(&["model", "fetch", model, "-o", path]);
    assert_eq!(std::fs::read(&file).unwrap(), work.artefact);
    assert!(stage.refused(&["model", "fetch", model, "-o", path]).contains("--force"));
    let evaluation = stage.ok(&["model", "evaluate", model]);
    assert_eq!(evaluation["labels"], 12);
    assert_eq!(evaluation, stage.ok(&["model", "evaluate", model, "--file", path]));
    std::fs::write(&file, b"other").unwrap();
    assert!(stage.refused(&["model", "evaluate", model, "--file", path]).contains("another model"));

    let tree = stage.run(&["provenance", model]);
    let tree = String::from_utf8(tree.stdout).unwrap();
    assert!(
        tree.contains(&dataset) && tree.contains("\\\"model\\\"") && tree.contains(&format!("job {job}")),
        "{tree}"
    );
    let dot = String::from_utf8(stage.run(&["provenance", &dataset, "--into", "--dot"]).stdout).unwrap();
    assert!(dot.contains(&format!("\"model {model}\" -> \"dataset {dataset}\"")), "{dot}");
    let graph = stage.ok(&["provenance", model]);
    assert_eq!((graph["nodes"].as_array().unwrap().len(), graph["edges"].as_array().unwrap().len()), (3, 2));

    let bob = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty";
    assert!(
        stage.refused(&["model", "transfer", model, "--to", bob, "--suri", "//Alice"]).contains("sign as its owner")
    );
    stage.ok(&["model", "transfer", model, "--to", bob, "--suri", "//Charlie", "-x", "-y"]);
    let owner = &stage.ok(&["model", "show", model])["owner"];
    assert_eq!(owner, &Value::from(stage::suri("//Bob").address().to_string()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_that_stays_away_is_slashed_and_the_sums_add_up() {
    let stage = Stage::new().await;
    stage.deploy();
    let (dataset, _server) = stage.dataset();
    // One second to open the drawn segments, which it will not do.
    let job = stage.post(&stage.description(&dataset, 1));
    let operator = Operator::new(stage.folder.path()).await;
    let watching = stage.watch(job);
    stage.commit(job, &operator).await;
    stage.reveal_secrets(job).await;
    let watched = watching.await.unwrap();
    assert_eq!(watched.status.code(), Some(1), "{}", both(&watched));
    assert!(String::from_utf8_lossy(&watched.stderr).contains("Failed"), "{}", both(&watched));
    let ledger = stage.ok(&["job", "ledger", &job.to_string()]);
    assert_eq!(strings(&ledger["slashed"], "amount"), ["30 UNIT"]);
    assert_eq!(strings(&ledger["slashed"], "reason"), ["absent"]);
    let sums = &ledger["sums"];
    assert_eq!(
        (&sums["paid_in"], &sums["slashed"], &sums["credited"]),
        (&"13 UNIT".into(), &"30 UNIT".into(), &"43 UNIT".into())
    );
    assert!(strings(&ledger["credited"], "role").contains(&"burned".to_owned()));
}
