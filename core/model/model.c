/* SPDX-License-Identifier: Apache-2.0 */
/* The weights of a text core, loaded. */
#include "core/model/model.h"

#include "core/base/mem.h"
#include "core/model/names.h"

/* The biases of q, k and v, one after the other as the rows of their weights are. */
static weft_status load_biases(wf_loader *l, wf_model *m, const wf_names *n, int32_t i,
                               weft_error *err)
{
    const wf_config *c = &m->config;
    const int64_t    rows[WF_BIASES] = {(int64_t)c->n_heads * c->head_dim,
                                        (int64_t)c->n_kv_heads * c->head_dim,
                                        (int64_t)c->n_kv_heads * c->head_dim};
    const uint64_t   all = (uint64_t)(rows[0] + rows[1] + rows[2]);
    char             name[WF_NAME_BYTES];
    weft_status      status = WEFT_OK;
    if (!c->qkv_bias)
        return WEFT_OK;
    float *host = wf_alloc(all * sizeof *host), *at = host;
    if (host == NULL)
        return wf_fail_nomem(err, all * sizeof *host, "a layer's biases");
    for (int32_t k = 0; k < WF_BIASES && status == WEFT_OK; k++) {
        wf_bias_name(name, n, i, WF_Q + k);
        status = wf_load_host(l, name, at, (uint64_t)rows[k], err);
        at += rows[k];
    }
    if (status == WEFT_OK)
        status = wf_load_values(l, &m->buffers, host, all, &m->layers[i].qkv_bias, err);
    wf_free(host);
    return status;
}

/* The low-rank update of a layer, in the format that it is stored in or --dtype says: it is small,
 * and what is rounded of it is rounded of every row that takes it. */
static weft_status load_update(wf_loader *l, wf_model *m, const wf_names *n, int32_t i,
                               weft_error *err)
{
    const wf_config  *c = &m->config;
    wf_layer_weights *y = &m->layers[i];
    const int32_t     quantize = l->quantize;
    char              text[2][3][WF_NAME_BYTES];
    const char       *a[3], *b;
    int32_t           n_a = 0;
    weft_status       status = WEFT_OK;
    if (c->update_rank == 0)
        return WEFT_OK;
    l->quantize = WF_DTYPE_AUTO;
    for (int32_t k = 0; k < 3 && status == WEFT_OK; k++) {
        if (!wf_is_updated(c, WF_Q + k))
            continue;
        wf_update_name(text[0][n_a], n, i, WF_Q + k, 'A');
        a[n_a] = text[0][n_a];
        n_a++;
        wf_update_name(text[1][k], n, i, WF_Q + k, 'B');
        b = text[1][k];
        status = wf_load_linear(l, &m->buffers, &b, 1, wf_layer_want(c, WF_Q + k, b).shape[0],
                                c->update_rank, &y->update_b[k], err);
    }
    if (status == WEFT_OK)
        status = wf_load_linear(l, &m->buffers, a, n_a, (int64_t)n_a * c->update_rank, c->d_model,
                                &y->update_a, err);
    l->quantize = quantize;
    return status;
}

/* The feed-forward weights of layer i. */
static weft_status load_ffn(wf_loader *l, wf_model *m, const char *const *name, int32_t i,
                            weft_error *err)
{
    const wf_config  *c = &m->config;
    wf_layer_weights *y = &m->layers[i];
    const int32_t     others = l->quantize;
    if (l->fp8 && wf_is_fp8_layer(i, c->n_layers))
        l->quantize = WF_FP8;
    weft_status status =
        wf_load_parts(l, &m->buffers, &name[WF_GATE_PROJ], (int64_t[]){c->d_ffn, c->d_ffn}, 2,
                      c->d_model, y->gate_up, err);
    if (status == WEFT_OK)
        status = wf_load_linear(l, &m->buffers, &name[WF_DOWN_PROJ], 1, c->d_model, c->d_ffn,
                                &y->down, err);
    l->quantize = others;
    return status;
}

static weft_status load_layer(wf_loader *l, wf_model *m, const wf_names *n, int32_t i,
                              weft_error *err)
{
    const wf_config  *c = &m->config;
    wf_layer_weights *y = &m->layers[i];
    char              text[WF_LAYER_TENSORS][WF_NAME_BYTES];
    const char       *name[WF_LAYER_TENSORS];
    int64_t q = (int64_t)c->n_heads * c->head_dim, kv = (int64_t)c->n_kv_heads * c->head_dim;
    for (int32_t which = 0; which < WF_LAYER_TENSORS; which++) {
        wf_layer_name(text[which], n, i, which);
        name[which] = text[which];
    }
    weft_status status;
    if ((status = wf_load_f32(l, &m->buffers, name[WF_NORM_ATTN], &y->norm_attn, err)) != WEFT_OK ||
        (status = wf_load_f32(l, &m->buffers, name[WF_NORM_FFN], &y->norm_ffn, err)) != WEFT_OK ||
        (status = wf_load_parts(l, &m->buffers, &name[WF_Q], (int64_t[]){q, kv, kv}, 3, c->d_model,
                                y->qkv, err)) != WEFT_OK ||
        (status = load_biases(l, m, n, i, err)) != WEFT_OK ||
        (status = load_update(l, m, n, i, err)) != WEFT_OK ||
        (status = wf_load_linear(l, &m->buffers, &name[WF_O], 1, c->d_model, q, &y->o, err)) !=
            WEFT_OK)
        return status;
    return load_ffn(l, m, name, i, err);
}

/* The weights of the last norm. Logits are linear in them, so they are divided in the logits'
 * place. */
static weft_status load_norm_out(wf_loader *l, wf_model *m, const char *name, weft_error *err)
{
    const float divisor = m->config.logits_divisor;
    uint64_t    n = (uint64_t)m->config.d_model;
    if (divisor == 1)
        return wf_load_f32(l, &m->buffers, name, &m->norm_out, err);
    float *host = wf_alloc((size_t)n * sizeof *host);
    if (host == NULL)
        return wf_fail_nomem(err, n * sizeof *host, "the weights of a norm");
    weft_status status = wf_load_host(l, name, host, n, err);
    for (uint64_t i = 0; i < n && status == WEFT_OK; i++)
        host[i] /= divisor;
    if (status == WEFT_OK)
        status = wf_load_values(l, &m->buffers, host, n, &m->norm_out, err);
    wf_free(host);
    return status;
}

static weft_status load_top(wf_loader *l, wf_model *m, const wf_names *n, weft_error *err)
{
    const wf_config *c = &m->config;
    char             text[WF_NAME_BYTES];
    const char      *embed[] = {text, n->extra_embed}, *head[] = {n->head, n->extra_head};
    int32_t          n_tables = c->extra > 0 ? 2 : 1;
    wf_top_name(text, n, "embed_tokens.weight");
    weft_status status =
        wf_load_table(l, &m->buffers, embed, n_tables, c->vocab, c->d_model, &m->embed, err);
    m->head = m->embed;
    if (status == WEFT_OK && !c->tied)
        status = wf_load_table(l, &m->buffers, head, n_tables, c->vocab, c->d_model, &m->head, err);
    wf_top_name(text, n, "norm.weight");
    if (status == WEFT_OK)
        status = load_norm_out(l, m, text, err);
    if (status == WEFT_OK && c->embedding_scale != 1)
        status = wf_load_values(l, &m->buffers, &c->embedding_scale, 1, &m->embedding_scale, err);
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

static weft_status load_all(wf_loader *l, wf_model *m, const wf_names *n, weft_error *err)
{
    weft_status status = load_inv_freq(l, m, err);
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
    wf_names  n = wf_names_of(c, map);
    wf_model *m = wf_zalloc(sizeof *m);
    *out = NULL;
    if (m == NULL)
        return wf_fail_nomem(err, sizeof *m, "a model");
    m->config = *c;
    m->device = l->device;
    m->buffers.device = l->device;
    m->layers = wf_zalloc_n((size_t)c->n_layers, sizeof *m->layers);
    weft_status status = m->layers != NULL ? wf_model_check(l->package, c, map, err)
                                           : wf_fail_nomem(err, sizeof *m->layers, "layers");
    if (status == WEFT_OK)
        status = load_all(l, m, &n, err);
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
