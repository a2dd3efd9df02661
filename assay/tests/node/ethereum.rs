//! Titles through a real Ethereum client: see `tests/ethereum`.

use crate::stage::{Operator, Stage};
use assay_client::{AccountId, Deployment};
use assay_testkit::NodeOptions;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Names the folder that has `tests/ethereum` with its packages.
const FOLDER: &str = "ASSAY_ETHEREUM";

/// The accounts of the private keys 0x1111…, 0x2222… and 0x3333….
const ACCOUNTS: [&str; 3] = [
    "0x19e7e376e7c213b7e7e7e46cc70a5dd086daff2a",
    "0x1563915e194d8cfba1943570603f7606a3115508",
    "0x5cbdd86a2fa8dc4bddd8a8f69dba48572eec07fb",
];

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Node.js and its packages: scripts/test ethereum"]
async fn titles_are_read_approved_and_transferred_by_viem() {
    let folder = std::env::var_os(FOLDER).map(PathBuf::from);
    let folder = folder.unwrap_or_else(|| panic!("{FOLDER} is not set: run scripts/test ethereum"));
    let fund = ACCOUNTS.map(|address| (AccountId::of_address(address.parse().unwrap()).to_string(), "100".into()));
    let stage = Stage::with(NodeOptions { fund: fund.into(), ..NodeOptions::default() }).await;
    stage.deploy();
    let (dataset, _server) = stage.dataset();
    let job = stage.post(&stage.description(&dataset, 300));
    let operator = Operator::new(stage.folder.path()).await;
    let model = stage.finish(job, &operator).await;
    stage.ok(&["model", "transfer", &model, "--to", ACCOUNTS[0], "--suri", "//Charlie", "-x", "-y"]);

    let titles = Deployment::load(&stage.path("deployment.json")).unwrap().titles.address.to_string();
    let abi = Path::new(env!("CARGO_MANIFEST_DIR")).join("../contracts/artefacts/titles.abi.json");
    let url = stage.node.url().replace("ws://", "http://");
    let output = Command::new("node")
        .arg(folder.join("titles.mjs"))
        .args([url.as_str(), abi.to_str().unwrap(), &titles, &model])
        .output()
        .expect("Node.js is installed");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    println!("{said}");
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(stage.ok(&["model", "title", &model])["owner"], ACCOUNTS[0]);
}
