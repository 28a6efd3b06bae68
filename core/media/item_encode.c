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

/* Device memory of one encode: the arena's, but for the outputs, which are the item's. */
typedef struct encode_job {
    weft_tensor input[WEFT_MAX_INPUTS], output[WEFT_MAX_OUTPUTS];
    weft_tensor scratch;
} encode_job;

static weft_tensor device_view(const wf_device *d, void *data, const weft_tensor_spec *s)
{
    return wf_spec_view(s, d->type, d->id, data);
}

static weft_status job_inputs(weft_item *item, encode_job *job, weft_error *err)
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

static weft_status job_scratch(weft_item *item, encode_job *job, weft_error *err)
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

static weft_status job_outputs(weft_item *item, encode_job *job, weft_error *err)
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
static weft_status enqueue(weft_item *item, encode_job *job, void *const *staged, weft_error *err)
{
    const wf_items  *t = item->of;
    weft_encode_item one = {&item->plan, job->input, job->output, item->input};
    weft_status      status = WEFT_OK;
    for (uint32_t i = 0; i < item->plan.n_inputs && status == WEFT_OK; i++) {
        memcpy(staged[i], item->input[i].data, (size_t)item->input[i].bytes);
        status = wf_queue_upload(t->encode_queue, job->input[i].data, staged[i],
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

static weft_status encode_now(weft_item *item, encode_job *job, void **staged, weft_error *err)
{
    weft_queue *q = item->of->encode_queue;
    weft_status status = job_inputs(item, job, err);
    if (status == WEFT_OK)
        status = job_outputs(item, job, err);
    for (uint32_t i = 0; i < item->plan.n_inputs && status == WEFT_OK; i++)
        if ((staged[i] = wf_alloc_aligned((size_t)item->input[i].bytes)) == NULL)
            status = wf_fail_nomem(err, item->input[i].bytes, "an encoder's input");
    if (status == WEFT_OK)
        status = enqueue(item, job, staged, err);
    weft_status waited =
        wf_modality_wait(item->modality, item->file, q, status == WEFT_OK ? err : NULL);
    wf_host_queue_waited(wf_plugin_host(item->modality->plugin), q);
    return status == WEFT_OK ? waited : status;
}

weft_status wf_item_encode(weft_item *item, float *const *copies, weft_error *err)
{
    encode_job  job = {0};
    void       *staged[WEFT_MAX_INPUTS] = {NULL};
    weft_status status = WEFT_OK;
    double      start = wf_now_s();
    if (item->encoded && copies == NULL)
        return WEFT_OK;
    if (!item->encoded) {
        wf_progress_tell(item->of->progress, "encoding", 0, 0, "items");
        status = encode_now(item, &job, staged, err);
        wf_arena_end(&item->of->arena);
        for (uint32_t i = 0; i < WEFT_MAX_INPUTS; i++)
            wf_free_aligned(staged[i]);
    }
    for (uint32_t i = 0; i < item->plan.n_outputs && status == WEFT_OK; i++)
        status = fetch(item, i, copies != NULL ? copies[i] : NULL, err);
    if (status == WEFT_OK && !item->encoded) {
        item->encoded = 1;
        item->encode_s = wf_now_s() - start;
    }
    for (uint32_t i = 0; i < WEFT_MAX_OUTPUTS && !item->encoded; i++) {
        wf_device_free(item->of->device, item->output[i]);
        item->output[i] = NULL;
    }
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
