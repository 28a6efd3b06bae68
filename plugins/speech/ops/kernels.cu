/* SPDX-License-Identifier: Apache-2.0 */
/* The GPU bodies of the speech plugins' kernels: a block of THREADS threads for each item, which is
 * a row, in `relative` a row and head; `hear` and `spell` have one thread. What they compute stands
 * in rows.c, depthwise.c, relative.c and spell.c. Exponentials are the GPU's own, and sums of
 * several threads go in another order: what has them is close to the CPU's and not its bytes. */
#include <stdint.h>

#include "search.h"

#define THREADS 128 /* of a block: run.c and vit.c launch so many */
#define MAX_POSITIONS 1024

extern "C" __global__ void spk_gpu_stack(float *y, const float *x, int64_t all, int64_t width,
                                         float pad)
{
    const int64_t from = blockIdx.x * width;
    for (int64_t i = threadIdx.x; i < width; i += blockDim.x)
        y[from + i] = from + i < all ? x[from + i] : pad;
}

extern "C" __global__ void spk_gpu_zero(float *y, int64_t d)
{
    for (int64_t i = threadIdx.x; i < d; i += blockDim.x)
        y[blockIdx.x * d + i] = 0.0f;
}

extern "C" __global__ void spk_gpu_glu(float *y, const float *x, int64_t d)
{
    const float *a = x + blockIdx.x * 2 * d, *b = a + d;
    for (int64_t i = threadIdx.x; i < d; i += blockDim.x)
        y[blockIdx.x * d + i] = a[i] / (1.0f + expf(-b[i]));
}

/* The angle is a product in f32; its sine and cosine are taken in f64 of the angle in half turns,
 * which needs no table for large angles, and rounded once. */
extern "C" __global__ void spk_gpu_rope_table(float *table, int64_t head_dim, float theta)
{
    const int64_t row = blockIdx.x, half = head_dim / 2;
    float        *at = table + row * head_dim;
    for (int64_t i = threadIdx.x; i < half; i += blockDim.x) {
        const float  exponent = (float)(2 * i) / (float)head_dim;
        const float  power = (float)exp2((double)exponent * log2((double)theta));
        const float  angle = (float)row * (1.0f / power);
        const double half_turns = (double)angle * 0.31830988618379067154;
        at[i] = (float)cospi(half_turns);
        at[half + i] = (float)sinpi(half_turns);
    }
}

extern "C" __global__ void spk_gpu_rotate(float *x, const float *table, int64_t d, int64_t head_dim)
{
    const int64_t half = head_dim / 2;
    const float  *cosine = table + blockIdx.x * head_dim, *sine = cosine + half;
    float        *row = x + blockIdx.x * d;
    for (int64_t e = threadIdx.x; e < d / 2; e += blockDim.x) {
        const int64_t i = e % half, at = e / half * head_dim + i;
        const float   a = row[at], b = row[at + half];
        row[at] = a * cosine[i] - b * sine[i];
        row[at + half] = b * cosine[i] + a * sine[i];
    }
}

/* ---- depthwise convolution, layer norm, SiLU ---- */

/* The sum of all threads' x, which every thread gets. */
__device__ static double block_sum(double x, double *buffer)
{
    __syncthreads();
    buffer[threadIdx.x] = x;
    __syncthreads();
    for (int step = THREADS / 2; step > 0; step /= 2) {
        if (threadIdx.x < step)
            buffer[threadIdx.x] += buffer[threadIdx.x + step];
        __syncthreads();
    }
    return buffer[0];
}

extern "C" __global__ void spk_gpu_depthwise(float *y, const float *x, const float *w,
                                             const float *norm_w, const float *norm_b, int64_t n,
                                             int64_t d, int64_t size, int64_t before, float eps)
{
    __shared__ double buffer[THREADS];
    const int64_t     row = blockIdx.x;
    float            *to = y + row * d;
    double            sum = 0.0, squares = 0.0;
    for (int64_t c = threadIdx.x; c < d; c += THREADS) {
        float value = 0.0f;
        for (int64_t j = 0; j < size; j++) {
            const int64_t place = row - before + j;
            if (place >= 0 && place < n)
                value = value + w[c * size + j] * x[place * d + c];
        }
        to[c] = value;
        sum += (double)value;
    }
    const double mean = block_sum(sum, buffer) / (double)d;
    for (int64_t c = threadIdx.x; c < d; c += THREADS) {
        const double away = (double)to[c] - mean;
        squares += away * away;
    }
    squares = block_sum(squares, buffer);
    const float scale = (float)(1.0 / sqrt(squares / (double)d + (double)eps));
    for (int64_t c = threadIdx.x; c < d; c += THREADS) {
        const float v = (float)((double)to[c] - mean) * scale * norm_w[c] + norm_b[c];
        to[c] = v / (1.0f + expf(-v));
    }
}

/* The same convolution, a batch norm with the statistics of the training, SiLU. */
extern "C" __global__ void spk_gpu_depthwise_batch(float *y, const float *x, const float *w,
                                                   const float *mean, const float *variance,
                                                   const float *norm_w, const float *norm_b,
                                                   int64_t n, int64_t d, int64_t size,
                                                   int64_t before, float eps)
{
    const int64_t row = blockIdx.x;
    for (int64_t c = threadIdx.x; c < d; c += THREADS) {
        float value = 0.0f;
        for (int64_t j = 0; j < size; j++) {
            const int64_t place = row - before + j;
            if (place >= 0 && place < n)
                value = value + w[c * size + j] * x[place * d + c];
        }
        const float scale = norm_w[c] / sqrtf(variance[c] + eps);
        const float v = value * scale + (norm_b[c] - mean[c] * scale);
        y[row * d + c] = v / (1.0f + expf(-v));
    }
}

/* ---- attention with relative keys ---- */

__device__ static float dot(const float *a, const float *b, int64_t n)
{
    float sum = 0.0f;
    for (int64_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

/* Keys go by THREADS, a thread a score; then a thread has some dimensions of the output. */
extern "C" __global__ void spk_gpu_relative(float *out, const float *q, const float *k,
                                            const float *v, const float *table, int64_t n_keys,
                                            int64_t n_heads, int64_t head_dim, int64_t left,
                                            int64_t right)
{
    __shared__ float position[MAX_POSITIONS], s[THREADS];
    const int64_t    row = blockIdx.x / n_heads, stride = n_heads * head_dim;
    const int64_t    at = blockIdx.x % n_heads * head_dim;
    const float      scale = 1.0f / sqrtf((float)head_dim);
    float            most = -INFINITY, sum = 0.0f;
    q += row * stride + at;
    out += row * stride + at;
    for (int64_t i = threadIdx.x; i <= left + right; i += THREADS)
        position[i] = dot(q, table + i * head_dim, head_dim);
    for (int64_t i = threadIdx.x; i < head_dim; i += THREADS)
        out[i] = 0.0f;
    for (int64_t from = 0; from < n_keys; from += THREADS) {
        const int64_t n = n_keys - from < THREADS ? n_keys - from : THREADS;
        const int64_t key = from + threadIdx.x;
        int64_t       away = key - row;
        float         next = most;
        away = away < -left ? -left : away > right ? right : away;
        __syncthreads();
        if (threadIdx.x < n)
            s[threadIdx.x] =
                (dot(q, k + key * stride + at, head_dim) + position[away + left]) * scale;
        __syncthreads();
        for (int64_t r = 0; r < n; r++)
            next = s[r] > next ? s[r] : next;
        __syncthreads();
        if (threadIdx.x < n)
            s[threadIdx.x] = expf(s[threadIdx.x] - next);
        __syncthreads();
        const float keep = expf(most - next);
        sum *= keep;
        most = next;
        for (int64_t r = 0; r < n; r++)
            sum += s[r];
        for (int64_t i = threadIdx.x; i < head_dim; i += THREADS) {
            float value = out[i] * keep;
            for (int64_t r = 0; r < n; r++)
                value += s[r] * v[(from + r) * stride + at + i];
            out[i] = value;
        }
    }
    for (int64_t i = threadIdx.x; i < head_dim; i += THREADS)
        out[i] /= sum;
}

/* ---- tokens of rows of letters ---- */

/* By one thread: a search's next step hangs on the whole of the last one. */
extern "C" __global__ void spk_gpu_hear(const float *x, const int32_t *tables, int32_t *work,
                                        int64_t frames, int64_t where)
{
    if (blockIdx.x == 0 && threadIdx.x == 0)
        spk_words_hear(x, tables, work, frames, where);
}

extern "C" __global__ void spk_gpu_spell(int32_t *ids, float *nan, const int32_t *tables,
                                         int32_t *work, int64_t n)
{
    if (blockIdx.x != 0 || threadIdx.x != 0)
        return;
    *nan = NAN;
    spk_words_spell(ids, tables, work, n);
}
