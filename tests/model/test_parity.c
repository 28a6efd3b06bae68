/* SPDX-License-Identifier: Apache-2.0 */
/* Every fixture directory at the reference's numbers, through weft_verify: the code that users run
 * on their own checkpoints. Tolerances are verify's (1e-4 of scale in f32, cosine 0.999 in bf16):
 * the fixtures' own f32 error is below 1e-6 of scale. */
#include "support.h"

typedef struct parity_case {
    const char *name, *dir, *parity;
    const char *pairs[4]; /* further settings */
    int32_t     rows_min; /* stages that must have been compared */
    int32_t     reserved;
} parity_case;

static const parity_case cases[] = {
    {"llama tied", FIXTURE("llama-tied"), NULL, {"dtype=f32"}, 4, 0},
    {"llama untied, three key blocks and a tail",
     FIXTURE("llama-untied"),
     NULL,
     {"dtype=f32"},
     4,
     0},
    {"llama head_dim of its own", FIXTURE("llama-headdim"), NULL, {"dtype=f32"}, 4, 0},
    {"llama3 rope scaling", FIXTURE("llama-scaled"), NULL, {"dtype=f32"}, 4, 0},
    {"llama sharded", FIXTURE("llama-sharded"), NULL, {"dtype=f32"}, 4, 0},
    {"llama f16", FIXTURE("llama-f16"), NULL, {"dtype=f32"}, 4, 0},
    {"llama f16 as stored", FIXTURE("llama-f16"), NULL, {"dtype=auto"}, 4, 0},
    {"llama bf16 in f32", FIXTURE("llama-bf16"), NULL, {"dtype=f32"}, 4, 0},
    {"llama bf16 as stored", FIXTURE("llama-bf16"), NULL, {"dtype=auto"}, 4, 0},
    {"llama f32 in bf16", FIXTURE("llama-untied"), NULL, {"dtype=bf16"}, 4, 0},
    {"llama v5 keys, multi-head", FIXTURE("llama-mha-v5"), NULL, {"dtype=f32"}, 4, 0},
    {"llama in chunks of 7", FIXTURE("llama-untied"), NULL, {"dtype=f32", "prefill_chunk=7"}, 4, 0},
    {"llama on the async device",
     FIXTURE("llama-untied"),
     NULL,
     {"dtype=f32", "device=async-test"},
     4,
     0},
    {"llama plain C", FIXTURE("llama-untied"), NULL, {"dtype=f32", "cpu_mask=none"}, 4, 0},
    {"llama AVX2", FIXTURE("llama-untied"), NULL, {"dtype=f32", "cpu_mask=avx2"}, 4, 0},
    {"granite", FIXTURE("granite"), NULL, {"dtype=f32"}, 4, 0},
    {"granite on the async device",
     FIXTURE("granite"),
     NULL,
     {"dtype=f32", "device=async-test", "prefill_chunk=7"},
     4,
     0},
    {"granite tied, in bf16", FIXTURE("granite-tied"), NULL, {"dtype=auto"}, 4, 0},
    {"mistral, a head_dim of its own", FIXTURE("mistral"), NULL, {"dtype=f32"}, 4, 0},
    {"qwen2", FIXTURE("qwen2"), NULL, {"dtype=f32"}, 4, 0},
    {"qwen2 on the async device", FIXTURE("qwen2"), NULL, {"dtype=f32", "device=async-test"}, 4, 0},
    {"qwen2 tied, in f16", FIXTURE("qwen2-f16"), NULL, {"dtype=f32"}, 4, 0},
    {"mllama 1 tile", FIXTURE("mllama-1tile"), NULL, {"dtype=f32"}, 5, 0},
    {"mllama 4 tiles",
     FIXTURE("mllama-1tile"),
     FIXTURE("mllama-1tile/parity-4tiles.safetensors"),
     {"dtype=f32"},
     5,
     0},
    {"mllama 2 images",
     FIXTURE("mllama-1tile"),
     FIXTURE("mllama-1tile/parity-2images.safetensors"),
     {"dtype=f32"},
     5,
     0},
    {"mllama adjacent images",
     FIXTURE("mllama-1tile"),
     FIXTURE("mllama-1tile/parity-adjacent.safetensors"),
     {"dtype=f32"},
     5,
     0},
    {"mllama text first",
     FIXTURE("mllama-1tile"),
     FIXTURE("mllama-1tile/parity-text-first.safetensors"),
     {"dtype=f32"},
     5,
     0},
    {"mllama text only",
     FIXTURE("mllama-1tile"),
     FIXTURE("mllama-1tile/parity-text-only.safetensors"),
     {"dtype=f32"},
     4,
     0},
    {"mllama new prefixes", FIXTURE("mllama-new-prefix"), NULL, {"dtype=f32"}, 5, 0},
    {"mllama edge layers", FIXTURE("mllama-edge"), NULL, {"dtype=f32"}, 5, 0},
    {"mllama bf16 in f32", FIXTURE("mllama-bf16"), NULL, {"dtype=f32"}, 5, 0},
    {"mllama bf16 as stored", FIXTURE("mllama-bf16"), NULL, {"dtype=auto"}, 5, 0},
    {"mllama on the async device",
     FIXTURE("mllama-1tile"),
     FIXTURE("mllama-1tile/parity-2images.safetensors"),
     {"dtype=f32", "device=async-test"},
     5,
     0},
    {"composed", FIXTURE("composed"), NULL, {"dtype=f32", "@" FIXTURE("composed/weft.ini")}, 5, 0},
    {"composed, text only",
     FIXTURE("composed"),
     FIXTURE("composed/parity-text-only.safetensors"),
     {"dtype=f32", "@" FIXTURE("composed/weft.ini")},
     4,
     0},
};

static void test_case(void **state)
{
    const parity_case *c = *state;
    const char        *pairs[8] = {NULL};
    char               model[512];
    int32_t            n = 0;
    snprintf(model, sizeof model, "model=%s", c->dir);
    if (c->pairs[1] == NULL || c->pairs[1][0] != '@')
        pairs[n++] = model;
    for (int32_t i = 0; i < 4 && c->pairs[i] != NULL; i++)
        pairs[n++] = c->pairs[i];
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
