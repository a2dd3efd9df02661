//! Which shapes an op accepts.

use crate::op::{Op, ShapeError, matmul_sizes};
use crate::philox::COUNTER_LENGTH;
use crate::shape::{MAX_RANK, Shape};
use crate::sum::MAX_ADDENDS;

impl Op {
    /// Checks the op against the shapes of its inputs and its output.
    ///
    /// # Errors
    /// [`ShapeError`] says what does not fit.
    pub fn check(&self, inputs: &[Shape], output: &Shape) -> Result<(), ShapeError> {
        match self {
            Op::Fill { .. } => count(inputs, 0, "no input"),
            Op::Map(expr) => {
                if inputs.is_empty() {
                    return Err(ShapeError::InputCount { takes: "1 to 16 inputs", given: 0 });
                }
                expr.check(inputs.len()).map_err(ShapeError::Expr)?;
                match inputs.iter().position(|shape| !shape.broadcasts_to(output)) {
                    Some(input) => Err(ShapeError::Input {
                        input,
                        shape: inputs[input],
                        needs: "a shape that broadcasts to the output's",
                    }),
                    None => Ok(()),
                }
            }
            Op::Sum { axes } | Op::Max { axes } | Op::LongSum { axes } => {
                count(inputs, 1, "one input")?;
                let input = inputs[0];
                let reduced = input.reduced(*axes).filter(|_| *axes != 0).ok_or(ShapeError::Input {
                    input: 0,
                    shape: input,
                    needs: "the axes it reduces over",
                })?;
                output_is(output, reduced, "the input's shape with the reduced axes as 1")?;
                let length = input.reduction_count(*axes);
                if matches!(self, Op::Max { .. }) && length == 0 && output.elements_wide() > 0 {
                    return Err(ShapeError::Input {
                        input: 0,
                        shape: input,
                        needs: "at least one element to take the maximum of",
                    });
                }
                limit(length, MAX_ADDENDS)
            }
            Op::Total => {
                if inputs.is_empty() || inputs.len() > 65_535 {
                    return Err(ShapeError::InputCount { takes: "1 to 65,535 inputs", given: inputs.len() });
                }
                output_is(output, Shape::SCALAR, "of rank 0")?;
                let length: u128 = inputs.iter().map(Shape::elements_wide).sum();
                limit(u64::try_from(length).unwrap_or(u64::MAX), MAX_ADDENDS)
            }
            Op::MatMul { transpose_a, transpose_b, precision } => {
                count(inputs, 2, "two inputs")?;
                check_matmul(&inputs[0], &inputs[1], *transpose_a, *transpose_b, output)?;
                let sizes = matmul_sizes(&inputs[0], &inputs[1], *transpose_a, *transpose_b);
                limit(sizes.k, precision.max_k())
            }
            Op::BlockMatMul { transpose_a, transpose_b, precision, block } => {
                count(inputs, 2, "two inputs")?;
                check_matmul(&inputs[0], &inputs[1], *transpose_a, *transpose_b, output)?;
                parameter(*block > 0, "a block of at least 1")?;
                let sizes = matmul_sizes(&inputs[0], &inputs[1], *transpose_a, *transpose_b);
                limit(sizes.k.min(u64::from(*block)), precision.max_k())?;
                limit(sizes.k.div_ceil(u64::from(*block)), MAX_ADDENDS)
            }
            Op::OneHot => {
                count(inputs, 1, "one input")?;
                rank(inputs, 0, 1, 1, "rank 1")?;
                let fits = output.rank() == 2 && output.from_right(1) == inputs[0].from_right(0);
                ensure(fits, output, "a row per element of the input")
            }
            Op::Transpose => {
                count(inputs, 1, "one input")?;
                rank(inputs, 0, 2, 3, "rank 2 or 3")?;
                let input = &inputs[0];
                let fits = output.rank() == input.rank()
                    && output.from_right(0) == input.from_right(1)
                    && output.from_right(1) == input.from_right(0)
                    && output.from_right(2) == input.from_right(2);
                ensure(fits, output, "the input's shape with the last two dimensions exchanged")
            }
            Op::Reshape => {
                count(inputs, 1, "one input")?;
                let fits = inputs[0].elements_wide() == output.elements_wide();
                ensure(fits, output, "of as many elements as the input")
            }
            Op::Gather => {
                count(inputs, 2, "a table and integers")?;
                rank(inputs, 0, 2, 2, "rank 2")?;
                rank(inputs, 1, 1, 1, "rank 1")?;
                let fits = output.rank() == 2
                    && output.from_right(1) == inputs[1].from_right(0)
                    && output.from_right(0) == inputs[0].from_right(0);
                ensure(fits, output, "a table row per integer")
            }
            Op::ScatterAdd | Op::LongScatterAdd => {
                count(inputs, 2, "values and integers")?;
                rank(inputs, 0, 2, 2, "rank 2")?;
                rank(inputs, 1, 1, 1, "rank 1")?;
                if inputs[0].from_right(1) != inputs[1].from_right(0) {
                    return Err(ShapeError::Input {
                        input: 1,
                        shape: inputs[1],
                        needs: "an integer per row of values",
                    });
                }
                let fits = output.rank() == 2 && output.from_right(0) == inputs[0].from_right(0);
                ensure(fits, output, "of rank 2 with the values' row length")?;
                limit(u64::from(inputs[0].from_right(1)), MAX_ADDENDS)
            }
            Op::Permute { order } => {
                count(inputs, 1, "one input")?;
                let input = &inputs[0];
                let rank = input.rank();
                let own = (0..MAX_RANK).all(|i| order[..rank].contains(&(i as u8)) == (i < rank));
                let rest = (rank..MAX_RANK).all(|i| usize::from(order[i]) == i);
                parameter(own && rest, "every dimension once in the order, and beyond the rank its own place")?;
                let fits =
                    output.rank() == rank && (0..rank).all(|i| output.dims()[i] == input.dims()[usize::from(order[i])]);
                ensure(fits, output, "the input's shape in the given order")
            }
            Op::Slice { axis, start } => {
                count(inputs, 1, "one input")?;
                let axis = dimension(&inputs[0], *axis)?;
                same_but(0, &inputs[0], output, axis)?;
                let end = u64::from(*start) + u64::from(output.dims()[axis]);
                ensure(end <= u64::from(inputs[0].dims()[axis]), output, "inside the input")
            }
            Op::Concat { axis } => {
                if inputs.is_empty() || inputs.len() > 65_535 {
                    return Err(ShapeError::InputCount { takes: "1 to 65,535 inputs", given: inputs.len() });
                }
                let axis = dimension(output, *axis)?;
                for (input, shape) in inputs.iter().enumerate() {
                    same_but(input, shape, output, axis)?;
                }
                let length: u64 = inputs.iter().map(|shape| u64::from(shape.dims()[axis])).sum();
                ensure(length == u64::from(output.dims()[axis]), output, "as long as the inputs together")
            }
            Op::Patches(window) => {
                count(inputs, 1, "one input")?;
                rank(inputs, 0, 4, 4, "rank 4")?;
                let places = window.places(&inputs[0]).ok_or(WINDOW)?;
                ensure(is_matrix(output, places.patches()), output, "a row per place and a column per element in it")
            }
            Op::Fold(window) => {
                count(inputs, 1, "one input")?;
                ensure(output.rank() == 4, output, "of rank 4")?;
                let places = window.places(output).ok_or(WINDOW)?;
                if is_matrix(&inputs[0], places.patches()) {
                    Ok(())
                } else {
                    Err(ShapeError::Input { input: 0, shape: inputs[0], needs: "the shape of the output's patches" })
                }
            }
            Op::Iota { axis } => {
                count(inputs, 0, "no input")?;
                let axis = dimension(output, *axis)?;
                ensure(output.dims()[axis] <= 1 << 24, output, "at most 2^24 long in that dimension")
            }
            Op::Random { stream } => {
                count(inputs, 1, "a counter")?;
                let shape = inputs[0];
                if shape.dims() != [COUNTER_LENGTH as u32] {
                    return Err(ShapeError::Input { input: 0, shape, needs: "shape [8]" });
                }
                parameter(*stream < 1 << 24, "a stream below 2^24")?;
                ensure(output.elements_wide() <= 1 << 34, output, "of at most 2^34 elements")
            }
        }
    }
}

const WINDOW: ShapeError =
    ShapeError::Parameter { needs: "a window of at least 1, moving by at least 1, that fits into the padded images" };

/// `axis`, if `shape` has it.
fn dimension(shape: &Shape, axis: u8) -> Result<usize, ShapeError> {
    let axis = usize::from(axis);
    parameter(axis < shape.rank(), "an axis that is there")?;
    Ok(axis)
}

fn same_but(input: usize, shape: &Shape, output: &Shape, axis: usize) -> Result<(), ShapeError> {
    let same =
        shape.rank() == output.rank() && (0..shape.rank()).all(|i| i == axis || shape.dims()[i] == output.dims()[i]);
    let needs = "the output's shape in all dimensions but the axis";
    if same { Ok(()) } else { Err(ShapeError::Input { input, shape: *shape, needs }) }
}

fn is_matrix(shape: &Shape, [rows, columns]: [u128; 2]) -> bool {
    shape.rank() == 2 && u128::from(shape.from_right(1)) == rows && u128::from(shape.from_right(0)) == columns
}

fn parameter(fits: bool, needs: &'static str) -> Result<(), ShapeError> {
    if fits { Ok(()) } else { Err(ShapeError::Parameter { needs }) }
}

fn count(inputs: &[Shape], n: usize, takes: &'static str) -> Result<(), ShapeError> {
    if inputs.len() == n { Ok(()) } else { Err(ShapeError::InputCount { takes, given: inputs.len() }) }
}

fn rank(inputs: &[Shape], input: usize, least: usize, most: usize, needs: &'static str) -> Result<(), ShapeError> {
    let shape = inputs[input];
    if (least..=most).contains(&shape.rank()) { Ok(()) } else { Err(ShapeError::Input { input, shape, needs }) }
}

fn ensure(fits: bool, declared: &Shape, needs: &'static str) -> Result<(), ShapeError> {
    if fits { Ok(()) } else { Err(ShapeError::Output { declared: *declared, needs }) }
}

fn output_is(declared: &Shape, made: Shape, needs: &'static str) -> Result<(), ShapeError> {
    ensure(*declared == made, declared, needs)
}

fn limit(length: u64, limit: u64) -> Result<(), ShapeError> {
    if length <= limit { Ok(()) } else { Err(ShapeError::TooLong { length, limit }) }
}

fn check_matmul(a: &Shape, b: &Shape, ta: bool, tb: bool, output: &Shape) -> Result<(), ShapeError> {
    rank(&[*a], 0, 2, 3, "rank 2 or 3")?;
    let inner_b = if tb { b.from_right(0) } else { b.from_right(1) };
    let sizes = matmul_sizes(a, b, ta, tb);
    if b.rank() != a.rank() || b.from_right(2) != a.from_right(2) || u64::from(inner_b) != sizes.k {
        return Err(ShapeError::Input {
            input: 1,
            shape: *b,
            needs: "the rank, first dimension and inner length of input 0",
        });
    }
    let fits = output.rank() == a.rank()
        && output.from_right(2) == a.from_right(2)
        && u64::from(output.from_right(1)) == sizes.m
        && u64::from(output.from_right(0)) == sizes.n;
    ensure(fits, output, "m x n")
}
