// Scatter-add, exact and long: first the rows of each target are listed, then each output
// element sums over its target's list. The order in a list differs from run to run, the sums
// do not.
#include "long.cu"

// Reads the integers and counts how many name each target. `counts` is zero at first.
KERNEL scatter_count(const float *x, u32 n, u32 targets, u32 *integers, u32 *counts, Report to) {
    for (u64 i = GRID_START; i < n; i += GRID_STEP) {
        u32 value = 0;
        if (!integer_below(x[i], targets, value)) {
            // The law reads all integers for any element, so element 0 has no value.
            report(to, 0);
            value = 0;
        }
        integers[i] = value;
        atomicAdd(&counts[value], 1u);
    }
}

// starts[t] = cursors[t] = the sum of counts before t, for t in 0..=targets. One block of 256.
KERNEL scatter_starts(const u32 *counts, u32 targets, u32 *starts, u32 *cursors) {
    __shared__ u32 sums[256];
    u32 before = 0;
    for (u64 first = 0; first <= targets; first += 256) {
        u64 t = first + threadIdx.x;
        u32 own = t < targets ? counts[t] : 0;
        sums[threadIdx.x] = own;
        __syncthreads();
        for (u32 step = 1; step < 256; step *= 2) {
            u32 left = threadIdx.x >= step ? sums[threadIdx.x - step] : 0;
            __syncthreads();
            sums[threadIdx.x] += left;
            __syncthreads();
        }
        if (t <= targets) starts[t] = cursors[t] = before + sums[threadIdx.x] - own;
        before += sums[255];
        __syncthreads();
    }
}

KERNEL scatter_list(const u32 *integers, u32 n, u32 *cursors, u32 *list) {
    for (u64 i = GRID_START; i < n; i += GRID_STEP) list[atomicAdd(&cursors[integers[i]], 1u)] = (u32)i;
}

// out [targets, width] from values [n, width].
KERNEL scatter_sum(const float *values, const u32 *starts, const u32 *list, u32 targets, u64 width, float *out, Report to) {
    for (u64 i = GRID_START; i < targets * width; i += GRID_STEP) {
        u64 target = i, column = split_off(target, width);
        u32 from = starts[target], end = starts[target + 1];
        int most = 0;
        for (u32 l = from; l < end; l++) most = max(most, key_of<true>(values[list[l] * width + column]));
        i64 total = 0;
        if (most != 0) {
            Scale scale = grid_scale(most);
            for (u32 l = from; l < end; l++) total += rint_scaled(values[list[l] * width + column], scale);
        }
        store(out, i, finish_sum(total, most), to);
    }
}

KERNEL scatter_long(const float *values, const u32 *starts, const u32 *list, u32 targets, u64 width, float *out, Report to) {
    for (u64 i = GRID_START; i < targets * width; i += GRID_STEP) {
        u64 target = i, column = split_off(target, width);
        Long sum;
        long_clear(sum);
        for (u32 l = starts[target]; l < starts[target + 1]; l++) long_add(sum, values[list[l] * width + column]);
        store(out, i, long_finish_one(sum), to);
    }
}
