/* SPDX-License-Identifier: Apache-2.0 */
/* Tells whether a file was cut short, by what its format says of its own length. FFmpeg takes the
 * end of the bytes for the end of the file. A format that says nothing (a live recording) is whole.
 */
#include "clip.h"

#include "../common/transport.h"

#include "weft/sdk.h"

#define RECORDER 0x7ff00000u /* sizes from here on stand in headers that were never finished */
#define FRAMES_MAX 4000000   /* of AAC that are walked: a day */

/* An element's size (RFC 8794, section 4): *length gets the bytes that it is written with. -1: it
 * is unknown, or none. */
static int64_t element_size(const uint8_t *p, uint64_t n, uint32_t *length)
{
    uint32_t bytes = 1;
    while (bytes <= 8 && n > 0 && (p[0] & 0x80 >> (bytes - 1)) == 0)
        bytes++;
    if (bytes > 8 || bytes > n)
        return -1;
    int64_t size = p[0] & (0xff >> bytes), ones = (0xff >> bytes) == size;
    for (uint32_t i = 1; i < bytes; i++) {
        size = size << 8 | p[i];
        ones &= p[i] == 0xff;
    }
    *length = bytes;
    return ones ? -1 : size;
}

/* A Matroska file is a header and a segment, which holds everything. */
static int matroska_is_cut(clip_dec *d)
{
    uint8_t  p[12];
    uint32_t length = 0;
    uint64_t n = clip_io_at(&d->io, 4, p, 8);
    int64_t  size = element_size(p, n, &length), at = 4 + (int64_t)length + size;
    if (size < 0 || size > 4096)
        return 0;
    n = clip_io_at(&d->io, at, p, 12);
    if (n < 5 || memcmp(p, "\x18\x53\x80\x67", 4) != 0)
        return 0;
    size = element_size(p + 4, n - 4, &length);
    return size >= 0 && size > d->io.length - at - 4 - (int64_t)length;
}

static int riff_is_cut(clip_dec *d)
{
    uint8_t p[8];
    if (clip_io_at(&d->io, 0, p, 8) != 8)
        return 0;
    uint32_t size = (uint32_t)p[7] << 24 | (uint32_t)p[6] << 16 | (uint32_t)p[5] << 8 | p[4];
    return size < RECORDER && size > d->io.length - 8;
}

/* Each frame of AAC (ADTS, ISO/IEC 14496-3) says how long it is. */
static int adts_is_cut(clip_dec *d)
{
    uint8_t p[7];
    int64_t at = 0;
    for (int i = 0; i < FRAMES_MAX && at < d->io.length; i++) {
        if (clip_io_at(&d->io, at, p, 7) != 7)
            return p[0] == 0xff && d->io.length - at > 1;
        if (p[0] != 0xff || (p[1] & 0xf6) != 0xf0)
            return 0;
        int64_t size = (p[3] & 3) << 11 | p[4] << 3 | p[5] >> 5;
        if (size < 7)
            return 0;
        at += size;
    }
    return at > d->io.length;
}

/* The last packets of a transport stream: the file ends with one. (A file that loses its beat on
 * the way, or carries something else at its end, is not cut.) */
static int transport_is_cut(clip_dec *d)
{
    uint8_t       p[PLG_TRANSPORT_BYTES];
    int64_t       at = d->io.length > (int64_t)sizeof p ? d->io.length - (int64_t)sizeof p : 0;
    uint64_t      n = clip_io_at(&d->io, at, p, sizeof p);
    plg_transport t = plg_transport_find(p, n);
    if (t.packets == 0)
        return 0;
    uint64_t rest = (n - t.first) % t.step;
    return rest > 0 && rest < 188; /* what is more is a time or check bytes */
}

static int is_cut(clip_dec *d)
{
    const char *format = d->format->demuxer;
    if (d->sound.cut || d->io.length < 0 || d->io.status != WEFT_OK)
        return d->sound.cut;
    if (strcmp(format, "matroska") == 0)
        return matroska_is_cut(d);
    if (strcmp(format, "avi") == 0 || strcmp(format, "wav") == 0)
        return riff_is_cut(d);
    if (clip_is_transport(d->format))
        return transport_is_cut(d);
    return strcmp(format, "aac") == 0 && adts_is_cut(d);
}

void clip_warn_cut(clip_dec *d)
{
    char line[120];
    if (d->host->log == NULL || !is_cut(d))
        return;
    snprintf(line, sizeof line,
             "the %s ends before its format says that it does; what is there is used", d->what);
    d->host->log(d->host, WEFT_LOG_WARN, line);
}
