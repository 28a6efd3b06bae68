/* SPDX-License-Identifier: Apache-2.0 */
/* Every fixture directory at the reference's numbers, through weft_verify: the code that users run on their own
 * checkpoints. Tolerances are verify's (1e-4 of scale in f32, cosine 0.999 in bf16): the fixtures' own f32 error is
 * below 1e-6 of scale. */
#include "support.h"

typedef struct parity_case {
    const char *name, *dir, *parity;
    const char *pairs[4]; /* further settings */
    int32_t     rows_min; /* stages that must have been compared */
    int32_t     reserved;
} parity_case;

static const parity_case cases[] = {
    { "llama tied", FIXTURE("llama-tied"), NULL, { "dtype=f32" }, 4, 0 },
    { "llama untied, three key blocks and a tail", FIXTURE("llama-untied"), NULL, { "dtype=f32" }, 4, 0 },
    { "llama head_dim of its own", FIXTURE("llama-headdim"), NULL, { "dtype=f32" }, 4, 0 },
    { "llama3 rope scaling", FIXTURE("llama-scaled"), NULL, { "dtype=f32" }, 4, 0 },
    { "llama sharded", FIXTURE("llama-sharded"), NULL, { "dtype=f32" }, 4, 0 },
    { "llama f16", FIXTURE("llama-f16"), NULL, { "dtype=f32" }, 4, 0 },
    { "llama f16 as stored", FIXTURE("llama-f16"), NULL, { "dtype=auto" }, 4, 0 },
    { "llama bf16 in f32", FIXTURE("llama-bf16"), NULL, { "dtype=f32" }, 4, 0 },
    { "llama bf16 as stored", FIXTURE("llama-bf16"), NULL, { "dtype=auto" }, 4, 0 },
    { "llama f32 in bf16", FIXTURE("llama-untied"), NULL, { "dtype=bf16" }, 4, 0 },
    { "llama v5 keys, multi-head", FIXTURE("llama-mha-v5"), NULL, { "dtype=f32" }, 4, 0 },
    { "llama in chunks of 7", FIXTURE("llama-untied"), NULL, { "dtype=f32", "prefill_chunk=7" }, 4, 0 },
    { "llama on the async device", FIXTURE("llama-untied"), NULL, { "dtype=f32", "device=async-test" }, 4, 0 },
    { "llama plain C", FIXTURE("llama-untied"), NULL, { "dtype=f32", "cpu_mask=none" }, 4, 0 },
    { "llama AVX2", FIXTURE("llama-untied"), NULL, { "dtype=f32", "cpu_mask=avx2" }, 4, 0 },
    { "mllama 1 tile", FIXTURE("mllama-1tile"), NULL, { "dtype=f32" }, 5, 0 },
    { "mllama 4 tiles", FIXTURE("mllama-1tile"), FIXTURE("mllama-1tile/parity-4tiles.safetensors"), { "dtype=f32" }, 5, 0 },
    { "mllama 2 images", FIXTURE("mllama-1tile"), FIXTURE("mllama-1tile/parity-2images.safetensors"), { "dtype=f32" }, 5, 0 },
    { "mllama adjacent images", FIXTURE("mllama-1tile"), FIXTURE("mllama-1tile/parity-adjacent.safetensors"), { "dtype=f32" }, 5, 0 },
    { "mllama text first", FIXTURE("mllama-1tile"), FIXTURE("mllama-1tile/parity-text-first.safetensors"), { "dtype=f32" }, 5, 0 },
    { "mllama text only", FIXTURE("mllama-1tile"), FIXTURE("mllama-1tile/parity-text-only.safetensors"), { "dtype=f32" }, 4, 0 },
    { "mllama new prefixes", FIXTURE("mllama-new-prefix"), NULL, { "dtype=f32" }, 5, 0 },
    { "mllama edge layers", FIXTURE("mllama-edge"), NULL, { "dtype=f32" }, 5, 0 },
    { "mllama bf16 in f32", FIXTURE("mllama-bf16"), NULL, { "dtype=f32" }, 5, 0 },
    { "mllama bf16 as stored", FIXTURE("mllama-bf16"), NULL, { "dtype=auto" }, 5, 0 },
    { "mllama on the async device", FIXTURE("mllama-1tile"), FIXTURE("mllama-1tile/parity-2images.safetensors"),
      { "dtype=f32", "device=async-test" }, 5, 0 },
    { "composed", FIXTURE("composed"), NULL, { "dtype=f32", "@" FIXTURE("composed/weft.ini") }, 5, 0 },
    { "composed, text only", FIXTURE("composed"), FIXTURE("composed/parity-text-only.safetensors"),
      { "dtype=f32", "@" FIXTURE("composed/weft.ini") }, 4, 0 },
};

static int32_t rows_seen;

static void on_row(void *ctx, const weft_verify_row *row)
{
    (void)ctx;
    rows_seen++;
    if (!row->passed)
        print_message("%s: max abs %g, relative %g, cosine %g, ids %lld of %lld, first argmax %lld\n", row->name,
                      row->max_abs, row->relative, row->cosine, (long long)row->n_equal,
                      (long long)row->n_compared, (long long)row->first_argmax);
}

static void test_case(void **state)
{
    const parity_case  *c = *state;
    const char         *pairs[8] = { NULL };
    char                model[512];
    weft_error          err = WF_ERROR_INIT;
    weft_verify_request rq = { .hdr = WEFT_HDR(weft_verify_request), .parity = c->parity, .on_row = on_row };
    int32_t             passed = 0, n = 0;
    snprintf(model, sizeof model, "model=%s", c->dir);
    if (c->pairs[1] == NULL || c->pairs[1][0] != '@')
        pairs[n++] = model;
    for (int32_t i = 0; i < 4 && c->pairs[i] != NULL; i++)
        pairs[n++] = c->pairs[i];
    weft_settings *s = settings_of(pairs);
    weft_engine   *e = open_engine(s);
    rows_seen = 0;
    if (weft_verify(e, &rq, &passed, &err) != WEFT_OK)
        fail_msg("verify: %s", err.message);
    weft_engine_close(&e);
    weft_settings_destroy(&s);
    assert_true(rows_seen >= c->rows_min);
    assert_int_equal(passed, 1);
}

int main(void)
{
    struct CMUnitTest tests[sizeof cases / sizeof *cases];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        tests[i] = (struct CMUnitTest){ cases[i].name, test_case, NULL, NULL, (void *)(uintptr_t)&cases[i] };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
