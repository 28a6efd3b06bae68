/* SPDX-License-Identifier: Apache-2.0 */
/* The settings: precedence of layers, checks and their sentences, paths, pairs, declared options.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/settings/settings.h"
#include "tests/plugin/scratch.h"
#include "weft/weft.h"

static weft_settings *s;
static char           dir[64], logged[1024];

static void on_log(void *ctx, int32_t level, const char *text)
{
    (void)ctx;
    (void)level;
    snprintf(logged, sizeof logged, "%s", text);
}

static int setup(void **state)
{
    (void)state;
    scratch_open(dir);
    for (size_t i = 0; i < wf_n_core_options; i++) {
        char name[64];
        snprintf(name, sizeof name, "WEFT_%s", wf_core_options[i].key);
        for (char *p = name; *p != '\0'; p++)
            *p = (char)(*p >= 'a' && *p <= 'z' ? *p - 32 : *p);
        unsetenv(name);
    }
    setenv("XDG_CONFIG_HOME", dir, 1);
    return wf_settings_create(&s, NULL);
}

static int teardown(void **state)
{
    (void)state;
    wf_settings_destroy(&s);
    scratch_close(dir);
    return 0;
}

static const char *write_ini(const char *name, const char *text)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    spill(path, text, strlen(text));
    return path;
}

static void refuse(weft_status st, const weft_error *err, const char *part)
{
    assert_int_equal(st, WEFT_E_INVALID);
    assert_int_equal(err->stage, WEFT_STAGE_USAGE);
    if (strstr(err->message, part) == NULL)
        fail_msg("\"%s\" lacks \"%s\"", err->message, part);
}

static void table_is_sound(void **state)
{
    (void)state;
    for (size_t i = 0; i < wf_n_core_options; i++) {
        const wf_core_option *o = &wf_core_options[i];
        weft_error            err = WF_ERROR_INIT;
        assert_ptr_equal(wf_core_option_find(o->key), o); /* no key twice */
        assert_int_equal(o->arg == NULL, o->type == WEFT_OPT_BOOL);
        if (o->dflt != NULL &&
            wf_settings_set(s, o->key, o->dflt, WF_LAYER_CLI, "default", &err) != WEFT_OK)
            fail_msg("%s: its own default: %s", o->key, err.message);
    }
    assert_int_equal(WF_OPT_PATH, WEFT_OPTION_PATH);
    assert_int_equal(WF_OPT_LIST, WEFT_OPTION_LIST);
    assert_int_equal(WF_OPT_BYTES, WEFT_OPTION_BYTES);
    assert_int_equal(WF_OPT_HIDDEN, WEFT_OPTION_HIDDEN);
}

static void defaults(void **state)
{
    (void)state;
    assert_null(wf_settings_str(s, "model"));
    assert_string_equal(wf_settings_str(s, "dtype"), "auto");
    assert_int_equal(wf_settings_i64(s, "max_pixels"), 67108864);
    assert_int_equal(wf_settings_i64(s, "max_decoded_bytes"), (int64_t)4 << 30);
    assert_float_equal(wf_settings_f64(s, "top_p"), 1.0, 0);
    assert_false(wf_settings_bool(s, "safe"));
    assert_int_equal(wf_settings_layer(s, "dtype"), WF_LAYER_DEFAULT);
    assert_null(wf_settings_str(s, "no_such_key"));
}

/* Every layer over those below it, and where it came from. */
static void precedence(void **state)
{
    weft_error err = WF_ERROR_INIT;
    char       sub[128];
    (void)state;
    snprintf(sub, sizeof sub, "%s/weft", dir);
    assert_int_equal(mkdir(sub, 0755), 0);
    write_ini("weft/weft.ini", "[core]\nthreads = 1\ncontext = 1\nseed = 1\ntop-k = 1\n");
    const char *config = write_ini("my.ini", "[core]\nthreads = 2\ncontext = 2\nseed = 2\n");
    setenv("WEFT_THREADS", "3", 1);
    setenv("WEFT_CONTEXT", "3", 1);
    assert_int_equal(wf_settings_load(s, config, &err), WEFT_OK);
    assert_int_equal(wf_settings_set(s, "threads", "4", WF_LAYER_CLI, "--threads", &err), WEFT_OK);
    assert_int_equal(wf_settings_i64(s, "threads"), 4);
    assert_int_equal(wf_settings_i64(s, "context"), 3);
    assert_int_equal(wf_settings_i64(s, "seed"), 2);
    assert_int_equal(wf_settings_i64(s, "top_k"), 1);
    assert_int_equal(wf_settings_layer(s, "threads"), WF_LAYER_CLI);
    assert_int_equal(wf_settings_layer(s, "context"), WF_LAYER_ENV);
    assert_int_equal(wf_settings_layer(s, "seed"), WF_LAYER_FILE);
    assert_int_equal(wf_settings_layer(s, "top-k"), WF_LAYER_USER);
    /* The last on a command line counts. */
    assert_int_equal(wf_settings_set(s, "threads", "5", WF_LAYER_CLI, "-t", &err), WEFT_OK);
    assert_int_equal(wf_settings_i64(s, "threads"), 5);
}

static void mistakes(void **state)
{
    weft_error err = WF_ERROR_INIT;
    (void)state;
    refuse(wf_settings_set(s, "thread", "1", WF_LAYER_CLI, "--thread", &err), &err,
           "--thread: there is no option thread; did you mean threads?");
    refuse(wf_settings_set(s, "temprature", "1", WF_LAYER_CLI, "x", &err), &err,
           "did you mean temperature?");
    refuse(wf_settings_set(s, "zebra", "1", WF_LAYER_CLI, "x", &err), &err,
           "x: there is no option zebra");
    assert_null(strstr(err.message, "did you mean"));
    refuse(wf_settings_set(s, "threads", "many", WF_LAYER_CLI, "-t", &err), &err,
           "-t: threads = many: give a whole number of 0..256");
    refuse(wf_settings_set(s, "threads", "257", WF_LAYER_CLI, "-t", &err), &err, "of 0..256");
    refuse(wf_settings_set(s, "threads", "", WF_LAYER_CLI, "-t", &err), &err, "threads = : give");
    refuse(wf_settings_set(s, "threads", "1 ", WF_LAYER_CLI, "-t", &err), &err,
           "give a whole number");
    refuse(wf_settings_set(s, "threads", "1.5", WF_LAYER_CLI, "-t", &err), &err,
           "give a whole number");
    refuse(wf_settings_set(s, "seed", "99999999999999999999", WF_LAYER_CLI, "x", &err), &err,
           "whole number");
    refuse(wf_settings_set(s, "dtype", "int4", WF_LAYER_CLI, "--dtype", &err), &err,
           "give one of auto|f32|bf16");
    refuse(wf_settings_set(s, "dtype", "f3", WF_LAYER_CLI, "--dtype", &err), &err, "give one of");
    refuse(wf_settings_set(s, "top_p", "nan", WF_LAYER_CLI, "x", &err), &err,
           "give a number of 0..1");
    refuse(wf_settings_set(s, "top_p", "1e999", WF_LAYER_CLI, "x", &err), &err, "give a number");
    refuse(wf_settings_set(s, "top_p", "1.01", WF_LAYER_CLI, "x", &err), &err,
           "give a number of 0..1");
    refuse(wf_settings_set(s, "top_p", "0,5", WF_LAYER_CLI, "x", &err), &err, "give a number");
    refuse(wf_settings_set(s, "safe", "maybe", WF_LAYER_CLI, "--safe", &err), &err,
           "give true or false");
    refuse(wf_settings_set(s, "kv_bytes", "9223372036854775807K", WF_LAYER_CLI, "x", &err), &err,
           "of bytes");
    refuse(wf_settings_set(s, "kv_bytes", "1KB", WF_LAYER_CLI, "x", &err), &err, "of bytes");
    assert_int_equal(wf_settings_set(s, "kv-bytes", "3M", WF_LAYER_CLI, "x", &err), WEFT_OK);
    assert_int_equal(wf_settings_i64(s, "kv_bytes"), 3 << 20);
    assert_int_equal(wf_settings_set(s, "safe", "on", WF_LAYER_CLI, "x", &err), WEFT_OK);
    assert_true(wf_settings_bool(s, "safe"));
}

/* Paths in a file are the file's neighbours; elsewhere they stay as they are. */
static void paths(void **state)
{
    char        wants[256];
    const char *ini = write_ini("p.ini", "[core]\nmodel = ./m\nplugin = a.so:/abs/b.so\n"
                                         "[plugin org.example.x]\nweights = w\nname = w\n");
    (void)state;
    assert_int_equal(wf_settings_load_ini(s, ini, WF_LAYER_FILE, NULL), WEFT_OK);
    snprintf(wants, sizeof wants, "%s/m", dir);
    assert_string_equal(wf_settings_str(s, "model"), wants);
    snprintf(wants, sizeof wants, "%s/w", dir);
    assert_string_equal(wf_settings_plugin_str(s, "org.example.x", "weights"), wants);
    assert_string_equal(wf_settings_plugin_str(s, "org.example.x", "name"), "w");
    assert_int_equal(wf_settings_set(s, "plugin", "c:d.so", WF_LAYER_CLI, "--plugin", NULL),
                     WEFT_OK);
    assert_int_equal(wf_settings_set(s, "plugin", "e.so", WF_LAYER_CLI, "--plugin", NULL), WEFT_OK);
    assert_string_equal(wf_settings_item(s, "plugin", 0), "c:d.so"); /* one argument is one path */
    assert_string_equal(wf_settings_item(s, "plugin", 1), "e.so");
    snprintf(wants, sizeof wants, "%s/a.so", dir);
    assert_string_equal(wf_settings_item(s, "plugin", 2), wants);
    assert_string_equal(wf_settings_item(s, "plugin", 3), "/abs/b.so");
    assert_null(wf_settings_item(s, "plugin", 4));
    assert_int_equal(wf_settings_set(s, "model", "./m", WF_LAYER_CLI, "-m", NULL), WEFT_OK);
    assert_string_equal(wf_settings_str(s, "model"), "./m");
}

static void bad_files(void **state)
{
    weft_error err = WF_ERROR_INIT;
    (void)state;
    refuse(
        wf_settings_load_ini(s, write_ini("a.ini", "[core]\n\nmodle = x\n"), WF_LAYER_FILE, &err),
        &err, "a.ini:3: there is no option modle; did you mean model?");
    refuse(wf_settings_load_ini(s, write_ini("b.ini", "[colour]\nx = 1\n"), WF_LAYER_FILE, &err),
           &err, "b.ini:2: section [colour] is neither [core] nor [plugin ID]");
    refuse(wf_settings_load_ini(s, write_ini("c.ini", "[core]\ntop-k = 1\ntop_k = 2\n"),
                                WF_LAYER_FILE, &err),
           &err, "c.ini:3: top_k was given before, at ");
    /* Another file of the same layer may say it again. */
    assert_int_equal(
        wf_settings_load_ini(s, write_ini("d.ini", "[core]\ntop_k = 3\n"), WF_LAYER_FILE, &err),
        WEFT_OK);
    assert_int_equal(wf_settings_i64(s, "top_k"), 3);
    assert_int_equal(wf_settings_load_ini(s, "/nonexistent/x.ini", WF_LAYER_FILE, &err),
                     WEFT_E_NOTFOUND);
    assert_int_equal(err.stage, WEFT_STAGE_USAGE);
}

static void environment(void **state)
{
    weft_error err = WF_ERROR_INIT;
    (void)state;
    setenv("WEFT_COLOUR", "red", 1);
    setenv("WEFT_PLUGIN_PATH", "/x", 1);
    logged[0] = '\0';
    assert_int_equal(wf_settings_load_env(s, &err), WEFT_OK);
    assert_string_equal(logged, "WEFT_COLOUR in the environment is no option");
    unsetenv("WEFT_COLOUR");
    unsetenv("WEFT_PLUGIN_PATH");
    setenv("WEFT_THREADS", "lots", 1);
    refuse(wf_settings_load_env(s, &err), &err, "WEFT_THREADS: threads = lots");
    unsetenv("WEFT_THREADS");
}

static void pairs(void **state)
{
    weft_error err = WF_ERROR_INIT;
    (void)state;
    /* The key follows the last dot before the first '='. */
    assert_int_equal(
        wf_settings_set_pair(s, "org.example.x.key=a.b=c", WF_LAYER_CLI, "--set", &err), WEFT_OK);
    assert_string_equal(wf_settings_plugin_str(s, "org.example.x", "key"), "a.b=c");
    assert_int_equal(wf_settings_set_pair(s, "core.threads=2", WF_LAYER_CLI, "--set", &err),
                     WEFT_OK);
    assert_int_equal(wf_settings_i64(s, "threads"), 2);
    assert_int_equal(wf_settings_set_pair(s, "weft.vision.weights=", WF_LAYER_CLI, "--set", &err),
                     WEFT_OK);
    assert_string_equal(wf_settings_plugin(s, 0), "org.example.x");
    assert_string_equal(wf_settings_plugin(s, 1), "weft.vision");
    assert_null(wf_settings_plugin(s, 2));
    static const char *const bad[] = {"",     "x",    "=",     "a=b",    ".=", "weft.vision",
                                      "a.=1", ".a=1", "A.b=1", "a/b.c=1"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        refuse(wf_settings_set_pair(s, bad[i], WF_LAYER_CLI, "--set", &err), &err, "--set: ");
}

static const weft_option declared[] = {
    {WEFT_HDR(weft_option), "count", WEFT_OPT_I64, 0, "3", "1..9", "a count"},
    {WEFT_HDR(weft_option), "ratio", WEFT_OPT_F64, 0, "0.5", NULL, "a ratio"},
    {WEFT_HDR(weft_option), "mode", WEFT_OPT_STR, 0, NULL, "slow|fast", "a mode"},
    {WEFT_HDR(weft_option), "loud", WEFT_OPT_BOOL, 0, "yes", NULL, "a switch"},
};

static void declare(void **state)
{
    weft_error  err = WF_ERROR_INIT;
    const char *id = "org.example.x";
    (void)state;
    assert_int_equal(wf_settings_set_pair(s, "org.example.x.count=9", WF_LAYER_CLI, "--set", &err),
                     WEFT_OK);
    assert_int_equal(
        wf_settings_set_pair(s, "org.example.x.weights=/w", WF_LAYER_CLI, "--set", &err), WEFT_OK);
    assert_int_equal(wf_settings_declare(s, id, declared, 4, &err), WEFT_OK);
    assert_int_equal(wf_settings_plugin_i64(s, id, "count"), 9);
    assert_float_equal(wf_settings_plugin_f64(s, id, "ratio"), 0.5, 0);
    assert_null(wf_settings_plugin_str(s, id, "mode"));
    assert_int_equal(wf_settings_plugin_i64(s, id, "loud"), 1); /* a default may be spelled yes */
    assert_int_equal(wf_settings_set_pair(s, "org.example.x.loud=off", WF_LAYER_CLI, "--set", &err),
                     WEFT_OK);
    assert_int_equal(wf_settings_declare(s, id, declared, 4, &err), WEFT_OK);
    assert_int_equal(wf_settings_plugin_i64(s, id, "loud"), 0);
    assert_int_equal(
        wf_settings_set_pair(s, "org.example.x.mode=medium", WF_LAYER_CLI, "--set", &err), WEFT_OK);
    refuse(wf_settings_declare(s, id, declared, 4, &err), &err,
           "--set: mode = medium: give one of slow|fast");
    err.stage = WEFT_STAGE_NONE;
    assert_int_equal(wf_settings_declare(s, "org.example.y", NULL, 3, &err), WEFT_E_INVALID);
    assert_int_equal(err.stage, WEFT_STAGE_PLUGIN);
}

typedef struct listing {
    char   text[8192];
    size_t n;
} listing;

static void on_value(void *ctx, const char *section, const char *key, const char *value,
                     const char *origin)
{
    listing *l = ctx;
    l->n += (size_t)snprintf(l->text + l->n, sizeof l->text - l->n, "%s.%s=%s (%s)\n", section, key,
                             value != NULL ? value : "-", origin);
}

static void print_config(void **state)
{
    listing l = {.n = 0};
    (void)state;
    assert_int_equal(wf_settings_set(s, "threads", "2", WF_LAYER_ENV, "WEFT_THREADS", NULL),
                     WEFT_OK);
    assert_int_equal(wf_settings_set(s, "threads", "3", WF_LAYER_CLI, "-t", NULL), WEFT_OK);
    assert_int_equal(wf_settings_set_pair(s, "org.example.x.count=9", WF_LAYER_CLI, "--set", NULL),
                     WEFT_OK);
    assert_int_equal(wf_settings_declare(s, "org.example.x", declared, 4, NULL), WEFT_OK);
    assert_int_equal(wf_settings_declare(s, "org.example.y", declared, 1, NULL), WEFT_OK);
    wf_settings_each(s, on_value, &l);
    assert_non_null(strstr(l.text, "core.model=- (default)\n"));
    assert_non_null(strstr(l.text, "core.threads=3 (-t)\n"));
    assert_null(strstr(l.text, "WEFT_THREADS"));
    assert_non_null(strstr(l.text, "org.example.x.count=9 (--set)\n"));
    assert_non_null(strstr(l.text, "org.example.x.ratio=0.5 (default)\n"));
    assert_non_null(strstr(l.text, "org.example.y.count=3 (default)\n"));
}

/* A plugin's own device is the engine's or nothing. */
static void plugin_devices(void **state)
{
    weft_error err = WF_ERROR_INIT;
    (void)state;
    assert_int_equal(wf_settings_plugin_devices(s, "cpu", &err), WEFT_OK);
    assert_int_equal(
        wf_settings_set_pair(s, "org.example.x.device=auto", WF_LAYER_CLI, "--set", &err), WEFT_OK);
    assert_int_equal(wf_settings_plugin_devices(s, "cpu", &err), WEFT_OK);
    const char *ini = write_ini("d.ini", "[plugin org.example.y]\ndevice = cpu\n");
    assert_int_equal(wf_settings_load_ini(s, ini, WF_LAYER_FILE, &err), WEFT_OK);
    assert_int_equal(wf_settings_plugin_devices(s, "cpu", &err), WEFT_OK);
    refuse(wf_settings_plugin_devices(s, "cuda", &err), &err,
           "d.ini:2: plugin org.example.y: device cpu is not");
    refuse(wf_settings_plugin_devices(s, "cuda", &err), &err, "give auto or cuda here");
}

/* What an option is: of the core at once, of a plugin once it has declared its own. */
static void what_options_are(void **state)
{
    static const weft_option mine[] = {
        {WEFT_HDR(weft_option), "ear", WEFT_OPT_PACKAGE, 0, NULL, NULL, "a directory"},
        {WEFT_HDR(weft_option), "mode", WEFT_OPT_STR, 0, "slow", "slow|fast", "a mode"}};
    weft_option_info o;
    weft_error       err = WF_ERROR_INIT;
    (void)state;
    assert_int_equal(weft_settings_option(s, "core", "model", &o), 1);
    assert_int_equal(o.flags & WEFT_OPTION_PATH, WEFT_OPTION_PATH);
    assert_int_equal(weft_settings_option(s, "core", "system", &o), 1);
    assert_int_equal(o.flags & WEFT_OPTION_PATH, 0);
    assert_int_equal(weft_settings_option(s, "core", "mode", &o), 0);
    assert_int_equal(weft_settings_option(s, "org.example.x", "mode", &o), 0);
    assert_int_equal(weft_settings_option(s, "org.example.x", "weights", &o), 1);
    assert_int_equal(o.flags & WEFT_OPTION_PATH, WEFT_OPTION_PATH);
    assert_int_equal(weft_settings_option(s, "org.example.x", "device", &o), 1);
    assert_int_equal(o.flags & WEFT_OPTION_PATH, 0);
    assert_int_equal(weft_settings_option(s, "core", "none", &o), 0);
    assert_string_equal(o.key, "device");
    assert_int_equal(wf_settings_declare(s, "org.example.x", mine, 2, &err), WEFT_OK);
    assert_int_equal(weft_settings_option(s, "org.example.x", "mode", &o), 1);
    assert_int_equal(o.flags & WEFT_OPTION_PATH, 0);
    assert_string_equal(o.range, "slow|fast");
    assert_int_equal(weft_settings_option(s, "org.example.x", "ear", &o), 1);
    assert_int_equal(o.flags & WEFT_OPTION_PATH, WEFT_OPTION_PATH);
    assert_int_equal(weft_settings_option(s, "org.example.y", "ear", &o), 0);
}

/* Each allocation of loading and declaring fails once. */
static void every_allocation(void **state)
{
    const char *ini = write_ini("o.ini", "[core]\nmodel = m\nplugin = a:b\nthreads = 2\n"
                                         "[plugin org.example.x]\nweights = w\ncount = 4\n");
    (void)state;
    for (uint64_t n = 1;; n++) {
        weft_settings *mine = NULL;
        weft_error     err = WF_ERROR_INIT;
        uint64_t       before = wf_mem_count();
        wf_mem_fail_at(n, false);
        weft_status st = wf_settings_create(&mine, &err);
        if (st == WEFT_OK)
            st = wf_settings_load_ini(mine, ini, WF_LAYER_FILE, &err);
        if (st == WEFT_OK)
            st = wf_settings_set(mine, "threads", "3", WF_LAYER_CLI, "-t", &err);
        if (st == WEFT_OK)
            st = wf_settings_declare(mine, "org.example.x", declared, 4, &err);
        uint64_t used = wf_mem_count() - before;
        wf_mem_fail_at(0, false);
        assert_true(st == WEFT_OK || st == WEFT_E_NOMEM);
        wf_settings_destroy(&mine);
        if (used < n)
            break;
        assert_int_equal(st, WEFT_E_NOMEM);
    }
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(table_is_sound),   T(defaults),         T(precedence),     T(mistakes), T(paths),
        T(bad_files),        T(environment),      T(pairs),          T(declare),  T(print_config),
        T(what_options_are), T(every_allocation), T(plugin_devices),
    };
    wf_log_set(on_log, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
