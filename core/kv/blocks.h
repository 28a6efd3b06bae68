/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks of WF_PAGE_TOKENS tokens of a sequence, shared by reference: by forks, and through the
 * prefix cache by whoever feeds the same tokens after the same block. A full block never changes.
 */
#ifndef WF_BLOCKS_H
#define WF_BLOCKS_H

#include "core/kv/budget.h"

typedef struct wf_block {
    struct wf_block *chain;               /* next of the same hash bucket */
    struct wf_block *older, *newer;       /* cached blocks by last use */
    uint64_t         id, parent;          /* parent: id of the block before it, 0: none */
    uint64_t         key[WF_PAGE_TOKENS]; /* what stands at each place: a token, or an item's row */
    int32_t          page;                /* first of the run */
    int32_t          refs;                /* sequences, and the cache */
    int32_t          cached, reserved;
} wf_block;

#define WF_BLOCK_BUCKETS 1024

typedef struct wf_blocks {
    wf_kv_budget *budget; /* borrowed */
    wf_kv_holder  holder; /* the cache can give up its blocks */
    int32_t       run;    /* pages of a block: the core's layers */
    int32_t       reserved;
    uint64_t      next_id;
    wf_block     *bucket[WF_BLOCK_BUCKETS];
    wf_block     *oldest, *newest;
} wf_blocks;

/* Registers the cache with the budget, so b must not move. */
void wf_blocks_init(wf_blocks *b, wf_kv_budget *budget, int32_t run);
void wf_blocks_free(wf_blocks *b); /* the cache's references; sequences are gone */

/* A fresh block of one reference. LIMIT when the budget has nothing left. */
weft_status wf_block_take(wf_blocks *b, uint64_t parent, wf_block **out, weft_error *err);
void        wf_block_hold(wf_block *k);
void        wf_block_drop(wf_blocks *b, wf_block *k); /* NULL is fine */
/* A private copy of a shared block, in its place; enqueued. */
weft_status wf_block_own(wf_blocks *b, wf_block **k, weft_error *err);

/* The cached block that follows `parent` with these keys, held for the caller; NULL: none. */
wf_block *wf_blocks_find(wf_blocks *b, uint64_t parent, const uint64_t *key);
/* Offers a full block, whose keys are set and which follows `parent`, to the cache. Where the cache
 * has an equal one, that takes the place of *k, held, and *k is dropped: what comes after a block
 * that nobody can find could not be found either. */
void wf_blocks_offer(wf_blocks *b, uint64_t parent, wf_block **k);

#endif
