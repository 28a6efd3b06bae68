/* SPDX-License-Identifier: Apache-2.0 */
/* Bilinear, bicubic and Lanczos resizing of u8 pixels with antialiasing, equal to Pillow's bit for
 * bit.
 *
 * There are two passes, the horizontal one first, with u8 pixels between them. A pass is skipped
 * where its side does not change. Each output is a sum of pixels times weights that are rounded to
 * 22 bits (Pillow, src/libImaging/Resample.c). Pillow from 12.2 takes the vertical pass first where
 * a picture is more than 100 times as high as wide: of such a picture values can differ by 1. */
#ifndef VIS_RESIZE_H
#define VIS_RESIZE_H

#include "../../common/pool.h"

#include <stdint.h>

/* The longest side that vis_resize takes, in pixels. One output's sum stays within 31 bits: the
 * weights' magnitudes make at most 1.3 * 2^22 (Lanczos: 1.6), each rounded by at most a half, and
 * there are at most 4 * side + 1 of them (Lanczos: 6 for each source pixel of an output's, of which
 * callers have no more than 2^16). */
#define VIS_RESIZE_MAX_SIDE (1 << 20)

/* Bytes of scratch that any filter needs for these sizes; 0 where a size is out of range.
 * Alignment: 16. [any] */
uint64_t vis_resize_scratch(int32_t src_w, int32_t src_h, int32_t dst_w, int32_t dst_h);

typedef enum vis_filter {
    VIS_BILINEAR,
    VIS_BICUBIC, /* a = -0.5 */
    VIS_LANCZOS  /* three lobes */
} vis_filter;

/* Resizes src, u8 [src_h, src_w, channels], into dst, u8 [dst_h, dst_w, channels]; channels is 3 or
 * 4, and of 4 each is resized by itself. scratch holds what vis_resize_scratch() said. No two of
 * them overlap. The sizes must be in range. Rows are shared out among the threads of pool; NULL:
 * the calling one. [worker] */
void vis_resize(const plg_pool *pool, vis_filter how, int32_t channels, const uint8_t *src,
                int32_t src_w, int32_t src_h, uint8_t *dst, int32_t dst_w, int32_t dst_h,
                void *scratch);

/* Multiplies the colours of n pixels of RGBA with their opacity, and divides them by it again.
 * Pillow does both around each resizing of such a picture (Convert.c, rgbA2rgba and rgba2rgbA). */
void vis_premultiply(uint8_t *px, uint64_t n);
void vis_unpremultiply(uint8_t *px, uint64_t n);

#endif
