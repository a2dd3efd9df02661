// What every kernel shares: the scalars and functions of docs/law.md, and how a kernel
// reports an element that is not a number.
//
// Each operator below is one IEEE 754 binary32 operation, so this is compiled without fused
// multiply-add, without flushing to zero, and with division and square root that round
// correctly (src/nvrtc.rs has the options; src/emulator.rs those for the CPU).
#pragma once

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef long long i64;

#define DEVICE static __device__ __forceinline__
#define KERNEL extern "C" __global__ void

// ---- errors ----

// Where a kernel reports that element `index` of its op's output has no value. The word holds
// the least of all reports: the op's number in the upper 24 bits, the index in the lower 40.
struct Report {
    u64 *word;
    u64 op;
};

DEVICE void report(Report to, u64 index) {
    atomicMin(to.word, to.op | index);
}

DEVICE bool is_finite(float x) {
    return (__float_as_uint(x) & 0x7f800000u) != 0x7f800000u;
}

DEVICE void store(float *out, u64 index, float value, Report to) {
    out[index] = value;
    if (!is_finite(value)) report(to, index);
}

// ---- scalars ----

DEVICE float absolute(float x) {
    return __uint_as_float(__float_as_uint(x) & 0x7fffffffu);
}

DEVICE float negated(float x) {
    return __uint_as_float(__float_as_uint(x) ^ 0x80000000u);
}

DEVICE float with_sign_of(float magnitude, float x) {
    return __uint_as_float((__float_as_uint(magnitude) & 0x7fffffffu) | (__float_as_uint(x) & 0x80000000u));
}

// |x| = m 2^e with m < 2^24, for a finite x.
DEVICE void decompose(float x, u32 &m, int &e) {
    u32 bits = __float_as_uint(x) & 0x7fffffffu;
    u32 field = bits >> 23;
    m = field == 0 ? bits : ((bits & 0x007fffffu) | 0x00800000u);
    e = field == 0 ? -149 : (int)field - 150;
}

// The least e with |x| < 2^e, for a finite x other than zero.
DEVICE int above(float x) {
    u32 m;
    int e;
    decompose(x, m, e);
    return e + 32 - __clz((int)m);
}

// round(x 2^k).
DEVICE float ldexp_law(float x, int k) {
    if (x == 0.0f || !is_finite(x)) return x;
    u32 sign = __float_as_uint(x) & 0x80000000u;
    u32 m;
    int e;
    decompose(x, m, e);
    int lead = __clz((int)m) - 8;
    m <<= lead;
    // |x| 2^k = m 2^(field - 150) with 2^23 <= m < 2^24. All exponents are below 2^17.
    int field = e - lead + 150 + k;
    if (field >= 255) return __uint_as_float(sign | 0x7f800000u);
    if (field >= 1) return __uint_as_float(sign | ((u32)field << 23) | (m & 0x007fffffu));
    int shift = 1 - field;
    // Below half of the least subnormal number.
    if (shift > 25) return __uint_as_float(sign);
    u32 quotient = m >> shift, rest = m & ((1u << shift) - 1), half = 1u << (shift - 1);
    quotient += rest > half || (rest == half && (quotient & 1));
    // A carry into bit 23 is the least normal number, as its encoding should be.
    return __uint_as_float(sign | quotient);
}

// 2^k for -126 <= k <= 127.
DEVICE float power_of_two(int k) {
    return __uint_as_float((u32)(k + 127) << 23);
}

// A power of two as two factors, since 2^k may be beyond binary32.
struct Scale {
    float first, second;
};

// For -252 <= k <= 254.
DEVICE Scale scale_of(int k) {
    int half = k / 2;
    Scale scale = {power_of_two(half), power_of_two(k - half)};
    return scale;
}

// rint(x 2^k) for |x 2^k| <= 2^30. The products are exact unless the result is far below 1/2:
// the first one lies between x and the second.
DEVICE int rint_scaled(float x, Scale scale) {
    return __float2int_rn((x * scale.first) * scale.second);
}

DEVICE float rint_law(float x) {
    const float grid = 8388608.0f;
    float magnitude = absolute(x);
    float rounded = (magnitude + grid) - grid;
    rounded = magnitude < grid ? rounded : magnitude;
    return __uint_as_float(__float_as_uint(rounded) | (__float_as_uint(x) & 0x80000000u));
}

DEVICE float min_law(float a, float b) {
    return b < a ? b : a;
}

DEVICE float max_law(float a, float b) {
    return b > a ? b : a;
}

// Orders finite numbers, -0 below +0; its own inverse.
DEVICE int order_key(int bits) {
    return bits ^ (int)((u32)(bits >> 31) >> 1);
}

// ---- functions ----

template <int N>
DEVICE float horner(float x, const float (&c)[N]) {
    float p = c[N - 1];
#pragma unroll
    for (int i = N - 2; i >= 0; i--) p = p * x + c[i];
    return p;
}

#define BITS(x) __uint_as_float(x)

DEVICE float exp_law(float x) {
    const float c[] = {BITS(0x3f000000), BITS(0x3e2aaaab), BITS(0x3d2aaaab), BITS(0x3c088889), BITS(0x3ab60b61),
                       BITS(0x39500d01)};
    x = x > 89.0f ? 89.0f : x;
    x = x < -105.0f ? -105.0f : x;
    float n = rint_law(x * BITS(0x3fb8aa3b));
    float r = (x - n * BITS(0x3f318000)) - n * BITS(0xb95e8083);
    float p = 1.0f + (r + (r * r) * horner(r, c));
    // ldexp(p, n): n is in -152..=128 and p in (0.7, 1.42), so the first product is exact.
    int k = __float2int_rz(n), first = k >> 1;
    return p * power_of_two(first) * power_of_two(k - first);
}

DEVICE float log_law(float x) {
    const float c[] = {BITS(0x3f2aaaab), BITS(0x3ecccccd), BITS(0x3e924925), BITS(0x3e638e39), BITS(0x3e3a2e8c)};
    bool subnormal = x < BITS(0x00800000);
    float scaled = subnormal ? x * 33554432.0f : x;
    u32 bits = __float_as_uint(scaled) + (0x3f800000u - 0x3f3504f3u);
    float k = (float)((int)(bits >> 23) - 127 - (subnormal ? 25 : 0));
    float f = BITS((bits & 0x007fffffu) + 0x3f3504f3u) - 1.0f;
    float s = f / (2.0f + f);
    float z = s * s;
    float r = z * horner(z, c);
    float h = (f * f) * 0.5f;
    float result = k * BITS(0x3f318000) - ((h - (s * (h + r) + k * BITS(0xb95e8083))) - f);
    result = x > BITS(0x7f7fffff) ? BITS(0x7f800000) : result;
    result = x == 0.0f ? BITS(0xff800000) : result;
    return x >= 0.0f ? result : BITS(0x7fc00000);
}

DEVICE float tanh_law(float x) {
    const float c[] = {BITS(0xbeaaaaab), BITS(0x3e088875), BITS(0xbd5d0462), BITS(0x3cb254bb), BITS(0xbc08b50b),
                       BITS(0x3b1641e0)};
    float a = absolute(x);
    float z = a * a;
    float small = a + (a * z) * horner(z, c);
    float limited = a > 10.0f ? 10.0f : a;
    float large = 1.0f - 2.0f / (exp_law(2.0f * limited) + 1.0f);
    return with_sign_of(a < 0.625f ? small : large, x);
}

DEVICE float erf_law(float x) {
    const float s[] = {BITS(0x3e0375d4), BITS(0xbec093a3), BITS(0x3de7175b), BITS(0xbcdc0f4f), BITS(0x3baab9a8),
                       BITS(0xba58672e), BITS(0x38ba6dd0)};
    const float l[] = {BITS(0x3927115a), BITS(0xbf90918a), BITS(0xbf222ca7), BITS(0xbddd6e50), BITS(0x3cccf2b3),
                       BITS(0xbb87717d), BITS(0x39dfd015), BITS(0xb7aba059)};
    float a = absolute(x);
    a = a > 4.0f ? 4.0f : a;
    float small = a + a * horner(a * a, s);
    float large = 1.0f - exp_law(horner(a, l));
    return with_sign_of(a < 0.84375f ? small : large, x);
}

// sin(pi r) and cos(pi r) with a = r + k / 2 and |r| <= 1/4; gives k.
DEVICE u32 quarter_turns(float a, float &sine, float &cosine) {
    const float s[] = {BITS(0xc0a55de7), BITS(0x402335e1), BITS(0xbf19670f), BITS(0x3da65bb1)};
    const float c[] = {BITS(0xc09de9e6), BITS(0x4081e0f5), BITS(0xbfaae5cc), BITS(0x3e6db249)};
    a = a < 16777216.0f ? a : 0.0f * a;
    float n = rint_law(a + a);
    float r = a - n * 0.5f;
    float z = r * r;
    sine = r * BITS(0x40490fdb) + (r * BITS(0xb3bbbd2e) + (r * z) * horner(z, s));
    cosine = 1.0f + z * horner(z, c);
    return (u32)__float2int_rz(n) & 3;
}

DEVICE float sinpi_law(float x) {
    float sine, cosine;
    u32 k = quarter_turns(absolute(x), sine, cosine);
    float base = (k & 1) == 0 ? sine : cosine;
    float turned = __uint_as_float(__float_as_uint(base) ^ ((k & 2) << 30)) + 0.0f;
    return __uint_as_float(__float_as_uint(turned) ^ (__float_as_uint(x) & 0x80000000u));
}

DEVICE float cospi_law(float x) {
    float sine, cosine;
    u32 k = quarter_turns(absolute(x), sine, cosine);
    float base = (k & 1) == 0 ? cosine : sine;
    return __uint_as_float(__float_as_uint(base) ^ (((k + 1) & 2) << 30)) + 0.0f;
}

// ---- reading integers ----

// Whether x is an integer in 0..limit; -0 is 0.
DEVICE bool integer_below(float x, u32 limit, u32 &value) {
    // The comparison is false for a NaN, and keeps the conversion in range.
    if (!(x >= 0.0f && x < 4294967296.0f)) return false;
    value = __float2uint_rz(x);
    return (float)value == x && value < limit;
}

// ---- places ----

// rest % size, leaving rest / size. Division of 64 bits takes several times that of 32.
DEVICE u64 split_off(u64 &rest, u64 size) {
    if (((rest | size) >> 32) == 0) {
        u32 all = (u32)rest, quotient = all / (u32)size;
        rest = quotient;
        return all - quotient * (u32)size;
    }
    u64 quotient = rest / size, at = rest - quotient * size;
    rest = quotient;
    return at;
}

// Sizes of the output and strides of the input, from the innermost dimension.
struct Broadcast {
    u64 size[4], stride[4];
};

DEVICE u64 broadcast(const Broadcast &b, u64 i) {
    u64 flat = 0;
#pragma unroll
    for (int d = 0; d < 4; d++) flat += split_off(i, b.size[d]) * b.stride[d];
    return flat;
}

// ---- loops and warps ----

// This thread's number in the grid's first dimension, and how many there are.
#define GRID_START ((u64)blockIdx.x * blockDim.x + threadIdx.x)
#define GRID_STEP ((u64)gridDim.x * blockDim.x)
#define ALL_LANES 0xffffffffu

DEVICE int warp_max(int x) {
    for (int step = 16; step > 0; step >>= 1) {
        int other = __shfl_xor_sync(ALL_LANES, x, step);
        x = other > x ? other : x;
    }
    return x;
}

DEVICE i64 warp_sum(i64 x) {
    for (int step = 16; step > 0; step >>= 1) x += __shfl_xor_sync(ALL_LANES, x, step);
    return x;
}
