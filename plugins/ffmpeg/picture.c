/* SPDX-License-Identifier: Apache-2.0 */
/* Turns a decoded frame into RGB pixels as a player would show them.
 *
 * Recipe: libswscale, bicubic, to the size that gives square pixels (width * SAR, rounded; height
 * stays), flags SWS_BICUBIC | SWS_FULL_CHR_H_INT | SWS_FULL_CHR_H_INP | SWS_ACCURATE_RND |
 * SWS_BITEXACT, matrix and range of the frame (no matrix given: BT.601, as ffmpeg takes it), chroma
 * of yuv420p centred between lines; then the display matrix as one of eight turns, so that chroma
 * is interpolated as it was sampled. The bytes are those of
 *
 *     ffmpeg -noautorotate -i CLIP -pix_fmt rgb24 -vf scale=WIDTH:HEIGHT:flags=
 *         bicubic+full_chroma_int+full_chroma_inp+accurate_rnd+bitexact
 *
 * followed by the turn. Transfer functions are left alone (HDR is not tone-mapped). */
#include "clip.h"
#include "versions.h"

#include "weft/sdk.h"

#include <inttypes.h>
#include <libavutil/display.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
#include <stdlib.h>

#define FLAGS                                                                                      \
    (SWS_BICUBIC | SWS_FULL_CHR_H_INT | SWS_FULL_CHR_H_INP | SWS_ACCURATE_RND | SWS_BITEXACT)
#define SIDE_MAX                                                                                   \
    (1 << 24) /* also where the caller's limits are higher: the bytes of a row then fit 31 bits */
#define ROW_ALIGN 64 /* libswscale may write whole vectors */

/* ---- geometry ---- */

weft_status clip_size(const clip_dec *d, int64_t width, int64_t height, weft_error *err)
{
    if (width <= 0 || height <= 0 || width > SIDE_MAX || height > SIDE_MAX)
        return weft_fail(err, WEFT_E_CORRUPT,
                         "the %s's header gives an impossible size of %" PRId64 " x %" PRId64
                         " pixels; the file is damaged",
                         d->what, width, height);
    if ((uint64_t)width > d->max_side || (uint64_t)height > d->max_side)
        return weft_fail(err, WEFT_E_LIMIT,
                         "the %s has a side of %" PRId64 " pixels and the limit is %" PRIu64
                         "; scale it down or raise --max-side",
                         d->what, width > height ? width : height, d->max_side);
    if ((uint64_t)(width * height) > d->max_pixels)
        return weft_fail(err, WEFT_E_LIMIT,
                         "the %s has %" PRId64 " x %" PRId64 " pixels and the limit is %" PRIu64
                         " in all; scale it down or raise --max-pixels",
                         d->what, width, height, d->max_pixels);
    return WEFT_OK;
}

/* Sets p->turn to the one of the eight turns by right angles (four of them mirrored) that is
 * nearest to FFmpeg's display matrix m. Pixel (x, y) is shown at [x y] times [m0 m1; m3 m4]. */
static void take_turn(clip_picture *p, const int32_t *m)
{
    static const int32_t upright[4] = {1, 0, 0, 1};
    int64_t              straight = llabs((int64_t)m[0]) + llabs((int64_t)m[4]);
    int64_t              crossed = llabs((int64_t)m[1]) + llabs((int64_t)m[3]);
    memcpy(p->turn, upright, sizeof upright);
    if (straight > crossed) {
        p->turn[0] = m[0] < 0 ? -1 : 1;
        p->turn[3] = m[4] < 0 ? -1 : 1;
    } else if (crossed > 0) {
        p->turn[0] = p->turn[3] = 0;
        p->turn[1] = m[3] < 0 ? -1 : 1;
        p->turn[2] = m[1] < 0 ? -1 : 1;
    }
}

/* Turns a picture by its EXIF orientation (1 to 8). FFmpeg gives that of a WebP as a text entry of
 * its frame; what was read from the file itself comes first. */
static void turn_of_still(clip_dec *d)
{
    clip_picture        *p = &d->picture;
    static const int32_t turns[8][4] = {
        {1, 0, 0, 1}, {-1, 0, 0, 1}, {-1, 0, 0, -1}, {1, 0, 0, -1},
        {0, 1, 1, 0}, {0, -1, 1, 0}, {0, -1, -1, 0}, {0, 1, -1, 0},
    };
    const AVDictionaryEntry *e = av_dict_get(d->now->metadata, "Orientation", NULL, 0);
    long                     k = e != NULL ? strtol(e->value, NULL, 10) : 1;
    if (d->orientation != 0)
        k = d->orientation;
    memcpy(p->turn, turns[k >= 1 && k <= 8 ? k - 1 : 0], sizeof p->turn);
}

static AVRational aspect_of(const clip_dec *d)
{
    AVRational a = d->kind == CLIP_IMAGE
                       ? d->now->sample_aspect_ratio
                       : av_guess_sample_aspect_ratio(d->demuxer, d->stream, NULL);
    return a.num > 0 && a.den > 0 ? a : (AVRational){1, 1};
}

static weft_status take_size(clip_dec *d, int64_t width, int64_t height, weft_error *err)
{
    clip_picture *p = &d->picture;
    AVRational    a = aspect_of(d);
    weft_status   st = clip_size(d, width, height, err);
    if (st != WEFT_OK)
        return st;
    int64_t across = av_rescale(width, a.num, a.den);
    if (across == 0)
        across = 1;
    st = clip_size(d, across, height, err);
    if (st != WEFT_OK)
        return st;
    p->across = (int32_t)across;
    p->down = (int32_t)height;
    p->drawn[0] = p->across;
    p->drawn[1] = p->down;
    p->width = p->turn[0] != 0 ? p->across : p->down;
    p->height = p->turn[0] != 0 ? p->down : p->across;
    return WEFT_OK;
}

/* The size of a still: its frame's, or that of the canvas on which the frame lies. */
static weft_status still_size(clip_dec *d, weft_error *err)
{
    clip_picture      *p = &d->picture;
    const clip_canvas *c = &d->canvas;
    const AVFrame     *f = d->now;
    if (c->width == 0 || (c->width == f->width && c->height == f->height))
        return take_size(d, f->width, f->height, err);
    if (c->left + (int64_t)f->width > c->width || c->top + (int64_t)f->height > c->height)
        return clip_fail(d, AVERROR_INVALIDDATA, err);
    weft_status st = take_size(d, c->width, c->height, err);
    p->channels = 4;
    p->drawn[0] = f->width;
    p->drawn[1] = f->height;
    return st;
}

static int has_alpha(int format)
{
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get(format);
    return desc != NULL && (desc->flags & (AV_PIX_FMT_FLAG_ALPHA | AV_PIX_FMT_FLAG_PAL)) != 0;
}

weft_status clip_picture_init(clip_dec *d, weft_error *err)
{
    clip_picture *p = &d->picture;
    p->channels = 3;
    if (d->kind == CLIP_IMAGE) {
        turn_of_still(d);
        p->channels = has_alpha(d->now->format) ? 4 : 3;
        return still_size(d, err);
    }
    static const int32_t upright[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1};
    size_t               n = 0;
    const uint8_t       *side = clip_display_matrix(d->stream, &n);
    int32_t              matrix[9];
    int                  given = side != NULL && n >= sizeof matrix;
    memcpy(matrix, given ? (const void *)side : upright, sizeof matrix);
    take_turn(p, matrix);
    return take_size(d, d->stream->codecpar->width, d->stream->codecpar->height, err);
}

/* ---- colour ---- */

static int set_up(clip_dec *d, const AVFrame *f)
{
    struct SwsContext *s = d->picture.sws;
    av_opt_set_int(s, "srcw", f->width, 0);
    av_opt_set_int(s, "srch", f->height, 0);
    av_opt_set_int(s, "src_format", f->format, 0);
    av_opt_set_int(s, "dstw", d->picture.drawn[0], 0);
    av_opt_set_int(s, "dsth", d->picture.drawn[1], 0);
    av_opt_set_int(s, "dst_format", d->picture.channels == 4 ? AV_PIX_FMT_RGBA : AV_PIX_FMT_RGB24,
                   0);
    av_opt_set_int(s, "sws_flags", FLAGS, 0);
    /* Chroma samples lie where MPEG-2 has them, as ffmpeg's scale filter sets it. */
    if (f->format == AV_PIX_FMT_YUV420P)
        av_opt_set_int(s, "src_v_chr_pos", 128, 0);
    return sws_init_context(s, NULL, NULL);
}

/* Tells libswscale the colour matrix and range of the frame. What the frame does not say stays at
 * libswscale's default. */
static void set_colours(struct SwsContext *s, const AVFrame *f)
{
    int *source, *target, source_full, target_full, brightness, contrast, saturation;
    if (sws_getColorspaceDetails(s, &source, &source_full, &target, &target_full, &brightness,
                                 &contrast, &saturation) < 0)
        return;
    const int *matrix = sws_getCoefficients(
        f->colorspace == AVCOL_SPC_UNSPECIFIED ? SWS_CS_DEFAULT : (int)f->colorspace);
    if (f->color_range != AVCOL_RANGE_UNSPECIFIED)
        source_full = f->color_range == AVCOL_RANGE_JPEG;
    sws_setColorspaceDetails(s, matrix, source_full, matrix, target_full, brightness, contrast,
                             saturation);
}

static weft_status make_sws(clip_dec *d, weft_error *err)
{
    clip_picture  *p = &d->picture;
    const AVFrame *f = d->now;
    const int32_t  from[5] = {f->width, f->height, f->format, (int32_t)f->colorspace,
                              (int32_t)f->color_range};
    if (p->sws != NULL && memcmp(from, p->from, sizeof from) == 0)
        return WEFT_OK;
    sws_freeContext(p->sws);
    p->sws = sws_alloc_context();
    if (p->sws == NULL)
        return clip_nomem(d, err);
    memcpy(p->from, from, sizeof from);
    if (set_up(d, f) >= 0) {
        set_colours(p->sws, f);
        return WEFT_OK;
    }
    sws_freeContext(p->sws);
    p->sws = NULL;
    return weft_fail(err, WEFT_E_UNSUPPORTED,
                     "the %s's pixel format or size is not converted here; convert it first",
                     d->what);
}

static weft_status make_rows(clip_dec *d, weft_error *err)
{
    clip_picture *p = &d->picture;
    if (p->rows != NULL)
        return WEFT_OK;
    p->stride = (p->across * p->channels + ROW_ALIGN - 1) / ROW_ALIGN * ROW_ALIGN;
    uint64_t n = (uint64_t)p->stride * (uint64_t)p->down + ROW_ALIGN;
    p->rows = d->host->alloc(d->host, n, ROW_ALIGN);
    if (p->rows == NULL)
        return clip_nomem(d, err);
    memset(p->rows, 0, n);
    return WEFT_OK;
}

/* ---- writing ---- */

/* Writes the stored frame turned: pixel (x, y) goes to (turn[0] x + turn[1] y, turn[2] x + turn[3]
 * y), where a negative factor counts from the far side. */
static void write_turned(const clip_picture *p, uint8_t *dst)
{
    const int32_t *k = p->turn;
    int64_t        c = p->channels, row = p->width * c;
    int64_t        step_x = k[0] * c + k[2] * row, step_y = k[1] * c + k[3] * row;
    int64_t        at = (k[0] + k[1] < 0 ? p->width - 1 : 0) * c;
    at += (k[2] + k[3] < 0 ? p->height - 1 : 0) * row;
    for (int32_t y = 0; y < p->down; y++, at += step_y) {
        const uint8_t *from = p->rows + (size_t)y * (size_t)p->stride;
        if (step_x == c) {
            memcpy(dst + at, from, (size_t)(p->across * c));
            continue;
        }
        int64_t to = at;
        for (int32_t x = 0; x < p->across; x++, to += step_x, from += c)
            memcpy(dst + to, from, (size_t)c);
    }
}

weft_status clip_picture_write(clip_dec *d, uint8_t *dst, weft_error *err)
{
    clip_picture *p = &d->picture;
    weft_status   st = clip_size(d, d->now->width, d->now->height, err);
    if (st == WEFT_OK)
        st = make_sws(d, err);
    if (st == WEFT_OK)
        st = make_rows(d, err);
    if (st != WEFT_OK)
        return st;
    int64_t        first = d->canvas.top * (int64_t)p->stride + d->canvas.left * p->channels;
    uint8_t *const planes[4] = {p->rows + first, NULL, NULL, NULL};
    const int      strides[4] = {p->stride, 0, 0, 0};
    if (sws_scale(p->sws, (const uint8_t *const *)d->now->data, d->now->linesize, 0, d->now->height,
                  planes, strides) != p->drawn[1])
        return weft_fail(err, WEFT_E_INTERNAL, "a frame of the %s could not be converted to RGB",
                         d->what);
    write_turned(p, dst);
    return WEFT_OK;
}

void clip_picture_free(clip_dec *d)
{
    sws_freeContext(d->picture.sws);
    d->host->free(d->host, d->picture.rows);
}
