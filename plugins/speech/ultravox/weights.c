/* SPDX-License-Identifier: Apache-2.0 */
/* Names and shapes of all weights. The encoder's are loaded in one request and the projector's in
 * another, since they may be in two directories. The names are those of transformers 4.49
 * modeling_whisper.py and fixie-ai/ultravox ultravox_model.py. k_proj has no bias, and neither have
 * the linears of a projector without layers. */
#include "ultravox.h"

typedef struct asked {
    const vox_config *c;
    vox_weights      *w;
} asked;

static void ask_layer(plg_request *r, const vox_encoder_config *c, const char *p, vox_layer *w)
{
    const int64_t d = c->d;
    plg_ask_norm(r, &w->attn_norm, p, "self_attn_layer_norm", d);
    plg_ask_dense(r, &w->q, p, "self_attn.q_proj", d, d, 0, 1);
    plg_ask_dense(r, &w->k, p, "self_attn.k_proj", d, d, 0, 0);
    plg_ask_dense(r, &w->v, p, "self_attn.v_proj", d, d, 0, 1);
    plg_ask_dense(r, &w->out, p, "self_attn.out_proj", d, d, 0, 1);
    plg_ask_norm(r, &w->ffn_norm, p, "final_layer_norm", d);
    plg_ask_dense(r, &w->up, p, "fc1", c->d_ffn, d, 0, 1);
    plg_ask_dense(r, &w->down, p, "fc2", d, c->d_ffn, 0, 1);
}

static void ask_layers(plg_request *r, const vox_encoder_config *c, int32_t n, const char *p,
                       vox_layer *layers)
{
    char name[PLG_MAX_NAME];
    for (int32_t i = 0; i < n; i++) {
        snprintf(name, sizeof name, "%slayers.%d.", p, i);
        ask_layer(r, c, name, &layers[i]);
    }
}

static void ask_encoder(plg_request *r, void *ctx)
{
    const asked              *what = ctx;
    const vox_encoder_config *c = &what->c->encoder;
    vox_weights              *w = what->w;
    const char               *p = what->c->origin.tensors;
    plg_ask_dense(r, &w->conv1, p, "conv1", c->d, c->bins, 3, 1);
    plg_ask_dense(r, &w->conv2, p, "conv2", c->d, c->d, 3, 1);
    plg_ask(r, &w->positions, WEFT_USE_PLAIN, plg_shape2(c->positions, c->d), p,
            "embed_positions.weight");
    ask_layers(r, c, c->n_layers, p, w->layers);
    plg_ask_norm(r, &w->norm, p, "layer_norm", c->d);
}

#define PROJECTOR "multi_modal_projector."

static void ask_two_linears(plg_request *r, const vox_projector_config *c, vox_weights *w,
                            int64_t d_in)
{
    plg_ask_dense(r, &w->linear1, PROJECTOR, "linear_1", c->inner, d_in, 0, 0);
    if (c->ln_mid)
        plg_ask_pair(r, &w->ln_mid, WEFT_USE_PLAIN, plg_shape1(c->mid), 0, PROJECTOR, "ln_mid");
    plg_ask_dense(r, &w->linear2, PROJECTOR, "linear_2", c->d_text, c->mid, 0, 0);
    if (!c->ln_mid)
        plg_ask_pair(r, &w->ln_post, WEFT_USE_PLAIN, plg_shape1(c->d_text), 0, PROJECTOR,
                     "ln_post");
}

static void ask_transformer(plg_request *r, const vox_config *c, vox_weights *w, int64_t d_in)
{
    const int64_t d = c->encoder.d;
    plg_ask_dense(r, &w->linear1, PROJECTOR, "linear_in", d, d_in, 0, 1);
    plg_ask(r, &w->places, WEFT_USE_PLAIN, plg_shape2(c->encoder.positions, d), PROJECTOR,
            "embed_positions.weight");
    ask_layers(r, &c->encoder, c->projector.n_layers, PROJECTOR, w->inner);
    plg_ask_pair(r, &w->ln_post, WEFT_USE_PLAIN, plg_shape1(d), 0, PROJECTOR, "ln_post");
    plg_ask_dense(r, &w->linear2, PROJECTOR, "linear_out", c->projector.d_text, d, 0, 1);
}

static void ask_projector(plg_request *r, void *ctx)
{
    const asked  *what = ctx;
    vox_weights  *w = what->w;
    const int64_t d_in = (int64_t)what->c->encoder.d * what->c->projector.stack;
    plg_ask_pair(r, &w->ln_pre, WEFT_USE_PLAIN, plg_shape1(d_in), 0, PROJECTOR, "ln_pre");
    if (what->c->projector.n_layers > 0)
        ask_transformer(r, what->c, w, d_in);
    else
        ask_two_linears(r, &what->c->projector, w, d_in);
}

static weft_status alloc(const weft_host *h, const vox_config *c, vox_weights *w, weft_error *err)
{
    const uint64_t outer = (uint64_t)c->encoder.n_layers, inner = (uint64_t)c->projector.n_layers;
    memset(w, 0, sizeof *w);
    w->layers = plg_alloc(h, (outer + inner) * sizeof *w->layers, "encoder layers", err);
    if (w->layers == NULL)
        return WEFT_E_NOMEM;
    w->inner = inner > 0 ? w->layers + outer : NULL;
    return WEFT_OK;
}

weft_status vox_weights_load(const weft_host *h, const weft_package *own, const vox_config *c,
                             vox_weights *out, weft_error *err)
{
    asked       what = {c, out};
    plg_request r;
    weft_status status = alloc(h, c, out, err);
    if (status != WEFT_OK)
        return status;
    status = plg_request_run(h, c->origin.package, ask_encoder, &what, &r, err);
    if (status == WEFT_OK)
        status = plg_request_run(h, own, ask_projector, &what, &r, err);
    if (status != WEFT_OK)
        vox_weights_free(h, out);
    return status;
}

uint64_t vox_weights_count(const weft_host *h, const vox_config *c)
{
    vox_weights w;
    asked       what = {c, &w};
    plg_request encoder, projector;
    if (alloc(h, c, &w, NULL) != WEFT_OK)
        return 0;
    (void)plg_request_run(h, NULL, ask_encoder, &what, &encoder, NULL);
    (void)plg_request_run(h, NULL, ask_projector, &what, &projector, NULL);
    vox_weights_free(h, &w);
    return encoder.parameters + projector.parameters;
}

weft_status vox_weights_tell(const weft_host *h, const weft_package *own, const vox_config *c,
                             const weft_weight_sink *sink, weft_error *err)
{
    vox_weights w;
    asked       what = {c, &w};
    weft_status status = alloc(h, c, &w, err);
    if (status != WEFT_OK)
        return status;
    status = vox_origin_tell(h, &c->origin, c->encoder.d, c->encoder.bins, sink, err);
    if (status == WEFT_OK)
        status = plg_request_tell(h, c->origin.package, ask_encoder, &what, sink, err);
    if (status == WEFT_OK)
        status = plg_request_tell(h, own, ask_projector, &what, sink, err);
    vox_weights_free(h, &w);
    return status;
}

void vox_weights_free(const weft_host *h, vox_weights *w)
{
    h->free(h, w->layers);
    memset(w, 0, sizeof *w);
}
