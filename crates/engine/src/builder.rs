//! Building programs: expressions, ops, and the tensors between them.

use std::collections::{HashMap, HashSet};

use assay_exact::{Expr, Instr, MAX_INPUTS, MAX_RANK, Op, Precision, Shape, ShapeError};

use crate::error::EngineError;
use crate::model::PrecisionSpec;
use crate::program::{Init, OpNode, Program, PulseTensors, TensorDecl, TensorKind};

/// A register of an expression that is being built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Reg(u8);

/// Builds a map expression; equal instructions are kept once and unused ones dropped.
#[derive(Clone, Debug)]
pub struct ExprBuilder {
    inputs: usize,
    instrs: Vec<Instr>,
    full: bool,
}

macro_rules! instructions {
    ($($(#[$doc:meta])* $name:ident($($arg:ident),*) => $instr:ident;)*) => {
        impl ExprBuilder {
            $(
                $(#[$doc])*
                pub fn $name(&mut self, $($arg: Reg),*) -> Reg {
                    self.push(Instr::$instr($($arg.0),*))
                }
            )*
        }
    };
}

instructions! {
    /// `a + b`.
    add(a, b) => Add;
    /// `a - b`.
    sub(a, b) => Sub;
    /// `a * b`.
    mul(a, b) => Mul;
    /// `a / b`.
    div(a, b) => Div;
    /// `if b < a { b } else { a }`.
    min(a, b) => Min;
    /// `if b > a { b } else { a }`.
    max(a, b) => Max;
    /// `-a`.
    neg(a) => Neg;
    /// `|a|`.
    abs(a) => Abs;
    /// Square root.
    sqrt(a) => Sqrt;
    /// Nearest integer, ties to even.
    rint(a) => Rint;
    /// `e^a`.
    exp(a) => Exp;
    /// Natural logarithm.
    log(a) => Log;
    /// Hyperbolic tangent.
    tanh(a) => Tanh;
    /// Error function.
    erf(a) => Erf;
    /// `sin(pi a)`.
    sinpi(a) => SinPi;
    /// `cos(pi a)`.
    cospi(a) => CosPi;
    /// `if a < b { x } else { y }`.
    select_lt(a, b, x, y) => SelectLt;
    /// `if a == b { x } else { y }`.
    select_eq(a, b, x, y) => SelectEq;
}

impl ExprBuilder {
    /// An expression of `inputs` inputs.
    ///
    /// # Panics
    /// If there are more than 16 inputs.
    #[must_use]
    pub fn new(inputs: usize) -> ExprBuilder {
        assert!(inputs <= MAX_INPUTS, "an expression has at most {MAX_INPUTS} inputs");
        ExprBuilder { inputs, instrs: Vec::new(), full: false }
    }

    /// Input number `i`.
    ///
    /// # Panics
    /// If there are not so many inputs.
    #[must_use]
    pub fn input(&self, i: usize) -> Reg {
        assert!(i < self.inputs, "input {i} of {}", self.inputs);
        Reg(i as u8)
    }

    /// A constant.
    pub fn constant(&mut self, x: f32) -> Reg {
        self.push(Instr::Const(x.to_bits()))
    }

    /// `a * 2^k`.
    pub fn ldexp(&mut self, a: Reg, k: i16) -> Reg {
        self.push(Instr::Ldexp(a.0, k))
    }

    /// Appends an instruction whose operands are registers of this builder.
    pub(crate) fn push(&mut self, instr: Instr) -> Reg {
        let at = self.instrs.iter().position(|own| *own == instr).unwrap_or_else(|| {
            self.instrs.push(instr);
            self.instrs.len() - 1
        });
        u8::try_from(self.inputs + at).map(Reg).unwrap_or_else(|_| {
            self.full = true;
            Reg(0)
        })
    }

    pub(crate) fn number(reg: Reg) -> u8 {
        reg.0
    }

    /// The expression whose value is `result`.
    ///
    /// # Errors
    /// It takes more than 64 instructions.
    pub fn finish(self, result: Reg) -> Result<Expr, EngineError> {
        let inputs = self.inputs;
        self.finish_using(result, &(0..inputs).collect::<Vec<_>>())
    }

    /// The inputs that `result` depends on.
    pub(crate) fn used_inputs(&self, result: Reg) -> Vec<usize> {
        let needed = self.needed(result);
        (0..self.inputs).filter(|&input| needed[input]).collect()
    }

    /// The expression over only the given inputs, in the given order.
    pub(crate) fn finish_using(self, result: Reg, kept: &[usize]) -> Result<Expr, EngineError> {
        let too_long = || EngineError::Program("a map expression is too long".into());
        if self.full {
            return Err(too_long());
        }
        let needed = self.needed(result);
        let mut renamed = vec![0u8; self.inputs + self.instrs.len()];
        for (place, &input) in kept.iter().enumerate() {
            renamed[input] = place as u8;
        }
        let mut instrs = Vec::new();
        for (i, instr) in self.instrs.iter().enumerate() {
            if needed[self.inputs + i] {
                renamed[self.inputs + i] = (kept.len() + instrs.len()) as u8;
                instrs.push(instr.renamed(|register| renamed[usize::from(register)]));
            }
        }
        // The last instruction is the result; an instruction that the result needs never follows it.
        if usize::from(result.0) < self.inputs {
            instrs.push(Instr::Copy(renamed[usize::from(result.0)]));
        }
        let expr = Expr { instrs };
        expr.check(kept.len()).map_err(|error| EngineError::Program(error.to_string()))?;
        Ok(expr)
    }

    fn needed(&self, result: Reg) -> Vec<bool> {
        let mut needed = vec![false; self.inputs + self.instrs.len()];
        needed[usize::from(result.0)] = true;
        for (i, instr) in self.instrs.iter().enumerate().rev() {
            if needed[self.inputs + i] {
                let (operands, used) = instr.operands();
                for &register in &operands[..used] {
                    needed[usize::from(register)] = true;
                }
            }
        }
        needed
    }
}

/// A tensor of a program that is being built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Var(pub(crate) u32);

/// Builds a program op by op. The same op on the same tensors is done once.
#[derive(Debug)]
pub struct GraphBuilder {
    pub(crate) program: Program,
    pub(crate) precision: PrecisionSpec,
    /// Tensors through which no gradient flows.
    pub(crate) stopped: HashSet<u32>,
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
            names: HashSet::new(),
            made: HashMap::new(),
        }
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

    /// A scalar constant.
    ///
    /// # Errors
    /// None in practice; see [`GraphBuilder::op`].
    pub fn constant(&mut self, name: &str, x: f32) -> Result<Var, EngineError> {
        self.op(name, Op::Fill { bits: x.to_bits() }, &[], Shape::SCALAR)
    }

    /// A map over inputs that broadcast together.
    ///
    /// # Errors
    /// The inputs do not broadcast to one shape.
    pub fn map(&mut self, name: &str, expr: Expr, inputs: &[Var]) -> Result<Var, EngineError> {
        let shapes: Vec<Shape> = inputs.iter().map(|&var| self.shape(var)).collect();
        let shape = common_shape(&shapes)
            .ok_or_else(|| EngineError::Program(format!("{name}: shapes {shapes:?} do not broadcast together")))?;
        self.map_to(name, expr, inputs, shape)
    }

    /// A map whose output has the given shape.
    ///
    /// # Errors
    /// An input does not broadcast to the shape.
    pub fn map_to(&mut self, name: &str, expr: Expr, inputs: &[Var], shape: Shape) -> Result<Var, EngineError> {
        self.op(name, Op::Map(expr), inputs, shape)
    }

    /// The exact sum over `axes` (bits, outermost dimension first), which stay as 1.
    ///
    /// # Errors
    /// The tensor has no such axes.
    pub fn sum(&mut self, name: &str, x: Var, axes: u8) -> Result<Var, EngineError> {
        let shape = self.reduced(name, x, axes)?;
        self.op(name, Op::Sum { axes }, &[x], shape)
    }

    /// The maximum over `axes`, which stay as 1. No gradient is defined for it: see
    /// [`GraphBuilder::stop_gradient`].
    ///
    /// # Errors
    /// The tensor has no such axes.
    pub fn max(&mut self, name: &str, x: Var, axes: u8) -> Result<Var, EngineError> {
        let shape = self.reduced(name, x, axes)?;
        self.op(name, Op::Max { axes }, &[x], shape)
    }

    fn reduced(&self, name: &str, x: Var, axes: u8) -> Result<Shape, EngineError> {
        let shape = self.shape(x);
        shape
            .reduced(axes)
            .ok_or_else(|| EngineError::Program(format!("{name}: shape {shape} has not all of axes {axes:#06b}")))
    }

    /// The exact sum of all elements of all inputs.
    ///
    /// # Errors
    /// There are no inputs, or too many.
    pub fn total(&mut self, name: &str, inputs: &[Var]) -> Result<Var, EngineError> {
        self.op(name, Op::Total, inputs, Shape::SCALAR)
    }

    /// The exact matmul of `a` and `b`, each transposed first if asked for.
    ///
    /// # Errors
    /// The shapes do not fit.
    pub fn matmul(
        &mut self,
        name: &str,
        (a, transpose_a): (Var, bool),
        (b, transpose_b): (Var, bool),
        precision: Precision,
    ) -> Result<Var, EngineError> {
        let (left, right) = (self.shape(a), self.shape(b));
        let m = left.from_right(usize::from(!transpose_a));
        let n = right.from_right(usize::from(transpose_b));
        let dims = [left.from_right(2), m, n];
        let shape = shape(if left.rank() > 2 { &dims } else { &dims[1..] })?;
        self.op(name, Op::MatMul { transpose_a, transpose_b, precision }, &[a, b], shape)
    }

    /// Rows of `classes` elements, 1 where `x` (of shape `[n]`) says and 0 elsewhere.
    ///
    /// # Errors
    /// The shape does not fit.
    pub fn one_hot(&mut self, name: &str, x: Var, classes: u32) -> Result<Var, EngineError> {
        let shape = shape(&[self.shape(x).from_right(0), classes])?;
        self.op(name, Op::OneHot, &[x], shape)
    }

    /// The last two dimensions exchanged.
    ///
    /// # Errors
    /// The tensor has not two dimensions.
    pub fn transpose(&mut self, name: &str, x: Var) -> Result<Var, EngineError> {
        let own = self.shape(x);
        let mut dims = own.dims().to_vec();
        if dims.len() >= 2 {
            let last = dims.len() - 1;
            dims.swap(last, last - 1);
        }
        self.op(name, Op::Transpose, &[x], shape(&dims)?)
    }

    /// The same elements in another shape.
    ///
    /// # Errors
    /// The number of elements differs.
    pub fn reshape(&mut self, name: &str, x: Var, shape: Shape) -> Result<Var, EngineError> {
        if self.shape(x) == shape {
            return Ok(x);
        }
        self.op(name, Op::Reshape, &[x], shape)
    }

    /// The rows of `table` that `indices` name.
    ///
    /// # Errors
    /// The shapes do not fit.
    pub fn gather(&mut self, name: &str, table: Var, indices: Var) -> Result<Var, EngineError> {
        let shape = shape(&[self.shape(indices).from_right(0), self.shape(table).from_right(0)])?;
        self.op(name, Op::Gather, &[table, indices], shape)
    }

    /// The exact sums of the rows of `values` that `indices` send to each of `rows` rows.
    ///
    /// # Errors
    /// The shapes do not fit.
    pub fn scatter_add(&mut self, name: &str, values: Var, indices: Var, rows: u32) -> Result<Var, EngineError> {
        let shape = shape(&[rows, self.shape(values).from_right(0)])?;
        self.op(name, Op::ScatterAdd, &[values, indices], shape)
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

/// The shape that all of these broadcast to.
fn common_shape(shapes: &[Shape]) -> Option<Shape> {
    let rank = shapes.iter().map(Shape::rank).max()?;
    let mut dims = [1; MAX_RANK];
    for axis in 0..rank {
        let sizes = shapes.iter().map(|shape| shape.from_right(axis));
        // A dimension of 0 wins over 1, as any other size does.
        dims[rank - 1 - axis] = sizes.clone().find(|&size| size != 1).unwrap_or(1);
    }
    let common = Shape::new(&dims[..rank])?;
    shapes.iter().all(|shape| shape.broadcasts_to(&common)).then_some(common)
}
