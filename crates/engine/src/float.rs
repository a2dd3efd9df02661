//! A binary32 number in descriptions and records.

use parity_scale_codec::{Decode, Encode, MaxEncodedLen};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A binary32 number that is compared, hashed and encoded by its bits.
///
/// SCALE: the bits as `u32`. JSON: a number.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Encode, Decode, MaxEncodedLen)]
pub struct F32(u32);

impl F32 {
    /// The number with these bits.
    #[must_use]
    pub const fn from_bits(bits: u32) -> F32 {
        F32(bits)
    }

    /// The bits.
    #[must_use]
    pub const fn to_bits(self) -> u32 {
        self.0
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> f32 {
        f32::from_bits(self.0)
    }
}

impl From<f32> for F32 {
    fn from(x: f32) -> F32 {
        F32(x.to_bits())
    }
}

impl std::fmt::Debug for F32 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.get().fmt(f)
    }
}

impl std::fmt::Display for F32 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.get().fmt(f)
    }
}

impl Serialize for F32 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f32(self.get())
    }
}

impl<'de> Deserialize<'de> for F32 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        f32::deserialize(deserializer).map(F32::from)
    }
}
