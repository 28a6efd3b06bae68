/* SPDX-License-Identifier: Apache-2.0 */
/* Goes through a JPEG segment by segment for the frame header and the first EXIF block. */
#include "jpeg_scan.h"

#include "weft/sdk.h"

#include <inttypes.h>

#define SOI 0xD8
#define EOI 0xD9
#define SOS 0xDA
#define APP1 0xE1
#define TEM 0x01

typedef struct walk {
    vis_still *s;
    int        marker;
    uint32_t   n;          /* bytes of the segment after its length field */
    uint64_t   at;         /* offset of those */
    int32_t    components; /* 0 until the frame header was read */
    int        seen_exif;
} walk;

static weft_status damaged(const walk *w, const char *what, weft_error *err)
{
    return weft_fail(err, WEFT_E_CORRUPT, "the JPEG is damaged: %s at byte %" PRIu64, what,
                     w->s->stream.at);
}

static weft_status read_byte(walk *w, int *out, weft_error *err)
{
    uint8_t b;
    if (vis_stream_read(&w->s->stream, &b, 1) != 1)
        return vis_still_short(w->s, err);
    *out = b;
    return WEFT_OK;
}

static int has_length(int marker)
{
    return marker != TEM && (marker < 0xD0 || marker > EOI);
}

/* Finds the next marker; like libjpeg it steps over bytes that belong to no segment. */
static weft_status next_marker(walk *w, weft_error *err)
{
    int         before = 0, b = 0;
    weft_status st = WEFT_OK;
    do {
        before = b;
        st = read_byte(w, &b, err);
    } while (st == WEFT_OK && (before != 0xFF || b == 0xFF || b == 0));
    w->marker = b;
    return st;
}

static weft_status next_segment(walk *w, weft_error *err)
{
    uint8_t     len[2];
    weft_status st = next_marker(w, err);
    w->n = 0;
    if (st != WEFT_OK || !has_length(w->marker))
        return st;
    if (vis_stream_read(&w->s->stream, len, sizeof len) != sizeof len)
        return vis_still_short(w->s, err);
    uint32_t n = (uint32_t)len[0] << 8 | len[1];
    if (n < 2)
        return damaged(w, "a segment of impossible length", err);
    w->n = n - 2;
    w->at = w->s->stream.at;
    return WEFT_OK;
}

static int is_frame(int marker)
{
    return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

static weft_status read_frame(walk *w, weft_error *err)
{
    uint8_t d[6];
    if (w->components != 0 || w->n < sizeof d)
        return damaged(w, "a bad frame header", err);
    if (vis_stream_read(&w->s->stream, d, sizeof d) != sizeof d)
        return vis_still_short(w->s, err);
    if (d[0] != 8)
        return weft_fail(err, WEFT_E_UNSUPPORTED,
                         "the JPEG has %d bits a sample, only 8 are supported; convert it", d[0]);
    w->components = d[5];
    if (w->components != 1 && w->components != 3 && w->components != 4)
        return weft_fail(err, WEFT_E_UNSUPPORTED,
                         "the JPEG has %d colour components, only 1, 3 and 4 are supported; "
                         "convert it",
                         d[5]);
    return vis_still_size(w->s, (uint64_t)d[3] << 8 | d[4], (uint64_t)d[1] << 8 | d[2], err);
}

static weft_status read_app1(walk *w, weft_error *err)
{
    static const char xmp[] = "http://ns.adobe.com/xap/1.0/";
    char              head[sizeof xmp];
    uint32_t          n = w->n < sizeof head ? w->n : sizeof head;
    if (vis_stream_read(&w->s->stream, head, n) != n)
        return vis_still_short(w->s, err);
    if (n == sizeof xmp && memcmp(head, xmp, sizeof xmp) == 0)
        return vis_still_metadata(w->s, VIS_FROM_XMP, w->at + n, w->n - n, err);
    if (w->seen_exif || n < 6 || memcmp(head, "Exif\0", 6) != 0)
        return WEFT_OK;
    w->seen_exif = 1;
    return vis_still_metadata(w->s, VIS_FROM_EXIF, w->at, w->n, err);
}

static weft_status read_segment(walk *w, weft_error *err)
{
    weft_status st = WEFT_OK;
    if (is_frame(w->marker))
        st = read_frame(w, err);
    else if (w->marker == APP1)
        st = read_app1(w, err);
    if (has_length(w->marker))
        w->s->stream.at = w->at + w->n;
    return st;
}

static weft_status read_start(walk *w, weft_error *err)
{
    uint8_t  head[2];
    uint64_t got = vis_stream_read(&w->s->stream, head, sizeof head);
    if (got < sizeof head && (got == 0 || head[0] == 0xFF))
        return vis_still_short(w->s, err);
    return got == sizeof head && head[0] == 0xFF && head[1] == SOI
               ? WEFT_OK
               : weft_fail(err, WEFT_E_CORRUPT, "the file does not begin like a JPEG");
}

weft_status vis_jpeg_scan(vis_still *s, int32_t *components, weft_error *err)
{
    walk        w = {.s = s};
    weft_status st = read_start(&w, err);
    for (int i = 0; st == WEFT_OK; i++) {
        st = next_segment(&w, err);
        if (st != WEFT_OK || w.marker == SOS)
            break;
        if (w.marker == EOI)
            return damaged(&w, "it ends without a picture", err);
        if (i == VIS_JPEG_MAX_SEGMENTS)
            return weft_fail(err, WEFT_E_LIMIT,
                             "the JPEG has more than %d segments before its picture; save it again",
                             VIS_JPEG_MAX_SEGMENTS);
        st = read_segment(&w, err);
    }
    if (st == WEFT_OK && w.components == 0)
        return damaged(&w, "a scan without a frame header", err);
    *components = w.components;
    return st;
}
