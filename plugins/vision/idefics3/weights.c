/* SPDX-License-Identifier: Apache-2.0 */
/* The weights of the tower and the connector, all loaded in one request, so that one message
 * reports everything that is missing or has the wrong shape. */
#include "idefics3.h"

#define VISION "model.vision_model."
#define CONNECTOR "model.connector.modality_projection.proj.weight"

typedef struct ask_ctx {
    id3_weights      *w;
    const id3_config *c;
} ask_ctx;

static void ask_all(plg_request *r, void *ctx)
{
    const ask_ctx    *a = ctx;
    const id3_config *c = a->c;
    const int64_t     in = (int64_t)c->tower.d * c->scale * c->scale;
    vis_tower_ask(r, &a->w->tower, VISION);
    plg_ask(r, &a->w->project, WEFT_USE_LINEAR, plg_shape2(c->d_text, in), "", CONNECTOR);
}

weft_status id3_weights_load(const weft_host *h, const weft_package *p, const id3_config *c,
                             id3_weights *out, weft_error *err)
{
    ask_ctx     ctx = {out, c};
    plg_request r;
    memset(out, 0, sizeof *out);
    weft_status status = vis_tower_init(&out->tower, h, &c->tower, err);
    if (status != WEFT_OK)
        return status;
    status = plg_request_run(h, p, ask_all, &ctx, &r, err);
    if (status != WEFT_OK)
        id3_weights_free(h, out);
    return status;
}

uint64_t id3_weights_count(const weft_host *h, const id3_config *c)
{
    id3_weights w;
    ask_ctx     ctx = {&w, c};
    plg_request r;
    memset(&w, 0, sizeof w);
    if (vis_tower_init(&w.tower, h, &c->tower, NULL) != WEFT_OK)
        return 0;
    (void)plg_request_run(h, NULL, ask_all, &ctx, &r, NULL);
    id3_weights_free(h, &w);
    return r.parameters;
}

weft_status id3_weights_tell(const weft_host *h, const weft_package *p, const id3_config *c,
                             const weft_weight_sink *sink, weft_error *err)
{
    id3_weights w;
    ask_ctx     ctx = {&w, c};
    memset(&w, 0, sizeof w);
    weft_status status = vis_tower_init(&w.tower, h, &c->tower, err);
    if (status != WEFT_OK)
        return status;
    status = plg_request_tell(h, p, ask_all, &ctx, sink, err);
    id3_weights_free(h, &w);
    return status;
}

void id3_weights_free(const weft_host *h, id3_weights *w)
{
    vis_tower_free(&w->tower, h);
    memset(w, 0, sizeof *w);
}
