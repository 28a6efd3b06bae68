/* SPDX-License-Identifier: Apache-2.0 */
/* The Idefics3 fixtures at the reference's numbers, stage by stage, through weft_verify. Tolerances
 * are verify's (1e-4 of scale in f32, cosine 0.999 in bf16). */
#include "support.h"

typedef struct parity_case {
    const char *name, *dir, *parity;
    const char *pairs[3]; /* further settings */
    int32_t     rows_min; /* stages that must have been compared */
} parity_case;

#define CASE(name, dir, file, rows, ...)                                                           \
    {                                                                                              \
        name, FIXTURE("idefics3/" dir), FIXTURE("idefics3/" dir "/parity" file ".safetensors"),    \
            {__VA_ARGS__}, rows                                                                    \
    }

/* Stages: vision.output, connector.output, hidden.0..3, logits, greedy. */
static const parity_case cases[] = {
    CASE("one tile", "untied", "", 8, "dtype=f32"),
    CASE("several tiles, text between them", "untied", "-tiles", 8, "dtype=f32"),
    CASE("two pictures", "untied", "-two-pictures", 8, "dtype=f32"),
    CASE("tiles side by side", "untied", "-adjacent", 8, "dtype=f32"),
    CASE("hidden patches", "untied", "-masked", 8, "dtype=f32"),
    CASE("no picture", "untied", "-text-only", 6, "dtype=f32"),
    CASE("plain C", "untied", "-tiles", 8, "dtype=f32", "cpu_mask=none"),
    CASE("AVX2, hidden patches", "untied", "-masked", 8, "dtype=f32", "cpu_mask=avx2"),
    CASE("async device, chunks of 5", "untied", "-tiles", 8, "dtype=f32", "device=async-test",
         "prefill_chunk=5"),
    CASE("async device, hidden patches", "untied", "-masked", 8, "dtype=f32", "device=async-test",
         "prefill_chunk=3"),
    CASE("scale 3, one table: one tile", "tied", "", 8, "dtype=f32"),
    CASE("scale 3, one table: tiles", "tied", "-tiles", 8, "dtype=f32"),
    CASE("scale 3, one table: two pictures", "tied", "-two-pictures", 8, "dtype=f32"),
    CASE("scale 3, one table: hidden patches", "tied", "-masked", 8, "dtype=f32"),
    CASE("SmolVLM's name, pixels left over: one tile", "half", "", 8, "dtype=f32"),
    CASE("SmolVLM's name, pixels left over: tiles", "half", "-tiles", 8, "dtype=f32"),
    CASE("SmolVLM's name, pixels left over: hidden patches", "half", "-masked", 8, "dtype=f32"),
    CASE("scale 4: one tile", "four", "", 8, "dtype=f32"),
    CASE("scale 4: tiles", "four", "-tiles", 8, "dtype=f32"),
    CASE("scale 4: two pictures", "four", "-two-pictures", 8, "dtype=f32"),
    CASE("scale 4: hidden patches", "four", "-masked", 8, "dtype=f32"),
    CASE("scale 4: async device", "four", "-tiles", 8, "dtype=f32", "device=async-test"),
    CASE("granite-docling: one tile", "docling", "", 8, "dtype=f32"),
    CASE("granite-docling: tiles", "docling", "-tiles", 8, "dtype=f32"),
    CASE("granite-docling: a page in its prompt", "docling", "-chat", 8, "dtype=f32"),
    CASE("granite-docling: as stored (bf16)", "docling", "-chat", 8, "dtype=auto"),
    CASE("as stored (bf16)", "half", "-two-pictures", 8, "dtype=auto"),
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
