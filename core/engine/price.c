/* SPDX-License-Identifier: Apache-2.0 */
/* What weights will take of memory: each of those that the text core, the sites and the encoders
 * will load, in the format that it will have. */
#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/engine/engine.h"
#include "core/media/calls.h"

/* The format of weights that are not there yet, as the directory's config.json says; otherwise:
 * where it says nothing. */
static int32_t format_said(weft_package *p, int32_t otherwise)
{
    static const char *const keys[] = {"torch_dtype", "dtype", "text_config.torch_dtype",
                                       "text_config.dtype"};
    const json_t            *config;
    const char              *name = "";
    if (p == NULL || wf_package_json(p, "config.json", &config, NULL) != WEFT_OK)
        return otherwise;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (wf_json_str(config, "config.json", keys[i], &name, NULL) == WEFT_OK)
            break;
    return strcmp(name, "bfloat16") == 0  ? WF_BF16
           : strcmp(name, "float16") == 0 ? WF_F16
           : strcmp(name, "float32") == 0 ? WF_F32
                                          : otherwise;
}

static const weft_text_map *map_of(const weft_engine *e)
{
    return e->map.n_layers > 0 ? &e->map : NULL;
}

/* With nothing summed up yet. */
static wf_price price_of(const weft_engine *e)
{
    return (wf_price){.device = e->device,
                      .dtype = e->dtype,
                      .quantize = e->quantize,
                      .fp8 = e->fp8,
                      .otherwise = format_said(e->package, WF_F32)};
}

int32_t wf_engine_dtype(const weft_engine *e)
{
    char           name[WF_NAME_BYTES];
    const wf_price price = price_of(e);
    if (e->model != NULL)
        return e->model->layers[0].o.format;
    wf_model_layer_name(map_of(e), name);
    return wf_price_format(&price, e->package, name, false);
}

int32_t wf_engine_table_dtype(const weft_engine *e)
{
    char           name[WF_NAME_BYTES];
    const wf_price price = price_of(e);
    if (e->model != NULL)
        return e->model->embed.format;
    wf_model_embed_name(map_of(e), name);
    return wf_price_format(&price, e->package, name, true);
}

int32_t wf_engine_kv_dtype(const weft_engine *e)
{
    const char *name = wf_settings_str(e->settings, "kv_dtype");
    for (int32_t format = 0; format < WF_FORMATS && !e->calibrates; format++)
        if (strcmp(name, wf_format_name(format)) == 0)
            return format;
    return wf_kv_dtype_for(wf_engine_table_dtype(e));
}

/* The format that the text core is stored in. */
static int32_t stored_in(const weft_engine *e)
{
    char     name[WF_NAME_BYTES];
    wf_price price = price_of(e);
    price.dtype = price.quantize = WF_DTYPE_AUTO;
    wf_model_embed_name(map_of(e), name);
    return wf_price_format(&price, e->package, name, true);
}

/* Where a modality's weights go that are told one after the other. */
typedef struct teller {
    wf_price *price;
    int32_t   core_format, reserved;
} teller;

static weft_status take_weights(void *ctx, const weft_package *p, const weft_weight *want,
                                uint32_t n, weft_error *err)
{
    teller *t = ctx;
    t->price->otherwise = format_said((weft_package *)(uintptr_t)p, t->core_format);
    return wf_host_weights_price(t->price, p, want, n, err);
}

/* All tensors of a directory, as if each were loaded: what a parameter takes on average. */
typedef struct average {
    wf_price      price;
    weft_package *package;
    uint64_t      numel;
} average;

static void take_tensor(void *ctx, const wf_st_tensor *t)
{
    average *a = ctx;
    uint64_t n = wf_st_numel(t);
    bool     grouped = wf_is_grouped(wf_st_format(t));
    if (grouped && !wf_mul((uint64_t)t->shape[0] * WF_GROUP, (uint64_t)t->shape[1], &n))
        n = 0;
    if (wf_st_format(t) < 0 || n == 0 || n > INT64_MAX || t->rank < 1 ||
        !wf_add(a->numel, n, &a->numel))
        return;
    if (t->rank == 1)
        wf_price_f32(&a->price, n);
    else
        wf_price_linear(&a->price, a->package, t->name, t->shape[0],
                        (int64_t)(n / (uint64_t)t->shape[0]));
}

/* An encoder that says only how many parameters it has. */
static void price_by_average(wf_price *price, const wf_modality *m)
{
    average  a = {*price, m->package, 0};
    uint64_t n = wf_modality_parameters(m), each = (uint64_t)wf_dtype_bytes(price->otherwise);
    uint64_t bytes;
    a.price.bytes = 0;
    if (m->package != NULL)
        wf_package_each(m->package, take_tensor, &a);
    if (a.numel > 0 && a.price.bytes < UINT64_MAX)
        bytes = (uint64_t)((double)n * ((double)a.price.bytes / (double)a.numel));
    else if (!wf_mul(n, each, &bytes))
        bytes = UINT64_MAX;
    if (!wf_add(price->bytes, bytes, &price->bytes))
        price->bytes = UINT64_MAX;
}

static weft_status price_modality(const weft_engine *e, const wf_modality *m, wf_price *price,
                                  weft_error *err)
{
    teller           t = {price, price->otherwise, 0};
    weft_weight_sink sink = {WEFT_HDR(weft_weight_sink), &t, take_weights};
    weft_error       why = WF_ERROR_INIT;
    price->quantize = e->quantize_encoders;
    weft_status status = wf_modality_weights(m, &sink, &why);
    price->otherwise = format_said(m->package, t.core_format);
    if (status == WEFT_E_UNSUPPORTED)
        price_by_average(price, m);
    else if (status != WEFT_OK)
        return wf_fail_stage(err, wf_fail_as(err, &why), WEFT_STAGE_PLUGIN);
    price->quantize = e->quantize;
    if (wf_modality_is_first(&e->modalities, m))
        wf_hooks_price(price, &e->hooks, wf_plugin_id(m->plugin), e->config.d_model, m->package);
    price->otherwise = t.core_format;
    return WEFT_OK;
}

weft_status wf_engine_weight_bytes(const weft_engine *e, uint64_t *bytes, weft_error *err)
{
    wf_price price = price_of(e);
    price.otherwise = stored_in(e);
    weft_status status = WEFT_OK;
    if (e->has_core)
        wf_model_price(&price, &e->config, map_of(e), e->package);
    for (int32_t i = 0; i < e->modalities.n && status == WEFT_OK; i++)
        status = price_modality(e, &e->modalities.v[i], &price, err);
    *bytes = price.bytes;
    return status;
}
