/* SPDX-License-Identifier: Apache-2.0 */
/* Makes plans from tensors instead of clips, for `weft model verify`. In these plans the
 * intermediate stages are outputs too. */
#include "video.h"

#include "../shared/plans.h"

/* Finds the tensors, in the order of a plan's inputs, and checks their types and shapes. */
static weft_status find_inputs(const vid_modality *m, const weft_tensor *inputs,
                               const char *const *names, uint32_t n,
                               const weft_tensor *t[VID_N_INPUTS], weft_error *err)
{
    const vid_config *c = &m->config;
    const int64_t     tile = m->sizes.tile, tiles = m->sizes.max_tiles;
    const int64_t     pixels[6] = {-1, -1, tiles, 3, tile, tile};
    for (int i = 0; i < VID_N_INPUTS; i++) {
        t[i] = vis_tensor_find(inputs, names, n, vid_input_names[i]);
        if (t[i] == NULL)
            return weft_fail(err, WEFT_E_INVALID, "the tensor %s is missing", vid_input_names[i]);
    }
    const weft_tensor_spec clips = vis_spec(WEFT_F32, 6, pixels);
    const weft_tensor_spec number = vis_spec(WEFT_I64, 1, &t[VID_PIXELS]->shape[0]);
    const weft_tensor_spec times = vis_spec(WEFT_I64, 2, &t[VID_PIXELS]->shape[0]);
    if (!vis_tensor_fits(t[VID_PIXELS], &clips) || t[VID_PIXELS]->shape[1] < 1 ||
        t[VID_PIXELS]->shape[1] > c->max_frames)
        return weft_fail(err, WEFT_E_INVALID,
                         "the tensor %s must be f32 [clips, frames, %d, 3, %d, %d] of at most %d "
                         "frames for this model",
                         vid_input_names[VID_PIXELS], (int)tiles, (int)tile, (int)tile,
                         c->max_frames);
    if (!vis_tensor_fits(t[VID_RATIO_ID], &number) || !vis_tensor_fits(t[VID_NUM_TILES], &number) ||
        !vis_tensor_fits(t[VID_TIMES], &times))
        return weft_fail(err, WEFT_E_INVALID,
                         "%s and %s must be i64 [%lld], one for each clip, and %s i64 [%lld, %lld]",
                         vid_input_names[VID_RATIO_ID], vid_input_names[VID_NUM_TILES],
                         (long long)number.shape[0], vid_input_names[VID_TIMES],
                         (long long)times.shape[0], (long long)times.shape[1]);
    return WEFT_OK;
}

/* Adds the stages before the last one as outputs. */
static void add_stages(const vid_modality *m, const vid_carried *what, weft_plan *p)
{
    static const char *const names[] = {"video.features", "video.context"};
    const int64_t            rows = (int64_t)what->grid.num_tiles * m->sizes.rows;
    const int64_t            width[] = {m->config.d_encoder, m->config.resampler.d};
    for (uint32_t i = 0; i < 2; i++) {
        const int64_t shape[3] = {what->n_frames, rows, width[i]};
        /* the rows are what verify compares */
        (void)weft_plan_output(p, names[i], NULL, what->n_frames * rows,
                               vis_spec(WEFT_F32, 3, shape));
    }
}

static weft_status plan_clip(const vid_modality *m, const weft_tensor *const t[VID_N_INPUTS],
                             int64_t i, weft_plan *p, weft_error *err)
{
    vid_carried what;
    memset(&what, 0, sizeof what);
    what.n_frames = (int32_t)t[VID_PIXELS]->shape[1];
    weft_status status =
        m->eyes->grid_of(m->encoder, ((const int64_t *)t[VID_RATIO_ID]->data)[i],
                         ((const int64_t *)t[VID_NUM_TILES]->data)[i], &what.grid, err);
    if (status != WEFT_OK)
        return status;
    vid_plan_fill(m, &what, p);
    add_stages(m, &what, p);
    return WEFT_OK;
}

weft_status vid_plan_inputs(void *self, const weft_tensor *inputs, const char *const *names,
                            uint32_t n, weft_plan *out, uint32_t cap, uint32_t *n_items,
                            weft_error *err)
{
    const vid_modality *m = self;
    const weft_tensor  *t[VID_N_INPUTS];
    *n_items = 0;
    if (vis_tensor_find(inputs, names, n, vid_input_names[VID_PIXELS]) == NULL)
        return WEFT_OK; /* the tensors are of another kind of media */
    weft_status status = find_inputs(m, inputs, names, n, t, err);
    if (status != WEFT_OK)
        return status;
    const int64_t clips = t[VID_PIXELS]->shape[0];
    if (clips > cap)
        return weft_fail(err, WEFT_E_LIMIT, "%s holds %lld clips, and at most %u are taken at once",
                         vid_input_names[VID_PIXELS], (long long)clips, cap);
    for (int64_t i = 0; i < clips; i++) {
        status = plan_clip(m, t, i, WEFT_AT(out, i), err);
        if (status != WEFT_OK)
            return status;
    }
    *n_items = (uint32_t)clips;
    return WEFT_OK;
}
