//! Descriptions of models and training, and their programs.
//!
//! JSON with unknown fields refused; SCALE with fixed tags. Numbers are binary32.

use assay_exact::Precision;
use parity_scale_codec::{Decode, DecodeAll, Encode};
use serde::{Deserialize, Serialize};

use crate::builder::{ExprBuilder, GraphBuilder, Reg, Var};
use crate::error::EngineError;
use crate::float::F32;
use crate::optimiser;
use crate::program::{Init, Program};

/// The longest SCALE encoding of a [`TrainingSpec`] that is read.
pub const MAX_SPEC_BYTES: usize = 4096;
/// The most hidden layers.
const MAX_LAYERS: usize = 256;

/// The activation between layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// `max(x, 0)`.
    #[codec(index = 0)]
    Relu,
    /// Hyperbolic tangent.
    #[codec(index = 1)]
    Tanh,
}

/// A multi-layer perceptron for classification.
///
/// Tensors: `layer{i}.weight` of shape `[inputs, outputs]` and `layer{i}.bias` of
/// shape `[outputs]`, with `i` from 0. Weights start uniform in
/// `[-b, b)` with `b = sqrt(6 / inputs)` before a relu and
/// `b = sqrt(6 / (inputs + outputs))` otherwise; biases start at 0.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Encode, Decode, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mlp {
    /// Features per sample.
    pub inputs: u32,
    /// The widths of the hidden layers; none gives a linear classifier.
    pub hidden: Vec<u32>,
    /// The number of classes, at least 2.
    pub classes: u32,
    /// The activation after each hidden layer.
    pub activation: Activation,
}

/// A model.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ModelSpec {
    /// A multi-layer perceptron.
    #[codec(index = 0)]
    Mlp(Mlp),
}

/// An optimiser. Weight decay acts on tensors of rank 2 and more only, not on biases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum OptimiserSpec {
    /// `v = momentum * v + (g + weight_decay * w)`, `w = w - lr * v`. With a momentum
    /// of 0 there is no `v` in the state.
    #[codec(index = 0)]
    Sgd {
        /// Learning rate, above 0.
        lr: F32,
        /// Momentum, in `[0, 1)`.
        momentum: F32,
        /// Weight decay, at least 0.
        weight_decay: F32,
    },
    /// Adam with decoupled weight decay:
    /// `m = beta1 * m + (1 - beta1) * g`, `v = beta2 * v + ((1 - beta2) * g) * g`,
    /// `w = w - lr * ((m / (1 - p1)) / (sqrt(v / (1 - p2)) + eps) + weight_decay * w)`.
    /// `p1` and `p2`, the powers of `beta1` and `beta2` after this step, are state
    /// tensors that are multiplied once per step.
    #[codec(index = 1)]
    #[serde(rename = "adamw")]
    AdamW {
        /// Learning rate, above 0.
        lr: F32,
        /// Decay of the first moment, in `[0, 1)`.
        beta1: F32,
        /// Decay of the second moment, in `[0, 1)`.
        beta2: F32,
        /// Added to the root of the second moment; above 0.
        eps: F32,
        /// Weight decay, at least 0.
        weight_decay: F32,
    },
}

/// The precision of each kind of matmul.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrecisionSpec {
    /// Activations from activations and weights.
    #[serde(with = "precision_name")]
    pub forward: Precision,
    /// Gradients of activations.
    #[serde(with = "precision_name")]
    pub grad_input: Precision,
    /// Gradients of weights.
    #[serde(with = "precision_name")]
    pub grad_weight: Precision,
}

impl Default for PrecisionSpec {
    /// `int8x2` throughout.
    fn default() -> Self {
        let precision = Precision::Int8x2;
        PrecisionSpec { forward: precision, grad_input: precision, grad_weight: precision }
    }
}

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
}

mod precision_name {
    //! A precision in JSON: its name.
    use assay_exact::Precision;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(precision: &Precision, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(match precision {
            Precision::Int8x1 => "int8x1",
            Precision::Int8x2 => "int8x2",
            Precision::Int8x3 => "int8x3",
        })
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Precision, D::Error> {
        match String::deserialize(d)?.as_str() {
            "int8x1" => Ok(Precision::Int8x1),
            "int8x2" => Ok(Precision::Int8x2),
            "int8x3" => Ok(Precision::Int8x3),
            other => Err(D::Error::unknown_variant(other, &["int8x1", "int8x2", "int8x3"])),
        }
    }
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
        let ModelSpec::Mlp(mlp) = self;
        size("model.mlp.inputs".into(), mlp.inputs, 1)?;
        size("model.mlp.classes".into(), mlp.classes, 2)?;
        if mlp.hidden.len() > MAX_LAYERS {
            let problem = format!("{} layers; at most {MAX_LAYERS} are allowed", mlp.hidden.len());
            return Err(EngineError::spec("model.mlp.hidden", problem));
        }
        for (i, &width) in mlp.hidden.iter().enumerate() {
            size(format!("model.mlp.hidden[{i}]"), width, 1)?;
        }
        Ok(())
    }

    /// Features per sample.
    #[must_use]
    pub fn inputs(&self) -> u32 {
        let ModelSpec::Mlp(mlp) = self;
        mlp.inputs
    }

    /// The number of classes.
    #[must_use]
    pub fn classes(&self) -> u32 {
        let ModelSpec::Mlp(mlp) = self;
        mlp.classes
    }
}

impl OptimiserSpec {
    /// Checks the numbers.
    ///
    /// # Errors
    /// [`EngineError::Spec`] names the field and says what would be right.
    pub fn validate(&self) -> Result<(), EngineError> {
        let (name, lr, weight_decay) = match self {
            OptimiserSpec::Sgd { lr, momentum, weight_decay } => {
                let field = "optimiser.sgd.momentum";
                in_range(field, *momentum, |x| (0.0..1.0).contains(&x), "from 0 to below 1")?;
                ("sgd", lr, weight_decay)
            }
            OptimiserSpec::AdamW { lr, beta1, beta2, eps, weight_decay } => {
                for (field, beta) in [("beta1", beta1), ("beta2", beta2)] {
                    let field = format!("optimiser.adamw.{field}");
                    in_range(&field, *beta, |x| (0.0..1.0).contains(&x), "from 0 to below 1")?;
                }
                in_range("optimiser.adamw.eps", *eps, |x| x > 0.0, "above 0")?;
                ("adamw", lr, weight_decay)
            }
        };
        in_range(&format!("optimiser.{name}.lr"), *lr, |x| x > 0.0, "above 0")?;
        let field = format!("optimiser.{name}.weight_decay");
        in_range(&field, *weight_decay, |x| x >= 0.0, "at least 0")
    }
}

impl TrainingSpec {
    /// Checks the description.
    ///
    /// # Errors
    /// [`EngineError::Spec`] names the field and says what would be right.
    pub fn validate(&self) -> Result<(), EngineError> {
        self.model.validate()?;
        self.optimiser.validate()?;
        size("batch".into(), self.batch, 1)
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
    /// Inputs: `features` of shape `[batch, inputs]` and `labels` of shape `[batch]`,
    /// the classes as integers in `0..classes`. Outputs: `logits` of shape
    /// `[batch, classes]`. The loss is the mean softmax cross-entropy; the gradient
    /// norm is the root of the exact sum of the squares of all gradients.
    ///
    /// # Errors
    /// The description is invalid or would need too much memory.
    pub fn compile(&self) -> Result<Program, EngineError> {
        self.validate()?;
        let mut g = GraphBuilder::new(self.precision);
        let (logits, parameters) = forward(&mut g, &self.model, self.batch)?;
        g.output(logits);
        let labels = g.input("labels", crate::builder::shape(&[self.batch])?);
        let loss = cross_entropy(&mut g, logits, labels)?;
        let gradients = g.gradients(loss, &parameters)?;
        let norm = norm(&mut g, &gradients)?;
        optimiser::apply(&mut g, &self.optimiser, &parameters, &gradients)?;
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

/// The program of inference: input `features` of shape `[batch, inputs]`, output
/// `logits` of shape `[batch, classes]`. Its state is the model's tensors without the
/// optimiser's: see [`crate::State::select`].
///
/// # Errors
/// The description is invalid or would need too much memory.
pub fn compile_forward(model: &ModelSpec, precision: PrecisionSpec, batch: u32) -> Result<Program, EngineError> {
    model.validate()?;
    size("batch".into(), batch, 1)?;
    let mut g = GraphBuilder::new(precision);
    let (logits, _) = forward(&mut g, model, batch)?;
    g.output(logits);
    g.finish(None)
}

/// The logits and the parameters.
fn forward(g: &mut GraphBuilder, model: &ModelSpec, batch: u32) -> Result<(Var, Vec<Var>), EngineError> {
    let ModelSpec::Mlp(mlp) = model;
    let shape = crate::builder::shape;
    let mut parameters = Vec::new();
    let mut x = g.input("features", shape(&[batch, mlp.inputs])?);
    let mut width = mlp.inputs;
    let outputs = mlp.hidden.iter().chain([&mlp.classes]);
    for (i, &next) in outputs.enumerate() {
        let last = i == mlp.hidden.len();
        let relu = mlp.activation == Activation::Relu && !last;
        let fans = if relu { width } else { width + next };
        // Sizes are at most 2^24, so their sum is exact or rounds once.
        let bound = assay_exact::scalar::sqrt(6.0 / fans as f32);
        let init = Init::Uniform { bound: bound.to_bits() };
        let weight = g.state(&format!("layer{i}.weight"), shape(&[width, next])?, init);
        let bias = g.state(&format!("layer{i}.bias"), shape(&[next])?, Init::Constant(0));
        parameters.extend([weight, bias]);

        let precision = g.precision.forward;
        let product = g.matmul(&format!("layer{i}.matmul"), (x, false), (weight, false), precision)?;
        let mut b = ExprBuilder::new(2);
        let (product_in, bias_in) = (b.input(0), b.input(1));
        let sum = b.add(product_in, bias_in);
        let (name, result) = if last {
            ("logits".to_owned(), sum)
        } else {
            (format!("layer{i}.activation"), activate(&mut b, mlp.activation, sum))
        };
        x = g.map(&name, b.finish(result)?, &[product, bias])?;
        width = next;
    }
    Ok((x, parameters))
}

fn activate(b: &mut ExprBuilder, activation: Activation, x: Reg) -> Reg {
    match activation {
        Activation::Relu => {
            let zero = b.constant(0.0);
            b.select_lt(zero, x, x, zero)
        }
        Activation::Tanh => b.tanh(x),
    }
}

/// The mean over the rows of `log(sum(exp(z - max z))) - (z[label] - max z)`.
fn cross_entropy(g: &mut GraphBuilder, logits: Var, labels: Var) -> Result<Var, EngineError> {
    const COLUMNS: u8 = 0b10;
    let (batch, classes) = (g.shape(logits).from_right(1), g.shape(logits).from_right(0));
    let hot = g.one_hot("labels.one-hot", labels, classes)?;
    let greatest = g.max("logits.max", logits, COLUMNS)?;
    // Shifting all of a row's logits changes no loss, so the shift has no gradient.
    let greatest = g.stop_gradient(greatest);

    let mut b = ExprBuilder::new(2);
    let (z, shift) = (b.input(0), b.input(1));
    let shifted = b.sub(z, shift);
    let power = b.exp(shifted);
    let powers = g.map("softmax.powers", b.finish(power)?, &[logits, greatest])?;
    let total = g.sum("softmax.total", powers, COLUMNS)?;

    let mut b = ExprBuilder::new(3);
    let (z, shift, hot_in) = (b.input(0), b.input(1), b.input(2));
    let shifted = b.sub(z, shift);
    let chosen = b.mul(shifted, hot_in);
    let chosen = g.map("loss.chosen", b.finish(chosen)?, &[logits, greatest, hot])?;
    let chosen = g.sum("loss.label", chosen, COLUMNS)?;

    let mut b = ExprBuilder::new(2);
    let (total_in, chosen_in) = (b.input(0), b.input(1));
    let log = b.log(total_in);
    let row = b.sub(log, chosen_in);
    let rows = g.map("loss.rows", b.finish(row)?, &[total, chosen])?;
    let sum = g.total("loss.sum", &[rows])?;

    let mut b = ExprBuilder::new(1);
    let sum_in = b.input(0);
    let count = b.constant(batch as f32);
    let mean = b.div(sum_in, count);
    g.map("loss", b.finish(mean)?, &[sum])
}

/// The Euclidean norm of all elements together: the root of one exact sum.
fn norm(g: &mut GraphBuilder, tensors: &[Var]) -> Result<Var, EngineError> {
    let mut squares = Vec::with_capacity(tensors.len());
    for &tensor in tensors {
        let mut b = ExprBuilder::new(1);
        let x = b.input(0);
        let square = b.mul(x, x);
        let name = format!("{}.square", g.name(tensor));
        squares.push(g.map(&name, b.finish(square)?, &[tensor])?);
    }
    let sum = g.total("grad-norm.square", &squares)?;
    let mut b = ExprBuilder::new(1);
    let x = b.input(0);
    let root = b.sqrt(x);
    g.map("grad-norm", b.finish(root)?, &[sum])
}
