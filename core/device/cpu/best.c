/* SPDX-License-Identifier: Apache-2.0 */
/* finite and best, the reference: what a host wants to know of rows of logits. */
#include "core/device/cpu/internal.h"

#include "core/base/exponential.h"

/* ---- finite ---- */

int64_t wf_find_unsound(const float *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (!isfinite(x[i]))
            return isnan(x[i]) ? i + 1 : -(i + 1);
    return 0;
}

static void finite_rows(void *ctx, int64_t begin, int64_t end)
{
    const wf_finite *a = ctx;
    for (int64_t r = begin; r < end; r++)
        a->out[r * a->out_stride] = wf_find_unsound(a->x + r * a->x_stride, a->n);
}

weft_status wf_finite_ref(wf_exec *ex, const wf_finite *a)
{
    wf_finite copy = *a;
    if (a->m > 0)
        wf_range_run(ex, a->m, wf_row_grain(a->n), finite_rows, &copy);
    return WEFT_OK;
}

/* ---- best ---- */

float wf_greatest_ref(const float *x, int64_t n)
{
    float max = -INFINITY;
    for (int64_t i = 0; i < n; i++)
        max = x[i] > max ? x[i] : max;
    return max;
}

/* (x, id) into the sorted list of k, if it comes before the last. Ids come in rising order, so that
 * an equal one that stands there already stays before it. */
static void insert(wf_score *best, int64_t k, float x, int32_t id)
{
    int64_t at = k;
    while (at > 0 && (best[at - 1].id < 0 || x > best[at - 1].x))
        at--;
    if (at == k)
        return;
    memmove(best + at + 1, best + at, (size_t)(k - at - 1) * sizeof *best);
    best[at] = (wf_score){x, id};
}

/* The k greatest of a row; max is the first of them. */
static void fill_best(const wf_best *a, int64_t r, float max)
{
    const float *x = a->x + r * a->x_stride;
    wf_score    *best = a->best + r * a->best_stride;
    for (int64_t i = 0; i < a->k; i++)
        best[i] = (wf_score){-INFINITY, -1};
    for (int64_t i = 0; i < a->n; i++) {
        if (a->k == 1 && x[i] == max) { /* the first equal one is it */
            best[0] = (wf_score){x[i], (int32_t)i};
            return;
        }
        if (a->k > 1 && x[i] == x[i])
            insert(best, a->k, x[i], (int32_t)i);
    }
}

typedef struct exp_job {
    const float *x;
    double      *out;
    float        max;
} exp_job;

static void exponentials(void *ctx, int64_t begin, int64_t end)
{
    const exp_job *j = ctx;
    for (int64_t i = begin; i < end; i++)
        j->out[i] = wf_exp_same((double)j->x[i] - (double)j->max);
}

static weft_status sum_row(wf_exec *ex, const wf_best *a, int64_t r, float max)
{
    exp_job job = {a->x + r * a->x_stride, wf_exec_scratch(ex, (size_t)a->n * sizeof(double)), max};
    double  sum = 0.0;
    if (job.out == NULL)
        return WEFT_E_NOMEM;
    wf_range_run(ex, a->n, 2048, exponentials, &job);
    for (int64_t i = 0; i < a->n; i++)
        sum += job.out[i];
    a->sum[r * a->sum_stride] = sum;
    return WEFT_OK;
}

weft_status wf_best_run(wf_exec *ex, const wf_best *a, wf_greatest_body body)
{
    weft_status status = WEFT_OK;
    for (int64_t r = 0; r < a->m && status == WEFT_OK; r++) {
        float max = body(a->x + r * a->x_stride, a->n);
        fill_best(a, r, max);
        if (a->sum != NULL)
            status = sum_row(ex, a, r, max);
    }
    return status;
}

weft_status wf_best_ref(wf_exec *ex, const wf_best *a)
{
    return wf_best_run(ex, a, wf_greatest_ref);
}
