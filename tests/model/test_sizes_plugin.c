/* SPDX-License-Identifier: Apache-2.0 */
/* Structs of plugins that were compiled with another version of the headers, through a whole engine
 * (plugins/sizes/sizes.h): what is behind those that this host knows is not read, one that ends too
 * early is refused with a sentence, and each that the host hands out has its size. */
#include "expect.h"

#include <unistd.h>

#include "tests/unit/scratch.h"

static char logged[1 << 16];

static void collect(void *ctx, int32_t level, const char *utf8)
{
    size_t at = strlen(logged);
    (void)ctx, (void)level;
    snprintf(logged + at, sizeof logged - at, "%s\n", utf8);
}

static const char *media_path(void)
{
    static char path[80];
    snprintf(path, sizeof path, "/tmp/weft-sizes-%ld", (long)getpid());
    return path;
}

/* The tied fixture as one that the plugin claims. */
static void make_model(void)
{
    static unsigned char bytes[1 << 20];
    static const char    was[] = "\"LlamaForCausalLM\"", is[] = "\"SizesForCausalLM\"";
    FILE                *f = fopen(FIXTURE("llama-tied/model.safetensors"), "rb");
    assert_non_null(f);
    size_t n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    scratch_put("model.safetensors", bytes, n);
    f = fopen(FIXTURE("llama-tied/config.json"), "rb");
    assert_non_null(f);
    n = fread(bytes, 1, sizeof bytes - 1, f);
    fclose(f);
    bytes[n] = '\0';
    char *at = strstr((char *)bytes, was);
    assert_non_null(at);
    memcpy(at, is, sizeof is - 1);
    scratch_put("config.json", bytes, n);
    f = fopen(media_path(), "wb");
    assert_non_null(f);
    fputs("SIZESabcdefg", f);
    fclose(f);
}

static uint64_t sum;

static int32_t add_part(void *ctx, const weft_part_result *part)
{
    (void)ctx;
    for (uint64_t i = 0; i < part->n_ids; i++)
        sum = sum * 31 + (uint64_t)part->ids[i];
    return 0;
}

static weft_status with_item(weft_engine *e, weft_item *item, weft_error *err)
{
    weft_sequence   *s;
    weft_prompt      p = {.hdr = WEFT_HDR(weft_prompt),
                          .flags = WEFT_PROMPT_CHAT,
                          .n_items = 1,
                          .user = "what",
                          .items = &item};
    float            logits[128];
    weft_engine_info info = {.hdr = WEFT_HDR(weft_engine_info)};
    weft_status      status = weft_engine_describe(e, &info, err); /* asks for the weights */
    if (status == WEFT_OK)
        status = weft_sequence_create(e, &s, err);
    if (status == WEFT_OK)
        status = weft_sequence_feed_prompt(s, &p, err);
    if (status == WEFT_OK)
        status = weft_step(e, &s, 1, logits, err);
    for (size_t i = 0; status == WEFT_OK && i < sizeof logits / sizeof *logits; i++) {
        uint32_t bits;
        memcpy(&bits, &logits[i], sizeof bits);
        sum = sum * 31 + bits;
    }
    weft_sequence_destroy(&s);
    return status;
}

static weft_status all_of_it(weft_settings *s, weft_error *err)
{
    weft_engine      *e;
    weft_item        *item;
    weft_item_request rq = WEFT_ITEM_REQUEST(media_path());
    weft_sampling     p = greedy(3);
    weft_status       status = weft_engine_open(s, 0, NULL, &e, err);
    if (status != WEFT_OK)
        return status;
    if ((status = weft_item_open(e, &rq, &item, err)) == WEFT_OK)
        status = with_item(e, item, err);
    weft_item_release(&item);
    const weft_chat talk = {.hdr = WEFT_HDR(weft_chat), .messages = "[]", .messages_bytes = 2};
    uint64_t        need;
    if (status == WEFT_OK)
        status = weft_chat_text(e, &talk, NULL, 0, &need, err);
    const weft_long_request recording = {.hdr = WEFT_HDR(weft_long_request),
                                         .path = rq.path,
                                         .user = "what",
                                         .flags = WEFT_PROMPT_CHAT,
                                         .on_part = add_part};
    if (status == WEFT_OK)
        status = weft_run_long(e, &recording, &p, NULL, err);
    weft_engine_close(&e);
    return status;
}

/* Everything that the plugin has, with its structs in that mode. */
static weft_status run(const char *mode, weft_error *err)
{
    char           model[300];
    const char    *pairs[] = {model, "plugin=" WEFT_SIZES_PLUGIN, "threads=1", NULL};
    weft_status    status;
    weft_settings *s;
    snprintf(model, sizeof model, "model=%s", scratch);
    assert_int_equal(setenv("WEFT_TEST_SIZES", mode, 1), 0);
    logged[0] = '\0';
    sum = 0;
    s = settings_of(pairs);
    rig_check(weft_settings_set_pair(s, "org.example.sizes.second=set", err), err);
    status = all_of_it(s, err);
    weft_settings_destroy(&s);
    return status;
}

static void test_later(void **state)
{
    weft_error err = WF_ERROR_INIT;
    (void)state;
    rig_check(run("zeros", &err), &err);
    const uint64_t right = sum;
    assert_true(right != 0);
    rig_check(run("wild", &err), &err);
    assert_true(sum == right);
}

static void test_handed(void **state)
{
    static const char *const names[] = {
        "weft_host",        "weft_hello",       "weft_plugin",       "weft_error",
        "weft_model_info",  "weft_hook_sink",   "weft_limits",       "weft_source",
        "weft_media_info",  "weft_media",       "weft_request",      "weft_plan",
        "weft_plan_tensor", "weft_encode_item", "weft_segment_sink", "weft_text_map",
        "weft_part",        "weft_message",     "weft_conversation", "weft_if_options",
        "weft_if_package",  "weft_if_weights",  "weft_if_ops",       "weft_if_kernels",
        "weft_if_services", "weft_if_pool",     "weft_probe",        "weft_weight_sink"};
    weft_error err = WF_ERROR_INIT;
    (void)state;
    rig_check(run("zeros", &err), &err);
    assert_null(strstr(logged, "wrong weft_"));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char line[64];
        snprintf(line, sizeof line, "handed %s\n", names[i]);
        if (strstr(logged, line) == NULL)
            fail_msg("no %s was handed", names[i]);
    }
}

static const struct {
    const char *name, *says;
    int32_t     code;
} shorts[] = {
    {"weft_descriptor", "descriptor", 5},
    {"weft_component", "components are missing, or their size is not set", 5},
    {"weft_option", "option", 5},
    {"weft_decoder", "component sizes (weft.decoder/1) has a table of", 5},
    {"weft_modality", "component sizes (weft.modality/1) has a table of", 5},
    {"weft_checkpoint", "component sizes (weft.checkpoint/1) has a table of", 5},
    {"weft_source", "weft_source", 5},
    {"weft_hook_site", "weft_hook_site", 5},
    {"weft_xattn", "weft_xattn", 5},
    {"weft_marker", "weft_marker", 5},
    {"weft_weight", "weft_weight", 5},
    {"weft_kernel_decl", "weft_kernel_decl", 5},
    {"weft_fatbin", "weft_fatbin", 5},
    {"weft_launch", "weft_launch", 5},
    {"weft_rope", "weft_rope", 5},
    {"weft_attention", "weft_attention", 5},
    {"weft_segment", "weft_segment", 5},
};

static void test_short(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof shorts / sizeof *shorts; i++) {
        char       mode[64];
        weft_error err = WF_ERROR_INIT;
        snprintf(mode, sizeof mode, "short %s", shorts[i].name);
        weft_status status = run(mode, &err);
        if (status == WEFT_OK || weft_exit_code(&err) != shorts[i].code ||
            strstr(err.message, shorts[i].says) == NULL)
            fail_msg("%s: %s, exit %d: %s", shorts[i].name, weft_status_name(status),
                     weft_exit_code(&err), err.message);
    }
}

/* What ends before a field that the host does not need here is fine. */
static void test_short_enough(void **state)
{
    weft_error err = WF_ERROR_INIT;
    (void)state;
    rig_check(run("zeros", &err), &err);
    const uint64_t right = sum;
    rig_check(run("short weft_media", &err), &err);
    assert_true(sum == right);
    rig_check(run("short weft_tokenizer", &err), &err); /* it lacks answer */
    assert_true(sum == right);
    rig_check(run("short weft_segmenter", &err), &err); /* it lacks load */
    assert_true(sum == right);
}

static int setup(void **state)
{
    weft_set_log(collect, NULL);
    scratch_make(state);
    make_model();
    return 0;
}

static int teardown(void **state)
{
    unlink(media_path());
    scratch_remove(state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_later), cmocka_unit_test(test_handed),
                                       cmocka_unit_test(test_short),
                                       cmocka_unit_test(test_short_enough)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
