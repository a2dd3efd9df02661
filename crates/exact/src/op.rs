//! The ops of a step program, and the shapes they accept.

use parity_scale_codec::{Decode, Encode};

use crate::expr::{Expr, ExprError};
use crate::shape::Shape;
use crate::sum::MAX_ADDENDS;

/// How many bits a matmul's operands are quantised to: see [`crate::quantise`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode)]
pub enum Precision {
    /// 7 bits and a sign: one signed byte.
    #[codec(index = 0)]
    Int8x1,
    /// 14 bits and a sign: two signed bytes.
    #[codec(index = 1)]
    Int8x2,
    /// 21 bits and a sign: three signed bytes.
    #[codec(index = 2)]
    Int8x3,
}

/// What an op computes. Its inputs and its output are numbered tensors of the
/// program; the output's shape is declared there and checked by [`Op::check`].
///
/// Tags are fixed; a new op takes a new one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Encode, Decode)]
pub enum Op {
    /// No input. Every element is the number with these bits.
    #[codec(index = 0)]
    Fill {
        /// IEEE 754 binary32 bits.
        bits: u32,
    },
    /// 1 to 16 inputs, each of which broadcasts to the output. An element is the
    /// expression of the inputs' elements at its index.
    #[codec(index = 1)]
    Map(Expr),
    /// One input. The exact sum over `axes` (bit `i` is dimension `i`, outermost
    /// first); the output has these dimensions as 1.
    #[codec(index = 2)]
    Sum {
        /// The axes summed over, as bits; not 0.
        axes: u8,
    },
    /// One input. The maximum over `axes`, by the total order in which `-0` is
    /// below `+0`; the output has these dimensions as 1. Reducing over nothing
    /// (a dimension of 0) is refused.
    #[codec(index = 3)]
    Max {
        /// The axes reduced over, as bits; not 0.
        axes: u8,
    },
    /// 1 to 65,535 inputs of any shapes. The exact sum of all elements of all of
    /// them; the output has rank 0.
    #[codec(index = 4)]
    Total,
    /// Two inputs A and B of rank 2, or of rank 3 with the same first dimension.
    /// The exact matmul `A' B'`, where the last two dimensions are transposed if
    /// asked for: `A'` is m x k, `B'` is k x n, the output m x n (for each index
    /// of the first dimension on its own).
    #[codec(index = 5)]
    MatMul {
        /// Whether A is stored as k x m.
        transpose_a: bool,
        /// Whether B is stored as n x k.
        transpose_b: bool,
        /// How rows and columns are quantised.
        precision: Precision,
    },
    /// One input of shape `[n]` holding integers in `0..c`; the output `[n, c]` is 1
    /// where the column is the row's integer and 0 elsewhere.
    #[codec(index = 6)]
    OneHot,
    /// One input of rank 2 or 3; the output has the last two dimensions exchanged.
    #[codec(index = 7)]
    Transpose,
    /// One input; the output has another shape with as many elements, in the same
    /// row-major order.
    #[codec(index = 8)]
    Reshape,
    /// Two inputs: a table `[v, d]` and integers in `0..v` of shape `[n]`; row `i` of
    /// the output `[n, d]` is the table's row that integer `i` names.
    #[codec(index = 9)]
    Gather,
    /// Two inputs: values `[n, d]` and integers in `0..v` of shape `[n]`; row `j` of the
    /// output `[v, d]` is the exact sum of the rows `i` whose integer is `j`.
    #[codec(index = 10)]
    ScatterAdd,
}

/// Why an op does not fit its tensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShapeError {
    /// The op takes another number of inputs.
    InputCount {
        /// How many it takes.
        takes: &'static str,
        /// How many there are.
        given: usize,
    },
    /// An input's shape does not suit the op.
    Input {
        /// Which input.
        input: usize,
        /// Its shape.
        shape: Shape,
        /// What the op needs.
        needs: &'static str,
    },
    /// The output is declared with another shape than the op makes.
    Output {
        /// The declared shape.
        declared: Shape,
        /// What the op makes.
        needs: &'static str,
    },
    /// The map expression cannot be evaluated.
    Expr(ExprError),
    /// More addends than the exact integer total has room for.
    TooLong {
        /// The length of the sum or dot product.
        length: u64,
        /// The greatest length.
        limit: u64,
    },
}

impl core::fmt::Display for ShapeError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            ShapeError::InputCount { takes, given } => {
                write!(f, "it takes {takes}, not {given}")
            }
            ShapeError::Input { input, shape, needs } => {
                write!(f, "input {input} has shape {shape}, but it needs {needs}")
            }
            ShapeError::Output { declared, needs } => {
                write!(f, "its output is declared as {declared}, but should be {needs}")
            }
            ShapeError::Expr(error) => write!(f, "{error}"),
            ShapeError::TooLong { length, limit } => {
                write!(f, "it adds {length} numbers; the exact total holds at most {limit}")
            }
        }
    }
}

impl core::error::Error for ShapeError {}

/// The sizes of a matmul: `batch` products of m x k by k x n.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MatMulSizes {
    pub batch: u64,
    pub m: u64,
    pub k: u64,
    pub n: u64,
}

pub(crate) fn matmul_sizes(a: &Shape, b: &Shape, ta: bool, tb: bool) -> MatMulSizes {
    let (rows_a, columns_a) = (u64::from(a.from_right(1)), u64::from(a.from_right(0)));
    let (rows_b, columns_b) = (u64::from(b.from_right(1)), u64::from(b.from_right(0)));
    let (m, k) = if ta { (columns_a, rows_a) } else { (rows_a, columns_a) };
    let n = if tb { rows_b } else { columns_b };
    MatMulSizes { batch: u64::from(a.from_right(2)), m, k, n }
}

impl Op {
    /// The op's name in messages.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Op::Fill { .. } => "fill",
            Op::Map(_) => "map",
            Op::Sum { .. } => "sum",
            Op::Max { .. } => "max",
            Op::Total => "total",
            Op::MatMul { .. } => "matmul",
            Op::OneHot => "one-hot",
            Op::Transpose => "transpose",
            Op::Reshape => "reshape",
            Op::Gather => "gather",
            Op::ScatterAdd => "scatter-add",
        }
    }

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
            Op::Sum { axes } | Op::Max { axes } => {
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
            Op::ScatterAdd => {
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
        }
    }
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
