/* SPDX-License-Identifier: Apache-2.0 */
/* Offers the picture encoder to other plugins as a service (weft/services/vision_encoder.h), on top
 * of ../shared/preprocess.c and vit.c.
 *
 * An encoder that is opened is either that of the image adapter in use, whose weights it shares, or
 * one that is read from a directory of its own. All that it holds is allocated through the caller's
 * host, so that it counts as the caller's. The kernels belong to this plugin and are launched
 * through this plugin's host. */
#include "vision.h"

#include "weft/services/vision_encoder.h"

struct weft_vision_encoder {
    const weft_host    *user; /* the caller's */
    const vis_modality *m;    /* whose encoder it is: its own, or the image adapter in use */
    vis_modality        own;
};

static weft_status open_own(weft_vision_encoder *e, const weft_host *ours, const weft_package *p,
                            weft_error *err)
{
    e->own.host = ours;
    e->own.package = p;
    e->own.pool = plg_pool_of(ours);
    e->own.ops = ours->get_interface(ours, WEFT_IF_OPS);
    e->own.launcher = ours->get_interface(ours, WEFT_IF_KERNELS);
    e->m = &e->own;
    return vis_config_read(e->user, p, &e->own.config, err);
}

static weft_status encoder_open(void *service, const weft_host *h, const weft_package *p,
                                weft_vision_encoder **out, weft_error *err)
{
    const weft_host     *ours = service;
    weft_status          status = WEFT_OK;
    weft_vision_encoder *e = h->alloc(h, sizeof *e, 16);
    *out = NULL;
    if (e == NULL)
        return weft_fail(err, WEFT_E_NOMEM, "out of memory for a picture encoder");
    memset(e, 0, sizeof *e);
    e->user = h;
    e->m = ((const vis_engine *)*ours->slot)->live;
    if (p != NULL)
        status = open_own(e, ours, p, err);
    else if (e->m == NULL)
        status = weft_fail(
            err, WEFT_E_NOTFOUND,
            "%s reads no model directory here, so there is no picture encoder to share", VIS_ID);
    if (status == WEFT_OK)
        *out = e;
    else
        h->free(h, e);
    return status;
}

static weft_status encoder_weights(const weft_vision_encoder *e, const weft_weight_sink *sink,
                                   weft_error *err)
{
    const vis_modality *own = &e->own;
    return e->m == own ? vis_weights_tell(e->user, own->package, &own->config, sink, err) : WEFT_OK;
}

static weft_status encoder_load(weft_vision_encoder *e, weft_error *err)
{
    vis_modality *own = &e->own;
    weft_status   status = WEFT_OK;
    if (e->m != own)
        return e->m->loaded
                   ? WEFT_OK
                   : weft_fail(err, WEFT_E_STATE, "%s: its weights are not loaded", VIS_ID);
    status = vis_kernels_find(own->host, &own->kernels, err);
    if (status == WEFT_OK)
        status = vis_weights_load(e->user, own->package, &own->config, &own->weights, err);
    own->loaded = status == WEFT_OK;
    return status;
}

static void encoder_close(weft_vision_encoder *e)
{
    if (e == NULL)
        return;
    if (e->own.loaded)
        vis_weights_free(e->user, &e->own.weights);
    e->user->free(e->user, e);
}

static void encoder_sizes(const weft_vision_encoder *e, weft_vision_sizes *out)
{
    const vis_config *c = &e->m->config;
    weft_vision_sizes s = {.hdr = WEFT_HDR(weft_vision_sizes),
                           .tile = c->tile,
                           .max_tiles = c->max_tiles,
                           .rows = c->n,
                           .width = c->d_out,
                           .max_batch = VIS_MAX_BATCH,
                           .parameters = e->m == &e->own ? vis_weights_count(e->user, c) : 0};
    s.hdr.size = out->hdr.size; /* stays as it was */
    memcpy(out, &s, s.hdr.size < sizeof s ? s.hdr.size : sizeof s);
}

static weft_vision_grid outside(const vis_grid *g)
{
    weft_vision_grid w = {g->rows,     g->cols, g->new_width, g->new_height, g->aspect_ratio_id,
                          g->num_tiles};
    return w;
}

static vis_grid inside(const weft_vision_grid *g)
{
    vis_grid v = {g->rows, g->cols, g->new_width, g->new_height, g->ratio_id, g->num_tiles};
    return v;
}

static weft_status encoder_grid(const weft_vision_encoder *e, int32_t width, int32_t height,
                                weft_vision_grid *out, weft_error *err)
{
    vis_grid    g;
    weft_status status = vis_plan_grid(&e->m->config, width, height, &g, err);
    if (status == WEFT_OK)
        *out = outside(&g);
    return status;
}

static weft_status encoder_grid_of(const weft_vision_encoder *e, int64_t ratio_id,
                                   int64_t num_tiles, weft_vision_grid *out, weft_error *err)
{
    const vis_config *c = &e->m->config;
    vis_grid          g = {1, (int32_t)num_tiles, 0, 0, (int32_t)ratio_id, (int32_t)num_tiles};
    weft_status       status = vis_plan_check_ids(c, ratio_id, num_tiles, err);
    if (status != WEFT_OK)
        return status;
    if (vis_grid_by_id(g.aspect_ratio_id, c->max_tiles, &g) == 0 && g.num_tiles != num_tiles) {
        g.rows = 1; /* the tiles fill no grid of that ratio: show them side by side */
        g.cols = g.num_tiles = (int32_t)num_tiles;
    }
    *out = outside(&g);
    return WEFT_OK;
}

static weft_status encoder_preprocess(const weft_vision_encoder *e, const weft_vision_grid *g,
                                      const weft_tensor *rgb, const weft_tensor *pixels,
                                      weft_error *err)
{
    const vis_image_config *cfg = &e->m->config.image;
    const vis_grid          grid = inside(g);
    const int64_t           height = rgb->shape[0], width = rgb->shape[1];
    const uint64_t          bytes =
        (uint64_t)cfg->max_tiles * 3u * (uint64_t)cfg->tile * (uint64_t)cfg->tile * sizeof(float);
    uint64_t scratch_bytes = 0;
    if (rgb->ndim == 3 && height >= 1 && height <= VIS_MAX_SIDE && width >= 1 &&
        width <= VIS_MAX_SIDE && (rgb->shape[2] == 3 || rgb->shape[2] == 4) &&
        rgb->bytes >= (uint64_t)(height * width * rgb->shape[2]) && pixels->bytes >= bytes)
        scratch_bytes = vis_preprocess_scratch((int32_t)width, (int32_t)height, &grid);
    if (scratch_bytes == 0)
        return weft_fail(err, WEFT_E_INVALID, "%s: the picture is not of the grid that was given",
                         VIS_ID);
    void *scratch = e->user->alloc(e->user, scratch_bytes, 64);
    if (scratch == NULL)
        return weft_fail(err, WEFT_E_NOMEM, "out of memory for %llu bytes of pixels",
                         (unsigned long long)scratch_bytes);
    if (rgb->shape[2] == 4)
        vis_flatten_alpha(rgb->data, (uint64_t)(height * width));
    vis_preprocess(&e->m->pool, cfg, &grid, rgb->data, (int32_t)width, (int32_t)height,
                   pixels->data, scratch);
    e->user->free(e->user, scratch);
    return WEFT_OK;
}

static void encoder_show(const weft_vision_encoder *e, const weft_vision_grid *g,
                         const weft_tensor *pixels, const weft_tensor *rgb)
{
    const int64_t side = e->m->config.tile, stride = 3 * side * g->cols;
    for (int64_t i = 0; i < g->num_tiles; i++)
        vis_show_tile(&e->m->config.image, (const float *)pixels->data + i * 3 * side * side,
                      (uint8_t *)rgb->data + i / g->cols * side * stride + i % g->cols * 3 * side,
                      stride);
}

static uint64_t encoder_scratch_bytes(const weft_vision_encoder *e, int32_t num_tiles, int32_t n)
{
    return vis_vit_scratch_bytes(&e->m->config, num_tiles, n);
}

static weft_status encoder_encode(const weft_vision_encoder *e, weft_queue *q,
                                  const weft_vision_grid *g, const weft_tensor *pixels, int32_t n,
                                  const weft_tensor *out, const weft_tensor *scratch,
                                  weft_error *err)
{
    const vis_config *c = &e->m->config;
    const plg_run     on = plg_run_begin(e->user, e->m->ops, q, err);
    const vis_batch   b = {pixels, NULL, n, g->ratio_id, g->num_tiles, 0};
    const uint64_t    in = (uint64_t)c->max_tiles * 3u * (uint64_t)c->tile * (uint64_t)c->tile;
    weft_status       status = vis_plan_check_ids(c, g->ratio_id, g->num_tiles, err);
    if (status != WEFT_OK)
        return status;
    if (!e->m->loaded)
        return weft_fail(err, WEFT_E_STATE, "%s: its weights are not loaded", VIS_ID);
    if (n < 1 || n > VIS_MAX_BATCH || pixels->bytes / sizeof(float) / in < (uint64_t)n)
        return weft_fail(err, WEFT_E_INVALID, "%s: %d pictures to encode are not there", VIS_ID, n);
    return vis_vit_features(e->m, &on, &b, out, scratch);
}

static const weft_if_vision_encoder service = {
    .hdr = WEFT_HDR(weft_if_vision_encoder),
    .open = encoder_open,
    .load = encoder_load,
    .close = encoder_close,
    .sizes = encoder_sizes,
    .grid = encoder_grid,
    .grid_of = encoder_grid_of,
    .preprocess = encoder_preprocess,
    .show = encoder_show,
    .scratch_bytes = encoder_scratch_bytes,
    .encode = encoder_encode,
    .weights = encoder_weights,
};

weft_status vis_service_publish(const weft_host *h, weft_error *err)
{
    const weft_if_services *services = h->get_interface(h, WEFT_IF_SERVICES);
    return services->publish(h, WEFT_IF_VISION_ENCODER, &service, (void *)(uintptr_t)h, err);
}
