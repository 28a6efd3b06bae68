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

static inline int32_t sum_of(const int8_t *q)
{
    int32_t sum = 0;
    for (int i = 0; i < WF_GROUP; i++)
        sum += q[i];
    return sum;
}

/* q [32] and dx of a group of x; returns the sum of q. */
static inline int32_t round_group(const float *x, int8_t *q, float *dx)
{
    uint32_t most = greatest_bits(x);
    if (most < 0x0d800000u || most >= 0x7f800000u) { /* 2^-100; infinity */
        *dx = most < 0x0d800000u ? 0.0f : wf_float(0x7fc00000u);
        memset(q, 0, WF_GROUP);
        return 0;
    }
    float r = 127.0f / wf_float(most);
    *dx = wf_float(most) / 127.0f;
    for (int i = 0; i < WF_GROUP; i++)
        q[i] = (int8_t)(uint8_t)wf_bits(x[i] * r + WF_NEAREST);
    return sum_of(q);
}

/* e [32] and de of a wide group of x, whose numbers are finite; returns the sum of e. */
static inline int32_t round_rest(const float *x, int8_t *e, float *de)
{
    float most = wf_float(greatest_bits(x)), r = 127.0f / most;
    *de = most / 127.0f / 254.0f;
    for (int i = 0; i < WF_GROUP; i++) {
        float t = x[i] * r;
        e[i] = (int8_t)(uint8_t)wf_bits((t - wf_nearest(t)) * 254.0f + WF_NEAREST);
    }
    return sum_of(e);
}

/* A group's scale, and what its sum becomes, of row r. */
static inline void store_scales(uint8_t *tile, int64_t r, int64_t rows, float dx, int32_t sum,
                                int32_t format)
{
    float   product = dx * (float)sum;
    int32_t back = -128 * sum;
    memcpy(tile + wf_quant_dx_at(rows) + 4 * r, &dx, 4);
    memcpy(tile + wf_quant_sum_at(rows) + 4 * r, format == WF_Q8 ? (void *)&back : &product, 4);
}

static void prepare_rest(uint8_t *tile, int64_t r, int64_t rows, const float *x, int32_t format)
{
    float   de;
    int32_t sum = round_rest(x, (int8_t *)tile + r * WF_GROUP, &de);
    store_scales(tile, r, rows, de, sum, format);
}

static void prepare_row(uint8_t *tile, int64_t r, int64_t rows, const float *x, int64_t k,
                        int32_t format)
{
    float   last[WF_GROUP];
    int64_t groups = wf_groups(k);
    for (int64_t g = 0; g < groups; g++, tile += rows * WF_Q_ROW, x += WF_GROUP) {
        const float *group = x;
        int64_t      left = k - g * WF_GROUP;
        float        dx;
        if (left < WF_GROUP) {
            memset(last, 0, sizeof last);
            memcpy(last, x, (size_t)left * sizeof *last);
            group = last;
        }
        int32_t sum = round_group(group, (int8_t *)tile + r * WF_GROUP, &dx);
        store_scales(tile, r, rows, dx, sum, format);
    }
}

#endif
