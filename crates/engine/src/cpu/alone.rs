//! An exact matmul outside of a program.

use std::sync::Arc;

use assay_exact::{Op, Precision, Shape, ShapeError};
use rayon::ThreadPool;

use super::CpuBackend;
use super::matmul::{MatMuls, Operand, cost};
use super::split::Split;
use crate::session::View;

/// What [`ExactMatMul::run`] multiplies.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a> {
    /// Its shape as it is stored, row-major, of rank 2.
    pub shape: [u32; 2],
    /// Its elements; all finite.
    pub data: &'a [f32],
    /// Whether its transpose is meant.
    pub transposed: bool,
}

/// Exact matmuls without a program: for measurements, and for whoever wants the numbers of
/// `assay_exact::Op::MatMul` elsewhere. Keeps what it allocates.
pub struct ExactMatMul {
    pool: Arc<ThreadPool>,
    split: Split,
    matmuls: MatMuls,
}

impl CpuBackend {
    /// Exact matmuls with this back end's threads and instructions.
    #[must_use]
    pub fn exact_matmul(&self) -> ExactMatMul {
        ExactMatMul { pool: Arc::clone(&self.pool), split: self.split(), matmuls: MatMuls::alone(self.level) }
    }
}

impl ExactMatMul {
    /// `out = a b`, row-major. Gives whether all of it is finite.
    ///
    /// # Errors
    /// The shapes do not fit.
    ///
    /// # Panics
    /// If a matrix has not as many elements as its shape says.
    pub fn run(
        &mut self,
        a: Matrix<'_>,
        b: Matrix<'_>,
        precision: Precision,
        out: &mut [f32],
    ) -> Result<bool, ShapeError> {
        let operand = |Matrix { shape, data, transposed }| {
            let shape = Shape::new(&shape).expect("rank 2");
            assert_eq!(shape.elements(), data.len() as u64, "the elements of a matrix {shape}");
            Operand { view: View { shape, data }, transposed }
        };
        let (rows, columns) = (a.shape[usize::from(a.transposed)], b.shape[usize::from(!b.transposed)]);
        let op = Op::MatMul { transpose_a: a.transposed, transpose_b: b.transposed, precision };
        let operands = [operand(a), operand(b)];
        let output = Shape::new(&[rows, columns]).expect("rank 2");
        op.check(&operands.map(|operand| operand.view.shape), &output)?;
        assert_eq!(output.elements(), out.len() as u64, "the elements of the product {output}");
        let ExactMatMul { pool, split, matmuls } = self;
        // A small product wakes no thread.
        let k = a.shape[usize::from(!a.transposed)] as usize;
        Ok(if split.threads > 1 && cost(out.len(), k) >= split.grain {
            pool.install(|| matmuls.run(0, operands, precision, out, *split))
        } else {
            matmuls.run(0, operands, precision, out, split.alone())
        })
    }
}
