/* SPDX-License-Identifier: Apache-2.0 */
/* What a convolution of a library reads: pixels and weights as f32 with their channels side by
 * side, filled up with zeros to a multiple of 8. Both are numbers of bf16 or f16, so that the
 * library may multiply them as tf32 without losing a bit. */
#include "cuda/kernels/common.cuh"

/* A thread an element. x [n, h, w, padded] */
WF_KERNEL(WF_CUDA_THREADS) wf_cuda_conv_pixels(const wf_cuda_channels_args g)
{
    const wf_conv *a = &g.op;
    const int64_t  e = wf_item(), c = e % g.padded, place = e / g.padded, plane = a->h * a->wd;
    if (place >= a->n * plane)
        return;
    const float x = c < a->c ? a->x[(place / plane * a->c + c) * plane + place % plane] : 0.0f;
    g.x[e] = a->w.format == WF_BF16 ? wf_round_bf16(x) : x;
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
