/* SPDX-License-Identifier: Apache-2.0 */
/* What weft promises of text (tests/model/test_guarantees.c has the same of CPUs), byte for byte on
 * the device cuda over the fake driver: plugins that have nothing to do, pictures behind it, before
 * it in the same engine, and beside it in a batch change nothing. 71 places are more than a block
 * of keys, and more rows than attention takes one by one. */
#include "rig.h"

#include "fake_api.h"

#define VISION "model=" FIXTURE("mllama-1tile")
#define COMPOSED "model=" FIXTURE("composed")
#define PARITY FIXTURE("mllama-1tile/parity-2images.safetensors")
#define HEAD 33
#define ROWS 71

static const int32_t media[] = {HEAD, -1, ROWS - HEAD - 1, 0}, text[] = {ROWS, 0};

static fake_api cu;

static void open_at(rig *r, const char *model, const char *parity, const char *more,
                    const char *more2)
{
    const char *const pairs[] = {"device=cuda", "dtype=bf16", model, more, more2, NULL};
    rig_open(r, pairs, parity);
}

/* 0, 1 and 2 plugins loaded and no media. */
static void test_plugins_idle(void **state)
{
    static const char *const more[][2] = {
        {NULL, NULL},
        {"@" FIXTURE("composed/weft.ini"), NULL},
        {"@" FIXTURE("composed/weft.ini"), "plugin=" WEFT_SOFT_PLUGIN},
    };
    float *logits[3];
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        rig r;
        open_at(&r, COMPOSED, NULL, more[i][0], more[i][1]);
        assert_int_equal(r.e->modalities.n, i);
        logits[i] = rig_run(&r, text, 0, NULL);
        rig_same(logits[0], logits[i], ROWS, &r, "idle plugins");
        rig_close(&r);
    }
    for (size_t i = 0; i < 3; i++)
        free(logits[i]);
}

/* Rows before a picture, and text after one was served by the same engine. */
static void test_before_and_after(void **state)
{
    rig r;
    (void)state;
    open_at(&r, VISION, PARITY, NULL, NULL);
    float *first = rig_run(&r, text, 0, NULL), *with = rig_run(&r, media, 0, NULL),
          *again = rig_run(&r, text, 0, NULL);
    rig_same(first, with, HEAD, &r, "rows before a picture");
    rig_same(first, again, ROWS, &r, "text after a picture");
    assert_memory_not_equal(first + (ROWS - 1) * r.e->config.vocab,
                            with + (ROWS - 1) * r.e->config.vocab, 64);
    free(first);
    free(with);
    free(again);
    rig_close(&r);
}

/* A text sequence in one batch with one that holds a picture. Alone it is a step of fewer rows,
 * which has other bytes unless --deterministic says otherwise. */
static void test_neighbours(void **state)
{
    rig        r;
    weft_error err = WF_ERROR_INIT;
    (void)state;
    open_at(&r, VISION, PARITY, "deterministic=true", NULL);
    float         *alone = rig_run(&r, text, 0, NULL), *with = rig_run(&r, media, 0, NULL);
    const int64_t  vocab = r.e->config.vocab;
    weft_sequence *s[2] = {rig_sequence(&r, text), rig_sequence(&r, media)};
    float         *both = malloc((size_t)(2 * ROWS * vocab) * sizeof *both);
    s[0]->no_cache = s[1]->no_cache = 1;
    wf_step_part parts[2] = {{.seq = s[0], .n_rows = ROWS, .n_out = ROWS},
                             {.seq = s[1], .n_rows = ROWS, .n_out = ROWS}};
    rig_check(wf_step_run(&r.e->stepper, parts, 2, both, NULL, &err), &err);
    rig_same(alone, both, ROWS, &r, "a text neighbour");
    rig_same(with, both + ROWS * vocab, ROWS, &r, "a media neighbour");
    for (int i = 0; i < 2; i++)
        weft_sequence_destroy(&s[i]);
    free(alone);
    free(with);
    free(both);
    rig_close(&r);
}

/* The interpreter found nothing, and nothing is left. */
static int is_clean(void **state)
{
    fake_cuda_state now;
    (void)state;
    cu.state(&now);
    return now.kernels == 0 || now.faults != 0 || now.device_bytes + now.host_blocks != 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_plugins_idle),
                                       cmocka_unit_test(test_before_and_after),
                                       cmocka_unit_test(test_neighbours)};
    cu = fake_open("libcuda.so.1"); /* the one that the module will find */
    return cmocka_run_group_tests(tests, NULL, is_clean);
}
