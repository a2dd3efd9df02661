//! Ops that move numbers, and those that make them from their place.

use assay_engine::{Op, Shape};
use assay_exact::Window;

use super::{Planner, Tensor};
use crate::device::DeviceError;

/// The first random stream of ops: see docs/law.md.
const RANDOM_STREAM: u32 = 1 << 25;

/// `struct Strides` of moves.cu, and the first elements.
struct View {
    size: [u64; 4],
    source: [u64; 4],
    target: [u64; 4],
    start: [u64; 2],
}

/// How far apart neighbours are along each dimension, innermost first.
fn strides(shape: &Shape) -> [u64; 4] {
    let mut stride = 1;
    std::array::from_fn(|axis| {
        let own = stride;
        stride *= u64::from(shape.from_right(axis));
        own
    })
}

fn sizes(shape: &Shape) -> [u64; 4] {
    std::array::from_fn(|axis| u64::from(shape.from_right(axis)))
}

/// `struct Places` of moves.cu.
fn places(window: &Window, images: &Shape) -> [u64; 11] {
    let [height, width] = [1, 0].map(|axis| u64::from(images.from_right(axis)));
    let [kernel, stride, padding] = [window.kernel, window.stride, window.padding].map(|pair| pair.map(u64::from));
    let count = |axis: usize, size: u64| (size + 2 * padding[axis] - kernel[axis]) / stride[axis] + 1;
    let channels = u64::from(images.from_right(2));
    let [kv, kh] = kernel;
    let ([sv, sh], [pv, ph]) = (stride, padding);
    [channels, height, width, kv, kh, sv, sh, pv, ph, count(0, height), count(1, width)]
}

impl<K> Planner<'_, K> {
    /// Every op that the planner's other parts do not know.
    pub(super) fn moved(&mut self, op: &Op, inputs: &[Tensor], out: Tensor) -> Result<(), DeviceError> {
        let (to, count, report) = (out.address, out.elements(), self.report);
        let rows = |axis| u64::from(out.shape.from_right(axis));
        match op {
            Op::Reshape => self.over("copy", count, &[&[inputs[0].address], &[to], &[count]]),
            Op::Transpose => self.transpose(inputs[0], out),
            Op::OneHot => {
                let (n, classes) = (inputs[0].elements(), rows(0));
                self.over("one_hot", count, &[&[inputs[0].address], &[to], &[n], &[classes], &report])
            }
            Op::Gather => {
                let (table, x) = (inputs[0], inputs[1]);
                let sizes: [&[u64]; 3] = [&[x.elements()], &[rows(0)], &[u64::from(table.shape.from_right(1))]];
                let arguments = [&[table.address][..], &[x.address], &[to], sizes[0], sizes[1], sizes[2], &report];
                self.over("gather", count, &arguments)
            }
            Op::Permute { order } => {
                let (from, rank) = (strides(&inputs[0].shape), out.shape.rank());
                let mut view =
                    View { size: sizes(&out.shape), source: [0; 4], target: strides(&out.shape), start: [0; 2] };
                for axis in 0..rank {
                    view.source[rank - 1 - axis] = from[rank - 1 - usize::from(order[axis])];
                }
                self.copy_view(inputs[0], out, &view, count)
            }
            Op::Slice { axis, start } => {
                let source = strides(&inputs[0].shape);
                let along = out.shape.rank() - 1 - usize::from(*axis);
                let start = [u64::from(*start) * source[along], 0];
                let view = View { size: sizes(&out.shape), source, target: strides(&out.shape), start };
                self.copy_view(inputs[0], out, &view, count)
            }
            Op::Concat { axis } => {
                let target = strides(&out.shape);
                let along = out.shape.rank() - 1 - usize::from(*axis);
                let mut at = 0;
                for &input in inputs {
                    let start = [0, at * target[along]];
                    let view = View { size: sizes(&input.shape), source: strides(&input.shape), target, start };
                    self.copy_view(input, out, &view, input.elements())?;
                    at += u64::from(input.shape.from_right(along));
                }
                Ok(())
            }
            Op::Patches(window) => {
                let places = places(window, &inputs[0].shape);
                self.over("patches", count, &[&[inputs[0].address], &[to], &[count], &places])
            }
            Op::Fold(window) => {
                let places = places(window, &out.shape);
                self.over("fold", count, &[&[inputs[0].address], &[to], &[count], &places, &report])
            }
            Op::Iota { axis } => {
                let along = out.shape.rank() - 1 - usize::from(*axis);
                self.over("iota", count, &[&[to], &[count], &[rows(along)], &[strides(&out.shape)[along]]])
            }
            Op::Random { stream } => {
                let stream = [u64::from(RANDOM_STREAM + stream)];
                let arguments = [&[inputs[0].address][..], &[to], &[count], &stream, &report];
                self.over("random_units", count.div_ceil(4), &arguments)
            }
            op => unreachable!("{} has a part of its own", op.name()),
        }
    }

    fn copy_view(&mut self, x: Tensor, out: Tensor, view: &View, count: u64) -> Result<(), DeviceError> {
        let words = [view.size, view.source, view.target].concat();
        let [source, target] = view.start;
        self.over("copy_view", count, &[&[x.address], &[out.address], &[count], &words, &[source], &[target]])
    }

    fn transpose(&mut self, x: Tensor, out: Tensor) -> Result<(), DeviceError> {
        let (rows, columns, batch) = (x.shape.from_right(1), x.shape.from_right(0), x.shape.from_right(2));
        let grid = [columns.div_ceil(32), rows.div_ceil(32), batch];
        // A grid's second and third dimension are at most 65,535.
        if grid[1] > 65_535 || grid[2] > 65_535 {
            let mut source = strides(&x.shape);
            source.swap(0, 1);
            let view = View { size: sizes(&out.shape), source, target: strides(&out.shape), start: [0; 2] };
            return self.copy_view(x, out, &view, out.elements());
        }
        let sizes: [&[u64]; 2] = [&[u64::from(rows)], &[u64::from(columns)]];
        self.launch_shaped("transpose", grid, [32, 8, 1], 0, &[&[x.address], &[out.address], sizes[0], sizes[1]])
    }
}
