/* SPDX-License-Identifier: Apache-2.0 */
/* A sequence: text ids plus references to media items. Fork, truncate and prefix sharing need no
 * plugin. */
#ifndef WF_SEQUENCE_H
#define WF_SEQUENCE_H

#include "core/media/item.h"

/* One position. item >= 0: the sequence's item that stands there; row >= 0: which of its rows takes
 * the place, -1: its marker. */
typedef struct wf_tok {
    int32_t id, item, row;
} wf_tok;

typedef struct wf_seq_item {
    weft_item *item;
    int64_t    pos;              /* of its first placeholder */
    int32_t    marker, reserved; /* hooks->markers */
} wf_seq_item;

struct weft_sequence {
    weft_engine *engine;
    wf_tok      *toks;
    int64_t      n, cap, n_done; /* n_done: tokens whose K/V are there */
    wf_block   **blocks;
    int64_t      n_blocks, blocks_cap;
    wf_seq_item *items;
    int32_t      n_items, items_cap;
    int32_t      no_cache; /* every row is computed: verify wants all of them */
    int32_t      n_cached; /* tokens taken from the prefix cache */
};

/* Appends the item's placeholder tokens, without the tokens that enclose them. */
weft_status wf_sequence_feed_placeholders(weft_sequence *s, weft_item *item, int32_t marker,
                                          weft_error *err);
/* The marker at which an item stands, or -1. */
int32_t wf_marker_of_item(const weft_engine *e, const weft_item *item);

/* Takes whole blocks that somebody has computed already; leaves at least one token to run. */
void wf_sequence_reuse(weft_sequence *s);
/* Blocks for positions up to `end`, the last one private to s. */
weft_status wf_sequence_reserve(weft_sequence *s, int64_t end, uint64_t now, weft_error *err);
/* Rows up to `end` are there: full blocks go to the cache. */
void wf_sequence_advance(weft_sequence *s, int64_t end);

/* The item's output that `stream` receives, or -1. */
int32_t wf_item_output(const weft_item *item, int32_t stream);
/* Items [*first, *last) among s->items whose rows of `stream` position pos sees (those between that
 * do not feed the stream do not count); empty: first == last. */
void wf_sequence_visible(const weft_sequence *s, int32_t stream, int64_t pos, int32_t *first,
                         int32_t *last);

/* One part of a step: the next n_rows rows of seq; outputs: 0, 1 (the last row's) or n_rows logit
 * rows. */
typedef struct wf_step_part {
    weft_sequence *seq;
    int64_t        n_rows, n_out;
} wf_step_part;
/* The forward pass for all parts at once; at most prefill_chunk rows. logits: [sum n_out, vocab];
 * hidden as wf_batch. */
weft_status wf_step_run(weft_engine *e, const wf_step_part *parts, int32_t n_parts, float *logits,
                        float *hidden, weft_error *err);

/* weft_generate within a longer call: a cancel that came before stays. */
weft_status wf_generate(weft_sequence *s, const weft_sampling                     *p,
                        int32_t (*on_token)(void *ctx, const weft_token *t), void *ctx,
                        weft_generation *out, weft_error *err);

#endif
