//! A method for every op, which knows the shape that it makes.

use assay_exact::{Expr, MAX_RANK, Op, Precision, Shape, Window};

use super::{ExprBuilder, GraphBuilder, Reg, Var, extent, shape};
use crate::error::EngineError;

impl GraphBuilder {
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

    /// A map, built here, over inputs that broadcast together.
    ///
    /// # Errors
    /// As [`GraphBuilder::map`], or the expression is too long.
    pub fn map_of<const N: usize>(
        &mut self,
        name: &str,
        inputs: [Var; N],
        make: impl FnOnce(&mut ExprBuilder, [Reg; N]) -> Reg,
    ) -> Result<Var, EngineError> {
        self.map(name, expr(make)?, &inputs)
    }

    /// The exact sum over `axes` (bits, outermost dimension first), which stay as 1.
    ///
    /// # Errors
    /// The tensor has no such axes.
    pub fn sum(&mut self, name: &str, x: Var, axes: u8) -> Result<Var, EngineError> {
        let shape = self.reduced(name, x, axes)?;
        self.op(name, Op::Sum { axes }, &[x], shape)
    }

    /// The long sum over `axes` (bits, outermost dimension first), which stay as 1.
    ///
    /// # Errors
    /// The tensor has no such axes.
    pub fn long_sum(&mut self, name: &str, x: Var, axes: u8) -> Result<Var, EngineError> {
        let shape = self.reduced(name, x, axes)?;
        self.op(name, Op::LongSum { axes }, &[x], shape)
    }

    /// The maximum over `axes`, which stay as 1. Its gradient is shared evenly by all that are
    /// equal to it.
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
        let shape = self.product(a, transpose_a, b, transpose_b)?;
        self.op(name, Op::MatMul { transpose_a, transpose_b, precision }, &[a, b], shape)
    }

    /// As [`GraphBuilder::matmul`], by block products.
    ///
    /// # Errors
    /// The shapes do not fit.
    pub fn block_matmul(
        &mut self,
        name: &str,
        (a, transpose_a): (Var, bool),
        (b, transpose_b): (Var, bool),
        precision: Precision,
        block: u32,
    ) -> Result<Var, EngineError> {
        let shape = self.product(a, transpose_a, b, transpose_b)?;
        self.op(name, Op::BlockMatMul { transpose_a, transpose_b, precision, block }, &[a, b], shape)
    }

    fn product(&self, a: Var, transpose_a: bool, b: Var, transpose_b: bool) -> Result<Shape, EngineError> {
        let (left, right) = (self.shape(a), self.shape(b));
        let m = left.from_right(usize::from(!transpose_a));
        let n = right.from_right(usize::from(transpose_b));
        let dims = [left.from_right(2), m, n];
        shape(if left.rank() > 2 { &dims } else { &dims[1..] })
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

    /// As [`GraphBuilder::scatter_add`], by long sums.
    ///
    /// # Errors
    /// The shapes do not fit.
    pub fn long_scatter_add(&mut self, name: &str, values: Var, indices: Var, rows: u32) -> Result<Var, EngineError> {
        let shape = shape(&[rows, self.shape(values).from_right(0)])?;
        self.op(name, Op::LongScatterAdd, &[values, indices], shape)
    }

    /// Dimension `i` of the result is dimension `order[i]` of `x`.
    ///
    /// # Errors
    /// The order has not every dimension once.
    pub fn permute(&mut self, name: &str, x: Var, order: &[u8]) -> Result<Var, EngineError> {
        let own = self.shape(x);
        let dims = order.iter().map(|&from| own.dims().get(usize::from(from)).copied());
        let dims = dims.collect::<Option<Vec<u32>>>().filter(|dims| dims.len() == own.rank());
        let Some(dims) = dims else {
            return Err(EngineError::Program(format!("{name}: {order:?} is no order of the dimensions of {own}")));
        };
        let mut whole = [0, 1, 2, 3];
        whole[..order.len()].copy_from_slice(order);
        self.op(name, Op::Permute { order: whole }, &[x], shape(&dims)?)
    }

    /// The part from `start` on, `length` long, along dimension `axis`.
    ///
    /// # Errors
    /// There is no such part.
    pub fn slice(&mut self, name: &str, x: Var, axis: u8, start: u32, length: u32) -> Result<Var, EngineError> {
        let shape = self.resized(name, x, axis, length)?;
        if shape == self.shape(x) {
            return Ok(x);
        }
        self.op(name, Op::Slice { axis, start }, &[x], shape)
    }

    /// The parts one after another along dimension `axis`.
    ///
    /// # Errors
    /// Their shapes differ elsewhere, or there are none.
    pub fn concat(&mut self, name: &str, axis: u8, parts: &[Var]) -> Result<Var, EngineError> {
        let size = |&part: &Var| self.shape(part).dims().get(usize::from(axis)).copied().unwrap_or(0);
        let sizes: Vec<u32> = parts.iter().map(size).collect();
        let length = sizes.iter().try_fold(0u32, |sum, &size| sum.checked_add(size));
        match (parts, length) {
            ([one], _) => Ok(*one),
            ([first, ..], Some(length)) => {
                let shape = self.resized(name, *first, axis, length)?;
                self.op(name, Op::Concat { axis }, parts, shape)
            }
            _ => Err(EngineError::Program(format!("{name}: no parts, or too long ones"))),
        }
    }

    /// The shape of `x` with another size along `axis`.
    fn resized(&self, name: &str, x: Var, axis: u8, length: u32) -> Result<Shape, EngineError> {
        let mut dims = self.shape(x).dims().to_vec();
        match dims.get_mut(usize::from(axis)) {
            Some(dim) => *dim = length,
            None => {
                return Err(EngineError::Program(format!("{name}: shape {dims:?} has no dimension {axis}")));
            }
        }
        shape(&dims)
    }

    /// What the window sees of `images` `[n, c, h, w]`, a row for each of its places: see
    /// [`Op::Patches`].
    ///
    /// # Errors
    /// The window does not fit into the images.
    pub fn patches(&mut self, name: &str, images: Var, window: Window) -> Result<Var, EngineError> {
        let own = self.shape(images);
        let Some([down, right]) = window.count(&own) else {
            return Err(EngineError::Program(format!(
                "{name}: a window of {:?} moving by {:?} does not fit into images {own} with a padding of {:?}",
                window.kernel, window.stride, window.padding
            )));
        };
        let size = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
        let rows = extent(name, &[own.from_right(3), size(down), size(right)])?;
        let columns = extent(name, &[own.from_right(2), window.kernel[0], window.kernel[1]])?;
        self.op(name, Op::Patches(window), &[images], shape(&[rows, columns])?)
    }

    /// The exact sums of what `patches` have from each place of images of shape `images`.
    ///
    /// # Errors
    /// The shapes do not fit.
    pub fn fold(&mut self, name: &str, patches: Var, window: Window, images: Shape) -> Result<Var, EngineError> {
        self.op(name, Op::Fold(window), &[patches], images)
    }

    /// The index along dimension `axis`.
    ///
    /// # Errors
    /// There is no such dimension, or it is longer than 2^24.
    pub fn iota(&mut self, name: &str, shape: Shape, axis: u8) -> Result<Var, EngineError> {
        self.op(name, Op::Iota { axis }, &[], shape)
    }

    /// Random numbers in `[0, 1)`, others in every step and in every tensor.
    ///
    /// # Errors
    /// There are too many.
    pub fn random(&mut self, name: &str, shape: Shape) -> Result<Var, EngineError> {
        let counter = self.counter()?;
        let stream = self.stream();
        self.op(name, Op::Random { stream }, &[counter], shape)
    }
}

/// An expression of `N` inputs.
///
/// # Errors
/// It is too long.
pub(crate) fn expr<const N: usize>(make: impl FnOnce(&mut ExprBuilder, [Reg; N]) -> Reg) -> Result<Expr, EngineError> {
    let mut b = ExprBuilder::new(N);
    let inputs = std::array::from_fn(|i| b.input(i));
    let result = make(&mut b, inputs);
    b.finish(result)
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
