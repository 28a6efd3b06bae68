/* SPDX-License-Identifier: Apache-2.0 */
/* RMSNorm and LayerNorm: the reference against f64, every level against the reference byte for
 * byte. */
#include "check.h"

#include <stdio.h>

typedef struct norm_case {
    wf_norm op;
    int64_t stride, tokens;
    char    name[100];
} norm_case;

static void norm_make(norm_case *c, int64_t m, int64_t n, int64_t inner, int32_t rms,
                      check_fill fill)
{
    *c = (norm_case){.stride = n * inner + check_between(0, 3), .tokens = (m + inner - 1) / inner};
    c->op = (wf_norm){.x = check_floats(c->tokens * c->stride + 1, fill),
                      .w = check_floats(n, CHECK_NORMAL),
                      .bias = rms ? NULL : check_floats(n, CHECK_NORMAL),
                      .m = m,
                      .n = n,
                      .inner = inner,
                      .y_stride = c->stride,
                      .x_stride = c->stride,
                      .eps = 1e-5f,
                      .rms = rms};
    snprintf(c->name, sizeof(c->name), "norm m %lld n %lld inner %lld rms %d fill %d", (long long)m,
             (long long)n, (long long)inner, rms, (int)fill);
}

static float *norm_run(const norm_case *c, int32_t level, int32_t threads)
{
    float *y = check_floats(c->tokens * c->stride + 1, CHECK_NORMAL);
    check_canary(y, c->tokens, c->op.n * c->op.inner, c->stride);
    wf_op op = {.kind = WF_OP_NORM, .u.norm = c->op};
    op.u.norm.y = y;
    check_run(level, threads, &op);
    return y;
}

static void exact(const norm_case *c, double *e)
{
    int64_t n = c->op.n;
    for (int64_t r = 0; r < c->op.m; r++) {
        const float *x = c->op.x + r / c->op.inner * c->stride + r % c->op.inner * n;
        double       mean = 0.0, var = 0.0;
        for (int64_t i = 0; i < n && !c->op.rms; i++)
            mean += (double)x[i] / (double)n;
        for (int64_t i = 0; i < n; i++)
            var += ((double)x[i] - mean) * ((double)x[i] - mean) / (double)n;
        for (int64_t i = 0; i < n; i++) {
            double bias = c->op.bias != NULL ? (double)c->op.bias[i] : 0.0;
            e[r * n + i] =
                ((double)x[i] - mean) / sqrt(var + (double)c->op.eps) * (double)c->op.w[i] + bias;
        }
    }
}

static void check_norm(int64_t m, int64_t n, int64_t inner, int32_t rms, check_fill fill)
{
    norm_case c;
    norm_make(&c, m, n, inner, rms, fill);
    int64_t used = n * inner;
    float  *ref = norm_run(&c, 0, 1);
    double *e = check_bytes((uint64_t)(c.tokens * used + 1) * 8);
    exact(&c, e);
    /* Four roundings of 2^-24 per element: below 1e-13 squared. With n = 1 LayerNorm is bias alone.
     * Denormals: (x * inv) is rounded to units of 2^-149, which the floor allows for. */
    check_nmse(ref, e, c.tokens, used, c.stride, 1e-12, 1e-60, c.name);
    for (int32_t level = 0; level < check_levels(); level++) {
        for (int32_t threads = 1; threads <= 3; threads++)
            check_same(norm_run(&c, level, threads), ref, c.tokens, used, c.stride, c.name);
        /* In place, as the decoder's q and k norms run. */
        wf_op  op = {.kind = WF_OP_NORM, .u.norm = c.op};
        float *y = check_floats(c.tokens * c.stride + 1, CHECK_NORMAL);
        memcpy(y, c.op.x, (size_t)(c.tokens * c.stride) * 4);
        check_canary(y, c.tokens, used, c.stride);
        op.u.norm.x = op.u.norm.y = y;
        check_run(level, 8, &op);
        check_same(y, ref, c.tokens, used, c.stride, c.name);
    }
    check_free_all();
}

static void test_norm(void **unused)
{
    (void)unused;
    static const int64_t ms[] = {0, 1, 3, 4, 5, 17, 33}, ns[] = {1, 15, 16, 17, 64, 1280};
    for (size_t i = 0; i < 42; i++)
        for (int32_t rms = 0; rms < 2; rms++)
            check_norm(ms[i % 7], ns[i / 7], 1, rms, CHECK_NORMAL);
    check_norm(24, 80, 8, 1, CHECK_NORMAL);
    check_norm(12, 24, 3, 0, CHECK_MIXED);
    for (int32_t rms = 0; rms < 2; rms++) {
        check_norm(6, 100, 1, rms, CHECK_ZERO);
        check_norm(6, 100, 1, rms, CHECK_DENORMAL);
    }
}

static void bench(void **unused)
{
    (void)unused;
    for (int32_t rms = 0; rms < 2; rms++) {
        norm_case c;
        norm_make(&c, 512, 2048, 1, rms, CHECK_NORMAL);
        wf_op op = {.kind = WF_OP_NORM, .u.norm = c.op};
        op.u.norm.y = check_floats(512 * c.stride, CHECK_NORMAL);
        for (int32_t level = 0; level < check_levels(); level++)
            check_bench(rms ? "rmsnorm 512x2048" : "layernorm 512x2048", level, 1, &op,
                        512.0 * 2048 * 4, 512.0 * 2048 * 8);
        check_free_all();
    }
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_norm), cmocka_unit_test(bench)};
CHECK_MAIN(tests)
