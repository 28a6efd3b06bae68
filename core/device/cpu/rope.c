/* SPDX-License-Identifier: Apache-2.0 */
/* Rotary positions: the table of cosines and sines, and the half-split rotation. */
#include "core/device/cpu/internal.h"

static void table_rows(void *ctx, int64_t begin, int64_t end)
{
    const wf_rope_table *a = ctx;
    int64_t              half = a->head_dim / 2;
    for (int64_t r = begin; r < end; r++) {
        float *cosines = a->cos_sin + r * a->head_dim, *sines = cosines + half;
        for (int64_t i = 0; i < half; i++) {
            float angle = (float)a->pos[r] * a->inv_freq[i];
            cosines[i] = cosf(angle);
            sines[i] = sinf(angle);
        }
    }
}

weft_status wf_rope_table_ref(wf_exec *ex, const wf_rope_table *a)
{
    wf_rope_table copy = *a;
    if (a->m > 0)
        wf_range_run(ex, a->m, wf_row_grain(a->head_dim * 16), table_rows, &copy);
    return WEFT_OK;
}

static void rotate(float *x, const float *cosines, const float *sines, int64_t half)
{
    for (int64_t i = 0; i < half; i++) {
        float a = x[i], b = x[i + half];
        x[i] = a * cosines[i] - b * sines[i];
        x[i + half] = b * cosines[i] + a * sines[i];
    }
}

static void rope_rows(void *ctx, int64_t begin, int64_t end)
{
    const wf_rope *a = ctx;
    int64_t        half = a->head_dim / 2;
    for (int64_t r = begin; r < end; r++) {
        const float *cosines = a->cos_sin + r * a->head_dim;
        for (int64_t h = 0; h < a->n_heads; h++)
            rotate(a->x + r * a->stride + h * a->head_dim, cosines, cosines + half, half);
    }
}

weft_status wf_rope_ref(wf_exec *ex, const wf_rope *a)
{
    wf_rope copy = *a;
    if (a->m > 0)
        wf_range_run(ex, a->m, wf_row_grain((int64_t)a->n_heads * a->head_dim), rope_rows, &copy);
    return WEFT_OK;
}
