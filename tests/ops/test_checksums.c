/* SPDX-License-Identifier: Apache-2.0 */
/* The canonical sums as bytes: ops over inputs that are the same everywhere, and a checksum of
 * their outputs that stands here. Every level of every architecture must come to it, so that a
 * model gives the same text on all of them. Where a canonical sum in core/ops/op.h is changed on
 * purpose, its number here changes too: a failing test prints the new one, which must be the same
 * on each level. */
#include "check.h"

#define M 23 /* rows: of every kernel's tile some are left over */

/* FNV-1a over the elements' bytes, the lowest first (draft-eastlake-fnv). */
static uint64_t checksum(uint64_t h, const float *y, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        for (int shift = 0; shift < 32; shift += 8)
            h = (h ^ ((wf_bits(y[i]) >> shift) & 255u)) * 0x100000001b3ull;
    return h;
}

static uint64_t run_and_sum(int32_t level, const wf_op *op, const float *y, int64_t n, uint64_t h)
{
    check_run(level, 2, op);
    return checksum(h, y, n);
}

typedef uint64_t (*body_fn)(int32_t level, int32_t which, uint64_t h);

/* The checksum of a body at every level but those that have a sum of its own. */
static void expect(const char *what, body_fn body, int32_t which, uint64_t own, uint64_t expected)
{
    for (int32_t level = 0; level < check_levels(); level++) {
        if ((check_level_flags(level) & own) != 0)
            continue;
        check_seed(20);
        uint64_t sum = body(level, which, 0xcbf29ce484222325ull);
        check_free_all();
        if (sum != expected)
            fail_msg("%s: the bytes have the checksum 0x%016llxull at level %s, not 0x%016llxull",
                     what, (unsigned long long)sum, check_level_name(level),
                     (unsigned long long)expected);
    }
}

/* ---- linear: which is the format of the weights ---- */

static uint64_t linear_shape(int32_t level, int32_t format, uint64_t h, int64_t m, int64_t n,
                             int64_t k, int32_t act)
{
    check_fill   fill = act == WF_ACT_GELU ? CHECK_MIXED : CHECK_NORMAL;
    const float *src = check_floats(n * k, CHECK_NORMAL), *x = check_floats(m * k, fill);
    float       *y = check_floats(m * n, CHECK_NORMAL);
    wf_op        op = {.kind = WF_OP_LINEAR,
                       .u.linear = {.y = y,
                                    .x = x,
                                    .bias = check_floats(n, CHECK_NORMAL),
                                    .m = m,
                                    .y_stride = n,
                                    .x_stride = k,
                                    .act = act}};
    op.u.linear.w = check_weight(level, format, src, n, k);
    return run_and_sum(level, &op, y, m * n, h);
}

static uint64_t linear_body(int32_t level, int32_t format, uint64_t h)
{
    h = linear_shape(level, format, h, 1, 70, 300, WF_ACT_NONE);
    h = linear_shape(level, format, h, M, 37, 65, WF_ACT_GELU);
    return linear_shape(level, format, h, 67, 64, 1024, WF_ACT_SILU);
}

static void test_linear(void **unused)
{
    (void)unused;
    expect("linear f32", linear_body, WF_F32, 0, 0x76e6e56f57712bb1ull);
    expect("linear bf16", linear_body, WF_BF16, WEFT_CPU_AVX512BF16, 0xf6746061759f52c4ull);
    expect("linear f16", linear_body, WF_F16, 0, 0x77a4ee011a7aa96aull);
}

static void test_linear_grouped(void **unused)
{
    (void)unused;
    expect("linear q8", linear_body, WF_Q8, 0, 0xfc922b6d58beb62dull);
    expect("linear q4", linear_body, WF_Q4, 0, 0xcd08d9d3558bae89ull);
}

/* ---- attention ---- */

enum { HEADS = 4, KV_HEADS = 2, HEAD_DIM = 40, KEYS = 150 };

static uint64_t packed_body(int32_t level, int32_t causal, uint64_t h)
{
    static const int32_t q_begin[] = {0, 3, M}, k_begin[] = {0, 70, KEYS};
    const int64_t        width = HEADS * HEAD_DIM, kv_width = KV_HEADS * HEAD_DIM;
    const float         *q = check_floats(M * width, CHECK_NORMAL);
    const float         *k = check_floats(KEYS * kv_width, CHECK_NORMAL);
    const float         *v = check_floats(KEYS * kv_width, CHECK_NORMAL);
    float               *out = check_floats(M * width, CHECK_NORMAL);
    wf_op                op = {.kind = WF_OP_ATTEND,
                               .u.attend = {.out = out,
                                            .q = q,
                                            .k = k,
                                            .v = v,
                                            .q_begin = q_begin,
                                            .k_begin = k_begin,
                                            .q_stride = width,
                                            .k_stride = kv_width,
                                            .v_stride = kv_width,
                                            .out_stride = width,
                                            .m = M,
                                            .keys = KEYS,
                                            .n_seqs = 2,
                                            .n_heads = HEADS,
                                            .n_kv_heads = KV_HEADS,
                                            .head_dim = HEAD_DIM,
                                            .scale = 0.5f,
                                            .causal = causal}};
    return run_and_sum(level, &op, out, M * width, h);
}

/* Rows that see all keys, a prompt's and then a single one. */
static uint64_t pages_body(int32_t level, int32_t dtype, uint64_t h)
{
    static const wf_kv_span spans[] = {{2, 64}, {0, 64}, {1, KEYS - 128}};
    const int64_t           width = HEADS * HEAD_DIM, kv_width = KV_HEADS * HEAD_DIM;
    int64_t                 slot[KEYS];
    int32_t                 begin[M] = {0}, end[M], last[M];
    const float            *q = check_floats(M * width, CHECK_NORMAL);
    const float            *k = check_floats(KEYS * kv_width, CHECK_NORMAL);
    const float            *v = check_floats(KEYS * kv_width, CHECK_NORMAL);
    float                  *out = check_floats(M * width, CHECK_NORMAL);
    wf_kv                   kv = check_kv(dtype, KV_HEADS, HEAD_DIM, 3, 2);
    for (int64_t i = 0; i < KEYS; i++)
        slot[i] = spans[i / 64].page * 64 + i % 64;
    for (int64_t r = 0; r < M; r++) {
        end[r] = 3;
        last[r] = r < 4 ? KEYS - 128 : (int32_t)r - 3;
    }
    wf_op store = {.kind = WF_OP_KV_STORE,
                   .u.kv_store = {kv, k, v, slot, KEYS, kv_width, kv_width}};
    wf_op op = {.kind = WF_OP_ATTEND_PAGES,
                .u.attend_pages = {.kv = kv,
                                   .out = out,
                                   .q = q,
                                   .spans = spans,
                                   .row_begin = begin,
                                   .row_end = end,
                                   .row_last = last,
                                   .m = M,
                                   .q_stride = width,
                                   .out_stride = width,
                                   .n_heads = HEADS,
                                   .scale = 0.5f}};
    check_run(level, 1, &store);
    h = run_and_sum(level, &op, out, M * width, h);
    op.u.attend_pages.m = 1;
    return run_and_sum(level, &op, out, M * width, h);
}

static void test_attention(void **unused)
{
    (void)unused;
    expect("attend", packed_body, 0, 0, 0xbb35c8ad35aa7033ull);
    expect("attend, causal", packed_body, 1, 0, 0x59f23da68d496a0full);
    expect("attend_pages f32", pages_body, WF_F32, 0, 0x3dd816e3e1f66a1dull);
    expect("attend_pages bf16", pages_body, WF_BF16, 0, 0xeadbdd6262ea6205ull);
    expect("attend_pages f16", pages_body, WF_F16, 0, 0xbfca7e557f5b5d95ull);
    expect("attend_pages q8", pages_body, WF_Q8, 0, 0x429511aef02f0d35ull);
}

/* ---- rows ---- */

enum { N = 77 };

static uint64_t activate_body(int32_t level, int32_t act, uint64_t h)
{
    float *x = check_floats(M * N, CHECK_MIXED), *y = check_floats(M * N, CHECK_NORMAL);
    wf_op  op = {.kind = WF_OP_ACTIVATE,
                 .u.activate = {.y = y, .x = x, .m = M, .n = N, .y_stride = N, .x_stride = N}};
    for (op.u.activate.act = 0; op.u.activate.act < act; op.u.activate.act++)
        h = run_and_sum(level, &op, y, M * N, h);
    return h;
}

static uint64_t norm_body(int32_t level, int32_t rms, uint64_t h)
{
    const float *x = check_floats(M * N, CHECK_NORMAL), *w = check_floats(N, CHECK_NORMAL);
    float       *y = check_floats(M * N, CHECK_NORMAL);
    wf_op        op = {.kind = WF_OP_NORM,
                       .u.norm = {.y = y,
                                  .x = x,
                                  .w = w,
                                  .bias = rms ? NULL : x,
                                  .m = M,
                                  .n = N,
                                  .inner = 1,
                                  .y_stride = N,
                                  .x_stride = N,
                                  .eps = 1e-5f,
                                  .rms = rms}};
    return run_and_sum(level, &op, y, M * N, h);
}

static uint64_t softmax_body(int32_t level, int32_t biased, uint64_t h)
{
    const float *x = check_floats(M * N, CHECK_NORMAL), *bias = check_floats(N, CHECK_NORMAL);
    float       *y = check_floats(M * N, CHECK_NORMAL);
    wf_op        op = {.kind = WF_OP_SOFTMAX,
                       .u.softmax = {.y = y,
                                     .x = x,
                                     .bias = biased ? bias : NULL,
                                     .shape = {1, 1, M, N},
                                     .y_stride = {M * N, M * N, N, 1},
                                     .x_stride = {M * N, M * N, N, 1},
                                     .bias_stride = {0, 0, 0, 1},
                                     .scale = 3.0f}};
    return run_and_sum(level, &op, y, M * N, h);
}

static uint64_t swiglu_body(int32_t level, int32_t which, uint64_t h)
{
    const float *gate = check_floats(M * N, CHECK_MIXED), *up = check_floats(M * N, CHECK_MIXED);
    float       *y = check_floats(M * N, CHECK_NORMAL);
    wf_op        op = {.kind = WF_OP_SWIGLU, .u.swiglu = {y, gate, up, M, N, N, N, N}};
    (void)which;
    return run_and_sum(level, &op, y, M * N, h);
}

static uint64_t pooling_body(int32_t level, int32_t how, uint64_t h)
{
    enum { C = 11, SIDE = 7, OUT = 4 };
    const float *x = check_floats(SIDE * SIDE * C, CHECK_MIXED);
    float       *y = check_floats(OUT * OUT * C, CHECK_NORMAL);
    wf_op        op = {.kind = WF_OP_POOLING,
                       .u.pooling = {.y = y,
                                     .x = x,
                                     .n = 1,
                                     .h = SIDE,
                                     .wd = SIDE,
                                     .c = C,
                                     .kh = 3,
                                     .kw = 3,
                                     .oh = OUT,
                                     .ow = OUT,
                                     .y_stride = {OUT * OUT * C, OUT * C, C},
                                     .x_stride = {SIDE * SIDE * C, SIDE * C, C},
                                     .stride = {2, 2},
                                     .pad = {1, 1, 1, 1},
                                     .how = how}};
    return run_and_sum(level, &op, y, OUT * OUT * C, h);
}

static void test_rows(void **unused)
{
    (void)unused;
    expect("activate", activate_body, WF_ACT_KINDS, 0, 0xc31373697254fa61ull);
    expect("norm", norm_body, 0, 0, 0x9aa97c6a992e279cull);
    expect("norm, rms", norm_body, 1, 0, 0x4b0fde023d9440e8ull);
    expect("softmax", softmax_body, 0, 0, 0x36ae04993572973cull);
    expect("softmax, biased", softmax_body, 1, 0, 0xcbf984edd981c7e7ull);
    expect("swiglu", swiglu_body, 0, 0, 0x4891ebad2fcd7e99ull);
    expect("pooling, mean", pooling_body, WF_POOLING_MEAN, 0, 0x23b5ac9cda97ebedull);
    expect("pooling, max", pooling_body, WF_POOLING_MAX, 0, 0x8f26df7df465b5eeull);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_linear),
    cmocka_unit_test(test_linear_grouped),
    cmocka_unit_test(test_attention),
    cmocka_unit_test(test_rows),
};
CHECK_MAIN(tests)
