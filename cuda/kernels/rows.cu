/* SPDX-License-Identifier: Apache-2.0 */
/* Ops that go element by element over rows: grid x is the row, grid y the part of it. The CPU's
 * bytes. */
#include "cuda/kernels/common.cuh"

WF_KERNEL(WF_CUDA_THREADS) wf_cuda_convert(const wf_convert a)
{
    int64_t step = (int64_t)gridDim.x * blockDim.x;
    for (int64_t i = wf_item(); i < a.n; i += step)
        a.dst[i] = wf_element(a.src, i, a.src_dtype);
}

WF_KERNEL(WF_CUDA_THREADS) wf_cuda_swiglu(const wf_swiglu a)
{
    const int64_t r = blockIdx.x, end = wf_end_column(a.n);
    for (int64_t i = wf_first_column(); i < end; i += WF_CUDA_THREADS)
        a.y[r * a.y_stride + i] =
            wf_siluf(a.gate[r * a.gate_stride + i]) * a.up[r * a.up_stride + i];
}

WF_KERNEL(WF_CUDA_THREADS) wf_cuda_add(const wf_add_op a)
{
    const int64_t r = blockIdx.x, end = wf_end_column(a.n);
    for (int64_t i = wf_first_column(); i < end; i += WF_CUDA_THREADS) {
        float scale = a.gate != NULL ? a.gate[i] : a.scale;
        a.y[r * a.y_stride + i] = a.a[r * a.a_stride + i] + scale * a.b[r * a.b_stride + i];
    }
}

WF_KERNEL(WF_CUDA_THREADS) wf_cuda_activate(const wf_activate_op a)
{
    const int64_t r = blockIdx.x, end = wf_end_column(a.n);
    for (int64_t i = wf_first_column(); i < end; i += WF_CUDA_THREADS)
        a.y[r * a.y_stride + i] = wf_activated(a.x[r * a.x_stride + i], a.act);
}

WF_KERNEL(WF_CUDA_THREADS) wf_cuda_rows(const wf_rows a)
{
    const int64_t r = blockIdx.x, end = wf_end_column(a.n);
    const int64_t to = a.dst_index != NULL ? a.dst_index[r] : r;
    const int64_t from = a.src_index != NULL ? a.src_index[r] : r;
    if (to < 0)
        return;
    for (int64_t i = wf_first_column(); i < end; i += WF_CUDA_THREADS)
        a.dst[to * a.dst_stride + i] = from >= 0 ? a.src[from * a.src_stride + i] : 0.0f;
}

WF_KERNEL(WF_CUDA_THREADS) wf_cuda_gather(const wf_gather a)
{
    const int64_t r = blockIdx.x, end = wf_end_column(a.n), from = a.index[r];
    const bool    is_there = from >= 0 && from < a.src_rows;
    for (int64_t i = wf_first_column(); i < end; i += WF_CUDA_THREADS)
        a.dst[r * a.dst_stride + i] = is_there ? a.src[from * a.src_stride + i] : 0.0f;
}
