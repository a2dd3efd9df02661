//! Tiles in AVX2, AVX-VNNI and AVX-512 VNNI instructions.
#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::kernel::{Left, Tile, UNROLL};

/// A tile of words: `$rows` rows of `$vectors` vectors of `$lanes` lanes.
///
/// With the shortest interval, [`UNROLL`] steps, the carries of a tile's registers are
/// spread over these steps: in each step a quarter of them, so that they run beside the
/// products. A register's first interval is then shorter, never longer.
macro_rules! words {
    ($name:ident, $features:literal, $rows:literal x $vectors:literal x $lanes:literal,
        $zero:ident, $load:ident, $fill:ident, $store:ident, $dot:expr, $carry:expr) => {
        pub(super) fn $name(left: Left<'_>, right: &[u32], steps: usize, interval: usize, out: &mut Tile) {
            #[target_feature(enable = $features)]
            fn run<const SHORT: bool>(left: Left<'_>, right: &[u32], steps: usize, interval: usize, out: &mut Tile) {
                let (dot, carry) = ($dot, $carry);
                let mut low = [[$zero(); $vectors]; $rows];
                let mut high = [[$zero(); $vectors]; $rows];
                let (mut a, mut b) = (left.lanes.as_ptr(), right.as_ptr());
                let mut rest = steps;
                while rest > 0 {
                    let now = if SHORT { UNROLL } else { rest.min(interval) };
                    for _ in 0..now / UNROLL {
                        for step in 0..UNROLL {
                            let columns: [_; $vectors] = std::array::from_fn(|c| {
                                // SAFETY: `Kernel::run` has checked that all steps' lanes are within `right`.
                                unsafe { $load(b.add(c * $lanes).cast()) }
                            });
                            for r in 0..$rows {
                                // SAFETY: likewise, of all rows within `left.lanes`.
                                let row = $fill(unsafe { *a.add(r * left.row) } as i32);
                                for c in 0..$vectors {
                                    if SHORT && (r * $vectors + c) % UNROLL == step {
                                        (low[r][c], high[r][c]) = carry(low[r][c], high[r][c]);
                                    }
                                    low[r][c] = dot(low[r][c], row, columns[c]);
                                }
                            }
                            // The last step leaves them beyond the end, where nothing reads.
                            a = a.wrapping_add(left.step);
                            b = b.wrapping_add($vectors * $lanes);
                        }
                    }
                    if !SHORT {
                        for r in 0..$rows {
                            for c in 0..$vectors {
                                (low[r][c], high[r][c]) = carry(low[r][c], high[r][c]);
                            }
                        }
                    }
                    rest -= now;
                }
                for r in 0..$rows {
                    for c in 0..$vectors {
                        let at = (r * $vectors + c) * $lanes;
                        // SAFETY: a tile has room for rows * vectors * lanes numbers, 64-byte aligned.
                        unsafe {
                            $store(out.low.as_mut_ptr().add(at).cast(), low[r][c]);
                            $store(out.high.as_mut_ptr().add(at).cast(), high[r][c]);
                        }
                    }
                }
            }
            // SAFETY: the kernel is chosen by a level, which exists only where its features were detected.
            unsafe {
                if interval == UNROLL {
                    run::<true>(left, right, steps, interval, out)
                } else {
                    run::<false>(left, right, steps, interval, out)
                }
            }
        }
    };
}

words!(
    words_avx2, "avx2", 3 x 2 x 8,
    _mm256_setzero_si256, _mm256_loadu_si256, _mm256_set1_epi32, _mm256_store_si256,
    |sum, a, b| _mm256_add_epi32(sum, _mm256_madd_epi16(a, b)),
    |low, high| (
        _mm256_blend_epi16::<0b1010_1010>(low, _mm256_setzero_si256()),
        _mm256_add_epi32(high, _mm256_srai_epi32::<16>(low)),
    )
);

words!(
    words_avx_vnni, "avx2,avxvnni", 3 x 2 x 8,
    _mm256_setzero_si256, _mm256_loadu_si256, _mm256_set1_epi32, _mm256_store_si256,
    |sum, a, b| _mm256_dpwssd_avx_epi32(sum, a, b),
    |low, high| (
        _mm256_blend_epi16::<0b1010_1010>(low, _mm256_setzero_si256()),
        _mm256_add_epi32(high, _mm256_srai_epi32::<16>(low)),
    )
);

words!(
    words_avx512, "avx512f,avx512bw,avx512vnni", 6 x 2 x 16,
    _mm512_setzero_si512, _mm512_loadu_si512, _mm512_set1_epi32, _mm512_store_si512,
    |sum, a, b| _mm512_dpwssd_epi32(sum, a, b),
    |low, high| (
        _mm512_and_si512(low, _mm512_set1_epi32(0xffff)),
        _mm512_add_epi32(high, _mm512_srai_epi32::<16>(low)),
    )
);

/// A tile of bytes, likewise; there are no carries.
macro_rules! bytes {
    ($name:ident, $features:literal, $rows:literal x $vectors:literal x $lanes:literal,
        $zero:ident, $load:ident, $fill:ident, $store:ident, $dot:ident) => {
        pub(super) fn $name(left: Left<'_>, right: &[u32], steps: usize, _interval: usize, out: &mut Tile) {
            #[target_feature(enable = $features)]
            fn run(left: Left<'_>, right: &[u32], steps: usize, out: &mut Tile) {
                let mut sums = [[$zero(); $vectors]; $rows];
                let (mut a, mut b) = (left.lanes.as_ptr(), right.as_ptr());
                for _ in 0..steps {
                    let columns: [_; $vectors] = std::array::from_fn(|c| {
                        // SAFETY: `Kernel::run` has checked that all steps' lanes are within `right`.
                        unsafe { $load(b.add(c * $lanes).cast()) }
                    });
                    for r in 0..$rows {
                        // SAFETY: likewise, of all rows within `left.lanes`.
                        let row = $fill(unsafe { *a.add(r * left.row) } as i32);
                        for c in 0..$vectors {
                            sums[r][c] = $dot(sums[r][c], row, columns[c]);
                        }
                    }
                    a = a.wrapping_add(left.step);
                    b = b.wrapping_add($vectors * $lanes);
                }
                for r in 0..$rows {
                    for c in 0..$vectors {
                        // SAFETY: a tile has room for rows * vectors * lanes numbers, 64-byte aligned.
                        unsafe { $store(out.low.as_mut_ptr().add((r * $vectors + c) * $lanes).cast(), sums[r][c]) }
                    }
                }
                out.high.fill(0);
            }
            // SAFETY: the kernel is chosen by a level, which exists only where its features were detected.
            unsafe { run(left, right, steps, out) }
        }
    };
}

bytes!(
    bytes_avx_vnni, "avx2,avxvnni", 6 x 2 x 8,
    _mm256_setzero_si256, _mm256_loadu_si256, _mm256_set1_epi32, _mm256_store_si256, _mm256_dpbusd_avx_epi32
);

bytes!(
    bytes_avx512, "avx512f,avx512bw,avx512vnni", 12 x 2 x 16,
    _mm512_setzero_si512, _mm512_loadu_si512, _mm512_set1_epi32, _mm512_store_si512, _mm512_dpbusd_epi32
);

/// Writes the lanes of eight lines side by side; see [`super::pack`].
pub(super) fn turn(lines: &[[u32; 32]; 8], steps: usize, out: &mut [u32], panel: usize) {
    #[target_feature(enable = "avx2")]
    fn eight(rows: [__m256i; 8]) -> [__m256i; 8] {
        let [a, b, c, d, e, f, g, h] = rows;
        let (ab0, ab1) = (_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b));
        let (cd0, cd1) = (_mm256_unpacklo_epi32(c, d), _mm256_unpackhi_epi32(c, d));
        let (ef0, ef1) = (_mm256_unpacklo_epi32(e, f), _mm256_unpackhi_epi32(e, f));
        let (gh0, gh1) = (_mm256_unpacklo_epi32(g, h), _mm256_unpackhi_epi32(g, h));
        let upper = [
            _mm256_unpacklo_epi64(ab0, cd0),
            _mm256_unpackhi_epi64(ab0, cd0),
            _mm256_unpacklo_epi64(ab1, cd1),
            _mm256_unpackhi_epi64(ab1, cd1),
        ];
        let lower = [
            _mm256_unpacklo_epi64(ef0, gh0),
            _mm256_unpackhi_epi64(ef0, gh0),
            _mm256_unpacklo_epi64(ef1, gh1),
            _mm256_unpackhi_epi64(ef1, gh1),
        ];
        std::array::from_fn(|i| {
            if i < 4 {
                _mm256_permute2x128_si256::<0x20>(upper[i], lower[i])
            } else {
                _mm256_permute2x128_si256::<0x31>(upper[i - 4], lower[i - 4])
            }
        })
    }

    #[target_feature(enable = "avx2")]
    fn run(lines: &[[u32; 32]; 8], steps: usize, out: &mut [u32], panel: usize) {
        for from in (0..steps).step_by(8) {
            // SAFETY: `from` is at most 24, and a line has 32 lanes.
            let rows = std::array::from_fn(|r| unsafe { _mm256_loadu_si256(lines[r].as_ptr().add(from).cast()) });
            for (s, lanes) in (from..steps).zip(eight(rows)) {
                let out: &mut [u32; 8] = (&mut out[s * panel..][..8]).try_into().expect("eight");
                // SAFETY: eight lanes are 32 bytes.
                unsafe { _mm256_storeu_si256(out.as_mut_ptr().cast(), lanes) }
            }
        }
    }
    assert!(steps <= 32);
    // SAFETY: it is chosen by a level, which exists only where AVX2 was detected.
    unsafe { run(lines, steps, out, panel) }
}
