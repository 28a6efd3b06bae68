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
    assert_non_null(strstr(lines, "org.example.number/1 answers 42"));
    wf_registry_destroy(&r);
    const char *taker = strstr(lines, "deinit org.example.taker"),
               *giver = strstr(lines, "deinit org.example.a-giver");
    assert_true(taker != NULL && giver != NULL && taker < giver);
    wf_settings_destroy(&s);
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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_order), cmocka_unit_test(test_gap),
                                       cmocka_unit_test(test_ring), cmocka_unit_test(test_liar)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
