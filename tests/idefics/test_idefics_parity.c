/* SPDX-License-Identifier: Apache-2.0 */
/* The Idefics fixtures at the reference's numbers, stage by stage, through weft_verify. Tolerances
 * are verify's (1e-4 of scale in f32, cosine 0.999 in bf16): the fixtures' own f32 error is below
 * 1e-6 of scale. */
#include "support.h"

typedef struct parity_case {
    const char *name, *dir, *parity;
    const char *pairs[3]; /* further settings */
    int32_t     rows_min; /* stages that must have been compared */
} parity_case;

#define CASE(name, dir, file, rows, ...)                                                           \
    {                                                                                              \
        name, FIXTURE("idefics/" dir), FIXTURE("idefics/" dir "/parity" file ".safetensors"),      \
            {__VA_ARGS__}, rows                                                                    \
    }

/* Stages: vision.output, resampler.output, hidden.0..n, logits, greedy. */
static const parity_case cases[] = {
    CASE("float gates, q/k norms", "float", "", 9, "dtype=f32"),
    CASE("text, a picture, end of text, a picture, two more", "float", "-text-first", 9,
         "dtype=f32"),
    CASE("neighbours share the token between them", "float", "-adjacent", 9, "dtype=f32"),
    CASE("markers side by side: the later one is seen", "float", "-touching", 9, "dtype=f32"),
    CASE("no picture: the feed-forward branch alone", "float", "-text-only", 7, "dtype=f32"),
    CASE("float gates as stored (bf16)", "float", "-text-first", 9, "dtype=auto"),
    CASE("float gates, plain C", "float", "-text-first", 9, "dtype=f32", "cpu_mask=none"),
    CASE("float gates, AVX2", "float", "-text-first", 9, "dtype=f32", "cpu_mask=avx2"),
    CASE("float gates, async device, chunks of 5", "float", "-text-first", 9, "dtype=f32",
         "device=async-test", "prefill_chunk=5"),
    CASE("vector gates, a layer before each block", "vector", "", 8, "dtype=f32"),
    CASE("vector gates, text first", "vector", "-text-first", 8, "dtype=f32"),
    CASE("vector gates as stored (bf16)", "vector", "-text-first", 8, "dtype=auto"),
    CASE("vector gates, plain C", "vector", "-text-first", 8, "dtype=f32", "cpu_mask=none"),
    CASE("vector gates, async device, chunks of 7", "vector", "-text-first", 8, "dtype=f32",
         "device=async-test", "prefill_chunk=7"),
    CASE("no resampler", "plain", "", 6, "dtype=f32"),
    CASE("no resampler, text first", "plain", "-text-first", 6, "dtype=f32"),
    CASE("no resampler as stored (f16)", "plain", "-text-first", 6, "dtype=auto"),
};

static void test_case(void **state)
{
    const parity_case *c = *state;
    const char        *pairs[5] = {NULL};
    char               model[512];
    snprintf(model, sizeof model, "model=%s", c->dir);
    pairs[0] = model;
    memcpy(pairs + 1, c->pairs, sizeof c->pairs);
    weft_settings *s = settings_of(pairs);
    weft_engine   *e = open_engine(s);
    const verified v = verify_passes(e, s, c->parity, 0);
    assert_true(v.stages + v.core >= c->rows_min);
}

int main(void)
{
    struct CMUnitTest tests[sizeof cases / sizeof *cases];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        tests[i] =
            (struct CMUnitTest){cases[i].name, test_case, NULL, NULL, (void *)(uintptr_t)&cases[i]};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
