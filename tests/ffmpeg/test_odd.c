/* SPDX-License-Identifier: Apache-2.0 */
/* Damaged, hostile and odd files: each ends in its status with a sentence, or gives its frames, and
 * holds nothing afterwards. */
#include "tests/ffmpeg/clips.h"

#include <stdlib.h>
#include <time.h>

#define X264 "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 10 "
#define SMALL BARS("10", "3") X264
#define FAST SMALL "-movflags +faststart"

typedef struct odd {
    const char *name, *kind;
    outcome     where;
    weft_status status;
    const char *says;
} odd;

static void check_bytes(const odd *o, const uint8_t *p, uint64_t n)
{
    clip    c;
    outcome where;
    memset(&c, 0, sizeof c);
    c.source.p = p;
    c.source.n = n;
    weft_status st = clip_use(&c, o->kind, NULL, &where);
    if (st != o->status || where != o->where)
        fail_msg("%s: status %d at step %d, not %d at %d: %s", o->name, st, (int)where, o->status,
                 (int)o->where, c.err.message);
    if (st != WEFT_OK) {
        assert_int_equal(c.err.code, st);
        if (strstr(c.err.message, o->says) == NULL)
            fail_msg("%s: \"%s\" does not say \"%s\"", o->name, c.err.message, o->says);
    }
    clip_shut(&c);
}

static void check_path(const odd *o, const char *path)
{
    uint64_t n;
    uint8_t *p = clips_read(path, &n);
    check_bytes(o, p, n);
    free(p);
}

/* ---- files that a tool can make ---- */

typedef struct made {
    odd         expect;
    const char *arguments;
} made;

static const made tool_made[] = {
    {{"no-picture.mp4", "video", AT_OPEN, WEFT_E_NOTFOUND, "no video stream"},
     "-f lavfi -i sine=d=0.3 -c:a aac"},
    {{"no-sound.mp4", "audio", AT_OPEN, WEFT_E_NOTFOUND, "no sound stream"}, SMALL},
    {{"cover.m4a", "video", AT_OPEN, WEFT_E_NOTFOUND, "no video stream"},
     "-f lavfi -i sine=d=0.3 -f lavfi -i testsrc=s=64x48:d=0.04 -map 0 -map 1 "
     "-c:a aac -c:v png -disposition:v attached_pic"},
    {{"cover-sound.m4a", "audio", READS, WEFT_OK, ""},
     "-f lavfi -i sine=d=0.3 -f lavfi -i testsrc=s=64x48:d=0.04 -map 0 -map 1 "
     "-c:a aac -c:v png -disposition:v attached_pic"},
    {{"one-frame.mp4", "video", READS, WEFT_OK, ""},
     "-f lavfi -i testsrc=s=64x48 -frames:v 1 " X264},
    {{"one-frame.gif", "video", READS, WEFT_OK, ""}, "-f lavfi -i testsrc=s=64x48 -frames:v 1"},
    {{"1x1.gif", "image", READS, WEFT_OK, ""}, "-f lavfi -i testsrc=s=1x1 -frames:v 1"},
    {{"1x1.mov", "video", READS, WEFT_OK, ""}, "-f lavfi -i testsrc=s=1x1:d=0.2 -c:v png"},
    {{"1x1.webp", "image", READS, WEFT_OK, ""},
     "-f lavfi -i testsrc=s=1x1 -frames:v 1 -c:v libwebp"},
    {{"2x2.mp4", "video", READS, WEFT_OK, ""}, "-f lavfi -i testsrc=s=2x2:d=0.2 " X264},
    {{"long-thin.mov", "video", READS, WEFT_OK, ""}, "-f lavfi -i color=s=4000x2:d=0.2 -c:v png"},
    {{"8k.mp4", "video", READS, WEFT_OK, ""}, "-f lavfi -i color=s=7680x4320 -frames:v 1 " X264},
    {{"ffv1.mkv", "video", AT_OPEN, WEFT_E_UNSUPPORTED, "coded as ffv1"},
     "-f lavfi -i testsrc=s=64x48:d=0.2 -c:v ffv1"},
    {{"raw.avi", "video", AT_OPEN, WEFT_E_UNSUPPORTED, "coded as rawvideo"},
     "-f lavfi -i testsrc=s=64x48:d=0.2 -c:v rawvideo"},
    {{"ima.mov", "audio", AT_OPEN, WEFT_E_UNSUPPORTED, "coded as adpcm_ima_qt"},
     "-f lavfi -i sine=d=0.3 -c:a adpcm_ima_qt"},
    {{"no-sound.ts", "audio", AT_OPEN, WEFT_E_NOTFOUND, "no sound stream"}, SMALL},
    {{"no-picture.ts", "video", AT_OPEN, WEFT_E_NOTFOUND, "no video stream"},
     "-f lavfi -i sine=d=0.3 -c:a mp2"},
    {{"655350-hz.wav", "audio", AT_OPEN, WEFT_E_UNSUPPORTED, "655350 samples a second"},
     "-f lavfi -i anullsrc=r=655350:d=0.1 -c:a pcm_s16le"},
    {{"1000-hz.wav", "audio", AT_OPEN, WEFT_E_UNSUPPORTED, "1000 samples a second"},
     "-f lavfi -i anullsrc=r=1000:d=0.1 -c:a pcm_s16le"},
    {{"16-channels.mka", "audio", AT_OPEN, WEFT_E_UNSUPPORTED, "16 channels"},
     "-f lavfi -i anullsrc=r=16000:cl=hexadecagonal:d=0.1 -c:a pcm_s16le"},
    {{"no-samples.wav", "audio", READS, WEFT_OK, ""},
     "-f lavfi -i anullsrc=r=16000:cl=mono -frames:a 0 -c:a pcm_s16le"},
    {{"one-sample.wav", "audio", READS, WEFT_OK, ""},
     "-f lavfi -i anullsrc=r=16000:cl=mono -af atrim=end_sample=1 -c:a pcm_s16le"},
    {{"many-streams.mkv", "video", READS, WEFT_OK, ""},
     "-f lavfi -i testsrc=s=16x16:d=0.2 -map 0 -map 0 -map 0 -map 0 -map 0 -map 0 -map 0 "
     "-c:v mjpeg -pix_fmt yuvj420p"},
    {{"empty.mkv", "video", AT_OPEN, WEFT_E_CORRUPT, "damaged"},
     "-f srt -i /dev/stdin -c:s srt < /dev/null"},
    {{"animated.webp", "image", READS, WEFT_OK, ""},
     "-f lavfi -i testsrc=s=16x16:d=0.3 -c:v libwebp_anim"},
    {{"slow.mp4", "video", READS, WEFT_OK, ""},
     "-f lavfi -i testsrc=s=16x16:r=1/600 -frames:v 3 " X264},
    {{"unindexed.mkv", "video", READS, WEFT_OK, ""}, SMALL "-live 1"},
    {{"unindexed.webm", "video", READS, WEFT_OK, ""},
     BARS("10", "2") "-c:v libvpx -deadline realtime -live 1"},
    {{"fragments.mp4", "video", READS, WEFT_OK, ""}, SMALL "-movflags frag_every_frame+empty_moov"},
    {{"changing.mkv", "video", READS, WEFT_OK, ""},
     "-f lavfi -i testsrc=s=64x48:d=1 -vf \"scale=w='if(gte(n,12),32,64)':h=48:eval=frame\" "
     "-c:v mjpeg -pix_fmt yuvj420p"},
};

static void odd_files_read_and_wrong_ones_say_why(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof tool_made / sizeof tool_made[0]; i++)
        check_path(&tool_made[i].expect,
                   clips_make(tool_made[i].expect.name, tool_made[i].arguments));
}

/* ---- files patched and made by hand ---- */

static uint64_t find(const uint8_t *p, uint64_t n, const char *what, uint64_t m)
{
    for (uint64_t i = 0; i + m <= n; i++)
        if (memcmp(p + i, what, m) == 0)
            return i;
    fail_msg("%s is not there", what);
    return 0;
}

/* Sets n bytes to a value at a distance from the text `what`; expects as `o` says. */
static void patched(const odd *o, const char *path, const char *what, int64_t distance,
                    const char *bytes, size_t n_bytes)
{
    uint64_t n;
    uint8_t *p = clips_read(path, &n);
    int64_t  at = (int64_t)find(p, n, what, strlen(what)) + distance;
    memcpy(p + at, bytes, n_bytes);
    check_bytes(o, p, n);
    free(p);
}

static int64_t duration_of(const char *path, const char *what, int64_t distance, const char *bytes,
                           size_t n_bytes)
{
    uint64_t n;
    clip     c;
    memset(&c, 0, sizeof c);
    c.bytes = clips_read(path, &n);
    memcpy(c.bytes + (int64_t)find(c.bytes, n, what, strlen(what)) + distance, bytes, n_bytes);
    c.source.p = c.bytes;
    c.source.n = n;
    assert_int_equal(clip_try(&c, "video", NULL), WEFT_OK);
    int64_t us = c.info.duration_us;
    clip_shut(&c);
    return us;
}

static void durations_that_lie_are_measured(void **state)
{
    const char *mp4 = clips_make("lie.mp4", SMALL), *mkv = clips_make("lie.mkv", SMALL);
    const char *avi = clips_make("lie.avi", BARS("10", "3") "-c:v mpeg4 -g 10");
    (void)state;
    assert_int_equal(duration_of(mp4, "mvhd", 20, "\x00\x10\x00\x00", 4), 3000000);
    assert_int_equal(duration_of(mp4, "mdhd", 20, "\x00\x10\x00\x00", 4), 3000000);
    assert_int_equal(duration_of(mp4, "mdhd", 20, "\x00\x00\x00\x01", 4), 3000000);
    /* a double: 33 million, then no number */
    assert_int_equal(duration_of(mkv, "\x44\x89\x88", 3, "\x41\x7f\xff\xff", 4), 3000000);
    assert_int_equal(duration_of(mkv, "\x44\x89\x88", 3, "\x7f\xf8\x00\x00", 4), 3000000);
    assert_int_equal(duration_of(avi, "strh", 40, "\xff\xff\xff\x7f", 4), 3000000);
}

static void headers_that_cannot_be_are_refused(void **state)
{
    const char *png = clips_make("head.mov", "-f lavfi -i testsrc=s=64x48:d=0.2 -c:v png");
    const char *mp4 = clips_make("head.mp4", FAST);
    const char *avi = clips_make("head.avi", "-f lavfi -i testsrc=s=64x48:d=1:r=10 -c:v mjpeg "
                                             "-pix_fmt yuvj420p");
    const char *gif = clips_make("head.gif", "-f lavfi -i testsrc=s=64x48:d=1");
    const odd   side = {"side", "video", AT_OPEN, WEFT_E_LIMIT, "--max-side"};
    const odd   pixels = {"pixels", "video", AT_OPEN, WEFT_E_LIMIT, "--max-pixels"};
    const odd   still = {"still", "image", AT_OPEN, WEFT_E_LIMIT, "--max-side"};
    const odd   fine = {"fine", "video", READS, WEFT_OK, ""};
    (void)state;
    patched(&side, png, "png \0\0\0\0\0\0\0\1", 28, "\xff\xff\x00\x10", 4);
    patched(&pixels, png, "png \0\0\0\0\0\0\0\1", 28, "\x7f\xff\x7f\xff", 4);
    patched(&still, gif, "GIF89a", 6, "\xff\xff\xff\xff", 4);
    patched(&side, gif, "GIF89a", 6, "\xff\xff\xff\xff", 4);
    patched(&fine, avi, "avih", 8, "\0\0\0\0", 4);          /* no time for a frame */
    patched(&fine, avi, "strh", 28, "\0\0\0\0\0\0\0\0", 8); /* zero frames a second */
    patched(&fine, mp4, "mdhd", 16, "\0\0\0\0", 4);         /* zero ticks a second */
    patched(&fine, avi, "idx1", 0, "JUNK", 4);              /* no index */
}

/* Bytes built up by hand. */
typedef struct built {
    uint8_t *p;
    uint64_t n;
} built;

static void put(built *b, const char *bytes, uint64_t n)
{
    memcpy(b->p + b->n, bytes, n);
    b->n += n;
}

static void put_be(built *b, uint64_t v, int bytes)
{
    while (bytes-- > 0)
        b->p[b->n++] = (uint8_t)(v >> (8 * bytes));
}

static void refuse_built(built *b, const odd *o)
{
    clock_t from = clock();
    check_bytes(o, b->p, b->n);
    /* processor time: a bomb costs a blink; 20 times the project's 0.05 s for sanitizers */
    assert_true(clock() - from < CLOCKS_PER_SEC);
    b->n = 0;
}

/* Ten thousand tracks in Matroska. FFmpeg 7 reads the first 64 of them, and none has a frame; those
 * before it refuse the file. */
static void refuse_tracks(built *b)
{
    const odd refused = {"tracks", "video", AT_OPEN, WEFT_E_LIMIT, "64 streams"};
    const odd empty = {"tracks", "video", AT_FIRST, WEFT_E_CORRUPT, "no frame"};
    outcome   where;
    clip      c;
    memset(&c, 0, sizeof c);
    c.source.p = b->p;
    c.source.n = b->n;
    clip_use(&c, "video", NULL, &where);
    clip_shut(&c);
    refuse_built(b, where == AT_OPEN ? &refused : &empty);
}

static void bombs_are_refused(void **state)
{
    built     b = {calloc(1, 4u << 20), 0};
    const odd streams = {"streams", "video", AT_OPEN, WEFT_E_LIMIT, "64 streams"};
    const odd damaged = {"damaged", "video", AT_OPEN, WEFT_E_CORRUPT, ""};
    (void)state;
    put(&b,
        "\0\0\0\x14"
        "ftypisom\0\0\2\0isom",
        20); /* ten thousand tracks */
    put_be(&b, 8 + 10000 * 100, 4);
    put(&b, "moov", 4);
    for (int i = 0; i < 10000; i++) {
        put(&b, "\0\0\0\x64trak\0\0\0\x5ctkhd", 16);
        b.n += 84;
    }
    refuse_built(&b, &streams);
    memset(b.p, 0, 2u << 20);
    put(&b, "\x1a\x45\xdf\xa3\x8b\x42\x82\x88matroska", 16);
    put(&b, "\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff\x16\x54\xae\x6b\x10", 17);
    put_be(&b, 10000 * 24, 3);
    for (int i = 0; i < 10000; i++) /* number, type 1, codec V_VP8, 16 x 16 */
        put(&b,
            "\xae\x96\xd7\x81\x01\x83\x81\x01\x86\x86"
            "V_VP8\0\xe0\x86\xb0\x81\x10\xba\x81\x10",
            24);
    put(&b, "\x1f\x43\xb6\x75\x83\xe7\x81\0", 8); /* an empty cluster */
    refuse_tracks(&b);
    put(&b,
        "\0\0\0\x14"
        "ftypisom\0\0\2\0isom",
        20); /* ten thousand boxes in each other */
    for (uint64_t i = 0; i < 10000; i++) {
        put_be(&b, 8 * (10000 - i), 4);
        put(&b, "moov", 4);
    }
    refuse_built(&b, &damaged);
    free(b.p);
}

static void texts_and_stumps_are_no_clips(void **state)
{
    static const char *const texts[] = {
        "",
        "x",
        "RIFF",
        "#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
        "ffconcat version 1.0\nfile x\n",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\n",
        "<?xml version=\"1.0\"?><MPD></MPD>",
    };
    static const char *const stumps[] = {
        "\0\0\0\x14"
        "ftypisom\0\0\2\0isom",
        "\x1a\x45\xdf\xa3\x8b\x42\x82\x88matroska",
        "RIFF\x20\0\0\0AVI LIST",
        "GIF89a\1\0\1\0\0\0\0;xxx",
        "\0\0\0\x08moov\0\0\0\x08mdat",
        "\xff\xff\xff\xff"
        "ftypisom\0\0\2\0isom",
        "\0\0\0\x10moov\xff\xff\xff\xfftrak",
    };
    const odd text = {"text", "video", AT_OPEN, WEFT_E_CORRUPT, "begins as none"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        check_bytes(&text, (const uint8_t *)texts[i], strlen(texts[i]));
    for (size_t i = 0; i < sizeof stumps / sizeof stumps[0]; i++) {
        clip    c;
        outcome where;
        memset(&c, 0, sizeof c);
        c.source.p = (const uint8_t *)stumps[i];
        c.source.n = 16;
        weft_status st = clip_use(&c, "video", NULL, &where);
        if (st != WEFT_E_CORRUPT && st != WEFT_E_UNSUPPORTED)
            fail_msg("stump %zu: %d %s", i, st, c.err.message);
        assert_true(strlen(c.err.message) > 10);
        clip_shut(&c);
    }
}

/* ---- truncation and damage ---- */

typedef struct sample {
    const char *name, *kind, *arguments;
    int         strict; /* cut before its last 128 bytes it must be refused */
} sample;

static const sample samples[] = {
    {"s.mp4", "video", SMALL, 1},
    {"s-fast.mp4", "video", FAST, 1},
    {"s.mkv", "video", SMALL, 0},
    {"s.avi", "video", BARS("10", "1") "-c:v mpeg4", 0},
    {"s.ts", "video", SMALL, 0},
    {"sound.ts", "audio", "-f lavfi -i sine=d=0.5 -c:a ac3", 0},
    {"s.gif", "image", BARS("10", "1"), 0},
    {"s.gif", "video", BARS("10", "1"), 0},
    {"s.webp", "image", "-f lavfi -i testsrc=s=64x48 -frames:v 1 -c:v libwebp", 1},
    {"s-alpha.webp", "image",
     "-f lavfi -i testsrc=s=32x24,format=bgra -frames:v 1 -c:v libwebp -lossless 1", 1},
    {"s.avif", "image", "-f lavfi -i testsrc=s=64x48 -frames:v 1 -c:v libaom-av1 -cpu-used 8", 1},
    {"s.m4a", "audio", "-f lavfi -i sine=d=0.5 -c:a aac -movflags +faststart", 1},
    {"s.weba", "audio", "-f lavfi -i sine=d=0.5 -c:a libopus -f webm", 0},
    {"s.ogg", "audio", "-f lavfi -i sine=d=0.5 -c:a libvorbis", 0},
};
#define N_SAMPLES (sizeof samples / sizeof samples[0])

static int is_refusal(weft_status st)
{
    return st == WEFT_E_CORRUPT || st == WEFT_E_UNSUPPORTED || st == WEFT_E_LIMIT ||
           st == WEFT_E_NOTFOUND;
}

static void cut_files_are_refused_or_shorter(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_SAMPLES; i++) {
        uint64_t n, step;
        uint8_t *p = clips_read(clips_make(samples[i].name, samples[i].arguments), &n);
        step = n / 50 + 1;
        for (uint64_t cut = 0; cut < n; cut += cut < 64 ? 8 : step) {
            clip     c;
            outcome  where;
            uint8_t *copy = malloc(cut + 1); /* of exactly that, for the sanitizer's eyes */
            memcpy(copy, p, cut);
            memset(&c, 0, sizeof c);
            c.source.p = copy;
            c.source.n = cut;
            weft_status st = clip_use(&c, samples[i].kind, NULL, &where);
            int         tail = cut + 128 > n; /* tags behind an MP4's index are not missed */
            if (!is_refusal(st) && (st != WEFT_OK || (samples[i].strict && !tail)))
                fail_msg("%s cut at %llu of %llu: %d %s", samples[i].name, (unsigned long long)cut,
                         (unsigned long long)n, st, c.err.message);
            clip_shut(&c);
            free(copy);
        }
        free(p);
    }
}

static void changed_bytes_never_crash(void **state)
{
    uint32_t random = 11;
    (void)state;
    for (size_t i = 0; i < N_SAMPLES; i++) {
        uint64_t n;
        uint8_t *p = clips_read(clips_make(samples[i].name, samples[i].arguments), &n);
        uint8_t *copy = malloc(n);
        for (int tries = 0; tries < 60; tries++) {
            clip    c;
            outcome where;
            memcpy(copy, p, n);
            for (int k = 0; k < 4; k++) { /* headers lie at the ends */
                random = random * 1664525u + 1013904223u;
                uint64_t at = (random >> 8) % (k % 2 != 0 || n < 1024 ? n : 1024);
                copy[k == 2 ? n - 1 - at : at] = (uint8_t)(random >> 3);
            }
            memset(&c, 0, sizeof c);
            c.source.p = copy;
            c.source.n = n;
            weft_status st = clip_use(&c, samples[i].kind, NULL, &where);
            if (st != WEFT_OK && !is_refusal(st))
                fail_msg("%s, try %d: %d %s", samples[i].name, tries, st, c.err.message);
            clip_shut(&c);
        }
        free(copy);
        free(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(odd_files_read_and_wrong_ones_say_why),
        cmocka_unit_test(durations_that_lie_are_measured),
        cmocka_unit_test(headers_that_cannot_be_are_refused),
        cmocka_unit_test(bombs_are_refused),
        cmocka_unit_test(texts_and_stumps_are_no_clips),
        cmocka_unit_test(cut_files_are_refused_or_shorter),
        cmocka_unit_test(changed_bytes_never_crash),
    };
    if (!clips_tools())
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
