/* SPDX-License-Identifier: Apache-2.0 */
/* weft/ops.h: shared maths on a queue: enough to write an encoder without a kernel of one's own.
 *
 * All [encode]. Activations are f32. Tensors may be views with strides of their own but for the
 * last axis, whose stride is 1. Each op has one canonical sum (docs/KERNELS.md), so that a row's
 * bytes do not depend on the other rows, on the number of threads or on how work was cut. */
#ifndef WEFT_OPS_H
#define WEFT_OPS_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define WEFT_ACT_NONE 0
#define WEFT_ACT_GELU 1 /* exact: 0.5 x (1 + erf(x / sqrt 2)) */
#define WEFT_ACT_SILU 2 /* x / (1 + exp(-x)) */
#define WEFT_ACT_RELU 3

/* softmax(q k^T scale) v for several packed sequences. GQA: query head j uses kv head
 * j / (heads / kv_heads). Keys: causal 0: all of the row's sequence; 1: up to the row's own place
 * (its sequence's queries are the last of its keys). row_k_begin/row_k_end, where given, are
 * absolute key rows [begin, end) and replace that; an empty interval gives a zero row. */
typedef struct weft_attention {
    weft_hdr           hdr;
    const weft_tensor *q, *k, *v; /* [rows, heads, head_dim] f32; k, v [keys, kv_heads, head_dim] */
    const weft_tensor *out;       /* [rows, heads, head_dim] f32 */
    const weft_tensor *q_begin, *k_begin;       /* i32 [n + 1] prefix sums of rows and keys */
    const weft_tensor *row_k_begin, *row_k_end; /* i32 [rows], or both NULL */
    float              scale;
    int32_t            causal, n, reserved;
} weft_attention;

#define WEFT_IF_OPS "weft.ops/1"
typedef struct weft_if_ops {
    weft_hdr hdr;
    /* y [m, n] = act(x [m, k] w^T + bias [n]); w from weft_if_weights with WEFT_USE_LINEAR; bias
     * may be NULL. */
    weft_status (*linear)(const weft_host *h, weft_queue *q, const weft_tensor *y,
                          const weft_tensor *x, const weft_tensor *w, const weft_tensor *bias,
                          int32_t act, weft_error *err);
    /* Over the last axis: rms 0: (x - mean) / sqrt(var + eps) * w + bias; rms 1: x / sqrt(mean(x^2)
     * + eps) * w. */
    weft_status (*norm)(const weft_host *h, weft_queue *q, const weft_tensor *y,
                        const weft_tensor *x, const weft_tensor *w, const weft_tensor *bias,
                        float eps, int32_t rms, weft_error *err);
    weft_status (*attention)(const weft_host *h, weft_queue *q, const weft_attention *a,
                             weft_error *err);
    /* x [n, channels, height, width], w LINEAR [out, channels, kh, kw], y [n, oh * ow, out]: rows
     * of positions. stride {y, x}; pad {top, bottom, left, right} with zeros. */
    weft_status (*conv)(const weft_host *h, weft_queue *q, const weft_tensor *y,
                        const weft_tensor *x, const weft_tensor *w, const weft_tensor *bias,
                        const int32_t stride[2], const int32_t pad[4], weft_error *err);
    /* y = a + scale_b * b (the product is rounded first); all of one shape; y may be a. */
    weft_status (*add)(const weft_host *h, weft_queue *q, const weft_tensor *y,
                       const weft_tensor *a, const weft_tensor *b, float scale_b, weft_error *err);
    /* y = silu(gate) * up, all [m, n]. */
    weft_status (*swiglu)(const weft_host *h, weft_queue *q, const weft_tensor *y,
                          const weft_tensor *gate, const weft_tensor *up, weft_error *err);
    /* Copies between views of one shape, up to 4 axes; a source stride of 0 repeats. */
    weft_status (*copy)(const weft_host *h, weft_queue *q, const weft_tensor *dst,
                        const weft_tensor *src, weft_error *err);
    /* src is a host pointer, copied before the call returns. */
    weft_status (*upload)(const weft_host *h, weft_queue *q, const weft_tensor *dst,
                          const void *src, uint64_t bytes, weft_error *err);
} weft_if_ops;

#ifdef __cplusplus
}
#endif
#endif
