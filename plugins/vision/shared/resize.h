/* SPDX-License-Identifier: Apache-2.0 */
/* Bilinear and bicubic resizing of u8 pixels with antialiasing, equal to Pillow's bit for bit.
 *
 * There are two passes, the horizontal one first, with u8 pixels between them. A pass is skipped
 * where its side does not change. Each output is a sum of pixels times weights that are rounded to
 * 22 bits (Pillow, src/libImaging/Resample.c). Pillow from 12.2 takes the vertical pass first where
 * a picture is more than 100 times as high as wide: of such a picture values can differ by 1. */
#ifndef VIS_RESIZE_H
#define VIS_RESIZE_H

#include "../../common/pool.h"

#include <stdint.h>

/* The longest side that vis_resize_* takes, in pixels. One output's sum stays within 31 bits: the
 * weights' magnitudes make at most 1.3 * 2^22, each rounded by at most a half, and there are at
 * most 4 * side + 1 of them. */
#define VIS_RESIZE_MAX_SIDE (1 << 20)

/* Bytes of scratch that either filter needs for these sizes; 0 where a size is out of range.
 * Alignment: 16. [any] */
uint64_t vis_resize_scratch(int32_t src_w, int32_t src_h, int32_t dst_w, int32_t dst_h);

/* Resizes src, u8 [src_h, src_w, 3], into dst, u8 [dst_h, dst_w, 3]; scratch holds what
 * vis_resize_scratch() said. No two of them overlap. The sizes must be in range. Rows are
 * shared out among the threads of pool; NULL: the calling one. [worker] */
void vis_resize_bilinear(const plg_pool *pool, const uint8_t *src, int32_t src_w, int32_t src_h,
                         uint8_t *dst, int32_t dst_w, int32_t dst_h, void *scratch);
/* The same with Pillow's cubic (a = -0.5). */
void vis_resize_bicubic(const plg_pool *pool, const uint8_t *src, int32_t src_w, int32_t src_h,
                        uint8_t *dst, int32_t dst_w, int32_t dst_h, void *scratch);

#endif
