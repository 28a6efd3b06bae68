/* SPDX-License-Identifier: Apache-2.0 */
/* The CPU bodies of the image encoder's kernels (rows.h).
 *
 * The rows are those of several pictures, one picture after the other, with n_rows = max_tiles *
 * n_padded rows each (n_real in the features). Within a picture the place of a row is this: first
 * come the n tokens of each used tile, then the padding of these tiles, then the unused tiles as a
 * whole. So the real tokens come first. What a row of padding may attend to is then one interval,
 * and dropping the padding means taking the leading rows. */
#include "rows.h"

#include <string.h>

/* args[i] points to the value of argument i. */
#define ARG(type, i) (*(type const *)args[i])

typedef struct place {
    int64_t tile, token;
} place;

static place place_of(int64_t row, int64_t n, int64_t n_padded, int64_t num_tiles)
{
    place p = {row / n_padded, row % n_padded};
    if (row < num_tiles * n) {
        p.tile = row / n;
        p.token = row % n;
    } else if (row < num_tiles * n_padded) {
        p.tile = (row - num_tiles * n) / (n_padded - n);
        p.token = n + (row - num_tiles * n) % (n_padded - n);
    }
    return p;
}

/* Row (tile, token) of e [pictures * max_tiles, n, d]: the class row (token 0) or patch token - 1,
 * the latter with gate_pre * pre_tile[tile]; then (1 - gate_pos) * pos[token] and gate_pos *
 * tile_pos[tile, token]. Each product and each sum is rounded, in the reference's order. */
void vis_k_embed(const weft_range *range, void *const *args)
{
    float        *e = ARG(float *, 0);
    const float  *patches = ARG(const float *, 1), *class_row = ARG(const float *, 2);
    const float  *pre_tile = ARG(const float *, 3), *pos = ARG(const float *, 4);
    const float  *tile_pos = ARG(const float *, 5);
    const float   gate_pre = ARG(float, 6), gate_pos = ARG(float, 7);
    const int64_t n = ARG(int64_t, 8), max_tiles = ARG(int64_t, 9), d = ARG(int64_t, 10);
    for (int64_t row = range->begin; row < range->end; row++) {
        int64_t      tile = row / n, token = row % n;
        const float *from = token == 0 ? class_row : patches + (tile * (n - 1) + token - 1) * d;
        const float *add = pre_tile + tile % max_tiles * d;
        const float *position = tile_pos + row % (max_tiles * n) * d;
        for (int64_t i = 0; i < d; i++) {
            float x = token == 0 ? from[i] : from[i] + add[i] * gate_pre;
            x = x + (1.0f - gate_pos) * pos[token * d + i];
            e[row * d + i] = x + gate_pos * position[i];
        }
    }
}

/* x [pictures * n_rows, d] from e [pictures * max_tiles, n, d], in the encoder's order; padding is
 * zero vectors. */
void vis_k_arrange(const weft_range *range, void *const *args)
{
    float        *x = ARG(float *, 0);
    const float  *e = ARG(const float *, 1);
    const int64_t n = ARG(int64_t, 2), n_padded = ARG(int64_t, 3), num_tiles = ARG(int64_t, 4);
    const int64_t max_tiles = ARG(int64_t, 5), d = ARG(int64_t, 6), n_rows = max_tiles * n_padded;
    for (int64_t row = range->begin; row < range->end; row++) {
        place p = place_of(row % n_rows, n, n_padded, num_tiles);
        p.tile += row / n_rows * max_tiles;
        if (p.token < n)
            memcpy(x + row * d, e + (p.tile * n + p.token) * d, (size_t)d * sizeof *x);
        else
            memset(x + row * d, 0, (size_t)d * sizeof *x);
    }
}

/* Which keys a row sees: real rows all n_rows of their picture, the others its n_real real ones.
 * Whole unused tiles count as padding. */
void vis_k_intervals(const weft_range *range, void *const *args)
{
    int32_t      *begin = ARG(int32_t *, 0), *end = ARG(int32_t *, 1);
    const int64_t n_real = ARG(int64_t, 2), n_rows = ARG(int64_t, 3);
    for (int64_t row = range->begin; row < range->end; row++) {
        const int64_t first = row / n_rows * n_rows;
        begin[row] = (int32_t)first;
        end[row] = (int32_t)(first + (row - first < n_real ? n_rows : n_real));
    }
}

/* features [pictures * n_real, d * (1 + n_capture)] from the real rows of x [pictures * n_rows, d]:
 * channel c of captured state j stands at d + n_capture * c + j. */
void vis_k_capture(const weft_range *range, void *const *args)
{
    float        *features = ARG(float *, 0);
    const float  *x = ARG(const float *, 1);
    const int64_t n_real = ARG(int64_t, 2), n_rows = ARG(int64_t, 3), d = ARG(int64_t, 4);
    const int64_t n_capture = ARG(int64_t, 5), j = ARG(int64_t, 6);
    for (int64_t row = range->begin; row < range->end; row++) {
        const float *from = x + (row / n_real * n_rows + row % n_real) * d;
        float       *to = features + row * d * (1 + n_capture) + d + j;
        for (int64_t i = 0; i < d; i++)
            to[i * n_capture] = from[i];
    }
}

/* x [pictures * n_rows, d] in the encoder's order += gate * table[tile]; padding tokens too. */
void vis_k_add_tile(const weft_range *range, void *const *args)
{
    float        *x = ARG(float *, 0);
    const float  *table = ARG(const float *, 1);
    const float   gate = ARG(float, 2);
    const int64_t n = ARG(int64_t, 3), n_padded = ARG(int64_t, 4), num_tiles = ARG(int64_t, 5);
    const int64_t n_rows = ARG(int64_t, 6), d = ARG(int64_t, 7);
    for (int64_t row = range->begin; row < range->end; row++) {
        const float *add = table + place_of(row % n_rows, n, n_padded, num_tiles).tile * d;
        for (int64_t i = 0; i < d; i++)
            x[row * d + i] += add[i] * gate;
    }
}

/* Rows of y [rows, d] become 0. */
void vis_k_zero(const weft_range *range, void *const *args)
{
    float        *y = ARG(float *, 0);
    const int64_t d = ARG(int64_t, 1);
    memset(y + range->begin * d, 0, (size_t)((range->end - range->begin) * d) * sizeof *y);
}
