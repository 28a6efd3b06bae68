/* SPDX-License-Identifier: Apache-2.0 */
/* weft.ultravox on the fake host: tokens for every length, the way from samples to frames, what the
 * text core is told. */
#include "module.h"

#include <math.h>

#include "sound.h"
#include "tests/support/hooks.h"
#include "tests/vision/expect.h"
#include "tests/support/planned.h"

static weft_status plan_within(module *m, void *self, int64_t n, int32_t rate,
                               const weft_limits *lim, weft_plan *out)
{
    const weft_media_info info = {.hdr = WEFT_HDR(weft_media_info),
                                  .kind = "audio",
                                  .channels = 1,
                                  .sample_rate = rate,
                                  .n_samples = n,
                                  .duration_us = -1};
    memset(out, 0, sizeof *out);
    planned_begin(out);
    return m->audio->plan(self, &info, NULL, lim, out, &m->err);
}

static weft_status plan(module *m, void *self, int64_t n, int32_t rate, weft_plan *out)
{
    const weft_limits lim = {
        .hdr = WEFT_HDR(weft_limits), .max_tokens = 3750, .max_samples = 20000000};
    return plan_within(m, self, n, rate, &lim, out);
}

static void count(const char *config, int64_t bins, int64_t silence)
{
    static const struct {
        int64_t n, frames, tokens, rows; /* rows 0: several chunks */
        int32_t rate;
    } cases[] = {
        {1, 2, 1, 1, 16000},
        {319, 2, 1, 1, 16000},
        {320, 2, 1, 1, 16000},
        {321, 3, 1, 2, 16000},
        {16000, 100, 7, 50, 16000},
        {44100, 100, 7, 50, 44100},
        {80000, 500, 32, 250, 16000},
        {160000, 1000, 63, 500, 16000},
        {240000, 1500, 94, 750, 16000},
        {479999, 3000, 188, 1500, 16000},
        {480000, 3000, 188, 1500, 16000},
        {480001, 3001, 189, 0, 16000},
        {560000, 3500, 220, 0, 16000},
        {960000, 6000, 376, 0, 16000},
        {1000000, 6250, 392, 0, 16000},
    };
    module    m;
    void     *self;
    weft_plan p;
    module_open(&m);
    assert_int_equal(create(&m, config, NULL, 2048, &self), WEFT_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(plan(&m, self, cases[i].n, cases[i].rate, &p), WEFT_OK);
        assert_string_equal(p.inputs[0].name, "input_features");
        assert_int_equal(p.inputs[0].spec.shape[0], cases[i].frames + silence);
        assert_int_equal(p.inputs[0].spec.shape[1], bins);
        assert_int_equal(p.n_placeholders, cases[i].tokens);
        assert_string_equal(p.outputs[0].name, "adapter.output");
        assert_string_equal(p.outputs[0].stream, "weft.ultravox/audio");
        assert_int_equal(p.outputs[0].spec.shape[0], cases[i].tokens);
        assert_int_equal(p.outputs[0].spec.shape[1], 2048);
        assert_int_equal(p.n_outputs, cases[i].rows > 0 ? 3 : 2);
        if (cases[i].rows > 0)
            assert_int_equal(p.outputs[2].spec.shape[0], cases[i].rows);
    }
    m.audio->destroy(self);
    module_close(&m);
}

static void test_token_counts(void **state)
{
    (void)state;
    count(V05, 128, 0);
}

/* Silence behind the recording makes frames and nothing else; frames of it alone are no recording.
 */
static void test_silence(void **state)
{
    static const char config[] = ARCH ", \"weft_silence\": 200}";
    static const struct {
        int64_t     frames;
        weft_status status;
    } cases[] = {{200, WEFT_E_LIMIT}, {201, WEFT_OK}, {60200, WEFT_OK}, {60201, WEFT_E_LIMIT}};
    const char *const names[] = {"input_features"};
    module            m;
    void             *self;
    weft_plan         p;
    uint32_t          n;
    (void)state;
    count(config, 80, 200);
    module_open(&m);
    assert_int_equal(create(&m, config, NULL, 2048, &self), WEFT_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const int64_t     shape[] = {cases[i].frames, 80};
        const weft_tensor in = weft_view(NULL, NULL, WEFT_F32, 2, shape);
        planned_begin(&p);
        assert_int_equal(m.audio->plan_inputs(self, &in, names, 1, &p, 1, &n, &m.err),
                         cases[i].status);
        if (cases[i].status != WEFT_OK)
            assert_non_null(
                strstr(m.err.message, "201 to 60200 can, the last of which are weft_silence"));
    }
    m.audio->destroy(self);
    module_close(&m);
}

/* A limit of 0 forbids, and without limits there are none. */
static void test_limits(void **state)
{
    const weft_limits no_samples = {.hdr = WEFT_HDR(weft_limits), .max_tokens = 1},
                      no_tokens = {.hdr = WEFT_HDR(weft_limits), .max_samples = 320};
    module    m;
    void     *self;
    weft_plan p;
    (void)state;
    module_open(&m);
    assert_int_equal(create(&m, V05, NULL, 2048, &self), WEFT_OK);
    assert_int_equal(plan_within(&m, self, 320, 16000, &no_samples, &p), WEFT_E_LIMIT);
    assert_non_null(strstr(m.err.message, "--max-samples 0"));
    assert_int_equal(plan_within(&m, self, 320, 16000, &no_tokens, &p), WEFT_E_LIMIT);
    assert_non_null(strstr(m.err.message, "--max-tokens 0"));
    assert_int_equal(plan_within(&m, self, 320, 16000, NULL, &p), WEFT_OK);
    m.audio->destroy(self);
    module_close(&m);
}

/* A projector of letters may want tokens beyond those of the recording; they count as tokens do. */
static void test_spare(void **state)
{
    static const char config[] =
        ARCH ", \"num_projector_layers\": 1, \"ctc\": {\"letters\": \" a\", \"spare\": 9}}";
    const weft_limits lim = {.hdr = WEFT_HDR(weft_limits), .max_tokens = 9, .max_samples = 16000};
    module            m;
    void             *self;
    weft_plan         p;
    (void)state;
    module_open(&m);
    assert_int_equal(create(&m, config, NULL, 2048, &self), WEFT_OK);
    assert_int_equal(plan(&m, self, 1000000, 16000, &p), WEFT_OK); /* three chunks */
    assert_int_equal(p.n_placeholders, 392 + 9);
    assert_int_equal(p.outputs[0].spec.shape[0], 392 + 9);
    assert_int_equal(plan(&m, self, 320, 16000, &p), WEFT_OK);
    assert_int_equal(p.n_placeholders, 1 + 9);
    assert_int_equal(plan_within(&m, self, 320, 16000, &lim, &p), WEFT_E_LIMIT);
    m.audio->destroy(self);
    module_close(&m);
}

static void test_bad_lengths(void **state)
{
    static const struct {
        int64_t     n;
        int32_t     rate;
        weft_status status;
        const char *says;
    } cases[] = {
        {0, 16000, WEFT_E_CORRUPT, "no sound"},
        {-1, 16000, WEFT_E_UNSUPPORTED, "weft transcribe"},
        {600 * 16000 + 1, 16000, WEFT_E_LIMIT, "weft transcribe"},
        {600 * 16000, 16000, WEFT_E_LIMIT, "3760 tokens"},
        {INT64_MAX, 16000, WEFT_E_LIMIT, "weft transcribe"},
        {20000001, 48000, WEFT_E_LIMIT, "--max-samples"},
        {16000, 0, WEFT_E_INVALID, "0 Hz"},
    };
    module    m;
    void     *self;
    weft_plan p;
    (void)state;
    module_open(&m);
    assert_int_equal(create(&m, V05, NULL, 2048, &self), WEFT_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        weft_status got = plan(&m, self, cases[i].n, cases[i].rate, &p);
        if (got != cases[i].status || strstr(m.err.message, cases[i].says) == NULL)
            fail_msg("case %zu: %d \"%s\"", i, got, m.err.message);
    }
    m.audio->destroy(self);
    module_close(&m);
}

typedef struct tape {
    const float *x;
    int64_t      at, n;
} tape;

static weft_status read_tape(void *ctx, int64_t n, const weft_tensor *dst, int64_t *got,
                             weft_error *err)
{
    tape *t = ctx;
    (void)err;
    *got = n < t->n - t->at ? n : t->n - t->at;
    memcpy(dst->data, t->x + t->at, (size_t)*got * sizeof *t->x);
    t->at += *got;
    return WEFT_OK;
}

/* Frames of the first `heard` of n samples; the caller frees them. */
static float *frames_of(module *m, void *self, const float *x, int64_t n, int64_t heard,
                        weft_status want)
{
    weft_plan       p;
    weft_media_info info = {.hdr = WEFT_HDR(weft_media_info),
                            .kind = "audio",
                            .channels = 1,
                            .sample_rate = 16000,
                            .n_samples = n};
    tape            t = {x, 0, heard};
    weft_media      media = {WEFT_HDR(weft_media), &t, &info, NULL, read_tape, NULL};
    assert_int_equal(plan(m, self, n, 16000, &p), WEFT_OK);
    weft_tensor in = weft_view(NULL, NULL, WEFT_F32, 2, p.inputs[0].spec.shape);
    float      *frames = calloc(1, (size_t)in.bytes);
    in.data = frames;
    assert_int_equal(m->audio->preprocess(self, &media, &p, &in, &m->err), want);
    return frames;
}

/* WhisperFeatureExtractor's frames of 62.5 s: from the start, on both sides of every chunk's end,
 * of silence, of the recording's end. It works in f32 and we in f64: 1e-5 is what that leaves on
 * sound with noise; a floor by the loudest of a chunk, not of the whole clip, is off by tenths. */
static void test_features(void **state)
{
    expect         e = expect_open("ultravox/v05/long-features.safetensors");
    uint64_t       n_bytes, n_features;
    int64_t        rows[16];
    const uint8_t *at = expect_tensor(&e, "rows", &n_bytes, NULL);
    const float   *want = expect_tensor(&e, "features", &n_features, NULL);
    module         m;
    void          *self;
    float         *x = sound_make(1000000);
    (void)state;
    assert_int_equal(n_bytes, sizeof rows);
    assert_int_equal(n_features, 16 * 128 * sizeof(float));
    memcpy(rows, at, sizeof rows);
    module_open(&m);
    assert_int_equal(create(&m, V05, NULL, 2048, &self), WEFT_OK);
    float *got = frames_of(&m, self, x, 1000000, 1000000, WEFT_OK);
    for (int i = 0; i < 16; i++)
        for (int64_t k = 0; k < 128; k++) {
            float expected;
            memcpy(&expected, want + i * 128 + k, sizeof expected);
            if (!(fabsf(got[rows[i] * 128 + k] - expected) <= 1e-5f))
                fail_msg("frame %lld, bin %lld: %g, not %g", (long long)rows[i], (long long)k,
                         (double)got[rows[i] * 128 + k], (double)expected);
        }
    free(got);
    free(frames_of(&m, self, x, 16000, 8000, WEFT_E_CORRUPT));
    assert_non_null(strstr(m.err.message, "ends early"));
    m.audio->destroy(self);
    module_close(&m);
    free(x);
    expect_close(&e);
}

static void expect_prompt(module *m, void *self, const char *task, const char *want)
{
    const char *system, *user;
    assert_int_equal(m->audio->prompt(self, task, &system, &user, &m->err), WEFT_OK);
    assert_null(system);
    assert_string_equal(user, want);
}

static void test_hooks_and_prompts(void **state)
{
    module m;
    void  *self;
    (void)state;
    module_open(&m);
    assert_int_equal(create(&m, V05, NULL, 2048, &self), WEFT_OK);
    assert_int_equal(m.audio->install(self, &hooks_sink, &m.err), WEFT_OK);
    assert_int_equal(hooks_site.kind, WEFT_HOOK_SOFT_TOKENS);
    assert_int_equal(hooks_site.layer, -1);
    assert_int_equal(hooks_marker.token_id, -1);
    assert_string_equal(hooks_marker.token, "<|audio|>");
    assert_null(hooks_marker.before);
    assert_null(hooks_marker.after);
    assert_int_equal(hooks_marker.flags, WEFT_MARKER_LAST);
    expect_prompt(&m, self, "transcribe",
                  "Repeat the following text, without any explanation: <|audio|>");
    expect_prompt(&m, self, "translate",
                  "Please translate the text to {language}. Your response should only include the "
                  "{language} translation, without any additional words:\n\n<|audio|>");
    expect_prompt(&m, self, "describe", "<|audio|>");
    m.audio->destroy(self);
    assert_int_equal(create(&m, ARCH "}", NULL, 2048, &self), WEFT_OK);
    expect_prompt(&m, self, "transcribe", "Transcribe\n<|audio|>");
    m.audio->destroy(self);
    module_close(&m);
}

static void expect_whole(module *m, void *self, const char *task, const char *wants)
{
    const char *prompt = NULL;
    assert_int_equal(m->audio->whole_prompt(self, task, 0, &prompt, &m->err), WEFT_OK);
    if (wants == NULL)
        assert_null(prompt);
    else
        assert_string_equal(prompt, wants);
}

/* The prompt that an adapter brings is that of transcripts alone. */
static void test_own_prompt(void **state)
{
    static const char config[] =
        ARCH ", \"weft_prompts\": {\"transcribe\": \"Say: <|audio|>\\n\"}}";
    module m;
    void  *self;
    (void)state;
    module_open(&m);
    assert_int_equal(create(&m, config, NULL, 2048, &self), WEFT_OK);
    expect_whole(&m, self, "transcribe", "Say: <|audio|>\n");
    expect_whole(&m, self, "translate", NULL);
    m.audio->destroy(self);
    assert_int_equal(create(&m, V05, NULL, 2048, &self), WEFT_OK);
    expect_whole(&m, self, "transcribe", NULL);
    m.audio->destroy(self);
    module_close(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_token_counts), cmocka_unit_test(test_limits),
        cmocka_unit_test(test_silence),      cmocka_unit_test(test_bad_lengths),
        cmocka_unit_test(test_features),     cmocka_unit_test(test_hooks_and_prompts),
        cmocka_unit_test(test_own_prompt),   cmocka_unit_test(test_spare),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
