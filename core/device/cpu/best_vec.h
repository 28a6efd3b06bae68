/* SPDX-License-Identifier: Apache-2.0 */
/* finite and best over vec.h: rows are looked through by whole vectors, and what is found is told
 * by the reference's steps. */
#ifndef WF_BEST_VEC_H
#define WF_BEST_VEC_H

#include "core/device/cpu/internal.h"
#include "core/device/cpu/vec.h"

/* x - x is 0 for a number and NaN for what is none: one sum tells whether all are. */
static int64_t find_unsound(const float *x, int64_t n)
{
    float lanes[VF_LANES];
    vf    sum = vf_zero();
    for (int64_t i = 0; i < n; i += VF_LANES) {
        vf v = vf_load_n(x + i, n - i);
        sum = vf_add(sum, vf_sub(v, v));
    }
    vf_store(lanes, sum);
    for (int64_t i = 0; i < VF_LANES; i++)
        if (lanes[i] != lanes[i])
            return wf_find_unsound(x, n);
    return 0;
}

static void finite_rows(void *ctx, int64_t begin, int64_t end)
{
    const wf_finite *a = ctx;
    for (int64_t r = begin; r < end; r++)
        a->out[r * a->out_stride] = find_unsound(a->x + r * a->x_stride, a->n);
}

static weft_status all_finite(wf_exec *ex, const wf_finite *a)
{
    wf_finite copy = *a;
    if (a->m > 0)
        wf_range_run(ex, a->m, wf_row_grain(a->n), finite_rows, &copy);
    return WEFT_OK;
}

/* A comparison with NaN is false, so that NaN is never taken. */
static float greatest(const float *x, int64_t n)
{
    float lanes[VF_LANES];
    vf    max = vf_set1(-INFINITY);
    for (int64_t i = 0; i < n; i += VF_LANES)
        max = vf_max(vf_first_of(n - i, vf_load_n(x + i, n - i), max), max);
    vf_store(lanes, max);
    return wf_greatest_ref(lanes, VF_LANES);
}

static weft_status find_best(wf_exec *ex, const wf_best *a)
{
    return wf_best_run(ex, a, greatest);
}

#endif
