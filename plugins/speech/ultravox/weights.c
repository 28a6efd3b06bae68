/* SPDX-License-Identifier: Apache-2.0 */
/* Names and shapes of all weights: of the encoder in one request, of the projector in another,
 * since they may be in two directories. Names: transformers 4.49 modeling_whisper.py,
 * fixie-ai/ultravox ultravox_model.py. k_proj has no bias, nor has the projector. */
#include "ultravox.h"

typedef struct asked {
    const vox_config *c;
    vox_weights      *w;
} asked;

static void ask_norm(spk_request *r, vox_norm *to, const char *prefix, const char *name, int64_t d)
{
    char full[2 * SPK_MAX_NAME];
    snprintf(full, sizeof full, "%s%s.", prefix, name);
    spk_ask(r, &to->w, WEFT_USE_PLAIN, full, "weight", d, 0, 0);
    spk_ask(r, &to->b, WEFT_USE_PLAIN, full, "bias", d, 0, 0);
}

static void ask_dense(spk_request *r, vox_dense *to, const char *prefix, const char *name,
                      int64_t out, int64_t in, int64_t kernel, int bias)
{
    char full[2 * SPK_MAX_NAME];
    snprintf(full, sizeof full, "%s%s.", prefix, name);
    spk_ask(r, &to->w, WEFT_USE_LINEAR, full, "weight", out, in, kernel);
    if (bias)
        spk_ask(r, &to->b, WEFT_USE_PLAIN, full, "bias", out, 0, 0);
}

static void ask_layer(spk_request *r, const vox_encoder_config *c, const char *p, vox_layer *w)
{
    const int64_t d = c->d;
    ask_norm(r, &w->attn_norm, p, "self_attn_layer_norm", d);
    ask_dense(r, &w->q, p, "self_attn.q_proj", d, d, 0, 1);
    ask_dense(r, &w->k, p, "self_attn.k_proj", d, d, 0, 0);
    ask_dense(r, &w->v, p, "self_attn.v_proj", d, d, 0, 1);
    ask_dense(r, &w->out, p, "self_attn.out_proj", d, d, 0, 1);
    ask_norm(r, &w->ffn_norm, p, "final_layer_norm", d);
    ask_dense(r, &w->up, p, "fc1", c->d_ffn, d, 0, 1);
    ask_dense(r, &w->down, p, "fc2", d, c->d_ffn, 0, 1);
}

static void ask_encoder(spk_request *r, void *ctx)
{
    const asked              *what = ctx;
    const vox_encoder_config *c = &what->c->encoder;
    vox_weights              *w = what->w;
    const char               *p = what->c->origin.tensors;
    char                      name[SPK_MAX_NAME];
    ask_dense(r, &w->conv1, p, "conv1", c->d, c->bins, 3, 1);
    ask_dense(r, &w->conv2, p, "conv2", c->d, c->d, 3, 1);
    spk_ask(r, &w->positions, WEFT_USE_PLAIN, p, "embed_positions.weight", c->positions, c->d, 0);
    for (int32_t i = 0; i < c->n_layers; i++) {
        snprintf(name, sizeof name, "%slayers.%d.", p, i);
        ask_layer(r, c, name, &w->layers[i]);
    }
    ask_norm(r, &w->norm, p, "layer_norm", c->d);
}

static void ask_projector(spk_request *r, void *ctx)
{
    const asked                *what = ctx;
    const vox_projector_config *c = &what->c->projector;
    vox_weights                *w = what->w;
    const char                 *p = "multi_modal_projector.";
    const int64_t               d_in = (int64_t)what->c->encoder.d * c->stack;
    spk_ask(r, &w->ln_pre.w, WEFT_USE_PLAIN, p, "ln_pre.weight", d_in, 0, 0);
    ask_dense(r, &w->linear1, p, "linear_1", c->inner, d_in, 0, 0);
    if (c->ln_mid)
        spk_ask(r, &w->ln_mid.w, WEFT_USE_PLAIN, p, "ln_mid.weight", c->mid, 0, 0);
    ask_dense(r, &w->linear2, p, "linear_2", c->d_text, c->mid, 0, 0);
    if (!c->ln_mid)
        spk_ask(r, &w->ln_post.w, WEFT_USE_PLAIN, p, "ln_post.weight", c->d_text, 0, 0);
}

static weft_status alloc(const weft_host *h, const vox_config *c, vox_weights *w, weft_error *err)
{
    const uint64_t bytes = (uint64_t)c->encoder.n_layers * sizeof *w->layers;
    memset(w, 0, sizeof *w);
    w->layers = h->alloc(h, bytes, 16);
    if (w->layers == NULL)
        return weft_fail(err, WEFT_E_NOMEM, "out of memory for %llu bytes of encoder layers",
                         (unsigned long long)bytes);
    memset(w->layers, 0, (size_t)bytes);
    return WEFT_OK;
}

weft_status vox_weights_load(const weft_host *h, const weft_package *own, const vox_config *c,
                             vox_weights *out, weft_error *err)
{
    asked       what = {c, out};
    spk_request r;
    weft_status status = alloc(h, c, out, err);
    if (status != WEFT_OK)
        return status;
    status = spk_request_run(h, c->origin.package, ask_encoder, &what, &r, err);
    if (status == WEFT_OK)
        status = spk_request_run(h, own, ask_projector, &what, &r, err);
    if (status != WEFT_OK)
        vox_weights_free(h, out);
    return status;
}

uint64_t vox_weights_count(const weft_host *h, const vox_config *c)
{
    vox_weights w;
    asked       what = {c, &w};
    spk_request encoder, projector;
    if (alloc(h, c, &w, NULL) != WEFT_OK)
        return 0;
    (void)spk_request_run(h, NULL, ask_encoder, &what, &encoder, NULL);
    (void)spk_request_run(h, NULL, ask_projector, &what, &projector, NULL);
    vox_weights_free(h, &w);
    return encoder.parameters + projector.parameters;
}

void vox_weights_free(const weft_host *h, vox_weights *w)
{
    h->free(h, w->layers);
    memset(w, 0, sizeof *w);
}
