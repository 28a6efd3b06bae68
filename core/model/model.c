/* SPDX-License-Identifier: Apache-2.0 */
/* The weights of a text core: names as transformers' LlamaForCausalLM has them, through the text
 * map where a directory wraps them in something larger. */
#include "core/model/model.h"

#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"

typedef struct names {                                       /* how this directory spells them */
    const char    *prefix, *head, *extra_embed, *extra_head; /* extra_*: NULL: none */
    const int32_t *layers;                                   /* NULL: 0, 1, 2, ... */
} names;

enum layer_tensor { NORM_ATTN, Q, K, V, O, NORM_FFN, GATE, UP, DOWN, LAYER_TENSORS };

static const char *const layer_names[LAYER_TENSORS] = {
    "input_layernorm",  "self_attn.q_proj", "self_attn.k_proj",
    "self_attn.v_proj", "self_attn.o_proj", "post_attention_layernorm",
    "mlp.gate_proj",    "mlp.up_proj",      "mlp.down_proj",
};

static void layer_name(char *out, const names *n, int32_t layer, int32_t which)
{
    snprintf(out, WF_NAME_BYTES, "%slayers.%d.%s.weight", n->prefix,
             n->layers != NULL ? n->layers[layer] : layer, layer_names[which]);
}

static void top_name(char *out, const names *n, const char *name)
{
    snprintf(out, WF_NAME_BYTES, "%s%s", n->prefix, name);
}

static wf_want want_of(const wf_config *c, int32_t which, const char *name)
{
    int64_t q = (int64_t)c->n_heads * c->head_dim, kv = (int64_t)c->n_kv_heads * c->head_dim;
    int64_t d = c->d_model, f = c->d_ffn;
    switch (which) {
    case Q:
        return (wf_want){name, 2, {q, d}};
    case K:
    case V:
        return (wf_want){name, 2, {kv, d}};
    case O:
        return (wf_want){name, 2, {d, q}};
    case GATE:
    case UP:
        return (wf_want){name, 2, {f, d}};
    case DOWN:
        return (wf_want){name, 2, {d, f}};
    default:
        return (wf_want){name, 1, {d}};
    }
}

/* Checks the embedding. It may have rows beyond the vocabulary, for markers. They do not belong to
 * the text core, unless the text map says where such rows are. */
static void check_embed(wf_problems *pr, weft_package *p, const wf_config *c, const char *name)
{
    const wf_st_file   *file;
    const wf_st_tensor *t;
    wf_want             w = {name, 2, {c->vocab - c->extra, c->d_model}};
    if (c->extra == 0 && wf_package_find(p, name, &file, &t, NULL) == WEFT_OK && t->rank >= 2 &&
        t->shape[0] > w.shape[0])
        w.shape[0] = t->shape[0];
    wf_problems_check(pr, p, &w);
}

static weft_status check_all(weft_package *p, const wf_config *c, const names *n, weft_error *err)
{
    char        name[WF_NAME_BYTES];
    wf_problems pr = WF_PROBLEMS_INIT;
    for (int32_t i = 0; i < c->n_layers; i++)
        for (int32_t which = 0; which < LAYER_TENSORS; which++) {
            layer_name(name, n, i, which);
            wf_want w = want_of(c, which, name);
            wf_problems_check(&pr, p, &w);
        }
    top_name(name, n, "embed_tokens.weight");
    check_embed(&pr, p, c, name);
    top_name(name, n, "norm.weight");
    wf_problems_check(&pr, p, &(wf_want){name, 1, {c->d_model}});
    if (!c->tied)
        wf_problems_check(&pr, p, &(wf_want){n->head, 2, {c->vocab - c->extra, c->d_model}});
    if (n->extra_embed != NULL)
        wf_problems_check(&pr, p, &(wf_want){n->extra_embed, 2, {c->extra, c->d_model}});
    if (n->extra_head != NULL && !c->tied)
        wf_problems_check(&pr, p, &(wf_want){n->extra_head, 2, {c->extra, c->d_model}});
    return wf_problems_report(&pr, p, err);
}

static weft_status load_layer(wf_loader *l, wf_model *m, const names *n, int32_t i, weft_error *err)
{
    const wf_config  *c = &m->config;
    wf_layer_weights *y = &m->layers[i];
    char              text[LAYER_TENSORS][WF_NAME_BYTES];
    const char       *name[LAYER_TENSORS];
    int64_t q = (int64_t)c->n_heads * c->head_dim, kv = (int64_t)c->n_kv_heads * c->head_dim;
    for (int32_t which = 0; which < LAYER_TENSORS; which++) {
        layer_name(text[which], n, i, which);
        name[which] = text[which];
    }
    weft_status status;
    if ((status = wf_load_f32(l, &m->buffers, name[NORM_ATTN], &y->norm_attn, err)) != WEFT_OK ||
        (status = wf_load_f32(l, &m->buffers, name[NORM_FFN], &y->norm_ffn, err)) != WEFT_OK ||
        (status = wf_load_parts(l, &m->buffers, &name[Q], (int64_t[]){q, kv, kv}, 3, c->d_model,
                                y->qkv, err)) != WEFT_OK ||
        (status = wf_load_linear(l, &m->buffers, &name[O], 1, c->d_model, q, &y->o, err)) !=
            WEFT_OK ||
        (status = wf_load_parts(l, &m->buffers, &name[GATE], (int64_t[]){c->d_ffn, c->d_ffn}, 2,
                                c->d_model, y->gate_up, err)) != WEFT_OK)
        return status;
    return wf_load_linear(l, &m->buffers, &name[DOWN], 1, c->d_model, c->d_ffn, &y->down, err);
}

static weft_status load_top(wf_loader *l, wf_model *m, const names *n, weft_error *err)
{
    const wf_config *c = &m->config;
    char             text[WF_NAME_BYTES];
    const char      *embed[] = {text, n->extra_embed}, *head[] = {n->head, n->extra_head};
    int32_t          n_tables = c->extra > 0 ? 2 : 1;
    top_name(text, n, "embed_tokens.weight");
    weft_status status =
        wf_load_table(l, &m->buffers, embed, n_tables, c->vocab, c->d_model, &m->embed, err);
    m->head = m->embed;
    if (status == WEFT_OK && !c->tied)
        status = wf_load_table(l, &m->buffers, head, n_tables, c->vocab, c->d_model, &m->head, err);
    top_name(text, n, "norm.weight");
    if (status == WEFT_OK)
        status = wf_load_f32(l, &m->buffers, text, &m->norm_out, err);
    return status;
}

/* A GGUF file may have numbers by which the frequencies are divided: how it writes the scaling that
 * config.json calls llama3. */
static weft_status divide_frequencies(wf_loader *l, float *frequencies, uint64_t n, weft_error *err)
{
    const wf_st_file   *file;
    const wf_st_tensor *t;
    if (wf_package_gguf(l->package) == NULL ||
        wf_package_find(l->package, WF_GGUF_ROPE_DIVISORS, &file, &t, NULL) != WEFT_OK)
        return WEFT_OK;
    float      *by = wf_alloc((size_t)n * sizeof *by);
    weft_status status = by != NULL ? wf_load_host(l, WF_GGUF_ROPE_DIVISORS, by, n, err)
                                    : wf_fail_nomem(err, n * sizeof *by, "a table of frequencies");
    for (uint64_t i = 0; i < n && status == WEFT_OK; i++)
        if (by[i] > 0 && by[i] < 1e9f)
            frequencies[i] /= by[i];
        else
            status = wf_fail(err, WEFT_E_CORRUPT, "%s: " WF_GGUF_ROPE_DIVISORS " has the value %g",
                             wf_package_dir(l->package), (double)by[i]);
    wf_free(by);
    return status;
}

static weft_status load_inv_freq(wf_loader *l, wf_model *m, weft_error *err)
{
    uint64_t    n = (uint64_t)m->config.head_dim / 2;
    float      *host = wf_alloc((size_t)n * sizeof *host);
    weft_status status = WEFT_OK;
    if (host == NULL)
        return wf_fail_nomem(err, n * sizeof *host, "a table of frequencies");
    wf_config_inv_freq(&m->config, host);
    status = divide_frequencies(l, host, n, err);
    if (status == WEFT_OK)
        status = wf_load_values(l, &m->buffers, host, n, &m->inv_freq, err);
    wf_free(host);
    return status;
}

static names names_of(const wf_config *c, const weft_text_map *map)
{
    if (map == NULL)
        return (names){.prefix = "model.", .head = "lm_head.weight"};
    return (names){map->prefix, map->head, c->extra > 0 ? map->extra_embedding : NULL,
                   c->extra > 0 ? map->extra_head : NULL, map->layers};
}

void wf_model_layer_name(const weft_text_map *map, char *name)
{
    const names n = names_of(&(wf_config){.extra = 0}, map);
    layer_name(name, &n, 0, O);
}

void wf_model_embed_name(const weft_text_map *map, char *name)
{
    const names n = names_of(&(wf_config){.extra = 0}, map);
    top_name(name, &n, "embed_tokens.weight");
}

/* One layer, as load_layer() takes it. */
static void price_layer(wf_price *price, const wf_config *c, const names *n, int32_t i,
                        weft_package *p)
{
    int64_t q = (int64_t)c->n_heads * c->head_dim, kv = (int64_t)c->n_kv_heads * c->head_dim;
    int64_t d = c->d_model, f = c->d_ffn;
    const struct {
        int32_t which, n_names;
        int64_t rows[3], cols;
    } linear[] = {{Q, 3, {q, kv, kv}, d}, {O, 1, {d}, q}, {GATE, 2, {f, f}, d}, {DOWN, 1, {d}, f}};
    char        text[3][WF_NAME_BYTES];
    const char *name[3] = {text[0], text[1], text[2]};
    for (size_t k = 0; k < sizeof linear / sizeof *linear; k++) {
        for (int32_t t = 0; t < linear[k].n_names; t++)
            layer_name(text[t], n, i, linear[k].which + t);
        wf_price_parts(price, p, name, linear[k].rows, linear[k].n_names, linear[k].cols);
    }
    wf_price_f32(price, 2 * (uint64_t)d);
}

void wf_model_price(wf_price *price, const wf_config *c, const weft_text_map *map, weft_package *p)
{
    const names n = names_of(c, map);
    char        name[WF_NAME_BYTES];
    for (int32_t i = 0; i < c->n_layers; i++)
        price_layer(price, c, &n, i, p);
    top_name(name, &n, "embed_tokens.weight");
    wf_price_table(price, p, name, c->vocab, c->d_model);
    if (!c->tied)
        wf_price_table(price, p, n.head, c->vocab, c->d_model);
    wf_price_f32(price, (uint64_t)c->d_model + (uint64_t)c->head_dim / 2);
}

void wf_model_linears(const wf_config *c, const weft_text_map *map, wf_linear_fn fn, void *ctx)
{
    const names n = names_of(c, map);
    char        name[WF_NAME_BYTES];
    const char *tables[] = {name, n.extra_embed, c->tied ? NULL : n.head,
                            c->tied ? NULL : n.extra_head};
    for (int32_t i = 0; i < c->n_layers; i++)
        for (int32_t which = 0; which < LAYER_TENSORS; which++) {
            layer_name(name, &n, i, which);
            if (which != NORM_ATTN && which != NORM_FFN)
                fn(ctx, name, false);
        }
    top_name(name, &n, "embed_tokens.weight");
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        if (tables[i] != NULL)
            fn(ctx, tables[i], true);
}

weft_status wf_model_check(weft_package *p, const wf_config *c, const weft_text_map *map,
                           weft_error *err)
{
    const names n = names_of(c, map);
    return check_all(p, c, &n, err);
}

static weft_status load_all(wf_loader *l, wf_model *m, const names *n, weft_error *err)
{
    weft_status status = check_all(l->package, &m->config, n, err);
    if (status == WEFT_OK)
        status = load_inv_freq(l, m, err);
    for (int32_t i = 0; i < m->config.n_layers && status == WEFT_OK; i++)
        status = load_layer(l, m, n, i, err);
    if (status == WEFT_OK)
        status = load_top(l, m, n, err);
    if (status == WEFT_OK)
        status = wf_loader_finish(l, err);
    return status;
}

weft_status wf_model_load(wf_loader *l, const wf_config *c, const weft_text_map *map,
                          wf_model **out, weft_error *err)
{
    names     n = names_of(c, map);
    wf_model *m = wf_zalloc(sizeof *m);
    *out = NULL;
    if (m == NULL)
        return wf_fail_nomem(err, sizeof *m, "a model");
    m->config = *c;
    m->device = l->device;
    m->buffers.device = l->device;
    m->layers = wf_zalloc_n((size_t)c->n_layers, sizeof *m->layers);
    weft_status status = m->layers != NULL ? load_all(l, m, &n, err)
                                           : wf_fail_nomem(err, sizeof *m->layers, "layers");
    if (status != WEFT_OK) {
        (void)wf_queue_wait(l->queue, NULL);
        wf_model_free(&m);
        return status;
    }
    *out = m;
    return WEFT_OK;
}

void wf_model_free(wf_model **m)
{
    if (*m == NULL)
        return;
    wf_buffers_free(&(*m)->buffers);
    wf_free((*m)->layers);
    wf_free(*m);
    *m = NULL;
}
