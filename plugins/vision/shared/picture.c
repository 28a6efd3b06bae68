/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a still picture from its decoder and prepares it for an encoder; preprocess.c has the
 * arithmetic. */
#include "picture.h"

/* Turns the decoder's pixels into RGB and prepares them with preprocess.c into dst. */
static weft_status prepare(const plg_pool *pool, const weft_media *media,
                           const vis_image_config *cfg, const vis_grid *grid, uint8_t *px,
                           void *scratch, float *dst, weft_error *err)
{
    const int32_t width = media->info->width, height = media->info->height;
    const int64_t channels = media->info->has_alpha ? 4 : 3, now = 0;
    const int64_t shape[4] = {1, height, width, channels};
    weft_tensor   frame = weft_view(NULL, px, WEFT_U8, 4, shape);
    int64_t       at;
    weft_status   status = media->read_frames(media->ctx, &now, 1, &frame, &at, err);
    if (status != WEFT_OK)
        return status;
    if (channels == 4)
        vis_flatten_alpha(px, (uint64_t)(shape[1] * shape[2]));
    vis_preprocess(pool, cfg, grid, px, width, height, dst, scratch);
    return WEFT_OK;
}

weft_status vis_picture_read(const plg_pool *pool, const weft_media *media,
                             const vis_image_config *cfg, const vis_grid *grid, float *dst,
                             weft_error *err)
{
    const int32_t    width = media->info->width, height = media->info->height;
    const weft_host *h = pool->host;
    uint64_t         scratch_bytes = vis_preprocess_scratch(width, height, grid);
    if (scratch_bytes == 0)
        return weft_fail(err, WEFT_E_LIMIT,
                         "a picture of %d x %d pixels is too large: scale it down", width, height);
    /* The sides are at most VIS_RESIZE_MAX_SIDE, so scratch_bytes is not 0. */
    uint64_t bytes = (uint64_t)width * (uint64_t)height * (media->info->has_alpha ? 4u : 3u);
    uint8_t *px = h->alloc(h, bytes, 64);
    void    *scratch = h->alloc(h, scratch_bytes, 64);

    weft_status status = WEFT_OK;
    if (px == NULL || scratch == NULL)
        status = weft_fail(err, WEFT_E_NOMEM, "out of memory for %llu bytes of pixels",
                           (unsigned long long)(bytes + scratch_bytes));
    else
        status = prepare(pool, media, cfg, grid, px, scratch, dst, err);
    h->free(h, scratch);
    h->free(h, px);
    return status;
}
