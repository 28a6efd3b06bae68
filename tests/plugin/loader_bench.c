/* SPDX-License-Identifier: Apache-2.0 */
/* A registry that knows only the files it is given. */
#include "tests/plugin/loader_bench.h"

#include <regex.h>
#include <stdbool.h>

#include "tests/support/address.h"
#include "weft/decoder.h"

char logged[4096];

void on_log(void *ctx, int32_t level, const char *text)
{
    size_t n = strlen(logged);
    (void)ctx;
    if (level >= WEFT_LOG_WARN)
        snprintf(logged + n, sizeof logged - n, "%s\n", text);
}

static bool matches(const char *text, const char *pattern)
{
    regex_t re;
    assert_int_equal(regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB), 0);
    int hit = regexec(&re, text, 0, NULL, 0);
    regfree(&re);
    return hit == 0;
}

void assert_matches(const char *text, const char *pattern)
{
    if (!matches(text, pattern))
        fail_msg("\"%s\" does not match \"%s\"", text, pattern);
}

void bench_open(bench *b, const char *const *paths)
{
    weft_error         err = WF_ERROR_INIT;
    wf_registry_config cfg = {.plugin_dir = ""};
    logged[0] = '\0';
    assert_int_equal(wf_settings_create(&b->settings, &err), WEFT_OK);
    for (; paths != NULL && *paths != NULL; paths++)
        assert_int_equal(
            wf_settings_set(b->settings, "plugin", *paths, WF_LAYER_CLI, "--plugin", &err), 0);
    wf_hosts_init(&b->hosts, &(wf_hosts_config){.settings = b->settings});
    cfg.settings = b->settings;
    cfg.hosts = wf_hosts_maker(&b->hosts);
    assert_int_equal(wf_registry_create(&cfg, &b->registry, &err), WEFT_OK);
}

void bench_close(bench *b)
{
    wf_registry_destroy(&b->registry);
    wf_settings_destroy(&b->settings);
}

void fixture_path(char path[512], const char *name)
{
    snprintf(path, 512, "%s/%s.so", WEFT_PLUGIN_FIXTURES, name);
}

/* Loads one file and expects a refusal. */
void refuse(const char *path, weft_status status, const char *pattern)
{
    bench       b;
    weft_error  err = WF_ERROR_INIT;
    const char *paths[] = {path, NULL};
    bench_open(&b, paths);
    weft_status st = wf_registry_load_named(b.registry, &err);
    if (st != status)
        fail_msg("%s: status %d, expected %d: %s", path, st, status, err.message);
    assert_int_equal(err.code, status);
    assert_int_equal(err.stage, WEFT_STAGE_PLUGIN);
    assert_matches(err.message, pattern);
    assert_non_null(strstr(err.message, strrchr(path, '/') + 1)); /* names the file */
    assert_false(has_address(err.message));
    wf_candidate c;
    assert_int_equal(wf_registry_count(b.registry), 1);
    wf_registry_candidate(b.registry, 0, &c);
    assert_int_equal(c.state, WF_PLUGIN_REJECTED);
    assert_string_equal(c.reason, err.message);
    assert_null(wf_registry_plugin(b.registry, 0));
    bench_close(&b);
}

void load_good(void)
{
    bench       b;
    weft_error  err = WF_ERROR_INIT;
    char        path[512];
    const char *paths[] = {path, NULL};
    wf_plugin  *p, *again;
    fixture_path(path, "good");
    bench_open(&b, paths);
    if (wf_registry_load(b.registry, "org.example.good", &p, &err) != WEFT_OK)
        fail_msg("good plugin: %s", err.message);
    assert_int_equal(wf_registry_load(b.registry, path, &again, &err), WEFT_OK);
    assert_ptr_equal(p, again);
    assert_string_equal(wf_plugin_id(p), "org.example.good");
    assert_string_equal(wf_plugin_version(p), "1.0");
    assert_non_null(wf_plugin_component(p, WEFT_C_DECODER, 0));
    assert_null(wf_plugin_component(p, WEFT_C_DECODER, 1));
    assert_string_equal(logged, "");
    bench_close(&b);
}
