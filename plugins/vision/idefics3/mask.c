/* SPDX-License-Identifier: Apache-2.0 */
/* Which patches of a tile count, and which positions they have. Source: transformers 4.49
 * models/idefics3, Idefics3Model.forward (a patch counts if any of its pixels does) and
 * Idefics3VisionEmbeddings.forward: rows and columns that count are spread evenly over all
 * positions, in torch's arithmetic of its arange and bucketize. */
#include "idefics3.h"

static int32_t counts(const vis_tower_config *c, const int64_t *pixels, int32_t row, int32_t col)
{
    for (int32_t y = 0; y < c->patch; y++)
        for (int32_t x = 0; x < c->patch; x++)
            if (pixels[(int64_t)(row * c->patch + y) * c->tile + col * c->patch + x] != 0)
                return 1;
    return 0;
}

/* The position of the i-th of n lines among `side`: how many of the bounds 1/side, 2/side, ... the
 * i-th multiple of 1/n has reached. torch.arange computes in f64 and rounds to f32; its step 1/n is
 * a tensor of f32, and 1/side a number of Python. */
static int32_t bucket(int32_t i, int32_t n, int32_t side)
{
    const double step = (double)(1.0f / (float)n), each = 1.0 / (double)side;
    const float  x = (float)((double)i * step);
    int32_t      at = 0;
    for (int32_t b = 0; b < side - 1; b++)
        at += (float)(each + (double)b * each) <= x;
    return at;
}

int32_t id3_mask_read(const vis_tower_config *c, const int64_t *pixels, int32_t *positions,
                      int32_t *keys)
{
    int32_t n = 0, n_rows = 0, n_cols = 0, row = -1, col = 0;
    for (int32_t i = 0; i < c->side; i++) {
        n_rows += counts(c, pixels, i, 0);
        n_cols += counts(c, pixels, 0, i);
    }
    for (int32_t i = 0; i < c->n; i++) {
        const int32_t y = i / c->side, x = i % c->side;
        positions[i] = 0;
        if (!counts(c, pixels, y, x))
            continue;
        if (n == 0 || keys[n - 1] / c->side != y) { /* the first of its line */
            row++;
            col = 0;
        }
        if (n_rows > 0 && n_cols > 0)
            positions[i] = bucket(row, n_rows, c->side) * c->side + bucket(col, n_cols, c->side);
        col++;
        keys[n++] = i;
    }
    return n;
}
