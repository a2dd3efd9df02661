//! Descriptions of optimisers, schedules and groups of parameters.

use parity_scale_codec::{Decode, Encode};
use serde::{Deserialize, Serialize};

use super::in_range;
use crate::error::EngineError;
use crate::float::F32;

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

/// How the learning rate changes: a factor for the optimiser's `lr` in every step.
///
/// In step `t`, from 0: while `t < warmup`, `(t + 1) / warmup`; after that 1, or with `cosine`
/// `floor + ((1 - floor) * 0.5) * (1 + cospi(p))` where `p = min((t - warmup) / (until - warmup), 1)`.
///
/// Loshchilov, Hutter: "SGDR: stochastic gradient descent with warm restarts" (ICLR 2017),
/// without the restarts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Steps in which the rate rises evenly to its full height.
    #[serde(default)]
    pub warmup: u32,
    /// How it falls after that, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cosine: Option<Cosine>,
}

/// Half a wave of a cosine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cosine {
    /// The step from which on the rate is at its lowest; above `warmup`.
    pub until: u32,
    /// The lowest rate as a share of the full one, 0 to 1.
    #[serde(default)]
    pub floor: F32,
}

/// Parameters that are treated in a way of their own.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Encode, Decode, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParameterGroup {
    /// Which: a pattern for the tensors' names, in which `*` stands for any characters.
    pub tensors: String,
    /// Their weight decay instead of the optimiser's, whatever their rank.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight_decay: Option<F32>,
    /// A factor for the learning rate, at least 0; 1 if left out. Parameters with 0 stay as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lr_scale: Option<F32>,
}

impl ParameterGroup {
    /// Whether a tensor of this name belongs to it.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        let mut parts = self.tensors.split('*');
        let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else { return false };
        let Some(last) = parts.next_back() else { return rest.is_empty() };
        for part in parts {
            match rest.find(part) {
                Some(at) => rest = &rest[at + part.len()..],
                None => return false,
            }
        }
        rest.ends_with(last)
    }

    pub(super) fn validate(&self, number: usize) -> Result<(), EngineError> {
        if let Some(decay) = self.weight_decay {
            in_range(&format!("groups[{number}].weight_decay"), decay, |x| x >= 0.0, "at least 0")?;
        }
        if let Some(scale) = self.lr_scale {
            in_range(&format!("groups[{number}].lr_scale"), scale, |x| x >= 0.0, "at least 0")?;
        }
        Ok(())
    }
}

impl Schedule {
    pub(super) fn validate(&self) -> Result<(), EngineError> {
        // Steps up to 2^24 are exact in binary32.
        super::size("schedule.warmup".into(), self.warmup, 0)?;
        let Some(Cosine { until, floor }) = self.cosine else { return Ok(()) };
        super::size("schedule.cosine.until".into(), until, 1)?;
        if until <= self.warmup {
            let problem = format!("{until} is not above the {} steps of warmup", self.warmup);
            return Err(EngineError::spec("schedule.cosine.until", problem));
        }
        in_range("schedule.cosine.floor", floor, |x| (0.0..=1.0).contains(&x), "from 0 to 1")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let matches = |pattern: &str, name: &str| {
            ParameterGroup { tensors: pattern.into(), weight_decay: None, lr_scale: None }.matches(name)
        };
        assert!(matches("*", "") && matches("*", "a.b") && matches("a.b", "a.b"));
        assert!(!matches("a", "a.b") && !matches("b", "a.b") && !matches("", "a"));
        assert!(matches("*.bias", "layer0.bias") && !matches("*.bias", "layer0.bias2"));
        assert!(matches("h.*.ln_*.weight", "h.3.ln_1.weight") && !matches("h.*.ln_*.weight", "h.3.weight"));
        // One character does not count twice.
        assert!(!matches("ab*ba", "aba") && matches("ab*ba", "abba"));
    }
}
