/* SPDX-License-Identifier: Apache-2.0 */
/* What encoders and adapters are written in: calls that enqueue one op each, on buffers carved from
 * scratch. Everything is enqueued and nothing waits; once a call has failed, those after it do
 * nothing and run->status tells. All [encode]. */
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

/* A run on this queue, nothing failed yet. */
static inline plg_run plg_run_begin(const weft_host *h, const weft_if_ops *ops, weft_queue *q,
                                    weft_error *err)
{
    plg_run r = {h, ops, q, err, WEFT_OK};
    return r;
}

/* Device memory handed out from its start; base NULL: only counted. Setting used back to an earlier
 * value gives what came after it to others; peak remembers the most. */
typedef struct plg_arena {
    const weft_tensor *base;
    uint64_t           used, peak;
} plg_arena;

/* The next [rows, columns] (columns 0: [rows]), aligned to 256 bytes. */
weft_tensor plg_carve(plg_arena *a, weft_dtype type, int64_t rows, int64_t columns);
/* Part of a buffer from element `from` on, as a C-order f32 [rows, columns] of its own. */
weft_tensor plg_part(const weft_tensor *buffer, int64_t from, int64_t rows, int64_t columns);
/* f32 rows [from, from + rows) of a buffer with `columns` columns, as a tensor of its own. */
weft_tensor plg_rows(const weft_tensor *buffer, int64_t from, int64_t rows, int64_t columns);
/* [rows, n_heads * head_dim] as heads: [rows, n_heads, head_dim]. */
weft_tensor plg_heads(const weft_tensor *t, int32_t n_heads);

void plg_linear(plg_run *r, const weft_tensor *y, const weft_tensor *x, const plg_pair *w,
                int32_t act);
void plg_layernorm(plg_run *r, const weft_tensor *y, const weft_tensor *x, const plg_pair *w,
                   float eps);
/* x += scale * b. */
void plg_add(plg_run *r, const weft_tensor *x, const weft_tensor *b, float scale);
void plg_copy(plg_run *r, const weft_tensor *to, const weft_tensor *from);
/* All of to, from the host. */
void plg_upload(plg_run *r, const weft_tensor *to, const void *from);
/* out = softmax(q k^T / sqrt(head_dim)) v per head; q, out [rows, d]; k, v [keys, d]. how: its n
 * sequences and the bounds of rows; the rest of it is filled in here. */
void plg_attend(plg_run *r, const weft_tensor *out, const weft_tensor *q, const weft_tensor *k,
                const weft_tensor *v, int32_t n_heads, const weft_attention *how);

#endif
