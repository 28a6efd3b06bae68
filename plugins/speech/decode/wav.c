/* SPDX-License-Identifier: Apache-2.0 */
/* Walks the chunks of a WAV. It reads forward only and stops at the samples, so it can read from a
 * pipe. */
#include "wav.h"

#include "weft/sdk.h"

#define CHUNKS_MAX 1000 /* before the samples; real files have a handful */
#define FMT_BYTES 40    /* size of WAVEFORMATEXTENSIBLE; what follows in the chunk is ignored */
#define UNKNOWN_FROM                                                                               \
    0x7ff00000u /* a recorder that cannot seek back writes 2 GiB less a little, or all ones */

enum { TAG_PCM = 1, TAG_FLOAT = 3, TAG_ALAW = 6, TAG_ULAW = 7, TAG_EXTENSIBLE = 0xfffe };

static uint32_t le(const uint8_t *p, int n)
{
    uint32_t v = 0;
    for (int i = n - 1; i >= 0; i--)
        v = v << 8 | p[i];
    return v;
}

static uint64_t le64(const uint8_t *p)
{
    return (uint64_t)le(p + 4, 4) << 32 | le(p, 4);
}

/* What the walk has found so far. */
typedef struct walk {
    uint64_t riff_bytes, ds64_data;
    int      rf64, has_fmt;
} walk;

/* libsndfile's name of the layout for a format tag and the bytes of one sample; 0: no plain layout.
 */
static int32_t subtype_of(uint32_t tag, uint32_t bytes)
{
    static const int32_t pcm[] = {0, SF_FORMAT_PCM_U8, SF_FORMAT_PCM_16, SF_FORMAT_PCM_24,
                                  SF_FORMAT_PCM_32};
    if (tag == TAG_PCM && bytes <= 4)
        return pcm[bytes];
    if (tag == TAG_FLOAT && bytes == 4)
        return SF_FORMAT_FLOAT;
    if (tag == TAG_FLOAT && bytes == 8)
        return SF_FORMAT_DOUBLE;
    if (tag == TAG_ALAW && bytes == 1)
        return SF_FORMAT_ALAW;
    return tag == TAG_ULAW && bytes == 1 ? SF_FORMAT_ULAW : 0;
}

static weft_status read_fmt(const uint8_t *p, uint64_t n, spk_wav *out, weft_error *err)
{
    uint32_t tag = le(p, 2), channels = le(p + 2, 2), rate = le(p + 4, 4);
    uint32_t align = le(p + 12, 2), bits = le(p + 14, 2);
    if (tag == TAG_EXTENSIBLE && n >= FMT_BYTES)
        tag = le(p + 24, 2);
    if (channels == 0 || rate == 0 || rate > INT32_MAX)
        return weft_fail(err, WEFT_E_CORRUPT,
                         "the WAV's header gives %u channels at %u Hz; the file "
                         "is damaged",
                         channels, rate);
    out->channels = (int32_t)channels;
    out->rate = (int32_t)rate;
    out->frame_bytes = (int32_t)align;
    out->subtype = 0;
    out->tag = tag;
    if (tag != TAG_PCM && tag != TAG_FLOAT && tag != TAG_ALAW && tag != TAG_ULAW)
        return WEFT_OK;
    uint32_t bytes = align / channels;
    if (align % channels == 0 && bits <= bytes * 8 && bits + 8 > bytes * 8)
        out->subtype = subtype_of(tag, bytes);
    if (out->subtype == 0)
        return weft_fail(err, WEFT_E_CORRUPT,
                         "the WAV's header gives %u bits and %u bytes for %u "
                         "channels, which do not fit together; the file is damaged",
                         bits, align, channels);
    return WEFT_OK;
}

static weft_status take_fmt(spk_bytes *b, uint64_t at, uint64_t n, spk_wav *out, weft_error *err)
{
    uint8_t  p[FMT_BYTES] = {0};
    uint64_t want = n < FMT_BYTES ? n : FMT_BYTES;
    if (n < 16 || spk_bytes_peek(b, at, p, want) != want)
        return weft_fail(err, WEFT_E_CORRUPT,
                         "the WAV's format chunk is cut short; get a complete copy");
    return read_fmt(p, n, out, err);
}

/* Sets how many of the bytes from `at` on are sound, when the header says `said`. */
static void set_data(const spk_bytes *b, const walk *w, uint64_t at, uint64_t said, spk_wav *out)
{
    int64_t left = b->n >= 0 ? b->n - (int64_t)at : -1;
    int     finished = b->n >= 0 && w->riff_bytes + 8 == (uint64_t)b->n;
    int     recorder = said >= UNKNOWN_FROM && said <= UINT32_MAX && !w->rf64;
    out->data_at = at;
    out->missing = 0;
    out->is_all = at + said + (said & 1) + 8 > w->riff_bytes + 8;
    if (w->rf64 && said == UINT32_MAX)
        said = w->ds64_data;
    out->data_bytes = (int64_t)(said & INT64_MAX);
    if ((said == 0 && !finished) || (said == UINT32_MAX && !w->rf64) ||
        (left < 0 && said >= UNKNOWN_FROM)) {
        out->data_bytes = left;
    } else if (left >= 0 && said > (uint64_t)left) {
        out->data_bytes = left;
        out->missing = recorder ? 0 : (int64_t)((said - (uint64_t)left) & INT64_MAX);
    }
}

static weft_status no_sound(spk_bytes *b, weft_error *err)
{
    if (b->status != WEFT_OK)
        return weft_fail(err, b->status, "the WAV's header could not be read");
    return weft_fail(err, WEFT_E_CORRUPT, "the WAV ends before its samples; get a complete copy");
}

static weft_status at_data(spk_bytes *b, const walk *w, uint64_t at, uint64_t said, spk_wav *out,
                           weft_error *err)
{
    if (!w->has_fmt)
        return weft_fail(err, WEFT_E_CORRUPT,
                         "the WAV does not say what its samples are: there is no "
                         "format chunk before them");
    out->rf64 = w->rf64;
    set_data(b, w, at, said, out);
    return WEFT_OK;
}

weft_status spk_wav_read(spk_bytes *b, spk_wav *out, weft_error *err)
{
    uint8_t  p[16];
    walk     w = {0};
    uint64_t at = 12;
    memset(out, 0, sizeof *out);
    if (spk_bytes_peek(b, 0, p, 12) != 12)
        return no_sound(b, err);
    w.rf64 = memcmp(p, "RF64", 4) == 0;
    w.riff_bytes = le(p + 4, 4);
    for (int chunks = 0; chunks < CHUNKS_MAX; chunks++) {
        if (spk_bytes_peek(b, at, p, 8) != 8)
            return no_sound(b, err);
        uint64_t n = le(p + 4, 4);
        at += 8;
        if (memcmp(p, "data", 4) == 0)
            return at_data(b, &w, at, n, out, err);
        if (memcmp(p, "ds64", 4) == 0 && n >= 16 && spk_bytes_peek(b, at, p, 16) == 16) {
            w.riff_bytes = le64(p);
            w.ds64_data = le64(p + 8);
        } else if (memcmp(p, "fmt ", 4) == 0) {
            weft_status st = take_fmt(b, at, n, out, err);
            if (st != WEFT_OK)
                return st;
            w.has_fmt = 1;
        }
        at += n + (n & 1);
    }
    return weft_fail(err, WEFT_E_CORRUPT,
                     "the WAV has more than %d chunks before its samples; it is "
                     "damaged",
                     CHUNKS_MAX);
}

int spk_wav_next(spk_bytes *b, spk_wav *w)
{
    uint8_t  p[8];
    walk     none = {0};
    uint64_t at = w->data_at + (uint64_t)w->data_bytes + ((uint64_t)w->data_bytes & 1);
    if (w->data_bytes < 0 || w->missing > 0)
        return 0;
    for (int chunks = 0; chunks < CHUNKS_MAX && spk_bytes_peek(b, at, p, 8) == 8; chunks++) {
        uint64_t n = le(p + 4, 4);
        at += 8;
        if (memcmp(p, "data", 4) == 0 && n > 0) {
            set_data(b, &none, at, n, w);
            return 1;
        }
        at += n + (n & 1);
    }
    return 0;
}

const char *spk_wav_codec(uint32_t tag)
{
    static const struct {
        uint32_t    tag;
        const char *name;
    } codecs[] = {
        {0x0002, "Microsoft ADPCM"},
        {0x0010, "Oki ADPCM"},
        {0x0011, "IMA ADPCM"},
        {0x0016, "G.723 ADPCM"},
        {0x0022, "TrueSpeech"},
        {0x0031, "GSM 6.10"},
        {0x0040, "G.721 ADPCM"},
        {0x0042, "G.723.1"},
        {0x0045, "G.726 ADPCM"},
        {0x0050, "MPEG layer 1 or 2"},
        {0x0055, "MP3"},
        {0x0064, "G.726 ADPCM"},
        {0x0065, "G.722 ADPCM"},
        {0x0083, "G.729"},
        {0x00ff, "AAC"},
        {0x0160, "Windows Media Audio 1"},
        {0x0161, "Windows Media Audio 2"},
        {0x0162, "Windows Media Audio 9"},
        {0x0270, "ATRAC3"},
        {0x028f, "G.722 ADPCM"},
        {0x1610, "AAC"},
        {0x2000, "AC-3"},
        {0x2001, "DTS"},
        {0x566f, "Vorbis"},
        {0x674f, "Vorbis"},
        {0xa109, "Speex"},
        {0xf1ac, "FLAC"},
    };
    for (size_t i = 0; i < sizeof codecs / sizeof codecs[0]; i++)
        if (codecs[i].tag == tag)
            return codecs[i].name;
    return NULL;
}
