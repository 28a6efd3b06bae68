/* SPDX-License-Identifier: Apache-2.0 */
/* The encoder's weights: every name and shape written down once, asked for in one request, so that
 * all that is missing or misshapen is reported together. */
#include "vision.h"

#include <math.h>

/* A request being put together: want[i] with its name goes to *to[i]. With want NULL it only
 * counts. */
typedef struct request {
    weft_weight  *want;
    weft_tensor **to;
    weft_tensor  *got;
    char (*name)[VIS_MAX_NAME];
    uint32_t n;
    uint64_t parameters; /* of all that was asked for */
} request;

typedef struct shape {
    int32_t ndim;
    int64_t d[4];
} shape;

static shape shape1(int64_t a)
{
    shape s = {1, {a, 0, 0, 0}};
    return s;
}

static shape shape2(int64_t a, int64_t b)
{
    shape s = {2, {a, b, 0, 0}};
    return s;
}

static const vis_names released = {"language_model.model.", "language_model.lm_head.weight",
                                   "vision_model.", "multi_modal_projector."};
static const vis_names renamed = {"model.language_model.", "lm_head.weight", "model.vision_model.",
                                  "model.multi_modal_projector."};

const vis_names *vis_names_of(const weft_host *h, const weft_package *p)
{
    const weft_if_weights *weights = h->get_interface(h, WEFT_IF_WEIGHTS);
    return weights->has(h, p, "model.language_model.embed_tokens.weight") ? &renamed : &released;
}

static void ask(request *r, weft_tensor *to, uint32_t use, shape s, const char *prefix,
                const char *name)
{
    uint32_t i = r->n++;
    uint64_t numel = 1;
    for (int32_t k = 0; k < s.ndim; k++)
        numel *= (uint64_t)s.d[k];
    r->parameters += numel;
    if (r->want == NULL)
        return;
    weft_weight w = {
        WEFT_HDR(weft_weight), r->name[i], use, s.ndim, {s.d[0], s.d[1], s.d[2], s.d[3]}};
    snprintf(r->name[i], VIS_MAX_NAME, "%s%s", prefix, name);
    r->want[i] = w;
    r->to[i] = to;
}

static void ask_block(request *r, vis_block *b, const vis_config *c, const char *prefix,
                      int32_t gated)
{
    const shape row = shape1(c->d), square = shape2(c->d, c->d);
    ask(r, &b->norm1_w, WEFT_USE_PLAIN, row, prefix, "input_layernorm.weight");
    ask(r, &b->norm1_b, WEFT_USE_PLAIN, row, prefix, "input_layernorm.bias");
    ask(r, &b->w_q, WEFT_USE_LINEAR, square, prefix, "self_attn.q_proj.weight");
    ask(r, &b->w_k, WEFT_USE_LINEAR, square, prefix, "self_attn.k_proj.weight");
    ask(r, &b->w_v, WEFT_USE_LINEAR, square, prefix, "self_attn.v_proj.weight");
    ask(r, &b->w_o, WEFT_USE_LINEAR, square, prefix, "self_attn.o_proj.weight");
    ask(r, &b->norm2_w, WEFT_USE_PLAIN, row, prefix, "post_attention_layernorm.weight");
    ask(r, &b->norm2_b, WEFT_USE_PLAIN, row, prefix, "post_attention_layernorm.bias");
    ask(r, &b->fc1_w, WEFT_USE_LINEAR, shape2(c->d_ffn, c->d), prefix, "mlp.fc1.weight");
    ask(r, &b->fc1_b, WEFT_USE_PLAIN, shape1(c->d_ffn), prefix, "mlp.fc1.bias");
    ask(r, &b->fc2_w, WEFT_USE_LINEAR, shape2(c->d, c->d_ffn), prefix, "mlp.fc2.weight");
    ask(r, &b->fc2_b, WEFT_USE_PLAIN, row, prefix, "mlp.fc2.bias");
    if (!gated)
        return;
    ask(r, &b->stored_gate_attn, WEFT_USE_HOST, shape1(1), prefix, "gate_attn");
    ask(r, &b->stored_gate_ffn, WEFT_USE_HOST, shape1(1), prefix, "gate_ffn");
}

static void ask_blocks(request *r, vis_block *blocks, int32_t n, const vis_config *c,
                       const char *prefix, const char *part, int32_t gated)
{
    char name[VIS_MAX_NAME];
    for (int32_t i = 0; i < n; i++) {
        snprintf(name, sizeof name, "%s%s.layers.%d.", prefix, part, i);
        ask_block(r, blocks + i, c, name, gated);
    }
}

static void ask_embeddings(request *r, vis_weights *w, const vis_config *c, const char *v)
{
    const int64_t ids = c->n_ratios + 1, tiles = c->max_tiles;
    const shape   one = shape1(1), row = shape1(c->d),
                patch = {4, {c->d, c->n_channels, c->patch, c->patch}};
    ask(r, &w->patch_w, WEFT_USE_LINEAR, patch, v, "patch_embedding.weight");
    ask(r, &w->class_row, WEFT_USE_PLAIN, row, v, "class_embedding");
    ask(r, &w->pre_tile, WEFT_USE_PLAIN, shape2(ids, tiles * c->d), v,
        "pre_tile_positional_embedding.embedding.weight");
    ask(r, &w->stored_gate_pre, WEFT_USE_HOST, one, v, "pre_tile_positional_embedding.gate");
    ask(r, &w->post_tile, WEFT_USE_PLAIN, shape2(ids, tiles * c->d), v,
        "post_tile_positional_embedding.embedding.weight");
    ask(r, &w->stored_gate_post, WEFT_USE_HOST, one, v, "post_tile_positional_embedding.gate");
    ask(r, &w->pos, WEFT_USE_PLAIN, shape2(c->n, c->d), v, "gated_positional_embedding.embedding");
    ask(r, &w->stored_gate_pos, WEFT_USE_HOST, one, v, "gated_positional_embedding.gate");
    ask(r, &w->tile_pos, WEFT_USE_PLAIN, shape2(ids, tiles * c->n * c->d), v,
        "gated_positional_embedding.tile_embedding.weight");
    ask(r, &w->pre_w, WEFT_USE_PLAIN, row, v, "layernorm_pre.weight");
    ask(r, &w->pre_b, WEFT_USE_PLAIN, row, v, "layernorm_pre.bias");
    ask(r, &w->post_w, WEFT_USE_PLAIN, row, v, "layernorm_post.weight");
    ask(r, &w->post_b, WEFT_USE_PLAIN, row, v, "layernorm_post.bias");
}

static void ask_all(request *r, vis_weights *w, const vis_config *c, const vis_names *names)
{
    ask_embeddings(r, w, c, names->vision);
    ask_blocks(r, w->local, c->n_layers, c, names->vision, "transformer", 0);
    ask_blocks(r, w->global, c->n_global, c, names->vision, "global_transformer", 1);
    ask(r, &w->proj_w, WEFT_USE_LINEAR, shape2(c->text.d_model, c->d_out), names->projector,
        "weight");
    ask(r, &w->proj_b, WEFT_USE_PLAIN, shape1(c->text.d_model), names->projector, "bias");
}

/* Room for n weights in one allocation, which *block then is. */
static weft_status request_alloc(const weft_host *h, uint32_t n, request *r, void **block,
                                 weft_error *err)
{
    uint64_t each = sizeof *r->want + sizeof *r->got + sizeof *r->to + VIS_MAX_NAME;
    *block = h->alloc(h, n * each, 16);
    if (*block == NULL)
        return weft_fail(err, WEFT_E_NOMEM, "out of memory for the names of %u weights", n);
    r->want = *block;
    r->got = (weft_tensor *)(r->want + n);
    r->to = (weft_tensor **)(r->got + n);
    r->name = (char(*)[VIS_MAX_NAME])(r->to + n);
    r->n = 0;
    return WEFT_OK;
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

static weft_status request_run(const weft_host *h, const weft_package *p, const vis_config *c,
                               vis_weights *out, weft_error *err)
{
    const weft_if_weights *weights = h->get_interface(h, WEFT_IF_WEIGHTS);
    const vis_names       *names = vis_names_of(h, p);
    request                r = {NULL, NULL, NULL, NULL, 0, 0};
    void                  *block;
    ask_all(&r, out, c, names);
    weft_status status = request_alloc(h, r.n, &r, &block, err);
    if (status != WEFT_OK)
        return status;
    ask_all(&r, out, c, names);
    status = weights->get(h, p, r.want, r.n, r.got, err);
    for (uint32_t i = 0; status == WEFT_OK && i < r.n; i++)
        *r.to[i] = r.got[i];
    h->free(h, block);
    return status;
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
    status = request_run(h, p, c, out, err);
    if (status == WEFT_OK)
        gates_read(out, c);
    else
        vis_weights_free(h, out);
    return status;
}

uint64_t vis_weights_count(const weft_host *h, const vis_config *c)
{
    request     r = {NULL, NULL, NULL, NULL, 0, 0};
    vis_weights w;
    if (blocks_alloc(h, c, &w, NULL) != WEFT_OK)
        return 0;
    ask_all(&r, &w, c, &released);
    vis_weights_free(h, &w);
    return r.parameters;
}

void vis_weights_free(const weft_host *h, vis_weights *w)
{
    h->free(h, w->local);
    memset(w, 0, sizeof *w);
}
