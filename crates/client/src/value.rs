//! Reading and making dynamic values by the names of their fields.
//!
//! Names outlive positions: an older `pallet-revive` has fields in another
//! order, or fewer of them, and some under an older name.

use crate::error::ChainError;
use subxt::ext::scale_value::{At, Composite, Primitive, Value, ValueDef};

/// A value as it is decoded from the chain.
pub(crate) type Decoded = Value<()>;

/// The first field of these names that is there.
pub(crate) fn field<'a>(value: &'a Decoded, names: &[&str]) -> Option<&'a Decoded> {
    names.iter().find_map(|name| value.at(*name))
}

/// The first field of these names, or an error that says what is missing.
pub(crate) fn need<'a>(value: &'a Decoded, item: &str, names: &[&str]) -> Result<&'a Decoded, ChainError> {
    field(value, names).ok_or_else(|| shape(item, format!("no field {}", names.join(" or "))))
}

pub(crate) fn shape(item: &str, reason: impl Into<String>) -> ChainError {
    ChainError::Shape { item: item.into(), reason: reason.into() }
}

/// The bytes of a `Vec<u8>`, an array, or a newtype around one.
pub(crate) fn bytes(value: &Decoded) -> Option<Vec<u8>> {
    let ValueDef::Composite(composite) = &value.value else { return None };
    if composite.len() == 1
        && let Some(inner) = composite.values().next()
        && matches!(inner.value, ValueDef::Composite(_))
    {
        return bytes(inner);
    }
    composite.values().map(|byte| unsigned(byte).and_then(|byte| u8::try_from(byte).ok())).collect()
}

/// The elements of a sequence.
pub(crate) fn items(value: &Decoded) -> Option<impl Iterator<Item = &Decoded>> {
    match &value.value {
        ValueDef::Composite(composite) => Some(composite.values()),
        _ => None,
    }
}

/// The bytes of an array of `N`.
pub(crate) fn array<const N: usize>(value: &Decoded) -> Option<[u8; N]> {
    bytes(value)?.try_into().ok()
}

/// An unsigned number of at most 128 bits: a primitive, a newtype around one, or
/// the little-endian words of a `U256`.
pub(crate) fn unsigned(value: &Decoded) -> Option<u128> {
    match &value.value {
        ValueDef::Primitive(Primitive::U128(number)) => Some(*number),
        ValueDef::Primitive(Primitive::U256(bytes)) => {
            let (low, high) = bytes.split_at(16);
            let number = u128::from_le_bytes(low.try_into().ok()?);
            high.iter().all(|byte| *byte == 0).then_some(number)
        }
        ValueDef::Composite(composite) => {
            let mut words = composite.values();
            match composite.len() {
                1 => unsigned(words.next()?),
                4 => {
                    let words = words.map(unsigned).collect::<Option<Vec<u128>>>()?;
                    (words[2] == 0 && words[3] == 0).then(|| words[0] | words[1] << 64)
                }
                _ => None,
            }
        }
        _ => None,
    }
}

/// The name and the only field of a variant such as `Ok(x)` or `Charge(x)`.
pub(crate) fn variant(value: &Decoded) -> Option<(&str, Option<&Decoded>)> {
    match &value.value {
        ValueDef::Variant(variant) => Some((variant.name.as_str(), variant.values.values().next())),
        _ => None,
    }
}

/// A named argument for a call or a runtime function.
pub(crate) struct Argument {
    /// The names that versions of the pallet have had for it.
    pub names: &'static [&'static str],
    /// Its value.
    pub value: Value<()>,
}

/// The arguments in the order and under the names that the metadata wants.
///
/// # Errors
/// If the metadata wants one that is not among `arguments`.
pub(crate) fn arrange<'a>(
    call: &str,
    wanted: impl Iterator<Item = &'a str>,
    mut arguments: Vec<Argument>,
) -> Result<Composite<()>, ChainError> {
    let mut named = Vec::new();
    for name in wanted {
        let place = arguments
            .iter()
            .position(|argument| argument.names.contains(&name.trim_start_matches('_')))
            .ok_or_else(|| ChainError::UnknownArgument { call: call.into(), argument: name.into() })?;
        named.push((name.to_string(), arguments.swap_remove(place).value));
    }
    Ok(Composite::Named(named))
}

/// `Some(value)` as a dynamic value.
pub(crate) fn some(value: Value<()>) -> Value<()> {
    Value::unnamed_variant("Some", [value])
}

/// `None` as a dynamic value.
pub(crate) fn none() -> Value<()> {
    Value::unnamed_variant("None", [])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_found_in_wrappers() {
        let hash = Value::unnamed_composite([Value::from_bytes([7; 20])]);
        assert_eq!(array::<20>(&hash), Some([7; 20]));
        assert_eq!(array::<32>(&hash), None);
        assert_eq!(bytes(&Value::from_bytes([])), Some(vec![]));
        assert_eq!(bytes(&Value::from_bytes([9])), Some(vec![9]));
        assert_eq!(bytes(&Value::u128(1)), None);
    }

    #[test]
    fn numbers_of_256_bits_are_read_if_they_fit() {
        let words = |words: [u128; 4]| Value::unnamed_composite([Value::unnamed_composite(words.map(Value::u128))]);
        assert_eq!(unsigned(&words([5, 1, 0, 0])), Some(5 + (1 << 64)));
        assert_eq!(unsigned(&words([5, 1, 1, 0])), None);
    }

    #[test]
    fn arguments_follow_the_metadata() {
        let arguments = || {
            vec![
                Argument { names: &["weight_limit", "gas_limit"], value: Value::u128(1) },
                Argument { names: &["data", "input_data"], value: Value::u128(2) },
            ]
        };
        let names = |wanted: &[&'static str]| {
            arrange("call", wanted.iter().copied(), arguments()).map(|composite| match composite {
                Composite::Named(fields) => fields.into_iter().map(|(name, _)| name).collect::<Vec<_>>(),
                Composite::Unnamed(_) => unreachable!(),
            })
        };
        assert_eq!(names(&["input_data", "gas_limit"]).unwrap(), ["input_data", "gas_limit"]);
        assert_eq!(names(&["weight_limit"]).unwrap(), ["weight_limit"]);
        let error = names(&["tip"]).unwrap_err().to_string();
        assert!(error.contains("tip") && error.contains("call"), "{error}");
    }
}
