//! Descriptions of models and training, and their programs.
//!
//! JSON with unknown fields refused; SCALE with fixed tags. Numbers are binary32. The
//! descriptions are documented for their users in `docs/models.md`.

mod conv;
mod gpt;
mod mlp;
mod optimiser;
mod precision;
mod training;

use assay_exact::{Expr, Instr, maps};
use parity_scale_codec::{Decode, Encode};
use serde::{Deserialize, Serialize};

pub use self::conv::{Conv, ConvLayer};
pub use self::gpt::Gpt;
pub use self::mlp::Mlp;
pub use self::optimiser::{Cosine, OptimiserSpec, ParameterGroup, Schedule};
pub use self::precision::PrecisionSpec;
pub use self::training::{MAX_SPEC_BYTES, TrainingSpec};
use crate::builder::{GraphBuilder, Var, shape};
use crate::error::EngineError;
use crate::float::F32;
use crate::program::Program;

/// The most layers.
const MAX_LAYERS: usize = 256;

/// A function of one number between layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// `max(x, 0)`.
    #[codec(index = 0)]
    Relu,
    /// Hyperbolic tangent.
    #[codec(index = 1)]
    Tanh,
    /// [`maps::gelu`].
    #[codec(index = 2)]
    Gelu,
    /// [`maps::gelu_tanh`].
    #[codec(index = 3)]
    GeluTanh,
}

impl Activation {
    /// It as an expression of one input.
    #[must_use]
    pub fn expr(self) -> Expr {
        match self {
            Activation::Relu => Expr { instrs: vec![Instr::Const(0), Instr::SelectLt(1, 0, 0, 1)] },
            Activation::Tanh => Expr { instrs: vec![Instr::Tanh(0)] },
            Activation::Gelu => maps::gelu(),
            Activation::GeluTanh => maps::gelu_tanh(),
        }
    }

    /// Whether it is about 0 for all numbers below 0.
    fn is_one_sided(self) -> bool {
        !matches!(self, Activation::Tanh)
    }
}

/// A model.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ModelSpec {
    /// A multi-layer perceptron.
    #[codec(index = 0)]
    Mlp(Mlp),
    /// A convolutional net.
    #[codec(index = 1)]
    Conv(Conv),
    /// A GPT.
    #[codec(index = 2)]
    Gpt(Gpt),
}

/// What a model's samples are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Samples {
    /// Numbers with a class: inputs `features` `[batch, width]` and `labels` `[batch]`.
    Features {
        /// Numbers per sample.
        width: u32,
        /// Classes: labels are integers in `0..classes`.
        classes: u32,
    },
    /// Runs of tokens: inputs `tokens` and `labels`, both `[batch, context]` with integers in
    /// `0..vocabulary`. The label of a token is the one after it.
    Tokens {
        /// Tokens per sample.
        context: u32,
        /// The number of different tokens.
        vocabulary: u32,
    },
}

/// What a model's forward part has made.
pub(crate) struct Forward {
    /// `[rows, classes]`.
    pub logits: Var,
    /// State tensors to be trained.
    pub parameters: Vec<Var>,
}

/// A field that must be a number in a range.
fn in_range(field: &str, value: F32, fits: impl Fn(f32) -> bool, range: &str) -> Result<(), EngineError> {
    if value.get().is_finite() && fits(value.get()) {
        Ok(())
    } else {
        Err(EngineError::spec(field, format!("{value} is not {range}")))
    }
}

/// A size that must be in `least..=2^24`, so that it is an exact binary32 integer.
fn size(field: String, value: u32, least: u32) -> Result<(), EngineError> {
    if (least..=1 << 24).contains(&value) {
        Ok(())
    } else {
        Err(EngineError::spec(field, format!("{value} is not from {least} to 16777216")))
    }
}

impl ModelSpec {
    /// Checks the description.
    ///
    /// # Errors
    /// [`EngineError::Spec`] names the field and says what would be right.
    pub fn validate(&self) -> Result<(), EngineError> {
        match self {
            ModelSpec::Mlp(mlp) => mlp.validate(),
            ModelSpec::Conv(conv) => conv.validate(),
            ModelSpec::Gpt(gpt) => gpt.validate(),
        }
    }

    /// What its samples are.
    #[must_use]
    pub fn samples(&self) -> Samples {
        match self {
            ModelSpec::Mlp(mlp) => Samples::Features { width: mlp.inputs, classes: mlp.classes },
            ModelSpec::Conv(conv) => Samples::Features { width: conv.width(), classes: conv.classes },
            ModelSpec::Gpt(gpt) => Samples::Tokens { context: gpt.context, vocabulary: gpt.vocabulary },
        }
    }

    fn forward(&self, g: &mut GraphBuilder, batch: u32, is_training: bool) -> Result<Forward, EngineError> {
        match self {
            ModelSpec::Mlp(mlp) => mlp.forward(g, batch),
            ModelSpec::Conv(conv) => conv.forward(g, batch, is_training),
            ModelSpec::Gpt(gpt) => gpt.forward(g, batch, is_training),
        }
    }

    fn loss(&self, g: &mut GraphBuilder, logits: Var, batch: u32) -> Result<Var, EngineError> {
        match self.samples() {
            Samples::Features { .. } => {
                let labels = g.input("labels", shape(&[batch])?);
                g.cross_entropy(logits, labels)
            }
            Samples::Tokens { context, .. } => {
                let labels = g.input("labels", shape(&[batch, context])?);
                let rows = g.shape(logits).from_right(1);
                let labels = g.reshape("labels.flat", labels, shape(&[rows])?)?;
                g.token_cross_entropy(logits, labels)
            }
        }
    }
}

/// The program of inference: input `features` or `tokens` (see [`Samples`]), output
/// `logits` with a row per sample or token. Its state is the model's tensors without the
/// optimiser's: see [`crate::State::select`].
///
/// # Errors
/// The description is invalid or would need too much memory.
pub fn compile_forward(model: &ModelSpec, precision: PrecisionSpec, batch: u32) -> Result<Program, EngineError> {
    model.validate()?;
    size("batch".into(), batch, 1)?;
    let mut g = GraphBuilder::new(precision);
    let Forward { logits, .. } = model.forward(&mut g, batch, false)?;
    g.output(logits);
    g.finish(None)
}
