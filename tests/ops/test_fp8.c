/* SPDX-License-Identifier: Apache-2.0 */
/* fp8: every number of E4M3, the rounding of rows, and linear of every level against f64 over the
 * rounded numbers and against the exact product. */
#include "check.h"

#include <math.h>
#include <string.h>

#include "core/device/cpu/fp8.h"
#include "core/device/cpu/fp8_linear.h"

/* E4M3 from its definition. */
static double value_of(uint32_t q)
{
    const int    exponent = (int)(q >> 3 & 15u), mantissa = (int)(q & 7u);
    const double a =
        exponent == 0 ? ldexp(mantissa, -9) : ldexp(1.0 + mantissa / 8.0, exponent - 7);
    return (q & 0x80u) != 0 ? -a : a;
}

static void test_numbers(void **state)
{
    (void)state;
    for (uint32_t q = 0; q < 256; q++) {
        if ((q & 0x7fu) == 0x7fu) /* no number */
            continue;
        const float f = wf_from_e4m3((uint8_t)q);
        assert_true((double)f == value_of(q));
        assert_int_equal(wf_to_e4m3(f), q);
        assert_true(wf_from_bf16(wf_to_bf16(f)) == f);
    }
    assert_int_equal(wf_to_e4m3(448.0f), 0x7e);
    assert_int_equal(wf_to_e4m3(1e30f), 0x7e);
    assert_int_equal(wf_to_e4m3(-1e30f), 0xfe);
}

/* The nearest, of two the even one, for numbers between all neighbours. */
static void test_nearest(void **state)
{
    (void)state;
    for (uint32_t q = 0; q < 0x7e; q++) {
        const float low = (float)value_of(q), high = (float)value_of(q + 1);
        const float middle = (low + high) / 2;
        assert_int_equal(wf_to_e4m3(middle), q % 2 == 0 ? q : q + 1);
        assert_int_equal(wf_to_e4m3(nextafterf(middle, low)), q);
        assert_int_equal(wf_to_e4m3(nextafterf(middle, high)), q + 1);
        assert_int_equal(wf_to_e4m3(-nextafterf(middle, high)), 0x80u | (q + 1));
    }
}

static wf_weight packed(int32_t level, const float *src, int64_t n, int64_t k)
{
    const uint64_t bytes = wf_fp8_weight_bytes(check_ops(level), n, k);
    wf_weight      w = {check_bytes(bytes), n, k, WF_FP8, 0};
    const int64_t  half = n / 2;
    wf_op          op = {.kind = WF_OP_PACK, .u.pack = {w, src, 0, half, WF_F32, 0}};
    check_run(level, 2, &op);
    op.u.pack = (wf_pack){w, src + half * k, half, n - half, WF_F32, 0};
    check_run(level, 3, &op);
    return w;
}

/* A row as it is rounded: q [k] times the scale that is returned. */
static double rounded(const float *x, int64_t k, double bound, double *q)
{
    double most = 0;
    for (int64_t i = 0; i < k; i++)
        most = fabs((double)x[i]) > most ? fabs((double)x[i]) : most;
    const float scale = wf_fp8_scale((float)(most < bound ? most : bound));
    for (int64_t i = 0; i < k; i++)
        q[i] = (double)wf_from_e4m3(wf_to_e4m3(x[i] / scale));
    return (double)scale;
}

#define M 9
#define N 37
#define K 70

/* y [M, N] by the formula, in f64. */
static void expected(const float *x, const float *w, double *y)
{
    for (int64_t r = 0; r < M; r++)
        for (int64_t c = 0; c < N; c++) {
            double       a[K], b[K], sum = 0;
            const double dx = rounded(x + r * K, K, 1200, a),
                         dw = rounded(w + c * K, K, INFINITY, b);
            for (int64_t i = 0; i < K; i++)
                sum += a[i] * b[i];
            y[r * N + c] = sum * dx * dw;
        }
}

static wf_op linear_of(const wf_weight *w, const float *x, float *y, int64_t m)
{
    return (wf_op){.kind = WF_OP_LINEAR,
                   .u.linear = {.y = y,
                                .x = x,
                                .w = *w,
                                .m = m,
                                .y_stride = N,
                                .x_stride = K,
                                .residual_stride = N,
                                .scale = 1}};
}

/* Rows of all sizes: of zeros, tiny, with outliers past the bound. */
static void test_linear(void **state)
{
    (void)state;
    double want[M * N];
    float *x = check_floats(M * K, CHECK_NORMAL), *w = check_floats(N * K, CHECK_NORMAL);
    for (int64_t i = 0; i < K; i++) {
        x[i] = 0;
        x[K + i] *= 0x1p-20f;
        x[2 * K + i] *= i % 11 == 0 ? 50000.0f : 20.0f;
        x[3 * K + i] *= 1000.0f;
        w[i] = 0;
    }
    expected(x, w, want);
    for (int32_t level = 0; level < check_levels(); level++) {
        wf_weight p = packed(level, w, N, K);
        float    *y = check_floats(M * N, CHECK_NORMAL), *one = check_floats(M * N, CHECK_NORMAL);
        wf_op     op = linear_of(&p, x, y, M);
        check_run(level, 3, &op);
        check_nmse(y, want, M, N, N, 1e-12, 0, check_level_name(level));
        for (int64_t r = 0; r < M; r++) { /* a row's bytes are its own */
            op = linear_of(&p, x + r * K, one + r * N, 1);
            check_run(level, 1, &op);
        }
        check_same(one, y, M, N, N, check_level_name(level));
    }
    check_free_all();
}

/* y = residual + scale * act(sum + bias), in place. */
static void test_epilogue(void **state)
{
    (void)state;
    double want[M * N];
    float *x = check_floats(M * K, CHECK_NORMAL), *w = check_floats(N * K, CHECK_NORMAL);
    float *bias = check_floats(N, CHECK_NORMAL), *y = check_floats(M * N, CHECK_NORMAL);
    expected(x, w, want);
    for (int64_t i = 0; i < M * N; i++)
        want[i] = (double)y[i] + 0.5 * fmax(want[i] + (double)bias[i % N], 0);
    wf_weight p = packed(check_levels() - 1, w, N, K);
    wf_op     op = linear_of(&p, x, y, M);
    op.u.linear.residual = y;
    op.u.linear.bias = bias;
    op.u.linear.scale = 0.5f;
    op.u.linear.act = WF_ACT_RELU;
    check_run(check_levels() - 1, 2, &op);
    check_nmse(y, want, M, N, N, 1e-12, 0, "epilogue");
    check_free_all();
}

/* What is no finite number makes its own row or column NaN, and nothing else. */
static void test_wild(void **state)
{
    (void)state;
    float *x = check_floats(M * K, CHECK_NORMAL), *w = check_floats(N * K, CHECK_NORMAL);
    float *y = check_floats(M * N, CHECK_NORMAL);
    x[2 * K + 5] = NAN;
    x[4 * K] = -INFINITY;
    w[7 * K + 1] = INFINITY;
    wf_weight p = packed(0, w, N, K);
    wf_op     op = linear_of(&p, x, y, M);
    check_run(0, 1, &op);
    for (int64_t i = 0; i < M * N; i++)
        assert_int_equal(isnan(y[i]) != 0, i / N == 2 || i / N == 4 || i % N == 7);
    check_free_all();
}

/* fp8 keeps a product of random numbers to some 2^-4 of each, and the rows' bytes are packed in any
 * parts. */
static void test_quality(void **state)
{
    (void)state;
    double exact[M * N];
    float *x = check_floats(M * K, CHECK_NORMAL), *w = check_floats(N * K, CHECK_NORMAL);
    float *y = check_floats(M * N, CHECK_NORMAL);
    for (int64_t r = 0; r < M; r++)
        for (int64_t c = 0; c < N; c++) {
            exact[r * N + c] = 0;
            for (int64_t i = 0; i < K; i++)
                exact[r * N + c] += (double)x[r * K + i] * (double)w[c * K + i];
        }
    wf_weight p = packed(0, w, N, K);
    wf_op     op = linear_of(&p, x, y, M);
    check_run(0, 1, &op);
    check_nmse(y, exact, M, N, N, 3e-3, 0, "quality");
    check_free_all();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_numbers), cmocka_unit_test(test_nearest),
    cmocka_unit_test(test_linear),  cmocka_unit_test(test_epilogue),
    cmocka_unit_test(test_wild),    cmocka_unit_test(test_quality)};

CHECK_MAIN(tests)
