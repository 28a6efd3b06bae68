/* SPDX-License-Identifier: Apache-2.0 */
/* weft.ultravox on the fake host: configurations read and refused, where the encoder is looked for,
 * and the parameters of the released checkpoints. */
#include "module.h"
#include "tests/support/planned.h"

#define NAMED ARCH ", \"audio_model_id\": \"openai/whisper-large-v3-turbo\"}"
#define ORPHAN ARCH ", \"audio_config\": {\"_name_or_path\": \"openai/whisper-medium\"}}"
#define INSIDE " audio_tower.conv1.weight multi_modal_projector.linear_1.weight "
#define OUTSIDE " multi_modal_projector.linear_1.weight "
#define BOTH " multi_modal_projector.ln_mid.weight multi_modal_projector.ln_post.weight "
#define POST " multi_modal_projector.ln_post.weight "
#define MID " multi_modal_projector.ln_mid.weight "

#define CTC ARCH ", \"ctc\": {"
static const struct {
    const char *config, *tensors, *says;
    int32_t     d_model;
    weft_status status;
} bad[] = {
    {NULL, NULL, "weft.ultravox.weights", 64, WEFT_E_UNSUPPORTED},
    {V05, NULL, "no text model", 0, WEFT_E_INVALID},
    {"{\"architectures\": [\"LlamaForCausalLM\"]}", NULL, "LlamaForCausalLM", 64, WEFT_E_INVALID},
    {"{}", NULL, "names nothing", 64, WEFT_E_INVALID},
    {ARCH ", \"num_projector_layers\": 513}", NULL, "num_projector_layers is 513", 64,
     WEFT_E_INVALID},
    {ARCH ", \"num_projector_layers\": -1}", NULL, "num_projector_layers is -1", 64,
     WEFT_E_INVALID},
    {CTC "\"letters\": \" a\"}}", NULL, "ctc.letters is for projectors with", 64, WEFT_E_INVALID},
    {CTC "\"letters\": \"ab\"}}", NULL, "must have one space", 64, WEFT_E_INVALID},
    {CTC "\"letters\": \" a \"}}", NULL, "must have one space", 64, WEFT_E_INVALID},
    {CTC "\"letters\": \" \u00e4b\"}}", NULL, "no letter beyond ASCII", 64, WEFT_E_INVALID},
    {CTC "\"letters\": 3}}", NULL, "ctc.letters", 64, WEFT_E_CORRUPT},
    {CTC "\"letters\": \" a\", \"places\": 0}}", NULL, "ctc.places is 0", 64, WEFT_E_INVALID},
    {CTC "\"letters\": \" a\", \"nodes\": 1}}", NULL, "ctc.nodes is 1", 64, WEFT_E_INVALID},
    {CTC "\"letters\": \" a\", \"again\": 1025}}", NULL, "ctc.again is 1025", 64, WEFT_E_INVALID},
    {CTC "\"letters\": \" a\", \"again\": -1}}", NULL, "ctc.again is -1", 64, WEFT_E_INVALID},
    {CTC "\"letters\": \" a\", \"spare\": -1}}", NULL, "ctc.spare is -1", 64, WEFT_E_INVALID},
    {CTC "\"letters\": \" a\", \"spare\": 1025}}", NULL, "ctc.spare is 1025", 64, WEFT_E_INVALID},
    {CTC "\"letters\": \" a\", \"beam\": 1025}}", NULL, "ctc.beam is 1025", 64, WEFT_E_INVALID},
    {CTC "\"letters\": \" a\", \"share\": -1}}", NULL, "ctc.share is -1", 64, WEFT_E_INVALID},
    {ARCH ", \"weft_silence\": -1}", NULL, "weft_silence is -1", 64, WEFT_E_INVALID},
    {ARCH ", \"weft_silence\": 3001}", NULL, "weft_silence is 3001", 64, WEFT_E_INVALID},
    {ARCH ", \"weft_prompts\": {\"transcribe\": \"Say it.\"}}", NULL, "must have <|audio|> once",
     64, WEFT_E_INVALID},
    {ARCH ", \"weft_prompts\": {\"transcribe\": \"<|audio|><|audio|>\"}}", NULL,
     "weft_prompts.transcribe must have", 64, WEFT_E_INVALID},
    {ARCH ", \"weft_prompts\": {\"transcribe\": \"{code}<|audio|>\"}}", NULL, "has {code}", 64,
     WEFT_E_INVALID},
    {ARCH ", \"weft_prompts\": {\"transcribe\": 3}}", NULL, "weft_prompts.transcribe", 64,
     WEFT_E_CORRUPT},
    {ARCH ", \"audio_latency_block_size\": 100}", NULL, "audio_latency_block_size", 64,
     WEFT_E_INVALID},
    {ARCH ", \"stack_factor\": 0}", NULL, "stack_factor is 0", 64, WEFT_E_INVALID},
    {ARCH ", \"hidden_size\": 7}", NULL, "hidden_size 7 must be even", 64, WEFT_E_INVALID},
    {ARCH ", \"projector_act\": \"tanh\"}", NULL, "tanh", 64, WEFT_E_INVALID},
    {ARCH ", \"projector_act\": 3}", NULL, "projector_act", 64, WEFT_E_CORRUPT},
    {V05, POST, "the weights have ln_post", 64, WEFT_E_INVALID},
    {ARCH "}", MID, "the weights have ln_mid", 64, WEFT_E_INVALID},
    {V05, BOTH, "both ln_mid and ln_post", 64, WEFT_E_INVALID},
    {ARCH ", \"text_config\": {\"hidden_size\": 4096}}", INSIDE, "width 4096", 64, WEFT_E_INVALID},
    {ARCH ", \"audio_config\": {\"d_model\": 30, \"encoder_attention_heads\": 4}}", NULL,
     "d_model 30", 64, WEFT_E_INVALID},
    {ARCH ", \"audio_config\": {\"encoder_layers\": 0}}", NULL, "audio_config.encoder_layers is 0",
     64, WEFT_E_INVALID},
    {ARCH ", \"audio_config\": {\"model_type\": \"wav2vec2\"}}", NULL, "wav2vec2", 64,
     WEFT_E_INVALID},
    {ARCH ", \"audio_config\": {\"activation_function\": \"gelu_10\"}}", NULL, "gelu_10", 64,
     WEFT_E_INVALID},
    {NAMED, OUTSIDE, "openai/whisper-large-v3-turbo is not in", 64, WEFT_E_NOTFOUND},
    {NAMED, NULL, "openai/whisper-large-v3-turbo is not in", 64, WEFT_E_NOTFOUND},
    {ORPHAN, OUTSIDE, "openai/whisper-medium is not in", 64, WEFT_E_NOTFOUND},
    {ARCH "}", OUTSIDE, "(a Whisper checkpoint) is not in", 64, WEFT_E_NOTFOUND},
};

static void test_bad_configs(void **state)
{
    module m;
    (void)state;
    module_open(&m);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        void *self = &m;
        files.tensors = bad[i].tensors;
        weft_status got = create(&m, bad[i].config, NULL, bad[i].d_model, &self);
        if (got != bad[i].status || strstr(m.err.message, bad[i].says) == NULL)
            fail_msg("case %zu: %d \"%s\"", i, got, m.err.message);
        assert_null(self);
    }
    module_close(&m);
}

static int64_t bins_of(module *m, void *self)
{
    const weft_media_info info = {.hdr = WEFT_HDR(weft_media_info),
                                  .kind = "audio",
                                  .channels = 1,
                                  .sample_rate = 16000,
                                  .n_samples = 16000};
    weft_plan             p;
    planned_begin(&p);
    assert_int_equal(m->audio->plan(self, &info, NULL, NULL, &p, &m->err), WEFT_OK);
    assert_string_equal(p.outputs[1].name, "features");
    return p.outputs[1].spec.shape[1];
}

/* The encoder that is taken shows by its bins: 128 inside, 80 in the directory of audio. */
static void test_origin(void **state)
{
    static const char whisper[] = "{\"model_type\": \"whisper\"}";
    static const struct {
        const char *config, *tensors;
        int         given, warned;
        int64_t     bins;
    } cases[] = {
        {V05, INSIDE, 0, 0, 128},    {V05, NULL, 0, 0, 128},     {V05, INSIDE, 1, 1, 128},
        {V05, OUTSIDE, 1, 0, 80},    {NAMED, OUTSIDE, 1, 0, 80}, {NAMED, INSIDE, 1, 0, 80},
        {ORPHAN, OUTSIDE, 1, 0, 80}, {V05, NULL, 1, 0, 80},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        module m;
        void  *self;
        module_open(&m);
        files.tensors = cases[i].tensors;
        files.given = cases[i].given ? package_of(&m, whisper, NULL) : NULL;
        files.bins = cases[i].bins;
        if (create(&m, cases[i].config, NULL, 2048, &self) != WEFT_OK)
            fail_msg("case %zu: %s", i, m.err.message);
        assert_int_equal(bins_of(&m, self), cases[i].bins);
        assert_int_equal(strstr(m.host.log, "is not used") != NULL, cases[i].warned);
        m.audio->destroy(self);
        module_close(&m);
    }
}

/* A directory of audio that is something else. */
static void test_no_whisper(void **state)
{
    module m;
    void  *self;
    (void)state;
    module_open(&m);
    files.given = package_of(&m, "{\"model_type\": \"llama\"}", NULL);
    assert_int_equal(create(&m, NAMED, NULL, 2048, &self), WEFT_E_INVALID);
    assert_non_null(strstr(m.err.message, "model_type llama"));
    files.given = package_of(&m, NULL, NULL);
    assert_int_equal(create(&m, NAMED, NULL, 2048, &self), WEFT_E_INVALID);
    module_close(&m);
}

/* conv1.weight is right, whatever the two JSON files say; a note tells. */
static void test_bins(void **state)
{
    static const struct {
        const char *config, *processor, *tensors;
        int64_t     weight, bins;
        const char *says;
    } cases[] = {
        {V05, "{\"feature_size\": 80}", INSIDE, 128, 128, "feature_size 80"},
        {V05, "{\"feature_size\": 128}", INSIDE, 128, 128, NULL},
        {V05, NULL, INSIDE, 128, 128, NULL},
        {ARCH "}", "{\"feature_size\": 80}", INSIDE, 128, 128, "feature_size 80"},
        {V05, NULL, INSIDE, 80, 80, NULL},
        {V05, "{\"feature_size\": 80}", NULL, 0, 128, "feature_size 80"},
        {V05, "no JSON", INSIDE, 128, 128, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        module m;
        void  *self;
        module_open(&m);
        files.tensors = cases[i].tensors;
        files.bins = cases[i].weight;
        if (create(&m, cases[i].config, cases[i].processor, 2048, &self) != WEFT_OK)
            fail_msg("case %zu: %s", i, m.err.message);
        assert_int_equal(bins_of(&m, self), cases[i].bins);
        if (cases[i].says != NULL)
            assert_non_null(strstr(m.host.log, cases[i].says));
        else
            assert_string_equal(m.host.log, "");
        m.audio->destroy(self);
        module_close(&m);
    }
}

/* The sums of the published checkpoints, from config.json alone. */
static void test_parameters(void **state)
{
    static const struct {
        const char *config;
        int32_t     d_model;
        uint64_t    encoder, projector;
    } cases[] = {
        {V05, 2048, 636968960, 46149632},                                     /* v0.5, 3.2 1B */
        {V05, 4096, 636968960, 50343936},                                     /* v0.5, v0.6, 8B */
        {V05, 8192, 636968960, 58732544},                                     /* 70B */
        {ARCH ", \"audio_config\": {" TURBO "}}", 4096, 636968960, 50345984}, /* v0.4_1, 8B */
        {ARCH ", \"audio_config\": {\"d_model\": 1024, \"encoder_layers\": 24,"
              " \"encoder_attention_heads\": 16, \"encoder_ffn_dim\": 4096}}",
         8192, 307216384, 50348032}, /* v0.4, 70B: whisper-medium */
        {ARCH ", \"audio_config\": {\"d_model\": 768, \"encoder_layers\": 12,"
              " \"encoder_attention_heads\": 12, \"encoder_ffn_dim\": 3072}}",
         4096, 88154112, 33564672}, /* v0.3, 8B: whisper-small */
        {ARCH ", \"audio_config\": {\"d_model\": 768, \"encoder_layers\": 12,"
              " \"encoder_attention_heads\": 12, \"encoder_ffn_dim\": 3072}}",
         2048, 88154112, 29368320},                                         /* v0.3, 3.2 1B */
        {ARCH "}", 2048, 8208384, 4096 * 3072 + 2048 * 2048 + 3072 + 2048}, /* whisper-tiny */
        {ARCH ", \"num_projector_layers\": 2}", 2048, 8208384,
         3072 + (3072 + 1 + 1500) * 384 + 2 * 1774080 + 384 + (384 + 1) * 2048},
        {CTC
         "\"letters\": \" a\", \"places\": 9, \"nodes\": 100, \"words\": 50, \"pairs\": 7,"
         " \"tokens\": 60, \"again\": 4, \"fill\": 3, \"spare\": 9}, \"num_projector_layers\": 2}",
         2048, 8208384,
         3072 + (3072 + 1 + 188) * 384 + 2 * 1774080 + 384 + (384 + 1) * 27 + 400 + 200 + 14 + 67},
        {"{\"architectures\": [\"ShukaModel\"], \"audio_config\": {\"d_model\": 1280,"
         " \"encoder_layers\": 32, \"encoder_attention_heads\": 20,"
         " \"encoder_ffn_dim\": 5120}}",
         4096, 636968960 - 3 * 48 * 1280, 4096 * 10240 + 4096 * 4096 + 10240 + 4096}, /* Shuka */
    };
    module m;
    void  *self;
    (void)state;
    module_open(&m);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(create(&m, cases[i].config, NULL, cases[i].d_model, &self), WEFT_OK);
        assert_int_equal(m.audio->parameters(self), cases[i].encoder + cases[i].projector);
        m.audio->destroy(self);
    }
    module_close(&m);
}

/* Every allocation of create may be the one that fails. */
static void test_no_memory(void **state)
{
    module m;
    void  *self = NULL;
    (void)state;
    module_open(&m);
    weft_status status = WEFT_E_NOMEM;
    int         failed = 0;
    while (status == WEFT_E_NOMEM && failed < 100) {
        fake_host_fail_at(&m.host, (uint64_t)++failed, 0);
        status = create(&m, V05, NULL, 2048, &self);
    }
    assert_int_equal(status, WEFT_OK);
    assert_true(failed > 4); /* itself and the front end's tables */
    fake_host_fail_at(&m.host, 0, 0);
    m.audio->destroy(self);
    module_close(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_configs), cmocka_unit_test(test_origin),
        cmocka_unit_test(test_no_whisper),  cmocka_unit_test(test_bins),
        cmocka_unit_test(test_parameters),  cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
