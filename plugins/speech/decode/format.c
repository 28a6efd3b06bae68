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

static int32_t score_wav(const uint8_t *p, uint64_t n)
{
    if ((!starts(p, n, 0, "RIFF") && !starts(p, n, 0, "RF64")) || !starts(p, n, 8, "WAVE"))
        return WEFT_PROBE_NO;
    if (starts(p, n, 12, "fmt ") || starts(p, n, 12, "ds64") || starts(p, n, 12, "JUNK"))
        return WEFT_PROBE_CERTAIN;
    return WEFT_PROBE_MAGIC;
}

/* The length of the ID3 tag (version 2.2 to 2.4) that p begins with, header included; 0 where there
 * is none. */
static uint64_t id3_bytes(const uint8_t *p, uint64_t n)
{
    if (!starts(p, n, 0, "ID3") || n < 10 || p[3] < 2 || p[3] > 4)
        return 0;
    if ((p[6] | p[7] | p[8] | p[9]) & 0x80)
        return 0;
    return 10u + ((uint64_t)p[6] << 21 | (uint64_t)p[7] << 14 | (uint64_t)p[8] << 7 | p[9]);
}

static int32_t score_flac(const uint8_t *p, uint64_t n)
{
    uint64_t at = id3_bytes(p, n);
    if (!starts(p, n, at, "fLaC"))
        return WEFT_PROBE_NO;
    /* A FLAC file's first metadata block is STREAMINFO, which has 34 bytes. */
    return n - at >= 8 && (p[at + 4] & 0x7f) == 0 && p[at + 7] == 34 ? WEFT_PROBE_CERTAIN
                                                                     : WEFT_PROBE_MAGIC;
}

/* Scores an Ogg file by its first packet, which begins after the page's segment table. */
static int32_t score_ogg(const uint8_t *p, uint64_t n)
{
    if (!starts(p, n, 0, "OggS") || n < 28 || p[4] != 0)
        return WEFT_PROBE_NO;
    uint64_t at = 27u + p[26];
    if (starts(p, n, at, "\x01vorbis") || starts(p, n, at, "OpusHead") ||
        starts(p, n, at, "\177FLAC"))
        return WEFT_PROBE_CERTAIN;
    return WEFT_PROBE_NO;
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
    if (id3_bytes(p, n) != 0)
        return WEFT_PROBE_MAGIC;
    if (n < 4)
        return WEFT_PROBE_NO;
    uint32_t step = frame_bytes(p);
    if (step < 4 || n < step + 4 || frame_bytes(p + step) == 0)
        return WEFT_PROBE_NO;
    return (p[1] & 0xfe) == (p[step + 1] & 0xfe) && (p[2] & 0xc) == (p[step + 2] & 0xc)
               ? WEFT_PROBE_MAGIC
               : WEFT_PROBE_NO;
}

/* The formats in the order in which they are tried. FLAC comes before MP3, because a FLAC file may
 * begin with an ID3 tag, which by itself means MP3. */
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

spk_format spk_format_of(const uint8_t *head, uint64_t n, int32_t *score)
{
    for (size_t i = 0; i < N_FORMATS; i++) {
        int32_t s = formats[i].score(head, n);
        if (s == WEFT_PROBE_NO)
            continue;
        if (score != NULL)
            *score = s;
        return formats[i].format;
    }
    if (score != NULL)
        *score = WEFT_PROBE_NO;
    return SPK_FORMAT_NONE;
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
