/* SPDX-License-Identifier: Apache-2.0 */
/* Names and shapes of all weights. The encoder's are loaded in one request and the projector's in
 * another, since they may be in two directories. The projector's names are those of
 * fixie-ai/ultravox ultravox_model.py; the linears of a projector without layers have no biases. */
#include "ultravox.h"

typedef struct asked {
    const vox_config *c;
    vox_weights      *w;
} asked;

static void ask_encoder(plg_request *r, void *ctx)
{
    const asked *what = ctx;
    spk_whisper_ask(r, &what->c->encoder, what->c->origin.tensors, &what->w->encoder);
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

/* Released projectors have a position for each row of the encoder, of which a chunk's tokens take
 * the first; those with letters have only these. */
static int64_t places_of(const vox_config *c)
{
    const int64_t rows = c->encoder.positions, stack = c->projector.stack;
    return c->projector.ctc.columns > 0 ? (rows + stack - 1) / stack : rows;
}

static void ask_numbers(plg_request *r, weft_tensor *to, plg_shape shape, const char *name)
{
    plg_ask(r, to, WEFT_USE_HOST, shape, PROJECTOR "ctc.", name);
}

static void ask_words(plg_request *r, const vox_ctc_config *c, vox_weights *w)
{
    ask_numbers(r, &w->tree, plg_shape2(c->nodes, 4), "tree");
    ask_numbers(r, &w->words, plg_shape2(c->words, 4), "words");
    ask_numbers(r, &w->pairs, plg_shape2(c->pairs, 2), "pairs");
    ask_numbers(r, &w->tokens, plg_shape1(c->tokens), "tokens");
    if (c->again > 0)
        ask_numbers(r, &w->again, plg_shape1(c->again), "again");
    ask_numbers(r, &w->fill, plg_shape1(c->fill), "fill");
}

static void ask_transformer(plg_request *r, const vox_config *c, vox_weights *w, int64_t d_in)
{
    const int64_t         d = c->encoder.d;
    const vox_ctc_config *l = &c->projector.ctc;
    const int64_t width = l->columns > 0 ? (int64_t)l->places * l->columns : c->projector.d_text;
    plg_ask_dense(r, &w->linear1, PROJECTOR, "linear_in", d, d_in, 0, 1);
    plg_ask(r, &w->places, WEFT_USE_PLAIN, plg_shape2(places_of(c), d), PROJECTOR,
            "embed_positions.weight");
    spk_whisper_ask_layers(r, &c->encoder, c->projector.n_layers, PROJECTOR, w->inner);
    plg_ask_pair(r, &w->ln_post, WEFT_USE_PLAIN, plg_shape1(d), 0, PROJECTOR, "ln_post");
    plg_ask_dense(r, &w->linear2, PROJECTOR, "linear_out", width, d, 0, 1);
    if (l->columns > 0)
        ask_words(r, l, w);
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
    spk_whisper_layer *layers =
        plg_alloc(h, (outer + inner) * sizeof *layers, "encoder layers", err);
    if (layers == NULL)
        return WEFT_E_NOMEM;
    w->encoder.layers = layers;
    w->inner = inner > 0 ? layers + outer : NULL;
    return WEFT_OK;
}

weft_status vox_weights_load(const weft_host *h, const weft_package *own, const vox_config *c,
                             int32_t vocab, vox_weights *out, weft_error *err)
{
    asked       what = {c, out};
    plg_request r;
    weft_status status = alloc(h, c, out, err);
    if (status != WEFT_OK)
        return status;
    status = plg_request_run(h, c->origin.package, ask_encoder, &what, &r, err);
    if (status == WEFT_OK)
        status = plg_request_run(h, own, ask_projector, &what, &r, err);
    if (status == WEFT_OK && c->projector.ctc.columns > 0)
        status = vox_words_read(h, &c->projector.ctc, vocab, out, err);
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
    h->free(h, w->encoder.layers);
    h->free(h, w->tables);
    memset(w, 0, sizeof *w);
}
