// Long sums: the real sum, rounded once.
//
// An accumulator is an integer in units of 2^-149 as ten digits of base 2^32, each in 64 signed
// bits that are carried only now and then: a number adds to two neighbouring digits. Digits of
// several accumulators add up in any order.
#include "law.cuh"

#define DIGITS 10

struct Long {
    i64 digit[DIGITS];
    // Numbers added since the last carry.
    u32 pending;
    // A block product may be an infinity: 1 if a positive one was added, 2 if only negative ones.
    u32 infinity;
};

DEVICE void long_clear(Long &sum) {
#pragma unroll
    for (int d = 0; d < DIGITS; d++) sum.digit[d] = 0;
    sum.pending = 0;
    sum.infinity = 0;
}

// Digits from 0 to 2^32, but for the last, which keeps the sign.
DEVICE void long_carry(Long &sum) {
#pragma unroll
    for (int d = 0; d + 1 < DIGITS; d++) {
        // An arithmetic shift: rounds down.
        sum.digit[d + 1] += sum.digit[d] >> 32;
        sum.digit[d] &= 0xffffffffll;
    }
    sum.pending = 0;
}

DEVICE void long_add(Long &sum, float x) {
    if (!is_finite(x)) {
        if (sum.infinity != 1) sum.infinity = x > 0.0f ? 1 : 2;
        return;
    }
    u32 m;
    int e;
    decompose(x, m, e);
    u32 shift = (u32)(e + 149), at = shift / 32;
    u64 wide = (u64)m << (shift % 32);
    i64 low = (i64)(wide & 0xffffffffu), high = (i64)(wide >> 32);
    if (__float_as_uint(x) >> 31) {
        low = -low;
        high = -high;
    }
    // No index at run time: the digits stay in registers.
#pragma unroll
    for (u32 d = 0; d < DIGITS; d++) {
        if (d == at) sum.digit[d] += low;
        if (d == at + 1) sum.digit[d] += high;
    }
    // A digit grows by less than 2^32 each time.
    if (++sum.pending == 1u << 30) long_carry(sum);
}

DEVICE float long_finish_one(Long &sum) {
    if (sum.infinity != 0) return sum.infinity == 1 ? BITS(0x7f800000) : BITS(0xff800000);
    long_carry(sum);
    bool negative = sum.digit[DIGITS - 1] < 0;
    if (negative) {
#pragma unroll
        for (int d = 0; d < DIGITS; d++) sum.digit[d] = -sum.digit[d];
        long_carry(sum);
    }
    // The three leading digits and whether anything follows.
    u64 top = 0, middle = 0, bottom = 0;
    int at = -1;
    bool rest = false;
#pragma unroll
    for (int d = DIGITS - 1; d >= 0; d--) {
        u64 digit = (u64)sum.digit[d];
        if (at < 0) {
            if (digit == 0) continue;
            at = d;
            top = digit;
        } else if (d == at - 1) {
            middle = digit;
        } else if (d == at - 2) {
            bottom = digit;
        } else {
            rest |= digit != 0;
        }
    }
    if (at < 0) return 0.0f;
    // 64 bits from the leading one on, the last of them set if anything follows: enough to
    // round to 24. The top digit is below 2^32: the sum is below 2^310.
    int lead = __clz((int)(u32)top);
    u64 leading = top << 32 | middle;
    if (lead > 0) leading = leading << lead | bottom >> (32 - lead);
    rest |= lead > 0 ? (u32)(bottom << lead) != 0 : bottom != 0;
    leading |= rest ? 1 : 0;
    // leading 2^(32 at - 32 - lead) in units of 2^-149; a result below 2^-125 has no bits to round.
    float magnitude = ldexp_law(__ull2float_rn(leading), 32 * at - 32 - lead - 149);
    return negative ? negated(magnitude) : magnitude;
}

#include "sums.cu"

// One output per thread. In the sum of block products infinities may come.
KERNEL long_threads(const float *x, Fold fold, float *out, Report to) {
    for (u64 o = GRID_START; o < fold.outputs; o += GRID_STEP) {
        Long sum;
        long_clear(sum);
        for (u64 r = 0; r < fold.count; r++) long_add(sum, x[place(fold, o, r)]);
        store(out, o, long_finish_one(sum), to);
    }
}

// `digits` holds ten per output, zero at first.
KERNEL long_part(const float *x, Fold fold, u64 chunk, u32 by_row, u64 *digits) {
    Part part = part_of(fold, chunk, by_row);
    Long sum;
    long_clear(sum);
    if (part.o < fold.outputs) {
        for (u64 r = part.from; r < part.to; r += part.step) long_add(sum, x[place(fold, part.o, r)]);
    }
    long_carry(sum);
#pragma unroll
    for (int d = 0; d < DIGITS; d++) {
        i64 digit = by_row ? warp_sum(sum.digit[d]) : sum.digit[d];
        bool writes = part.o < fold.outputs && (!by_row || threadIdx.x % 32 == 0);
        if (writes && digit != 0) atomicAdd(&digits[part.o * DIGITS + d], (u64)digit);
    }
}

KERNEL long_finish(const u64 *digits, u64 outputs, float *out, Report to) {
    for (u64 o = GRID_START; o < outputs; o += GRID_STEP) {
        Long sum;
        long_clear(sum);
#pragma unroll
        for (int d = 0; d < DIGITS; d++) sum.digit[d] = (i64)digits[o * DIGITS + d];
        store(out, o, long_finish_one(sum), to);
    }
}
