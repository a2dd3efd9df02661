//! The crate's error.

use assay_exact::{ElementError, Shape, ShapeError};

/// Why the engine refuses or stops.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A model or training description is wrong.
    #[error("{field}: {problem}")]
    Spec {
        /// The field, as a path.
        field: String,
        /// What is wrong, and what would be right.
        problem: String,
    },
    /// This needs more memory than the limit; nothing was allocated.
    #[error(
        "this needs {needed} bytes of memory at the least, and the limit is {limit}: allow more, or choose a smaller \
         model or batch"
    )]
    TooLarge {
        /// Bytes that would do: of all tensors together, or where a back end can do with less, of what is held at a
        /// time at the least, with all that it can do about it.
        needed: u128,
        /// The limit in bytes.
        limit: u128,
    },
    /// A program breaks a rule that every program must keep.
    #[error("invalid program: {0}")]
    Program(String),
    /// An op of a program does not fit its tensors.
    #[error("invalid program: op {op} ({name}, making {output:?}): {problem}")]
    Op {
        /// The op's number.
        op: usize,
        /// Its name.
        name: &'static str,
        /// The name of the tensor it makes.
        output: String,
        /// What does not fit.
        problem: ShapeError,
    },
    /// An op's result is not a number, or an integer it reads is out of range.
    /// The state is as it was before the step.
    #[error("step {step}: op {op} ({name}, making {output:?}): {problem}")]
    Element {
        /// The step counter at the start of the step.
        step: u64,
        /// The op's number.
        op: usize,
        /// Its name.
        name: &'static str,
        /// The name of the tensor it makes.
        output: String,
        /// The element and what is wrong with it.
        problem: ElementError,
    },
    /// An input is missing, unknown, of the wrong length or not finite.
    #[error("input {name:?}: {problem}")]
    Input {
        /// The input's name.
        name: String,
        /// What is wrong.
        problem: String,
    },
    /// A tensor asked for by name is not there.
    #[error("the program has no tensor named {0:?}")]
    NoTensor(String),
    /// A step was asked for before a state was loaded.
    #[error("no state is loaded: call load() before the first step")]
    NoState,
    /// The program records no loss and gradient norm, so it has no steps.
    #[error("this program is for inference and has no training step: use run()")]
    NoPulse,
    /// A state does not belong to the program.
    #[error("this state belongs to another model: {0}")]
    WrongState(String),
    /// A tensor of the state file has another shape than the program's.
    #[error("this state belongs to another model: tensor {name:?} has shape {found}, expected {expected}")]
    WrongShape {
        /// The tensor.
        name: String,
        /// Its shape in the file.
        found: Shape,
        /// The program's.
        expected: Shape,
    },
    /// The bytes are no state file.
    #[error("not a valid state file: {0}")]
    StateFile(String),
    /// A dataset cannot be read.
    #[error("dataset: {0}")]
    Data(String),
    /// The machine refused or failed: threads, memory, a device.
    #[error("{0}")]
    Machine(String),
}

impl EngineError {
    /// Whether this is about the machine, so that another back end, or the same again, may well do
    /// what this one could not. All other errors come back wherever the same is tried.
    #[must_use]
    pub fn is_of_machine(&self) -> bool {
        matches!(self, EngineError::Machine(_) | EngineError::TooLarge { .. })
    }

    /// That a tensor's value was asked for which made room for others.
    #[must_use]
    pub fn not_kept(name: &str) -> Self {
        EngineError::Program(format!(
            "{name:?} is not kept: this program works within a memory budget that is too small for all \
             tensors at once"
        ))
    }

    pub(crate) fn spec(field: impl Into<String>, problem: impl Into<String>) -> Self {
        EngineError::Spec { field: field.into(), problem: problem.into() }
    }
}
