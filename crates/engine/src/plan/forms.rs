//! Which ops can be done for a part of the batch.
//!
//! A tensor is split along its first dimension, of which each sample has as many indices.

use assay_exact::{Op, Shape};

/// In which forms an input is at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Input {
    pub shape: Shape,
    pub whole: bool,
    pub part: bool,
}

/// A batch and its parts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Batch {
    pub samples: u32,
    pub parts: u32,
}

impl Batch {
    /// Whether a tensor of this shape has as many indices for each sample.
    pub fn fits(self, shape: &Shape) -> bool {
        shape.dims().first().is_some_and(|&size| size > 0 && size.is_multiple_of(self.samples))
    }

    /// The shape of a part.
    pub fn part(self, shape: &Shape) -> Shape {
        let mut dims = shape.dims().to_vec();
        dims[0] /= self.parts;
        Shape::new(&dims).expect("of the same rank")
    }

    /// For every input, whether the op takes its part (or else the whole) to make a part of the
    /// output; `None` if that cannot be done.
    pub fn split(self, op: &Op, inputs: &[Input], output: &Shape) -> Option<Vec<bool>> {
        if !self.fits(output) {
            return None;
        }
        let parts = |fits: bool| {
            let all = fits && inputs.iter().all(|input| input.part && self.fits(&input.shape));
            all.then(|| vec![true; inputs.len()])
        };
        match op {
            Op::Fill { .. } | Op::Random { .. } => Some(vec![false; inputs.len()]),
            Op::Iota { axis } => (*axis != 0).then(Vec::new),
            Op::Map(_) => inputs.iter().map(|input| map_input(input, output)).collect(),
            Op::Sum { axes } | Op::Max { axes } | Op::LongSum { axes } => parts(axes & 1 == 0),
            Op::MatMul { transpose_a: ta, .. } | Op::BlockMatMul { transpose_a: ta, .. } => match output.rank() {
                // What is packed is known by its tensor, so a matrix must have one form only.
                2 => (!ta && inputs[0].part && !inputs[0].whole && inputs[1].whole && !inputs[1].part)
                    .then(|| vec![true, false]),
                _ => parts(true),
            },
            Op::OneHot | Op::Reshape | Op::Patches(_) | Op::Fold(_) => parts(true),
            Op::Transpose => parts(output.rank() == 3),
            Op::Permute { order } => parts(order[0] == 0),
            Op::Slice { axis, .. } | Op::Concat { axis } => parts(*axis != 0),
            Op::Gather => (inputs[0].whole && inputs[1].part).then(|| vec![false, true]),
            Op::Total | Op::ScatterAdd | Op::LongScatterAdd => None,
        }
    }

    /// Whether the op sums over the samples so that the parts' sums can be added up.
    pub fn adds_up(self, op: &Op, inputs: &[Input]) -> bool {
        let parts = inputs.iter().all(|input| input.part && self.fits(&input.shape));
        match op {
            Op::LongSum { axes } => parts && axes & 1 == 1,
            Op::LongScatterAdd => parts,
            Op::BlockMatMul { transpose_a: true, transpose_b: false, block, .. } => {
                // The length of a part is whole blocks.
                parts && inputs[0].shape.rank() == 2 && (inputs[0].shape.dims()[0] / self.parts).is_multiple_of(*block)
            }
            _ => false,
        }
    }
}

/// Whether a map takes the part of this input.
fn map_input(input: &Input, output: &Shape) -> Option<bool> {
    let rows = output.dims()[0];
    if input.shape.rank() == output.rank() && input.shape.dims()[0] == rows {
        // With one index only, the whole and the part are not told apart by their shapes.
        (input.part && rows > 1).then_some(true)
    } else {
        input.whole.then_some(false)
    }
}
