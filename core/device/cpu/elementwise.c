/* SPDX-License-Identifier: Apache-2.0 */
/* swiglu, add, rows, gather, convert, copy: each output depends on its own inputs only. */
#include "core/device/cpu/internal.h"

static void swiglu_rows(void *ctx, int64_t begin, int64_t end)
{
    const wf_swiglu *a = ctx;
    for (int64_t r = begin; r < end; r++) {
        const float *gate = a->gate + r * a->gate_stride, *up = a->up + r * a->up_stride;
        float       *y = a->y + r * a->y_stride;
        for (int64_t i = 0; i < a->n; i++)
            y[i] = wf_siluf(gate[i]) * up[i];
    }
}

weft_status wf_swiglu_ref(wf_exec *ex, const wf_swiglu *a)
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
        for (int64_t i = 0; i < op->n; i++)
            y[i] = a[i] + (op->gate != NULL ? op->gate[i] : op->scale) * b[i];
    }
}

weft_status wf_add_ref(wf_exec *ex, const wf_add_op *a)
{
    wf_add_op copy = *a;
    if (a->m > 0)
        wf_range_run(ex, a->m, wf_row_grain(a->n), add_rows, &copy);
    return WEFT_OK;
}

static void move_rows(void *ctx, int64_t begin, int64_t end)
{
    const wf_rows *a = ctx;
    for (int64_t r = begin; r < end; r++) {
        int64_t to = a->dst_index != NULL ? a->dst_index[r] : r;
        int64_t from = a->src_index != NULL ? a->src_index[r] : r;
        if (to >= 0 && from >= 0)
            memcpy(a->dst + to * a->dst_stride, a->src + from * a->src_stride, (size_t)a->n * 4);
        else if (to >= 0)
            memset(a->dst + to * a->dst_stride, 0, (size_t)a->n * 4);
    }
}

weft_status wf_rows_ref(wf_exec *ex, const wf_rows *a)
{
    wf_rows copy = *a;
    if (a->m > 0 && a->n > 0)
        wf_range_run(ex, a->m, wf_row_grain(a->n), move_rows, &copy);
    return WEFT_OK;
}

static void gather_rows(void *ctx, int64_t begin, int64_t end)
{
    const wf_gather *a = ctx;
    for (int64_t r = begin; r < end; r++) {
        int64_t from = a->index[r];
        float  *dst = a->dst + r * a->dst_stride;
        if (from >= 0 && from < a->src_rows)
            memcpy(dst, a->src + from * a->src_stride, (size_t)a->n * 4);
        else
            memset(dst, 0, (size_t)a->n * 4);
    }
}

weft_status wf_gather_ref(wf_exec *ex, const wf_gather *a)
{
    wf_gather copy = *a;
    if (a->m > 0 && a->n > 0)
        wf_range_run(ex, a->m, wf_row_grain(a->n), gather_rows, &copy);
    return WEFT_OK;
}

static void convert_range(void *ctx, int64_t begin, int64_t end)
{
    const wf_convert *a = ctx;
    for (int64_t i = begin; i < end; i++)
        a->dst[i] = wf_load(a->src, i, a->src_dtype);
}

weft_status wf_convert_ref(wf_exec *ex, const wf_convert *a)
{
    wf_convert copy = *a;
    if (a->n > 0)
        wf_range_run(ex, a->n, 16384, convert_range, &copy);
    return WEFT_OK;
}

/* Lines are the innermost axis; the outer three are counted off one number. */
static void copy_lines(void *ctx, int64_t begin, int64_t end)
{
    const wf_copy *a = ctx;
    const int64_t *s = a->shape, *to = a->dst_stride, *from = a->src_stride;
    for (int64_t line = begin; line < end; line++) {
        int64_t      i0 = line / (s[1] * s[2]), i1 = line / s[2] % s[1], i2 = line % s[2];
        float       *dst = a->dst + i0 * to[0] + i1 * to[1] + i2 * to[2];
        const float *src = a->src + i0 * from[0] + i1 * from[1] + i2 * from[2];
        if (to[3] == 1 && from[3] == 1) {
            memcpy(dst, src, (size_t)s[3] * 4);
            continue;
        }
        for (int64_t i = 0; i < s[3]; i++)
            dst[i * to[3]] = src[i * from[3]];
    }
}

weft_status wf_copy_ref(wf_exec *ex, const wf_copy *a)
{
    wf_copy copy = *a;
    int64_t lines = a->shape[0] * a->shape[1] * a->shape[2];
    if (lines > 0 && a->shape[3] > 0)
        wf_range_run(ex, lines, wf_row_grain(a->shape[3]), copy_lines, &copy);
    return WEFT_OK;
}
