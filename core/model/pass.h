/* SPDX-License-Identifier: Apache-2.0 */
/* What a forward pass works with, and the pieces that the blocks of the text core and
 * cross-attention sites share, each as submitted ops. */
#ifndef WF_PASS_H
#define WF_PASS_H

#include "core/kv/pages.h"
#include "core/model/calibration.h"
#include "core/model/model.h"
#include "core/model/sites.h"

/* Which key blocks each of n rows sees; device arrays. index NULL: row i is batch row i. The last
 * n_padding rows are nobody's: they have no batch row (their index is negative) and see nothing. */
typedef struct wf_seen {
    int64_t           n;
    const int32_t    *index, *begin, *end, *last;
    const wf_kv_span *spans;
    int64_t           most; /* no row sees more spans; a power of two, so that steps are alike */
    int64_t           n_padding;
} wf_seen;

#define WF_BEST_MOST 64 /* of the likeliest tokens of a row that come back, where it is not one */

/* What comes back of a row of logits that is not wanted whole. */
typedef struct wf_row_best {
    int64_t  unsound; /* as wf_finite says */
    double   sum;     /* as wf_best says */
    wf_score best[];  /* [k] the likeliest tokens */
} wf_row_best;

/* Bytes of such a row with k tokens, a multiple of 8. */
#define WF_ROW_BEST_BYTES(k) (sizeof(wf_row_best) + (size_t)(k) * sizeof(wf_score))

/* Row i of rows with k tokens each. */
static inline wf_row_best *wf_row_best_at(wf_row_best *rows, int32_t k, int64_t i)
{
    return (wf_row_best *)(void *)((uint8_t *)rows + (size_t)i * WF_ROW_BEST_BYTES(k));
}

/* Buffers of one pass at a time, and what it runs over. */
typedef struct wf_decoder {
    const wf_model *model;
    const wf_hooks *hooks;
    wf_kv_pool     *pool;
    weft_queue     *queue; /* borrowed */
    wf_buffers      buffers;
    int64_t         max_rows, max_out;
    int64_t         wide, wide_ffn; /* widest q/k/v row and gate+up row over core and sites */
    float          *low; /* [max_rows, n_updated * update_rank], or NULL: of the low-rank update */
    float          *h, *x, *a, *qkv, *att, *gate_up, *ffn, *cos_sin, *out, *logits;
    wf_row_best    *best;        /* [max_out] of WF_BEST_MOST tokens at most */
    wf_calibration *calibration; /* sees the inputs of the core's layers; NULL: nobody does */
} wf_decoder;

weft_status wf_do_norm(wf_decoder *d, float *y, const float *x, const float *w, int64_t m,
                       int64_t n, weft_error *err);
weft_status wf_do_linear(wf_decoder *d, float *y, int64_t y_stride, const float *x,
                         int64_t x_stride, const wf_weight *w, int64_t m, weft_error *err);
/* The same of a weight in n_parts parts, one below the other; those with n 0 are not there. bias:
 * of all rows of the weight, or NULL. */
weft_status wf_do_parts(wf_decoder *d, float *y, int64_t y_stride, const float *x, int64_t x_stride,
                        const wf_weight *parts, int32_t n_parts, const float *bias, int64_t m,
                        weft_error *err);
/* h += gate * (x w^T); x is not d->a, which a gate of one value a channel uses in between. */
weft_status wf_do_linear_add(wf_decoder *d, float *h, const float *x, int64_t x_stride,
                             const wf_weight *w, wf_gate gate, int64_t m, weft_error *err);
/* gate_up: 2 parts. */
weft_status wf_do_ffn(wf_decoder *d, float *h, const float *norm, float eps,
                      const wf_weight *gate_up, const wf_weight *down, int64_t d_ffn, wf_gate gate,
                      int64_t m, weft_error *err);
/* A gate that is one number for all. */
#define WF_GATE_OF(SCALE) ((wf_gate){NULL, (SCALE), 0})

#endif
