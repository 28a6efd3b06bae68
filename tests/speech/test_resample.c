/* SPDX-License-Identifier: Apache-2.0 */
/* The resampler against the same sum in double precision, sample by sample and as log-mel features;
 * blocks; memory; and a whole recording through spk_features_read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/speech/shared/features.h"
#include "weft/sdk.h"
#include "tests/support/fake_host.h"

static fake_host host;

static int setup(void **state)
{
    (void)state;
    fake_host_init(&host, NULL, 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fake_host_deinit(&host);
    return 0;
}

static double noise(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (double)(*seed >> 8) / 8388608.0 - 1.0;
}

/* Voice-like: a chord that moves, and noise, well inside +-1. The caller frees it. */
static float *make_sound(int64_t n, int32_t rate)
{
    float   *x = malloc((size_t)n * sizeof *x + 1);
    uint32_t seed = 7;
    for (int64_t i = 0; i < n; i++) {
        double t = (double)i / rate, v = 0.02 * noise(&seed);
        for (int k = 1; k < 12; k++)
            v += 0.3 / (k + 2) * sin(2 * M_PI * k * (150 * t + 8 * sin(5 * t)));
        x[i] = (float)v;
    }
    return x;
}

static double bessel0(double x)
{
    double sum = 1, term = 1;
    for (int k = 1; k < 80; k++)
        sum += term *= x * x / (4.0 * k * k);
    return sum;
}

/* resample.h's sum, written out again, in double. The caller frees it. */
static float *reference(const float *x, int64_t n, int32_t rate, int64_t n_out)
{
    float *y = malloc((size_t)n_out * sizeof *y + 1);
    double r = (double)rate / 16000, c = 0.9475937167399596 / (r > 1 ? r : 1),
           b = 14.769656459379492;
    double bottom = bessel0(b);
    for (int64_t i = 0; i < n_out; i++) {
        double  at = (double)i * r, sum = 0;
        int64_t from = (int64_t)ceil(at - 64 / c), to = (int64_t)floor(at + 64 / c);
        for (int64_t k = from < 0 ? 0 : from; k <= to && k < n; k++) {
            double u = c * ((double)k - at);
            if (fabs(u) < 64)
                sum += (double)x[k] * c * (u == 0 ? 1 : sin(M_PI * u) / (M_PI * u)) *
                       bessel0(b * sqrt(1 - u * u / 4096)) / bottom;
        }
        y[i] = (float)sum;
    }
    return y;
}

/* x in blocks of `step`. The caller frees it. */
static float *resample(const float *x, int64_t n, int32_t rate, int64_t step, int64_t *n_out)
{
    spk_resampler r;
    weft_error    err = {.hdr = WEFT_HDR(weft_error)};
    assert_int_equal(spk_resampler_init(&r, &host.host, rate, &err), WEFT_OK);
    float *y = malloc((size_t)(spk_resampled(n, rate) + spk_resampler_bound(&r, step)) * sizeof *y);
    *n_out = 0;
    for (int64_t at = 0; at < n; at += step) {
        int64_t part = n - at < step ? n - at : step,
                got = spk_resampler_push(&r, x + at, part, y + *n_out);
        assert_true(got <= spk_resampler_bound(&r, part));
        *n_out += got;
    }
    int64_t rest = spk_resampler_end(&r, y + *n_out);
    assert_true(rest <= spk_resampler_bound(&r, 0));
    *n_out += rest;
    assert_int_equal(*n_out, spk_resampled(n, rate));
    spk_resampler_deinit(&r);
    assert_int_equal(host.blocks_live, 0);
    return y;
}

static double apart(const float *a, const float *b, int64_t n)
{
    double worst = 0;
    for (int64_t i = 0; i < n; i++)
        worst = fmax(worst, fabs((double)a[i] - (double)b[i]));
    return worst;
}

/* How far apart the log-mel features of two sounds of n samples are. */
static double mel_apart(const float *a, const float *b, int64_t n)
{
    spk_features_config c = spk_features_whisper(80);
    spk_mel             mel;
    int64_t             room = spk_mel_frames(&c, n), frames;
    size_t              size = (size_t)(room * 80) * sizeof(float);
    float              *ya = malloc(size), *yb = malloc(size);
    assert_int_equal(spk_mel_init(&mel, &host.host, &c, NULL), WEFT_OK);
    assert_int_equal(spk_features_of(&mel, a, n, ya, room, &frames, NULL), WEFT_OK);
    assert_int_equal(spk_features_of(&mel, b, n, yb, room, &frames, NULL), WEFT_OK);
    spk_mel_deinit(&mel);
    double d = apart(ya, yb, frames * 80);
    free(ya);
    free(yb);
    return d;
}

/* Samples: f32 kernels and sums of some 400 products of at most 1 (1e-6); with phases interpolated,
 * (pi / 1024)^2 / 8 of a sample (1e-5). Features: their error against the quietest bin, eight
 * decades below the loudest, where a part in 1e4 of the bin's power is 1e-5 of the feature. */
static void like_the_exact_sum(void **state)
{
    static const struct {
        int32_t rate;
        double  sample, mel;
    } cases[] = {{8000, 1e-6, 5e-5},  {11025, 1e-6, 5e-5}, {22050, 1e-6, 2e-5},
                 {32000, 1e-6, 2e-5}, {44100, 1e-6, 2e-5}, {48000, 1e-6, 2e-5},
                 {96000, 1e-6, 2e-5}, {44099, 1e-5, 1e-4}, {7999, 1e-5, 1e-4}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t n = cases[i].rate / 4, n_out;
        float  *x = make_sound(n, cases[i].rate), *y = resample(x, n, cases[i].rate, 1000, &n_out);
        float  *want = reference(x, n, cases[i].rate, n_out);
        double  d = apart(y, want, n_out), m = mel_apart(y, want, n_out);
        print_message("%6d Hz: samples %.2g, log-mel %.2g\n", cases[i].rate, d, m);
        if (!(d <= cases[i].sample) || !(m <= cases[i].mel))
            fail_msg("at %d Hz samples differ by %g, log-mel by %g", cases[i].rate, d, m);
        free(x);
        free(y);
        free(want);
    }
}

/* What the filter does to sound: below 7 kHz it is left alone, above the new band it is gone. The
 * bounds are the filter's: pass-band within 0.001 dB, stop-band below -100 dB (1e-5). */
static void pass_band_and_stop_band(void **state)
{
    static const double hz[] = {100, 1000, 4000, 7000, 9000, 12000, 20000};
    (void)state;
    for (size_t k = 0; k < sizeof hz / sizeof hz[0]; k++) {
        int64_t n = 24000, n_out;
        float  *x = malloc((size_t)n * sizeof *x), *y, worst = 0;
        for (int64_t i = 0; i < n; i++)
            x[i] = (float)sin(2 * M_PI * hz[k] * (double)i / 48000);
        y = resample(x, n, 48000, 4096, &n_out);
        for (int64_t i = 500; i < n_out - 500; i++) {
            float want = hz[k] < 8000 ? (float)sin(2 * M_PI * hz[k] * (double)i / 16000) : 0.0f;
            worst = fmaxf(worst, fabsf(y[i] - want));
        }
        if (worst > (hz[k] < 8000 ? 1e-4f : 1e-5f))
            fail_msg("%g Hz is off by %g", hz[k], (double)worst);
        free(x);
        free(y);
    }
}

static void blocks_do_not_matter(void **state)
{
    static const int32_t rates[] = {4000, 8000, 16000, 44100, 44099, 192000, 384000};
    static const int64_t steps[] = {1, 3, 100, 4097, 20000};
    (void)state;
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        int64_t n = 9001, n_out, n_all;
        float  *x = make_sound(n, rates[i]), *all = resample(x, n, rates[i], n, &n_all);
        for (size_t k = 0; k < sizeof steps / sizeof steps[0]; k++) {
            float *y = resample(x, n, rates[i], steps[k], &n_out);
            assert_memory_equal(y, all, (size_t)n_out * sizeof *y);
            free(y);
        }
        free(x);
        free(all);
    }
}

static void short_ones(void **state)
{
    static const int32_t rates[] = {4000, 16000, 44100, 384000};
    (void)state;
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++)
        for (int64_t n = 0; n < 60; n++) {
            int64_t n_out;
            float  *x = make_sound(n, rates[i]), *y = resample(x, n, rates[i], 16, &n_out);
            free(x);
            free(y);
        }
}

static void rates_refused(void **state)
{
    static const int32_t rates[] = {INT32_MIN, -1, 0, 999, 768001, INT32_MAX};
    spk_resampler        r;
    weft_error           err = {.hdr = WEFT_HDR(weft_error)};
    (void)state;
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        assert_int_equal(spk_resampler_init(&r, &host.host, rates[i], &err), WEFT_E_INVALID);
        spk_resampler_deinit(&r);
    }
}

/* ---- a recording ---- */

typedef struct recording {
    const float *x; /* [n, channels] */
    int64_t      n, at, fail_at;
    int32_t      channels, reserved;
} recording;

static weft_status read_audio(void *ctx, int64_t n, const weft_tensor *dst, int64_t *got,
                              weft_error *err)
{
    recording *r = ctx;
    assert_true(dst->shape[0] >= n && dst->shape[1] == r->channels);
    assert_true(dst->bytes >= (uint64_t)(n * r->channels) * sizeof(float));
    if (r->fail_at > 0 && r->at + n > r->fail_at)
        return weft_fail(err, WEFT_E_CORRUPT, "damaged");
    *got = n < r->n - r->at ? n : r->n - r->at;
    memcpy(dst->data, r->x + r->at * r->channels, (size_t)(*got * r->channels) * sizeof(float));
    r->at += *got;
    return WEFT_OK;
}

/* Stereo at 44.1 kHz, from sample `first` on, gives the bytes of its average, cut and resampled. */
static void whole_way(void **state)
{
    const int64_t       n = 30000, first = 1234, count = 20000;
    spk_features_config c = spk_features_own();
    spk_mel             mel;
    float              *x = make_sound(n, 44100), *both = malloc((size_t)n * 2 * sizeof *both);
    weft_media_info     info = {.hdr = WEFT_HDR(weft_media_info),
                                .kind = "audio",
                                .channels = 2,
                                .sample_rate = 44100,
                                .n_samples = n};
    recording           r = {both, n, 0, 0, 2, 0};
    weft_media          m = {WEFT_HDR(weft_media), &r, &info, NULL, read_audio, NULL};
    int64_t             n_out, frames, wanted;
    (void)state;
    for (int64_t i = 0; i < n; i++) { /* the average is x again, exactly */
        both[2 * i] = x[i] * 2.0f;
        both[2 * i + 1] = 0.0f;
    }
    int64_t room = spk_features_frames(&c, &info, first, count);
    float  *y = calloc((size_t)room * 80, sizeof *y),
          *want = calloc((size_t)room * 80, sizeof *want);
    float *cut = resample(x + first, count, 44100, 999, &n_out);
    assert_int_equal(room, spk_mel_frames(&c, n_out));
    assert_int_equal(spk_mel_init(&mel, &host.host, &c, NULL), WEFT_OK);
    assert_int_equal(spk_features_read(&mel, &m, first, count, y, room, &frames, NULL), WEFT_OK);
    assert_int_equal(frames, room);
    assert_int_equal(spk_features_of(&mel, cut, n_out, want, room, &wanted, NULL), WEFT_OK);
    assert_memory_equal(y, want, (size_t)room * 80 * sizeof *y);

    r.at = 0;
    r.fail_at = 10000;
    assert_int_equal(spk_features_read(&mel, &m, 0, -1, y, room, &frames, NULL), WEFT_E_CORRUPT);
    spk_mel_deinit(&mel);
    assert_int_equal(host.blocks_live, 0);
    free(x);
    free(both);
    free(y);
    free(want);
    free(cut);
}

/* Ten times the sound, the same memory. */
static void memory_is_flat(void **state)
{
    spk_features_config c = spk_features_whisper(80);
    spk_mel             mel;
    uint64_t            peak[2];
    float              *x = make_sound(2000000, 48000), *y = malloc(4 * 80 * sizeof *y);
    weft_media_info info = {.hdr = WEFT_HDR(weft_media_info), .channels = 1, .sample_rate = 48000};
    int64_t         frames;
    (void)state;
    assert_int_equal(spk_mel_init(&mel, &host.host, &c, NULL), WEFT_OK);
    for (int i = 0; i < 2; i++) {
        recording  r = {x, i == 0 ? 200000 : 2000000, 0, 0, 1, 0};
        weft_media m = {WEFT_HDR(weft_media), &r, &info, NULL, read_audio, NULL};
        host.bytes_peak = 0;
        assert_int_equal(spk_features_read(&mel, &m, 0, -1, y, 4, &frames, NULL), WEFT_OK);
        peak[i] = host.bytes_peak;
    }
    assert_int_equal(peak[0], peak[1]);
    assert_true(peak[1] < 200000);
    spk_mel_deinit(&mel);
    free(x);
    free(y);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(like_the_exact_sum),   cmocka_unit_test(pass_band_and_stop_band),
        cmocka_unit_test(blocks_do_not_matter), cmocka_unit_test(short_ones),
        cmocka_unit_test(rates_refused),        cmocka_unit_test(whole_way),
        cmocka_unit_test(memory_is_flat),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
