/* SPDX-License-Identifier: Apache-2.0 */
/* Media items: opened, planned, preprocessed, shared. */
#include "core/media/item.h"

#include <string.h>

#include "core/base/mem.h"
#include "core/base/tensor.h"
#include "core/base/time.h"

uint64_t wf_spec_numel(const weft_tensor_spec *s)
{
    uint64_t n = 1;
    for (int32_t i = 0; i < s->ndim; i++)
        n *= (uint64_t)s->shape[i];
    return n;
}

uint64_t wf_spec_bytes(const weft_tensor_spec *s)
{
    return wf_spec_numel(s) * s->dtype.bits / 8;
}

/* What the sites that read output i expect of its width. */
static int64_t width_wanted(const weft_engine *e, int32_t stream)
{
    const wf_stream *s = &e->hooks.streams[stream];
    return s->soft || s->d_src == 0 ? e->config.d_model : s->d_src;
}

weft_status wf_plan_check(const weft_engine *e, const wf_modality *m, const weft_plan *p,
                          weft_error *err)
{
    uint64_t max_bytes = (uint64_t)wf_settings_i64(e->settings, "max_decoded_bytes");
    uint64_t max_tokens = (uint64_t)wf_settings_i64(e->settings, "max_tokens");
    char     what[200];
    if (wf_plan_fault(p, max_bytes, what, sizeof what))
        return wf_fail_stage(err,
                             wf_fail(err, WEFT_E_INTERNAL, "%s gave a plan with %s in plan",
                                     wf_plugin_id(m->plugin), what),
                             WEFT_STAGE_PLUGIN);
    if ((uint64_t)p->n_placeholders > max_tokens)
        return wf_fail(err, WEFT_E_LIMIT, "%lld tokens are over --max-tokens %llu",
                       (long long)p->n_placeholders, (unsigned long long)max_tokens);
    for (uint32_t i = 0; i < p->n_outputs; i++) {
        int32_t stream = wf_hooks_stream(&e->hooks, p->stream[i]);
        if (stream >= 0 && p->output[i].shape[p->output[i].ndim - 1] != width_wanted(e, stream))
            return wf_fail(err, WEFT_E_INTERNAL, "%s gives rows of %lld to %s, which reads %lld",
                           wf_plugin_id(m->plugin),
                           (long long)p->output[i].shape[p->output[i].ndim - 1], p->stream[i],
                           (long long)width_wanted(e, stream));
    }
    return WEFT_OK;
}

static weft_status input_alloc(const weft_tensor_spec *s, weft_tensor *out, weft_error *err)
{
    *out = wf_tensor_view(NULL, s->dtype, s->ndim, s->shape);
    out->data = wf_alloc_aligned((size_t)out->bytes);
    if (out->data == NULL)
        return wf_fail_nomem(err, out->bytes, "an encoder's input");
    memset(out->data, 0, (size_t)out->bytes);
    return WEFT_OK;
}

static void item_kv_init(weft_item *item, uint32_t i)
{
    const weft_plan *p = &item->plan;
    wf_item_kv      *kv = &item->kv[i];
    kv->stream = wf_hooks_stream(&item->engine->hooks, p->stream[i]);
    kv->d = p->output[i].shape[p->output[i].ndim - 1];
    kv->n_rows = p->stream_rows[i];
    if (kv->stream >= 0 && item->engine->hooks.streams[kv->stream].n_sites > 0)
        kv->n_runs = (int32_t)((kv->n_rows + WF_PAGE_TOKENS - 1) / WF_PAGE_TOKENS);
}

weft_status wf_item_create(weft_engine *e, wf_modality *m, const char *file, const weft_plan *plan,
                           weft_item **out, weft_error *err)
{
    *out = NULL;
    weft_status status = wf_plan_check(e, m, plan, err);
    if (status != WEFT_OK)
        return status;
    weft_item *item = wf_zalloc(sizeof *item);
    if (item == NULL)
        return wf_fail_nomem(err, sizeof *item, "a media item");
    if (file != NULL && (item->file = wf_strdup(file)) == NULL) {
        wf_free(item);
        return wf_fail_nomem(err, strlen(file) + 1, "a media item");
    }
    item->engine = e;
    item->modality = m;
    item->refs = 1;
    item->plan = *plan;
    item->next = e->items;
    e->items = item;
    for (uint32_t i = 0; i < plan->n_outputs; i++)
        item_kv_init(item, i);
    *out = item;
    return WEFT_OK;
}

weft_status wf_item_alloc_inputs(weft_item *item, weft_error *err)
{
    weft_status status = WEFT_OK;
    for (uint32_t i = 0; i < item->plan.n_inputs && status == WEFT_OK; i++)
        status = input_alloc(&item->plan.input[i], &item->input[i], err);
    return status;
}

void wf_item_hold(weft_item *item)
{
    item->refs++;
}

void weft_item_release(weft_item **item)
{
    weft_item *it = *item;
    *item = NULL;
    if (it == NULL || --it->refs > 0)
        return;
    weft_item **at = &it->engine->items;
    while (*at != it)
        at = &(*at)->next;
    *at = it->next;
    wf_item_drop_kv(it);
    for (uint32_t i = 0; i < WEFT_MAX_INPUTS; i++)
        wf_free_aligned(it->input[i].data);
    for (uint32_t i = 0; i < WEFT_MAX_OUTPUTS; i++)
        wf_device_free(it->engine->device, it->output[i]);
    wf_free(it->file);
    wf_free(it);
}

/* Two 64-bit sums over the content; equality of items is checked byte for byte besides. */
static void digest(weft_item *item)
{
    uint64_t a = 0xCBF29CE484222325u, b = 0x9E3779B97F4A7C15u;
    for (uint32_t i = 0; i < item->plan.n_inputs; i++) {
        const uint8_t *p = item->input[i].data;
        uint64_t       n = item->input[i].bytes, word;
        for (uint64_t k = 0; k < n; k += 8) {
            word = 0;
            memcpy(&word, p + k, n - k < 8 ? (size_t)(n - k) : 8);
            a = (a ^ word) * 0x100000001B3u;
            b = (b + word) * 0xD6E8FEB86659FD93u;
            b ^= b >> 32;
        }
    }
    item->digest[0] = a;
    item->digest[1] = b ^ (uint64_t)(uintptr_t)item->modality;
}

static bool same_content(const weft_item *a, const weft_item *b)
{
    if (a->modality != b->modality || memcmp(a->digest, b->digest, sizeof a->digest) != 0 ||
        a->plan.n_inputs != b->plan.n_inputs ||
        memcmp(a->plan.opaque, b->plan.opaque, sizeof a->plan.opaque) != 0)
        return false;
    for (uint32_t i = 0; i < a->plan.n_inputs; i++)
        if (a->input[i].bytes != b->input[i].bytes || b->input[i].data == NULL ||
            memcmp(a->input[i].data, b->input[i].data, (size_t)a->input[i].bytes) != 0)
            return false;
    return true;
}

void wf_item_settle(weft_item **item)
{
    digest(*item);
    for (weft_item *o = (*item)->engine->items; o != NULL; o = o->next) {
        if (o == *item || !same_content(*item, o))
            continue;
        wf_item_hold(o);
        weft_item_release(item);
        *item = o;
        return;
    }
}

wf_modality *wf_modality_of(weft_engine *e, const char *kind)
{
    for (int32_t i = 0; i < e->n_modalities; i++)
        if (wf_has_kind(e->modalities[i].vt->kinds, kind))
            return &e->modalities[i];
    return NULL;
}

weft_status wf_fail_no_modality(const weft_engine *e, const char *kind, weft_error *err)
{
    for (int32_t i = 0; i < e->n_idle; i++)
        if (wf_has_kind(e->idle[i].vt->kinds, kind))
            return wf_fail(err, WEFT_E_UNSUPPORTED,
                           "this model takes no media of kind \"%s\": %s is idle: %s", kind,
                           wf_plugin_id(e->idle[i].plugin), e->idle[i].why.message);
    return wf_fail(err, WEFT_E_UNSUPPORTED, "this model takes no media of kind \"%s\"", kind);
}

static weft_status preprocess(weft_item *item, const weft_media *media, weft_error *err)
{
    weft_status status = wf_item_alloc_inputs(item, err);
    if (status != WEFT_OK)
        return status;
    return wf_modality_preprocess(item->modality, item->file, media, &item->plan, item->input, err);
}

weft_status wf_item_from_media(weft_engine *e, wf_modality *m, const weft_media *media,
                               const char *file, const weft_request *rq, const weft_limits *limits,
                               bool prepare, weft_item **out, weft_error *err)
{
    weft_plan plan;
    *out = NULL;
    weft_status status = wf_modality_plan(m, file, media->info, rq, limits, &plan, err);
    if (status == WEFT_OK)
        status = wf_item_create(e, m, file, &plan, out, err);
    if (status == WEFT_OK)
        wf_plan_tell(m, file, &plan);
    if (status == WEFT_OK)
        (*out)->info = *media->info;
    if (status == WEFT_OK && prepare)
        status = preprocess(*out, media, err);
    if (status != WEFT_OK)
        weft_item_release(out);
    return status;
}

/* Up to where the samples of an item may reach. */
static int64_t item_end_us(const wf_modality *m, const weft_item_request *rq)
{
    int64_t start = rq->start_us > 0 ? rq->start_us : 0, longest = wf_modality_longest_us(m);
    if (rq->end_us >= 0)
        return rq->end_us;
    return longest < INT64_MAX - start ? start + longest : INT64_MAX;
}

static weft_status item_of(weft_engine *e, wf_media *m, const weft_item_request *rq,
                           weft_item **out, weft_error *err)
{
    weft_request want = {WEFT_HDR(weft_request), rq->start_us, rq->end_us, rq->max_frames, 0};
    wf_modality *mod = wf_modality_of(e, m->decoding.kind);
    if (mod == NULL)
        return wf_fail_no_modality(e, m->decoding.kind, err);
    weft_status status = wf_media_count(e, m, item_end_us(mod, rq), rq->end_us >= 0, err);
    if (status != WEFT_OK)
        return status;
    status = wf_item_from_media(e, mod, &m->pub, wf_media_name(m->path), &want, &m->limits,
                                !rq->plan_only, out, err);
    if (status == WEFT_OK)
        (*out)->decoder_id = wf_plugin_id(m->decoding.plugin);
    return status;
}

weft_status weft_item_open(weft_engine *e, const weft_item_request *rq, weft_item **out,
                           weft_error *err)
{
    wf_media   m;
    weft_error why = WF_ERROR_INIT;
    double     start = wf_now_s();
    *out = NULL;
    atomic_store(&e->cancel, 0);
    weft_status status = wf_media_open(e, rq->path, rq->kind, &m, err);
    if (status == WEFT_OK) {
        status = item_of(e, &m, rq, out, &why);
        if (status != WEFT_OK)
            wf_media_fail(rq->path, &why, status, err);
    }
    wf_media_close(&m);
    if (status != WEFT_OK) {
        weft_item_release(out);
        return status;
    }
    (*out)->decode_s = wf_now_s() - start;
    if (!rq->plan_only)
        wf_item_settle(out);
    return WEFT_OK;
}

/* Parts of an output [parts, rows, width] that hold rows, where whole parts do. */
static void count_parts(const weft_plan *p, weft_item_info *i)
{
    const weft_tensor_spec *s = &p->output[0];
    if (s->ndim != 3 || p->stream_rows[0] % s->shape[1] != 0)
        return;
    i->n_parts = p->stream_rows[0] / s->shape[1];
    i->max_parts = s->shape[0];
}

weft_status weft_item_describe(const weft_item *item, weft_item_info *out, weft_error *err)
{
    weft_item_info i = {.hdr = WEFT_HDR(weft_item_info)};
    if (out == NULL || out->hdr.size < sizeof *out)
        return wf_fail(err, WEFT_E_INVALID, "weft_item_info is too small");
    i.kind = item->info.kind;
    i.decoder = item->decoder_id;
    i.modality = wf_plugin_id(item->modality->plugin);
    i.width = item->info.width;
    i.height = item->info.height;
    i.channels = item->info.channels;
    i.sample_rate = item->info.sample_rate;
    i.duration_us = item->info.duration_us;
    i.n_samples = item->info.n_samples;
    i.n_placeholders = item->plan.n_placeholders;
    i.scratch_bytes = item->plan.scratch_bytes;
    i.decode_s = item->decode_s;
    i.encode_s = item->encode_s;
    count_parts(&item->plan, &i);
    for (uint32_t k = 0; k < item->plan.n_inputs; k++)
        i.input_bytes += wf_spec_bytes(&item->plan.input[k]);
    for (uint32_t k = 0; k < item->plan.n_outputs; k++) {
        const wf_item_kv *kv = &item->kv[k];
        i.output_bytes += wf_spec_bytes(&item->plan.output[k]);
        i.n_rows += kv->stream >= 0 ? kv->n_rows : 0;
        if (kv->n_runs > 0)
            i.kv_bytes += (uint64_t)kv->n_runs *
                          (uint64_t)item->engine->hooks.streams[kv->stream].n_sites *
                          (uint64_t)item->engine->kv.page_bytes;
    }
    *out = i;
    return WEFT_OK;
}

int32_t weft_item_input(const weft_item *item, uint32_t index, const char **name, weft_tensor *out)
{
    const weft_tensor_spec *s;
    if (index >= item->plan.n_inputs)
        return 0;
    *name = item->plan.input_name[index];
    *out = item->input[index];
    s = &item->plan.input[index];
    if (out->data == NULL)
        *out = wf_tensor_view(NULL, s->dtype, s->ndim, s->shape);
    return 1;
}

weft_status weft_item_preview(const weft_item *item, weft_tensor *out, weft_error *err)
{
    const wf_modality *m = item->modality;
    if (out->data != NULL && item->plan.n_inputs > 0 && item->input[0].data == NULL)
        return wf_fail(err, WEFT_E_STATE, "the item was only planned: there is nothing to look at");
    return wf_modality_preview(m, item->file, &item->plan, item->input, out, err);
}
