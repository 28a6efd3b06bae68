/* SPDX-License-Identifier: Apache-2.0 */
/* Each rule of Voxtral's loader broken once: one clear line and its exit code, from the real host.
 */
#include "support.h"

#include "tests/unit/scratch.h"

#define MINI FIXTURE("voxtral/mini")

/* What of mini's config.json is replaced, once, and what is said of it. */
typedef struct refusal {
    const char *from, *to, *says;
    weft_status status;
} refusal;

static const refusal cases[] = {
    {"\"voxtral_encoder\"", "\"whisper\"", "only voxtral_encoder is known", WEFT_E_INVALID},
    {"VoxtralFor", "VoxtralRealtimeFor", "VoxtralRealtimeForConditionalGeneration",
     WEFT_E_UNSUPPORTED},
    {"\"intermediate_size\": 128", "\"intermediate_size\": 100", "a multiple of hidden_size 32",
     WEFT_E_INVALID},
    {"\"intermediate_size\": 128", "\"intermediate_size\": 256", "audio_tower.layers.0.fc1.weight",
     WEFT_E_CORRUPT},
    {"\"intermediate_size\": 128", "\"intermediate_size\": 1e9", "intermediate_size",
     WEFT_E_INVALID},
    {"\"max_source_positions\": 24", "\"max_source_positions\": 26", "a multiple of the 4 rows",
     WEFT_E_INVALID},
    {"\"max_source_positions\": 24", "\"max_source_positions\": 48",
     "audio_tower.embed_positions.weight", WEFT_E_CORRUPT},
    {"\"num_attention_heads\": 2,", "\"num_attention_heads\": 3,", "a multiple of its 3 heads",
     WEFT_E_INVALID},
    {"\"num_mel_bins\": 128", "\"num_mel_bins\": 80", "audio_tower.conv1.weight", WEFT_E_CORRUPT},
    {"\"num_mel_bins\": 128", "\"num_mel_bins\": 0", "num_mel_bins", WEFT_E_INVALID},
    {"\"num_mel_bins\": 128", "\"num_mel_bins\": \"128\"", "num_mel_bins", WEFT_E_CORRUPT},
    {"\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3", "audio_tower.layers.2.",
     WEFT_E_CORRUPT},
    {"\"num_hidden_layers\": 2", "\"num_hidden_layers\": -1", "num_hidden_layers", WEFT_E_INVALID},
    {"\"audio_token_id\": 24", "\"audio_token_id\": 440", "has 440 tokens", WEFT_E_INVALID},
    {"\"projector_hidden_act\": \"gelu\"", "\"projector_hidden_act\": \"sine\"", "sine",
     WEFT_E_UNSUPPORTED},
    {"\"activation_function\": \"gelu\"", "\"activation_function\": 7", "activation_function",
     WEFT_E_CORRUPT},
    {"\"head_dim\": 16", "\"head_dim\": 8", "self_attn.q_proj.weight", WEFT_E_CORRUPT},
};

static char *replaced(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    char       *out = malloc(strlen(text) + strlen(to) + 1);
    assert_non_null(at);
    assert_non_null(out);
    sprintf(out, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    return out;
}

static char *load(const char *path)
{
    FILE *f = fopen(path, "rb");
    char *text = calloc(1, 1 << 16);
    assert_non_null(f);
    assert_non_null(text);
    assert_true(fread(text, 1, (1 << 16) - 1, f) > 0);
    fclose(f);
    return text;
}

static void expect_refused(weft_settings *s, const refusal *c)
{
    weft_error   err = WF_ERROR_INIT;
    weft_engine *e = NULL;
    weft_status  got = weft_engine_open(s, 0, NULL, &e, &err);
    if (got != c->status || weft_exit_code(&err) != 4 || strstr(err.message, c->says) == NULL ||
        strchr(err.message, '\n') != NULL)
        fail_msg("%s, exit %d: %s", weft_status_name(got), weft_exit_code(&err), err.message);
    assert_null(e);
    weft_settings_destroy(&s);
}

static void test_config(void **state)
{
    const refusal *c = *state;
    char           model[600], *text = load(MINI "/config.json");
    const char    *pairs[] = {model, NULL};
    char          *broken = replaced(text, c->from, c->to);
    scratch_put("config.json", broken, strlen(broken));
    assert_int_equal(symlink(MINI "/model.safetensors", scratch_path("model.safetensors")), 0);
    snprintf(model, sizeof model, "model=%s", scratch);
    expect_refused(settings_of(pairs), c);
    free(broken);
    free(text);
}

/* Its adapter on the text core of something else. */
static void test_other_core(void **state)
{
    static const refusal     c = {NULL, NULL, "for a text core of width 32", WEFT_E_INVALID};
    static const char *const pairs[] = {"model=" FIXTURE("composed"), NULL};
    weft_settings           *s = settings_of(pairs);
    weft_error               err = WF_ERROR_INIT;
    (void)state;
    assert_int_equal(weft_settings_set_pair(s, "weft.voxtral.weights=" MINI, &err), WEFT_OK);
    expect_refused(s, &c);
}

int main(void)
{
    struct CMUnitTest tests[sizeof cases / sizeof *cases + 1] = {cmocka_unit_test(test_other_core)};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        tests[i + 1] = (struct CMUnitTest){cases[i].to, test_config, scratch_make, scratch_remove,
                                           (void *)(uintptr_t)&cases[i]};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
