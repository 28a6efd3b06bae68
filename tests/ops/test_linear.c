/* SPDX-License-Identifier: Apache-2.0 */
/* linear: the reference against f64, every level against the reference, and the same bytes for
 * every row count and thread count. */
#include "amx.h"
#include "check.h"

#include <stdio.h>

static const char *const dtype_names[] = {"f32", "bf16", "f16"};

typedef struct shape {
    int64_t m, n, k;
} shape;

/* Everything of one case, at strides that leave canary columns in y. */
typedef struct fixture {
    shape     s;
    int32_t   dtype;
    float    *x, *w, *bias, *residual;
    wf_linear op;
    int64_t   stride;
    char      name[120];
} fixture;

static void fixture_make(fixture *f, shape s, int32_t dtype, check_fill fill, int32_t act)
{
    *f = (fixture){.s = s, .dtype = dtype, .stride = s.n + check_between(0, 3)};
    int64_t x_stride = s.k + check_between(0, 3);
    f->x = check_floats(s.m * x_stride + 1, fill);
    f->w = check_floats(s.n * s.k, fill == CHECK_LARGE ? CHECK_NORMAL : fill);
    f->bias = check_floats(s.n, CHECK_NORMAL);
    f->residual = check_floats(s.m * f->stride + 1, CHECK_NORMAL);
    f->op = (wf_linear){.x = f->x,
                        .m = s.m,
                        .x_stride = x_stride,
                        .y_stride = f->stride,
                        .residual_stride = f->stride,
                        .scale = 0.75f,
                        .act = act};
    if (act != WF_ACT_NONE || check_random() % 2 == 0)
        f->op.bias = f->bias;
    if (act != WF_ACT_NONE || check_random() % 2 == 0)
        f->op.residual = f->residual;
    snprintf(f->name, sizeof(f->name), "linear %s m %lld n %lld k %lld fill %d act %d",
             dtype_names[dtype], (long long)s.m, (long long)s.n, (long long)s.k, (int)fill,
             (int)act);
}

/* y of the fixture at a level; rows first..first+m-1 only. */
static float *run(const fixture *f, const wf_weight *w, int32_t level, int32_t threads,
                  int64_t first, int64_t m)
{
    float *y = check_floats(f->s.m * f->stride + 1, CHECK_NORMAL);
    check_canary(y, f->s.m, f->s.n, f->stride);
    wf_op op = {.kind = WF_OP_LINEAR, .u.linear = f->op};
    op.u.linear.w = *w;
    op.u.linear.m = m;
    op.u.linear.y = y + first * f->stride;
    op.u.linear.x = f->x + first * f->op.x_stride;
    if (f->op.residual != NULL)
        op.u.linear.residual = f->residual + first * f->stride;
    check_run(level, threads, &op);
    return y;
}

/* vdpbf16ps and tdpbf16ps have roundings of their own: only their levels are compared by error, and
 * only for bf16. */
static int own_sum(const fixture *f, int32_t level)
{
    return f->dtype == WF_BF16 &&
           (check_level_flags(level) & (WEFT_CPU_AVX512BF16 | WEFT_CPU_AMX)) != 0;
}

static int by_tiles(const fixture *f, int32_t level)
{
    return f->dtype == WF_BF16 && (check_level_flags(level) & WEFT_CPU_AMX) != 0;
}

static void compare(const fixture *f, int32_t level, const float *y, const float *ref)
{
    if (!own_sum(f, level)) {
        check_same(y, ref, f->s.m, f->s.n, f->stride, f->name);
        return;
    }
    double *e = check_bytes((uint64_t)(f->s.m * f->s.n + 1) * 8);
    for (int64_t r = 0; r < f->s.m; r++) {
        for (int64_t j = 0; j < f->s.n; j++)
            e[r * f->s.n + j] = (double)ref[r * f->stride + j];
    }
    /* Two f32 roundings per pair in place of two: sums of up to 515 terms differ by a few units of
     * 2^-24 of their partial sums, and cancellation makes the result smaller than those. 1e-10 is
     * (1e-5)^2. Flushed denormals are below the floor. */
    check_nmse(y, e, f->s.m, f->s.n, f->stride, 1e-10, 1e-60, f->name);
}

/* ---- the sum by tiles, as core/device/cpu/linear_tiles.h defines it ---- */

static float flushed(float f)
{
    return fabsf(f) < 0x1p-126f ? copysignf(0.0f, f) : f;
}

static float dot_by_tiles(const float *x, const float *w, int64_t k)
{
    float acc = 0.0f;
    for (int64_t first = 0; first < k; first += 32) {
        float half[2] = {0.0f, 0.0f};
        for (int64_t i = first; i < first + 32 && i < k; i++) {
            float a = flushed(wf_round_bf16(x[i])), b = flushed(wf_round_bf16(w[i]));
            half[i % 2] = flushed(fmaf(a, b, half[i % 2]));
        }
        acc = flushed(acc + flushed(half[0] + half[1]));
    }
    return acc;
}

/* Every output of y, which is of the rows that f has. */
static void check_tiles(const fixture *f, const float *y)
{
    float *e = check_floats(f->s.m * f->stride + 1, CHECK_NORMAL);
    check_canary(e, f->s.m, f->s.n, f->stride);
    for (int64_t r = 0; r < f->s.m; r++) {
        for (int64_t j = 0; j < f->s.n; j++) {
            float v = dot_by_tiles(f->x + r * f->op.x_stride, f->w + j * f->s.k, f->s.k);
            v = wf_activate(f->op.bias != NULL ? v + f->bias[j] : v, f->op.act);
            if (f->op.residual != NULL)
                v = f->residual[r * f->stride + j] + f->op.scale * v;
            e[r * f->stride + j] = v;
        }
    }
    check_same(y, e, f->s.m, f->s.n, f->stride, f->name);
}

static void check_case(shape s, int32_t dtype, check_fill fill, int32_t act)
{
    static const int32_t threads[] = {2, 3, 8};
    fixture              f;
    fixture_make(&f, s, dtype, fill, act);
    wf_weight w0 = check_weight(0, dtype, f.w, s.n, s.k);
    float    *ref = run(&f, &w0, 0, 1, 0, s.m);
    for (int32_t level = 0; level < check_levels(); level++) {
        wf_weight w = check_weight(level, dtype, f.w, s.n, s.k);
        float    *y = run(&f, &w, level, 1, 0, s.m);
        compare(&f, level, y, ref);
        if (by_tiles(&f, level))
            check_tiles(&f, y);
        for (int32_t t = 0; t < 3; t++)
            check_same(run(&f, &w, level, threads[t], 0, s.m), y, s.m, s.n, f.stride, f.name);
        for (int64_t r = 0; r<s.m; r += s.m> 3 ? s.m / 3 : 1) {
            float *alone = run(&f, &w, level, 1, r, 1);
            check_same(alone + r * f.stride, y + r * f.stride, 1, s.n, f.stride, f.name);
        }
    }
    check_free_all();
}

static void test_shapes(void **unused)
{
    (void)unused;
    static const int64_t ms[] = {0, 1, 15, 16, 17, 33}, ns[] = {1, 15, 16, 17, 31, 33, 100};
    static const int64_t ks[] = {1, 2, 3, 16, 33, 64, 515};
    for (size_t i = 0; i < 6; i++)
        for (size_t j = 0; j < 7; j++)
            for (size_t l = 0; l < 7; l++)
                for (int32_t dtype = WF_F32; dtype <= WF_F16; dtype++)
                    check_case((shape){ms[i], ns[j], ks[l]}, dtype, CHECK_NORMAL, WF_ACT_NONE);
}

/* More rows than are made ready at a time (WF_LINEAR_ROWS). */
static void test_row_blocks(void **unused)
{
    (void)unused;
    for (int32_t dtype = WF_F32; dtype <= WF_F16; dtype++)
        check_case((shape){WF_LINEAR_ROWS + 5, 33, 24}, dtype, CHECK_NORMAL, WF_ACT_NONE);
}

/* k beyond the parts that panels are cut into, with a pair that is half full at the end; one tile
 * and several; a group of panels and a part of one. */
static void test_long_k(void **unused)
{
    (void)unused;
    static const shape shapes[] = {{3, 40, 4097}, {13, 97, 4101}, {40, 33, 2049}, {27, 16, 8200}};
    for (size_t i = 0; i < 4; i++)
        for (int32_t dtype = WF_F32; dtype <= WF_F16; dtype++)
            check_case(shapes[i], dtype, i % 2 == 0 ? CHECK_NORMAL : CHECK_DENORMAL,
                       i == 1 ? WF_ACT_SILU : WF_ACT_NONE);
}

/* As many panels as tiles of AMX go over together, and more; k in their parts and beyond; every way
 * to fill two tiles of rows. */
static void test_blocks_of_tiles(void **unused)
{
    (void)unused;
    static const shape shapes[] = {{65, 300, 600}, {48, 256, 512}, {33, 257, 770},
                                   {32, 40, 97},   {31, 64, 96},   {96, 31, 288}};
    for (size_t i = 0; i < 6; i++)
        check_case(shapes[i], WF_BF16, CHECK_NORMAL, WF_ACT_NONE);
}

/* Panels that cannot be dealt out evenly: threads then share rows. */
static void test_few_panels(void **unused)
{
    (void)unused;
    static const int64_t ns[] = {1, 32, 64, 65, 96, 160};
    for (size_t i = 0; i < 6; i++)
        for (int32_t dtype = WF_F32; dtype <= WF_F16; dtype++)
            check_case((shape){101, ns[i], 37}, dtype, CHECK_NORMAL, WF_ACT_GELU);
}

/* Infinities, NaN and the largest numbers among x and the weights reach the outputs that they
 * belong to, and those alone. */
static void test_infinities(void **unused)
{
    (void)unused;
    static const float special[] = {INFINITY, -INFINITY, NAN, 3.0e38f, -0.0f};
    for (int32_t dtype = WF_F32; dtype <= WF_F16; dtype++) {
        fixture f;
        fixture_make(&f, (shape){15, 70, 2100}, dtype, CHECK_NORMAL, WF_ACT_NONE);
        for (int i = 0; i < 5; i++) {
            f.x[check_between(0, 7) * f.op.x_stride + check_between(0, 2099)] = special[i];
            f.w[check_between(0, 40) * 2100 + check_between(0, 2099)] = special[i];
        }
        wf_weight w0 = check_weight(0, dtype, f.w, 70, 2100);
        float    *ref = run(&f, &w0, 0, 1, 0, 15);
        for (int32_t level = 1; level < check_levels(); level++) {
            wf_weight w = check_weight(level, dtype, f.w, 70, 2100);
            float    *y = run(&f, &w, level, 2, 0, 15);
            for (int64_t i = 0; own_sum(&f, level) && i < 15 * f.stride; i++)
                if (!isfinite(ref[i]))
                    assert_true(!isfinite(y[i]));
                else
                    assert_true(fabsf(y[i] - ref[i]) <= 1e-4f * fabsf(ref[i]) + 1e-2f);
            if (!own_sum(&f, level))
                check_same(y, ref, 15, 70, f.stride, f.name);
        }
        check_free_all();
    }
}

static void test_fills_and_activations(void **unused)
{
    (void)unused;
    for (int32_t dtype = WF_F32; dtype <= WF_F16; dtype++) {
        for (int32_t fill = 0; fill < CHECK_FILLS; fill++)
            check_case((shape){7, 37, 67}, dtype, (check_fill)fill, WF_ACT_NONE);
        for (int32_t act = WF_ACT_GELU; act < WF_ACT_KINDS; act++)
            check_case((shape){5, 45, 19}, dtype, CHECK_MIXED, act);
    }
}

/* The plain sum in f64, of what the weights and x are rounded to. */
static double exact(const fixture *f, int64_t r, int64_t j)
{
    double sum = 0.0;
    for (int64_t i = 0; i < f->s.k; i++) {
        float x = f->x[r * f->op.x_stride + i];
        x = f->dtype == WF_BF16 ? wf_round_bf16(x) : x;
        sum += (double)x * (double)check_rounded(f->w[j * f->s.k + i], f->dtype);
    }
    if (f->op.bias != NULL)
        sum += (double)f->bias[j];
    if (f->op.residual != NULL)
        sum = (double)f->residual[r * f->stride + j] + (double)f->op.scale * sum;
    return sum;
}

static void test_against_f64(void **unused)
{
    (void)unused;
    for (int32_t dtype = WF_F32; dtype <= WF_F16; dtype++) {
        fixture f;
        fixture_make(&f, (shape){9, 50, 700}, dtype, CHECK_NORMAL, WF_ACT_NONE);
        double *e = check_bytes(9 * 50 * 8);
        for (int64_t i = 0; i < 9 * 50; i++)
            e[i] = exact(&f, i / 50, i % 50);
        for (int32_t level = 0; level < check_levels(); level++) {
            wf_weight w = check_weight(level, dtype, f.w, 50, 700);
            /* 700 roundings of 2^-24 as a random walk: (700 * 2^-48) = 2.5e-12 of the sum's terms.
             */
            check_nmse(run(&f, &w, level, 2, 0, 9), e, 9, 50, f.stride, 1e-11, 0.0, f.name);
        }
        check_free_all();
    }
}

/* y may be the residual: the decoder adds a block's output to its stream in place. */
static void test_residual_in_place(void **unused)
{
    (void)unused;
    for (int32_t level = 0; level < check_levels(); level++) {
        fixture f;
        fixture_make(&f, (shape){17, 40, 30}, WF_BF16, CHECK_NORMAL, WF_ACT_GELU);
        wf_weight w = check_weight(level, WF_BF16, f.w, 40, 30);
        float    *y = run(&f, &w, level, 2, 0, 17);
        wf_op     op = {.kind = WF_OP_LINEAR, .u.linear = f.op};
        check_canary(f.residual, 17, 40, f.stride);
        op.u.linear.w = w;
        op.u.linear.y = f.residual;
        check_run(level, 3, &op);
        check_same(f.residual, y, 17, 40, f.stride, f.name);
        check_free_all();
    }
}

/* A NaN in one row of x is that row's alone, and all of that row's. */
static void test_nan_stays_in_its_row(void **unused)
{
    (void)unused;
    for (int32_t level = 0; level < check_levels(); level++) {
        fixture f;
        fixture_make(&f, (shape){13, 35, 21}, WF_BF16, CHECK_NORMAL, WF_ACT_NONE);
        wf_weight w = check_weight(level, WF_BF16, f.w, 35, 21);
        float    *before = run(&f, &w, level, 2, 0, 13);
        f.x[4 * f.op.x_stride + 20] = NAN;
        float *after = run(&f, &w, level, 2, 0, 13);
        check_same(after, before, 4, 35, f.stride, f.name);
        check_same(after + 5 * f.stride, before + 5 * f.stride, 8, 35, f.stride, f.name);
        for (int64_t j = 0; j < 35; j++)
            assert_true(isnan(after[4 * f.stride + j]) != 0);
        check_free_all();
    }
}

static void bench_shape(shape s, int32_t dtype)
{
    static const char *const kinds[] = {"f32", "bf16", "f16"};
    fixture                  f;
    fixture_make(&f, s, dtype, CHECK_NORMAL, WF_ACT_NONE);
    f.op.y = check_floats(s.m * f.stride, CHECK_NORMAL);
    char name[80];
    snprintf(name, sizeof(name), "linear %s %lldx%lldx%lld", kinds[dtype], (long long)s.m,
             (long long)s.k, (long long)s.n);
    for (int32_t level = 1; level < check_levels(); level++) {
        wf_op op = {.kind = WF_OP_LINEAR, .u.linear = f.op};
        op.u.linear.w = check_weight(level, dtype, f.w, s.n, s.k);
        double flop = 2.0 * (double)s.m * (double)s.n * (double)s.k;
        double bytes = (double)(s.n * s.k * wf_dtype_bytes(dtype));
        check_bench(name, level, 1, &op, flop, bytes);
        check_bench(name, level, 2, &op, flop, bytes);
    }
    check_free_all();
}

static void bench(void **unused)
{
    (void)unused;
    static const shape shapes[] = {{512, 2048, 2048},  {512, 8192, 2048}, {512, 2048, 8192},
                                   {1601, 1280, 1280}, {1, 8192, 2048},   {12, 8192, 2048}};
    for (size_t i = 0; i < 6 && check_is_benching(); i++) {
        bench_shape(shapes[i], WF_BF16);
        bench_shape(shapes[i], WF_F32);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_shapes),
    cmocka_unit_test(test_row_blocks),
    cmocka_unit_test(test_long_k),
    cmocka_unit_test(test_blocks_of_tiles),
    cmocka_unit_test(test_few_panels),
    cmocka_unit_test(test_infinities),
    cmocka_unit_test(test_fills_and_activations),
    cmocka_unit_test(test_against_f64),
    cmocka_unit_test(test_residual_in_place),
    cmocka_unit_test(test_nan_stays_in_its_row),
    cmocka_unit_test(bench),
};
CHECK_MAIN_WITH(tests, amx_levels)
