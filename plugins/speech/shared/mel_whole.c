/* SPDX-License-Identifier: Apache-2.0 */
/* Limits the dynamic range of log-mel frames and normalises them, in f32 as the reference does. */
#include "mel_whole.h"

#include <math.h>

#define VARIANCE_FLOOR 1e-7f
#define PAIRWISE_LEAF 128

/* What is summed: x, or (x - about)^2. */
typedef struct term {
    const float *x;
    int64_t      stride;
    float        about;
    int          squared;
} term;

static float at(const term *t, int64_t i)
{
    float v = t->x[i * t->stride];
    if (!t->squared)
        return v;
    v -= t->about;
    return v * v;
}

/* NumPy's sum of at most 128 values: eight running sums. */
static float leaf_sum(const term *t, int64_t from, int64_t n)
{
    float   r[8], sum = 0;
    int64_t i = 0;
    if (n >= 8) {
        for (int k = 0; k < 8; k++)
            r[k] = at(t, from + k);
        for (i = 8; i < n - n % 8; i += 8)
            for (int k = 0; k < 8; k++)
                r[k] += at(t, from + i + k);
        sum = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
    }
    for (; i < n; i++)
        sum += at(t, from + i);
    return sum;
}

/* NumPy's sum of any number of values: the sums of two halves, the first of which has a multiple of
 * 8 values. The recursion is at most log2(n / 64) deep. */
static float pairwise_sum(const term *t, int64_t from, int64_t n)
{
    if (n <= PAIRWISE_LEAF)
        return leaf_sum(t, from, n);
    int64_t half = n / 2 - n / 2 % 8;
    return pairwise_sum(t, from, half) + pairwise_sum(t, from + half, n - half);
}

static void normalise_bin(float *y, int64_t frames, int64_t stride)
{
    term  t = {y, stride, 0, 0};
    float mean = pairwise_sum(&t, 0, frames) / (float)frames, var = 0;
    t.about = mean;
    t.squared = 1;
    if (frames > 1)
        var = pairwise_sum(&t, 0, frames) / (float)(frames - 1);
    float deviation = sqrtf(var + VARIANCE_FLOOR);
    for (int64_t i = 0; i < frames; i++)
        y[i * stride] = (y[i * stride] - mean) / deviation;
}

static void limit_range(float *y, int64_t n, float range)
{
    float top = y[0];
    for (int64_t i = 1; i < n; i++)
        top = y[i] > top ? y[i] : top;
    for (int64_t i = 0; i < n; i++) {
        float v = y[i] > top - range ? y[i] : top - range;
        y[i] = (v + 4.0f) / 4.0f;
    }
}

void spk_mel_whole(const spk_features_config *c, float *y, int64_t frames)
{
    if (frames <= 0)
        return;
    if (c->range > 0)
        limit_range(y, frames * c->n_mels, (float)c->range);
    for (int32_t j = 0; c->normalise && j < c->n_mels; j++)
        normalise_bin(y + j, frames, c->n_mels);
}
