/* SPDX-License-Identifier: Apache-2.0 */
/* Items through their encoder, alone or several in one call. */
#include <math.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/progress.h"
#include "core/base/time.h"
#include "core/host/host.h"
#include "core/io/text.h"
#include "core/media/calls.h"
#include "core/media/fill.h"
#include "core/media/item.h"

#define POISON_BYTES ((uint64_t)1 << 20)
/* Of inputs and scratch of the items that run together. */
#define BATCH_BYTES ((uint64_t)256 << 20)

/* Memory of one item in an encode: the arena's, but for the outputs, which are the item's, and the
 * host copies. */
typedef struct encode_job {
    weft_tensor input[WF_MAX_INPUTS], output[WF_MAX_OUTPUTS];
    void       *staged[WF_MAX_INPUTS]; /* host copies of the inputs */
} encode_job;

/* Items of one modality that are encoded in one call; from its begin to its end one item's is that
 * item's `encoding`. */
typedef struct wf_encoding {
    weft_item        *one;   /* of a batch of one */
    weft_item *const *items; /* [n] */
    uint32_t          n, reserved;
    double            start;
    weft_tensor       scratch;
    encode_job        jobs[WF_ENCODE_BATCH];
    weft_encode_item  calls[WF_ENCODE_BATCH];
} batch;

static weft_tensor device_view(const wf_device *d, void *data, const weft_tensor_spec *s)
{
    return wf_spec_view(s, d->type, d->id, data);
}

static weft_status job_inputs(const weft_item *item, encode_job *job, weft_error *err)
{
    wf_items *t = item->of;
    for (uint32_t i = 0; i < item->plan.n_inputs; i++) {
        void       *p;
        weft_status status = wf_arena_take(&t->arena, item->input[i].bytes, &p, err);
        if (status != WEFT_OK)
            return status;
        job->input[i] = device_view(t->device, p, &item->plan.inputs[i].spec);
        job->staged[i] = wf_alloc_aligned((size_t)item->input[i].bytes);
        if (job->staged[i] == NULL)
            return wf_fail_nomem(err, item->input[i].bytes, "an encoder's input");
    }
    return WEFT_OK;
}

/* Every float of n bytes of device memory becomes one that tells that it was not written. */
static weft_status poison(weft_queue *q, void *dst, uint64_t n, weft_error *err)
{
    uint64_t    part = n < POISON_BYTES ? n : POISON_BYTES;
    weft_status status = WEFT_OK;
    uint8_t    *host = wf_alloc_aligned((size_t)part);
    if (host == NULL)
        return wf_fail_nomem(err, part, "validating an encoder");
    wf_poison(host, part);
    for (uint64_t at = 0; at < n && status == WEFT_OK; at += part)
        status = wf_queue_upload(q, (uint8_t *)dst + at, host, n - at < part ? n - at : part, err);
    weft_status waited = wf_queue_wait(q, status == WEFT_OK ? err : NULL);
    wf_free_aligned(host);
    return status == WEFT_OK ? waited : status;
}

/* Whatever an encoder leaves unwritten, or reads before it has written, must not depend on what
 * stood in this memory before. */
static weft_status prepare(const wf_items *t, void *dst, uint64_t n, weft_error *err)
{
    return t->validate ? poison(t->encode_queue, dst, n, err)
                       : wf_queue_zero(t->encode_queue, dst, n, err);
}

static weft_status job_outputs(weft_item *item, encode_job *job, weft_error *err)
{
    wf_items *t = item->of;
    for (uint32_t i = 0; i < item->plan.n_outputs; i++) {
        const weft_tensor_spec *spec = &item->plan.outputs[i].spec;
        uint64_t                bytes = wf_spec_bytes(spec);
        weft_status             status = wf_device_alloc(t->device, bytes, &item->output[i], err);
        if (status == WEFT_OK)
            status = prepare(t, item->output[i], bytes, err);
        if (status != WEFT_OK)
            return status;
        job->output[i] = device_view(t->device, item->output[i], spec);
    }
    return WEFT_OK;
}

/* Memory for the k-th item of the batch. */
static weft_status job_open(batch *b, uint32_t k, weft_error *err)
{
    weft_item  *item = b->items[k];
    encode_job *job = &b->jobs[k];
    weft_status status = job_inputs(item, job, err);
    if (status == WEFT_OK)
        status = job_outputs(item, job, err);
    b->calls[k] = (weft_encode_item){WEFT_HDR(weft_encode_item), &item->plan, job->input,
                                     job->output, item->input};
    return status;
}

static weft_status batch_scratch(batch *b, uint64_t bytes, weft_error *err)
{
    wf_items        *t = b->items[0]->of;
    weft_tensor_spec spec = {{WEFT_DT_UINT, 8, 1}, 1, {(int64_t)bytes}};
    b->scratch = device_view(t->device, NULL, &spec);
    if (bytes == 0)
        return WEFT_OK;
    weft_status status = wf_arena_take(&t->arena, bytes, &b->scratch.data, err);
    return status == WEFT_OK ? prepare(t, b->scratch.data, bytes, err) : status;
}

static weft_status batch_open(batch *b, weft_error *err)
{
    uint64_t    scratch = 0;
    weft_status status = WEFT_OK;
    for (uint32_t k = 0; k < b->n && status == WEFT_OK; k++) {
        status = job_open(b, k, err);
        if (status == WEFT_OK && !wf_add(scratch, b->items[k]->plan.scratch_bytes, &scratch))
            status = wf_fail_nomem(err, UINT64_MAX, "an encoder's scratch");
    }
    return status == WEFT_OK ? batch_scratch(b, scratch, err) : status;
}

static void batch_close(batch *b)
{
    wf_arena_end(&b->items[0]->of->arena);
    for (uint32_t k = 0; k < b->n; k++)
        for (uint32_t i = 0; i < WF_MAX_INPUTS; i++)
            wf_free_aligned(b->jobs[k].staged[i]);
    wf_free(b);
}

/* The encoder must not read inputs on the host late: uploads come from a copy, since an item's
 * inputs stay readable. */
static weft_status upload(const weft_item *item, const encode_job *job, weft_error *err)
{
    weft_status status = WEFT_OK;
    for (uint32_t i = 0; i < item->plan.n_inputs && status == WEFT_OK; i++) {
        memcpy(job->staged[i], item->input[i].data, (size_t)item->input[i].bytes);
        status = wf_queue_upload(item->of->encode_queue, job->input[i].data, job->staged[i],
                                 item->input[i].bytes, err);
    }
    return status;
}

/* What messages call it: several items are no one's file. */
static const char *file_of(const batch *b)
{
    return b->n == 1 ? b->items[0]->file : NULL;
}

static weft_status enqueue(batch *b, weft_error *err)
{
    const weft_item *first = b->items[0];
    weft_status      status = WEFT_OK;
    for (uint32_t k = 0; k < b->n && status == WEFT_OK; k++)
        status = upload(b->items[k], &b->jobs[k], err);
    if (status != WEFT_OK)
        return status;
    return wf_modality_encode(first->modality, file_of(b), b->calls, b->n, first->of->encode_queue,
                              &b->scratch, err);
}

static weft_status unwritten(const weft_item *item, uint32_t i, uint64_t k, weft_error *err)
{
    wf_fail(err, WEFT_E_INTERNAL, "%s%s%s gave OK without writing %s at element %llu in encode",
            item->file != NULL ? wf_quote(item->file).s : "", item->file != NULL ? ": " : "",
            wf_plugin_id(item->modality->plugin), item->plan.outputs[i].name,
            (unsigned long long)k);
    return wf_fail_stage(err, WEFT_E_INTERNAL, WEFT_STAGE_PLUGIN);
}

static weft_status check_finite(const weft_item *item, uint32_t i, const float *v, weft_error *err)
{
    uint64_t n = wf_spec_numel(&item->plan.outputs[i].spec);
    for (uint64_t k = 0; k < n; k++) {
        if (isfinite(v[k]))
            continue;
        if (item->of->validate && wf_is_poison(v[k]))
            return unwritten(item, i, k, err);
        return wf_fail(err, WEFT_E_NUMERIC,
                       "%s%s%s: the encoder's %s holds %s at element %llu: its weights or this "
                       "item are damaged",
                       item->file != NULL ? wf_quote(item->file).s : "",
                       item->file != NULL ? ": " : "", wf_plugin_id(item->modality->plugin),
                       item->plan.outputs[i].name, isnan(v[k]) ? "NaN" : "infinity",
                       (unsigned long long)k);
    }
    return WEFT_OK;
}

static weft_status fetch(weft_item *item, uint32_t i, float *copy, weft_error *err)
{
    weft_queue *q = item->of->encode_queue;
    uint64_t    bytes = wf_spec_bytes(&item->plan.outputs[i].spec);
    float      *v = copy != NULL ? copy : wf_alloc_aligned((size_t)bytes);
    if (v == NULL)
        return wf_fail_nomem(err, bytes, "checking an encoder's output");
    weft_status status = wf_queue_download(q, v, item->output[i], bytes, err);
    weft_status waited = wf_queue_wait(q, status == WEFT_OK ? err : NULL);
    if (status == WEFT_OK)
        status = waited;
    if (status == WEFT_OK)
        status = check_finite(item, i, v, err);
    if (copy == NULL)
        wf_free_aligned(v);
    return status;
}

/* A batch of n items, which have not been through the encoder, given to it; nothing is waited for.
 */
static weft_status start(weft_item *const *items, uint32_t n, batch **out, weft_error *err)
{
    batch *b = wf_zalloc(sizeof *b);
    *out = b;
    if (b == NULL)
        return wf_fail_nomem(err, sizeof *b, "a batch of items");
    wf_progress_tell(items[0]->of->progress, "encoding", 0, 0, "items");
    b->one = items[0];
    b->items = n == 1 ? &b->one : items;
    b->n = n;
    b->start = wf_now_s();
    weft_status status = batch_open(b, err);
    return status == WEFT_OK ? enqueue(b, err) : status;
}

/* Waits for what was enqueued, and gives back what the encode needed; b is gone. */
static weft_status finish(batch *b, weft_error *err)
{
    const weft_item *first = b->items[0];
    weft_queue      *q = first->of->encode_queue;
    weft_status      status = wf_modality_wait(first->modality, file_of(b), q, err);
    wf_host_queue_waited(wf_plugin_host(first->modality->plugin), q);
    batch_close(b);
    return status;
}

/* Runs the encoder over n items; nothing is checked yet. */
static weft_status encode_now(weft_item *const *items, uint32_t n, weft_error *err)
{
    batch      *b;
    weft_status status = start(items, n, &b, err);
    weft_status waited = b != NULL ? finish(b, status == WEFT_OK ? err : NULL) : WEFT_OK;
    return status == WEFT_OK ? waited : status;
}

static void drop_outputs(weft_item *item)
{
    for (uint32_t i = 0; i < WF_MAX_OUTPUTS; i++) {
        wf_device_free(item->of->device, item->output[i]);
        item->output[i] = NULL;
    }
}

/* The item's outputs, looked at and copied to where they are wanted. */
static weft_status take_outputs(weft_item *item, float *const *copies, weft_error *err)
{
    weft_status status = WEFT_OK;
    for (uint32_t i = 0; i < item->plan.n_outputs && status == WEFT_OK; i++)
        status = fetch(item, i, copies != NULL ? copies[i] : NULL, err);
    return status;
}

weft_status wf_item_encode_begin(weft_item *item, weft_error *err)
{
    if (item->encoded || item->encoding != NULL)
        return WEFT_OK;
    weft_status status = start(&item, 1, &item->encoding, err);
    if (status != WEFT_OK) {
        if (item->encoding != NULL)
            (void)finish(item->encoding, NULL);
        item->encoding = NULL;
        drop_outputs(item);
    }
    return wf_fail_stage(err, status, WEFT_STAGE_MEDIA);
}

static weft_status end(weft_item *item, float *const *copies, weft_error *err)
{
    double      start = item->encoding->start;
    weft_status status = finish(item->encoding, err);
    item->encoding = NULL;
    if (status == WEFT_OK)
        status = take_outputs(item, copies, err);
    item->encoded = status == WEFT_OK;
    if (item->encoded)
        item->encode_s = wf_now_s() - start;
    else
        drop_outputs(item);
    return status;
}

weft_status wf_item_encode(weft_item *item, float *const *copies, weft_error *err)
{
    weft_status status = wf_item_encode_begin(item, err);
    if (status != WEFT_OK)
        return status;
    if (item->encoding != NULL)
        status = end(item, copies, err);
    else if (copies != NULL)
        status = take_outputs(item, copies, err);
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
    double      start = wf_now_s();
    weft_status status = encode_now(items, n, NULL);
    for (uint32_t k = 0; k < n; k++) {
        items[k]->encoded = status == WEFT_OK && take_outputs(items[k], NULL, NULL) == WEFT_OK;
        if (!items[k]->encoded)
            drop_outputs(items[k]);
    }
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
