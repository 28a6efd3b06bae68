/* SPDX-License-Identifier: Apache-2.0 */
/* examples/melody through a whole engine: its kernel gives the rows of its formula, the same bytes
 * on the CPU and on the asynchronous test device, whose queues run in another order with each seed,
 * and its GPU body, run thread by thread on the CPU (grid.cpp), gives those bytes too. */
#include "expect.h"

#include <dlfcn.h>
#include <math.h>
#include <unistd.h>

#include "core/media/item.h"
#include "tests/unit/scratch.h"

#define D 48 /* of the fixture llama-tied */
#define NOTES 128
#define ROWS 7
#define SEEDS 8

static const int numbers[ROWS] = {0, 60, 127, 61, 60, 5, 99},
                 lengths[ROWS] = {1, 4, 64, 3, 16, 2, 7};

static float table[NOTES * D];

typedef void (*grid_fn)(unsigned blocks, unsigned threads, float *y, const float *notes,
                        const float *rows, int d);

static void make_files(void)
{
    char       text[256] = "melody\n";
    weft_error err = WF_ERROR_INIT;
    for (int i = 0; i < NOTES * D; i++)
        table[i] = (float)(i * 7919 % 1009) * 0.001f - 0.5f;
    const wf_st_out out = {"notes.weight", WF_ST_F32, 2, {NOTES, D}, table};
    rig_check(wf_st_write(scratch_path("model.safetensors"), &out, 1, &err), &err);
    scratch_put("config.json", "{}", 2);
    for (int i = 0; i < ROWS; i++) {
        size_t at = strlen(text);
        snprintf(text + at, sizeof text - at, "%d %d\n", numbers[i], lengths[i]);
    }
    scratch_put("a.melody", text, strlen(text));
}

/* The rows that the engine's device makes of the melody, and the logits behind it. */
static void sing(const char *device, const char *threads, float *rows, float *logits)
{
    const char   *pairs[] = {"model=" FIXTURE("llama-tied"), "plugin=" MELODY "/melody.so", device,
                             threads, NULL};
    const int32_t ids[] = {5, 9};
    char          weights[300];
    float        *copies[WF_MAX_OUTPUTS] = {rows};
    weft_error    err = WF_ERROR_INIT;
    weft_item_request rq = WEFT_ITEM_REQUEST(scratch_path("a.melody"));
    weft_settings    *s = settings_of(pairs);
    weft_sequence    *seq;
    weft_item        *item;
    snprintf(weights, sizeof weights, "org.example.melody.weights=%s", scratch);
    rig_check(weft_settings_set_pair(s, weights, &err), &err);
    weft_engine *e = open_engine(s);
    rig_check(weft_item_open(e, &rq, &item, &err), &err);
    rig_check(weft_sequence_create(e, &seq, &err), &err);
    rig_check(weft_sequence_feed_ids(seq, ids, 1, &err), &err);
    rig_check(weft_sequence_feed_item(seq, item, &err), &err);
    rig_check(weft_sequence_feed_ids(seq, ids + 1, 1, &err), &err);
    rig_check(weft_step(e, &seq, 1, logits, &err), &err);
    rig_check(wf_item_encode(item, copies, &err), &err);
    weft_sequence_destroy(&seq);
    weft_item_release(&item);
    weft_engine_close(&e);
    weft_settings_destroy(&s);
}

static float cpu_rows[ROWS * D], cpu_logits[128];

static void test_formula(void **state)
{
    (void)state;
    for (int i = 0; i < ROWS; i++)
        for (int c = 0; c < D; c++) {
            const float strength = 1.0f - expf(-(float)lengths[i] / 4.0f);
            assert_true(cpu_rows[i * D + c] == table[numbers[i] * D + c] * strength);
        }
}

static void test_devices(void **state)
{
    float rows[ROWS * D], logits[128];
    (void)state;
    sing("device=cpu", "threads=3", rows, logits);
    assert_memory_equal(rows, cpu_rows, sizeof rows);
    assert_memory_equal(logits, cpu_logits, sizeof logits);
    for (int seed = 1; seed <= SEEDS; seed++) {
        char text[16];
        snprintf(text, sizeof text, "%d", seed * 7919);
        assert_int_equal(setenv("WEFT_TEST_SEED", text, 1), 0);
        sing("device=async-test", "threads=2", rows, logits);
        assert_memory_equal(rows, cpu_rows, sizeof rows);
        assert_memory_equal(logits, cpu_logits, sizeof logits);
    }
    unsetenv("WEFT_TEST_SEED");
}

/* Whatever the number of threads in a block is. */
static void test_gpu_body(void **state)
{
    static const unsigned threads[] = {1, 7, 32, D, 128};
    float                 notes[ROWS * 2], rows[ROWS * D];
    grid_fn               grid;
    void                 *library = dlopen(MELODY "/melody_grid.so", RTLD_NOW | RTLD_LOCAL);
    (void)state;
    if (library == NULL)
        fail_msg("%s", dlerror());
    void *symbol = dlsym(library, "melody_grid");
    assert_non_null(symbol);
    memcpy(&grid, &symbol, sizeof grid);
    for (int i = 0; i < ROWS; i++) {
        notes[2 * i] = (float)numbers[i];
        notes[2 * i + 1] = (float)lengths[i];
    }
    for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
        memset(rows, 0xff, sizeof rows);
        grid(ROWS, threads[i], rows, notes, table, D);
        assert_memory_equal(rows, cpu_rows, sizeof rows);
    }
    dlclose(library);
}

static int setup(void **state)
{
    if (scratch_make(state) != 0)
        return 1;
    make_files();
    sing("device=cpu", "threads=1", cpu_rows, cpu_logits);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_formula),
                                       cmocka_unit_test(test_devices),
                                       cmocka_unit_test(test_gpu_body)};
    return cmocka_run_group_tests(tests, setup, scratch_remove);
}
