/* SPDX-License-Identifier: Apache-2.0 */
/* Pixels to what the encoder is given: the Mllama image processor as plain functions on buffers.
 *
 * Recipe: RGBA over white (vis_flatten_alpha) -> grid (tiles.h) -> resize (resize.h) -> black
 * canvas of rows x cols tiles -> x * rescale in f64, rounded to f32; (x - mean) / std in f32 ->
 * tiles in row-major order, CHW, unused tiles exact zeros. Equal to the reference bit for bit. */
#ifndef VIS_PREPROCESS_H
#define VIS_PREPROCESS_H

#include "resize.h"
#include "tiles.h"

#include <stdint.h>

/* From preprocessor_config.json. Where the reference is told not to rescale or not to normalise:
 * rescale 1; mean 0 and std 1. */
typedef struct vis_image_config {
    int32_t tile;      /* side of a square tile in pixels: size.height == size.width */
    int32_t max_tiles; /* max_image_tiles */
    float   mean[3], std[3];
    double  rescale; /* rescale_factor, 1/255 as a rule */
    int32_t bicubic; /* 1: the bicubic filter; 0: the bilinear one */
    int32_t reserved;
} vis_image_config;

/* Puts n pixels of RGBA over white, in place: the first 3 * n bytes of px become RGB, each
 * round((s * a + 255 * (255 - a)) / 255), which is Pillow's alpha_composite there. [any] */
void vis_flatten_alpha(uint8_t *px, uint64_t n);

/* Scratch bytes of vis_preprocess for a picture of width x height in this grid; 0 where a size is
 * out of range. Alignment: 16. [any] */
uint64_t vis_preprocess_scratch(int32_t width, int32_t height, const vis_grid *grid);

/* Resizes, pads, normalises and splits src, u8 RGB [height, width, 3], into dst, f32
 * [max_tiles, 3, tile, tile]; every element of dst is written. grid is vis_grid_choose()'s for this
 * size and config; scratch holds what vis_preprocess_scratch() said. [any] */
void vis_preprocess(const vis_image_config *cfg, const vis_grid *grid, const uint8_t *src,
                    int32_t width, int32_t height, float *dst, void *scratch);

/* A tile back to a picture for a person: src f32 [3, tile, tile], normalised as cfg says, to u8 RGB
 * rows `stride` bytes apart. [any] */
void vis_show_tile(const vis_image_config *cfg, const float *src, uint8_t *dst, int64_t stride);

#endif
