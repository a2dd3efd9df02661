//! Block products: an exact product for each block of `k`, and the long sum of these.
//!
//! All blocks are packed; then the output is made tile by tile, each small enough for the
//! products of all blocks to stay in the cache until they are added up.
#![allow(unsafe_code)]

use std::cell::RefCell;

use assay_exact::long::long_sum;

use super::super::instructions::for_level;
use super::super::long::long_rows;
use super::super::reduce::{WIDTH, all_finite};
use super::super::split::{Shared, Split};
use super::Multiplication;
use super::multiply::{MACS, Place, Product, Sizes, region};
use super::pack::{Packed, Source};
use crate::sums::Adder;

/// Elements of the products of all blocks for a tile: a mebibyte.
const ELEMENTS: usize = 1 << 18;
/// Columns and rows of a tile at most.
const COLUMNS: usize = 256;
const ROWS: usize = 96;

thread_local! {
    /// The products of a tile's blocks.
    static PRODUCTS: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// What is kept from one product in blocks to the next: memory.
#[derive(Default)]
pub(super) struct Blocks {
    packed: Vec<[Packed; 2]>,
    /// A block of an operand whose lines are rows, with the lines one after another.
    lines: Vec<f32>,
}

impl Blocks {
    /// Product `number` of a batch. Whether all of it is finite.
    pub fn run(
        &mut self,
        all: &Multiplication<'_>,
        number: usize,
        block: usize,
        out: &mut [f32],
        split: Split,
    ) -> bool {
        self.pack(all, number, block, split);
        let (n, out) = (all.sizes.n, Shared::new(out));
        self.tiles(all, block, split, |products, count, place| add(split.level, products, count, place, n, &out))
    }

    /// Adds the blocks' products to sums.
    pub fn add(
        &mut self,
        all: &Multiplication<'_>,
        block: usize,
        (sums, adder): (&mut [i128], Adder<'_>),
        split: Split,
    ) {
        self.pack(all, 0, block, split);
        let (n, sums) = (all.sizes.n, Shared::new(sums));
        self.tiles(all, block, split, |products, count, place| {
            for product in products.chunks_exact(products.len() / count) {
                for (row, product) in product.chunks_exact(place.stride).enumerate() {
                    let from = (place.row + row) * n + place.column;
                    // SAFETY: every tile is handed out once, and tiles are apart.
                    let own = unsafe { sums.slice(from..from + place.stride) };
                    own.iter_mut().zip(product).enumerate().for_each(|(i, (sum, x))| adder.add(from + i, sum, *x));
                }
            }
            true
        });
    }

    /// Packs both operands of product `number` of a batch.
    fn pack(&mut self, all: &Multiplication<'_>, number: usize, block: usize, split: Split) {
        let Sizes { m, k, n } = all.sizes;
        let count = k.div_ceil(block);
        if self.packed.len() < count {
            self.packed.resize_with(count, Default::default);
        }
        for (start, packed) in (0..k).step_by(block).zip(&mut self.packed) {
            for (side, packed) in packed.iter_mut().enumerate() {
                let (lines, length) = (if side == 0 { m } else { n }, block.min(k - start));
                let data = &all.operands[side].view.data[number * lines * k..][..lines * k];
                let form = all.form(side);
                let data = if form.columns {
                    &data[start * lines..][..length * lines]
                } else {
                    self.lines.clear();
                    data.chunks_exact(k).for_each(|line| self.lines.extend_from_slice(&line[start..start + length]));
                    &self.lines
                };
                packed.pack(form, Source { data, lines, k: length }, split);
            }
        }
    }

    /// Hands out the products of all blocks, tile by tile, one block after another, with their number and
    /// place. Whether all of `done` is true.
    fn tiles(
        &self,
        all: &Multiplication<'_>,
        block: usize,
        split: Split,
        done: impl Fn(&[f32], usize, Place) -> bool + Sync,
    ) -> bool {
        let Sizes { m, k, n } = all.sizes;
        let count = k.div_ceil(block);
        let products = |i: usize| {
            let [left, right] = &self.packed[i];
            let sizes = Sizes { m, k: block.min(k - i * block), n };
            Product { kernel: all.kernel, sizes, form: all.form(0), left, right }
        };
        // In panels of rows and columns.
        let (rows, columns) = (m.div_ceil(all.kernel.rows), n.div_ceil(all.kernel.columns));
        let wide = (COLUMNS / all.kernel.columns).min(columns);
        let fitting = ELEMENTS / count / (wide * all.kernel.columns);
        let high = (fitting.min(ROWS) / all.kernel.rows).clamp(1, rows);
        let across = columns.div_ceil(wide);
        let tiles = rows.div_ceil(high) * across;
        let cost = high * wide * all.kernel.rows * all.kernel.columns * (k / MACS + 8 * count);
        split.reduce(
            tiles,
            cost,
            |tiles| {
                tiles.fold(true, |finite, tile| {
                    let (r, c) = (tile / across * high, tile % across * wide);
                    let panels = [r..rows.min(r + high), c..columns.min(c + wide)];
                    let (from, to) = (panels[0].start * all.kernel.rows, m.min(panels[0].end * all.kernel.rows));
                    let place = Place {
                        row: from,
                        column: c * all.kernel.columns,
                        stride: n.min(panels[1].end * all.kernel.columns) - c * all.kernel.columns,
                    };
                    let size = (to - from) * place.stride;
                    PRODUCTS.with_borrow_mut(|own| {
                        own.resize(own.len().max(count * size), 0.0);
                        let own = &mut own[..count * size];
                        for (i, product) in own.chunks_exact_mut(size).enumerate() {
                            region(split.level, &products(i), panels.clone(), place, &Shared::new(product));
                        }
                        finite & done(own, count, place)
                    })
                })
            },
            |a, b| a & b,
        )
    }
}

for_level! {
    /// The long sums of a tile's products, `count` blocks of them, to their places in `out` with
    /// rows of `n` elements. Whether all are finite.
    fn add(level; products: &[f32], count: usize, place: Place, n: usize, out: &Shared<'_, f32>) -> bool {
        let size = products.len() / count;
        let all_are_finite = all_finite(products);
        let mut finite = true;
        for row in 0..size / place.stride {
            let from = (place.row + row) * n + place.column;
            // SAFETY: every tile is handed out once, and tiles are apart.
            let out = unsafe { out.slice(from..from + place.stride) };
            for (part, out) in out.chunks_mut(WIDTH).enumerate() {
                let (from, width) = (row * place.stride + part * WIDTH, out.len());
                let blocks = products.chunks_exact(size).map(|product| &product[from..from + width]);
                if all_are_finite {
                    long_rows(blocks, out);
                } else {
                    // An infinity is one whatever else there is, the positive one before the other.
                    for (i, out) in out.iter_mut().enumerate() {
                        let all = blocks.clone().map(|block| block[i]).filter(|x| x.is_infinite());
                        *out = all.reduce(f32::max).unwrap_or_else(|| long_sum(blocks.clone().map(|block| block[i])));
                    }
                }
                finite &= all_finite(out);
            }
        }
        finite
    }
}
