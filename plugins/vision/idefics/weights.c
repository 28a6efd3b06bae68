/* SPDX-License-Identifier: Apache-2.0 */
/* The weights of the encoder and the resampler. Every name and shape is written down once, and all
 * are loaded in one request, so that one message reports everything that is missing or has the
 * wrong shape. */
#include "idefics.h"

#define VISION "model.vision_model."
#define RESAMPLER "model.perceiver_resampler."

typedef struct ask_ctx {
    idf_weights      *w;
    const idf_config *c;
} ask_ctx;

static void ask_block(plg_request *r, vis_block *b, const idf_config *c, const char *p)
{
    const int64_t d = c->d;
    plg_ask_norm(r, &b->norm1, p, "layer_norm1", d);
    plg_ask_dense(r, &b->q, p, "self_attn.q_proj", d, d, 0, 1);
    plg_ask_dense(r, &b->k, p, "self_attn.k_proj", d, d, 0, 1);
    plg_ask_dense(r, &b->v, p, "self_attn.v_proj", d, d, 0, 1);
    plg_ask_dense(r, &b->o, p, "self_attn.out_proj", d, d, 0, 1);
    plg_ask_norm(r, &b->norm2, p, "layer_norm2", d);
    plg_ask_dense(r, &b->fc1, p, "mlp.fc1", c->d_ffn, d, 0, 1);
    plg_ask_dense(r, &b->fc2, p, "mlp.fc2", d, c->d_ffn, 0, 1);
}

static void ask_all(plg_request *r, void *ctx)
{
    const ask_ctx    *a = ctx;
    const idf_config *c = a->c;
    idf_weights      *w = a->w;
    const plg_shape   patch = {4, {c->d, c->n_channels, c->patch, c->patch}};
    char              name[PLG_MAX_NAME];
    plg_ask(r, &w->patch_w, WEFT_USE_LINEAR, patch, VISION, "embeddings.patch_embedding.weight");
    plg_ask(r, &w->class_row, WEFT_USE_PLAIN, plg_shape1(c->d), VISION,
            "embeddings.class_embedding");
    plg_ask(r, &w->pos, WEFT_USE_PLAIN, plg_shape2(c->n, c->d), VISION,
            "embeddings.position_embedding.weight");
    plg_ask_norm(r, &w->pre, VISION, "pre_layrnorm", c->d);
    for (int32_t i = 0; i < c->n_layers; i++) {
        snprintf(name, sizeof name, "%sencoder.layers.%d.", VISION, i);
        ask_block(r, &w->blocks[i], c, name);
    }
    if (c->use_resampler)
        vis_resampler_ask(r, &w->resampler, RESAMPLER);
}

/* Memory for what is asked for. */
static weft_status begin(const weft_host *h, const idf_config *c, idf_weights *w, weft_error *err)
{
    const uint64_t bytes = (uint64_t)c->n_layers * sizeof *w->blocks;
    memset(w, 0, sizeof *w);
    w->blocks = plg_alloc(h, bytes, "encoder blocks", err);
    if (w->blocks == NULL)
        return WEFT_E_NOMEM;
    for (int32_t i = 0; i < c->n_layers; i++)
        w->blocks[i].gate_attn = w->blocks[i].gate_ffn = 1.0f;
    weft_status status =
        c->use_resampler ? vis_resampler_init(&w->resampler, h, &c->resampler, err) : WEFT_OK;
    if (status != WEFT_OK)
        idf_weights_free(h, w);
    return status;
}

weft_status idf_weights_load(const weft_host *h, const weft_package *p, const idf_config *c,
                             idf_weights *out, weft_error *err)
{
    ask_ctx     ctx = {out, c};
    plg_request r;
    weft_status status = begin(h, c, out, err);
    if (status != WEFT_OK)
        return status;
    status = plg_request_run(h, p, ask_all, &ctx, &r, err);
    if (status != WEFT_OK)
        idf_weights_free(h, out);
    return status;
}

uint64_t idf_weights_count(const weft_host *h, const idf_config *c)
{
    idf_weights w;
    ask_ctx     ctx = {&w, c};
    plg_request r;
    if (begin(h, c, &w, NULL) != WEFT_OK)
        return 0;
    (void)plg_request_run(h, NULL, ask_all, &ctx, &r, NULL);
    idf_weights_free(h, &w);
    return r.parameters;
}

weft_status idf_weights_tell(const weft_host *h, const weft_package *p, const idf_config *c,
                             const weft_weight_sink *sink, weft_error *err)
{
    idf_weights w;
    ask_ctx     ctx = {&w, c};
    weft_status status = begin(h, c, &w, err);
    if (status != WEFT_OK)
        return status;
    status = plg_request_tell(h, p, ask_all, &ctx, sink, err);
    idf_weights_free(h, &w);
    return status;
}

void idf_weights_free(const weft_host *h, idf_weights *w)
{
    h->free(h, w->blocks);
    vis_resampler_free(&w->resampler, h);
    memset(w, 0, sizeof *w);
}
