//! Descriptions of training.

use parity_scale_codec::{Decode, DecodeAll, Encode};
use serde::{Deserialize, Serialize};

use super::{
    Forward, ModelSpec, OptimiserSpec, ParameterGroup, PrecisionSpec, Schedule, compile_forward, in_range, size,
};
use crate::builder::GraphBuilder;
use crate::error::EngineError;
use crate::float::F32;
use crate::optimiser;
use crate::program::Program;

/// The longest SCALE encoding of a [`TrainingSpec`] that is read.
pub const MAX_SPEC_BYTES: usize = 4096;
/// The most groups of parameters.
const MAX_GROUPS: usize = 32;

/// Everything that decides a training step's program.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Encode, Decode, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingSpec {
    /// The model.
    pub model: ModelSpec,
    /// The optimiser.
    pub optimiser: OptimiserSpec,
    /// The matmuls' precision; `int8x2` throughout if left out of the JSON.
    #[serde(default)]
    pub precision: PrecisionSpec,
    /// Samples per step.
    pub batch: u32,
    /// Samples in each of the blocks that the gradients of weights are summed by, so that a batch can
    /// be worked on in parts; left out, these are exact sums over the whole batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block: Option<u32>,
    /// How the learning rate changes from step to step; it does not if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
    /// The greatest norm of all gradients together; if theirs is greater, they are scaled down to
    /// it before the optimiser sees them. The pulse has the norm before that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip: Option<F32>,
    /// Parameters that are treated in a way of their own; the first group that matches counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<ParameterGroup>,
}

impl TrainingSpec {
    /// A description with `int8x2` throughout and nothing else that can be left out.
    #[must_use]
    pub fn new(model: ModelSpec, optimiser: OptimiserSpec, batch: u32) -> TrainingSpec {
        TrainingSpec {
            model,
            optimiser,
            precision: PrecisionSpec::default(),
            batch,
            block: None,
            schedule: None,
            clip: None,
            groups: Vec::new(),
        }
    }

    /// Checks the description.
    ///
    /// # Errors
    /// [`EngineError::Spec`] names the field and says what would be right.
    pub fn validate(&self) -> Result<(), EngineError> {
        self.model.validate()?;
        self.optimiser.validate()?;
        size("batch".into(), self.batch, 1)?;
        if let Some(block) = self.block {
            size("block".into(), block, 1)?;
        }
        if let Some(schedule) = &self.schedule {
            schedule.validate()?;
        }
        if let Some(clip) = self.clip {
            in_range("clip", clip, |x| x > 0.0, "above 0")?;
        }
        if self.groups.len() > MAX_GROUPS {
            let problem = format!("{} groups; at most {MAX_GROUPS} are allowed", self.groups.len());
            return Err(EngineError::spec("groups", problem));
        }
        self.groups.iter().enumerate().try_for_each(|(i, group)| group.validate(i))
    }

    /// The group that a parameter belongs to.
    pub(crate) fn group(&self, name: &str) -> Option<&ParameterGroup> {
        self.groups.iter().find(|group| group.matches(name))
    }

    /// Reads and validates a SCALE encoding of at most [`MAX_SPEC_BYTES`] bytes.
    ///
    /// # Errors
    /// The bytes are no description, go on after its end, or it is invalid.
    pub fn from_bytes(bytes: &[u8]) -> Result<TrainingSpec, EngineError> {
        if bytes.len() > MAX_SPEC_BYTES {
            let problem = format!("{} bytes; at most {MAX_SPEC_BYTES} are read", bytes.len());
            return Err(EngineError::spec("encoding", problem));
        }
        let spec = TrainingSpec::decode_all(&mut &bytes[..])
            .map_err(|error| EngineError::spec("encoding", error.to_string()))?;
        spec.validate()?;
        Ok(spec)
    }

    /// The program of one training step.
    ///
    /// Its inputs are those of [`ModelSpec::samples`], and `counter` if the model has dropout or
    /// there is a schedule. Outputs: `logits`. The loss is the mean softmax
    /// cross-entropy; the gradient norm is the root of the exact sum of the squares of all
    /// gradients.
    ///
    /// # Errors
    /// The description is invalid or would need too much memory.
    pub fn compile(&self) -> Result<Program, EngineError> {
        self.validate()?;
        let mut g = GraphBuilder::new(self.precision);
        if let Some(block) = self.block {
            g = g.with_blocks(self.batch, block);
        }
        let Forward { logits, mut parameters } = self.model.forward(&mut g, self.batch, true)?;
        g.output(logits);
        let is_frozen = |name: &str| self.group(name).and_then(|group| group.lr_scale).is_some_and(|x| x.get() == 0.0);
        parameters.retain(|&parameter| !is_frozen(g.name(parameter)));
        if parameters.is_empty() {
            return Err(EngineError::spec("groups", "with these, nothing is left to train"));
        }
        let loss = self.model.loss(&mut g, logits, self.batch)?;
        let gradients = g.gradients(loss, &parameters)?;
        let norm = g.norm("grad-norm", &gradients)?;
        optimiser::apply(&mut g, self, &parameters, &gradients, norm)?;
        g.finish(Some((loss, norm)))
    }

    /// The program of inference with the same model, precision and batch.
    ///
    /// # Errors
    /// As [`TrainingSpec::compile`].
    pub fn compile_forward(&self) -> Result<Program, EngineError> {
        compile_forward(&self.model, self.precision, self.batch)
    }
}
