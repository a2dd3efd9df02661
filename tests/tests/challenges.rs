//! What everybody can do about work that is false, not there, or cannot be done.

use anyhow::Context;
use assay_client::Amount;
use assay_e2e::{CLIENT, Daemon, JobOptions, OPERATOR, OTHER_OPERATOR, World, tokens};
use assay_protocol::market::{Check, JobView, Reason, Role, State, Wanted, Windows};

/// Has no part in any job until it challenges.
const CHALLENGER: &str = "//Assay2";

/// Eight segments, one of which is drawn.
fn one_sample() -> JobOptions {
    let windows = Windows { dispute: 30, ..JobOptions::default().windows };
    JobOptions { samples: 1, windows, ..JobOptions::default() }
}

async fn cheat(world: &World, arguments: &[&str]) -> anyhow::Result<Daemon> {
    let common = ["--suri", OTHER_OPERATOR, "--listen", "127.0.0.1:0", "--stake", "300 UNIT"];
    world.daemon("cheat", "assay-cheating-oracle", &[arguments, &common].concat()).await
}

/// Brings jobs into their window until one is there in which the last segment,
/// the false one, was not drawn.
async fn undrawn(world: &World) -> anyhow::Result<JobView> {
    for seed in 1..9 {
        let id = world.post(&JobOptions { seed, ..one_sample() }).await?;
        world.reveal_when_committed(id).await?;
        let past = [State::Window, State::Disputed, State::Ruling];
        let job = world.until(id, |job| past.contains(&job.job.state) || job.job.state.is_terminal()).await?;
        let slots = world.market.slots(id).await?;
        if slots[0].segment != 7 {
            assert_eq!(slots[0].check, Check::Passed);
            return Ok(job);
        }
    }
    anyhow::bail!("one of eight segments was drawn eight times")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_false_segment_that_nobody_drew_is_challenged_by_a_stranger() -> anyhow::Result<()> {
    let world = World::start().await?;
    let _verifiers = world.verifiers().await?;
    let cheat = cheat(&world, &["--skip-every", "8"]).await?;
    let id = undrawn(&world).await?.id;
    let job = id.to_string();
    // What is right is not challenged, and what is false not without -x.
    let base = ["challenge", job.as_str(), "--suri", CHALLENGER, "--segments", "0,7"];
    let folder = world.folder.path().join("challenger");
    let with = |extra: &[&'static str]| {
        let data = ["--data", folder.to_str().expect("a plain path")];
        [&base[..], &data[..], extra].concat().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let looked = with(&[]);
    let looked: Vec<&str> = looked.iter().map(String::as_str).collect();
    let shown = world.succeed("assay-verifier", &looked).await?;
    assert!(shown.contains("segment 0: replayed: it ends as committed"), "{shown}");
    assert!(shown.contains("segment 7: FALSE") && shown.contains("add -x"), "{shown}");
    assert_eq!(world.job(id).await?.job.challenges, 0);
    let signed = with(&["-x", "-y"]);
    let signed: Vec<&str> = signed.iter().map(String::as_str).collect();
    let shown = world.succeed("assay-verifier", &signed).await?;
    assert!(shown.contains("challenged in block"), "{shown}");

    let ended = world.until(id, |job| job.job.state.is_terminal()).await?;
    assert_eq!(ended.job.state, State::Failed, "{}", cheat.log());
    assert_eq!(world.market.slots(id).await?[1].check, Check::Refuted);
    // The bond comes back, and a part of the cheat's stake with it.
    let challenger = world.signer(CHALLENGER).await?.address();
    assert!(world.market.credit(challenger).await? > tokens(20));
    let standing = world.market.standing(Role::Operator, world.signer(OTHER_OPERATOR).await?.address()).await?;
    assert!(standing.context("it has staked")?.lost >= 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_watches_finds_it_without_being_told() -> anyhow::Result<()> {
    let world = World::start().await?;
    let _verifiers = world.verifiers().await?;
    let _cheat = cheat(&world, &["--skip-every", "8"]).await?;
    let arguments = ["challenge", "--watch", "--count", "8", "--suri", CHALLENGER, "-x", "-y"];
    let watcher = world.daemon("watcher", "assay-verifier", &arguments).await?;
    let id = undrawn(&world).await?.id;
    let ended = world.until(id, |job| job.job.state.is_terminal()).await?;
    assert_eq!(ended.job.state, State::Failed, "{}", watcher.log());
    assert!(watcher.terminate().await?.success());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_demand_that_nobody_answers_costs_the_operator_its_stake() -> anyhow::Result<()> {
    let world = World::start().await?;
    let _verifiers = world.verifiers().await?;
    let operator = world.operator_with(&["--min-window", "5"]).await?;
    let windows = Windows { open: 8, ..one_sample().windows };
    let id = world.post(&JobOptions { windows, ..one_sample() }).await?;
    world.reveal_when_committed(id).await?;
    let job = world.until(id, |job| job.job.state == State::Window).await?;
    let bond = Amount(job.terms.demand_bond());
    let stranger = world.signer(CHALLENGER).await?;

    // While the oracle runs it answers by itself, and the demand costs its bond.
    world.market.demand(id, Wanted::Boundary { index: 3 }, bond).execute(&stranger).await?;
    world.until(id, |job| job.job.demands == 0).await?;
    assert_eq!(world.market.credit(stranger.address()).await?, Amount::ZERO);
    // When it is gone, the next one convicts it.
    operator.sigkill().await?;
    world.market.demand(id, Wanted::Leaf { boundary: 8, tensor: 1, chunk: 9 }, bond).execute(&stranger).await?;
    let ended = world.until(id, |job| job.job.state.is_terminal()).await?;
    assert_eq!(ended.job.state, State::Failed);
    let reward = 100 * 10u128.pow(18) / 2;
    assert_eq!(world.market.credit(stranger.address()).await?, Amount(bond.0 + reward), "half the stake, and the bond");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_numbers_run_away_is_handed_back_at_its_price() -> anyhow::Result<()> {
    let world = World::start().await?;
    let _verifiers = world.verifiers().await?;
    let broken = cheat(&world, &["--runs-away-in", "3"]).await?;
    let id = world.post(&JobOptions::default()).await?;
    let job = world.until(id, |job| job.job.attempts == 1 && job.job.state == State::Open).await?;
    let operator = world.signer(OTHER_OPERATOR).await?.address();
    let standing = world.market.standing(Role::Operator, operator).await?.context("it has staked")?;
    assert_eq!((standing.stake, standing.locked), (tokens(300).0 - job.terms.hand_back, 0));
    assert_eq!((standing.lost, standing.missed), (0, 1));
    assert!(broken.log().contains("handing it back"), "{}", broken.log());
    // Another operator, for which it does not run away, gets it done.
    let operator = world.operator().await?;
    assert_eq!(world.finish(id).await?.job.state, State::Final, "{}", operator.log());
    let payments = world.market.payments(id, 0, 50).await?;
    let operator = world.signer(OPERATOR).await?.address();
    let paid = payments.items.iter().find(|paid| paid.reason == Reason::Payment).context("it is paid")?;
    assert_eq!((paid.account, paid.amount), (operator, job.terms.payment));
    let client = world.signer(CLIENT).await?.address();
    assert!(payments.items.iter().all(|paid| paid.account != client || paid.reason == Reason::Refund), "no gain by it");
    Ok(())
}
