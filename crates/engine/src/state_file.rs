//! The state file: a canonical encoding of a state.
//!
//! | bytes | content |
//! | --- | --- |
//! | 8 | `ASSAYST1` (the last character is the version) |
//! | 4 | length of the header, little-endian |
//! | header | SCALE of (step: `u64`, tensors: `Vec<(name: String, shape: Vec<u32>)>`) in canonical order |
//! | rest | the elements of the tensors in that order, binary32, little-endian |
//!
//! A state has exactly one file, and its length follows from the layout alone.

use assay_exact::Shape;
use parity_scale_codec::{DecodeAll, Encode};

use crate::error::EngineError;
use crate::program::StateLayout;
use crate::state::State;

const MAGIC: &[u8; 8] = b"ASSAYST1";

impl StateLayout {
    /// The exact length of a state file of this layout, in bytes. A server that
    /// offers more, or fewer, need not be listened to.
    #[must_use]
    pub fn file_bytes(&self) -> u64 {
        let header = (0u64, &self.0).encoded_size() as u64;
        12 + header + 4 * self.elements()
    }
}

impl State {
    /// The state file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let header = (self.step(), self.layout().tensors()).encode();
        let mut bytes = Vec::with_capacity(self.layout().file_bytes() as usize);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&(header.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&header);
        for (_, _, data) in self.tensors() {
            bytes.extend(data.iter().flat_map(|x| x.to_le_bytes()));
        }
        bytes
    }

    /// Reads a state file that must have exactly this layout. Its length is checked
    /// against the layout before anything is allocated.
    ///
    /// # Errors
    /// [`EngineError::StateFile`] for bytes that are truncated, too long, of another
    /// type or version, or hold something that is not a finite number;
    /// [`EngineError::WrongState`] and [`EngineError::WrongShape`] for the state of
    /// another model.
    pub fn from_bytes(bytes: &[u8], expected: &StateLayout) -> Result<State, EngineError> {
        let broken = |problem: String| EngineError::StateFile(problem);
        let magic = bytes.get(..8).ok_or_else(|| broken(format!("truncated: only {} bytes", bytes.len())))?;
        if magic[..7] != MAGIC[..7] {
            return Err(broken("it does not start with ASSAYST".into()));
        }
        if magic != MAGIC {
            let version = char::from(magic[7]).escape_default();
            return Err(broken(format!(
                "version {version:?}, but only version 1 can be read",
                version = version.to_string()
            )));
        }
        let ((step, found), data) = split(bytes)?;
        if found.len() != expected.0.len() {
            return Err(EngineError::WrongState(format!(
                "it has {} tensors, expected {}",
                found.len(),
                expected.0.len()
            )));
        }
        for ((name, shape), (wanted, wanted_shape)) in found.iter().zip(&expected.0) {
            if name != wanted {
                return Err(EngineError::WrongState(format!(
                    "it has a tensor {:?} where {wanted:?} is expected",
                    name.chars().take(128).collect::<String>()
                )));
            }
            if shape != wanted_shape {
                return Err(EngineError::WrongShape { name: name.clone(), found: *shape, expected: *wanted_shape });
            }
        }
        let expected_bytes = expected.file_bytes();
        if bytes.len() as u64 != expected_bytes {
            let kind = if (bytes.len() as u64) < expected_bytes { "truncated" } else { "too long" };
            return Err(broken(format!("{kind}: {} bytes, expected {expected_bytes}", bytes.len())));
        }
        let mut rest = data;
        let mut tensors = Vec::with_capacity(found.len());
        for (_, shape) in &found {
            let (own, after) = rest.split_at(4 * shape.elements() as usize);
            rest = after;
            tensors.push(
                own.chunks_exact(4).map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]])).collect(),
            );
        }
        State::from_parts(step, expected.clone(), tensors).map_err(|error| match error {
            EngineError::WrongState(problem) => broken(problem),
            other => other,
        })
    }
}

/// The step, and names and shapes in canonical order.
type Header = (u64, Vec<(String, Shape)>);

/// Header and data of a file whose magic was checked.
fn split(bytes: &[u8]) -> Result<(Header, &[u8]), EngineError> {
    let truncated = || EngineError::StateFile(format!("truncated: {} bytes end inside the header", bytes.len()));
    let length = bytes.get(8..12).ok_or_else(truncated)?;
    let length = u32::from_le_bytes([length[0], length[1], length[2], length[3]]) as usize;
    let rest = &bytes[12..];
    let header = rest.get(..length).ok_or_else(truncated)?;
    let header = Header::decode_all(&mut &header[..])
        .map_err(|error| EngineError::StateFile(format!("its header is damaged: {error}")))?;
    Ok((header, &rest[length..]))
}
