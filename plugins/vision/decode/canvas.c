/* SPDX-License-Identifier: Apache-2.0 */
/* Applies the orientation while pixels are written, as an affine map of addresses. So no second
 * copy of the picture is needed. */
#include "canvas.h"

#include <string.h>

/* For each EXIF orientation: whether x and y change places in the upright picture, and whether x
 * and y run backwards in it. */
static const struct {
    uint8_t swaps, x_back, y_back;
} moves[9] = {
    {0, 0, 0}, {0, 0, 0}, /* 1: as it is */
    {0, 1, 0},            /* 2: mirrored */
    {0, 1, 1},            /* 3: turned by 180 degrees */
    {0, 0, 1},            /* 4: upside down */
    {1, 0, 0},            /* 5: transposed */
    {1, 0, 1},            /* 6: to be turned clockwise */
    {1, 1, 1},            /* 7: transposed over the other diagonal */
    {1, 1, 0},            /* 8: to be turned anticlockwise */
};

int vis_orientation_swaps(int32_t orientation)
{
    return moves[orientation].swaps;
}

vis_canvas vis_canvas_make(uint8_t *px, int32_t width, int32_t height, int32_t channels,
                           int32_t orientation)
{
    int        swaps = moves[orientation].swaps;
    int64_t    shown_row = (int64_t)channels * (swaps ? height : width);
    vis_canvas c = {px, 0, swaps ? shown_row : channels, swaps ? channels : shown_row, channels};
    if (moves[orientation].x_back) {
        c.base += c.step_x * (width - 1);
        c.step_x = -c.step_x;
    }
    if (moves[orientation].y_back) {
        c.base += c.step_y * (height - 1);
        c.step_y = -c.step_y;
    }
    return c;
}

uint8_t *vis_canvas_row(const vis_canvas *c, int32_t y)
{
    return c->step_x == c->channels ? c->px + c->base + y * c->step_y : NULL;
}

void vis_canvas_put(const vis_canvas *c, int32_t y, int32_t first, int32_t every,
                    const uint8_t *row, int32_t n)
{
    int64_t at = c->base + y * c->step_y + first * c->step_x;
    int64_t step = every * c->step_x;
    if (c->channels == 3) {
        for (int32_t i = 0; i < n; i++, at += step)
            memcpy(c->px + at, row + 3 * (int64_t)i, 3);
    } else {
        for (int32_t i = 0; i < n; i++, at += step)
            memcpy(c->px + at, row + 4 * (int64_t)i, 4);
    }
}
