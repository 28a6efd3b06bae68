/* SPDX-License-Identifier: Apache-2.0 */
/* What a sequence has computed: its blocks of keys and values, taken from the prefix cache,
 * reserved for a step, offered to the cache, and given back. */
#include "core/sequence/sequence.h"

#include "core/base/mem.h"

#define UPDATED_ROOT UINT64_MAX /* no block's id: they count up from 1 */

/* What stands at a position, for the prefix cache: the token, or the item's content and row. */
static uint64_t key_of(const weft_sequence *s, int64_t pos)
{
    const wf_tok *t = &s->toks[pos];
    if (t->item < 0)
        return (uint64_t)(uint32_t)t->id;
    const uint64_t *d = s->items[t->item].item->digest;
    return (d[0] * 0x9E3779B97F4A7C15u ^ d[1] ^ (uint64_t)(uint32_t)t->row) | (uint64_t)1 << 63;
}

static void keys_of(const weft_sequence *s, int64_t pos, uint64_t *key)
{
    for (int32_t i = 0; i < WF_PAGE_TOKENS; i++)
        key[i] = key_of(s, pos + i);
}

static weft_status add_block(weft_sequence *s, wf_block *k, weft_error *err)
{
    if (s->n_blocks == s->blocks_cap) {
        int64_t    cap = s->blocks_cap * 2 + 8;
        wf_block **p = wf_realloc(s->blocks, (size_t)cap * sizeof(*p));
        if (p == NULL)
            return wf_fail_nomem(err, (uint64_t)cap * sizeof(*p), "a sequence's blocks");
        s->blocks = p;
        s->blocks_cap = cap;
    }
    s->blocks[s->n_blocks++] = k;
    return WEFT_OK;
}

/* What the first block of a sequence follows: with the low-rank update, keys and values are others
 * than those of the same tokens without it, and only found by their like. */
static uint64_t root_id(const weft_sequence *s)
{
    return wf_sequence_is_updated(s) ? UPDATED_ROOT : 0;
}

static uint64_t last_id(const weft_sequence *s)
{
    return s->n_blocks > 0 ? s->blocks[s->n_blocks - 1]->id : root_id(s);
}

void wf_sequence_reuse(weft_sequence *s)
{
    uint64_t key[WF_PAGE_TOKENS];
    while (!s->no_cache && s->n_done == s->n_blocks * WF_PAGE_TOKENS &&
           s->n - s->n_done > WF_PAGE_TOKENS) {
        keys_of(s, s->n_done, key);
        wf_block *k = wf_blocks_find(s->of->blocks, last_id(s), key);
        if (k == NULL)
            return;
        if (add_block(s, k, NULL) != WEFT_OK) {
            wf_block_drop(s->of->blocks, k);
            return;
        }
        s->n_done += WF_PAGE_TOKENS;
        s->n_offered = s->n_blocks;
        s->n_cached += WF_PAGE_TOKENS;
    }
}

static weft_status next_block(weft_sequence *s, weft_error *err)
{
    wf_block   *k;
    weft_status status = wf_block_take(s->of->blocks, last_id(s), &k, err);
    if (status == WEFT_OK && (status = add_block(s, k, err)) != WEFT_OK)
        wf_block_drop(s->of->blocks, k);
    return status;
}

weft_status wf_sequence_reserve(weft_sequence *s, int64_t end, weft_error *err)
{
    weft_status status = WEFT_OK;
    if (s->n_done % WF_PAGE_TOKENS != 0) /* the next row goes into a block that is begun */
        status = wf_block_own(s->of->blocks, &s->blocks[s->n_done / WF_PAGE_TOKENS], err);
    while (status == WEFT_OK && s->n_blocks * WF_PAGE_TOKENS < end)
        status = next_block(s, err);
    return status;
}

static void keep_blocks(weft_sequence *s, int64_t n)
{
    while (s->n_blocks > n)
        wf_block_drop(s->of->blocks, s->blocks[--s->n_blocks]);
    if (s->n_offered > n)
        s->n_offered = n;
}

void wf_sequence_trim(weft_sequence *s)
{
    keep_blocks(s, (s->n_done + WF_PAGE_TOKENS - 1) / WF_PAGE_TOKENS);
}

void wf_sequence_forget(weft_sequence *s, int64_t n)
{
    keep_blocks(s, (n + WF_PAGE_TOKENS - 1) / WF_PAGE_TOKENS);
    if (s->n_offered > n / WF_PAGE_TOKENS)
        s->n_offered = n / WF_PAGE_TOKENS;
    if (s->n_done > n)
        s->n_done = n;
    /* What follows may differ, so blocks cached after this one must not be found through its name.
     */
    if (s->n_blocks > 0 && n % WF_PAGE_TOKENS != 0 && s->blocks[s->n_blocks - 1]->refs == 1)
        s->blocks[s->n_blocks - 1]->id = s->of->blocks->next_id++;
}

void wf_sequence_yield(weft_sequence *s, int64_t n_done)
{
    if (n_done < s->n_done)
        s->n_done = n_done;
    wf_sequence_trim(s);
    if (s->n_offered > s->n_done / WF_PAGE_TOKENS)
        s->n_offered = s->n_done / WF_PAGE_TOKENS;
}

int64_t wf_sequence_blocks_needed(const weft_sequence *s, int64_t n)
{
    int64_t blocks = (n + WF_PAGE_TOKENS - 1) / WF_PAGE_TOKENS;
    return blocks > s->n_blocks ? blocks - s->n_blocks : 0;
}

void wf_sequence_advance(weft_sequence *s, int64_t end)
{
    s->n_done = end;
}

void wf_sequence_offer(weft_sequence *s)
{
    int64_t full = s->n_done / WF_PAGE_TOKENS;
    for (; !s->no_cache && s->n_offered < full; s->n_offered++) {
        wf_block **k = &s->blocks[s->n_offered];
        if ((*k)->cached)
            continue;
        keys_of(s, s->n_offered * WF_PAGE_TOKENS, (*k)->key);
        wf_blocks_offer(s->of->blocks, s->n_offered > 0 ? k[-1]->id : root_id(s), k);
    }
}
