//! Why a job cannot be done or checked.

use assay_protocol::Hash;

impl JobError {
    /// Whether this is about the machine, and says nothing about the job: see
    /// [`EngineError::is_of_machine`](assay_engine::EngineError::is_of_machine).
    pub fn is_of_machine(&self) -> bool {
        matches!(self, JobError::Engine(error) if error.is_of_machine())
    }
}

/// Why a job cannot be done or checked.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// The bytes on chain are no specification that this version understands.
    #[error("the job's specification cannot be read: {0}")]
    Spec(String),
    /// A field of the specification is out of its limits.
    #[error("the job's specification: {field}: {problem}")]
    Field {
        /// The field, as in the JSON.
        field: &'static str,
        /// What is wrong and what would be right.
        problem: String,
    },
    /// The specification compiles to another program than it names.
    #[error(
        "the job was made for another version of the software: its step program is {named}, \
         but here the specification compiles to {compiled}; use the version that the client used"
    )]
    OtherProgram {
        /// What the specification names.
        named: Hash,
        /// What it compiles to here.
        compiled: Hash,
    },
    /// The files become other samples than the specification names.
    #[error(
        "the job was made with other software: its samples have the root {named}, but here the files become samples \
         with the root {prepared}; use the version that the client used"
    )]
    OtherSamples {
        /// What the specification names.
        named: Hash,
        /// What is prepared here.
        prepared: Hash,
    },
    /// The files are not what the preparation takes.
    #[error(transparent)]
    Samples(#[from] assay_data::DataError),
    /// A dataset's manifest is not well formed.
    #[error("the dataset's manifest: {0}")]
    Manifest(String),
    /// A dataset's file is not what its manifest says.
    #[error("the dataset's file {path}: {problem}")]
    File {
        /// Its path in the manifest.
        path: String,
        /// What differs.
        problem: String,
    },
    /// The dataset does not fit the specification.
    #[error("the dataset does not fit the job: {0}")]
    Data(String),
    /// The model file could not be written or read.
    #[error("the model file: {0}")]
    Artefact(String),
    /// The engine stopped.
    #[error(transparent)]
    Engine(#[from] assay_engine::EngineError),
    /// Content could not be fetched.
    #[error(transparent)]
    Fetch(#[from] assay_content::FetchError),
}
