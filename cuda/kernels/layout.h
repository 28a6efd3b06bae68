/* SPDX-License-Identifier: Apache-2.0 */
/* Layouts of weights on a GPU, for the host's part and for kernels.
 *
 * f32, bf16, f16: rows [n, k_padded]; k_padded fills whole 16 bytes, padding is 0.
 * q8: rows of bytes, 32 a group, then scales f16 [n, groups].
 * q4: rows of bytes, 16 a group, then scales f16 [n, groups], then minima f16 [n, groups].
 * fp8: rows of bytes [n, k_padded], then scales f32 [n].
 * A group's bytes are those of the format (core/ops/op.h): q8 element i is byte i, q4 element i the
 * low half of byte i, element i + 16 the high half. */
#ifndef WF_CUDA_LAYOUT_H
#define WF_CUDA_LAYOUT_H

#include "core/ops/op.h"

#ifdef __CUDACC__
#define WF_BOTH __host__ __device__
#else
#define WF_BOTH
#endif

WF_BOTH static inline int64_t wf_cuda_groups(int64_t k)
{
    return (k + WF_GROUP - 1) / WF_GROUP;
}

/* Elements of a row of a format without groups, padding included. */
WF_BOTH static inline int64_t wf_cuda_padded(int32_t format, int64_t k)
{
    int64_t each = format == WF_F32 ? 4 : format == WF_FP8 ? 16 : 8;
    return (k + each - 1) / each * each;
}

/* Bytes of a group's elements. */
WF_BOTH static inline int64_t wf_cuda_group_bytes(int32_t format)
{
    return format == WF_Q8 ? 32 : 16;
}

/* Bytes that a row takes in all. k is at most 2^40. */
WF_BOTH static inline int64_t wf_cuda_row_bytes(int32_t format, int64_t k)
{
    if (format == WF_Q8 || format == WF_Q4)
        return wf_cuda_groups(k) * (wf_cuda_group_bytes(format) + (format == WF_Q8 ? 2 : 4));
    if (format == WF_FP8)
        return wf_cuda_padded(format, k) + 4;
    return wf_cuda_padded(format, k) * (format == WF_F32 ? 4 : 2);
}

/* Scales of an fp8 weight. */
WF_BOTH static inline float *wf_cuda_fp8_scales(const wf_weight *w)
{
    return (float *)(void *)((uint8_t *)w->data + w->n * wf_cuda_padded(WF_FP8, w->k));
}

#endif
