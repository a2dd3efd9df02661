//! The model as a `safetensors` file.
//!
//! The file is a function of the final state: the model's tensors (the
//! optimiser's are left out) as little-endian binary32, and two entries of
//! metadata: `format`, which is `pt` (`transformers` refuses files that do not say whose
//! layout they have), and the state root. So whoever has the final state can make the file,
//! byte for byte, and whoever has the file knows which state it comes from.

use crate::JobError;
use assay_engine::{Program, State};
use assay_protocol::Hash;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::collections::HashMap;

/// Key of the state root in the file's metadata.
pub const STATE_ROOT_KEY: &str = "assay.state_root";
/// How a header with metadata begins, and what is put there.
const METADATA: &[u8] = br#"{"__metadata__":{"#;
const FORMAT: &[u8] = br#""format":"pt","#;

/// The file of the model that ended in `state`. `forward` is its inference
/// program, which says which of the state's tensors are the model's.
///
/// # Errors
/// [`JobError::Engine`] if the state is not of this model.
pub fn write(state: &State, forward: &Program) -> Result<Vec<u8>, JobError> {
    let model = state.select(forward)?;
    let tensors: Vec<(String, Vec<usize>, Vec<u8>)> = model
        .tensors()
        .map(|(name, shape, data)| {
            let dims = shape.dims().iter().map(|dim| *dim as usize).collect();
            (name.to_owned(), dims, data.iter().flat_map(|x| x.to_le_bytes()).collect())
        })
        .collect();
    let failed = |error: safetensors::SafeTensorError| JobError::Artefact(error.to_string());
    let views = tensors
        .iter()
        .map(|(name, dims, bytes)| {
            Ok((name.as_str(), TensorView::new(Dtype::F32, dims.clone(), bytes).map_err(failed)?))
        })
        .collect::<Result<Vec<_>, JobError>>()?;
    // One entry only: the order of several would be random.
    let metadata = HashMap::from([(STATE_ROOT_KEY.to_owned(), Hash(state.root()).to_string())]);
    with_format(&safetensors::serialize(views, Some(metadata)).map_err(failed)?)
}

/// The file with the entry `format` before the one entry of its metadata.
fn with_format(file: &[u8]) -> Result<Vec<u8>, JobError> {
    let unknown = || JobError::Artefact("safetensors begins its files in a way that is not known here".into());
    let (length, rest) = file.split_first_chunk().ok_or_else(unknown)?;
    let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| unknown())?;
    let (header, data) = rest.split_at_checked(length).ok_or_else(unknown)?;
    let entries = header.trim_ascii_end().strip_prefix(METADATA).ok_or_else(unknown)?;
    let mut header = [METADATA, FORMAT, entries].concat();
    // As the format asks: filled up with spaces, so that the numbers are aligned.
    header.resize(header.len().next_multiple_of(8), b' ');
    Ok([&(header.len() as u64).to_le_bytes(), header.as_slice(), data].concat())
}

/// The model's tensors from its file, as a state for its inference program.
/// The numbers are checked for shape and finiteness only: whether the file is
/// the right one is told by its hash.
///
/// # Errors
/// [`JobError::Artefact`] for bytes that are no `safetensors` file of this model.
pub fn read(bytes: &[u8], forward: &Program) -> Result<State, JobError> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| JobError::Artefact(error.to_string()))?;
    let layout = forward.state_layout();
    let mut data = Vec::new();
    for (name, shape) in layout.tensors() {
        let tensor = file.tensor(name).map_err(|error| JobError::Artefact(error.to_string()))?;
        let dims: Vec<usize> = shape.dims().iter().map(|dim| *dim as usize).collect();
        if tensor.dtype() != Dtype::F32 || tensor.shape() != dims {
            return Err(JobError::Artefact(format!(
                "tensor {name} is {:?} of shape {:?}, and the model has F32 of shape {dims:?}",
                tensor.dtype(),
                tensor.shape()
            )));
        }
        let words = tensor.data().as_chunks::<4>().0;
        data.push(words.iter().map(|word| f32::from_le_bytes(*word)).collect());
    }
    Ok(State::from_parts(0, layout, data)?)
}
