/* SPDX-License-Identifier: Apache-2.0 */
/* Weights made q8 and q4 while they are loaded: the same logits on every level and device, near to
 * those of the weights as they are. */
#include "rig.h"

#include <math.h>

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

static double cosine(const float *a, const float *b, int64_t n)
{
    double ab = 0.0, aa = 0.0, bb = 0.0;
    for (int64_t i = 0; i < n; i++) {
        ab += (double)a[i] * (double)b[i];
        aa += (double)a[i] * (double)a[i];
        bb += (double)b[i] * (double)b[i];
    }
    return ab / sqrt(aa * bb);
}

/* Weights and x in q8 are off by about 0.4 % each, weights in q4 by 7 % (tests/ops/test_quant.c).
 * With eight linears one behind the other errors of 0.6 and 7 % grow, as squares add up, to 1.6 and
 * 20 %; twice as much is an angle whose cosine is 0.9995 and 0.92. */
static void test_near(void **state)
{
    static const struct {
        const char *quantize, *encoders;
        double      least;
    } cases[] = {{"quantize=q8", "quantize_encoders=none", 0.9995},
                 {"quantize=q8", "quantize_encoders=q8", 0.9995},
                 {"quantize=q4", "quantize_encoders=none", 0.92}};
    rig     plain, r;
    int64_t rows;
    (void)state;
    float *expected = logits_at(&plain, 5, "quantize=none", "dtype=f32", &rows);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        float *logits = logits_at(&r, 5, cases[i].quantize, cases[i].encoders, NULL);
        double c = cosine(logits, expected, rows * plain.e->config.vocab);
        print_message("%s, %s: cosine %.6f\n", cases[i].quantize, cases[i].encoders, c);
        assert_true(c > cases[i].least && c < 1.0);
        free(logits);
        rig_close(&r);
    }
    free(expected);
    rig_close(&plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_near),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
