/* SPDX-License-Identifier: Apache-2.0 */
/* Sound lies where the time stamps of its container say: it may start later than the pictures, and
 * it may have holes. And which of several tracks is read. */
#include "tests/ffmpeg/clips.h"

#include <math.h>
#include <stdlib.h>

#define RATE 48000
#define PICTURES "-f lavfi -i testsrc=s=64x48:d=2:r=10 "
/* A second of a tone, which begins a second after the pictures. */
#define LATE PICTURES "-itsoffset 1 -f lavfi -i sine=f=440:d=1:r=48000 -map 0 -map 1 "
/* Two seconds of a tone with three seconds of nothing between them. */
#define HOLE                                                                                       \
    "-f lavfi -i sine=f=440:d=2:r=48000 -filter_complex "                                          \
    "\"[0:a]asetpts='PTS+if(gte(T,1),3/TB,0)'[o]\" -map \"[o]\" "
/* Codecs add a little at the start, and cut sound into blocks of up to 50 ms. */
#define NEAR (RATE * 6 / 100)

typedef struct heard {
    float  *x;
    int64_t n;
} heard;

static heard hear(clip *c, const char *path)
{
    heard   h = {calloc(RATE, 20 * sizeof(float)), 0};
    int64_t got = 1;
    clip_start(c, path, "audio");
    assert_int_equal(c->info.sample_rate, RATE);
    assert_int_equal(c->info.channels, 1);
    while (got > 0 && h.n < 19 * RATE) {
        const int64_t shape[2] = {1000, 1};
        weft_tensor   t = weft_view(NULL, h.x + h.n, WEFT_F32, 2, shape);
        assert_int_equal(clips_decoder()->read_audio(c->dec, 1000, &t, &got, &c->err), WEFT_OK);
        h.n += got;
    }
    return h;
}

/* The next sample from `at` on that is loud (or, loud being 0, the first of 0.2 s of quiet). */
static int64_t next(const heard *h, int64_t at, int loud)
{
    int64_t quiet = 0;
    for (; at < h->n; at++) {
        int is_loud = fabsf(h->x[at]) > 0.02f;
        quiet = is_loud ? 0 : quiet + 1;
        if (loud && is_loud)
            return at;
        if (!loud && quiet == RATE / 5)
            return at - quiet + 1;
    }
    return h->n;
}

static void near(const char *name, const char *what, int64_t got, int64_t want)
{
    if (llabs(got - want) > NEAR)
        fail_msg("%s: %s at sample %lld and not about %lld", name, what, (long long)got,
                 (long long)want);
}

typedef struct made {
    const char *name, *arguments;
} made;

static void late_sound_is_late(void **state)
{
    static const made all[] = {
        {"late.mp4", LATE "-c:v libx264 -c:a aac"},
        {"late-fragments.mp4", LATE "-c:v libx264 -c:a aac -movflags frag_keyframe+delay_moov"},
        {"late.mov", LATE "-c:v libx264 -c:a pcm_s16le"},
        {"late-pcm.mkv", LATE "-c:v libx264 -c:a pcm_s16le"},
        {"late-opus.mkv", LATE "-c:v libx264 -c:a libopus"},
        {"late-aac.mkv", LATE "-c:v libx264 -c:a aac"},
        {"late.webm", LATE "-c:v libvpx -c:a libopus"},
        {"late-vorbis.webm", LATE "-c:v libvpx -c:a libvorbis"},
        {"late.ts", LATE "-c:v libx264 -c:a aac"},
        {"late.m2ts", LATE "-c:v libx264 -c:a ac3 -mpegts_m2ts_mode 1"},
        {"late-day.ts", LATE "-c:v libx264 -c:a mp2 -output_ts_offset 20000"},
        {"late-wrap.ts", LATE "-c:v mpeg2video -r 25 -c:a mp2 -muxdelay 0 -output_ts_offset 95443"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        clip  c;
        heard h = hear(&c, clips_make(all[i].name, all[i].arguments));
        near(all[i].name, "sound", next(&h, 0, 1), RATE);
        near(all[i].name, "the end", h.n, 2 * RATE);
        for (int64_t k = 0; k < RATE - NEAR; k++)
            assert_true(fabsf(h.x[k]) < 1e-3f);
        clip_shut(&c);
        free(h.x);
    }
}

/* What an AVI says of the time before its sound is a number of its own units in the stream's header
 * (dwStart). ffmpeg writes 0 there, whatever it knew. */
static void late_sound_in_avi_is_late(void **state)
{
    static const struct {
        const char *name, *arguments;
        uint32_t    start; /* of what a second has */
    } all[] = {{"plain.avi", "-c:v mpeg4 -c:a pcm_s16le", RATE},
               {"mp3.avi", "-c:v mpeg4 -c:a libmp3lame", 42}}; /* 41.7 packets of 1152 samples */
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        char     arguments[512];
        uint64_t n, at = 0;
        clip     c;
        snprintf(arguments, sizeof arguments,
                 PICTURES "-f lavfi -i sine=f=440:d=1:r=48000 -map 0 -map 1 %s", all[i].arguments);
        uint8_t *p = clips_read(clips_make(all[i].name, arguments), &n);
        while (at + 48 < n && memcmp(p + at, "auds", 4) != 0)
            at++;
        assert_true(at + 48 < n);
        memcpy(p + at + 28, &all[i].start, 4);
        clips_write(clips_path("late.avi"), p, n);
        heard h = hear(&c, clips_path("late.avi"));
        near(all[i].name, "sound", next(&h, 0, 1), RATE);
        near(all[i].name, "the end", h.n, 2 * RATE);
        clip_shut(&c);
        free(h.x);
        free(p);
    }
}

/* Ogg knows no start of a stream but the position of its first page. */
static void late_sound_in_ogg_is_late(void **state)
{
    char  arguments[512];
    clip  c;
    heard h;
    (void)state;
    snprintf(arguments, sizeof arguments, "-i \"%s\" -c copy",
             clips_make("late-theora.mkv", LATE "-c:v libtheora -c:a libopus"));
    h = hear(&c, clips_make("late.ogv", arguments));
    near("late.ogv", "sound", next(&h, 0, 1), RATE);
    near("late.ogv", "the end", h.n, 2 * RATE);
    clip_shut(&c);
    free(h.x);
}

static void holes_are_silent(void **state)
{
    static const made all[] = {
        {"hole.mka", HOLE "-c:a pcm_s16le"}, {"hole-opus.mka", HOLE "-c:a libopus"},
        {"hole.webm", HOLE "-c:a libopus"},  {"hole.m4a", HOLE "-c:a aac"},
        {"hole-flac.mka", HOLE "-c:a flac"}, {"hole.ts", HOLE "-c:a aac"},
        {"hole-ac3.ts", HOLE "-c:a ac3"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        clip    c;
        heard   h = hear(&c, clips_make(all[i].name, all[i].arguments));
        int64_t from = next(&h, NEAR, 0);
        near(all[i].name, "a hole", from, RATE);
        near(all[i].name, "sound again", next(&h, from, 1), 4 * RATE);
        near(all[i].name, "the end", h.n, 5 * RATE);
        clip_shut(&c);
        free(h.x);
    }
}

/* A recording alone begins with its first sample, whatever its clock says. */
static void sound_alone_begins_at_once(void **state)
{
    static const made all[] = {{"clock.mka", "-c:a pcm_s16le"}, {"clock.ts", "-c:a mp2"}};
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        char  arguments[256];
        clip  c;
        heard h;
        snprintf(arguments, sizeof arguments,
                 "-itsoffset 3600 -f lavfi -i sine=f=440:d=1:r=48000 -copyts %s", all[i].arguments);
        h = hear(&c, clips_make(all[i].name, arguments));
        near(all[i].name, "sound", next(&h, 0, 1), 0);
        near(all[i].name, "the end", h.n, RATE);
        clip_shut(&c);
        free(h.x);
    }
}

/* Sound whose clock is set back drops nothing and adds nothing. */
static void a_clock_set_back_is_no_hole(void **state)
{
    clip  c;
    heard h;
    (void)state;
    h = hear(&c, clips_make("back.mka", "-f lavfi -i sine=f=440:d=2:r=48000 -filter_complex "
                                        "\"[0:a]asetpts='PTS+if(gte(T,1),0,100000/TB)'[o]\" "
                                        "-map \"[o]\" -c:a pcm_s16le"));
    assert_true(h.n >= 2 * RATE - 2048 && h.n <= 2 * RATE);
    assert_true(next(&h, NEAR, 0) == h.n);
    clip_shut(&c);
    free(h.x);
}

/* ---- cut files ---- */

/* Reads what is there of the file's first bytes, n or all, and says whether the log warns. */
static int warns(const char *path, const char *kind, uint64_t n)
{
    clip    c;
    outcome where;
    memset(&c, 0, sizeof c);
    c.source.p = c.bytes = clips_read(path, &c.source.n);
    c.source.n = n < c.source.n ? n : c.source.n;
    weft_status st = clip_use(&c, kind, NULL, &where);
    if (st != WEFT_OK)
        fail_msg("%s: %s", path, c.err.message);
    int found = strstr(c.host.log, "ends before its format says") != NULL;
    clip_shut(&c);
    return found;
}

static void cut_files_warn_and_whole_ones_do_not(void **state)
{
    static const struct {
        const char *name, *kind, *arguments;
        int         live; /* it does not say how long it is */
    } all[] = {
        {"cut.webm", "audio", "-f lavfi -i sine=d=3:r=48000 -c:a libopus", 0},
        {"cut.mka", "audio", "-f lavfi -i sine=d=3:r=48000 -c:a flac", 0},
        {"cut.mkv", "video", PICTURES "-c:v libx264 -g 5", 0},
        {"cut.avi", "video", PICTURES "-c:v mpeg4 -g 5", 0},
        {"cut.aac", "audio", "-f lavfi -i sine=d=3:r=48000 -c:a aac", 0},
        {"live.mka", "audio", "-f lavfi -i sine=d=3:r=48000 -c:a flac -live 1", 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        const char *path = clips_make(all[i].name, all[i].arguments);
        uint64_t    n;
        free(clips_read(path, &n));
        if (warns(path, all[i].kind, n))
            fail_msg("%s is whole", all[i].name);
        if ((warns(path, all[i].kind, n / 10 * 7) == 0) != (all[i].live != 0))
            fail_msg("%s, cut, %s", all[i].name, all[i].live ? "warns" : "does not warn");
    }
}

/* Wherever a frame of AAC is cut, in its header too; between two of them nothing tells, and one
 * byte may be anything. */
static void aac_may_be_cut_anywhere(void **state)
{
    const char *path = clips_make("cut.aac", "-f lavfi -i sine=d=3:r=48000 -c:a aac");
    uint64_t    n, at = 0, frames = 0;
    uint8_t    *p = clips_read(path, &n);
    (void)state;
    for (uint64_t size; frames < 12 && at + 7 < n; at += size, frames++) {
        size = (p[at + 3] & 3u) << 11 | (uint64_t)p[at + 4] << 3 | p[at + 5] >> 5;
        for (uint64_t more = 0; frames >= 10 && more < size; more++)
            if (warns(path, "audio", at + more) != (more > 1))
                fail_msg("cut at %d of %d bytes of a frame", (int)more, (int)size);
    }
    assert_int_equal(frames, 12);
    free(p);
}

/* ---- tracks ---- */

static weft_status try_track(clip *c, const char *path, const char *track)
{
    weft_limits lim = {.hdr = WEFT_HDR(weft_limits), .track = track};
    memset(c, 0, sizeof *c);
    c->source.p = c->bytes = clips_read(path, &c->source.n);
    return clip_try(c, "audio", &lim);
}

static void a_track_can_be_chosen(void **state)
{
    static const struct {
        const char *track;
        int32_t     rate; /* of the track that is meant; 0: there is none */
    } asked[] = {{NULL, 8000},   {"1", 8000},    {"2", 16000},    {"3", 32000},   {"deu", 16000},
                 {"DEU", 16000}, {"fra", 32000}, {"4", 0},        {"0", 0},       {"-1", 0},
                 {"de", 16000},  {"", 8000},     {"2x", 0},       {"ger", 16000}, {"German", 16000},
                 {"FR", 32000},  {"fre", 32000}, {"en-GB", 8000}, {"it", 0},      {"Italian", 0}};
    const char *path = clips_make("tracks.mkv", PICTURES
                                  "-f lavfi -i sine=r=8000:d=1 -f lavfi -i sine=r=16000:d=1 "
                                  "-f lavfi -i sine=r=32000:d=1 -map 0 -map 1 -map 2 -map 3 "
                                  "-metadata:s:a:0 language=eng -metadata:s:a:1 language=deu "
                                  "-metadata:s:a:2 language=fra -disposition:a:0 default "
                                  "-c:v libx264 -c:a pcm_s16le");
    (void)state;
    for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
        clip        c;
        weft_status st = try_track(&c, path, asked[i].track);
        assert_int_equal(st, asked[i].rate != 0 ? WEFT_OK : WEFT_E_UNSUPPORTED);
        if (st == WEFT_OK)
            assert_int_equal(c.info.sample_rate, asked[i].rate);
        else
            assert_non_null(strstr(c.err.message, "its tracks are 1 (eng), 2 (deu), 3 (fra)"));
        clip_shut(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(late_sound_is_late),
        cmocka_unit_test(late_sound_in_avi_is_late),
        cmocka_unit_test(late_sound_in_ogg_is_late),
        cmocka_unit_test(holes_are_silent),
        cmocka_unit_test(sound_alone_begins_at_once),
        cmocka_unit_test(a_clock_set_back_is_no_hole),
        cmocka_unit_test(cut_files_warn_and_whole_ones_do_not),
        cmocka_unit_test(aac_may_be_cut_anywhere),
        cmocka_unit_test(a_track_can_be_chosen),
    };
    if (!clips_tools())
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
