/* SPDX-License-Identifier: Apache-2.0 */
/* MPEG transport streams: how they are told, by weft.ffmpeg and by weft.formats alike, and what
 * becomes of those that lost packets, begin within one or end within one. */
#include "tests/ffmpeg/clips.h"

#include "core/plugin/manifest.h"
#include "tests/support/load.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PACKET 188
#define TONE "-f lavfi -i \"sine=f=440:r=48000:d=4,volume=4\" "
#define PICTURES "-f lavfi -i testsrc2=s=160x120:r=25:d=3 "

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* Leaves out 6 of 100 packets from the 20th on; returns how many. */
static uint64_t lose_packets(uint8_t *p, uint64_t *n)
{
    uint32_t random = 3;
    uint64_t kept = 0, lost = 0;
    for (uint64_t at = 0; at + PACKET <= *n; at += PACKET) {
        if (at >= (uint64_t)20 * PACKET && next_random(&random) % 100 < 6) {
            lost++;
            continue;
        }
        memmove(p + kept, p + at, PACKET);
        kept += PACKET;
    }
    *n = kept;
    return lost;
}

static void start_bytes(clip *c, uint8_t *p, uint64_t n, const char *kind, int is_pipe)
{
    memset(c, 0, sizeof *c);
    c->source.is_pipe = is_pipe;
    c->source.kept = is_pipe ? 65536 : 0;
    c->source.p = c->bytes = p;
    c->source.n = n;
    if (clip_try(c, kind, NULL) != WEFT_OK)
        fail_msg("%s", c->err.message);
}

static int64_t hear(clip *c, double *power)
{
    static float  x[8 * 4096];
    const int64_t shape[2] = {4096, c->info.channels};
    weft_tensor   t = weft_view(NULL, x, WEFT_F32, 2, shape);
    int64_t       n = 0, got = 1;
    *power = 0;
    while (got > 0) {
        assert_int_equal(clips_decoder()->read_audio(c->dec, 4096, &t, &got, &c->err), WEFT_OK);
        for (int64_t i = 0; i < got * c->info.channels; i++)
            *power += (double)x[i] * (double)x[i];
        n += got;
    }
    return n;
}

/* The number in "... has N damaged packets"; 0: there is no such line. Call after clip_shut. */
static unsigned long long told_damage(const clip *c)
{
    const char        *line = strstr(c->host.log, "damaged packets");
    unsigned long long n = 0;
    if (line == NULL)
        return 0;
    while (line > c->host.log && line[-1] != '\n')
        line--;
    assert_int_equal(sscanf(line, "W the %*s has %llu damaged", &n), 1);
    return n;
}

typedef struct sound {
    int64_t samples;
    double  power;
} sound;

static sound hear_with_gaps(const char *path, int is_pipe)
{
    uint64_t n;
    sound    s;
    clip     c;
    uint8_t *p = clips_read(path, &n);
    uint64_t lost = lose_packets(p, &n);
    start_bytes(&c, p, n, "audio", is_pipe);
    s.samples = hear(&c, &s.power);
    clip_shut(&c);
    unsigned long long told = told_damage(&c);
    /* of a pipe the frame that a gap breaks off is refused by the decoder besides */
    if (told == 0 || told > lost * (is_pipe ? 2 : 1))
        fail_msg("%s: %llu damaged packets told, %llu lost", path, told, (unsigned long long)lost);
    return s;
}

/* Damage is told, the time line stays, and what is left out is silence. So it is of a pipe, of
 * which FFmpeg keeps what it read to find the streams: here all, since the pictures come late. */
static void sound_with_gaps_is_told(void **state)
{
    static const char *const codecs[] = {"aac", "mp2", "ac3"};
    (void)state;
    for (size_t i = 0; i < sizeof codecs / sizeof codecs[0]; i++) {
        char  name[32], arguments[512];
        sound whole;
        clip  c;
        snprintf(name, sizeof name, "gaps-%s.ts", codecs[i]);
        snprintf(arguments, sizeof arguments,
                 TONE "-itsoffset 3 -f lavfi -i testsrc=s=64x48:d=1:r=25 -c:v libx264 -c:a %s",
                 codecs[i]);
        const char *path = clips_make(name, arguments);
        clip_start(&c, path, "audio");
        whole.samples = hear(&c, &whole.power);
        clip_shut(&c);
        assert_int_equal(told_damage(&c), 0);
        for (int is_pipe = 0; is_pipe < 2; is_pipe++) {
            sound left = hear_with_gaps(path, is_pipe);
            if (llabs(whole.samples - left.samples) > 48000 / 3) /* nothing follows the last */
                fail_msg("%s: %lld samples and not %lld", name, (long long)left.samples,
                         (long long)whole.samples);
            if (left.power > whole.power || left.power < 0.25 * whole.power)
                fail_msg("%s: power %g of %g", name, left.power, whole.power);
        }
    }
}

/* How far rgb pictures are apart on average. */
static double apart(const uint8_t *a, const uint8_t *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += abs(a[i] - b[i]);
    return sum / (double)n;
}

/* Damage is told once however often it is read, and the packets with gaps are decoded: without
 * them 48 and 3 of the 150 pictures are near what they were. */
static void pictures_with_gaps_are_told(void **state)
{
    static const char *const codecs[] = {"libx264 -g 25 -bf 2", "mpeg2video -g 12 -bf 2 -b:v 1M"};
    (void)state;
    for (size_t i = 0; i < sizeof codecs / sizeof codecs[0]; i++) {
        char     name[32], arguments[256];
        uint64_t n;
        clip     whole, c;
        int      near = 0;
        snprintf(name, sizeof name, "gaps-%zu.ts", i);
        snprintf(arguments, sizeof arguments, PICTURES "-pix_fmt yuv420p -c:v %s", codecs[i]);
        const char *path = clips_make(name, arguments);
        clip_start(&whole, path, "video");
        uint8_t *p = clips_read(path, &n);
        uint64_t lost = lose_packets(p, &n);
        start_bytes(&c, p, n, "video", 0);
        for (int k = 0; k < 150; k++) { /* twice, backwards the second time */
            int64_t  at, t = (k < 75 ? k : 149 - k) * (int64_t)40000;
            uint8_t *want = clip_frame(&whole, t, &at), *got = clip_frame(&c, t, &at);
            near += apart(want, got, (size_t)(160 * 120 * 3)) < 16;
            free(want);
            free(got);
        }
        clip_shut(&whole);
        clip_shut(&c);
        assert_int_equal(told_damage(&whole), 0);
        unsigned long long told = told_damage(&c);
        if (told == 0 || told > lost)
            fail_msg("%s: %llu damaged packets told, %llu lost", name, told,
                     (unsigned long long)lost);
        if (near < 40)
            fail_msg("%s: %d of 150 pictures are near", name, near);
    }
}

/* ---- where it begins and ends ---- */

static void a_stream_may_begin_within_a_packet(void **state)
{
    const char *path = clips_make("phase.ts", TONE "-c:a mp2");
    uint64_t    n, skip = 60 * PACKET + 49;
    uint8_t    *p = clips_read(path, &n);
    double      power;
    clip        c;
    (void)state;
    memmove(p, p + skip, n - skip);
    start_bytes(&c, p, n - skip, "audio", 0);
    assert_true(hear(&c, &power) > 48000);
    assert_true(power > 1);
    clip_shut(&c);
    assert_null(strstr(c.host.log, "ends before"));
}

static void a_stream_that_ends_within_a_packet_is_told(void **state)
{
    static const struct {
        const char *name, *kind, *arguments;
        uint64_t    step;
    } all[] = {{"end.ts", "audio", TONE "-c:a mp2", 188},
               {"end-v.ts", "video", PICTURES "-c:v mpeg2video", 188},
               {"end.m2ts", "audio", TONE "-c:a ac3 -mpegts_m2ts_mode 1", 192}};
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        for (uint64_t more = 0; more < 200; more += 50) {
            uint64_t n;
            double   power;
            clip     c;
            uint8_t *p = clips_read(clips_make(all[i].name, all[i].arguments), &n);
            assert_int_equal(n % all[i].step, 0);
            start_bytes(&c, p, n - 20 * all[i].step + more, all[i].kind, 0);
            if (strcmp(all[i].kind, "audio") == 0)
                hear(&c, &power);
            clip_shut(&c);
            if ((strstr(c.host.log, "ends before its format says") != NULL) != (more != 0))
                fail_msg("%s, %d bytes more: %s", all[i].name, (int)more, c.host.log);
        }
}

/* ---- how it is told ---- */

static const weft_decoder *formats_decoder(void)
{
    static const weft_decoder *d;
    if (d == NULL) {
        const weft_plugin me = module_load("weft-formats");
        d = module_component(&me, WEFT_C_DECODER);
    }
    return d;
}

/* Both decoders' scores of n bytes that have 47 at first, first + step and so on, but for the
 * packet `wrong` (from 0). */
static void check_scores(uint64_t first, uint64_t step, uint64_t n, int wrong, int video, int audio)
{
    uint8_t  *head = calloc(1, n); /* of exactly n, for the sanitizer's eyes */
    const int want[2] = {video, audio};
    assert_non_null(head);
    for (uint64_t at = first, k = 0; at < n; at += step, k++)
        head[at] = (int)k == wrong ? 'H' : 'G';
    for (int k = 0; k < 2; k++) {
        weft_probe p = {WEFT_HDR(weft_probe), k == 0 ? "video" : "audio", head, n, "a.ts"};
        int32_t    got = clips_decoder()->probe(&p), named = formats_decoder()->probe(&p);
        if (got != want[k] || named != (want[k] > 0 ? WEFT_PROBE_NAMED : 0))
            fail_msg("%llu + %llu k, %llu bytes, %d wrong: %d and %d, not %d",
                     (unsigned long long)first, (unsigned long long)step, (unsigned long long)n,
                     wrong, got, named, want[k]);
    }
    free(head);
}

static void streams_are_told_by_five_packets(void **state)
{
    static const uint64_t forms[][2] = {{0, 188}, {4, 192}, {0, 204}}; /* first, step */
    (void)state;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
        for (int wrong = 0; wrong < 5; wrong++) {
            uint64_t step = forms[i][1], most = forms[i][0] + 4 * step + 1;
            check_scores(forms[i][0], step, most, wrong, 0, 0);
            for (uint64_t phase = 0; wrong == 0 && phase < step; phase += step / 4)
                check_scores(phase, step, 1024, -1, 80, 60);
        }
}

/* Of a file that has no more, three packets are enough, and the score is lower. */
static void short_streams_are_told_by_three(void **state)
{
    (void)state;
    check_scores(0, 188, 700, -1, 60, 40);
    check_scores(0, 188, 377, -1, 60, 40);
    check_scores(0, 188, 376, -1, 0, 0);
    check_scores(4, 192, 389, -1, 60, 40);
    check_scores(0, 204, 409, -1, 60, 40);
    check_scores(0, 188, 700, 3, 0, 0);
    check_scores(50, 188, 700, -1, 0, 0); /* too few to begin within a packet */
}

/* The manifest's magic numbers do not have FFmpeg loaded for files of anything. */
static void the_magic_numbers_are_rare(void **state)
{
    wf_manifest m;
    struct stat st;
    uint8_t     head[1024] = {0};
    uint32_t    random = 1;
    int         fits = 0;
    (void)state;
    int fd = open(WEFT_BUILD_DIR "/plugins/weft-ffmpeg.so", O_RDONLY);
    assert_true(fd >= 0 && fstat(fd, &st) == 0);
    assert_int_equal(wf_manifest_read(fd, (uint64_t)st.st_size, "weft-ffmpeg", &m, NULL), WEFT_OK);
    close(fd);
    for (int i = 0; i < 10000; i++) {
        for (size_t k = 0; k < sizeof head; k++)
            head[k] = (uint8_t)(next_random(&random) >> 4);
        fits += wf_manifest_may_decode(&m, head, sizeof head, "video");
    }
    assert_true(fits <= 10); /* 1 in 22,000 is expected */
    static const uint64_t forms[][2] = {{0, 188}, {4, 192}, {0, 204}};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        memset(head, 0, sizeof head);
        head[forms[i][0]] = head[forms[i][0] + forms[i][1]] = 'G';
        assert_true(wf_manifest_may_decode(&m, head, sizeof head, "video"));
    }
    wf_manifest_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_are_told_by_five_packets),
        cmocka_unit_test(short_streams_are_told_by_three),
        cmocka_unit_test(the_magic_numbers_are_rare),
        cmocka_unit_test(a_stream_may_begin_within_a_packet),
        cmocka_unit_test(a_stream_that_ends_within_a_packet_is_told),
        cmocka_unit_test(sound_with_gaps_is_told),
        cmocka_unit_test(pictures_with_gaps_are_told),
    };
    if (!clips_tools())
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
