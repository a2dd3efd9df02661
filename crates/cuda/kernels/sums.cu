// Exact sums and maxima over axes.
//
// An exact sum looks at its addends twice: for the greatest magnitude, which gives the grid,
// and for the integers on the grid. Both passes merge in any order, so a sum is done by one
// thread, by one warp, or by many blocks with atomics, whatever suits its shape: src/reduce.rs.
#include "law.cuh"

// Which elements fold into which output.
struct Fold {
    u64 outputs, count;
    // Of [outer, count, inner], if the axes are neighbours; else `axes` is not 0.
    u64 inner;
    // From the innermost dimension; bit d of `axes` is dimension d.
    u32 dims[4];
    u64 axes;
};

// The flat index of addend r of output o.
DEVICE u64 place(const Fold &fold, u64 o, u64 r) {
    if (fold.axes == 0) return (o / fold.inner * fold.count + r) * fold.inner + o % fold.inner;
    u64 flat = 0, stride = 1;
#pragma unroll
    for (int d = 0; d < 4; d++) {
        u64 size = fold.dims[d];
        flat += split_off(fold.axes >> d & 1 ? r : o, size) * stride;
        stride *= size;
    }
    return flat;
}

// What is compared: a magnitude's bits for sums, the place in the order of numbers for maxima.
template <bool SUM>
DEVICE int key_of(float x) {
    int bits = (int)__float_as_uint(x);
    return SUM ? (bits & 0x7fffffff) : order_key(bits);
}

DEVICE Scale grid_scale(int most) {
    return scale_of(30 - above(__uint_as_float((u32)most)));
}

DEVICE float finish_sum(i64 total, int most) {
    if (most == 0) return 0.0f;
    return ldexp_law(__ll2float_rn(total), above(__uint_as_float((u32)most)) - 30);
}

DEVICE float finish_max(int most) {
    return __uint_as_float((u32)order_key(most));
}

#define LEAST_KEY (-2147483647 - 1)

// One output per thread.
template <bool SUM>
DEVICE void fold_threads(const float *x, const Fold &fold, float *out, Report to) {
    for (u64 o = GRID_START; o < fold.outputs; o += GRID_STEP) {
        int most = SUM ? 0 : LEAST_KEY;
        for (u64 r = 0; r < fold.count; r++) most = max(most, key_of<SUM>(x[place(fold, o, r)]));
        float result;
        if (SUM) {
            i64 total = 0;
            if (most != 0) {
                Scale scale = grid_scale(most);
                for (u64 r = 0; r < fold.count; r++) total += rint_scaled(x[place(fold, o, r)], scale);
            }
            result = finish_sum(total, most);
        } else {
            result = finish_max(most);
        }
        store(out, o, result, to);
    }
}

KERNEL sum_threads(const float *x, Fold fold, float *out, Report to) {
    fold_threads<true>(x, fold, out, to);
}

KERNEL max_threads(const float *x, Fold fold, float *out, Report to) {
    fold_threads<false>(x, fold, out, to);
}

// One output per warp.
template <bool SUM>
DEVICE void fold_warps(const float *x, const Fold &fold, float *out, Report to) {
    u32 lane = threadIdx.x % 32;
    for (u64 o = GRID_START / 32; o < fold.outputs; o += GRID_STEP / 32) {
        int most = SUM ? 0 : LEAST_KEY;
        for (u64 r = lane; r < fold.count; r += 32) most = max(most, key_of<SUM>(x[place(fold, o, r)]));
        most = warp_max(most);
        float result;
        if (SUM) {
            i64 total = 0;
            if (most != 0) {
                Scale scale = grid_scale(most);
                for (u64 r = lane; r < fold.count; r += 32) total += rint_scaled(x[place(fold, o, r)], scale);
            }
            result = finish_sum(warp_sum(total), most);
        } else {
            result = finish_max(most);
        }
        if (lane == 0) store(out, o, result, to);
    }
}

KERNEL sum_warps(const float *x, Fold fold, float *out, Report to) {
    fold_warps<true>(x, fold, out, to);
}

KERNEL max_warps(const float *x, Fold fold, float *out, Report to) {
    fold_warps<false>(x, fold, out, to);
}

// The part of the addends that block row `blockIdx.y` takes. With `by_row` a block works on one
// output, its threads side by side along the addends; otherwise each thread has an output.
struct Part {
    u64 o, from, to;
    u32 step;
};

DEVICE Part part_of(const Fold &fold, u64 chunk, u32 by_row) {
    Part part;
    part.o = by_row ? (u64)blockIdx.x : GRID_START;
    part.from = blockIdx.y * chunk + (by_row ? threadIdx.x : 0);
    part.to = min(fold.count, (blockIdx.y + 1) * chunk);
    part.step = by_row ? blockDim.x : 1;
    return part;
}

template <bool SUM>
DEVICE void most_part(const float *x, const Fold &fold, u64 chunk, u32 by_row, int *most) {
    Part part = part_of(fold, chunk, by_row);
    int own = SUM ? 0 : LEAST_KEY;
    if (part.o < fold.outputs) {
        for (u64 r = part.from; r < part.to; r += part.step) own = max(own, key_of<SUM>(x[place(fold, part.o, r)]));
    }
    if (by_row) own = warp_max(own);
    if (part.o < fold.outputs && (!by_row || threadIdx.x % 32 == 0)) atomicMax(&most[part.o], own);
}

KERNEL sum_most(const float *x, Fold fold, u64 chunk, u32 by_row, int *most) {
    most_part<true>(x, fold, chunk, by_row, most);
}

KERNEL max_most(const float *x, Fold fold, u64 chunk, u32 by_row, int *most) {
    most_part<false>(x, fold, chunk, by_row, most);
}

KERNEL sum_totals(const float *x, Fold fold, u64 chunk, u32 by_row, const int *most, u64 *totals) {
    Part part = part_of(fold, chunk, by_row);
    i64 own = 0;
    if (part.o < fold.outputs && most[part.o] != 0) {
        Scale scale = grid_scale(most[part.o]);
        for (u64 r = part.from; r < part.to; r += part.step) own += rint_scaled(x[place(fold, part.o, r)], scale);
    }
    if (by_row) own = warp_sum(own);
    if (part.o < fold.outputs && (!by_row || threadIdx.x % 32 == 0)) atomicAdd(&totals[part.o], (u64)own);
}

KERNEL sum_finish(const int *most, const u64 *totals, u64 outputs, float *out, Report to) {
    for (u64 o = GRID_START; o < outputs; o += GRID_STEP) store(out, o, finish_sum((i64)totals[o], most[o]), to);
}

KERNEL max_finish(const int *most, u64 outputs, float *out, Report to) {
    for (u64 o = GRID_START; o < outputs; o += GRID_STEP) store(out, o, finish_max(most[o]), to);
}
