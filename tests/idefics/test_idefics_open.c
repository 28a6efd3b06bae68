/* SPDX-License-Identifier: Apache-2.0 */
/* Opening Idefics directories: what is said of text, what is refused and how, the planned size of
 * the 9B model, and a picture described from a directory and nothing else. */
#include "rig.h"

#include "core/base/log.h"
#include "tests/unit/scratch.h"

#define FLOAT FIXTURE("idefics/float")
#define PICTURE FIXTURE("images/rgb8.png")
/* transformers.IdeficsForVisionText2Text of HuggingFaceM4/idefics-9b's config.json on the meta
 * device: sum(p.numel() for p in model.parameters()) */
#define PARAMETERS_9B UINT64_C(8929679632)

static char *config_text(void)
{
    FILE *in = fopen(FLOAT "/config.json", "rb");
    char *text = calloc(1, 8192);
    assert_non_null(in);
    assert_non_null(text);
    assert_true(fread(text, 1, 8191, in) > 100);
    fclose(in);
    return text;
}

/* The fixture's config in which `from`, which must be there, is `to`; the caller frees. */
static char *config_with(const char *from, const char *to)
{
    char *text = config_text(), *at = strstr(text, from);
    if (at == NULL)
        fail_msg("the fixture does not hold %s", from);
    size_t n = strlen(text) + strlen(to) + 1;
    char  *out = malloc(n);
    assert_non_null(out);
    snprintf(out, n, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    free(text);
    return out;
}

/* Settings for a directory of the fixture's weights and a config.json of its own. */
static weft_settings *settings_with(const char *config)
{
    char        model[300];
    const char *pairs[] = {model, NULL};
    snprintf(model, sizeof model, "model=%s", scratch);
    scratch_put("config.json", config, strlen(config));
    return settings_of(pairs);
}

static int begin(void **state)
{
    return scratch_make(state) ||
           symlink(FLOAT "/model.safetensors", scratch_path("model.safetensors")) != 0 ||
           symlink(FLOAT "/tokenizer.json", scratch_path("tokenizer.json")) != 0;
}

static void refused(const char *from, const char *to, weft_status want, const char *part)
{
    weft_error     err = WF_ERROR_INIT;
    weft_engine   *e = NULL;
    char          *config = config_with(from, to);
    weft_settings *s = settings_with(config);
    weft_status    status = weft_engine_open(s, 0, NULL, &e, &err);
    if (status != want || strstr(err.message, part) == NULL)
        fail_msg("%s: status %d, \"%s\"; wanted %d, \"%s\"", to, status, err.message, want, part);
    assert_null(strchr(err.message, '\n'));
    assert_null(e);
    weft_settings_destroy(&s);
    free(config);
}

static void test_bad_configs(void **state)
{
    (void)state;
    refused("\"cross_layer_interval\": 2", "\"cross_layer_interval\": 3", WEFT_E_INVALID,
            "num_hidden_layers 4 is no multiple of cross_layer_interval 3");
    refused("\"cross_layer_interval\": 2", "\"cross_layer_interval\": 0", WEFT_E_INVALID,
            "cross_layer_interval is 0");
    refused("\"alpha_type\": \"float\"", "\"alpha_type\": \"matrix\"", WEFT_E_UNSUPPORTED,
            "alpha_type is \"matrix\"");
    refused("\"alpha_type\": \"float\"", "\"alpha_type\": \"vector\"", WEFT_E_CORRUPT,
            "alpha_cross_attn");
    refused("\"additional_vocab_size\": 2", "\"additional_vocab_size\": 0", WEFT_E_INVALID,
            "additional_vocab_size");
    refused("\"additional_vocab_size\": 2", "\"additional_vocab_size\": 3", WEFT_E_CORRUPT,
            "additional");
    refused("\"num_attention_heads\": 2,", "\"num_attention_heads\": 5,", WEFT_E_INVALID,
            "hidden_size 32");
    refused("\"hidden_act\": \"silu\"", "\"hidden_act\": \"gelu\"", WEFT_E_UNSUPPORTED,
            "hidden_act");
    refused("\"image_size\": 28", "\"image_size\": 3", WEFT_E_INVALID,
            "image_size 3 in patches of 7");
    refused("\"image_size\": 28", "\"image_size\": 56", WEFT_E_CORRUPT, "position_embedding");
    refused("\"resampler_n_latents\": 6", "\"resampler_n_latents\": 7", WEFT_E_CORRUPT, "latents");
    refused("\"resampler_depth\": 2", "\"resampler_depth\": 3", WEFT_E_CORRUPT,
            "perceiver_resampler.blocks.2");
    refused("\"resampler_depth\": 2", "\"resampler_depth\": -1", WEFT_E_INVALID,
            "resampler_depth is -1");
    refused("\"embed_dim\": 24", "\"embed_dim\": 25", WEFT_E_INVALID, "embed_dim 25");
    refused("\"vocab_size\": 512", "\"vocab_size\": 511", WEFT_E_CORRUPT, "embed_tokens.weight");
    refused("\"num_hidden_layers\": 4", "\"num_hidden_layers\": 6", WEFT_E_CORRUPT, "layers.4");
    refused("\"use_resampler\": true", "\"use_resampler\": \"yes\"", WEFT_E_CORRUPT,
            "use_resampler");
}

static void test_processor_of_another_size(void **state)
{
    weft_error     err = WF_ERROR_INIT;
    weft_engine   *e = NULL;
    char          *config = config_text();
    weft_settings *s = settings_with(config);
    (void)state;
    scratch_put("preprocessor_config.json", "{\"image_size\": 224}", 19);
    assert_int_equal(weft_engine_open(s, 0, NULL, &e, &err), WEFT_E_INVALID);
    assert_non_null(strstr(err.message, "image_size 224"));
    assert_int_equal(unlink(scratch_path("preprocessor_config.json")), 0);
    weft_settings_destroy(&s);
    free(config);
}

static int  n_notes;
static void count_notes(void *ctx, int32_t level, const char *utf8)
{
    (void)ctx;
    if (level == WEFT_LOG_WARN &&
        strstr(utf8, "weft.idefics change text that sees no media") != NULL)
        n_notes++;
}

/* One note where the promise of untouched text does not hold, none where it does. */
static void test_says_so(void **state)
{
    static const char *const models[] = {"model=" FLOAT, "model=" FIXTURE("llama-tied")};
    (void)state;
    for (int i = 0; i < 2; i++) {
        rig         r;
        const char *pairs[] = {models[i], NULL};
        n_notes = 0;
        wf_log_set(count_notes, NULL);
        rig_open(&r, pairs, NULL);
        rig_close(&r);
        wf_log_set(NULL, NULL);
        assert_int_equal(n_notes, i == 0);
    }
}

/* The configuration of the released 9B model, without its weights. */
static void test_plan_of_9b(void **state)
{
    static const char config[] =
        "{\"architectures\": [\"IdeficsForVisionText2Text\"], \"additional_vocab_size\": 2,"
        " \"alpha_type\": \"float\", \"cross_layer_interval\": 4, \"qk_layer_norms\": true, "
        "\"use_resampler\": true,"
        " \"torch_dtype\": \"bfloat16\", \"vision_config\": {\"embed_dim\": 1280},"
        " \"perceiver_config\": {\"qk_layer_norms_perceiver\": true}}";
    weft_error       err = WF_ERROR_INIT;
    weft_engine     *e = NULL;
    weft_engine_info i = {.hdr = WEFT_HDR(weft_engine_info)};
    weft_settings   *s = settings_with(config);
    (void)state;
    rig_check(weft_engine_open(s, WEFT_OPEN_CONFIG, NULL, &e, &err), &err);
    rig_check(weft_engine_describe(e, &i, &err), &err);
    assert_int_equal(i.core_parameters + i.site_parameters + i.encoder_parameters, PARAMETERS_9B);
    /* bf16 but for f32 norms and gates; packing pads 11008 rows and columns by up to 2 % here */
    assert_true(i.weight_bytes >= 2 * PARAMETERS_9B &&
                i.weight_bytes - 2 * PARAMETERS_9B < 2 * PARAMETERS_9B / 50);
    assert_int_equal(i.n_sites, 8);
    weft_engine_close(&e);
    weft_settings_destroy(&s);
}

/* A picture file and the modality's own prompt: bos, the enclosed marker, the question; an answer
 * comes. */
static void test_describe(void **state)
{
    static const int32_t want[] = {1, 512, 513, 512};
    weft_item_request    rq = WEFT_ITEM_REQUEST(PICTURE);
    rig                  r;
    weft_error           err = WF_ERROR_INIT;
    weft_item           *item = NULL;
    weft_sequence       *s;
    weft_generation      g = {.hdr = WEFT_HDR(weft_generation)};
    weft_sampling        p = {.hdr = WEFT_HDR(weft_sampling), .top_p = 1, .repetition_penalty = 1};
    const char          *pairs[] = {"model=" FLOAT, NULL};
    (void)state;
    rig_open(&r, pairs, NULL);
    rig_check(weft_item_open(r.e, &rq, &item, &err), &err);
    rig_check(weft_sequence_create(r.e, &s, &err), &err);
    weft_prompt prompt = {
        .hdr = WEFT_HDR(weft_prompt), .items = &item, .n_items = 1, .flags = WEFT_PROMPT_CHAT};
    rig_check(weft_sequence_feed_prompt(s, &prompt, &err), &err);
    assert_true(s->n > 5);
    for (int i = 0; i < 4; i++)
        assert_int_equal(s->toks[i].id, want[i]);
    p.max_new_tokens = 4;
    rig_check(weft_generate(s, &p, NULL, NULL, &g, &err), &err);
    assert_true(g.n_new > 0 || g.stopped);
    weft_sequence_destroy(&s);
    weft_item_release(&item);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_configs), cmocka_unit_test(test_processor_of_another_size),
        cmocka_unit_test(test_says_so),     cmocka_unit_test(test_plan_of_9b),
        cmocka_unit_test(test_describe),
    };
    return cmocka_run_group_tests(tests, begin, scratch_remove);
}
