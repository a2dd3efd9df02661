//! The exact matmul, in whatever integer products the processor is fastest at.
//!
//! | instructions | `int8x1` | `int8x2` | `int8x3` |
//! | --- | --- | --- | --- |
//! | AVX-512 VNNI, AVX-VNNI | bytes | words | three products of limbs of 11 bits, as words |
//! | others | words | words | the same |
//!
//! `int8x3` with Karatsuba's trick: `(2^11 h + l)(2^11 h' + l') = 2^22 h h' +
//! 2^11 ((h + l)(h' + l') - h h' - l l') + l l'`.

mod blocks;
mod columns;
mod kernel;
mod multiply;
mod pack;
mod quantised;
mod rows;
#[cfg(target_arch = "x86_64")]
mod x86;

use std::cell::RefCell;

use assay_exact::{Op, Precision};

use self::blocks::Blocks;
use self::kernel::Kernel;
use self::multiply::{MACS, Product, Sizes};
use self::pack::{Form, Packed, Source};
use super::instructions::Level;
use super::parts::exponent;
use super::split::Split;
use crate::program::{Program, TensorKind};
use crate::session::View;
use crate::sums::Sums;

thread_local! {
    /// For batches whose products are spread over the threads.
    static SCRATCH: RefCell<[Packed; 2]> = RefCell::default();
}

/// The matmuls of a program, and what they keep from one to the next.
pub(super) struct MatMuls {
    words: Kernel,
    bytes: Option<Kernel>,
    /// For packed operands that are used once.
    scratch: [Packed; 2],
    /// Packed operands that are used again.
    kept: Vec<Kept>,
    /// By op: where its packed operands are kept.
    plan: Vec<[Option<usize>; 2]>,
    /// For products in blocks.
    blocks: Blocks,
}

struct Kept {
    key: Key,
    uses: usize,
    packed: Packed,
    is_fresh: bool,
}

/// What makes packed operands the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key {
    tensor: u32,
    left: bool,
    transposed: bool,
    precision: Precision,
    /// Whether it changes from execution to execution.
    varies: bool,
}

/// An operand as the op has it.
#[derive(Clone, Copy)]
pub(super) struct Operand<'a> {
    pub view: View<'a>,
    pub transposed: bool,
}

impl MatMuls {
    pub fn new(program: &Program, level: Level) -> MatMuls {
        let mut kept: Vec<Kept> = Vec::new();
        let mut plan = Vec::new();
        for node in &program.ops {
            let mut own = [None; 2];
            if let Op::MatMul { transpose_a, transpose_b, precision } = node.op {
                for (side, transposed) in [transpose_a, transpose_b].into_iter().enumerate() {
                    let tensor = node.inputs[side];
                    let decl = &program.tensors[tensor as usize];
                    if decl.shape.rank() != 2 {
                        continue;
                    }
                    let is_updated = program.updates.iter().any(|&(state, _)| state == tensor);
                    let varies = is_updated || !matches!(decl.kind, TensorKind::State(_));
                    let key = Key { tensor, left: side == 0, transposed, precision, varies };
                    let at = kept.iter().position(|kept| kept.key == key).unwrap_or_else(|| {
                        kept.push(Kept { key, uses: 0, packed: Packed::default(), is_fresh: false });
                        kept.len() - 1
                    });
                    kept[at].uses += 1;
                    own[side] = Some(at);
                }
            }
            plan.push(own);
        }
        for place in plan.iter_mut().flatten() {
            // What is used once and changes every time is not worth the memory.
            *place = place.filter(|&at: &usize| kept[at].uses > 1 || !kept[at].key.varies);
        }
        MatMuls { kept, plan, ..MatMuls::alone(level) }
    }

    /// Keeps nothing packed.
    pub fn alone(level: Level) -> MatMuls {
        let (words, bytes) = (Kernel::words(level), Kernel::bytes(level));
        MatMuls {
            words,
            bytes,
            scratch: Default::default(),
            kept: Vec::new(),
            plan: Vec::new(),
            blocks: Blocks::default(),
        }
    }

    /// Packed operands are out of date: all of them, or those that change in every execution.
    pub fn forget(&mut self, all: bool) {
        for kept in &mut self.kept {
            kept.is_fresh &= !all && !kept.key.varies;
        }
    }

    /// The fastest for a precision.
    fn kernel(&self, precision: Precision) -> Kernel {
        if precision == Precision::Int8x1 { self.bytes.unwrap_or(self.words) } else { self.words }
    }

    /// `out = left right` by block products, for rank 2 or 3. Whether all of it is finite.
    pub fn run_blocks(
        &mut self,
        operands: [Operand<'_>; 2],
        precision: Precision,
        block: usize,
        out: &mut [f32],
        split: Split,
    ) -> bool {
        let sizes = sizes(operands);
        if out.is_empty() || sizes.k == 0 {
            out.fill(0.0);
            return true;
        }
        let one = Multiplication { kernel: self.kernel(precision), sizes, precision, operands };
        let blocks = &mut self.blocks;
        let outs = out.chunks_exact_mut(sizes.m * sizes.n).enumerate();
        outs.fold(true, |finite, (number, out)| finite & blocks.run(&one, number, block, out, split))
    }

    /// Adds the block products of a part of the batch, for rank 2, to sums that have at most `count`
    /// addends in the whole batch.
    pub fn add_blocks(
        &mut self,
        operands: [Operand<'_>; 2],
        precision: Precision,
        block: usize,
        count: u64,
        sums: &mut Sums,
        split: Split,
    ) {
        let sizes = sizes(operands);
        let [a, b] = operands.map(|operand| exponent(operand.view.data, split));
        // No product is greater than the greatest elements' times the length of a block; rounding
        // them to integers adds a bit at most.
        let (Some(a), Some(b)) = (a, b) else { return };
        let above = a + b + (usize::BITS - block.leading_zeros()) as i32 + 1;
        let one = Multiplication { kernel: self.kernel(precision), sizes, precision, operands };
        self.blocks.add(&one, block, sums.adder(above, count), split);
    }

    /// `out = left right`, for rank 2 or 3, in op `number`. Whether all of it is finite.
    pub fn run(
        &mut self,
        number: usize,
        operands: [Operand<'_>; 2],
        precision: Precision,
        out: &mut [f32],
        split: Split,
    ) -> bool {
        let kernel = self.kernel(precision);
        let sizes = sizes(operands);
        if out.is_empty() || sizes.k == 0 {
            out.fill(0.0);
            return true;
        }
        let MatMuls { scratch, kept, plan, .. } = self;
        let one = Multiplication { kernel, sizes, precision, operands };
        let batch = operands[0].view.shape.from_right(2) as usize;
        if batch > 1 {
            return one.batch(batch, scratch, out, split);
        }
        let place = plan.get(number).copied().unwrap_or_default();
        for side in [0, 1] {
            match place[side] {
                Some(at) if kept[at].is_fresh => {}
                Some(at) => {
                    one.pack(side, 0, &mut kept[at].packed, split);
                    kept[at].is_fresh = true;
                }
                None => one.pack(side, 0, &mut scratch[side], split),
            }
        }
        let packed = |side: usize| place[side].map_or(&scratch[side], |at| &kept[at].packed);
        one.product(packed(0), packed(1)).run(out, split)
    }
}

/// The sizes of each product of a batch.
fn sizes(operands: [Operand<'_>; 2]) -> Sizes {
    let extents = operands.map(|operand| {
        let (r, c) = (operand.view.shape.from_right(1) as usize, operand.view.shape.from_right(0) as usize);
        if operand.transposed { (c, r) } else { (r, c) }
    });
    Sizes { m: extents[0].0, k: extents[0].1, n: extents[1].1 }
}

/// One matmul, or many of the same sizes.
#[derive(Clone, Copy)]
struct Multiplication<'a> {
    kernel: Kernel,
    sizes: Sizes,
    precision: Precision,
    operands: [Operand<'a>; 2],
}

/// The cost of a matmul whose output has `elements` elements, in element operations.
pub(super) fn cost(elements: usize, k: usize) -> usize {
    elements.saturating_mul(k) / MACS
}

impl<'a> Multiplication<'a> {
    fn form(&self, side: usize) -> Form {
        let is_left = side == 0;
        // Lines are columns of a left operand that is transposed, or of a right one that is not.
        Form::new(self.precision, &self.kernel, is_left, self.operands[side].transposed == is_left)
    }

    /// Packs operand `side` of product `number` of the batch.
    fn pack(&self, side: usize, number: usize, packed: &mut Packed, split: Split) {
        let Sizes { m, k, n } = self.sizes;
        let lines = if side == 0 { m } else { n };
        let data = &self.operands[side].view.data[number * lines * k..][..lines * k];
        packed.pack(self.form(side), Source { data, lines, k }, split);
    }

    fn product(&self, left: &'a Packed, right: &'a Packed) -> Product<'a> {
        Product { kernel: self.kernel, sizes: self.sizes, form: self.form(0), left, right }
    }

    /// All products of a batch: spread over the threads, or, if there are few, one after
    /// another with each spread.
    fn batch(self, count: usize, scratch: &mut [Packed; 2], out: &mut [f32], split: Split) -> bool {
        let Sizes { m, k, n } = self.sizes;
        let one = |number: usize, [left, right]: &mut [Packed; 2], out: &mut [f32], split: Split| {
            self.pack(0, number, left, split);
            self.pack(1, number, right, split);
            let product = Product { kernel: self.kernel, sizes: self.sizes, form: self.form(0), left, right };
            product.run(out, split)
        };
        if count < split.threads || split.threads == 1 {
            let outs = out.chunks_exact_mut(m * n).enumerate();
            return outs.fold(true, |finite, (number, out)| finite & one(number, scratch, out, split));
        }
        split.fill(out, m * n, m * n * k / MACS + 4 * k * (m + n), |start, out| {
            let outs = out.chunks_exact_mut(m * n).enumerate();
            SCRATCH.with_borrow_mut(|scratch| {
                outs.fold(true, |finite, (i, out)| {
                    // Nothing in here waits for other threads, so that nobody else comes by.
                    finite & one(start / (m * n) + i, scratch, out, split.alone())
                })
            })
        })
    }
}
