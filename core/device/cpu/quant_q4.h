/* SPDX-License-Identifier: Apache-2.0 */
/* Weights to q4, as quant_block.h makes q8 of them.
 *
 * The scale d and minimum m are those that leave the smallest sum of squared errors of those tried.
 * Tried are: the range of the group over 15 steps; then, for each number of steps t in a list, n =
 * (w - least) t / range rounded, and the line d n + m that fits the w to these n with the least
 * squares. d and m are rounded to f16 before their error is taken, with n = (w - m) (1 / d)
 * rounded, within 0..15. */
#ifndef WF_QUANT_Q4_H
#define WF_QUANT_Q4_H

#include "core/device/cpu/quant_block.h"

#define WF_Q4_INLINE static inline __attribute__((always_inline))

/* How much element e counts; a literal NULL leaves nothing of it. */
WF_Q4_INLINE float wf_q4_counts(const float *by, int e)
{
    return by != NULL ? by[e] : 1.0f;
}

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
WF_Q4_INLINE void wf_q4_try(const wf_block_floats w, const float *by, wf_q4_line *line)
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
        const float counts = wf_q4_counts(by, e);
        WF_EACH_ROW(c)
        {
            float n = wf_q4_step(w[e][c], line->m[c], inverse[c]);
            float off = w[e][c] - (line->d[c] * n + line->m[c]);
            line->error[c] = line->error[c] + counts * (off * off);
        }
    }
}

/* The line of least squares through (n, w), n the steps of size 1 / inverse above lo. size: what
 * all elements count together. */
WF_Q4_INLINE void wf_q4_fit(const wf_block_floats w, const float *by, float size,
                            const wf_block_row lo, const wf_block_row inverse,
                            const wf_block_row sum_w, wf_q4_line *line)
{
    wf_block_row n1, n2, nw;
    WF_EACH_ROW(c) n1[c] = n2[c] = nw[c] = 0.0f;
    for (int e = 0; e < WF_GROUP; e++) {
        const float counts = wf_q4_counts(by, e);
        WF_EACH_ROW(c)
        {
            float n = wf_q4_step(w[e][c], lo[c], inverse[c]), counted = counts * n;
            n1[c] = n1[c] + counted;
            n2[c] = n2[c] + counted * n;
            nw[c] = nw[c] + counted * w[e][c];
        }
    }
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

WF_Q4_INLINE void wf_q4_search(const wf_block_floats w, const float *by, const wf_block_row lo,
                               const wf_block_row hi, wf_q4_line *best)
{
    static const float steps[] = {14.0f,  14.25f, 14.5f,  14.75f, 15.0f,
                                  15.25f, 15.5f,  15.75f, 16.0f};
    wf_block_row       sum_w, inverse;
    wf_q4_line         line;
    float              size = 0.0f;
    WF_EACH_ROW(c)
    {
        sum_w[c] = 0.0f;
        best->d[c] = (hi[c] - lo[c]) / 15.0f;
        best->m[c] = lo[c];
    }
    for (int e = 0; e < WF_GROUP; e++) {
        const float counts = wf_q4_counts(by, e);
        size = size + counts;
        WF_EACH_ROW(c) sum_w[c] = sum_w[c] + counts * w[e][c];
    }
    wf_q4_try(w, by, best);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        WF_EACH_ROW(c)
        {
            float range = hi[c] - lo[c];
            inverse[c] = range > 0.0f ? steps[i] / range : 0.0f;
        }
        wf_q4_fit(w, by, size, lo, inverse, sum_w, &line);
        wf_q4_try(w, by, &line);
        wf_q4_keep_better(best, &line);
    }
}

/* w is changed. */
WF_Q4_INLINE void wf_q4_block(wf_block_floats w, const float *by, wf_quant_block *out)
{
    wf_block_row lo, hi, inverse;
    uint32_t     bad[WF_BLOCK_ROWS];
    wf_q4_line   line;
    wf_block_range(w, lo, hi, bad);
    wf_q4_search(w, by, lo, hi, &line);
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
