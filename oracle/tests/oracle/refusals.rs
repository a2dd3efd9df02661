//! Jobs that are not taken, and command lines that are not.

use crate::harness::{OPERATOR, TOKEN, World, signer};
use assay_client::Amount;
use assay_protocol::market::{Role, State};

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_does_not_fit_is_left_to_others_and_said_so_once() {
    let world = World::new().await;
    let oracle = world.oracle("data", &["--min-payment", "2 UNIT"]).start().await;
    let spec = world.spec(600);
    let cheap = world.post(&spec, TOKEN).await;
    world.enlist(cheap).await;
    oracle.says("--min-payment asks for 2 UNIT").await;
    // One that fits is taken after it, so the oracle has looked at the first again and again.
    let good = world.post(&spec, 2 * TOKEN).await;
    world.enlist(good).await;
    world.until(good, State::Claimed).await;
    assert_eq!(world.market.job(cheap).await.unwrap().unwrap().job.state, State::Open);
    assert_eq!(oracle.log().matches("--min-payment asks").count(), 1, "{}", oracle.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn data_that_is_not_what_the_chain_says_is_never_claimed() {
    let world = World::new().await;
    std::fs::write(world.folder.path().join("dataset/data.csv"), "1,2,3,4,0\n").unwrap();
    let oracle = world.oracle("data", &[]).start().await;
    let job = world.post(&world.spec(600), TOKEN).await;
    world.enlist(job).await;
    oracle.says("the dataset's manifest says").await;
    let standing = world.market.standing(Role::Operator, signer(OPERATOR).address()).await.unwrap().unwrap();
    assert_eq!(standing.locked, 0);
    assert_eq!(world.market.job(job).await.unwrap().unwrap().job.attempts, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_another_operator_claims_first_is_no_failure() {
    let world = World::new().await;
    let alice = signer("//Alice");
    // Alice has a part in nothing here but the contracts, and may operate too.
    world.market.stake(Role::Operator, None, Amount(10 * TOKEN)).execute(&alice).await.unwrap();
    let spec = world.spec(600);
    let job = world.post(&spec, TOKEN).await;
    world.enlist(job).await;
    world.market.claim(job).execute(&alice).await.unwrap();
    let oracle = world.oracle("data", &[]).start().await;
    let next = world.post(&spec, TOKEN).await;
    world.enlist(next).await;
    world.until(next, State::Committed).await;
    assert_eq!(world.market.job(job).await.unwrap().unwrap().job.operator, Some(alice.address()));
    assert_eq!(oracle.terminate().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_options_end_with_code_2_and_say_which() {
    let world = World::new().await;
    for (arguments, words) in [
        (&["--min-payment", "2 DOT"][..], "--min-payment"),
        (&["--min-payment", "2"], "names no unit"),
        (&["--time-margin", "nan"], "--time-margin"),
        (&["--endpoint", "example.org"], "--endpoint"),
    ] {
        let (code, error) = world.oracle("data", arguments).fails().await;
        assert_eq!(code, 2, "{error}");
        assert!(error.contains(words), "{error}");
    }
}
