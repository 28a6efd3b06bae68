/* SPDX-License-Identifier: Apache-2.0 */
/* Makes plans: from a picture's size, or from tensors that were prepared elsewhere, it computes
 * shapes, rows and bytes. No pixel and no weight is read here. ../shared/tiles.c chooses the grid
 * of tiles. */
#include "../shared/plans.h"
#include "vision.h"

/* The largest ratio of the longer side to the shorter one. Beyond it the picture would be a line a
 * few pixels wide in its tile. */
#define MAX_ASPECT 200

static const char *const input_names[VIS_N_INPUTS] = {"pixel_values", "aspect_ratio_ids",
                                                      "num_tiles"};

_Static_assert(sizeof(vis_carried) <= WEFT_PLAN_CARRIED, "every plan has room for it");

static void plan_fill(const vis_config *c, const vis_carried *what, weft_plan *p)
{
    const int64_t pixels[4] = {c->max_tiles, c->n_channels, c->tile, c->tile}, one[1] = {1};
    const int64_t out[3] = {c->max_tiles, c->n, c->text.d_model};
    (void)weft_plan_input(p, input_names[VIS_PIXELS], vis_spec(WEFT_F32, 4, pixels));
    (void)weft_plan_input(p, input_names[VIS_RATIO_ID], vis_spec(WEFT_I64, 1, one));
    (void)weft_plan_input(p, input_names[VIS_NUM_TILES], vis_spec(WEFT_I64, 1, one));
    (void)weft_plan_output(p, "vision.output", VIS_STREAM, (int64_t)what->grid.num_tiles * c->n,
                           vis_spec(WEFT_F32, 3, out));
    p->n_placeholders = 1;
    p->scratch_bytes = vis_vit_encode_bytes(c, what->grid.num_tiles);
    memcpy(p->carried, what, sizeof *what);
}

weft_status vis_plan_grid(const vis_config *c, int32_t width, int32_t height, vis_grid *out,
                          weft_error *err)
{
    if (width < 1 || height < 1)
        return weft_fail(err, WEFT_E_INVALID, "a picture of %d x %d pixels has nothing to see",
                         width, height);
    int64_t longer = width > height ? width : height, shorter = width > height ? height : width;
    if (longer > MAX_ASPECT * shorter)
        return weft_fail(
            err, WEFT_E_LIMIT,
            "a picture of %d x %d pixels is longer than %d times its other side: split or crop it",
            width, height, MAX_ASPECT);
    if (vis_grid_choose(width, height, c->tile, c->max_tiles, out) != 0)
        return weft_fail(err, WEFT_E_LIMIT,
                         "a picture of %d x %d pixels is too large: scale it down", width, height);
    return WEFT_OK;
}

weft_status vis_plan(void *self, const weft_media_info *mi, const weft_request *rq,
                     const weft_limits *lim, weft_plan *out, weft_error *err)
{
    const vis_config *c = &((const vis_modality *)self)->config;
    vis_carried       what = {mi->width, mi->height, {0, 0, 0, 0, 0, 0}};
    (void)rq;
    weft_status status = vis_plan_grid(c, mi->width, mi->height, &what.grid, err);
    if (status != WEFT_OK)
        return status;
    status = vis_plan_check_tokens((int64_t)what.grid.num_tiles * c->n, lim, err);
    if (status == WEFT_OK)
        plan_fill(c, &what, out);
    return status;
}

weft_status vis_plan_check_ids(const vis_config *c, int64_t ratio_id, int64_t num_tiles,
                               weft_error *err)
{
    if (ratio_id < 0 || ratio_id > c->n_ratios)
        return weft_fail(err, WEFT_E_INVALID, "aspect_ratio_ids holds %lld, and it must be 0 to %d",
                         (long long)ratio_id, c->n_ratios);
    if (num_tiles < 1 || num_tiles > c->max_tiles)
        return weft_fail(err, WEFT_E_INVALID, "num_tiles holds %lld, and it must be 1 to %d",
                         (long long)num_tiles, c->max_tiles);
    return WEFT_OK;
}

/* Finds the three tensors, in the order of a plan's inputs, and checks their types and shapes. */
static weft_status find_inputs(const vis_config *c, const weft_tensor *inputs,
                               const char *const *names, uint32_t n,
                               const weft_tensor *t[VIS_N_INPUTS], weft_error *err)
{
    const int64_t pixels[5] = {-1, c->max_tiles, c->n_channels, c->tile, c->tile};
    for (int i = 0; i < VIS_N_INPUTS; i++) {
        t[i] = vis_tensor_find(inputs, names, n, input_names[i]);
        if (t[i] == NULL)
            return weft_fail(err, WEFT_E_INVALID, "the tensor %s is missing", input_names[i]);
    }
    const weft_tensor_spec picture = vis_spec(WEFT_F32, 5, pixels);
    const weft_tensor_spec number = vis_spec(WEFT_I64, 1, &t[VIS_PIXELS]->shape[0]);
    if (!vis_tensor_fits(t[VIS_PIXELS], &picture))
        return weft_fail(err, WEFT_E_INVALID,
                         "the tensor %s must be f32 [pictures, %d, %d, %d, %d] for this model",
                         input_names[VIS_PIXELS], c->max_tiles, c->n_channels, c->tile, c->tile);
    for (int i = VIS_RATIO_ID; i < VIS_N_INPUTS; i++)
        if (!vis_tensor_fits(t[i], &number))
            return weft_fail(err, WEFT_E_INVALID,
                             "the tensor %s must be i64 [%lld], one for each picture",
                             input_names[i], (long long)number.shape[0]);
    return WEFT_OK;
}

weft_status vis_plan_inputs(void *self, const weft_tensor *inputs, const char *const *names,
                            uint32_t n, weft_plan *out, uint32_t cap, uint32_t *n_items,
                            weft_error *err)
{
    const vis_config  *c = &((const vis_modality *)self)->config;
    const weft_tensor *t[VIS_N_INPUTS];
    int                any = 0;
    *n_items = 0;
    for (int i = 0; i < VIS_N_INPUTS; i++)
        any = any || vis_tensor_find(inputs, names, n, input_names[i]) != NULL;
    if (!any) /* the tensors are of another kind of media */
        return WEFT_OK;
    weft_status status = find_inputs(c, inputs, names, n, t, err);
    if (status != WEFT_OK)
        return status;
    const int64_t  n_images = t[VIS_PIXELS]->shape[0];
    const int64_t *ids = t[VIS_RATIO_ID]->data, *tiles = t[VIS_NUM_TILES]->data;
    if (n_images > cap)
        return weft_fail(err, WEFT_E_LIMIT,
                         "pixel_values holds %lld pictures, and at most %u are taken at once",
                         (long long)n_images, cap);
    for (int64_t i = 0; i < n_images; i++) {
        status = vis_plan_check_ids(c, ids[i], tiles[i], err);
        if (status != WEFT_OK)
            return status;
        vis_carried what = {0, 0, {0, 0, 0, 0, (int32_t)ids[i], (int32_t)tiles[i]}};
        plan_fill(c, &what, WEFT_AT(out, i));
    }
    *n_items = (uint32_t)n_images;
    return WEFT_OK;
}
