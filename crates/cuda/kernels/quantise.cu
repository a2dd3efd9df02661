// The operands of exact products as signed bytes: rows (of A', or columns of B') of integers,
// one plane of bytes per digit of base 128, the most significant first, along k without gaps and
// padded with zeros. A block product has its blocks as matrices of their own.
#include "law.cuh"

struct Operand {
    // Of each matrix; `batch * blocks` matrices, `block` long (the last of each batch may be shorter).
    u64 rows, k, block, blocks, batch;
    // Whether k is the innermost dimension in memory.
    u64 along;
    u64 rows_padded, k_padded;
};

DEVICE float operand_at(const float *x, const Operand &o, u64 matrix, u64 row, u64 i) {
    u64 batch = matrix / o.blocks, at = matrix % o.blocks * o.block + i;
    return x[o.along ? (batch * o.rows + row) * o.k + at : (batch * o.k + at) * o.rows + row];
}

DEVICE u64 block_length(const Operand &o, u64 matrix) {
    return min(o.block, o.k - matrix % o.blocks * o.block);
}

// The greatest magnitude's bits of each row, at [matrix, padded row]; zero at first.
KERNEL operand_most_along(const float *x, Operand o, int *most) {
    u64 count = o.batch * o.blocks * o.rows;
    for (u64 at = GRID_START / 32; at < count; at += GRID_STEP / 32) {
        u64 matrix = at / o.rows, row = at % o.rows, length = block_length(o, matrix);
        int own = 0;
        for (u64 i = threadIdx.x % 32; i < length; i += 32) {
            own = max(own, (int)(__float_as_uint(operand_at(x, o, matrix, row, i)) & 0x7fffffffu));
        }
        own = warp_max(own);
        if (threadIdx.x % 32 == 0) most[matrix * o.rows_padded + row] = own;
    }
}

#define MOST_CHUNK 64

KERNEL operand_most_across(const float *x, Operand o, int *most) {
    u64 tiles = (o.rows + blockDim.x - 1) / blockDim.x, chunks = (o.block + MOST_CHUNK - 1) / MOST_CHUNK;
    for (u64 at = blockIdx.x; at < o.batch * o.blocks * chunks * tiles; at += gridDim.x) {
        u64 row = at % tiles * blockDim.x + threadIdx.x, chunk = at / tiles % chunks, matrix = at / tiles / chunks;
        u64 end = min(block_length(o, matrix), (chunk + 1) * MOST_CHUNK);
        int own = 0;
        if (row >= o.rows) continue;
        for (u64 i = chunk * MOST_CHUNK; i < end; i++) {
            own = max(own, (int)(__float_as_uint(operand_at(x, o, matrix, row, i)) & 0x7fffffffu));
        }
        if (own != 0) atomicMax(&most[matrix * o.rows_padded + row], own);
    }
}

// The exponent of a row whose greatest magnitude has the bits `most`.
template <int PLANES>
DEVICE int row_exponent(int most) {
    const int limit = PLANES == 1 ? 127 : PLANES == 2 ? 16319 : 2088895;
    if (most == 0) return 0;
    float m = __uint_as_float((u32)most);
    int e = above(m);
    // A garbled maximum (after an op that failed) must not lead astray; the step has ended by then.
    if (!is_finite(m)) return 0;
    return rint_scaled(m, scale_of(7 * PLANES - e)) <= limit ? e : e + 1;
}

#define TILE_ROWS 32
#define TILE_K 64

template <int PLANES>
DEVICE void quantise(const float *x, const Operand &o, const int *most, int *exponents, u8 *planes) {
    __shared__ float tile[TILE_ROWS][TILE_K + 1];
    u64 matrices = o.batch * o.blocks, row_tiles = o.rows_padded / TILE_ROWS, k_tiles = o.k_padded / TILE_K;
    u64 plane = matrices * o.rows_padded * o.k_padded;
    for (u64 at = blockIdx.x; at < matrices * row_tiles * k_tiles; at += gridDim.x) {
        u64 first_i = at % k_tiles * TILE_K, first_row = at / k_tiles % row_tiles * TILE_ROWS;
        u64 matrix = at / k_tiles / row_tiles, length = block_length(o, matrix);
        // Neighbouring threads read neighbouring numbers.
        for (u32 n = threadIdx.x; n < TILE_ROWS * TILE_K; n += blockDim.x) {
            u32 r = o.along ? n / TILE_K : n % TILE_ROWS, i = o.along ? n % TILE_K : n / TILE_ROWS;
            bool inside = first_row + r < o.rows && first_i + i < length;
            tile[r][i] = inside ? operand_at(x, o, matrix, first_row + r, first_i + i) : 0.0f;
        }
        __syncthreads();
        for (u32 n = threadIdx.x; n < TILE_ROWS * TILE_K / 4; n += blockDim.x) {
            u32 r = n / (TILE_K / 4), i = n % (TILE_K / 4) * 4;
            u64 row = matrix * o.rows_padded + first_row + r;
            int e = row_exponent<PLANES>(most[row]);
            if (first_i + i == 0) exponents[row] = e;
            Scale scale = scale_of(7 * PLANES - e);
            u32 packed[PLANES];
#pragma unroll
            for (int p = 0; p < PLANES; p++) packed[p] = 0;
#pragma unroll
            for (u32 j = 0; j < 4; j++) {
                int q = rint_scaled(tile[r][i + j], scale);
#pragma unroll
                for (int p = PLANES - 1; p >= 0; p--) {
                    int digit = p == 0 ? q : ((q + 64) & 127) - 64;
                    q = (q - digit) >> 7;
                    packed[p] |= ((u32)digit & 255u) << (8 * j);
                }
            }
#pragma unroll
            for (int p = 0; p < PLANES; p++) *(u32 *)(planes + p * plane + row * o.k_padded + first_i + i) = packed[p];
        }
        __syncthreads();
    }
}

KERNEL quantise_1(const float *x, Operand o, const int *most, int *exponents, u8 *planes) {
    quantise<1>(x, o, most, exponents, planes);
}

KERNEL quantise_2(const float *x, Operand o, const int *most, int *exponents, u8 *planes) {
    quantise<2>(x, o, most, exponents, planes);
}

KERNEL quantise_3(const float *x, Operand o, const int *most, int *exponents, u8 *planes) {
    quantise<3>(x, o, most, exponents, planes);
}
