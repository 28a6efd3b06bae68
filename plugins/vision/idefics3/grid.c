/* SPDX-License-Identifier: Apache-2.0 */
/* The sizes of a picture's tiles, and the text around them. Source: transformers 4.49
 * models/idefics3: image_processing_idefics3.py (get_resize_output_image_size,
 * resize_for_vision_encoder, split_image), processing_idefics3.py (get_image_prompt_string). The
 * arithmetic is that of doubles, in the reference's order. */
#include "idefics3.h"

static int32_t at_least_1(int32_t v)
{
    return v > 1 ? v : 1;
}

/* v or the even number above it. */
static int32_t even(int32_t v)
{
    return v + v % 2;
}

static int32_t whole_tiles(int32_t v, int32_t tile)
{
    return (int32_t)((v + (int64_t)tile - 1) / tile * tile);
}

id3_grid id3_grid_of(const id3_config *c, int32_t width, int32_t height)
{
    const int32_t tile = c->tower.tile;
    double        aspect = (double)width / (double)height;
    id3_grid      g = {c->edge, c->edge, tile, tile, 0, 0};
    if (width >= height)
        g.fit_height = at_least_1(even((int32_t)((double)c->edge / aspect)));
    else
        g.fit_width = at_least_1(even((int32_t)((double)c->edge * aspect)));
    if (!c->splits)
        return g;
    aspect = (double)g.fit_width / (double)g.fit_height;
    if (g.fit_width >= g.fit_height) {
        g.full_width = whole_tiles(g.fit_width, tile);
        g.full_height = whole_tiles((int32_t)((double)g.full_width / aspect), tile);
    } else {
        g.full_height = whole_tiles(g.fit_height, tile);
        g.full_width = whole_tiles((int32_t)((double)g.full_height * aspect), tile);
    }
    if (g.full_width > tile || g.full_height > tile) {
        g.rows = g.full_height / tile;
        g.cols = g.full_width / tile;
    }
    return g;
}

int32_t id3_grid_tiles(const id3_grid *g)
{
    return g->rows * g->cols + 1;
}

uint64_t id3_grid_layout(const id3_grid *g, char *text, uint64_t cap)
{
    uint64_t at = 0;
    char     part[96];
    for (int32_t y = 0; y < g->rows; y++)
        for (int32_t x = 0; x < g->cols; x++) {
            int n = snprintf(part, sizeof part, ID3_AROUND "<row_%d_col_%d>" ID3_MARKER "%s", y + 1,
                             x + 1, x + 1 == g->cols ? "\n" : "");
            if (at + (uint64_t)n < cap)
                memcpy(text + at, part, (size_t)n + 1);
            at += (uint64_t)n;
        }
    int n = snprintf(part, sizeof part, "%s" ID3_AROUND ID3_GLOBAL ID3_MARKER ID3_AROUND,
                     g->rows > 0 ? "\n" : "");
    if (at + (uint64_t)n < cap)
        memcpy(text + at, part, (size_t)n + 1);
    return at + (uint64_t)n + 1;
}
