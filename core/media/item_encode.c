/* SPDX-License-Identifier: Apache-2.0 */
/* Items through their encoder: how an encode begins and ends. */
#include "core/base/time.h"
#include "core/media/encoding.h"
#include "core/media/familiar.h"

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

/* What came of the k-th item of an encode that has been waited for. */
static weft_status conclude(wf_encoding *b, uint32_t k, weft_status waited, weft_error *err)
{
    weft_item  *item = b->items[k];
    weft_status status = waited == WEFT_OK ? wf_encoding_check(b, k, err) : waited;
    item->encoding = NULL;
    item->encoded = status == WEFT_OK;
    item->spoils |= status != WEFT_OK && b->n > 1 && !wf_scope_is_cancelled(item->of->scope);
    if (item->encoded) {
        item->encode_s = (wf_now_s() - b->start) / b->n;
        wf_familiar_look(item);
    } else {
        drop_outputs(item);
    }
    return status;
}

/* The encode under way is waited for, with copies of the outputs of its first item, and what it
 * gave is looked at. Told is what came of the last item: of the only one, where anybody listens. */
static weft_status end(wf_items *t, float *const *copies, weft_error *err)
{
    wf_encoding *b = t->under_way;
    weft_status  status = fetch(b->items[0], copies, err);
    weft_status  waited = wf_encoding_wait(b, status == WEFT_OK ? err : NULL);
    if (status != WEFT_OK)
        waited = status;
    for (uint32_t k = 0; k < b->n; k++)
        status = conclude(b, k, waited, err);
    wf_encoding_free(b);
    t->under_way = NULL;
    return status;
}

/* The queue of encoders and the arena serve one encode at a time: whichever is under way ends
 * before another begins, so that the failure of either is told of itself alone. What fails here is
 * encoded again, and told, when its own turn comes. */
void wf_items_settle(wf_items *t)
{
    if (t->under_way != NULL)
        (void)end(t, NULL, NULL);
}

weft_status wf_items_begin(weft_item *const *items, uint32_t n, weft_error *err)
{
    wf_items    *t = items[0]->of;
    wf_encoding *b;
    wf_items_settle(t);
    weft_status status = wf_encoding_start(items, n, &b, err);
    if (status == WEFT_OK) {
        for (uint32_t k = 0; k < n; k++)
            items[k]->encoding = b;
        t->under_way = b;
        return WEFT_OK;
    }
    if (b != NULL)
        (void)wf_encoding_wait(b, NULL);
    wf_encoding_free(b);
    for (uint32_t k = 0; k < n; k++)
        drop_outputs(items[k]);
    return wf_fail_stage(err, status, WEFT_STAGE_MEDIA);
}

weft_status wf_item_encode_begin(weft_item *item, weft_error *err)
{
    if (item->encoding != NULL && item->encoding->n > 1)
        wf_items_settle(item->of);
    if (item->encoded || item->encoding != NULL)
        return WEFT_OK;
    return wf_items_begin(&item, 1, err);
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
        status = end(item->of, copies, err);
    else if (copies != NULL)
        status = fetch_now(item, copies, err);
    return wf_fail_stage(err, status, WEFT_STAGE_MEDIA);
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
