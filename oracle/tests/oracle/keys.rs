//! Two oracles with the same key.

use crate::harness::{OPERATOR, TOKEN, World, signer};
use assay_protocol::market::{Role, State};

#[tokio::test(flavor = "multi_thread")]
async fn a_second_oracle_in_the_same_folder_is_refused() {
    let world = World::new().await;
    let _first = world.oracle("data", &[]).start().await;
    let (code, error) = world.oracle("data", &[]).fails().await;
    assert_eq!(code, 1);
    assert!(error.contains("in use by another process"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_oracle_in_another_folder_does_not_start_beside_the_firsts_jobs() {
    let world = World::new().await;
    let spec = world.spec(600);
    let job = world.post(&spec, TOKEN).await;
    let first = world.oracle("first", &[]).start().await;
    world.enlist(job).await;
    world.until(job, State::Committed).await;
    let endpoint = first.endpoint.clone();
    first.sigkill().await;
    let (code, error) = world.oracle("second", &[]).fails().await;
    assert_eq!(code, 1);
    assert!(error.contains("another oracle runs with the same key"), "{error}");
    let standing = world.market.standing(Role::Operator, signer(OPERATOR).address()).await.unwrap().unwrap();
    assert_eq!(standing.endpoint, endpoint, "verifiers are not sent elsewhere");
    // The first one carries on.
    world.reveal_secrets(job).await;
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
    let standing = world.market.standing(Role::Operator, signer(OPERATOR).address()).await.unwrap().unwrap();
    assert_eq!(standing.endpoint, one.endpoint, "verifiers find the checkpoints");
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
