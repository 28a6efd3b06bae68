/* SPDX-License-Identifier: Apache-2.0 */
/* The video adapter at the reference's numbers (tools/make_video_fixtures.py), stage by stage
 * through weft_verify. Tolerances are verify's (1e-4 of scale in f32, cosine 0.999 in bf16): the
 * fixtures' own f32 error is below 1e-6 of scale. */
#include "tests/model/support.h"

#define VIDEO(name) FIXTURE("video/" name)

typedef struct parity_case {
    const char *name, *ini, *parity;
    const char *pairs[3];
    int32_t     stages; /* encoder stages that must have been compared */
    int32_t     reserved;
} parity_case;

static const parity_case cases[] = {
    {"a clip of two groups", VIDEO("weft.ini"), VIDEO("parity.safetensors"), {"dtype=f32"}, 3, 0},
    {"two clips", VIDEO("weft.ini"), VIDEO("parity-2clips.safetensors"), {"dtype=f32"}, 3, 0},
    {"a clip and a picture",
     VIDEO("picture.ini"),
     VIDEO("parity-picture.safetensors"),
     {"dtype=f32"},
     4,
     0},
    {"the image adapter's encoder",
     VIDEO("picture.ini"),
     VIDEO("parity.safetensors"),
     {"dtype=f32"},
     3,
     0},
    {"chunks of 3",
     VIDEO("weft.ini"),
     VIDEO("parity-2clips.safetensors"),
     {"dtype=f32", "prefill_chunk=3"},
     3,
     0},
    {"the async device",
     VIDEO("picture.ini"),
     VIDEO("parity-picture.safetensors"),
     {"dtype=f32", "device=async-test"},
     4,
     0},
    {"plain C",
     VIDEO("weft.ini"),
     VIDEO("parity.safetensors"),
     {"dtype=f32", "cpu_mask=none"},
     3,
     0},
    {"AVX2", VIDEO("weft.ini"), VIDEO("parity.safetensors"), {"dtype=f32", "cpu_mask=avx2"}, 3, 0},
    {"bf16", VIDEO("picture.ini"), VIDEO("parity-picture.safetensors"), {"dtype=bf16"}, 4, 0},
};

static void test_case(void **state)
{
    const parity_case *c = *state;
    char               config[512];
    const char        *pairs[8] = {config};
    snprintf(config, sizeof config, "@%s", c->ini);
    for (int32_t i = 0; i < 3; i++)
        pairs[1 + i] = c->pairs[i];
    weft_settings *s = settings_of(pairs);
    weft_engine   *e = open_engine(s);
    const verified v = verify_passes(e, s, c->parity, 0);
    assert_int_equal(v.stages, c->stages);
    assert_int_equal(v.core, 6); /* hidden.0 to .3, logits, greedy */
}

int main(void)
{
    struct CMUnitTest tests[sizeof cases / sizeof *cases];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        tests[i] =
            (struct CMUnitTest){cases[i].name, test_case, NULL, NULL, (void *)(uintptr_t)&cases[i]};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
