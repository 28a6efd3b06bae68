/* SPDX-License-Identifier: Apache-2.0 */
/* Text models that are a Llama by their numbers, with Granite's multipliers, Mistral's heads and
 * Qwen2's biases: a row's bytes depend on its own sequence alone, however the prompt is cut, on how
 * many threads and whatever stands beside it in a step. No tolerance. And how near quantised
 * weights come (near.h). */
#include "near.h"

static const char *const models[] = {"model=" FIXTURE("granite"), "model=" FIXTURE("mistral"),
                                     "model=" FIXTURE("qwen2")};
#define N_MODELS (sizeof models / sizeof *models)

static const int32_t text[] = {120, 0}, other[] = {90, 0};

static const char *const formats[][3] = {
    {"dtype=f32", "cpu_mask=none", "device=cpu"},
    {"dtype=f32", "cpu_mask=max", "device=cpu"},
    {"dtype=bf16", "cpu_mask=max", "device=cpu"},
    {"quantize=q8", "cpu_mask=max", "device=cpu"},
    {"quantize=q4", "cpu_mask=none", "device=cpu"},
    {"dtype=f32", "cpu_mask=max", "device=async-test"},
};
#define N_FORMATS (sizeof formats / sizeof *formats)

static void open_as(rig *r, const char *model, const char *const format[3], const char *more)
{
    const char *pairs[] = {model, format[0], format[1], format[2], more, NULL};
    rig_open(r, pairs, NULL);
}

/* Two sequences in uneven shares of each step, against each alone. */
static void check_neighbours(rig *r, const float *a, const float *b)
{
    weft_error     err = WF_ERROR_INIT;
    const int64_t  vocab = r->e->config.vocab;
    int64_t        at = 0, beside = 0;
    weft_sequence *s[2] = {rig_sequence(r, text), rig_sequence(r, other)};
    float         *both = malloc((size_t)(64 * vocab) * sizeof *both);
    assert_non_null(both);
    s[0]->no_cache = s[1]->no_cache = 1;
    while (s[0]->n_done < s[0]->n) {
        const int64_t n = s[0]->n - at < 17 ? s[0]->n - at : 17;
        const int64_t m = s[1]->n - beside < 33 ? s[1]->n - beside : 33;
        wf_step_part  parts[2] = {{.seq = s[0], .n_rows = n, .n_out = n},
                                  {.seq = s[1], .n_rows = m, .n_out = m}};
        rig_check(wf_step_run(&r->e->stepper, parts, m > 0 ? 2 : 1, both, NULL, &err), &err);
        rig_same(a + at * vocab, both, n, r, "the one");
        rig_same(b + beside * vocab, both + n * vocab, m, r, "its neighbour");
        at += n;
        beside += m;
    }
    weft_sequence_destroy(&s[0]);
    weft_sequence_destroy(&s[1]);
    free(both);
}

static void test_rows(void **state)
{
    static const int64_t chunks[] = {1, 7, 16};
    (void)state;
    for (size_t i = 0; i < N_MODELS * N_FORMATS; i++) {
        rig     r;
        int64_t n, m;
        open_as(&r, models[i / N_FORMATS], formats[i % N_FORMATS], NULL);
        float *whole = rig_run(&r, text, 0, &n), *beside = rig_run(&r, other, 0, NULL);
        for (size_t k = 0; k < sizeof chunks / sizeof *chunks; k++) {
            float *parts = rig_run(&r, text, chunks[k], &m);
            assert_int_equal(n, m);
            rig_same(whole, parts, n, &r, "chunked prefill");
            free(parts);
        }
        check_neighbours(&r, whole, beside);
        free(whole);
        free(beside);
        rig_close(&r);
    }
}

static void test_threads(void **state)
{
    static const char *const threads[] = {"threads=2", "threads=5"};
    (void)state;
    for (size_t i = 0; i < N_MODELS; i++) {
        rig     one, r;
        int64_t n;
        open_as(&one, models[i], formats[1], "threads=1");
        float *expected = rig_run(&one, text, 0, &n);
        for (size_t k = 0; k < sizeof threads / sizeof *threads; k++) {
            open_as(&r, models[i], formats[1], threads[k]);
            float *logits = rig_run(&r, text, 0, NULL);
            rig_same(expected, logits, n, &r, threads[k]);
            free(logits);
            rig_close(&r);
        }
        free(expected);
        rig_close(&one);
    }
}

static void test_near(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_MODELS; i++)
        near_check(models[i], NULL, NULL, text, NEAR_Q8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_near),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
