/* SPDX-License-Identifier: Apache-2.0 */
/* Services between plugins: loaded in the order of need, closed in the reverse one; gaps, circles
 * and false manifests are refused with both names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "core/base/log.h"
#include "core/host/host.h"
#include "core/plugin/registry.h"
#include "weft/weft.h"

static char     lines[4096];
static wf_hosts hosts;

static void collect(void *ctx, int32_t level, const char *utf8)
{
    size_t at = strlen(lines);
    (void)ctx;
    (void)level;
    snprintf(lines + at, sizeof lines - at, "%s\n", utf8);
}

/* A registry that is given these fixture files. */
static wf_registry *registry_of(weft_settings **s, const char *const *names)
{
    wf_registry *r;
    weft_error   err = WF_ERROR_INIT;
    char         path[512];
    lines[0] = '\0';
    wf_log_set(collect, NULL);
    assert_int_equal(wf_settings_create(s, &err), WEFT_OK);
    for (; *names != NULL; names++) {
        snprintf(path, sizeof path, SERVICES "/service_%s.so", *names);
        assert_int_equal(wf_settings_set(*s, "plugin", path, WF_LAYER_CLI, "--plugin", &err),
                         WEFT_OK);
    }
    wf_hosts_init(&hosts, &(wf_hosts_config){.settings = *s});
    wf_registry_config cfg = {
        .settings = *s, .hosts = wf_hosts_maker(&hosts), .plugin_dir = "/nonexistent"};
    assert_int_equal(wf_registry_create(&cfg, &r, &err), WEFT_OK);
    return r;
}

static void test_order(void **state)
{
    /* The taker is met first and must still come second. */
    const char *const names[] = {"taker", "giver", NULL};
    weft_settings    *s;
    weft_error        err = WF_ERROR_INIT;
    wf_registry      *r = registry_of(&s, names);
    (void)state;
    if (wf_registry_load_named(r, &err) != WEFT_OK)
        fail_msg("%s", err.message);
    assert_non_null(strstr(lines, "init org.example.taker: org.example.number/1 answers 42\n"));
    wf_registry_destroy(&r);
    const char *taker = strstr(lines, "deinit org.example.taker\n"),
               *giver = strstr(lines, "deinit org.example.a-giver\n");
    assert_true(taker != NULL && giver != NULL && taker < giver);
    wf_settings_destroy(&s);
}

/* Nothing but services: one that is only given, one that is made of it, and a plugin that takes
 * both and has a decoder. Each asks again while it is closed. */
static void test_alone(void **state)
{
    static const char *const order[] = {
        ": init org.example.half: org.example.whole/1 answers 42\n",
        ": init org.example.both: org.example.whole/1 answers 42\n",
        ": init org.example.both: org.example.half/1 answers 42\n",
        ": deinit org.example.both: org.example.whole/1 answers 42\n",
        ": deinit org.example.both: org.example.half/1 answers 42\n",
        ": deinit org.example.both\n",
        ": deinit org.example.half: org.example.whole/1 answers 42\n",
        ": deinit org.example.half\n",
        ": deinit org.example.whole\n",
    };
    static const char *const given[][4] = {{"both", "half", "whole", NULL},
                                           {"whole", "half", "both", NULL},
                                           {"half", "both", "whole", NULL}};
    (void)state;
    for (size_t i = 0; i < sizeof given / sizeof *given; i++) {
        weft_settings *s;
        weft_error     err = WF_ERROR_INIT;
        wf_registry   *r = registry_of(&s, given[i]);
        if (wf_registry_load_named(r, &err) != WEFT_OK)
            fail_msg("%s", err.message);
        wf_registry_destroy(&r);
        wf_settings_destroy(&s);
        const char *at = lines;
        for (size_t k = 0; k < sizeof order / sizeof *order; k++) {
            const char *next = strstr(at, order[k]);
            if (next == NULL)
                fail_msg("%zu: after \"%.60s\" there is no \"%s\" in\n%s", i, at, order[k], lines);
            at = next + 1;
        }
        assert_null(strstr(lines, "is gone"));
    }
}

/* The same in engines, twice in one process: each has its services for itself. */
static void test_engine(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        weft_settings *s;
        weft_engine   *e;
        weft_error     err = WF_ERROR_INIT;
        lines[0] = '\0';
        weft_set_log(collect, NULL);
        assert_int_equal(weft_settings_create(&s, &err), WEFT_OK);
        assert_int_equal(weft_settings_set(s, "model", WEFT_FIXTURES "/llama-tied", "", &err),
                         WEFT_OK);
        assert_int_equal(weft_settings_set(s, "plugin", SERVICES "/service_half.so", "", &err),
                         WEFT_OK);
        assert_int_equal(weft_settings_set(s, "plugin", SERVICES "/service_whole.so", "", &err),
                         WEFT_OK);
        if (weft_engine_open(s, 0, NULL, &e, &err) != WEFT_OK)
            fail_msg("%s", err.message);
        assert_non_null(strstr(lines, "init org.example.half: org.example.whole/1 answers 42"));
        assert_null(strstr(lines, "deinit"));
        weft_engine_close(&e);
        weft_settings_destroy(&s);
        const char *half = strstr(lines, "deinit org.example.half\n");
        const char *whole = strstr(lines, "deinit org.example.whole\n");
        assert_true(half != NULL && whole != NULL && half < whole);
        assert_null(strstr(lines, "is gone"));
    }
}

static void told(void *ctx, const char *key, const char *value)
{
    size_t at = strlen((char *)ctx);
    assert_non_null(value);
    snprintf((char *)ctx + at, 2000 - at, "%s=%s\n", key, value);
}

/* What a person is told of one: that it loads, by itself, though nobody needs it. */
static void test_inspected(void **state)
{
    char           text[2000] = "";
    weft_settings *s;
    weft_error     err = WF_ERROR_INIT;
    (void)state;
    assert_int_equal(weft_settings_create(&s, &err), WEFT_OK);
    if (weft_plugin_inspect(s, SERVICES "/service_whole.so", told, text, &err) != WEFT_OK)
        fail_msg("%s", err.message);
    assert_non_null(strstr(text, "id=org.example.whole\n"));
    assert_non_null(strstr(text, "gives=org.example.whole/1\n"));
    assert_non_null(strstr(text, "loads=yes\n"));
    weft_settings_destroy(&s);
}

static void refused(const char *const *names, weft_status status, const char *part,
                    const char *part2)
{
    weft_settings *s;
    weft_error     err = WF_ERROR_INIT;
    wf_registry   *r = registry_of(&s, names);
    assert_int_equal(wf_registry_load_named(r, &err), status);
    if (strstr(err.message, part) == NULL || strstr(err.message, part2) == NULL)
        fail_msg("%s", err.message);
    wf_registry_destroy(&r);
    wf_settings_destroy(&s);
}

static void test_gap(void **state)
{
    (void)state;
    refused((const char *const[]){"gap", NULL}, WEFT_E_NOTFOUND, "org.example.gap",
            "org.example.absent/1");
}

static void test_ring(void **state)
{
    (void)state;
    refused((const char *const[]){"ring1", "ring2", NULL}, WEFT_E_CONFLICT, "org.example.ring1",
            "org.example.ring2");
}

static void test_liar(void **state)
{
    (void)state;
    refused((const char *const[]){"liar", NULL}, WEFT_E_INVALID, "service_liar", "gives=");
}

/* No component and no service either. */
static void test_empty(void **state)
{
    (void)state;
    refused((const char *const[]){"empty", NULL}, WEFT_E_INVALID, "service_empty",
            "no components and no service");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),  cmocka_unit_test(test_alone),
        cmocka_unit_test(test_engine), cmocka_unit_test(test_inspected),
        cmocka_unit_test(test_gap),    cmocka_unit_test(test_empty),
        cmocka_unit_test(test_ring),   cmocka_unit_test(test_liar)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
