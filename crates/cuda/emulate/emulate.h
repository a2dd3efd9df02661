// A grid of threads on a CPU, for testing the kernels: their source, unchanged, compiles as C++
// behind this header.
//
// Blocks run one after another. The threads of a block are fibers that take turns: one runs
// until it waits for the others (a barrier, a shuffle, a tensor-core product). The order of turns
// is shuffled anew for every block by a seed, so that a kernel that lacks a barrier gives
// different results under different seeds. Shared memory keeps what the last block left there, and
// the block's dynamic shared memory starts as garbage. A barrier that not all threads reach
// aborts with a message, where a GPU might hang.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <mutex>
#include <tuple>
#include <utility>
#include <vector>

#include <csetjmp>

#include <pthread.h>
#include <sys/mman.h>
#include <ucontext.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

#define ASSAY_EMULATED
#define __global__
#define __device__
#define __constant__ static const
#define __forceinline__ inline
#define __shared__ static
#define __align__(n) alignas(n)
#define SHARED_BYTES(name) u8 *name = emulate::dynamic_shared

struct dim3 {
    unsigned x, y, z;
};

static dim3 threadIdx, blockIdx, blockDim, gridDim;

namespace emulate {

const size_t STACK = 256 << 10;

// A stack that a switch leaves and another comes back to. Switches between fibers are jumps,
// which unlike swapcontext() ask the kernel for nothing.
struct Place {
    jmp_buf jump;
    void *fake_stack = nullptr;
    const void *bottom = nullptr;
    size_t size = 0;
};

struct Fiber {
    Place place;
    bool begun = false;
    dim3 index;
    // Where it waits: until `*waits_for` is no longer what it was.
    const uint64_t *waits_for = nullptr;
    uint64_t was = 0;
    bool done = true;
};

struct Meeting {
    uint64_t generation = 0;
    unsigned arrived = 0;
};

struct Warp {
    Meeting meeting;
    // What the lanes hand to each other; two, so that one meeting per exchange is enough.
    unsigned char slots[2][32][32];
    unsigned parity[32];
};

static unsigned char *dynamic_shared;
// References stay good when it grows.
static std::deque<Fiber> fibers;
static std::vector<Warp> warps;
static Meeting block;
static unsigned live, self;
static Place scheduler;
static void (*body)();
static std::mutex one_launch;

[[noreturn]] inline void fail(const char *what) {
    std::fprintf(stderr, "emulated grid: %s (block %u %u %u, thread %u)\n", what, blockIdx.x, blockIdx.y, blockIdx.z, self);
    std::abort();
}

// Tells AddressSanitizer which stack comes next, and that it has come.
inline void leave(Place &from, const Place &to) {
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(&from.fake_stack, to.bottom, to.size);
#else
    (void)from, (void)to;
#endif
}

inline void arrive(const Place &at) {
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(at.fake_stack, nullptr, nullptr);
#else
    (void)at;
#endif
}

inline void switch_to(Place &from, const Place &to) {
    leave(from, to);
    if (_setjmp(from.jump) == 0) _longjmp(const_cast<Place &>(to).jump, 1);
    arrive(from);
}

// Lets the others run until `meeting` is over.
inline void wait_for(const Meeting &meeting, uint64_t generation) {
    Fiber &fiber = fibers[self];
    fiber.waits_for = &meeting.generation;
    fiber.was = generation;
    switch_to(fiber.place, scheduler);
}

inline void meet(Meeting &meeting, unsigned all) {
    uint64_t generation = meeting.generation;
    if (++meeting.arrived == all) {
        meeting.arrived = 0;
        meeting.generation++;
    } else {
        wait_for(meeting, generation);
    }
}

inline unsigned lanes_of(unsigned warp) {
    unsigned left = live - warp * 32;
    return left < 32 ? left : 32;
}

// Hands `value` to the warp; `other(lane)` is what that lane handed over.
template <class T>
struct Exchange {
    Warp &warp;
    unsigned slot;

    explicit Exchange(const T &value) : warp(warps[self / 32]), slot(warps[self / 32].parity[self % 32]++ % 2) {
        static_assert(sizeof(T) <= 32, "too large to hand over");
        std::memcpy(warp.slots[slot][self % 32], &value, sizeof(T));
        meet(warp.meeting, lanes_of(self / 32));
    }

    T other(unsigned lane) const {
        T value;
        std::memcpy(&value, warp.slots[slot][lane], sizeof(T));
        return value;
    }
};

// What a fiber does for ever: one thread of one block after another.
static void enter() {
    arrive(fibers[self].place);
    for (;;) {
        body();
        Fiber &fiber = fibers[self];
        fiber.done = true;
        switch_to(fiber.place, scheduler);
    }
}

inline void resume(Fiber &fiber) {
    if (fiber.begun) {
        switch_to(scheduler, fiber.place);
        return;
    }
    fiber.begun = true;
    ucontext_t first, back;
    getcontext(&first);
    first.uc_stack.ss_sp = const_cast<void *>(fiber.place.bottom);
    first.uc_stack.ss_size = STACK;
    first.uc_link = nullptr;
    makecontext(&first, enter, 0);
    leave(scheduler, fiber.place);
    if (_setjmp(scheduler.jump) == 0) swapcontext(&back, &first);
    arrive(scheduler);
}

inline void run_block(uint64_t seed) {
    unsigned count = blockDim.x * blockDim.y * blockDim.z;
    if (count > fibers.size()) {
        size_t before = fibers.size();
        fibers.resize(count);
        for (size_t i = before; i < count; i++) {
            void *stack = mmap(nullptr, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
            if (stack == MAP_FAILED) fail("no memory for stacks");
            fibers[i].place.bottom = stack;
            fibers[i].place.size = STACK;
        }
    }
    warps.assign((count + 31) / 32, Warp());
    for (Warp &warp : warps) std::memset(warp.parity, 0, sizeof warp.parity);
    block = Meeting();
    live = count;
    std::vector<unsigned> order(count);
    for (unsigned i = 0; i < count; i++) {
        Fiber &fiber = fibers[i];
        fiber.done = false;
        fiber.waits_for = nullptr;
        fiber.index = {i % blockDim.x, i / blockDim.x % blockDim.y, i / blockDim.x / blockDim.y};
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        unsigned at = static_cast<unsigned>((seed >> 33) % (i + 1));
        order[i] = order[at];
        order[at] = i;
    }
    for (unsigned left = count; left > 0;) {
        bool moved = false;
        for (unsigned i : order) {
            Fiber &fiber = fibers[i];
            if (fiber.done || (fiber.waits_for && *fiber.waits_for == fiber.was)) continue;
            moved = true;
            self = i;
            threadIdx = fiber.index;
            fiber.waits_for = nullptr;
            resume(fiber);
            if (fiber.done) left--;
        }
        if (!moved) fail("threads wait at a barrier that others never reach");
    }
}

template <class... A, size_t... I>
void call(void (*kernel)(A...), void **arguments, std::index_sequence<I...>) {
    kernel(*static_cast<A *>(arguments[I])...);
}

// Launches a kernel: `shape` is the grid's three sizes, then a block's.
template <class... A>
void launch(void (*kernel)(A...), void **arguments, const unsigned *shape, unsigned shared_bytes, uint64_t seed) {
    std::lock_guard<std::mutex> lock(one_launch);
    static void (*kernel_now)(A...);
    static void **arguments_now;
    kernel_now = kernel;
    arguments_now = arguments;
    body = [] { call(kernel_now, arguments_now, std::index_sequence_for<A...>()); };
    gridDim = {shape[0], shape[1], shape[2]};
    blockDim = {shape[3], shape[4], shape[5]};
#if defined(__SANITIZE_ADDRESS__)
    pthread_attr_t attributes;
    void *bottom;
    pthread_getattr_np(pthread_self(), &attributes);
    pthread_attr_getstack(&attributes, &bottom, &scheduler.size);
    pthread_attr_destroy(&attributes);
    scheduler.bottom = bottom;
#endif
    dynamic_shared = shared_bytes ? static_cast<unsigned char *>(aligned_alloc(64, (shared_bytes + 63) / 64 * 64)) : nullptr;
    for (unsigned z = 0; z < gridDim.z; z++)
        for (unsigned y = 0; y < gridDim.y; y++)
            for (unsigned x = 0; x < gridDim.x; x++) {
                blockIdx = {x, y, z};
                if (dynamic_shared) std::memset(dynamic_shared, 0xa5, shared_bytes);
                run_block(seed += 0x9e3779b97f4a7c15u);
            }
    std::free(dynamic_shared);
}

}  // namespace emulate

// ---- CUDA's names ----

static inline float __uint_as_float(unsigned x) {
    float y;
    std::memcpy(&y, &x, 4);
    return y;
}

static inline unsigned __float_as_uint(float x) {
    unsigned y;
    std::memcpy(&y, &x, 4);
    return y;
}

static inline int __clz(int x) {
    return x == 0 ? 32 : __builtin_clz(static_cast<unsigned>(x));
}

// As CUDA's conversions do, out of range goes to the nearest end and a NaN to zero.
static inline int __float2int_rz(float x) {
    if (!(x > -2147483648.0f)) return x == x ? INT32_MIN : 0;
    return x < 2147483648.0f ? static_cast<int>(x) : INT32_MAX;
}

static inline int __float2int_rn(float x) {
    return __float2int_rz(std::nearbyintf(x));
}

static inline unsigned __float2uint_rz(float x) {
    if (!(x > 0.0f)) return 0;
    return x < 4294967296.0f ? static_cast<unsigned>(x) : UINT32_MAX;
}

static inline float __ll2float_rn(long long x) {
    return static_cast<float>(x);
}

static inline float __ull2float_rn(unsigned long long x) {
    return static_cast<float>(x);
}

static inline float __fsqrt_rn(float x) {
    return std::sqrt(x);
}

template <class T>
static inline T min(T a, T b) {
    return b < a ? b : a;
}

template <class T>
static inline T max(T a, T b) {
    return b > a ? b : a;
}

template <class T>
static inline T atomicAdd(T *at, T x) {
    T old = *at;
    *at = old + x;
    return old;
}

template <class T>
static inline T atomicMax(T *at, T x) {
    T old = *at;
    *at = x > old ? x : old;
    return old;
}

template <class T>
static inline T atomicMin(T *at, T x) {
    T old = *at;
    *at = x < old ? x : old;
    return old;
}

static inline void __syncthreads() {
    emulate::meet(emulate::block, emulate::live);
}

template <class T>
static inline T __shfl_xor_sync(unsigned mask, T x, int with) {
    if (mask != 0xffffffffu) emulate::fail("shuffles of part of a warp are not emulated");
    return emulate::Exchange<T>(x).other((emulate::self % 32) ^ static_cast<unsigned>(with));
}

// ---- tensor cores and copies: see kernels/matmul.cu ----

struct AssayFragments {
    unsigned a[4], b[2];
};

// Signed byte `k` of 16 x 32 (or less) in the fragments of a warp.
static inline int assay_byte(unsigned word, unsigned at) {
    return static_cast<signed char>(word >> 8 * at & 255);
}

static inline void mma_8_8_16(int &c0, int &c1, unsigned a, unsigned b) {
    emulate::Exchange<AssayFragments> warp({{a, 0, 0, 0}, {b, 0}});
    unsigned lane = emulate::self % 32, row = lane / 4;
    int *c[2] = {&c0, &c1};
    for (unsigned r = 0; r < 2; r++) {
        unsigned column = lane % 4 * 2 + r;
        for (unsigned four = 0; four < 4; four++) {
            unsigned wa = warp.other(row * 4 + four).a[0], wb = warp.other(column * 4 + four).b[0];
            for (unsigned i = 0; i < 4; i++) *c[r] += assay_byte(wa, i) * assay_byte(wb, i);
        }
    }
}

static inline void mma_16_8_32(int (&c)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
    emulate::Exchange<AssayFragments> warp({{a[0], a[1], a[2], a[3]}, {b0, b1}});
    unsigned lane = emulate::self % 32;
    for (unsigned r = 0; r < 4; r++) {
        // Rows 8 on are in the odd registers of A, k from 16 on in the upper two.
        unsigned row = lane / 4, below = r / 2, column = lane % 4 * 2 + r % 2;
        for (unsigned half = 0; half < 2; half++)
            for (unsigned four = 0; four < 4; four++) {
                unsigned wa = warp.other(row * 4 + four).a[2 * half + below];
                unsigned wb = warp.other(column * 4 + four).b[half];
                for (unsigned i = 0; i < 4; i++) c[r] += assay_byte(wa, i) * assay_byte(wb, i);
            }
    }
}

static inline void load_matrices(unsigned (&out)[4], const void *row) {
    if (reinterpret_cast<uintptr_t>(row) % 16 != 0) emulate::fail("a matrix row is not aligned to 16 bytes");
    emulate::Exchange<const void *> warp(row);
    unsigned lane = emulate::self % 32;
    for (unsigned matrix = 0; matrix < 4; matrix++) {
        const char *from = static_cast<const char *>(warp.other(matrix * 8 + lane / 4));
        std::memcpy(&out[matrix], from + 4 * (lane % 4), 4);
    }
}

static inline void copy_16(void *to, const void *from) {
    if ((reinterpret_cast<uintptr_t>(to) | reinterpret_cast<uintptr_t>(from)) % 16 != 0) {
        emulate::fail("a copy of 16 bytes is not aligned");
    }
    std::memcpy(to, from, 16);
}

static inline void end_of_stage() {}

static inline void wait_for_stage() {}

// Makes a kernel known by name to whoever loads the library.
#define ASSAY_EMULATE(kernel)                                                                                             \
    extern "C" __attribute__((visibility("default"))) void assay_emulated_##kernel(                                       \
        void **arguments, const unsigned *shape, unsigned shared_bytes, uint64_t seed) {                                  \
        emulate::launch(kernel, arguments, shape, shared_bytes, seed);                                                    \
    }
