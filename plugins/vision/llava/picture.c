/* SPDX-License-Identifier: Apache-2.0 */
/* From a decoder's pixels to tiles. Opacity is dropped, as the reference's conversion to RGB does.
 */
#include "llava.h"

/* The pictures of one preparation, RGB. */
typedef struct work {
    const plg_pool   *pool;
    const llv_config *c;
    const llv_grid   *g;
    llv_size          size;   /* of the picture as it came */
    llv_size          fit;    /* resized for the base tile */
    llv_size          inside; /* resized for the resolution */
    uint8_t          *px, *resized, *tile;
    void             *scratch;
} work;

static void drop_opacity(uint8_t *px, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++)
        memmove(px + 3 * i, px + 4 * i, 3);
}

static void resize(const work *w, llv_size to)
{
    vis_resize(w->pool, VIS_BICUBIC, 3, w->px, w->size.width, w->size.height, w->resized, to.width,
               to.height, w->scratch);
}

/* Normalises the square at (x, y) of the resized picture into dst [3, tile, tile]; what is outside
 * of the picture is black. */
static void cut(const work *w, llv_size has, int64_t x, int64_t y, float *dst)
{
    const int32_t  side = w->c->tower.tile;
    const vis_grid one = {.rows = 1,
                          .cols = 1,
                          .new_width = side,
                          .new_height = side,
                          .aspect_ratio_id = 1,
                          .num_tiles = 1};
    const int64_t  from = x < 0 ? -x : 0, end = has.width - x < side ? has.width - x : side;
    memset(w->tile, 0, 3 * (size_t)side * (size_t)side);
    for (int64_t i = 0; i < side; i++)
        if (y + i >= 0 && y + i < has.height && end > from)
            memcpy(w->tile + 3 * (i * side + from),
                   w->resized + 3 * ((y + i) * has.width + x + from), 3 * (size_t)(end - from));
    vis_preprocess(NULL, &w->c->image, &one, w->tile, side, side, dst, w->scratch);
}

/* CLIP's processor: the shorter side becomes the tile's, and the middle is cut out. */
static llv_size fit_of(const llv_config *c, llv_size s)
{
    const int64_t tile = c->tower.tile;
    llv_size      to = {c->tower.tile, c->tower.tile};
    if (c->is_next || c->fit == LLV_FIT_STRETCH)
        return to;
    if (s.width <= s.height)
        to.height = (int32_t)(tile * s.height / s.width);
    else
        to.width = (int32_t)(tile * s.width / s.height);
    return to;
}

static void make_tiles(const work *w, float *dst)
{
    const llv_grid *g = w->g;
    const int64_t   side = w->c->tower.tile, each = 3 * side * side;
    resize(w, w->fit);
    cut(w, w->fit, (w->fit.width - side) / 2, (w->fit.height - side) / 2, dst);
    if (g->rows == 0)
        return;
    resize(w, w->inside);
    const int64_t left = (g->full.width - w->inside.width) / 2;
    const int64_t top = (g->full.height - w->inside.height) / 2;
    for (int64_t i = 0; i < (int64_t)g->rows * g->cols; i++)
        cut(w, w->inside, i % g->cols * side - left, i / g->cols * side - top,
            dst + (i + 1) * each);
}

static uint64_t bytes_of(llv_size s, uint64_t channels)
{
    return ((uint64_t)s.width * (uint64_t)s.height * channels + 63u) & ~(uint64_t)63u;
}

static uint64_t most(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* Cuts one block of memory into what the work needs; with p NULL it only counts. 0: a size is out
 * of range. */
static uint64_t lay_out(work *w, uint64_t channels, uint8_t *p)
{
    const llv_size tile = {w->c->tower.tile, w->c->tower.tile};
    const uint64_t px = bytes_of(w->size, channels), small = bytes_of(tile, 3);
    const uint64_t a =
        vis_resize_scratch(w->size.width, w->size.height, w->fit.width, w->fit.height);
    const uint64_t b =
        vis_resize_scratch(w->size.width, w->size.height, w->inside.width, w->inside.height);
    const uint64_t resized = most(bytes_of(w->fit, 3), bytes_of(w->inside, 3));
    if (p != NULL) {
        w->px = p;
        w->resized = p + px;
        w->tile = p + px + resized;
        w->scratch = p + px + resized + small;
    }
    return a == 0 || b == 0 ? 0 : px + resized + small + most(a, b);
}

static weft_status read_pixels(const weft_media *media, const work *w, int64_t channels,
                               weft_error *err)
{
    const int64_t now = 0, shape[4] = {1, w->size.height, w->size.width, channels};
    weft_tensor   frame = weft_view(NULL, w->px, WEFT_U8, 4, shape);
    int64_t       at;
    weft_status   status = media->read_frames(media->ctx, &now, 1, &frame, &at, err);
    if (status == WEFT_OK && channels == 4)
        drop_opacity(w->px, (uint64_t)w->size.width * (uint64_t)w->size.height);
    return status;
}

weft_status llv_picture_read(const plg_pool *pool, const weft_media *media, const llv_config *c,
                             const llv_grid *g, float *dst, weft_error *err)
{
    const weft_host *h = pool->host;
    const int64_t    channels = media->info->has_alpha ? 4 : 3;
    work             w = {.pool = pool, .c = c, .g = g, .size = g->picture};
    w.fit = fit_of(c, w.size);
    w.inside = g->rows > 0 ? llv_grid_fit(w.size, g->full) : w.fit;
    const uint64_t bytes = lay_out(&w, (uint64_t)channels, NULL);
    if (bytes == 0)
        return weft_fail(
            err, WEFT_E_LIMIT,
            "a picture of %d x %d pixels is too large, or too long for its width: scale "
            "it down or cut it",
            w.size.width, w.size.height);
    uint8_t *room = h->alloc(h, bytes, 64);
    if (room == NULL)
        return weft_fail(err, WEFT_E_NOMEM, "out of memory for %llu bytes of pixels",
                         (unsigned long long)bytes);
    (void)lay_out(&w, (uint64_t)channels, room);
    weft_status status = read_pixels(media, &w, channels, err);
    if (status == WEFT_OK)
        make_tiles(&w, dst);
    h->free(h, room);
    return status;
}
