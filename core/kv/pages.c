/* SPDX-License-Identifier: Apache-2.0 */
/* K/V pages in runs. */
#include "core/kv/pages.h"

#include <string.h>

#include "core/base/mem.h"

#define FIRST_BYTES ((int64_t)1 << 20)

void wf_kv_pool_init(wf_kv_pool *p, wf_device *d, weft_queue *q, int32_t dtype, int64_t page_bytes,
                     uint64_t max_bytes)
{
    uint64_t pages = max_bytes / (uint64_t)page_bytes;
    memset(p, 0, sizeof *p);
    p->device = d;
    p->queue = q;
    p->dtype = dtype;
    p->page_bytes = page_bytes;
    /* Page numbers travel as int32 and slots as page * WF_PAGE_TOKENS. */
    p->max_pages = pages < INT32_MAX ? (int64_t)pages : INT32_MAX;
}

void wf_kv_pool_free(wf_kv_pool *p)
{
    if (p->device != NULL)
        wf_device_free(p->device, p->pages);
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

/* First fit in [from, to); -1: none. */
static int64_t find_run(const wf_kv_pool *p, int64_t from, int64_t to, int32_t n)
{
    int64_t run = 0;
    for (int64_t i = from; i < to; i++) {
        run = is_used(p, i) ? 0 : run + 1;
        if (run == n)
            return i - n + 1;
    }
    return -1;
}

weft_status wf_kv_pool_copy(wf_kv_pool *p, int32_t from, int32_t to, int32_t n, weft_error *err)
{
    int64_t words = n * p->page_bytes / 4;
    wf_op   op = {.kind = WF_OP_COPY,
                  .u.copy = {.dst = (float *)(void *)(p->pages + to * p->page_bytes),
                             .src = (const float *)(const void *)(p->pages + from * p->page_bytes),
                             .shape = {1, 1, 1, words},
                             .dst_stride = {0, 0, 0, 1},
                             .src_stride = {0, 0, 0, 1}}};
    return wf_queue_submit(p->queue, &op, err);
}

static weft_status move_pages(wf_kv_pool *p, uint8_t *bigger, weft_error *err)
{
    wf_op       op = {.kind = WF_OP_COPY,
                      .u.copy = {.dst = (float *)(void *)bigger,
                                 .src = (const float *)(const void *)p->pages,
                                 .shape = {1, 1, 1, p->n_pages * p->page_bytes / 4},
                                 .dst_stride = {0, 0, 0, 1},
                                 .src_stride = {0, 0, 0, 1}}};
    weft_status status = wf_queue_submit(p->queue, &op, err);
    return status == WEFT_OK ? wf_queue_wait(p->queue, err) : status;
}

/* The next size: doubled, but at least n more and a megabyte, at most the limit. 0: cannot grow by
 * n. */
static int64_t next_size(const wf_kv_pool *p, int32_t n)
{
    int64_t first = FIRST_BYTES / p->page_bytes + 1;
    int64_t size = p->n_pages * 2 > first ? p->n_pages * 2 : first;
    if (size < p->n_pages + n)
        size = p->n_pages + n;
    if (size > p->max_pages)
        size = p->max_pages;
    return size >= p->n_pages + n ? size : 0;
}

static weft_status grow(wf_kv_pool *p, int32_t n, weft_error *err)
{
    int64_t   size = next_size(p, n);
    int64_t   words = (size + 63) / 64, old_words = (p->n_pages + 63) / 64;
    void     *bigger = NULL;
    uint64_t *used;
    if (size == 0)
        return wf_fail(err, WEFT_E_LIMIT,
                       "keys and values need more than the %llu MiB allowed (--kv-bytes raises it)",
                       (unsigned long long)((uint64_t)(p->max_pages * p->page_bytes) >> 20));
    if ((used = wf_realloc(p->used, (size_t)words * sizeof *used)) == NULL)
        return wf_fail_nomem(err, (uint64_t)words * sizeof *used, "the page table");
    memset(used + old_words, 0, (size_t)(words - old_words) * sizeof *used);
    p->used = used;
    weft_status status = wf_device_alloc(p->device, (uint64_t)(size * p->page_bytes), &bigger, err);
    if (status == WEFT_OK && p->n_pages > 0)
        status = move_pages(p, bigger, err);
    if (status != WEFT_OK) {
        wf_device_free(p->device, bigger);
        return status;
    }
    wf_device_free(p->device, p->pages);
    p->pages = bigger;
    p->n_pages = size;
    return WEFT_OK;
}

weft_status wf_kv_pool_take(wf_kv_pool *p, int32_t n, int32_t *page, weft_error *err)
{
    int64_t at = find_run(p, p->hint, p->n_pages, n);
    if (at < 0 && p->hint > 0)
        at = find_run(p, 0, p->n_pages, n);
    if (at < 0) {
        weft_status status = grow(p, n, err);
        if (status != WEFT_OK)
            return status;
        at = find_run(p, 0, p->n_pages, n);
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
