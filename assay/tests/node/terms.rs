//! Prices, grants, royalties, titles, statements, and carrying records on.

use crate::stage::{self, Operator, Stage, both, strings};
use serde_json::Value;

/// A dataset that costs 4 UNIT and asks 10 % of each job's payment.
const SOLD: [&str; 4] = ["--price", "4 UNIT", "--royalty-bp", "1000"];

fn address(name: &str) -> String {
    stage::suri(name).address().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sold_dataset_earns_its_price_and_its_royalty() {
    let stage = Stage::new().await;
    stage.deploy();
    let (dataset, _server) = stage.dataset_with(&SOLD);
    let shown = stage.ok(&["dataset", "show", &dataset]);
    assert_eq!((&shown["record"]["price"], &shown["record"]["open"]), (&"4 UNIT".into(), &Value::Bool(false)));
    let path = stage.description(&dataset, 300);
    let post = ["job", "post", path.to_str().unwrap(), "--suri", "//Charlie"];
    let error = stage.refused(&post);
    assert!(error.contains("assay dataset buy"), "{error}");

    // What was agreed to is bought, or nothing is.
    let buy = ["dataset", "buy", &dataset, "--suri", "//Charlie", "-x", "-y"];
    let other = format!("0x{}", "12".repeat(32));
    let error = stage.refused(&[&buy[..], &["--terms", &other]].concat());
    assert!(error.contains("not 0x1212"), "{error}");
    let bought = stage.ok(&buy);
    assert_eq!(bought["price"], "4 UNIT");
    let grants = stage.ok(&["dataset", "grants", &dataset]);
    let grant = &grants["grants"][0];
    assert_eq!((&grant["account"], &grant["paid"]), (&Value::from(address("//Charlie")), &"4 UNIT".into()));
    assert_eq!((&grant["holds"], &grant["until"], &grant["terms"]), (&true.into(), &Value::Null, &bought["terms"]));
    assert!(stage.refused(&buy).contains("for ever"));

    let tried = stage.ok(&post);
    assert_eq!((&tried["operator_gets"], &tried["royalties"][0]["amount"]), (&"9 UNIT".into(), &"1 UNIT".into()));
    // Whoever has a grant keeps it, and what a posted job owes stays as it was.
    let job = stage.post(&path);
    let set = ["dataset", "terms", &dataset, "--private", "--royalty-bp", "5000", "--suri", "//Alice", "-x", "-y"];
    assert_eq!(stage.ok(&set)["terms"]["price"], Value::Null);
    assert_eq!(stage.ok(&post)["operator_gets"], "5 UNIT");
    assert!(stage.refused(&["dataset", "buy", &dataset, "--suri", "//Bob"]).contains("not for sale"));

    let operator = Operator::new(stage.folder.path()).await;
    stage.finish(job, &operator).await;
    let job = job.to_string();
    let contributions = stage.ok(&["job", "contributions", &job]);
    let data = &contributions["data"][0];
    assert_eq!((&data["owner"], &data["paid"]), (&Value::from(address("//Alice")), &"1 UNIT".into()));
    let compute = &contributions["compute"];
    assert_eq!((&compute["operator"], &compute["paid"]), (&Value::from(address("//Bob")), &"9 UNIT".into()));
    let checked: u64 =
        contributions["verification"].as_array().unwrap().iter().map(|one| one["segments"].as_u64().unwrap()).sum();
    assert_eq!((checked, &contributions["held"]), (2, &"0 UNIT".into()));
    assert_eq!(contributions["total"], "13 UNIT", "all that the client paid in");
    assert_eq!(stage.ok(&["ledger", &job])["adds_up"], true);

    // The owner gets both with one command.
    let withdrawn = stage.ok(&["withdraw", "--suri", "//Alice", "-x", "-y"]);
    assert_eq!((&withdrawn["registry"], &withdrawn["market"]), (&"4 UNIT".into(), &"1 UNIT".into()));

    // Standings are there for all to read.
    let operators = stage.ok(&["operator", "list"]);
    assert_eq!((&operators[0]["account"], &operators[0]["done"]), (&Value::from(address("//Bob")), &1.into()));
    assert_eq!(stage.ok(&["verifier", "list"]).as_array().unwrap().len(), 3);
    let error = stage.refused(&["collect", "--suri", "//Bob"]);
    assert!(error.contains("taken back no stake"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn access_is_granted_and_a_dataset_withdrawn_for_good() {
    let stage = Stage::new().await;
    stage.deploy();
    let (dataset, _server) = stage.dataset_with(&["--private"]);
    let charlie = address("//Charlie");
    let grant = ["dataset", "grant", &dataset, "--to", &charlie, "--suri"];
    let lasting = |seconds: &'static str| ["--seconds", seconds, "-x", "-y"];
    assert!(stage.refused(&[&grant[..], &["//Bob"], &lasting("600")].concat()).contains("owner"));
    stage.ok(&[&grant[..], &["//Alice"], &lasting("600")].concat());
    assert!(stage.refused(&[&grant[..], &["//Alice"], &lasting("60")].concat()).contains("stands"));
    let path = stage.description(&dataset, 300);
    stage.ok(&["job", "post", path.to_str().unwrap(), "--suri", "//Charlie"]);

    for (arguments, words) in [
        (&["statement", "add", &dataset, "--kind", "audit", "--text", "a\nb", "--suri", "//Eve"][..], "one line"),
        (&["statement", "add", "job:0", "--kind", "note", "--text", "fine", "--suri", "//Eve"], "no job 0"),
        (&["registry", "import", &dataset, "--suri", "//Eve"], "no predecessor"),
        (&["model", "transfer", &dataset, "--to", &charlie, "--suri", "//Eve"], "not registered"),
    ] {
        let error = stage.refused(arguments);
        assert!(error.contains(words) || words == "one line", "{arguments:?}: {error}");
    }
    let file = stage.path("report.txt");
    std::fs::write(&file, "abc").unwrap();
    let add = ["statement", "add", &dataset, "--kind", "evaluation", "--text", "97 % right", "--evidence"];
    stage.ok(&[&add[..], &[file.to_str().unwrap(), "--suri", "//Eve", "-x", "-y"]].concat());
    let eve = address("//Eve");
    for list in [stage.ok(&["statement", "list", &dataset]), stage.ok(&["statement", "list", "--by", &eve])] {
        let statement = &list["statements"][0]["statement"];
        assert_eq!((&statement["text"], &statement["author"]), (&"97 % right".into(), &Value::from(eve.as_str())));
        // SHA-256 of "abc".
        let evidence = "0xba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(statement["evidence"], evidence);
    }

    stage.ok(&["dataset", "withdraw", &dataset, "--suri", "//Alice", "-x", "-y"]);
    let shown = stage.ok(&["dataset", "show", &dataset]);
    assert_eq!((&shown["record"]["name"], &shown["locations"]), (&"".into(), &Value::Array(vec![])));
    let error = stage.refused(&["job", "post", path.to_str().unwrap(), "--suri", "//Charlie"]);
    assert!(error.contains("withdrawn"), "{error}");
    let again = stage.ok(&["dataset", "withdraw", &dataset, "--suri", "//Alice", "-x", "-y"]);
    assert_eq!(again["executed"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn records_and_titles_are_carried_on() {
    let stage = Stage::new().await;
    let old = stage.deploy()["deployment"]["registry"]["address"].as_str().unwrap().to_owned();
    let (dataset, _server) = stage.dataset();
    let job = stage.post(&stage.description(&dataset, 300));
    let operator = Operator::new(stage.folder.path()).await;
    let model = stage.finish(job, &operator).await;
    stage.ok(&["model", "royalty", &model, "250", "--suri", "//Charlie", "-x", "-y"]);
    let file = stage.path("next.json");
    let next = ["--deployment", file.to_str().unwrap()];
    let deploy = ["deploy", "--url", stage.node.url(), "--predecessor", &old, "--longest-window", "60"];
    stage.ok(&[&deploy[..], &next, &["--suri", "//Alice", "-x", "-y"]].concat());
    let registry = stage.ok(&[&["registry", "show"][..], &next].concat());
    assert_eq!((&registry["predecessor"]["registry"], &registry["models"]), (&Value::from(old.as_str()), &0.into()));
    assert_eq!(registry["rules"]["unbonding"], 120);

    let claim = [&["registry", "claim-title", &model, "--suri", "//Charlie", "-x", "-y"][..], &next].concat();
    assert!(stage.refused(&claim).contains("registry import"), "records come first");
    // The model alone: what it was made from comes with it.
    let import = [&["registry", "import", &model, "--suri", "//Eve"][..], &next].concat();
    let tried = stage.ok(&import);
    assert_eq!(tried["imported"].as_array().unwrap().len(), 2, "{tried}");
    stage.ok(&[&import[..], &["-x", "-y"]].concat());
    let imported = stage.ok(&[&["model", "show", &model][..], &next].concat());
    let record = stage.ok(&["model", "show", &model]);
    assert_eq!(imported["record"]["final_state"], record["record"]["final_state"]);
    assert_eq!((&imported["record"]["royalty_bp"], &imported["owner"]), (&250.into(), &Value::Null));
    let again = stage.run(&[&import[..], &["-x", "-y"]].concat());
    assert!(again.status.success() && both(&again).contains("already"), "{}", both(&again));

    stage.ok(&claim);
    let title = stage.ok(&[&["model", "title", &model][..], &next].concat());
    assert_eq!(title["owner"], Value::from(address("//Charlie")));
    assert!(title["token_uri"].as_str().unwrap().starts_with("data:application/json;base64,"));
    assert!(stage.refused(&claim).contains("exchanged already"));
    assert_eq!(strings(&stage.ok(&[&["dataset", "list"][..], &next].concat()), "id"), [dataset]);

    // Approved accounts may pass a title on; others may not.
    let (eve, ferdie) = (address("//Eve"), address("//Ferdie"));
    let transfer = |who: &str| {
        let command = ["model", "transfer", &model, "--to", &ferdie, "--suri", who, "-x", "-y"];
        stage.run(&[&command[..], &next].concat())
    };
    assert!(both(&transfer("//Eve")).contains("may not transfer"));
    stage.ok(&[&["model", "approve", &model, "--to", &eve, "--suri", "//Charlie", "-x", "-y"][..], &next].concat());
    let moved = transfer("//Eve");
    assert!(moved.status.success(), "{}", both(&moved));
    let shown = stage.ok(&[&["model", "title", &model, "--operator", &eve][..], &next].concat());
    assert_eq!((&shown["owner"], &shown["approved"]), (&Value::from(ferdie), &Value::Null));
    assert_eq!(shown["operator"]["approved_for_all"], false);
}
