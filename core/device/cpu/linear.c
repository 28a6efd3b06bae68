/* SPDX-License-Identifier: Apache-2.0 */
/* linear, the reference: one f32 accumulator per output, one fused multiply-add per k, ascending.
 */
#include "core/device/cpu/internal.h"

/* The value of output (r, j): w's row j is plain (panel 1). */
static float dot(const wf_linear *a, int64_t r, const void *w)
{
    const float *x = a->x + r * a->x_stride;
    float        acc = 0.0f;
    for (int64_t i = 0; i < a->w.k; i++) {
        float xi = a->w.format == WF_BF16 ? wf_round_bf16(x[i]) : x[i];
        acc = fmaf(xi, wf_load(w, i, a->w.format), acc);
    }
    return acc;
}

static void columns(void *ctx, int64_t begin, int64_t end)
{
    const wf_linear *a = ctx;
    int64_t          row_bytes = wf_panel_bytes(a->w.format, a->w.k, 1);
    for (int64_t j = begin; j < end; j++) {
        const void *w = (const uint8_t *)a->w.data + j * row_bytes;
        for (int64_t r = 0; r < a->m; r++) {
            float value = dot(a, r, w);
            if (a->bias != NULL)
                value = value + a->bias[j];
            value = wf_activate(value, a->act);
            if (a->residual != NULL)
                value = a->residual[r * a->residual_stride + j] + a->scale * value;
            a->y[r * a->y_stride + j] = value;
        }
    }
}

weft_status wf_linear_ref(wf_exec *ex, const wf_linear *a)
{
    wf_linear copy = *a;
    if (a->m > 0)
        wf_range_run(ex, a->w.n, 16, columns, &copy);
    return WEFT_OK;
}
