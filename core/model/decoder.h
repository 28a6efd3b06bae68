/* SPDX-License-Identifier: Apache-2.0 */
/* The one forward pass: a batch of rows of any sequences, prefill and decode alike.
 *
 *   h = E[ids], soft rows and markers in their places
 *   for each block k: sites at k; h += Wo attn(rope(Wqkv RMS(h))); h += Wdown (silu(g) * u), [g; u]
 * = Wgu RMS(h) sites at n_layers; logits = Wout RMS(h[out rows]) (transformers
 * models/llama/modeling_llama.py; docs/MODEL.md.) A row's bytes depend on that row's own history
 * only. */
#ifndef WF_DECODER_H
#define WF_DECODER_H

#include <math.h>

#include "core/model/sites.h"
#include "core/kv/pages.h"
#include "core/model/model.h"

/* Which key blocks each of n rows sees; device arrays. index NULL: row i is batch row i. */
typedef struct wf_seen {
    int64_t           n;
    const int32_t    *index, *begin, *end, *last;
    const wf_kv_span *spans;
} wf_seen;

/* Rows of the batch that come from elsewhere than the embedding table. */
typedef struct wf_soft_rows {
    const float   *src; /* [.., d_model] */
    const int32_t *src_index, *dst_index;
    int64_t        n, src_stride;
} wf_soft_rows;

/* Device arrays, but for the struct itself and soft[]. */
typedef struct wf_batch {
    int64_t             m, n_out, n_soft;
    const int32_t      *ids, *pos; /* [m]; id -1: a soft row */
    const int64_t      *slot;      /* [m] page * WF_PAGE_TOKENS + place, layer 0 */
    wf_seen             self;
    const wf_seen      *streams; /* [hooks->n_streams], host array */
    const wf_soft_rows *soft;
    const int32_t      *out_index; /* [n_out] rows whose logits are wanted */
    float              *logits;    /* host [n_out, vocab] */
    float *hidden; /* host [n_layers + 1, m, d_model] or NULL: the stream before each block */
} wf_batch;

typedef struct wf_decoder {
    const wf_model *model;
    const wf_hooks *hooks;
    wf_kv_pool     *pool;
    weft_queue     *queue; /* borrowed */
    wf_buffers      buffers;
    int64_t         max_rows, max_out;
    int64_t         wide, wide_ffn; /* widest q/k/v row and gate+up row over core and sites */
    float          *h, *x, *a, *qkv, *att, *gate_up, *ffn, *cos_sin, *out, *logits;
} wf_decoder;

/* Buffers for batches of at most max_rows rows and max_out logit rows. Everything is borrowed. */
weft_status wf_decoder_init(wf_decoder *d, const wf_model *m, const wf_hooks *hooks,
                            wf_kv_pool *pool, weft_queue *q, int64_t max_rows, int64_t max_out,
                            weft_error *err);
void        wf_decoder_free(wf_decoder *d); /* after a wait; safe on zeroed memory */
/* Bytes that init would take; false on overflow. */
bool wf_decoder_bytes(const wf_config *c, const wf_hooks *hooks, int64_t max_rows, int64_t max_out,
                      uint64_t *bytes);

/* Enqueues the pass; logits and hidden are there after a wait. */
weft_status wf_decoder_run(wf_decoder *d, const wf_batch *b, weft_error *err);

/* Enqueues the projection of an item's rows [n, d_src] to the K/V pages of every site of its
 * stream. slot: device [n], site 0. */
weft_status wf_decoder_project(wf_decoder *d, int32_t stream, const float *rows, int64_t n,
                               const int64_t *slot, weft_error *err);

/* 1 / sqrt(head_dim) in f32. */
static inline float wf_attention_scale(int32_t head_dim)
{
    return (float)(1.0 / sqrt((double)head_dim));
}

/* xattn.c: one cross-attention site over the rows that see something. */
weft_status wf_xattn_run(wf_decoder *d, const wf_site *s, const wf_seen *seen, int64_t m,
                         weft_error *err);

/* Shared by block.c and xattn.c: op builders that submit. */
weft_status wf_do_norm(wf_decoder *d, float *y, const float *x, const float *w, int64_t m,
                       int64_t n, weft_error *err);
weft_status wf_do_linear(wf_decoder *d, float *y, int64_t y_stride, const float *x,
                         int64_t x_stride, const wf_weight *w, int64_t m, weft_error *err);
/* h += gate * (x w^T); x is not d->a, which a gate of one value a channel uses in between. */
weft_status wf_do_linear_add(wf_decoder *d, float *h, const float *x, int64_t x_stride,
                             const wf_weight *w, wf_gate gate, int64_t m, weft_error *err);
weft_status wf_do_ffn(wf_decoder *d, float *h, const float *norm, float eps,
                      const wf_weight *gate_up, const wf_weight *down, int64_t d_ffn, wf_gate gate,
                      int64_t m, weft_error *err);
#define WF_UNGATED ((wf_gate){NULL, 1.0f, 0})

#endif
