//! What a training job is, for whoever does it, checks it or asks about it.
//!
//! * [`JobSpec`]: everything that decides a job's bits; the chain keeps its encoding.
//! * [`Manifest`]: the files of a dataset, whose hash is the dataset's id.
//! * [`Task`]: a specification with its data and program, which runs segments.
//! * [`Commitments`]: the leaves and proofs that an operator commits to.
//! * [`state_leaf`]: chunks of a checkpoint with their proofs, for demands on chain.
//! * [`artefact`]: the model as a `safetensors` file, a function of the final state.

pub mod artefact;
mod commitments;
mod error;
mod leaf;
mod manifest;
mod spec;
mod task;

pub use commitments::Commitments;
pub use error::JobError;
pub use leaf::state_leaf;
pub use manifest::{FileEntry, MANIFEST_FILE, Manifest};
pub use spec::{DataSpec, JobSpec, SPEC_VERSION};
pub use task::{Evaluation, MAX_PREPARED_BYTES, Runner, SegmentRun, Task, trace};
