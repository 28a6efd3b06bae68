/* SPDX-License-Identifier: Apache-2.0 */
/* Makes plans: of a picture, and of a reference's tensors: pixel_values [pictures, 3, t, t]; of
 * LLaVA-NeXT pixel_values [pictures, tiles, 3, t, t], of which those that a picture does not have
 * are not looked at, with image_sizes [pictures, 2] i64 (height, width). */
#include "llava.h"

#include "../shared/plans.h"

#define PIXELS "pixel_values"
#define SIZES "image_sizes"
#define SEEN "vision.output"
#define PROJECTED "projector.output"

static const weft_dtype i64 = {WEFT_DT_INT, 64, 1};

/* Fills *p. The tensors are in the order that image.c expects. room: tiles of the input, -1: as
 * many as the picture has, without an axis where that is 1. */
static void fill(const llv_config *c, const llv_grid *g, int64_t room, int with_sizes, weft_plan *p)
{
    const int64_t side = c->tower.tile, n = llv_grid_tiles(g), one = room < 0 && !c->is_next;
    const int64_t wide = (int64_t)c->tower.d * c->n_layers;
    const int64_t pixels[4] = {room < 0 ? n : room, 3, side, side}, sizes[1] = {2};
    const int64_t tokens[2] = {g->n_tokens, c->d_text};
    const int64_t seen[3] = {n, c->rows, wide}, projected[3] = {n, c->rows, c->d_text};
    (void)weft_plan_input(p, PIXELS, vis_spec(WEFT_F32, one ? 3 : 4, one ? pixels + 1 : pixels));
    if (with_sizes)
        (void)weft_plan_input(p, SIZES, vis_spec(i64, 1, sizes));
    (void)weft_plan_output(p, c->is_next ? "image.tokens" : PROJECTED, LLV_STREAM, g->n_tokens,
                           vis_spec(WEFT_F32, 2, tokens));
    (void)weft_plan_output(p, SEEN, NULL, 0,
                           vis_spec(WEFT_F32, c->is_next ? 3 : 2, c->is_next ? seen : seen + 1));
    if (c->is_next)
        (void)weft_plan_output(p, PROJECTED, NULL, 0, vis_spec(WEFT_F32, 3, projected));
    p->n_placeholders = g->n_tokens;
    p->scratch_bytes = llv_scratch_bytes(c, g);
    memcpy(p->carried, g, sizeof *g);
}

weft_status llv_plan(void *self, const weft_media_info *mi, const weft_request *rq,
                     const weft_limits *lim, weft_plan *out, weft_error *err)
{
    const llv_config *c = &((const llv_modality *)self)->config;
    (void)rq;
    if (mi->width < 1 || mi->height < 1 || mi->width > VIS_MAX_SIDE || mi->height > VIS_MAX_SIDE)
        return weft_fail(err, WEFT_E_INVALID,
                         "a picture of %d x %d pixels cannot be resized: sides are 1 to %d",
                         mi->width, mi->height, VIS_MAX_SIDE);
    const llv_grid g = llv_grid_of(c, mi->width, mi->height);
    weft_status status = vis_plan_check_tokens((int64_t)llv_grid_tiles(&g) * c->tower.n, lim, err);
    if (status == WEFT_OK)
        fill(c, &g, -1, 0, out);
    return status;
}

static weft_status check_pixels(const llv_config *c, const weft_tensor *t, uint32_t cap,
                                weft_error *err)
{
    const int64_t          side = c->tower.tile, shape[5] = {-1, -1, 3, side, side};
    const int64_t          flat[4] = {-1, 3, side, side};
    const weft_tensor_spec want =
        c->is_next ? vis_spec(WEFT_F32, 5, shape) : vis_spec(WEFT_F32, 4, flat);
    if (!vis_tensor_fits(t, &want))
        return weft_fail(err, WEFT_E_INVALID,
                         "the tensor " PIXELS " must be f32 [pictures, %s3, %d, %d] for this model",
                         c->is_next ? "tiles, " : "", c->tower.tile, c->tower.tile);
    if (t->shape[0] > cap)
        return weft_fail(err, WEFT_E_LIMIT,
                         PIXELS " holds %lld pictures, and at most %u are taken at once",
                         (long long)t->shape[0], cap);
    return WEFT_OK;
}

/* The grid of picture i of a reference. */
static weft_status grid_at(const llv_config *c, const weft_tensor *pixels, const weft_tensor *sizes,
                           int64_t i, llv_grid *out, weft_error *err)
{
    if (!c->is_next) {
        *out = llv_grid_of(c, c->tower.tile, c->tower.tile);
        return WEFT_OK;
    }
    const int64_t *s = (const int64_t *)sizes->data + 2 * i;
    if (s[0] < 1 || s[0] > VIS_MAX_SIDE || s[1] < 1 || s[1] > VIS_MAX_SIDE)
        return weft_fail(err, WEFT_E_INVALID, SIZES " has a side that is not in 1 to %d",
                         VIS_MAX_SIDE);
    *out = llv_grid_of(c, (int32_t)s[1], (int32_t)s[0]);
    if (llv_grid_tiles(out) > pixels->shape[1])
        return weft_fail(
            err, WEFT_E_INVALID, "a picture of %lld x %lld has %d tiles, and " PIXELS " holds %lld",
            (long long)s[1], (long long)s[0], llv_grid_tiles(out), (long long)pixels->shape[1]);
    return WEFT_OK;
}

weft_status llv_plan_inputs(void *self, const weft_tensor *inputs, const char *const *names,
                            uint32_t n, weft_plan *out, uint32_t cap, uint32_t *n_items,
                            weft_error *err)
{
    const llv_config  *c = &((const llv_modality *)self)->config;
    const weft_tensor *t = vis_tensor_find(inputs, names, n, PIXELS);
    const weft_tensor *sizes = vis_tensor_find(inputs, names, n, SIZES);
    llv_grid           g;
    *n_items = 0;
    if (t == NULL) /* the tensors are of another kind of media */
        return WEFT_OK;
    weft_status            status = check_pixels(c, t, cap, err);
    const int64_t          shape[2] = {t->shape[0], 2};
    const weft_tensor_spec want = vis_spec(i64, 2, shape);
    if (status == WEFT_OK && c->is_next && (sizes == NULL || !vis_tensor_fits(sizes, &want)))
        return weft_fail(err, WEFT_E_INVALID,
                         "the tensor " SIZES " must be i64 [pictures, 2] beside " PIXELS);
    for (int64_t i = 0; i < t->shape[0] && status == WEFT_OK; i++) {
        status = grid_at(c, t, sizes, i, &g, err);
        if (status == WEFT_OK)
            fill(c, &g, c->is_next ? t->shape[1] : -1, c->is_next, WEFT_AT(out, i));
    }
    *n_items = status == WEFT_OK ? (uint32_t)t->shape[0] : 0;
    return status;
}
