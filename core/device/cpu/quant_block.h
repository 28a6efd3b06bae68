/* SPDX-License-Identifier: Apache-2.0 */
/* Weights to q8 and q4, 32 groups of 32 rows at a time: plain C over arrays whose inner axis is the
 * row, which every instruction set's file compiles for itself. Sums are f32, ascending along the
 * group, so that all of them give the same bytes.
 *
 * q8: q = w (1 / d) rounded to the nearest, d one of nine: the least f16 that is at least amax /
 *     127, and that times 1 + 1/256, 1 + 2/256, ... rounded to f16; of those the first one that
 *     leaves the smallest sum of squared errors. Where 32 numbers fall among the steps is a matter
 *     of luck, and the best of nine tries is a fifth better than one, though its steps are a little
 *     larger.
 *
 * q4: the scale d and minimum m that leave the smallest sum of squared errors of those tried. Tried
 *     are: the range of the group over 15 steps; then, for each number of steps t in a list, n =
 *     (w - least) t / range rounded, and the line d n + m that fits the w to these n with the least
 *     squares. d and m are rounded to f16 before their error is taken, with n = (w - m) (1 / d)
 *     rounded, within 0..15.
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

/* ---- q4 ---- */

/* A line that the search has come to: d n + m. */
typedef struct wf_q4_line {
    wf_block_row d, m, error;
} wf_q4_line;

static inline float wf_q4_step(float w, float m, float inverse)
{
    float n = wf_nearest(
        (w - m) * inverse > 0.0f ? (w - m) * inverse < 15.0f ? (w - m) * inverse : 15.0f : 0.0f);
    return n;
}

static inline void wf_q4_inverse(const wf_block_row d, wf_block_row out)
{
    WF_EACH_ROW(c) out[c] = d[c] != 0.0f ? 1.0f / d[c] : 0.0f;
}

/* Rounds d and m to f16 and takes the error that they leave. */
static inline void wf_q4_try(const wf_block_floats w, wf_q4_line *line)
{
    wf_block_row inverse;
    WF_EACH_ROW(c)
    {
        line->d[c] = wf_round_f16(line->d[c]);
        line->m[c] = wf_round_f16(line->m[c]);
        line->error[c] = 0.0f;
    }
    wf_q4_inverse(line->d, inverse);
    for (int e = 0; e < WF_GROUP; e++) {
        WF_EACH_ROW(c)
        {
            float n = wf_q4_step(w[e][c], line->m[c], inverse[c]);
            float off = w[e][c] - (line->d[c] * n + line->m[c]);
            line->error[c] = line->error[c] + off * off;
        }
    }
}

/* The line of least squares through (n, w), n the steps of size 1 / inverse above lo. */
static inline void wf_q4_fit(const wf_block_floats w, const wf_block_row lo,
                             const wf_block_row inverse, const wf_block_row sum_w, wf_q4_line *line)
{
    wf_block_row n1, n2, nw;
    WF_EACH_ROW(c) n1[c] = n2[c] = nw[c] = 0.0f;
    for (int e = 0; e < WF_GROUP; e++) {
        WF_EACH_ROW(c)
        {
            float n = wf_q4_step(w[e][c], lo[c], inverse[c]);
            n1[c] = n1[c] + n;
            n2[c] = n2[c] + n * n;
            nw[c] = nw[c] + n * w[e][c];
        }
    }
    const float size = (float)WF_GROUP;
    WF_EACH_ROW(c)
    {
        float det = size * n2[c] - n1[c] * n1[c];
        float d = (size * nw[c] - n1[c] * sum_w[c]) / (det > 0.0f ? det : 1.0f);
        line->d[c] = det > 0.0f ? d : 0.0f;
        line->m[c] = (sum_w[c] - line->d[c] * n1[c]) / size;
    }
}

static inline void wf_q4_keep_better(wf_q4_line *best, const wf_q4_line *line)
{
    WF_EACH_ROW(c)
    {
        int better = line->error[c] < best->error[c];
        best->d[c] = better ? line->d[c] : best->d[c];
        best->m[c] = better ? line->m[c] : best->m[c];
        best->error[c] = better ? line->error[c] : best->error[c];
    }
}

static inline void wf_q4_search(const wf_block_floats w, const wf_block_row lo,
                                const wf_block_row hi, wf_q4_line *best)
{
    static const float steps[] = {14.0f,  14.25f, 14.5f,  14.75f, 15.0f,
                                  15.25f, 15.5f,  15.75f, 16.0f};
    wf_block_row       sum_w, inverse;
    wf_q4_line         line;
    WF_EACH_ROW(c)
    {
        sum_w[c] = 0.0f;
        best->d[c] = (hi[c] - lo[c]) / 15.0f;
        best->m[c] = lo[c];
    }
    for (int e = 0; e < WF_GROUP; e++)
        WF_EACH_ROW(c) sum_w[c] = sum_w[c] + w[e][c];
    wf_q4_try(w, best);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        WF_EACH_ROW(c)
        {
            float range = hi[c] - lo[c];
            inverse[c] = range > 0.0f ? steps[i] / range : 0.0f;
        }
        wf_q4_fit(w, lo, inverse, sum_w, &line);
        wf_q4_try(w, &line);
        wf_q4_keep_better(best, &line);
    }
}

/* w is changed. */
static inline void wf_q4_block(wf_block_floats w, wf_quant_block *out)
{
    wf_block_row lo, hi, inverse;
    uint32_t     bad[WF_BLOCK_ROWS];
    wf_q4_line   line;
    wf_block_range(w, lo, hi, bad);
    wf_q4_search(w, lo, hi, &line);
    wf_q4_inverse(line.d, inverse);
    for (int e = 0; e < WF_GROUP; e++) {
        WF_EACH_ROW(c)
        {
            float n = wf_q4_step(w[e][c], line.m[c], inverse[c]);
            out->q[e][c] = (uint8_t)wf_bits(n + WF_NEAREST);
        }
    }
    WF_EACH_ROW(c)
    {
        out->d[c] = bad[c] != 0 ? (uint16_t)WF_F16_NAN : wf_to_f16(line.d[c]);
        out->m[c] = wf_to_f16(line.m[c]);
    }
}

#endif
