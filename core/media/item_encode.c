/* SPDX-License-Identifier: Apache-2.0 */
/* An item through its encoder, and its rows into the K/V pages of the sites that read them. */
#include <math.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/tensor.h"
#include "core/base/time.h"
#include "core/io/text.h"
#include "core/media/item.h"

/* Device memory of one encode, freed at its end. */
typedef struct encode_job {
    weft_tensor input[WEFT_MAX_INPUTS], output[WEFT_MAX_OUTPUTS];
    weft_tensor scratch;
} encode_job;

static weft_tensor device_view(const wf_device *d, void *data, const weft_tensor_spec *s)
{
    weft_tensor t = wf_tensor_view(data, s->dtype, s->ndim, s->shape);
    t.device_type = d->type;
    t.device_id = d->id;
    return t;
}

static weft_status job_inputs(weft_item *item, encode_job *job, weft_error *err)
{
    weft_engine *e = item->engine;
    for (uint32_t i = 0; i < item->plan.n_inputs; i++) {
        void       *p;
        weft_status status = wf_device_alloc(e->device, item->input[i].bytes, &p, err);
        if (status != WEFT_OK)
            return status;
        job->input[i] = device_view(e->device, p, &item->plan.input[i]);
    }
    return WEFT_OK;
}

static weft_status job_outputs(weft_item *item, encode_job *job, weft_error *err)
{
    weft_engine *e = item->engine;
    uint64_t     scratch = item->plan.scratch_bytes;
    for (uint32_t i = 0; i < item->plan.n_outputs; i++) {
        weft_status status =
            wf_device_alloc(e->device, wf_spec_bytes(&item->plan.output[i]), &item->output[i], err);
        if (status != WEFT_OK)
            return status;
        job->output[i] = device_view(e->device, item->output[i], &item->plan.output[i]);
    }
    job->scratch = device_view(e->device, NULL,
                               &(weft_tensor_spec){{WEFT_DT_UINT, 8, 1}, 1, {(int64_t)scratch}});
    return scratch > 0 ? wf_device_alloc(e->device, scratch, &job->scratch.data, err) : WEFT_OK;
}

static void job_free(weft_item *item, encode_job *job)
{
    for (uint32_t i = 0; i < item->plan.n_inputs; i++)
        wf_device_free(item->engine->device, job->input[i].data);
    wf_device_free(item->engine->device, job->scratch.data);
}

/* The encoder must not read inputs on the host late: uploads come from a copy, since an item's
 * inputs stay readable. */
static weft_status enqueue(weft_item *item, encode_job *job, void *const *staged, weft_error *err)
{
    weft_engine     *e = item->engine;
    weft_encode_item one = {&item->plan, job->input, job->output, item->input};
    weft_status      status = WEFT_OK;
    for (uint32_t i = 0; i < item->plan.n_inputs && status == WEFT_OK; i++) {
        memcpy(staged[i], item->input[i].data, (size_t)item->input[i].bytes);
        status = wf_queue_upload(e->encode_queue, job->input[i].data, staged[i],
                                 item->input[i].bytes, err);
    }
    if (status != WEFT_OK)
        return status;
    return wf_modality_encode(item->modality, item->file, &one, 1, e->encode_queue, &job->scratch,
                              err);
}

static weft_status check_finite(const weft_item *item, uint32_t i, const float *v, weft_error *err)
{
    uint64_t n = wf_spec_numel(&item->plan.output[i]);
    for (uint64_t k = 0; k < n; k++)
        if (!isfinite(v[k]))
            return wf_fail(err, WEFT_E_NUMERIC,
                           "%s%s%s: the encoder's %s holds %s at element %llu: its weights or this "
                           "item are damaged",
                           item->file != NULL ? wf_quote(item->file).s : "",
                           item->file != NULL ? ": " : "", wf_plugin_id(item->modality->plugin),
                           item->plan.output_name[i], isnan(v[k]) ? "NaN" : "infinity",
                           (unsigned long long)k);
    return WEFT_OK;
}

static weft_status fetch(weft_item *item, uint32_t i, float *copy, weft_error *err)
{
    weft_queue *q = item->engine->encode_queue;
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
    weft_queue *q = item->engine->encode_queue;
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
        wf_engine_progress(item->engine, "encoding", 0, 0, "items");
        status = encode_now(item, &job, staged, err);
        job_free(item, &job);
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
        wf_device_free(item->engine->device, item->output[i]);
        item->output[i] = NULL;
    }
    return wf_fail_stage(err, status, WEFT_STAGE_MEDIA);
}

weft_status weft_item_encode(weft_item *item, weft_error *err)
{
    if (!item->modality->loaded)
        return wf_fail(err, WEFT_E_STATE, "the engine was opened without weights");
    atomic_store(&item->engine->cancel, 0);
    return wf_item_encode(item, NULL, err);
}

void wf_item_drop_kv(weft_item *item)
{
    for (uint32_t i = 0; i < WEFT_MAX_OUTPUTS; i++) {
        wf_item_kv *kv = &item->kv[i];
        for (int32_t r = 0; kv->runs != NULL && r < kv->n_runs; r++)
            wf_kv_pool_give(&item->engine->kv, kv->runs[r],
                            item->engine->hooks.streams[kv->stream].n_sites);
        wf_free(kv->runs);
        kv->runs = NULL;
        kv->projected = 0;
    }
}

bool wf_items_evict(weft_engine *e, uint64_t now)
{
    weft_item *oldest = NULL;
    for (weft_item *it = e->items; it != NULL; it = it->next) {
        bool has = false;
        for (uint32_t i = 0; i < WEFT_MAX_OUTPUTS; i++)
            has = has || it->kv[i].projected;
        if (has && it->last_use != now && (oldest == NULL || it->last_use < oldest->last_use))
            oldest = it;
    }
    if (oldest != NULL)
        wf_item_drop_kv(oldest);
    return oldest != NULL;
}

/* Pages for one output's rows: cached text goes first when memory is short, then other items' K/V.
 */
static weft_status take_runs(weft_item *item, wf_item_kv *kv, weft_error *err)
{
    weft_engine *e = item->engine;
    int32_t      pages = e->hooks.streams[kv->stream].n_sites;
    kv->runs = wf_zalloc_n((size_t)kv->n_runs, sizeof *kv->runs);
    if (kv->runs == NULL)
        return wf_fail_nomem(err, (uint64_t)kv->n_runs * sizeof *kv->runs, "an item's page table");
    for (int32_t r = 0; r < kv->n_runs; r++) {
        weft_status status = wf_kv_pool_take(&e->kv, pages, &kv->runs[r], err);
        while (status == WEFT_E_LIMIT &&
               (wf_blocks_evict(&e->blocks) || wf_items_evict(e, item->last_use)))
            status = wf_kv_pool_take(&e->kv, pages, &kv->runs[r], err);
        if (status == WEFT_OK)
            continue;
        while (--r >= 0)
            wf_kv_pool_give(&e->kv, kv->runs[r], pages);
        wf_free(kv->runs);
        kv->runs = NULL;
        return status;
    }
    return WEFT_OK;
}

static weft_status project(weft_item *item, uint32_t i, int64_t *slots, void *device_slots,
                           weft_error *err)
{
    weft_engine *e = item->engine;
    wf_item_kv  *kv = &item->kv[i];
    for (int64_t r = 0; r < kv->n_rows; r++)
        slots[r] = (int64_t)kv->runs[r / WF_PAGE_TOKENS] * WF_PAGE_TOKENS + r % WF_PAGE_TOKENS;
    weft_status status =
        wf_queue_upload(e->queue, device_slots, slots, (uint64_t)kv->n_rows * sizeof *slots, err);
    if (status == WEFT_OK)
        status = wf_decoder_project(&e->decoder, kv->stream, item->output[i], kv->n_rows,
                                    device_slots, err);
    weft_status waited = wf_queue_wait(e->queue, status == WEFT_OK ? err : NULL);
    return status == WEFT_OK ? waited : status;
}

static weft_status project_output(weft_item *item, uint32_t i, weft_error *err)
{
    wf_item_kv *kv = &item->kv[i];
    uint64_t    bytes = (uint64_t)kv->n_rows * sizeof(int64_t);
    void       *device_slots = NULL;
    int64_t    *slots = wf_alloc((size_t)bytes);
    weft_status status = slots != NULL ? WEFT_OK : wf_fail_nomem(err, bytes, "an item's slots");
    if (status == WEFT_OK)
        status = wf_device_alloc(item->engine->device, bytes, &device_slots, err);
    if (status == WEFT_OK)
        status = take_runs(item, kv, err);
    if (status == WEFT_OK)
        status = project(item, i, slots, device_slots, err);
    wf_device_free(item->engine->device, device_slots);
    wf_free(slots);
    kv->projected = status == WEFT_OK;
    return status;
}

weft_status wf_item_project(weft_item *item, weft_error *err)
{
    for (uint32_t i = 0; i < item->plan.n_outputs; i++) {
        if (item->kv[i].n_runs == 0 || item->kv[i].projected)
            continue;
        weft_status status = wf_item_encode(item, NULL, err);
        if (status == WEFT_OK)
            status = project_output(item, i, err);
        if (status != WEFT_OK) {
            wf_item_drop_kv(item);
            return status;
        }
    }
    return WEFT_OK;
}
