/* SPDX-License-Identifier: Apache-2.0 */
/* config.json of a Llama text core. Both spellings of the RoPE keys are read: rope_theta +
 * rope_scaling, and transformers v5's rope_parameters. */
#include "core/model/config.h"

#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/kv/pages.h"

#define MAX_DIM (1 << 24)

/* Where keys are looked up: the file at a path, then the map's defaults. */
typedef struct keys {
    const json_t *file, *defaults;
    const char   *place; /* what messages call the file */
} keys;

static weft_status key_f64(const keys *k, const char *name, double dflt, double *out,
                           weft_error *err)
{
    weft_status status = wf_json_f64(k->file, "config.json", name, out, err);
    if (status == WEFT_E_NOTFOUND)
        status = wf_json_f64(k->defaults, "defaults", name, out, err);
    if (status != WEFT_E_NOTFOUND)
        return status;
    *out = dflt;
    return WEFT_OK;
}

/* dflt < 0: required. */
static weft_status key_i32(const keys *k, const char *name, int64_t dflt, int64_t min, int64_t max,
                           int32_t *out, weft_error *err)
{
    int64_t     v = dflt;
    weft_status status = wf_json_i64(k->file, "config.json", name, &v, err);
    if (status == WEFT_E_NOTFOUND)
        status = wf_json_i64(k->defaults, "defaults", name, &v, err);
    if (status == WEFT_E_NOTFOUND && dflt < 0)
        return wf_fail(err, WEFT_E_CORRUPT, "%s: %s is missing", k->place, name);
    if (status != WEFT_OK && status != WEFT_E_NOTFOUND)
        return status;
    if (v < min || v > max)
        return wf_fail(err, WEFT_E_CORRUPT, "%s: %s is %lld, not in %lld..%lld", k->place, name,
                       (long long)v, (long long)min, (long long)max);
    *out = (int32_t)v;
    return WEFT_OK;
}

static weft_status refuse_flag(const keys *k, const char *name, weft_error *err)
{
    int32_t     v = 0;
    weft_status status = wf_json_bool(k->file, "config.json", name, &v, err);
    if (status == WEFT_E_NOTFOUND || (status == WEFT_OK && !v))
        return WEFT_OK;
    return status != WEFT_OK ? status
                             : wf_fail(err, WEFT_E_UNSUPPORTED,
                                       "%s: %s true is not a Llama 3 text core", k->place, name);
}

static weft_status check_activation(const keys *k, weft_error *err)
{
    const char *act = "silu";
    weft_status status = wf_json_str(k->file, "config.json", "hidden_act", &act, err);
    if (status != WEFT_OK && status != WEFT_E_NOTFOUND)
        return status;
    if (status == WEFT_OK && strcmp(act, "silu") != 0)
        return wf_fail(err, WEFT_E_UNSUPPORTED, "%s: hidden_act \"%s\" is not silu", k->place, act);
    return WEFT_OK;
}

/* The layers of the map are some of the file's; a file that does not say how many it has can hold
 * all that a map may have. */
static weft_status read_layers(const keys *k, const weft_text_map *map, wf_config *c,
                               weft_error *err)
{
    char        what[160];
    int32_t     n = 0;
    weft_status status = key_i32(k, "num_hidden_layers", map != NULL ? WF_MAX_LAYERS : -1, 1,
                                 WF_MAX_LAYERS, &n, err);
    if (status != WEFT_OK)
        return status;
    if (map != NULL && wf_text_map_layers(map, n, what, sizeof what))
        return wf_fail(err, WEFT_E_INTERNAL, "%s: the text map has %s", k->place, what);
    c->n_layers = map != NULL ? map->n_layers : n;
    return WEFT_OK;
}

static weft_status read_sizes(const keys *k, const weft_text_map *map, wf_config *c,
                              weft_error *err)
{
    weft_status status;
    if ((status = key_i32(k, "hidden_size", -1, 1, MAX_DIM, &c->d_model, err)) != WEFT_OK ||
        (status = key_i32(k, "intermediate_size", -1, 1, MAX_DIM, &c->d_ffn, err)) != WEFT_OK ||
        (status = key_i32(k, "num_attention_heads", -1, 1, 65536, &c->n_heads, err)) != WEFT_OK ||
        (status = key_i32(k, "num_key_value_heads", c->n_heads, 1, 65536, &c->n_kv_heads, err)) !=
            WEFT_OK ||
        (status = key_i32(k, "vocab_size", -1, 1, MAX_DIM, &c->vocab, err)) != WEFT_OK ||
        (status = key_i32(k, "max_position_embeddings", 2048, 1, INT_MAX, &c->max_positions,
                          err)) != WEFT_OK)
        return status;
    if ((status = read_layers(k, map, c, err)) != WEFT_OK)
        return status;
    int64_t head_dim = c->d_model / c->n_heads;
    status = key_i32(k, "head_dim", head_dim > 0 ? head_dim : 1, 2, 4096, &c->head_dim, err);
    if (status != WEFT_OK)
        return status;
    if (c->head_dim % 2 != 0 || c->n_heads % c->n_kv_heads != 0)
        return wf_fail(err, WEFT_E_CORRUPT,
                       "%s: %d heads of %d over %d key/value heads do not divide", k->place,
                       c->n_heads, c->head_dim, c->n_kv_heads);
    return WEFT_OK;
}

/* The object that holds the scaling keys, or NULL: rope_parameters, else rope_scaling, of file or
 * defaults. */
static weft_status rope_object(const keys *k, const json_t **out, weft_error *err)
{
    const json_t *o = wf_json_at(k->file, "rope_parameters");
    if (o == NULL)
        o = wf_json_at(k->file, "rope_scaling");
    if (o == NULL && wf_json_at(k->file, "rope_theta") == NULL)
        o = wf_json_at(k->defaults, "rope_scaling");
    *out = json_is_null(o) ? NULL : o;
    if (*out != NULL && !json_is_object(o))
        return wf_fail(err, WEFT_E_CORRUPT, "%s: the rope scaling is no object", k->place);
    return WEFT_OK;
}

/* "rope_type", or "type" as it was called before; untouched where neither is there. */
static weft_status rope_type(const json_t *o, const char **type, weft_error *err)
{
    weft_status status = wf_json_str(o, "config.json", "rope_type", type, err);
    if (status == WEFT_E_NOTFOUND)
        status = wf_json_str(o, "config.json", "type", type, err);
    return status == WEFT_E_NOTFOUND ? WEFT_OK : status;
}

static weft_status read_llama3(const keys *k, const json_t *o, wf_config *c, weft_error *err)
{
    keys        r = {o, NULL, k->place};
    double      n = 0;
    weft_status status;
    if ((status = key_f64(&r, "factor", 8, &c->rope.factor, err)) != WEFT_OK ||
        (status = key_f64(&r, "low_freq_factor", 1, &c->rope.low_freq_factor, err)) != WEFT_OK ||
        (status = key_f64(&r, "high_freq_factor", 4, &c->rope.high_freq_factor, err)) != WEFT_OK ||
        (status = key_f64(&r, "original_max_position_embeddings", 8192, &n, err)) != WEFT_OK)
        return status;
    if (!(c->rope.factor >= 1 && c->rope.factor < 1e6 && c->rope.low_freq_factor > 0 &&
          c->rope.high_freq_factor > c->rope.low_freq_factor && n >= 1 && n < 1e9))
        return wf_fail(err, WEFT_E_CORRUPT, "%s: the llama3 rope factors are out of range",
                       k->place);
    c->rope.original_positions = (int64_t)n;
    return WEFT_OK;
}

static weft_status read_rope(const keys *k, wf_config *c, weft_error *err)
{
    const json_t *o;
    const char   *type = "default";
    weft_status   status = rope_object(k, &o, err);
    if (status == WEFT_OK)
        status = key_f64(k, "rope_theta", 10000, &c->rope_theta, err);
    if (status != WEFT_OK)
        return status;
    c->rope.factor = 1;
    if (o != NULL) {
        keys r = {o, NULL, k->place};
        if ((status = key_f64(&r, "rope_theta", c->rope_theta, &c->rope_theta, err)) != WEFT_OK ||
            (status = rope_type(o, &type, err)) != WEFT_OK)
            return status;
    }
    if (!(c->rope_theta > 1 && c->rope_theta < 1e12))
        return wf_fail(err, WEFT_E_CORRUPT, "%s: rope_theta %g is out of range", k->place,
                       c->rope_theta);
    if (strcmp(type, "default") == 0)
        return WEFT_OK;
    if (strcmp(type, "llama3") != 0)
        return wf_fail(err, WEFT_E_UNSUPPORTED, "%s: rope type \"%s\" is not default or llama3",
                       k->place, type);
    return read_llama3(k, o, c, err);
}

/* Whether head and embedding are one table. In a directory that wraps its text core, that may stand
 * outside the core's object: what the map says of it counts before the file. */
static weft_status tie_of(const keys *k, int32_t *tied, weft_error *err)
{
    weft_status status = wf_json_bool(k->defaults, "defaults", "tie_word_embeddings", tied, err);
    return status == WEFT_E_NOTFOUND
               ? wf_json_bool(k->file, "config.json", "tie_word_embeddings", tied, err)
               : status;
}

/* Takes from the map what a Llama does not have. */
static void read_numbers(const weft_text_map *map, wf_config *c)
{
    static const weft_text_map none = {.n_layers = 0};
    const weft_text_map       *m = map != NULL ? map : &none;
    c->embedding_scale = m->embedding_scale > 0 ? m->embedding_scale : 1.0f;
    c->attention_scale =
        m->attention_scale > 0 ? m->attention_scale : wf_attention_scale(c->head_dim);
    c->residual_scale = m->residual_scale > 0 ? m->residual_scale : 1.0f;
    c->logits_divisor = m->logits_divisor > 0 ? m->logits_divisor : 1.0f;
    c->qkv_bias = (m->flags & WEFT_TEXT_QKV_BIAS) != 0;
    c->update_rank = m->update_rank;
    c->update_scale = m->update_scale;
    c->update_of = m->update_rank > 0 ? m->update_of : 0;
    for (uint32_t bit = WEFT_UPDATE_Q; bit <= WEFT_UPDATE_V; bit *= 2)
        c->n_updated += (c->update_of & bit) != 0;
}

static weft_status read_all(const keys *k, const weft_text_map *map, wf_config *c, weft_error *err)
{
    double      eps = 0;
    int32_t     tied = 0;
    weft_status status = read_sizes(k, map, c, err);
    if (status != WEFT_OK || (status = read_rope(k, c, err)) != WEFT_OK ||
        (status = key_f64(k, "rms_norm_eps", 1e-6, &eps, err)) != WEFT_OK ||
        (status = check_activation(k, err)) != WEFT_OK ||
        (status = refuse_flag(k, "attention_bias", err)) != WEFT_OK ||
        (status = refuse_flag(k, "mlp_bias", err)) != WEFT_OK)
        return status;
    if (!(eps >= 0 && eps < 1))
        return wf_fail(err, WEFT_E_CORRUPT, "%s: rms_norm_eps %g is out of range", k->place, eps);
    c->rms_eps = (float)eps;
    c->extra = map != NULL ? map->extra_rows : 0;
    c->vocab += c->extra;
    read_numbers(map, c);
    status = tie_of(k, &tied, err);
    c->tied = tied;
    return status == WEFT_E_NOTFOUND ? WEFT_OK : status;
}

weft_status wf_config_read(weft_package *p, const weft_text_map *map, wf_config *out,
                           weft_error *err)
{
    const json_t *root;
    json_t       *defaults = NULL;
    char          place[WF_CONFIG_NAME_BYTES];
    memset(out, 0, sizeof *out);
    weft_status status = wf_package_json(p, "config.json", &root, err);
    if (status != WEFT_OK)
        return status;
    if (map != NULL && map->defaults != NULL) {
        status = wf_json_parse(map->defaults, strlen(map->defaults), "the text map's defaults",
                               &defaults, err);
        if (status != WEFT_OK)
            return status;
    }
    keys k = {wf_json_at(root, map != NULL ? map->config_path : ""), defaults, place};
    wf_package_config_name(p, place);
    if (k.file == NULL)
        status = wf_fail(err, WEFT_E_CORRUPT, "%s: %s is missing", k.place, map->config_path);
    else
        status = read_all(&k, map, out, err);
    json_decref(defaults);
    return status;
}

weft_status wf_config_architecture(weft_package *p, const char **out, weft_error *err)
{
    const json_t *root;
    weft_status   status = wf_package_json(p, "config.json", &root, err);
    if (status != WEFT_OK)
        return status;
    return wf_json_str(root, "config.json", "architectures[0]", out, err);
}

/* One frequency through the three bands of llama3 scaling; f32 as transformers computes it. */
static float scale_frequency(const wf_rope_scaling *s, float inv_freq)
{
    float n = (float)s->original_positions, factor = (float)s->factor;
    float lo = (float)s->low_freq_factor, hi = (float)s->high_freq_factor;
    float wavelength = 2.0f * (float)M_PI / inv_freq;
    if (wavelength < n / hi)
        return inv_freq;
    if (wavelength > n / lo)
        return inv_freq / factor;
    float smooth = (n / wavelength - lo) / (hi - lo);
    return (1.0f - smooth) * inv_freq / factor + smooth * inv_freq;
}

void wf_config_inv_freq(const wf_config *c, float *inv_freq)
{
    for (int32_t i = 0; i < c->head_dim / 2; i++) {
        float f = 1.0f / powf((float)c->rope_theta, (float)(2 * i) / (float)c->head_dim);
        inv_freq[i] = c->rope.factor == 1 ? f : scale_frequency(&c->rope, f);
    }
}

/* Sums a * b, sticking at overflow. */
static void add_product(bool *ok, uint64_t *sum, uint64_t a, uint64_t b)
{
    uint64_t product;
    *ok = *ok && wf_mul(a, b, &product) && wf_add(*sum, product, sum);
}

/* Values of A and B of a layer's low-rank update, for one of its rank. */
static uint64_t update_columns(const wf_config *c)
{
    uint64_t q = (uint64_t)c->n_heads * (uint64_t)c->head_dim;
    uint64_t kv = (uint64_t)c->n_kv_heads * (uint64_t)c->head_dim;
    return (uint64_t)c->n_updated * (uint64_t)c->d_model +
           ((c->update_of & WEFT_UPDATE_Q) != 0 ? q : 0) +
           ((c->update_of & WEFT_UPDATE_K) != 0 ? kv : 0) +
           ((c->update_of & WEFT_UPDATE_V) != 0 ? kv : 0);
}

static bool parameters(const wf_config *c, uint64_t *out)
{
    uint64_t d = (uint64_t)c->d_model, q = (uint64_t)c->n_heads * (uint64_t)c->head_dim;
    uint64_t kv = (uint64_t)c->n_kv_heads * (uint64_t)c->head_dim, layer = 2 * d;
    bool     ok = true;
    add_product(&ok, &layer, 2 * q + 2 * kv, d);
    add_product(&ok, &layer, 3 * (uint64_t)c->d_ffn, d);
    add_product(&ok, &layer, c->qkv_bias ? q + 2 * kv : 0, 1);
    add_product(&ok, &layer, update_columns(c), (uint64_t)c->update_rank);
    *out = d;
    add_product(&ok, out, layer, (uint64_t)c->n_layers);
    add_product(&ok, out, (uint64_t)c->vocab * (c->tied ? 1 : 2), d);
    return ok;
}

uint64_t wf_config_parameters(const wf_config *c)
{
    uint64_t n = 0;
    return parameters(c, &n) ? n : UINT64_MAX;
}

bool wf_config_kv_bytes(const wf_config *c, int64_t page_bytes, int64_t n_tokens, uint64_t *bytes)
{
    uint64_t blocks = ((uint64_t)n_tokens + WF_PAGE_TOKENS - 1) / WF_PAGE_TOKENS;
    return wf_mul(blocks, (uint64_t)c->n_layers, bytes) &&
           wf_mul(*bytes, (uint64_t)page_bytes, bytes);
}
