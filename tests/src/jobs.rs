//! Jobs over the digits.

use crate::{CLIENT, World, tokens};
use assay_client::Amount;
use assay_engine::F32;
use assay_job::{DataSpec, JobSpec};
use assay_protocol::commitment::sealed_secret;
use assay_protocol::hash::Native;
use assay_protocol::market::{ModelTerms, PostJob, Terms, Windows};
use assay_protocol::{Address, Hash};

/// The secret that the tests' client seals into its jobs.
pub(crate) const CLIENT_SECRET: Hash = Hash([0x5e; 32]);

/// What differs from job to job.
#[derive(Clone, Debug)]
pub struct JobOptions {
    /// Key of its randomness; jobs with the same one make the same model.
    pub seed: u8,
    /// Training steps.
    pub steps: u64,
    /// Steps a segment.
    pub segment_steps: u32,
    /// Segments that are drawn.
    pub samples: u8,
    /// The windows.
    pub windows: Windows,
}

impl Default for JobOptions {
    fn default() -> Self {
        let windows = Windows { claim: 60, train: 60, secrets: 30, open: 30, attest: 30, reveal: 30, dispute: 3 };
        Self { seed: 1, steps: 40, segment_steps: 5, samples: 3, windows }
    }
}

/// The specification of a job over the digits in `dataset`.
///
/// # Panics
/// If the engine refuses it.
pub fn digits_spec(dataset: Hash, options: &JobOptions) -> JobSpec {
    let training = serde_json::from_str(
        r#"{ "model": { "mlp": { "inputs": 64, "hidden": [16], "classes": 10, "activation": "relu" } },
             "optimiser": { "sgd": { "lr": 0.1, "momentum": 0.9, "weight_decay": 0.0 } },
             "batch": 32 }"#,
    )
    .expect("the description is well formed");
    let data = DataSpec { dataset, file: "digits.csv".into(), divisor: F32::from(16.0), held_out: 360 };
    JobSpec::new(training, data, Hash([options.seed; 32]), options.steps, options.segment_steps)
        .expect("the specification is valid")
}

impl World {
    /// A job over the digits, ready to be posted by the tests' client.
    pub fn digits_job(&self, client: Address, options: &JobOptions) -> PostJob {
        let spec = digits_spec(self.dataset, options);
        PostJob {
            terms: Terms {
                spec: spec.hash(),
                program: spec.program,
                segments: spec.segments(),
                payment: tokens(10).0,
                // Not a multiple of the samples, so that something is left over.
                fee: tokens(3).0 + 10u128.pow(6),
                stake: tokens(100).0,
                bond: tokens(20).0,
                samples: options.samples,
                panel: 2,
                sealed_secret: sealed_secret(&Native, &CLIENT_SECRET, &client),
                windows: options.windows,
            },
            model: ModelTerms { name: "digits classifier".into(), licence: "Apache-2.0".into(), parent: None },
            datasets: vec![self.dataset],
            spec: spec.to_bytes(),
        }
    }

    /// What a job costs its client.
    pub fn price(job: &PostJob) -> Amount {
        Amount(job.terms.payment + job.terms.fee)
    }

    /// Posts a job over the digits and gives its number.
    ///
    /// # Errors
    /// If the market refuses.
    pub async fn post(&self, options: &JobOptions) -> anyhow::Result<u64> {
        let client = self.signer(CLIENT).await?;
        let job = self.digits_job(client.address(), options);
        let receipt = self.market.post_job(&job).execute(&client).await?;
        Ok(self.market.posted_job(&receipt)?)
    }
}
