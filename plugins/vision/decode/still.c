/* SPDX-License-Identifier: Apache-2.0 */
/* What the decoders of still pictures share; see still.h. */
#include "still.h"

#include "exif.h"
#include "weft/sdk.h"

#include <inttypes.h>

#define BLOCK_BYTES 65536u

void vis_still_init(vis_still *s, const weft_host *host, const char *format,
                    const weft_source *source, const weft_limits *lim)
{
    s->host = host;
    s->format = format;
    s->width = s->height = 0;
    s->channels = 3;
    s->raw = s->line = NULL;
    s->orientation = 1;
    s->origin = VIS_FROM_NOWHERE;
    s->max_pixels = WEFT_HAS(lim, weft_limits, max_pixels) ? lim->max_pixels : VIS_STILL_MAX_PIXELS;
    s->max_side = WEFT_HAS(lim, weft_limits, max_side) ? lim->max_side : VIS_STILL_MAX_SIDE;
    s->max_decoded_bytes =
        WEFT_HAS(lim, weft_limits, max_decoded_bytes) ? lim->max_decoded_bytes : UINT64_MAX;
    vis_stream_init(&s->stream, source);
}

weft_status vis_still_size(vis_still *s, uint64_t width, uint64_t height, weft_error *err)
{
    if (width == 0 || height == 0 || width > INT32_MAX || height > INT32_MAX)
        return weft_fail(err, WEFT_E_CORRUPT,
                         "the %s's header gives an impossible size of %" PRIu64 " x %" PRIu64
                         " pixels; the file is damaged",
                         s->format, width, height);
    if (width > s->max_side || height > s->max_side)
        return weft_fail(err, WEFT_E_LIMIT,
                         "the %s has a side of %" PRIu64 " pixels and the limit is %" PRIu64
                         "; scale it down or raise --max-side",
                         s->format, width > height ? width : height, s->max_side);
    if (width * height > s->max_pixels)
        return weft_fail(err, WEFT_E_LIMIT,
                         "the %s has %" PRIu64 " x %" PRIu64 " pixels and the limit is %" PRIu64
                         " in all; scale it down or raise --max-pixels",
                         s->format, width, height, s->max_pixels);
    s->width = (int32_t)width;
    s->height = (int32_t)height;
    return WEFT_OK;
}

weft_status vis_still_bytes(const vis_still *s, weft_error *err)
{
    uint64_t n = (uint64_t)s->width * (uint64_t)s->height * (uint64_t)s->channels;
    if (n > s->max_decoded_bytes)
        return weft_fail(err, WEFT_E_LIMIT,
                         "the %s takes %" PRIu64 " bytes of pixels and the limit is %" PRIu64
                         "; scale it down or raise --max-decoded-bytes",
                         s->format, n, s->max_decoded_bytes);
    return WEFT_OK;
}

void vis_still_orient(vis_still *s, vis_origin from, const uint8_t *p, uint64_t n)
{
    int32_t found = from == VIS_FROM_XMP ? vis_xmp_orientation(p, n) : vis_exif_orientation(p, n);
    if (found == 0 || from < s->origin)
        return;
    s->orientation = found;
    s->origin = from;
}

weft_status vis_still_metadata(vis_still *s, vis_origin from, uint64_t offset, uint64_t n,
                               weft_error *err)
{
    uint64_t take = n < BLOCK_BYTES ? n : BLOCK_BYTES;
    if (take == 0)
        return WEFT_OK;
    uint8_t *block = s->host->alloc(s->host, take, 16);
    if (block == NULL)
        return vis_still_nomem(s, err);
    s->stream.at = offset;
    uint64_t got = vis_stream_read(&s->stream, block, take);
    if (got == take)
        vis_still_orient(s, from, block, take);
    s->host->free(s->host, block);
    return got == take ? WEFT_OK : vis_still_short(s, err);
}

void vis_still_warn_end(const vis_still *s)
{
    char line[120];
    if (s->host->log == NULL)
        return;
    snprintf(line, sizeof line, "the %s ends right behind its pixels: it was cut short there",
             s->format);
    s->host->log(s->host, WEFT_LOG_WARN, line);
}

weft_status vis_still_info(void *still, weft_media_info *out, weft_error *err)
{
    const vis_still *s = still;
    weft_media_info  me;
    int              swaps = vis_orientation_swaps(s->orientation);
    memset(&me, 0, sizeof me);
    me.kind = "image";
    me.width = swaps ? s->height : s->width;
    me.height = swaps ? s->width : s->height;
    me.has_alpha = s->channels == 4;
    return plg_info_give(&me, out, err);
}

/* Whether t is u8 [1, h, w, c] in C order within its bytes. */
static int fits(const weft_tensor *t, int64_t h, int64_t w, int64_t c)
{
    if (t->data == NULL || t->ndim != 4 || t->dtype.code != WEFT_DT_UINT || t->dtype.bits != 8 ||
        t->dtype.lanes != 1)
        return 0;
    return t->shape[0] == 1 && t->shape[1] == h && t->shape[2] == w && t->shape[3] == c &&
           t->stride[3] == 1 && t->stride[2] == c && t->stride[1] == w * c &&
           t->bytes >= (uint64_t)(h * w * c);
}

weft_status vis_still_lines(vis_still *s, weft_error *err)
{
    const uint64_t n = 4u * (uint64_t)s->width;
    if (s->raw == NULL)
        s->raw = s->host->alloc(s->host, n, 64);
    if (s->line == NULL)
        s->line = s->host->alloc(s->host, n, 64);
    return s->raw == NULL || s->line == NULL ? vis_still_nomem(s, err) : WEFT_OK;
}

void vis_still_free(vis_still *s)
{
    const weft_host *h = s->host;
    h->free(h, s->raw);
    h->free(h, s->line);
    h->free(h, s);
}

weft_status vis_still_canvas(const vis_still *s, uint32_t n, const weft_tensor *dst, int64_t *at_us,
                             vis_canvas *out, weft_error *err)
{
    int     swaps = vis_orientation_swaps(s->orientation);
    int64_t h = swaps ? s->width : s->height, w = swaps ? s->height : s->width;
    if (n != 1)
        return weft_fail(err, WEFT_E_INVALID, "a %s is one frame, %" PRIu32 " were asked for",
                         s->format, n);
    if (dst == NULL || !fits(dst, h, w, s->channels))
        return weft_fail(err, WEFT_E_INVALID,
                         "the buffer for the %s must be u8 [1, %" PRId64 ", %" PRId64 ", %" PRId32
                         "] in C order",
                         s->format, h, w, s->channels);
    if (at_us != NULL)
        at_us[0] = 0;
    *out = vis_canvas_make(dst->data, s->width, s->height, s->channels, s->orientation);
    return WEFT_OK;
}

weft_status vis_still_short(const vis_still *s, weft_error *err)
{
    /* The block may be said to reach past the end of the file. */
    int64_t  length = vis_stream_length(&s->stream);
    uint64_t end = length >= 0 && s->stream.at > (uint64_t)length ? (uint64_t)length : s->stream.at;
    if (s->stream.status == WEFT_E_CANCELLED)
        return weft_fail(err, WEFT_E_CANCELLED, "reading the %s was cancelled", s->format);
    if (s->stream.status != WEFT_OK)
        return weft_fail(err, WEFT_E_IO, "the %s could not be read at byte %" PRIu64, s->format,
                         s->stream.at);
    if (length < 0) /* a pipe: where it ended is not known, but where it would have gone on */
        return weft_fail(err, WEFT_E_CORRUPT,
                         "the %s ends before the picture does; get a complete copy", s->format);
    return weft_fail(err, WEFT_E_CORRUPT,
                     "the %s ends at byte %" PRIu64 ", before the picture does; get a complete "
                     "copy",
                     s->format, end);
}

weft_status vis_still_nomem(const vis_still *s, weft_error *err)
{
    return weft_fail(err, WEFT_E_NOMEM, "there is not enough memory to decode the %s", s->format);
}
