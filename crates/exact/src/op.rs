//! The ops of a step program, and the shapes they accept.

use parity_scale_codec::{Decode, Encode};

use crate::expr::{Expr, ExprError};
use crate::shape::{MAX_RANK, Shape};
use crate::window::Window;

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
    /// One input; dimension `i` of the output is the input's dimension `order[i]`.
    /// Places of `order` at and beyond the rank hold their own number.
    #[codec(index = 11)]
    Permute {
        /// A permutation of `0..4`.
        order: [u8; MAX_RANK],
    },
    /// One input; the output is its part from `start` on along dimension `axis`, as
    /// long there as it is declared.
    #[codec(index = 12)]
    Slice {
        /// The dimension, outermost first.
        axis: u8,
        /// The first index.
        start: u32,
    },
    /// 1 to 65,535 inputs, whose shapes differ in dimension `axis` at most; the output
    /// has them one after another along it.
    #[codec(index = 13)]
    Concat {
        /// The dimension, outermost first.
        axis: u8,
    },
    /// One input, images `[n, c, h, w]`. Row `(i * oh + y) * ow + x` of the output
    /// `[n * oh * ow, c * kh * kw]` is what the window sees of image `i` at its place
    /// `(y, x)`, channel by channel, row-major, with `+0` in the padding: a convolution is
    /// a matmul of this with the weights.
    #[codec(index = 14)]
    Patches(Window),
    /// One input, patches `[n * oh * ow, c * kh * kw]` as [`Op::Patches`] makes them; an
    /// element of the output `[n, c, h, w]` is the exact sum of all that the patches have
    /// from its place.
    #[codec(index = 15)]
    Fold(Window),
    /// No input. An element is its index along dimension `axis`, whose size is at most 2^24.
    #[codec(index = 16)]
    Iota {
        /// The dimension, outermost first.
        axis: u8,
    },
    /// One input of shape `[8]`, a counter: [`crate::philox::counter`]. Element `i` is the
    /// number in `[0, 1)` that [`crate::philox::unit`] makes of random word `i` of stream
    /// `2^25 + stream`, with the counter's key, at its step.
    #[codec(index = 17)]
    Random {
        /// Below 2^24; another for every random tensor of a program.
        stream: u32,
    },
    /// One input. The long sum ([`crate::long`]) over `axes`; else as [`Op::Sum`].
    #[codec(index = 18)]
    LongSum {
        /// The axes summed over, as bits; not 0.
        axes: u8,
    },
    /// As [`Op::ScatterAdd`], with long sums.
    #[codec(index = 19)]
    LongScatterAdd,
    /// As [`Op::MatMul`], but `k` is cut into blocks of `block` (the last may be shorter).
    /// Rows and columns are quantised block by block, each part with an exponent of its
    /// own, the exact product of each block is rounded once, and an element is the long
    /// sum of these. If a block's product is an infinity, so is the element: the positive
    /// one if there are both.
    #[codec(index = 20)]
    BlockMatMul {
        /// Whether A is stored as k x m.
        transpose_a: bool,
        /// Whether B is stored as n x k.
        transpose_b: bool,
        /// How rows and columns are quantised.
        precision: Precision,
        /// The length of a block; at least 1.
        block: u32,
    },
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
    /// The op's own numbers make no sense.
    Parameter {
        /// What they should be.
        needs: &'static str,
    },
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
            ShapeError::Parameter { needs } => write!(f, "it needs {needs}"),
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
            Op::Permute { .. } => "permute",
            Op::Slice { .. } => "slice",
            Op::Concat { .. } => "concat",
            Op::Patches(_) => "patches",
            Op::Fold(_) => "fold",
            Op::Iota { .. } => "iota",
            Op::Random { .. } => "random",
            Op::LongSum { .. } => "long-sum",
            Op::LongScatterAdd => "long-scatter-add",
            Op::BlockMatMul { .. } => "block-matmul",
        }
    }
}
