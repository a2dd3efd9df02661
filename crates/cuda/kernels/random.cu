// Philox4x32-10.
#include "law.cuh"

// out[i] = unit(word(key, stream, step, i)); key and step as the eight 16-bit parts in `counter`.
KERNEL random_units(const float *counter, float *out, u64 count, u32 stream, Report to) {
    u32 part[8];
    bool bad = false;
    for (int i = 0; i < 8; i++) {
        part[i] = 0;
        bad |= !integer_below(counter[i], 1u << 16, part[i]);
    }
    if (bad) {
        // The law reads the counter for any element, so element 0 has no value.
        if (GRID_START == 0) report(to, 0);
        return;
    }
    u32 key0 = part[0] | part[1] << 16, key1 = part[2] | part[3] << 16;
    u32 step0 = part[4] | part[5] << 16, step1 = part[6] | part[7] << 16;
    for (u64 block = GRID_START; block * 4 < count; block += GRID_STEP) {
        u32 c0 = (u32)block, c1 = step0, c2 = step1, c3 = stream, k0 = key0, k1 = key1;
        for (int round = 0; round < 10; round++) {
            u64 p = (u64)0xd2511f53u * c0, q = (u64)0xcd9e8d57u * c2;
            c0 = (u32)(q >> 32) ^ c1 ^ k0;
            c1 = (u32)q;
            c2 = (u32)(p >> 32) ^ c3 ^ k1;
            c3 = (u32)p;
            k0 += 0x9e3779b9u;
            k1 += 0xbb67ae85u;
        }
        u32 words[4] = {c0, c1, c2, c3};
#pragma unroll
        for (u32 i = 0; i < 4; i++) {
            // floor(w / 256) 2^-24 is exact.
            if (block * 4 + i < count) out[block * 4 + i] = (float)(words[i] >> 8) * BITS(0x33800000);
        }
    }
}
