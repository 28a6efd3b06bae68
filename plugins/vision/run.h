/* SPDX-License-Identifier: Apache-2.0 */
/* What encoders are written in: calls that enqueue one op each, on buffers carved from scratch.
 * Everything is enqueued and nothing waits; once a call has failed, those after it do nothing and
 * run->status tells. All [encode]. Shared by the modules of plugins/vision. */
#ifndef VIS_RUN_H
#define VIS_RUN_H

#include "weft/sdk.h"

typedef struct vis_run {
    const weft_host   *host;
    const weft_if_ops *ops;
    weft_queue        *q;
    weft_error        *err;
    weft_status        status;
} vis_run;

/* A run on this queue, nothing failed yet. */
static inline vis_run vis_run_begin(const weft_host *h, const weft_if_ops *ops, weft_queue *q,
                                    weft_error *err)
{
    vis_run r = {h, ops, q, err, WEFT_OK};
    return r;
}

/* Device memory handed out from its start; base NULL: only counted. */
typedef struct vis_arena {
    const weft_tensor *base;
    uint64_t           used;
} vis_arena;

/* The next [rows, columns] (columns 0: [rows]), aligned to 256 bytes. */
weft_tensor vis_carve(vis_arena *a, weft_dtype type, int64_t rows, int64_t columns);
/* f32 rows [from, from + rows) of a buffer with `columns` columns, as a tensor of its own. */
weft_tensor vis_rows(const weft_tensor *buffer, int64_t from, int64_t rows, int64_t columns);
/* [rows, n_heads * head_dim] as heads: [rows, n_heads, head_dim]. */
weft_tensor vis_heads(const weft_tensor *t, int32_t n_heads);

/* bias NULL or without axes: none. */
void vis_linear(vis_run *r, const weft_tensor *y, const weft_tensor *x, const weft_tensor *w,
                const weft_tensor *bias, int32_t act);
void vis_layernorm(vis_run *r, const weft_tensor *y, const weft_tensor *x, const weft_tensor *w,
                   const weft_tensor *bias, float eps);
/* x += scale * b. */
void vis_add(vis_run *r, const weft_tensor *x, const weft_tensor *b, float scale);
void vis_copy(vis_run *r, const weft_tensor *to, const weft_tensor *from);
void vis_upload(vis_run *r, const weft_tensor *to, const void *from);
void vis_attention(vis_run *r, const weft_attention *a);

#endif
