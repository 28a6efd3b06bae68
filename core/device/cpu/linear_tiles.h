/* SPDX-License-Identifier: Apache-2.0 */
/* linear with bf16 weights over tiles of AMX: up to 32 rows by a panel of 32 columns in four tiles
 * of sums. Panels are already what tdpbf16ps wants: a row of a tile of weights is one pair of k,
 * 16 columns side by side.
 *
 * The sum, for every number of rows: k in blocks of 32, ascending, the last one as long as what is
 * left. A block starts from nothing: its even k add up by fused multiply-adds, ascending, and its
 * odd k apart from them; the two are added, and that to the accumulator, which starts with 0. Every
 * step rounds to nearest even and takes denormal numbers as zero, in and out. One row is a tile of
 * one row, and so has the same sum. Included by ops_amx.c, and by tests over the emulated tiles. */
#ifndef WF_LINEAR_TILES_H
#define WF_LINEAR_TILES_H

#include "core/device/cpu/internal.h"
#include "core/device/cpu/tile.h"

#define TILES_PANEL 32
#define TILES_ROWS 32
#define TILES_K 32                                  /* of a step */
#define TILES_STEP (TILES_PANEL * 4 * WF_TILE_ROWS) /* bytes of a panel in a step */
#define TILES_AHEAD (2 * TILES_STEP) /* weights are fetched so far ahead of those in use */

/* Tiles 0 and 1: sums of the first 16 rows, for 16 columns each; 2 and 3: of the other rows; 4 and
 * 5: their x; 6 and 7: weights, `pairs` pairs of k. */
static wf_tile_config tiles_shapes(int32_t rows, int32_t pairs)
{
    wf_tile_config c = {.palette = 1};
    int32_t        upper = rows < WF_TILE_ROWS ? rows : WF_TILE_ROWS;
    for (int t = 0; t < 8; t++) {
        int32_t of_rows = t == 2 || t == 3 || t == 5 ? rows - upper : upper;
        c.rows[t] = (uint8_t)(t >= 6 ? pairs : of_rows);
        c.row_bytes[t] = (uint16_t)(t == 4 || t == 5 ? 4 * pairs : WF_TILE_BYTES);
        if (c.rows[t] == 0)
            c.row_bytes[t] = 0;
    }
    return c;
}

/* Some steps of k for up to 16 rows. Each weight is used once: they come from memory. */
static inline void tiles_few(const uint8_t *a, int64_t a_stride, const uint8_t *b, int64_t steps)
{
    for (int64_t i = 0; i < steps; i++, a += 2 * TILES_K, b += TILES_STEP) {
        for (int64_t line = 0; line < TILES_STEP; line += 64)
            __builtin_prefetch(b + TILES_AHEAD + line);
        WF_TILE_LOAD(4, a, a_stride);
        WF_TILE_LOAD(6, b, 4 * TILES_PANEL);
        WF_TILE_BF16(0, 4, 6);
        WF_TILE_LOAD(7, b + WF_TILE_BYTES, 4 * TILES_PANEL);
        WF_TILE_BF16(1, 4, 7);
    }
}

/* The same for more rows: every tile that is loaded is used twice. */
static inline void tiles_many(const uint8_t *a, int64_t a_stride, const uint8_t *b, int64_t steps)
{
    const uint8_t *below = a + WF_TILE_ROWS * a_stride;
    for (int64_t i = 0; i < steps; i++, a += 2 * TILES_K, below += 2 * TILES_K, b += TILES_STEP) {
        WF_TILE_LOAD(4, a, a_stride);
        WF_TILE_LOAD(6, b, 4 * TILES_PANEL);
        WF_TILE_BF16(0, 4, 6);
        WF_TILE_LOAD(7, b + WF_TILE_BYTES, 4 * TILES_PANEL);
        WF_TILE_BF16(1, 4, 7);
        WF_TILE_LOAD(5, below, a_stride);
        WF_TILE_BF16(2, 5, 6);
        WF_TILE_BF16(3, 5, 7);
    }
}

static inline void tiles_begin(float *acc, bool many, bool goes_on)
{
    if (!goes_on)
        return; /* configuring has cleared them */
    WF_TILE_LOAD(0, acc, 4 * TILES_PANEL);
    WF_TILE_LOAD(1, acc + WF_TILE_ROWS, 4 * TILES_PANEL);
    if (!many)
        return;
    WF_TILE_LOAD(2, acc + WF_TILE_ROWS * TILES_PANEL, 4 * TILES_PANEL);
    WF_TILE_LOAD(3, acc + WF_TILE_ROWS * (TILES_PANEL + 1), 4 * TILES_PANEL);
}

static inline void tiles_end(float *acc, bool many)
{
    WF_TILE_STORE(0, acc, 4 * TILES_PANEL);
    WF_TILE_STORE(1, acc + WF_TILE_ROWS, 4 * TILES_PANEL);
    if (!many)
        return;
    WF_TILE_STORE(2, acc + WF_TILE_ROWS * TILES_PANEL, 4 * TILES_PANEL);
    WF_TILE_STORE(3, acc + WF_TILE_ROWS * (TILES_PANEL + 1), 4 * TILES_PANEL);
}

/* `steps` steps of `pairs` pairs, from step `from` of t on. */
static void tiles_steps(const wf_tile *t, int64_t from, int64_t steps, int32_t pairs, bool goes_on)
{
    const uint8_t *a = (const uint8_t *)t->a + from * 2 * TILES_K;
    const uint8_t *b = (const uint8_t *)t->b + from * TILES_STEP;
    bool           many = t->rows > WF_TILE_ROWS;
    wf_tile_config shapes = tiles_shapes(t->rows, pairs);
    WF_TILE_CONFIGURE(shapes);
    tiles_begin(t->acc, many, goes_on);
    if (many)
        tiles_many(a, t->a_stride, b, steps);
    else
        tiles_few(a, t->a_stride, b, steps);
    tiles_end(t->acc, many);
}

/* wf_linear_kernel.tile. A part that is not the last of its panel has whole steps. */
static void tiles_bf16(const wf_tile *t)
{
    int64_t steps = t->k / TILES_K;
    int32_t rest = (int32_t)(t->k % TILES_K + 1) / 2;
    if (steps > 0)
        tiles_steps(t, 0, steps, TILES_K / 2, t->goes_on);
    if (rest > 0)
        tiles_steps(t, steps, 1, rest, t->goes_on || steps > 0);
    WF_TILE_RELEASE();
}

/* Parts of 256 k, eight panels together: a tile of rows (16 KiB of it) stays in the first cache
 * while the parts of the panels (128 KiB) come from the second, where the sums of a block (512 KiB)
 * and the rows' own part (256 KiB) have room beside them. The parts that come next are fetched
 * meanwhile. From a prototype measured on Sapphire Rapids, where 256 was better than 512 and than
 * no parts; not measured with this code. */
static const wf_linear_blocks tiles_blocks = {256, 8, true};

#endif
