/* SPDX-License-Identifier: Apache-2.0 */
/* An item through its encoder. */
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

/* An encode on its way. Device memory is the arena's, but for the outputs, which are the item's. */
struct wf_encoding {
    weft_tensor input[WEFT_MAX_INPUTS], output[WEFT_MAX_OUTPUTS];
    weft_tensor scratch;
    void       *staged[WEFT_MAX_INPUTS]; /* host copies of the inputs, which uploads read late */
    double      start;
};

static weft_tensor device_view(const wf_device *d, void *data, const weft_tensor_spec *s)
{
    return wf_spec_view(s, d->type, d->id, data);
}

static weft_status job_inputs(weft_item *item, wf_encoding *job, weft_error *err)
{
    wf_items *t = item->of;
    for (uint32_t i = 0; i < item->plan.n_inputs; i++) {
        void       *p;
        weft_status status = wf_arena_take(&t->arena, item->input[i].bytes, &p, err);
        if (status != WEFT_OK)
            return status;
        job->input[i] = device_view(t->device, p, &item->plan.input[i]);
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

static weft_status job_scratch(weft_item *item, wf_encoding *job, weft_error *err)
{
    wf_items        *t = item->of;
    uint64_t         bytes = item->plan.scratch_bytes;
    weft_tensor_spec spec = {{WEFT_DT_UINT, 8, 1}, 1, {(int64_t)bytes}};
    job->scratch = device_view(t->device, NULL, &spec);
    if (bytes == 0)
        return WEFT_OK;
    weft_status status = wf_arena_take(&t->arena, bytes, &job->scratch.data, err);
    return status == WEFT_OK ? prepare(t, job->scratch.data, bytes, err) : status;
}

static weft_status job_outputs(weft_item *item, wf_encoding *job, weft_error *err)
{
    wf_items *t = item->of;
    for (uint32_t i = 0; i < item->plan.n_outputs; i++) {
        uint64_t    bytes = wf_spec_bytes(&item->plan.output[i]);
        weft_status status = wf_device_alloc(t->device, bytes, &item->output[i], err);
        if (status == WEFT_OK)
            status = prepare(t, item->output[i], bytes, err);
        if (status != WEFT_OK)
            return status;
        job->output[i] = device_view(t->device, item->output[i], &item->plan.output[i]);
    }
    return job_scratch(item, job, err);
}

/* The encoder must not read inputs on the host late: uploads come from a copy, since an item's
 * inputs stay readable. */
static weft_status enqueue(weft_item *item, wf_encoding *job, weft_error *err)
{
    const wf_items  *t = item->of;
    weft_encode_item one = {&item->plan, job->input, job->output, item->input};
    weft_status      status = WEFT_OK;
    for (uint32_t i = 0; i < item->plan.n_inputs && status == WEFT_OK; i++) {
        memcpy(job->staged[i], item->input[i].data, (size_t)item->input[i].bytes);
        status = wf_queue_upload(t->encode_queue, job->input[i].data, job->staged[i],
                                 item->input[i].bytes, err);
    }
    if (status != WEFT_OK)
        return status;
    return wf_modality_encode(item->modality, item->file, &one, 1, t->encode_queue, &job->scratch,
                              err);
}

static weft_status unwritten(const weft_item *item, uint32_t i, uint64_t k, weft_error *err)
{
    wf_fail(err, WEFT_E_INTERNAL, "%s%s%s gave OK without writing %s at element %llu in encode",
            item->file != NULL ? wf_quote(item->file).s : "", item->file != NULL ? ": " : "",
            wf_plugin_id(item->modality->plugin), item->plan.output_name[i], (unsigned long long)k);
    return wf_fail_stage(err, WEFT_E_INTERNAL, WEFT_STAGE_PLUGIN);
}

static weft_status check_finite(const weft_item *item, uint32_t i, const float *v, weft_error *err)
{
    uint64_t n = wf_spec_numel(&item->plan.output[i]);
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
                       item->plan.output_name[i], isnan(v[k]) ? "NaN" : "infinity",
                       (unsigned long long)k);
    }
    return WEFT_OK;
}

static weft_status fetch(weft_item *item, uint32_t i, float *copy, weft_error *err)
{
    weft_queue *q = item->of->encode_queue;
    uint64_t    bytes = wf_spec_bytes(&item->plan.output[i]);
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

/* Waits for what was enqueued and gives back what the encode needed. */
static weft_status finish(weft_item *item, weft_error *err)
{
    wf_encoding *job = item->encoding;
    weft_queue  *q = item->of->encode_queue;
    weft_status  status = wf_modality_wait(item->modality, item->file, q, err);
    wf_host_queue_waited(wf_plugin_host(item->modality->plugin), q);
    wf_arena_end(&item->of->arena);
    for (uint32_t i = 0; i < WEFT_MAX_INPUTS; i++)
        wf_free_aligned(job->staged[i]);
    wf_free(job);
    item->encoding = NULL;
    return status;
}

static weft_status begin(weft_item *item, wf_encoding *job, weft_error *err)
{
    weft_status status = job_inputs(item, job, err);
    if (status == WEFT_OK)
        status = job_outputs(item, job, err);
    for (uint32_t i = 0; i < item->plan.n_inputs && status == WEFT_OK; i++)
        if ((job->staged[i] = wf_alloc_aligned((size_t)item->input[i].bytes)) == NULL)
            status = wf_fail_nomem(err, item->input[i].bytes, "an encoder's input");
    return status == WEFT_OK ? enqueue(item, job, err) : status;
}

static void drop_outputs(weft_item *item)
{
    for (uint32_t i = 0; i < WEFT_MAX_OUTPUTS; i++) {
        wf_device_free(item->of->device, item->output[i]);
        item->output[i] = NULL;
    }
}

weft_status wf_item_encode_begin(weft_item *item, weft_error *err)
{
    if (item->encoded || item->encoding != NULL)
        return WEFT_OK;
    wf_progress_tell(item->of->progress, "encoding", 0, 0, "items");
    if ((item->encoding = wf_zalloc(sizeof *item->encoding)) == NULL)
        return wf_fail_stage(err, wf_fail_nomem(err, sizeof *item->encoding, "an encode"),
                             WEFT_STAGE_MEDIA);
    item->encoding->start = wf_now_s();
    weft_status status = begin(item, item->encoding, err);
    if (status != WEFT_OK) {
        (void)finish(item, NULL);
        drop_outputs(item);
    }
    return wf_fail_stage(err, status, WEFT_STAGE_MEDIA);
}

/* Every value of every output is looked at. */
static weft_status fetch_all(weft_item *item, float *const *copies, weft_error *err)
{
    weft_status status = WEFT_OK;
    for (uint32_t i = 0; i < item->plan.n_outputs && status == WEFT_OK; i++)
        status = fetch(item, i, copies != NULL ? copies[i] : NULL, err);
    return status;
}

static weft_status end(weft_item *item, float *const *copies, weft_error *err)
{
    double      start = item->encoding->start;
    weft_status status = finish(item, err);
    if (status == WEFT_OK)
        status = fetch_all(item, copies, err);
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
        status = fetch_all(item, copies, err);
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
