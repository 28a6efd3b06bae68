/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of a step: what rows of many sequences are, as arrays on the device.
 *
 * Their memory is reserved once, for the largest step that there can be, and never moves: the lists
 * of key blocks stand at fixed places, the arrays of one entry a row behind them at places that
 * depend on the number of rows alone. A recorded step of as many rows is therefore right again. */
#ifndef WF_TABLES_H
#define WF_TABLES_H

#include "core/sequence/sequence.h"

/* The likeliest token after a row, of equals the first, and the natural logarithm of its
 * probability: what wf_sampler_pick gives at temperature 0 without a penalty. */
typedef struct wf_likeliest {
    int32_t id;
    float   logprob;
} wf_likeliest;

/* The likeliest tokens after a row, WF_BEST_MOST of them, as wf_best gives them. */
typedef struct wf_best_tokens {
    wf_score best[WF_BEST_MOST];
    double   sum;
    int64_t  row; /* where its logits are until the next step (wf_step_logits) */
} wf_best_tokens;

/* One part of a step: the next n_rows rows of seq; outputs: 0, 1 (the last row's) or n_rows rows. A
 * sequence is in one part of a step at most. */
typedef struct wf_step_part {
    weft_sequence *seq;
    int64_t        n_rows, n_out;
    /* NULL: the rows' logits are wanted. Else [n_out]: these are enough, and no logits come back.
     */
    wf_likeliest *likeliest;
    /* NULL, or of a part with n_out 1: these will mostly be enough. No logits come back then but
     * where the step cannot keep them for wf_step_logits: it sets `whole`. */
    wf_best_tokens *tokens;
    /* Set by the step. */
    bool        whole;
    int64_t     first_out; /* the first of its rows in logits, where they came back */
    weft_status status;
    weft_error  why; /* status not OK: the sentence */
} wf_step_part;

/* Whether all logits of the part's rows come back. */
static inline bool wf_part_is_whole(const wf_step_part *p)
{
    return p->likeliest == NULL && (p->tokens == NULL || p->whole);
}

/* Zeroed: nothing is reserved yet. */
typedef struct wf_tables {
    wf_device      *device;
    const wf_hooks *sites;     /* borrowed; frozen */
    uint8_t        *host;      /* of wf_device_host_alloc */
    uint8_t        *data;      /* the same on the device */
    wf_row_best    *best;      /* [rows] what comes back, with WF_BEST_MOST tokens at
                                * most; of wf_device_host_alloc */
    int64_t rows, self, pages; /* at most: rows, key blocks of text, pages that there are */
    size_t  bytes;
} wf_tables;

/* What a step's rows are, ready for the decoder; the arrays are the tables'. */
typedef struct wf_tables_use {
    wf_batch      batch;
    wf_seen      *streams; /* [n_streams]; owned */
    wf_soft_rows *soft;    /* owned */
    wf_row_range *updated; /* owned */
    size_t        row_bytes;
} wf_tables_use;

/* Reserves room for steps of `rows` rows over sequences of `context` tokens and a pool of `pages`
 * pages. Safe on reserved tables: nothing happens. */
weft_status wf_tables_reserve(wf_tables *t, wf_device *d, const wf_hooks *sites, int64_t rows,
                              int64_t context, int64_t pages, weft_error *err);
void        wf_tables_free(wf_tables *t); /* after a wait; safe on zeroed memory */

/* How many of the parts, from the first on, have room together. 0: the first alone has none. */
int32_t wf_tables_fit(const wf_tables *t, wf_step_part *const *parts, int32_t n);

/* Fills the tables and *use with the rows of the parts, which have room, and uploads them on q. The
 * host's side is free again after a wait. On success *use is the caller's until wf_tables_done. */
weft_status wf_tables_fill(wf_tables *t, wf_step_part *const *parts, int32_t n, int64_t d_model,
                           weft_queue *q, wf_tables_use *use, weft_error *err);
void        wf_tables_done(wf_tables_use *use); /* after a wait */

#endif
