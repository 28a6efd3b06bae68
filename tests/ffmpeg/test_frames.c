/* SPDX-License-Identifier: Apache-2.0 */
/* Frames by time: clips whose frames carry their number, at constant and variable rate, in every
 * container and codec; each frame is asked for in order, backwards and at random, at its time and
 * just before the next one's. ffprobe says what the times are. */
#include "tests/ffmpeg/clips.h"

#include <stdlib.h>

typedef struct recipe {
    const char *name, *arguments;
} recipe;

#define X264 "-c:v libx264 -preset ultrafast -crf 20 -pix_fmt yuv420p "
/* Irregular times, 20 to 90 ms apart, in milliseconds. */
#define VFR                                                                                        \
    "-vf 'settb=1/1000,setpts=N*55+mod(N*N*7\\,36)' -vsync passthrough -enc_time_base 1:1000 "

static const recipe recipes[] = {
    {"cfr.mp4", BARS("25", "3") X264 "-g 12 -bf 2"},
    {"film.mkv", BARS("24000/1001", "3") X264 "-g 10 -bf 3 -b_strategy 0"},
    {"vfr.mp4", BARS("25", "3") VFR X264 "-g 12 -bf 2"},
    {"vfr.mkv", BARS("25", "3") VFR X264 "-g 15 -bf 2"},
    {"fragmented.mp4", BARS("25", "3") X264 "-g 12 -movflags frag_keyframe+empty_moov"},
    {"open-gop.mp4",
     BARS("25", "3") "-c:v libx264 -x264-params "
                     "keyint=12:min-keyint=12:bframes=2:b-adapt=0:open-gop=1:scenecut=0"},
    {"theora.ogv", BARS("25", "3") "-c:v libtheora -q:v 10 -g 12"},
    {"one-gop.mp4", BARS("25", "3") X264 "-g 1000"},
    {"negative.mp4",
     BARS("25", "3") X264 "-g 12 -bf 2 -output_ts_offset -1.5 "
                          "-avoid_negative_ts disabled -movflags frag_keyframe+delay_moov"},
    {"cut.mp4", BARS("25", "3") X264
     "-g 12 -bf 2 -output_ts_offset -1.5 "
     "-avoid_negative_ts disabled"}, /* an edit list hides the first 38 frames */
    {"late.mkv", BARS("25", "3") X264 "-g 12 -output_ts_offset 7.25"},
    {"late.mp4",
     "-f lavfi -i anullsrc=d=3 " BARS("25", "2") "-vf setpts=PTS+1/TB -c:a aac " X264
                                                 "-g 12"}, /* silence from 0, pictures from 1 s */
    {"vp9.webm", BARS("25", "2") "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 13"},
    {"vp8.webm", BARS("25", "2") "-c:v libvpx -deadline realtime -cpu-used 8 -g 13 -b:v 300k"},
    {"hevc.mp4", BARS("25", "2") "-c:v libx265 -x265-params log-level=none:keyint=12:bframes=3"},
    {"av1.mkv", BARS("25", "1") "-c:v libaom-av1 -cpu-used 8 -usage realtime -g 10"},
    {"mpeg4.avi", BARS("25", "3") "-c:v mpeg4 -q:v 3 -g 12"},
    {"mpeg4-b.avi", BARS("25", "3") "-c:v mpeg4 -q:v 3 -g 12 -bf 2"},
    {"mjpeg.avi", BARS("25", "2") "-c:v mjpeg -q:v 3 -pix_fmt yuvj420p"},
    {"mjpeg.mov", BARS("25", "2") "-c:v mjpeg -q:v 3 -pix_fmt yuvj420p"},
    {"png.mov", BARS("25", "1") "-c:v png"},
    {"bars.gif", BARS("10", "3") ""},
    {"bars.ts", BARS("25", "3") X264 "-g 12 -bf 2"},
    {"one-gop.ts", BARS("25", "3") X264 "-g 1000"},
    {"camera.m2ts", BARS("25", "3") X264 "-g 12 -bf 2 -mpegts_m2ts_mode 1"},
    {"wrap.ts", /* the clock of 33 bits starts again after the first second and a half */
     BARS("25", "3") X264 "-g 12 -bf 2 -muxdelay 0 -output_ts_offset 95442.2"},
    {"mpeg2.ts", BARS("25", "3") "-c:v mpeg2video -q:v 2 -g 12 -bf 2"},
};
#define N_RECIPES (sizeof recipes / sizeof recipes[0])

static int first_number; /* of the clip's first frame */

/* Frame i, asked for at t. */
static void expect(clip *c, const char *name, const int64_t *times, size_t i, int64_t t)
{
    int64_t  at = -1;
    uint8_t *px = clip_frame(c, t, &at);
    int      number = bars_of(px, c->info.width, c->info.height) - first_number;
    free(px);
    if (number != (int)i || at != times[i])
        fail_msg("%s: at %lld us frame %d of %lld us came, not %zu of %lld us", name, (long long)t,
                 number, (long long)at, i, (long long)times[i]);
}

static int64_t last_moment(const int64_t *times, size_t n, size_t i)
{
    return i + 1 < n ? times[i + 1] - 1 : times[i] + 1000000;
}

static void the_frame_asked_for_is_the_frame_got(void **state)
{
    (void)state;
    for (size_t k = 0; k < N_RECIPES; k++) {
        const char *name = recipes[k].name, *path = clips_make(name, recipes[k].arguments);
        size_t      n;
        int64_t    *times = clips_times(path, &n);
        clip        c;
        clip_start(&c, path, "video");
        first_number = strcmp(name, "cut.mp4") == 0 ? 38 : 0;
        for (size_t i = 0; i < n; i++)
            expect(&c, name, times, i, i % 2 != 0 ? times[i] : last_moment(times, n, i));
        for (size_t i = n; i-- > 0;)
            expect(&c, name, times, i, i % 3 != 0 ? times[i] : last_moment(times, n, i));
        uint32_t random = 7;
        for (size_t tries = 0; tries < n; tries++) {
            random = random * 1664525u + 1013904223u;
            size_t i = (random >> 8) % n;
            expect(&c, name, times, i, (random & 1) != 0 ? times[i] : last_moment(times, n, i));
        }
        expect(&c, name, times, 0, times[0] - 1);
        expect(&c, name, times, 0, INT64_MIN);
        expect(&c, name, times, n - 1, INT64_MAX);
        clip_shut(&c);
        free(times);
    }
}

/* All frames in one call, in a jumbled order and some twice: rows stay with their times. */
static void one_call_gives_many_frames_in_the_order_asked(void **state)
{
    const char *path = clips_make("many.mp4", BARS("25", "3") X264 "-g 12 -bf 2");
    size_t      n;
    int64_t    *times = clips_times(path, &n), ask[100], at[100];
    clip        c;
    (void)state;
    clip_start(&c, path, "video");
    weft_tensor t = clip_tensor(&c, 100, NULL);
    t.data = malloc(t.bytes);
    for (size_t i = 0; i < 100; i++)
        ask[i] = times[i * 37 % n];
    assert_int_equal(clips_decoder()->read_frames(c.dec, ask, 100, &t, at, &c.err), WEFT_OK);
    for (size_t i = 0; i < 100; i++) {
        const uint8_t *px = (uint8_t *)t.data + i * t.bytes / 100;
        assert_int_equal(bars_of(px, c.info.width, c.info.height), i * 37 % n);
        assert_int_equal(at[i], ask[i]);
    }
    free(t.data);
    free(times);
    clip_shut(&c);
    assert_true(clip_spent(&c).groups <= 7); /* 75 frames in groups of 12: each decoded once */
}

/* n frames, uniform over the film of a frame a second: as many groups as frames. */
static void check_groups(const char *path, uint32_t n)
{
    int64_t ask[64], at[64];
    clip    c;
    clip_start(&c, path, "video");
    assert_int_equal(c.info.duration_us, 7200000000);
    weft_tensor t = clip_tensor(&c, n, NULL);
    t.data = malloc(t.bytes);
    for (uint32_t i = 0; i < n; i++)
        ask[i] = c.info.duration_us * (2 * i + 1) / (2 * n) + 300000;
    if (clips_decoder()->read_frames(c.dec, ask, n, &t, at, &c.err) != WEFT_OK)
        fail_msg("%s: %s", path, c.err.message);
    for (uint32_t i = 0; i < n; i++) {
        const uint8_t *px = (uint8_t *)t.data + i * t.bytes / n;
        assert_int_equal(at[i], ask[i] / 1000000 * 1000000);
        assert_int_equal(bars_of(px, c.info.width, c.info.height), ask[i] / 1000000);
    }
    free(t.data);
    clip_shut(&c);
    clip_work w = clip_spent(&c);
    assert_int_equal(w.shown, n);
    if (w.groups > n || w.packets > 10 * w.groups)
        fail_msg("%s: %llu groups and %llu packets for %u frames", path, w.groups, w.packets, n);
}

/* Two hours; a group every 10 s. */
static void a_long_film_costs_a_group_a_frame(void **state)
{
    char        arguments[1024];
    const char *film[3];
    (void)state;
    film[0] = clips_make("film.mp4", BARS("1", "7200") X264 "-g 10 -bf 2 -sc_threshold 0");
    snprintf(arguments, sizeof arguments, "-i \"%s\" -c copy", film[0]);
    film[1] = clips_make("film.mkv", arguments);
    snprintf(arguments, sizeof arguments, "-i \"%s\" -c copy -live 1", film[0]);
    film[2] = clips_make("live.mkv", arguments); /* neither index nor length */
    for (int i = 0; i < 3; i++)
        for (uint32_t n = 1; n <= 64; n *= 4)
            check_groups(film[i], n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_frame_asked_for_is_the_frame_got),
        cmocka_unit_test(one_call_gives_many_frames_in_the_order_asked),
        cmocka_unit_test(a_long_film_costs_a_group_a_frame),
    };
    if (!clips_tools())
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
