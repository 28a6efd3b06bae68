/* SPDX-License-Identifier: Apache-2.0 */
/* Names and shapes of all weights: those of transformers 4.57 modeling_voxtral.py. */
#include "voxtral.h"

#define PROJECTOR "multi_modal_projector."

typedef struct asked {
    const vxt_config *c;
    vxt_weights      *w;
    const char       *root; /* of all names */
} asked;

static void ask(plg_request *r, void *ctx)
{
    const asked      *what = ctx;
    const vxt_config *c = what->c;
    vxt_weights      *w = what->w;
    r->root = what->root;
    spk_whisper_ask(r, &c->encoder, "audio_tower.", &w->encoder);
    plg_ask_dense(r, &w->linear1, PROJECTOR, "linear_1", c->d_text,
                  (int64_t)c->encoder.d * c->stack, 0, 0);
    plg_ask_dense(r, &w->linear2, PROJECTOR, "linear_2", c->d_text, c->d_text, 0, 0);
}

static weft_status alloc(const weft_host *h, const vxt_config *c, vxt_weights *w, weft_error *err)
{
    memset(w, 0, sizeof *w);
    w->encoder.layers = plg_alloc(h, (uint64_t)c->encoder.n_layers * sizeof *w->encoder.layers,
                                  "encoder layers", err);
    return w->encoder.layers != NULL ? WEFT_OK : WEFT_E_NOMEM;
}

weft_status vxt_weights_load(const weft_host *h, const weft_package *p, const vxt_config *c,
                             vxt_weights *out, weft_error *err)
{
    asked       what = {c, out, plg_names_of(h, p, VXT_PROBE)->root};
    plg_request r;
    weft_status status = alloc(h, c, out, err);
    if (status == WEFT_OK)
        status = plg_request_run(h, p, ask, &what, &r, err);
    if (status != WEFT_OK)
        vxt_weights_free(h, out);
    return status;
}

uint64_t vxt_weights_count(const weft_host *h, const vxt_config *c)
{
    vxt_weights w;
    asked       what = {c, &w, ""};
    plg_request r;
    if (alloc(h, c, &w, NULL) != WEFT_OK)
        return 0;
    (void)plg_request_run(h, NULL, ask, &what, &r, NULL);
    vxt_weights_free(h, &w);
    return r.parameters;
}

weft_status vxt_weights_tell(const weft_host *h, const weft_package *p, const vxt_config *c,
                             const weft_weight_sink *sink, weft_error *err)
{
    vxt_weights w;
    asked       what = {c, &w, plg_names_of(h, p, VXT_PROBE)->root};
    weft_status status = alloc(h, c, &w, err);
    if (status == WEFT_OK)
        status = plg_request_tell(h, p, ask, &what, sink, err);
    vxt_weights_free(h, &w);
    return status;
}

void vxt_weights_free(const weft_host *h, vxt_weights *w)
{
    h->free(h, w->encoder.layers);
    memset(w, 0, sizeof *w);
}
