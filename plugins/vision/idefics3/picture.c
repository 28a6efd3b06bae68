/* SPDX-License-Identifier: Apache-2.0 */
/* From a decoder's pixels to tiles: the picture is resized twice, cut, and made small once more for
 * the global tile; a transparent one is laid over white after that, as the reference does. */
#include "idefics3.h"

/* The pictures of one preparation: each `channels` bytes a pixel. */
typedef struct work {
    const plg_pool   *pool;
    const id3_config *c;
    const id3_grid   *g;
    int32_t           channels;
    uint8_t          *fit, *full, *tile; /* after each resizing */
    void             *scratch;
} work;

/* Pillow resizes transparent pictures with their colours multiplied by their opacity. */
static void resize(const work *w, uint8_t *src, int32_t src_w, int32_t src_h, uint8_t *dst,
                   int32_t dst_w, int32_t dst_h)
{
    const uint64_t n = (uint64_t)src_w * (uint64_t)src_h;
    if (w->channels == 4 && (src_w != dst_w || src_h != dst_h))
        vis_premultiply(src, n);
    vis_resize(w->pool, VIS_LANCZOS, w->channels, src, src_w, src_h, dst, dst_w, dst_h, w->scratch);
    if (w->channels == 4 && (src_w != dst_w || src_h != dst_h))
        vis_unpremultiply(dst, (uint64_t)dst_w * (uint64_t)dst_h);
}

/* Normalises the square of pixels at (x, y) of a picture of that width into dst [3, tile, tile]. */
static void cut(const work *w, const uint8_t *px, int32_t width, int32_t x, int32_t y, float *dst)
{
    const int32_t  side = w->c->tower.tile;
    const vis_grid one = {.rows = 1,
                          .cols = 1,
                          .new_width = side,
                          .new_height = side,
                          .aspect_ratio_id = 1,
                          .num_tiles = 1};
    const uint64_t row = (uint64_t)side * (uint64_t)w->channels;
    for (int32_t i = 0; i < side; i++)
        memcpy(w->tile + (uint64_t)i * row, px + ((int64_t)(y + i) * width + x) * w->channels,
               (size_t)row);
    if (w->channels == 4)
        vis_flatten_alpha(w->tile, (uint64_t)side * (uint64_t)side);
    vis_preprocess(NULL, &w->c->image, &one, w->tile, side, side, dst, w->scratch);
}

/* The whole work on the pixels of a picture. px is changed. */
static void make_tiles(const work *w, uint8_t *px, int32_t width, int32_t height, float *dst)
{
    const id3_grid *g = w->g;
    const int32_t   side = w->c->tower.tile;
    const int64_t   each = 3 * (int64_t)side * side;
    resize(w, px, width, height, w->fit, g->fit_width, g->fit_height);
    resize(w, w->fit, g->fit_width, g->fit_height, w->full, g->full_width, g->full_height);
    for (int32_t i = 0; i < g->rows * g->cols; i++)
        cut(w, w->full, g->full_width, i % g->cols * side, i / g->cols * side, dst + i * each);
    uint8_t *small = w->full;
    if (g->rows > 0) {
        small = w->fit; /* which is larger than a tile, or as large: see room() */
        resize(w, w->full, g->full_width, g->full_height, small, side, side);
    }
    cut(w, small, side, 0, 0, dst + (int64_t)g->rows * g->cols * each);
}

static uint64_t bytes_of(const work *w, int32_t width, int32_t height)
{
    return ((uint64_t)width * (uint64_t)height * (uint64_t)w->channels + 63u) & ~(uint64_t)63u;
}

static uint64_t most(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* Bytes of scratch for the three resizings; 0: a size is out of range. */
static uint64_t scratch_of(const id3_grid *g, int32_t width, int32_t height, int32_t tile)
{
    uint64_t a = vis_resize_scratch(width, height, g->fit_width, g->fit_height);
    uint64_t b = vis_resize_scratch(g->fit_width, g->fit_height, g->full_width, g->full_height);
    uint64_t c = vis_resize_scratch(g->full_width, g->full_height, tile, tile);
    return a == 0 || b == 0 || c == 0 ? 0 : most(a, most(b, c));
}

/* Cuts one block of memory into what the work needs. With p NULL it only counts. */
static uint64_t lay_out(work *w, uint8_t *p, uint64_t scratch)
{
    const id3_grid *g = w->g;
    const int32_t   side = w->c->tower.tile;
    uint64_t        fit = most(bytes_of(w, g->fit_width, g->fit_height), bytes_of(w, side, side));
    uint64_t        full = bytes_of(w, g->full_width, g->full_height);
    uint64_t        tile = bytes_of(w, side, side);
    if (p != NULL) {
        w->fit = p;
        w->full = p + fit;
        w->tile = p + fit + full;
        w->scratch = p + fit + full + tile;
    }
    return fit + full + tile + scratch;
}

static weft_status read_pixels(const weft_media *media, int64_t time_us, int32_t channels,
                               uint8_t *px, weft_error *err)
{
    const int64_t shape[4] = {1, media->info->height, media->info->width, channels};
    weft_tensor   frame = weft_view(NULL, px, WEFT_U8, 4, shape);
    int64_t       at;
    return media->read_frames(media->ctx, &time_us, 1, &frame, &at, err);
}

/* Tells how far the n frames are, of a clip, and stops where the user wants that. */
static weft_status report(const weft_host *h, int32_t done, int32_t n, weft_error *err)
{
    if (n > 1 && WEFT_HAS(h, weft_host, progress) && h->progress != NULL)
        h->progress(h, "decoding", (uint64_t)done, (uint64_t)n, "frames");
    return n > 1 && h->cancelled(h) ? weft_fail(err, WEFT_E_CANCELLED, "cancelled") : WEFT_OK;
}

weft_status id3_frames_read(const plg_pool *pool, const weft_media *media, const id3_config *c,
                            const id3_grid *g, const int64_t *time_us, int32_t n, float *dst,
                            weft_error *err)
{
    const int32_t    width = media->info->width, height = media->info->height;
    const weft_host *h = pool->host;
    work             w = {pool, c, g, media->info->has_alpha ? 4 : 3, NULL, NULL, NULL, NULL};
    const uint64_t   scratch = scratch_of(g, width, height, c->tower.tile);
    const int64_t    each = (int64_t)id3_grid_tiles(g) * 3 * c->tower.tile * c->tower.tile;
    if (scratch == 0)
        return weft_fail(err, WEFT_E_LIMIT,
                         "a picture of %d x %d pixels is too large: scale it down", width, height);
    const uint64_t bytes = lay_out(&w, NULL, scratch);
    uint8_t       *px = h->alloc(h, bytes_of(&w, width, height), 64);
    uint8_t       *room = h->alloc(h, bytes, 64);
    weft_status    status = WEFT_OK;
    if (px == NULL || room == NULL)
        status = weft_fail(err, WEFT_E_NOMEM, "out of memory for %llu bytes of pixels",
                           (unsigned long long)(bytes + bytes_of(&w, width, height)));
    if (status == WEFT_OK)
        (void)lay_out(&w, room, scratch);
    for (int32_t i = 0; i < n && status == WEFT_OK; i++) {
        status = read_pixels(media, time_us[i], w.channels, px, err);
        if (status == WEFT_OK)
            make_tiles(&w, px, width, height, dst + (int64_t)i * each);
        if (status == WEFT_OK)
            status = report(h, i + 1, n, err);
    }
    h->free(h, room);
    h->free(h, px);
    return status;
}
