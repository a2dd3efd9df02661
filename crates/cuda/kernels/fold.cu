// Fold, the adjoint of patches: exact sums of what the window has from each place.
#include "moves.cu"
#include "sums.cu"

// The patches' element that has image element (image, channel, y, z) at `offset` of the window.
DEVICE bool reader(const Places &p, u64 image, u64 channel, u64 y, u64 z, u64 offset, u64 &index) {
    u64 down = y + p.padding[0] - offset / p.kernel[1], right = z + p.padding[1] - offset % p.kernel[1];
    // Below zero is a great number, beyond every place.
    if (down % p.stride[0] != 0 || right % p.stride[1] != 0) return false;
    if (down / p.stride[0] >= p.places[0] || right / p.stride[1] >= p.places[1]) return false;
    u64 row = (image * p.places[0] + down / p.stride[0]) * p.places[1] + right / p.stride[1];
    index = (row * p.channels + channel) * p.kernel[0] * p.kernel[1] + offset;
    return true;
}

KERNEL fold(const float *x, float *out, u64 count, Places p, Report to) {
    u64 area = p.kernel[0] * p.kernel[1];
    for (u64 i = GRID_START; i < count; i += GRID_STEP) {
        u64 z = i % p.width, y = i / p.width % p.height;
        u64 channel = i / (p.width * p.height) % p.channels, image = i / (p.width * p.height * p.channels);
        u64 index = 0;
        int most = 0;
        for (u64 o = 0; o < area; o++) {
            if (reader(p, image, channel, y, z, o, index)) most = max(most, key_of<true>(x[index]));
        }
        i64 total = 0;
        if (most != 0) {
            Scale scale = grid_scale(most);
            for (u64 o = 0; o < area; o++) {
                if (reader(p, image, channel, y, z, o, index)) total += rint_scaled(x[index], scale);
            }
        }
        store(out, i, finish_sum(total, most), to);
    }
}
