/* SPDX-License-Identifier: Apache-2.0 */
/* What an encode takes: memory, uploads, the call, and one wait. */
#include "core/media/encoding.h"

#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/progress.h"
#include "core/base/time.h"
#include "core/host/host.h"
#include "core/io/text.h"
#include "core/media/calls.h"
#include "core/media/fill.h"

#define POISON_BYTES ((uint64_t)1 << 20)

static weft_tensor device_view(const wf_device *d, void *data, const weft_tensor_spec *s)
{
    return wf_spec_view(s, d->type, d->id, data);
}

static weft_status job_inputs(const weft_item *item, wf_encode_job *job, weft_error *err)
{
    wf_items *t = item->of;
    for (uint32_t i = 0; i < item->plan.n_inputs; i++) {
        void       *p;
        weft_status status = wf_arena_take(&t->arena, item->input[i].bytes, &p, err);
        if (status != WEFT_OK)
            return status;
        job->input[i] = device_view(t->device, p, &item->plan.inputs[i].spec);
        status = wf_arena_take(&t->host_arena, item->input[i].bytes, &job->staged[i], err);
        if (status != WEFT_OK)
            return status;
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

static weft_status job_outputs(weft_item *item, wf_encode_job *job, weft_error *err)
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

/* Memory for the k-th item. */
static weft_status job_open(wf_encoding *b, uint32_t k, weft_error *err)
{
    weft_item     *item = b->items[k];
    wf_encode_job *job = &b->jobs[k];
    weft_status    status = job_inputs(item, job, err);
    if (status == WEFT_OK)
        status = job_outputs(item, job, err);
    if (status == WEFT_OK)
        status = wf_encoding_look_open(b, k, err);
    b->calls[k] = (weft_encode_item){WEFT_HDR(weft_encode_item), &item->plan, job->input,
                                     job->output, item->input};
    return status;
}

/* The failure of an allocation of so many bytes, with the plugin and the item that it was for. */
static weft_status scratch_fail(const wf_encoding *b, uint64_t bytes, weft_error *err)
{
    return wf_fail(
        err, WEFT_E_NOMEM, "%s: out of memory: %llu bytes, which %s asks for to encode it",
        b->n == 1 && b->items[0]->file != NULL ? wf_quote(b->items[0]->file).s : "several items",
        (unsigned long long)bytes, wf_plugin_id(b->items[0]->modality->plugin));
}

static weft_status take_scratch(wf_encoding *b, uint64_t bytes, weft_error *err)
{
    wf_items        *t = b->items[0]->of;
    weft_tensor_spec spec = {{WEFT_DT_UINT, 8, 1}, 1, {(int64_t)bytes}};
    b->scratch = device_view(t->device, NULL, &spec);
    if (bytes == 0)
        return WEFT_OK;
    weft_status status = wf_arena_take(&t->arena, bytes, &b->scratch.data, err);
    if (status == WEFT_E_NOMEM)
        return scratch_fail(b, bytes, err);
    return status == WEFT_OK ? prepare(t, b->scratch.data, bytes, err) : status;
}

static weft_status take_memory(wf_encoding *b, weft_error *err)
{
    uint64_t    scratch = 0;
    weft_status status = WEFT_OK;
    for (uint32_t k = 0; k < b->n && status == WEFT_OK; k++) {
        status = job_open(b, k, err);
        if (status == WEFT_OK && !wf_add(scratch, b->items[k]->plan.scratch_bytes, &scratch))
            status = wf_fail_nomem(err, UINT64_MAX, "an encoder's scratch");
    }
    return status == WEFT_OK ? take_scratch(b, scratch, err) : status;
}

/* The encoder must not read inputs on the host late: uploads come from a copy, since an item's
 * inputs stay readable. */
static weft_status upload(const weft_item *item, const wf_encode_job *job, weft_error *err)
{
    weft_status status = WEFT_OK;
    for (uint32_t i = 0; i < item->plan.n_inputs && status == WEFT_OK; i++) {
        memcpy(job->staged[i], item->input[i].data, (size_t)item->input[i].bytes);
        status = wf_queue_upload(item->of->encode_queue, job->input[i].data, job->staged[i],
                                 item->input[i].bytes, err);
    }
    return status;
}

/* The name that messages use for the items of an encode. */
static const char *file_of(const wf_encoding *b)
{
    return b->n == 1 ? b->items[0]->file : b->several;
}

/* Of several items nobody knows which one a plugin was at: the first is named, the rest counted. */
static weft_status name_several(wf_encoding *b, weft_error *err)
{
    const char *first = b->items[0]->file;
    if (b->n == 1 || first == NULL)
        return WEFT_OK;
    size_t cap = strlen(first) + sizeof " and 4294967295 more";
    if ((b->several = wf_alloc(cap)) == NULL)
        return wf_fail_nomem(err, cap, "a batch of items");
    snprintf(b->several, cap, "%s and %u more", first, b->n - 1);
    return WEFT_OK;
}

static weft_status enqueue(wf_encoding *b, weft_error *err)
{
    const weft_item *first = b->items[0];
    weft_status      status = WEFT_OK;
    for (uint32_t k = 0; k < b->n && status == WEFT_OK; k++)
        status = upload(b->items[k], &b->jobs[k], err);
    if (status == WEFT_OK)
        status = wf_modality_encode(first->modality, file_of(b), b->calls, b->n,
                                    first->of->encode_queue, &b->scratch, err);
    for (uint32_t k = 0; k < b->n && status == WEFT_OK; k++)
        status = wf_encoding_look(b, k, err);
    return status;
}

weft_status wf_encoding_start(weft_item *const *items, uint32_t n, wf_encoding **out,
                              weft_error *err)
{
    wf_encoding *b = wf_zalloc(sizeof *b);
    *out = b;
    if (b == NULL)
        return wf_fail_nomem(err, sizeof *b, "a batch of items");
    wf_progress_tell(items[0]->of->progress, "encoding", 0, 0, "items");
    memcpy(b->items, items, n * sizeof(*items));
    b->n = n;
    b->start = wf_now_s();
    weft_status status = name_several(b, err);
    if (status == WEFT_OK)
        status = take_memory(b, err);
    return status == WEFT_OK ? enqueue(b, err) : status;
}

bool wf_encoding_done(const wf_encoding *b)
{
    const weft_item *first = b->items[0];
    bool             done;
    weft_status      status =
        wf_modality_done(first->modality, file_of(b), first->of->encode_queue, &done);
    return status != WEFT_OK || done;
}

weft_status wf_encoding_wait(wf_encoding *b, weft_error *err)
{
    const weft_item *first = b->items[0];
    weft_queue      *q = first->of->encode_queue;
    weft_status      status = wf_modality_wait(first->modality, file_of(b), q, err);
    wf_host_queue_waited(wf_plugin_host(first->modality->plugin), q);
    return status;
}

void wf_encoding_free(wf_encoding *b)
{
    if (b == NULL)
        return;
    wf_arena_end(&b->items[0]->of->arena);
    wf_arena_end(&b->items[0]->of->host_arena);
    wf_free(b->several);
    wf_free(b);
}
