/* SPDX-License-Identifier: Apache-2.0 */
/* Names and shapes of all weights, as transformers 4.57 modeling_granite_speech.py and
 * modeling_blip_2.py have them. */
#include "granite.h"

typedef struct asked {
    const gsp_config *c;
    gsp_weights      *w;
    const char       *root; /* of all names */
} asked;

static void ask_ffn(plg_request *r, const gsp_encoder_config *c, const char *p, const char *name,
                    gsp_ffn *w)
{
    const int64_t d = c->d, wide = (int64_t)c->d * c->ffn_factor;
    char          prefix[PLG_MAX_NAME];
    snprintf(prefix, sizeof prefix, "%s%s.", p, name);
    plg_ask_norm(r, &w->norm, prefix, "pre_norm", d);
    plg_ask_dense(r, &w->up, prefix, "up_proj", wide, d, 0, 1);
    plg_ask_dense(r, &w->down, prefix, "down_proj", d, wide, 0, 1);
}

static void ask_attention(plg_request *r, const gsp_encoder_config *c, const char *p, gsp_block *b)
{
    const int64_t d = c->d, inner = (int64_t)c->n_heads * c->head_dim;
    plg_ask_norm(r, &b->attn_norm, p, "attn.pre_norm", d);
    plg_ask_dense(r, &b->q, p, "attn.to_q", inner, d, 0, 0);
    plg_ask_dense(r, &b->kv, p, "attn.to_kv", 2 * inner, d, 0, 0);
    plg_ask_dense(r, &b->out, p, "attn.to_out", d, inner, 0, 1);
    plg_ask(r, &b->distances, WEFT_USE_PLAIN,
            plg_shape2(2 * (int64_t)c->positions + 1, c->head_dim), p, "attn.rel_pos_emb.weight");
}

static void ask_convolution(plg_request *r, const gsp_encoder_config *c, const char *p,
                            gsp_block *b)
{
    const int64_t d = c->d, inner = d * c->conv_factor;
    plg_ask_norm(r, &b->conv_norm, p, "conv.norm", d);
    plg_ask_dense(r, &b->conv_up, p, "conv.up_conv", 2 * inner, d, 1, 1);
    plg_ask(r, &b->depth, WEFT_USE_PLAIN, (plg_shape){3, {inner, 1, c->kernel, 0}}, p,
            "conv.depth_conv.conv.weight");
    plg_ask_norm(r, &b->batch, p, "conv.batch_norm", inner);
    plg_ask(r, &b->mean, WEFT_USE_PLAIN, plg_shape1(inner), p, "conv.batch_norm.running_mean");
    plg_ask(r, &b->variance, WEFT_USE_PLAIN, plg_shape1(inner), p, "conv.batch_norm.running_var");
    plg_ask_dense(r, &b->conv_down, p, "conv.down_conv", d, inner, 1, 1);
}

static void ask_encoder(plg_request *r, const gsp_encoder_config *c, gsp_weights *w)
{
    char p[PLG_MAX_NAME];
    plg_ask_dense(r, &w->in, "encoder.", "input_linear", c->d, c->d_in, 0, 1);
    for (int32_t i = 0; i < c->n_layers; i++) {
        gsp_block *b = &w->blocks[i];
        snprintf(p, sizeof p, "encoder.layers.%d.", i);
        ask_ffn(r, c, p, "ff1", &b->ffn1);
        ask_attention(r, c, p, b);
        ask_convolution(r, c, p, b);
        ask_ffn(r, c, p, "ff2", &b->ffn2);
        plg_ask_norm(r, &b->last, p, "post_norm", c->d);
    }
    plg_ask_dense(r, &w->ctc, "encoder.", "out", c->n_ctc, c->d, 0, 1);
    plg_ask_dense(r, &w->feedback, "encoder.", "out_mid", c->d, c->n_ctc, 0, 1);
}

/* d_rows: the width of what keys and values are made of. */
static void ask_queries(plg_request *r, int64_t d, int64_t d_rows, const char *p, const char *name,
                        gsp_attention *w)
{
    char prefix[PLG_MAX_NAME];
    snprintf(prefix, sizeof prefix, "%s%s.", p, name);
    plg_ask_dense(r, &w->q, prefix, "attention.query", d, d, 0, 1);
    plg_ask_dense(r, &w->k, prefix, "attention.key", d, d_rows, 0, 1);
    plg_ask_dense(r, &w->v, prefix, "attention.value", d, d_rows, 0, 1);
    plg_ask_dense(r, &w->out, prefix, "output.dense", d, d, 0, 1);
    plg_ask_norm(r, &w->norm, prefix, "output.LayerNorm", d);
}

static void ask_projector(plg_request *r, const gsp_config *c, gsp_weights *w)
{
    const gsp_projector_config *q = &c->projector;
    char                        p[PLG_MAX_NAME];
    plg_ask(r, &w->queries, WEFT_USE_PLAIN, (plg_shape){3, {1, q->n_queries, q->d, 0}},
            "projector.", "query");
    plg_ask_norm(r, &w->norm, "projector.", "qformer.layernorm", q->d);
    for (int32_t i = 0; i < q->n_layers; i++) {
        gsp_query_layer *l = &w->layers[i];
        snprintf(p, sizeof p, "projector.qformer.encoder.layer.%d.", i);
        ask_queries(r, q->d, q->d, p, "attention", &l->self);
        if (i % q->every == 0)
            ask_queries(r, q->d, c->encoder.d_out, p, "crossattention", &l->cross);
        plg_ask_dense(r, &l->up, p, "intermediate_query.dense", q->d_ffn, q->d, 0, 1);
        plg_ask_dense(r, &l->down, p, "output_query.dense", q->d, q->d_ffn, 0, 1);
        plg_ask_norm(r, &l->norm, p, "output_query.LayerNorm", q->d);
    }
    plg_ask_dense(r, &w->linear, "projector.", "linear", q->d_text, q->d, 0, 1);
}

static void ask(plg_request *r, void *ctx)
{
    const asked *what = ctx;
    r->root = what->root;
    ask_encoder(r, &what->c->encoder, what->w);
    ask_projector(r, what->c, what->w);
}

static weft_status alloc(const weft_host *h, const gsp_config *c, gsp_weights *w, weft_error *err)
{
    memset(w, 0, sizeof *w);
    w->blocks =
        plg_alloc(h, (uint64_t)c->encoder.n_layers * sizeof *w->blocks, "encoder layers", err);
    if (w->blocks == NULL)
        return WEFT_E_NOMEM;
    w->layers =
        plg_alloc(h, (uint64_t)c->projector.n_layers * sizeof *w->layers, "projector layers", err);
    if (w->layers != NULL)
        return WEFT_OK;
    gsp_weights_free(h, w);
    return WEFT_E_NOMEM;
}

weft_status gsp_weights_load(const weft_host *h, const weft_package *p, const gsp_config *c,
                             gsp_weights *out, weft_error *err)
{
    asked       what = {c, out, plg_names_of(h, p, GSP_PROBE)->root};
    plg_request r;
    weft_status status = alloc(h, c, out, err);
    if (status == WEFT_OK)
        status = plg_request_run(h, p, ask, &what, &r, err);
    if (status != WEFT_OK)
        gsp_weights_free(h, out);
    return status;
}

uint64_t gsp_weights_count(const weft_host *h, const gsp_config *c)
{
    gsp_weights w;
    asked       what = {c, &w, ""};
    plg_request r;
    if (alloc(h, c, &w, NULL) != WEFT_OK)
        return 0;
    (void)plg_request_run(h, NULL, ask, &what, &r, NULL);
    gsp_weights_free(h, &w);
    return r.parameters;
}

weft_status gsp_weights_tell(const weft_host *h, const weft_package *p, const gsp_config *c,
                             const weft_weight_sink *sink, weft_error *err)
{
    gsp_weights w;
    asked       what = {c, &w, plg_names_of(h, p, GSP_PROBE)->root};
    weft_status status = alloc(h, c, &w, err);
    if (status != WEFT_OK)
        return status;
    status = plg_request_tell(h, p, ask, &what, sink, err);
    gsp_weights_free(h, &w);
    return status;
}

void gsp_weights_free(const weft_host *h, gsp_weights *w)
{
    h->free(h, w->blocks);
    h->free(h, w->layers);
    memset(w, 0, sizeof *w);
}
