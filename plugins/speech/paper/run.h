/* SPDX-License-Identifier: Apache-2.0 */
/* What encoders and adapters are written in besides plugins/common/run.h: attention of one
 * sequence, and our own kernels. All [encode]. */
#ifndef SPK_RUN_H
#define SPK_RUN_H

#include "speech.h"

typedef struct spk_run {
    plg_run             on;
    const spk_modality *m;
} spk_run;

/* [0, n] as the bounds of the one sequence there is. */
void spk_bounds(spk_run *r, const weft_tensor *to, int64_t n);
/* One of our kernels over n items of about `work` operations each; a block of 128 threads an item
 * on a GPU. */
void spk_launch(spk_run *r, const weft_kernel *kernel, int64_t n, int64_t work, void *const *args);

/* x [rows, d] += scale * (down(act(up(norm x)))); h [rows, d] and mid [rows, d_ffn] are lent. Where
 * w->norm has no weight there is no norm. */
void spk_feed_forward(spk_run *r, const weft_tensor *x, const weft_tensor *h,
                      const weft_tensor *mid, const spk_ffn *w, int32_t act, float eps,
                      float scale);
/* out = softmax(q k^T / sqrt(head_dim)) v per head; q, out [rows, d]; the first n_keys rows of k
 * and v; bounds_q, bounds_k i32 [2] from spk_bounds. */
void spk_attend(spk_run *r, const weft_tensor *out, const weft_tensor *q, const weft_tensor *k,
                const weft_tensor *v, int32_t n_heads, int64_t n_keys, const weft_tensor *bounds_q,
                const weft_tensor *bounds_k);

/* Our kernels (ops/). */
/* Rows `from`.. of x [rows, d] become 0. */
void spk_zero(spk_run *r, const weft_tensor *x, int64_t from);
/* y [rows, d] = a * sigmoid(b), x [rows, 2 d] = a beside b. */
void spk_glu(spk_run *r, const weft_tensor *y, const weft_tensor *x);
/* y [rows, d * kernel]: row i is what a convolution sees at place i of x [n, d], in the order of
 * its weight's columns: channel, then place; pad zeros before and after. */
void spk_windows(spk_run *r, const weft_tensor *y, const weft_tensor *x, int32_t kernel,
                 int32_t stride, int32_t pad);
/* table [rows, head_dim]: cosines, then sines, of row * theta^(-2 i / head_dim), i < head_dim / 2.
 */
void spk_rope_table(spk_run *r, const weft_tensor *table, float theta);
/* Rotates the heads of x [rows, d] by the table's rows, half-split (as Llama in
 * transformers): (a, b) = (x[i], x[i + head_dim / 2]) becomes (a cos - b sin, b cos + a sin). */
void spk_rotate(spk_run *r, const weft_tensor *x, const weft_tensor *table);

/* How a convolution without dilation shortens n places. */
int64_t spk_conv_length(int64_t n, int32_t kernel, int32_t stride, int32_t pad);

#endif
