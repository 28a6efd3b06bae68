/* SPDX-License-Identifier: Apache-2.0 */
/* The LLaVA fixtures at the reference's numbers, stage by stage, through weft_verify. Tolerances
 * are verify's (1e-4 of scale in f32, cosine 0.999 in bf16). */
#include "support.h"

typedef struct parity_case {
    const char *name, *dir, *parity;
    const char *pairs[3]; /* further settings */
    int32_t     rows_min; /* stages that must have been compared */
} parity_case;

#define CASE(name, dir, file, rows, ...)                                                           \
    {                                                                                              \
        name, FIXTURE("llava/" dir), FIXTURE("llava/" dir "/parity" file ".safetensors"),          \
            {__VA_ARGS__}, rows                                                                    \
    }

/* Stages: vision.output, projector.output, hidden.0..3, logits, greedy. */
static const parity_case cases[] = {
    CASE("CLIP, layer -2, default", "clip", "", 8, "dtype=f32"),
    CASE("CLIP, text first", "clip", "-text-first", 8, "dtype=f32"),
    CASE("CLIP, two pictures", "clip", "-two", 8, "dtype=f32"),
    CASE("CLIP, pictures side by side", "clip", "-adjacent", 8, "dtype=f32"),
    CASE("CLIP, no picture", "clip", "-text-only", 6, "dtype=f32"),
    CASE("CLIP, plain C", "clip", "-two", 8, "dtype=f32", "cpu_mask=none"),
    CASE("CLIP, AVX2", "clip", "-two", 8, "dtype=f32", "cpu_mask=avx2"),
    CASE("CLIP, async device, chunks of 5", "clip", "-two", 8, "dtype=f32", "device=async-test",
         "prefill_chunk=5"),
    CASE("SigLIP, full, no biases", "siglip", "", 8, "dtype=f32"),
    CASE("SigLIP, two pictures", "siglip", "-two", 8, "dtype=f32"),
    CASE("SigLIP, as stored (bf16)", "siglip", "-two", 8, "dtype=auto"),
    CASE("two layers, names of transformers 4.52", "list", "", 8, "dtype=f32"),
    CASE("two layers, two pictures", "list", "-two", 8, "dtype=f32"),
    CASE("one table for head and embedding", "tied", "", 8, "dtype=f32"),
    CASE("one table, two pictures", "tied", "-two", 8, "dtype=f32"),
    CASE("one table, pictures side by side", "tied", "-adjacent", 8, "dtype=f32"),
    CASE("one table, no picture", "tied", "-text-only", 6, "dtype=f32"),
    CASE("one table, as stored (bf16)", "tied", "-text-first", 8, "dtype=auto"),
    CASE("NeXT: two by two tiles", "next", "", 8, "dtype=f32"),
    CASE("NeXT: three tiles high", "next", "-tall", 8, "dtype=f32"),
    CASE("NeXT: a square", "next", "-square", 8, "dtype=f32"),
    CASE("NeXT: three tiles wide, lines of padding", "next", "-wide", 8, "dtype=f32"),
    CASE("NeXT: two pictures of other tiles", "next", "-two", 6, "dtype=f32"),
    CASE("NeXT: async device", "next", "-two", 6, "dtype=f32", "device=async-test"),
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
