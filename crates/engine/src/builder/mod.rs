//! Building programs: expressions, ops, and the tensors between them.

mod expr;
mod ops;

use std::collections::{HashMap, HashSet};

use assay_exact::{MAX_RANK, Op, Shape, ShapeError, philox};

pub use self::expr::{ExprBuilder, Reg};
pub(crate) use self::ops::expr;
use crate::error::EngineError;
use crate::model::PrecisionSpec;
use crate::program::{Init, OpNode, Program, PulseTensors, TensorDecl, TensorKind};

/// A tensor of a program that is being built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Var(pub(crate) u32);

/// How a program's gradients are summed over the samples of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Batch {
    /// Samples of the batch.
    pub samples: u32,
    /// Samples of a block.
    pub block: u32,
}

impl Batch {
    /// The length of a block of a product over the batch, of which `k` elements are summed.
    pub fn rows(&self, k: u32) -> Result<u32, EngineError> {
        if !k.is_multiple_of(self.samples) {
            return Err(EngineError::Program(format!("{k} rows are not as many for each of {} samples", self.samples)));
        }
        Ok((u64::from(k / self.samples) * u64::from(self.block)).clamp(1, u64::from(k.max(1))) as u32)
    }
}

/// Builds a program op by op. The same op on the same tensors is done once.
#[derive(Debug)]
pub struct GraphBuilder {
    pub(crate) program: Program,
    pub(crate) precision: PrecisionSpec,
    /// Tensors through which no gradient flows.
    pub(crate) stopped: HashSet<u32>,
    pub(crate) batch: Option<Batch>,
    counter: Option<Var>,
    streams: u32,
    names: HashSet<String>,
    made: HashMap<(Op, Vec<u32>, Shape), Var>,
}

impl GraphBuilder {
    /// An empty program whose matmuls, and those of its derivatives, have these
    /// precisions.
    #[must_use]
    pub fn new(precision: PrecisionSpec) -> GraphBuilder {
        GraphBuilder {
            program: Program {
                tensors: Vec::new(),
                ops: Vec::new(),
                updates: Vec::new(),
                outputs: Vec::new(),
                pulse: None,
            },
            precision,
            stopped: HashSet::new(),
            batch: None,
            counter: None,
            streams: 0,
            names: HashSet::new(),
            made: HashMap::new(),
        }
    }

    /// Has the gradients of weights summed over the batch, of `samples` samples, in blocks of
    /// `block` samples: by block products and long sums instead of exact ones, so that the batch
    /// can be worked on in parts (see `docs/law.md`).
    ///
    /// # Panics
    /// If either is 0.
    #[must_use]
    pub fn with_blocks(mut self, samples: u32, block: u32) -> GraphBuilder {
        assert!(samples > 0 && block > 0, "a batch in blocks of at least one sample");
        self.batch = Some(Batch { samples, block });
        self
    }

    /// The input named `counter`, which has the job's key and the number of the step: see
    /// [`philox::counter`].
    ///
    /// # Errors
    /// None in practice.
    pub fn counter(&mut self) -> Result<Var, EngineError> {
        if let Some(counter) = self.counter {
            return Ok(counter);
        }
        let counter = self.input("counter", shape(&[philox::COUNTER_LENGTH as u32])?);
        self.counter = Some(counter);
        Ok(counter)
    }

    /// A random stream that no op has yet.
    fn stream(&mut self) -> u32 {
        self.streams += 1;
        self.streams - 1
    }

    /// The shape of a tensor.
    #[must_use]
    pub fn shape(&self, var: Var) -> Shape {
        self.program.tensors[var.0 as usize].shape
    }

    pub(crate) fn name(&self, var: Var) -> &str {
        &self.program.tensors[var.0 as usize].name
    }

    fn declare(&mut self, name: &str, shape: Shape, kind: TensorKind) -> Var {
        // Only temporaries are renamed; a second state tensor of a name is found by validate().
        let mut unique = name.to_owned();
        let mut number = 2;
        while kind == TensorKind::Temporary && self.names.contains(&unique) {
            unique = format!("{name}-{number}");
            number += 1;
        }
        self.names.insert(unique.clone());
        let id = self.program.tensors.len() as u32;
        self.program.tensors.push(TensorDecl { name: unique, shape, kind });
        Var(id)
    }

    /// A tensor that lives from step to step.
    pub fn state(&mut self, name: &str, shape: Shape, init: Init) -> Var {
        self.declare(name, shape, TensorKind::State(init))
    }

    /// A tensor that is supplied for every step.
    pub fn input(&mut self, name: &str, shape: Shape) -> Var {
        self.declare(name, shape, TensorKind::Input)
    }

    /// Appends an op whose output has the given shape.
    ///
    /// # Errors
    /// The op does not fit the shapes.
    pub fn op(&mut self, name: &str, op: Op, inputs: &[Var], shape: Shape) -> Result<Var, EngineError> {
        let ids: Vec<u32> = inputs.iter().map(|var| var.0).collect();
        let key = (op, ids, shape);
        if let Some(&var) = self.made.get(&key) {
            return Ok(var);
        }
        let (op, ids, shape) = key.clone();
        let shapes: Vec<Shape> = inputs.iter().map(|&var| self.shape(var)).collect();
        match op.check(&shapes, &shape) {
            // Too long a sum is found again by validate(), after the memory, which says more.
            Ok(()) | Err(ShapeError::TooLong { .. }) => {}
            Err(problem) => {
                return Err(EngineError::Op {
                    op: self.program.ops.len(),
                    name: op.name(),
                    output: name.to_owned(),
                    problem,
                });
            }
        }
        let var = self.declare(name, shape, TensorKind::Temporary);
        self.program.ops.push(OpNode { op, inputs: ids, output: var.0 });
        self.made.insert(key, var);
        Ok(var)
    }

    /// Treats `x` as a constant when differentiating.
    pub fn stop_gradient(&mut self, x: Var) -> Var {
        self.stopped.insert(x.0);
        x
    }

    /// After the step, the state tensor `state` takes the value of `value`.
    pub fn update(&mut self, state: Var, value: Var) {
        self.program.updates.push((state.0, value.0));
    }

    /// Lets callers ask for `var` after a run.
    pub fn output(&mut self, var: Var) {
        self.program.outputs.push(var.0);
    }

    /// The finished, validated program.
    ///
    /// # Errors
    /// It breaks a rule of programs: see [`Program::validate`].
    pub fn finish(mut self, pulse: Option<(Var, Var)>) -> Result<Program, EngineError> {
        self.program.updates.sort_unstable();
        self.program.pulse = pulse.map(|(loss, norm)| PulseTensors { loss: loss.0, grad_norm: norm.0 });
        self.program.validate()?;
        Ok(self.program)
    }
}

/// A shape, or an error if there are too many dimensions.
pub(crate) fn shape(dims: &[u32]) -> Result<Shape, EngineError> {
    Shape::new(dims)
        .ok_or_else(|| EngineError::Program(format!("{} dimensions; at most {MAX_RANK} are allowed", dims.len())))
}

/// A product of sizes that a dimension can have.
pub(crate) fn extent(field: &str, sizes: &[u32]) -> Result<u32, EngineError> {
    let product = sizes.iter().fold(1u128, |product, &size| product.saturating_mul(u128::from(size)));
    u32::try_from(product).map_err(|_| {
        let sizes = sizes.iter().map(u32::to_string).collect::<Vec<_>>().join(" x ");
        EngineError::spec(field, format!("{sizes} is {product}, and a dimension is at most {}", u32::MAX))
    })
}
