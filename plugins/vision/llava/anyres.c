/* SPDX-License-Identifier: Apache-2.0 */
/* LLaVA-NeXT's tiles: the resolution that a picture gets, and the places of its tokens. Source:
 * transformers 4.49 image_processing_utils.py (select_best_resolution),
 * models/llava_next/image_processing_llava_next.py (_get_patch_output_size) and
 * modeling_llava_next.py (unpad_image, pack_image_features). Doubles, in the reference's order. */
#include "llava.h"

#include <math.h>

static llv_size best_resolution(const llv_config *c, llv_size p)
{
    llv_size best = c->resolutions[0];
    int64_t  most = -1, least = INT64_MAX;
    for (int32_t i = 0; i < c->n_resolutions; i++) {
        const llv_size r = c->resolutions[i];
        const double   x = (double)r.width / p.width, y = (double)r.height / p.height;
        const double   scale = x < y ? x : y;
        int64_t        used = (int64_t)(p.width * scale) * (int64_t)(p.height * scale);
        used = used < (int64_t)p.width * p.height ? used : (int64_t)p.width * p.height;
        const int64_t wasted = (int64_t)r.width * r.height - used;
        if (used > most || (used == most && wasted < least)) {
            most = used;
            least = wasted;
            best = r;
        }
    }
    return best;
}

static int32_t at_most(double v, int32_t limit)
{
    v = ceil(v);
    return v < limit ? (int32_t)v : limit;
}

llv_size llv_grid_fit(llv_size p, llv_size full)
{
    const double x = (double)full.width / p.width, y = (double)full.height / p.height;
    if (x < y)
        return (llv_size){full.width, at_most(p.height * x, full.height)};
    return (llv_size){at_most(p.width * y, full.width), full.height};
}

/* Python's int(round(v, 7)) of a positive number. */
static int32_t rounded(double v)
{
    const double whole = floor(v);
    return (int32_t)whole + (v - whole >= 1.0 - 5e-8);
}

/* Lines or columns of tokens that are padding on either side. */
static void find_padding(llv_grid *g, int32_t side)
{
    const double height = g->rows * (double)side, width = g->cols * (double)side;
    if ((double)g->picture.width / g->picture.height > width / height)
        g->top = ((int32_t)height - rounded(g->picture.height * (width / g->picture.width))) / 2;
    else
        g->left = ((int32_t)width - rounded(g->picture.width * (height / g->picture.height))) / 2;
}

llv_grid llv_grid_of(const llv_config *c, int32_t width, int32_t height)
{
    llv_grid      g = {.picture = {width, height}, .n_tokens = c->rows};
    const int32_t side = c->tower.side, tile = c->tower.tile;
    if (!c->is_next)
        return g;
    g.full = best_resolution(c, g.picture);
    g.rows = g.full.height / tile;
    g.cols = g.full.width / tile;
    find_padding(&g, side);
    g.n_tokens +=
        (g.rows * side - 2 * g.top) * (g.cols * side - 2 * g.left + (c->has_newline != 0));
    return g;
}

void llv_grid_index(const llv_config *c, const llv_grid *g, int32_t *index)
{
    const int32_t side = c->tower.side, newline = llv_grid_tiles(g) * c->rows;
    for (int32_t i = 0; i < c->rows; i++)
        *index++ = i;
    for (int32_t y = g->top; y < g->rows * side - g->top; y++) {
        for (int32_t x = g->left; x < g->cols * side - g->left; x++) {
            const int32_t tile = 1 + y / side * g->cols + x / side;
            *index++ = tile * c->rows + y % side * side + x % side;
        }
        if (c->has_newline)
            *index++ = newline;
    }
}
