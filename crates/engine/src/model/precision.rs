//! The precision of matmuls.

use assay_exact::Precision;
use parity_scale_codec::{Decode, Encode};
use serde::{Deserialize, Serialize};

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
