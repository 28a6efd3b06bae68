/* SPDX-License-Identifier: Apache-2.0 */
/* Composing an Ultravox model wrongly: each mistake gives one clear line and its exit code, from
 * the real host. And the one directory that composes itself: with the text model inside. */
#include <math.h>

#include "tests/model/support.h"

#include "core/io/safetensors.h"
#include "tests/unit/scratch.h"

#define DIR(name) FIXTURE("ultravox/" name)
#define TEXT "core.model=" DIR("text")
#define WEIGHTS(name) "weft.ultravox.weights=" DIR(name)
#define AUDIO(name) "weft.ultravox.audio=" DIR(name)

/* A setting that begins with '/' is one of the scratch directory: "/weights" is
 * weft.ultravox.weights=SCRATCH. */
typedef struct refusal {
    const char *name;
    const char *pairs[4];
    const char *config; /* config.json of the scratch directory */
    const char *says;
    weft_status status;
    int32_t     code;
} refusal;

#define ARCH "{\"architectures\": [\"UltravoxModel\"]"

static const refusal cases[] = {
    {"no weights", {TEXT, WEIGHTS("nowhere")}, NULL, "nowhere", WEFT_E_NOTFOUND, 4},
    {"no encoder", {TEXT, WEIGHTS("v041")}, NULL, "example/whisper is not in", WEFT_E_NOTFOUND, 4},
    {"audio is nowhere",
     {TEXT, WEIGHTS("v041"), AUDIO("nowhere")},
     NULL,
     "nowhere",
     WEFT_E_NOTFOUND,
     4},
    {"audio is another model",
     {TEXT, WEIGHTS("v041"), AUDIO("text")},
     NULL,
     "model_type llama",
     WEFT_E_INVALID,
     4},
    {"audio of another size",
     {TEXT, WEIGHTS("mid-silu"), AUDIO("whisper-small")},
     NULL,
     "whisper-small",
     WEFT_E_NOTFOUND,
     4},
    {"weights of another architecture",
     {TEXT, WEIGHTS("text")},
     NULL,
     "LlamaForCausalLM",
     WEFT_E_INVALID,
     4},
    {"the adapter opened as the model",
     {"core.model=" DIR("v05")},
     NULL,
     "example/text-core is not in",
     WEFT_E_NOTFOUND,
     4},
    {"attention in blocks",
     {TEXT, "/weights"},
     ARCH ", \"audio_latency_block_size\": 100}",
     "audio_latency_block_size is 100",
     WEFT_E_INVALID,
     4},
    {"an activation nobody knows",
     {TEXT, "/weights"},
     ARCH ", \"projector_act\": \"sine\"}",
     "sine",
     WEFT_E_INVALID,
     4},
    {"config.json alone, weights wanted",
     {TEXT, "/weights"},
     ARCH "}",
     "has no weights",
     WEFT_E_NOTFOUND,
     4},
    {"a text model of another width",
     {"core.model=" FIXTURE("composed"), WEIGHTS("v05")},
     NULL,
     "multi_modal_projector.linear_2.weight",
     WEFT_E_CORRUPT,
     4},
    {"no such option",
     {TEXT, WEIGHTS("v05"), "weft.ultravox.audo=x"},
     NULL,
     "audio",
     WEFT_E_INVALID,
     2},
};

static weft_settings *settings_with(const char *const *pairs)
{
    static const char *const none[] = {NULL};
    weft_settings           *s = settings_of(none);
    weft_error               err = WF_ERROR_INIT;
    for (int i = 0; i < 4 && pairs[i] != NULL; i++) {
        char own[600];
        snprintf(own, sizeof own, "weft.ultravox.weights=%s", scratch);
        if (weft_settings_set_pair(s, pairs[i][0] == '/' ? own : pairs[i], &err) != WEFT_OK)
            fail_msg("%s: %s", pairs[i], err.message);
    }
    return s;
}

static void test_refused(void **state)
{
    const refusal *c = *state;
    weft_settings *s = settings_with(c->pairs);
    weft_error     err = WF_ERROR_INIT;
    weft_engine   *e = NULL;
    if (c->config != NULL)
        scratch_put("config.json", c->config, strlen(c->config));
    weft_status got = weft_engine_open(s, 0, NULL, &e, &err);
    if (got != c->status || weft_exit_code(&err) != c->code ||
        strstr(err.message, c->says) == NULL || strchr(err.message, '\n') != NULL)
        fail_msg("%s, exit %d: %s", weft_status_name(got), weft_exit_code(&err), err.message);
    assert_null(e);
    weft_settings_destroy(&s);
}

/* weft.speech on a directory of its own beside it: one of them has to go. */
static void test_conflict(void **state)
{
    static const char *const pairs[4] = {"core.model=" FIXTURE("composed"),
                                         "weft.speech.weights=" FIXTURE("speech-paper"),
                                         "/weights"};
    static const char        config[] = ARCH "}";
    weft_settings           *s = settings_with(pairs);
    weft_error               err = WF_ERROR_INIT;
    weft_engine             *e = NULL;
    (void)state;
    scratch_put("config.json", config, strlen(config));
    assert_int_equal(weft_engine_open(s, WEFT_OPEN_CONFIG, NULL, &e, &err), WEFT_E_CONFLICT);
    assert_non_null(strstr(err.message, "weft.speech"));
    assert_non_null(strstr(err.message, "weft.ultravox"));
    weft_settings_destroy(&s);
}

#define MOST 80 /* tensors of the joined file */

/* Appends the tensors of a file with a prefix before their names, which the caller frees. */
static void append(wf_st_out *out, uint64_t *n, const char *file, const char *prefix)
{
    weft_error err = WF_ERROR_INIT;
    wf_st_file f;
    if (wf_st_open(file, &f, &err) != WEFT_OK)
        fail_msg("%s", err.message);
    for (uint64_t i = 0; i < f.n_tensors; i++) {
        const wf_st_tensor *t = &f.tensors[i];
        char               *name = malloc(256);
        void               *data = malloc((size_t)t->bytes);
        assert_true(*n < MOST);
        snprintf(name, 256, "%s%s", prefix, t->name);
        assert_int_equal(wf_st_read(&f, t, 0, data, t->bytes, &err), WEFT_OK);
        wf_st_out *o = &out[(*n)++];
        *o = (wf_st_out){.name = name, .dtype = t->dtype, .rank = t->rank, .data = data};
        memcpy(o->shape, t->shape, sizeof o->shape);
    }
    wf_st_close(&f);
}

static void free_tensors(wf_st_out *out, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        free((void *)(uintptr_t)out[i].name);
        free((void *)(uintptr_t)out[i].data);
    }
}

/* v0.3 8B and v0.4 8B: language_model.* and text_config stand beside the adapter. */
static void test_text_inside(void **state)
{
    static const char config[] =
        ARCH ", \"projector_ln_mid\": true, \"hidden_size\": 64, \"text_config\": {\"model_type\":"
             " \"llama\", \"vocab_size\": 64, \"hidden_size\": 32, \"num_hidden_layers\": 2,"
             " \"num_attention_heads\": 4, \"num_key_value_heads\": 2, \"intermediate_size\": 48,"
             " \"max_position_embeddings\": 1024, \"rope_theta\": 500000.0, \"rms_norm_eps\":"
             " 1e-5, \"tie_word_embeddings\": false}, \"audio_config\": {\"model_type\":"
             " \"whisper\", \"d_model\": 32, \"encoder_layers\": 2, \"encoder_attention_heads\":"
             " 2, \"encoder_ffn_dim\": 72, \"num_mel_bins\": 128}}";
    wf_st_out           out[MOST];
    uint64_t            n = 0;
    weft_error          err = WF_ERROR_INIT;
    char                model[600];
    const char         *pairs[4] = {model, "core.dtype=f32"};
    int32_t             passed = 0;
    weft_verify_request rq = {.hdr = WEFT_HDR(weft_verify_request),
                              .parity = DIR("v05/parity-321.safetensors")};
    (void)state;
    append(out, &n, DIR("text/model.safetensors"), "language_model.");
    append(out, &n, DIR("v05/model.safetensors"), "");
    scratch_put("config.json", config, strlen(config));
    assert_int_equal(wf_st_write(scratch_path("model.safetensors"), out, n, &err), WEFT_OK);
    snprintf(model, sizeof model, "core.model=%s", scratch);
    weft_settings *s = settings_with(pairs);
    weft_engine   *e = open_engine(s);
    if (weft_verify(e, &rq, &passed, &err) != WEFT_OK)
        fail_msg("%s", err.message);
    assert_int_equal(passed, 1);
    weft_engine_close(&e);
    weft_settings_destroy(&s);
    free_tensors(out, n);
}

static void put_letters_config(void)
{
    char  config[4096];
    FILE *f = fopen(DIR("letters/config.json"), "r");
    assert_non_null(f);
    const size_t len = fread(config, 1, sizeof config, f);
    fclose(f);
    scratch_put("config.json", config, len);
}

static void check_score(const uint16_t *bits)
{
    static const char *const pairs[4] = {TEXT, "/weights"};
    wf_st_out                out[MOST];
    uint64_t                 n = 0, at = 0;
    int32_t                  passed = 0;
    weft_error               err = WF_ERROR_INIT;
    weft_verify_request      rq = {.hdr = WEFT_HDR(weft_verify_request),
                                   .parity = DIR("letters/parity-one.safetensors")};
    put_letters_config();
    append(out, &n, DIR("letters/model.safetensors"), "");
    while (strcmp(out[at].name, "multi_modal_projector.linear_out.bias") != 0)
        at++;
    memcpy((uint16_t *)(uintptr_t)out[at].data + 5, bits, sizeof *bits);
    assert_int_equal(wf_st_write(scratch_path("model.safetensors"), out, n, &err), WEFT_OK);
    weft_settings *s = settings_with(pairs);
    weft_engine   *e = open_engine(s);
    assert_int_equal(weft_verify(e, &rq, &passed, &err), WEFT_E_NUMERIC);
    assert_non_null(strstr(err.message, "weft.ultravox"));
    weft_engine_close(&e);
    weft_settings_destroy(&s);
    free_tensors(out, n);
}

/* Scores that are no finite numbers are no letters either: the recording is refused, as it is by
 * projectors without letters. */
static void test_what_is_no_score(void **state)
{
    static const uint16_t nan = 0x7fc0, inf = 0x7f80;
    (void)state;
    check_score(&nan);
    check_score(&inf);
}

/* A number of a good table is another, and so is one behind it. */
static void check_table(const char *table, int at, int also, float is, const char *says)
{
    static const char *const pairs[4] = {TEXT, "/weights"};
    wf_st_out                out[MOST];
    weft_error               err = WF_ERROR_INIT;
    weft_engine             *e = NULL;
    uint64_t                 n = 0, i = 0;
    char                     name[64];
    put_letters_config();
    snprintf(name, sizeof name, "multi_modal_projector.ctc.%s", table);
    append(out, &n, DIR("letters/model.safetensors"), "");
    while (strcmp(out[i].name, name) != 0)
        i++;
    memcpy((float *)(uintptr_t)out[i].data + at, &is, sizeof is);
    memcpy((float *)(uintptr_t)out[i].data + also, &is, sizeof is);
    assert_int_equal(wf_st_write(scratch_path("model.safetensors"), out, n, &err), WEFT_OK);
    weft_settings *s = settings_with(pairs);
    if (weft_engine_open(s, 0, NULL, &e, &err) != WEFT_E_INVALID ||
        strstr(err.message, says) == NULL)
        fail_msg("%s %d: %s", table, at, err.message);
    assert_null(e);
    weft_settings_destroy(&s);
    free_tensors(out, n);
}

/* Tables that the search could not be done in. */
static void test_bad_tables(void **state)
{
    static const struct {
        const char *table;
        int         at;
        float       is;
        const char *says;
    } bad[] = {{"tokens", 1, 64, "element 1 of multi_modal_projector.ctc.tokens is 64"},
               {"tokens", 0, -1, "is -1"},
               {"tokens", 1, 2.5f, "is 2.5"},
               {"tokens", 1, NAN, "is nan"},
               {"tokens", 17, INFINITY, "is inf"},
               {"again", 2, 64, "element 2 of multi_modal_projector.ctc.again is 64"},
               {"again", 1, -2, "whole number of -1 to 63"},
               {"again", 3, 0.5f, "is 0.5"},
               {"fill", 2, 64, "element 2 of multi_modal_projector.ctc.fill is 64"},
               {"tree", 0, 1, "element 0 of multi_modal_projector.ctc.tree is 1"},
               {"tree", 3, 1, "is 1"}, /* a word of no letters */
               {"tree", 4, 5, "is 5"}, /* there are four letters */
               {"tree", 4, 0, "is 0"}, /* and no blank among them */
               {"tree", 8, 2, "must ascend"},
               {"tree", 1, 0, "whole number of 1 to"}, /* no child, and nodes behind it */
               {"tree", 1, 12, "whole number of 1 to 11"},
               {"tree", 1, 2,
                "element 41 "}, /* then nodes have the children of others, and the last none */
               {"tree", 2, NAN, "odds are between"},
               {"tree", 7, 0, "nodes and"}, /* a word less */
               {"tree", 7, 2, "whole number of 0 to 1"},
               {"words", 4, INFINITY, "odds are between"},
               {"words", 1, NAN, "odds are between"},
               {"words", 2, 1000, "whole number of 0 to 41"},
               {"words", 38, 0, "pairs and"},
               {"words", 39, 0, "tokens, and"},
               {"words", 3, -1, "is -1"},
               {"pairs", 0, 10, "is 10"},
               {"pairs", 2, 0, "is 0"}, /* again the first one */
               {"pairs", 1, -INFINITY, "odds are between"}};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        check_table(bad[i].table, bad[i].at, bad[i].at, bad[i].is, bad[i].says);
    check_table("again", 1, 3, 9, "ctc.again has no -1");
}

int main(void)
{
    struct CMUnitTest tests[sizeof cases / sizeof *cases + 4] = {
        cmocka_unit_test(test_conflict), cmocka_unit_test(test_text_inside),
        cmocka_unit_test(test_bad_tables), cmocka_unit_test(test_what_is_no_score)};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        tests[i + 4] = (struct CMUnitTest){cases[i].name, test_refused, scratch_make,
                                           scratch_remove, (void *)(uintptr_t)&cases[i]};
    for (size_t i = 0; i < 4; i++) {
        tests[i].setup_func = scratch_make;
        tests[i].teardown_func = scratch_remove;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
