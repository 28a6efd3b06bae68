/* SPDX-License-Identifier: Apache-2.0 */
/* The one forward pass: a batch of rows of any sequences, prefill and decode alike.
 *
 *   h = embedding_scale (E[ids], soft rows and markers in their places)
 *   for each block k:
 *     sites at k
 *     h += residual_scale Wo attn(rope(Wqkv RMS(h) + bias + update_scale B A RMS(h)))
 *     h += residual_scale Wdown (silu(g) * u) where [g; u] = Wgu RMS(h)
 *   sites at n_layers
 *   logits = Wout RMS(h[out rows]) / logits_divisor
 *
 * The update is added in the rows that have it alone.
 * Source: transformers models/llama/modeling_llama.py, whose scales are 1 and which has no bias;
 * models/granite and models/qwen2 for the others; docs/MODEL.md. A row's bytes depend on that
 * row's own history only. */
#ifndef WF_FORWARD_H
#define WF_FORWARD_H

#include "core/model/xattn.h"

/* Rows of the batch that come from elsewhere than the embedding table. */
typedef struct wf_soft_rows {
    const float   *src; /* [.., d_model] */
    const int32_t *src_index, *dst_index;
    int64_t        n, src_stride;
} wf_soft_rows;

/* Rows first.. of a batch, n of them. */
typedef struct wf_row_range {
    int64_t first, n;
} wf_row_range;

/* Device arrays, but for the struct itself, soft[] and updated[]. */
typedef struct wf_batch {
    int64_t             m, n_out, n_soft;
    int64_t             n_padding; /* of the m rows the last ones that are nobody's */
    const int32_t      *ids, *pos; /* [m]; id -1: a soft row */
    const int64_t      *slot;      /* [m] page * WF_PAGE_TOKENS + place, layer 0 */
    wf_seen             self;
    const wf_seen      *streams; /* [hooks->n_streams], host array */
    const wf_soft_rows *soft;
    const wf_row_range *updated; /* [n_updated] host array: rows with the low-rank update */
    int64_t             n_updated;
    /* [n_out] rows whose logits are computed: first n_logits that are wanted whole, then those of
     * which the n_best likeliest tokens are enough. */
    const int32_t *out_index;
    int64_t        n_logits;
    float         *logits;           /* host [n_logits, vocab]; NULL where n_logits is 0 */
    wf_row_best   *best;             /* host [n_out - n_logits] with n_best tokens each, or NULL */
    int32_t        n_best, reserved; /* 1 or WF_BEST_MOST */
    float *hidden; /* host [n_layers + 1, m - n_padding, d_model] or NULL: the stream before each
                    * block */
} wf_batch;

/* pass_buffers.c. Buffers for batches of at most max_rows rows and max_out logit rows. Everything
 * is borrowed. */
weft_status wf_decoder_init(wf_decoder *d, const wf_model *m, const wf_hooks *hooks,
                            wf_kv_pool *pool, weft_queue *q, int64_t max_rows, int64_t max_out,
                            weft_error *err);
void        wf_decoder_free(wf_decoder *d); /* after a wait; safe on zeroed memory */
/* Bytes that init would take; false on overflow. */
bool wf_decoder_bytes(const wf_config *c, const wf_hooks *hooks, int64_t max_rows, int64_t max_out,
                      uint64_t *bytes);

/* forward.c. Enqueues the pass; logits and hidden are there after a wait. */
weft_status wf_decoder_run(wf_decoder *d, const wf_batch *b, weft_error *err);
/* Enqueues the download of all logits of out row `row` of the last pass, which had at most max_out
 * of them; logits: host [vocab]. */
weft_status wf_decoder_logits(wf_decoder *d, int64_t row, float *logits, weft_error *err);

#endif
