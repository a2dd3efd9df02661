//! The specification of a job: everything that decides its bits.

use crate::{JobError, MAX_PREPARED_BYTES};
use assay_data::{Files, Preparation};
use assay_engine::{Program, TrainingSpec};
use assay_protocol::Hash;
use assay_protocol::hash::{Native, Sha256};
use assay_protocol::market::{MAX_SEGMENTS, MAX_SPEC_BYTES};
use parity_scale_codec::{Decode, DecodeAll, Encode};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Version of the specification's encoding.
pub const SPEC_VERSION: u32 = 2;
/// Most steps of a job.
const MAX_STEPS: u64 = 1 << 40;

/// Where a job's samples come from and how they are prepared. The preparation
/// is part of the specification, so the chain's record covers it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataSpec {
    /// The dataset.
    pub dataset: Hash,
    /// How its files become samples.
    pub prepare: Preparation,
    /// [`Prepared::root`](assay_data::Prepared::root) of what they become. Whose software prepares something else
    /// learns it before it takes part.
    pub prepared: Hash,
    /// Samples that are not trained on, to judge the model by; the seed picks them.
    pub held_out: u32,
}

impl DataSpec {
    /// The description of what `files` become.
    ///
    /// # Errors
    /// [`JobError::Samples`] if they are not what the preparation takes.
    pub fn new(dataset: Hash, prepare: impl Into<Preparation>, files: &Files, held_out: u32) -> Result<Self, JobError> {
        let prepare = prepare.into();
        let prepared = prepare.prepare(files, MAX_PREPARED_BYTES)?.root();
        Ok(Self { dataset, prepare, prepared, held_out })
    }
}

/// Everything that decides a job's bits.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobSpec {
    /// [`SPEC_VERSION`].
    pub version: u32,
    /// Model, optimiser, precision and batch.
    pub training: TrainingSpec,
    /// The data.
    pub data: DataSpec,
    /// Key of all randomness: initial weights, order of samples, split.
    pub seed: Hash,
    /// Training steps.
    pub steps: u64,
    /// Steps of each segment; the last may have fewer.
    pub segment_steps: u32,
    /// Hash of the step program that `training` compiles to.
    pub program: Hash,
}

impl JobSpec {
    /// The specification with its program hash filled in.
    ///
    /// # Errors
    /// As [`JobSpec::compile`].
    pub fn new(
        training: TrainingSpec,
        data: DataSpec,
        seed: Hash,
        steps: u64,
        segment_steps: u32,
    ) -> Result<Self, JobError> {
        let program = Hash(training.compile()?.hash());
        let spec = Self { version: SPEC_VERSION, training, data, seed, steps, segment_steps, program };
        spec.compile()?;
        Ok(spec)
    }

    /// Reads the bytes that the chain keeps.
    ///
    /// # Errors
    /// [`JobError::Spec`] for bytes that are no specification, or that go on after it.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, JobError> {
        if bytes.len() > MAX_SPEC_BYTES {
            return Err(JobError::Spec(format!("{} bytes, at most {MAX_SPEC_BYTES} are read", bytes.len())));
        }
        let version = u32::decode(&mut &bytes[..]).map_err(|error| JobError::Spec(error.to_string()))?;
        if version != SPEC_VERSION {
            return Err(JobError::Spec(format!(
                "it has version {version} and this software understands {SPEC_VERSION}; use {} one",
                if version > SPEC_VERSION { "a newer" } else { "an older" }
            )));
        }
        Self::decode_all(&mut &bytes[..]).map_err(|error| JobError::Spec(error.to_string()))
    }

    /// The bytes that the chain keeps.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.encode()
    }

    /// SHA-256 of [`JobSpec::to_bytes`].
    pub fn hash(&self) -> Hash {
        Native.sha256(&self.to_bytes())
    }

    /// Checks the specification and compiles it.
    ///
    /// # Errors
    /// [`JobError::Field`], [`JobError::OtherProgram`], or what the engine refuses.
    pub fn compile(&self) -> Result<Program, JobError> {
        let field = |field, problem: String| Err(JobError::Field { field, problem });
        if self.steps == 0 || self.steps > MAX_STEPS {
            return field("steps", format!("{} is not from 1 to {MAX_STEPS}", self.steps));
        }
        if self.segment_steps == 0 {
            return field("segment_steps", "must be at least 1".into());
        }
        if self.steps.div_ceil(u64::from(self.segment_steps)) > u64::from(MAX_SEGMENTS) {
            return field("segment_steps", format!("makes more than {MAX_SEGMENTS} segments; use longer ones"));
        }
        self.data.prepare.check()?;
        let program = self.training.compile()?;
        let compiled = Hash(program.hash());
        if compiled != self.program {
            return Err(JobError::OtherProgram { named: self.program, compiled });
        }
        Ok(program)
    }

    /// Number of segments.
    pub fn segments(&self) -> u32 {
        u32::try_from(self.steps.div_ceil(u64::from(self.segment_steps))).unwrap_or(u32::MAX)
    }

    /// The steps of a segment.
    pub fn steps_of(&self, segment: u32) -> Range<u64> {
        let first = u64::from(segment) * u64::from(self.segment_steps);
        first.min(self.steps)..(first + u64::from(self.segment_steps)).min(self.steps)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use assay_data::Csv;

    /// Forty rows of four features in three classes.
    pub(crate) fn csv() -> String {
        (0..40u32).map(|row| format!("{},{},{},{},{}\n", row % 7, row % 5, row % 3, row % 2, row % 3)).collect()
    }

    pub(crate) fn files(csv: &str) -> Files {
        Files::from([("data.csv".to_owned(), csv.as_bytes().to_vec())])
    }

    pub(crate) fn example(steps: u64, segment_steps: u32) -> JobSpec {
        let training = serde_json::from_str(
            r#"{ "model": { "mlp": { "inputs": 4, "hidden": [8], "classes": 3, "activation": "relu" } },
                 "optimiser": { "sgd": { "lr": 0.125, "momentum": 0.5, "weight_decay": 0.0 } },
                 "batch": 4 }"#,
        )
        .unwrap();
        let data = DataSpec::new(Hash([5; 32]), Csv::plain("data.csv", 16.0), &files(&csv()), 10).unwrap();
        JobSpec::new(training, data, Hash([6; 32]), steps, segment_steps).unwrap()
    }

    #[test]
    fn the_encoding_is_read_back() {
        let spec = example(10, 4);
        assert_eq!(JobSpec::from_bytes(&spec.to_bytes()).unwrap(), spec);
        let json = serde_json::to_string(&spec).unwrap();
        assert_eq!(serde_json::from_str::<JobSpec>(&json).unwrap(), spec);
        let bytes = spec.to_bytes();
        assert!(JobSpec::from_bytes(&bytes[..bytes.len() - 1]).is_err());
        assert!(JobSpec::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
        let newer = [&(SPEC_VERSION + 1).to_le_bytes(), &bytes[4..]].concat();
        assert!(JobSpec::from_bytes(&newer).unwrap_err().to_string().contains("a newer"));
        let older = [&(SPEC_VERSION - 1).to_le_bytes(), &bytes[4..]].concat();
        assert!(JobSpec::from_bytes(&older).unwrap_err().to_string().contains("an older"));
    }

    #[test]
    fn segments_cover_the_steps() {
        let spec = example(10, 4);
        let steps: Vec<u64> = (0..spec.segments()).flat_map(|segment| spec.steps_of(segment)).collect();
        assert_eq!(steps, (0..10).collect::<Vec<_>>());
        assert_eq!(spec.steps_of(2), 8..10);
        assert_eq!(example(8, 4).segments(), 2);
    }

    #[test]
    fn fields_out_of_their_limits_are_named() {
        let refused = |change: fn(&mut JobSpec)| {
            let mut spec = example(10, 4);
            change(&mut spec);
            spec.compile().unwrap_err().to_string()
        };
        assert!(refused(|spec| spec.steps = 0).contains("steps"));
        assert!(refused(|spec| spec.segment_steps = 0).contains("segment_steps"));
        assert!(refused(|spec| spec.steps = 1 << 39).contains("longer"));
        assert!(refused(|spec| spec.data.prepare = Csv::plain("a", 0.0).into()).contains("data.divisor"));
        assert!(refused(|spec| spec.program = Hash::default()).contains("version of the software"));
        assert!(refused(|spec| spec.training.batch = 5).contains("version of the software"));
    }
}
