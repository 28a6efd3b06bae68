/* SPDX-License-Identifier: Apache-2.0 */
/* The one owner of K/V memory: the pages, and the decision who gives some up when they run short.
 *
 * Whoever needs pages asks here. Whoever keeps pages that could be computed again registers what it
 * can give up; when a run does not fit, the holders are asked in the order in which they
 * registered, each until it has nothing more, and nobody else ever takes pages away.
 * Single-threaded: owned by the thread that steps. */
#ifndef WF_KV_BUDGET_H
#define WF_KV_BUDGET_H

#include "core/kv/pages.h"

/* Who keeps pages beyond need. Borrowed by the budget for its life; `next` is the budget's. */
typedef struct wf_kv_holder {
    struct wf_kv_holder *next;
    /* Gives back (wf_kv_give) what was used longest ago, but nothing that was used at `now`, which
     * the step in progress needs. false: it has nothing to give. */
    bool (*give_up)(void *ctx, uint64_t now);
    void *ctx;
    /* How many pages it could give up now, all in all. NULL: it cannot tell, and counts as none. */
    int64_t (*spare)(void *ctx, uint64_t now);
} wf_kv_holder;

typedef struct wf_kv_budget {
    wf_kv_pool    pool;
    wf_kv_holder *holders;
    uint64_t      now; /* counts steps: the age of what holders keep */
} wf_kv_budget;

/* Starts with no memory and no holders; arguments as wf_kv_pool_init. */
void wf_kv_budget_init(wf_kv_budget *b, wf_device *d, weft_queue *q, const wf_kv_sizes *sizes);
void wf_kv_budget_free(wf_kv_budget *b); /* after a wait; safe on zeroed memory */
/* h is asked after all that are registered already. */
void wf_kv_register(wf_kv_budget *b, wf_kv_holder *h);
/* A step begins: what it uses is marked with the number returned. */
uint64_t wf_kv_tick(wf_kv_budget *b);

/* A run of n pages; *page its first. LIMIT (naming --kv-bytes) when nobody has anything left to
 * give. */
weft_status wf_kv_take(wf_kv_budget *b, int32_t n, int32_t *page, weft_error *err);
void        wf_kv_give(wf_kv_budget *b, int32_t page, int32_t n);
/* Pages that could be taken: those that are free, and what the holders can give up. */
int64_t wf_kv_spare(const wf_kv_budget *b);

#endif
