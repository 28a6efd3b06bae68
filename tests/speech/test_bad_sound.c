/* SPDX-License-Identifier: Apache-2.0 */
/* Bad and odd recordings: each with its status and words of its one sentence, from a file and from
 * a pipe. Files are made here from a small good one of each format. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <sndfile.h>
#include <stdlib.h>

#include "tests/speech/bench.h"
#include "tests/support/address.h"
#include "weft/sdk.h"

/* Where the source fails within an Ogg's headers, libsndfile 1.2 gives no file and keeps what
 * libvorbis had begun. */
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
    return "leak:libvorbis\n";
}

#define N 8000 /* samples of the good ones */
#define ANY_COUNT (-1)

static const weft_decoder *decoder;
static fake_host           host;
static float              *sound;
static bytes_made          wav, flac, vorbis, opus, mp3, aiff, ima;
static int                 n_files;

static int setup(void **state)
{
    (void)state;
    decoder = component_load("weft-sndfile", WEFT_C_DECODER);
    fake_host_init(&host, NULL, 0);
    sound = sound_made(N, 48000, 1);
    wav = file_of(sound, N, 48000, 1, SF_FORMAT_WAV | SF_FORMAT_PCM_16);
    flac = file_of(sound, N, 48000, 1, SF_FORMAT_FLAC | SF_FORMAT_PCM_16);
    vorbis = file_of(sound, N, 48000, 1, SF_FORMAT_OGG | SF_FORMAT_VORBIS);
    opus = file_of(sound, N, 48000, 1, SF_FORMAT_OGG | SF_FORMAT_OPUS);
    mp3 = file_of(sound, N, 48000, 1, SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III);
    aiff = file_of(sound, N, 48000, 1, SF_FORMAT_AIFF | SF_FORMAT_PCM_16);
    ima = file_of(sound, N, 48000, 1, SF_FORMAT_WAV | SF_FORMAT_IMA_ADPCM);
    return 0;
}

static int teardown(void **state)
{
    bytes_made *all[] = {&wav, &flac, &vorbis, &opus, &mp3, &aiff, &ima};
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        bytes_free(all[i]);
    free(sound);
    fake_host_deinit(&host);
    print_message("%d files\n", n_files);
    return n_files < 60; /* fewer would be another test than the one that was promised */
}

/* A sentence for a person: words, no address, no line of ours, one line. */
static void check_sentence(const char *name, const weft_error *err, const char *words)
{
    if (strstr(err->message, words) == NULL)
        fail_msg("%s: \"%s\" does not say \"%s\"", name, err->message, words);
    assert_false(has_address(err->message));
    assert_null(strchr(err->message, '\n'));
    assert_true(strlen(err->message) > 20);
}

static void one(const char *name, const bytes_made *b, int pipe, weft_status want,
                const char *words, int64_t n)
{
    memory_source m = {.p = b->p, .n = b->n, .pipe = pipe};
    weft_error    err = {.hdr = WEFT_HDR(weft_error)};
    decoded       d;
    host.bytes_peak = 0;
    weft_status st = decode(decoder, &host, &m, NULL, 5000, &d, &err);
    if (st != want)
        fail_msg("%s%s: %d (%s) instead of %d", name, pipe ? " from a pipe" : "", st, err.message,
                 want);
    if (st != WEFT_OK)
        check_sentence(name, &err, words);
    else if (n != ANY_COUNT && d.n != n)
        fail_msg("%s: %lld samples instead of %lld", name, (long long)d.n, (long long)n);
    for (int64_t i = 0; st == WEFT_OK && i < d.n * d.info.channels; i++)
        assert_true(isfinite(d.x[i]));
    /* Nothing is sized from a header: the decoder, its head and a pipe's first block. */
    assert_true(host.bytes_peak < (uint64_t)3 << 20);
    free(d.x);
}

/* words: of the sentence, for a failure; n: samples, for OK. Takes b. */
static void expect_that(const char *name, bytes_made b, weft_status want, const char *words,
                        int64_t n)
{
    for (int pipe = 0; pipe < 2; pipe++)
        one(name, &b, pipe, want, words, n);
    bytes_free(&b);
    n_files++;
}

static bytes_made copy(const bytes_made *b)
{
    bytes_made out = {0};
    bytes_put(&out, b->p, b->n);
    return out;
}

static bytes_made cut(const bytes_made *b, uint64_t n)
{
    bytes_made out = {0};
    bytes_put(&out, b->p, n < b->n ? n : b->n);
    return out;
}

static bytes_made with(const bytes_made *b, uint64_t at, uint64_t value, int n_bytes)
{
    bytes_made out = copy(b);
    bytes_set_le(&out, at, value, n_bytes);
    return out;
}

static bytes_made text(const char *s)
{
    bytes_made out = {0};
    bytes_text(&out, s);
    return out;
}

static void not_sound(void **state)
{
    bytes_made zeros = {0};
    (void)state;
    expect_that("empty", text(""), WEFT_E_UNSUPPORTED, "not a WAV", 0);
    expect_that("one byte", text("R"), WEFT_E_UNSUPPORTED, "not a WAV", 0);
    expect_that("text", text("It was a dark and stormy night, and nobody had a microphone."),
                WEFT_E_UNSUPPORTED, "whatever its name says", 0);
    expect_that("png", text("\x89PNG\r\n\x1a\n and so on"), WEFT_E_UNSUPPORTED, "not a WAV", 0);
    expect_that("mp4", text("xxxxftypM4A and so on"), WEFT_E_UNSUPPORTED, "not a WAV", 0);
    expect_that("avi", text("RIFFxxxxAVI LISTxxxx"), WEFT_E_UNSUPPORTED, "not a WAV", 0);
    for (int i = 0; i < 5000; i++)
        bytes_le(&zeros, 0, 1);
    expect_that("zeros", zeros, WEFT_E_UNSUPPORTED, "not a WAV", 0);
    expect_that("one mp3 header", text("\xff\xfb\x90\x64 and no other"), WEFT_E_UNSUPPORTED,
                "not a WAV", 0);
    expect_that("sun audio", text(".snd\0\0\0\x18 and more"), WEFT_E_UNSUPPORTED, "not a WAV", 0);
}

/* The AIFF as an AIFC whose samples are said to be compressed so. */
static bytes_made aifc(const char *type)
{
    bytes_made b = {0};
    bytes_put(&b, "FORM\0\0\0\0AIFCCOMM\0\0\0\x18", 20);
    bytes_put(&b, aiff.p + 20, 18);
    bytes_text(&b, type);
    bytes_put(&b, "\0\0SSND\0\0\0\x10\0\0\0\0\0\0\0\0samples.", 26);
    b.p[7] = (uint8_t)(b.n - 8);
    return b;
}

static void wav_headers(void **state)
{
    (void)state;
    expect_that("riff only", cut(&wav, 12), WEFT_E_CORRUPT, "ends before its samples", 0);
    expect_that("riff and a word", cut(&wav, 17), WEFT_E_CORRUPT, "ends before its samples", 0);
    expect_that("cut in fmt", cut(&wav, 30), WEFT_E_CORRUPT, "format chunk is cut short", 0);
    expect_that("cut before data", cut(&wav, 36), WEFT_E_CORRUPT, "ends before its samples", 0);
    expect_that("cut in data's size", cut(&wav, 42), WEFT_E_CORRUPT, "ends before its samples", 0);
    expect_that("no fmt", with(&wav, 12, 0x4b4e554a, 4), WEFT_E_CORRUPT, "no format chunk", 0);
    expect_that("short fmt", with(&wav, 16, 15, 4), WEFT_E_CORRUPT, "format chunk is cut short", 0);
    expect_that("huge fmt", with(&wav, 16, 0xfffffff0u, 4), WEFT_E_CORRUPT,
                "ends before its samples", 0);
    expect_that("no channels", with(&wav, 22, 0, 2), WEFT_E_CORRUPT, "0 channels", 0);
    expect_that("9 channels", with(&wav, 22, 9 | 18u << 26, 2), WEFT_E_CORRUPT,
                "do not fit together", 0);
    expect_that("65535 channels", with(&wav, 22, 65535, 2), WEFT_E_CORRUPT, "do not fit together",
                0);
    expect_that("rate 0", with(&wav, 24, 0, 4), WEFT_E_CORRUPT, "at 0 Hz", 0);
    expect_that("rate 3999", with(&wav, 24, 3999, 4), WEFT_E_LIMIT, "3999 samples a second", 0);
    expect_that("rate 384001", with(&wav, 24, 384001, 4), WEFT_E_LIMIT, "convert it to 16000", 0);
    expect_that("rate 655350", with(&wav, 24, 655350, 4), WEFT_E_LIMIT, "655350 samples a second",
                0);
    expect_that("rate 2^32-1", with(&wav, 24, 0xffffffffu, 4), WEFT_E_CORRUPT, "damaged", 0);
    expect_that("block 0", with(&wav, 32, 0, 2), WEFT_E_CORRUPT, "do not fit together", 0);
    expect_that("block 3", with(&wav, 32, 3, 2), WEFT_E_CORRUPT, "do not fit together", 0);
    expect_that("0 bits", with(&wav, 34, 0, 2), WEFT_E_CORRUPT, "0 bits", 0);
    expect_that("24 bits in 2 bytes", with(&wav, 34, 24, 2), WEFT_E_CORRUPT, "24 bits and 2 bytes",
                0);
    expect_that("65535 bits", with(&wav, 34, 65535, 2), WEFT_E_CORRUPT, "do not fit together", 0);
    expect_that("12 bits in 2 bytes", with(&wav, 34, 12, 2), WEFT_OK, "", N);
    expect_that("unknown codec", with(&wav, 20, 0x161, 2), WEFT_E_UNSUPPORTED,
                "coded as Windows Media Audio 2 (0x0161)", 0);
    expect_that("no codec", with(&wav, 20, 0x9999, 2), WEFT_E_UNSUPPORTED, "number 0x9999", 0);
    expect_that("aifc codec", aifc("QDM2"), WEFT_E_UNSUPPORTED, "coded as QDM2", 0);
    expect_that("16-bit float", with(&wav, 20, 3, 2), WEFT_E_CORRUPT, "do not fit together", 0);
}

static bytes_made many_channels(uint16_t channels)
{
    int16_t x[64 * 4] = {0};
    return wav_of(x, 4, 48000, channels);
}

/* chunks: so many empty ones before the samples. */
static bytes_made many_chunks(int chunks)
{
    bytes_made b = cut(&wav, 36);
    for (int i = 0; i < chunks; i++) {
        bytes_text(&b, "JUNK");
        bytes_le(&b, 0, 4);
    }
    bytes_put(&b, wav.p + 36, wav.n - 36);
    return b;
}

static void wav_sizes(void **state)
{
    (void)state;
    expect_that("no samples", cut(&wav, 44), WEFT_OK, "", 0);
    expect_that("one sample", cut(&wav, 46), WEFT_OK, "", 1);
    expect_that("half a sample", cut(&wav, 45), WEFT_OK, "", 0);
    expect_that("a sample and a half", cut(&wav, 47), WEFT_OK, "", 1);
    expect_that("data cut short", cut(&wav, 5044), WEFT_OK, "", 2500);
    expect_that("data size 1", with(&wav, 40, 1, 4), WEFT_OK, "", 0);
    expect_that("data size odd", with(&wav, 40, 2001, 4), WEFT_OK, "", 1000);
    expect_that("data size 2^31", with(&wav, 40, 0x80000000u, 4), WEFT_OK, "", N);
    expect_that("riff size 0", with(&wav, 4, 0, 4), WEFT_OK, "", N);
    expect_that("riff size huge", with(&wav, 4, 0xffffffffu, 4), WEFT_OK, "", N);
    expect_that("9 channels that fit", many_channels(9), WEFT_E_LIMIT, "9 channels", 0);
    expect_that("64 channels", many_channels(64), WEFT_E_LIMIT, "mix it down", 0);
    expect_that("8 channels", many_channels(8), WEFT_OK, "", 4);
    expect_that("999 chunks", many_chunks(998), WEFT_OK, "", N);
    expect_that("too many chunks", many_chunks(1001), WEFT_E_CORRUPT, "more than 1000 chunks", 0);
}

/* The data size says nothing and the recording is empty and whole: it is empty. */
static void honest_emptiness(void **state)
{
    int16_t    none = 0;
    bytes_made b = wav_of(&none, 0, 16000, 1);
    (void)state;
    bytes_text(&b, "LIST");
    bytes_le(&b, 4, 4);
    bytes_text(&b, "INFO");
    bytes_set_le(&b, 4, b.n - 8, 4);
    one("whole and empty", &b, 0, WEFT_OK, "", 0);
    bytes_free(&b);
    n_files++;
}

static bytes_made floats(const float *x, int64_t n, int32_t format)
{
    return file_of(x, n, 16000, 1, format);
}

static void not_numbers(void **state)
{
    static const float bad[] = {NAN, -NAN, INFINITY, -INFINITY, 1e30f, -5e9f};
    float              x[100] = {0};
    double             huge = 1e300;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        x[63] = bad[i];
        expect_that("bad float", floats(x, 100, SF_FORMAT_WAV | SF_FORMAT_FLOAT), WEFT_E_CORRUPT,
                    "sample 63 of the WAV is not a number", 0);
    }
    x[63] = 32768.0f;
    expect_that("float that counts", floats(x, 100, SF_FORMAT_WAV | SF_FORMAT_FLOAT), WEFT_OK, "",
                100);
    x[63] = 1e-42f;
    expect_that("denormal", floats(x, 100, SF_FORMAT_WAV | SF_FORMAT_FLOAT), WEFT_OK, "", 100);
    x[63] = NAN;
    expect_that("NaN in AIFC", floats(x, 100, SF_FORMAT_AIFF | SF_FORMAT_FLOAT), WEFT_E_CORRUPT,
                "of the AIFF is not a number", 0);
    x[63] = 0;
    bytes_made b = floats(x, 100, SF_FORMAT_WAV | SF_FORMAT_DOUBLE);
    memcpy(b.p + b.n - 8, &huge, 8);
    expect_that("a double beyond float", b, WEFT_E_CORRUPT, "sample 99", 0);
}

static bytes_made rf64(uint64_t data)
{
    bytes_made b = {0};
    bytes_text(&b, "RF64");
    bytes_le(&b, 0xffffffffu, 4);
    bytes_text(&b, "WAVEds64");
    bytes_le(&b, 28, 4);
    bytes_le(&b, data + 72, 8);
    bytes_le(&b, data, 8);
    bytes_le(&b, data / 2, 8);
    bytes_le(&b, 0, 4);
    bytes_put(&b, wav.p + 12, 24); /* fmt */
    bytes_text(&b, "data");
    bytes_le(&b, 0xffffffffu, 4);
    bytes_put(&b, wav.p + 44, wav.n - 44);
    return b;
}

static void rf64_sizes(void **state)
{
    (void)state;
    expect_that("rf64", rf64(2 * N), WEFT_OK, "", N);
    expect_that("rf64, part of it", rf64(200), WEFT_OK, "", 100);
    expect_that("rf64, 2^63", rf64((uint64_t)1 << 63), WEFT_OK, "", N);
    expect_that("rf64, all ones", rf64(UINT64_MAX), WEFT_OK, "", N);
    expect_that("rf64, zero", rf64(0), WEFT_OK, "", N);
}

/* Sound that stops is used as far as it goes, and the log says so; a header that stops is refused.
 * */
static void truncated(void **state)
{
    static const struct {
        const char *name;
        bytes_made *of;
    } all[] = {{"flac", &flac}, {"vorbis", &vorbis}, {"opus", &opus},
               {"mp3", &mp3},   {"aiff", &aiff},     {"ima", &ima}};
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        for (uint64_t part = 1; part < 16; part++) {
            bytes_made    b = cut(all[i].of, all[i].of->n * part / 16);
            memory_source m = {.p = b.p, .n = b.n};
            weft_error    err = {.hdr = WEFT_HDR(weft_error)};
            decoded       d;
            weft_status   st = decode(decoder, &host, &m, NULL, 1000, &d, &err);
            if (st != WEFT_OK && st != WEFT_E_CORRUPT && st != WEFT_E_UNSUPPORTED)
                fail_msg("%s, %d/16: %d %s", all[i].name, (int)part, st, err.message);
            if (st != WEFT_OK)
                check_sentence(all[i].name, &err, "");
            else
                assert_true(d.n <= N + 3000);
            free(d.x);
            bytes_free(&b);
            n_files++;
        }
    expect_that("flac, magic only", cut(&flac, 4), WEFT_E_CORRUPT, "FLAC's header", 0);
    expect_that("flac, half a header", cut(&flac, 20), WEFT_E_CORRUPT, "FLAC's header", 0);
    expect_that("vorbis, one page", cut(&vorbis, 58), WEFT_E_CORRUPT, "before its first sample", 0);
    expect_that("aiff, cut in COMM", cut(&aiff, 24), WEFT_E_CORRUPT, "AIFF's header", 0);
}

/* Reads b as a file and expects that the log warns with these words, or ("") of nothing. Takes b.
 */
static void noted(const char *name, bytes_made b, const char *words, int64_t n)
{
    host.log[0] = '\0';
    one(name, &b, 0, WEFT_OK, "", n);
    if (words[0] == '\0' ? host.log[0] != '\0' : strstr(host.log, words) == NULL)
        fail_msg("%s: the log is \"%s\" and not \"%s\"", name, host.log, words);
    bytes_free(&b);
}

static void cut_is_noted(void **state)
{
    (void)state;
    noted("short wav", cut(&wav, 2044), "W the WAV ends after 1000 of 8000 samples", 1000);
    noted("short mp3", cut(&mp3, mp3.n / 2), "W the MP3 ends after", ANY_COUNT);
    noted("short flac", cut(&flac, flac.n - 100), "W the FLAC ends after", ANY_COUNT);
    noted("short aiff", cut(&aiff, aiff.n / 2), "W the AIFF ends before", ANY_COUNT);
    for (int i = 0; i < 2; i++) { /* long enough for several pages of sound */
        const int32_t codec = i == 0 ? SF_FORMAT_VORBIS : SF_FORMAT_OPUS;
        float        *x = sound_made(40 * N, 48000, 1);
        bytes_made    b = file_of(x, 40 * N, 48000, 1, SF_FORMAT_OGG | codec);
        noted("short ogg", cut(&b, b.n * 3 / 4), "W the Ogg ends before", ANY_COUNT);
        noted("whole ogg", b, "", ANY_COUNT);
        free(x);
    }
    noted("short coded wav", cut(&ima, ima.n / 2), "W the WAV ends before", ANY_COUNT);
}

static void whole_files_are_not_noted(void **state)
{
    bytes_made growing = with(&wav, 40, 0x7fffff00, 4); /* a recorder that does not know the end */
    bytes_made tagged = copy(&vorbis);
    (void)state;
    bytes_text(&tagged, "TAG of the first version of ID3, behind the last page");
    noted("wav", copy(&wav), "", N);
    noted("mp3", copy(&mp3), "", ANY_COUNT);
    noted("flac", copy(&flac), "", N);
    noted("aiff", copy(&aiff), "", N);
    noted("ogg", copy(&vorbis), "", ANY_COUNT);
    noted("opus", copy(&opus), "", ANY_COUNT);
    noted("coded wav", copy(&ima), "", ANY_COUNT);
    noted("wav that is being written", growing, "", N);
    noted("ogg with a tag behind it", tagged, "", ANY_COUNT);
}

static void damaged(void **state)
{
    float     *x = sound_made(5 * N, 48000, 1);
    bytes_made b = file_of(x, 5 * N, 48000, 1, SF_FORMAT_FLAC | SF_FORMAT_PCM_16);
    (void)state;
    free(x);
    for (uint64_t i = b.n / 2; i < b.n / 2 + 200; i++)
        b.p[i] = 0x55;
    expect_that("flac, 200 bytes", b, WEFT_E_CORRUPT, "FLAC is damaged", 0);
    b = copy(&mp3);
    for (uint64_t i = b.n / 4; i < b.n; i++)
        b.p[i] = (uint8_t)(i * 37);
    bytes_le(&b, 0, 8);
    for (int i = 0; i < 8000; i++)
        bytes_le(&b, 'x', 1);
    expect_that("mp3, three quarters", b, WEFT_E_CORRUPT, "MP3 is damaged", 0);
    b = text("ID3\x03");
    bytes_put(&b, "\0\0\0\0\x20\0", 6);
    for (int i = 0; i < 20000; i++)
        bytes_le(&b, (uint64_t)(i % 97), 1);
    expect_that("a tag and no mp3", b, WEFT_E_CORRUPT, "no MPEG sound", 0);
    b = text("ID3\x03");
    bytes_put(&b, "\0\0\x7f\x7f\x7f\x7f", 6); /* 256 MiB, says the tag */
    expect_that("a tag of 256 MiB", b, WEFT_E_CORRUPT, "no MPEG sound", 0);
}

/* Two recordings of different shapes in one Ogg. */
static void chained_differently(void **state)
{
    float     *x = sound_made(N, 44100, 2);
    bytes_made other = file_of(x, N, 44100, 2, SF_FORMAT_OGG | SF_FORMAT_VORBIS), b = copy(&vorbis);
    (void)state;
    bytes_put(&b, other.p, other.n);
    expect_that("chain of two shapes", b, WEFT_E_UNSUPPORTED, "split it there", 0);
    b = copy(&vorbis);
    bytes_put(&b, opus.p, 60);
    expect_that("chain, second cut in its header", b, WEFT_E_CORRUPT, "before its first sample", 0);
    b = copy(&vorbis);
    bytes_text(&b, "and then a text");
    expect_that("ogg, text behind", b, WEFT_OK, "", N);
    free(x);
    bytes_free(&other);
}

/* FLAC's 36-bit count of samples, its rate and its channels are the header's word alone. */
static void flac_lies(void **state)
{
    bytes_made b = copy(&flac);
    (void)state;
    b.p[21] |= 0x0f; /* the count's high bits, then the rest: 2^36 - 1 samples */
    memset(b.p + 22, 0xff, 4);
    expect_that("flac of 2^36 samples", b, WEFT_OK, "", N);
    b = copy(&flac);
    b.p[18] = b.p[19] = 0;
    b.p[20] &= 0x0f;
    expect_that("flac of 0 Hz", b, WEFT_E_CORRUPT, "FLAC's header", 0);
    b = copy(&flac);
    b.p[18] = 0x9f;
    b.p[19] = 0xff;
    b.p[20] = (uint8_t)(b.p[20] | 0x60);
    one("flac of 655350 Hz", &b, 0, WEFT_E_LIMIT, "samples a second", 0);
    bytes_free(&b);
    n_files++;
}

/* A source that fails is not a damaged file. */
static void source_fails(void **state)
{
    bytes_made *all[] = {&wav, &flac, &vorbis, &mp3, &aiff};
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        for (uint64_t at = 1; at < all[i]->n; at += all[i]->n / 7) {
            memory_source m = {.p = all[i]->p, .n = all[i]->n, .fail_at = at};
            weft_error    err = {.hdr = WEFT_HDR(weft_error)};
            decoded       d;
            assert_int_equal(decode(decoder, &host, &m, NULL, 1000, &d, &err), WEFT_E_IO);
            check_sentence("a source that fails", &err, "could not be read");
        }
}

/* A pipe of a format that has to be held is held to 64 MiB and no further. */
static void endless_pipe(void **state)
{
    memory_source m = {.p = aiff.p, .n = aiff.n, .pipe = 1, .padding = (uint64_t)1 << 40};
    weft_error    err = {.hdr = WEFT_HDR(weft_error)};
    decoded       d;
    (void)state;
    assert_int_equal(decode(decoder, &host, &m, NULL, 1000, &d, &err), WEFT_E_LIMIT);
    check_sentence("endless", &err, "save it to a file first");
    assert_true(m.furthest <= (uint64_t)65 << 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(not_sound),    cmocka_unit_test(wav_headers),
        cmocka_unit_test(wav_sizes),    cmocka_unit_test(honest_emptiness),
        cmocka_unit_test(not_numbers),  cmocka_unit_test(rf64_sizes),
        cmocka_unit_test(truncated),    cmocka_unit_test(cut_is_noted),
        cmocka_unit_test(damaged),      cmocka_unit_test(chained_differently),
        cmocka_unit_test(flac_lies),    cmocka_unit_test(source_fails),
        cmocka_unit_test(endless_pipe), cmocka_unit_test(whole_files_are_not_noted),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
