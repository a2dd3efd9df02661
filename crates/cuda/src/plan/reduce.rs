//! Sums, long sums, maxima, scatter-add.
//!
//! One output per thread or per warp where that keeps the device busy; otherwise the addends of
//! an output are cut into chunks, and blocks meet by atomics.

use assay_engine::Shape;

use super::{BLOCK, Planner, Tensor, pair};
use crate::device::DeviceError;

/// Addends that one thread takes one after another rather than sharing them.
const FEW: u64 = 64;
/// Addends that one warp takes rather than sharing them.
const SOME: u64 = 1024;
/// The least chunks: along a row, by a block's threads side by side; down columns, by one thread each.
const ROW_CHUNK: u64 = 2048;
const COLUMN_CHUNK: u64 = 32;
/// Words of a long accumulator.
const DIGITS: u64 = 10;
/// The key below all numbers' keys, for maxima.
const LEAST_KEY: u32 = 1 << 31;

/// `struct Fold` of sums.cu.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fold {
    pub outputs: u64,
    pub count: u64,
    /// 0 for axes that are not neighbours.
    inner: u64,
    dims: [u32; 4],
    axes: u64,
}

impl Fold {
    /// Input `[outer, count, inner]`.
    pub fn neighbours(outer: u64, count: u64, inner: u64) -> Fold {
        Fold { outputs: outer * inner, count, inner, dims: [1; 4], axes: 0 }
    }

    fn of(shape: &Shape, axes: u8) -> Fold {
        let mut sizes = [1u64; 3];
        let mut part = 0;
        for (axis, &size) in shape.dims().iter().enumerate() {
            let reduced = axes >> axis & 1 == 1;
            // An axis of 1 may count as reduced or not.
            if size != 1 {
                match (part, reduced) {
                    (0, true) => part = 1,
                    (1, false) => part = 2,
                    (2, true) => return Fold::scattered(shape, axes),
                    _ => {}
                }
            }
            sizes[part] *= u64::from(size);
        }
        Fold::neighbours(sizes[0], sizes[1], sizes[2])
    }

    fn scattered(shape: &Shape, axes: u8) -> Fold {
        let (mut kept, mut folded) = (1, 0);
        for axis in 0..shape.rank() {
            if axes >> (shape.rank() - 1 - axis) & 1 == 1 {
                folded |= 1 << axis;
            } else {
                kept *= u64::from(shape.from_right(axis));
            }
        }
        Fold {
            outputs: kept,
            count: shape.reduction_count(axes),
            inner: 0,
            dims: std::array::from_fn(|axis| shape.from_right(axis)),
            axes: folded,
        }
    }

    fn words(&self) -> [u64; 6] {
        let [a, b, c, d] = self.dims;
        [self.outputs, self.count, self.inner, pair(a, b), pair(c, d), self.axes]
    }

    /// Whether neighbouring addends are neighbours in memory rather than neighbouring outputs.
    fn by_row(&self) -> bool {
        self.inner <= 1
    }
}

/// How the addends are cut.
#[derive(Clone, Copy)]
struct Cut {
    chunk: u64,
    by_row: u64,
    grid: [u32; 3],
}

impl<K> Planner<'_, K> {
    fn cut(&self, fold: &Fold) -> Cut {
        let (columns, least) = if fold.by_row() {
            (fold.outputs, ROW_CHUNK)
        } else {
            (fold.outputs.div_ceil(u64::from(BLOCK)), COLUMN_CHUNK)
        };
        let wanted = (8 * u64::from(self.limits.multiprocessors)).div_ceil(columns).clamp(1, 65_535);
        let chunk = fold.count.div_ceil(wanted).max(least);
        let grid = [columns as u32, fold.count.div_ceil(chunk) as u32, 1];
        Cut { chunk, by_row: u64::from(fold.by_row()), grid }
    }

    /// Whether there is one output per thread, or (`None`) the addends have to be shared out.
    /// Some reductions have a kernel with an output per warp as well.
    fn whole(&self, fold: &Fold, has_warps: bool) -> Option<bool> {
        let multiprocessors = u64::from(self.limits.multiprocessors);
        let warps = has_warps && fold.by_row() && fold.count > 16;
        if fold.count <= FEW || (!warps && fold.outputs >= 256 * multiprocessors) {
            Some(warps)
        } else if warps && (fold.count <= SOME || fold.outputs >= 16 * multiprocessors) {
            Some(true)
        } else {
            None
        }
    }

    pub(super) fn sum(&mut self, x: Tensor, axes: u8, out: Tensor) -> Result<(), DeviceError> {
        let fold = Fold::of(&x.shape, axes);
        match self.whole(&fold, true) {
            Some(warps) => self.whole_outputs(["sum_threads", "sum_warps"], warps, x.address, &fold, out),
            None => {
                let (most, totals) = (self.filled(fold.outputs, 0)?, self.filled(2 * fold.outputs, 0)?);
                self.most("sum_most", x.address, &fold, most)?;
                self.totals(x.address, &fold, most, totals)?;
                self.finish_sum(most, totals, fold.outputs, out)
            }
        }
    }

    pub(super) fn total(&mut self, inputs: &[Tensor], out: Tensor) -> Result<(), DeviceError> {
        let (most, totals) = (self.filled(1, 0)?, self.filled(2, 0)?);
        let parts = inputs.iter().filter(|input| input.elements() > 0);
        let parts = parts.map(|input| (input.address, Fold::neighbours(1, input.elements(), 1)));
        for (x, fold) in parts.clone() {
            self.most("sum_most", x, &fold, most)?;
        }
        for (x, fold) in parts {
            self.totals(x, &fold, most, totals)?;
        }
        self.finish_sum(most, totals, 1, out)
    }

    pub(super) fn max(&mut self, x: Tensor, axes: u8, out: Tensor) -> Result<(), DeviceError> {
        let fold = Fold::of(&x.shape, axes);
        match self.whole(&fold, true) {
            Some(warps) => self.whole_outputs(["max_threads", "max_warps"], warps, x.address, &fold, out),
            None => {
                let most = self.filled(fold.outputs, LEAST_KEY)?;
                self.most("max_most", x.address, &fold, most)?;
                let report = self.report;
                self.over("max_finish", fold.outputs, &[&[most], &[fold.outputs], &[out.address], &report])
            }
        }
    }

    pub(super) fn long_sum(&mut self, x: Tensor, axes: u8, out: Tensor) -> Result<(), DeviceError> {
        let fold = Fold::of(&x.shape, axes);
        if self.whole(&fold, false).is_some() {
            return self.long_threads(x.address, &fold, out);
        }
        let digits = self.filled(2 * DIGITS * fold.outputs, 0)?;
        let Cut { chunk, by_row, grid } = self.cut(&fold);
        self.launch("long_part", grid, &[&[x.address], &fold.words(), &[chunk], &[by_row], &[digits]])?;
        let report = self.report;
        self.over("long_finish", fold.outputs, &[&[digits], &[fold.outputs], &[out.address], &report])
    }

    pub(super) fn long_threads(&mut self, x: u64, fold: &Fold, out: Tensor) -> Result<(), DeviceError> {
        self.whole_outputs(["long_threads"; 2], false, x, fold, out)
    }

    fn whole_outputs(
        &mut self,
        names: [&str; 2],
        warps: bool,
        x: u64,
        fold: &Fold,
        out: Tensor,
    ) -> Result<(), DeviceError> {
        let threads = if warps { 32 * fold.outputs } else { fold.outputs };
        let report = self.report;
        self.over(names[usize::from(warps)], threads, &[&[x], &fold.words(), &[out.address], &report])
    }

    fn most(&mut self, name: &str, x: u64, fold: &Fold, most: u64) -> Result<(), DeviceError> {
        let Cut { chunk, by_row, grid } = self.cut(fold);
        self.launch(name, grid, &[&[x], &fold.words(), &[chunk], &[by_row], &[most]])
    }

    fn totals(&mut self, x: u64, fold: &Fold, most: u64, totals: u64) -> Result<(), DeviceError> {
        let Cut { chunk, by_row, grid } = self.cut(fold);
        self.launch("sum_totals", grid, &[&[x], &fold.words(), &[chunk], &[by_row], &[most], &[totals]])
    }

    fn finish_sum(&mut self, most: u64, totals: u64, outputs: u64, out: Tensor) -> Result<(), DeviceError> {
        let report = self.report;
        self.over("sum_finish", outputs, &[&[most], &[totals], &[outputs], &[out.address], &report])
    }

    /// `kernel` sums the rows listed for each target.
    pub(super) fn scatter(&mut self, kernel: &str, values: Tensor, x: Tensor, out: Tensor) -> Result<(), DeviceError> {
        let (targets, width) = (u64::from(out.shape.from_right(1)), u64::from(out.shape.from_right(0)));
        let n = x.elements();
        let (integers, list) = (self.scratch(4 * n), self.scratch(4 * n));
        let counts = self.filled(targets, 0)?;
        let (starts, cursors) = (self.scratch(4 * (targets + 1)), self.scratch(4 * (targets + 1)));
        let report = self.report;
        self.over("scatter_count", n, &[&[x.address], &[n], &[targets], &[integers], &[counts], &report])?;
        self.launch("scatter_starts", [1; 3], &[&[counts], &[targets], &[starts], &[cursors]])?;
        self.over("scatter_list", n, &[&[integers], &[n], &[cursors], &[list]])?;
        let sizes: [&[u64]; 2] = [&[targets], &[width]];
        self.over(
            kernel,
            out.elements(),
            &[&[values.address], &[starts], &[list], sizes[0], sizes[1], &[out.address], &report],
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_axes_collapse() {
        let shape = Shape::new(&[2, 3, 4, 5]).unwrap();
        assert_eq!(Fold::of(&shape, 0b0110), Fold::neighbours(2, 12, 5));
        assert_eq!(Fold::of(&shape, 0b1000), Fold::neighbours(24, 5, 1));
        assert_eq!(Fold::of(&shape, 0b1111), Fold::neighbours(1, 120, 1));
        let fold = Fold::of(&shape, 0b0101);
        assert_eq!((fold.outputs, fold.count, fold.dims, fold.axes), (15, 8, [5, 4, 3, 2], 0b1010));
        // A dimension of 1 does not stand between others.
        let shape = Shape::new(&[2, 3, 1, 5]).unwrap();
        assert_eq!(Fold::of(&shape, 0b1010), Fold::neighbours(2, 15, 1));
    }
}
