/* SPDX-License-Identifier: Apache-2.0 */
/* The Granite Speech fixtures at the reference's numbers, stage by stage, through weft_verify.
 * Tolerances are verify's (1e-4 of scale in f32, cosine 0.999 in bf16 and of quantised weights);
 * the f32 figures here are below 4e-6 of scale. */
#include "support.h"

typedef struct parity_case {
    const char *name, *dir, *parity;
    const char *pairs[3]; /* further settings */
    int32_t     rows;     /* stages that are compared */
} parity_case;

#define CASE(name, dir, file, rows, ...)                                                           \
    {                                                                                              \
        name, FIXTURE("granite-speech/" dir),                                                      \
            FIXTURE("granite-speech/" dir "/parity" file ".safetensors"), {__VA_ARGS__}, rows      \
    }

/* Stages: projector.output, encoder.output, features of samples, hidden.0..2, logits, greedy. */
static const parity_case cases[] = {
    CASE("blocks and windows with a rest", "plain", "", 7, "dtype=f32"),
    CASE("blocks and windows without one", "plain", "-exact", 7, "dtype=f32"),
    CASE("one row", "plain", "-one-row", 7, "dtype=f32"),
    CASE("two clips, one padded to the other", "plain", "-two", 7, "dtype=f32"),
    CASE("no sound", "plain", "-text", 5, "dtype=f32"),
    CASE("samples, an odd number of frames", "plain", "-samples", 8, "dtype=f32"),
    CASE("samples, an even number of frames", "plain", "-samples-even", 8, "dtype=f32"),
    CASE("plain C", "plain", "", 7, "dtype=f32", "cpu_mask=none"),
    CASE("AVX2", "plain", "-two", 7, "dtype=f32", "cpu_mask=avx2"),
    CASE("async device, chunks of 5", "plain", "-two", 7, "dtype=f32", "device=async-test",
         "prefill_chunk=5"),
    CASE("bf16", "plain", "", 7, "dtype=bf16"),
    CASE("q8", "plain", "", 7, "quantize=q8"),
    CASE("odd sizes", "odd", "", 7, "dtype=f32"),
    CASE("odd sizes, two clips", "odd", "-two", 7, "dtype=f32"),
    CASE("odd sizes, no sound", "odd", "-text", 5, "dtype=f32"),
    CASE("odd sizes, async device", "odd", "-two", 7, "dtype=f32", "device=async-test"),
    CASE("odd sizes, as stored (bf16)", "odd", "", 7, "dtype=auto"),
    CASE("LoRA, sound behind the first key block", "lora", "", 7, "dtype=f32"),
    CASE("LoRA, two clips", "lora", "-two", 7, "dtype=f32"),
    CASE("LoRA, no sound: it is off", "lora", "-text", 5, "dtype=f32"),
    CASE("LoRA, async device, chunks of 5", "lora", "-two", 7, "dtype=f32", "device=async-test",
         "prefill_chunk=5"),
    CASE("LoRA, plain C, chunks of 7", "lora", "", 7, "dtype=f32", "cpu_mask=none",
         "prefill_chunk=7"),
    CASE("LoRA, bf16", "lora", "", 7, "dtype=bf16"),
    CASE("LoRA, q8", "lora", "", 7, "quantize=q8"),
    CASE("one layer", "one", "", 7, "dtype=f32"),
    CASE("one layer, as stored (f16)", "one", "", 7, "dtype=auto"),
    CASE("Plus, rows of four inner blocks", "plus", "", 7, "dtype=f32"),
    CASE("Plus, two clips", "plus", "-two", 7, "dtype=f32"),
    CASE("Plus, no sound", "plus", "-text", 5, "dtype=f32"),
    CASE("Plus, async device, chunks of 5", "plus", "-two", 7, "dtype=f32", "device=async-test",
         "prefill_chunk=5"),
    CASE("Plus, plain C", "plus", "-two", 7, "dtype=f32", "cpu_mask=none"),
    CASE("Plus, bf16", "plus", "", 7, "dtype=bf16"),
    CASE("Plus, q8", "plus", "", 7, "quantize=q8"),
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
    assert_int_equal(v.stages + v.core, c->rows);
}

int main(void)
{
    struct CMUnitTest tests[sizeof cases / sizeof *cases];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        tests[i] =
            (struct CMUnitTest){cases[i].name, test_case, NULL, NULL, (void *)(uintptr_t)&cases[i]};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
