/* SPDX-License-Identifier: Apache-2.0 */
/* K/V pages in runs. */
#include "core/kv/pages.h"

#include <string.h>

#include "core/base/mem.h"

/* A pool is a 64th of the limit, so that little lies unused, and no smaller than what is worth an
 * allocation of its own. */
#define POOL_LEAST ((uint64_t)1 << 20)
#define POOL_MOST ((uint64_t)64 << 20)
#define POOL_SHARE 64

/* Whole text blocks, and room for the longest run. */
static int32_t pool_pages(const wf_kv_sizes *s)
{
    uint64_t bytes = s->max_bytes / POOL_SHARE;
    bytes = bytes < POOL_LEAST ? POOL_LEAST : bytes > POOL_MOST ? POOL_MOST : bytes;
    int64_t pages = (int64_t)(bytes / (uint64_t)s->page_bytes);
    if (pages < s->longest)
        pages = s->longest;
    return (int32_t)((pages + s->run - 1) / s->run * s->run);
}

void wf_kv_pool_init(wf_kv_pool *p, wf_device *d, weft_queue *q, const wf_kv_sizes *s)
{
    uint64_t pages = s->max_bytes / (uint64_t)s->page_bytes;
    memset(p, 0, sizeof *p);
    p->device = d;
    p->queue = q;
    p->dtype = s->dtype;
    p->page_bytes = s->page_bytes;
    /* Page numbers travel as int32 and slots as page * WF_PAGE_TOKENS. */
    p->max_pages = pages < INT32_MAX ? (int64_t)pages : INT32_MAX;
    p->pool_pages = pool_pages(s);
    p->max_pools = (int32_t)((p->max_pages + p->pool_pages - 1) / p->pool_pages);
}

void wf_kv_pool_limit(wf_kv_pool *p, uint64_t max_bytes)
{
    const uint64_t pages = max_bytes / (uint64_t)p->page_bytes;
    if (pages < (uint64_t)p->max_pages) {
        p->is_devices = true;
        p->max_pages = (int64_t)pages;
        p->max_pools = (int32_t)((p->max_pages + p->pool_pages - 1) / p->pool_pages);
    }
}

void wf_kv_pool_free(wf_kv_pool *p)
{
    for (int32_t i = 0; i < p->n_pools; i++)
        wf_device_free(p->device, p->pools[i]);
    if (p->device != NULL)
        wf_device_free(p->device, p->table);
    wf_free(p->pools);
    wf_free(p->used);
    memset(p, 0, sizeof *p);
}

static bool is_used(const wf_kv_pool *p, int64_t page)
{
    return (p->used[page / 64] >> (page % 64) & 1u) != 0;
}

static void mark(wf_kv_pool *p, int64_t page, int32_t n, bool used)
{
    for (int64_t i = page; i < page + n; i++) {
        uint64_t bit = (uint64_t)1 << (i % 64);
        p->used[i / 64] = used ? p->used[i / 64] | bit : p->used[i / 64] & ~bit;
    }
    p->n_used += used ? n : -n;
}

/* First fit in [from, to), within one pool; -1: none. */
static int64_t find_run(const wf_kv_pool *p, int64_t from, int64_t to, int32_t n)
{
    int64_t run = 0;
    for (int64_t i = from; i < to; i++) {
        if (i % p->pool_pages == 0)
            run = 0;
        run = is_used(p, i) ? 0 : run + 1;
        if (run == n)
            return i - n + 1;
    }
    return -1;
}

static float *page_address(const wf_kv_pool *p, int32_t page)
{
    uint8_t *pool = p->pools[page / p->pool_pages];
    return (float *)(void *)(pool + page % p->pool_pages * p->page_bytes);
}

weft_status wf_kv_pool_copy(wf_kv_pool *p, int32_t from, int32_t to, int32_t n, weft_error *err)
{
    wf_op op = {.kind = WF_OP_COPY,
                .u.copy = {.dst = page_address(p, to),
                           .src = page_address(p, from),
                           .shape = {1, 1, 1, n * p->page_bytes / 4},
                           .dst_stride = {0, 0, 0, 1},
                           .src_stride = {0, 0, 0, 1}}};
    return wf_queue_submit(p->queue, &op, err);
}

/* The table on the device, and its copy here: as long as they can ever become. */
static weft_status make_tables(wf_kv_pool *p, weft_error *err)
{
    uint64_t bytes = (uint64_t)p->max_pools * sizeof *p->pools;
    void    *table;
    if (p->pools == NULL && (p->pools = wf_zalloc((size_t)bytes)) == NULL)
        return wf_fail_nomem(err, bytes, "the table of page pools");
    if (p->table != NULL)
        return WEFT_OK;
    weft_status status = wf_device_alloc(p->device, bytes, &table, err);
    p->table = status == WEFT_OK ? table : NULL;
    return status;
}

static weft_status more_bits(wf_kv_pool *p, int64_t pages, weft_error *err)
{
    int64_t   words = (p->n_pages + pages + 63) / 64, before = (p->n_pages + 63) / 64;
    uint64_t *used = wf_realloc(p->used, (size_t)words * sizeof *used);
    if (used == NULL)
        return wf_fail_nomem(err, (uint64_t)words * sizeof *used, "the page table");
    memset(used + before, 0, (size_t)(words - before) * sizeof *used);
    p->used = used;
    return WEFT_OK;
}

static weft_status fail_full(const wf_kv_pool *p, weft_error *err)
{
    return wf_fail(err, WEFT_E_LIMIT, "keys and values need more than the %llu bytes %s",
                   (unsigned long long)p->max_pages * (unsigned long long)p->page_bytes,
                   p->is_devices ? "that fit on the device: a smaller --context or --parallel"
                                 : "allowed (--kv-bytes raises it)");
}

/* One pool more, with room for a run of n pages. */
static weft_status grow(wf_kv_pool *p, int32_t n, weft_error *err)
{
    int64_t left = p->max_pages - p->n_pages, pages = left < p->pool_pages ? left : p->pool_pages;
    void   *pool = NULL;
    if (pages < n)
        return fail_full(p, err);
    weft_status status = make_tables(p, err);
    if (status == WEFT_OK)
        status = more_bits(p, pages, err);
    if (status == WEFT_OK)
        status = wf_device_alloc(p->device, (uint64_t)(pages * p->page_bytes), &pool, err);
    if (status == WEFT_E_NOMEM && p->n_pages > 0) {
        p->max_pages = p->n_pages; /* the device has no more: from here on holders give up theirs */
        p->is_devices = true;
        return fail_full(p, err);
    }
    if (status != WEFT_OK)
        return status;
    p->pools[p->n_pools] = pool;
    status = wf_queue_upload(p->queue, p->table + p->n_pools, p->pools + p->n_pools,
                             sizeof *p->pools, err);
    if (status == WEFT_OK)
        status = wf_queue_wait(p->queue, err);
    if (status != WEFT_OK) {
        wf_device_free(p->device, pool);
        return status;
    }
    p->n_pools++;
    p->n_pages += pages;
    return WEFT_OK;
}

weft_status wf_kv_pool_take(wf_kv_pool *p, int32_t n, int32_t *page, weft_error *err)
{
    int64_t at = find_run(p, p->hint, p->n_pages, n);
    if (at < 0 && p->hint > 0)
        at = find_run(p, 0, p->n_pages, n);
    if (at < 0) {
        int64_t     from = p->n_pages;
        weft_status status = grow(p, n, err);
        if (status != WEFT_OK)
            return status;
        at = find_run(p, from, p->n_pages, n);
    }
    mark(p, at, n, true);
    p->hint = at + n;
    *page = (int32_t)at;
    return WEFT_OK;
}

void wf_kv_pool_give(wf_kv_pool *p, int32_t page, int32_t n)
{
    mark(p, page, n, false);
    if (page < p->hint)
        p->hint = page;
}
