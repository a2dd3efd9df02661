// Ops that move numbers and round nothing.
#include "law.cuh"

KERNEL fill(float *out, u64 count, u32 bits, Report to) {
    for (u64 i = GRID_START; i < count; i += GRID_STEP) store(out, i, __uint_as_float(bits), to);
}

// Words of scratch memory.
KERNEL fill_words(u32 *out, u64 count, u32 value) {
    for (u64 i = GRID_START; i < count; i += GRID_STEP) out[i] = value;
}

// Starts a step: nothing is reported, and there is no loss yet.
KERNEL begin(u64 *word) {
    if (GRID_START == 0) {
        word[0] = ~0ull;
        word[1] = 0;
    }
}

// Ends a step: the loss and the gradient norm for the host to read beside the report.
KERNEL pulse(u64 *word, const float *loss, const float *norm) {
    if (GRID_START == 0) word[1] = (u64)__float_as_uint(*norm) << 32 | __float_as_uint(*loss);
}

KERNEL copy(const float *x, float *out, u64 count) {
    for (u64 i = GRID_START; i < count; i += GRID_STEP) out[i] = x[i];
}

// Updates a state tensor, unless the step has failed.
KERNEL update(const float *x, float *out, u64 count, const u64 *word) {
    if (*word != ~0ull) return;
    for (u64 i = GRID_START; i < count; i += GRID_STEP) out[i] = x[i];
}

// Sizes from the innermost dimension, and how far apart neighbours are in the source and in
// the target.
struct Strides {
    u64 size[4], source[4], target[4];
};

// out[target + sum j target_j] = x[source + sum j source_j]: permute, slice, concat.
KERNEL copy_view(const float *x, float *out, u64 count, Strides strides, u64 source, u64 target) {
    for (u64 i = GRID_START; i < count; i += GRID_STEP) {
        u64 rest = i, from = source, to = target;
#pragma unroll
        for (int d = 0; d < 4; d++) {
            u64 at = split_off(rest, strides.size[d]);
            from += at * strides.source[d];
            to += at * strides.target[d];
        }
        out[to] = x[from];
    }
}

// out [batch, columns, rows] from x [batch, rows, columns], tile by tile so that both sides are
// read and written in runs. Blocks of 32 x 8.
KERNEL transpose(const float *x, float *out, u64 rows, u64 columns) {
    __shared__ float tile[32][33];
    u64 first = (u64)blockIdx.z * rows * columns;
    u64 column = (u64)blockIdx.x * 32 + threadIdx.x, row = (u64)blockIdx.y * 32 + threadIdx.y;
    for (u32 i = 0; i < 32; i += 8) {
        if (row + i < rows && column < columns) tile[threadIdx.y + i][threadIdx.x] = x[first + (row + i) * columns + column];
    }
    __syncthreads();
    column = (u64)blockIdx.x * 32 + threadIdx.y;
    row = (u64)blockIdx.y * 32 + threadIdx.x;
    for (u32 i = 0; i < 32; i += 8) {
        if (column + i < columns && row < rows) out[first + (column + i) * rows + row] = tile[threadIdx.x][threadIdx.y + i];
    }
}

// out [n, classes].
KERNEL one_hot(const float *x, float *out, u64 n, u32 classes, Report to) {
    for (u64 i = GRID_START; i < n * classes; i += GRID_STEP) {
        u64 row = i, column = split_off(row, classes);
        u32 value = 0;
        if (!integer_below(x[row], classes, value)) report(to, i);
        else out[i] = value == column ? 1.0f : 0.0f;
    }
}

// out [n, width] of the table [rows, width].
KERNEL gather(const float *table, const float *x, float *out, u64 n, u64 width, u32 rows, Report to) {
    for (u64 i = GRID_START; i < n * width; i += GRID_STEP) {
        u64 row = i, column = split_off(row, width);
        u32 value = 0;
        if (!integer_below(x[row], rows, value)) report(to, i);
        else out[i] = table[value * width + column];
    }
}

KERNEL iota(float *out, u64 count, u64 size, u64 inner) {
    for (u64 i = GRID_START; i < count; i += GRID_STEP) out[i] = (float)(u32)(i / inner % size);
}

// Images [n, channels, height, width] and the places of a window over them.
struct Places {
    u64 channels, height, width;
    // Of the window: size, stride, padding, and how many places, each vertical and horizontal.
    u64 kernel[2], stride[2], padding[2], places[2];
};

KERNEL patches(const float *x, float *out, u64 count, Places p) {
    u64 area = p.kernel[0] * p.kernel[1], columns = p.channels * area, per_image = p.places[0] * p.places[1];
    for (u64 i = GRID_START; i < count; i += GRID_STEP) {
        u64 row = i, column = split_off(row, columns);
        u64 image = row, down = split_off(image, per_image);
        u64 channel = column, below = split_off(channel, area);
        u64 right = split_off(down, p.places[1]), beside = split_off(below, p.kernel[1]);
        // Below zero in the padding, that is, a great number.
        u64 y = down * p.stride[0] + below - p.padding[0], z = right * p.stride[1] + beside - p.padding[1];
        bool inside = y < p.height && z < p.width;
        out[i] = inside ? x[((image * p.channels + channel) * p.height + y) * p.width + z] : 0.0f;
    }
}
