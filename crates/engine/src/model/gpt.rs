//! Transformers of the kind of GPT-2.

use assay_exact::{maps, scalar};
use parity_scale_codec::{Decode, Encode};
use serde::{Deserialize, Serialize};

use super::{Forward, MAX_LAYERS, in_range, size};
use crate::builder::{GraphBuilder, Var, extent, shape};
use crate::error::EngineError;
use crate::float::F32;
use crate::program::Init;

/// The bound of a uniform distribution with a standard deviation of 0.02, GPT-2's: 0.02 sqrt(3).
const BOUND: f32 = 0.034_641_016;
/// Added to variances in layer normalisation.
const EPS: f32 = 1e-5;
const ONE: Init = Init::Constant(0x3f80_0000);
const ZERO: Init = Init::Constant(0);

/// A decoder-only transformer with layer normalisation before attention and perceptron, learnt
/// positions and GELU by the hyperbolic tangent, as GPT-2 is.
///
/// Radford et al.: "Language models are unsupervised multitask learners" (2019).
///
/// Its tensors have the names, shapes and layouts of Hugging Face's `GPT2LMHeadModel`:
/// `transformer.wte.weight` `[vocabulary, width]`, `transformer.wpe.weight` `[context, width]`; for each
/// layer `transformer.h.{i}.` with `ln_1`, `attn.c_attn`, `attn.c_proj`, `ln_2`, `mlp.c_fc` and
/// `mlp.c_proj`, each a `weight` (of shape `[inputs, outputs]`) and a `bias`; `transformer.ln_f`;
/// and `lm_head.weight` `[vocabulary, width]` unless the head is tied.
///
/// Weights start uniform with a standard deviation of 0.02, those of both `c_proj` with that
/// divided by `sqrt(2 layers)`; biases at 0, the normalisations' weights at 1.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Encode, Decode, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gpt {
    /// The number of different tokens, at least 2.
    pub vocabulary: u32,
    /// Tokens per sample.
    pub context: u32,
    /// Blocks of attention and perceptron.
    pub layers: u32,
    /// Attention heads, which divide the width.
    pub heads: u32,
    /// Numbers per token.
    pub width: u32,
    /// The share of numbers that dropout takes away, after the embeddings, in attention and at the end of
    /// both parts of a layer; 0 to below 1.
    #[serde(default)]
    pub dropout: F32,
    /// Whether the head's weights are those of the tokens' embedding.
    #[serde(default = "yes")]
    pub tied_head: bool,
}

fn yes() -> bool {
    true
}

impl Gpt {
    pub(super) fn validate(&self) -> Result<(), EngineError> {
        size("model.gpt.vocabulary".into(), self.vocabulary, 2)?;
        size("model.gpt.context".into(), self.context, 1)?;
        size("model.gpt.width".into(), self.width, 1)?;
        for (field, count) in [("layers", self.layers), ("heads", self.heads)] {
            if !(1..=MAX_LAYERS as u32).contains(&count) {
                let problem = format!("{count} is not from 1 to {MAX_LAYERS}");
                return Err(EngineError::spec(format!("model.gpt.{field}"), problem));
            }
        }
        if !self.width.is_multiple_of(self.heads) {
            let problem = format!("{} heads do not divide a width of {}", self.heads, self.width);
            return Err(EngineError::spec("model.gpt.heads", problem));
        }
        in_range("model.gpt.dropout", self.dropout, |x| (0.0..1.0).contains(&x), "from 0 to below 1")
    }

    pub(super) fn forward(&self, g: &mut GraphBuilder, batch: u32, is_training: bool) -> Result<Forward, EngineError> {
        let Gpt { vocabulary, context, width, .. } = *self;
        let dropout = if is_training { self.dropout.get() } else { 0.0 };
        let rows = extent("batch times model.gpt.context", &[batch, context])?;
        let mut p = Parameters { g, all: Vec::new() };
        let tokens = p.g.input("tokens", shape(&[batch, context])?);
        let tokens = p.g.reshape("tokens.flat", tokens, shape(&[rows])?)?;
        let embedding = p.weight("transformer.wte", &[vocabulary, width], BOUND)?;
        let positions = p.weight("transformer.wpe", &[context, width], BOUND)?;
        let x = p.g.gather("embedding.tokens", embedding, tokens)?;
        let x = p.g.reshape("embedding.samples", x, shape(&[batch, context, width])?)?;
        let x = p.g.map_of("embedding.sum", [x, positions], |b, [x, position]| b.add(x, position))?;
        let x = p.g.reshape("embedding", x, shape(&[rows, width])?)?;
        let mut x = p.g.dropout("embedding.dropout", x, dropout)?;
        for layer in 0..self.layers {
            x = self.layer(&mut p, layer, x, batch, dropout)?;
        }
        let x = p.layer_norm("transformer.ln_f", x)?;
        let head = if self.tied_head { embedding } else { p.weight("lm_head", &[vocabulary, width], BOUND)? };
        let logits = p.g.linear("logits", x, (head, true), None)?;
        Ok(Forward { logits, parameters: p.all })
    }

    fn layer(&self, p: &mut Parameters<'_>, layer: u32, x: Var, batch: u32, dropout: f32) -> Result<Var, EngineError> {
        let width = self.width;
        let wide = |times: u32| extent("model.gpt.width", &[width, times]);
        // Sizes of layers are at most 512, so the root's argument is exact.
        let narrow = BOUND / scalar::sqrt(2.0 * self.layers as f32);
        let name = |part: &str| format!("transformer.h.{layer}.{part}");

        let normal = p.layer_norm(&name("ln_1"), x)?;
        let qkv = p.linear(&name("attn.c_attn"), normal, [width, wide(3)?], BOUND)?;
        let sizes = [batch, self.context, self.heads];
        let mixed = p.g.causal_attention(&name("attn"), qkv, sizes, dropout)?;
        let out = p.linear(&name("attn.c_proj"), mixed, [width, width], narrow)?;
        let x = p.add(&name("attn.sum"), x, out, dropout)?;

        let normal = p.layer_norm(&name("ln_2"), x)?;
        let hidden = p.linear(&name("mlp.c_fc"), normal, [width, wide(4)?], BOUND)?;
        let hidden = p.g.activation(&name("mlp.gelu"), hidden, &maps::gelu_tanh())?;
        let out = p.linear(&name("mlp.c_proj"), hidden, [wide(4)?, width], narrow)?;
        p.add(&name("mlp.sum"), x, out, dropout)
    }
}

/// Declares parameters as they are needed.
struct Parameters<'a> {
    g: &'a mut GraphBuilder,
    all: Vec<Var>,
}

impl Parameters<'_> {
    fn state(&mut self, name: String, dims: &[u32], init: Init) -> Result<Var, EngineError> {
        let var = self.g.state(&name, shape(dims)?, init);
        self.all.push(var);
        Ok(var)
    }

    fn weight(&mut self, name: &str, dims: &[u32], bound: f32) -> Result<Var, EngineError> {
        self.state(format!("{name}.weight"), dims, Init::Uniform { bound: bound.to_bits() })
    }

    fn linear(&mut self, name: &str, x: Var, sizes: [u32; 2], bound: f32) -> Result<Var, EngineError> {
        let weight = self.weight(name, &sizes, bound)?;
        let bias = self.state(format!("{name}.bias"), &sizes[1..], ZERO)?;
        self.g.linear(name, x, (weight, false), Some(bias))
    }

    fn layer_norm(&mut self, name: &str, x: Var) -> Result<Var, EngineError> {
        let width = self.g.shape(x).from_right(0);
        let weight = self.state(format!("{name}.weight"), &[width], ONE)?;
        let bias = self.state(format!("{name}.bias"), &[width], ZERO)?;
        self.g.layer_norm(name, x, weight, bias, EPS)
    }

    /// `x` and what a part of a layer makes, after dropout.
    fn add(&mut self, name: &str, x: Var, part: Var, dropout: f32) -> Result<Var, EngineError> {
        let part = self.g.dropout(&format!("{name}.dropout"), part, dropout)?;
        self.g.map_of(name, [x, part], |b, [x, part]| b.add(x, part))
    }
}
