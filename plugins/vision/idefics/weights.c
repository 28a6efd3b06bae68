/* SPDX-License-Identifier: Apache-2.0 */
/* The weights of encoder and resampler: every name and shape written down once, asked for in one
 * request, so that all that is missing or misshapen is reported together. */
#include "idefics.h"

#define VISION "model.vision_model."
#define RESAMPLER "model.perceiver_resampler."

typedef struct ask_ctx {
    idf_weights      *w;
    const idf_config *c;
} ask_ctx;

/* weight and bias of a norm or a linear layer. */
static void ask_pair(vis_request *r, weft_tensor *w, weft_tensor *b, uint32_t use, vis_shape s,
                     const char *prefix, const char *name)
{
    char full[VIS_MAX_NAME];
    snprintf(full, sizeof full, "%s.weight", name);
    vis_ask(r, w, use, s, prefix, full);
    snprintf(full, sizeof full, "%s.bias", name);
    vis_ask(r, b, WEFT_USE_PLAIN, vis_shape1(s.d[0]), prefix, full);
}

static void ask_block(vis_request *r, vis_block *b, const idf_config *c, const char *p)
{
    const vis_shape row = vis_shape1(c->d), square = vis_shape2(c->d, c->d);
    const uint32_t  plain = WEFT_USE_PLAIN, linear = WEFT_USE_LINEAR;
    ask_pair(r, &b->norm1_w, &b->norm1_b, plain, row, p, "layer_norm1");
    ask_pair(r, &b->w_q, &b->b_q, linear, square, p, "self_attn.q_proj");
    ask_pair(r, &b->w_k, &b->b_k, linear, square, p, "self_attn.k_proj");
    ask_pair(r, &b->w_v, &b->b_v, linear, square, p, "self_attn.v_proj");
    ask_pair(r, &b->w_o, &b->b_o, linear, square, p, "self_attn.out_proj");
    ask_pair(r, &b->norm2_w, &b->norm2_b, plain, row, p, "layer_norm2");
    ask_pair(r, &b->fc1_w, &b->fc1_b, linear, vis_shape2(c->d_ffn, c->d), p, "mlp.fc1");
    ask_pair(r, &b->fc2_w, &b->fc2_b, linear, vis_shape2(c->d, c->d_ffn), p, "mlp.fc2");
}

static void ask_all(vis_request *r, void *ctx)
{
    const ask_ctx    *a = ctx;
    const idf_config *c = a->c;
    idf_weights      *w = a->w;
    const vis_shape   patch = {4, {c->d, c->n_channels, c->patch, c->patch}};
    char              name[VIS_MAX_NAME];
    vis_ask(r, &w->patch_w, WEFT_USE_LINEAR, patch, VISION, "embeddings.patch_embedding.weight");
    vis_ask(r, &w->class_row, WEFT_USE_PLAIN, vis_shape1(c->d), VISION,
            "embeddings.class_embedding");
    vis_ask(r, &w->pos, WEFT_USE_PLAIN, vis_shape2(c->n, c->d), VISION,
            "embeddings.position_embedding.weight");
    ask_pair(r, &w->pre_w, &w->pre_b, WEFT_USE_PLAIN, vis_shape1(c->d), VISION, "pre_layrnorm");
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
    w->blocks = h->alloc(h, bytes, 16);
    if (w->blocks == NULL)
        return weft_fail(err, WEFT_E_NOMEM, "out of memory for %llu bytes of encoder blocks",
                         (unsigned long long)bytes);
    memset(w->blocks, 0, (size_t)bytes);
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
    vis_request r;
    weft_status status = begin(h, c, out, err);
    if (status != WEFT_OK)
        return status;
    status = vis_request_run(h, p, ask_all, &ctx, &r, err);
    if (status != WEFT_OK)
        idf_weights_free(h, out);
    return status;
}

uint64_t idf_weights_count(const weft_host *h, const idf_config *c)
{
    idf_weights w;
    ask_ctx     ctx = {&w, c};
    vis_request r;
    if (begin(h, c, &w, NULL) != WEFT_OK)
        return 0;
    (void)vis_request_run(h, NULL, ask_all, &ctx, &r, NULL);
    idf_weights_free(h, &w);
    return r.parameters;
}

void idf_weights_free(const weft_host *h, idf_weights *w)
{
    h->free(h, w->blocks);
    vis_resampler_free(&w->resampler, h);
    memset(w, 0, sizeof *w);
}
