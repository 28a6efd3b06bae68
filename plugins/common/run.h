/* SPDX-License-Identifier: Apache-2.0 */
/* The calls that encoders and adapters are written with. Each of them enqueues one op: it hands the
 * op to the device's queue and returns without waiting for it. The buffers that ops work on are cut
 * from the scratch memory of the encode call (plg_arena).
 *
 * After one call has failed, all later calls do nothing, and run->status holds the failure; so the
 * code in between needs no checks. All functions here are [encode]. */
#ifndef PLG_RUN_H
#define PLG_RUN_H

#include "request.h"

typedef struct plg_run {
    const weft_host   *host;
    const weft_if_ops *ops;
    weft_queue        *q;
    weft_error        *err;
    weft_status        status;
} plg_run;

/* Starts a run on this queue, with no failure so far. */
static inline plg_run plg_run_begin(const weft_host *h, const weft_if_ops *ops, weft_queue *q,
                                    weft_error *err)
{
    plg_run r = {h, ops, q, err, WEFT_OK};
    return r;
}

/* An arena: one piece of device memory from which buffers are cut one after another. With base NULL
 * nothing is handed out and the bytes are only counted, which tells how much scratch memory a plan
 * must ask for.
 *
 * `used` is where the next buffer begins. A caller may set it back to an earlier value; the memory
 * after that place is then handed out again to later buffers. `peak` is the largest value that
 * `used` has had. */
typedef struct plg_arena {
    const weft_tensor *base;
    uint64_t           used, peak;
} plg_arena;

/* Cuts the next buffer from the arena: a tensor [rows, columns], or [rows] where columns is 0. It
 * begins at a multiple of 256 bytes from the arena's start. */
weft_tensor plg_carve(plg_arena *a, weft_dtype type, int64_t rows, int64_t columns);
/* A view of part of a buffer: f32 [rows, columns] in C order, beginning at element `from` of the
 * buffer. */
weft_tensor plg_part(const weft_tensor *buffer, int64_t from, int64_t rows, int64_t columns);
/* A view of rows from .. from + rows - 1 of an f32 buffer that has `columns` columns. */
weft_tensor plg_rows(const weft_tensor *buffer, int64_t from, int64_t rows, int64_t columns);
/* A view of [rows, n_heads * head_dim] with the heads as an axis: [rows, n_heads, head_dim]. */
weft_tensor plg_heads(const weft_tensor *t, int32_t n_heads);

void plg_linear(plg_run *r, const weft_tensor *y, const weft_tensor *x, const plg_pair *w,
                int32_t act);
/* A convolution over rows: y [m, out] in C order, x [n, d] whose rows lie side by side, w->w [out,
 * d, kernel]; `pad` rows of zeros before and after x; m = (n + 2 pad - kernel) / stride + 1. */
void plg_conv_rows(plg_run *r, const weft_tensor *y, const weft_tensor *x, const plg_pair *w,
                   int32_t stride, int32_t pad);
void plg_layernorm(plg_run *r, const weft_tensor *y, const weft_tensor *x, const plg_pair *w,
                   float eps);
/* Adds: x += scale * b. */
void plg_add(plg_run *r, const weft_tensor *x, const weft_tensor *b, float scale);
/* Row i of y [m, d] = row index[i] of x [rows, d]. */
void plg_gather(plg_run *r, const weft_tensor *y, const weft_tensor *x, const weft_tensor *index);
void plg_copy(plg_run *r, const weft_tensor *to, const weft_tensor *from);
/* Copies to.bytes bytes from host memory into the device tensor `to`. `from` may be reused as soon
 * as this returns. */
void plg_upload(plg_run *r, const weft_tensor *to, const void *from);
/* Attention: out = softmax(q k^T / sqrt(head_dim)) v for each head. q and out are [rows, d], k and
 * v are [keys, d]. The caller sets how->n, the number of independent sequences, and the bounds of
 * each sequence's rows and keys; the other fields are filled in here. */
void plg_attend(plg_run *r, const weft_tensor *out, const weft_tensor *q, const weft_tensor *k,
                const weft_tensor *v, int32_t n_heads, const weft_attention *how);

#endif
