/* SPDX-License-Identifier: Apache-2.0 */
/* A sequence: text ids plus references to media items. Fork, truncate and prefix sharing need no
 * plugin. */
#ifndef WF_SEQUENCE_H
#define WF_SEQUENCE_H

#include "core/kv/blocks.h"
#include "core/media/item.h"

/* What the sequences of an engine share; everything is borrowed. */
typedef struct wf_sequences {
    weft_engine     *engine; /* whose they are, for the caller's way back: never looked into here */
    const wf_config *config;
    const wf_hooks  *sites;
    const wf_items  *items; /* an item of another engine is refused */
    wf_blocks       *blocks;
    int32_t          context;       /* tokens that a sequence may hold */
    int32_t          update_stream; /* whose items switch the core's low-rank update on; -1: none */
} wf_sequences;

/* One position. item >= 0: the sequence's item that stands there; row >= 0: which of its rows takes
 * the place, -1: its marker. */
typedef struct wf_tok {
    int32_t id, item, row;
} wf_tok;

typedef struct wf_seq_item {
    weft_item *item;
    int64_t    pos, end;         /* of its first placeholder; behind its last one */
    int32_t    marker, reserved; /* sites->markers */
} wf_seq_item;

struct weft_sequence {
    const wf_sequences *of;
    wf_tok             *toks;
    int64_t             n, cap, n_done; /* n_done: tokens whose K/V are there */
    wf_block          **blocks;
    int64_t             n_blocks, blocks_cap;
    int64_t             n_offered; /* leading blocks that the prefix cache has been offered */
    wf_seq_item        *items;
    int32_t             n_items, items_cap;
    int32_t             no_cache; /* every row is computed: verify wants all of them */
    int32_t             n_cached; /* tokens taken from the prefix cache */
    int32_t             busy;     /* a request runs it: nobody else may */
    int32_t             reserved;
};

/* Whether all of its rows take the core's low-rank update. What had been computed is computed again
 * where an item that is fed, or cut off, changes that. */
bool wf_sequence_is_updated(const weft_sequence *s);

/* Makes room for n more tokens. LIMIT: they are over the context, with the count of all. */
weft_status wf_sequence_room(weft_sequence *s, int64_t n, weft_error *err);

/* An empty one; the caller's until weft_sequence_destroy. */
weft_status wf_sequence_create(const wf_sequences *of, weft_sequence **out, weft_error *err);
/* Appends the item with the tokens that enclose it, or with those of its layout (their ids were
 * resolved beforehand: wf_text_lay_out). */
weft_status wf_sequence_feed_item(weft_sequence *s, weft_item *item, weft_error *err);
/* Appends n of the item's placeholder tokens from the first-th on, without any tokens around them.
 * Those of one item come in order, and nothing of another item between them. */
weft_status wf_sequence_feed_placeholders(weft_sequence *s, weft_item *item, int32_t marker,
                                          int64_t first, int64_t n, weft_error *err);

/* Takes whole blocks that somebody has computed already; leaves at least one token to run. */
void wf_sequence_reuse(weft_sequence *s);
/* Blocks for positions up to `end`, the last one private to s. On failure some may be there. */
weft_status wf_sequence_reserve(weft_sequence *s, int64_t end, weft_error *err);
/* Gives back blocks beyond what has been computed. */
void wf_sequence_trim(weft_sequence *s);
/* Gives back what was computed beyond the first n_done tokens; the tokens stay, and are run again.
 */
void wf_sequence_yield(weft_sequence *s, int64_t n_done);
/* Nothing beyond the first n tokens counts as computed, and what follows them may be other than it
 * was.
 */
void wf_sequence_forget(weft_sequence *s, int64_t n);
/* Blocks that its first n tokens take beyond those it has. */
int64_t wf_sequence_blocks_needed(const weft_sequence *s, int64_t n);
/* Rows up to `end` have been computed. */
void wf_sequence_advance(weft_sequence *s, int64_t end);
/* What has been computed is known to be sound (a row that saw all of it gave finite logits): full
 * blocks go to the prefix cache. Where the cache has an equal one already, s takes that and gives
 * its own back, so that what follows it can be found too. */
void wf_sequence_offer(weft_sequence *s);

/* Its items are used at `now` (core/kv/budget.h), so that their pages stay. */
void wf_sequence_use(const weft_sequence *s, uint64_t now);
/* Items [*first, *last) among s->items whose rows of `stream` position pos sees (those between that
 * do not feed the stream do not count); empty: first == last. */
void wf_sequence_visible(const weft_sequence *s, int32_t stream, int64_t pos, int32_t *first,
                         int32_t *last);

#endif
