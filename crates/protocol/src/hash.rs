//! Hashes, addresses and the one hash function of the protocol, SHA-256.

use core::{fmt, str::FromStr};
use parity_scale_codec::{Decode, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Why a text is not a [`struct@Hash`] or an [`Address`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseHexError {
    /// Hex digits that the type has.
    pub expected_digits: usize,
}

impl fmt::Display for ParseHexError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected 0x and {} hex digits", self.expected_digits)
    }
}

impl core::error::Error for ParseHexError {}

macro_rules! bytes_type {
    ($(#[$meta:meta])* $name:ident, $len:literal) => {
        $(#[$meta])*
        #[derive(
            Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, MaxEncodedLen, TypeInfo,
        )]
        pub struct $name(pub [u8; $len]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("0x")?;
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = ParseHexError;

            /// Reads hex digits of either case, with or without `0x` in front.
            fn from_str(text: &str) -> Result<Self, ParseHexError> {
                let error = ParseHexError { expected_digits: 2 * $len };
                let digits = text.strip_prefix("0x").unwrap_or(text).as_bytes();
                if digits.len() != 2 * $len {
                    return Err(error);
                }
                let nibble = |digit: u8| (digit as char).to_digit(16).map(|value| value as u8);
                let mut bytes = [0; $len];
                for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
                    match (nibble(pair[0]), nibble(pair[1])) {
                        (Some(high), Some(low)) => *byte = high << 4 | low,
                        _ => return Err(error),
                    }
                }
                Ok(Self(bytes))
            }
        }

        #[cfg(feature = "serde")]
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        #[cfg(feature = "serde")]
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <alloc::string::String as serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

bytes_type!(
    /// A SHA-256 hash: the identity of content. Shown as `0x` and 64 hex digits.
    Hash, 32
);
bytes_type!(
    /// An account as contracts see it: 20 bytes (H160). Shown as `0x` and 40 hex digits.
    Address, 20
);

/// Whoever can compute SHA-256: a precompile on chain, the `sha2` crate elsewhere.
pub trait Sha256 {
    /// SHA-256 of `bytes`.
    fn sha256(&self, bytes: &[u8]) -> Hash;

    /// SHA-256 of a domain tag and the SCALE encoding of `value`.
    ///
    /// The tag has a fixed length, so that no two domains share a preimage.
    fn hash_value(&self, domain: Domain, value: &impl Encode) -> Hash {
        let mut bytes = domain.tag().to_vec();
        value.encode_to(&mut bytes);
        self.sha256(&bytes)
    }
}

/// SHA-256 by the `sha2` crate.
#[cfg(feature = "std")]
#[derive(Clone, Copy, Debug, Default)]
pub struct Native;

#[cfg(feature = "std")]
impl Sha256 for Native {
    fn sha256(&self, bytes: &[u8]) -> Hash {
        use sha2::Digest;
        Hash(sha2::Sha256::digest(bytes).into())
    }
}

/// What a hash is of. Each domain has an 8-byte tag in front of the hashed bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// A leaf of a commitment's Merkle tree.
    Leaf,
    /// An inner node of a commitment's Merkle tree.
    Node,
    /// A seal: a trace root bound to whoever claims to have computed it.
    Seal,
    /// A salted outcome of a panel's replay.
    Outcome,
    /// The id of a model.
    Model,
    /// A dataset's manifest.
    Manifest,
    /// A secret that is sealed now and revealed later (client or verifier).
    Secret,
    /// The seed of a draw.
    Draw,
    /// The terms of a dataset.
    Terms,
}

impl Domain {
    /// The 8 bytes in front of the hashed bytes.
    pub const fn tag(self) -> &'static [u8; 8] {
        match self {
            Domain::Leaf => b"asy:leaf",
            Domain::Node => b"asy:node",
            Domain::Seal => b"asy:seal",
            Domain::Outcome => b"asy:outc",
            Domain::Model => b"asy:modl",
            Domain::Manifest => b"asy:mani",
            Domain::Secret => b"asy:secr",
            Domain::Draw => b"asy:draw",
            Domain::Terms => b"asy:term",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sha256_is_the_standard_one() {
        assert_eq!(
            Native.sha256(b"abc").to_string(),
            "0xba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn hex_is_read_as_it_is_written() {
        let hash = Native.sha256(b"x");
        assert_eq!(hash.to_string().parse::<Hash>().unwrap(), hash);
        assert_eq!(hash.to_string()[2..].to_uppercase().parse::<Hash>().unwrap(), hash);
        for bad in ["", "0x", "0x12", &"g".repeat(64), &"0".repeat(63), &"é".repeat(32)] {
            let error = bad.parse::<Hash>().unwrap_err();
            assert_eq!(error.to_string(), "expected 0x and 64 hex digits");
        }
    }

    #[test]
    fn domains_do_not_meet() {
        let all = [
            Domain::Leaf,
            Domain::Node,
            Domain::Seal,
            Domain::Outcome,
            Domain::Model,
            Domain::Manifest,
            Domain::Secret,
            Domain::Draw,
            Domain::Terms,
        ];
        let mut hashes: Vec<Hash> = all.iter().map(|domain| Native.hash_value(*domain, &7u64)).collect();
        hashes.sort();
        hashes.dedup();
        assert_eq!(hashes.len(), all.len());
    }
}
