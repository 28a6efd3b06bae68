/* SPDX-License-Identifier: Apache-2.0 */
/* Pages, blocks and the prefix cache, on the test device: pools that never move, runs that keep to
 * one pool, private copies of shared blocks, who finds what, and who goes first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/cpu.h"
#include "core/device/builtin.h"
#include "core/kv/blocks.h"

#define RUN 3                /* pages of a block */
#define PAGE_BYTES (1 << 18) /* so that a pool, 1 MiB at least, holds few */

typedef struct rig {
    wf_device   *d;
    weft_queue  *q;
    wf_kv_budget b;
    wf_blocks    blocks;
    weft_error   err;
} rig;

static void good(weft_status status, const weft_error *err)
{
    if (status != WEFT_OK)
        fail_msg("%s", err->message);
}

static void rig_open(rig *r, int32_t longest, int32_t max_pages)
{
    wf_device_config c = {.cpu_flags = wf_cpu_detect()};
    wf_kv_sizes      sizes = {.dtype = WF_F32,
                              .run = RUN,
                              .longest = longest,
                              .page_bytes = PAGE_BYTES,
                              .max_bytes = (uint64_t)max_pages * PAGE_BYTES};
    memset(r, 0, sizeof *r);
    r->err = (weft_error)WF_ERROR_INIT;
    good(wf_device_test_create(&c, &r->d, &r->err), &r->err);
    good(wf_queue_create(r->d, &r->q, &r->err), &r->err);
    wf_kv_budget_init(&r->b, r->d, r->q, &sizes);
    wf_blocks_init(&r->blocks, &r->b, RUN);
}

static void rig_close(rig *r)
{
    wf_blocks_free(&r->blocks);
    assert_int_equal(r->b.pool.n_used, 0); /* nothing leaks */
    wf_kv_budget_free(&r->b);
    wf_queue_destroy(&r->q);
    wf_device_destroy(&r->d);
}

static int32_t take(rig *r, int32_t n)
{
    int32_t page = -1;
    good(wf_kv_take(&r->b, n, &page, &r->err), &r->err);
    return page;
}

static uint8_t *address(const rig *r, int32_t page)
{
    const wf_kv_pool *p = &r->b.pool;
    return p->pools[page / p->pool_pages] + page % p->pool_pages * p->page_bytes;
}

/* ---- pages ---- */

static void test_pools(void **unused)
{
    rig         r;
    wf_kv_pool *p = &r.b.pool;
    int32_t     page[9];
    uint8_t    *at[9];
    (void)unused;
    rig_open(&r, RUN, 24);
    assert_int_equal(p->pool_pages, 6); /* a MiB holds four: whole runs of text */
    assert_int_equal(p->max_pools, 4);
    for (int i = 0; i < 5; i++) {
        page[i] = take(&r, RUN);
        at[i] = address(&r, page[i]);
        void *table = p->table;
        for (int k = 0; k <= i; k++) /* what was handed out stays where it is */
            assert_ptr_equal(address(&r, page[k]), at[k]);
        assert_ptr_equal(p->table, table);
        assert_int_equal(page[i] / p->pool_pages, (page[i] + RUN - 1) / p->pool_pages);
    }
    assert_int_equal(p->n_pools, 3);
    /* The table on the device holds what the host's says. */
    void *seen[3];
    good(wf_queue_download(r.q, seen, p->table, sizeof seen, &r.err), &r.err);
    good(wf_queue_wait(r.q, &r.err), &r.err);
    assert_memory_equal(seen, p->pools, sizeof seen);
    for (int i = 0; i < 5; i++)
        wf_kv_give(&r.b, page[i], RUN);
    rig_close(&r);
}

/* Who sets the limit is who is told of. */
static void test_who_limits(void **unused)
{
    rig     r;
    int32_t page;
    (void)unused;
    rig_open(&r, RUN, RUN);
    page = take(&r, RUN);
    assert_int_equal(wf_kv_take(&r.b, RUN, &page, &r.err), WEFT_E_LIMIT);
    assert_non_null(strstr(r.err.message, "--kv-bytes"));
    wf_kv_give(&r.b, 0, RUN);
    rig_close(&r);
    rig_open(&r, RUN, 24);
    wf_kv_pool_limit(&r.b.pool, (uint64_t)RUN * PAGE_BYTES);
    page = take(&r, RUN);
    assert_int_equal(wf_kv_take(&r.b, RUN, &page, &r.err), WEFT_E_LIMIT);
    assert_null(strstr(r.err.message, "--kv-bytes"));
    assert_non_null(strstr(r.err.message, "786432 bytes that fit on the device"));
    wf_kv_give(&r.b, 0, RUN);
    rig_close(&r);
}

/* Runs of other lengths leave gaps that later runs fill, and never cross from pool to pool. */
static void test_runs_keep_to_a_pool(void **unused)
{
    rig         r;
    wf_kv_pool *p = &r.b.pool;
    int32_t     page[64], length[64], n = 0, next;
    bool        used[64] = {false};
    (void)unused;
    rig_open(&r, 5, 24);
    assert_int_equal(p->pool_pages, 6);
    srand(7);
    for (int round = 0; round < 2000; round++) {
        int32_t want = rand() % 5 + 1;
        if (rand() % 2 == 0 && n > 0) {
            int32_t k = rand() % n;
            wf_kv_give(&r.b, page[k], length[k]);
            for (int32_t i = 0; i < length[k]; i++)
                used[page[k] + i] = false;
            page[k] = page[--n];
            length[k] = length[n];
            continue;
        }
        if (wf_kv_take(&r.b, want, &next, NULL) != WEFT_OK)
            continue;
        assert_int_equal(next / p->pool_pages, (next + want - 1) / p->pool_pages);
        for (int32_t i = 0; i < want; i++) {
            assert_true(next + i < 24 && !used[next + i]);
            used[next + i] = true;
        }
        page[n] = next;
        length[n++] = want;
    }
    while (n-- > 0)
        wf_kv_give(&r.b, page[n], length[n]);
    rig_close(&r);
}

/* The last pool is as small as the limit makes it; past it the option is named. */
static void test_limit(void **unused)
{
    rig     r;
    int32_t page[3], more;
    (void)unused;
    rig_open(&r, RUN, 10);
    for (int i = 0; i < 3; i++)
        page[i] = take(&r, RUN);
    assert_int_equal(r.b.pool.n_pages, 10);
    assert_int_equal(wf_kv_take(&r.b, RUN, &more, &r.err), WEFT_E_LIMIT);
    assert_non_null(strstr(r.err.message, "--kv-bytes"));
    wf_kv_give(&r.b, page[1], RUN);
    assert_int_equal(take(&r, RUN), page[1]);
    for (int i = 0; i < 3; i++)
        wf_kv_give(&r.b, page[i], RUN);
    rig_close(&r);
}

/* ---- blocks ---- */

static wf_block *block(rig *r, uint64_t parent, uint64_t key)
{
    wf_block *k;
    good(wf_block_take(&r->blocks, parent, &k, &r->err), &r->err);
    for (int32_t i = 0; i < WF_PAGE_TOKENS; i++)
        k->key[i] = key;
    return k;
}

static void fill(rig *r, const wf_block *k, float value)
{
    float *host = malloc(RUN * PAGE_BYTES);
    for (size_t i = 0; i < RUN * PAGE_BYTES / sizeof *host; i++)
        host[i] = value;
    good(wf_queue_upload(r->q, address(r, k->page), host, RUN * PAGE_BYTES, &r->err), &r->err);
    good(wf_queue_wait(r->q, &r->err), &r->err);
    free(host);
}

static void holds(rig *r, const wf_block *k, float value)
{
    float *host = malloc(RUN * PAGE_BYTES);
    good(wf_queue_download(r->q, host, address(r, k->page), RUN * PAGE_BYTES, &r->err), &r->err);
    good(wf_queue_wait(r->q, &r->err), &r->err);
    for (size_t i = 0; i < RUN * PAGE_BYTES / sizeof *host; i++)
        assert_true(host[i] == value);
    free(host);
}

/* Two hold one block until one of them writes: it gets a copy of every page, from one pool into
 * another, and what the other reads stays. */
static void test_copy_on_write(void **unused)
{
    rig r;
    (void)unused;
    rig_open(&r, RUN, 24);
    wf_block *first = block(&r, 0, 1), *filler = block(&r, 0, 2), *mine = first;
    fill(&r, first, 1.0f);
    good(wf_block_own(&r.blocks, &mine, &r.err), &r.err);
    assert_ptr_equal(mine, first); /* it is private already */
    wf_block_hold(first);
    good(wf_block_own(&r.blocks, &mine, &r.err), &r.err);
    assert_ptr_not_equal(mine, first);
    assert_true(first->refs == 1 && mine->refs == 1 && mine->id != first->id);
    assert_int_not_equal(mine->page / r.b.pool.pool_pages, first->page / r.b.pool.pool_pages);
    assert_memory_equal(mine->key, first->key, sizeof mine->key);
    holds(&r, mine, 1.0f);
    fill(&r, mine, 2.0f);
    holds(&r, first, 1.0f);
    wf_block_drop(&r.blocks, first);
    wf_block_drop(&r.blocks, mine);
    wf_block_drop(&r.blocks, filler);
    rig_close(&r);
}

/* Where no page is left for the copy, the shared block stays shared. */
static void test_no_room_for_a_copy(void **unused)
{
    rig r;
    (void)unused;
    rig_open(&r, RUN, RUN);
    wf_block *k = block(&r, 0, 1), *mine = k;
    wf_block_hold(k);
    assert_int_equal(wf_block_own(&r.blocks, &mine, &r.err), WEFT_E_LIMIT);
    assert_true(mine == k && k->refs == 2);
    wf_block_drop(&r.blocks, k);
    wf_block_drop(&r.blocks, k);
    rig_close(&r);
}

/* ---- the prefix cache ---- */

static wf_block *find(rig *r, uint64_t parent, uint64_t key)
{
    uint64_t keys[WF_PAGE_TOKENS];
    for (int32_t i = 0; i < WF_PAGE_TOKENS; i++)
        keys[i] = key;
    return wf_blocks_find(&r->blocks, parent, keys);
}

/* A block is found by what stands in it and by what comes before it. */
static void test_found(void **unused)
{
    rig r;
    (void)unused;
    rig_open(&r, RUN, 24);
    wf_block *k = block(&r, 7, 1), *offered = k;
    assert_null(find(&r, 7, 1)); /* not before it is offered */
    wf_blocks_offer(&r.blocks, 7, &offered);
    assert_true(offered == k && k->refs == 2);
    wf_blocks_offer(&r.blocks, 7, &offered); /* once is enough */
    assert_int_equal(k->refs, 2);
    assert_null(find(&r, 8, 1));
    assert_null(find(&r, 7, 2));
    assert_ptr_equal(find(&r, 7, 1), k);
    assert_int_equal(k->refs, 3);
    for (int i = 0; i < 2; i++)
        wf_block_drop(&r.blocks, k);
    assert_int_equal(k->refs, 1); /* the cache keeps it */
    rig_close(&r);
}

/* Two computed the same: the second takes the first's block and gives its own back, so that what it
 * offers next follows a block that can be found. */
static void test_equal_block(void **unused)
{
    rig r;
    (void)unused;
    rig_open(&r, RUN, 24);
    wf_block *a = block(&r, 0, 1), *b = block(&r, 0, 1), *after;
    uint64_t  lost = b->id;
    wf_blocks_offer(&r.blocks, 0, &a);
    int64_t used = r.b.pool.n_used;
    wf_blocks_offer(&r.blocks, 0, &b);
    assert_ptr_equal(b, a);
    assert_int_equal(a->refs, 3);
    assert_int_equal(r.b.pool.n_used, used - RUN);
    after = block(&r, lost, 2); /* computed while its parent was still another */
    wf_blocks_offer(&r.blocks, b->id, &after);
    assert_ptr_equal(find(&r, a->id, 2), after);
    for (int i = 0; i < 2; i++) {
        wf_block_drop(&r.blocks, after);
        wf_block_drop(&r.blocks, a);
    }
    rig_close(&r);
}

/* The one that was used longest ago goes first, and none that a sequence holds. */
static void test_eviction_order(void **unused)
{
    rig r;
    (void)unused;
    rig_open(&r, RUN, 4 * RUN);
    wf_block *k[4];
    for (uint64_t i = 0; i < 4; i++) {
        k[i] = block(&r, 0, i + 1);
        wf_blocks_offer(&r.blocks, 0, &k[i]);
    }
    wf_block_drop(&r.blocks, k[0]);
    wf_block_drop(&r.blocks, k[2]);
    wf_block_drop(&r.blocks, k[3]);
    wf_block_drop(&r.blocks, find(&r, 0, 1)); /* used again: now the youngest */
    wf_block *fresh = block(&r, 0, 9);
    assert_null(find(&r, 0, 3)); /* 2 is held, so 3 was the oldest that could go */
    wf_block *more = block(&r, 0, 9);
    assert_null(find(&r, 0, 4));
    assert_ptr_equal(find(&r, 0, 1), k[0]);
    assert_ptr_equal(find(&r, 0, 2), k[1]);
    wf_block *none;
    assert_int_equal(wf_block_take(&r.blocks, 0, &none, &r.err), WEFT_E_LIMIT);
    assert_null(none);
    wf_block_drop(&r.blocks, k[0]);
    wf_block_drop(&r.blocks, k[1]);
    wf_block_drop(&r.blocks, k[1]);
    wf_block_drop(&r.blocks, fresh);
    wf_block_drop(&r.blocks, more);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pools),
        cmocka_unit_test(test_who_limits),
        cmocka_unit_test(test_runs_keep_to_a_pool),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_copy_on_write),
        cmocka_unit_test(test_no_room_for_a_copy),
        cmocka_unit_test(test_found),
        cmocka_unit_test(test_equal_block),
        cmocka_unit_test(test_eviction_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
