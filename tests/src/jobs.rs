//! Jobs over the digits.

use crate::{CLIENT, VERIFIERS, World, repository, tokens};
use anyhow::Context;
use assay_client::{Amount, Signer};
use assay_data::{Csv, Files};
use assay_engine::CpuBackend;
use assay_job::{Commitments, DataSpec, JobSpec, Task};
use assay_protocol::commitment::sealed_secret;
use assay_protocol::hash::Native;
use assay_protocol::market::{Commit, Ends, ModelTerms, Policy, PostJob, Role, Terms, Windows};
use assay_protocol::{Address, Hash};

/// The secret that the tests' client seals into its jobs.
pub const CLIENT_SECRET: Hash = Hash([0x5e; 32]);

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

/// The digits.
///
/// # Panics
/// If they cannot be read.
fn digits_files() -> Files {
    let csv = std::fs::read(repository().join("data/digits/digits.csv")).expect("the repository has the digits");
    Files::from([("digits.csv".to_owned(), csv)])
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
    let data =
        DataSpec::new(dataset, Csv::plain("digits.csv", 16.0), &digits_files(), 360).expect("the digits are good");
    JobSpec::new(training, data, Hash([options.seed; 32]), options.steps, options.segment_steps)
        .expect("the specification is valid")
}

/// What an operator makes of a job without a daemon.
pub struct Work {
    /// What it commits to.
    pub commitments: Commitments,
    /// The trace root of each segment.
    pub traces: Vec<Hash>,
    /// Number of segments.
    pub segments: u32,
}

impl Work {
    /// The argument of `commit`.
    pub fn commit(&self) -> Commit {
        Commit { root: self.commitments.root() }
    }

    /// The ends, to be opened after the draw. Nobody serves the artefact.
    pub fn ends(&self) -> Ends {
        Ends {
            first: self.commitments.opening(0),
            last: self.commitments.opening(self.segments),
            artefact: Hash([1; 32]),
        }
    }
}

impl World {
    /// Trains job number `job` here.
    ///
    /// # Errors
    /// If the data cannot be read or the engine stops.
    pub fn train(&self, options: &JobOptions, job: u64, operator: &Address) -> anyhow::Result<Work> {
        let task = Task::new(digits_spec(self.dataset, options), &digits_files())?;
        let backend = CpuBackend::new(1)?;
        let mut runner = task.runner(&backend)?;
        let mut state = task.initial_state()?;
        let (mut roots, mut traces) = (vec![Hash(state.root())], vec![]);
        let segments = task.spec().segments();
        let job = self.market.job_id(job);
        for segment in 0..segments {
            let run = runner.run(&state, segment, |_| true)?.context("nobody stops it")?;
            roots.push(run.root());
            traces.push(run.trace(job, segment));
            state = run.state;
        }
        Ok(Work { commitments: Commitments::new(job, operator, &roots, &traces), traces, segments })
    }

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
                hand_back: tokens(1).0,
                bond: tokens(20).0,
                samples: options.samples,
                panel: 2,
                sealed_secret: sealed_secret(&Native, &self.market.address(), &CLIENT_SECRET, &client),
                policy: Policy { gain: tokens(5).0, false_segments: 1, bribed_bp: 0 },
                windows: options.windows,
            },
            model: ModelTerms {
                name: "digits classifier".into(),
                licence: "Apache-2.0".into(),
                parent: None,
                royalty_bp: 0,
            },
            datasets: vec![self.dataset],
            spec: spec.to_bytes(),
            most_royalties_bp: 10_000,
        }
    }

    /// Stakes and enlists all [`VERIFIERS`] for a job, with locks of 20 tokens, and
    /// gives the secret that each has sealed.
    ///
    /// # Errors
    /// If the market refuses.
    pub async fn enlist_all(&self, job: u64) -> anyhow::Result<Vec<(Signer, Hash)>> {
        let mut verifiers = Vec::new();
        for (number, suri) in (0u8..).zip(VERIFIERS) {
            let signer = self.signer(suri).await?;
            self.market.stake(Role::Verifier, None, tokens(50)).execute(&signer).await?;
            let secret = Hash([number; 32]);
            let sealed = sealed_secret(&Native, &self.market.address(), &secret, &signer.address());
            self.market.enlist(job, sealed, tokens(20)).execute(&signer).await?;
            verifiers.push((signer, secret));
        }
        Ok(verifiers)
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
