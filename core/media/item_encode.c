/* SPDX-License-Identifier: Apache-2.0 */
/* Items through their encoder, alone or several in one call. */
#include "core/base/mem.h"
#include "core/base/time.h"
#include "core/media/encoding.h"

/* Of inputs and scratch of the items that run together. */
#define BATCH_BYTES ((uint64_t)256 << 20)

static void drop_outputs(weft_item *item)
{
    for (uint32_t i = 0; i < WF_MAX_OUTPUTS; i++) {
        wf_device_free(item->of->device, item->output[i]);
        item->output[i] = NULL;
    }
}

/* Copies of outputs to where they are wanted, enqueued. */
static weft_status fetch(const weft_item *item, float *const *copies, weft_error *err)
{
    weft_status status = WEFT_OK;
    for (uint32_t i = 0; copies != NULL && i < item->plan.n_outputs && status == WEFT_OK; i++)
        if (copies[i] != NULL)
            status = wf_queue_download(item->of->encode_queue, copies[i], item->output[i],
                                       wf_spec_bytes(&item->plan.outputs[i].spec), err);
    return status;
}

static weft_status fetch_now(const weft_item *item, float *const *copies, weft_error *err)
{
    weft_status status = fetch(item, copies, err);
    weft_status waited = wf_queue_wait(item->of->encode_queue, status == WEFT_OK ? err : NULL);
    return status == WEFT_OK ? waited : status;
}

/* The encode of the item is waited for, with copies of its outputs, and they are looked at. */
static weft_status end(weft_item *item, float *const *copies, weft_error *err)
{
    wf_encoding *b = item->encoding;
    double       start = b->start;
    weft_status  status = fetch(item, copies, err);
    weft_status  waited = wf_encoding_wait(b, status == WEFT_OK ? err : NULL);
    if (status == WEFT_OK)
        status = waited;
    if (status == WEFT_OK)
        status = wf_encoding_check(b, 0, err);
    wf_encoding_free(b);
    item->encoding = NULL;
    item->of->under_way = NULL;
    item->encoded = status == WEFT_OK;
    if (item->encoded)
        item->encode_s = wf_now_s() - start;
    else
        drop_outputs(item);
    return status;
}

/* The queue of encoders and the arena serve one encode at a time: whichever is under way ends
 * before another begins, so that the failure of either is told of itself alone. What fails here is
 * encoded again, and told, when its own turn comes. */
void wf_items_settle(wf_items *t)
{
    if (t->under_way != NULL)
        (void)end(t->under_way, NULL, NULL);
}

weft_status wf_item_encode_begin(weft_item *item, weft_error *err)
{
    if (item->encoded || item->encoding != NULL)
        return WEFT_OK;
    wf_items_settle(item->of);
    weft_status status = wf_encoding_start(&item, 1, &item->encoding, err);
    if (status == WEFT_OK) {
        item->of->under_way = item;
        return WEFT_OK;
    }
    if (item->encoding != NULL)
        (void)wf_encoding_wait(item->encoding, NULL);
    wf_encoding_free(item->encoding);
    item->encoding = NULL;
    drop_outputs(item);
    return wf_fail_stage(err, status, WEFT_STAGE_MEDIA);
}

bool wf_item_encode_done(const weft_item *item)
{
    return item->encoding == NULL || wf_encoding_done(item->encoding);
}

weft_status wf_item_encode(weft_item *item, float *const *copies, weft_error *err)
{
    weft_status status = wf_item_encode_begin(item, err);
    if (status != WEFT_OK)
        return status;
    if (item->encoding != NULL)
        status = end(item, copies, err);
    else if (copies != NULL)
        status = fetch_now(item, copies, err);
    return wf_fail_stage(err, status, WEFT_STAGE_MEDIA);
}

/* How many items from the first one on go together: of one modality, within the budget. */
static uint32_t batch_of(weft_item *const *items, uint32_t n)
{
    uint64_t bytes = 0;
    uint32_t k = 0;
    for (; k < n && k < WF_ENCODE_BATCH; k++) {
        if (items[k]->modality != items[0]->modality || items[k]->encoded ||
            items[k]->encoding != NULL || !wf_add(bytes, items[k]->plan.scratch_bytes, &bytes))
            break;
        for (uint32_t i = 0; i < items[k]->plan.n_inputs; i++)
            bytes += items[k]->input[i].bytes;
        if (bytes > BATCH_BYTES)
            break;
    }
    return k;
}

static void encode_together(weft_item *const *items, uint32_t n)
{
    wf_encoding *b;
    double       start = wf_now_s();
    weft_status  status, waited = WEFT_OK;
    wf_items_settle(items[0]->of);
    status = wf_encoding_start(items, n, &b, NULL);
    if (b != NULL)
        waited = wf_encoding_wait(b, NULL);
    bool ran = status == WEFT_OK && waited == WEFT_OK;
    for (uint32_t k = 0; k < n; k++) {
        items[k]->encoded = ran && wf_encoding_check(b, k, NULL) == WEFT_OK;
        if (!items[k]->encoded)
            drop_outputs(items[k]);
    }
    wf_encoding_free(b);
    for (uint32_t k = 0; k < n; k++)
        items[k]->encode_s = items[k]->encoded ? (wf_now_s() - start) / n : 0;
}

void wf_items_encode_ahead(weft_item *const *items, uint32_t n)
{
    for (uint32_t i = 0; i < n;) {
        uint32_t together = batch_of(items + i, n - i);
        if (together > 1)
            encode_together(items + i, together);
        i += together > 0 ? together : 1;
    }
}

weft_status weft_item_encode(weft_item *item, weft_error *err)
{
    if (!item->modality->loaded)
        return wf_fail(err, WEFT_E_STATE, "the engine was opened without weights");
    wf_mark     before = wf_scope_begin(item->of->scope);
    weft_status status = wf_item_encode(item, NULL, err);
    wf_scope_end(item->of->scope, &before);
    return status;
}
