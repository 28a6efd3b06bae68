/* SPDX-License-Identifier: Apache-2.0 */
/* Every speech fixture at the reference's numbers, through weft_verify: the code that users run on
 * their own checkpoints. Tolerances are verify's (1e-4 of scale in f32, cosine 0.999 in bf16); the
 * f32 figures here are below 2e-6 of scale, so what is left is room for another order of sums. */
#include "tests/model/support.h"

typedef struct parity_case {
    const char *name, *dir, *file;
    const char *pairs[4]; /* further settings; "@FILE": a configuration that names the model */
    int32_t     rows;     /* tensors that must have been compared */
    int32_t     reserved;
} parity_case;

#define W2V FIXTURE("w2v-bert")
#define ADAPTED FIXTURE("w2v-bert-adapter")
#define PAPER FIXTURE("speech-paper")
#define MEMORY FIXTURE("speech-memory")
#define ON_CORE "@" FIXTURE("speech-paper/weft.ini")
#define ON_BOTH "@" FIXTURE("speech-paper/picture.ini")

static const parity_case cases[] = {
    {"w2v-bert, samples", W2V, "parity", {"dtype=f32"}, 2, 0},
    {"w2v-bert, one frame", W2V, "parity-1frame", {"dtype=f32"}, 2, 0},
    {"w2v-bert, one row", W2V, "parity-1row", {"dtype=f32"}, 2, 0},
    {"w2v-bert, odd", W2V, "parity-odd", {"dtype=f32"}, 2, 0},
    {"w2v-bert, even", W2V, "parity-even", {"dtype=f32"}, 2, 0},
    {"w2v-bert, stacked as the reference has them", W2V, "parity-stacked", {"dtype=f32"}, 2, 0},
    {"w2v-bert, three key blocks", W2V, "parity-long", {"dtype=f32"}, 2, 0},
    {"w2v-bert, bf16", W2V, "parity-long", {"dtype=bf16"}, 2, 0},
    {"w2v-bert, plain C", W2V, "parity-long", {"dtype=f32", "cpu_mask=none"}, 2, 0},
    {"w2v-bert, async", W2V, "parity", {"dtype=f32", "device=async-test"}, 2, 0},
    {"adapter, odd", ADAPTED, "parity", {"dtype=f32"}, 3, 0},
    {"adapter, even", ADAPTED, "parity-even", {"dtype=f32"}, 3, 0},
    {"adapter, one row", ADAPTED, "parity-1row", {"dtype=f32"}, 3, 0},
    {"adapter, one frame", ADAPTED, "parity-1frame", {"dtype=f32"}, 3, 0},
    {"adapter, long", ADAPTED, "parity-long", {"dtype=f32"}, 3, 0},
    {"adapter, bf16", ADAPTED, "parity-long", {"dtype=bf16"}, 3, 0},
    {"adapter, async", ADAPTED, "parity", {"dtype=f32", "device=async-test"}, 3, 0},
    {"paper, encoder and adapter alone", PAPER, "parity", {"dtype=f32"}, 3, 0},
    {"paper, samples", PAPER, "parity", {"dtype=f32", ON_CORE}, 9, 0},
    {"paper, part of a row", PAPER, "parity-odd", {"dtype=f32", ON_CORE}, 9, 0},
    {"paper, one frame", PAPER, "parity-short", {"dtype=f32", ON_CORE}, 9, 0},
    {"paper, three key blocks", PAPER, "parity-long", {"dtype=f32", ON_CORE}, 9, 0},
    {"paper, bf16", PAPER, "parity-odd", {"dtype=bf16", ON_CORE}, 8, 0},
    {"paper, plain C", PAPER, "parity-odd", {"dtype=f32", "cpu_mask=none", ON_CORE}, 9, 0},
    {"paper, async", PAPER, "parity", {"dtype=f32", "device=async-test", ON_CORE}, 9, 0},
    {"paper, in chunks of 7", PAPER, "parity-odd", {"dtype=f32", "prefill_chunk=7", ON_CORE}, 9, 0},
    {"memory", MEMORY, "parity", {"dtype=f32", "@" MEMORY "/weft.ini"}, 9, 0},
    {"memory, one frame", MEMORY, "parity-short", {"dtype=f32", "@" MEMORY "/weft.ini"}, 9, 0},
    {"memory, bf16", MEMORY, "parity-odd", {"dtype=bf16", "@" MEMORY "/weft.ini"}, 8, 0},
    {"memory, plain C",
     MEMORY,
     "parity-odd",
     {"dtype=f32", "cpu_mask=none", "@" MEMORY "/weft.ini"},
     9,
     0},
    {"memory, async",
     MEMORY,
     "parity-odd",
     {"dtype=f32", "device=async-test", "@" MEMORY "/weft.ini"},
     9,
     0},
    {"picture and speech", PAPER, "parity-picture", {"dtype=f32", ON_BOTH}, 10, 0},
    {"picture and speech, async",
     PAPER,
     "parity-picture",
     {"dtype=f32", "device=async-test", ON_BOTH},
     10,
     0},
};

static weft_engine *open_case(const parity_case *c, weft_settings **s)
{
    const char  *pairs[8] = {NULL};
    char         model[512];
    weft_engine *e;
    weft_error   err = WF_ERROR_INIT;
    int32_t      n = 0, composed = 0;
    for (int32_t i = 0; i < 4 && c->pairs[i] != NULL; i++) {
        pairs[n++] = c->pairs[i];
        composed = composed || c->pairs[i][0] == '@';
    }
    snprintf(model, sizeof model, "model=%s", c->dir);
    if (!composed)
        pairs[n++] = model;
    *s = settings_of(pairs);
    if (weft_engine_open(*s, WEFT_OPEN_NO_CORE, NULL, &e, &err) != WEFT_OK)
        fail_msg("open: %s", err.message);
    return e;
}

static void test_case(void **state)
{
    const parity_case *c = *state;
    char               file[512];
    weft_settings     *s;
    weft_engine       *e = open_case(c, &s);
    snprintf(file, sizeof file, "%s/%s.safetensors", c->dir, c->file);
    const verified v = verify_passes(e, s, file, strstr(c->name, "bf16") != NULL);
    assert_true(v.stages + v.core >= c->rows);
}

int main(void)
{
    struct CMUnitTest tests[sizeof cases / sizeof *cases];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        tests[i] =
            (struct CMUnitTest){cases[i].name, test_case, NULL, NULL, (void *)(uintptr_t)&cases[i]};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
