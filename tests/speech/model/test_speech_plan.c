/* SPDX-License-Identifier: Apache-2.0 */
/* The speech module on the fake host: configurations read and refused, plans from a recording's
 * length, what the text core is told, the way from samples to frames. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <math.h>

#include "tests/support/fake_host.h"
#include "tests/support/hooks.h"
#include "tests/support/load.h"
#include "weft/sdk.h"
#include "tests/support/planned.h"

typedef struct module {
    fake_host            host;
    weft_plugin          plugin;
    const weft_modality *audio;
    weft_error           err;
} module;

static weft_status kernels_add(const weft_host *h, const weft_kernel_decl *k, uint32_t n,
                               const weft_fatbin *gpu, weft_error *err)
{
    (void)h, (void)gpu, (void)err;
    for (uint32_t i = 0; i < n; i++)
        assert_true(k[i].name != NULL && k[i].cpu != NULL && k[i].n_args <= 16);
    return WEFT_OK;
}

static const weft_if_kernels kernels = {.hdr = WEFT_HDR(weft_if_kernels), .add = kernels_add};
static const weft_if_ops     ops = {.hdr = WEFT_HDR(weft_if_ops)};
static const weft_if_weights weights = {.hdr = WEFT_HDR(weft_if_weights)};

static void module_open(module *m)
{
    const weft_error no_error = {.hdr = WEFT_HDR(weft_error)};
    fake_host_init(&m->host, NULL, 0);
    fake_host_provide(&m->host, WEFT_IF_WEIGHTS, &weights);
    fake_host_provide(&m->host, WEFT_IF_KERNELS, &kernels);
    fake_host_provide(&m->host, WEFT_IF_OPS, &ops);
    m->err = no_error;
    m->plugin = module_load("weft-speech");
    assert_int_equal(m->plugin.init(&m->host.host, &m->err), WEFT_OK);
    assert_string_equal(m->plugin.desc->components[0].kind, WEFT_C_MODALITY);
    m->audio = m->plugin.desc->components[0].vtable;
}

static void module_close(module *m)
{
    m->plugin.deinit(&m->host.host);
    assert_int_equal(m->host.blocks_live, 0);
    fake_host_deinit(&m->host);
}

/* create() on a config.json; d_model 0: no text core. */
static weft_status create(module *m, const char *config, const char *processor, int32_t d_model,
                          void **self)
{
    weft_package *p = fake_package_open(&m->host, NULL);
    fake_package_put(p, "config.json", config, strlen(config));
    fake_package_put(p, "preprocessor_config.json", processor,
                     processor != NULL ? strlen(processor) : 0);
    weft_model_info mi = {.hdr = WEFT_HDR(weft_model_info), .package = p, .d_model = d_model};
    return m->audio->create(&m->host.host, &mi, self, &m->err);
}

#define OWN                                                                                        \
    "{\"architectures\": [\"WeftSpeechModel\"], \"text_hidden_size\": 48,"                         \
    " \"begin_token\": \"<b>\", \"end_token\": \"<e>\", \"audio_token_index\": 137,"               \
    " \"encoder_config\": {\"hidden_size\": 32, \"num_attention_heads\": 4},"                      \
    " \"adapter_config\": {\"hidden_size\": 40, \"num_attention_heads\": 2}}"

static const struct {
    const char *config, *processor, *says;
    int32_t     d_model;
    weft_status status;
} bad[] = {
    {"{}", NULL, "architectures", 0, WEFT_E_UNSUPPORTED},
    {"{\"architectures\": [\"LlamaForCausalLM\"]}", NULL, "LlamaForCausalLM", 0,
     WEFT_E_UNSUPPORTED},
    {"{\"architectures\": [\"Wav2Vec2BertModel\"]}", NULL, "without an adapter", 64,
     WEFT_E_INVALID},
    {OWN, NULL, "width 48", 64, WEFT_E_INVALID},
    {OWN, "{\"num_mel_bins\": 64}", "feature_projection_input_dim 320", 0, WEFT_E_INVALID},
    {"{\"architectures\": [\"Wav2Vec2BertModel\"], \"hidden_size\": 30}", NULL, "hidden_size 30", 0,
     WEFT_E_INVALID},
    {"{\"architectures\": [\"Wav2Vec2BertModel\"], \"conv_depthwise_kernel_size\": 30}", NULL,
     "odd", 0, WEFT_E_INVALID},
    {"{\"architectures\": [\"Wav2Vec2BertModel\"], \"num_hidden_layers\": 0}", NULL,
     "num_hidden_layers is 0", 0, WEFT_E_INVALID},
    {"{\"architectures\": [\"Wav2Vec2BertModel\"], \"left_max_position_embeddings\": 4000}", NULL,
     "left_max_position_embeddings", 0, WEFT_E_INVALID},
    {"{\"architectures\": [\"Wav2Vec2BertModel\"], \"position_embeddings_type\": \"rotary\"}", NULL,
     "rotary", 0, WEFT_E_UNSUPPORTED},
    {"{\"architectures\": [\"Wav2Vec2BertModel\"], \"hidden_act\": \"gelu\"}", NULL, "hidden_act",
     0, WEFT_E_UNSUPPORTED},
    {"{\"architectures\": [\"Wav2Vec2BertModel\"], \"hidden_act\": \"tanh\"}", NULL, "tanh", 0,
     WEFT_E_UNSUPPORTED},
    {"{\"architectures\": [\"WeftSpeechModel\"], \"encoder_config\": {\"model_type\": \"ear\"}}",
     NULL, "\"ear\"", 0, WEFT_E_UNSUPPORTED},
    {"{\"architectures\": [\"WeftSpeechModel\"], \"encoder_config\": {\"hidden_size\": 36,"
     " \"num_attention_heads\": 4}}",
     NULL, "even multiple", 0, WEFT_E_INVALID},
    {"{\"architectures\": [\"WeftSpeechModel\"], \"adapter_config\": {\"stride\": 0}}", NULL,
     "adapter_config.stride is 0", 0, WEFT_E_INVALID},
};

static void test_bad_configs(void **state)
{
    module m;
    (void)state;
    module_open(&m);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        void       *self = &m;
        weft_status got = create(&m, bad[i].config, bad[i].processor, bad[i].d_model, &self);
        if (got != bad[i].status || strstr(m.err.message, bad[i].says) == NULL)
            fail_msg("case %zu: %d \"%s\"", i, got, m.err.message);
        assert_null(self);
    }
    module_close(&m);
}

static weft_status plan(module *m, void *self, int64_t n, int32_t rate, int64_t start_us,
                        int64_t end_us, weft_plan *out)
{
    const weft_media_info info = {.hdr = WEFT_HDR(weft_media_info),
                                  .kind = "audio",
                                  .channels = 1,
                                  .sample_rate = rate,
                                  .n_samples = n,
                                  .duration_us = -1};
    const weft_limits     lim = {
            .hdr = WEFT_HDR(weft_limits), .max_tokens = 800, .max_samples = 2000000};
    const weft_request rq = {WEFT_HDR(weft_request), start_us, end_us, -1, 0};
    memset(out, 0, sizeof *out);
    planned_begin(out);
    return m->audio->plan(self, &info, &rq, &lim, out, &m->err);
}

/* The paper: 10 ms frames of 25 ms, four a row, two rows a token. */
static void test_plans(void **state)
{
    module    m;
    void     *self;
    weft_plan p;
    (void)state;
    module_open(&m);
    assert_int_equal(create(&m, OWN, NULL, 48, &self), WEFT_OK);
    assert_int_equal(plan(&m, self, 16000, 16000, -1, -1, &p), WEFT_OK);
    assert_string_equal(p.inputs[0].name, "input_features");
    assert_int_equal(p.inputs[0].spec.shape[0], 98);
    assert_int_equal(p.inputs[0].spec.shape[1], 80);
    assert_string_equal(p.outputs[0].name, "adapter.output");
    assert_string_equal(p.outputs[0].stream, "weft.speech/audio");
    assert_int_equal(p.outputs[0].spec.shape[0], 13);
    assert_int_equal(p.outputs[0].spec.shape[1], 48);
    assert_int_equal(p.n_placeholders, 13);
    assert_string_equal(p.outputs[1].name, "encoder.output");
    assert_int_equal(p.outputs[1].spec.shape[0], 25);
    assert_null(p.outputs[1].stream);
    assert_string_equal(p.outputs[2].name, "features");
    uint64_t second = p.scratch_bytes;
    assert_int_equal(plan(&m, self, 3 * 44100, 44100, -1, -1, &p), WEFT_OK);
    assert_int_equal(p.inputs[0].spec.shape[0], 298);
    assert_true(p.scratch_bytes > second);
    assert_int_equal(plan(&m, self, 3 * 44100, 44100, 1000000, 2000000, &p), WEFT_OK);
    assert_int_equal(p.inputs[0].spec.shape[0], 98);
    assert_int_equal(plan(&m, self, 60 * 16000, 16000, -1, -1, &p), WEFT_OK);
    m.audio->destroy(self);
    module_close(&m);
}

static void test_bad_lengths(void **state)
{
    static const struct {
        int64_t     n, start_us;
        int32_t     rate;
        weft_status status;
        const char *says;
    } cases[] = {
        {0, -1, 16000, WEFT_E_CORRUPT, "no sound"},
        {1, -1, 16000, WEFT_E_INVALID, "too short"},
        {399, -1, 16000, WEFT_E_INVALID, "25 are needed"},
        {16000, 2000000, 16000, WEFT_E_CORRUPT, "between the times"},
        {-1, -1, 16000, WEFT_E_UNSUPPORTED, "weft transcribe"},
        {60 * 16000 + 1, -1, 16000, WEFT_E_LIMIT, "weft transcribe"},
        {INT64_MAX, -1, 16000, WEFT_E_LIMIT, "weft transcribe"},
        {2000001, -1, 48000, WEFT_E_LIMIT, "--max-samples"},
        {16000, -1, 0, WEFT_E_INVALID, "0 Hz"},
    };
    module    m;
    void     *self;
    weft_plan p;
    (void)state;
    module_open(&m);
    assert_int_equal(create(&m, OWN, NULL, 48, &self), WEFT_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        weft_status got = plan(&m, self, cases[i].n, cases[i].rate, cases[i].start_us, -1, &p);
        if (got != cases[i].status || strstr(m.err.message, cases[i].says) == NULL)
            fail_msg("case %zu: %d \"%s\"", i, got, m.err.message);
    }
    m.audio->destroy(self);
    module_close(&m);
}

typedef struct tone {
    int64_t at, n;
} tone;

static weft_status read_tone(void *ctx, int64_t n, const weft_tensor *dst, int64_t *got,
                             weft_error *err)
{
    tone  *t = ctx;
    float *to = dst->data;
    (void)err;
    *got = n < t->n - t->at ? n : t->n - t->at;
    for (int64_t i = 0; i < *got; i++)
        to[i] = 0.5f * sinf((float)(t->at + i) * 0.2f);
    t->at += *got;
    return WEFT_OK;
}

/* A recording that keeps what its header says, and one that ends early. */
static void test_preprocess(void **state)
{
    module          m;
    void           *self;
    weft_plan       p;
    weft_media_info info = {.hdr = WEFT_HDR(weft_media_info),
                            .kind = "audio",
                            .channels = 1,
                            .sample_rate = 16000,
                            .n_samples = 8000};
    (void)state;
    module_open(&m);
    assert_int_equal(create(&m, OWN, NULL, 48, &self), WEFT_OK);
    assert_int_equal(plan(&m, self, 8000, 16000, -1, -1, &p), WEFT_OK);
    const int64_t all = p.inputs[0].spec.shape[0] * 80;
    float        *x = calloc((size_t)all, sizeof *x);
    weft_tensor   in = weft_view(NULL, x, WEFT_F32, 2, p.inputs[0].spec.shape);
    for (int64_t n = 8000; n >= 0; n -= 4000) {
        tone       t = {0, n};
        weft_media media = {WEFT_HDR(weft_media), &t, &info, NULL, read_tone, NULL};
        assert_int_equal(m.audio->preprocess(self, &media, &p, &in, &m.err),
                         n == 8000 ? WEFT_OK : WEFT_E_CORRUPT);
    }
    assert_non_null(strstr(m.err.message, "ends early"));
    free(x);
    m.audio->destroy(self);
    module_close(&m);
}

/* Frames as tensors: one by one, or side by side as the reference's extractor gives them, with its
 * mask. A model whose rows are of four frames of 80. */
static void test_tensors(void **state)
{
    static const struct {
        int32_t     ndim;
        int64_t     shape[3], mask[3]; /* mask[0] < 0: none */
        int64_t     frames;            /* 0: refused */
        const char *says;
    } cases[] = {
        {2, {12, 80}, {-1}, 12, NULL},
        {3, {1, 12, 80}, {-1}, 12, NULL},
        {2, {3, 320}, {-1}, 12, NULL},
        {3, {1, 3, 320}, {1, 1, 1}, 12, NULL},
        {3, {2, 3, 320}, {-1}, 0, "[frames, 80] or [rows, 320]"},
        {2, {3, 160}, {-1}, 0, "[frames, 80] or [rows, 320]"},
        {1, {320}, {-1}, 0, "[frames, 80] or [rows, 320]"},
        {2, {3, 320}, {1, 1, 0}, 0, "all 1"},
        {2, {(int64_t)1 << 40, 320}, {-1}, 0, "cannot be encoded at once"},
    };
    static const char *const names[] = {"input_features", "attention_mask"};
    module                   m;
    void                    *self;
    (void)state;
    module_open(&m);
    assert_int_equal(create(&m, OWN, NULL, 48, &self), WEFT_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t     mask[3], three = 3;
        float       none;
        uint32_t    n_items = 0;
        weft_plan   p;
        weft_tensor in[2];
        memcpy(mask, cases[i].mask, sizeof mask);
        in[0] = weft_view(NULL, &none, WEFT_F32, cases[i].ndim, cases[i].shape);
        in[1] = weft_view(NULL, mask, WEFT_I64, 1, &three);
        memset(&p, 0, sizeof p);
        planned_begin(&p);
        weft_status got =
            m.audio->plan_inputs(self, in, names, mask[0] < 0 ? 1 : 2, &p, 1, &n_items, &m.err);
        assert_int_equal(got == WEFT_OK, cases[i].frames > 0);
        assert_int_equal(n_items, cases[i].frames > 0);
        if (cases[i].frames > 0)
            assert_int_equal(p.inputs[0].spec.shape[0], cases[i].frames);
        else
            assert_non_null(strstr(m.err.message, cases[i].says));
    }
    m.audio->destroy(self);
    module_close(&m);
}

static void test_hooks_and_prompts(void **state)
{
    const char *system, *user;
    module      m;
    void       *self;
    (void)state;
    module_open(&m);
    assert_int_equal(create(&m, OWN, NULL, 48, &self), WEFT_OK);
    assert_int_equal(m.audio->install(self, &hooks_sink, &m.err), WEFT_OK);
    assert_int_equal(hooks_site.kind, WEFT_HOOK_SOFT_TOKENS);
    assert_int_equal(hooks_site.layer, -1);
    assert_int_equal(hooks_marker.token_id, 137);
    assert_string_equal(hooks_marker.token, "<|audio|>");
    assert_string_equal(hooks_marker.before, "<b>");
    assert_string_equal(hooks_marker.after, "<e>");
    assert_int_equal(m.audio->prompt(self, "transcribe", &system, &user, &m.err), WEFT_OK);
    assert_string_equal(user, "Repeat after me in {language}: ");
    assert_null(system);
    assert_int_equal(m.audio->prompt(self, "translate", &system, &user, &m.err), WEFT_OK);
    assert_string_equal(user, "Translate the following sentence into {language}: ");
    assert_int_equal(m.audio->prompt(self, "describe", &system, &user, &m.err), WEFT_OK);
    assert_null(user);
    m.audio->destroy(self);
    module_close(&m);
}

/* The paper's encoder at full size (section 8.2.1: "1B parameters"), without biases: the layers'
 * linears and convolutions are 1,000,599,552, norms, projection and adapter come on top. */
static void test_full_size(void **state)
{
    static const char config[] =
        "{\"architectures\": [\"WeftSpeechModel\"], \"text_hidden_size\": 4096,"
        " \"encoder_config\": {\"use_bias\": false}, \"adapter_config\": {\"use_bias\": false}}";
    module m;
    void  *self;
    (void)state;
    module_open(&m);
    assert_int_equal(create(&m, config, NULL, 4096, &self), WEFT_OK);
    uint64_t encoder = 1000599552u + 24u * 12u * 1536u + 320u * 1536u + 1536u;
    uint64_t adapter = 3u * 1536u * 3072u + 3072u + 4u * 3072u * 3072u + 2u * 3072u * 4096u +
                       6u * 3072u + 3072u * 4096u + 4096u;
    assert_int_equal(m.audio->parameters(self), encoder + adapter);
    m.audio->destroy(self);
    module_close(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_configs), cmocka_unit_test(test_plans),
        cmocka_unit_test(test_bad_lengths), cmocka_unit_test(test_preprocess),
        cmocka_unit_test(test_tensors),     cmocka_unit_test(test_hooks_and_prompts),
        cmocka_unit_test(test_full_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
