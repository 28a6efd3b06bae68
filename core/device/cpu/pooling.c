/* SPDX-License-Identifier: Apache-2.0 */
/* Pooling: the walk over windows that every level shares, and the reference of one window. */
#include "core/device/cpu/internal.h"

typedef struct pooling_job {
    const wf_pooling *a;
    wf_pooling_body   body;
    int64_t           blocks; /* of columns */
} pooling_job;

static void cut(int64_t from, int64_t length, int64_t size, int64_t *begin, int64_t *end)
{
    *begin = from > 0 ? from : 0;
    *end = from + length < size ? from + length : size;
}

static wf_pooling_window window_of(const wf_pooling *a, int64_t item, int64_t i, int64_t j)
{
    wf_pooling_window w = {.item = item};
    cut(i * a->stride[0] - a->pad[0], a->kh, a->h, &w.row, &w.row_end);
    cut(j * a->stride[1] - a->pad[2], a->kw, a->wd, &w.place, &w.place_end);
    w.divisor = (float)((w.row_end - w.row) * (w.place_end - w.place));
    if (a->how == WF_POOLING_MEAN_PADDED)
        w.divisor = (float)(a->kh * a->kw);
    return w;
}

static void pool_items(void *ctx, int64_t begin, int64_t end)
{
    const pooling_job *job = ctx;
    const wf_pooling  *a = job->a;
    for (int64_t at = begin; at < end; at++) {
        int64_t           output = at / job->blocks, column = at % job->blocks * WF_POOLING_COLUMNS;
        int64_t           column_end = column + WF_POOLING_COLUMNS;
        int64_t           item = output / (a->oh * a->ow), i = output / a->ow % a->oh;
        int64_t           j = output % a->ow;
        wf_pooling_window w = window_of(a, item, i, j);
        float *y = a->y + item * a->y_stride[0] + i * a->y_stride[1] + j * a->y_stride[2];
        job->body(a, &w, y, column, column_end < a->c ? column_end : a->c);
    }
}

weft_status wf_pooling_run(wf_exec *ex, const wf_pooling *a, wf_pooling_body body)
{
    pooling_job job = {a, body, (a->c + WF_POOLING_COLUMNS - 1) / WF_POOLING_COLUMNS};
    int64_t     items = a->n * a->oh * a->ow * job.blocks;
    int64_t     columns = a->c < WF_POOLING_COLUMNS ? a->c : WF_POOLING_COLUMNS;
    if (items > 0)
        wf_range_run(ex, items, wf_row_grain(columns * a->kh * a->kw), pool_items, &job);
    return WEFT_OK;
}

static float pooled(const wf_pooling *a, const wf_pooling_window *w, int64_t column)
{
    const float *x = a->x + w->item * a->x_stride[0] + column;
    float        value = x[w->row * a->x_stride[1] + w->place * a->x_stride[2]];
    for (int64_t row = w->row; row < w->row_end; row++) {
        for (int64_t place = w->place + (row == w->row); place < w->place_end; place++) {
            float next = x[row * a->x_stride[1] + place * a->x_stride[2]];
            if (a->how != WF_POOLING_MAX)
                value += next;
            else
                value = next > value || next != next ? next : value;
        }
    }
    return a->how == WF_POOLING_MAX ? value : value / w->divisor;
}

static void pool_window(const wf_pooling *a, const wf_pooling_window *w, float *y, int64_t column,
                        int64_t column_end)
{
    for (int64_t i = column; i < column_end; i++)
        y[i] = pooled(a, w, i);
}

weft_status wf_pooling_ref(wf_exec *ex, const wf_pooling *a)
{
    return wf_pooling_run(ex, a, pool_window);
}
