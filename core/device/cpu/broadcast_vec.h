/* SPDX-License-Identifier: Apache-2.0 */
/* activate, combine, softmax, pooling over vec.h: the reference's steps per element. */
#ifndef WF_BROADCAST_VEC_H
#define WF_BROADCAST_VEC_H

#include "core/device/cpu/internal.h"
#include "core/device/cpu/vec_math.h"

static void activate_rows(void *ctx, int64_t begin, int64_t end)
{
    const wf_activate_op *a = ctx;
    for (int64_t r = begin; r < end; r++) {
        const float *x = a->x + r * a->x_stride;
        float       *y = a->y + r * a->y_stride;
        for (int64_t i = 0; i < a->n; i += VF_LANES)
            vf_store_n(y + i, vf_activate(vf_load_n(x + i, a->n - i), a->act), a->n - i);
    }
}

static weft_status activate(wf_exec *ex, const wf_activate_op *a)
{
    wf_activate_op copy = *a;
    if (a->m > 0)
        wf_range_run(ex, a->m, wf_row_grain(a->n * 4), activate_rows, &copy);
    return WEFT_OK;
}

/* n elements of a line from p; step 0: the one element, repeated. */
VF_INLINE vf line_load(const float *p, int64_t i, int64_t n, int64_t step)
{
    return step == 0 ? vf_set1(p[0]) : vf_load_n(p + i, n - i);
}

VF_INLINE vf combined(const wf_combine *c, vf a, vf b)
{
    if (c->how == WF_COMBINE_MUL)
        return vf_mul(a, b);
    if (c->how == WF_COMBINE_ADD)
        return vf_add(a, vf_mul(vf_set1(c->scale), b));
    return vf_mul(vf_silu(a), b);
}

static void combine_lines(void *ctx, int64_t begin, int64_t end)
{
    const wf_combine *c = ctx;
    int64_t           n = c->shape[3];
    for (int64_t line = begin; line < end; line++) {
        const float *a = c->a + wf_line_at(c->shape, c->a_stride, line);
        const float *b = c->b + wf_line_at(c->shape, c->b_stride, line);
        float       *y = c->y + wf_line_at(c->shape, c->y_stride, line);
        for (int64_t i = 0; i < n; i += VF_LANES) {
            vf value =
                combined(c, line_load(a, i, n, c->a_stride[3]), line_load(b, i, n, c->b_stride[3]));
            vf_store_n(y + i, value, n - i);
        }
    }
}

static weft_status combine(wf_exec *ex, const wf_combine *a)
{
    wf_combine copy = *a;
    if (wf_line_count(a->shape) > 0)
        wf_range_run(ex, wf_line_count(a->shape), wf_row_grain(a->shape[3]), combine_lines, &copy);
    return WEFT_OK;
}

static float score_line(const wf_softmax *a, float *y, const float *x, const float *bias)
{
    const vf none = vf_set1(-INFINITY);
    vf       most = none;
    int64_t  n = a->shape[3];
    for (int64_t i = 0; i < n; i += VF_LANES) {
        vf score = vf_mul(vf_load_n(x + i, n - i), vf_set1(a->scale));
        if (bias != NULL)
            score = vf_add(score, line_load(bias, i, n, a->bias_stride[3]));
        vf_store_n(y + i, score, n - i);
        most = vf_max(vf_first_of(n - i, score, none), most); /* a NaN leaves it as it is */
    }
    return vf_reduce_max(most);
}

/* The sum is one chain of f64 additions, so it runs over what the vectors have written. */
static void softmax_line(const wf_softmax *a, float *y, const float *x, const float *bias)
{
    float   most = score_line(a, y, x, bias);
    double  sum = 0.0;
    int64_t n = a->shape[3];
    most = most == -INFINITY ? 0.0f : most;
    for (int64_t i = 0; i < n; i += VF_LANES)
        vf_store_n(y + i, vf_exp(vf_sub(vf_load_n(y + i, n - i), vf_set1(most))), n - i);
    for (int64_t i = 0; i < n; i++)
        sum += (double)y[i];
    vf divisor = vf_set1(sum == 0.0 ? 1.0f : (float)sum);
    for (int64_t i = 0; i < n; i += VF_LANES)
        vf_store_n(y + i, vf_div(vf_load_n(y + i, n - i), divisor), n - i);
}

static void softmax_lines(void *ctx, int64_t begin, int64_t end)
{
    const wf_softmax *a = ctx;
    for (int64_t line = begin; line < end; line++) {
        const float *bias = a->bias;
        if (bias != NULL)
            bias += wf_line_at(a->shape, a->bias_stride, line);
        softmax_line(a, a->y + wf_line_at(a->shape, a->y_stride, line),
                     a->x + wf_line_at(a->shape, a->x_stride, line), bias);
    }
}

static weft_status softmax(wf_exec *ex, const wf_softmax *a)
{
    wf_softmax copy = *a;
    if (wf_line_count(a->shape) > 0)
        wf_range_run(ex, wf_line_count(a->shape), wf_row_grain(a->shape[3] * 4), softmax_lines,
                     &copy);
    return WEFT_OK;
}

VF_INLINE vf pooled(const wf_pooling *a, const wf_pooling_window *w, int64_t column, int64_t n)
{
    const float *x = a->x + w->item * a->x_stride[0] + column;
    vf           value = vf_load_n(x + w->row * a->x_stride[1] + w->place * a->x_stride[2], n);
    for (int64_t row = w->row; row < w->row_end; row++) {
        for (int64_t place = w->place + (row == w->row); place < w->place_end; place++) {
            vf next = vf_load_n(x + row * a->x_stride[1] + place * a->x_stride[2], n);
            if (a->how != WF_POOLING_MAX)
                value = vf_add(value, next);
            else
                value = vf_if_nan(next, next, vf_max(next, value));
        }
    }
    return a->how == WF_POOLING_MAX ? value : vf_div(value, vf_set1(w->divisor));
}

static void pool_window(const wf_pooling *a, const wf_pooling_window *w, float *y, int64_t column,
                        int64_t column_end)
{
    for (int64_t i = column; i < column_end; i += VF_LANES)
        vf_store_n(y + i, pooled(a, w, i, column_end - i), column_end - i);
}

static weft_status pooling(wf_exec *ex, const wf_pooling *a)
{
    return wf_pooling_run(ex, a, pool_window);
}

#endif
