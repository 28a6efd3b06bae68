/* SPDX-License-Identifier: Apache-2.0 */
/* Tells formats by the first bytes of a file.
 *
 * The demuxer is chosen here and never by FFmpeg's own probing, so that no playlist, script or
 * other format that names further files can be opened, whatever a file is called. Where the
 * decoders on libsndfile, libpng or libjpeg read a format too, the score given here is lower than
 * theirs, and PNG and JPEG get no score at all under "image". */
#include "clip.h"

#include "../common/transport.h"

#include <string.h>

#define LESS 60 /* the first bytes fit, but another kind or decoder is likelier */
#define SOME 40 /* a few bits fit */

/* Containers of moving pictures may hold sound alone, so both kinds score. */
static const clip_format mov = {"mov", 0, WEFT_PROBE_MAGIC, LESS, 0};
static const clip_format mov_bare = {"mov", 0, LESS, SOME, 0}; /* QuickTime before ftyp */
static const clip_format m4a = {"mov", 0, 30, WEFT_PROBE_MAGIC, 0};
static const clip_format avif = {"mov", WEFT_PROBE_MAGIC, 0, 0, 0};
static const clip_format avis = {"mov", LESS, WEFT_PROBE_MAGIC, 0, 0};
static const clip_format matroska = {"matroska", 0, WEFT_PROBE_MAGIC, LESS, 0};
static const clip_format avi = {"avi", 0, WEFT_PROBE_MAGIC, LESS, 0};
static const clip_format transport = {"mpegts", 0, WEFT_PROBE_MAGIC, LESS, 0};
static const clip_format transport_brief = {"mpegts", 0, LESS, SOME, 0};
static const clip_format gif = {"gif", WEFT_PROBE_MAGIC, LESS, 0, 0};
static const clip_format gif_moving = {"gif", LESS, WEFT_PROBE_MAGIC, 0, 0};
static const clip_format webp = {"webp_pipe", WEFT_PROBE_MAGIC, 0, 0, 0};
static const clip_format bmp = {"bmp_pipe", WEFT_PROBE_MAGIC, 0, 0, 0};
static const clip_format tiff = {"tiff_pipe", WEFT_PROBE_MAGIC, 0, 0, 0};
static const clip_format webp_moving = {"webp_pipe", WEFT_PROBE_MAGIC, 0, 0, 1};
static const clip_format ogg = {"ogg", 0, 0, LESS, 0};
static const clip_format ogg_moving = {"ogg", 0, WEFT_PROBE_MAGIC, LESS, 0};
static const clip_format flac = {"flac", 0, 0, LESS, 0};
static const clip_format wav = {"wav", 0, 0, LESS, 0};
static const clip_format mp3_tagged = {"mp3", 0, 0, LESS, 0};
static const clip_format mp3 = {"mp3", 0, 0, SOME, 0};
static const clip_format adts = {"aac", 0, 0, SOME, 0};

static int is(const uint8_t *p, const char *four)
{
    return memcmp(p, four, 4) == 0;
}

/* Whether a brand (an MP4 sub-format's four letters) is among those that the file says it is
 * compatible with. The list of them starts at byte 16. */
static int has_brand(const uint8_t *head, uint64_t n, const char *brand)
{
    uint64_t end =
        (uint64_t)head[0] << 24 | (uint64_t)head[1] << 16 | (uint64_t)head[2] << 8 | head[3];
    for (uint64_t i = 16; i + 4 <= end && i + 4 <= n; i += 4)
        if (is(head + i, brand))
            return 1;
    return 0;
}

static const clip_format *iso_format(const uint8_t *head, uint64_t n)
{
    static const char *const sounds[] = {"M4A ", "M4B ", "F4A ", "F4B "};
    static const char *const heif[] = {"mif1", "msf1", "heic", "heix", "hevc", "hevx"};
    const uint8_t           *brand = head + 8;
    if (is(brand, "avif"))
        return &avif;
    if (is(brand, "avis"))
        return &avis;
    for (size_t i = 0; i < sizeof sounds / sizeof sounds[0]; i++)
        if (is(brand, sounds[i]))
            return &m4a;
    for (size_t i = 0; i < sizeof heif / sizeof heif[0]; i++)
        if (is(brand, heif[i]))
            return has_brand(head, n, "avif") ? &avif : NULL;
    return &mov;
}

static const clip_format *riff_format(const uint8_t *form, uint64_t n)
{
    if (is(form, "AVI "))
        return &avi;
    if (is(form, "WEBP")) /* the second flag of the extended header: animation */
        return n > 12 && is(form + 4, "VP8X") && (form[12] & 2) != 0 ? &webp_moving : &webp;
    return is(form, "WAVE") ? &wav : NULL;
}

/* Whether a GIF says how often it is to be repeated, as moving ones do: it then has a NETSCAPE
 * extension somewhere before the first picture. */
static int gif_repeats(const uint8_t *p, uint64_t n)
{
    uint64_t at = 13 + ((p[10] & 0x80) != 0 ? (uint64_t)3 << ((p[10] & 7) + 1) : 0);
    while (at + 14 <= n && p[at] == 0x21) {
        if (memcmp(p + at + 1, "\xff\x0bNETSCAPE2.0", 13) == 0)
            return 1;
        for (at += 2; at < n && p[at] != 0;)
            at += 1 + (uint64_t)p[at];
        at++;
    }
    return 0;
}

/* Two letters and, behind the sizes, the length of one of the headers that there are. */
static int is_bmp(const uint8_t *p)
{
    return p[0] == 'B' && p[1] == 'M' && p[15] == 0 &&
           (p[14] == 12 || p[14] == 16 || p[14] == 40 || p[14] == 52 || p[14] == 56 ||
            p[14] == 64 || p[14] == 108 || p[14] == 124);
}

/* Whether one of the streams that begin in the first n bytes of an Ogg file holds pictures. All
 * streams begin before the first page of any stream's body (RFC 3533), with flag 2 set. */
static int ogg_moves(const uint8_t *p, uint64_t n)
{
    static const char *const starts[] = {"\x80theora", "OVP80"};
    uint64_t                 at = 0;
    while (n - at >= 28 && is(p + at, "OggS") && (p[at + 5] & 2) != 0) {
        uint64_t body = at + 27 + p[at + 26], next = body;
        for (uint64_t i = at + 27; i < body && body <= n; i++)
            next += p[i];
        for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++)
            if (body + 7 <= n && memcmp(p + body, starts[i], strlen(starts[i])) == 0)
                return 1;
        if (next > n)
            return 0;
        at = next;
    }
    return 0;
}

/* One that is so short that only a few of its packets were seen is less certain. */
static const clip_format *transport_format(const uint8_t *p, uint64_t n)
{
    uint32_t packets = plg_transport_find(p, n).packets;
    if (packets == 0)
        return NULL;
    return packets < PLG_TRANSPORT_SURE ? &transport_brief : &transport;
}

/* MPEG audio begins with a header of 32 bits. Its first 11 or 12 bits are set, and some values of
 * the fields after them never occur, which tells it from chance. */
static const clip_format *mpeg_format(const uint8_t *p)
{
    uint32_t adts_bytes = (p[3] & 3u) << 11 | (uint32_t)p[4] << 3 | p[5] >> 5;
    if (p[0] == 0xFF && (p[1] & 0xF6) == 0xF0 && (p[2] >> 2 & 15) < 13 && adts_bytes > 7)
        return &adts;
    if (p[0] == 0xFF && (p[1] & 0xE0) == 0xE0 && (p[1] >> 1 & 3) != 0 && (p[1] >> 3 & 3) != 1 &&
        p[2] >> 4 != 15 && (p[2] >> 2 & 3) != 3)
        return &mp3;
    return NULL;
}

const clip_format *clip_format_of(const uint8_t *head, uint64_t n)
{
    static const char *const boxes[] = {"moov", "mdat", "wide", "free", "skip", "pnot"};
    if (n < 16)
        return NULL;
    if (is(head + 4, "ftyp"))
        return iso_format(head, n);
    if (is(head, "\x1a\x45\xdf\xa3"))
        return &matroska;
    if (is(head, "RIFF"))
        return riff_format(head + 8, n - 8);
    if (is(head, "GIF8") && (head[4] == '7' || head[4] == '9') && head[5] == 'a')
        return gif_repeats(head, n) ? &gif_moving : &gif;
    if (is(head, "II*\0") || is(head, "MM\0*"))
        return &tiff;
    if (is_bmp(head))
        return &bmp;
    if (is(head, "OggS"))
        return ogg_moves(head, n) ? &ogg_moving : &ogg;
    if (is(head, "fLaC"))
        return &flac;
    if (memcmp(head, "ID3", 3) == 0)
        return &mp3_tagged;
    for (size_t i = 0; i < sizeof boxes / sizeof boxes[0]; i++)
        if (is(head + 4, boxes[i]))
            return &mov_bare;
    const clip_format *stream = transport_format(head, n);
    return stream != NULL ? stream : mpeg_format(head);
}

int clip_is_transport(const clip_format *f)
{
    return strcmp(f->demuxer, "mpegts") == 0;
}

static int ends_in(const char *name, const char *ending)
{
    size_t n = name != NULL ? strlen(name) : 0, m = strlen(ending);
    for (size_t i = 0; n >= m && i < m; i++) {
        char c = name[n - m + i];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        if (c != ending[i])
            return 0;
    }
    return n >= m;
}

static int is_named(const char *name, const char *const *endings)
{
    for (; *endings != NULL; endings++)
        if (ends_in(name, *endings))
            return 1;
    return 0;
}

/* The file's name decides only where the bytes leave it open: whether a container holds sound
 * alone, or which format has no magic number. (.ts and .mts are programs too.) */
static int32_t by_name(const weft_probe *in, int32_t image, int32_t video, int32_t audio)
{
    static const char *const stills[] = {".webp", ".gif", ".avif", ".bmp", ".tif", ".tiff", NULL};
    static const char *const clips[] = {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", NULL};
    static const char *const sounds[] = {".m4a", ".m4b", ".aac", ".mka", ".weba", NULL};
    if (is_named(in->name_hint, stills))
        return image;
    if (is_named(in->name_hint, clips))
        return video;
    return is_named(in->name_hint, sounds) ? audio : WEFT_PROBE_NO;
}

static int32_t score_of(const clip_format *f, const char *kind)
{
    if (strcmp(kind, "image") == 0)
        return f->image;
    if (strcmp(kind, "video") == 0)
        return f->video;
    return strcmp(kind, "audio") == 0 ? f->audio : WEFT_PROBE_NO;
}

int32_t clip_probe(const weft_probe *in)
{
    if (in->kind == NULL)
        return WEFT_PROBE_NO;
    const clip_format *f = clip_format_of(in->head, in->head_bytes);
    const clip_format  named = {NULL, by_name(in, WEFT_PROBE_HINT, 0, 0),
                                by_name(in, 0, WEFT_PROBE_HINT, 0),
                                by_name(in, 0, 0, WEFT_PROBE_HINT), 0};
    int32_t            score = score_of(f != NULL ? f : &named, in->kind);
    int                is_sound = strcmp(in->kind, "audio") == 0;
    if ((f == &mov || f == &matroska) && score > 0 && by_name(in, 0, 0, 1))
        return is_sound ? WEFT_PROBE_MAGIC : LESS;
    return score;
}
