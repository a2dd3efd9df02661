// SHA-256 trees over tensors.
#include "law.cuh"

__constant__ u32 ROUND_CONSTANTS[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01,
    0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc,
    0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
    0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08,
    0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

DEVICE u32 turned(u32 x, u32 by) {
    return x >> by | x << (32 - by);
}

DEVICE u32 swapped(u32 x) {
    return x << 24 | (x & 0xff00u) << 8 | (x >> 8 & 0xff00u) | x >> 24;
}

DEVICE void sha_start(u32 (&h)[8]) {
    h[0] = 0x6a09e667;
    h[1] = 0xbb67ae85;
    h[2] = 0x3c6ef372;
    h[3] = 0xa54ff53a;
    h[4] = 0x510e527f;
    h[5] = 0x9b05688c;
    h[6] = 0x1f83d9ab;
    h[7] = 0x5be0cd19;
}

// One block of sixteen big-endian words, which are overwritten.
DEVICE void sha_block(u32 (&h)[8], u32 (&w)[16]) {
    u32 a = h[0], b = h[1], c = h[2], d = h[3], e = h[4], f = h[5], g = h[6], s = h[7];
#pragma unroll
    for (int i = 0; i < 64; i++) {
        if (i >= 16) {
            u32 x = w[(i + 1) & 15], y = w[(i + 14) & 15];
            w[i & 15] += (turned(x, 7) ^ turned(x, 18) ^ x >> 3) + w[(i + 9) & 15] + (turned(y, 17) ^ turned(y, 19) ^ y >> 10);
        }
        u32 t = s + (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) + ((e & f) ^ (~e & g)) + ROUND_CONSTANTS[i] + w[i & 15];
        u32 v = (turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
        s = g;
        g = f;
        f = e;
        e = d + t;
        d = c;
        c = b;
        b = a;
        a = t + v;
    }
    h[0] += a;
    h[1] += b;
    h[2] += c;
    h[3] += d;
    h[4] += e;
    h[5] += f;
    h[6] += g;
    h[7] += s;
}

// Hashes the byte `tag` and `words` words, each in the order of a little-endian number's bytes
// if `little`, in big-endian order otherwise. The tag shifts everything by a byte.
template <bool LITTLE>
DEVICE void sha_tagged(u32 tag, const u32 *data, u32 words, u32 (&h)[8]) {
    sha_start(h);
    u32 left = tag << 24, blocks = (4 * words + 10 + 63) / 64;
    for (u32 block = 0; block < blocks; block++) {
        u32 w[16];
#pragma unroll
        for (u32 i = 0; i < 16; i++) {
            u32 at = block * 16 + i;
            u32 word = 0;
            if (at < words) word = LITTLE ? swapped(data[at]) : data[at];
            // The bit that ends the message, then its length in bits.
            else if (at == words) word = 0x80000000u;
            w[i] = left | word >> 8;
            left = word << 24;
            if (block == blocks - 1 && i == 15) w[i] = 8 * (4 * words + 1);
        }
        sha_block(h, w);
    }
}

// A leaf per 256 numbers; no numbers have one leaf. Hashes are eight words each.
KERNEL sha_leaves(const float *x, u64 count, u64 leaves, u32 *out) {
    for (u64 leaf = GRID_START; leaf < leaves; leaf += GRID_STEP) {
        u64 rest = count - leaf * 256;
        u32 h[8];
        sha_tagged<true>(0x10, (const u32 *)x + leaf * 256, (u32)(rest < 256 ? rest : 256), h);
#pragma unroll
        for (int i = 0; i < 8; i++) out[leaf * 8 + i] = h[i];
    }
}

// The next level of a tree of `count` hashes: neighbours joined, an odd last one as it is.
KERNEL sha_level(const u32 *below, u64 count, u32 *out) {
    for (u64 i = GRID_START; i < (count + 1) / 2; i += GRID_STEP) {
        u32 h[8];
        if (2 * i + 1 < count) {
            sha_tagged<false>(0x11, below + 16 * i, 16, h);
        } else {
#pragma unroll
            for (int j = 0; j < 8; j++) h[j] = below[16 * i + j];
        }
#pragma unroll
        for (int j = 0; j < 8; j++) out[i * 8 + j] = h[j];
    }
}
