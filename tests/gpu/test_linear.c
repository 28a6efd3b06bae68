/* SPDX-License-Identifier: Apache-2.0 */
/* Matrix products, convolutions, embeddings and packing on a GPU. f32, q8 and q4 give the CPU's
 * bytes; bf16, f16 and fp8 add in another order. */
#include "rig.h"

#include <math.h>
#include <stdio.h>

/* Sums of up to 2,100 products of random signs: an f32 sum is off by some 2^-24 of its size. bf16
 * has the same products on both sides; f16 rounds x to 11 bits (2^-12 of each). */
static const double bounds[WF_FORMATS] = {0, 1e-11, 1e-6, 0, 0, 1e-11};

static void check_linear(int32_t format, int64_t m, int64_t n, int64_t k, int32_t act,
                         bool residual)
{
    char    what[96];
    int64_t xs = k + rig_between(0, 5), ys = n + rig_between(0, 5);
    float  *y = rig_floats(m * ys, 1.0f);
    wf_op   op = {.kind = WF_OP_LINEAR,
                  .u.linear = {.y = y,
                               .x = rig_floats(m * xs, 2.0f),
                               .w = rig_weight(format, n, k),
                               .bias = act != WF_ACT_NONE ? rig_floats(n, 1.0f) : NULL,
                               .residual = residual ? y : NULL,
                               .m = m,
                               .y_stride = ys,
                               .x_stride = xs,
                               .residual_stride = ys,
                               .scale = 0.7f,
                               .act = act}};
    snprintf(what, sizeof what, "linear %s m %lld n %lld k %lld", wf_format_name(format),
             (long long)m, (long long)n, (long long)k);
    rig_run(&op);
    if (bounds[format] == 0.0)
        rig_same(y, (uint64_t)(m * ys) * 4, what);
    else
        rig_close_to(y, m, n, ys, bounds[format], what);
    rig_free();
}

static void test_linear(void **unused)
{
    (void)unused;
    static const int64_t shapes[][3] = {{1, 1, 1},    {1, 32, 64},  {3, 33, 40},   {16, 70, 260},
                                        {17, 64, 96}, {65, 65, 33}, {1, 40, 2100}, {0, 40, 64}};
    for (int32_t format = WF_F32; format < WF_FORMATS; format++)
        for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
            check_linear(format, shapes[i][0], shapes[i][1], shapes[i][2], (int32_t)(i % 6),
                         i % 2 == 1);
}

/* A row's outputs do not depend on how many rows there are. */
static void test_row_counts(void **unused)
{
    (void)unused;
    for (int32_t format = WF_F32; format < WF_FORMATS; format++) {
        int64_t   n = 70, k = 200, m = 40;
        wf_weight w = rig_weight(format, n, k);
        float    *x = rig_floats(m * k, 2.0f), *y = rig_floats(m * n, 1.0f);
        wf_op     op = {.kind = WF_OP_LINEAR,
                        .u.linear = {.y = y, .x = x, .w = w, .m = m, .y_stride = n, .x_stride = k}};
        rig_run(&op);
        float *all = rig_pull(y, (uint64_t)(m * n) * 4);
        for (int64_t r = 0; r < m; r += 7) {
            op.u.linear.x = x + r * k;
            op.u.linear.y = y + r * n;
            op.u.linear.m = 1;
            rig_run(&op);
            assert_memory_equal(rig_pull(y + r * n, (uint64_t)n * 4), all + r * n, (size_t)n * 4);
        }
        rig_free();
    }
}

static void check_numbers(int32_t format, const float *x, int64_t n, int64_t k, int64_t m)
{
    float *y = rig_floats(m * n, 1.0f);
    wf_op  op = {
         .kind = WF_OP_LINEAR,
         .u.linear = {
             .y = y, .x = x, .w = rig_weight(format, n, k), .m = m, .y_stride = n, .x_stride = k}};
    rig_run(&op);
    if (format != WF_F16)
        rig_same(y, (uint64_t)(m * n) * 4, wf_format_name(format));
    else
        rig_close_to(y, m, n, n, bounds[WF_F16], "f16");
}

/* Rows with groups of any size beside each other, so that some of them are wide: for one row, a
 * part of a tile, and many tiles. */
static void test_wide_groups(void **unused)
{
    (void)unused;
    static const int64_t ms[] = {1, 3, 21, 70};
    for (int32_t format = WF_Q8; format <= WF_Q4; format++)
        for (size_t i = 0; i < sizeof ms / sizeof *ms; i++) {
            const int64_t n = 67, k = 330;
            float        *x = rig_floats(ms[i] * k, 1.0f);
            for (int64_t e = 0; e < ms[i] * k; e += 32)
                for (int64_t scale = rig_between(1, 12), j = e; j < e + 32 && j < ms[i] * k; j++)
                    x[j] *= scale > 10 ? 50.0f : 1.0f;
            check_numbers(format, x, n, k, ms[i]);
            rig_free();
        }
}

/* Zeros, tiny and huge numbers, and what is no number. */
static void test_numbers(void **unused)
{
    (void)unused;
    int64_t n = 20, k = 96, m = 5;
    for (int32_t format = WF_Q8; format <= WF_Q4; format++) {
        float *x = rig_floats(m * k, 1.0f);
        for (int64_t i = 0; i < k; i++) {
            x[i] = 0.0f;
            x[k + i] *= 0x1p-120f;
            x[2 * k + i] *= 1e30f;
        }
        x[3 * k + 40] = (float)INFINITY;
        x[4 * k + 3] = (float)NAN;
        check_numbers(format, x, n, k, m);
        rig_free();
    }
    float *x = rig_floats(3 * k, 1.0f);
    for (int64_t i = 0; i < k; i++) {
        x[i] *= 1e30f; /* beyond f16: the row is scaled */
        x[k + i] *= 1e30f;
        x[2 * k + i] *= 1e30f;
    }
    check_numbers(WF_F16, x, n, k, 3);
    rig_free();
}

/* fp8: rows of zeros, of tiny numbers, with some past the bound, and with what is no number. */
static void test_fp8_numbers(void **unused)
{
    (void)unused;
    int64_t n = 20, k = 96, m = 5;
    float  *x = rig_floats(m * k, 1.0f), *y = rig_floats(m * n, 1.0f);
    for (int64_t i = 0; i < k; i++) {
        x[i] = 0.0f;
        x[k + i] *= 0x1p-30f;
        x[2 * k + i] *= i % 9 == 0 ? 9000.0f : 30.0f;
    }
    x[3 * k + 40] = (float)INFINITY;
    x[4 * k + 3] = (float)NAN;
    wf_op op = {
        .kind = WF_OP_LINEAR,
        .u.linear = {
            .y = y, .x = x, .w = rig_weight(WF_FP8, n, k), .m = m, .y_stride = n, .x_stride = k}};
    rig_run(&op);
    rig_close_to(y, 3, n, n, bounds[WF_FP8], "fp8");
    const float *rows = rig_pull(y, (uint64_t)(m * n) * 4);
    for (int64_t i = 3 * n; i < m * n; i++)
        assert_true(isnan(rows[i]) && isnan(y[i]));
    rig_free();
}

static void test_embed(void **unused)
{
    (void)unused;
    for (int32_t format = WF_F32; format < WF_FORMATS; format++) {
        int64_t  n = 50, k = rig_between(1, 300), m = 9;
        float   *y = rig_floats(m * k, 1.0f);
        int32_t *ids = rig_ints(m);
        for (int64_t i = 0; i < m; i++)
            ids[i] = (int32_t)rig_between(-1, n + 1);
        wf_op op = {.kind = WF_OP_EMBED, .u.embed = {y, rig_weight(format, n, k), ids, m, k}};
        rig_run(&op);
        rig_same(y, (uint64_t)(m * k) * 4, wf_format_name(format));
        rig_free();
    }
}

static void check_conv(int32_t format, wf_conv a)
{
    const int64_t windows = a.n * a.oh * a.ow, out = 20;
    a.y = rig_floats(windows * out, 1.0f);
    a.x = rig_floats(a.n * a.c * a.h * a.wd, 1.0f);
    a.w = rig_weight(format, out, a.c * a.kh * a.kw);
    a.bias = rig_floats(out, 1.0f);
    const wf_op op = {.kind = WF_OP_CONV, .u.conv = a};
    rig_run(&op);
    if (bounds[format] == 0.0)
        rig_same(a.y, (uint64_t)(windows * out) * 4, "conv");
    else
        rig_close_to(a.y, windows, out, out, bounds[format], "conv");
    rig_free();
}

/* Two pictures of three planes; two recordings as rows of tokens, whose channels lie side by side,
 * with a kernel of three rows, and with one of eight that do not overlap. */
static void test_conv(void **unused)
{
    static const wf_conv all[] = {
        {.n = 2,
         .c = 3,
         .h = 9,
         .wd = 11,
         .kh = 3,
         .kw = 2,
         .oh = 5,
         .ow = 5,
         .x_stride = {297, 99, 11, 1},
         .stride = {2, 2},
         .pad = {1, 1, 0, 0}},
        {.n = 2,
         .c = 19,
         .h = 1,
         .wd = 41,
         .kh = 1,
         .kw = 3,
         .oh = 1,
         .ow = 21,
         .x_stride = {779, 1, 779, 19},
         .stride = {1, 2},
         .pad = {0, 0, 1, 1}},
        {.n = 1,
         .c = 16,
         .h = 1,
         .wd = 150,
         .kh = 1,
         .kw = 8,
         .oh = 1,
         .ow = 19,
         .x_stride = {2400, 1, 2400, 16},
         .stride = {1, 8},
         .pad = {0, 0, 4, 4}},
    };
    (void)unused;
    for (int32_t format = WF_F32; format < WF_FORMATS; format++)
        for (size_t i = 0; i < sizeof all / sizeof *all; i++)
            check_conv(format, all[i]);
}

/* Groups that are quantised already are taken as they are. */
static void test_pack_groups(void **unused)
{
    (void)unused;
    for (int32_t format = WF_Q8; format <= WF_Q4; format++) {
        int64_t   n = 10, k = 100, row = wf_row_bytes(format, k), each = row / 4;
        wf_weight w = rig_weight(format, n, k);
        uint8_t  *src = rig_pair((uint64_t)(n * row));
        float    *y = rig_floats(n * k, 1.0f);
        int32_t  *ids = rig_ints(n);
        for (int64_t i = 0; i < n * row; i++)
            src[i] = (uint8_t)(i % each == 1 || (format == WF_Q4 && i % each == 3)
                                   ? 0x30
                                   : rig_random()); /* scales are numbers */
        for (int64_t i = 0; i < n; i++)
            ids[i] = (int32_t)i;
        wf_op op = {.kind = WF_OP_PACK, .u.pack = {w, src, 0, 4, format, 0}};
        rig_run(&op);
        op.u.pack = (wf_pack){w, src + 4 * row, 4, n - 4, format, 0};
        rig_run(&op);
        op = (wf_op){.kind = WF_OP_EMBED, .u.embed = {y, w, ids, n, k}};
        rig_run(&op);
        rig_same(y, (uint64_t)(n * k) * 4, wf_format_name(format));
        rig_free();
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_linear),      cmocka_unit_test(test_row_counts),
    cmocka_unit_test(test_wide_groups), cmocka_unit_test(test_numbers),
    cmocka_unit_test(test_embed),       cmocka_unit_test(test_conv),
    cmocka_unit_test(test_fp8_numbers), cmocka_unit_test(test_pack_groups)};

/* Where bytes may depend on row counts, products of many rows are cuBLASLt's. */
static const struct CMUnitTest free_tests[] = {cmocka_unit_test(test_linear),
                                               cmocka_unit_test(test_conv)};

int main(void)
{
    int code = RIG_MAIN(tests, true);
    return code != 0 ? code : RIG_MAIN(free_tests, false);
}
