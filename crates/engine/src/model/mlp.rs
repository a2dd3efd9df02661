//! Multi-layer perceptrons.

use assay_exact::scalar;
use parity_scale_codec::{Decode, Encode};
use serde::{Deserialize, Serialize};

use super::{Activation, Forward, MAX_LAYERS, size};
use crate::builder::{GraphBuilder, shape};
use crate::error::EngineError;
use crate::program::Init;

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

impl Mlp {
    pub(super) fn validate(&self) -> Result<(), EngineError> {
        size("model.mlp.inputs".into(), self.inputs, 1)?;
        size("model.mlp.classes".into(), self.classes, 2)?;
        if self.hidden.len() > MAX_LAYERS {
            let problem = format!("{} layers; at most {MAX_LAYERS} are allowed", self.hidden.len());
            return Err(EngineError::spec("model.mlp.hidden", problem));
        }
        for (i, &width) in self.hidden.iter().enumerate() {
            size(format!("model.mlp.hidden[{i}]"), width, 1)?;
        }
        Ok(())
    }

    pub(super) fn forward(&self, g: &mut GraphBuilder, batch: u32) -> Result<Forward, EngineError> {
        let mut parameters = Vec::new();
        let mut x = g.input("features", shape(&[batch, self.inputs])?);
        let mut width = self.inputs;
        let outputs = self.hidden.iter().chain([&self.classes]);
        for (i, &next) in outputs.enumerate() {
            let last = i == self.hidden.len();
            let fans = if self.activation.is_one_sided() && !last { width } else { width + next };
            // Sizes are at most 2^24, so their sum is exact or rounds once.
            let bound = scalar::sqrt(6.0 / fans as f32);
            let init = Init::Uniform { bound: bound.to_bits() };
            let weight = g.state(&format!("layer{i}.weight"), shape(&[width, next])?, init);
            let bias = g.state(&format!("layer{i}.bias"), shape(&[next])?, Init::Constant(0));
            parameters.extend([weight, bias]);

            let precision = g.precision.forward;
            let product = g.matmul(&format!("layer{i}.matmul"), (x, false), (weight, false), precision)?;
            let name = if last { "logits".to_owned() } else { format!("layer{i}.activation") };
            x = g.map_of(&name, [product, bias], |b, [product, bias]| {
                let sum = b.add(product, bias);
                if last { sum } else { b.inline(&self.activation.expr(), &[sum]) }
            })?;
            width = next;
        }
        Ok(Forward { logits: x, parameters })
    }
}
