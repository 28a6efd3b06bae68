/* SPDX-License-Identifier: Apache-2.0 */
/* K/V pages: one contiguous range of device memory, handed out in runs of pages.
 *
 * A run holds one block of WF_PAGE_TOKENS tokens for every layer: layer i of run r is page r + i,
 * so that one table of runs serves all layers (a layer's wf_kv starts i pages later). Media items
 * take runs of as many pages as their stream has sites. The range grows by doubling up to its
 * limit. Single-threaded: owned by the thread that steps. */
#ifndef WF_KV_POOL_H
#define WF_KV_POOL_H

#include <stdbool.h>

#include "core/device/device.h"

typedef struct wf_kv_pool {
    wf_device  *device;
    weft_queue *queue; /* the only one that touches pages; borrowed */
    uint8_t    *pages;
    uint64_t   *used; /* bit per page */
    int64_t     page_bytes, n_pages, max_pages, n_used, hint;
    int32_t     dtype, reserved;
} wf_kv_pool;

/* Starts with no memory. max_bytes is what the pages may take. */
void wf_kv_pool_init(wf_kv_pool *p, wf_device *d, weft_queue *q, int32_t dtype, int64_t page_bytes,
                     uint64_t max_bytes);
void wf_kv_pool_free(wf_kv_pool *p); /* after a wait */

/* A run of n pages; *page its first. LIMIT (naming --kv-bytes) when the limit is reached: the
 * caller may give something back and try again. Growth waits for the queue. */
weft_status wf_kv_pool_take(wf_kv_pool *p, int32_t n, int32_t *page, weft_error *err);
void        wf_kv_pool_give(wf_kv_pool *p, int32_t page, int32_t n);
/* Enqueues a copy of a run. */
weft_status wf_kv_pool_copy(wf_kv_pool *p, int32_t from, int32_t to, int32_t n, weft_error *err);

/* The pages as layer (or site) `offset` of each run sees them. */
static inline wf_kv wf_kv_pool_view(const wf_kv_pool *p, int32_t offset, int32_t n_kv_heads,
                                    int32_t head_dim)
{
    wf_kv kv = {
        p->pages + offset * p->page_bytes, p->page_bytes, p->dtype, n_kv_heads, head_dim, 0};
    return kv;
}

#endif
