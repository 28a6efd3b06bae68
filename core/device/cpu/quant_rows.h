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

static void prepare_row(const wf_quant_rows *out, int64_t r, const float *x, int64_t k,
                        int32_t format)
{
    int8_t *q = out->q + r * out->row_q;
    float   last[WF_GROUP];
    for (int64_t g = 0; g < wf_groups(k); g++) {
        int64_t      at = r * out->row_d + g, left = k - g * WF_GROUP;
        const float *group = x + g * WF_GROUP;
        if (left < WF_GROUP) {
            memset(last, 0, sizeof last);
            memcpy(last, group, (size_t)left * sizeof *last);
            group = last;
        }
        int32_t sum = round_group(group, q + g * WF_GROUP, &out->d[at]);
        if (format == WF_Q8)
            out->s[at].i = -128 * sum;
        else
            out->s[at].f = out->d[at] * (float)sum;
    }
}

#endif
