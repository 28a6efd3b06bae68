/* SPDX-License-Identifier: Apache-2.0 */
/* The tensors of a text core before they are loaded: whether they are there, and what they will
 * take. */
#include "core/model/model.h"
#include "core/model/names.h"

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

static void check_biases(wf_problems *pr, weft_package *p, const wf_config *c, const wf_names *n,
                         int32_t layer)
{
    char name[WF_NAME_BYTES];
    for (int32_t which = WF_Q; c->qkv_bias && which < WF_Q + WF_BIASES; which++) {
        wf_bias_name(name, n, layer, which);
        wf_problems_check(pr, p, &(wf_want){name, 1, {wf_layer_want(c, which, name).shape[0]}});
    }
}

static void check_update(wf_problems *pr, weft_package *p, const wf_config *c, const wf_names *n,
                         int32_t layer)
{
    char name[WF_NAME_BYTES];
    for (int32_t which = WF_Q; which <= WF_V; which++) {
        if (!wf_is_updated(c, which))
            continue;
        wf_update_name(name, n, layer, which, 'A');
        wf_problems_check(pr, p, &(wf_want){name, 2, {c->update_rank, c->d_model}});
        wf_update_name(name, n, layer, which, 'B');
        wf_problems_check(
            pr, p, &(wf_want){name, 2, {wf_layer_want(c, which, name).shape[0], c->update_rank}});
    }
}

static weft_status check_all(weft_package *p, const wf_config *c, const wf_names *n,
                             weft_error *err)
{
    char        name[WF_NAME_BYTES];
    wf_problems pr = WF_PROBLEMS_INIT;
    for (int32_t i = 0; i < c->n_layers; i++) {
        for (int32_t which = 0; which < WF_LAYER_TENSORS; which++) {
            wf_layer_name(name, n, i, which);
            wf_want w = wf_layer_want(c, which, name);
            wf_problems_check(&pr, p, &w);
        }
        check_biases(&pr, p, c, n, i);
        check_update(&pr, p, c, n, i);
    }
    wf_top_name(name, n, "embed_tokens.weight");
    check_embed(&pr, p, c, name);
    wf_top_name(name, n, "norm.weight");
    wf_problems_check(&pr, p, &(wf_want){name, 1, {c->d_model}});
    if (!c->tied)
        wf_problems_check(&pr, p, &(wf_want){n->head, 2, {c->vocab - c->extra, c->d_model}});
    if (n->extra_embed != NULL)
        wf_problems_check(&pr, p, &(wf_want){n->extra_embed, 2, {c->extra, c->d_model}});
    if (n->extra_head != NULL && !c->tied)
        wf_problems_check(&pr, p, &(wf_want){n->extra_head, 2, {c->extra, c->d_model}});
    return wf_problems_report(&pr, p, err);
}

void wf_model_layer_name(const weft_text_map *map, char *name)
{
    const wf_names n = wf_names_of(&(wf_config){.extra = 0}, map);
    wf_layer_name(name, &n, 0, WF_O);
}

void wf_model_embed_name(const weft_text_map *map, char *name)
{
    const wf_names n = wf_names_of(&(wf_config){.extra = 0}, map);
    wf_top_name(name, &n, "embed_tokens.weight");
}

/* The low-rank update of a layer, as load_update() takes it: never quantised. */
static void price_update(wf_price *price, const wf_config *c, const wf_names *n, int32_t i,
                         weft_package *p)
{
    wf_price plain = *price;
    char     name[WF_NAME_BYTES];
    plain.quantize = WF_DTYPE_AUTO;
    for (int32_t which = WF_Q, first = 1; which <= WF_V; which++) {
        if (!wf_is_updated(c, which))
            continue;
        wf_update_name(name, n, i, which, 'A');
        if (first)
            wf_price_linear(&plain, p, name, (int64_t)c->n_updated * c->update_rank, c->d_model);
        first = 0;
        wf_update_name(name, n, i, which, 'B');
        wf_price_linear(&plain, p, name, wf_layer_want(c, which, name).shape[0], c->update_rank);
    }
    price->bytes = plain.bytes;
}

/* One layer, as load_layer() takes it. */
static void price_layer(wf_price *price, const wf_config *c, const wf_names *n, int32_t i,
                        weft_package *p)
{
    int64_t q = (int64_t)c->n_heads * c->head_dim, kv = (int64_t)c->n_kv_heads * c->head_dim;
    int64_t d = c->d_model, f = c->d_ffn;
    const struct {
        int32_t which, n_names;
        int64_t rows[3], cols;
    } linear[] = {{WF_Q, 3, {q, kv, kv}, d},
                  {WF_O, 1, {d}, q},
                  {WF_GATE_PROJ, 2, {f, f}, d},
                  {WF_DOWN_PROJ, 1, {d}, f}};
    char          text[3][WF_NAME_BYTES];
    const char   *name[3] = {text[0], text[1], text[2]};
    const int32_t others = price->quantize;
    for (size_t k = 0; k < sizeof linear / sizeof *linear; k++) {
        for (int32_t t = 0; t < linear[k].n_names; t++)
            wf_layer_name(text[t], n, i, linear[k].which + t);
        if (price->fp8 && wf_is_fp8_layer(i, c->n_layers) && linear[k].which >= WF_GATE_PROJ)
            price->quantize = WF_FP8;
        wf_price_parts(price, p, name, linear[k].rows, linear[k].n_names, linear[k].cols);
        price->quantize = others;
    }
    wf_price_f32(price, 2 * (uint64_t)d + (c->qkv_bias ? (uint64_t)(q + 2 * kv) : 0));
}

void wf_model_price(wf_price *price, const wf_config *c, const weft_text_map *map, weft_package *p)
{
    const wf_names n = wf_names_of(c, map);
    char           name[WF_NAME_BYTES];
    for (int32_t i = 0; i < c->n_layers; i++) {
        price_layer(price, c, &n, i, p);
        price_update(price, c, &n, i, p);
    }
    wf_top_name(name, &n, "embed_tokens.weight");
    wf_price_table(price, p, name, c->vocab, c->d_model);
    if (!c->tied)
        wf_price_table(price, p, n.head, c->vocab, c->d_model);
    wf_price_f32(price, (uint64_t)c->d_model + (uint64_t)c->head_dim / 2 +
                            (c->embedding_scale != 1 ? 1 : 0));
}

void wf_model_linears(const wf_config *c, const weft_text_map *map, wf_linear_fn fn, void *ctx)
{
    const wf_names n = wf_names_of(c, map);
    char           name[WF_NAME_BYTES];
    const char    *tables[] = {name, n.extra_embed, c->tied ? NULL : n.head,
                            c->tied ? NULL : n.extra_head};
    for (int32_t i = 0; i < c->n_layers; i++)
        for (int32_t which = 0; which < WF_LAYER_TENSORS; which++) {
            wf_layer_name(name, &n, i, which);
            if (which != WF_NORM_ATTN && which != WF_NORM_FFN)
                fn(ctx, name, false);
        }
    wf_top_name(name, &n, "embed_tokens.weight");
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        if (tables[i] != NULL)
            fn(ctx, tables[i], true);
}

weft_status wf_model_check(weft_package *p, const wf_config *c, const weft_text_map *map,
                           weft_error *err)
{
    const wf_names n = wf_names_of(c, map);
    return check_all(p, c, &n, err);
}
