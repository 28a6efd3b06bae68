/* SPDX-License-Identifier: Apache-2.0 */
/* Ops over tensors of four axes, a thread an element but for softmax, where a block has a line. */
#include "cuda/kernels/common.cuh"

/* Where element e of a shape stands, counted in C order. */
__device__ static int64_t offset_of(const int64_t shape[4], const int64_t stride[4], int64_t e)
{
    int64_t at = e % shape[3] * stride[3];
    e /= shape[3];
    at += e % shape[2] * stride[2];
    e /= shape[2];
    return at + e % shape[1] * stride[1] + e / shape[1] * stride[0];
}

__device__ static int64_t count_of(const int64_t shape[4])
{
    return shape[0] * shape[1] * shape[2] * shape[3];
}

WF_KERNEL(WF_CUDA_THREADS) wf_cuda_copy(const wf_copy a)
{
    int64_t e = wf_item();
    if (e < count_of(a.shape))
        a.dst[offset_of(a.shape, a.dst_stride, e)] = a.src[offset_of(a.shape, a.src_stride, e)];
}

WF_KERNEL(WF_CUDA_THREADS) wf_cuda_combine(const wf_combine c)
{
    int64_t e = wf_item();
    if (e >= count_of(c.shape))
        return;
    float a = c.a[offset_of(c.shape, c.a_stride, e)], b = c.b[offset_of(c.shape, c.b_stride, e)];
    float y = c.how == WF_COMBINE_MUL   ? a * b
              : c.how == WF_COMBINE_ADD ? a + c.scale * b
                                        : wf_siluf(a) * b;
    c.y[offset_of(c.shape, c.y_stride, e)] = y;
}

/* The sum is in f64 in an order of its own: rounded to f32 once it is the CPU's but for rare last
 * bits. */
WF_KERNEL(WF_CUDA_THREADS) wf_cuda_softmax(const wf_softmax a)
{
    __shared__ float  greatest[WF_CUDA_THREADS / 32];
    __shared__ double sums[WF_CUDA_THREADS / 32];
    const int64_t     line_shape[4] = {a.shape[0], a.shape[1], a.shape[2], 1};
    const int64_t     line = blockIdx.x, n = a.shape[3];
    const float      *x = a.x + offset_of(line_shape, a.x_stride, line);
    const float *bias = a.bias != NULL ? a.bias + offset_of(line_shape, a.bias_stride, line) : NULL;
    float       *y = a.y + offset_of(line_shape, a.y_stride, line);
    float        most = -INFINITY;
    double       sum = 0.0;
    for (int64_t i = threadIdx.x; i < n; i += WF_CUDA_THREADS) {
        float score = x[i] * a.scale;
        score = bias != NULL ? score + bias[i * a.bias_stride[3]] : score;
        y[i] = score;
        most = score > most ? score : most;
    }
    most = wf_block_max(most, greatest);
    most = most == -INFINITY ? 0.0f : most; /* nothing is seen: every exponential is 0 */
    for (int64_t i = threadIdx.x; i < n; i += WF_CUDA_THREADS) {
        y[i] = wf_expf(y[i] - most);
        sum += (double)y[i];
    }
    sum = wf_block_sum(sum, sums);
    float divisor = sum == 0.0 ? 1.0f : (float)sum;
    for (int64_t i = threadIdx.x; i < n; i += WF_CUDA_THREADS)
        y[i] /= divisor;
}

typedef struct range {
    int64_t begin, end;
} range;

__device__ static range cut(int64_t from, int64_t length, int64_t size)
{
    range r = {from > 0 ? from : 0, from + length < size ? from + length : size};
    return r;
}

/* The window's value of one column, in the CPU's order. */
__device__ static float pooled(const wf_pooling *a, const float *x, range rows, range places)
{
    float value = x[rows.begin * a->x_stride[1] + places.begin * a->x_stride[2]];
    for (int64_t row = rows.begin; row < rows.end; row++) {
        for (int64_t p = places.begin + (row == rows.begin); p < places.end; p++) {
            float next = x[row * a->x_stride[1] + p * a->x_stride[2]];
            if (a->how != WF_POOLING_MAX)
                value += next;
            else
                value = next > value || next != next ? next : value;
        }
    }
    return value;
}

WF_KERNEL(WF_CUDA_THREADS) wf_cuda_pooling(const wf_pooling a)
{
    const int64_t e = wf_item();
    if (e >= a.n * a.oh * a.ow * a.c)
        return;
    const int64_t c = e % a.c, j = e / a.c % a.ow, i = e / (a.c * a.ow) % a.oh;
    const int64_t item = e / (a.c * a.ow * a.oh);
    const range   rows = cut(i * a.stride[0] - a.pad[0], a.kh, a.h);
    const range   places = cut(j * a.stride[1] - a.pad[2], a.kw, a.wd);
    float         value = pooled(&a, a.x + item * a.x_stride[0] + c, rows, places);
    float         divisor = (float)((rows.end - rows.begin) * (places.end - places.begin));
    if (a.how == WF_POOLING_MEAN_PADDED)
        divisor = (float)(a.kh * a.kw);
    a.y[item * a.y_stride[0] + i * a.y_stride[1] + j * a.y_stride[2] + c] =
        a.how == WF_POOLING_MAX ? value : value / divisor;
}

/* Windows of a convolution as rows: channel, y, x. Places outside the plane are 0. */
WF_KERNEL(WF_CUDA_THREADS) wf_cuda_windows(const wf_cuda_windows_args w)
{
    const wf_conv *a = &w.op;
    const int64_t  k = a->c * a->kh * a->kw, e = wf_item();
    if (e >= w.m * k)
        return;
    const int64_t window = w.first + e / k, column = e % k;
    const int64_t item = window / (a->oh * a->ow), c = column / (a->kh * a->kw);
    const int64_t y = window / a->ow % a->oh * a->stride[0] - a->pad[0] + column / a->kw % a->kh;
    const int64_t x = window % a->ow * a->stride[1] - a->pad[2] + column % a->kw;
    const bool    inside = y >= 0 && y < a->h && x >= 0 && x < a->wd;
    w.rows[e] = inside ? a->x[item * a->x_stride[0] + c * a->x_stride[1] + y * a->x_stride[2] +
                              x * a->x_stride[3]]
                       : 0.0f;
}
