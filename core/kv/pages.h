/* SPDX-License-Identifier: Apache-2.0 */
/* K/V pages: device memory in pools, handed out in runs of pages.
 *
 * A run holds one block of WF_PAGE_TOKENS tokens for every layer: layer i of run r is page r + i,
 * so that one table of runs serves all layers (a layer's wf_kv has `first` i). Media items take
 * runs of as many pages as their stream has sites. Memory grows by further pools and never moves,
 * so that an op that was recorded stays right; the pools' addresses stand in one table on the
 * device, which is as long as the limit will ever need. Single-threaded: owned by the thread that
 * steps. */
#ifndef WF_KV_POOL_H
#define WF_KV_POOL_H

#include <stdbool.h>

#include "core/device/device.h"

#define WF_PAGE_TOKENS 64 /* tokens of a page: one key block */

typedef struct wf_kv_pool {
    wf_device  *device;
    weft_queue *queue; /* the only one that touches pages; borrowed */
    uint8_t   **pools; /* [n_pools] device addresses; what the table holds */
    void      **table; /* the same on the device, [max_pools]; NULL until the first pool */
    uint64_t   *used;  /* bit per page */
    int64_t     page_bytes, n_pages, max_pages, n_used, hint;
    int32_t     dtype, pool_pages, n_pools, max_pools;
    bool        is_devices; /* the limit is what the device has, and not an option */
} wf_kv_pool;

typedef struct wf_kv_sizes {
    int32_t  dtype;
    int32_t  run;     /* pages of a block of text: pools hold whole ones */
    int32_t  longest; /* pages of the longest run that will be asked for */
    int32_t  reserved;
    int64_t  page_bytes; /* of the widest layer or site */
    uint64_t max_bytes;  /* what the pages may take */
} wf_kv_sizes;

/* Starts with no memory. d and q are borrowed. */
void wf_kv_pool_init(wf_kv_pool *p, wf_device *d, weft_queue *q, const wf_kv_sizes *sizes);
void wf_kv_pool_free(wf_kv_pool *p); /* after a wait */
/* Pages may take no more than max_bytes, which the device has for them, from now on, where they
 * might take more before. Nothing has been taken yet. */
void wf_kv_pool_limit(wf_kv_pool *p, uint64_t max_bytes);

/* A run of n pages; *page its first. LIMIT (naming --kv-bytes, or, where the device sets the limit,
 * --context) when the limit is reached: the caller may give something back and try again. A new
 * pool waits for the queue. */
weft_status wf_kv_pool_take(wf_kv_pool *p, int32_t n, int32_t *page, weft_error *err);
void        wf_kv_pool_give(wf_kv_pool *p, int32_t page, int32_t n);
/* Enqueues a copy of a run. */
weft_status wf_kv_pool_copy(wf_kv_pool *p, int32_t from, int32_t to, int32_t n, weft_error *err);

/* The pages as layer (or site) `first` of each run sees them. */
static inline wf_kv wf_kv_pool_view(const wf_kv_pool *p, int32_t first, int32_t n_kv_heads,
                                    int32_t head_dim)
{
    wf_kv kv = {p->table, p->page_bytes,  p->dtype,      n_kv_heads,
                head_dim, WF_PAGE_TOKENS, p->pool_pages, first};
    return kv;
}

/* Bytes of one layer's page on d; 0: it has no such page, or the size overflows. */
static inline int64_t wf_kv_page_bytes(wf_device *d, int32_t dtype, int32_t n_kv_heads,
                                       int32_t head_dim)
{
    return wf_device_page_bytes(d, dtype, WF_PAGE_TOKENS, n_kv_heads, head_dim);
}

#endif
