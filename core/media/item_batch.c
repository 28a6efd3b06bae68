/* SPDX-License-Identifier: Apache-2.0 */
/* Items that go through their encoder in one call. */
#include "core/base/mem.h"
#include "core/media/encoding.h"

/* Bytes of inputs and scratch that the items of one call may take together. */
#define BATCH_BYTES ((uint64_t)256 << 20)

static bool goes_alone(const weft_item *item)
{
    return item->spoils || item->encoding != NULL;
}

static bool holds(const wf_item_batch *b, const weft_item *item)
{
    for (uint32_t k = 0; k < b->n; k++)
        if (b->items[k] == item)
            return true;
    return false;
}

/* Whether the batch with the item has these bytes; false where they cannot be counted. */
static bool sum_bytes(const wf_item_batch *b, const weft_item *item, uint64_t *bytes)
{
    bool fits = wf_add(b->bytes, item->plan.scratch_bytes, bytes);
    for (uint32_t i = 0; i < item->plan.n_inputs && fits; i++)
        fits = wf_add(*bytes, item->input[i].bytes, bytes);
    return fits;
}

static bool may_join(const wf_item_batch *b, const weft_item *item, uint64_t bytes)
{
    return b->n < WF_ENCODE_BATCH && bytes <= BATCH_BYTES && !goes_alone(item) &&
           !goes_alone(b->items[0]) && item->modality == b->items[0]->modality && !holds(b, item);
}

bool wf_item_batch_add(wf_item_batch *b, weft_item *item)
{
    uint64_t bytes;
    if (item->encoded)
        return false;
    if (!sum_bytes(b, item, &bytes))
        bytes = UINT64_MAX;
    if (b->n > 0 && !may_join(b, item, bytes))
        return false;
    b->items[b->n++] = item;
    b->bytes = bytes;
    return true;
}

weft_status wf_item_batch_begin(const wf_item_batch *b, weft_error *err)
{
    if (b->n == 1)
        return wf_item_encode_begin(b->items[0], err);
    weft_status status = wf_items_begin(b->items, b->n, err);
    if (status == WEFT_OK || wf_scope_is_cancelled(b->items[0]->of->scope))
        return status;
    for (uint32_t k = 0; k < b->n; k++)
        b->items[k]->spoils = true;
    return status;
}

bool wf_item_batch_done(const wf_item_batch *b)
{
    return wf_item_encode_done(b->items[0]);
}

weft_status wf_item_batch_end(const wf_item_batch *b, weft_error *err)
{
    if (b->n == 1)
        return wf_item_encode(b->items[0], NULL, err);
    if (b->items[0]->encoding != NULL)
        wf_items_settle(b->items[0]->of);
    return WEFT_OK;
}

void wf_items_encode_ahead(weft_item *const *items, uint32_t n)
{
    for (uint32_t i = 0; i < n;) {
        wf_item_batch b = {.n = 0};
        while (i + b.n < n && wf_item_batch_add(&b, items[i + b.n]))
            continue;
        if (b.n > 1 && wf_item_batch_begin(&b, NULL) == WEFT_OK)
            (void)wf_item_batch_end(&b, NULL);
        i += b.n > 0 ? b.n : 1;
    }
}
