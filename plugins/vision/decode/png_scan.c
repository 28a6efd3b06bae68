/* SPDX-License-Identifier: Apache-2.0 */
/* Goes through a PNG chunk by chunk: checks lengths against the file, counts the chunks, measures
 * packed text, and looks for the orientation.
 *
 * libpng is told to skip text without unpacking it. But a file whose text is made to unpack to an
 * enormous size is refused here, with that reason, rather than shown as if it were a sound picture.
 */
#include "png_scan.h"

#include "weft/sdk.h"

#include <inttypes.h>
#include <zlib.h>

#define HEADER_BYTES 8u
#define CRC_BYTES 4u
#define TEXT_BYTES 262144u              /* of a text that may state the orientation */
#define KEPT_BYTES ((uint64_t)63 << 20) /* of a pipe can be read again */
#define PREFIX_BYTES 1024u /* first bytes of a packed chunk, in which its names must end */

typedef struct walk {
    vis_still *s;
    int64_t    length; /* of the file; -1 where it is unknown */
    uint64_t   at;     /* offset of the current chunk's data */
    uint32_t   n;      /* its length */
    char       type[5];
    uint32_t   chunks, data_chunks;
    int        seen_data, ended; /* ended: the file did, behind pixels and before IEND */
    uint64_t   unpacked;         /* bytes of text and profiles so far */
    uint8_t   *text;             /* TEXT_BYTES, once there is a text to be kept; of the host */
    uint64_t   n_text;
} walk;

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int is(const walk *w, const char *type)
{
    return memcmp(w->type, type, 4) == 0;
}

static weft_status not_png(const walk *w, const char *what, weft_error *err)
{
    return weft_fail(err, WEFT_E_CORRUPT, "the PNG is damaged: %s at byte %" PRIu64, what,
                     w->at < HEADER_BYTES ? 0 : w->at - HEADER_BYTES);
}

/* The file ends here. Behind the pixels that is no harm. */
static weft_status may_end(walk *w, weft_error *err)
{
    w->ended = w->seen_data && w->s->stream.status == WEFT_OK;
    return w->ended ? WEFT_OK : vis_still_short(w->s, err);
}

/* Whether the file reaches as far as the byte at this offset. */
static int has_byte(walk *w, uint64_t at)
{
    uint8_t byte;
    w->s->stream.at = at;
    return vis_stream_read(&w->s->stream, &byte, 1) == 1;
}

/* Reads the header of the chunk at w->at and moves w->at to its data. */
static weft_status next_chunk(walk *w, weft_error *err)
{
    uint8_t h[HEADER_BYTES];
    w->s->stream.at = w->at;
    if (vis_stream_read(&w->s->stream, h, sizeof h) != sizeof h)
        return has_byte(w, w->at - 1) ? may_end(w, err) : vis_still_short(w->s, err);
    w->at += HEADER_BYTES;
    w->n = be32(h);
    memcpy(w->type, h + 4, 4);
    if (w->n > INT32_MAX)
        return not_png(w, "a chunk of impossible length", err);
    if (w->length >= 0 && w->at + w->n + CRC_BYTES > (uint64_t)w->length) {
        w->s->stream.at = (uint64_t)w->length;
        return is(w, "IDAT") ? vis_still_short(w->s, err) : may_end(w, err);
    }
    return WEFT_OK;
}

static weft_status read_ihdr(walk *w, weft_error *err)
{
    uint8_t d[13];
    if (!is(w, "IHDR") || w->n != sizeof d)
        return not_png(w, "no IHDR", err);
    if (vis_stream_read(&w->s->stream, d, sizeof d) != sizeof d)
        return vis_still_short(w->s, err);
    return vis_still_size(w->s, be32(d), be32(d + 4), err);
}

/* Where the packed data of a text or profile chunk starts within its first n bytes, p; 0: not
 * packed, or not to be understood (libpng skips the chunk in any case). */
static uint64_t packed_start(const walk *w, const uint8_t *p, uint64_t n)
{
    const uint8_t *end = p + n, *q = memchr(p, 0, n);
    if (q == NULL)
        return 0;
    if (!is(w, "iTXt"))
        return end - q > 2 ? (uint64_t)(q + 2 - p) : 0;
    if (end - q < 4 || q[1] != 1)
        return 0;
    q = memchr(q + 3, 0, (size_t)(end - q - 3)); /* the language */
    if (q == NULL || q + 1 == end)
        return 0;
    q = memchr(q + 1, 0, (size_t)(end - q - 1)); /* the translated keyword */
    return q == NULL || q + 1 == end ? 0 : (uint64_t)(q + 1 - p);
}

/* Adds n bytes to the text that is kept, as far as there is room. */
static void keep(walk *w, const uint8_t *p, uint64_t n)
{
    uint64_t room = TEXT_BYTES - w->n_text;
    n = n < room ? n : room;
    memcpy(w->text + w->n_text, p, n);
    w->n_text += n;
}

/* Unpacks n bytes of the stream and counts what comes out; with keeps it is kept too. Damaged data
 * ends the counting and is no error. */
static weft_status unpack(walk *w, z_stream *z, uint64_t n, int keeps, weft_error *err)
{
    uint8_t in[4096], out[16384];
    int     rc = Z_OK;
    while (n > 0 && rc == Z_OK) {
        uint64_t take = n < sizeof in ? n : sizeof in;
        if (vis_stream_read(&w->s->stream, in, take) != take)
            return vis_still_short(w->s, err);
        n -= take;
        z->next_in = in;
        z->avail_in = (uInt)take;
        do {
            z->next_out = out;
            z->avail_out = sizeof out;
            rc = inflate(z, Z_NO_FLUSH);
            uint64_t got = sizeof out - z->avail_out;
            w->unpacked += got;
            if (keeps)
                keep(w, out, got);
            if (w->unpacked > VIS_PNG_MAX_CHUNK_BYTES)
                return weft_fail(err, WEFT_E_LIMIT,
                                 "the PNG's texts and profiles unpack to more than %d bytes; save "
                                 "the picture again without them",
                                 VIS_PNG_MAX_CHUNK_BYTES);
        } while (rc == Z_OK && z->avail_out == 0);
    }
    return WEFT_OK;
}

static void *zalloc_host(void *opaque, uInt items, uInt size)
{
    const weft_host *h = opaque;
    return h->alloc(h, (uint64_t)items * size, 16);
}

static void zfree_host(void *opaque, void *p)
{
    const weft_host *h = opaque;
    h->free(h, p);
}

/* Reads the rest of a packed chunk, which begins `start` bytes into it. */
static weft_status read_packed(walk *w, uint64_t start, int keeps, weft_error *err)
{
    z_stream z;
    memset(&z, 0, sizeof z);
    z.zalloc = zalloc_host;
    z.zfree = zfree_host;
    z.opaque = (void *)(uintptr_t)w->s->host;
    if (inflateInit(&z) != Z_OK)
        return vis_still_nomem(w->s, err);
    w->s->stream.at = w->at + start;
    weft_status st = unpack(w, &z, w->n - start, keeps, err);
    inflateEnd(&z);
    return st;
}

/* Reads the text of a chunk that is not packed, of whose names the first n bytes are p. */
static weft_status read_plain(walk *w, const uint8_t *p, uint64_t n, weft_error *err)
{
    const uint8_t *end = p + n, *q = memchr(p, 0, n);
    if (q == NULL || (is(w, "iTXt") && end - q < 4))
        return WEFT_OK;
    q++;
    for (int names = is(w, "iTXt") ? 2 : 0; q != NULL && names > 0; names--) {
        q += names == 2 ? 2 : 0; /* two flags, then the language and the translated keyword */
        q = memchr(q, 0, (size_t)(end - q));
        q = q != NULL ? q + 1 : NULL;
    }
    if (q == NULL)
        return WEFT_OK;
    uint64_t start = (uint64_t)(q - p),
             take = w->n - start < TEXT_BYTES ? w->n - start : TEXT_BYTES;
    w->s->stream.at = w->at + start;
    w->n_text = vis_stream_read(&w->s->stream, w->text, take);
    return w->n_text == take ? WEFT_OK : vis_still_short(w->s, err);
}

/* The value of a hexadecimal digit; -1 for another byte. */
static int hex(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Turns "\nexif\n  1234\n" and lines of hexadecimal digits into bytes, in place. */
static void decode_profile(walk *w)
{
    uint64_t at = 0, n = 0;
    int      high = -1;
    for (int lines = 0; at < w->n_text && lines < 3; at++)
        lines += w->text[at] == '\n';
    for (; at < w->n_text; at++) {
        int digit = hex(w->text[at]);
        if (digit < 0 && w->text[at] != '\n')
            break;
        if (digit >= 0 && high >= 0)
            w->text[n++] = (uint8_t)(high << 4 | digit);
        if (digit >= 0)
            high = high >= 0 ? -1 : digit;
    }
    w->n_text = n;
}

/* Which origin a text of this keyword is; p has n bytes. */
static vis_origin origin_of(const uint8_t *p, uint64_t n)
{
    static const char profile[] = "Raw profile type exif", xmp[] = "XML:com.adobe.xmp";
    if (n >= sizeof profile && memcmp(p, profile, sizeof profile) == 0)
        return VIS_FROM_PROFILE;
    return n >= sizeof xmp && memcmp(p, xmp, sizeof xmp) == 0 ? VIS_FROM_XMP : VIS_FROM_NOWHERE;
}

static weft_status read_text(walk *w, weft_error *err)
{
    uint8_t  prefix[PREFIX_BYTES];
    uint64_t n = w->n < sizeof prefix ? w->n : sizeof prefix;
    if (vis_stream_read(&w->s->stream, prefix, n) != n)
        return vis_still_short(w->s, err);
    vis_origin  from = is(w, "iCCP") ? VIS_FROM_NOWHERE : origin_of(prefix, n);
    uint64_t    start = is(w, "tEXt") ? 0 : packed_start(w, prefix, n);
    int         keeps = from != VIS_FROM_NOWHERE;
    weft_status st = WEFT_OK;
    if (keeps && w->text == NULL)
        w->text = w->s->host->alloc(w->s->host, TEXT_BYTES, 16);
    if (keeps && w->text == NULL)
        return vis_still_nomem(w->s, err);
    w->n_text = 0;
    if (start != 0)
        st = read_packed(w, start, keeps, err);
    else if (keeps && !is(w, "zTXt"))
        st = read_plain(w, prefix, n, err);
    if (st != WEFT_OK || !keeps)
        return st;
    if (from == VIS_FROM_PROFILE)
        decode_profile(w);
    vis_still_orient(w->s, from, w->text, w->n_text);
    return WEFT_OK;
}

/* Counts a chunk. There may be many chunks that hold pixels, because writers with a small buffer
 * split them so. */
static weft_status count_chunk(walk *w, weft_error *err)
{
    if (is(w, "IDAT") || is(w, "fdAT") || is(w, "fcTL")) {
        if (++w->data_chunks > VIS_PNG_MAX_DATA_CHUNKS)
            return weft_fail(err, WEFT_E_LIMIT,
                             "the PNG's pixels lie in more than %d chunks; save the picture again",
                             VIS_PNG_MAX_DATA_CHUNKS);
        return WEFT_OK;
    }
    if (++w->chunks > VIS_PNG_MAX_CHUNKS)
        return weft_fail(err, WEFT_E_LIMIT,
                         "the PNG has more than %d chunks beside its pixels; save it again",
                         VIS_PNG_MAX_CHUNKS);
    if (w->n > VIS_PNG_MAX_CHUNK_BYTES)
        return weft_fail(err, WEFT_E_LIMIT,
                         "the PNG has a chunk of %" PRIu32 " bytes beside its pixels and the limit "
                         "is %d; save the picture again",
                         w->n, VIS_PNG_MAX_CHUNK_BYTES);
    return WEFT_OK;
}

static weft_status look_into(walk *w, weft_error *err)
{
    if (is(w, "eXIf"))
        return vis_still_metadata(w->s, VIS_FROM_EXIF, w->at, w->n, err);
    if (is(w, "tEXt") || is(w, "zTXt") || is(w, "iTXt") || is(w, "iCCP"))
        return read_text(w, err);
    w->seen_data |= is(w, "IDAT");
    return WEFT_OK;
}

static weft_status read_signature(walk *w, weft_error *err)
{
    static const uint8_t magic[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    uint8_t              head[8];
    uint64_t             got = vis_stream_read(&w->s->stream, head, sizeof head);
    if (got == sizeof head && memcmp(head, magic, sizeof head) != 0)
        return not_png(w, "no PNG signature", err);
    w->at = sizeof head;
    return got == sizeof head ? WEFT_OK : vis_still_short(w->s, err);
}

/* Whether there is another chunk to look at. */
static int goes_on(const walk *w)
{
    return !w->ended && !is(w, "IEND") && (w->length >= 0 || !w->seen_data || w->at < KEPT_BYTES);
}

weft_status vis_png_scan(vis_still *s, int *no_end, weft_error *err)
{
    walk        w = {.s = s, .length = vis_stream_length(&s->stream)};
    weft_status st = read_signature(&w, err);
    if (st == WEFT_OK)
        st = next_chunk(&w, err);
    if (st == WEFT_OK)
        st = read_ihdr(&w, err);
    while (st == WEFT_OK && goes_on(&w)) {
        w.at += (uint64_t)w.n + CRC_BYTES;
        st = next_chunk(&w, err);
        if (st == WEFT_OK && !w.ended)
            st = count_chunk(&w, err);
        if (st == WEFT_OK && !w.ended)
            st = look_into(&w, err);
    }
    if (st == WEFT_OK && is(&w, "IEND") && !has_byte(&w, w.at + CRC_BYTES - 1))
        w.ended = 1;
    s->host->free(s->host, w.text);
    *no_end = w.ended;
    return st;
}
