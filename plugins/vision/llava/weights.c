/* SPDX-License-Identifier: Apache-2.0 */
/* The weights of the tower and the projector, all loaded in one request, so that one message
 * reports everything that is missing or has the wrong shape. */
#include "llava.h"

#define PROJECTOR "multi_modal_projector."

/* As on the hub (and as transformers writes them), and as they lie in memory since 4.52. */
static const llv_names hub = {"vision_tower.vision_model.", PROJECTOR, "image_newline",
                              "language_model.model.", "language_model.lm_head.weight"};
static const llv_names memory = {"model.vision_tower.vision_model.", "model." PROJECTOR,
                                 "model.image_newline", "model.language_model.", "lm_head.weight"};

const llv_names *llv_names_of(const weft_host *h, const weft_package *p)
{
    const weft_if_weights *w = h->get_interface(h, WEFT_IF_WEIGHTS);
    return w->has(h, p, "model." PROJECTOR "linear_1.weight") ? &memory : &hub;
}

typedef struct ask_ctx {
    llv_weights      *w;
    const llv_config *c;
    const llv_names  *names;
} ask_ctx;

static void ask_all(plg_request *r, void *ctx)
{
    const ask_ctx    *a = ctx;
    const llv_config *c = a->c;
    const int64_t     in = (int64_t)c->tower.d * c->n_layers;
    vis_tower_ask(r, &a->w->tower, a->names->tower);
    plg_ask_dense(r, &a->w->linear1, a->names->projector, "linear_1", c->d_text, in, 0,
                  c->has_bias);
    plg_ask_dense(r, &a->w->linear2, a->names->projector, "linear_2", c->d_text, c->d_text, 0,
                  c->has_bias);
    if (c->has_newline)
        plg_ask(r, &a->w->newline, WEFT_USE_PLAIN, plg_shape1(c->d_text), "", a->names->newline);
}

weft_status llv_weights_load(const weft_host *h, const weft_package *p, const llv_config *c,
                             llv_weights *out, weft_error *err)
{
    ask_ctx     ctx = {out, c, llv_names_of(h, p)};
    plg_request r;
    memset(out, 0, sizeof *out);
    weft_status status = vis_tower_init(&out->tower, h, &c->tower, err);
    if (status != WEFT_OK)
        return status;
    status = plg_request_run(h, p, ask_all, &ctx, &r, err);
    if (status != WEFT_OK)
        llv_weights_free(h, out);
    return status;
}

uint64_t llv_weights_count(const weft_host *h, const llv_config *c)
{
    llv_weights w;
    ask_ctx     ctx = {&w, c, &hub};
    plg_request r;
    memset(&w, 0, sizeof w);
    if (vis_tower_init(&w.tower, h, &c->tower, NULL) != WEFT_OK)
        return 0;
    (void)plg_request_run(h, NULL, ask_all, &ctx, &r, NULL);
    llv_weights_free(h, &w);
    return r.parameters;
}

weft_status llv_weights_tell(const weft_host *h, const weft_package *p, const llv_config *c,
                             const weft_weight_sink *sink, weft_error *err)
{
    llv_weights w;
    ask_ctx     ctx = {&w, c, llv_names_of(h, p)};
    memset(&w, 0, sizeof w);
    weft_status status = vis_tower_init(&w.tower, h, &c->tower, err);
    if (status != WEFT_OK)
        return status;
    status = plg_request_tell(h, p, ask_all, &ctx, sink, err);
    llv_weights_free(h, &w);
    return status;
}

void llv_weights_free(const weft_host *h, llv_weights *w)
{
    vis_tower_free(&w->tower, h);
    memset(w, 0, sizeof *w);
}
