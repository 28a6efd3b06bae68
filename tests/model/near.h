/* SPDX-License-Identifier: Apache-2.0 */
/* How near a model with quantised weights is to the same model with those that its files have. */
#ifndef TEST_NEAR_H
#define TEST_NEAR_H

#include "rig.h"

/* Weights and x in q8 are off by about 0.4 % each, weights in q4 by 7 % (tests/ops/test_quant.c).
 * With eight linears one behind the other errors of 0.6 and 7 % grow, as squares add up, to 1.6 and
 * 20 %; twice as much is an angle whose cosine is 0.9995 and 0.92. Encoders and layers of other
 * families double the linears: 0.999, which is also what `weft model verify` takes. */
#define NEAR_Q8 0.9995
#define NEAR_Q8_LONG 0.999
#define NEAR_Q4 0.92

static inline float *near_logits(rig *r, const char *const *pairs, const char *parity,
                                 const char *more, const int32_t *script, int64_t *rows)
{
    rig_open(r, pairs, parity);
    if (more != NULL)
        rig_add(r, more);
    return rig_run(r, script, 0, rows);
}

/* model: a setting ("model=DIR", "@FILE"); parity, more: files of the script's items, or NULL; q8:
 * the least cosine of q8. */
static inline void near_check(const char *model, const char *parity, const char *more,
                              const int32_t *script, double q8)
{
    const struct {
        const char *quantize, *encoders;
        double      least;
    } cases[] = {{"quantize=q8", "quantize_encoders=none", q8},
                 {"quantize=q8", "quantize_encoders=q8", q8},
                 {"quantize=q4", "quantize_encoders=none", NEAR_Q4},
                 {"quantize=q4", "quantize_encoders=q8", NEAR_Q4}};
    const char *const plain[] = {model, "dtype=f32", NULL};
    rig               exact, r;
    int64_t           rows;
    float            *expected = near_logits(&exact, plain, parity, more, script, &rows);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *const pairs[] = {model, cases[i].quantize, cases[i].encoders, NULL};
        float            *logits = near_logits(&r, pairs, parity, more, script, NULL);
        const double      c = rig_cosine(logits, expected, rows * exact.e->config.vocab);
        print_message("%s: cosine %.6f\n", r.said, c);
        assert_true(c > cases[i].least && c < 1.0);
        free(logits);
        rig_close(&r);
    }
    free(expected);
    rig_close(&exact);
}

#endif
