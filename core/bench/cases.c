/* SPDX-License-Identifier: Apache-2.0 */
/* The ops that are timed, each at the shapes of Llama 3.2 1B (a row of generation, a prefill of 512
 * rows), of ViT-H/14 (a tile of 1601 tokens) and of a 1B conformer (250 rows, 10 s). */
#include "core/bench/cases.h"

#define COLD                                                                                       \
    ((uint64_t)256 << 20) /* weights of so many bytes take turns where one row is multiplied */
#define TURNS 64

/* ---- linear ---- */

typedef struct linear_shape {
    int64_t m, k, n;
} linear_shape;

static const linear_shape linear_shapes[] = {
    {1, 2048, 3072},    {1, 2048, 16384},  {1, 8192, 2048},    {512, 2048, 3072},
    {512, 2048, 16384}, {512, 8192, 2048}, {1601, 1280, 1280}, {1601, 1280, 5120},
    {1601, 5120, 1280}, {250, 1536, 4096}, {250, 4096, 1536},
};

static int32_t turns_of(uint64_t bytes, int64_t m)
{
    uint64_t n = m == 1 ? COLD / bytes + 1 : 1;
    return n < TURNS ? (int32_t)n : TURNS;
}

_Static_assert(TURNS + 2 <= WF_BENCH_BUFFERS, "all weights, x and y have a place");

static weft_status time_linear(wf_bench_timer *t, const linear_shape *s, int32_t format)
{
    wf_op    ops[TURNS];
    uint64_t bytes;
    double   flop = 2.0 * (double)s->m * (double)s->k * (double)s->n;
    if (wf_device_weight_bytes(t->device, format, s->n, s->k, &bytes, NULL) != WEFT_OK)
        return WEFT_OK; /* a format that this device does not hold */
    if (!wf_bench_begin(t, "%lldx%lldx%lld %s", (long long)s->m, (long long)s->k, (long long)s->n,
                        wf_format_name(format)))
        return t->status;
    t->format = format;
    int32_t turns = turns_of(bytes, s->m), made = 0;
    float  *x = wf_bench_floats(t, s->m * s->k), *y = wf_bench_floats(t, s->m * s->n);
    for (wf_weight w; made < turns && wf_bench_weight(t, format, s->n, s->k, &w); made++)
        ops[made] = (wf_op){
            .kind = WF_OP_LINEAR,
            .u.linear = {.y = y, .x = x, .w = w, .m = s->m, .y_stride = s->n, .x_stride = s->k}};
    if (made == turns)
        wf_bench_time(t, ops, turns, flop, (double)bytes);
    wf_bench_timer_free(t);
    return t->status;
}

static weft_status run_linear(wf_bench_timer *t)
{
    static const int32_t formats[] = {WF_BF16, WF_F32, WF_Q8, WF_Q4, WF_FP8};
    for (size_t f = 0; f < sizeof formats / sizeof *formats; f++)
        for (size_t i = 0; i < sizeof linear_shapes / sizeof *linear_shapes; i++)
            if (time_linear(t, &linear_shapes[i], formats[f]) != WEFT_OK)
                return t->status;
    return t->status;
}

/* ---- attention ---- */

static weft_status time_attend(wf_bench_timer *t, int32_t heads, int32_t head_dim, int64_t rows)
{
    const int32_t bounds[2] = {0, (int32_t)rows};
    if (!wf_bench_begin(t, "%dx%d rows %lld", heads, head_dim, (long long)rows))
        return t->status;
    int64_t  d = (int64_t)heads * head_dim;
    float   *q = wf_bench_floats(t, rows * d), *k = wf_bench_floats(t, rows * d);
    float   *v = wf_bench_floats(t, rows * d), *out = wf_bench_floats(t, rows * d);
    int32_t *begin = wf_bench_upload(t, bounds, sizeof bounds);
    wf_op    op = {.kind = WF_OP_ATTEND,
                   .u.attend = {.out = out,
                                .q = q,
                                .k = k,
                                .v = v,
                                .q_begin = begin,
                                .k_begin = begin,
                                .q_stride = d,
                                .k_stride = d,
                                .v_stride = d,
                                .out_stride = d,
                                .m = rows,
                                .keys = rows,
                                .n_seqs = 1,
                                .n_heads = heads,
                                .n_kv_heads = heads,
                                .head_dim = head_dim,
                                .scale = 0.125f}};
    wf_bench_time(t, &op, 1, 4.0 * (double)rows * (double)rows * (double)d, 0);
    wf_bench_timer_free(t);
    return t->status;
}

static weft_status run_attention(wf_bench_timer *t)
{
    if (time_attend(t, 16, 80, 1601) == WEFT_OK && time_attend(t, 24, 64, 250) == WEFT_OK)
        (void)time_attend(t, 32, 64, 512);
    return t->status;
}

/* One row over keys of 8 heads of 64 in pages, each key read by 4 query heads. */
static weft_status time_pages(wf_bench_timer *t, int32_t dtype, int32_t n_keys)
{
    enum { HEADS = 32, KV_HEADS = 8, DIM = 64, SPANS_MOST = 8192 / WF_KEY_BLOCK };
    wf_kv_span spans[SPANS_MOST];
    int32_t    n = n_keys / WF_KEY_BLOCK;
    int64_t    page = wf_device_page_bytes(t->device, dtype, WF_KEY_BLOCK, KV_HEADS, DIM);
    if (page <= 0)
        return WEFT_OK;
    if (!wf_bench_begin(t, "1 row over %d keys %s", n_keys, wf_format_name(dtype)))
        return t->status;
    void         *pool = wf_bench_floats(t, n * page / 4);
    void         *pools = wf_bench_upload(t, &pool, sizeof pool);
    const int32_t edges[3] = {0, n, WF_KEY_BLOCK};
    for (int32_t i = 0; i < n; i++)
        spans[i] = (wf_kv_span){i, WF_KEY_BLOCK};
    int32_t    *edge = wf_bench_upload(t, edges, sizeof edges);
    wf_kv_span *span = wf_bench_upload(t, spans, (uint64_t)n * sizeof *spans);
    float      *q = wf_bench_floats(t, HEADS * DIM), *out = wf_bench_floats(t, HEADS * DIM);
    if (t->status != WEFT_OK)
        return t->status;
    wf_op op = {.kind = WF_OP_ATTEND_PAGES,
                .u.attend_pages = {.kv = {.pools = pools,
                                          .page_bytes = page,
                                          .dtype = dtype,
                                          .n_kv_heads = KV_HEADS,
                                          .head_dim = DIM,
                                          .page_tokens = WF_KEY_BLOCK,
                                          .pool_pages = n},
                                   .out = out,
                                   .q = q,
                                   .spans = span,
                                   .row_begin = edge,
                                   .row_end = edge + 1,
                                   .row_last = edge + 2,
                                   .m = 1,
                                   .q_stride = HEADS * DIM,
                                   .out_stride = HEADS * DIM,
                                   .n_heads = HEADS,
                                   .scale = 0.125f}};
    wf_bench_time(t, &op, 1, 4.0 * HEADS * DIM * n_keys, (double)n * (double)page);
    wf_bench_timer_free(t);
    return t->status;
}

static weft_status run_pages(wf_bench_timer *t)
{
    if (time_pages(t, WF_BF16, 512) == WEFT_OK && time_pages(t, WF_BF16, 8192) == WEFT_OK)
        (void)time_pages(t, WF_F32, 8192);
    return t->status;
}

/* ---- what is done to each element ---- */

static weft_status time_norm(wf_bench_timer *t, int64_t m, int64_t n, int32_t rms)
{
    if (!wf_bench_begin(t, "%lldx%lld %s", (long long)m, (long long)n, rms ? "rms" : "layer"))
        return t->status;
    float *x = wf_bench_floats(t, m * n), *y = wf_bench_floats(t, m * n);
    float *w = wf_bench_floats(t, n), *bias = rms ? NULL : wf_bench_floats(t, n);
    wf_op  op = {.kind = WF_OP_NORM,
                 .u.norm = {.y = y,
                            .x = x,
                            .w = w,
                            .bias = bias,
                            .m = m,
                            .n = n,
                            .inner = 1,
                            .y_stride = n,
                            .x_stride = n,
                            .eps = 1e-5f,
                            .rms = rms}};
    wf_bench_time(t, &op, 1, 0, 8.0 * (double)(m * n));
    wf_bench_timer_free(t);
    return t->status;
}

static weft_status run_norm(wf_bench_timer *t)
{
    if (time_norm(t, 1, 2048, 1) == WEFT_OK && time_norm(t, 512, 2048, 1) == WEFT_OK)
        (void)time_norm(t, 1601, 1280, 0);
    return t->status;
}

static weft_status run_rope(wf_bench_timer *t)
{
    enum { ROWS = 512, HEADS = 32, DIM = 64 };
    if (!wf_bench_begin(t, "%dx%dx%d", ROWS, HEADS, DIM))
        return t->status;
    float *x = wf_bench_floats(t, ROWS * HEADS * DIM), *table = wf_bench_floats(t, ROWS * DIM);
    wf_op  op = {.kind = WF_OP_ROPE,
                 .u.rope = {.x = x,
                            .cos_sin = table,
                            .m = ROWS,
                            .stride = HEADS * DIM,
                            .n_heads = HEADS,
                            .head_dim = DIM}};
    wf_bench_time(t, &op, 1, 0, 8.0 * ROWS * HEADS * DIM);
    wf_bench_timer_free(t);
    return t->status;
}

static weft_status run_swiglu(wf_bench_timer *t)
{
    enum { ROWS = 512, N = 8192 };
    if (!wf_bench_begin(t, "%dx%d", ROWS, N))
        return t->status;
    float *x = wf_bench_floats(t, ROWS * 2 * N), *y = wf_bench_floats(t, ROWS * N);
    if (t->status != WEFT_OK)
        return t->status;
    wf_op op = {.kind = WF_OP_SWIGLU,
                .u.swiglu = {.y = y,
                             .gate = x,
                             .up = x + N,
                             .m = ROWS,
                             .n = N,
                             .y_stride = N,
                             .gate_stride = 2 * N,
                             .up_stride = 2 * N}};
    wf_bench_time(t, &op, 1, 0, 12.0 * ROWS * N);
    wf_bench_timer_free(t);
    return t->status;
}

static weft_status time_activate(wf_bench_timer *t, int32_t act, const char *name)
{
    enum { ROWS = 1601, N = 5120 };
    if (!wf_bench_begin(t, "%dx%d %s", ROWS, N, name))
        return t->status;
    float *x = wf_bench_floats(t, ROWS * N), *y = wf_bench_floats(t, ROWS * N);
    wf_op  op = {.kind = WF_OP_ACTIVATE,
                 .u.activate = {
                     .y = y, .x = x, .m = ROWS, .n = N, .y_stride = N, .x_stride = N, .act = act}};
    wf_bench_time(t, &op, 1, 0, 8.0 * ROWS * N);
    wf_bench_timer_free(t);
    return t->status;
}

static weft_status run_activate(wf_bench_timer *t)
{
    if (time_activate(t, WF_ACT_GELU, "gelu") == WEFT_OK &&
        time_activate(t, WF_ACT_SILU, "silu") == WEFT_OK)
        (void)time_activate(t, WF_ACT_TANH_GELU, "tanh gelu");
    return t->status;
}

static weft_status run_best(wf_bench_timer *t)
{
    enum { VOCAB = 128256 };
    if (!wf_bench_begin(t, "1x%d", VOCAB))
        return t->status;
    float *x = wf_bench_floats(t, VOCAB);
    void  *best = wf_bench_floats(t, 2), *sum = wf_bench_floats(t, 2);
    wf_op  op = {.kind = WF_OP_BEST,
                 .u.best = {.best = best, .sum = sum, .x = x, .m = 1, .n = VOCAB, .k = 1}};
    wf_bench_time(t, &op, 1, 0, 4.0 * VOCAB);
    wf_bench_timer_free(t);
    return t->status;
}

#define COPY_MIB 256
#define SIDE 4096
#define SIDE_LEAST 64

/* The largest of a copy and of a product whose memory is half of what is free at most. */
static void ceiling_sizes(wf_bench_timer *t, int64_t *mib, int64_t *side)
{
    uint64_t free = 0, total = 0;
    t->status = wf_device_memory(t->device, &free, &total, t->err);
    for (*mib = COPY_MIB; *mib > 1 && (uint64_t)*mib << 20 > free / 4;)
        *mib /= 2;
    for (*side = SIDE; *side > SIDE_LEAST && 12 * (uint64_t)(*side * *side) > free / 2;)
        *side /= 2;
}

static void time_copy(wf_bench_timer *t, int64_t mib)
{
    if (!wf_bench_begin(t, "copy of %lld MiB", (long long)mib))
        return;
    const int64_t n = mib << 18;
    float        *x = wf_bench_floats(t, n), *y = wf_bench_floats(t, n);
    wf_op         op = {.kind = WF_OP_COPY,
                        .u.copy = {.dst = y,
                                   .src = x,
                                   .shape = {1, 1, 1, n},
                                   .dst_stride = {0, 0, 0, 1},
                                   .src_stride = {0, 0, 0, 1}}};
    wf_bench_time(t, &op, 1, 0, 8.0 * (double)n);
    wf_bench_timer_free(t);
}

/* Two bounds of a device, to hold the other ops against: a copy that no cache holds, and a product
 * that is large in every direction, as far as there is memory for them. */
static weft_status run_ceilings(wf_bench_timer *t)
{
    int64_t mib, side;
    ceiling_sizes(t, &mib, &side);
    if (t->status == WEFT_OK)
        time_copy(t, mib);
    const linear_shape large = {side, side, side};
    return t->status == WEFT_OK ? time_linear(t, &large, WF_BF16) : t->status;
}

const wf_bench_case wf_bench_cases[] = {
    {"linear", run_linear},
    {"attention", run_attention},
    {"attention_pages", run_pages},
    {"norm", run_norm},
    {"rope", run_rope},
    {"swiglu", run_swiglu},
    {"activate", run_activate},
    {"best", run_best},
    {"ceilings", run_ceilings},
    {NULL, NULL},
};
