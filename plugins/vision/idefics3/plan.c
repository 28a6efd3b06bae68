/* SPDX-License-Identifier: Apache-2.0 */
/* Makes plans: of a picture, which is one item of several tiles, and of a reference's tensors,
 * where every tile is an item, since the text around it stands in the reference's ids. */
#include "idefics3.h"

#include "../shared/plans.h"

#define PIXELS "pixel_values"
#define MASK "pixel_attention_mask"
#define ROWS "vision.output"
#define TOKENS "connector.output"

/* Fills *p for n tiles. The tensors are in the order that image.c expects. With alone, the axis of
 * tiles is left out. */
static void fill(const id3_config *c, const id3_carried *what, int alone, weft_plan *p)
{
    const int64_t    n = what->n_tiles, side = c->tower.tile;
    const int64_t    pixels[4] = {n, 3, side, side}, mask[3] = {n, side, side};
    const int64_t    tokens[3] = {n, c->seq, c->d_text}, rows[3] = {n, c->tower.n, c->tower.d};
    const weft_dtype i64 = {WEFT_DT_INT, 64, 1};
    (void)weft_plan_input(p, PIXELS, vis_spec(WEFT_F32, 4 - alone, pixels + alone));
    if (what->masked)
        (void)weft_plan_input(p, MASK, vis_spec(i64, 3 - alone, mask + alone));
    (void)weft_plan_output(p, TOKENS, ID3_STREAM, n * c->seq,
                           vis_spec(WEFT_F32, 3 - alone, tokens + alone));
    (void)weft_plan_output(p, ROWS, NULL, 0, vis_spec(WEFT_F32, 3 - alone, rows + alone));
    p->n_placeholders = n * c->seq;
    p->scratch_bytes = id3_scratch_bytes(c);
    memcpy(p->carried, what, sizeof *what);
}

weft_status id3_plan(void *self, const weft_media_info *mi, const weft_request *rq,
                     const weft_limits *lim, weft_plan *out, weft_error *err)
{
    const id3_config *c = &((const id3_modality *)self)->config;
    id3_carried       what;
    (void)rq;
    memset(&what, 0, sizeof what);
    if (mi->width < 1 || mi->height < 1 || mi->width > VIS_MAX_SIDE || mi->height > VIS_MAX_SIDE)
        return weft_fail(err, WEFT_E_INVALID,
                         "a picture of %d x %d pixels cannot be resized: sides are 1 to %d",
                         mi->width, mi->height, VIS_MAX_SIDE);
    what.grid = id3_grid_of(c, mi->width, mi->height);
    what.n_tiles = id3_grid_tiles(&what.grid);
    weft_status status = vis_plan_check_tokens((int64_t)what.n_tiles * c->tower.n, lim, err);
    if (status != WEFT_OK)
        return status;
    if (!WEFT_HAS(out, weft_plan, layout_bytes) ||
        id3_grid_layout(&what.grid, out->layout, out->layout_bytes) > out->layout_bytes)
        return weft_fail(err, WEFT_E_UNSUPPORTED,
                         "this host has no room for the text between a picture's tiles");
    fill(c, &what, 0, out);
    return WEFT_OK;
}

static weft_status check_mask(const id3_config *c, const weft_tensor *mask, int64_t n,
                              weft_error *err)
{
    const int64_t          shape[3] = {n, c->tower.tile, c->tower.tile};
    const weft_dtype       i64 = {WEFT_DT_INT, 64, 1};
    const weft_tensor_spec want = vis_spec(i64, 3, shape);
    if (mask == NULL || vis_tensor_fits(mask, &want))
        return WEFT_OK;
    return weft_fail(err, WEFT_E_INVALID, "the tensor " MASK " must be i64 [%lld, %d, %d]",
                     (long long)n, c->tower.tile, c->tower.tile);
}

weft_status id3_plan_inputs(void *self, const weft_tensor *inputs, const char *const *names,
                            uint32_t n, weft_plan *out, uint32_t cap, uint32_t *n_items,
                            weft_error *err)
{
    const id3_config      *c = &((const id3_modality *)self)->config;
    const int64_t          shape[4] = {-1, 3, c->tower.tile, c->tower.tile};
    const weft_tensor_spec want = vis_spec(WEFT_F32, 4, shape);
    const weft_tensor     *t = vis_tensor_find(inputs, names, n, PIXELS);
    const weft_tensor     *mask = vis_tensor_find(inputs, names, n, MASK);
    id3_carried            what;
    *n_items = 0;
    memset(&what, 0, sizeof what);
    what.n_tiles = 1;
    what.masked = mask != NULL;
    if (t == NULL) /* the tensors are of another kind of media */
        return WEFT_OK;
    if (!vis_tensor_fits(t, &want))
        return weft_fail(err, WEFT_E_INVALID,
                         "the tensor " PIXELS " must be f32 [tiles, 3, %d, %d] for this model",
                         c->tower.tile, c->tower.tile);
    if (t->shape[0] > cap)
        return weft_fail(err, WEFT_E_LIMIT,
                         PIXELS " holds %lld tiles, and at most %u are taken at once",
                         (long long)t->shape[0], cap);
    weft_status status = check_mask(c, mask, t->shape[0], err);
    if (status != WEFT_OK)
        return status;
    for (int64_t i = 0; i < t->shape[0]; i++)
        fill(c, &what, 1, WEFT_AT(out, i));
    *n_items = (uint32_t)t->shape[0];
    return WEFT_OK;
}
