/* SPDX-License-Identifier: Apache-2.0 */
/* Log-mel features against the reference extractors and training/mel.py, and against themselves in
 * blocks of other sizes. Fixture: tools/gen_speech_features.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/speech/paper/features_config.h"
#include "plugins/speech/shared/features.h"
#include "tests/support/fake_host.h"
#include "tests/vision/expect.h"

static const char *const sounds[] = {"noise201", "noise399",  "noise400", "noise401", "noise559",
                                     "noise560", "noise8000", "speech",   "quiet",    "sweep",
                                     "tone",     "impulse",   "silence",  "offset",   "square"};
#define N_SOUNDS (sizeof sounds / sizeof sounds[0])

static expect    fixture;
static fake_host host;

static int setup(void **state)
{
    (void)state;
    fixture = expect_open("speech/features.safetensors");
    fake_host_init(&host, NULL, 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    expect_close(&fixture);
    fake_host_deinit(&host);
    return 0;
}

/* The caller frees it. */
static float *sound_of(const char *name, int64_t *n)
{
    uint64_t       size;
    const int16_t *s = expect_tensor(&fixture, name, &size, NULL);
    assert_non_null(s);
    *n = (int64_t)(size / 2);
    float *x = malloc((size_t)*n * sizeof *x + 1);
    for (int64_t i = 0; i < *n; i++)
        x[i] = (float)s[i] / 32768.0f;
    return x;
}

/* Frames of x pushed `step` samples at a time. The caller frees them. */
static float *features(const spk_features_config *c, const float *x, int64_t n, int64_t step,
                       int64_t *frames)
{
    spk_mel     mel;
    spk_mel_run run;
    weft_error  err = {.hdr = WEFT_HDR(weft_error)};
    int64_t     room = spk_mel_frames(c, n);
    float      *out = calloc((size_t)(room * c->n_mels) + 1, sizeof *out);
    assert_int_equal(spk_mel_init(&mel, &host.host, c, &err), WEFT_OK);
    assert_int_equal(spk_mel_run_init(&run, &mel, out, room, &err), WEFT_OK);
    for (int64_t at = 0; at < n; at += step)
        spk_mel_push(&run, x + at, n - at < step ? n - at : step);
    *frames = spk_mel_end(&run);
    assert_int_equal(*frames, room);
    spk_mel_run_deinit(&run);
    spk_mel_deinit(&mel);
    assert_int_equal(host.blocks_live, 0);
    return out;
}

/* Compares NAME.suffix, where the fixture has it; returns whether it has. */
static int compare(const char *name, const char *suffix, const spk_features_config *c,
                   double tolerance)
{
    char     key[64];
    uint64_t size;
    int64_t  n, frames;
    snprintf(key, sizeof key, "%s.%s", name, suffix);
    const float *want = expect_tensor(&fixture, key, &size, NULL);
    if (want == NULL)
        return 0;
    float *x = sound_of(name, &n), *y = features(c, x, n, 1000, &frames);
    double worst = 0;
    assert_int_equal(size, frames * c->n_mels * 4);
    for (int64_t i = 0; i < frames * c->n_mels; i++) {
        double d = fabs((double)y[i] - (double)want[i]);
        worst = d > worst || isnan(d) ? d : worst;
    }
    if (!(worst <= tolerance))
        fail_msg("%s is off by %g, more than %g", key, worst, tolerance);
    print_message("%-20s off by at most %.2g\n", key, worst);
    free(x);
    free(y);
    return 1;
}

/* 1e-5: both sides round to f32 at the same places; logarithms of double agree to an ulp of 25. */
static void w2v_bert(void **state)
{
    spk_features_config c = spk_features_w2v_bert(), raw = c;
    int                 n = 0;
    (void)state;
    raw.normalise = 0;
    for (size_t i = 0; i < N_SOUNDS; i++) {
        n += compare(sounds[i], "w2v", &c, 1e-5);
        n += compare(sounds[i], "w2v.raw", &raw, 1e-5);
    }
    assert_int_equal(n, 10 + 5);
}

static void own(void **state)
{
    spk_features_config c = spk_features_own(), raw = c;
    int                 n = 0;
    (void)state;
    raw.normalise = 0;
    for (size_t i = 0; i < N_SOUNDS; i++) {
        n += compare(sounds[i], "own", &c, 1e-5);
        n += compare(sounds[i], "own.raw", &raw, 1e-5);
    }
    assert_int_equal(n, 13 + 5);
}

/* The reference transforms in f32. Under broadband sound that is lost (1e-5); between the lines of
 * clean tones it is all there is (1e-4). */
static void whisper(void **state)
{
    static const char *const clean[] = {"sweep", "tone", "impulse", "silence", "offset", "square"};
    spk_features_config      c80 = spk_features_whisper(80), c128 = spk_features_whisper(128);
    int                      n = 0;
    (void)state;
    for (size_t i = 0; i < N_SOUNDS; i++) {
        double tolerance = 1e-5;
        for (size_t k = 0; k < sizeof clean / sizeof clean[0]; k++)
            if (strcmp(sounds[i], clean[k]) == 0)
                tolerance = 1e-4;
        n += compare(sounds[i], "whisper80", &c80, tolerance);
        n += compare(sounds[i], "whisper128", &c128, tolerance);
    }
    assert_int_equal(n, 15 + 4);
}

static void frame_counts(void **state)
{
    static const struct {
        int64_t n, w2v, whisper;
    } cases[] = {{0, 0, 0},   {1, 0, 0},   {200, 0, 0}, {201, 0, 1},
                 {319, 0, 1}, {320, 0, 2}, {399, 0, 2}, {400, 1, 2},
                 {401, 1, 2}, {559, 1, 3}, {560, 2, 3}, {480000, 2998, 3000}};
    spk_features_config w2v = spk_features_w2v_bert(), whisper_c = spk_features_whisper(80);
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(spk_mel_frames(&w2v, cases[i].n), cases[i].w2v);
        assert_int_equal(spk_mel_frames(&whisper_c, cases[i].n), cases[i].whisper);
    }
}

/* One frame has no deviation: the reference says NaN, this says 0. */
static void one_frame_is_zero(void **state)
{
    spk_features_config c = spk_features_w2v_bert();
    int64_t             n, frames;
    float              *x = sound_of("noise400", &n), *y = features(&c, x, n, n, &frames);
    (void)state;
    assert_int_equal(frames, 1);
    for (int i = 0; i < 80; i++)
        assert_true(y[i] == 0.0f);
    free(x);
    free(y);
}

/* The bytes do not depend on how the samples came: the same code on the same values. */
static void blocks_do_not_matter(void **state)
{
    static const int64_t      steps[] = {1, 7, 160, 199, 200, 201, 399, 2048, 5000};
    const spk_features_config configs[] = {spk_features_w2v_bert(), spk_features_whisper(80),
                                           spk_features_own()};
    int64_t                   n, frames;
    float                    *x = sound_of("speech", &n);
    (void)state;
    for (size_t c = 0; c < 3; c++) {
        float *all = features(&configs[c], x, n, n, &frames);
        for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
            float *y = features(&configs[c], x, n, steps[i], &frames);
            assert_memory_equal(y, all, (size_t)(frames * configs[c].n_mels) * sizeof *y);
            free(y);
        }
        free(all);
    }
    free(x);
}

/* Fewer frames than there are: the rest of out is not touched. */
static void out_is_a_bound(void **state)
{
    spk_features_config c = spk_features_whisper(80);
    spk_mel             mel;
    weft_error          err = {.hdr = WEFT_HDR(weft_error)};
    int64_t             n, frames;
    float              *x = sound_of("noise8000", &n), out[81];
    (void)state;
    out[80] = 7.0f;
    assert_int_equal(spk_mel_init(&mel, &host.host, &c, &err), WEFT_OK);
    assert_int_equal(spk_features_of(&mel, x, n, out, 1, &frames, &err), WEFT_OK);
    assert_int_equal(frames, 1);
    assert_true(out[80] == 7.0f);
    spk_mel_deinit(&mel);
    free(x);
}

static weft_status read_config(const char *json, spk_features_config *c, weft_error *err)
{
    weft_package *p = fake_package_open(&host, NULL);
    fake_package_put(p, "preprocessor_config.json", json, strlen(json));
    plg_keys k = plg_keys_of(&host.host, p, "preprocessor_config.json", "", err);
    return spk_features_config_read(&k, c);
}

static void configurations_read(void **state)
{
    static const char *const whisper_json =
        "{\"feature_extractor_type\": \"WhisperFeatureExtractor\", \"feature_size\": 128, "
        "\"hop_length\": 160, \"n_fft\": 400, \"sampling_rate\": 16000, \"padding_value\": 0.0}";
    static const char *const w2v_json =
        "{\"feature_extractor_type\": \"SeamlessM4TFeatureExtractor\", \"num_mel_bins\": 80, "
        "\"feature_size\": 80, \"stride\": 2, \"padding_value\": 1}";
    static const char *const own_json =
        "{\"window\": \"povey\", \"mel_scale\": \"slaney\", \"log\": \"log10\", \"center\": true, "
        "\"normalize\": false, \"mel_floor\": 1e-9, \"dynamic_range\": 8}";
    weft_error          err = {.hdr = WEFT_HDR(weft_error)};
    spk_features_config c, want = spk_features_whisper(128);
    (void)state;
    assert_int_equal(read_config(whisper_json, &c, &err), WEFT_OK);
    assert_memory_equal(&c, &want, sizeof c);
    want = spk_features_w2v_bert();
    want.pad_value = 1;
    assert_int_equal(read_config(w2v_json, &c, &err), WEFT_OK);
    assert_memory_equal(&c, &want, sizeof c);
    want = spk_features_own();
    assert_int_equal(read_config("{}", &c, &err), WEFT_OK);
    assert_memory_equal(&c, &want, sizeof c);
    want.window = SPK_WINDOW_POVEY;
    want.mel = SPK_MEL_SLANEY;
    want.log10 = want.center = 1;
    want.normalise = 0;
    want.floor = 1e-9;
    want.range = 8;
    assert_int_equal(read_config(own_json, &c, &err), WEFT_OK);
    assert_memory_equal(&c, &want, sizeof c);
}

static void configurations_refused(void **state)
{
    static const struct {
        const char *json, *word;
        weft_status status;
    } cases[] = {{"{\"sampling_rate\": 8000}", "sampling_rate", WEFT_E_UNSUPPORTED},
                 {"{\"mel_scale\": \"bark\"}", "bark", WEFT_E_INVALID},
                 {"{\"num_mel_bins\": 0}", "num_mel_bins", WEFT_E_INVALID},
                 {"{\"hop_length\": -1}", "hop_length", WEFT_E_INVALID},
                 {"{\"mel_floor\": 0}", "mel_floor", WEFT_E_INVALID},
                 {"{\"window\": 7}", "window", WEFT_E_CORRUPT}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        spk_features_config c;
        weft_error          err = {.hdr = WEFT_HDR(weft_error)};
        assert_int_equal(read_config(cases[i].json, &c, &err), cases[i].status);
        if (strstr(err.message, cases[i].word) == NULL)
            fail_msg("\"%s\" does not say \"%s\"", err.message, cases[i].word);
    }
}

static void refused(const spk_features_config *c, const char *word)
{
    spk_mel    mel;
    weft_error err = {.hdr = WEFT_HDR(weft_error)};
    assert_int_equal(spk_mel_init(&mel, &host.host, c, &err), WEFT_E_INVALID);
    if (strstr(err.message, word) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", err.message, word);
    assert_int_equal(host.blocks_live, 0);
}

static void impossible_configurations(void **state)
{
    spk_features_config c;
    (void)state;
    c = spk_features_own();
    c.n_mels = 0;
    refused(&c, "mel bins");
    c = spk_features_own();
    c.hop = 401;
    refused(&c, "hop <= frame");
    c = spk_features_own();
    c.n_fft = 399;
    refused(&c, "n_fft");
    c = spk_features_own();
    c.n_fft = 406; /* 2 * 7 * 29 */
    refused(&c, "406");
    c = spk_features_own();
    c.f_max = 8001;
    refused(&c, "8000");
    c = spk_features_own();
    c.floor = 0;
    refused(&c, "floor");
}

/* Every allocation fails once: NOMEM, and nothing is left. */
static void out_of_memory(void **state)
{
    spk_features_config c = spk_features_own();
    float               x[800] = {0}, y[80 * 3];
    int64_t             frames;
    int                 failures = 0;
    (void)state;
    for (uint64_t i = 1; i < 50; i++) {
        spk_mel    mel;
        weft_error err = {.hdr = WEFT_HDR(weft_error)};
        fake_host_fail_at(&host, i, 0);
        weft_status st = spk_mel_init(&mel, &host.host, &c, &err);
        if (st == WEFT_OK)
            st = spk_features_of(&mel, x, 800, y, 3, &frames, &err);
        spk_mel_deinit(&mel);
        assert_int_equal(host.blocks_live, 0);
        if (st == WEFT_OK)
            break;
        assert_int_equal(st, WEFT_E_NOMEM);
        failures++;
    }
    fake_host_fail_at(&host, 0, 0);
    assert_int_equal(failures, 6); /* roots, window, filters, weights, samples, work */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(w2v_bert),
        cmocka_unit_test(own),
        cmocka_unit_test(whisper),
        cmocka_unit_test(frame_counts),
        cmocka_unit_test(one_frame_is_zero),
        cmocka_unit_test(blocks_do_not_matter),
        cmocka_unit_test(out_is_a_bound),
        cmocka_unit_test(configurations_read),
        cmocka_unit_test(configurations_refused),
        cmocka_unit_test(impossible_configurations),
        cmocka_unit_test(out_of_memory),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
