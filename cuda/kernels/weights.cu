/* SPDX-License-Identifier: Apache-2.0 */
/* Weights into their layout (cuda/kernels/layout.h), and rows of them as f32. */
#include "cuda/kernels/common.cuh"

/* Plain formats: grid x is the row of src, grid y the part of it; padding is written too. */
WF_KERNEL(WF_CUDA_THREADS) wf_cuda_pack(const wf_pack a)
{
    const int64_t r = blockIdx.x, padded = wf_cuda_padded(a.w.format, a.w.k);
    const int64_t end = wf_end_column(padded);
    for (int64_t i = wf_first_column(); i < end; i += WF_CUDA_THREADS) {
        float   value = i < a.w.k ? wf_element(a.src, r * a.w.k + i, a.src_dtype) : 0.0f;
        int64_t to = (a.row0 + r) * padded + i;
        if (i < a.w.k && a.src_dtype == a.w.format && a.src_dtype != WF_F32)
            ((uint16_t *)a.w.data)[to] = ((const uint16_t *)a.src)[r * a.w.k + i];
        else
            wf_put_element(a.w.data, to, a.w.format, value);
    }
}

/* Groups that are quantised already: a thread a group. */
WF_KERNEL(WF_CUDA_THREADS) wf_cuda_pack_groups(const wf_pack a)
{
    const int64_t groups = wf_cuda_groups(a.w.k), e = wf_item();
    if (e >= a.rows * groups)
        return;
    const int64_t  bytes = wf_cuda_group_bytes(a.w.format), at = a.row0 * groups + e;
    const bool     q8 = a.w.format == WF_Q8;
    const uint8_t *src = (const uint8_t *)a.src + e * (q8 ? WF_Q8_BYTES : WF_Q4_BYTES);
    uint8_t       *dst = (uint8_t *)a.w.data;
    uint8_t       *scales = dst + a.w.n * groups * bytes, *minima = scales + a.w.n * groups * 2;
    const int64_t  head = q8 ? 2 : 4;
    for (int64_t i = 0; i < bytes; i++) {
        uint8_t value = src[head + i];
        dst[at * bytes + i] = q8 && value == 0x80 ? (uint8_t)0x81 : value;
    }
    scales[at * 2] = src[0];
    scales[at * 2 + 1] = src[1];
    if (!q8) {
        minima[at * 2] = src[2];
        minima[at * 2 + 1] = src[3];
    }
}

/* Grid x is the row, grid y the part of it. */
WF_KERNEL(WF_CUDA_THREADS) wf_cuda_embed(const wf_embed a)
{
    const int64_t r = blockIdx.x, id = a.ids[r], end = wf_end_column(a.w.k);
    const int64_t from = id * wf_cuda_padded(a.w.format, a.w.k);
    if (id < 0 || id >= a.w.n)
        return;
    for (int64_t i = wf_first_column(); i < end; i += WF_CUDA_THREADS)
        a.dst[r * a.dst_stride + i] = wf_element(a.w.data, from + i, a.w.format);
}

/* The same of q8 and q4: the product rounded, then the sum. */
WF_KERNEL(WF_CUDA_THREADS) wf_cuda_embed_groups(const wf_embed a)
{
    const int64_t   r = blockIdx.x, id = a.ids[r], end = wf_end_column(a.w.k);
    const int64_t   groups = wf_cuda_groups(a.w.k), bytes = wf_cuda_group_bytes(a.w.format);
    const bool      q8 = a.w.format == WF_Q8;
    const uint8_t  *data = (const uint8_t *)a.w.data;
    const uint16_t *scales = (const uint16_t *)(data + a.w.n * groups * bytes);
    const uint16_t *minima = scales + a.w.n * groups;
    if (id < 0 || id >= a.w.n)
        return;
    for (int64_t i = wf_first_column(); i < end; i += WF_CUDA_THREADS) {
        const int64_t group = id * groups + i / WF_GROUP, e = i % WF_GROUP;
        const float   d = ptx_from_f16(scales[group]);
        float         value;
        if (q8) {
            value = d * (float)(int8_t)data[group * bytes + e];
        } else {
            const int both = data[group * bytes + e % (WF_GROUP / 2)];
            value = d * (float)(e < WF_GROUP / 2 ? both & 15 : both >> 4);
            value = value + ptx_from_f16(minima[group]);
        }
        a.dst[r * a.dst_stride + i] = value;
    }
}
