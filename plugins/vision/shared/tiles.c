/* SPDX-License-Identifier: Apache-2.0 */
/* The tile grid: candidates, the choice among them, and the resized picture's size. */
#include "tiles.h"

#include <math.h>

typedef struct candidate {
    int32_t rows, cols;
    double  scale; /* of the limiting side, to fill the whole canvas */
} candidate;

int32_t vis_grid_count(int32_t max_tiles)
{
    int32_t n = 0;
    if (max_tiles < 1 || max_tiles > VIS_MAX_TILES)
        return 0;
    for (int32_t rows = 1; rows <= max_tiles; rows++)
        n += max_tiles / rows;
    return n;
}

int vis_grid_by_id(int32_t id, int32_t max_tiles, vis_grid *out)
{
    int32_t first = 1;
    if (id < 1 || id > vis_grid_count(max_tiles))
        return -1;
    for (int32_t rows = 1; rows <= max_tiles; rows++) {
        int32_t n = max_tiles / rows;
        if (id < first + n) {
            int32_t cols = id - first + 1;
            *out = (vis_grid){rows, cols, 0, 0, id, rows * cols};
            return 0;
        }
        first += n;
    }
    return -1;
}

static candidate make_candidate(int32_t width, int32_t height, int32_t tile, int32_t rows,
                                int32_t cols)
{
    double    sh = (double)((int64_t)rows * tile) / (double)height;
    double    sw = (double)((int64_t)cols * tile) / (double)width;
    candidate c = {rows, cols, sw > sh ? sh : sw};
    return c;
}

/* Whether a is a better scale than b: enlarging is better than shrinking, and then the scale that
 * changes the picture less is better. */
static int scale_better(double a, double b)
{
    if ((a >= 1.0) != (b >= 1.0))
        return a >= 1.0;
    return a >= 1.0 ? a < b : a > b;
}

static int candidate_better(const candidate *a, const candidate *b)
{
    if (a->scale == b->scale)
        return a->rows * a->cols < b->rows * b->cols;
    return scale_better(a->scale, b->scale);
}

static int32_t clip(int32_t v, int32_t lo, int64_t hi)
{
    if (v < lo)
        return lo;
    return v > hi ? (int32_t)hi : v;
}

/* side * scale rounded down, at least one pixel, at most the target. */
static int32_t follow(int32_t side, double scale, int32_t target)
{
    double v = floor((double)side * scale);
    if (v < 1.0)
        return 1;
    return v > (double)target ? target : (int32_t)v;
}

static void fit(int32_t width, int32_t height, int32_t tile, vis_grid *g)
{
    int32_t tw = clip(width, tile, (int64_t)g->cols * tile);
    int32_t th = clip(height, tile, (int64_t)g->rows * tile);
    double  sh = (double)th / (double)height;
    double  sw = (double)tw / (double)width;
    if (sw < sh) {
        g->new_width = tw;
        g->new_height = follow(height, sw, th);
    } else {
        g->new_height = th;
        g->new_width = follow(width, sh, tw);
    }
}

int vis_grid_choose(int32_t width, int32_t height, int32_t tile, int32_t max_tiles, vis_grid *out)
{
    if (width < 1 || width > VIS_MAX_SIDE || height < 1 || height > VIS_MAX_SIDE || tile < 1 ||
        tile > VIS_MAX_SIDE || vis_grid_count(max_tiles) == 0)
        return -1;
    candidate best = make_candidate(width, height, tile, 1, 1);
    vis_grid  g = {1, 1, 0, 0, 1, 1};
    int32_t   id = 0;
    for (int32_t rows = 1; rows <= max_tiles; rows++) {
        for (int32_t cols = 1; rows * cols <= max_tiles; cols++) {
            candidate c = make_candidate(width, height, tile, rows, cols);
            id++;
            if (!candidate_better(&c, &best))
                continue;
            best = c;
            g = (vis_grid){rows, cols, 0, 0, id, rows * cols};
        }
    }
    fit(width, height, tile, &g);
    *out = g;
    return 0;
}
