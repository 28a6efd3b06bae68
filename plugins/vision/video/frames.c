/* SPDX-License-Identifier: Apache-2.0 */
/* Reads frames from the decoder and prepares them for the encoder, one at a time, so that only one
 * frame of the clip's own size is in memory. Also turns prepared frames back into pictures for a
 * person to look at. */
#include "video.h"

/* The state of one pass over the sampled times of a clip. */
typedef struct pass {
    const vid_modality *m;
    const weft_media   *media;
    const vid_carried  *what;
    const weft_tensor  *inputs;
    uint8_t            *px; /* one frame as the decoder gives it */
    weft_error         *err;
} pass;

static int64_t channels_of(const weft_media *media)
{
    return media->info->has_alpha ? 4 : 3;
}

/* The tiles of frame i. */
static weft_tensor tiles_of(const vid_modality *m, const weft_tensor *pixels, int32_t i)
{
    const int64_t tile = m->sizes.tile, shape[4] = {m->sizes.max_tiles, 3, tile, tile};
    return weft_view(pixels, (float *)pixels->data + i * pixels->stride[0], WEFT_F32, 4, shape);
}

static weft_status read_frame(const pass *s, int32_t i)
{
    const int64_t shape[4] = {1, s->what->height, s->what->width, channels_of(s->media)};
    const int64_t want = vid_time_of(s->what, i);
    weft_tensor   frame = weft_view(NULL, s->px, WEFT_U8, 4, shape);
    weft_tensor   rgb = weft_view(NULL, s->px, WEFT_U8, 3, shape + 1);
    weft_tensor   pixels = tiles_of(s->m, &s->inputs[VID_PIXELS], i);
    int64_t      *at = (int64_t *)s->inputs[VID_TIMES].data + i;
    weft_status   status = s->media->read_frames(s->media->ctx, &want, 1, &frame, at, s->err);
    if (status != WEFT_OK)
        return status;
    return s->m->eyes->preprocess(s->m->encoder, &s->what->grid, &rgb, &pixels, s->err);
}

static weft_status read_all(const pass *s)
{
    const weft_host *h = s->m->host;
    weft_status      status = WEFT_OK;
    for (int32_t i = 0; status == WEFT_OK && i < s->what->n_frames; i++) {
        status = read_frame(s, i);
        if (WEFT_HAS(h, weft_host, progress) && h->progress != NULL)
            h->progress(h, "decoding", (uint64_t)i + 1, (uint64_t)s->what->n_frames, "frames");
        if (status == WEFT_OK && h->cancelled(h))
            status = weft_fail(s->err, WEFT_E_CANCELLED, "cancelled");
    }
    return status;
}

weft_status vid_preprocess(void *self, const weft_media *media, const weft_plan *p,
                           const weft_tensor *inputs, weft_error *err)
{
    const vid_modality *m = self;
    vid_carried         what;
    memcpy(&what, p->carried, sizeof what);
    if (what.width < 1 || media->info->width != what.width || media->info->height != what.height)
        return weft_fail(err, WEFT_E_STATE, "%s: the plan is not this clip's", VID_ID);
    /* The sides are those that the grid was chosen for, and so at most 2^20. */
    const uint64_t bytes =
        (uint64_t)what.width * (uint64_t)what.height * (uint64_t)channels_of(media);
    pass s = {m, media, &what, inputs, m->host->alloc(m->host, bytes, 64), err};
    if (s.px == NULL)
        return weft_fail(err, WEFT_E_NOMEM, "out of memory for a frame of %llu bytes",
                         (unsigned long long)bytes);
    weft_status status = read_all(&s);
    m->host->free(m->host, s.px);
    *(int64_t *)inputs[VID_RATIO_ID].data = what.grid.ratio_id;
    *(int64_t *)inputs[VID_NUM_TILES].data = what.grid.num_tiles;
    return status;
}

weft_status vid_preview(void *self, const weft_plan *p, const weft_tensor *inputs, weft_tensor *rgb,
                        weft_error *err)
{
    const vid_modality *m = self;
    vid_carried         what;
    memcpy(&what, p->carried, sizeof what);
    const int64_t tile = m->sizes.tile;
    const int64_t shape[4] = {what.n_frames, what.grid.rows * tile, what.grid.cols * tile, 3};
    weft_tensor   want = weft_view(NULL, rgb->data, WEFT_U8, 4, shape);
    if (rgb->data != NULL && rgb->bytes < want.bytes)
        return weft_fail(err, WEFT_E_INVALID, "%s: %d frames do not fit where they are to go",
                         VID_ID, what.n_frames);
    for (int32_t i = 0; rgb->data != NULL && i < what.n_frames; i++) {
        weft_tensor pixels = tiles_of(m, &inputs[VID_PIXELS], i);
        weft_tensor to =
            weft_view(NULL, (uint8_t *)rgb->data + i * want.stride[0], WEFT_U8, 3, shape + 1);
        m->eyes->show(m->encoder, &what.grid, &pixels, &to);
    }
    *rgb = want;
    return WEFT_OK;
}
