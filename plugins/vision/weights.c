/* SPDX-License-Identifier: Apache-2.0 */
/* The encoder's weights: every name and shape written down once, asked for in one request, so that
 * all that is missing or misshapen is reported together. */
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

static void ask_block(vis_request *r, vis_block *b, const vis_config *c, const char *prefix,
                      int32_t gated)
{
    const vis_shape row = vis_shape1(c->d), square = vis_shape2(c->d, c->d);
    vis_ask(r, &b->norm1_w, WEFT_USE_PLAIN, row, prefix, "input_layernorm.weight");
    vis_ask(r, &b->norm1_b, WEFT_USE_PLAIN, row, prefix, "input_layernorm.bias");
    vis_ask(r, &b->w_q, WEFT_USE_LINEAR, square, prefix, "self_attn.q_proj.weight");
    vis_ask(r, &b->w_k, WEFT_USE_LINEAR, square, prefix, "self_attn.k_proj.weight");
    vis_ask(r, &b->w_v, WEFT_USE_LINEAR, square, prefix, "self_attn.v_proj.weight");
    vis_ask(r, &b->w_o, WEFT_USE_LINEAR, square, prefix, "self_attn.o_proj.weight");
    vis_ask(r, &b->norm2_w, WEFT_USE_PLAIN, row, prefix, "post_attention_layernorm.weight");
    vis_ask(r, &b->norm2_b, WEFT_USE_PLAIN, row, prefix, "post_attention_layernorm.bias");
    vis_ask(r, &b->fc1_w, WEFT_USE_LINEAR, vis_shape2(c->d_ffn, c->d), prefix, "mlp.fc1.weight");
    vis_ask(r, &b->fc1_b, WEFT_USE_PLAIN, vis_shape1(c->d_ffn), prefix, "mlp.fc1.bias");
    vis_ask(r, &b->fc2_w, WEFT_USE_LINEAR, vis_shape2(c->d, c->d_ffn), prefix, "mlp.fc2.weight");
    vis_ask(r, &b->fc2_b, WEFT_USE_PLAIN, row, prefix, "mlp.fc2.bias");
    if (!gated)
        return;
    vis_ask(r, &b->stored_gate_attn, WEFT_USE_HOST, vis_shape1(1), prefix, "gate_attn");
    vis_ask(r, &b->stored_gate_ffn, WEFT_USE_HOST, vis_shape1(1), prefix, "gate_ffn");
}

static void ask_blocks(vis_request *r, vis_block *blocks, int32_t n, const vis_config *c,
                       const char *prefix, const char *part, int32_t gated)
{
    char name[VIS_MAX_NAME];
    for (int32_t i = 0; i < n; i++) {
        snprintf(name, sizeof name, "%s%s.layers.%d.", prefix, part, i);
        ask_block(r, blocks + i, c, name, gated);
    }
}

static void ask_embeddings(vis_request *r, vis_weights *w, const vis_config *c, const char *v)
{
    const int64_t ids = c->n_ratios + 1, tiles = c->max_tiles;
    const vis_shape   one = vis_shape1(1), row = vis_shape1(c->d),
                patch = {4, {c->d, c->n_channels, c->patch, c->patch}};
    vis_ask(r, &w->patch_w, WEFT_USE_LINEAR, patch, v, "patch_embedding.weight");
    vis_ask(r, &w->class_row, WEFT_USE_PLAIN, row, v, "class_embedding");
    vis_ask(r, &w->pre_tile, WEFT_USE_PLAIN, vis_shape2(ids, tiles * c->d), v,
        "pre_tile_positional_embedding.embedding.weight");
    vis_ask(r, &w->stored_gate_pre, WEFT_USE_HOST, one, v, "pre_tile_positional_embedding.gate");
    vis_ask(r, &w->post_tile, WEFT_USE_PLAIN, vis_shape2(ids, tiles * c->d), v,
        "post_tile_positional_embedding.embedding.weight");
    vis_ask(r, &w->stored_gate_post, WEFT_USE_HOST, one, v, "post_tile_positional_embedding.gate");
    vis_ask(r, &w->pos, WEFT_USE_PLAIN, vis_shape2(c->n, c->d), v, "gated_positional_embedding.embedding");
    vis_ask(r, &w->stored_gate_pos, WEFT_USE_HOST, one, v, "gated_positional_embedding.gate");
    vis_ask(r, &w->tile_pos, WEFT_USE_PLAIN, vis_shape2(ids, tiles * c->n * c->d), v,
        "gated_positional_embedding.tile_embedding.weight");
    vis_ask(r, &w->pre_w, WEFT_USE_PLAIN, row, v, "layernorm_pre.weight");
    vis_ask(r, &w->pre_b, WEFT_USE_PLAIN, row, v, "layernorm_pre.bias");
    vis_ask(r, &w->post_w, WEFT_USE_PLAIN, row, v, "layernorm_post.weight");
    vis_ask(r, &w->post_b, WEFT_USE_PLAIN, row, v, "layernorm_post.bias");
}

typedef struct ask_ctx {
    vis_weights      *w;
    const vis_config *c;
    const vis_names  *names;
} ask_ctx;

static void ask_all(vis_request *r, void *ctx)
{
    const ask_ctx    *a = ctx;
    const vis_config *c = a->c;
    const vis_names  *names = a->names;
    vis_weights      *w = a->w;
    ask_embeddings(r, w, c, names->vision);
    ask_blocks(r, w->local, c->n_layers, c, names->vision, "transformer", 0);
    ask_blocks(r, w->global, c->n_global, c, names->vision, "global_transformer", 1);
    vis_ask(r, &w->proj_w, WEFT_USE_LINEAR, vis_shape2(c->text.d_model, c->d_out), names->projector,
        "weight");
    vis_ask(r, &w->proj_b, WEFT_USE_PLAIN, vis_shape1(c->text.d_model), names->projector, "bias");
}

/* Stored gates go through tanh, once and on the host. */
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
    w->local = h->alloc(h, bytes, 16);
    if (w->local == NULL)
        return weft_fail(err, WEFT_E_NOMEM, "out of memory for %llu bytes of encoder blocks",
                         (unsigned long long)bytes);
    memset(w->local, 0, (size_t)bytes);
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
    vis_request r;
    status = vis_request_run(h, p, ask_all, &ctx, &r, err);
    if (status == WEFT_OK)
        gates_read(out, c);
    else
        vis_weights_free(h, out);
    return status;
}

uint64_t vis_weights_count(const weft_host *h, const vis_config *c)
{
    vis_request r;
    vis_weights w;
    if (blocks_alloc(h, c, &w, NULL) != WEFT_OK)
        return 0;
    ask_ctx ctx = {&w, c, &released};
    (void)vis_request_run(h, NULL, ask_all, &ctx, &r, NULL);
    vis_weights_free(h, &w);
    return r.parameters;
}

void vis_weights_free(const weft_host *h, vis_weights *w)
{
    h->free(h, w->local);
    memset(w, 0, sizeof *w);
}
