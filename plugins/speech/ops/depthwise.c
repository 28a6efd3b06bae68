/* SPDX-License-Identifier: Apache-2.0 */
/* The middle of a conformer's convolution module in one pass over each row: a depthwise convolution
 * over neighbouring rows, a layer norm over the channels or a batch norm with the statistics of the
 * training, and SiLU. */
#include "kernels.h"

#include <math.h>

/* Row `row` of the convolution: y[c] = sum over j ascending of w[c][j] x[row - before + j][c],
 * zeros outside x [n, d]. */
static void convolve(float *y, const float *x, const float *w, int64_t row, int64_t n, int64_t d,
                     int64_t size, int64_t before)
{
    for (int64_t c = 0; c < d; c++)
        y[c] = 0.0f;
    for (int64_t j = 0; j < size; j++) {
        int64_t      place = row - before + j;
        const float *from = x + place * d;
        if (place < 0 || place >= n)
            continue;
        for (int64_t c = 0; c < d; c++)
            y[c] = y[c] + w[c * size + j] * from[c];
    }
}

/* (y - mean) / sqrt(var + eps) * w + b, biased variance, sums in f64; then SiLU. */
static void norm_silu(float *y, const float *w, const float *b, int64_t d, float eps)
{
    double sum = 0.0, squares = 0.0;
    for (int64_t c = 0; c < d; c++)
        sum += (double)y[c];
    const double mean = sum / (double)d;
    for (int64_t c = 0; c < d; c++) {
        double away = (double)y[c] - mean;
        squares += away * away;
    }
    const float scale = (float)(1.0 / sqrt(squares / (double)d + (double)eps));
    for (int64_t c = 0; c < d; c++) {
        float v = (float)((double)y[c] - mean) * scale * w[c] + b[c];
        y[c] = v / (1.0f + expf(-v));
    }
}

/* y, x [n, d]; w [d, size]; norm_w, norm_b [d]. */
void spk_k_depthwise(const weft_range *range, void *const *args)
{
    float        *y = SPK_ARG(float *, 0);
    const float  *x = SPK_ARG(const float *, 1), *w = SPK_ARG(const float *, 2);
    const float  *norm_w = SPK_ARG(const float *, 3), *norm_b = SPK_ARG(const float *, 4);
    const int64_t n = SPK_ARG(int64_t, 5), d = SPK_ARG(int64_t, 6), size = SPK_ARG(int64_t, 7);
    const int64_t before = SPK_ARG(int64_t, 8);
    const float   eps = SPK_ARG(float, 9);
    for (int64_t row = range->begin; row < range->end; row++) {
        convolve(y + row * d, x, w, row, n, d, size, before);
        norm_silu(y + row * d, norm_w, norm_b, d, eps);
    }
}

/* y = y * scale + shift per channel, with what a trained batch norm comes to (torch batch_norm in
 * evaluation): scale = w / sqrt(variance + eps), shift = b - mean * scale; then SiLU. */
static void batch_silu(float *y, const float *mean, const float *variance, const float *w,
                       const float *b, int64_t d, float eps)
{
    for (int64_t c = 0; c < d; c++) {
        const float scale = w[c] / sqrtf(variance[c] + eps);
        const float v = y[c] * scale + (b[c] - mean[c] * scale);
        y[c] = v / (1.0f + expf(-v));
    }
}

/* y, x [n, d]; w [d, size]; mean, variance, norm_w, norm_b [d]. */
void spk_k_depthwise_batch(const weft_range *range, void *const *args)
{
    float        *y = SPK_ARG(float *, 0);
    const float  *x = SPK_ARG(const float *, 1), *w = SPK_ARG(const float *, 2);
    const float  *mean = SPK_ARG(const float *, 3), *variance = SPK_ARG(const float *, 4);
    const float  *norm_w = SPK_ARG(const float *, 5), *norm_b = SPK_ARG(const float *, 6);
    const int64_t n = SPK_ARG(int64_t, 7), d = SPK_ARG(int64_t, 8), size = SPK_ARG(int64_t, 9);
    const int64_t before = SPK_ARG(int64_t, 10);
    const float   eps = SPK_ARG(float, 11);
    for (int64_t row = range->begin; row < range->end; row++) {
        convolve(y + row * d, x, w, row, n, d, size, before);
        batch_silu(y + row * d, mean, variance, norm_w, norm_b, d, eps);
    }
}
