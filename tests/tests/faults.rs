//! Operators and data that are not what they should be.

use anyhow::Context;
use assay_client::Amount;
use assay_e2e::{JobOptions, OPERATOR, World, repository, tokens};
use assay_protocol::market::{Role, State, Windows};

#[tokio::test(flavor = "multi_thread")]
async fn a_second_oracle_with_the_same_key_keeps_its_hands_off() -> anyhow::Result<()> {
    let world = World::start().await?;
    let _verifiers = world.verifiers().await?;
    let first = world.operator().await?;
    // The same folder: refused at once.
    let arguments = ["run", "--suri", OPERATOR, "--listen", "127.0.0.1:0"];
    let same = world.daemon("operator", "assay-oracle", &arguments).await;
    let message = same.err().expect("the folder is in use").to_string();
    assert!(message.contains("in use"), "{message}");
    // Another folder: it sees a job of this key that it has no record of, and does
    // not even announce its own endpoint, at which nobody would find the checkpoints.
    let id = world.post(&JobOptions { steps: 4_000, segment_steps: 500, ..JobOptions::default() }).await?;
    world.until(id, |job| job.job.state != State::Open).await?;
    let twin = world.daemon("twin", "assay-oracle", &arguments).await;
    let message = twin.err().expect("the key is in use").to_string();
    assert!(message.contains("another oracle") && message.contains("key"), "{message}");
    let job = world.finish(id).await?;
    assert_eq!(job.job.state, State::Final, "{}", first.log());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn data_that_is_not_what_was_registered_is_not_trained_on() -> anyhow::Result<()> {
    let mut world = World::start().await?;
    // A dataset whose server changed one byte after the registration.
    let folder = world.folder.path().join("changed");
    std::fs::create_dir(&folder)?;
    let mut csv = std::fs::read(repository().join("data/digits/digits.csv"))?;
    // Not the bytes of the good dataset, which may be in a cache.
    csv.extend_from_within(..csv.iter().position(|byte| *byte == b'\n').expect("it has lines") + 1);
    std::fs::write(folder.join("digits.csv"), &csv)?;
    let manifest = assay_job::Manifest::of_folder(&folder)?;
    std::fs::write(folder.join(assay_job::MANIFEST_FILE), manifest.to_json())?;
    let router = assay_content::serve::folder_router(&folder);
    let (address, server) = assay_content::serve::serve(router, "127.0.0.1:0".parse()?, std::future::pending()).await?;
    tokio::spawn(server);
    let owner = world.signer(assay_e2e::DEPLOYER).await?;
    let dataset = assay_protocol::registry::RegisterDataset {
        id: manifest.id(),
        name: "changed digits".into(),
        bytes: manifest.bytes(),
        terms: assay_protocol::registry::DatasetTerms::open("CC-BY-4.0"),
        locations: vec![format!("http://{address}")],
        parents: vec![],
    };
    world.registry.register_dataset(&dataset).execute(&owner).await?;
    csv[0] ^= 1;
    std::fs::write(folder.join("digits.csv"), &csv)?;
    let good = std::mem::replace(&mut world.dataset, manifest.id());

    let verifiers = world.verifiers().await?;
    let operator = world.operator().await?;
    let windows = Windows { claim: 6, ..JobOptions::default().windows };
    let bad = world.post(&JobOptions { windows, ..JobOptions::default() }).await?;
    world.dataset = good;
    let id = world.post(&JobOptions::default()).await?;
    // The good job is done although the bad one came first, and nobody claims the bad one.
    assert_eq!(world.finish(id).await?.job.state, State::Final, "{}", operator.log());
    assert_eq!(world.job(bad).await?.job.attempts, 0);
    // The verifiers do not even enlist for it, and say why.
    assert_eq!(world.job(bad).await?.job.enlisted, 0);
    for verifier in verifiers {
        assert!(verifier.log().contains("SHA-256"), "{}", verifier.log());
    }
    Ok(())
}

/// Whoever serves nobody is made to answer on chain, piece by piece, and loses all
/// the same once as many verifiers as decide on a panel were not served.
#[tokio::test(flavor = "multi_thread")]
async fn an_operator_that_serves_nothing_loses() -> anyhow::Result<()> {
    let world = World::start().await?;
    let _verifiers = world.verifiers().await?;
    // It announces an endpoint at which nobody listens.
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
    let endpoint = format!("http://{closed}");
    let arguments =
        ["run", "--suri", OPERATOR, "--listen", "127.0.0.1:0", "--endpoint", &endpoint, "--stake", "500 UNIT"];
    let operator = world.daemon("operator", "assay-oracle", &arguments).await?;
    // Verifiers are patient for four fifths of it. In what is left, one after another of a slot's must report,
    // or the job is void.
    let windows = Windows { attest: 40, ..JobOptions::default().windows };
    let id = world.post(&JobOptions { windows, ..JobOptions::default() }).await?;
    let job = world.finish(id).await?;
    assert_eq!(job.job.state, State::Failed, "{}", operator.log());
    assert!(operator.log().contains("answered the demand"), "{}", operator.log());
    let address = world.signer(OPERATOR).await?.address();
    assert_eq!(world.market.credit(address).await?, Amount::ZERO);
    let standing = world.market.standing(Role::Operator, address).await?.context("it has staked")?;
    assert_eq!((standing.stake, standing.locked, standing.lost), (tokens(400).0, 0, 1));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn daemons_go_by_chain_time_and_stop_when_asked() -> anyhow::Result<()> {
    let world = World::start().await?;
    let verifiers = world.verifiers().await?;
    // The operator's own clock is ten days ahead. The library is loaded directly:
    // killing the `faketime` command would leave the oracle behind.
    let library = std::fs::read_dir("/usr/lib")?
        .filter_map(|folder| Some(folder.ok()?.path().join("faketime/libfaketime.so.1")))
        .find(|path| path.is_file())
        .context("libfaketime is missing: run the tests by scripts/test")?;
    let mut command = tokio::process::Command::new(assay_e2e::program("assay-oracle")?);
    command
        .env("LD_PRELOAD", library)
        .env("FAKETIME", "+10d")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .args(["run", "--suri", OPERATOR, "--listen", "127.0.0.1:0", "--stake", "500 UNIT"])
        .arg("--data")
        .arg(world.folder.path().join("operator"))
        .env("ASSAY_URL", world.node.url())
        .env("ASSAY_DEPLOYMENT", world.folder.path().join("deployment.json"));
    let operator = assay_e2e::Daemon::start("operator", command, &world.folder.path().join("operator.log")).await?;
    let id = world.post(&JobOptions::default()).await?;
    assert_eq!(world.finish(id).await?.job.state, State::Final, "{}", operator.log());
    // Its log shows that it did live ten days ahead (or nine, if midnight passed).
    let log = operator.log();
    let mut dates = String::new();
    for ahead in ["+10 days", "+9 days"] {
        let date = tokio::process::Command::new("date").args(["-u", "-d", ahead, "+%F"]).output().await?;
        dates += &String::from_utf8(date.stdout)?;
    }
    assert!(dates.lines().any(|date| log.contains(date)), "{dates}{log}");
    assert!(operator.terminate().await?.success(), "{log}");
    for verifier in verifiers {
        assert!(verifier.terminate().await?.success());
    }
    Ok(())
}
