//! Reverse-mode differentiation, ahead of time: gradients are more ops.

use std::collections::HashMap;

use assay_exact::{MAX_RANK, Op, Shape};

use crate::builder::{ExprBuilder, GraphBuilder, Var};
use crate::derivative::{Source, derivative};
use crate::error::EngineError;
use crate::program::{OpNode, TensorKind};

/// A part of a tensor's gradient.
enum Term {
    /// Of the tensor's shape.
    Whole(Var),
    /// Zero but for what stands here from `start` on along `axis`.
    Slice { axis: u8, start: u32, part: Var },
}

impl GraphBuilder {
    /// Appends the ops that compute the gradients of `loss` (of rank 0) by each of
    /// `wrt`, and gives their tensors, of the same shapes.
    ///
    /// A tensor that no input of the program has a part in is a weight: the matmul for its
    /// gradient has the weight gradient's precision, others the input gradient's; and
    /// sums for its gradient, where inputs have a part in what it is used for, are sums over
    /// the batch: see [`GraphBuilder::with_blocks`].
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

        let varies = self.varying();
        let one = self.constant("loss.grad", 1.0)?;
        let mut parts: HashMap<u32, Vec<Term>> = HashMap::from([(loss.0, vec![Term::Whole(one)])]);
        for node in forward.iter().rev() {
            if !active[node.output as usize] {
                continue;
            }
            let Some(terms) = parts.remove(&node.output) else { continue };
            let gradient = self.add_all(Var(node.output), terms)?;
            for (place, &input) in node.inputs.iter().enumerate() {
                let is_weight = !varies[input as usize];
                let over_batch = is_weight && varies[node.output as usize];
                if active[input as usize]
                    && let Some(term) = self.backward(node, place, gradient, is_weight, over_batch)?
                {
                    parts.entry(input).or_default().push(term);
                }
            }
        }
        wrt.iter()
            .map(|&var| {
                let terms = parts.remove(&var.0).ok_or_else(|| {
                    let name = self.name(var);
                    EngineError::Program(format!("the loss does not depend on {name:?}"))
                })?;
                self.add_all(var, terms)
            })
            .collect()
    }

    /// By tensor: whether an input of the program has a part in it.
    fn varying(&self) -> Vec<bool> {
        let mut varies: Vec<bool> =
            self.program.tensors.iter().map(|tensor| tensor.kind == TensorKind::Input).collect();
        for node in &self.program.ops {
            varies[node.output as usize] = node.inputs.iter().any(|&id| varies[id as usize]);
        }
        varies
    }

    /// The sum of the gradient's parts.
    fn add_all(&mut self, of: Var, terms: Vec<Term>) -> Result<Var, EngineError> {
        let name = format!("{}.grad", self.name(of));
        let (mut whole, mut slices) = (Vec::new(), Vec::new());
        for term in terms {
            match term {
                Term::Whole(var) => whole.push(var),
                Term::Slice { axis, start, part } => slices.push((axis, start, part)),
            }
        }
        slices.sort_by_key(|&(axis, start, _)| (axis, start));
        while let Some(&(axis, ..)) = slices.first() {
            whole.push(self.beside(&name, self.shape(of), axis, &mut slices)?);
        }
        let mut sum = whole[0];
        for &term in &whole[1..] {
            sum = self.map_of(&name, [sum, term], |b, [x, y]| b.add(x, y))?;
        }
        Ok(sum)
    }

    /// A tensor of this shape with as many of the slices along `axis` as do not overlap, which
    /// are taken out, and zeros between.
    fn beside(
        &mut self,
        name: &str,
        shape: Shape,
        axis: u8,
        slices: &mut Vec<(u8, u32, Var)>,
    ) -> Result<Var, EngineError> {
        let (mut parts, mut end) = (Vec::new(), 0);
        let gap = |length: u32| {
            let mut dims = shape.dims().to_vec();
            dims[usize::from(axis)] = length;
            Shape::new(&dims).expect("of the same rank")
        };
        let mut kept = Vec::new();
        for &(own, start, part) in &*slices {
            if own != axis || start < end {
                kept.push((own, start, part));
                continue;
            }
            if start > end {
                parts.push(self.op("zeros", Op::Fill { bits: 0 }, &[], gap(start - end))?);
            }
            parts.push(part);
            end = start + self.shape(part).dims()[usize::from(axis)];
        }
        let size = shape.dims()[usize::from(axis)];
        if end < size {
            parts.push(self.op("zeros", Op::Fill { bits: 0 }, &[], gap(size - end))?);
        }
        *slices = kept;
        self.concat(name, axis, &parts)
    }

    /// What `node`, whose output has gradient `g`, adds to the gradient of its input
    /// number `place`; `None` for nothing.
    fn backward(
        &mut self,
        node: &OpNode,
        place: usize,
        g: Var,
        is_weight: bool,
        over_batch: bool,
    ) -> Result<Option<Term>, EngineError> {
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
                self.unbroadcast(&name, term, shape, over_batch)?
            }
            Op::Sum { .. } | Op::LongSum { .. } | Op::Total => self.broadcast(&name, g, shape)?,
            Op::Max { axes } => {
                let most = Var(node.output);
                let hit = self.map_of(&format!("{name}.hit"), [input, most], |b, [x, most]| {
                    let (one, zero) = (b.constant(1.0), b.constant(0.0));
                    b.select_eq(x, most, one, zero)
                })?;
                let count = self.sum(&format!("{name}.hits"), hit, *axes)?;
                self.map_of(&name, [hit, g, count], |b, [hit, g, count]| {
                    let share = b.div(g, count);
                    b.mul(hit, share)
                })?
            }
            Op::MatMul { transpose_a: ta, transpose_b: tb, .. }
            | Op::BlockMatMul { transpose_a: ta, transpose_b: tb, .. } => {
                let (a, b) = (Var(node.inputs[0]), Var(node.inputs[1]));
                let precision = if is_weight { self.precision.grad_weight } else { self.precision.grad_input };
                // C = A' B': dA' = dC B'^T and dB' = A'^T dC, transposed where A or B is.
                let (left, right) = match (place, ta, tb) {
                    (0, false, tb) => ((g, false), (b, !tb)),
                    (0, true, tb) => ((b, *tb), (g, true)),
                    (_, ta, false) => ((a, !ta), (g, false)),
                    (_, ta, true) => ((g, true), (a, *ta)),
                };
                match self.batch {
                    Some(batch) if over_batch => {
                        let k = self.shape(left.0).from_right(usize::from(left.1));
                        self.block_matmul(&name, left, right, precision, batch.rows(k)?)?
                    }
                    _ => self.matmul(&name, left, right, precision)?,
                }
            }
            Op::Transpose => self.transpose(&name, g)?,
            Op::Reshape => self.reshape(&name, g, shape)?,
            Op::Gather | Op::ScatterAdd | Op::LongScatterAdd if place == 1 => return Ok(None),
            Op::Gather => {
                let (indices, rows) = (Var(node.inputs[1]), shape.from_right(1));
                match self.batch {
                    Some(_) if over_batch => self.long_scatter_add(&name, g, indices, rows)?,
                    _ => self.scatter_add(&name, g, indices, rows)?,
                }
            }
            Op::ScatterAdd | Op::LongScatterAdd => self.gather(&name, g, Var(node.inputs[1]))?,
            Op::Permute { order } => {
                let mut back = [0u8; MAX_RANK];
                for (i, &from) in order.iter().enumerate() {
                    back[usize::from(from)] = i as u8;
                }
                self.permute(&name, g, &back[..shape.rank()])?
            }
            Op::Slice { axis, start } => return Ok(Some(Term::Slice { axis: *axis, start: *start, part: g })),
            Op::Concat { axis } => {
                let size = |&id: &u32| self.shape(Var(id)).dims()[usize::from(*axis)];
                let start = node.inputs[..place].iter().map(size).sum();
                self.slice(&name, g, *axis, start, size(&input.0))?
            }
            Op::Patches(window) => self.fold(&name, g, *window, shape)?,
            Op::Fold(window) => self.patches(&name, g, *window)?,
        };
        Ok(Some(Term::Whole(term)))
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

    /// The sum of `term` over the dimensions that broadcasting `shape` repeated.
    fn unbroadcast(&mut self, name: &str, term: Var, shape: Shape, over_batch: bool) -> Result<Var, EngineError> {
        let full = self.shape(term);
        let mut axes = 0;
        for axis in 0..full.rank() {
            let from_right = full.rank() - 1 - axis;
            if shape.from_right(from_right) == 1 && full.from_right(from_right) != 1 {
                axes |= 1 << axis;
            }
        }
        let sum = match self.batch {
            _ if axes == 0 => term,
            Some(_) if over_batch => self.long_sum(name, term, axes)?,
            _ => self.sum(name, term, axes)?,
        };
        self.reshape(name, sum, shape)
    }
}
