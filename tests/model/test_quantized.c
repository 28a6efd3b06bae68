/* SPDX-License-Identifier: Apache-2.0 */
/* Weights made q8 and q4 while they are loaded: the same logits on every level and device, near to
 * those of the weights as they are. */
#include "near.h"

#define VISION FIXTURE("mllama-1tile")
#define PARITY FIXTURE("mllama-1tile/parity-2images.safetensors")

/* 33 tokens, a picture, 70 tokens, another, 97 tokens. */
static const int32_t media[] = {33, -1, 70, -2, 97, 0};

static const char *const levels[][2] = {
    {"cpu_mask=none", "device=cpu"},       {"cpu_mask=avx2", "device=cpu"},
    {"cpu_mask=avxvnni", "device=cpu"},    {"cpu_mask=avx512", "device=cpu"},
    {"cpu_mask=avx512vnni", "device=cpu"}, {"cpu_mask=max", "device=cpu"},
    {"cpu_mask=max", "device=async-test"},
};

static float *logits_at(rig *r, size_t level, const char *quantize, const char *encoders,
                        int64_t *rows)
{
    const char *pairs[] = {levels[level][0], levels[level][1], "model=" VISION,
                           quantize,         encoders,         NULL};
    rig_open(r, pairs, PARITY);
    return rig_run(r, media, 0, rows);
}

/* Everything that is left of a level's own sums is in bf16 weights, and there are none. */
static void test_levels(void **state)
{
    static const char *const formats[][2] = {
        {"quantize=q8", "quantize_encoders=q8"},
        {"quantize=q4", "quantize_encoders=q4"},
    };
    (void)state;
    for (size_t f = 0; f < 2; f++) {
        rig     first, r;
        int64_t rows;
        float  *expected = logits_at(&first, 0, formats[f][0], formats[f][1], &rows);
        for (size_t level = 1; level < sizeof levels / sizeof *levels; level++) {
            float *logits = logits_at(&r, level, formats[f][0], formats[f][1], NULL);
            rig_same(logits, expected, rows, &r, "another level");
            free(logits);
            rig_close(&r);
        }
        free(expected);
        rig_close(&first);
    }
}

static void test_near(void **state)
{
    (void)state;
    near_check("model=" VISION, PARITY, NULL, media, NEAR_Q8);
}

static void test_text(void **state)
{
    static const int32_t text[] = {200, 0};
    (void)state;
    near_check("model=" FIXTURE("llama-untied"), NULL, NULL, text, NEAR_Q8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_near),
        cmocka_unit_test(test_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
