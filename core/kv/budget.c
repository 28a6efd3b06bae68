/* SPDX-License-Identifier: Apache-2.0 */
/* Pages for whoever asks, at the cost of whoever can spare them. */
#include "core/kv/budget.h"

#include <string.h>

void wf_kv_budget_init(wf_kv_budget *b, wf_device *d, weft_queue *q, const wf_kv_sizes *sizes)
{
    memset(b, 0, sizeof *b);
    wf_kv_pool_init(&b->pool, d, q, sizes);
}

void wf_kv_budget_free(wf_kv_budget *b)
{
    wf_kv_pool_free(&b->pool);
    memset(b, 0, sizeof *b);
}

void wf_kv_register(wf_kv_budget *b, wf_kv_holder *h)
{
    wf_kv_holder **at = &b->holders;
    while (*at != NULL)
        at = &(*at)->next;
    h->next = NULL;
    *at = h;
}

uint64_t wf_kv_tick(wf_kv_budget *b)
{
    return ++b->now;
}

static bool make_room(wf_kv_budget *b)
{
    for (wf_kv_holder *h = b->holders; h != NULL; h = h->next)
        if (h->give_up(h->ctx, b->now))
            return true;
    return false;
}

weft_status wf_kv_take(wf_kv_budget *b, int32_t n, int32_t *page, weft_error *err)
{
    weft_status status = wf_kv_pool_take(&b->pool, n, page, err);
    while (status == WEFT_E_LIMIT && make_room(b))
        status = wf_kv_pool_take(&b->pool, n, page, err);
    return status;
}

void wf_kv_give(wf_kv_budget *b, int32_t page, int32_t n)
{
    wf_kv_pool_give(&b->pool, page, n);
}

int64_t wf_kv_spare(const wf_kv_budget *b)
{
    int64_t n = b->pool.max_pages - b->pool.n_used;
    for (const wf_kv_holder *h = b->holders; h != NULL; h = h->next)
        if (h->spare != NULL)
            n += h->spare(h->ctx, b->now);
    return n;
}
