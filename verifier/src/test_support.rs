//! What the unit tests of several modules share.

use assay_data::{Csv, Files};
use assay_job::{DataSpec, JobSpec, Task};
use assay_protocol::{Address, Hash};

pub(crate) use assay_testkit::fixtures::job_view;

pub(crate) const ME: Address = Address([1; 20]);
pub(crate) const OTHER: Address = Address([2; 20]);

/// Forty samples of four features and three classes.
pub(crate) fn csv() -> String {
    (0..40u32).map(|row| format!("{},{},{},{},{}\n", row % 7, row % 5, row % 3, row % 2, row % 3)).collect()
}

pub(crate) fn files() -> Files {
    Files::from([("data.csv".to_owned(), csv().into_bytes())])
}

pub(crate) fn spec_on(dataset: Hash, steps: u64, segment_steps: u32) -> JobSpec {
    let training = serde_json::from_str(
        r#"{ "model": { "mlp": { "inputs": 4, "hidden": [8], "classes": 3, "activation": "relu" } },
             "optimiser": { "sgd": { "lr": 0.125, "momentum": 0.5, "weight_decay": 0.0 } }, "batch": 4 }"#,
    )
    .unwrap();
    let data = DataSpec::new(dataset, Csv::plain("data.csv", 16.0), &files(), 10).unwrap();
    JobSpec::new(training, data, Hash([6; 32]), steps, segment_steps).unwrap()
}

pub(crate) fn spec(steps: u64, segment_steps: u32) -> JobSpec {
    spec_on(Hash([5; 32]), steps, segment_steps)
}

pub(crate) fn task(steps: u64, segment_steps: u32) -> Task {
    Task::new(spec(steps, segment_steps), &files()).unwrap()
}
