//! Step programs.

use std::collections::HashSet;

use assay_exact::{Op, Shape};
use parity_scale_codec::{Decode, DecodeAll, Encode};

use crate::error::EngineError;
use crate::hash::sha256;

/// All tensors of a program together may take this many bytes: 2^40. A back end has
/// a limit of its own below it.
pub const MAX_PROGRAM_BYTES: u128 = 1 << 40;
/// The most tensors of a program.
pub const MAX_TENSORS: usize = 1 << 20;
/// The longest tensor name, in bytes.
pub const MAX_NAME: usize = 128;

/// How a state tensor starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode)]
pub enum Init {
    /// Every element is the number with these binary32 bits.
    #[codec(index = 0)]
    Constant(u32),
    /// Uniform in `[-bound, bound)`: element `i` is
    /// `assay_exact::philox::uniform(word, bound)` of word `i` of the tensor's
    /// stream, at step 0. The stream is the tensor's place in the canonical order.
    #[codec(index = 1)]
    Uniform {
        /// The bound's binary32 bits.
        bound: u32,
    },
}

/// What a tensor is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode)]
pub enum TensorKind {
    /// Lives from step to step; part of the state root.
    #[codec(index = 0)]
    State(Init),
    /// Supplied for every step.
    #[codec(index = 1)]
    Input,
    /// Made by exactly one op in every step.
    #[codec(index = 2)]
    Temporary,
}

/// A tensor of a program; its number is its place in [`Program::tensors`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, Encode, Decode)]
pub struct TensorDecl {
    /// Unique in the program; ASCII letters, digits and `. _ - /`, 1 to 128 bytes.
    pub name: String,
    /// Row-major shape.
    pub shape: Shape,
    /// What it is for.
    pub kind: TensorKind,
}

/// An op with its tensors.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Encode, Decode)]
pub struct OpNode {
    /// What is computed.
    pub op: Op,
    /// The tensors read.
    pub inputs: Vec<u32>,
    /// The temporary made.
    pub output: u32,
}

/// The tensors (of rank 0) that a step is recorded by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode)]
pub struct PulseTensors {
    /// The loss.
    pub loss: u32,
    /// The norm of all gradients together.
    pub grad_norm: u32,
}

/// A step as one flat list of ops. Ops read state tensors as they were before the
/// step; when all ops are done, every update copies a temporary into its state
/// tensor, and the step counter goes up by one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Encode, Decode)]
pub struct Program {
    /// The tensors, numbered from 0.
    pub tensors: Vec<TensorDecl>,
    /// The ops, in an order in which each finds its inputs made.
    pub ops: Vec<OpNode>,
    /// Pairs (state tensor, temporary or input of the same shape), in ascending order.
    pub updates: Vec<(u32, u32)>,
    /// Tensors that a caller may ask for after a run.
    pub outputs: Vec<u32>,
    /// What a training step records; `None` for inference.
    pub pulse: Option<PulseTensors>,
}

/// The names and shapes of a program's state tensors in canonical order: ascending
/// by the bytes of the name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateLayout(pub(crate) Vec<(String, Shape)>);

impl StateLayout {
    /// Names and shapes, in canonical order.
    #[must_use]
    pub fn tensors(&self) -> &[(String, Shape)] {
        &self.0
    }

    /// The number of elements of all tensors together.
    #[must_use]
    pub fn elements(&self) -> u64 {
        self.0.iter().map(|(_, shape)| shape.elements()).sum()
    }
}

impl Program {
    /// The program's identity: `SHA-256("assay/program/v1" | SCALE encoding)`.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        sha256(&[b"assay/program/v1", &self.encode()])
    }

    /// Reads and validates a program's SCALE encoding.
    ///
    /// # Errors
    /// The bytes are no program, go on after its end, or it is invalid.
    pub fn from_bytes(bytes: &[u8]) -> Result<Program, EngineError> {
        let program = Program::decode_all(&mut &bytes[..])
            .map_err(|error| EngineError::Program(format!("cannot be decoded: {error}")))?;
        program.validate()?;
        Ok(program)
    }

    /// Bytes that the values of all tensors take.
    #[must_use]
    pub fn memory_bytes(&self) -> u128 {
        self.tensors
            .iter()
            .fold(0u128, |sum, tensor| sum.saturating_add(tensor.shape.elements_wide().saturating_mul(4)))
    }

    /// The number of the tensor of this name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<u32> {
        self.tensors.iter().position(|tensor| tensor.name == name).map(|at| at as u32)
    }

    /// Whether there is an input of this name.
    #[must_use]
    pub fn has_input(&self, name: &str) -> bool {
        self.tensors.iter().any(|tensor| tensor.kind == TensorKind::Input && tensor.name == name)
    }

    /// The names and shapes of the state.
    #[must_use]
    pub fn state_layout(&self) -> StateLayout {
        StateLayout(
            self.canonical_state()
                .into_iter()
                .map(|id| {
                    let tensor = &self.tensors[id as usize];
                    (tensor.name.clone(), tensor.shape)
                })
                .collect(),
        )
    }

    /// The numbers of the state tensors in canonical order.
    #[must_use]
    pub fn canonical_state(&self) -> Vec<u32> {
        let mut ids: Vec<u32> = (0..self.tensors.len() as u32)
            .filter(|&id| matches!(self.tensors[id as usize].kind, TensorKind::State(_)))
            .collect();
        ids.sort_by(|&a, &b| self.tensors[a as usize].name.as_bytes().cmp(self.tensors[b as usize].name.as_bytes()));
        ids
    }

    /// Checks every rule of a program: names, sizes, shapes, the order of ops, that
    /// each temporary is made once, updates, pulse.
    ///
    /// # Errors
    /// [`EngineError::Program`], [`EngineError::Op`] or [`EngineError::TooLarge`].
    pub fn validate(&self) -> Result<(), EngineError> {
        self.check_tensors()?;
        let mut ready: Vec<bool> = self.tensors.iter().map(|tensor| tensor.kind != TensorKind::Temporary).collect();
        for (number, node) in self.ops.iter().enumerate() {
            self.check_op(number, node, &mut ready)?;
        }
        if let Some(id) = ready.iter().position(|made| !made) {
            return Err(invalid(format!("no op makes {:?}", self.tensors[id].name)));
        }
        self.check_updates()?;
        for &id in &self.outputs {
            self.tensor(id)?;
        }
        if let Some(pulse) = self.pulse {
            for id in [pulse.loss, pulse.grad_norm] {
                let tensor = self.tensor(id)?;
                if tensor.shape != Shape::SCALAR || tensor.kind != TensorKind::Temporary {
                    return Err(invalid(format!("pulse tensor {:?} should be a temporary of rank 0", tensor.name)));
                }
            }
        }
        Ok(())
    }

    fn check_tensors(&self) -> Result<(), EngineError> {
        if self.tensors.len() > MAX_TENSORS {
            return Err(invalid(format!("{} tensors; at most {MAX_TENSORS} are allowed", self.tensors.len())));
        }
        let needed = self.memory_bytes();
        if needed > MAX_PROGRAM_BYTES {
            return Err(EngineError::TooLarge { needed, limit: MAX_PROGRAM_BYTES });
        }
        let mut names = HashSet::new();
        for tensor in &self.tensors {
            let legal = |b: u8| b.is_ascii_alphanumeric() || b"._-/".contains(&b);
            if tensor.name.is_empty() || tensor.name.len() > MAX_NAME || !tensor.name.bytes().all(legal) {
                return Err(invalid(format!(
                    "tensor name {:?}: 1 to {MAX_NAME} ASCII letters, digits and . _ - / expected",
                    tensor.name.chars().take(MAX_NAME).collect::<String>()
                )));
            }
            if !names.insert(tensor.name.as_str()) {
                return Err(invalid(format!("two tensors are named {:?}", tensor.name)));
            }
            let start = match tensor.kind {
                TensorKind::State(Init::Constant(bits)) => f32::from_bits(bits),
                TensorKind::State(Init::Uniform { bound }) => f32::from_bits(bound),
                TensorKind::Input | TensorKind::Temporary => 0.0,
            };
            if !start.is_finite() {
                return Err(invalid(format!("{:?} does not start as a number", tensor.name)));
            }
        }
        Ok(())
    }

    fn check_op(&self, number: usize, node: &OpNode, ready: &mut [bool]) -> Result<(), EngineError> {
        let output = self.tensor(node.output)?;
        let mut shapes = Vec::with_capacity(node.inputs.len());
        for &id in &node.inputs {
            let input = self.tensor(id)?;
            if !ready[id as usize] {
                return Err(invalid(format!("op {number} reads {:?} before it is made", input.name)));
            }
            shapes.push(input.shape);
        }
        if ready[node.output as usize] {
            return Err(invalid(format!(
                "op {number} makes {:?}, which is not a temporary or is already made",
                output.name
            )));
        }
        node.op.check(&shapes, &output.shape).map_err(|problem| EngineError::Op {
            op: number,
            name: node.op.name(),
            output: output.name.clone(),
            problem,
        })?;
        ready[node.output as usize] = true;
        Ok(())
    }

    fn check_updates(&self) -> Result<(), EngineError> {
        if !self.updates.windows(2).all(|pair| pair[0].0 < pair[1].0) {
            return Err(invalid("updates are not in ascending order of the state tensor".into()));
        }
        for &(state, value) in &self.updates {
            let (state, value) = (self.tensor(state)?, self.tensor(value)?);
            if !matches!(state.kind, TensorKind::State(_))
                || matches!(value.kind, TensorKind::State(_))
                || state.shape != value.shape
            {
                return Err(invalid(format!(
                    "{:?} cannot be updated from {:?}: a state tensor and another tensor of its \
                     shape expected",
                    state.name, value.name
                )));
            }
        }
        Ok(())
    }

    fn tensor(&self, id: u32) -> Result<&TensorDecl, EngineError> {
        self.tensors
            .get(id as usize)
            .ok_or_else(|| invalid(format!("tensor {id} is named, but there are only {}", self.tensors.len())))
    }
}

fn invalid(problem: String) -> EngineError {
    EngineError::Program(problem)
}
