/* SPDX-License-Identifier: Apache-2.0 */
/* weft/ops.h: shared maths on a queue: enough to write an encoder without a kernel of one's own.
 *
 * Every function is [encode]: it checks its arguments, enqueues and returns; nothing has run before
 * the host waits for the queue. They may be called while the host is in a call that gave the queue
 * (a modality's encode, or a service's call from there). The host provides all of them.
 *
 * Tensors. Activations are f32 (IEEE single), on the queue's device, aligned to 4 bytes. A tensor
 * may be a view with strides of its own, but the stride of its last axis is 1 (an axis of length 1
 * may have any), and strides are never negative. Where an op speaks of rows, the axes before the
 * last must be evenly spaced: copy() makes them so. An axis of length 0 is fine: nothing is done.
 * The tensors' structs are read during the call; what they point to must stay until the host has
 * waited.
 *
 * Writing. The elements of a tensor that is written must be distinct. It may be one of the inputs
 * only where the op says so, and then with the same data and the same strides; what any other
 * overlap gives is undefined, though it reads and writes nothing outside the tensors.
 *
 * Failures. A bad argument is WEFT_E_INVALID with a sentence that names op and argument ("ops.add:
 * b: ..."), and nothing is enqueued; then WEFT_E_NOMEM and WEFT_E_DEVICE. Nothing outside a
 * tensor's `bytes` is read or written: shapes and strides are checked in the call, numbers that lie
 * on the device (gather's index, attention's bounds) when they are used.
 *
 * Bytes. Each op has one canonical sum (docs/KERNELS.md), so that a row's bytes do not depend on
 * the other rows, on the number of threads or on how work was cut. */
#ifndef WEFT_OPS_H
#define WEFT_OPS_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define WEFT_ACT_NONE 0
#define WEFT_ACT_GELU 1 /* exact: 0.5 x (1 + erf(x / sqrt 2)): Whisper, ViT */
#define WEFT_ACT_SILU 2 /* x / (1 + exp(-x)) */
#define WEFT_ACT_RELU 3
#define WEFT_ACT_QUICK_GELU 4 /* x / (1 + exp(-1.702 x)): CLIP */
#define WEFT_ACT_TANH_GELU 5  /* 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))): SigLIP */

#define WEFT_POOL_MEAN 0        /* over the places of the window that lie in x */
#define WEFT_POOL_MEAN_PADDED 1 /* the same sum, divided by the whole window's size */
#define WEFT_POOL_MAX 2         /* NaN where the window has one */

/* out = softmax(q k^T * scale) v for n packed sequences, one after the other: sequence s has query
 * rows q_begin[s]..q_begin[s + 1] - 1 and key rows k_begin[s]..k_begin[s + 1] - 1. Query head j
 * uses kv head j / (heads / kv_heads). The heads of a row lie side by side.
 *
 * causal 0: a row sees all keys of its sequence; 1: those up to its own place (a sequence's queries
 * are the last of its keys). row_k_begin and row_k_end, where given, take the place of the
 * sequence's bounds: a row sees the key rows from the one to before the other, counted over all
 * sequences. A row that sees no key becomes zeros. Key rows that k does not have are not seen,
 * whatever the numbers say. q_begin starts with 0 and ascends. out is not q, k or v. */
typedef struct weft_attention {
    weft_hdr           hdr;
    const weft_tensor *q, *k, *v; /* [rows, heads, head_dim]; k, v [keys, kv_heads, head_dim] */
    const weft_tensor *out;       /* [rows, heads, head_dim] */
    const weft_tensor *q_begin, *k_begin;       /* i32 [n + 1] prefix sums of rows and keys */
    const weft_tensor *row_k_begin, *row_k_end; /* i32 [rows], or both NULL */
    float              scale;
    int32_t            causal, n, reserved;
} weft_attention;

/* Rotary positions, in place. Pair i of every head of row r turns by the angle positions[r] *
 * frequencies[i] (radians, the product in f32): (a, b) -> (a cos - b sin, b cos + a sin).
 *
 * Which two elements of a head are pair i: interleaved 0: i and i + distance (Llama's rotate_half
 * has distance width / 2); interleaved 1: 2i and 2i + 1. Elements that no pair names stay.
 *
 * Two axes (Qwen2-VL, Pixtral): a call for each, with that axis's positions, on the part of the
 * heads that turns with it. With head_dim 80 of which the first 20 pairs turn by row and the others
 * by column, pairs being (i, i + 40): x is elements 0..59 of each head (weft_slice() of sdk.h) and
 * then 20..79, pairs 20, distance 40. */
typedef struct weft_rope {
    weft_hdr           hdr;
    const weft_tensor *x;           /* [rows, heads, width]; rows and heads may be spaced anyhow */
    const weft_tensor *positions;   /* i32 [rows] */
    const weft_tensor *frequencies; /* [pairs]; NULL: frequency i is base^(-i / pairs) */
    float              base;        /* where frequencies is NULL: > 0, e.g. 10000 */
    int32_t            pairs;       /* 0: width / 2 */
    int32_t            distance;    /* of a pair's elements; 0: pairs. interleaved: 0 or 1 */
    int32_t            interleaved; /* 0 or 1 */
} weft_rope;

#define WEFT_IF_OPS "weft.ops/2"
typedef struct weft_if_ops {
    weft_hdr hdr;

    /* ---- moving ---- */

    /* dst, in C order and of any dtype of whole bytes, from src: a host pointer, copied before the
     * call returns. bytes: those of dst. */
    weft_status (*upload)(const weft_host *h, weft_queue *q, const weft_tensor *dst,
                          const void *src, uint64_t bytes, weft_error *err);
    /* dst = src, views of one shape, up to 4 axes, of any 32-bit dtype; here alone the last axes
     * may have any stride. A source stride of 0 repeats. dst is not src. */
    weft_status (*copy)(const weft_host *h, weft_queue *q, const weft_tensor *dst,
                        const weft_tensor *src, weft_error *err);
    /* Row i of y = row index[i] of x, or zeros where x has no such row: y [m, n], x [rows, n],
     * index i32 [m]. Rows may repeat. y is not x. */
    weft_status (*gather)(const weft_host *h, weft_queue *q, const weft_tensor *y,
                          const weft_tensor *x, const weft_tensor *index, weft_error *err);

    /* ---- rows times weights ---- */

    /* y [m, n] = act(x [m, k] w^T + bias [n]); w [n, k] from weft_if_weights with WEFT_USE_LINEAR,
     * in whatever format the host has loaded it; act: WEFT_ACT_*; bias may be NULL. y is not x. */
    weft_status (*linear)(const weft_host *h, weft_queue *q, const weft_tensor *y,
                          const weft_tensor *x, const weft_tensor *w, const weft_tensor *bias,
                          int32_t act, weft_error *err);
    /* x [n, channels, height, width], strides 0 or more, w LINEAR [out, channels, kh, kw], bias
     * [out] or NULL; y [n, oh * ow, out] in C order: rows of positions, oh = (height + top + bottom
     * - kh) / stride[0] + 1, ow alike. stride {y, x}; pad {top, bottom, left, right} with zeros. y
     * is not x. Over rows of tokens [n, d]: x is [1, d, 1, n] with strides {n d, 1, n d, d}. */
    weft_status (*conv)(const weft_host *h, weft_queue *q, const weft_tensor *y,
                        const weft_tensor *x, const weft_tensor *w, const weft_tensor *bias,
                        const int32_t stride[2], const int32_t pad[4], weft_error *err);

    /* ---- element by element ---- */

    /* y = act(x), rows of one shape; act: WEFT_ACT_*. y may be x. */
    weft_status (*activate)(const weft_host *h, weft_queue *q, const weft_tensor *y,
                            const weft_tensor *x, int32_t act, weft_error *err);
    /* y = a + scale_b * b, the product rounded first. a and b are broadcast to y's shape: axes are
     * matched from the last, and an axis of length 1, or one that a tensor does not have, repeats.
     * So does a stride of 0, on the last axis too. y may be a or b, where that one has its shape.
     */
    weft_status (*add)(const weft_host *h, weft_queue *q, const weft_tensor *y,
                       const weft_tensor *a, const weft_tensor *b, float scale_b, weft_error *err);
    /* y = a * b, broadcast like add's. y may be a or b, where that one has its shape. */
    weft_status (*mul)(const weft_host *h, weft_queue *q, const weft_tensor *y,
                       const weft_tensor *a, const weft_tensor *b, weft_error *err);
    /* y = silu(gate) * up, broadcast like add's. y may be gate or up. */
    weft_status (*swiglu)(const weft_host *h, weft_queue *q, const weft_tensor *y,
                          const weft_tensor *gate, const weft_tensor *up, weft_error *err);

    /* ---- over the last axis ---- */

    /* rms 0: (x - mean) / sqrt(var + eps) * w + bias; rms 1: x / sqrt(mean(x^2) + eps) * w, bias
     * NULL. w, bias [n]; bias may be NULL; eps in [0, 1). The axis before the last may be heads
     * side by side within longer rows. y may be x. */
    weft_status (*norm)(const weft_host *h, weft_queue *q, const weft_tensor *y,
                        const weft_tensor *x, const weft_tensor *w, const weft_tensor *bias,
                        float eps, int32_t rms, weft_error *err);
    /* y = softmax(x * scale + bias), y and x of one shape; bias, or NULL, is broadcast to it like
     * add's: -INFINITY there hides an element, and a row of hidden ones alone becomes zeros.
     * y may be x. */
    weft_status (*softmax)(const weft_host *h, weft_queue *q, const weft_tensor *y,
                           const weft_tensor *x, const weft_tensor *bias, float scale,
                           weft_error *err);

    /* ---- across rows ---- */

    weft_status (*attention)(const weft_host *h, weft_queue *q, const weft_attention *a,
                             weft_error *err);
    weft_status (*rope)(const weft_host *h, weft_queue *q, const weft_rope *r, weft_error *err);
    /* Channel by channel over windows of places: x [n, height, width, channels], y [n, oh, ow,
     * channels] with oh, ow as conv's. kernel, stride {y, x}; pad {top, bottom, left, right}, each
     * smaller than the kernel along its axis; how: WEFT_POOL_*. Rows of tokens [n, height * width,
     * channels] are seen as x by weft_split() of sdk.h; one axis alone is height 1. y is not x. */
    weft_status (*pool)(const weft_host *h, weft_queue *q, const weft_tensor *y,
                        const weft_tensor *x, const int32_t kernel[2], const int32_t stride[2],
                        const int32_t pad[4], int32_t how, weft_error *err);

    /* ---- the text core ---- */

    /* Row i of y = the text core's embedding of token ids[i], as the core reads it, before its
     * embedding_scale: y [m, d_model], ids i32 [m]. A row whose id is no token keeps its values.
     * STATE: no text core is loaded. Early hosts of 0.2 lack it (WEFT_HAS). */
    weft_status (*embed)(const weft_host *h, weft_queue *q, const weft_tensor *y,
                         const weft_tensor *ids, weft_error *err);
} weft_if_ops;

#ifdef __cplusplus
}
#endif
#endif
