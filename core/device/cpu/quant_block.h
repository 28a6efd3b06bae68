/* SPDX-License-Identifier: Apache-2.0 */
/* Weights to q8 and q4 (quant_q4.h), 32 groups of 32 rows at a time: plain C over arrays whose
 * inner axis is the row, which every instruction set's file compiles for itself. Sums are f32,
 * ascending along the group, so that all of them give the same bytes.
 *
 * q8: q = w (1 / d) rounded to the nearest, d one of nine: the least f16 that is at least amax /
 *     127, and that times 1 + 1/256, 1 + 2/256, ... rounded to f16; of those the first one that
 *     leaves the smallest sum of squared errors. Where 32 numbers fall among the steps is a matter
 *     of luck, and the best of nine tries is a fifth better than one, though its steps are a little
 *     larger.
 *
 * Of numbers halfway between two the even one is meant. A group with a weight that is not finite
 * gets the scale NaN. Scales and minima beyond what f16 reaches are its greatest numbers. */
#ifndef WF_QUANT_BLOCK_H
#define WF_QUANT_BLOCK_H

#include <math.h>

#include "core/base/half.h"
#include "core/ops/op.h"

#define WF_BLOCK_ROWS 32

/* A group of each of 32 rows, the rows side by side. */
typedef struct wf_quant_block {
    uint16_t d[WF_BLOCK_ROWS], m[WF_BLOCK_ROWS]; /* f16; m of q4 alone */
    uint8_t  q[WF_GROUP][WF_BLOCK_ROWS];         /* int8 in q8, 0..15 in q4 */
} wf_quant_block;

typedef float wf_block_floats[WF_GROUP][WF_BLOCK_ROWS];
typedef float wf_block_row[WF_BLOCK_ROWS];

#define WF_EACH_ROW(c) for (int c = 0; c < WF_BLOCK_ROWS; c++)

#define WF_NEAREST 12582912.0f /* 1.5 * 2^23: adding it rounds to an integer, to even of two */

/* x rounded to an integer; |x| < 2^22. */
static inline float wf_nearest(float x)
{
    return (x + WF_NEAREST) - WF_NEAREST;
}

/* x rounded to f16 and widened again; beyond its range its greatest number. No branches. */
static inline float wf_round_f16(float x)
{
    uint32_t u = wf_bits(x), a = u & 0x7fffffffu;
    a = a < 0x477fe000u ? a : 0x477fe000u; /* 65504 */
    uint32_t normal = (a + 0xfffu + ((a >> 13) & 1u)) & ~0x1fffu;
    uint32_t small = wf_bits((wf_float(a) + 0.5f) - 0.5f); /* a multiple of 2^-24 */
    return wf_float((u & 0x80000000u) | (a < 0x38800000u ? small : normal));
}

/* The least and the greatest of each row; what is not finite is counted as 0 and told in bad. */
static inline void wf_block_range(wf_block_floats w, wf_block_row lo, wf_block_row hi,
                                  uint32_t bad[WF_BLOCK_ROWS])
{
    WF_EACH_ROW(c) bad[c] = 0;
    for (int e = 0; e < WF_GROUP; e++) {
        WF_EACH_ROW(c)
        {
            uint32_t a = wf_bits(w[e][c]) & 0x7fffffffu;
            bad[c] = bad[c] | (a >= 0x7f800000u ? 1u : 0u);
        }
    }
    for (int e = 0; e < WF_GROUP; e++)
        WF_EACH_ROW(c) w[e][c] = bad[c] != 0 ? 0.0f : w[e][c];
    WF_EACH_ROW(c) lo[c] = hi[c] = w[0][c];
    for (int e = 1; e < WF_GROUP; e++) {
        WF_EACH_ROW(c)
        {
            lo[c] = w[e][c] < lo[c] ? w[e][c] : lo[c];
            hi[c] = w[e][c] > hi[c] ? w[e][c] : hi[c];
        }
    }
}

#define WF_F16_NAN 0x7e00u
#define WF_F16_MOST 0x7bffu

/* The least f16 that is at least a / 127. */
static inline uint16_t wf_q8_scale(float a)
{
    float    exact = a / 127.0f;
    uint16_t h = wf_to_f16(wf_round_f16(exact));
    return (uint16_t)(wf_from_f16(h) < exact && h < WF_F16_MOST ? h + 1 : h);
}

#define WF_Q8_TRIES 9

static inline float wf_q8_step(float w, float inverse)
{
    float t = w * inverse;
    t = t > -127.0f ? t : -127.0f;
    return wf_nearest(t < 127.0f ? t : 127.0f);
}

/* Takes d where it leaves a smaller error than the best so far. */
static inline void wf_q8_try(const wf_block_floats w, const wf_block_row d, wf_block_row best,
                             wf_block_row least)
{
    wf_block_row inverse, error;
    WF_EACH_ROW(c)
    {
        inverse[c] = d[c] != 0.0f ? 1.0f / d[c] : 0.0f;
        error[c] = 0.0f;
    }
    for (int e = 0; e < WF_GROUP; e++) {
        WF_EACH_ROW(c)
        {
            float off = w[e][c] - d[c] * wf_q8_step(w[e][c], inverse[c]);
            error[c] = error[c] + off * off;
        }
    }
    WF_EACH_ROW(c)
    {
        int better = error[c] < least[c];
        best[c] = better ? d[c] : best[c];
        least[c] = better ? error[c] : least[c];
    }
}

static inline void wf_q8_search(const wf_block_floats w, const wf_block_row lo,
                                const wf_block_row hi, wf_block_row best)
{
    wf_block_row first, d, least;
    WF_EACH_ROW(c)
    {
        first[c] = best[c] = wf_from_f16(wf_q8_scale(-lo[c] > hi[c] ? -lo[c] : hi[c]));
        least[c] = INFINITY;
    }
    for (int i = 0; i < WF_Q8_TRIES; i++) {
        WF_EACH_ROW(c) d[c] = wf_round_f16(first[c] * (1.0f + (float)i / 256.0f));
        wf_q8_try(w, d, best, least);
    }
}

/* w is changed. */
static inline void wf_q8_block(wf_block_floats w, wf_quant_block *out)
{
    wf_block_row lo, hi, d, inverse;
    uint32_t     bad[WF_BLOCK_ROWS];
    wf_block_range(w, lo, hi, bad);
    wf_q8_search(w, lo, hi, d);
    WF_EACH_ROW(c)
    {
        inverse[c] = d[c] != 0.0f ? 1.0f / d[c] : 0.0f;
        out->d[c] = bad[c] != 0 ? (uint16_t)WF_F16_NAN : wf_to_f16(d[c]);
        out->m[c] = 0;
    }
    for (int e = 0; e < WF_GROUP; e++) {
        WF_EACH_ROW(c)
        {
            out->q[e][c] = (uint8_t)wf_bits(wf_q8_step(w[e][c], inverse[c]) + WF_NEAREST);
        }
    }
}

#endif
