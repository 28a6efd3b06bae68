/* SPDX-License-Identifier: Apache-2.0 */
/* Pixels to normalised tiles; the recipe is in preprocess.h. */
#include "preprocess.h"

#include <string.h>

/* The normalised f32 of every u8 value of each channel: 768 values, so that no pixel needs
 * arithmetic. */
typedef struct tone {
    float of[3][256];
} tone;

/* round(x / 255) for x up to 255 * 255, exact. */
static uint8_t div255(uint32_t x)
{
    return (uint8_t)((x + 127u) / 255u);
}

void vis_flatten_alpha(uint8_t *px, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        const uint8_t *s = px + 4 * i;
        uint8_t       *d = px + 3 * i;
        uint32_t       a = s[3], white = 255u * (255u - a);
        /* d never passes s, but overlaps it for the first pixels: all is read before it is written.
         */
        uint8_t r = div255(s[0] * a + white);
        uint8_t g = div255(s[1] * a + white);
        uint8_t b = div255(s[2] * a + white);
        d[0] = r;
        d[1] = g;
        d[2] = b;
    }
}

static int resized(int32_t width, int32_t height, const vis_grid *g)
{
    return g->new_width != width || g->new_height != height;
}

static uint64_t resized_bytes(const vis_grid *g)
{
    return (3u * (uint64_t)g->new_width * (uint64_t)g->new_height + 15u) & ~(uint64_t)15u;
}

uint64_t vis_preprocess_scratch(int32_t width, int32_t height, const vis_grid *grid)
{
    uint64_t n = vis_resize_scratch(width, height, grid->new_width, grid->new_height);
    return n == 0 ? 0 : n + resized_bytes(grid);
}

/* Fills the table. The reference multiplies in f64, rounds to f32 and normalises in f32; the same
 * order is needed for the same bits. */
static void tone_make(const vis_image_config *cfg, tone *t)
{
    for (int c = 0; c < 3; c++) {
        for (int v = 0; v < 256; v++) {
            float x = (float)((double)v * cfg->rescale);
            t->of[c][v] = (x - cfg->mean[c]) / cfg->std[c];
        }
    }
}

/* Writes one row of one channel of a tile: n pixels of src (RGB), then black up to width. */
static void tile_row(const float *of, const uint8_t *src, int32_t n, float *dst, int32_t width)
{
    for (int32_t x = 0; x < n; x++)
        dst[x] = of[src[3 * x]];
    for (int32_t x = n; x < width; x++)
        dst[x] = of[0];
}

/* Writes the tile whose top left corner is at (x0, y0) of the canvas to dst [3, t, t]. */
static void tile_fill(const tone *tone_, const uint8_t *px, const vis_grid *g, int32_t x0,
                      int32_t y0, int32_t t, float *dst)
{
    int32_t n = g->new_width - x0;
    n = n < 0 ? 0 : n > t ? t : n;
    for (int c = 0; c < 3; c++) {
        for (int32_t y = 0; y < t; y++, dst += t) {
            int64_t        row = (int64_t)y0 + y;
            int            inside = n > 0 && row < g->new_height;
            const uint8_t *src = inside ? px + 3 * (row * g->new_width + x0) + c : px;
            tile_row(tone_->of[c], src, inside ? n : 0, dst, t);
        }
    }
}

/* The cutting of a picture, seen by every thread. */
typedef struct tiling {
    const vis_image_config *cfg;
    const vis_grid         *grid;
    const tone             *tones;
    const uint8_t          *px;
    float                  *dst;
} tiling;

static void some_tiles(void *ctx, int64_t begin, int64_t end)
{
    const tiling *j = ctx;
    const int32_t side = j->cfg->tile, cols = j->grid->cols;
    for (int32_t i = (int32_t)begin; i < end; i++)
        tile_fill(j->tones, j->px, j->grid, i % cols * side, i / cols * side, side,
                  j->dst + i * 3 * (int64_t)side * side);
}

void vis_preprocess(const plg_pool *pool, const vis_image_config *cfg, const vis_grid *grid,
                    const uint8_t *src, int32_t width, int32_t height, float *dst, void *scratch)
{
    tone           t;
    const uint8_t *px = src;
    int64_t        per_tile = 3 * (int64_t)cfg->tile * cfg->tile;
    if (resized(width, height, grid)) {
        uint8_t *out = scratch;
        vis_resize(pool, cfg->bicubic ? VIS_BICUBIC : VIS_BILINEAR, 3, src, width, height, out,
                   grid->new_width, grid->new_height, out + resized_bytes(grid));
        px = out;
    }
    tone_make(cfg, &t);
    tiling job = {cfg, grid, &t, px, dst};
    plg_pool_run(pool, grid->num_tiles, 1, some_tiles, &job);
    memset(dst + grid->num_tiles * per_tile, 0,
           (size_t)((cfg->max_tiles - grid->num_tiles) * per_tile) * sizeof *dst);
}

static uint8_t to_byte(double v)
{
    return (uint8_t)(v < 0.0 ? 0.0 : v > 255.0 ? 255.0 : v + 0.5);
}

void vis_show_tile(const vis_image_config *cfg, const float *src, uint8_t *dst, int64_t stride)
{
    const double  rescale = cfg->rescale > 0.0 ? cfg->rescale : 1.0;
    const int64_t side = cfg->tile;
    for (int64_t c = 0; c < 3; c++)
        for (int64_t y = 0; y < side; y++)
            for (int64_t x = 0; x < side; x++) {
                double v = (double)src[(c * side + y) * side + x];
                v = (v * (double)cfg->std[c] + (double)cfg->mean[c]) / rescale;
                dst[y * stride + 3 * x + c] = to_byte(v);
            }
}
