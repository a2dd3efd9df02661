//! The verifier against a real chain. `ASSAY_NODE` names the node's binary.

mod operator;
mod world;

use assay_client::Amount;
use assay_cuda::BackendChoice;
use assay_protocol::commitment::Outcome;
use assay_protocol::economics::undrawn;
use assay_protocol::market::{Check, JobView, Role, State, Windows};
use assay_verifier::audit::choose::List;
use assay_verifier::audit::{self, AuditOptions};
use operator::{Operator, Work};
use std::time::Duration;
use world::{SAMPLES, SEGMENTS, Verifier, World};

/// Long enough for any machine, because nothing waits for their end.
const LONG: Windows =
    Windows { claim: 600, train: 600, secrets: 600, open: 600, attest: 600, reveal: 600, dispute: 600 };

fn audit_all(model: assay_protocol::Hash) -> AuditOptions {
    AuditOptions {
        model,
        fraction: None,
        segments: Some(List::All),
        seed: None,
        from: vec![],
        max_data_bytes: 1 << 20,
        max_memory_bytes: 1 << 30,
        backend: BackendChoice::Cpu,
        threads: 1,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_honest_job_is_checked_paid_and_audited() {
    let world = World::start().await;
    let mut verifiers = world.verifiers().await;
    // Nobody insists, so the window has to pass.
    let job = world.post(Windows { dispute: 2, ..LONG }).await;
    let operator = Operator::start(&world, job, Work::Honest).await;
    let view = world.until(job, |view| view.job.state.is_terminal()).await;
    assert_eq!(view.job.state, State::Final);
    assert!(operator.slots().await.iter().all(|slot| slot.check == Check::Passed));

    let fee = view.terms.fee / u128::from(SAMPLES);
    let mut checked = 0;
    for verifier in &verifiers {
        let standing = world.until_free(verifier).await;
        assert_eq!(standing.lost, 0);
        let credit = world.deployed.market.credit(verifier.address).await.unwrap();
        assert_eq!(credit, Amount(fee * u128::from(standing.done)));
        checked += standing.done;
    }
    assert_eq!(checked, u32::from(SAMPLES));
    money_moves_only_with_x(&world, &mut verifiers).await;

    // The operator's server is all that an audit needs besides the chain.
    let model = view.model_id.unwrap();
    let report = audit::run(&world.deployed, &audit_all(model), false).await.unwrap();
    assert!(report.passed, "{}", report.table());
    assert_eq!(report.segments.confirmed.len() as u32, SEGMENTS);
    assert_eq!(report.odds[0].unseen_on_chain, undrawn(SEGMENTS, 1, u32::from(SAMPLES)));

    // As a process without any key, and with a byte changed.
    let audited = world.audit(model, &["--segments", "all", "--json"]).await;
    assert!(audited.status.success(), "{}", String::from_utf8_lossy(&audited.stderr));
    let json: serde_json::Value = serde_json::from_slice(&audited.stdout).unwrap();
    assert_eq!((&json["ok"], &json["data"]["passed"]), (&true.into(), &true.into()));
    operator.tamper_with_a_checkpoint();
    let audited = world.audit(model, &["--segments", "all", "--json"]).await;
    assert_eq!(audited.status.code(), Some(1));
    let json: serde_json::Value = serde_json::from_slice(&audited.stdout).unwrap();
    assert_eq!(json["ok"], false);
    assert!(json["error"]["message"].as_str().unwrap().contains("segment 2"), "{json}");
    assert_eq!(json["data"]["segments"]["failed"], serde_json::json!([2]));
    let unknown = world.audit(assay_protocol::Hash([1; 32]), &[]).await;
    assert_eq!(unknown.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("no model"));
}

/// The commands around a verifier that has earned something and then stops.
async fn money_moves_only_with_x(world: &World, verifiers: &mut [Verifier]) {
    let market = &world.deployed.market;
    let mut earner = None;
    for verifier in verifiers {
        if market.credit(verifier.address).await.unwrap() > Amount::ZERO {
            earner = Some(verifier);
        }
    }
    let earner = earner.unwrap();
    assert!(earner.terminate().await.success());
    let stake = async || market.standing(Role::Verifier, earner.address).await.unwrap().unwrap().stake;
    let before = stake().await;
    let tried = world.command(earner, &["stake", "1 UNIT"]).await;
    assert_eq!((&tried["ok"], &tried["data"]["transaction"]), (&true.into(), &serde_json::Value::Null));
    assert_eq!(stake().await, before);
    let unasked = world.command(earner, &["stake", "1 UNIT", "-x"]).await;
    assert!(unasked["error"]["message"].as_str().unwrap().contains("-y"), "{unasked}");
    assert_eq!(stake().await, before);
    let done = world.command(earner, &["unstake", "50 UNIT", "-x", "-y"]).await;
    assert!(done["data"]["transaction"].is_string(), "{done}");
    assert_eq!(stake().await, 0);
    let early = world.command(earner, &["collect"]).await;
    assert!(early["error"]["message"].as_str().unwrap().contains("collect was refused"), "{early}");
    let credit = market.credit(earner.address).await.unwrap();
    let status = world.command(earner, &["status"]).await;
    assert_eq!(status["data"]["credit"], world.deployed.chain.unit().show(credit).to_string());
    let done = world.command(earner, &["withdraw", "-x", "-y"]).await;
    assert!(done["data"]["transaction"].is_string(), "{done}");
    assert_eq!(market.credit(earner.address).await.unwrap(), Amount::ZERO);
    let nothing = world.command(earner, &["withdraw"]).await;
    assert!(nothing["error"]["message"].as_str().unwrap().contains("nothing to withdraw"), "{nothing}");
    let wrong = world.command(earner, &["stake", "a lot"]).await;
    assert_eq!(wrong["ok"], false);
}

async fn kill(verifiers: &mut [Verifier]) {
    for verifier in verifiers {
        verifier.sigkill().await;
    }
}

async fn start(world: &World, verifiers: &mut [Verifier]) {
    for verifier in verifiers {
        verifier.start_again(world).await;
    }
}

/// Each state is reached while those who could leave it are dead, so that no
/// state is missed; then they start again and must carry on.
#[tokio::test(flavor = "multi_thread")]
async fn a_cheat_is_convicted_though_all_verifiers_are_killed_in_every_state() {
    let world = World::start().await;
    let mut verifiers = world.verifiers().await;
    let job = world.post(LONG).await;
    let mut operator = Operator::prepare(&world, job, Work::MadeUp).await;

    world.until(job, |view| view.job.enlisted == 3).await;
    kill(&mut verifiers).await;
    start(&world, &mut verifiers).await;
    operator.claim().await;
    kill(&mut verifiers).await;
    operator.commit().await;
    world.reveal(job).await;
    world.until_state(job, State::Committed).await;
    start(&world, &mut verifiers).await;
    world.until_state(job, State::Drawn).await;
    kill(&mut verifiers).await;
    operator.open().await;
    world.until_state(job, State::Opened).await;
    start(&world, &mut verifiers).await;
    world.until_state(job, State::Attested).await;
    kill(&mut verifiers).await;
    operator.reveal_traces().await;
    world.until_state(job, State::Window).await;

    // The panel is all but the slot's verifier, and is dead yet.
    let first = operator.slots().await[0].verifier;
    verifiers.sort_by_key(|verifier| verifier.address != first);
    start(&world, &mut verifiers[..1]).await;
    let view = world.until_state(job, State::Disputed).await;
    assert!(view.dispute.unwrap().insisted);
    kill(&mut verifiers[..1]).await;
    let sealed = |count| move |view: &JobView| view.dispute.as_ref().is_some_and(|dispute| dispute.sealed == count);
    start(&world, &mut verifiers[1..2]).await;
    world.until(job, sealed(1)).await;
    kill(&mut verifiers[1..2]).await;
    start(&world, &mut verifiers[2..]).await;
    world.until(job, sealed(2)).await;
    kill(&mut verifiers[2..]).await;
    world.until_state(job, State::Ruling).await;
    start(&world, &mut verifiers[1..]).await;
    let view = world.until(job, |view| view.job.state.is_terminal()).await;
    kill(&mut verifiers).await;
    start(&world, &mut verifiers).await;

    assert_eq!(view.job.state, State::Failed, "{}", world.logs());
    let slots = operator.slots().await;
    assert_eq!(slots.iter().filter(|slot| slot.check == Check::Refuted).count(), 1, "{slots:?}");
    let seats = world.deployed.market.seats(job).await.unwrap();
    assert!(seats.iter().all(|seat| matches!(seat.outcome, Some(Outcome::Replayed { .. }))), "{seats:?}");
    let standing = world.deployed.market.standing(Role::Operator, operator.address).await.unwrap().unwrap();
    assert_eq!((standing.lost, standing.locked), (1, 0));
    for verifier in &verifiers {
        let standing = world.until_free(verifier).await;
        assert_eq!(standing.lost, 0, "an honest verifier loses nothing by being killed");
        assert!(world.deployed.market.credit(verifier.address).await.unwrap() > Amount::ZERO);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn truncated_checkpoints_that_are_not_answered_on_chain_either_cost_the_operator_its_stake() {
    is_reported(Work::Truncated).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_drips_does_not_hold_the_verifiers_up() {
    is_reported(Work::Dripping).await;
}

/// A job whose operator does not serve what it must.
async fn is_reported(work: Work) {
    let world = World::start().await;
    let verifiers = world.verifiers().await;
    let job = world.post(Windows { attest: 20, open: 20, ..LONG }).await;
    let operator = Operator::start(&world, job, work).await;
    let view = world.until(job, |view| view.job.state.is_terminal()).await;
    assert_eq!(view.job.state, State::Failed, "{}", world.logs());
    let slots = operator.slots().await;
    assert!(slots.iter().any(|slot| slot.check == Check::Unserved), "{slots:?}");
    let standing = world.deployed.market.standing(Role::Operator, operator.address).await.unwrap().unwrap();
    assert_eq!((standing.lost, standing.locked), (1, 0));
    for verifier in &verifiers {
        let standing = world.until_free(verifier).await;
        assert_eq!((standing.lost, standing.missed), (0, 0), "who reports what is true loses nothing");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn false_ends_are_convicted_whatever_segment_is_drawn() {
    let world = World::start().await;
    let verifiers = world.verifiers().await;
    let job = world.post(LONG).await;
    let _operator = Operator::start(&world, job, Work::FalseArtefact).await;
    let view = world.until(job, |view| view.job.state.is_terminal()).await;
    assert_eq!(view.job.state, State::Failed, "{}", world.logs());
    let seats = world.deployed.market.seats(job).await.unwrap();
    assert!(seats.iter().all(|seat| matches!(seat.outcome, Some(Outcome::FalseEnds { .. }))), "{seats:?}");
    for verifier in &verifiers {
        assert_eq!(world.until_free(verifier).await.lost, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn asked_to_stop_while_the_node_is_away_it_stops() {
    let mut world = World::start().await;
    let mut verifiers = world.verifiers().await;
    world.node.sigkill().await.unwrap();
    // Longer than the time between two looks at the chain: each then waits for the node.
    tokio::time::sleep(Duration::from_secs(7)).await;
    for verifier in &mut verifiers {
        let stopping = tokio::time::timeout(Duration::from_secs(30), verifier.terminate());
        assert!(stopping.await.expect("stops though it cannot reach the node").success());
    }
}
