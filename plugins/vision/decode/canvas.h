/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the rows of a stored picture into a buffer that holds it upright, as its EXIF orientation
 * says. */
#ifndef VIS_CANVAS_H
#define VIS_CANVAS_H

#include <stdint.h>

/* Pixel (x, y) of the stored picture lies at px + base + x * step_x + y * step_y. */
typedef struct vis_canvas {
    uint8_t *px;
    int64_t  base, step_x, step_y; /* bytes */
    int32_t  channels;             /* 3 or 4 */
} vis_canvas;

/* 1 where this EXIF orientation (1 to 8) swaps width and height. [any] */
int vis_orientation_swaps(int32_t orientation);

/* Makes the canvas of a stored picture of width x height over px, u8 [shown height, shown width,
 * channels]. [any] */
vis_canvas vis_canvas_make(uint8_t *px, int32_t width, int32_t height, int32_t channels,
                           int32_t orientation);

/* Where row y of the stored picture lies, if its pixels lie side by side in order: a decoder can
 * then write into it directly. NULL where the orientation scatters them. [any] */
uint8_t *vis_canvas_row(const vis_canvas *c, int32_t y);

/* Writes n pixels to row y of the stored picture, at x = first, first + every, and so on. [any] */
void vis_canvas_put(const vis_canvas *c, int32_t y, int32_t first, int32_t every,
                    const uint8_t *row, int32_t n);

#endif
