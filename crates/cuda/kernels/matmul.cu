// Exact products of quantised operands on the integer tensor cores, and their one rounding.
//
// C = A B^T for planes of signed bytes, both along k. A block of eight warps, four by two, makes
// a tile of C; a warp makes MT x NT tiles of 16 x 8 by m16n8k32 (Turing: by m8n8k16). Products
// of plane p and plane q add up at level p + q, 128 levels apart, exactly: a part of k is at
// most 65,536 long, and (2 127 64 + 64 64) 65,536 < 2^31. Parts of k meet in 64 bits, with
// atomics.
//
// Fragments: PTX ISA, "Matrix fragments for mma.m16n8k32 / m8n8k16 with integer types".
#include "law.cuh"

#ifndef ASSAY_ARCH
#define ASSAY_ARCH __CUDA_ARCH__
#endif

// Stages of tiles in flight from global to shared memory. Turing has 64 KiB of the latter.
#if defined(ASSAY_ARCH) && ASSAY_ARCH < 800
#define STAGES 2
#else
#define STAGES 3
#endif

// Bytes of k per tile, and from row to row of a tile in shared memory: 20 banks apart, so that
// eight rows of 16 bytes touch every bank once.
#define K_TILE 64
#define K_STRIDE 80

#ifndef ASSAY_EMULATED

// c += a b^T for 8 x 16 by 16 x 8.
DEVICE void mma_8_8_16(int &c0, int &c1, u32 a, u32 b) {
    asm volatile("mma.sync.aligned.m8n8k16.row.col.s32.s8.s8.s32 {%0, %1}, {%2}, {%3}, {%0, %1};"
                 : "+r"(c0), "+r"(c1)
                 : "r"(a), "r"(b));
}

#if ASSAY_ARCH >= 800
// c += a b^T for 16 x 32 by 32 x 8.
DEVICE void mma_16_8_32(int (&c)[4], const u32 (&a)[4], u32 b0, u32 b1) {
    asm volatile("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                 : "+r"(c[0]), "+r"(c[1]), "+r"(c[2]), "+r"(c[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

// Sixteen bytes from global to shared memory, some time before copies_done says so.
DEVICE void copy_16(void *to, const void *from) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"((u32)__cvta_generic_to_shared(to)), "l"(from) : "memory");
}

DEVICE void end_of_stage() {
    asm volatile("cp.async.commit_group;" ::: "memory");
}

// All stages but the last `STAGES - 2` have come.
DEVICE void wait_for_stage() {
    asm volatile("cp.async.wait_group %0;" ::"n"(STAGES - 2) : "memory");
}
#else
DEVICE void copy_16(void *to, const void *from) {
    *(int4 *)to = *(const int4 *)from;
}

DEVICE void end_of_stage() {}

DEVICE void wait_for_stage() {}
#endif

// Four matrices of 8 rows of 16 bytes: lane l gives the address of row l % 8 of matrix l / 8, and
// gets four bytes, 4 (l % 4) on, of row l / 4 of each.
DEVICE void load_matrices(u32 (&out)[4], const void *row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(out[0]), "=r"(out[1]), "=r"(out[2]), "=r"(out[3])
                 : "r"((u32)__cvta_generic_to_shared(row))
                 : "memory");
}

#define SHARED_BYTES(name) extern __shared__ __align__(16) u8 name[]

#endif

DEVICE void multiply(int (&c)[4], const u32 (&a)[4], u32 b0, u32 b1) {
#if ASSAY_ARCH >= 800
    mma_16_8_32(c, a, b0, b1);
#else
    mma_8_8_16(c[0], c[1], a[0], b0);
    mma_8_8_16(c[0], c[1], a[2], b1);
    mma_8_8_16(c[2], c[3], a[1], b0);
    mma_8_8_16(c[2], c[3], a[3], b1);
#endif
}

struct Product {
    u64 matrices, m, n;
    // Of the padded operands.
    u64 m_padded, n_padded, k_padded;
    // Parts of k, and the length of each but the last, a multiple of K_TILE.
    u64 parts, part;
    // Whether results that are not finite are reported.
    u64 checked;
};

DEVICE void store_product(float *out, u64 index, i64 dot, int exponent, const Product &p, Report to) {
    float value = ldexp_law(__ll2float_rn(dot), exponent);
    out[index] = value;
    if (p.checked && !is_finite(value)) report(to, index);
}

template <int PLANES, int MT, int NT>
DEVICE void matmul(const u8 *a, const u8 *b, const int *ea, const int *eb, const Product &p, float *out, u64 *totals,
                   Report to) {
    const int rows = 64 * MT, columns = 16 * NT, levels = 2 * PLANES - 1;
    const int stage_bytes = PLANES * (rows + columns) * K_STRIDE;
    SHARED_BYTES(shared);

    u64 tiles_n = (p.n + columns - 1) / columns, tiles_m = (p.m + rows - 1) / rows;
    u64 id = blockIdx.x;
    u64 first_row = id % tiles_m * rows, first_column = id / tiles_m % tiles_n * columns;
    u64 part = id / tiles_m / tiles_n % p.parts, matrix = id / tiles_m / tiles_n / p.parts;
    u64 from = part * p.part, length = min(p.part, p.k_padded - from);
    int steps = (int)(length / K_TILE);

    u64 plane_a = p.matrices * p.m_padded * p.k_padded, plane_b = p.matrices * p.n_padded * p.k_padded;
    const u8 *source_a = a + (matrix * p.m_padded + first_row) * p.k_padded + from;
    const u8 *source_b = b + (matrix * p.n_padded + first_column) * p.k_padded + from;

    // A tile's sixteen-byte pieces, four to a row, over all threads.
    auto fetch = [&](int step) {
        u8 *stage = shared + step % STAGES * stage_bytes;
#pragma unroll
        for (int piece = (int)threadIdx.x; piece < PLANES * rows * 4; piece += 256) {
            int plane = piece / (rows * 4), row = piece / 4 % rows, at = piece % 4 * 16;
            copy_16(stage + (plane * rows + row) * K_STRIDE + at,
                    source_a + plane * plane_a + row * p.k_padded + step * K_TILE + at);
        }
#pragma unroll
        for (int piece = (int)threadIdx.x; piece < PLANES * columns * 4; piece += 256) {
            int plane = piece / (columns * 4), row = piece / 4 % columns, at = piece % 4 * 16;
            copy_16(stage + (PLANES * rows + plane * columns + row) * K_STRIDE + at,
                    source_b + plane * plane_b + row * p.k_padded + step * K_TILE + at);
        }
    };

    int lane = (int)threadIdx.x % 32, warp = (int)threadIdx.x / 32;
    int row_of_warp = warp % 4 * 16 * MT, column_of_warp = warp / 4 * 8 * NT;
    // What this lane addresses of 16 rows of A, and of two tiles of eight rows of B.
    int lane_a = (lane % 16) * K_STRIDE + lane / 16 * 16;
    int lane_b = (lane % 8 + lane / 16 * 8) * K_STRIDE + lane / 8 % 2 * 16;

    int c[levels][MT][NT][4];
#pragma unroll
    for (int l = 0; l < levels; l++)
#pragma unroll
        for (int i = 0; i < MT; i++)
#pragma unroll
            for (int j = 0; j < NT; j++)
#pragma unroll
                for (int r = 0; r < 4; r++) c[l][i][j][r] = 0;

    for (int step = 0; step < STAGES - 1; step++) {
        if (step < steps) fetch(step);
        end_of_stage();
    }
    for (int step = 0; step < steps; step++) {
        wait_for_stage();
        // This tile is there for all, and all are done with the one that the next fetch overwrites.
        __syncthreads();
        if (step + STAGES - 1 < steps) fetch(step + STAGES - 1);
        end_of_stage();
        const u8 *stage = shared + step % STAGES * stage_bytes;
#pragma unroll
        for (int half = 0; half < K_TILE; half += 32) {
            u32 fb[PLANES][NT / 2][4];
#pragma unroll
            for (int q = 0; q < PLANES; q++)
#pragma unroll
                for (int j = 0; j < NT / 2; j++)
                    load_matrices(fb[q][j], stage + (PLANES * rows + q * columns + column_of_warp + 16 * j) * K_STRIDE + lane_b + half);
#pragma unroll
            for (int i = 0; i < MT; i++) {
                u32 fa[PLANES][4];
#pragma unroll
                for (int q = 0; q < PLANES; q++)
                    load_matrices(fa[q], stage + (q * rows + row_of_warp + 16 * i) * K_STRIDE + lane_a + half);
#pragma unroll
                for (int qa = 0; qa < PLANES; qa++)
#pragma unroll
                    for (int qb = 0; qb < PLANES; qb++)
#pragma unroll
                        for (int j = 0; j < NT; j++)
                            multiply(c[qa + qb][i][j], fa[qa], fb[qb][j / 2][j % 2 * 2], fb[qb][j / 2][j % 2 * 2 + 1]);
            }
        }
    }

#pragma unroll
    for (int i = 0; i < MT; i++)
#pragma unroll
        for (int j = 0; j < NT; j++)
#pragma unroll
            for (int r = 0; r < 4; r++) {
                u64 row = first_row + row_of_warp + 16 * i + lane / 4 + r / 2 * 8;
                u64 column = first_column + column_of_warp + 8 * j + lane % 4 * 2 + r % 2;
                if (row >= p.m || column >= p.n) continue;
                i64 dot = 0;
#pragma unroll
                for (int l = 0; l < levels; l++) dot = dot * 128 + c[l][i][j][r];
                u64 index = (matrix * p.m + row) * p.n + column;
                if (p.parts > 1) {
                    atomicAdd(&totals[index], (u64)dot);
                } else {
                    int e = ea[matrix * p.m_padded + row] + eb[matrix * p.n_padded + column] - 14 * PLANES;
                    store_product(out, index, dot, e, p, to);
                }
            }
}

KERNEL matmul_1(const u8 *a, const u8 *b, const int *ea, const int *eb, Product p, float *out, u64 *totals, Report to) {
    matmul<1, 2, 8>(a, b, ea, eb, p, out, totals, to);
}

KERNEL matmul_2(const u8 *a, const u8 *b, const int *ea, const int *eb, Product p, float *out, u64 *totals, Report to) {
    matmul<2, 2, 4>(a, b, ea, eb, p, out, totals, to);
}

KERNEL matmul_3(const u8 *a, const u8 *b, const int *ea, const int *eb, Product p, float *out, u64 *totals, Report to) {
    matmul<3, 1, 4>(a, b, ea, eb, p, out, totals, to);
}

// The rounding, where k had several parts. `bits` is 7 per plane and operand.
KERNEL matmul_finish(const u64 *totals, const int *ea, const int *eb, Product p, int bits, float *out, Report to) {
    for (u64 i = GRID_START; i < p.matrices * p.m * p.n; i += GRID_STEP) {
        u64 column = i % p.n, row = i / p.n % p.m, matrix = i / p.n / p.m;
        int e = ea[matrix * p.m_padded + row] + eb[matrix * p.n_padded + column] - bits;
        store_product(out, i, (i64)totals[i], e, p, to);
    }
}
