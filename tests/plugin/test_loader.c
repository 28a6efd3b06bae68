/* SPDX-License-Identifier: Apache-2.0 */
/* The loader against plugins that are bad in every way we could think of: each gives its status and
 * one sentence that names the file and the cause, and a good plugin loads afterwards in the same
 * process. */
#include "core/base/mem.h"
#include "tests/plugin/loader_bench.h"

typedef struct bad_case {
    const char *fixture;
    weft_status status;
    const char *pattern;
} bad_case;

static const bad_case cases[] = {
    {"no_manifest", WEFT_E_NOTFOUND, "without a weft manifest"},
    {"two_manifests", WEFT_E_CORRUPT, "two manifests"},
    {"garbage_line", WEFT_E_CORRUPT, "manifest has a line that is not key=value"},
    {"garbage_key", WEFT_E_CORRUPT, "manifest has a key twice"},
    {"garbage_bytes", WEFT_E_CORRUPT, "manifest holds bytes that are not plain ASCII"},
    {"garbage_end", WEFT_E_CORRUPT, "manifest has a last line without an end"},
    {"garbage_list", WEFT_E_CORRUPT, "manifest has a list with an empty item"},
    {"garbage_id", WEFT_E_CORRUPT, "manifest has an id that is not like org.example.name"},
    {"garbage_abi", WEFT_E_CORRUPT, "manifest has an abi that is not MAJOR.MINOR"},
    {"garbage_magic", WEFT_E_CORRUPT, "manifest has a magic that is not like 0:89504e47"},
    {"garbage_magic_half", WEFT_E_CORRUPT, "manifest has a magic that is not like 0:89504e47"},
    {"garbage_empty", WEFT_E_CORRUPT, "manifest lacks id, version or abi"},
    {"abi_major", WEFT_E_VERSION, "built for plugin ABI 1\\.0 and this is 0\\.2; install"},
    {"abi_minor", WEFT_E_VERSION, "built for plugin ABI 0\\.3 and this is 0\\.2; install"},
    {"abi_older", WEFT_E_VERSION, "built for plugin ABI 0\\.1 and this is 0\\.2; install"},
    {"links_unsaid", WEFT_E_INVALID,
     "links libweft-gone\\.so\\.1, which its manifest does not say"},
    {"links_untrue", WEFT_E_INVALID, "says links= of 1 libraries and it links 0"},
    {"links_missing", WEFT_E_NOTFOUND, "cannot be loaded: libweft-gone\\.so\\.1: cannot open"},
    {"undefined", WEFT_E_NOTFOUND, "undefined symbol: weft_fixture_that_nobody_has"},
    {"entry_overrun", WEFT_E_INVALID, "entry wrote past the end of weft_plugin"},
    {"entry_magic", WEFT_E_VERSION, "entry answers for plugin ABI"},
    {"entry_answer_minor", WEFT_E_VERSION, "entry answers for plugin ABI 0\\.3, and this is 0\\.2"},
    {"entry_no_desc", WEFT_E_INVALID, "gave no descriptor"},
    {"entry_refuses", WEFT_E_VERSION, "refused this host: this host is not to my taste"},
    {"entry_short", WEFT_E_VERSION, "entry filled 8 bytes of weft_plugin where this ABI has"},
    {"entry_shorter", WEFT_E_VERSION,
     "entry filled [0-9]+ bytes of weft_plugin where this ABI has"},
    {"entry_longer", WEFT_E_INVALID, "entry claims to have filled [0-9]+ bytes of"},
    {"entry_huge", WEFT_E_INVALID, "entry claims to have filled 4294967295 bytes of"},
    {"entry_missing", WEFT_E_INVALID, "does not export weft_plugin_entry"},
    {"desc_id", WEFT_E_INVALID,
     "descriptor says id org\\.example\\.someone-else, its manifest id org"},
    {"desc_version", WEFT_E_INVALID, "descriptor says version 9\\.9, its manifest version 1\\.0"},
    {"desc_desc_size", WEFT_E_VERSION, "descriptor has 24 bytes where this ABI has"},
    {"desc_no_components", WEFT_E_INVALID, "descriptor has no components"},
    {"desc_unannounced", WEFT_E_INVALID, "component other .* is not in the components= line"},
    {"desc_promised", WEFT_E_INVALID, "manifest promises 2 components and it has 1"},
    {"desc_component_null", WEFT_E_INVALID, "has no kind, name or table"},
    {"desc_vtable_size", WEFT_E_VERSION, "component test .weft\\.decoder/1. has a table of"},
    {"desc_vtable_null", WEFT_E_INVALID, "component test .weft\\.decoder/1. lacks open"},
    {"desc_no_reader", WEFT_E_INVALID, "lacks read_frames, read_audio and read_rows"},
    {"desc_needs_host", WEFT_E_UNSUPPORTED, "needs the host interface weft\\.telepathy/1"},
    {"desc_option_type", WEFT_E_INVALID, "option odd has a type that this host does not know"},
    {"desc_option_default", WEFT_E_INVALID, "option odd has a default that does not fit"},
    {"desc_option_hosts", WEFT_E_INVALID, "option weights has no key, or one that is the host's"},
    {"desc_option_range", WEFT_E_INVALID, "option odd has a range that is none"},
    {"desc_kinds_said", WEFT_E_INVALID, "gives the kind test, which is not in the kinds= line"},
    {"desc_kinds_none", WEFT_E_INVALID, "component test .* has kinds that are no list"},
    {"desc_kinds_endless", WEFT_E_INVALID, "component test .* has kinds that are no list"},
    {"does_silent", WEFT_E_DEVICE,
     "failed with DEVICE and gave no reason .org\\.example\\.silent in init."},
};

static void bad_fixtures(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char path[512];
        fixture_path(path, cases[i].fixture);
        refuse(path, cases[i].status, cases[i].pattern);
    }
    load_good();
}

/* init answers each status in turn, told so by a declared option. */
static void init_errors(void **state)
{
    (void)state;
    for (int32_t status = -20; status <= 1; status++) {
        bench       b;
        weft_error  err = WF_ERROR_INIT;
        char        path[512], text[16];
        const char *paths[] = {path, NULL};
        if (status == 0)
            continue;
        fixture_path(path, "good");
        bench_open(&b, paths);
        snprintf(text, sizeof text, "%d", status);
        assert_int_equal(wf_settings_set_plugin(b.settings, "org.example.good", "status", text,
                                                WF_LAYER_CLI, "--set", &err),
                         WEFT_OK);
        /* A number that is no status is the plugin's mistake, and so is that it was cancelled. */
        bool        is_one = status < 0 && status >= WEFT_E_NUMERIC && status != WEFT_E_CANCELLED;
        weft_status expected = is_one ? status : WEFT_E_INTERNAL;
        assert_int_equal(wf_registry_load_named(b.registry, &err), expected);
        assert_matches(err.message,
                       status == WEFT_E_CANCELLED
                           ? "good\\.so: it returned CANCELLED.*.org\\.example\\.good in init."
                           : "good\\.so: .*told to fail .org\\.example\\.good in init.");
        bench_close(&b);
    }
}

/* ---- allocation ---------------------------------------------------------------------------------
 */

/* Every allocation of scan, load and teardown fails once; the outcome is NOMEM or success, and a
 * load without failures works afterwards. */
static void every_allocation(void **state)
{
    char        path[512], bad[512], found[512], dir[64], copy[128];
    const char *paths[] = {path, bad, NULL};
    uint64_t    failures = 0;
    (void)state;
    fixture_path(path, "good");
    fixture_path(bad, "abi_major");
    fixture_path(found, "other");
    scratch_open(dir);
    snprintf(copy, sizeof copy, "%s/other.so", dir);
    copy_file(found, copy);
    for (uint64_t n = 1;; n++) {
        weft_settings     *s;
        wf_registry       *r = NULL;
        wf_hosts           hosts;
        wf_registry_config cfg = {.plugin_dir = dir};
        wf_plugin         *p;
        weft_error         err = WF_ERROR_INIT;
        weft_status        st;
        assert_int_equal(wf_settings_create(&s, &err), WEFT_OK);
        for (int i = 0; paths[i] != NULL; i++)
            assert_int_equal(wf_settings_set(s, "plugin", paths[i], WF_LAYER_CLI, "--plugin", &err),
                             0);
        cfg.settings = s;
        wf_hosts_init(&hosts, &(wf_hosts_config){.settings = s});
        cfg.hosts = wf_hosts_maker(&hosts);
        uint64_t before = wf_mem_count();
        wf_mem_fail_at(n, false);
        st = wf_registry_create(&cfg, &r, &err);
        if (st == WEFT_OK)
            st = wf_registry_load(r, "org.example.good", &p, &err);
        uint64_t used = wf_mem_count() - before;
        wf_mem_fail_at(0, false);
        assert_true(st == WEFT_OK || st == WEFT_E_NOMEM);
        failures += st == WEFT_E_NOMEM;
        wf_registry_destroy(&r);
        wf_settings_destroy(&s);
        if (st == WEFT_OK && used < n)
            break;
    }
    scratch_close(dir);
    assert_true(failures > 20);
    load_good();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(bad_fixtures),
                                       cmocka_unit_test(init_errors),
                                       cmocka_unit_test(every_allocation)};
    wf_log_set(on_log, NULL);
    unsetenv("WEFT_PLUGIN_PATH");
    setenv("XDG_DATA_HOME", "/nonexistent", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
