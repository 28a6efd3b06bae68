/* SPDX-License-Identifier: Apache-2.0 */
/* Shared blocks and the prefix cache. */
#include "core/kv/blocks.h"

#include <string.h>

#include "core/base/mem.h"

static uint32_t bucket_of(uint64_t parent, const uint64_t *key)
{
    uint64_t h = parent * 0x9E3779B97F4A7C15u;
    for (int32_t i = 0; i < WF_PAGE_TOKENS; i++)
        h = (h ^ key[i]) * 0xD6E8FEB86659FD93u + (h >> 29);
    return (uint32_t)((h ^ (h >> 32)) % WF_BLOCK_BUCKETS);
}

static void unlink_age(wf_blocks *b, wf_block *k)
{
    *(k->older != NULL ? &k->older->newer : &b->oldest) = k->newer;
    *(k->newer != NULL ? &k->newer->older : &b->newest) = k->older;
    k->older = k->newer = NULL;
}

static void link_newest(wf_blocks *b, wf_block *k)
{
    k->older = b->newest;
    k->newer = NULL;
    *(b->newest != NULL ? &b->newest->newer : &b->oldest) = k;
    b->newest = k;
}

static void uncache(wf_blocks *b, wf_block *k)
{
    wf_block **at = &b->bucket[bucket_of(k->parent, k->key)];
    while (*at != k)
        at = &(*at)->chain;
    *at = k->chain;
    unlink_age(b, k);
    k->cached = 0;
    wf_block_drop(b, k);
}

void wf_blocks_free(wf_blocks *b)
{
    while (b->oldest != NULL)
        uncache(b, b->oldest);
}

/* The cached block that was used longest ago and that no sequence holds. */
static bool give_up(void *ctx, uint64_t now)
{
    wf_blocks *b = ctx;
    (void)now; /* a block of the step that runs has a sequence that holds it: refs > 1 */
    for (wf_block *k = b->oldest; k != NULL; k = k->newer) {
        if (k->refs > 1)
            continue;
        uncache(b, k);
        return true;
    }
    return false;
}

static int64_t spare(void *ctx, uint64_t now)
{
    const wf_blocks *b = ctx;
    int64_t          n = 0;
    (void)now;
    for (const wf_block *k = b->oldest; k != NULL; k = k->newer)
        n += k->refs == 1 ? b->run : 0;
    return n;
}

void wf_blocks_init(wf_blocks *b, wf_kv_budget *budget, int32_t run)
{
    memset(b, 0, sizeof *b);
    b->budget = budget;
    b->run = run;
    b->next_id = 1;
    b->holder = (wf_kv_holder){NULL, give_up, b, spare};
    wf_kv_register(budget, &b->holder);
}

weft_status wf_block_take(wf_blocks *b, uint64_t parent, wf_block **out, weft_error *err)
{
    wf_block *k = wf_zalloc(sizeof *k);
    *out = NULL;
    if (k == NULL)
        return wf_fail_nomem(err, sizeof *k, "a block of keys and values");
    weft_status status = wf_kv_take(b->budget, b->run, &k->page, err);
    if (status != WEFT_OK) {
        wf_free(k);
        return status;
    }
    k->id = b->next_id++;
    k->parent = parent;
    k->refs = 1;
    *out = k;
    return WEFT_OK;
}

void wf_block_hold(wf_block *k)
{
    k->refs++;
}

void wf_block_drop(wf_blocks *b, wf_block *k)
{
    if (k == NULL || --k->refs > 0)
        return;
    wf_kv_give(b->budget, k->page, b->run);
    wf_free(k);
}

weft_status wf_block_own(wf_blocks *b, wf_block **k, weft_error *err)
{
    wf_block *mine;
    if ((*k)->refs == 1)
        return WEFT_OK;
    weft_status status = wf_block_take(b, (*k)->parent, &mine, err);
    if (status != WEFT_OK)
        return status;
    status = wf_kv_pool_copy(&b->budget->pool, (*k)->page, mine->page, b->run, err);
    if (status != WEFT_OK) {
        wf_block_drop(b, mine);
        return status;
    }
    memcpy(mine->key, (*k)->key, sizeof mine->key);
    wf_block_drop(b, *k);
    *k = mine;
    return WEFT_OK;
}

wf_block *wf_blocks_find(wf_blocks *b, uint64_t parent, const uint64_t *key)
{
    for (wf_block *k = b->bucket[bucket_of(parent, key)]; k != NULL; k = k->chain) {
        if (k->parent != parent || memcmp(k->key, key, sizeof k->key) != 0)
            continue;
        unlink_age(b, k);
        link_newest(b, k);
        wf_block_hold(k);
        return k;
    }
    return NULL;
}

void wf_blocks_offer(wf_blocks *b, uint64_t parent, wf_block **block)
{
    wf_block *k = *block, *equal;
    if (k->cached)
        return;
    if ((equal = wf_blocks_find(b, parent, k->key)) != NULL) {
        wf_block_drop(b, k);
        *block = equal;
        return;
    }
    k->parent = parent;
    uint32_t at = bucket_of(k->parent, k->key);
    k->chain = b->bucket[at];
    b->bucket[at] = k;
    k->cached = 1;
    link_newest(b, k);
    wf_block_hold(k);
}
