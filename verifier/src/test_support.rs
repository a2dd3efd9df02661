//! What the unit tests of several modules share.

use assay_engine::F32;
use assay_job::{DataSpec, JobSpec, Task};
use assay_protocol::market::{Job, JobView, ModelTerms, State, Terms, Windows};
use assay_protocol::{Address, Hash};

pub(crate) const ME: Address = Address([1; 20]);
pub(crate) const OTHER: Address = Address([2; 20]);

/// Forty samples of four features and three classes.
pub(crate) fn csv() -> String {
    (0..40u32).map(|row| format!("{},{},{},{},{}\n", row % 7, row % 5, row % 3, row % 2, row % 3)).collect()
}

pub(crate) fn spec_on(dataset: Hash, steps: u64, segment_steps: u32) -> JobSpec {
    let training = serde_json::from_str(
        r#"{ "model": { "mlp": { "inputs": 4, "hidden": [8], "classes": 3, "activation": "relu" } },
             "optimiser": { "sgd": { "lr": 0.125, "momentum": 0.5, "weight_decay": 0.0 } }, "batch": 4 }"#,
    )
    .unwrap();
    let data = DataSpec { dataset, file: "data.csv".into(), divisor: F32::from(16.0), held_out: 10 };
    JobSpec::new(training, data, Hash([6; 32]), steps, segment_steps).unwrap()
}

pub(crate) fn spec(steps: u64, segment_steps: u32) -> JobSpec {
    spec_on(Hash([5; 32]), steps, segment_steps)
}

pub(crate) fn task(steps: u64, segment_steps: u32) -> Task {
    Task::new(spec(steps, segment_steps), csv().as_bytes()).unwrap()
}

/// A job in a state that may last until chain time 1000.
pub(crate) fn job_view(state: State) -> JobView {
    let windows = Windows { claim: 100, train: 100, secrets: 100, open: 100, attest: 100, reveal: 100, dispute: 100 };
    let terms = Terms {
        spec: Hash::default(),
        program: Hash::default(),
        segments: 4,
        payment: 1,
        fee: 1,
        stake: 1,
        bond: 10,
        samples: 2,
        panel: 2,
        sealed_secret: Hash::default(),
        windows,
    };
    let job = Job {
        client: OTHER,
        state,
        deadline: 1000,
        posted_at: 0,
        operator: None,
        attempts: 0,
        rounds: 0,
        enlisted: 0,
        revealed: 0,
        revealed_stake: 0,
        secrets: Hash::default(),
        client_secret: None,
        draw_block: None,
        seed: Hash::default(),
        opened: 0,
        disputed: None,
        held: 2,
    };
    let model = ModelTerms { name: "m".into(), licence: "MIT".into(), parent: None };
    JobView { id: 1, terms, model, datasets: vec![Hash([5; 32])], job, commitment: None, dispute: None, model_id: None }
}
