/* SPDX-License-Identifier: Apache-2.0 */
/* Sound in blocks: ffmpeg's own samples, whatever the block; and which decoder a file's first bytes
 * choose. */
#include "tests/ffmpeg/clips.h"

#include <stdlib.h>

#define TONE(RATE) "-f lavfi -i \"sine=f=440:r=" RATE ":d=1.3,volume=0.7\" "
#define STEREO(RATE) "-f lavfi -i \"aevalsrc='0.5*sin(2500*t)|0.4*sin(4100*t)':s=" RATE ":d=1.3\" "

typedef struct recipe {
    const char *name, *arguments;
    int32_t     rate, channels;
} recipe;

static const recipe recipes[] = {
    {"aac.m4a", TONE("44100") "-c:a aac", 44100, 1},
    {"aac.mp4", "-f lavfi -i testsrc=s=64x48:d=1 " STEREO("48000") "-c:v libx264 -c:a aac", 48000,
     2},
    {"aac.aac", STEREO("32000") "-c:a aac", 32000, 2},
    {"opus.webm", STEREO("48000") "-c:a libopus", 48000, 2},
    {"vorbis.webm", TONE("22050") "-c:a libvorbis", 22050, 1},
    {"flac.mka", STEREO("96000") "-c:a flac", 96000, 2},
    {"mp3.mkv", STEREO("44100") "-c:a libmp3lame", 44100, 2},
    {"mp3.mp3", TONE("16000") "-c:a libmp3lame", 16000, 1},
    {"flac.flac", TONE("16000") "-c:a flac", 16000, 1},
    {"opus.ogg", TONE("48000") "-c:a libopus", 48000, 1},
    {"pcm.wav", TONE("8000") "-c:a pcm_u8", 8000, 1},
    {"pcm24.mov", STEREO("48000") "-c:a pcm_s24be", 48000, 2},
    {"float.mkv", STEREO("48000") "-c:a pcm_f32le", 48000, 2},
    {"pcm.avi", "-f lavfi -i testsrc=s=64x48:d=1 " TONE("44100") "-c:v mpeg4 -c:a pcm_s16le", 44100,
     1},
    {"mulaw.mov", TONE("8000") "-c:a pcm_mulaw", 8000, 1},
    {"5.1.mkv", "-f lavfi -i anoisesrc=r=48000:d=0.5:seed=3 -ac 6 -c:a flac", 48000, 6},
};

static int64_t read_block(clip *c, int64_t n, float *dst)
{
    int64_t       got = -1;
    const int64_t shape[2] = {n, c->info.channels};
    weft_tensor   t = weft_view(NULL, dst, WEFT_F32, 2, shape);
    if (clips_decoder()->read_audio(c->dec, n, &t, &got, &c->err) != WEFT_OK)
        fail_msg("%s", c->err.message);
    assert_true(got >= 0 && got <= n);
    return got;
}

static void check_sound(const recipe *r, const char *path, const float *want, uint64_t n)
{
    clip     c;
    uint32_t random = 5;
    int64_t  at = 0, total = (int64_t)n / r->channels, block, got;
    clip_start(&c, path, "audio");
    assert_int_equal(c.info.sample_rate, r->rate);
    assert_int_equal(c.info.channels, r->channels);
    assert_int_equal(c.info.n_samples, -1);
    do {
        random = random * 1664525u + 1013904223u;
        block = (random >> 20) % 4 == 0 ? 1 + (random >> 8) % 9 : 1 + (random >> 8) % 5000;
        float *p = malloc((size_t)(block * r->channels) * sizeof *p);
        got = read_block(&c, block, p);
        assert_true(at + got <= total);
        if (memcmp(p, want + at * r->channels, (size_t)(got * r->channels) * sizeof *p) != 0)
            fail_msg("%s: samples %lld to %lld are not ffmpeg's", path, (long long)at,
                     (long long)(at + got));
        free(p);
        at += got;
    } while (got == block);
    assert_int_equal(at, total);
    float none[8];
    assert_int_equal(read_block(&c, 1, none), 0);
    clip_shut(&c);
}

static void samples_are_ffmpegs_own(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof recipes / sizeof recipes[0]; i++) {
        char        arguments[1024];
        uint64_t    n;
        const char *path = clips_make(recipes[i].name, recipes[i].arguments);
        snprintf(arguments, sizeof arguments, "-i \"%s\" -map 0:a:0 -c:a pcm_f32le -f f32le", path);
        uint8_t *want = clips_read(clips_make("want.raw", arguments), &n);
        check_sound(&recipes[i], path, (const float *)(const void *)want, n / sizeof(float));
        free(want);
    }
}

/* A limit of 0 forbids. */
static void no_samples_are_none(void **state)
{
    weft_limits lim = {.hdr = WEFT_HDR(weft_limits), .max_samples = 0};
    outcome     where;
    clip        c;
    (void)state;
    memset(&c, 0, sizeof c);
    c.source.p = c.bytes =
        clips_read(clips_make("none.m4a", TONE("44100") "-c:a aac"), &c.source.n);
    assert_int_equal(clip_use(&c, "audio", &lim, &where), WEFT_E_LIMIT);
    assert_non_null(strstr(c.err.message, "--max-samples"));
    clip_shut(&c);
}

static void limits_and_misuse_have_sentences(void **state)
{
    const char *path = clips_make("limit.m4a", TONE("44100") "-c:a aac");
    clip        c;
    weft_limits lim = {.hdr = WEFT_HDR(weft_limits), .max_samples = 5000};
    float       samples[4096];
    int64_t     got, time = 0, shape[2] = {4096, 1};
    weft_tensor t = weft_view(NULL, samples, WEFT_F32, 2, shape);
    (void)state;
    memset(&c, 0, sizeof c);
    c.source.p = c.bytes = clips_read(path, &c.source.n);
    assert_int_equal(clip_try(&c, "audio", &lim), WEFT_OK);
    const weft_decoder *d = clips_decoder();
    assert_int_equal(d->read_frames(c.dec, &time, 1, &t, &got, &c.err), WEFT_E_STATE);
    assert_int_equal(d->read_audio(c.dec, 4096, &t, &got, &c.err), WEFT_OK);
    assert_int_equal(got, 4096);
    assert_int_equal(d->read_audio(c.dec, 4096, &t, &got, &c.err), WEFT_E_LIMIT);
    assert_non_null(strstr(c.err.message, "--max-samples"));
    assert_int_equal(d->read_audio(c.dec, 4097, &t, &got, &c.err), WEFT_E_INVALID);
    assert_int_equal(d->read_audio(c.dec, -1, &t, &got, &c.err), WEFT_E_INVALID);
    t.bytes--;
    assert_int_equal(d->read_audio(c.dec, 4096, &t, &got, &c.err), WEFT_E_INVALID);
    assert_int_equal(d->read_audio(c.dec, 4096, NULL, &got, &c.err), WEFT_E_INVALID);
    clip_shut(&c);
}

/* ---- probe ---- */

typedef struct guess {
    const char *head, *name;
    uint64_t    n;
    int32_t     image, video, audio; /* expected scores */
} guess;

#define HEAD(TEXT) TEXT "0123456789abcdef0123456789abcdef"

/* How often a GIF is shown: 19 bytes. */
#define NETSCAPE "\x21\xff\x0bNETSCAPE2.0\3\1\0\0\0"

static const guess guesses[] = {
    {HEAD("\0\0\0\x20"
          "ftypisom"),
     NULL, 40, 0, 80, 60},
    {HEAD("\0\0\0\x20"
          "ftypisom"),
     "talk.M4A", 40, 0, 60, 80},
    {HEAD("\0\0\0\x20"
          "ftypM4A "),
     NULL, 40, 0, 30, 80},
    {HEAD("\0\0\0\x20"
          "ftypavif"),
     NULL, 40, 80, 0, 0},
    {HEAD("\0\0\0\x20"
          "ftypavis"),
     NULL, 40, 60, 80, 0},
    {"\0\0\0\x18"
     "ftypmif1\0\0\0\0mif1avif",
     NULL, 24, 80, 0, 0},
    {"\0\0\0\x18"
     "ftypheic\0\0\0\0mif1heic",
     NULL, 24, 0, 0, 0},
    {"\0\0\0\x14"
     "ftypmif1\0\0\0\0mif1avif",
     NULL, 24, 0, 0, 0}, /* the brand is past the box */
    {HEAD("\x1a\x45\xdf\xa3"), NULL, 30, 0, 80, 60},
    {HEAD("\x1a\x45\xdf\xa3"), "a.weba", 30, 0, 60, 80},
    {HEAD("RIFF0000AVI "), NULL, 40, 0, 80, 60},
    {HEAD("RIFF0000WEBP"), NULL, 40, 80, 0, 0},
    {HEAD("RIFF0000WAVE"), NULL, 40, 0, 0, 60},
    {HEAD("RIFF0000JUNK"), NULL, 40, 0, 0, 0},
    {HEAD("GIF89a"), NULL, 30, 80, 60, 0},
    {HEAD("GIF88a"), NULL, 30, 0, 0, 0},
    {"GIF89a\1\0\1\0\0\0\0" NETSCAPE, NULL, 32, 60, 80, 0},
    {"GIF89a\1\0\1\0\x80\0\0"
     "RGBRGB" NETSCAPE,
     NULL, 38, 60, 80, 0},
    {"GIF89a\1\0\1\0\0\0\0"
     "\x21\xfe\3abc\0" NETSCAPE,
     NULL, 39, 60, 80, 0},
    {"GIF89a\1\0\1\0\0\0\0"
     "\x21\xfe\xff" NETSCAPE,
     NULL, 35, 80, 60, 0},                                    /* inside of a comment */
    {"GIF89a\1\0\1\0\x87\0\0" NETSCAPE, NULL, 32, 80, 60, 0}, /* inside of a table */
    {HEAD("\0\0\0\x08moov"), NULL, 30, 0, 60, 40},
    {HEAD("OggS"), NULL, 30, 0, 0, 60},
    {HEAD("fLaC"), NULL, 30, 0, 0, 60},
    {HEAD("ID3"), NULL, 30, 0, 0, 60},
    {HEAD("\xff\xfb\x90\x64"), NULL, 30, 0, 0, 40},
    {HEAD("\xff\xf1\x50\x80\x2f\xff\xfc"), NULL, 30, 0, 0, 40},
    {HEAD("\x89PNG\r\n\x1a\n"), NULL, 30, 0, 0, 0},
    {HEAD("\xff\xd8\xff\xe0"), NULL, 30, 0, 0, 0}, /* JPEG is no MPEG audio */
    {HEAD("#EXTM3U"), NULL, 30, 0, 0, 0},
    {HEAD("nothing known"), "a.mp4", 40, 0, 25, 0},
    {HEAD("nothing known"), "a.webp", 40, 25, 0, 0},
    {HEAD("nothing known"), "a.aac", 40, 0, 0, 25},
    {"", NULL, 0, 0, 0, 0},
    {"RIFF", NULL, 4, 0, 0, 0},
};

static void the_first_bytes_choose(void **state)
{
    static const char *const kinds[] = {"image", "video", "audio", "org.example.other"};
    (void)state;
    for (size_t i = 0; i < sizeof guesses / sizeof guesses[0]; i++) {
        const guess  *g = &guesses[i];
        uint8_t      *copy = malloc(g->n + 1); /* of exactly n, for the sanitizer's eyes */
        const int32_t want[4] = {g->image, g->video, g->audio, 0};
        memcpy(copy, g->head, g->n);
        for (int k = 0; k < 4; k++) {
            weft_probe p = {WEFT_HDR(weft_probe), kinds[k], copy, g->n, g->name};
            int32_t    score = clips_decoder()->probe(&p);
            if (score != want[k])
                fail_msg("guess %zu, %s: %d, not %d", i, kinds[k], score, want[k]);
        }
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_are_ffmpegs_own),
        cmocka_unit_test(limits_and_misuse_have_sentences),
        cmocka_unit_test(no_samples_are_none),
        cmocka_unit_test(the_first_bytes_choose),
    };
    if (!clips_tools())
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
