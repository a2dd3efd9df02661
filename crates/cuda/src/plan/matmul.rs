//! Exact products: quantise both operands, multiply their bytes, round.

use assay_engine::Precision;

use super::reduce::Fold;
use super::{Planner, Tensor};
use crate::device::DeviceError;

/// Rows of an operand, and lengths along k, are padded to multiples of these.
const ROWS: u64 = 128;
const K_TILE: u64 = 64;
/// The longest part of k whose products fit into 32 bits: see matmul.cu.
const LONGEST_PART: u64 = 1 << 16;
/// The shortest part of k that is worth a block of its own.
const SHORTEST_PART: u64 = 512;
/// Bytes from row to row of a tile in shared memory.
const K_STRIDE: u64 = 80;
/// Of quantise.cu: rows of a tile, and the length that one thread looks for the maximum in.
const TILE_ROWS: u64 = 32;
const MOST_CHUNK: u64 = 64;

/// What the precision means for the kernels.
#[derive(Clone, Copy)]
struct Kind {
    quantise: &'static str,
    matmul: &'static str,
    planes: u64,
    /// Rows and columns of a block's tile.
    tile: [u64; 2],
}

impl Kind {
    fn of(precision: Precision) -> Kind {
        match precision {
            Precision::Int8x1 => Kind { quantise: "quantise_1", matmul: "matmul_1", planes: 1, tile: [128, 128] },
            Precision::Int8x2 => Kind { quantise: "quantise_2", matmul: "matmul_2", planes: 2, tile: [128, 64] },
            Precision::Int8x3 => Kind { quantise: "quantise_3", matmul: "matmul_3", planes: 3, tile: [64, 64] },
        }
    }
}

/// `struct Operand` of quantise.cu, with its memory.
struct Operand {
    words: [u64; 8],
    rows: u64,
    rows_padded: u64,
    matrices: u64,
    planes: u64,
    exponents: u64,
}

impl<K> Planner<'_, K> {
    /// A matmul, with blocks of k if told their length.
    pub(super) fn matmul(
        &mut self,
        [a, b]: [Tensor; 2],
        [transpose_a, transpose_b]: [bool; 2],
        precision: Precision,
        block: Option<u64>,
        out: Tensor,
    ) -> Result<(), DeviceError> {
        let kind = Kind::of(precision);
        let (batch, m, n) = (out.shape.from_right(2), out.shape.from_right(1), out.shape.from_right(0));
        let (batch, m, n) = (u64::from(batch), u64::from(m), u64::from(n));
        let k = u64::from(a.shape.from_right(usize::from(transpose_a)));
        if k == 0 {
            let report = self.report;
            return self.over("fill", out.elements(), &[&[out.address], &[out.elements()], &[0], &report]);
        }
        let length = block.unwrap_or(k).min(k);
        let blocks = k.div_ceil(length);
        let a = self.quantise(kind, a.address, [batch, m, k], length, !transpose_a)?;
        let b = self.quantise(kind, b.address, [batch, n, k], length, transpose_b)?;
        if block.is_none() {
            return self.product(kind, &a, &b, length, true, out.address);
        }
        // Each block's product, then the long sum of them.
        let products = self.scratch(4 * batch * blocks * m * n);
        self.product(kind, &a, &b, length, false, products)?;
        self.long_threads(products, &Fold::neighbours(batch, blocks, m * n), out)
    }

    /// Rows of the operand as bytes along k.
    fn quantise(
        &mut self,
        kind: Kind,
        x: u64,
        [batch, rows, k]: [u64; 3],
        block: u64,
        along: bool,
    ) -> Result<Operand, DeviceError> {
        let blocks = k.div_ceil(block);
        let (rows_padded, k_padded) = (rows.next_multiple_of(ROWS), block.next_multiple_of(K_TILE));
        let words = [rows, k, block, blocks, batch, u64::from(along), rows_padded, k_padded];
        let matrices = batch * blocks;
        let most = self.filled(matrices * rows_padded, 0)?;
        let exponents = self.scratch(4 * matrices * rows_padded);
        let planes = self.scratch(kind.planes * matrices * rows_padded * k_padded);
        if along {
            self.over("operand_most_along", 32 * matrices * rows, &[&[x], &words, &[most]])?;
        } else {
            let tiles = matrices * block.div_ceil(MOST_CHUNK) * rows.div_ceil(u64::from(super::BLOCK));
            self.over_blocks("operand_most_across", tiles, &[&[x], &words, &[most]])?;
        }
        let tiles = matrices * (rows_padded / TILE_ROWS) * (k_padded / K_TILE);
        self.over_blocks(kind.quantise, tiles, &[&[x], &words, &[most], &[exponents], &[planes]])?;
        Ok(Operand { words, rows, rows_padded, matrices, planes, exponents })
    }

    fn product(
        &mut self,
        kind: Kind,
        a: &Operand,
        b: &Operand,
        length: u64,
        checked: bool,
        out: u64,
    ) -> Result<(), DeviceError> {
        let (m, n, matrices, k_padded) = (a.rows, b.rows, a.matrices, a.words[7]);
        debug_assert_eq!(k_padded, length.next_multiple_of(K_TILE));
        let tiles = matrices * m.div_ceil(kind.tile[0]) * n.div_ceil(kind.tile[1]);
        // Parts of k for a device that would be idle otherwise, or because k is long.
        let multiprocessors = u64::from(self.limits.multiprocessors);
        let idle = if tiles < multiprocessors { (2 * multiprocessors).div_ceil(tiles) } else { 1 };
        let parts = idle.min(k_padded / SHORTEST_PART).max(k_padded.div_ceil(LONGEST_PART)).max(1);
        let part = k_padded.div_ceil(parts).next_multiple_of(K_TILE);
        let parts = k_padded.div_ceil(part);
        let product = [matrices, m, n, a.rows_padded, b.rows_padded, k_padded, parts, part, u64::from(checked)];
        let totals = if parts > 1 { self.filled(2 * matrices * m * n, 0)? } else { 0 };
        let report = self.report;
        let operands: [&[u64]; 4] = [&[a.planes], &[b.planes], &[a.exponents], &[b.exponents]];
        let [pa, pb, ea, eb] = operands;
        let stages = if self.limits.capability < 800 { 2 } else { 3 };
        let shared = stages * kind.planes * (kind.tile[0] + kind.tile[1]) * K_STRIDE;
        self.launch_shaped(
            kind.matmul,
            [(tiles * parts) as u32, 1, 1],
            [super::BLOCK, 1, 1],
            shared as u32,
            &[pa, pb, ea, eb, &product, &[out], &[totals], &report],
        )?;
        if parts > 1 {
            let bits = [14 * kind.planes];
            self.over("matmul_finish", matrices * m * n, &[&[totals], ea, eb, &product, &bits, &[out], &report])?;
        }
        Ok(())
    }
}
