/* SPDX-License-Identifier: Apache-2.0 */
/* The calls that this plugin's encoders and adapters are written with, besides those of
 * plugins/common/run.h: attention over one sequence, and this plugin's own kernels. All are
 * [encode]. */
#ifndef SPK_RUN_H
#define SPK_RUN_H

#include "speech.h"

typedef struct spk_run {
    plg_run             on;
    const spk_modality *m;
} spk_run;

/* Sets `to`, i32 [2], to 0 and n: the bounds of a single sequence of n rows, as attention reads
 * them. */
void spk_bounds(spk_run *r, const weft_tensor *to, int64_t n);
/* Launches one of this plugin's kernels over n items of about `work` operations each. On a GPU each
 * item gets a block of 128 threads. */
void spk_launch(spk_run *r, const weft_kernel *kernel, int64_t n, int64_t work, void *const *args);

/* x [rows, d] += scale * (down(act(up(norm x)))). h [rows, d] and mid [rows, d_ffn] are scratch.
 * Where w->norm has no weight there is no norm. */
void spk_feed_forward(spk_run *r, const weft_tensor *x, const weft_tensor *h,
                      const weft_tensor *mid, const spk_ffn *w, int32_t act, float eps,
                      float scale);
/* out = softmax(q k^T / sqrt(head_dim)) v per head; q, out [rows, d]. Only the first n_keys rows of
 * k and v are used. bounds_q and bounds_k are room for two i32 each that spk_bounds has filled with
 * the numbers of rows and of keys. */
void spk_attend(spk_run *r, const weft_tensor *out, const weft_tensor *q, const weft_tensor *k,
                const weft_tensor *v, int32_t n_heads, int64_t n_keys, const weft_tensor *bounds_q,
                const weft_tensor *bounds_k);

/* The plugin's own kernels (../ops/). */
/* Rows `from`.. of x [rows, d] become 0. */
void spk_zero(spk_run *r, const weft_tensor *x, int64_t from);
/* y [rows, d] = a * sigmoid(b), x [rows, 2 d] = a beside b. */
void spk_glu(spk_run *r, const weft_tensor *y, const weft_tensor *x);
/* Fills table [rows, head_dim]: row r holds the cosines, then the sines, of r * theta^(-2 i /
 * head_dim) for i < head_dim / 2. */
void spk_rope_table(spk_run *r, const weft_tensor *table, float theta);
/* Rotates the heads of x [rows, d] by the table's rows, half-split (as Llama in
 * transformers): (a, b) = (x[i], x[i + head_dim / 2]) becomes (a cos - b sin, b cos + a sin). */
void spk_rotate(spk_run *r, const weft_tensor *x, const weft_tensor *table);

/* The number of outputs of a convolution without dilation over n places. [any] */
int64_t spk_conv_length(int64_t n, int32_t kernel, int32_t stride, int32_t pad);

#endif
