/* SPDX-License-Identifier: Apache-2.0 */
/* Makes plans. All pictures of a model have the same shapes, rows and bytes; plans differ only in
 * whether there is a picture or a tensor that was prepared elsewhere. */
#include "idefics.h"

#include "../shared/plans.h"

#define PIXELS "pixel_values"
#define ENCODED "vision.output"
#define RESAMPLED "resampler.output"

vis_grid idf_grid(const idf_config *c)
{
    const vis_grid one = {.rows = 1,
                          .cols = 1,
                          .new_width = c->tile,
                          .new_height = c->tile,
                          .aspect_ratio_id = 1,
                          .num_tiles = 1};
    return one;
}

static void add_output(weft_plan *p, const char *name, const char *stream, int64_t rows, int64_t d)
{
    const int64_t shape[2] = {rows, d};
    (void)weft_plan_output(p, name, stream, rows, vis_spec(WEFT_F32, 2, shape));
}

/* Fills *p. The outputs are in the order that image.c expects. */
static void fill(const idf_config *c, weft_plan *p)
{
    const int64_t pixels[3] = {c->n_channels, c->tile, c->tile};
    (void)weft_plan_input(p, PIXELS, vis_spec(WEFT_F32, 3, pixels));
    if (c->use_resampler)
        add_output(p, RESAMPLED, IDF_STREAM, c->resampler.n_latents, c->d);
    add_output(p, ENCODED, c->use_resampler ? NULL : IDF_STREAM, c->n, c->d);
    p->n_placeholders = 1;
    p->scratch_bytes = idf_scratch_bytes(c);
}

weft_status idf_plan(void *self, const weft_media_info *mi, const weft_request *rq,
                     const weft_limits *lim, weft_plan *out, weft_error *err)
{
    const idf_config *c = &((const idf_modality *)self)->config;
    (void)rq;
    if (mi->width < 1 || mi->height < 1 || mi->width > VIS_MAX_SIDE || mi->height > VIS_MAX_SIDE)
        return weft_fail(err, WEFT_E_INVALID,
                         "a picture of %d x %d pixels cannot be resized: sides are 1 to %d",
                         mi->width, mi->height, VIS_MAX_SIDE);
    weft_status status = vis_plan_check_tokens(c->n, lim, err);
    if (status == WEFT_OK)
        fill(c, out);
    return status;
}

weft_status idf_plan_inputs(void *self, const weft_tensor *inputs, const char *const *names,
                            uint32_t n, weft_plan *out, uint32_t cap, uint32_t *n_items,
                            weft_error *err)
{
    const idf_config      *c = &((const idf_modality *)self)->config;
    const int64_t          shape[4] = {-1, c->n_channels, c->tile, c->tile};
    const weft_tensor_spec want = vis_spec(WEFT_F32, 4, shape);
    const weft_tensor     *t = vis_tensor_find(inputs, names, n, PIXELS);
    *n_items = 0;
    if (t == NULL) /* the tensors are of another kind of media */
        return WEFT_OK;
    if (!vis_tensor_fits(t, &want))
        return weft_fail(err, WEFT_E_INVALID,
                         "the tensor " PIXELS " must be f32 [pictures, %d, %d, %d] for this model",
                         c->n_channels, c->tile, c->tile);
    if (t->shape[0] > cap)
        return weft_fail(err, WEFT_E_LIMIT,
                         PIXELS " holds %lld pictures, and at most %u are taken at once",
                         (long long)t->shape[0], cap);
    for (int64_t i = 0; i < t->shape[0]; i++)
        fill(c, WEFT_AT(out, i));
    *n_items = (uint32_t)t->shape[0];
    return WEFT_OK;
}
