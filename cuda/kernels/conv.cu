/* SPDX-License-Identifier: Apache-2.0 */
/* What a convolution of a library reads: pixels and weights as f32 with their channels side by
 * side, filled up with zeros to a multiple of 8. Weights are numbers of bf16 or f16. Pixels are
 * rounded as the module's own products round them: to bf16 beside bf16; beside f16 to the 11 bits
 * of f16, but with the range of f32. All of them are numbers of tf32, so that a library which
 * multiplies in it loses nothing. */
#include "cuda/kernels/common.cuh"

/* To 11 bits, nearest even; infinities and NaN stay. */
static __device__ float round_tf32(float x)
{
    const uint32_t u = wf_bits(x);
    return (u & 0x7f800000u) == 0x7f800000u
               ? x
               : wf_float((u + 0xfffu + ((u >> 13) & 1u)) & ~(uint32_t)0x1fffu);
}

/* A thread an element. x [n, h, w, padded] */
WF_KERNEL(WF_CUDA_THREADS) wf_cuda_conv_pixels(const wf_cuda_channels_args g)
{
    const wf_conv *a = &g.op;
    const int64_t  e = wf_item(), c = e % g.padded, place = e / g.padded, plane = a->h * a->wd;
    if (place >= a->n * plane)
        return;
    const int64_t from = place / plane * a->x_stride[0] + c * a->x_stride[1] +
                         place % plane / a->wd * a->x_stride[2] + place % a->wd * a->x_stride[3];
    const float x = c < a->c ? a->x[from] : 0.0f;
    g.x[e] = a->w.format == WF_BF16 ? wf_round_bf16(x) : round_tf32(x);
}

/* w [out, kh, kw, padded] */
WF_KERNEL(WF_CUDA_THREADS) wf_cuda_conv_weights(const wf_cuda_channels_args g)
{
    const wf_conv *a = &g.op;
    const int64_t  e = wf_item(), c = e % g.padded, at = e / g.padded, window = a->kh * a->kw;
    if (at >= a->w.n * window)
        return;
    const int64_t from =
        at / window * wf_cuda_padded(a->w.format, a->w.k) + c * window + at % window;
    g.w[e] = c < a->c ? wf_element(a->w.data, from, a->w.format) : 0.0f;
}
