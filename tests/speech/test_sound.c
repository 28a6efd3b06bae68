/* SPDX-License-Identifier: Apache-2.0 */
/* weft-sndfile on good recordings: every format, from a file and from a pipe; streams that do not
 * know their length; chains; limits; memory that runs out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <sndfile.h>
#include <stdlib.h>

#include "tests/speech/bench.h"
#include "weft/sdk.h"

static const weft_decoder *decoder;
static fake_host           host;

static int setup(void **state)
{
    (void)state;
    decoder = component_load("weft-sndfile", WEFT_C_DECODER);
    fake_host_init(&host, NULL, 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fake_host_deinit(&host);
    return 0;
}

static weft_error no_error(void)
{
    return (weft_error){.hdr = WEFT_HDR(weft_error)};
}

static void must_decode(const bytes_made *b, int pipe, int64_t block, decoded *out)
{
    memory_source m = {.p = b->p, .n = b->n, .pipe = pipe};
    weft_error    err = no_error();
    weft_status   st = decode(decoder, &host, &m, NULL, block, out, &err);
    if (st != WEFT_OK)
        fail_msg("%d: %s", st, err.message);
}

static int32_t probe(const void *head, uint64_t n, const char *name)
{
    weft_probe p = {WEFT_HDR(weft_probe), "audio", head, n, name};
    return decoder->probe(&p);
}

/* Root mean square of the difference at the best shift of up to 3000 samples: codecs delay. */
static double apart(const float *a, int64_t n_a, const float *b, int64_t n_b)
{
    double best = INFINITY;
    for (int64_t shift = 0; shift < 3000; shift++) {
        double  sum = 0;
        int64_t n = 0;
        for (int64_t i = 0; i < n_a && i + shift < n_b; i += 3, n++)
            sum += ((double)a[i] - (double)b[i + shift]) * ((double)a[i] - (double)b[i + shift]);
        if (n > n_a / 6)
            best = fmin(best, sqrt(sum / (double)n));
    }
    return best;
}

/* error: half a step for PCM, a quarter of a per cent to a few for mu-law and A-law, what the codec
 * loses (it is told no bit rate: libsndfile's defaults) for the others; on a sound of about 0.3
 * RMS. */
static const struct {
    const char *name;
    int32_t     format, rate, channels;
    double      error;
    int32_t     probe;
} formats[] = {
    {"pcm8", SF_FORMAT_WAV | SF_FORMAT_PCM_U8, 8000, 1, 5e-3, WEFT_PROBE_CERTAIN},
    {"pcm16", SF_FORMAT_WAV | SF_FORMAT_PCM_16, 16000, 1, 2e-5, WEFT_PROBE_CERTAIN},
    {"pcm24", SF_FORMAT_WAV | SF_FORMAT_PCM_24, 48000, 2, 1e-7, WEFT_PROBE_CERTAIN},
    {"pcm32", SF_FORMAT_WAV | SF_FORMAT_PCM_32, 44100, 1, 1e-7, WEFT_PROBE_CERTAIN},
    {"float", SF_FORMAT_WAV | SF_FORMAT_FLOAT, 22050, 1, 0, WEFT_PROBE_CERTAIN},
    {"double", SF_FORMAT_WAV | SF_FORMAT_DOUBLE, 22050, 1, 0, WEFT_PROBE_CERTAIN},
    {"ulaw", SF_FORMAT_WAV | SF_FORMAT_ULAW, 8000, 1, 2e-2, WEFT_PROBE_CERTAIN},
    {"alaw", SF_FORMAT_WAV | SF_FORMAT_ALAW, 8000, 1, 2e-2, WEFT_PROBE_CERTAIN},
    {"ima", SF_FORMAT_WAV | SF_FORMAT_IMA_ADPCM, 16000, 1, 3e-2, WEFT_PROBE_CERTAIN},
    {"extensible", SF_FORMAT_WAVEX | SF_FORMAT_PCM_16, 4000, 8, 2e-5, WEFT_PROBE_CERTAIN},
    {"rf64", SF_FORMAT_RF64 | SF_FORMAT_PCM_16, 384000, 1, 2e-5, WEFT_PROBE_CERTAIN},
    {"flac16", SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 44100, 2, 2e-5, WEFT_PROBE_CERTAIN},
    {"flac24", SF_FORMAT_FLAC | SF_FORMAT_PCM_24, 96000, 1, 1e-7, WEFT_PROBE_CERTAIN},
    {"vorbis", SF_FORMAT_OGG | SF_FORMAT_VORBIS, 44100, 1, 5e-2, WEFT_PROBE_CERTAIN},
    {"opus", SF_FORMAT_OGG | SF_FORMAT_OPUS, 48000, 1, 5e-2, WEFT_PROBE_CERTAIN},
    {"mp3", SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III, 44100, 1, 5e-2, WEFT_PROBE_CHANCE},
    {"aiff", SF_FORMAT_AIFF | SF_FORMAT_PCM_16, 11025, 2, 2e-5, WEFT_PROBE_CERTAIN},
    {"aifc", SF_FORMAT_AIFF | SF_FORMAT_FLOAT, 16000, 1, 0, WEFT_PROBE_CERTAIN},
};
#define N_FORMATS (sizeof formats / sizeof formats[0])

static void every_format(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_FORMATS; i++) {
        const int64_t n = 20000;
        int32_t       channels = formats[i].channels;
        float        *x = sound_made(n, formats[i].rate, channels);
        bytes_made    b = file_of(x, n, formats[i].rate, channels, formats[i].format);
        assert_int_equal(probe(b.p, b.n < 65536 ? b.n : 65536, NULL), formats[i].probe);
        for (int pipe = 0; pipe < 2; pipe++) {
            decoded d;
            must_decode(&b, pipe, pipe ? 777 : 30000, &d);
            assert_int_equal(d.info.sample_rate, formats[i].rate);
            assert_int_equal(d.info.channels, channels);
            assert_string_equal(d.info.kind, "audio");
            if (d.n < n || d.n > n + 3000)
                fail_msg("%s: %lld of %lld samples", formats[i].name, (long long)d.n, (long long)n);
            double e = apart(x, n * channels, d.x, d.n * channels);
            if (!(e <= formats[i].error))
                fail_msg("%s is off by %g", formats[i].name, e);
            free(d.x);
        }
        free(x);
        bytes_free(&b);
    }
}

static void info_and_blocks(void **state)
{
    float     *x = sound_made(5000, 8000, 2);
    bytes_made b = file_of(x, 5000, 8000, 2, SF_FORMAT_WAV | SF_FORMAT_FLOAT);
    (void)state;
    for (int64_t block = 1; block < 7000; block = block * 3 + 1) {
        decoded d;
        must_decode(&b, 0, block, &d);
        assert_int_equal(d.info.n_samples, 5000);
        assert_int_equal(d.info.duration_us, 625000);
        assert_int_equal(d.n, 5000);
        assert_memory_equal(d.x, x, 5000 * 2 * sizeof *x);
        free(d.x);
    }
    free(x);
    bytes_free(&b);
}

/* A recorder writes the header before it knows: sizes of zero, of 2 GiB, of all ones. From a file
 * and from a pipe every sample comes out, and what a pipe sends is read while it is sent. */
static void unknown_lengths(void **state)
{
    static const uint32_t sizes[] = {0, 0x7fffffffu, 0x7ffff000u, 0x80000000u, 0xffffffffu};
    int16_t               x[3000];
    (void)state;
    for (int i = 0; i < 3000; i++)
        x[i] = (int16_t)(i * 7);
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++)
        for (int pipe = 0; pipe < 2; pipe++) {
            bytes_made b = wav_of(x, 3000, 16000, 1);
            decoded    d;
            bytes_set_le(&b, 4, sizes[k], 4);
            bytes_set_le(&b, 40, sizes[k], 4);
            must_decode(&b, pipe, 1000, &d);
            assert_int_equal(d.n, 3000);
            for (int i = 0; i < 3000; i++)
                assert_true(d.x[i] == (float)x[i] / 32768.0f);
            assert_int_equal(d.info.n_samples, pipe ? -1 : 3000);
            free(d.x);
            bytes_free(&b);
        }
}

/* The header alone is enough to open, and 100 samples to give 100 samples: nothing waits for more.
 * */
static void live_input(void **state)
{
    int16_t       x[100] = {5};
    bytes_made    b = wav_of(x, 100, 16000, 1);
    memory_source m = {.p = b.p, .n = b.n, .pipe = 1};
    weft_source   src = source_of(&m);
    weft_error    err = no_error();
    float         y[100];
    int64_t       got, shape[2] = {100, 1};
    weft_tensor   t = weft_view(NULL, y, WEFT_F32, 2, shape);
    void         *dec;
    (void)state;
    bytes_set_le(&b, 40, 0xffffffffu, 4);
    m.padding = (uint64_t)1 << 40; /* who reads to the end does not come back */
    assert_int_equal(decoder->open(&host.host, &src, "audio", NULL, &dec, &err), WEFT_OK);
    assert_int_equal(decoder->read_audio(dec, 100, &t, &got, &err), WEFT_OK);
    assert_int_equal(got, 100);
    assert_true(y[0] > 0);
    assert_true(m.furthest < 200000);
    decoder->close(dec);
    bytes_free(&b);
}

/* More than 4 GiB of samples behind a 32-bit header, and by RF64: the count is the file's. */
static void beyond_4_gib(void **state)
{
    int16_t         x[10] = {0};
    bytes_made      b = wav_of(x, 10, 48000, 1);
    memory_source   m = {.p = b.p, .n = b.n, .padding = (uint64_t)6 << 30};
    weft_source     src = source_of(&m);
    weft_error      err = no_error();
    weft_media_info info = {.hdr = WEFT_HDR(weft_media_info)};
    void           *dec;
    (void)state;
    bytes_set_le(&b, 40, 0xffffffffu, 4);
    assert_int_equal(decoder->open(&host.host, &src, "audio", NULL, &dec, &err), WEFT_OK);
    assert_int_equal(decoder->info(dec, &info, &err), WEFT_OK);
    assert_int_equal(info.n_samples, ((int64_t)3 << 30) + 10);
    decoder->close(dec);
    bytes_free(&b);
}

/* What stands behind the samples is not sound. */
static void chunks_behind_the_samples(void **state)
{
    int16_t    x[1000] = {1, 2, 3};
    bytes_made b = wav_of(x, 1000, 8000, 1);
    (void)state;
    bytes_text(&b, "LIST");
    bytes_le(&b, 400, 4);
    for (int i = 0; i < 100; i++)
        bytes_text(&b, "INFO");
    for (int pipe = 0; pipe < 2; pipe++) {
        decoded d;
        must_decode(&b, pipe, 300, &d);
        assert_int_equal(d.n, 1000);
        free(d.x);
    }
    bytes_free(&b);
}

/* Recorders that write a chunk for each piece: the pieces are one recording, also where something
 * stands between them and where a chunk's length is odd. */
static void several_data_chunks(void **state)
{
    int16_t    x[1000];
    uint8_t    odd[3] = {128, 130, 132};
    bytes_made b, c;
    (void)state;
    for (int i = 0; i < 1000; i++)
        x[i] = (int16_t)(i * 30);
    b = wav_of(x, 400, 8000, 1);
    bytes_text(&b, "LIST");
    bytes_le(&b, 4, 4);
    bytes_text(&b, "INFOdata");
    bytes_le(&b, 1200, 4);
    bytes_put(&b, x + 400, 1200);
    for (int pipe = 0; pipe < 2; pipe++) {
        decoded d;
        must_decode(&b, pipe, 300, &d);
        assert_int_equal(d.n, 1000);
        for (int i = 0; i < 1000; i++)
            assert_true(d.x[i] == (float)x[i] / 32768);
        if (!pipe)
            assert_int_equal(d.info.n_samples, 1000);
        free(d.x);
    }
    c = wav_of(x, 0, 8000, 1);
    bytes_set_le(&c, 32, 1 | 8 << 16, 4); /* 8 bits */
    bytes_set_le(&c, 40, 3, 4);
    for (int piece = 0; piece < 2; piece++) {
        bytes_put(&c, odd, 3);
        bytes_le(&c, 0, 1);
        if (piece == 0) {
            bytes_text(&c, "data");
            bytes_le(&c, 3, 4);
        }
    }
    decoded d;
    must_decode(&c, 0, 300, &d);
    assert_int_equal(d.n, 6);
    assert_true(d.x[5] == 4.0f / 128);
    free(d.x);
    bytes_free(&b);
    bytes_free(&c);
}

static bytes_made join(const bytes_made *a, const bytes_made *b)
{
    bytes_made out = {0};
    bytes_put(&out, a->p, a->n);
    bytes_put(&out, b->p, b->n);
    return out;
}

/* The checksum of a page (RFC 3533 section 6): polynomial 0x04c11db7, with its own field zero. */
static uint32_t page_sum(const uint8_t *p, uint64_t n)
{
    uint32_t sum = 0;
    for (uint64_t i = 0; i < n; i++) {
        sum ^= (uint32_t)(i >= 22 && i < 26 ? 0 : p[i]) << 24;
        for (int bit = 0; bit < 8; bit++)
            sum = sum << 1 ^ (sum >> 31 ? 0x04c11db7u : 0);
    }
    return sum;
}

static uint64_t position_of(const uint8_t *page)
{
    uint64_t v = 0;
    for (int i = 7; i >= 0; i--)
        v = v << 8 | page[6 + i];
    return v;
}

/* From the page-th page on the sound is said to come later by `later` samples. Returns the position
 * where the page before ends. */
static uint64_t delay_pages(bytes_made *b, int page, uint64_t later)
{
    uint64_t before = 0;
    for (uint64_t at = 0, n; at < b->n; at += n, page--) {
        const uint8_t *p = b->p + at;
        uint64_t       position = position_of(p);
        n = 27u + p[26];
        for (int i = 0; i < p[26]; i++)
            n += p[27 + i];
        if (page > 0 && position != UINT64_MAX)
            before = position;
        if (page > 0 || position == UINT64_MAX)
            continue;
        bytes_set_le(b, at + 6, position + later, 8);
        bytes_set_le(b, at + 22, page_sum(p, n), 4);
    }
    return before;
}

/* Whether x is y with n samples of silence at `at`. */
static void is_with_silence(const decoded *x, const decoded *y, int64_t at, int64_t n)
{
    assert_int_equal(x->n, y->n + n);
    assert_memory_equal(x->x, y->x, (size_t)at * sizeof *x->x);
    for (int64_t i = at; i < at + n; i++)
        assert_true(x->x[i] == 0.0f);
    assert_memory_equal(x->x + at + n, y->x + at, (size_t)(y->n - at) * sizeof *x->x);
}

/* Granule positions that go on further than the packets reach are silence, of any length up to a
 * day; less than a tenth of a second is jitter, and a longer jump a clock that was set. */
static void holes_in_an_ogg(void **state)
{
    static const struct {
        int64_t later, filled;
    } holes[] = {{5 * 48000, 5 * 48000}, {4800, 4800}, {4700, 0}, {(int64_t)25 * 3600 * 48000, 0}};
    bytes_made whole = fixture_of("speech/spoken.opus");
    decoded    plain;
    (void)state;
    must_decode(&whole, 0, 4800, &plain);
    for (size_t i = 0; i < sizeof holes / sizeof *holes; i++) {
        bytes_made b = join(&whole, &(bytes_made){0});
        decoded    d;
        int64_t    at = (int64_t)delay_pages(&b, 4, (uint64_t)holes[i].later) - 312; /* pre-skip */
        assert_true(at > 0 && at < plain.n);
        must_decode(&b, i % 2 != 0, 1000, &d);
        is_with_silence(&d, &plain, at, holes[i].filled);
        free(d.x);
        bytes_free(&b);
    }
    free(plain.x);
    bytes_free(&whole);
}

/* Takes a page out and returns where it lay on the time line: the positions at which the page
 * before and it itself end. */
static void lose_page(bytes_made *b, int page, uint64_t span[2])
{
    uint64_t at = 0, n = 0;
    for (; page >= 0; page--, at += n) {
        const uint8_t *p = b->p + at;
        span[0] = span[1];
        span[1] = position_of(p);
        n = 27u + p[26];
        for (int i = 0; i < p[26]; i++)
            n += p[27 + i];
        if (page == 0)
            break;
    }
    memmove(b->p + at, b->p + at + n, b->n - at - n);
    b->n -= n;
}

/* A page that is missing is silence: what comes behind it keeps its time. Opus begins anew there,
 * with what it still knows from before, and is itself again within a quarter of a second. */
static void a_lost_page_of_an_ogg_is_silent(void **state)
{
    bytes_made whole = fixture_of("speech/spoken.opus"), b = join(&whole, &(bytes_made){0});
    uint64_t   span[2] = {0, 0};
    decoded    plain, d;
    (void)state;
    must_decode(&whole, 0, 4800, &plain);
    lose_page(&b, 4, span);
    must_decode(&b, 0, 1000, &d);
    int64_t from = (int64_t)span[0] - 312, to = (int64_t)span[1] - 312; /* pre-skip */
    assert_true(from > 0 && to >= from + 4800 && to + 24000 < plain.n);
    assert_int_equal(d.n, plain.n);
    assert_memory_equal(d.x, plain.x, (size_t)from * sizeof *d.x);
    for (int64_t i = from; i < to; i++)
        assert_true(d.x[i] == 0.0f);
    for (int64_t i = to + 12000; i < plain.n; i++)
        assert_true(fabsf(d.x[i] - plain.x[i]) < 0.01f);
    free(plain.x);
    free(d.x);
    bytes_free(&b);
    bytes_free(&whole);
}

/* An ID3 tag, or two, before a file of any format changes nothing but where the file begins. */
static void tags_before_every_format(void **state)
{
    static const int32_t made[] = {
        SF_FORMAT_WAV | SF_FORMAT_PCM_16,  SF_FORMAT_WAV | SF_FORMAT_IMA_ADPCM,
        SF_FORMAT_AIFF | SF_FORMAT_PCM_16, SF_FORMAT_FLAC | SF_FORMAT_PCM_16,
        SF_FORMAT_OGG | SF_FORMAT_VORBIS,  SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III};
    float *x = sound_made(9000, 16000, 1);
    (void)state;
    for (size_t i = 0; i < sizeof made / sizeof made[0]; i++) {
        bytes_made bare = file_of(x, 9000, 16000, 1, made[i]), tag = {0};
        decoded    want, got;
        bytes_put(&tag, "ID3\3\0\0\0\0\1\0", 10); /* 128 bytes */
        for (int k = 0; k < 128; k++)
            bytes_le(&tag, 0, 1);
        bytes_put(&tag, "ID3\4\0\0\0\0\0\0", 10);
        bytes_made tagged = join(&tag, &bare);
        must_decode(&bare, 0, 1000, &want);
        for (int pipe = 0; pipe < 2; pipe++) {
            must_decode(&tagged, pipe, 1000, &got);
            assert_int_equal(got.n, want.n);
            assert_memory_equal(got.x, want.x, (size_t)want.n * sizeof(float));
            free(got.x);
        }
        free(want.x);
        bytes_free(&bare);
        bytes_free(&tag);
        bytes_free(&tagged);
    }
    free(x);
}

/* Two recordings in one Ogg, as radio streams are saved: both are heard. */
static void chained_ogg(void **state)
{
    static const int32_t codecs[] = {SF_FORMAT_VORBIS, SF_FORMAT_OPUS};
    (void)state;
    for (int i = 0; i < 2; i++) {
        float     *x = sound_made(24000, 48000, 1);
        bytes_made a = file_of(x, 24000, 48000, 1, SF_FORMAT_OGG | codecs[i]);
        bytes_made b = join(&a, &a), c = join(&b, &a);
        decoded    one, three;
        must_decode(&a, 0, 1000, &one);
        for (int pipe = 0; pipe < 2; pipe++) {
            must_decode(&c, pipe, 1000, &three);
            assert_int_equal(three.n, 3 * one.n);
            assert_memory_equal(three.x, one.x, (size_t)one.n * sizeof *x);
            assert_memory_equal(three.x + 2 * one.n, one.x, (size_t)one.n * sizeof *x);
            free(three.x);
        }
        free(one.x);
        free(x);
        bytes_free(&a);
        bytes_free(&b);
        bytes_free(&c);
    }
}

/* MP3 in front of which a player put an ID3 tag, and behind which another put an older one; and one
 * without the length tag, which is counted by reading. */
static void mp3_tags(void **state)
{
    float     *x = sound_made(40000, 44100, 1);
    bytes_made mp3 = file_of(x, 40000, 44100, 1, SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III),
               b = {0};
    decoded plain, tagged;
    (void)state;
    must_decode(&mp3, 0, 5000, &plain);
    bytes_text(&b, "ID3\x03");
    bytes_put(&b, "\0\0\0\0\x10\0", 6); /* 2048 bytes, 7 bits to a byte */
    for (int i = 0; i < 2048; i++)
        bytes_le(&b, 0, 1);
    bytes_put(&b, mp3.p, mp3.n);
    bytes_text(&b, "TAG");
    for (int i = 0; i < 125; i++)
        bytes_le(&b, 'x', 1);
    for (int pipe = 0; pipe < 2; pipe++) {
        must_decode(&b, pipe, 5000, &tagged);
        assert_int_equal(tagged.n, plain.n);
        assert_memory_equal(tagged.x, plain.x, (size_t)plain.n * sizeof *x);
        free(tagged.x);
    }
    free(plain.x);
    free(x);
    bytes_free(&b);
    bytes_free(&mp3);
}

static void real_speech(void **state)
{
    bytes_made b = fixture_of("speech/spoken.opus");
    decoded    d;
    double     sum = 0;
    (void)state;
    must_decode(&b, 0, 4800, &d);
    for (int64_t i = 0; i < d.n; i++)
        sum += (double)d.x[i] * (double)d.x[i];
    assert_int_equal(d.info.sample_rate, 48000);
    assert_true(d.n == d.info.n_samples && d.n > 10 * 48000);
    assert_true(sqrt(sum / (double)d.n) > 0.02);
    free(d.x);
    bytes_free(&b);
}

static void probes(void **state)
{
    (void)state;
    assert_int_equal(probe("", 0, NULL), WEFT_PROBE_NO);
    assert_int_equal(probe("", 0, "talk.WAV"), WEFT_PROBE_HINT);
    assert_int_equal(probe("hello, world", 12, "a.mp3"), WEFT_PROBE_HINT);
    assert_int_equal(probe("hello, world", 12, "a.txt"), WEFT_PROBE_NO);
    assert_int_equal(probe("RIFF\0\0\0\0WEBPVP8 ", 16, NULL), WEFT_PROBE_NO);
    assert_int_equal(probe("RIFF\0\0\0\0WAVELIST", 16, NULL), WEFT_PROBE_MAGIC);
    assert_int_equal(probe("FORM\0\0\0\0ILBM", 12, NULL), WEFT_PROBE_NO);
    /* one frame header is luck */
    assert_int_equal(probe("\xff\xfb\x90\x64 and then a text that goes on", 34, NULL),
                     WEFT_PROBE_NO);
    /* a film's Ogg is not ours */
    assert_int_equal(
        probe("OggS\0\2\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\1\x2a\x80theora", 35, NULL),
        WEFT_PROBE_NO);
    /* neither is one that has pictures beside its sound */
    assert_int_equal(probe("OggS\0\2\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\1\7\1vorbis"
                           "OggS\0\2\0\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\0\0\0\0\1\7\x80theora",
                           70, "a.ogv"),
                     WEFT_PROBE_HINT);
    weft_probe picture = {WEFT_HDR(weft_probe), "image", (const uint8_t *)"fLaC", 4, "a.flac"};
    assert_int_equal(decoder->probe(&picture), WEFT_PROBE_NO);
}

static void sample_limit(void **state)
{
    float      *x = sound_made(30000, 16000, 1);
    weft_limits lim = {.hdr = WEFT_HDR(weft_limits), .max_samples = 20000};
    (void)state;
    for (size_t i = 0; i < N_FORMATS; i++) {
        if (formats[i].channels != 1)
            continue;
        bytes_made    b = file_of(x, 30000, formats[i].rate, 1, formats[i].format);
        memory_source m = {.p = b.p, .n = b.n};
        weft_error    err = no_error();
        decoded       d;
        assert_int_equal(decode(decoder, &host, &m, &lim, 1000, &d, &err), WEFT_E_LIMIT);
        assert_non_null(strstr(err.message, "--max-samples"));
        bytes_free(&b);
    }
    free(x);
}

/* Every allocation through the host fails once. */
static void out_of_memory(void **state)
{
    float *x = sound_made(3000, 48000, 1);
    (void)state;
    for (size_t i = 0; i < N_FORMATS; i++) {
        bytes_made b = file_of(x, 3000, formats[i].rate, 1, formats[i].format);
        int        failures = 0;
        for (uint64_t n = 1; n < 20; n++) {
            memory_source m = {.p = b.p, .n = b.n, .pipe = 1};
            weft_error    err = no_error();
            decoded       d;
            fake_host_fail_at(&host, n, 0);
            weft_status st = decode(decoder, &host, &m, NULL, 1000, &d, &err);
            free(d.x);
            if (st == WEFT_OK)
                break;
            assert_int_equal(st, WEFT_E_NOMEM);
            failures++;
        }
        fake_host_fail_at(&host, 0, 0);
        assert_in_range(failures, 2, 3); /* the decoder, the head, what a pipe is held in */
        bytes_free(&b);
    }
    free(x);
}

static void cancelled(void **state)
{
    int16_t       x[100] = {0};
    bytes_made    b = wav_of(x, 100, 16000, 1);
    memory_source m = {.p = b.p, .n = b.n};
    weft_error    err = no_error();
    decoded       d;
    (void)state;
    atomic_store(&host.cancelled, 1);
    assert_int_equal(decode(decoder, &host, &m, NULL, 10, &d, &err), WEFT_E_CANCELLED);
    atomic_store(&host.cancelled, 0);
    bytes_free(&b);
}

/* The caller's buffer is checked before it is written. */
static void wrong_buffers(void **state)
{
    int16_t       x[100] = {0};
    bytes_made    b = wav_of(x, 50, 16000, 2);
    memory_source m = {.p = b.p, .n = b.n};
    weft_source   src = source_of(&m);
    weft_error    err = no_error();
    float         y[200];
    int64_t       got, shape[2] = {50, 2};
    weft_tensor   good = weft_view(NULL, y, WEFT_F32, 2, shape), t;
    void         *dec;
    (void)state;
    assert_int_equal(decoder->open(&host.host, &src, "audio", NULL, &dec, &err), WEFT_OK);
    t = good, t.bytes -= 1;
    assert_int_equal(decoder->read_audio(dec, 50, &t, &got, &err), WEFT_E_INVALID);
    t = good, t.shape[1] = 1;
    assert_int_equal(decoder->read_audio(dec, 50, &t, &got, &err), WEFT_E_INVALID);
    t = good, t.dtype = WEFT_I32;
    assert_int_equal(decoder->read_audio(dec, 50, &t, &got, &err), WEFT_E_INVALID);
    t = good, t.data = NULL;
    assert_int_equal(decoder->read_audio(dec, 50, &t, &got, &err), WEFT_E_INVALID);
    assert_int_equal(decoder->read_audio(dec, 51, &good, &got, &err), WEFT_E_INVALID);
    assert_int_equal(decoder->read_audio(dec, -1, &good, &got, &err), WEFT_E_INVALID);
    assert_int_equal(decoder->read_audio(dec, 50, &good, &got, &err), WEFT_OK);
    assert_int_equal(got, 50);
    decoder->close(dec);
    bytes_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_format),        cmocka_unit_test(info_and_blocks),
        cmocka_unit_test(unknown_lengths),     cmocka_unit_test(live_input),
        cmocka_unit_test(beyond_4_gib),        cmocka_unit_test(chunks_behind_the_samples),
        cmocka_unit_test(several_data_chunks), cmocka_unit_test(tags_before_every_format),
        cmocka_unit_test(chained_ogg),         cmocka_unit_test(mp3_tags),
        cmocka_unit_test(holes_in_an_ogg),     cmocka_unit_test(a_lost_page_of_an_ogg_is_silent),
        cmocka_unit_test(real_speech),         cmocka_unit_test(probes),
        cmocka_unit_test(sample_limit),        cmocka_unit_test(out_of_memory),
        cmocka_unit_test(cancelled),           cmocka_unit_test(wrong_buffers),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
