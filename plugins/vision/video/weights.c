/* SPDX-License-Identifier: Apache-2.0 */
/* The adapter's own weights, loaded in one request. The host loads the weights of the sites. */
#include "video.h"

typedef struct ask_ctx {
    const vid_config *c;
    vid_weights      *w;
} ask_ctx;

static void ask_all(plg_request *r, void *ctx)
{
    const ask_ctx    *a = ctx;
    const vid_config *c = a->c;
    const int64_t     d = c->resampler.d;
    plg_ask_dense(r, &a->w->in, "", "video_projector", d, c->d_encoder, 0, 1);
    plg_ask(r, &a->w->time, WEFT_USE_PLAIN, plg_shape2(c->max_frames, d), "time_embedding.",
            "weight");
    vis_resampler_ask(r, &a->w->resampler, "video_resampler.");
}

weft_status vid_weights_load(const weft_host *h, const weft_package *p, const vid_config *c,
                             vid_weights *out, weft_error *err)
{
    ask_ctx     ctx = {c, out};
    plg_request r;
    memset(out, 0, sizeof *out);
    weft_status status = vis_resampler_init(&out->resampler, h, &c->resampler, err);
    if (status != WEFT_OK)
        return status;
    status = plg_request_run(h, p, ask_all, &ctx, &r, err);
    if (status != WEFT_OK)
        vid_weights_free(h, out);
    return status;
}

weft_status vid_weights_tell(const weft_host *h, const weft_package *p, const vid_config *c,
                             const weft_weight_sink *sink, weft_error *err)
{
    vid_weights w;
    ask_ctx     ctx = {c, &w};
    memset(&w, 0, sizeof w);
    weft_status status = vis_resampler_init(&w.resampler, h, &c->resampler, err);
    if (status != WEFT_OK)
        return status;
    status = plg_request_tell(h, p, ask_all, &ctx, sink, err);
    vid_weights_free(h, &w);
    return status;
}

void vid_weights_free(const weft_host *h, vid_weights *w)
{
    vis_resampler_free(&w->resampler, h);
    memset(w, 0, sizeof *w);
}

uint64_t vid_weights_count(const weft_host *h, const vid_config *c)
{
    vid_weights w;
    ask_ctx     ctx = {c, &w};
    plg_request r;
    memset(&w, 0, sizeof w);
    if (vis_resampler_init(&w.resampler, h, &c->resampler, NULL) != WEFT_OK)
        return 0;
    (void)plg_request_run(h, NULL, ask_all, &ctx, &r, NULL);
    vid_weights_free(h, &w);
    return r.parameters;
}
