//! The JSON file that describes a job to post; `docs/job.md` is its reference.

use crate::commands::dataset::manifest_at;
use crate::licences;
use anyhow::{Context, bail};
use assay_client::{Amount, Unit};
use assay_data::{Files, Preparation};
use assay_engine::TrainingSpec;
use assay_job::{DataSpec, JobSpec, MAX_PREPARED_BYTES, Manifest, Task};
use assay_protocol::Hash;
use assay_protocol::market::{MAX_PANEL, MAX_SAMPLES, MAX_WINDOW_SECONDS, Policy, Windows};
use assay_protocol::registry::{self, WHOLE_BP};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// Largest file that is read; the largest sensible one has a few kilobytes.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// A job to post.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Description {
    /// What the model will be registered as.
    pub model: ModelDescription,
    /// What it is trained on.
    pub data: DataDescription,
    /// Architecture, optimiser, precision, batch.
    pub training: TrainingSpec,
    /// Training steps.
    pub steps: u64,
    /// Steps of each segment; the last may have fewer.
    pub segment_steps: u32,
    /// Key of all randomness; made at random if left out.
    #[serde(default)]
    pub seed: Option<Hash>,
    /// For the operator, such as `10 UNIT`.
    pub payment: String,
    /// For the verifiers together.
    pub fee: String,
    /// What the operator locks.
    pub stake: String,
    /// For what the operator may hand the job back; a twentieth of the stake if
    /// left out.
    #[serde(default)]
    pub hand_back: Option<String>,
    /// What each verifier locks at least.
    pub bond: String,
    /// The cheat that the stake must make unprofitable; that of one segment by
    /// whoever bribes nobody if left out.
    #[serde(default)]
    pub policy: Option<PolicyDescription>,
    /// Segments that are drawn for checking.
    pub samples: u8,
    /// Verifiers that decide a dispute.
    pub panel: u8,
    /// How long each state may last, in seconds.
    pub windows: Windows,
}

/// What a model will be registered as.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelDescription {
    /// Name for people.
    pub name: String,
    /// SPDX licence expression.
    #[serde(alias = "license")]
    pub licence: String,
    /// Model that training starts from.
    #[serde(default)]
    pub parent: Option<Hash>,
    /// Share of the payment of each job that starts from the model, for its
    /// owner, in basis points.
    #[serde(default)]
    pub royalty_bp: u16,
}

/// The cheat that a job's stake must make unprofitable.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyDescription {
    /// What a false model is worth to whoever cheats, such as `5 UNIT`.
    pub gain: String,
    /// Segments that the cheat falsifies.
    pub false_segments: u32,
    /// Share of the verifiers' weight that the cheat has bribed, in basis points.
    #[serde(default)]
    pub bribed_bp: u16,
}

/// What a model is trained on.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataDescription {
    /// A dataset's id, or the path of its folder or manifest, from the
    /// description's own folder.
    pub dataset: String,
    /// How its files become samples.
    pub prepare: Preparation,
    /// Samples that are not trained on.
    pub held_out: u32,
}

/// A job's amounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amounts {
    /// For the operator.
    pub payment: Amount,
    /// For the verifiers together.
    pub fee: Amount,
    /// What the operator locks.
    pub stake: Amount,
    /// For what the operator may hand the job back.
    pub hand_back: Amount,
    /// What each verifier locks at least.
    pub bond: Amount,
}

/// Where a description's dataset is.
#[derive(Clone, Debug)]
pub enum Source {
    /// On record, by its id.
    Id(Hash),
    /// In a folder here.
    Folder(PathBuf, Manifest),
    /// A manifest without its files.
    Manifest(Manifest),
}

impl Source {
    /// The dataset's id.
    pub fn id(&self) -> Hash {
        match self {
            Source::Id(id) => *id,
            Source::Folder(_, manifest) | Source::Manifest(manifest) => manifest.id(),
        }
    }
}

impl Description {
    /// Reads a file.
    pub fn load(path: &Path) -> anyhow::Result<Self> {
        let failed = || format!("cannot read {}", path.display());
        let length = std::fs::metadata(path).with_context(failed)?.len();
        if length > MAX_FILE_BYTES {
            bail!("{} has {length} bytes; a job description has at most {MAX_FILE_BYTES}", path.display());
        }
        Self::from_json(&std::fs::read_to_string(path).with_context(failed)?)
            .with_context(|| format!("{} is no job description; docs/job.md explains each field", path.display()))
    }

    /// Reads the text of a file and checks what needs no chain.
    pub fn from_json(text: &str) -> anyhow::Result<Self> {
        let description: Description = serde_json::from_str(text)?;
        description.check()?;
        Ok(description)
    }

    fn check(&self) -> anyhow::Result<()> {
        registry::check_name(&self.model.name).context("model.name")?;
        licences::check(&self.model.licence).context("model.licence")?;
        for (name, share) in [
            ("model.royalty_bp", self.model.royalty_bp),
            ("policy.bribed_bp", self.policy.as_ref().map_or(0, |policy| policy.bribed_bp)),
        ] {
            if share > WHOLE_BP {
                bail!("{name}: {share} is more than {WHOLE_BP} basis points (100 %)");
            }
        }
        if self.samples == 0 || self.samples > MAX_SAMPLES {
            bail!("samples: {} is not from 1 to {MAX_SAMPLES}", self.samples);
        }
        if self.panel < 2 || self.panel > MAX_PANEL {
            bail!("panel: {} is not from 2 to {MAX_PANEL}", self.panel);
        }
        let names = ["claim", "train", "secrets", "open", "attest", "reveal", "dispute"];
        for (name, seconds) in names.iter().zip(self.windows.all()) {
            if seconds == 0 || seconds > MAX_WINDOW_SECONDS {
                bail!("windows.{name}: {seconds} is not from 1 to {MAX_WINDOW_SECONDS} seconds");
            }
        }
        Ok(())
    }

    /// The dataset, which a relative path names from `folder`.
    pub fn source(&self, folder: &Path) -> anyhow::Result<Source> {
        if let Ok(id) = self.data.dataset.parse() {
            return Ok(Source::Id(id));
        }
        let path = folder.join(&self.data.dataset);
        if !path.exists() {
            bail!(
                "data.dataset: {:?} is neither a dataset's id (0x and 64 hex digits) nor a folder or manifest ({} is not there)",
                self.data.dataset,
                path.display()
            );
        }
        let manifest = manifest_at(&path).context("data.dataset")?;
        for file in self.data.prepare.files() {
            manifest.file(file).context("data.prepare")?;
        }
        Ok(match path.is_dir() {
            true => Source::Folder(path, manifest),
            false => Source::Manifest(manifest),
        })
    }

    /// The job with its data: prepares the samples, compiles the step program and makes the specification
    /// that goes on chain.
    pub fn task(&self, dataset: Hash, seed: Hash, files: &Files) -> anyhow::Result<Task> {
        let DataDescription { prepare, held_out, .. } = &self.data;
        let samples = prepare.prepare(files, MAX_PREPARED_BYTES)?;
        let data = DataSpec { dataset, prepare: prepare.clone(), prepared: samples.root(), held_out: *held_out };
        let spec = JobSpec::new(self.training.clone(), data, seed, self.steps, self.segment_steps)?;
        if u32::from(self.samples) > spec.segments() {
            bail!(
                "samples: {} cannot be drawn of {} segments; use fewer samples, or shorter segments (segment_steps)",
                self.samples,
                spec.segments()
            );
        }
        // What cannot be read back could never be trained.
        JobSpec::from_bytes(&spec.to_bytes())?;
        Ok(Task::with_samples(spec, samples)?)
    }

    /// The data's files in a folder here.
    pub fn files_in(&self, folder: &Path) -> anyhow::Result<Files> {
        let read = |file: &str| {
            let path = folder.join(file);
            let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            Ok((file.to_owned(), bytes))
        };
        self.data.prepare.files().into_iter().map(read).collect()
    }

    /// The amounts, in the chain's unit.
    pub fn amounts(&self, unit: &Unit) -> anyhow::Result<Amounts> {
        let above_zero = |field: &'static str, text: &str| -> anyhow::Result<Amount> {
            match amount(unit, field, text)? {
                Amount::ZERO => bail!("{field}: must be above zero"),
                amount => Ok(amount),
            }
        };
        let stake = above_zero("stake", &self.stake)?;
        let hand_back = match &self.hand_back {
            Some(text) => amount(unit, "hand_back", text)?,
            None => rounded_down(unit, stake.0 / 20),
        };
        Ok(Amounts {
            payment: above_zero("payment", &self.payment)?,
            fee: above_zero("fee", &self.fee)?,
            stake,
            hand_back,
            bond: above_zero("bond", &self.bond)?,
        })
    }

    /// The cheat that the stake must make unprofitable, for a job that pays
    /// `payment` for `segments`.
    pub fn policy(&self, unit: &Unit, payment: Amount, segments: u32) -> anyhow::Result<Policy> {
        let Some(policy) = &self.policy else {
            // Who skips a segment saves what it is paid for.
            let gain = payment.0.div_ceil(u128::from(segments.max(1)));
            return Ok(Policy { gain, false_segments: 1, bribed_bp: 0 });
        };
        let gain = amount(unit, "policy.gain", &policy.gain)?;
        if gain > Amount::ZERO && (policy.false_segments == 0 || policy.false_segments > segments) {
            bail!("policy.false_segments: {} is not from 1 to the {segments} segments", policy.false_segments);
        }
        Ok(Policy { gain: gain.0, false_segments: policy.false_segments, bribed_bp: policy.bribed_bp })
    }
}

/// An amount with its unit, which may be zero.
fn amount(unit: &Unit, field: &'static str, text: &str) -> anyhow::Result<Amount> {
    // A description may be posted to another chain: a number alone could
    // mean a millionth or a million times as much there.
    if !text.contains(char::is_alphabetic) {
        bail!("{field}: {text:?} names no unit; write {:?}", format!("{} {}", text.trim(), unit.symbol));
    }
    let amount = unit.parse(text).with_context(|| field)?;
    unit.to_native(amount).with_context(|| field)?;
    Ok(amount)
}

/// The next lower amount that the chain's balances can hold.
fn rounded_down(unit: &Unit, amount: u128) -> Amount {
    Amount(amount - amount % unit.native_to_contract.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_protocol::economics::least_stake;
    use serde_json::{Value, json};

    const EXAMPLE: &str = include_str!("../../examples/digits.json");
    const CHARACTERS: &str = include_str!("../../examples/characters.json");

    fn unit() -> Unit {
        Unit { symbol: "UNIT".into(), decimals: 12, native_to_contract: 1_000_000 }
    }

    fn changed(pointer: &str, value: Value) -> anyhow::Result<Description> {
        let mut json: Value = serde_json::from_str(EXAMPLE).unwrap();
        *json.pointer_mut(pointer).unwrap_or_else(|| panic!("no {pointer}")) = value;
        Description::from_json(&json.to_string())
    }

    fn refused(result: anyhow::Result<impl std::fmt::Debug>) -> String {
        format!("{:#}", result.unwrap_err())
    }

    /// An example's description, and its task with this seed.
    fn task(example: &str, seed: u8) -> (Description, Task) {
        let description = Description::from_json(example).unwrap();
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
        let Source::Folder(folder, manifest) = description.source(&examples).unwrap() else { panic!("a folder") };
        let files = description.files_in(&folder).unwrap();
        let task = description.task(manifest.id(), Hash([seed; 32]), &files).unwrap();
        (description, task)
    }

    #[test]
    fn the_examples_are_jobs_whose_cheats_do_not_pay() {
        for example in [EXAMPLE, CHARACTERS] {
            let (description, task) = task(example, 1);
            let (segments, samples) = (task.spec().segments(), description.samples);
            assert!(segments >= u32::from(samples));
            let Amounts { payment, stake, .. } = description.amounts(&unit()).unwrap();
            let policy = description.policy(&unit(), payment, segments).unwrap();
            assert!(least_stake(&policy, segments, samples, description.panel).unwrap() <= stake.0);
        }
    }

    #[test]
    fn the_example_learns() {
        let backend = assay_engine::CpuBackend::new(0).unwrap();
        // Whatever the seed is.
        for seed in 1..5 {
            let (_, task) = task(EXAMPLE, seed);
            let mut runner = task.runner(&backend).unwrap();
            let mut state = task.initial_state().unwrap();
            for segment in 0..task.spec().segments() {
                state = runner.run(&state, segment, |_| true).unwrap().unwrap().state;
            }
            let evaluation = task.evaluate(&backend, &state).unwrap();
            println!("{evaluation:?}: {}", evaluation.accuracy());
            assert!(evaluation.accuracy() > 0.95, "{evaluation:?}");
        }
    }

    #[test]
    fn the_example_of_characters_learns_from_its_first_segment() {
        let backend = assay_engine::CpuBackend::new(0).unwrap();
        let (_, task) = task(CHARACTERS, 1);
        let run = task.runner(&backend).unwrap().run(&task.initial_state().unwrap(), 0, |_| true).unwrap().unwrap();
        let losses: Vec<f32> = run.pulses.iter().map(|pulse| pulse.loss()).collect();
        // It starts without a clue among 91 characters.
        assert!((losses[0] - 91f32.ln()).abs() < 0.1, "{losses:?}");
        // Characters drawn by how often they occur have about 3.1.
        assert!(losses[losses.len() - 5..].iter().all(|&loss| loss < 3.2), "{losses:?}");
    }

    #[test]
    fn fields_that_nobody_knows_are_refused() {
        let mut json: Value = serde_json::from_str(EXAMPLE).unwrap();
        json["learning_rate"] = json!(1);
        assert!(refused(Description::from_json(&json.to_string())).contains("learning_rate"));
        for part in ["model", "data", "windows", "training"] {
            let mut json: Value = serde_json::from_str(EXAMPLE).unwrap();
            json[part]["surprise"] = json!(1);
            assert!(refused(Description::from_json(&json.to_string())).contains("surprise"), "{part}");
        }
        assert!(refused(Description::from_json("{")).contains("EOF"));
        let mut json: Value = serde_json::from_str(EXAMPLE).unwrap();
        json.as_object_mut().unwrap().remove("stake");
        assert!(refused(Description::from_json(&json.to_string())).contains("stake"));
    }

    #[test]
    fn amounts_need_their_unit_and_must_be_above_zero() {
        for (text, words) in [
            ("10", "names no unit; write \"10 UNIT\""),
            ("10 DOT", "not a unit of this chain"),
            ("0 UNIT", "above zero"),
            ("0.0000000000001 UNIT", "smallest"),
            ("-1 UNIT", "UNIT"),
            ("999999999999999999999999999 UNIT", "larger"),
        ] {
            let error = refused(changed("/payment", json!(text)).unwrap().amounts(&unit()));
            assert!(error.contains("payment") && (error.contains(words) || words == "smallest"), "{text}: {error}");
        }
        assert!(refused(changed("/fee", json!(5))).contains("expected a string"));
    }

    #[test]
    fn a_policy_that_is_left_out_is_about_one_skipped_segment() {
        let mut json: Value = serde_json::from_str(EXAMPLE).unwrap();
        json.as_object_mut().unwrap().remove("policy");
        let description = Description::from_json(&json.to_string()).unwrap();
        let policy = description.policy(&unit(), Amount(100), 24).unwrap();
        assert_eq!(policy, Policy { gain: 5, false_segments: 1, bribed_bp: 0 });
        // Zero asks nothing, and what asks nothing of the stake needs no segments.
        let none = changed("/policy", json!({ "gain": "0 UNIT", "false_segments": 0 })).unwrap();
        assert_eq!(none.policy(&unit(), Amount(100), 24).unwrap(), Policy::default());
        for (false_segments, gain) in [(0, "1 UNIT"), (25, "1 UNIT"), (1, "1")] {
            let policy = json!({ "gain": gain, "false_segments": false_segments });
            let error = refused(changed("/policy", policy).unwrap().policy(&unit(), Amount(100), 24));
            assert!(error.contains("policy."), "{error}");
        }
    }

    #[test]
    fn handing_back_costs_a_twentieth_unless_it_is_said() {
        let hand_back = |description: Description| description.amounts(&unit()).unwrap().hand_back;
        let mut json: Value = serde_json::from_str(EXAMPLE).unwrap();
        json.as_object_mut().unwrap().remove("hand_back");
        let token = 10u128.pow(18);
        assert_eq!(hand_back(Description::from_json(&json.to_string()).unwrap()), Amount(token * 3 / 2));
        json["hand_back"] = json!("0 UNIT");
        assert_eq!(hand_back(Description::from_json(&json.to_string()).unwrap()), Amount::ZERO);
    }

    #[test]
    fn sizes_out_of_reach_are_refused() {
        for (pointer, value, words) in [
            ("/samples", json!(0), "samples"),
            ("/samples", json!(255), "samples"),
            ("/samples", json!(256), "256"),
            ("/panel", json!(1), "panel"),
            ("/windows/train", json!(0), "windows.train"),
            ("/windows/claim", json!(2_592_001), "windows.claim"),
            ("/model/name", json!(""), "model.name"),
            ("/model/name", json!("a\u{202e}b"), "model.name"),
            ("/model/licence", json!("MIT/X11"), "model.licence"),
            ("/model/licence", json!("CC-BY"), "model.licence"),
            ("/policy/bribed_bp", json!(10_001), "policy.bribed_bp"),
            ("/policy/bribed_bp", json!(70_000), "70000"),
            ("/policy/false_segments", json!(-1), "-1"),
        ] {
            let error = refused(changed(pointer, value));
            assert!(error.contains(words), "{pointer}: {error}");
        }
        let digits = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/digits");
        let files = Description::from_json(EXAMPLE).unwrap().files_in(&digits).unwrap();
        let spec = |pointer: &str, value: Value| {
            refused(changed(pointer, value).unwrap().task(Hash([1; 32]), Hash([2; 32]), &files).map(Task::into_spec))
        };
        assert!(spec("/steps", json!(0)).contains("steps"));
        assert!(spec("/steps", json!(1_u64 << 50)).contains("steps"));
        assert!(spec("/steps", json!(1)).contains("samples"));
        assert!(spec("/segment_steps", json!(0)).contains("segment_steps"));
        assert!(!spec("/training/model/mlp/hidden", json!([4_000_000_000_u32])).is_empty());
        assert!(!spec("/training/batch", json!(4_000_000_000_u32)).is_empty());
    }

    #[test]
    fn a_dataset_that_is_not_there_is_said_to_be_so() {
        let description = changed("/data/dataset", json!("../no/such/folder")).unwrap();
        assert!(refused(description.source(Path::new("."))).contains("not there"));
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
        let description = changed("/data/prepare/csv/file", json!("no.csv")).unwrap();
        assert!(refused(description.source(&examples)).contains("no.csv"));
    }
}
