/* SPDX-License-Identifier: Apache-2.0 */
/* Attention's kernels over vec.h. There are two, which give the same bytes, since each lane does
 * the reference's steps: attend_few.h has keys in the lanes, for the few queries of a decode step,
 * and reads pages as they are; attend_many.h has queries in the lanes. */
#ifndef WF_ATTEND_VEC_H
#define WF_ATTEND_VEC_H

#include "core/device/cpu/attend.h"
#include "core/device/cpu/vec_math.h"

/* Elements i.. of p as f32. */
VF_INLINE vf load_as(const void *p, int64_t i, const int32_t dtype)
{
    if (dtype == WF_F32)
        return vf_load((const float *)p + i);
    if (dtype == WF_Q8)
        return vf_from_i8x((const int8_t *)p + i);
    return dtype == WF_BF16 ? vf_from_bf16x((const uint16_t *)p + i)
                            : vf_from_f16x((const uint16_t *)p + i);
}

VF_INLINE void widen_as(float *dst, const void *src, int64_t n, const int32_t dtype)
{
    int64_t i = 0;
    for (; i + VF_LANES <= n; i += VF_LANES)
        vf_store(dst + i, load_as(src, i, dtype));
    for (; i < n; i++)
        dst[i] = dtype == WF_Q8 ? (float)((const int8_t *)src)[i] : wf_load(src, i, dtype);
}

/* n elements at src + from, as f32. */
static void widen_to(float *dst, const void *src, int64_t from, int64_t n, int32_t dtype)
{
    const uint8_t *p = (const uint8_t *)src + from * wf_cpu_kv_element(dtype);
    if (dtype == WF_F32)
        widen_as(dst, p, n, WF_F32);
    else if (dtype == WF_Q8)
        widen_as(dst, p, n, WF_Q8);
    else if (dtype == WF_BF16)
        widen_as(dst, p, n, WF_BF16);
    else
        widen_as(dst, p, n, WF_F16);
}

/* The block's values as f32 rows of r->stride, zero past head_dim. */
static void widen_values(const wf_attend_run *r, const wf_key_block *b)
{
    for (int64_t i = 0; i < b->n; i++) {
        float *row = r->v + i * r->stride;
        widen_to(row, b->v, i * b->v_key, r->head_dim, b->dtype);
        for (int64_t d = r->head_dim; d < r->stride; d++)
            row[d] = 0.0f;
    }
}

/* Four rows of n elements: element i of row k to dst[i * step + k]. */
VF_INLINE void columns_of4(float *dst, int64_t step, const float *const row[4], int64_t n)
{
    int64_t i = 0;
    for (; i + 4 <= n; i += 4) {
        float *column = dst + i * step;
        vf_transpose4(
            (float *const[4]){column, column + step, column + 2 * step, column + 3 * step},
            (const float *const[4]){row[0] + i, row[1] + i, row[2] + i, row[3] + i});
    }
    for (; i < n; i++)
        for (int k = 0; k < 4; k++)
            dst[i * step + k] = row[k][i];
}

/* wf_expf(a - b) where b is at least a, so that a clamp above is not needed; a NaN passes through
 * by itself. */
VF_INLINE vf exp_below(vf a, vf b)
{
    vf x = vf_max(vf_set1(WF_EXP_LOW), vf_sub(a, b)); /* of a NaN the NaN */
    vf magic = vf_fma(x, vf_set1(WF_EXP_LOG2E), vf_set1(WF_EXP_MAGIC));
    vf n = vf_sub(magic, vf_set1(WF_EXP_MAGIC));
    vf r = vf_fma(n, vf_set1(-WF_EXP_LN2_HI), x);
    r = vf_fma(n, vf_set1(-WF_EXP_LN2_LO), r);
    vf q = vf_fma(vf_set1(WF_EXP_Q4), r, vf_set1(WF_EXP_Q3));
    q = vf_fma(q, r, vf_set1(WF_EXP_Q2));
    q = vf_fma(q, r, vf_set1(WF_EXP_Q1));
    q = vf_fma(q, r, vf_set1(WF_EXP_Q0));
    vf p = vf_fma(vf_fma(q, r, vf_set1(1.0f)), r, vf_set1(1.0f));
#if VF_LANES == 16
    return _mm512_scalef_ps(p, n); /* rounded once, as p times two powers of two is */
#else
    vi whole = vi_sub(vi_of(magic), vi_of(vf_set1(WF_EXP_MAGIC))), half = vi_sra(whole, 1);
    vf first = vf_of(vi_sll(vi_add(half, vi_set1(127)), 23));
    vf second = vf_of(vi_sll(vi_add(vi_sub(whole, half), vi_set1(127)), 23));
    return vf_mul(vf_mul(p, first), second);
#endif
}

#include "core/device/cpu/attend_few.h"
#include "core/device/cpu/attend_many.h"

#define FEW_QUERIES (VF_LANES / 2) /* where queries in lanes leave half of them empty */

static const wf_attend_kernels attend_kernels = {{few_begin, few_block, few_merge, few_finish},
                                                 {many_begin, many_block, NULL, many_finish},
                                                 FEW_QUERIES};

static weft_status attend_pages(wf_exec *ex, const wf_attend_pages *a)
{
    return wf_attend_pages_run(ex, a, &attend_kernels);
}

static weft_status attend(wf_exec *ex, const wf_attend *a)
{
    return wf_attend_run_packed(ex, a, &attend_kernels);
}

#endif
