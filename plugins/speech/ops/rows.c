/* SPDX-License-Identifier: Apache-2.0 */
/* Kernels that move or change rows: stacking, GLU, rotary positions. */
#include "kernels.h"

#include <math.h>
#include <string.h>

/* Row r of y [rows, stack * bins] is frames r * stack .. of x [n, bins] side by side; frames past
 * the end hold `pad`. */
void spk_k_stack(const weft_range *range, void *const *args)
{
    float        *y = SPK_ARG(float *, 0);
    const float  *x = SPK_ARG(const float *, 1);
    const int64_t all = SPK_ARG(int64_t, 2), width = SPK_ARG(int64_t, 3); /* elements; of a row */
    const float   pad = SPK_ARG(float, 4);
    for (int64_t row = range->begin; row < range->end; row++) {
        int64_t from = row * width, real = all - from < width ? all - from : width;
        memcpy(y + from, x + from, (size_t)real * sizeof *y);
        for (int64_t i = real; i < width; i++)
            y[from + i] = pad;
    }
}

void spk_k_zero(const weft_range *range, void *const *args)
{
    float        *y = SPK_ARG(float *, 0);
    const int64_t d = SPK_ARG(int64_t, 1);
    memset(y + range->begin * d, 0, (size_t)((range->end - range->begin) * d) * sizeof *y);
}

/* y [rows, d] = a / (1 + exp(-b)) of x [rows, 2 d]. */
void spk_k_glu(const weft_range *range, void *const *args)
{
    float        *y = SPK_ARG(float *, 0);
    const float  *x = SPK_ARG(const float *, 1);
    const int64_t d = SPK_ARG(int64_t, 2);
    for (int64_t row = range->begin; row < range->end; row++) {
        const float *a = x + row * 2 * d, *b = a + d;
        for (int64_t i = 0; i < d; i++)
            y[row * d + i] = a[i] / (1.0f + expf(-b[i]));
    }
}

/* The angle is a product in f32, as transformers has it: f32 position times f32 frequency. */
void spk_k_rope_table(const weft_range *range, void *const *args)
{
    float        *table = SPK_ARG(float *, 0);
    const int64_t head_dim = SPK_ARG(int64_t, 1), half = head_dim / 2;
    const float   theta = SPK_ARG(float, 2);
    for (int64_t row = range->begin; row < range->end; row++) {
        float *at = table + row * head_dim;
        for (int64_t i = 0; i < half; i++) {
            float power = powf(theta, (float)(2 * i) / (float)head_dim);
            float angle = (float)row * (1.0f / power);
            at[i] = cosf(angle);
            at[half + i] = sinf(angle);
        }
    }
}

void spk_k_rotate(const weft_range *range, void *const *args)
{
    float        *x = SPK_ARG(float *, 0);
    const float  *table = SPK_ARG(const float *, 1);
    const int64_t d = SPK_ARG(int64_t, 2), head_dim = SPK_ARG(int64_t, 3), half = head_dim / 2;
    for (int64_t row = range->begin; row < range->end; row++) {
        const float *cosine = table + row * head_dim, *sine = cosine + half;
        for (float *head = x + row * d; head < x + (row + 1) * d; head += head_dim) {
            for (int64_t i = 0; i < half; i++) {
                float a = head[i], b = head[half + i];
                head[i] = a * cosine[i] - b * sine[i];
                head[half + i] = b * cosine[i] + a * sine[i];
            }
        }
    }
}
