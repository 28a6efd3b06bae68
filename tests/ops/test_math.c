/* SPDX-License-Identifier: Apache-2.0 */
/* The number formats bit for bit, the transcendental functions against libm in f64, and the vector
 * forms against the scalar ones (through the ops that use them). */
#include "check.h"

#include <stdio.h>

/* The sum of exponent and mantissa, spelled out. */
static double f16_value(uint16_t h)
{
    int    exponent = (h >> 10) & 31;
    double mantissa = (double)(h & 1023);
    double value = exponent == 0 ? ldexp(mantissa, -24) : ldexp(1024.0 + mantissa, exponent - 25);
    return (h & 0x8000u) != 0 ? -value : value;
}

static void test_f16(void **unused)
{
    (void)unused;
    for (uint32_t h = 0; h < 0x10000u; h++) {
        float f = wf_from_f16((uint16_t)h);
        if ((h & 0x7c00u) != 0x7c00u)
            assert_true((double)f == f16_value((uint16_t)h));
        else
            assert_true((h & 1023u) != 0 ? f != f : isinf(f) != 0);
        if (f == f)
            assert_int_equal(wf_to_f16(f), h);
    }
    /* Halfway between two neighbours goes to the even one, a hair beyond to the nearer. */
    for (uint32_t h = 0; h < 0x7bffu; h++) {
        double middle = (f16_value((uint16_t)h) + f16_value((uint16_t)(h + 1))) / 2;
        float  f = (float)middle;
        assert_int_equal(wf_to_f16(f), h + (h & 1u));
        assert_int_equal(wf_to_f16(nextafterf(f, INFINITY)), h + 1);
        assert_int_equal(wf_to_f16(nextafterf(f, 0.0f)), h);
    }
    assert_int_equal(wf_to_f16(65519.0f), 0x7bff);
    assert_int_equal(wf_to_f16(65520.0f), 0x7c00);
    assert_int_equal(wf_to_f16(-1e30f), 0xfc00);
    assert_true(wf_from_f16(wf_to_f16(NAN)) != wf_from_f16(wf_to_f16(NAN)));
}

static void test_bf16(void **unused)
{
    (void)unused;
    for (uint32_t h = 0; h < 0x10000u; h++) {
        float f = wf_from_bf16((uint16_t)h);
        assert_int_equal(wf_bits(f), h << 16);
        if (f == f)
            assert_int_equal(wf_to_bf16(f), h);
        else
            assert_true(wf_round_bf16(f) != wf_round_bf16(f));
    }
    assert_int_equal(wf_to_bf16(wf_float(0x3f808000u)), 0x3f80); /* ties to even */
    assert_int_equal(wf_to_bf16(wf_float(0x3f818000u)), 0x3f82);
    assert_int_equal(wf_to_bf16(wf_float(0x3f808001u)), 0x3f81);
    assert_int_equal(wf_to_bf16(wf_float(0x7f7fffffu)), 0x7f80);
    /* A NaN whose payload lies only in the dropped bits must not become an infinity. */
    assert_true(wf_round_bf16(wf_float(0x7f800001u)) != wf_round_bf16(wf_float(0x7f800001u)));
}

/* |y - e| in units of the last place of e; denormals count in units of 2^-149. */
static double ulps(float y, double e)
{
    int exponent;
    frexp(e, &exponent);
    return fabs((double)y - e) / ldexp(1.0, (exponent < -125 ? -125 : exponent) - 24);
}

static void test_exp(void **unused)
{
    (void)unused;
    double worst = 0.0;
    for (uint32_t i = 0; i < 2000000; i++) {
        float x = check_float(CHECK_NORMAL) * 87.0f;
        worst = fmax(worst, ulps(wf_expf(x), exp((double)x)));
    }
    printf("exp: %.2f ulp\n", worst);
    assert_true(worst < 1.5); /* the fit's 1.1e-8 is 0.2 ulp, the steps round to about 1 in all */
    assert_true(wf_expf(0.0f) == 1.0f && wf_expf(-0.0f) == 1.0f);
    assert_true(isinf(wf_expf(89.0f)) && isinf(wf_expf(INFINITY)) && isfinite(wf_expf(88.7f)));
    assert_true(wf_expf(-INFINITY) == 0.0f && wf_expf(-104.0f) == 0.0f && wf_expf(-103.0f) > 0.0f);
    assert_true(wf_expf(NAN) != wf_expf(NAN));
    assert_true(ulps(wf_expf(-100.0f), exp(-100.0)) < 1.5);
}

static void test_gelu_and_silu(void **unused)
{
    (void)unused;
    for (uint32_t i = 0; i < 1000000; i++) {
        float  x = check_float(CHECK_NORMAL) * 12.0f;
        double d = (double)x, gelu = 0.5 * d * erfc(-d / sqrt(2.0)), silu = d / (1.0 + exp(-d));
        /* x^2 / 2 is rounded before exp: relative 2^-24 x^2 / 2, 4e-6 at 12; 1e-6 for the rest. */
        assert_true(fabs((double)wf_geluf(x) - gelu) <= (1e-6 + d * d * 6e-8) * fabs(gelu) + 1e-37);
        assert_true(fabs((double)wf_siluf(x) - silu) <= 4e-7 * fabs(silu));
    }
    for (uint32_t i = 0; i < 1000000; i++) {
        float  x = check_float(CHECK_NORMAL) * 12.0f;
        double d = (double)x, quick = d / (1.0 + exp(-(double)WF_QUICK_GELU * d));
        double u = sqrt(2.0 / M_PI) * (d + 0.044715 * d * d * d),
               tanh_gelu = d / (1.0 + exp(-2 * u));
        /* What exp gets is rounded once, 2^-24 of it (four times for the cubic); the rest is 4e-7.
         * Below 2^-126 results are rounded to units of 2^-149. */
        double quick_arg = 1.702 * fabs(d), cubic_arg = 2 * fabs(u);
        assert_true(fabs((double)wf_quick_geluf(x) - quick) <=
                    (4e-7 + quick_arg * 6e-8) * fabs(quick) + 1e-44);
        assert_true(fabs((double)wf_tanh_geluf(x) - tanh_gelu) <=
                    (4e-7 + cubic_arg * 2.4e-7) * fabs(tanh_gelu) + 1e-37);
        assert_true(fabs(tanh_gelu - 0.5 * d * (1.0 + tanh(u))) <= 1e-14);
    }
    assert_true(wf_quick_geluf(1e30f) == 1e30f && wf_quick_geluf(-1e30f) == 0.0f);
    assert_true(wf_tanh_geluf(1e30f) == 1e30f && wf_tanh_geluf(-1e30f) == 0.0f);
    assert_true(wf_quick_geluf(NAN) != wf_quick_geluf(NAN));
    assert_true(wf_tanh_geluf(NAN) != wf_tanh_geluf(NAN));
    assert_true(isinf(wf_geluf(INFINITY)) != 0 && wf_geluf(NAN) != wf_geluf(NAN));
    assert_true(wf_siluf(-200.0f) == 0.0f && wf_siluf(200.0f) == 200.0f);
}

/* n inputs that meet every exponent, and the edges of the functions' ranges. */
static void edge_inputs(float *x, int64_t n)
{
    static const float edges[] = {0.0f,   -0.0f,    1.0f,      -1.0f,   88.72f,  88.73f,
                                  89.0f,  -87.4f,   -103.9f,   -104.0f, -105.0f, 1e30f,
                                  -1e30f, INFINITY, -INFINITY, NAN,     1e-40f};
    int64_t            n_edges = (int64_t)(sizeof(edges) / sizeof(edges[0]));
    for (int64_t i = 0; i < n; i++)
        x[i] = i < n_edges  ? edges[i]
               : i % 2 == 0 ? wf_float(check_random())
                            : check_float(0) * 100.0f;
}

/* swiglu with up = 1 is silu; linear with k = 1 and w = 1 is its activation. */
static void test_vectors_equal_scalars(void **unused)
{
    (void)unused;
    enum { N = 100003 };
    float *x = check_floats(N, CHECK_NORMAL), *one = check_floats(N, CHECK_NORMAL);
    float *y = check_floats(N, CHECK_NORMAL), *e = check_floats(N, CHECK_NORMAL);
    edge_inputs(x, N);
    for (int64_t i = 0; i < N; i++) {
        one[i] = 1.0f;
        e[i] = wf_siluf(x[i]) * 1.0f;
    }
    for (int32_t level = 0; level < check_levels(); level++) {
        wf_op op = {.kind = WF_OP_SWIGLU, .u.swiglu = {y, x, one, 1, N, N, N, N}};
        check_run(level, 1, &op);
        check_same(y, e, 1, N, N, "silu");
        for (int32_t act = WF_ACT_GELU; act < WF_ACT_KINDS; act++) {
            wf_op l = {.kind = WF_OP_LINEAR};
            l.u.linear = (wf_linear){.y = y,
                                     .x = one,
                                     .w = check_weight(level, WF_F32, x, N, 1),
                                     .m = 1,
                                     .y_stride = N,
                                     .x_stride = 1,
                                     .act = act};
            check_run(level, 1, &l);
            float *expected = check_floats(N, CHECK_NORMAL);
            for (int64_t i = 0; i < N; i++) /* a sum from +0 turns -0 into +0 */
                expected[i] = wf_activate(fmaf(1.0f, x[i], 0.0f), act);
            check_same(y, expected, 1, N, N, "activation");
        }
    }
    check_free_all();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_f16),
    cmocka_unit_test(test_bf16),
    cmocka_unit_test(test_exp),
    cmocka_unit_test(test_gelu_and_silu),
    cmocka_unit_test(test_vectors_equal_scalars),
};
CHECK_MAIN(tests)
