//! `element`: the closed definition of every op's output.

use alloc::vec::Vec;

use crate::long::LongSum;
use crate::op::{MatMulSizes, Op, Precision, ShapeError, matmul_sizes};
use crate::philox;
use crate::quantise::exact_dot;
use crate::scalar::{from_total_order_key, total_order_key};
use crate::shape::Shape;
use crate::sum::exact_sum;

/// A tensor that an op reads, element by element.
pub trait Operand {
    /// Its shape.
    fn shape(&self) -> Shape;

    /// The element at a flat, row-major index below the number of elements; `None`
    /// if it is not at hand (a court is given only the elements it needs).
    fn get(&self, index: u64) -> Option<f32>;
}

/// An operand held in memory.
#[derive(Clone, Copy, Debug)]
pub struct SliceOperand<'a> {
    shape: Shape,
    data: &'a [f32],
}

impl<'a> SliceOperand<'a> {
    /// A tensor of this shape; elements beyond `data` count as not at hand.
    #[must_use]
    pub fn new(shape: Shape, data: &'a [f32]) -> Self {
        SliceOperand { shape, data }
    }
}

impl Operand for SliceOperand<'_> {
    fn shape(&self) -> Shape {
        self.shape
    }

    fn get(&self, index: u64) -> Option<f32> {
        self.data.get(usize::try_from(index).ok()?).copied()
    }
}

/// Why an element has no value. Each of these ends a job.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ElementError {
    /// The result is an infinity or a NaN.
    NonFinite {
        /// The output index.
        index: u64,
        /// The result's bits.
        bits: u32,
    },
    /// An input element is an infinity or a NaN; ops are only defined on numbers.
    NonFiniteInput {
        /// Which input.
        input: usize,
        /// The index in it.
        index: u64,
    },
    /// An element that should be an integer in `0..limit` is not.
    BadInteger {
        /// Which input.
        input: usize,
        /// The index in it.
        index: u64,
        /// What is there, as bits.
        bits: u32,
        /// The limit.
        limit: u32,
    },
    /// An input element is not at hand.
    Missing {
        /// Which input.
        input: usize,
        /// The index in it.
        index: u64,
    },
    /// The op does not fit the shapes.
    Shape(ShapeError),
    /// The output has no such index.
    OutOfRange {
        /// The index asked for.
        index: u64,
    },
}

impl ElementError {
    /// The error for a result that is an infinity or a NaN. Which NaN it is differs
    /// from processor to processor, so every NaN is reported as `0x7fc00000`.
    #[must_use]
    pub fn non_finite(index: u64, value: f32) -> ElementError {
        let bits = if value.is_nan() { 0x7fc0_0000 } else { value.to_bits() };
        ElementError::NonFinite { index, bits }
    }
}

impl core::fmt::Display for ElementError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            ElementError::NonFinite { index, bits } => {
                write!(f, "element {index} is {}", f32::from_bits(*bits))
            }
            ElementError::NonFiniteInput { input, index } => {
                write!(f, "element {index} of input {input} is not a finite number")
            }
            ElementError::BadInteger { input, index, bits, limit } => write!(
                f,
                "element {index} of input {input} is {}, but should be an integer from 0 to {}",
                f32::from_bits(*bits),
                i64::from(*limit) - 1
            ),
            ElementError::Missing { input, index } => {
                write!(f, "element {index} of input {input} is not at hand")
            }
            ElementError::Shape(error) => write!(f, "{error}"),
            ElementError::OutOfRange { index } => write!(f, "the output has no element {index}"),
        }
    }
}

impl core::error::Error for ElementError {}

impl From<ShapeError> for ElementError {
    fn from(error: ShapeError) -> Self {
        ElementError::Shape(error)
    }
}

/// The integer that `x` is, if it is one in `0..limit` (`-0` is 0).
#[must_use]
pub fn integer_below(x: f32, limit: u32) -> Option<u32> {
    // 2^24 integers are exact in binary32; a cast saturates, so compare back.
    let value = x as u32;
    (x >= 0.0 && value as f32 == x && value < limit).then_some(value)
}

/// Element `index` (flat, row-major) of the output, of shape `output`, of `op`
/// applied to `inputs`.
///
/// # Errors
/// [`ElementError`]: the shapes do not fit, an input element is missing or not a
/// finite number, an integer is out of range, or the result is not finite.
pub fn element(op: &Op, inputs: &[&dyn Operand], output: &Shape, index: u64) -> Result<f32, ElementError> {
    let shapes: Vec<Shape> = inputs.iter().map(|input| input.shape()).collect();
    op.check(&shapes, output)?;
    if u128::from(index) >= output.elements_wide() {
        return Err(ElementError::OutOfRange { index });
    }
    let value = match op {
        Op::Fill { bits } => f32::from_bits(*bits),
        Op::Map(expr) => {
            let mut values = [0.0; crate::MAX_INPUTS];
            for (input, shape) in shapes.iter().enumerate() {
                values[input] = read(inputs, input, shape.broadcast_index(output, index))?;
            }
            expr.eval(&values[..inputs.len()])
        }
        Op::Sum { axes } => {
            let count = shapes[0].reduction_count(*axes);
            sum((0..count).map(|r| (0, shapes[0].reduction_index(*axes, index, r))), inputs)?
        }
        Op::Max { axes } => {
            let mut greatest = i32::MIN;
            for r in 0..shapes[0].reduction_count(*axes) {
                let x = read(inputs, 0, shapes[0].reduction_index(*axes, index, r))?;
                greatest = greatest.max(total_order_key(x));
            }
            from_total_order_key(greatest)
        }
        Op::Total => {
            let all = (0..inputs.len()).flat_map(|input| (0..shapes[input].elements()).map(move |i| (input, i)));
            sum(all, inputs)?
        }
        Op::MatMul { transpose_a, transpose_b, precision } => {
            let dot = Dot::new(inputs, &shapes, *transpose_a, *transpose_b, index);
            dot.exact(0..dot.k, *precision)?
        }
        Op::BlockMatMul { transpose_a, transpose_b, precision, block } => {
            let dot = Dot::new(inputs, &shapes, *transpose_a, *transpose_b, index);
            let block = u64::from(*block);
            let mut total = LongSum::default();
            let mut infinity = None;
            for start in (0..dot.k).step_by(block as usize) {
                let part = dot.exact(start..dot.k.min(start + block), *precision)?;
                if part.is_finite() {
                    total.add(part);
                } else if infinity != Some(f32::INFINITY) {
                    infinity = Some(part);
                }
            }
            infinity.unwrap_or_else(|| total.finish())
        }
        Op::OneHot => {
            let classes = output.from_right(0);
            let row = index / u64::from(classes);
            let class = read_integer(inputs, 0, row, classes)?;
            if u64::from(class) == index % u64::from(classes) { 1.0 } else { 0.0 }
        }
        Op::Transpose => {
            let (rows, columns) = (u64::from(output.from_right(1)), u64::from(output.from_right(0)));
            let (batch, row, column) = (index / (rows * columns), index / columns % rows, index % columns);
            read(inputs, 0, (batch * columns + column) * rows + row)?
        }
        Op::Reshape => read(inputs, 0, index)?,
        Op::Gather => {
            let width = u64::from(output.from_right(0));
            let row = read_integer(inputs, 1, index / width, shapes[0].from_right(1))?;
            read(inputs, 0, u64::from(row) * width + index % width)?
        }
        Op::ScatterAdd | Op::LongScatterAdd => {
            let width = u64::from(output.from_right(0));
            let (target, column) = (index / width, index % width);
            let mut rows = Vec::new();
            for i in 0..shapes[1].elements() {
                let row = read_integer(inputs, 1, i, output.from_right(1))?;
                if u64::from(row) == target {
                    rows.push((0, i * width + column));
                }
            }
            match op {
                Op::ScatterAdd => sum(rows.into_iter(), inputs)?,
                _ => long(rows.into_iter(), inputs)?,
            }
        }
        Op::Permute { order } => {
            let mut flat = 0;
            let mut rest = index;
            for i in (0..output.rank()).rev() {
                let size = u64::from(output.dims()[i]);
                let from = usize::from(order[i]);
                let stride: u64 = shapes[0].dims()[from + 1..].iter().map(|&dim| u64::from(dim)).product();
                flat += rest % size * stride;
                rest /= size;
            }
            read(inputs, 0, flat)?
        }
        Op::Slice { axis, start } => {
            let (outer, at, inner) = along(output, *axis, index);
            read(inputs, 0, from_along(&shapes[0], *axis, outer, at + u64::from(*start), inner))?
        }
        Op::Concat { axis } => {
            let (outer, mut at, inner) = along(output, *axis, index);
            let mut input = 0;
            // The check has made sure that the lengths add up to the output's.
            while at >= u64::from(shapes[input].dims()[usize::from(*axis)]) {
                at -= u64::from(shapes[input].dims()[usize::from(*axis)]);
                input += 1;
            }
            read(inputs, input, from_along(&shapes[input], *axis, outer, at, inner))?
        }
        Op::Patches(window) => match window.places(&shapes[0]).and_then(|places| places.source(index)) {
            Some(source) => read(inputs, 0, source)?,
            None => 0.0,
        },
        Op::Fold(window) => {
            let readers = window.places(output).into_iter().flat_map(|places| places.readers(index));
            sum(readers.map(|reader| (0, reader)), inputs)?
        }
        Op::Iota { axis } => along(output, *axis, index).1 as f32,
        Op::Random { stream } => {
            let mut parts = [0; philox::COUNTER_LENGTH];
            for (i, part) in parts.iter_mut().enumerate() {
                *part = read_integer(inputs, 0, i as u64, 1 << 16)?;
            }
            let (key, step) = philox::from_counter(parts);
            philox::unit(philox::word(key, (1 << 25) + stream, step, index))
        }
        Op::LongSum { axes } => {
            let count = shapes[0].reduction_count(*axes);
            long((0..count).map(|r| (0, shapes[0].reduction_index(*axes, index, r))), inputs)?
        }
    };
    if value.is_finite() { Ok(value) } else { Err(ElementError::non_finite(index, value)) }
}

/// The places of a row of A' and a column of B'.
struct Dot<'a> {
    inputs: &'a [&'a dyn Operand],
    k: u64,
    /// First index and distance of the row's elements.
    row: (u64, u64),
    /// Likewise, the column's.
    column: (u64, u64),
}

impl<'a> Dot<'a> {
    fn new(inputs: &'a [&'a dyn Operand], shapes: &[Shape], ta: bool, tb: bool, index: u64) -> Dot<'a> {
        let MatMulSizes { m, k, n, .. } = matmul_sizes(&shapes[0], &shapes[1], ta, tb);
        let (batch, row, column) = (index / (m * n), index / n % m, index % n);
        Dot {
            inputs,
            k,
            row: if ta { (batch * m * k + row, m) } else { (batch * m * k + row * k, 1) },
            column: if tb { (batch * k * n + column * k, 1) } else { (batch * k * n + column, n) },
        }
    }

    /// The exact product of the part `range` of `0..k`.
    fn exact(&self, range: core::ops::Range<u64>, precision: Precision) -> Result<f32, ElementError> {
        let at = |(first, distance): (u64, u64), i: u64| first + distance * i;
        // Read everything once, so that what is missing or not finite is an error;
        // the passes after that cannot fail.
        for i in range.clone() {
            read(self.inputs, 0, at(self.row, i))?;
            read(self.inputs, 1, at(self.column, i))?;
        }
        let row = range.clone().map(|i| read(self.inputs, 0, at(self.row, i)).unwrap_or(f32::NAN));
        let column = range.map(|i| read(self.inputs, 1, at(self.column, i)).unwrap_or(f32::NAN));
        Ok(exact_dot(row, column, precision))
    }
}

/// Flat index `index` of `shape` as (all dimensions before `axis`, the one along it, all
/// after it).
fn along(shape: &Shape, axis: u8, index: u64) -> (u64, u64, u64) {
    let inner: u64 = shape.dims()[usize::from(axis) + 1..].iter().map(|&dim| u64::from(dim)).product();
    let length = u64::from(shape.dims()[usize::from(axis)]);
    (index / inner / length, index / inner % length, index % inner)
}

/// The inverse of [`along`].
fn from_along(shape: &Shape, axis: u8, outer: u64, at: u64, inner: u64) -> u64 {
    let size: u64 = shape.dims()[usize::from(axis) + 1..].iter().map(|&dim| u64::from(dim)).product();
    (outer * u64::from(shape.dims()[usize::from(axis)]) + at) * size + inner
}

fn read(inputs: &[&dyn Operand], input: usize, index: u64) -> Result<f32, ElementError> {
    let value = inputs[input].get(index).ok_or(ElementError::Missing { input, index })?;
    if value.is_finite() { Ok(value) } else { Err(ElementError::NonFiniteInput { input, index }) }
}

fn read_integer(inputs: &[&dyn Operand], input: usize, index: u64, limit: u32) -> Result<u32, ElementError> {
    let value = read(inputs, input, index)?;
    integer_below(value, limit).ok_or(ElementError::BadInteger { input, index, bits: value.to_bits(), limit })
}

fn sum(places: impl Iterator<Item = (usize, u64)> + Clone, inputs: &[&dyn Operand]) -> Result<f32, ElementError> {
    for (input, index) in places.clone() {
        read(inputs, input, index)?;
    }
    Ok(exact_sum(places.map(|(input, index)| read(inputs, input, index).unwrap_or(f32::NAN))))
}

fn long(places: impl Iterator<Item = (usize, u64)>, inputs: &[&dyn Operand]) -> Result<f32, ElementError> {
    let mut total = LongSum::default();
    for (input, index) in places {
        total.add(read(inputs, input, index)?);
    }
    Ok(total.finish())
}
