/* SPDX-License-Identifier: Apache-2.0 */
/* Tiles of q8 and q4 by AMX: up to 32 rows of x by a panel of 32 columns. A group of k is one
 * tdpbsud for each square of 16 rows and columns: x has a sign, and the packed weights have none.
 * The integer sums of a group go through memory to where they are scaled, by the formula of all
 * levels, so that the bytes are those of all levels. The packed layout is already what tiles want;
 * the halves of q4 are taken apart first.
 *
 * The file that includes this one defines qt_scale(). Included by quant_amx.c, and by tests over
 * the emulated tiles. */
#ifndef WF_QUANT_TILES_H
#define WF_QUANT_TILES_H

#include <stdbool.h>

#include "core/device/cpu/quant.h"
#include "core/device/cpu/tile.h"

#define QT_ROWS 32
#define QT_LINE (4 * WF_Q_PANEL) /* bytes of four elements of all columns */

/* One group into the f32 sums of t: sums [rows, 32] are the products, without what they begin with
 * in q8; x and w are the group's. */
static void qt_scale(const wf_quant_tile *t, const uint8_t *x, const uint8_t *w,
                     const int32_t *sums);

/* Tiles 0 and 1: sums of the first 16 rows, for 16 columns each; 2 and 3: of the other rows; 4 and
 * 5: their x; 6 and 7: weights. */
static wf_tile_config qt_shapes(int32_t rows)
{
    wf_tile_config c = {.palette = 1};
    int32_t        upper = rows < WF_TILE_ROWS ? rows : WF_TILE_ROWS;
    for (int t = 0; t < 8; t++) {
        int32_t of_rows = t == 2 || t == 3 || t == 5 ? rows - upper : upper;
        c.rows[t] = (uint8_t)(t >= 6 ? WF_GROUP / 4 : of_rows);
        c.row_bytes[t] = t == 4 || t == 5 ? WF_GROUP : WF_TILE_BYTES;
        if (c.rows[t] == 0)
            c.row_bytes[t] = 0;
    }
    return c;
}

/* The products of a group: x [rows, 32], w [8, 32] of four elements. */
static inline void qt_multiply(const uint8_t *x, const uint8_t *w, bool many, int32_t *sums)
{
    const int32_t stride = 4 * WF_Q_PANEL;
    WF_TILE_ZERO(0);
    WF_TILE_ZERO(1);
    WF_TILE_LOAD(4, x, WF_GROUP);
    WF_TILE_LOAD(6, w, QT_LINE);
    WF_TILE_SU8(0, 4, 6);
    WF_TILE_LOAD(7, w + WF_TILE_BYTES, QT_LINE);
    WF_TILE_SU8(1, 4, 7);
    WF_TILE_STORE(0, sums, stride);
    WF_TILE_STORE(1, sums + WF_TILE_ROWS, stride);
    if (!many)
        return;
    WF_TILE_ZERO(2);
    WF_TILE_ZERO(3);
    WF_TILE_LOAD(5, x + WF_TILE_ROWS * WF_GROUP, WF_GROUP);
    WF_TILE_SU8(2, 5, 6);
    WF_TILE_SU8(3, 5, 7);
    WF_TILE_STORE(2, sums + WF_TILE_ROWS * WF_Q_PANEL, stride);
    WF_TILE_STORE(3, sums + WF_TILE_ROWS * (WF_Q_PANEL + 1), stride);
}

/* Low halves, then high halves: elements of q4 as bytes, in their order. */
static inline void qt_unpack(const uint8_t *w, uint8_t *bytes)
{
    for (int i = 0; i < 4 * QT_LINE; i++) {
        bytes[i] = w[i] & 15;
        bytes[4 * QT_LINE + i] = w[i] >> 4;
    }
}

/* wf_quant_kernels.tile. Two places for the sums in turn, so that a group need not wait for the one
 * before it to be scaled. */
static void qt_tile(const wf_quant_tile *t)
{
    _Alignas(64) int32_t sums[2][QT_ROWS * WF_Q_PANEL];
    _Alignas(64) uint8_t bytes[8 * QT_LINE];
    const int64_t        step = wf_quant_group(t->format), at = wf_quant_elements(t->format);
    const uint8_t       *x = t->x, *w = t->w;
    wf_tile_config       shapes = qt_shapes(t->rows);
    WF_TILE_CONFIGURE(shapes);
    for (int64_t g = 0; g < t->groups; g++, x += t->rows * WF_Q_ROW, w += step) {
        if (t->format == WF_Q4)
            qt_unpack(w + at, bytes);
        qt_multiply(x, t->format == WF_Q4 ? bytes : w + at, t->rows > WF_TILE_ROWS, sums[g % 2]);
        qt_scale(t, x, w, sums[g % 2]);
    }
    WF_TILE_RELEASE();
}

#endif
