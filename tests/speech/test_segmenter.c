/* SPDX-License-Identifier: Apache-2.0 */
/* weft-segmenter: segments tile the recording; silence, hum and noise are silent, speech is not;
 * pauses and limits; live input; ten hours in flat memory. Speech is spoken.opus (three sentences
 * of espeak-ng). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>

#include "tests/speech/bench.h"
#include "weft/sdk.h"

#define RATE 16000
#define SEGMENTS_MAX 10000

static const weft_segmenter *segmenter;
static fake_host             host;
static float                *spoken; /* at 16 kHz */
static int64_t               n_spoken;

/* Sentences of spoken, in samples: they begin and end where 50 ms means cross -50 dB. */
static struct {
    int64_t begin, end;
} sentence[8];
static int n_sentences;

static void find_sentences(void)
{
    int64_t quiet = RATE;
    for (int64_t at = 0; at + 800 <= n_spoken; at += 800) {
        double sum = 0;
        for (int64_t i = at; i < at + 800; i++)
            sum += (double)spoken[i] * (double)spoken[i];
        if (sum / 800 < 1e-5) {
            quiet += 800;
            continue;
        }
        if (quiet >= RATE / 2) /* a comma is shorter */
            sentence[n_sentences++].begin = at;
        sentence[n_sentences - 1].end = at + 800;
        quiet = 0;
    }
}

static int setup(void **state)
{
    const weft_decoder *decoder = component_load("weft-sndfile", WEFT_C_DECODER);
    bytes_made          b = fixture_of("speech/spoken.opus");
    memory_source       m = {.p = b.p, .n = b.n};
    weft_error          err = {.hdr = WEFT_HDR(weft_error)};
    decoded             d;
    (void)state;
    segmenter = component_load("weft-segmenter", WEFT_C_SEGMENTER);
    fake_host_init(&host, NULL, 0);
    assert_int_equal(decode(decoder, &host, &m, NULL, 48000, &d, &err), WEFT_OK);
    n_spoken = d.n / 3;
    spoken = malloc((size_t)n_spoken * sizeof *spoken);
    for (int64_t i = 0; i < n_spoken;
         i++) /* 48 to 16 kHz; what folds over is 60 dB down in speech */
        spoken[i] = (d.x[3 * i] + d.x[3 * i + 1] + d.x[3 * i + 2]) / 3;
    free(d.x);
    bytes_free(&b);
    find_sentences();
    assert_int_equal(n_sentences, 3);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(spoken);
    fake_host_deinit(&host);
    return 0;
}

/* --- recordings and what becomes of them -------------------------------------------------------
 * */

typedef struct recording {
    const float *x; /* NULL: make(at, y, n) */
    void (*make)(int64_t at, float *y, int64_t n);
    int64_t n, at, fail_at;
    int32_t channels, reserved;
} recording;

static weft_status read_audio(void *ctx, int64_t n, const weft_tensor *dst, int64_t *got,
                              weft_error *err)
{
    recording *r = ctx;
    float     *y = dst->data;
    assert_true(dst->shape[0] >= n && dst->shape[1] == r->channels &&
                dst->bytes >= (uint64_t)(n * r->channels) * sizeof *y);
    *got = n < r->n - r->at ? n : r->n - r->at;
    if (r->fail_at > 0 && r->at + *got > r->fail_at)
        return weft_fail(err, WEFT_E_CORRUPT, "damaged");
    if (r->x != NULL)
        memcpy(y, r->x + r->at * r->channels, (size_t)(*got * r->channels) * sizeof *y);
    else
        r->make(r->at, y, *got);
    r->at += *got;
    return WEFT_OK;
}

typedef struct piece {
    int64_t start_us, end_us, n, at_push; /* at_push: samples that had been read */
    int     silent;
    int64_t speech_start_us, speech_end_us;
} piece;

typedef struct sink {
    const float *x; /* what the pieces' samples must be, or NULL */
    recording   *from;
    int64_t      n, at, max_us;
    int32_t      rate, stop_after; /* stop_after: pushes after which push fails; 0: never */
    piece        piece[SEGMENTS_MAX];
} sink;

static void check_media(sink *s, const weft_segment *g, int64_t n)
{
    float       block[1000];
    int64_t     got = 1000, shape[2] = {1000, 1}, done = 0;
    weft_tensor t = weft_view(NULL, block, WEFT_F32, 2, shape);
    assert_int_equal(g->media->info->n_samples, n);
    assert_int_equal(g->media->info->channels, 1);
    assert_int_equal(g->media->info->sample_rate, s->rate);
    assert_string_equal(g->media->info->kind, "audio");
    while (got == 1000) {
        assert_int_equal(g->media->read_audio(g->media->ctx, 1000, &t, &got, NULL), WEFT_OK);
        if (s->x != NULL)
            assert_memory_equal(block, s->x + s->at + done, (size_t)got * sizeof *block);
        done += got;
    }
    assert_int_equal(done, n);
}

static weft_status push(void *ctx, const weft_segment *g, weft_error *err)
{
    sink   *s = ctx;
    int64_t n = g->media->info->n_samples, at = s->at + n;
    int64_t last = s->n > 0 ? s->piece[s->n - 1].end_us : 0;
    assert_int_equal(g->start_us, last);
    assert_int_equal(g->start_us, (int64_t)((double)s->at * 1e6 / s->rate));
    assert_int_equal(g->end_us, (int64_t)((double)at * 1e6 / s->rate));
    assert_true(n > 0 && g->end_us - g->start_us <= s->max_us);
    check_media(s, g, n);
    assert_true(s->n < SEGMENTS_MAX);
    if (g->silent || g->speech_end_us == 0)
        assert_true(g->speech_start_us == 0 && g->speech_end_us == 0);
    else
        assert_true(g->start_us <= g->speech_start_us && g->speech_start_us < g->speech_end_us &&
                    g->speech_end_us <= g->end_us);
    s->piece[s->n++] = (piece){.start_us = g->start_us,
                               .end_us = g->end_us,
                               .n = n,
                               .at_push = s->from->at,
                               .silent = g->silent,
                               .speech_start_us = g->speech_start_us,
                               .speech_end_us = g->speech_end_us};
    s->at = at;
    if (s->stop_after != 0 && s->n == s->stop_after)
        return weft_fail(err, WEFT_E_CANCELLED, "enough");
    return WEFT_OK;
}

static weft_status run(recording *r, int32_t rate, int64_t max_us, sink *s, weft_error *err)
{
    weft_media_info   info = {.hdr = WEFT_HDR(weft_media_info),
                              .kind = "audio",
                              .channels = r->channels,
                              .sample_rate = rate,
                              .n_samples = -1,
                              .duration_us = -1};
    weft_media        m = {WEFT_HDR(weft_media), r, &info, NULL, read_audio, NULL};
    weft_segment_sink k = {WEFT_HDR(weft_segment_sink), s, push};
    s->n = s->at = 0;
    s->rate = rate;
    s->max_us = max_us;
    s->from = r;
    r->at = 0;
    weft_status st = segmenter->run(&host.host, &m, max_us, &k, err);
    assert_int_equal(host.blocks_live, 0);
    return st;
}

/* Runs to the end; the segments must be x [n] again, without a gap. */
static sink *cut(const float *x, int64_t n, int32_t rate, int64_t max_us)
{
    recording r = {.x = x, .n = n, .channels = 1};
    sink     *s = calloc(1, sizeof *s);
    s->x = x;
    assert_int_equal(run(&r, rate, max_us, s, NULL), WEFT_OK);
    assert_int_equal(s->at, n);
    return s;
}

static int64_t voiced(const sink *s)
{
    int64_t n = 0;
    for (int64_t i = 0; i < s->n; i++)
        n += !s->piece[i].silent;
    return n;
}

/* --- tests -------------------------------------------------------------------------------------
 * */

static void sentences_are_found(void **state)
{
    sink *s = cut(spoken, n_spoken, RATE, 60000000);
    int   next = 0;
    (void)state;
    for (int64_t i = 0; i < s->n; i++) {
        if (s->piece[i].silent)
            continue;
        assert_true(next < n_sentences);
        int64_t begin = s->piece[i].start_us * RATE / 1000000,
                end = s->piece[i].end_us * RATE / 1000000;
        /* The lead is 0.2 s and the tail 0.3 s of the frames that are active, which begin and end
         * within 0.1 s of what -50 dB says; a sentence is never cut. */
        assert_true(begin <= sentence[next].begin && sentence[next].begin - begin < RATE / 2);
        assert_true(end >= sentence[next].end && end - sentence[next].end < RATE / 2);
        begin = s->piece[i].speech_start_us * RATE / 1000000;
        end = s->piece[i].speech_end_us * RATE / 1000000;
        assert_true(llabs(begin - sentence[next].begin) < RATE / 10);
        assert_true(llabs(end - sentence[next].end) < RATE / 10);
        next++;
    }
    assert_int_equal(next, n_sentences);
    assert_true(s->piece[0].silent && s->piece[s->n - 1].silent);
    free(s);
}

/* A short word alone, quietly: the last syllable of the last sentence, at -30 dB. */
static void a_short_quiet_word(void **state)
{
    int64_t n = 3 * RATE, from = sentence[2].end - 4800;
    float  *x = calloc((size_t)n, sizeof *x);
    (void)state;
    for (int64_t i = 0; i < 4800; i++)
        x[RATE + i] = 0.03f * spoken[from + i];
    sink *s = cut(x, n, RATE, 60000000);
    assert_int_equal(voiced(s), 1);
    free(s);
    free(x);
}

static uint32_t seed;

static double white(void)
{
    seed = seed * 1664525u + 1013904223u;
    return (double)(seed >> 8) / 8388608.0 - 1.0;
}

/* Twenty seconds of what is not speech, from the start and setting in after five seconds of
 * nothing. */
static void not_speech(void **state)
{
    static const char *const names[] = {"silence",   "white",      "quiet white", "pink",
                                        "50 Hz hum", "120 Hz hum", "buzz",        "tone and noise"};
    int64_t                  n = 20 * RATE;
    float                   *x = malloc((size_t)n * sizeof *x);
    (void)state;
    for (int kind = 0; kind < 8; kind++)
        for (int late = 0; late < 2; late++) {
            double pink = 0;
            seed = 5;
            for (int64_t i = 0; i < n; i++) {
                double t = (double)i / RATE, v = 0, w = white();
                pink = 0.98 * pink + 0.02 * w + 0.1 * white() * 0.1;
                for (int k = 1; k < 20 && kind == 6; k += 2)
                    v += 0.2 / k * sin(2 * M_PI * 50 * k * t);
                v = kind == 1   ? 0.2 * w
                    : kind == 2 ? 0.002 * w
                    : kind == 3 ? pink
                    : kind == 4 ? 0.3 * sin(2 * M_PI * 50 * t)
                    : kind == 5 ? 0.3 * sin(2 * M_PI * 120 * t)
                    : kind == 7 ? 0.2 * sin(2 * M_PI * 440 * t) + 0.05 * w
                                : v;
                x[i] = late && i < 5 * RATE ? 0.0f : (float)v;
            }
            sink *s = cut(x, n, RATE, 10000000);
            if (voiced(s) != 0)
                fail_msg("%s%s was taken for speech", names[kind], late ? ", setting in" : "");
            free(s);
        }
    free(x);
}

/* Speech over noise 15 dB below it: the words are still voiced, and noise alone still is not. */
static void speech_in_noise(void **state)
{
    float *x = malloc((size_t)n_spoken * sizeof *x);
    (void)state;
    seed = 9;
    for (int64_t i = 0; i < n_spoken; i++)
        x[i] = spoken[i] + (float)(0.025 * white());
    sink *s = cut(x, n_spoken, RATE, 60000000);
    assert_int_equal(voiced(s), 3);
    free(s);
    free(x);
}

/* 45 s of sentences with gaps of 0.25 s: no pause ends a segment, only the limit does. The caller
 * frees it. in_gap [n]: whether a sample is between sentences. */
static float *without_pause(int64_t *n, uint8_t **in_gap)
{
    int64_t gap = RATE / 4, at = 0, room = 55 * RATE;
    float  *x = calloc((size_t)room, sizeof *x);
    *in_gap = calloc((size_t)room, 1);
    for (int i = 0; at < 45 * RATE; i = (i + 1) % n_sentences) {
        int64_t from = sentence[i].begin, len = sentence[i].end - from;
        memcpy(x + at, spoken + from, (size_t)len * sizeof *x);
        at += len;
        /* 50 ms of a sentence's first and last block may be quiet. */
        memset(*in_gap + at - 800, 1, (size_t)(gap + 1600));
        at += gap;
    }
    *n = at;
    return x;
}

/* The limit through 50 offsets: the same samples, none lost or doubled (cut() compares them), every
 * cut between two sentences. */
static void limit_offsets(void **state)
{
    int64_t  n;
    uint8_t *in_gap;
    float   *x = without_pause(&n, &in_gap);
    (void)state;
    for (int offset = 0; offset < 50; offset++) {
        int64_t max_us = 9000000 + offset * 63000;
        sink   *s = cut(x, n, RATE, max_us);
        int64_t limit_cuts = 0;
        for (int64_t i = 0; i + 1 < s->n; i++) {
            int64_t at = s->piece[i].end_us * RATE / 1000000;
            limit_cuts += s->piece[i].end_us - s->piece[i].start_us > max_us / 2;
            if (!in_gap[at])
                fail_msg("with a limit of %lld us it is cut within a sentence, at %lld us",
                         (long long)max_us, (long long)s->piece[i].end_us);
        }
        assert_true(limit_cuts >= 2);
        assert_true(voiced(s) >= 3);
        free(s);
    }
    free(x);
    free(in_gap);
}

/* Any rate and any limit: exact tiling. 11,025 Hz and 22,255 Hz have no whole samples in 10 ms. */
static void rates_and_limits(void **state)
{
    static const int32_t rates[] = {4000, 8000, 11025, 22255, 44100, 48000};
    static const int64_t limits[] = {500000, 777777, 3000000, INT64_MAX};
    (void)state;
    for (size_t r = 0; r < sizeof rates / sizeof rates[0]; r++)
        for (size_t l = 0; l < sizeof limits / sizeof limits[0]; l++) {
            float *x = sound_made(rates[r] * 7 + 123, rates[r], 1);
            for (int64_t i = rates[r] * 2; i < rates[r] * 4; i++)
                x[i] = 0;
            free(cut(x, rates[r] * 7 + 123, rates[r], limits[l]));
            free(x);
        }
}

static void short_recordings(void **state)
{
    static const int64_t lengths[] = {0, 1, 2, 159, 160, 161, 399, 1600, 16000};
    float               *x = sound_made(16000, RATE, 1);
    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        sink *s = cut(x, lengths[i], RATE, 60000000);
        assert_int_equal(s->n, lengths[i] > 0);
        free(s);
    }
    free(x);
}

static void channels_are_averaged(void **state)
{
    int64_t   n = 50000;
    float    *both = sound_made(n, RATE, 2), *mean = malloc((size_t)n * sizeof *mean);
    recording r = {.x = both, .n = n, .channels = 2};
    sink     *s = calloc(1, sizeof *s);
    (void)state;
    for (int64_t i = 0; i < n; i++)
        mean[i] = (both[2 * i] + both[2 * i + 1]) / 2.0f;
    s->x = mean;
    assert_int_equal(run(&r, RATE, 1000000, s, NULL), WEFT_OK);
    assert_int_equal(s->at, n);
    free(s);
    free(both);
    free(mean);
}

/* Live: a sentence is pushed within a second of its last sound, not at the end. 1 s: the pause of
 * 0.6 s, a block of 0.1 s, the frames' look ahead, and the sentence's own fading. */
static void live_input(void **state)
{
    sink *s = cut(spoken, n_spoken, RATE, 60000000);
    int   next = 0;
    (void)state;
    for (int64_t i = 0; i < s->n; i++)
        if (!s->piece[i].silent)
            assert_true(s->piece[i].at_push - sentence[next++].end < RATE);
    assert_int_equal(next, 3);
    free(s);
}

/* Ten hours: three sentences every six minutes, noise now and then, silence. Memory is one
 * segment's, and no more after ten hours than after ten minutes. */
static void make_ten_hours(int64_t from, float *y, int64_t n)
{
    memset(y, 0, (size_t)n * sizeof *y);
    for (int64_t i = from; i < from + n; i++) {
        int64_t at = i % (60 * RATE), minute = i / (60 * RATE);
        if (minute % 6 == 0 && at < n_spoken)
            y[i - from] = spoken[at];
        else if (at >= 30 * RATE)
            return; /* blocks do not span minutes */
        else if (minute % 20 == 1)
            y[i - from] = (float)((i * 2654435761u >> 7) % 2000) * 1e-5f - 0.01f;
    }
}

static void ten_hours(void **state)
{
    uint64_t peak[2];
    sink    *s = calloc(1, sizeof *s);
    (void)state;
    for (int i = 0; i < 2; i++) {
        recording r = {
            .make = make_ten_hours, .n = (int64_t)(i == 0 ? 600 : 36000) * RATE, .channels = 1};
        host.bytes_peak = 0;
        assert_int_equal(run(&r, RATE, 60000000, s, NULL), WEFT_OK);
        assert_int_equal(s->at, r.n);
        assert_int_equal(voiced(s), 3 * ((r.n / (60 * RATE) + 5) / 6));
        peak[i] = host.bytes_peak;
    }
    print_message("peak %llu bytes\n", (unsigned long long)peak[1]);
    assert_int_equal(peak[0], peak[1]);
    assert_true(peak[1] < (uint64_t)12 << 20); /* 60 s of f32 while it grows by doubling */
    free(s);
}

static void failures(void **state)
{
    recording  r = {.x = spoken, .n = n_spoken, .channels = 1};
    weft_error err = {.hdr = WEFT_HDR(weft_error)};
    sink      *s = calloc(1, sizeof *s);
    (void)state;
    assert_int_equal(run(&r, RATE, 499999, s, &err), WEFT_E_INVALID);
    assert_non_null(strstr(err.message, "half a second"));
    assert_int_equal(run(&r, 999, 5000000, s, &err), WEFT_E_INVALID);
    s->stop_after = 2; /* the sink's status comes back, and nothing is pushed after it */
    assert_int_equal(run(&r, RATE, 5000000, s, &err), WEFT_E_CANCELLED);
    assert_int_equal(s->n, 2);
    s->stop_after = 0;
    r.fail_at = 50000;
    assert_int_equal(run(&r, RATE, 5000000, s, &err), WEFT_E_CORRUPT);
    r.fail_at = 0;
    atomic_store(&host.cancelled, 1);
    assert_int_equal(run(&r, RATE, 5000000, s, &err), WEFT_E_CANCELLED);
    atomic_store(&host.cancelled, 0);
    r.channels = 0;
    assert_int_equal(run(&r, RATE, 5000000, s, &err), WEFT_E_INVALID);
    free(s);
}

static void out_of_memory(void **state)
{
    sink *s = calloc(1, sizeof *s);
    int   n_failures = 0;
    (void)state;
    for (uint64_t n = 1; n < 100; n++) {
        recording  r = {.x = spoken, .n = n_spoken, .channels = 1};
        weft_error err = {.hdr = WEFT_HDR(weft_error)};
        fake_host_fail_at(&host, n, 0);
        weft_status st = run(&r, 15000, 60000000, s, &err); /* a rate that is resampled */
        if (st == WEFT_OK)
            break;
        assert_int_equal(st, WEFT_E_NOMEM);
        n_failures++;
    }
    fake_host_fail_at(&host, 0, 0);
    assert_true(n_failures > 8);
    free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sentences_are_found),
        cmocka_unit_test(a_short_quiet_word),
        cmocka_unit_test(not_speech),
        cmocka_unit_test(speech_in_noise),
        cmocka_unit_test(limit_offsets),
        cmocka_unit_test(rates_and_limits),
        cmocka_unit_test(short_recordings),
        cmocka_unit_test(channels_are_averaged),
        cmocka_unit_test(live_input),
        cmocka_unit_test(ten_hours),
        cmocka_unit_test(failures),
        cmocka_unit_test(out_of_memory),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
