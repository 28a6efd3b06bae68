/* SPDX-License-Identifier: Apache-2.0 */
/* RMSNorm and LayerNorm, the reference. Sums are f64 over ascending index: a product of two f32 is
 * exact in f64, so the sum's order is all that a variant has to keep. */
#include "core/device/cpu/internal.h"

static float mean_of(const float *x, int64_t n)
{
    double sum = 0.0;
    for (int64_t i = 0; i < n; i++)
        sum += (double)x[i];
    return (float)(sum / (double)n);
}

static float mean_square(const float *x, float centre, int64_t n)
{
    double sum = 0.0;
    for (int64_t i = 0; i < n; i++) {
        double d = (double)(x[i] - centre);
        sum += d * d;
    }
    return (float)(sum / (double)n);
}

static void norm_rows(void *ctx, int64_t begin, int64_t end)
{
    const wf_norm *a = ctx;
    for (int64_t r = begin; r < end; r++) {
        const float *x = a->x + r / a->inner * a->x_stride + r % a->inner * a->n;
        float       *y = a->y + r / a->inner * a->y_stride + r % a->inner * a->n;
        float        mean = a->rms ? 0.0f : mean_of(x, a->n);
        float        inv = 1.0f / sqrtf(mean_square(x, mean, a->n) + a->eps);
        for (int64_t i = 0; i < a->n; i++) {
            float value = (x[i] - mean) * inv * a->w[i];
            y[i] = a->bias != NULL ? value + a->bias[i] : value;
        }
    }
}

weft_status wf_norm_ref(wf_exec *ex, const wf_norm *a)
{
    wf_norm copy = *a;
    if (a->m > 0)
        wf_range_run(ex, a->m, wf_row_grain(a->n), norm_rows, &copy);
    return WEFT_OK;
}
