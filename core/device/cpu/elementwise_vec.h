/* SPDX-License-Identifier: Apache-2.0 */
/* swiglu, add, norm over vec.h: the reference's steps per element. */
#ifndef WF_ELEMENTWISE_VEC_H
#define WF_ELEMENTWISE_VEC_H

#include "core/device/cpu/internal.h"
#include "core/device/cpu/vec_math.h"

static void swiglu_rows(void *ctx, int64_t begin, int64_t end)
{
    const wf_swiglu *a = ctx;
    for (int64_t r = begin; r < end; r++) {
        const float *gate = a->gate + r * a->gate_stride, *up = a->up + r * a->up_stride;
        float       *y = a->y + r * a->y_stride;
        for (int64_t i = 0; i < a->n; i += VF_LANES) {
            vf value = vf_mul(vf_silu(vf_load_n(gate + i, a->n - i)), vf_load_n(up + i, a->n - i));
            vf_store_n(y + i, value, a->n - i);
        }
    }
}

static weft_status swiglu(wf_exec *ex, const wf_swiglu *a)
{
    wf_swiglu copy = *a;
    if (a->m > 0)
        wf_range_run(ex, a->m, wf_row_grain(a->n * 2), swiglu_rows, &copy);
    return WEFT_OK;
}

static void add_rows(void *ctx, int64_t begin, int64_t end)
{
    const wf_add_op *op = ctx;
    for (int64_t r = begin; r < end; r++) {
        const float *a = op->a + r * op->a_stride, *b = op->b + r * op->b_stride;
        float       *y = op->y + r * op->y_stride;
        for (int64_t i = 0; i < op->n; i += VF_LANES) {
            vf by = op->gate != NULL ? vf_load_n(op->gate + i, op->n - i) : vf_set1(op->scale);
            vf scaled = vf_mul(by, vf_load_n(b + i, op->n - i));
            vf_store_n(y + i, vf_add(vf_load_n(a + i, op->n - i), scaled), op->n - i);
        }
    }
}

static weft_status add(wf_exec *ex, const wf_add_op *a)
{
    wf_add_op copy = *a;
    if (a->m > 0)
        wf_range_run(ex, a->m, wf_row_grain(a->n), add_rows, &copy);
    return WEFT_OK;
}

/* ---- norm: a sum in f64 is one chain of additions, so four rows run side by side ---- */

#define NORM_ROWS 4

typedef struct norm_rows4 {
    const float *x[NORM_ROWS]; /* spare places repeat the last row */
    float        mean[NORM_ROWS], inv[NORM_ROWS];
} norm_rows4;

static void means(norm_rows4 *g, int64_t n)
{
    double sum[NORM_ROWS] = {0};
    for (int64_t i = 0; i < n; i++) {
        VF_UNROLL
        for (int r = 0; r < NORM_ROWS; r++)
            sum[r] += (double)g->x[r][i];
    }
    for (int r = 0; r < NORM_ROWS; r++)
        g->mean[r] = (float)(sum[r] / (double)n);
}

static void inverse_deviations(norm_rows4 *g, int64_t n, float eps)
{
    double sum[NORM_ROWS] = {0};
    for (int64_t i = 0; i < n; i++) {
        VF_UNROLL
        for (int r = 0; r < NORM_ROWS; r++) {
            double d = (double)(g->x[r][i] - g->mean[r]);
            sum[r] += d * d;
        }
    }
    for (int r = 0; r < NORM_ROWS; r++)
        g->inv[r] = 1.0f / sqrtf((float)(sum[r] / (double)n) + eps);
}

static void norm_apply(const wf_norm *a, float *y, const float *x, float mean, float inv)
{
    for (int64_t i = 0; i < a->n; i += VF_LANES) {
        int64_t left = a->n - i;
        vf      value = vf_mul(vf_sub(vf_load_n(x + i, left), vf_set1(mean)), vf_set1(inv));
        value = vf_mul(value, vf_load_n(a->w + i, left));
        if (a->bias != NULL)
            value = vf_add(value, vf_load_n(a->bias + i, left));
        vf_store_n(y + i, value, left);
    }
}

static void norm_rows(void *ctx, int64_t begin, int64_t end)
{
    const wf_norm *a = ctx;
    for (int64_t first = begin; first < end; first += NORM_ROWS) {
        norm_rows4 g = {0};
        for (int64_t r = 0; r < NORM_ROWS; r++) {
            int64_t row = first + r < end ? first + r : end - 1;
            g.x[r] = a->x + row / a->inner * a->x_stride + row % a->inner * a->n;
        }
        if (!a->rms)
            means(&g, a->n);
        inverse_deviations(&g, a->n, a->eps);
        for (int64_t r = first; r < first + NORM_ROWS && r < end; r++) {
            float *y = a->y + r / a->inner * a->y_stride + r % a->inner * a->n;
            norm_apply(a, y, g.x[r - first], g.mean[r - first], g.inv[r - first]);
        }
    }
}

static weft_status norm(wf_exec *ex, const wf_norm *a)
{
    wf_norm copy = *a;
    if (a->m > 0)
        wf_range_run(ex, a->m, wf_row_grain(a->n), norm_rows, &copy);
    return WEFT_OK;
}

#endif
