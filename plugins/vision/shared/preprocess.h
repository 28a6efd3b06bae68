/* SPDX-License-Identifier: Apache-2.0 */
/* Turns pixels into what the encoder is given. These are the steps of the Mllama image processor,
 * as plain functions on buffers:
 *
 *   1. RGBA is blended with white (vis_flatten_alpha).
 *   2. A grid of tiles is chosen (tiles.h), and the picture is resized for it (resize.h).
 *   3. The picture is put on a black canvas of rows x cols tiles.
 *   4. Values become x * rescale in f64, rounded to f32, then (x - mean) / std in f32.
 *   5. Tiles are written in row-major order, channel by channel; unused tiles are exact zeros.
 *
 * The result equals the reference's bit for bit. */
#ifndef VIS_PREPROCESS_H
#define VIS_PREPROCESS_H

#include "resize.h"
#include "tiles.h"

#include <stdint.h>

/* The values of preprocessor_config.json. Where the file says not to rescale, rescale is 1; where
 * it says not to normalise, mean is 0 and std is 1. */
typedef struct vis_image_config {
    int32_t tile;      /* side of a square tile in pixels: size.height == size.width */
    int32_t max_tiles; /* max_image_tiles */
    float   mean[3], std[3];
    double  rescale; /* rescale_factor, 1/255 as a rule */
    int32_t bicubic; /* 1: the bicubic filter; 0: the bilinear one */
    int32_t reserved;
} vis_image_config;

/* Blends n pixels of RGBA with white, in place: the first 3 * n bytes of px become RGB, each
 * round((s * a + 255 * (255 - a)) / 255), which is what Pillow's alpha_composite gives over white.
 * [any] */
void vis_flatten_alpha(uint8_t *px, uint64_t n);

/* Scratch bytes of vis_preprocess for a picture of width x height in this grid; 0 where a size is
 * out of range. Alignment: 16. [any] */
uint64_t vis_preprocess_scratch(int32_t width, int32_t height, const vis_grid *grid);

/* Resizes, pads, normalises and splits src, u8 RGB [height, width, 3], into dst, f32
 * [max_tiles, 3, tile, tile]; every element of dst is written. grid is vis_grid_choose()'s for this
 * size and config; scratch holds what vis_preprocess_scratch() said. The work is shared out among
 * the threads of pool; NULL: the calling one. [worker] */
void vis_preprocess(const plg_pool *pool, const vis_image_config *cfg, const vis_grid *grid,
                    const uint8_t *src, int32_t width, int32_t height, float *dst, void *scratch);

/* Turns a tile back into a picture for a person to look at: from src f32 [3, tile, tile],
 * normalised as cfg says, to rows of u8 RGB that are `stride` bytes apart. [any] */
void vis_show_tile(const vis_image_config *cfg, const float *src, uint8_t *dst, int64_t stride);

#endif
