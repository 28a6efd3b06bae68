/* SPDX-License-Identifier: Apache-2.0 */
/* The encoder's weights. Every name and shape is written down once, and all are loaded in one
 * request, so that one message reports everything that is missing or has the wrong shape. */
#include "vision.h"

#include <math.h>

static const vis_names released = {"language_model.model.", "language_model.lm_head.weight",
                                   "vision_model.", "multi_modal_projector."};
static const vis_names renamed = {"model.language_model.", "lm_head.weight", "model.vision_model.",
                                  "model.multi_modal_projector."};

const vis_names *vis_names_of(const weft_host *h, const weft_package *p)
{
    const weft_if_weights *weights = h->get_interface(h, WEFT_IF_WEIGHTS);
    return weights->has(h, p, "model.language_model.embed_tokens.weight") ? &renamed : &released;
}

static void ask_block(plg_request *r, vis_block *b, const vis_config *c, const char *prefix,
                      int32_t gated)
{
    const int64_t d = c->d;
    plg_ask_norm(r, &b->norm1, prefix, "input_layernorm", d);
    plg_ask_dense(r, &b->q, prefix, "self_attn.q_proj", d, d, 0, 0);
    plg_ask_dense(r, &b->k, prefix, "self_attn.k_proj", d, d, 0, 0);
    plg_ask_dense(r, &b->v, prefix, "self_attn.v_proj", d, d, 0, 0);
    plg_ask_dense(r, &b->o, prefix, "self_attn.o_proj", d, d, 0, 0);
    plg_ask_norm(r, &b->norm2, prefix, "post_attention_layernorm", d);
    plg_ask_dense(r, &b->fc1, prefix, "mlp.fc1", c->d_ffn, d, 0, 1);
    plg_ask_dense(r, &b->fc2, prefix, "mlp.fc2", d, c->d_ffn, 0, 1);
    if (!gated)
        return;
    plg_ask(r, &b->stored_gate_attn, WEFT_USE_HOST, plg_shape1(1), prefix, "gate_attn");
    plg_ask(r, &b->stored_gate_ffn, WEFT_USE_HOST, plg_shape1(1), prefix, "gate_ffn");
}

static void ask_blocks(plg_request *r, vis_block *blocks, int32_t n, const vis_config *c,
                       const char *prefix, const char *part, int32_t gated)
{
    char name[PLG_MAX_NAME];
    for (int32_t i = 0; i < n; i++) {
        snprintf(name, sizeof name, "%s%s.layers.%d.", prefix, part, i);
        ask_block(r, blocks + i, c, name, gated);
    }
}

static void ask_embeddings(plg_request *r, vis_weights *w, const vis_config *c, const char *v)
{
    const int64_t   ids = c->n_ratios + 1, tiles = c->max_tiles;
    const plg_shape one = plg_shape1(1), row = plg_shape1(c->d),
                    patch = {4, {c->d, c->n_channels, c->patch, c->patch}};
    plg_ask(r, &w->patch_w, WEFT_USE_LINEAR, patch, v, "patch_embedding.weight");
    plg_ask(r, &w->class_row, WEFT_USE_PLAIN, row, v, "class_embedding");
    plg_ask(r, &w->pre_tile, WEFT_USE_PLAIN, plg_shape2(ids, tiles * c->d), v,
            "pre_tile_positional_embedding.embedding.weight");
    plg_ask(r, &w->stored_gate_pre, WEFT_USE_HOST, one, v, "pre_tile_positional_embedding.gate");
    plg_ask(r, &w->post_tile, WEFT_USE_PLAIN, plg_shape2(ids, tiles * c->d), v,
            "post_tile_positional_embedding.embedding.weight");
    plg_ask(r, &w->stored_gate_post, WEFT_USE_HOST, one, v, "post_tile_positional_embedding.gate");
    plg_ask(r, &w->pos, WEFT_USE_PLAIN, plg_shape2(c->n, c->d), v,
            "gated_positional_embedding.embedding");
    plg_ask(r, &w->stored_gate_pos, WEFT_USE_HOST, one, v, "gated_positional_embedding.gate");
    plg_ask(r, &w->tile_pos, WEFT_USE_PLAIN, plg_shape2(ids, tiles * c->n * c->d), v,
            "gated_positional_embedding.tile_embedding.weight");
    plg_ask_norm(r, &w->pre, v, "layernorm_pre", c->d);
    plg_ask_norm(r, &w->post, v, "layernorm_post", c->d);
}

typedef struct ask_ctx {
    vis_weights      *w;
    const vis_config *c;
    const vis_names  *names;
} ask_ctx;

static void ask_all(plg_request *r, void *ctx)
{
    const ask_ctx    *a = ctx;
    const vis_config *c = a->c;
    const vis_names  *names = a->names;
    vis_weights      *w = a->w;
    ask_embeddings(r, w, c, names->vision);
    ask_blocks(r, w->local, c->n_layers, c, names->vision, "transformer", 0);
    ask_blocks(r, w->global, c->n_global, c, names->vision, "global_transformer", 1);
    plg_ask(r, &w->proj.w, WEFT_USE_LINEAR, plg_shape2(c->text.d_model, c->d_out), names->projector,
            "weight");
    plg_ask(r, &w->proj.b, WEFT_USE_PLAIN, plg_shape1(c->text.d_model), names->projector, "bias");
}

/* The gate as it is multiplied with: tanh of the stored value, computed once, on the host. */
static float gate(const weft_tensor *stored)
{
    return tanhf(*(const float *)stored->data);
}

static void gates_read(vis_weights *w, const vis_config *c)
{
    w->gate_pre = gate(&w->stored_gate_pre);
    w->gate_post = gate(&w->stored_gate_post);
    w->gate_pos = gate(&w->stored_gate_pos);
    for (int32_t i = 0; i < c->n_layers; i++)
        w->local[i].gate_attn = w->local[i].gate_ffn = 1.0f;
    for (int32_t i = 0; i < c->n_global; i++) {
        w->global[i].gate_attn = gate(&w->global[i].stored_gate_attn);
        w->global[i].gate_ffn = gate(&w->global[i].stored_gate_ffn);
    }
}

static weft_status blocks_alloc(const weft_host *h, const vis_config *c, vis_weights *w,
                                weft_error *err)
{
    uint64_t bytes = (uint64_t)(c->n_layers + c->n_global) * sizeof *w->local;
    memset(w, 0, sizeof *w);
    w->local = plg_alloc(h, bytes, "encoder blocks", err);
    if (w->local == NULL)
        return WEFT_E_NOMEM;
    w->global = w->local + c->n_layers;
    return WEFT_OK;
}

weft_status vis_weights_load(const weft_host *h, const weft_package *p, const vis_config *c,
                             vis_weights *out, weft_error *err)
{
    weft_status status = blocks_alloc(h, c, out, err);
    if (status != WEFT_OK)
        return status;
    ask_ctx     ctx = {out, c, vis_names_of(h, p)};
    plg_request r;
    status = plg_request_run(h, p, ask_all, &ctx, &r, err);
    if (status == WEFT_OK)
        gates_read(out, c);
    else
        vis_weights_free(h, out);
    return status;
}

uint64_t vis_weights_count(const weft_host *h, const vis_config *c)
{
    plg_request r;
    vis_weights w;
    if (blocks_alloc(h, c, &w, NULL) != WEFT_OK)
        return 0;
    ask_ctx ctx = {&w, c, &released};
    (void)plg_request_run(h, NULL, ask_all, &ctx, &r, NULL);
    vis_weights_free(h, &w);
    return r.parameters;
}

weft_status vis_weights_tell(const weft_host *h, const weft_package *p, const vis_config *c,
                             const weft_weight_sink *sink, weft_error *err)
{
    vis_weights w;
    weft_status status = blocks_alloc(h, c, &w, err);
    if (status != WEFT_OK)
        return status;
    ask_ctx ctx = {&w, c, vis_names_of(h, p)};
    status = plg_request_tell(h, p, ask_all, &ctx, sink, err);
    vis_weights_free(h, &w);
    return status;
}

void vis_weights_free(const weft_host *h, vis_weights *w)
{
    h->free(h, w->local);
    memset(w, 0, sizeof *w);
}
