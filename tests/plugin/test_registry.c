/* SPDX-License-Identifier: Apache-2.0 */
/* Candidates: where they are looked for, who is trusted, who is chosen, who is loaded and when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/base/log.h"
#include "core/host/host.h"
#include "core/plugin/registry.h"
#include "tests/plugin/scratch.h"
#include "weft/decoder.h"
#include "weft/modality.h"

static weft_settings *settings;
static wf_hosts       hosts;
static wf_registry   *registry;
static char           dir[64], logged[4096];

static void on_log(void *ctx, int32_t level, const char *text)
{
    size_t n = strlen(logged);
    (void)ctx;
    if (level >= WEFT_LOG_WARN)
        snprintf(logged + n, sizeof logged - n, "%s\n", text);
}

static int setup(void **state)
{
    (void)state;
    scratch_open(dir);
    logged[0] = '\0';
    unsetenv("WEFT_PLUGIN_PATH");
    setenv("XDG_DATA_HOME", "/nonexistent", 1);
    registry = NULL;
    return wf_settings_create(&settings, NULL);
}

static int teardown(void **state)
{
    (void)state;
    wf_registry_destroy(&registry);
    wf_settings_destroy(&settings);
    scratch_close(dir);
    return 0;
}

/* A copy of a fixture as DIR/name, with its full path in a static buffer. */
static const char *put(const char *fixture, const char *name)
{
    static char to[8][192];
    static int  turn;
    char        from[512], *path = to[turn++ % 8];
    snprintf(from, sizeof from, "%s/%s.so", WEFT_PLUGIN_FIXTURES, fixture);
    snprintf(path, sizeof to[0], "%s/%s", dir, name);
    copy_file(from, path);
    return path;
}

static void name_plugin(const char *path)
{
    assert_int_equal(wf_settings_set(settings, "plugin", path, WF_LAYER_CLI, "--plugin", NULL),
                     WEFT_OK);
}

static void open_registry(const char *builtin)
{
    wf_hosts_init(&hosts, &(wf_hosts_config){.settings = settings});
    wf_registry_config cfg = {
        .settings = settings, .hosts = wf_hosts_maker(&hosts), .plugin_dir = builtin};
    assert_int_equal(wf_registry_create(&cfg, &registry, NULL), WEFT_OK);
    assert_int_equal(wf_registry_scan(registry, NULL), WEFT_OK);
}

static wf_candidate candidate(size_t i)
{
    wf_candidate c;
    assert_true(i < wf_registry_count(registry));
    wf_registry_candidate(registry, i, &c);
    return c;
}

static void expect(size_t i, const char *file, const char *where, int32_t state, const char *reason)
{
    wf_candidate c = candidate(i);
    assert_string_equal(strrchr(c.path, '/') + 1, file);
    assert_string_equal(c.where, where);
    assert_int_equal(c.state, state);
    if (reason == NULL)
        assert_null(c.reason);
    else if (c.reason == NULL || strstr(c.reason, reason) == NULL)
        fail_msg("%s: \"%s\" lacks \"%s\"", file, c.reason != NULL ? c.reason : "(null)", reason);
}

/* --plugin first, then the environment, the user, the built-in ones; names sorted; only *.so. */
static void search_order(void **state)
{
    char sub[128];
    (void)state;
    for (int i = 0; i < 3; i++) {
        static const char *const dirs[] = {"env", "xdg", "builtin"};
        snprintf(sub, sizeof sub, "%s/%s", dir, dirs[i]);
        assert_int_equal(mkdir(sub, 0755), 0);
    }
    snprintf(sub, sizeof sub, "%s/xdg/weft", dir);
    assert_int_equal(mkdir(sub, 0755), 0);
    snprintf(sub, sizeof sub, "%s/xdg/weft/plugins", dir);
    assert_int_equal(mkdir(sub, 0755), 0);
    put("other", "builtin/b.so");
    put("no_manifest", "builtin/a.so");
    put("good", "builtin/readme.txt");
    put("good", "builtin/.hidden.so");
    put("rival", "env/rival.so");
    put("good", "xdg/weft/plugins/good.so");
    name_plugin(put("does_leak", "named.so"));
    snprintf(sub, sizeof sub, "relative:%s/env:/nonexistent:", dir);
    setenv("WEFT_PLUGIN_PATH", sub, 1);
    snprintf(sub, sizeof sub, "%s/xdg", dir);
    setenv("XDG_DATA_HOME", sub, 1);
    snprintf(sub, sizeof sub, "%s/builtin", dir);
    open_registry(sub);
    assert_int_equal(wf_registry_count(registry), 5);
    expect(0, "named.so", "--plugin", WF_PLUGIN_AVAILABLE, NULL);
    expect(1, "rival.so", "WEFT_PLUGIN_PATH", WF_PLUGIN_AVAILABLE, NULL);
    expect(2, "good.so", "user", WF_PLUGIN_AVAILABLE, NULL);
    expect(3, "a.so", "built-in", WF_PLUGIN_REJECTED, "without a weft manifest");
    expect(4, "b.so", "built-in", WF_PLUGIN_AVAILABLE, NULL);
    assert_non_null(strstr(logged, "relative: not a full path"));
}

static void search_in(const char *where)
{
    setenv("WEFT_PLUGIN_PATH", where, 1);
    open_registry("");
}

static void writable_file(void **state)
{
    (void)state;
    assert_int_equal(chmod(put("good", "good.so"), 0646), 0);
    assert_int_equal(chmod(put("other", "other.so"), 0664), 0);
    search_in(dir);
    expect(0, "good.so", "WEFT_PLUGIN_PATH", WF_PLUGIN_REJECTED,
           "others can write to it; chmod go-w");
    expect(1, "other.so", "WEFT_PLUGIN_PATH", WF_PLUGIN_REJECTED,
           "others can write to it; chmod g-w");
    assert_non_null(strstr(candidate(0).reason, "/good.so"));
}

static void writable_directory(void **state)
{
    char sub[128];
    (void)state;
    snprintf(sub, sizeof sub, "%s/open", dir);
    assert_int_equal(mkdir(sub, 0755), 0);
    put("good", "open/good.so");
    assert_int_equal(chmod(sub, 0777), 0);
    search_in(sub);
    expect(0, "good.so", "WEFT_PLUGIN_PATH", WF_PLUGIN_REJECTED,
           "/open: not trusted: others can write to it");
}

static void writable_parent(void **state)
{
    char sub[128];
    (void)state;
    snprintf(sub, sizeof sub, "%s/parent", dir);
    assert_int_equal(mkdir(sub, 0755), 0);
    snprintf(sub, sizeof sub, "%s/parent/inner", dir);
    assert_int_equal(mkdir(sub, 0755), 0);
    put("good", "parent/inner/good.so");
    snprintf(sub, sizeof sub, "%s/parent", dir);
    assert_int_equal(chmod(sub, 0775), 0);
    snprintf(sub, sizeof sub, "%s/parent/inner", dir);
    search_in(sub);
    expect(0, "good.so", "WEFT_PLUGIN_PATH", WF_PLUGIN_REJECTED, "/parent: not trusted");
    /* Sticky: others may add names there but not replace ours. */
    wf_registry_destroy(&registry);
    snprintf(sub, sizeof sub, "%s/parent", dir);
    assert_int_equal(chmod(sub, 01777), 0);
    snprintf(sub, sizeof sub, "%s/parent/inner", dir);
    search_in(sub);
    expect(0, "good.so", "WEFT_PLUGIN_PATH", WF_PLUGIN_AVAILABLE, NULL);
}

static void wrong_owner(void **state)
{
    const char *path = put("good", "good.so");
    (void)state;
    if (geteuid() != 0)
        skip(); /* only root can give a file away */
    assert_int_equal(chown(path, 12345, 12345), 0);
    search_in(dir);
    expect(0, "good.so", "WEFT_PLUGIN_PATH", WF_PLUGIN_REJECTED, "it belongs to user 12345");
}

/* A link in a trusted directory is judged by where it leads. */
static void link_elsewhere(void **state)
{
    char sub[128], link[128];
    (void)state;
    snprintf(sub, sizeof sub, "%s/open", dir);
    assert_int_equal(mkdir(sub, 0755), 0);
    const char *target = put("good", "open/good.so");
    snprintf(link, sizeof link, "%s/link.so", dir);
    assert_int_equal(symlink(target, link), 0);
    assert_int_equal(chmod(sub, 0777), 0);
    search_in(dir);
    expect(0, "good.so", "WEFT_PLUGIN_PATH", WF_PLUGIN_REJECTED, "/open: not trusted");
}

/* Named by the user or brought by the program: said and loaded all the same. */
static void named_is_warned_about(void **state)
{
    const char *path = put("good", "good.so");
    wf_plugin  *p;
    (void)state;
    assert_int_equal(chmod(path, 0666), 0);
    name_plugin(path);
    open_registry("");
    expect(0, "good.so", "--plugin", WF_PLUGIN_AVAILABLE, "others can write to it");
    assert_int_equal(wf_registry_load(registry, "org.example.good", &p, NULL), WEFT_OK);
    assert_non_null(strstr(logged, "others can write to it"));
}

static void duplicate_id(void **state)
{
    (void)state;
    put("good", "a.so");
    put("twin", "b.so");
    search_in(dir);
    expect(0, "a.so", "WEFT_PLUGIN_PATH", WF_PLUGIN_AVAILABLE, NULL);
    expect(1, "b.so", "WEFT_PLUGIN_PATH", WF_PLUGIN_REJECTED,
           "the id org.example.good is already that of");
    assert_int_equal(candidate(1).status, WEFT_E_CONFLICT);
    assert_non_null(strstr(candidate(1).reason, "/a.so"));
}

/* One file by two ways is one candidate. */
static void same_file_twice(void **state)
{
    char        link[128];
    const char *path = put("good", "good.so");
    (void)state;
    snprintf(link, sizeof link, "%s/link.so", dir);
    assert_int_equal(symlink(path, link), 0);
    name_plugin(link);
    search_in(dir);
    assert_int_equal(wf_registry_count(registry), 1);
    expect(0, "good.so", "--plugin", WF_PLUGIN_AVAILABLE, NULL);
}

static void claims(void **state)
{
    wf_plugin *p;
    weft_error err = WF_ERROR_INIT;
    (void)state;
    put("good", "good.so");
    put("other", "other.so");
    search_in(dir);
    assert_int_equal(wf_registry_claim(registry, "NobodyForCausalLM", &p, &err), WEFT_E_NOTFOUND);
    assert_string_equal(err.message, "no plugin claims NobodyForCausalLM");
    assert_int_equal(wf_registry_claim(registry, "TestForCausalLM", &p, &err), WEFT_OK);
    assert_string_equal(wf_plugin_id(p), "org.example.other");
    assert_null(wf_registry_plugin(registry, 1)); /* nothing else was loaded for it */
}

static void two_claimants(void **state)
{
    wf_plugin *p;
    weft_error err = WF_ERROR_INIT;
    (void)state;
    put("other", "other.so");
    put("rival", "rival.so");
    search_in(dir);
    assert_int_equal(wf_registry_claim(registry, "TestForCausalLM", &p, &err), WEFT_E_CONFLICT);
    assert_non_null(strstr(err.message, "both org.example.other ("));
    assert_non_null(strstr(err.message, "and org.example.rival ("));
    assert_int_equal(err.stage, WEFT_STAGE_PLUGIN);
    assert_int_equal(wf_registry_claim(registry, "XForCausalLM", &p, &err), WEFT_OK);
}

static void by_kind(void **state)
{
    wf_plugin *owner;
    (void)state;
    put("good", "z.so");
    put("other", "a.so");
    put("desc_vtable_null",
        "bad.so"); /* the id of z.so, found first: that one costs what it offers */
    search_in(dir);
    assert_int_equal(wf_registry_load_kind(registry, WEFT_C_MODALITY, NULL), WEFT_OK);
    assert_null(wf_registry_plugin(registry, 0)); /* nobody offers one, nobody is loaded */
    assert_int_equal(wf_registry_load_kind(registry, WEFT_C_DECODER, NULL), WEFT_OK);
    assert_non_null(wf_registry_component(registry, WEFT_C_DECODER, 0, &owner));
    assert_string_equal(wf_plugin_id(owner), "org.example.other");
    assert_null(wf_registry_component(registry, WEFT_C_DECODER, 1, &owner));
    assert_non_null(strstr(logged, "bad.so: component test"));
    expect(1, "bad.so", "WEFT_PLUGIN_PATH", WF_PLUGIN_REJECTED, "lacks open");
}

static void components_by_id(void **state)
{
    wf_plugin *owner;
    (void)state;
    put("rival", "a.so");
    put("good", "z.so");
    search_in(dir);
    assert_int_equal(wf_registry_load_kind(registry, WEFT_C_DECODER, NULL), WEFT_OK);
    assert_non_null(wf_registry_component(registry, WEFT_C_DECODER, 0, &owner));
    assert_string_equal(wf_plugin_id(owner), "org.example.good"); /* by id, not by file name */
    assert_non_null(wf_registry_component(registry, WEFT_C_DECODER, 1, &owner));
    assert_string_equal(wf_plugin_id(owner), "org.example.rival");
    assert_string_equal(logged, "");
}

static void named_by_section(void **state)
{
    weft_error err = WF_ERROR_INIT;
    (void)state;
    put("good", "good.so");
    put("other", "other.so");
    assert_int_equal(
        wf_settings_set_pair(settings, "org.example.good.level=0.25", WF_LAYER_CLI, "--set", &err),
        WEFT_OK);
    search_in(dir);
    assert_int_equal(wf_registry_load_named(registry, &err), WEFT_OK);
    assert_string_equal(wf_plugin_id(wf_registry_plugin(registry, 0)), "org.example.good");
    assert_null(wf_registry_plugin(registry, 1));
    assert_float_equal(wf_settings_plugin_f64(settings, "org.example.good", "level"), 0.25, 0);
}

static void named_and_absent(void **state)
{
    weft_error err = WF_ERROR_INIT;
    (void)state;
    put("good", "good.so");
    assert_int_equal(
        wf_settings_set_pair(settings, "org.example.gone.x=1", WF_LAYER_CLI, "--set", &err),
        WEFT_OK);
    search_in(dir);
    assert_int_equal(wf_registry_load_named(registry, &err), WEFT_E_NOTFOUND);
    assert_non_null(
        strstr(err.message, "there is no plugin org.example.gone; found: org.example.good"));
    assert_int_equal(err.stage, WEFT_STAGE_PLUGIN);
}

/* A mistake in the configuration is the user's, whoever declared the option. */
static void option_mistakes(void **state)
{
    weft_error err = WF_ERROR_INIT;
    (void)state;
    put("good", "good.so");
    assert_int_equal(
        wf_settings_set_pair(settings, "org.example.good.levle=1", WF_LAYER_CLI, "--set", &err),
        WEFT_OK);
    search_in(dir);
    assert_int_equal(wf_registry_load_kind(registry, WEFT_C_DECODER, &err), WEFT_E_INVALID);
    assert_string_equal(err.message,
                        "--set: plugin org.example.good has no option levle; did you mean level?");
    assert_int_equal(err.stage, WEFT_STAGE_USAGE);
}

static void safe_mode(void **state)
{
    wf_plugin *p;
    weft_error err = WF_ERROR_INIT;
    (void)state;
    name_plugin(put("good", "good.so"));
    assert_int_equal(wf_settings_set(settings, "safe", "true", WF_LAYER_CLI, "--safe", &err),
                     WEFT_OK);
    search_in(dir);
    assert_int_equal(wf_registry_count(registry), 0);
    assert_int_equal(wf_registry_load_named(registry, &err), WEFT_OK);
    assert_int_equal(wf_registry_load(registry, "org.example.good", &p, &err), WEFT_E_NOTFOUND);
    assert_non_null(strstr(err.message, "--safe loads none"));
}

/* Two engines in one process hold the same library independently. */
static void two_registries(void **state)
{
    wf_registry *second;
    wf_plugin   *a, *b;
    (void)state;
    put("good", "good.so");
    search_in(dir);
    wf_registry_config cfg = {
        .settings = settings, .hosts = wf_hosts_maker(&hosts), .plugin_dir = ""};
    assert_int_equal(wf_registry_create(&cfg, &second, NULL), WEFT_OK);
    assert_int_equal(wf_registry_load(registry, "org.example.good", &a, NULL), WEFT_OK);
    assert_int_equal(wf_registry_load(second, "org.example.good", &b, NULL), WEFT_OK);
    assert_ptr_not_equal(wf_plugin_host(a), wf_plugin_host(b));
    wf_registry_destroy(&registry);
    assert_string_equal(wf_plugin_id(b), "org.example.good");
    wf_registry_destroy(&second);
}

static void inspect(void **state)
{
    wf_manifest m;
    (void)state;
    assert_int_equal(wf_found_inspect(put("rival", "rival.so"), &m, NULL), WEFT_OK);
    assert_string_equal(m.id, "org.example.rival");
    assert_string_equal(m.version, "1.0");
    assert_int_equal(m.abi_major, 0);
    assert_int_equal(m.abi_minor, WEFT_ABI_MINOR);
    assert_int_equal(m.n_components, 1);
    assert_string_equal(m.components[0], "decoder:test");
    assert_int_equal(m.n_architectures, 2);
    assert_string_equal(m.architectures[1], "TestForCausalLM");
    assert_true(wf_manifest_offers(&m, WEFT_C_DECODER));
    assert_false(wf_manifest_offers(&m, WEFT_C_MODALITY));
    wf_manifest_free(&m);
}

static void component_kinds(void **state)
{
    (void)state;
    assert_true(wf_manifest_kind_is("decoder:png", "weft.decoder/1"));
    assert_false(wf_manifest_kind_is("decode:png", "weft.decoder/1"));
    assert_false(wf_manifest_kind_is("decoders:png", "weft.decoder/1"));
    assert_true(wf_manifest_kind_is("org.example.thing/1:x", "org.example.thing/1"));
    assert_false(wf_manifest_kind_is("", "weft.decoder/1"));
}

/* What the manifest of a fixture has that no version knows; NULL: nothing. */
static void expect_unknown(const char *fixture, const char *expected)
{
    wf_manifest m;
    weft_error  err = WF_ERROR_INIT;
    if (wf_found_inspect(put(fixture, "unknown.so"), &m, &err) != WEFT_OK)
        fail_msg("%s: %s", fixture, err.message);
    if (expected == NULL)
        assert_null(m.unknown);
    else
        assert_string_equal(m.unknown, expected);
    wf_manifest_free(&m);
}

/* Which files a manifest's magic= and kinds= are for. */
static void magic(void **state)
{
    static const char text[] = "id=a.b\nversion=1\nabi=0.2\nkinds=image,audio\n"
                               "magic=0:89504e47,2:ff..0.\n",
                      silent[] = "id=a.b\nversion=1\nabi=0.2\n";
    const uint8_t png[] = {0x89, 0x50, 0x4e, 0x47}, late[] = {1, 2, 0xff, 9, 0x0f, 3},
                  other[] = {1, 2, 0xff, 9, 0x10, 3};
    wf_manifest m;
    (void)state;
    assert_int_equal(wf_manifest_parse(text, sizeof text - 1, "x", &m, NULL), WEFT_OK);
    assert_null(m.unknown);
    assert_true(wf_manifest_may_decode(&m, png, 4, NULL));
    assert_false(wf_manifest_may_decode(&m, png, 3, NULL));
    assert_true(wf_manifest_may_decode(&m, late, 6, "audio"));
    assert_false(wf_manifest_may_decode(&m, late, 4, "audio"));
    assert_false(wf_manifest_may_decode(&m, late, 6, "video"));
    assert_false(wf_manifest_may_decode(&m, other, 6, NULL));
    wf_manifest_free(&m);
    assert_int_equal(wf_manifest_parse(silent, sizeof silent - 1, "x", &m, NULL), WEFT_OK);
    assert_true(wf_manifest_may_decode(&m, other, 6, "video"));
    wf_manifest_free(&m);
}

/* The plugin loads all the same, and whoever loads or lists it is warned. */
static void unknown_words(void **state)
{
    wf_plugin *p;
    (void)state;
    expect_unknown("unknown_key", "the key colours");
    expect_unknown("unknown_near", "the key architecture (did you mean architectures?)");
    expect_unknown("unknown_kind", "the component kind decodr (did you mean decoder?)");
    expect_unknown("unknown_own", NULL); /* a third party's kind is its own business */
    expect_unknown("good", NULL);
    put("unknown_key", "unknown.so");
    search_in(dir);
    assert_int_equal(wf_registry_load(registry, "org.example.good", &p, NULL), WEFT_OK);
    assert_non_null(strstr(logged, "has the key colours, which this version does not know"));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(search_order),
        T(writable_file),
        T(writable_directory),
        T(writable_parent),
        T(wrong_owner),
        T(link_elsewhere),
        T(named_is_warned_about),
        T(duplicate_id),
        T(same_file_twice),
        T(claims),
        T(two_claimants),
        T(by_kind),
        T(components_by_id),
        T(named_by_section),
        T(named_and_absent),
        T(option_mistakes),
        T(safe_mode),
        T(two_registries),
        T(inspect),
        T(component_kinds),
        T(unknown_words),
        T(magic),
    };
    wf_log_set(on_log, NULL);
    umask(022); /* what the fixtures' modes are written for */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
