/* SPDX-License-Identifier: Apache-2.0 */
/* Where decoded pixels go: rows of the stored picture into an upright buffer. */
#ifndef VIS_CANVAS_H
#define VIS_CANVAS_H

#include <stdint.h>

/* Pixel (x, y) of the stored picture lies at px + base + x * step_x + y * step_y. */
typedef struct vis_canvas {
    uint8_t *px;
    int64_t  base, step_x, step_y; /* bytes */
    int32_t  channels;             /* 3 or 4 */
} vis_canvas;

/* Whether orientation (1 to 8, EXIF) swaps width and height. [any] */
int vis_orientation_swaps(int32_t orientation);

/* px: u8 [shown height, shown width, channels] for a stored picture of width x height. [any] */
vis_canvas vis_canvas_make(uint8_t *px, int32_t width, int32_t height, int32_t channels,
                           int32_t orientation);

/* Row y as one run of bytes, to decode into directly; NULL where orientation scatters it. [any] */
uint8_t *vis_canvas_row(const vis_canvas *c, int32_t y);

/* Puts n pixels of a row at x = first, first + every, ... of row y. [any] */
void vis_canvas_put(const vis_canvas *c, int32_t y, int32_t first, int32_t every,
                    const uint8_t *row, int32_t n);

#endif
