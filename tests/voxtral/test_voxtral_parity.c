/* SPDX-License-Identifier: Apache-2.0 */
/* The Voxtral fixtures at the reference's numbers, stage by stage, through weft_verify. Tolerances
 * are verify's (1e-4 of scale in f32, cosine 0.999 in bf16 and quantised). */
#include "support.h"

typedef struct parity_case {
    const char *name, *dir, *parity;
    const char *pairs[3]; /* further settings */
    int32_t     rows_min; /* stages that must have been compared */
} parity_case;

#define CASE(name, dir, file, rows, ...)                                                           \
    {                                                                                              \
        name, FIXTURE("voxtral/" dir), FIXTURE("voxtral/" dir "/parity" file ".safetensors"),      \
            {__VA_ARGS__}, rows                                                                    \
    }

/* Stages: projector.output, encoder.output, logits, greedy; of samples also features. */
static const parity_case cases[] = {
    CASE("one chunk", "mini", "", 4, "dtype=f32"),
    CASE("text first", "mini", "-text-first", 4, "dtype=f32"),
    CASE("two chunks of a recording", "mini", "-two-chunks", 4, "dtype=f32"),
    CASE("two recordings", "mini", "-two", 4, "dtype=f32"),
    CASE("two recordings side by side", "mini", "-adjacent", 4, "dtype=f32"),
    CASE("no recording", "mini", "-text-only", 2, "dtype=f32"),
    CASE("from samples, three chunks", "mini", "-samples", 5, "dtype=f32"),
    CASE("five samples", "mini", "-short", 5, "dtype=f32"),
    CASE("a whole chunk", "mini", "-whole", 5, "dtype=f32"),
    CASE("plain C", "mini", "-two", 4, "dtype=f32", "cpu_mask=none"),
    CASE("AVX2", "mini", "-samples", 5, "dtype=f32", "cpu_mask=avx2"),
    CASE("async device, chunks of 5", "mini", "-two", 4, "dtype=f32", "device=async-test",
         "prefill_chunk=5"),
    CASE("async device, from samples", "mini", "-samples", 5, "dtype=f32", "device=async-test"),
    CASE("as stored (bf16)", "mini", "-two", 4, "dtype=auto"),
    CASE("q8", "mini", "-samples", 5, "quantize=q8"),
    CASE("tied, 2 rows a token", "small", "", 4, "dtype=f32"),
    CASE("tied, recordings of one chunk and of two", "small", "-two", 4, "dtype=f32"),
    CASE("tied, from samples", "small", "-samples", 5, "dtype=f32"),
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
