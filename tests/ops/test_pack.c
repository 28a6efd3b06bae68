/* SPDX-License-Identifier: Apache-2.0 */
/* pack, embed, convert, weight_bytes: what was packed comes back, whole or in parts, at every
 * level, and stands byte for byte where the layout says, with zeros between. */
#include "check.h"

/* [n, k] of values as dtype holds them, from f32. */
static void *as_dtype(const float *src, int64_t count, int32_t dtype)
{
    void *p = check_bytes((uint64_t)(count * wf_dtype_bytes(dtype)));
    for (int64_t i = 0; i < count; i++)
        wf_store(p, i, dtype, src[i]);
    return p;
}

/* Its memory holds rubbish. */
static wf_weight fresh_weight(int32_t level, int32_t dtype, int64_t n, int64_t k)
{
    uint64_t bytes = check_ops(level)->weight_bytes(dtype, n, k);
    assert_int_equal(bytes % WF_ALIGN, 0);
    return (wf_weight){check_bytes(bytes), n, k, dtype, 0};
}

static int64_t level_panel(int32_t level)
{
    uint64_t flags = check_level_flags(level);
    return (flags & WEFT_CPU_AVX512) != 0                   ? 32
           : (flags & (WEFT_CPU_AVX2 | WEFT_CPU_NEON)) != 0 ? 16
                                                            : 1;
}

/* Every byte of the weight against its place in the layout of core/device/cpu/internal.h. */
static void check_layout(int32_t level, const wf_weight *w, const float *expected)
{
    int64_t  panel = level_panel(level), size = wf_dtype_bytes(w->format);
    uint64_t bytes = check_ops(level)->weight_bytes(w->format, w->n, w->k);
    uint8_t *e = check_bytes(bytes);
    memset(e, 0, (size_t)bytes);
    for (int64_t r = 0; r < w->n; r++) {
        uint8_t *at = e + r / panel * wf_panel_bytes(w->format, w->k, panel);
        for (int64_t i = 0; i < w->k; i++)
            wf_store(at + wf_panel_index(w->format, panel, r % panel, i) * size, 0, w->format,
                     expected[r * w->k + i]);
    }
    assert_memory_equal(w->data, e, (size_t)bytes);
}

/* Rows of w as embed gives them; row i is asked for at place n - 1 - i, and ids that there are not
 * at both ends. */
static void check_rows(int32_t level, const wf_weight *w, const float *expected)
{
    int64_t m = w->n + 2, stride = w->k + 3;
    float  *dst = check_floats(m * stride, CHECK_NORMAL),
          *e = check_floats(m * stride, CHECK_NORMAL);
    int32_t *ids = check_bytes((uint64_t)m * 4);
    check_canary(dst, m, w->k, stride);
    for (int64_t i = 0; i < m; i++) {
        bool         none = i == 0 || i == m - 1;
        const float *src = none ? dst + i * stride : expected + (w->n - i) * w->k;
        ids[i] = i == 0 ? -1 : none ? (int32_t)w->n : (int32_t)(w->n - i);
        memcpy(e + i * stride, src, (size_t)w->k * 4);
    }
    for (int32_t threads = 1; threads <= 3; threads++) {
        wf_op op = {.kind = WF_OP_EMBED, .u.embed = {dst, *w, ids, m, stride}};
        check_run(level, threads, &op);
        check_same(dst, e, m, w->k, stride, "embed");
    }
}

static void check_pack(int32_t level, int32_t from, int32_t to, int64_t n, int64_t k)
{
    float    *src = check_floats(n * k, CHECK_MIXED), *e = check_floats(n * k, CHECK_NORMAL);
    void     *raw = as_dtype(src, n * k, from);
    wf_weight w = fresh_weight(level, to, n, k);
    int64_t   cut = n / 3;
    int64_t   at[] = {0, cut, n};
    for (int64_t i = 0; i < n * k; i++)
        e[i] = check_rounded(check_rounded(src[i], from), to);
    for (int32_t part = 1; part >= 0; part--) { /* the later rows first */
        const uint8_t *rows = (const uint8_t *)raw + at[part] * k * wf_dtype_bytes(from);
        wf_op          op = {.kind = WF_OP_PACK,
                             .u.pack = {w, rows, at[part], at[part + 1] - at[part], from, 0}};
        check_run(level, 3, &op);
    }
    check_layout(level, &w, e);
    check_rows(level, &w, e);
    check_free_all();
}

static void test_pack_and_embed(void **unused)
{
    (void)unused;
    static const int64_t ns[] = {1, 15, 16, 33, 200}, ks[] = {1, 2, 7, 64, 31, 33, 77};
    for (int32_t level = 0; level < check_levels(); level++)
        for (int32_t from = WF_F32; from <= WF_F16; from++)
            for (int32_t to = WF_F32; to <= WF_F16; to++)
                for (size_t i = 0; i < 35; i++)
                    check_pack(level, from, to, ns[i % 5], ks[i / 5]);
}

/* Rows never packed hold what the memory held: zeroed, they multiply to nothing. */
static void test_missing_rows_are_left(void **unused)
{
    (void)unused;
    for (int32_t level = 0; level < check_levels(); level++) {
        float    *src = check_floats(10 * 9, CHECK_NORMAL), *e = check_floats(40 * 9, CHECK_NORMAL);
        wf_weight w = fresh_weight(level, WF_BF16, 40, 9);
        memset(w.data, 0, (size_t)check_ops(level)->weight_bytes(WF_BF16, 40, 9));
        memset(e, 0, 40 * 9 * 4);
        for (int64_t i = 0; i < 10 * 9; i++)
            e[20 * 9 + i] = wf_round_bf16(src[i]);
        wf_op op = {.kind = WF_OP_PACK, .u.pack = {w, src, 20, 10, WF_F32, 0}};
        check_run(level, 2, &op);
        check_rows(level, &w, e);
        check_free_all();
    }
}

static void test_weight_bytes(void **unused)
{
    (void)unused;
    for (int32_t level = 0; level < check_levels(); level++) {
        uint64_t (*bytes)(int32_t, int64_t, int64_t) = check_ops(level)->weight_bytes;
        assert_int_equal(bytes(WF_F32, 0, 5), 0);
        assert_int_equal(bytes(WF_F32, 5, -1), 0);
        assert_int_equal(bytes(WF_F32, INT64_MAX, 2), 0);
        assert_int_equal(bytes(WF_BF16, (int64_t)1 << 39, (int64_t)1 << 39), 0);
        assert_true(bytes(WF_BF16, 128256, 4096) >= 128256ull * 4096 * 2);
        assert_true(bytes(WF_BF16, 128256, 4096) <= 128288ull * 4096 * 2);
    }
}

static void test_convert(void **unused)
{
    (void)unused;
    for (int32_t level = 0; level < check_levels(); level++) {
        for (int32_t dtype = WF_F32; dtype <= WF_F16; dtype++) {
            int64_t n = check_between(1, 70000);
            float  *src = check_floats(n, CHECK_MIXED), *dst = check_floats(n, CHECK_NORMAL);
            float  *e = check_floats(n, CHECK_NORMAL);
            for (int64_t i = 0; i < n; i++)
                e[i] = check_rounded(src[i], dtype);
            wf_op op = {.kind = WF_OP_CONVERT,
                        .u.convert = {dst, as_dtype(src, n, dtype), n, dtype, 0}};
            check_run(level, 3, &op);
            check_same(dst, e, 1, n, n, "convert");
            check_free_all();
        }
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_pack_and_embed),
    cmocka_unit_test(test_missing_rows_are_left),
    cmocka_unit_test(test_weight_bytes),
    cmocka_unit_test(test_convert),
};
CHECK_MAIN(tests)
