/* SPDX-License-Identifier: Apache-2.0 */
/* What FFmpeg's readers of pictures leave out, taken from the files themselves before it opens
 * them: the orientation of a TIFF, the first frame of a moving WebP, and whether an AVIF is more
 * than one coded frame. */
#include "clip.h"

#include "weft/sdk.h"

#include <string.h>

#define FILE_BYTES ((uint64_t)64 << 20) /* of a moving WebP, which is held in memory */
#define META_BYTES 65536                /* of an AVIF: its properties come first */
#define ENTRIES_MAX 512                 /* of a TIFF's directory */
#define CHUNKS_MAX 65536                /* of a WebP */
#define RIFF_BYTES 12
#define VP8X_BYTES 18
#define ANMF_BYTES 16 /* what stands in a frame's chunk before its picture */

static uint32_t le(const uint8_t *p, int n)
{
    uint32_t v = 0;
    for (int i = n - 1; i >= 0; i--)
        v = v << 8 | p[i];
    return v;
}

static uint32_t be(const uint8_t *p, int n)
{
    uint32_t v = 0;
    for (int i = 0; i < n; i++)
        v = v << 8 | p[i];
    return v;
}

/* ---- EXIF ---- */

/* One entry of the directory; value: that of a SHORT, else 0. */
static void take_entry(clip_dec *d, uint32_t tag, uint32_t value)
{
    if (tag == 0x0112)
        d->orientation = (int32_t)value;
    else if (tag == 0x0106) /* PhotometricInterpretation: grey, RGB or palette are right */
        d->odd_tiff |= value > 3;
    else if (tag == 0x0142) /* TileWidth */
        d->odd_tiff = 1;
}

/* Takes the orientation of the TIFF structure that begins at `base`: tag 0x0112 of its first
 * directory, of type SHORT (TIFF 6.0, section 8). One that breaks off states none. */
static void read_directory(clip_dec *d, int64_t base)
{
    uint8_t head[8], entry[12];
    if (clip_io_at(&d->io, base, head, 8) != 8 || head[0] != head[1])
        return;
    uint32_t (*get)(const uint8_t *, int) = head[0] == 'M' ? be : le;
    int64_t  at = base + get(head + 4, 4);
    uint32_t n = clip_io_at(&d->io, at, entry, 2) == 2 ? get(entry, 2) : 0;
    for (uint32_t i = 0; i < n && i < ENTRIES_MAX; i++) {
        if (clip_io_at(&d->io, at + 2 + 12 * (int64_t)i, entry, 12) != 12)
            return;
        take_entry(d, get(entry, 2), get(entry + 2, 2) == 3 ? get(entry + 8, 2) : 0);
    }
}

/* The same of a WebP's EXIF chunk. FFmpeg does not read one that begins with "Exif", as those of
 * JPEG do and many writers leave it. */
static void read_exif(clip_dec *d)
{
    uint8_t p[8];
    int64_t at = RIFF_BYTES;
    for (int chunks = 0; chunks < CHUNKS_MAX && clip_io_at(&d->io, at, p, 8) == 8; chunks++) {
        uint32_t n = le(p + 4, 4);
        at += 8;
        if (memcmp(p, "EXIF", 4) == 0) {
            if (clip_io_at(&d->io, at, p, 6) == 6 && memcmp(p, "Exif\0", 6) == 0)
                at += 6;
            read_directory(d, at);
            return;
        }
        at += (int64_t)n + (n & 1);
    }
}

/* ---- AVIF ---- */

static weft_status check_avif(clip_dec *d, weft_error *err)
{
    static const char names[][5] = {"irot", "imir", "clap", "auxC", "grid", "iovl"};
    uint8_t          *p = d->host->alloc(d->host, META_BYTES, 16);
    int               composed = 0;
    if (p == NULL)
        return clip_nomem(d, err);
    uint64_t n = clip_io_at(&d->io, 0, p, META_BYTES), from = 0, to = 0;
    for (uint64_t at = 0; at + 8 <= n && to == 0; at += be(p + at, 4)) {
        if (memcmp(p + at + 4, "meta", 4) == 0) {
            from = at + 8;
            to = at + be(p + at, 4) < n ? at + be(p + at, 4) : n;
        } else if (be(p + at, 4) < 8) {
            break;
        }
    }
    for (uint64_t i = from; i + 4 <= to && !composed; i++)
        for (size_t k = 0; k < sizeof names / sizeof names[0]; k++)
            composed |= memcmp(p + i, names[k], 4) == 0;
    d->host->free(d->host, p);
    if (d->io.status != WEFT_OK)
        return clip_fail(d, 0, err);
    if (!composed)
        return WEFT_OK;
    return weft_fail(err, WEFT_E_UNSUPPORTED,
                     "the AVIF is turned, cropped, tiled or transparent, which is read through "
                     "libheif only: install it with weft's decoder for it, or convert it to PNG");
}

/* ---- moving WebP (RFC 9649) ---- */

typedef struct webp {
    const uint8_t *p;
    uint64_t       n;
    uint64_t       frame, frame_n; /* the content of the first ANMF chunk */
    uint32_t       width, height;  /* of the canvas */
} webp;

/* Walks the chunks. 0: no frame was found whole. */
static int find_frame(webp *w)
{
    for (uint64_t at = RIFF_BYTES; at + 8 <= w->n;) {
        const uint8_t *p = w->p + at;
        uint64_t       n = le(p + 4, 4), whole = 8 + n + (n & 1);
        if (n > w->n - at - 8)
            break;
        if (memcmp(p, "VP8X", 4) == 0 && n >= 10) {
            w->width = le(p + 12, 3) + 1;
            w->height = le(p + 15, 3) + 1;
        } else if (memcmp(p, "ANMF", 4) == 0 && w->frame == 0 && n > ANMF_BYTES) {
            w->frame = at + 8;
            w->frame_n = n;
        }
        at += whole;
    }
    return w->frame != 0 && w->width != 0;
}

static void put_le(uint8_t **at, uint32_t v, int n)
{
    for (int i = 0; i < n; i++)
        *(*at)++ = (uint8_t)(v >> (8 * i));
}

static void put(uint8_t **at, const void *p, uint64_t n)
{
    memcpy(*at, p, n);
    *at += n;
}

/* Writes the frame as a WebP of its own, with room for it at `to`; returns its bytes. */
static uint64_t write_still(const webp *w, uint8_t *to)
{
    const uint8_t *f = w->p + w->frame;
    uint64_t       n = w->frame_n - ANMF_BYTES, pad = n & 1;
    uint8_t       *at = to;
    int            alpha = memcmp(f + ANMF_BYTES, "VP8 ", 4) != 0;
    put(&at, "RIFF", 4);
    put_le(&at, (uint32_t)(4 + VP8X_BYTES + n + pad), 4);
    put(&at, "WEBPVP8X", 8);
    put_le(&at, 10, 4);
    put_le(&at, alpha ? 0x10 : 0, 4);
    put(&at, f + 6, 6); /* width and height, both less one */
    put(&at, f + ANMF_BYTES, n);
    put_le(&at, 0, (int)pad);
    return (uint64_t)(at - to);
}

/* Holds the frame's place on the canvas. */
static weft_status place_frame(clip_dec *d, const webp *w, weft_error *err)
{
    const uint8_t *f = w->p + w->frame;
    clip_canvas   *c = &d->canvas;
    *c = (clip_canvas){(int32_t)w->width, (int32_t)w->height, (int32_t)(2 * le(f, 3)),
                       (int32_t)(2 * le(f + 3, 3))};
    if (c->left + (int64_t)le(f + 6, 3) + 1 > c->width ||
        c->top + (int64_t)le(f + 9, 3) + 1 > c->height)
        return weft_fail(err, WEFT_E_CORRUPT,
                         "the picture's first frame lies outside of it; the file is damaged");
    return clip_size(d, c->width, c->height, err);
}

static weft_status hold_frame(clip_dec *d, webp *w, weft_error *err)
{
    if (!find_frame(w))
        return clip_fail(d, AVERROR_INVALIDDATA, err);
    weft_status st = place_frame(d, w, err);
    if (st != WEFT_OK)
        return st;
    uint8_t *still = d->host->alloc(d->host, w->frame_n + 64, 64);
    if (still == NULL)
        return clip_nomem(d, err);
    clip_io_hold(&d->io, still, write_still(w, still));
    return WEFT_OK;
}

static weft_status take_frame(clip_dec *d, weft_error *err)
{
    uint64_t n = d->io.length >= 0 && (uint64_t)d->io.length < FILE_BYTES ? (uint64_t)d->io.length
                                                                          : FILE_BYTES;
    uint8_t *p = d->host->alloc(d->host, n + 1, 64);
    if (p == NULL)
        return clip_nomem(d, err);
    webp w = {.p = p};
    w.n = clip_io_at(&d->io, 0, p, n);
    weft_status st = d->io.status != WEFT_OK ? clip_fail(d, 0, err) : hold_frame(d, &w, err);
    d->host->free(d->host, p);
    return st;
}

/* FFmpeg would show tiles side by side and inks or Lab as RGB. */
static weft_status check_tiff(clip_dec *d, weft_error *err)
{
    read_directory(d, 0);
    if (d->io.status != WEFT_OK)
        return clip_fail(d, 0, err);
    if (!d->odd_tiff)
        return WEFT_OK;
    return weft_fail(
        err, WEFT_E_UNSUPPORTED,
        "the TIFF is stored in tiles or in other colours than grey and RGB, which is not "
        "read here; convert it to PNG");
}

weft_status clip_still_file(clip_dec *d, weft_error *err)
{
    int is_webp = strcmp(d->format->demuxer, "webp_pipe") == 0;
    if (strcmp(d->format->demuxer, "mov") == 0)
        return check_avif(d, err);
    if (strcmp(d->format->demuxer, "tiff_pipe") == 0)
        return check_tiff(d, err);
    if (is_webp)
        read_exif(d);
    if (d->io.status != WEFT_OK)
        return clip_fail(d, 0, err);
    return is_webp && d->format->is_moving ? take_frame(d, err) : WEFT_OK;
}
