//! The verifier against a real chain. `ASSAY_NODE` names the node's binary.

mod operator;
mod world;

use assay_client::Amount;
use assay_protocol::commitment::Outcome;
use assay_protocol::economics::unseen;
use assay_protocol::market::{Check, Role, State, Windows};
use assay_verifier::audit::choose::List;
use assay_verifier::audit::{self, AuditOptions};
use operator::{Operator, Work};
use world::{SAMPLES, SEGMENTS, World};

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
        threads: 1,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_honest_job_is_checked_paid_and_audited() {
    let world = World::start().await;
    let verifiers = world.verifiers().await;
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

    // The operator's server is all that an audit needs besides the chain.
    let model = view.model_id.unwrap();
    let report = audit::run(&world.deployed, &audit_all(model), false).await.unwrap();
    assert!(report.passed, "{}", report.table());
    assert_eq!(report.segments.confirmed.len() as u32, SEGMENTS);
    assert_eq!(report.odds[0].unseen_on_chain, unseen(SEGMENTS, 1, u32::from(SAMPLES)));

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

#[tokio::test(flavor = "multi_thread")]
async fn a_cheat_is_convicted_though_a_verifier_is_killed_in_every_state() {
    let world = World::start().await;
    let mut verifiers = world.verifiers().await;
    let job = world.post(LONG).await;
    let operator = Operator::start(&world, job, Work::MadeUp).await;
    let mut seen = vec![];
    let view = loop {
        let view = world.until(job, |view| !seen.contains(&view.job.state)).await;
        seen.push(view.job.state);
        if view.job.state.is_terminal() {
            break view;
        }
        for verifier in &mut verifiers {
            verifier.sigkill().await;
            verifier.start_again(&world).await;
        }
    };
    assert_eq!(view.job.state, State::Failed, "{seen:?}\n{}", world.logs());
    assert!(seen.contains(&State::Disputed), "{seen:?}");
    let slots = operator.slots().await;
    assert_eq!(slots.iter().filter(|slot| slot.check == Check::Refuted).count(), 1, "{slots:?}");
    let seats = world.deployed.market.seats(job).await.unwrap();
    assert!(seats.iter().all(|seat| matches!(seat.outcome, Some(Outcome::Replayed { .. }))), "{seats:?}");
    let standing = world.deployed.market.standing(Role::Operator, operator.address).await.unwrap().unwrap();
    assert_eq!((standing.lost, standing.locked), (1, 0));
    for verifier in &verifiers {
        let standing = world.until_free(verifier).await;
        assert_eq!(standing.lost, 0, "an honest verifier loses nothing by being killed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn truncated_checkpoints_are_reported_and_cost_the_operator_its_stake() {
    let world = World::start().await;
    let verifiers = world.verifiers().await;
    let job = world.post(Windows { attest: 10, ..LONG }).await;
    let operator = Operator::start(&world, job, Work::Truncated).await;
    let view = world.until(job, |view| view.job.state.is_terminal()).await;
    assert_eq!(view.job.state, State::Failed, "{}", world.logs());
    let seats = world.deployed.market.seats(job).await.unwrap();
    assert!(seats.iter().all(|seat| seat.outcome == Some(Outcome::Unavailable)), "{seats:?}");
    assert!(operator.slots().await.iter().any(|slot| slot.check == Check::Refuted));
    for verifier in &verifiers {
        assert_eq!(world.until_free(verifier).await.lost, 0);
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
