/* SPDX-License-Identifier: Apache-2.0 */
/* Calibrations of weft_quantize_calibrated(): of the model that the engine was opened on, whatever
 * became of its settings and its directory since, and ended by a cancel of whichever moment. */
#include "expect.h"

#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weft/bench.h"

#define DEMO WEFT_SOURCE_DIR "/models/demo/text"
#define PATH_CAP 256

static char folder[] = "/tmp/weft-calibrating-XXXXXX";

static const char *path_of(const char *name)
{
    static char paths[4][PATH_CAP];
    static int  i;
    i = (i + 1) % 4;
    snprintf(paths[i], sizeof paths[i], "%s/%s", folder, name);
    return paths[i];
}

static void write_text(const char *name, const char *text)
{
    FILE *f = fopen(path_of(name), "wb");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

/* All of a file, for free. */
static char *read_all(const char *path, size_t *n)
{
    struct stat st;
    FILE       *f = fopen(path, "rb");
    if (f == NULL)
        fail_msg("%s is not there", path);
    assert_int_equal(fstat(fileno(f), &st), 0);
    *n = (size_t)st.st_size;
    char *bytes = calloc(*n + 1, 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *n, f), *n);
    fclose(f);
    return bytes;
}

/* A directory of the demo model with a config.json of its own. */
static void make_model(void)
{
    static const char *const files[] = {"model.safetensors", "tokenizer.json",
                                        "tokenizer_config.json"};
    size_t                   n;
    char                     to[PATH_CAP];
    assert_int_equal(mkdir(path_of("model"), 0777), 0);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char from[PATH_CAP];
        snprintf(from, sizeof from, DEMO "/%s", files[i]);
        snprintf(to, sizeof to, "%s/model/%s", folder, files[i]);
        assert_int_equal(symlink(from, to), 0);
    }
    char *config = read_all(DEMO "/config.json", &n);
    write_text("model/config.json", config);
    free(config);
}

static int make_folder(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL)
        return -1;
    make_model();
    write_text("text.txt",
               "The quick brown fox jumps over the lazy dog. One, two, three; 4 5 6!\n");
    return 0;
}

static int remove_folder(void **state)
{
    char command[PATH_CAP];
    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

/* Hears how far the engine is; at first, where somebody is to cancel, waits for that. */
typedef struct ear {
    weft_engine *e;
    int32_t      pieces;  /* sequences of a calibration that were begun */
    bool         awaited; /* somebody is to cancel */
    atomic_int   cancelled;
} ear;

static void listen(void *ctx, const char *what, uint64_t done, uint64_t total, const char *unit)
{
    ear *k = ctx;
    (void)done, (void)total, (void)unit;
    k->pieces += strcmp(what, "calibration") == 0;
    while (k->awaited && atomic_load(&k->cancelled) == 0)
        nap();
}

/* k NULL: nobody listens. */
static void open_on(rig *r, const char *model, ear *k)
{
    char                pair[PATH_CAP];
    const char         *pairs[] = {pair, "quantize=q4", "threads=2", NULL};
    weft_error          err = WF_ERROR_INIT;
    const weft_progress progress = {listen, k};
    memset(r, 0, sizeof *r);
    snprintf(pair, sizeof pair, "model=%s", model);
    r->settings = settings_of(pairs);
    rig_check(weft_engine_open(r->settings, WEFT_OPEN_CONFIG | WEFT_OPEN_NO_CORE,
                               k != NULL ? &progress : NULL, &r->e, &err),
              &err);
}

static weft_status calibrate(rig *r, const char *out, weft_error *err)
{
    return weft_quantize_calibrated(r->e, path_of(out), path_of("text.txt"), err);
}

/* Settings that name another model now have no say. */
static void test_settings_that_changed(void **state)
{
    rig        r;
    size_t     n[2];
    weft_error err = WF_ERROR_INIT;
    (void)state;
    open_on(&r, path_of("model"), NULL);
    rig_check(calibrate(&r, "first", &err), &err);
    rig_check(weft_settings_set(r.settings, "model", FIXTURE("llama-tied"), "here", &err), &err);
    rig_check(calibrate(&r, "second", &err), &err);
    char *first = read_all(path_of("first/model.safetensors"), &n[0]);
    char *second = read_all(path_of("second/model.safetensors"), &n[1]);
    assert_int_equal(n[0], n[1]);
    assert_memory_equal(first, second, n[0]);
    free(first);
    free(second);
    rig_close(&r);
}

static void nothing_is_left(const char *out, const char *part)
{
    assert_int_equal(access(path_of(out), F_OK), -1);
    assert_int_equal(access(path_of(part), F_OK), -1);
}

/* A layer less: weights of that model are there, too. */
static void test_directory_that_changed(void **state)
{
    rig        r;
    size_t     n;
    weft_error err = WF_ERROR_INIT;
    (void)state;
    open_on(&r, path_of("model"), NULL);
    char *config = read_all(path_of("model/config.json"), &n);
    char *layers = strstr(config, "\"num_hidden_layers\": 6");
    assert_non_null(layers);
    layers[strlen("\"num_hidden_layers\": ")] = '5';
    write_text("model/config.json", config);
    refused(calibrate(&r, "changed", &err), &err, WEFT_E_INVALID, 4, "has changed");
    nothing_is_left("changed", "changed.part");
    layers[strlen("\"num_hidden_layers\": ")] = '6';
    write_text("model/config.json", config);
    rig_check(calibrate(&r, "changed", &err), &err);
    free(config);
    rig_close(&r);
}

/* A cancel that comes before anything is opened for the calibration is not forgotten: nothing runs
 * of it. */
static void test_cancelled_at_once(void **state)
{
    rig        r;
    ear        k = {.e = NULL};
    weft_error err = WF_ERROR_INIT;
    (void)state;
    open_on(&r, path_of("model"), &k);
    wf_mark before = wf_scope_begin(&r.e->scope);
    weft_engine_cancel(r.e);
    refused(calibrate(&r, "cancelled", &err), &err, WEFT_E_CANCELLED, 130, "cancelled");
    wf_scope_end(&r.e->scope, &before);
    assert_int_equal(k.pieces, 0);
    nothing_is_left("cancelled", "cancelled.part");
    rig_check(calibrate(&r, "cancelled", &err), &err);
    assert_int_equal(k.pieces, 1);
    rig_close(&r);
}

/* As soon as the call has begun. */
static void *cancel_when_begun(void *ctx)
{
    ear *k = ctx;
    while (wf_scope_mark(&k->e->scope).engine == NULL)
        continue;
    weft_engine_cancel(k->e);
    atomic_store(&k->cancelled, 1);
    return NULL;
}

static void test_cancelled_by_a_thread(void **state)
{
    rig        r;
    ear        k = {.e = NULL};
    pthread_t  thread;
    weft_error err = WF_ERROR_INIT;
    (void)state;
    open_on(&r, path_of("model"), &k);
    k.e = r.e;
    k.awaited = true;
    assert_int_equal(pthread_create(&thread, NULL, cancel_when_begun, &k), 0);
    refused(calibrate(&r, "threaded", &err), &err, WEFT_E_CANCELLED, 130, "cancelled");
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(k.pieces, 0);
    nothing_is_left("threaded", "threaded.part");
    rig_close(&r);
}

/* What is in no directory cannot be written anew. */
static void test_made(void **state)
{
    size_t          n;
    rig             r;
    weft_engine    *e;
    weft_error      err = WF_ERROR_INIT;
    char           *config = read_all(DEMO "/config.json", &n);
    weft_bench_file file = {WEFT_HDR(weft_bench_file), "config.json", config};
    (void)state;
    open_on(&r, path_of("model"), NULL);
    rig_check(weft_bench_open(r.settings, WEFT_OPEN_CONFIG, NULL, "made", &file, 1, &e, &err),
              &err);
    refused(weft_quantize(e, path_of("made"), &err), &err, WEFT_E_UNSUPPORTED, 4, "in memory");
    refused(weft_quantize_calibrated(e, path_of("made"), path_of("text.txt"), &err), &err,
            WEFT_E_UNSUPPORTED, 4, "in memory");
    weft_engine_close(&e);
    nothing_is_left("made", "made.part");
    free(config);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_settings_that_changed),
        cmocka_unit_test(test_directory_that_changed),
        cmocka_unit_test(test_cancelled_at_once),
        cmocka_unit_test(test_cancelled_by_a_thread),
        cmocka_unit_test(test_made),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
