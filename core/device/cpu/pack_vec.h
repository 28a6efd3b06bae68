/* SPDX-License-Identifier: Apache-2.0 */
/* pack's inner part over vec.h: rows of four-byte words (f32, pairs of bf16) become columns of a
 * panel, by transposing squares of registers. Included only by files built with ISA flags. */
#ifndef WF_PACK_VEC_H
#define WF_PACK_VEC_H

#include "core/device/cpu/internal.h"
#include "core/device/cpu/vec.h"

/* Within each 128 bits: on return lane l of a[4 g + j] holds word 4 l + j of rows 4 g..4 g + 3. */
VF_INLINE void weave_words(vi a[VF_LANES])
{
    vi b[VF_LANES];
    VF_UNROLL
    for (int r = 0; r < VF_LANES; r += 2) {
        b[r] = vi_low32(a[r], a[r + 1]);
        b[r + 1] = vi_high32(a[r], a[r + 1]);
    }
    VF_UNROLL
    for (int r = 0; r < VF_LANES; r += 4) {
        a[r] = vi_low64(b[r], b[r + 2]);
        a[r + 1] = vi_high64(b[r], b[r + 2]);
        a[r + 2] = vi_low64(b[r + 1], b[r + 3]);
        a[r + 3] = vi_high64(b[r + 1], b[r + 3]);
    }
}

/* Then the lanes themselves: on return a[4 l + j] holds word 4 l + j of every row. */
VF_INLINE void weave_lanes(vi a[VF_LANES])
{
    vi b[VF_LANES];
    VF_UNROLL
    for (int r = 0; r < 4; r++) {
#if VF_LANES == 16
        b[r] = _mm512_shuffle_i32x4(a[r], a[r + 4], 0x88);
        b[r + 4] = _mm512_shuffle_i32x4(a[r], a[r + 4], 0xdd);
        b[r + 8] = _mm512_shuffle_i32x4(a[r + 8], a[r + 12], 0x88);
        b[r + 12] = _mm512_shuffle_i32x4(a[r + 8], a[r + 12], 0xdd);
        a[r] = _mm512_shuffle_i32x4(b[r], b[r + 8], 0x88);
        a[r + 8] = _mm512_shuffle_i32x4(b[r], b[r + 8], 0xdd);
        a[r + 4] = _mm512_shuffle_i32x4(b[r + 4], b[r + 12], 0x88);
        a[r + 12] = _mm512_shuffle_i32x4(b[r + 4], b[r + 12], 0xdd);
#else
        b[r] = a[r];
        b[r + 4] = a[r + 4];
        a[r] = vi_low128(b[r], b[r + 4]);
        a[r + 4] = vi_high128(b[r], b[r + 4]);
#endif
    }
}

/* VF_LANES words of as many rows, src_step bytes apart, to as many columns of a panel whose groups
 * are dst_step bytes apart. Weights are larger than the caches, and not read soon. */
VF_INLINE void pack_square(uint8_t *dst, int64_t dst_step, const uint8_t *src, int64_t src_step)
{
    vi a[VF_LANES];
    VF_UNROLL
    for (int r = 0; r < VF_LANES; r++)
        a[r] = vi_load(src + r * src_step);
    weave_words(a);
    weave_lanes(a);
    VF_UNROLL
    for (int r = 0; r < VF_LANES; r++)
        vi_stream(dst + r * dst_step, a[r]);
}

/* wf_pack_words of panels of two vectors. */
static int64_t pack_words(uint8_t *dst, const uint8_t *src, int64_t src_step, int64_t words)
{
    const int64_t dst_step = 2 * VF_LANES * 4;
    int64_t       i = 0;
    for (; i + VF_LANES <= words; i += VF_LANES)
        for (int64_t c = 0; c < 2 * VF_LANES; c += VF_LANES)
            pack_square(dst + i * dst_step + c * 4, dst_step, src + c * src_step + i * 4, src_step);
    vi_fence();
    return i;
}

#endif
