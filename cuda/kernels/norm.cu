/* SPDX-License-Identifier: Apache-2.0 */
/* RMSNorm and LayerNorm: sums in f64, as the CPU's but in another order; rounded to f32 once they
 * are the same but for rare last bits. Long rows are a block's work, short ones (heads) a warp's.
 */
#include "cuda/kernels/common.cuh"

__device__ static int64_t row_at(const wf_norm *a, int64_t r, int64_t stride)
{
    return r / a->inner * stride + r % a->inner * a->n;
}

__device__ static double part_of_sum(const float *x, int64_t n, int first, int step)
{
    double sum = 0.0;
    for (int64_t i = first; i < n; i += step)
        sum += (double)x[i];
    return sum;
}

__device__ static double part_of_squares(const float *x, float mean, int64_t n, int first, int step)
{
    double sum = 0.0;
    for (int64_t i = first; i < n; i += step) {
        double d = (double)(x[i] - mean);
        sum += d * d;
    }
    return sum;
}

__device__ static void write_row(const wf_norm *a, float *y, const float *x, float mean,
                                 double squares, int first, int step)
{
    const float inv = 1.0f / sqrtf((float)(squares / (double)a->n) + a->eps);
    for (int64_t i = first; i < a->n; i += step) {
        float value = (x[i] - mean) * inv * a->w[i];
        y[i] = a->bias != NULL ? value + a->bias[i] : value;
    }
}

WF_KERNEL(WF_CUDA_THREADS) wf_cuda_norm_block(const wf_norm a)
{
    __shared__ double sums[WF_CUDA_THREADS / 32];
    const int         t = threadIdx.x;
    const float      *x = a.x + row_at(&a, blockIdx.x, a.x_stride);
    float             mean = 0.0f;
    if (!a.rms)
        mean = (float)(wf_block_sum(part_of_sum(x, a.n, t, WF_CUDA_THREADS), sums) / (double)a.n);
    double squares = wf_block_sum(part_of_squares(x, mean, a.n, t, WF_CUDA_THREADS), sums);
    write_row(&a, a.y + row_at(&a, blockIdx.x, a.y_stride), x, mean, squares, t, WF_CUDA_THREADS);
}

WF_KERNEL(WF_CUDA_THREADS) wf_cuda_norm_warp(const wf_norm a)
{
    const int64_t r = wf_item() / 32;
    const int     lane = threadIdx.x % 32;
    if (r >= a.m)
        return;
    const float *x = a.x + row_at(&a, r, a.x_stride);
    float        mean = 0.0f;
    if (!a.rms)
        mean = (float)(wf_warp_sum(part_of_sum(x, a.n, lane, 32)) / (double)a.n);
    double squares = wf_warp_sum(part_of_squares(x, mean, a.n, lane, 32));
    write_row(&a, a.y + row_at(&a, r, a.y_stride), x, mean, squares, lane, 32);
}
