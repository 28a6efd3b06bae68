/* SPDX-License-Identifier: Apache-2.0 */
/* activate, combine, softmax: over rows, or over the lines of tensors whose axes may repeat. */
#include "core/device/cpu/internal.h"

static void activate_rows(void *ctx, int64_t begin, int64_t end)
{
    const wf_activate_op *a = ctx;
    for (int64_t r = begin; r < end; r++) {
        const float *x = a->x + r * a->x_stride;
        float       *y = a->y + r * a->y_stride;
        for (int64_t i = 0; i < a->n; i++)
            y[i] = wf_activate(x[i], a->act);
    }
}

weft_status wf_activate_ref(wf_exec *ex, const wf_activate_op *a)
{
    wf_activate_op copy = *a;
    if (a->m > 0)
        wf_range_run(ex, a->m, wf_row_grain(a->n * 4), activate_rows, &copy);
    return WEFT_OK;
}

static float combined(const wf_combine *c, float a, float b)
{
    if (c->how == WF_COMBINE_MUL)
        return a * b;
    return c->how == WF_COMBINE_ADD ? a + c->scale * b : wf_siluf(a) * b;
}

static void combine_lines(void *ctx, int64_t begin, int64_t end)
{
    const wf_combine *c = ctx;
    int64_t           step_a = c->a_stride[3], step_b = c->b_stride[3];
    for (int64_t line = begin; line < end; line++) {
        const float *a = c->a + wf_line_at(c->shape, c->a_stride, line);
        const float *b = c->b + wf_line_at(c->shape, c->b_stride, line);
        float       *y = c->y + wf_line_at(c->shape, c->y_stride, line);
        for (int64_t i = 0; i < c->shape[3]; i++)
            y[i] = combined(c, a[i * step_a], b[i * step_b]);
    }
}

weft_status wf_combine_ref(wf_exec *ex, const wf_combine *a)
{
    wf_combine copy = *a;
    if (wf_line_count(a->shape) > 0)
        wf_range_run(ex, wf_line_count(a->shape), wf_row_grain(a->shape[3]), combine_lines, &copy);
    return WEFT_OK;
}

/* Scores into y; the greatest is returned. */
static float score_line(const wf_softmax *a, float *y, const float *x, const float *bias)
{
    float most = -INFINITY;
    for (int64_t i = 0; i < a->shape[3]; i++) {
        float score = x[i] * a->scale;
        y[i] = bias != NULL ? score + bias[i * a->bias_stride[3]] : score;
        most = y[i] > most ? y[i] : most;
    }
    return most;
}

static void softmax_line(const wf_softmax *a, float *y, const float *x, const float *bias)
{
    float  most = score_line(a, y, x, bias);
    double sum = 0.0;
    most = most == -INFINITY ? 0.0f : most; /* nothing is seen: every exponential is 0 */
    for (int64_t i = 0; i < a->shape[3]; i++) {
        y[i] = wf_expf(y[i] - most);
        sum += (double)y[i];
    }
    float divisor = sum == 0.0 ? 1.0f : (float)sum;
    for (int64_t i = 0; i < a->shape[3]; i++)
        y[i] /= divisor;
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

weft_status wf_softmax_ref(wf_exec *ex, const wf_softmax *a)
{
    wf_softmax copy = *a;
    if (wf_line_count(a->shape) > 0)
        wf_range_run(ex, wf_line_count(a->shape), wf_row_grain(a->shape[3] * 4), softmax_lines,
                     &copy);
    return WEFT_OK;
}
