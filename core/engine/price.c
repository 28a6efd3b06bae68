/* SPDX-License-Identifier: Apache-2.0 */
/* What weights will take of the device's memory: linear ones as it packs them in the type that they
 * are stored in (or the one asked for), norms and tables as f32. */
#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/engine/engine.h"
#include "core/media/calls.h"

/* A sum that sticks at the top. */
static void add(uint64_t *sum, uint64_t n, uint64_t each)
{
    uint64_t bytes;
    if (!wf_mul(n, each, &bytes) || !wf_add(*sum, bytes, sum))
        *sum = UINT64_MAX;
}

/* count weights [n, k]. */
static void add_weights(const weft_engine *e, int32_t format, int64_t count, int64_t n, int64_t k,
                        uint64_t *sum)
{
    uint64_t bytes = UINT64_MAX;
    if (n > 0 && k > 0 &&
        wf_device_weight_bytes(e->device, format, n, k, &bytes, NULL) == WEFT_E_UNSUPPORTED)
        bytes = UINT64_MAX;
    if (n > 0 && k > 0)
        add(sum, (uint64_t)count, bytes);
}

static int32_t format_of(const wf_st_tensor *t, int32_t otherwise)
{
    return t->dtype == WF_ST_BF16  ? WF_BF16
           : t->dtype == WF_ST_F16 ? WF_F16
           : t->dtype == WF_ST_F32 ? WF_F32
                                   : otherwise;
}

/* The format that the weight of that name will have; otherwise: where it is not there. */
static int32_t weight_format(const weft_engine *e, weft_package *p, const char *name,
                             int32_t otherwise)
{
    const wf_st_file   *file;
    const wf_st_tensor *t;
    if (e->dtype != WF_DTYPE_AUTO)
        return e->dtype;
    if (p == NULL || wf_package_find(p, name, &file, &t, NULL) != WEFT_OK)
        return otherwise;
    return format_of(t, otherwise);
}

/* As config.json says, of a directory whose weights are not there. */
static int32_t format_said(const weft_engine *e)
{
    static const char *const keys[] = {"torch_dtype", "dtype", "text_config.torch_dtype",
                                       "text_config.dtype"};
    const json_t            *config;
    const char              *name = "";
    if (wf_package_json(e->package, "config.json", &config, NULL) != WEFT_OK)
        return WF_F32;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (wf_json_str(config, "config.json", keys[i], &name, NULL) == WEFT_OK)
            break;
    return strcmp(name, "bfloat16") == 0 ? WF_BF16 : strcmp(name, "float16") == 0 ? WF_F16 : WF_F32;
}

int32_t wf_engine_dtype(const weft_engine *e)
{
    char name[WF_NAME_BYTES];
    if (e->model != NULL)
        return e->model->embed.format;
    snprintf(name, sizeof name, "%sembed_tokens.weight",
             e->map.n_layers > 0 ? e->map.prefix : "model.");
    return weight_format(e, e->package, name, format_said(e));
}

static uint64_t price_core(const weft_engine *e, int32_t format)
{
    const wf_config *c = &e->config;
    int64_t  q = (int64_t)c->n_heads * c->head_dim, kv = (int64_t)c->n_kv_heads * c->head_dim;
    int64_t  d = c->d_model, layers = c->n_layers;
    uint64_t sum = 0;
    add_weights(e, format, layers, q + 2 * kv, d, &sum);
    add_weights(e, format, layers, d, q, &sum);
    add_weights(e, format, layers, 2 * (int64_t)c->d_ffn, d, &sum);
    add_weights(e, format, layers, d, c->d_ffn, &sum);
    add_weights(e, format, c->tied ? 1 : 2, c->vocab, d, &sum);
    add(&sum, (uint64_t)(2 * layers + 1) * (uint64_t)d + (uint64_t)c->head_dim / 2, sizeof(float));
    return sum;
}

static const wf_modality *modality_of(const weft_engine *e, const char *owner)
{
    for (int32_t i = 0; i < e->modalities.n; i++)
        if (strcmp(wf_plugin_id(e->modalities.v[i].plugin), owner) == 0)
            return &e->modalities.v[i];
    return NULL;
}

static uint64_t price_site(const weft_engine *e, const wf_site *s, int32_t otherwise)
{
    const weft_xattn  *x = &s->x;
    const wf_modality *m = modality_of(e, s->owner);
    int32_t            format = weight_format(e, m != NULL ? m->package : NULL, x->w_q, otherwise);
    int64_t            d = e->config.d_model, q = (int64_t)x->n_heads * x->head_dim;
    int64_t            kv = (int64_t)x->n_kv_heads * x->head_dim;
    uint64_t           sum = 0;
    add_weights(e, format, 1, q, d, &sum);
    add_weights(e, format, 1, 2 * kv, x->d_src, &sum);
    add_weights(e, format, 1, d, q, &sum);
    add_weights(e, format, 1, 2 * (int64_t)x->d_ffn, d, &sum);
    add_weights(e, format, 1, d, x->d_ffn, &sum);
    uint64_t gates = (x->flags & WEFT_XATTN_GATE_EACH) != 0 ? 2 * (uint64_t)d : 0;
    add(&sum, 2 * (uint64_t)d + 2 * (uint64_t)x->head_dim + gates, sizeof(float));
    return sum;
}

/* All tensors of a directory, as if each were read. */
typedef struct average {
    const weft_engine *e;
    uint64_t           bytes, numel;
} average;

static void take(void *ctx, const wf_st_tensor *t)
{
    average *a = ctx;
    int32_t  stored = format_of(t, -1);
    uint64_t n = wf_st_numel(t);
    if (stored < 0 || n == 0 || n > INT64_MAX || t->rank < 1)
        return;
    if (!wf_add(a->numel, n, &a->numel))
        return;
    if (t->rank == 1)
        add(&a->bytes, n, sizeof(float));
    else
        add_weights(a->e, a->e->dtype != WF_DTYPE_AUTO ? a->e->dtype : stored, 1, t->shape[0],
                    (int64_t)(n / (uint64_t)t->shape[0]), &a->bytes);
}

/* n parameters of an encoder, which does not say how it will use each: as the weights of its
 * directory are on average, else in the format otherwise. */
static uint64_t price_encoder(const weft_engine *e, const wf_modality *m, uint64_t n,
                              int32_t otherwise)
{
    average  a = {e, 0, 0};
    uint64_t sum = 0;
    if (m->package != NULL)
        wf_package_each(m->package, take, &a);
    if (a.numel > 0 && a.bytes < UINT64_MAX)
        return (uint64_t)((double)n * ((double)a.bytes / (double)a.numel));
    add(&sum, n, (uint64_t)wf_dtype_bytes(otherwise));
    return sum;
}

uint64_t wf_engine_weight_bytes(const weft_engine *e)
{
    int32_t  format = wf_engine_dtype(e);
    uint64_t sum = e->has_core ? price_core(e, format) : 0;
    for (int32_t i = 0; i < e->hooks.n_sites; i++)
        if (e->hooks.sites[i].kind == WEFT_HOOK_XATTN)
            add(&sum, 1, price_site(e, &e->hooks.sites[i], format));
    for (int32_t i = 0; i < e->modalities.n; i++) {
        const wf_modality *m = &e->modalities.v[i];
        add(&sum, 1, price_encoder(e, m, wf_modality_parameters(m), format));
    }
    return sum;
}
