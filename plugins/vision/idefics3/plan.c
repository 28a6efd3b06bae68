/* SPDX-License-Identifier: Apache-2.0 */
/* Makes plans: of a picture, which is one item of several tiles, and of a reference's tensors,
 * where every tile is an item, since the text around it stands in the reference's ids. */
#include "idefics3.h"

#include "../shared/plans.h"

_Static_assert(sizeof(id3_carried) <= WEFT_PLAN_CARRIED, "every plan has room for it");

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

/* The text around a picture's tiles, or around a clip's frames, into the plan. */
static weft_status lay_out(const id3_carried *what, const weft_media_info *mi,
                           const weft_request *rq, weft_plan *out, weft_error *err)
{
    uint64_t need = UINT64_MAX;
    if (WEFT_HAS(out, weft_plan, layout_bytes) && what->clip.asked == 0)
        need = id3_grid_layout(&what->grid, out->layout, out->layout_bytes);
    else if (WEFT_HAS(out, weft_plan, trail_bytes))
        need = id3_clip_layout(&what->clip, &what->grid, id3_clip_seconds(mi, rq), out->layout,
                               out->layout_bytes, &out->lead_bytes, &out->trail_bytes);
    if (need <= (need == UINT64_MAX ? 0 : out->layout_bytes))
        return WEFT_OK;
    return weft_fail(err, WEFT_E_UNSUPPORTED, "this host has no room for the text between %s",
                     what->clip.asked > 0 ? "so many frames: give fewer --frames"
                                          : "a picture's tiles");
}

weft_status id3_plan(void *self, const weft_media_info *mi, const weft_request *rq,
                     const weft_limits *lim, weft_plan *out, weft_error *err)
{
    const id3_config *c = &((const id3_modality *)self)->config;
    id3_config        of_frames = *c;
    int64_t           index[ID3_MAX_FRAMES];
    id3_carried       what;
    weft_status       status = WEFT_OK;
    memset(&what, 0, sizeof what);
    if (mi->width < 1 || mi->height < 1 || mi->width > VIS_MAX_SIDE || mi->height > VIS_MAX_SIDE)
        return weft_fail(err, WEFT_E_INVALID,
                         "a picture of %d x %d pixels cannot be resized: sides are 1 to %d",
                         mi->width, mi->height, VIS_MAX_SIDE);
    const int is_clip = c->clip.max_frames > 0 && strcmp(mi->kind, "video") == 0;
    if (is_clip) {
        of_frames.edge = c->clip.edge;
        status = id3_clip_choose(c, mi, rq, lim, &what.clip, err);
    }
    if (status != WEFT_OK)
        return status;
    what.grid = id3_grid_of(is_clip ? &of_frames : c, mi->width, mi->height);
    what.n_tiles = id3_grid_tiles(&what.grid);
    if (is_clip)
        what.n_tiles *= id3_clip_frames(&what.clip, index);
    status = vis_plan_check_tokens((int64_t)what.n_tiles * c->tower.n, lim, err);
    if (status == WEFT_OK)
        status = lay_out(&what, mi, rq, out, err);
    if (status == WEFT_OK)
        fill(c, &what, 0, out);
    return status;
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
