/* SPDX-License-Identifier: Apache-2.0 */
/* Plugins of earlier minors of the ABI (tests/plugin/zoo) through a whole engine: an item of theirs
 * reaches the text, their service another plugin, an option of theirs a second directory. The same
 * runs in a host that claims the next minor (tests/model/CMakeLists.txt builds it with HOST_MINOR
 * raised), to which plugins of today are earlier ones. */
#include "expect.h"

#include <unistd.h>

#include "core/media/item.h"
#include "core/plugin/registry.h"
#include "tests/unit/scratch.h"
#include "weft/package.h"

#define D 48 /* of the fixture llama-tied */
#define ROWS 3
#define ID "org.example.zoo"

static char logged[1 << 16];

static void collect(void *ctx, int32_t level, const char *utf8)
{
    size_t at = strlen(logged);
    (void)ctx, (void)level;
    snprintf(logged + at, sizeof logged - at, "%s\n", utf8);
}

/* The plugin's directory: what its create, load and site read. */
static void make_weights(void)
{
    static const char config[] = "{\"a\": {\"b\": [1, 2.5]}, \"which\": 7}";
    static float      v[D * 4];
    weft_error        err = WF_ERROR_INIT;
    for (int i = 0; i < D * 4; i++)
        v[i] = (float)(i % 11) * 0.05f - 0.2f;
    const wf_st_out out[] = {{"k", WF_ST_F32, 2, {4, 4}, v},        {"n", WF_ST_F32, 1, {D}, v},
                             {"norm.weight", WF_ST_F32, 1, {4}, v}, {"o", WF_ST_F32, 2, {D, 4}, v},
                             {"q", WF_ST_F32, 2, {4, D}, v},        {"v", WF_ST_F32, 2, {4, 4}, v}};
    rig_check(wf_st_write(scratch_path("model.safetensors"), out, 6, &err), &err);
    scratch_put("config.json", config, sizeof config - 1);
}

static void set(weft_settings *s, const char *key, const char *value)
{
    char       line[400];
    weft_error err = WF_ERROR_INIT;
    snprintf(line, sizeof line, ID ".%s=%s", key, value);
    rig_check(weft_settings_set_pair(s, line, &err), &err);
}

static weft_settings *settings_for(const char *plugin)
{
    char           also[300];
    const char    *pairs[] = {"model=" FIXTURE("llama-tied"), also, "threads=2",
                              "plugin=" SERVICES "/service_zoo_taker.so", NULL};
    weft_settings *s;
    snprintf(also, sizeof also, "plugin=%s", plugin);
    logged[0] = '\0';
    s = settings_of(pairs);
    set(s, "weights", scratch);
    set(s, "times", "3");
    set(s, "second", scratch);
    return s;
}

static void open_item(weft_engine *e, const char *rows, weft_item **out)
{
    char              bytes[32] = "ZOO2";
    weft_error        err = WF_ERROR_INIT;
    weft_item_request rq = WEFT_ITEM_REQUEST(scratch_path("a.zoo"));
    memcpy(bytes + 4, rows, 2 * ROWS);
    scratch_put("a.zoo", bytes, 4 + 2 * ROWS);
    rig_check(weft_item_open(e, &rq, out, &err), &err);
}

/* Its rows: the readings times the option, repeated over the width. */
static void check_rows(weft_item *item, const char *rows)
{
    weft_error err = WF_ERROR_INIT;
    float      got[ROWS * D], *copies[WF_MAX_OUTPUTS] = {got};
    rig_check(wf_item_encode(item, copies, &err), &err);
    for (int i = 0; i < ROWS * D; i++)
        assert_true(got[i] == 3.0f * (float)rows[i / D * 2 + i % D % 2]);
}

/* Logits after a prompt with the item. */
static void run(weft_engine *e, weft_item *item, float *logits)
{
    weft_error  err = WF_ERROR_INIT;
    weft_prompt p = {
        .hdr = WEFT_HDR(weft_prompt), .n_items = 1, .task = "describe", .items = &item};
    weft_sequence *s;
    rig_check(weft_sequence_create(e, &s, &err), &err);
    rig_check(weft_sequence_feed_prompt(s, &p, &err), &err);
    rig_check(weft_step(e, &s, 1, logits, &err), &err);
    weft_sequence_destroy(&s);
}

static wf_plugin *find_plugin(weft_engine *e, const char *id)
{
    for (size_t i = 0;; i++) {
        wf_plugin *p = wf_registry_plugin(e->registry, i);
        assert_non_null(p);
        if (strcmp(wf_plugin_id(p), id) == 0)
            return p;
    }
}

/* Its option names a second directory, which the host has opened for it. */
static void check_second(weft_engine *e)
{
    const weft_host       *h = wf_plugin_host(find_plugin(e, ID));
    const weft_if_options *o = h->get_interface(h, WEFT_IF_OPTIONS);
    const weft_if_package *in = h->get_interface(h, WEFT_IF_PACKAGE);
    const weft_package    *p = o->package(h, "second");
    int64_t                v = 0;
    assert_non_null(p);
    assert_int_equal(in->json_i64(h, p, "config.json", "which", &v, NULL), WEFT_OK);
    assert_int_equal(v, 7);
}

static void test_media(void **state)
{
    weft_error     err = WF_ERROR_INIT;
    weft_settings *s = settings_for(ZOO "/zoo_0_2.so");
    weft_engine   *e;
    weft_item     *one, *other;
    float          logits[3][128];
    (void)state;
    rig_check(weft_engine_open(s, 0, NULL, &e, &err), &err);
    assert_int_equal(wf_plugin_host(find_plugin(e, ID))->abi_minor, HOST_MINOR);
    check_second(e);
    open_item(e, "abcdef", &one);
    open_item(e, "abcdeg", &other);
    run(e, one, logits[0]);
    run(e, other, logits[1]);
    run(e, one, logits[2]);
    assert_memory_equal(logits[0], logits[2], sizeof logits[0]);
    assert_memory_not_equal(logits[0], logits[1], sizeof logits[0]);
    weft_item_release(&one);
    weft_item_release(&other);
    open_item(e, "uvwxyz", &one);
    check_rows(one, "uvwxyz");
    weft_item_release(&one);
    weft_engine_close(&e);
    weft_settings_destroy(&s);
}

static void test_service(void **state)
{
    weft_error     err = WF_ERROR_INIT;
    weft_settings *s = settings_for(ZOO "/zoo_0_2.so");
    weft_engine   *e;
    (void)state;
    rig_check(weft_engine_open(s, 0, NULL, &e, &err), &err);
    assert_non_null(strstr(logged, "init org.example.zoo-taker: " ID ".number/1 answers 42"));
    weft_engine_close(&e);
    assert_non_null(strstr(logged, "deinit org.example.zoo-taker: " ID ".number/1 answers 42"));
    weft_settings_destroy(&s);
}

/* What its options may not be is said with their names, or with that of the directory. */
static void test_second_is_no_directory(void **state)
{
    weft_error     err = WF_ERROR_INIT;
    weft_settings *s = settings_for(ZOO "/zoo_0_2.so");
    weft_engine   *e;
    (void)state;
    set(s, "second", "/nonexistent");
    refused(weft_engine_open(s, 0, NULL, &e, &err), &err, WEFT_E_NOTFOUND, 4, "/nonexistent");
    set(s, "second", scratch);
    set(s, "times", "10");
    refused(weft_engine_open(s, 0, NULL, &e, &err), &err, WEFT_E_INVALID, 2, "times = 10");
    weft_settings_destroy(&s);
}

/* The plugins that come with weft are earlier ones too, in a host of the next minor. */
static void test_built_in(void **state)
{
    const char       *pairs[] = {"model=" FIXTURE("mllama-1tile"), "threads=2", NULL};
    weft_error        err = WF_ERROR_INIT;
    weft_settings    *s = settings_of(pairs);
    weft_engine      *e = open_engine(s);
    weft_item_request rq = WEFT_ITEM_REQUEST(FIXTURE("images/rgb8.png"));
    weft_item        *item;
    (void)state;
    weft_status status = weft_item_open(e, &rq, &item, &err);
    if (status != WEFT_E_NOTFOUND) { /* where no decoder of PNG is built */
        rig_check(status, &err);
        rig_check(weft_item_encode(item, &err), &err);
    }
    weft_item_release(&item);
    weft_engine_close(&e);
    weft_settings_destroy(&s);
}

/* A plugin for the minor after the host's. */
static void test_newer(void **state)
{
    weft_error     err = WF_ERROR_INIT;
    weft_settings *s = settings_for(NEWER);
    weft_engine   *e;
    char           says[80];
    (void)state;
    snprintf(says, sizeof says, "was built for plugin ABI 0.%d and this is 0.%d", HOST_MINOR + 1,
             HOST_MINOR);
    refused(weft_engine_open(s, 0, NULL, &e, &err), &err, WEFT_E_VERSION, 5, says);
    weft_settings_destroy(&s);
}

static int setup(void **state)
{
    weft_set_log(collect, NULL);
    if (scratch_make(state) != 0)
        return 1;
    make_weights();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_media),
        cmocka_unit_test(test_service),
        cmocka_unit_test(test_second_is_no_directory),
        cmocka_unit_test(test_built_in),
        cmocka_unit_test(test_newer),
    };
    return cmocka_run_group_tests(tests, setup, scratch_remove);
}
