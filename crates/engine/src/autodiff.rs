//! Reverse-mode differentiation, ahead of time: gradients are more ops.

use std::collections::HashMap;

use assay_exact::{Op, Shape};

use crate::builder::{ExprBuilder, GraphBuilder, Var};
use crate::derivative::{Source, derivative};
use crate::error::EngineError;
use crate::program::{OpNode, TensorKind};

impl GraphBuilder {
    /// Appends the ops that compute the gradients of `loss` (of rank 0) by each of
    /// `wrt`, and gives their tensors, of the same shapes.
    ///
    /// A matmul whose operand is a state tensor has the weight gradient's precision
    /// in the matmul for that operand's gradient, and else the input gradient's.
    ///
    /// # Errors
    /// The loss has another rank, does not depend on one of `wrt`, or depends on it
    /// through an op without a derivative.
    pub fn gradients(&mut self, loss: Var, wrt: &[Var]) -> Result<Vec<Var>, EngineError> {
        if self.shape(loss) != Shape::SCALAR {
            return Err(EngineError::Program("the loss to differentiate is not of rank 0".into()));
        }
        let forward = self.program.ops.clone();
        let mut active = vec![false; self.program.tensors.len()];
        for var in wrt {
            active[var.0 as usize] = true;
        }
        for node in &forward {
            let depends = node.inputs.iter().any(|&id| active[id as usize]);
            active[node.output as usize] |= depends && !self.stopped.contains(&node.output);
        }

        let one = self.constant("loss.grad", 1.0)?;
        let mut parts: HashMap<u32, Vec<Var>> = HashMap::from([(loss.0, vec![one])]);
        for node in forward.iter().rev() {
            if !active[node.output as usize] {
                continue;
            }
            let Some(terms) = parts.remove(&node.output) else { continue };
            let gradient = self.add_all(Var(node.output), terms)?;
            for (place, &input) in node.inputs.iter().enumerate() {
                if active[input as usize]
                    && let Some(term) = self.backward(node, place, gradient)?
                {
                    parts.entry(input).or_default().push(term);
                }
            }
        }
        wrt.iter()
            .map(|&var| {
                let terms = parts.get(&var.0).cloned().ok_or_else(|| {
                    let name = self.name(var);
                    EngineError::Program(format!("the loss does not depend on {name:?}"))
                })?;
                self.add_all(var, terms)
            })
            .collect()
    }

    /// The sum of the gradient's parts.
    fn add_all(&mut self, of: Var, terms: Vec<Var>) -> Result<Var, EngineError> {
        let name = format!("{}.grad", self.name(of));
        let mut sum = terms[0];
        for &term in &terms[1..] {
            let mut b = ExprBuilder::new(2);
            let (x, y) = (b.input(0), b.input(1));
            let result = b.add(x, y);
            sum = self.map(&name, b.finish(result)?, &[sum, term])?;
        }
        Ok(sum)
    }

    /// What `node`, whose output has gradient `g`, adds to the gradient of its input
    /// number `place`; `None` for nothing.
    fn backward(&mut self, node: &OpNode, place: usize, g: Var) -> Result<Option<Var>, EngineError> {
        let input = Var(node.inputs[place]);
        let shape = self.shape(input);
        let name = format!("{}.grad", self.name(input));
        let term = match &node.op {
            Op::Fill { .. } | Op::OneHot | Op::Iota { .. } | Op::Random { .. } => return Ok(None),
            Op::Map(expr) => {
                let Some((slope, sources)) = derivative(expr, node.inputs.len(), place)? else {
                    return Ok(None);
                };
                let full = self.shape(Var(node.output));
                let reads: Vec<Var> = sources
                    .iter()
                    .map(|source| match source {
                        Source::Input(i) => Var(node.inputs[*i]),
                        Source::Gradient => g,
                        Source::Output => Var(node.output),
                    })
                    .collect();
                // The gradient handed on as it is needs no op.
                let passes = matches!(slope.instrs[..], [assay_exact::Instr::Copy(0)]);
                let term = if passes && reads == [g] { g } else { self.map_to(&name, slope, &reads, full)? };
                self.unbroadcast(&name, term, shape)?
            }
            Op::Sum { .. } | Op::Total => self.broadcast(&name, g, shape)?,
            Op::Max { .. } => {
                return Err(EngineError::Program(format!(
                    "{:?}: a maximum has no derivative here; use stop_gradient on it",
                    self.name(Var(node.output))
                )));
            }
            Op::MatMul { transpose_a: ta, transpose_b: tb, .. } => {
                let (a, b) = (Var(node.inputs[0]), Var(node.inputs[1]));
                let kind = self.program.tensors[input.0 as usize].kind;
                let precision = match kind {
                    TensorKind::State(_) => self.precision.grad_weight,
                    _ => self.precision.grad_input,
                };
                // C = A' B': dA' = dC B'^T and dB' = A'^T dC, transposed where A or B is.
                let (left, right) = match (place, ta, tb) {
                    (0, false, tb) => ((g, false), (b, !tb)),
                    (0, true, tb) => ((b, *tb), (g, true)),
                    (_, ta, false) => ((a, !ta), (g, false)),
                    (_, ta, true) => ((g, true), (a, *ta)),
                };
                self.matmul(&name, left, right, precision)?
            }
            Op::Transpose => self.transpose(&name, g)?,
            Op::Reshape => self.reshape(&name, g, shape)?,
            Op::Gather | Op::ScatterAdd if place == 1 => return Ok(None),
            Op::Gather => self.scatter_add(&name, g, Var(node.inputs[1]), shape.from_right(1))?,
            Op::ScatterAdd => self.gather(&name, g, Var(node.inputs[1]))?,
            Op::Permute { .. }
            | Op::Slice { .. }
            | Op::Concat { .. }
            | Op::Patches(_)
            | Op::Fold(_)
            | Op::LongSum { .. }
            | Op::LongScatterAdd
            | Op::BlockMatMul { .. } => {
                let (op, name) = (node.op.name(), self.name(Var(node.output)));
                return Err(EngineError::Program(format!("{name:?}: {op} has no derivative here yet")));
            }
        };
        Ok(Some(term))
    }

    /// `g` repeated to `shape`.
    fn broadcast(&mut self, name: &str, g: Var, shape: Shape) -> Result<Var, EngineError> {
        if self.shape(g) == shape {
            return Ok(g);
        }
        let b = ExprBuilder::new(1);
        let result = b.input(0);
        self.map_to(name, b.finish(result)?, &[g], shape)
    }

    /// The exact sum of `term` over the dimensions that broadcasting `shape` repeated.
    fn unbroadcast(&mut self, name: &str, term: Var, shape: Shape) -> Result<Var, EngineError> {
        let full = self.shape(term);
        let mut axes = 0;
        for axis in 0..full.rank() {
            let from_right = full.rank() - 1 - axis;
            if shape.from_right(from_right) == 1 && full.from_right(from_right) != 1 {
                axes |= 1 << axis;
            }
        }
        let sum = if axes == 0 { term } else { self.sum(name, term, axes)? };
        self.reshape(name, sum, shape)
    }
}
