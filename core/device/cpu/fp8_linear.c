/* SPDX-License-Identifier: Apache-2.0 */
/* fp8 weights on a CPU: the reference of a GPU's arithmetic. Every E4M3 number is a bf16 number, so
 * a weight is kept as one of bf16, in the panels of the level, with its rows' scales behind it; and
 * rows of x that are rounded to E4M3 are multiplied by the level's own linear. It takes the memory
 * of bf16. */
#include <math.h>

#include "core/device/cpu/fp8.h"
#include "core/device/cpu/fp8_linear.h"
#include "core/device/cpu/internal.h"

static uint64_t aligned(uint64_t bytes)
{
    return (bytes + WF_ALIGN - 1) / WF_ALIGN * WF_ALIGN;
}

uint64_t wf_fp8_weight_bytes(const wf_ops *ops, int64_t n, int64_t k)
{
    uint64_t bytes = ops->weight_bytes(WF_BF16, n, k), scales = aligned((uint64_t)n * 4);
    return bytes != 0 && wf_add(bytes, scales, &bytes) ? bytes : 0;
}

static float *scales_of(const wf_ops *ops, const wf_weight *w)
{
    return (float *)(void *)((uint8_t *)w->data + ops->weight_bytes(WF_BF16, w->n, w->k));
}

static wf_weight as_bf16(const wf_weight *w)
{
    return (wf_weight){w->data, w->n, w->k, WF_BF16, 0};
}

/* The greatest magnitude; NaN where one is no finite number. */
static float greatest(const void *x, int64_t k, int32_t dtype)
{
    float most = 0.0f;
    for (int64_t i = 0; i < k; i++) {
        const float a = fabsf(wf_load(x, i, dtype));
        if (!(a < INFINITY))
            return NAN;
        most = a > most ? a : most;
    }
    return most;
}

/* ---- packing ---- */

typedef struct pack_job {
    const wf_pack *a;
    uint16_t      *rows; /* [rows of a, k] as bf16 */
    float         *scales;
} pack_job;

static void round_weights(void *ctx, int64_t begin, int64_t end)
{
    const pack_job *j = ctx;
    const wf_pack  *a = j->a;
    for (int64_t r = begin; r < end; r++) {
        const uint8_t *src = (const uint8_t *)a->src + r * a->w.k * wf_dtype_bytes(a->src_dtype);
        const float    most = greatest(src, a->w.k, a->src_dtype), scale = wf_fp8_scale(most);
        const bool     wild = isnan(most);
        j->scales[a->row0 + r] = wild ? NAN : scale;
        for (int64_t i = 0; i < a->w.k; i++) {
            const float x = wild ? 0.0f : wf_load(src, i, a->src_dtype) / scale;
            j->rows[r * a->w.k + i] = wf_to_bf16(wf_from_e4m3(wf_to_e4m3(x)));
        }
    }
}

weft_status wf_fp8_pack(wf_exec *ex, const wf_pack *a)
{
    wf_pack   plain = *a;
    uint16_t *rows = wf_exec_scratch(ex, (size_t)(a->rows * a->w.k) * sizeof *rows);
    if (rows == NULL)
        return WEFT_E_NOMEM;
    pack_job job = {a, rows, scales_of(ex->ops, &a->w)};
    wf_range_run(ex, a->rows, wf_row_grain(a->w.k), round_weights, &job);
    if (a->row0 + a->rows == a->w.n)
        memset(job.scales + a->w.n, 0,
               (size_t)(aligned((uint64_t)a->w.n * 4) - (uint64_t)a->w.n * 4));
    plain.w = as_bf16(&a->w);
    plain.src = rows;
    plain.src_dtype = WF_BF16;
    return ex->ops->pack(ex, &plain);
}

weft_status wf_fp8_embed(wf_exec *ex, const wf_embed *a)
{
    wf_embed     plain = *a;
    const float *scales = scales_of(ex->ops, &a->w);
    plain.w = as_bf16(&a->w);
    weft_status status = ex->ops->embed(ex, &plain);
    for (int64_t r = 0; r < a->m && status == WEFT_OK; r++)
        if (a->ids[r] >= 0 && a->ids[r] < a->w.n)
            for (int64_t i = 0; i < a->w.k; i++)
                a->dst[r * a->dst_stride + i] *= scales[a->ids[r]];
    return status;
}

/* ---- the product ---- */

typedef struct linear_job {
    const wf_linear *a;
    const float     *scales; /* [n] of the weight */
    float           *x;      /* [rows, k] rounded */
    float           *scale;  /* [rows] */
    float           *sums;   /* [rows, n] */
    int64_t          first;
} linear_job;

static int64_t block_rows(int64_t m)
{
    return m < WF_LINEAR_ROWS ? m : WF_LINEAR_ROWS;
}

static uint64_t own_bytes(int64_t m, int64_t n, int64_t k)
{
    return aligned((uint64_t)(block_rows(m) * (k + n + 1)) * sizeof(float));
}

uint64_t wf_fp8_scratch_bytes(const wf_exec *ex, int64_t m, int64_t n, int64_t k)
{
    return own_bytes(m, n, k) + wf_linear_scratch_bytes(ex, block_rows(m), k);
}

static void round_rows(void *ctx, int64_t begin, int64_t end)
{
    const linear_job *j = ctx;
    const int64_t     k = j->a->w.k;
    for (int64_t r = begin; r < end; r++) {
        const float *x = j->a->x + (j->first + r) * j->a->x_stride;
        const float  most = greatest(x, k, WF_F32);
        const float  scale = wf_fp8_scale(most < WF_FP8_BOUND ? most : WF_FP8_BOUND);
        const bool   wild = isnan(most);
        j->scale[r] = wild ? NAN : scale;
        for (int64_t i = 0; i < k; i++)
            j->x[r * k + i] = wild ? 0.0f : wf_from_e4m3(wf_to_e4m3(x[i] / scale));
    }
}

static void finish_rows(void *ctx, int64_t begin, int64_t end)
{
    const linear_job *j = ctx;
    const wf_linear  *a = j->a;
    for (int64_t r = begin; r < end; r++)
        for (int64_t c = 0; c < a->w.n; c++) {
            const int64_t row = j->first + r;
            float         value = j->sums[r * a->w.n + c] * (j->scale[r] * j->scales[c]);
            if (a->bias != NULL)
                value = value + a->bias[c];
            value = wf_activate(value, a->act);
            if (a->residual != NULL)
                value = a->residual[row * a->residual_stride + c] + a->scale * value;
            a->y[row * a->y_stride + c] = value;
        }
}

static weft_status multiply_block(wf_exec *inner, linear_job *j, int64_t rows)
{
    const wf_linear *a = j->a;
    const wf_linear  plain = {.y = j->sums,
                              .x = j->x,
                              .w = as_bf16(&a->w),
                              .m = rows,
                              .y_stride = a->w.n,
                              .x_stride = a->w.k,
                              .scale = 1.0f};
    wf_range_run(inner, rows, wf_row_grain(a->w.k), round_rows, j);
    weft_status status = inner->ops->linear(inner, &plain);
    if (status == WEFT_OK)
        wf_range_run(inner, rows, wf_row_grain(a->w.n), finish_rows, j);
    return status;
}

weft_status wf_fp8_linear(wf_exec *ex, const wf_linear *a)
{
    const int64_t block = block_rows(a->m);
    weft_status   status = WEFT_OK;
    if (a->m <= 0)
        return WEFT_OK;
    uint8_t *scratch = wf_exec_scratch(ex, (size_t)wf_fp8_scratch_bytes(ex, a->m, a->w.n, a->w.k));
    if (scratch == NULL)
        return WEFT_E_NOMEM;
    const uint64_t own = own_bytes(a->m, a->w.n, a->w.k);
    linear_job job = {.a = a, .scales = scales_of(ex->ops, &a->w), .x = (float *)(void *)scratch};
    job.sums = job.x + block * a->w.k;
    job.scale = job.sums + block * a->w.n;
    /* linear works in the second part: it never needs more than it is lent here. */
    wf_exec inner = {ex->pool, ex->ops, scratch + own, wf_linear_scratch_bytes(ex, block, a->w.k)};
    for (; job.first < a->m && status == WEFT_OK; job.first += block)
        status = multiply_block(&inner, &job, a->m - job.first < block ? a->m - job.first : block);
    return status;
}
