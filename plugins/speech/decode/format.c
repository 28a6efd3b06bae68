/* SPDX-License-Identifier: Apache-2.0 */
/* Magic numbers of sound files. */
#include "format.h"

#include "../../common/decoder.h"

#include <stddef.h>
#include <string.h>

static int starts(const uint8_t *p, uint64_t n, uint64_t at, const char *what)
{
    size_t m = strlen(what);
    return at <= n && n - at >= m && memcmp(p + at, what, m) == 0;
}

uint64_t spk_id3_bytes(const uint8_t *p, uint64_t n)
{
    if (!starts(p, n, 0, "ID3") || n < 10 || p[3] < 2 || p[3] > 4)
        return 0;
    if ((p[6] | p[7] | p[8] | p[9]) & 0x80)
        return 0;
    return 10u + ((uint64_t)p[6] << 21 | (uint64_t)p[7] << 14 | (uint64_t)p[8] << 7 | p[9]);
}

static int32_t score_wav(const uint8_t *p, uint64_t n)
{
    if ((!starts(p, n, 0, "RIFF") && !starts(p, n, 0, "RF64")) || !starts(p, n, 8, "WAVE"))
        return WEFT_PROBE_NO;
    if (starts(p, n, 12, "fmt ") || starts(p, n, 12, "ds64") || starts(p, n, 12, "JUNK"))
        return WEFT_PROBE_CERTAIN;
    return WEFT_PROBE_MAGIC;
}

static int32_t score_flac(const uint8_t *p, uint64_t n)
{
    if (!starts(p, n, 0, "fLaC"))
        return WEFT_PROBE_NO;
    /* A FLAC file's first metadata block is STREAMINFO, which has 34 bytes. */
    return n >= 8 && (p[4] & 0x7f) == 0 && p[7] == 34 ? WEFT_PROBE_CERTAIN : WEFT_PROBE_MAGIC;
}

/* The size of the Ogg page at p, header and all; 0 where it is none or goes past n. */
static uint64_t page_bytes(const uint8_t *p, uint64_t n)
{
    if (!starts(p, n, 0, "OggS") || n < 28 || p[4] != 0 || n < 27u + p[26])
        return 0;
    uint64_t bytes = 27u + p[26];
    for (int i = 0; i < p[26]; i++)
        bytes += p[27 + i];
    return bytes <= n ? bytes : 0;
}

/* Whether one of the first pages of an Ogg file begins a stream of moving pictures; -1 where more
 * bytes are needed to tell. All streams begin before the first page of any stream's body (RFC
 * 3533), with flag 2 set. */
static int has_pictures(const uint8_t *p, uint64_t n)
{
    uint64_t at = 0, bytes;
    while ((bytes = page_bytes(p + at, n - at)) != 0 && (p[at + 5] & 2) != 0) {
        uint64_t body = at + 27u + p[at + 26];
        if (starts(p, n, body, "\x80theora") || starts(p, n, body, "OVP80") ||
            starts(p, n, body, "BBCD") || starts(p, n, body, "\1video"))
            return 1;
        at += bytes;
    }
    return n - at >= 6 && starts(p, n, at, "OggS") && (p[at + 5] & 2) == 0 ? 0 : -1;
}

/* Scores an Ogg file by its first packet, which begins after the page's segment table. */
static int32_t score_ogg(const uint8_t *p, uint64_t n)
{
    if (!starts(p, n, 0, "OggS") || n < 28 || p[4] != 0)
        return WEFT_PROBE_NO;
    uint64_t at = 27u + p[26];
    int      pictures;
    if (starts(p, n, at, "\x01vorbis") || starts(p, n, at, "OpusHead") ||
        starts(p, n, at, "\177FLAC"))
        pictures = has_pictures(p, n);
    else
        return WEFT_PROBE_NO;
    return pictures > 0 ? WEFT_PROBE_HINT : pictures == 0 ? WEFT_PROBE_CERTAIN : WEFT_PROBE_MAGIC;
}

static int32_t score_aiff(const uint8_t *p, uint64_t n)
{
    if (starts(p, n, 0, "FORM") && (starts(p, n, 8, "AIFF") || starts(p, n, 8, "AIFC")))
        return WEFT_PROBE_CERTAIN;
    return WEFT_PROBE_NO;
}

/* The size in bytes of the MPEG audio frame (ISO 11172-3, 13818-3 and "2.5"; any layer) whose
 * header is at p; 0 where that is no header. */
static uint32_t frame_bytes(const uint8_t *p)
{
    static const uint16_t kbits[2][3][16] = {
        {{0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448, 0},
         {0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 0},
         {0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0}},
        {{0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256, 0},
         {0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0},
         {0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0}}};
    static const uint16_t rates[3] = {44100, 48000, 32000};
    unsigned              version = p[1] >> 3 & 3, layer = 4 - (p[1] >> 1 & 3); /* 3: MPEG 1 */
    unsigned              kbit = p[2] >> 4, rate = p[2] >> 2 & 3, pad = p[2] >> 1 & 1;
    if (p[0] != 0xff || (p[1] & 0xe0) != 0xe0 || version == 1 || layer == 4 || rate == 3)
        return 0;
    uint32_t bits = 1000u * kbits[version != 3][layer - 1][kbit];
    uint32_t hz = rates[rate] >> (version == 3 ? 0 : version == 2 ? 1 : 2);
    if (layer == 1)
        return (12 * bits / hz + pad) * 4;
    return (layer == 3 && version != 3 ? 72u : 144u) * bits / hz + pad;
}

/* Scores an MP3 file. A frame header is told by 11 bits, which random bytes often have; so a second
 * header has to stand where the first frame ends, and to agree with it in version, layer and rate.
 */
static int32_t score_mp3(const uint8_t *p, uint64_t n)
{
    if (n < 4)
        return WEFT_PROBE_NO;
    uint32_t step = frame_bytes(p);
    if (step < 4 || n < step + 4 || frame_bytes(p + step) == 0)
        return WEFT_PROBE_NO;
    return (p[1] & 0xfe) == (p[step + 1] & 0xfe) && (p[2] & 0xc) == (p[step + 2] & 0xc)
               ? WEFT_PROBE_CHANCE
               : WEFT_PROBE_NO;
}

/* The formats in the order in which they are tried. MP3 comes last, because its few bits are the
 * likeliest to be chance. */
static const struct {
    spk_format  format;
    const char *name;
    int32_t (*score)(const uint8_t *p, uint64_t n);
} formats[] = {
    {SPK_FORMAT_WAV, "WAV", score_wav}, {SPK_FORMAT_FLAC, "FLAC", score_flac},
    {SPK_FORMAT_OGG, "Ogg", score_ogg}, {SPK_FORMAT_AIFF, "AIFF", score_aiff},
    {SPK_FORMAT_MP3, "MP3", score_mp3},
};
#define N_FORMATS (sizeof formats / sizeof formats[0])

/* The format that begins at p, without a tag before it. */
static spk_format bare_format(const uint8_t *p, uint64_t n, int32_t *score)
{
    for (size_t i = 0; i < N_FORMATS; i++) {
        *score = formats[i].score(p, n);
        if (*score != WEFT_PROBE_NO)
            return formats[i].format;
    }
    *score = WEFT_PROBE_NO;
    return SPK_FORMAT_NONE;
}

spk_format spk_format_of(const uint8_t *head, uint64_t n, int32_t *score)
{
    int32_t  ignored, *to = score != NULL ? score : &ignored;
    uint64_t tag = spk_id3_bytes(head, n);
    *to = WEFT_PROBE_NO;
    spk_format f = tag < n ? bare_format(head + tag, n - tag, to) : SPK_FORMAT_NONE;
    if (tag == 0)
        return f;
    if (*to < WEFT_PROBE_MAGIC)
        *to = WEFT_PROBE_MAGIC;
    /* Before something unknown: MP3 is what such tags were made for. */
    return f != SPK_FORMAT_NONE ? f : SPK_FORMAT_MP3;
}

const char *spk_format_name(spk_format f)
{
    for (size_t i = 0; i < N_FORMATS; i++)
        if (formats[i].format == f)
            return formats[i].name;
    return "recording";
}

int spk_format_ends(const char *name)
{
    static const char *const endings[] = {".wav", ".flac", ".ogg", ".oga", ".opus",
                                          ".mp3", ".aiff", ".aif", NULL};
    return plg_name_ends(name, endings);
}
