/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of x as linear wants them beside q8 and q4 weights (formula: wf_linear in core/ops/op.h).
 * Plain C over whole groups that each instruction set's file compiles for itself. */
#ifndef WF_QUANT_ROWS_H
#define WF_QUANT_ROWS_H

#include "core/device/cpu/quant.h"

/* The bits of the greatest |x| of a group: bits of numbers that are not negative stand in their
 * order, infinity and NaN above all. */
static inline uint32_t greatest_bits(const float *x)
{
    uint32_t most = 0;
    for (int i = 0; i < WF_GROUP; i++) {
        uint32_t a = wf_bits(x[i]) & 0x7fffffffu;
        most = a > most ? a : most;
    }
    return most;
}

/* q [32] and dx of a group of x; returns the sum of q. */
static inline int32_t round_group(const float *x, int8_t *q, float *dx)
{
    uint32_t most = greatest_bits(x);
    int32_t  sum = 0;
    if (most < 0x0d800000u || most >= 0x7f800000u) { /* 2^-100; infinity */
        *dx = most < 0x0d800000u ? 0.0f : wf_float(0x7fc00000u);
        memset(q, 0, WF_GROUP);
        return 0;
    }
    float r = 127.0f / wf_float(most);
    *dx = wf_float(most) / 127.0f;
    for (int i = 0; i < WF_GROUP; i++)
        q[i] = (int8_t)(uint8_t)wf_bits(x[i] * r + WF_NEAREST);
    for (int i = 0; i < WF_GROUP; i++)
        sum += q[i];
    return sum;
}

static void prepare_row(uint8_t *tile, int64_t r, int64_t rows, const float *x, int64_t k,
                        int32_t format)
{
    float   last[WF_GROUP];
    int64_t groups = wf_groups(k);
    for (int64_t g = 0; g < groups; g++, tile += rows * WF_Q_ROW, x += WF_GROUP) {
        const float *group = x;
        int64_t      left = k - g * WF_GROUP;
        float        dx, product;
        if (left < WF_GROUP) {
            memset(last, 0, sizeof last);
            memcpy(last, x, (size_t)left * sizeof *last);
            group = last;
        }
        int32_t sum = round_group(group, (int8_t *)tile + r * WF_GROUP, &dx), back = -128 * sum;
        product = dx * (float)sum;
        memcpy(tile + wf_quant_dx_at(rows) + 4 * r, &dx, 4);
        memcpy(tile + wf_quant_sum_at(rows) + 4 * r, format == WF_Q8 ? (void *)&back : &product, 4);
    }
}

#endif
