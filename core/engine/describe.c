/* SPDX-License-Identifier: Apache-2.0 */
/* What an engine is and what it needs: figures for --plan and model inspect, from config alone. */
#include <string.h>

#include "core/base/mem.h"
#include "core/base/sized.h"
#include "core/engine/engine.h"
#include "core/media/calls.h"

#define MOST_BYTES 4u /* of a parameter */

static void describe_core(const weft_engine *e, weft_engine_info *i)
{
    const wf_config *c = &e->config;
    int32_t          kv_dtype = wf_engine_kv_dtype(e);
    int64_t          own = wf_kv_page_bytes(e->device, kv_dtype, c->n_kv_heads, c->head_dim);
    int64_t          sites = wf_hooks_page_bytes(&e->hooks, kv_dtype);
    i->kv_dtype = wf_format_name(kv_dtype);
    i->context = e->context;
    i->n_layers = c->n_layers;
    i->d_model = c->d_model;
    i->d_ffn = c->d_ffn;
    i->n_heads = c->n_heads;
    i->n_kv_heads = c->n_kv_heads;
    i->head_dim = c->head_dim;
    i->vocab = c->vocab;
    i->max_positions = c->max_positions;
    i->tied = c->tied;
    i->core_parameters = wf_config_parameters(c);
    i->site_parameters = wf_hooks_parameters(&e->hooks, c->d_model);
    uint64_t blocks =
        ((uint64_t)e->context + WF_PAGE_TOKENS - 1) / WF_PAGE_TOKENS * (uint64_t)c->n_layers;
    if (!wf_mul(blocks, (uint64_t)(own > sites ? own : sites), &i->kv_bytes))
        i->kv_bytes = UINT64_MAX;
    if (!wf_decoder_bytes(c, &e->hooks, e->prefill_chunk,
                          e->prefill_chunk < 64 ? e->prefill_chunk : 64, &i->step_bytes))
        i->step_bytes = UINT64_MAX;
}

static weft_status count_encoders(const weft_engine *e, uint64_t *sum, weft_error *err)
{
    for (int32_t k = 0; k < e->modalities.n; k++) {
        const wf_modality *m = &e->modalities.v[k];
        uint64_t           n = wf_modality_parameters(m);
        if (wf_add(*sum, n, sum) && *sum < UINT64_MAX / MOST_BYTES)
            continue;
        wf_fail(err, WEFT_E_INTERNAL,
                "%s gave %llu parameters in parameters, more than any memory holds",
                wf_plugin_id(m->plugin), (unsigned long long)n);
        return wf_fail_stage(err, WEFT_E_INTERNAL, WEFT_STAGE_PLUGIN);
    }
    return WEFT_OK;
}

weft_status weft_engine_describe(const weft_engine *e, weft_engine_info *out, weft_error *err)
{
    weft_engine_info i = {.hdr = WEFT_HDR(weft_engine_info)};
    if (out == NULL || out->hdr.size <= sizeof out->hdr)
        return wf_fail(err, WEFT_E_INVALID, "weft_engine_info.hdr.size is not set");
    i.model = wf_package_dir(e->package);
    i.architecture = e->architecture;
    i.dtype = wf_format_name(wf_engine_dtype(e));
    i.kv_dtype = i.dtype;
    i.device = e->device->name;
    i.isa = e->device->isa;
    i.n_threads = wf_pool_threads(e->pool);
    i.n_sites = e->hooks.n_sites;
    if (e->has_core)
        describe_core(e, &i);
    weft_status status = count_encoders(e, &i.encoder_parameters, err);
    if (status == WEFT_OK)
        status = wf_engine_weight_bytes(e, &i.weight_bytes, err);
    if (status != WEFT_OK)
        return status;
    if (!wf_add(i.weight_bytes, i.kv_bytes, &i.total_bytes) ||
        !wf_add(i.total_bytes, i.step_bytes, &i.total_bytes))
        i.total_bytes = UINT64_MAX;
    wf_give_sized(out, &i, sizeof i);
    return WEFT_OK;
}

weft_status weft_engine_stored(const weft_engine *e, weft_stored_fn fn, void *ctx, weft_error *err)
{
    const wf_gguf_model *gguf = wf_package_gguf(e->package);
    wf_gguf_held         held[WF_GGUF_TYPES];
    uint32_t             n = 0;
    if (fn == NULL)
        return wf_fail(err, WEFT_E_INVALID, "weft_engine_stored needs a function to call");
    if (gguf == NULL)
        return WEFT_OK;
    weft_status status = wf_gguf_held_read(gguf, held, WF_GGUF_TYPES, &n, err);
    for (uint32_t i = 0; i < n && status == WEFT_OK; i++) {
        const weft_stored_info s = {WEFT_HDR(weft_stored_info),
                                    held[i].type,
                                    held[i].held,
                                    held[i].tensors,
                                    held[i].bytes,
                                    held[i].error};
        fn(ctx, &s);
    }
    return wf_fail_stage(err, status, WEFT_STAGE_MODEL);
}

/* Parameters of one site alone. */
static uint64_t site_parameters(const weft_engine *e, const wf_site *s)
{
    wf_hooks one = {.sites = (wf_site *)(uintptr_t)s, .n_sites = 1};
    return wf_hooks_parameters(&one, e->config.d_model);
}

int32_t weft_engine_site(const weft_engine *e, uint32_t index, weft_site_info *out)
{
    if (index >= (uint32_t)e->hooks.n_sites)
        return 0;
    const wf_site       *s = &e->hooks.sites[index];
    const weft_site_info i = {WEFT_HDR(weft_site_info),
                              s->name,
                              s->owner,
                              s->stream_name,
                              s->kind == WEFT_HOOK_XATTN ? "cross-attention" : "soft tokens",
                              s->layer,
                              s->order,
                              site_parameters(e, s)};
    wf_give_sized(out, &i, sizeof i);
    return 1;
}

static const char *visibility_name(uint32_t visibility)
{
    return visibility == WEFT_VIS_UNTIL_NEXT_GROUP ? "until the next group"
           : visibility == WEFT_VIS_UNTIL_NEXT     ? "until the next"
                                                   : "to the end";
}

int32_t weft_engine_marker(const weft_engine *e, uint32_t index, weft_marker_info *out)
{
    if (index >= (uint32_t)e->hooks.n_markers)
        return 0;
    const wf_marker       *m = &e->hooks.markers[index];
    const weft_marker_info i = {WEFT_HDR(weft_marker_info),
                                m->token,
                                m->owner,
                                e->hooks.streams[m->stream].name,
                                m->before,
                                m->after,
                                visibility_name(m->visibility),
                                m->token_id,
                                (m->flags & WEFT_MARKER_ENDS) != 0 ? m->end_id : -1};
    wf_give_sized(out, &i, sizeof i);
    return 1;
}
