//! Two oracles with the same key.

use crate::harness::{TOKEN, World};
use assay_protocol::market::State;

#[tokio::test(flavor = "multi_thread")]
async fn a_second_oracle_in_the_same_folder_is_refused() {
    let world = World::new().await;
    let _first = world.oracle("data", &[]).start().await;
    let (code, error) = world.oracle("data", &[]).fails().await;
    assert_eq!(code, 1);
    assert!(error.contains("in use by another process"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_oracle_in_another_folder_leaves_the_firsts_jobs_alone() {
    let world = World::new().await;
    let spec = world.spec(600);
    let job = world.post(&spec, TOKEN).await;
    let first = world.oracle("first", &[]).start().await;
    world.enlist(job).await;
    world.until(job, State::Committed).await;
    first.sigkill().await;
    world.reveal_secrets(job).await;
    let second = world.oracle("second", &[]).start().await;
    second.says("another oracle runs with the same key").await;
    let seen = world.market.job(job).await.unwrap().unwrap();
    assert_eq!(seen.job.state, State::Committed, "it does not even draw");
    assert_eq!(second.log().matches("another oracle runs with the same key").count(), 1, "said once");
    assert_eq!(second.terminate().await, 0);
    // The first one carries on.
    let _first = world.oracle("first", &[]).start().await;
    world.until(job, State::Opened).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_oracles_that_want_the_same_job_with_the_same_key_one_does_it() {
    let world = World::new().await;
    let spec = world.spec(600);
    let oracles = [world.oracle("first", &[]).start().await, world.oracle("second", &[]).start().await];
    let job = world.post(&spec, TOKEN).await;
    world.enlist(job).await;
    world.until(job, State::Committed).await;
    world.reveal_secrets(job).await;
    world.until(job, State::Opened).await;
    let [first, second] = oracles;
    let refused = "another oracle runs with the same key";
    let (one, other) = if first.log().contains(refused) { (second, first) } else { (first, second) };
    other.says(refused).await;
    assert!(one.log().contains("committed") && !one.log().contains(refused), "{}", one.log());
    assert!(!other.log().contains("committed"), "{}", other.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_of_another_account_is_refused() {
    let world = World::new().await;
    world.oracle("data", &[]).start().await.terminate().await;
    std::fs::write(world.data("data").join("belongs-to"), "chain 0x00\nmarket 0x00\naccount 5x\n").unwrap();
    let (code, error) = world.oracle("data", &[]).fails().await;
    assert_eq!(code, 1);
    assert!(error.contains("belongs to another chain, market or account"), "{error}");
}
