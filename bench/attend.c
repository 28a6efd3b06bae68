/* SPDX-License-Identifier: Apache-2.0 */
/* How near attention comes to what the machine can do, shape by shape:
 *
 *     bench/attend [--isa LEVEL] [--threads N] [--seconds S] [--only WORD]
 *
 * For each shape the median of as many runs as fit into S seconds (default 0.5, three at least) and
 * its share of the peak of the f32 multiply-add, which is the instruction that attention's sums are
 * defined by (a multiply-add counts 2; exponentials and divisions count nothing). Where a row of
 * text reads pages the share of read bandwidth stands beside it: the pages are more than a cache
 * holds. Both limits are measured just before. One thread is timed by the CPU time that it was
 * given, so that other work on the machine costs little; two and more by the clock. --only WORD
 * takes the shapes whose name holds WORD. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/mem.h"
#include "core/bench/cases.h"
#include "core/bench/peaks.h"
#include "core/device/cpu/choose.h"
#include "core/device/cpu/dispatch.h"

#define READ_BYTES ((size_t)512 << 20)
#define PEAK_ROUNDS (1 << 20)
#define COLD_BYTES ((int64_t)192 << 20) /* of pages that take turns: more than any cache */
#define RUNS_MAX 200

/* Rows of text over pages (page_type a type of page), or packed rows that see one another (-1). */
typedef struct shape {
    const char *what;
    int32_t     page_type, rows, depth; /* depth: keys before the first row */
    int32_t     heads, kv_heads, head_dim;
    int32_t     step; /* text: rows see their past. else: each `step` rows see one page more */
} shape;

static const shape shapes[] = {
    {"1B prefill 512", WF_BF16, 512, 0, 32, 8, 64, 0},
    {"1B prefill 512 of 8192", WF_BF16, 512, 7680, 32, 8, 64, 0},
    {"1B prefill 512 of 8192 f32", WF_F32, 512, 7680, 32, 8, 64, 0},
    {"1B prefill 512 of 8192 q8", WF_Q8, 512, 7680, 32, 8, 64, 0},
    {"8B prefill 512", WF_BF16, 512, 0, 32, 8, 128, 0},
    {"1B decode 8192", WF_BF16, 1, 8191, 32, 8, 64, 0},
    {"1B decode 8192 f32", WF_F32, 1, 8191, 32, 8, 64, 0},
    {"1B decode 8192 q8", WF_Q8, 1, 8191, 32, 8, 64, 0},
    {"8B decode 8192", WF_BF16, 1, 8191, 32, 8, 128, 0},
    {"cross-attention, dense", WF_BF16, 256, 1600, 32, 8, 64, 0x7fffffff},
    {"cross-attention, varlen", WF_BF16, 256, 1600, 32, 8, 64, 16},
    {"ViT-H tile", -1, 1601, 0, 16, 16, 80, 0},
    {"conformer 10 s", -1, 250, 0, 24, 24, 64, 0},
    {"conformer 60 s", -1, 1500, 0, 24, 24, 64, 0},
};

typedef struct bench {
    const char *isa, *only;
    double      seconds, flops, bytes; /* flops, bytes: what these threads reach a second */
    int32_t     threads, reserved;
    wf_ops      ops;
    wf_pool    *pool;
} bench;

/* What is timed: ops that take turns, and what one of them does. */
typedef struct work {
    wf_op  *ops;
    int64_t n_ops;
    double  flop, read;
} work;

static _Noreturn void fail(const char *why)
{
    fprintf(stderr, "attend: %s\n", why);
    exit(1);
}

static void *need(int64_t bytes)
{
    void *p = wf_alloc_aligned((size_t)bytes);
    if (p == NULL)
        fail("out of memory");
    return p;
}

/* Values in -1..1 with the spread that keys have: equal ones would make all exponentials alike. */
static float *floats(int64_t n)
{
    float   *p = need(n * 4);
    uint32_t state = 1;
    for (int64_t i = 0; i < n; i++) {
        state = state * 1664525u + 1013904223u;
        p[i] = (float)(state >> 8) * 0x1p-23f - 1.0f;
    }
    return p;
}

static double now(int32_t threads)
{
    struct timespec t;
    clock_gettime(threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- limits ---- */

typedef struct limit {
    const wf_peak *peak;
    wf_reader      read;
    const uint8_t *data;
    uint64_t       sum[64];
} limit;

static void multiply(void *ctx, int32_t index, int32_t count)
{
    const limit *l = ctx;
    (void)index;
    (void)count;
    l->peak->run(PEAK_ROUNDS);
}

static void read_all(void *ctx, int32_t index, int32_t count)
{
    limit   *l = ctx;
    uint64_t each = READ_BYTES / (uint64_t)count / 4096 * 4096;
    l->sum[index % 64] = l->read(l->data + (uint64_t)index * each, each, 1536);
}

static double best_time(const bench *b, wf_pool_fn fn, limit *l)
{
    double best = 1e9;
    for (int i = 0; i < 9; i++) {
        double t = now(b->threads);
        wf_pool_run(b->pool, fn, l);
        t = now(b->threads) - t;
        best = t < best ? t : best;
    }
    return best;
}

static void measure_limits(bench *b)
{
    limit    l = {.peak = wf_peak_find(wf_bench_peak(b->ops.isa, WF_F32)),
                  .read = wf_reader_of(wf_bench_cpu())};
    uint8_t *data = need(READ_BYTES);
    memset(data, 1, READ_BYTES);
    l.data = data;
    if (l.peak != NULL)
        b->flops = PEAK_ROUNDS * b->threads * l.peak->round / best_time(b, multiply, &l);
    b->bytes = (double)READ_BYTES / best_time(b, read_all, &l);
    wf_free_aligned(data);
}

/* ---- shapes ---- */

static double keys_of(const shape *s)
{
    if (s->page_type < 0)
        return (double)s->rows * s->rows;
    if (s->step == 0)
        return s->rows * (s->depth + (s->rows + 1) / 2.0);
    double sum = 0.0;
    for (int32_t r = 0; r < s->rows; r++) {
        int32_t blocks = s->depth / WF_KEY_BLOCK, seen = r / s->step + 1;
        sum += (double)(s->step > s->rows || seen > blocks ? blocks : seen) * WF_KEY_BLOCK;
    }
    return sum;
}

static work packed_work(const shape *s)
{
    int64_t  n = (int64_t)s->heads * s->head_dim;
    int32_t *begin = need(8);
    work     w = {need(sizeof(wf_op)), 1, 4.0 * keys_of(s) * s->heads * s->head_dim, 0.0};
    begin[0] = 0;
    begin[1] = s->rows;
    w.ops[0] = (wf_op){.kind = WF_OP_ATTEND,
                       .u.attend = {.out = floats(s->rows * n),
                                    .q = floats(s->rows * n),
                                    .k = floats(s->rows * n),
                                    .v = floats(s->rows * n),
                                    .q_begin = begin,
                                    .k_begin = begin,
                                    .q_stride = n,
                                    .k_stride = n,
                                    .v_stride = n,
                                    .out_stride = n,
                                    .m = s->rows,
                                    .keys = s->rows,
                                    .n_seqs = 1,
                                    .n_heads = s->heads,
                                    .n_kv_heads = s->kv_heads,
                                    .head_dim = s->head_dim,
                                    .scale = 0.125f}};
    return w;
}

/* Fills n pages through the op that fills them in a model. */
static void fill_pages(bench *b, const wf_kv *kv, int64_t n)
{
    int64_t  width = (int64_t)kv->n_kv_heads * kv->head_dim;
    float   *rows = floats(WF_KEY_BLOCK * width);
    int64_t *slot = need(WF_KEY_BLOCK * 8);
    wf_exec  ex = {.pool = b->pool, .ops = &b->ops};
    for (int64_t p = 0; p < n; p++) {
        for (int64_t i = 0; i < WF_KEY_BLOCK; i++)
            slot[i] = p * WF_KEY_BLOCK + i;
        wf_op op = {.kind = WF_OP_KV_STORE,
                    .u.kv_store = {*kv, rows, rows, slot, WF_KEY_BLOCK, width, width}};
        if (wf_op_run(&ex, &op) != WEFT_OK)
            fail("a page could not be filled");
    }
    wf_free_aligned(ex.scratch);
    wf_free_aligned(rows);
    wf_free_aligned(slot);
}

static void set_rows(const shape *s, wf_attend_pages *a)
{
    int32_t *begin = need(s->rows * 4 + 4), *end = need(s->rows * 4 + 4);
    int32_t *last = need(s->rows * 4 + 4);
    for (int32_t r = 0; r < s->rows; r++) {
        int32_t at = s->depth + r, blocks = s->depth / WF_KEY_BLOCK;
        begin[r] = 0;
        end[r] = s->step == 0                                    ? at / WF_KEY_BLOCK + 1
                 : s->step > s->rows || r / s->step + 1 > blocks ? blocks
                                                                 : r / s->step + 1;
        last[r] = s->step == 0 ? at % WF_KEY_BLOCK + 1 : WF_KEY_BLOCK;
    }
    a->row_begin = begin;
    a->row_end = end;
    a->row_last = last;
}

/* As many copies of the pages as COLD_BYTES hold, and an op for each. */
static work pages_work(bench *b, const shape *s)
{
    int64_t pages = (s->depth + s->rows + WF_KEY_BLOCK - 1) / WF_KEY_BLOCK;
    int64_t each = wf_cpu_page_bytes(s->page_type, WF_KEY_BLOCK, s->kv_heads, s->head_dim);
    int64_t n = s->rows > 1 ? 1 : COLD_BYTES / (pages * each) + 1;
    void  **pool = need((int64_t)sizeof *pool);
    work    w = {need(n * (int64_t)sizeof(wf_op)), n, 4.0 * keys_of(s) * s->heads * s->head_dim,
              s->rows > 1 ? 0.0 : (double)(pages * each)};
    pool[0] = need(n * pages * each);
    wf_attend_pages a = {.kv = {pool, each, s->page_type, s->kv_heads, s->head_dim, WF_KEY_BLOCK,
                                (int32_t)(n * pages), 0},
                         .out = floats((int64_t)s->rows * s->heads * s->head_dim),
                         .q = floats((int64_t)s->rows * s->heads * s->head_dim),
                         .m = s->rows,
                         .q_stride = (int64_t)s->heads * s->head_dim,
                         .out_stride = (int64_t)s->heads * s->head_dim,
                         .n_heads = s->heads,
                         .scale = 0.125f};
    set_rows(s, &a);
    fill_pages(b, &a.kv, n * pages);
    for (int64_t i = 0; i < n; i++) {
        wf_kv_span *spans = need(pages * (int64_t)sizeof *spans);
        for (int64_t p = 0; p < pages; p++)
            spans[p] = (wf_kv_span){(int32_t)(i * pages + p), WF_KEY_BLOCK};
        w.ops[i] = (wf_op){.kind = WF_OP_ATTEND_PAGES, .u.attend_pages = a};
        w.ops[i].u.attend_pages.spans = spans;
    }
    return w;
}

static void work_free(work *w)
{
    for (int64_t i = 0; i < w->n_ops; i++) {
        wf_attend_pages *p = &w->ops[i].u.attend_pages;
        wf_attend       *a = &w->ops[i].u.attend;
        bool             pages = w->ops[i].kind == WF_OP_ATTEND_PAGES;
        const void      *all[] = {pages ? p->out : a->out,
                             pages ? p->q : a->q,
                             pages ? (void *)p->kv.pools : a->q_begin,
                             pages ? p->kv.pools[0] : a->k,
                             pages ? p->row_begin : NULL,
                             pages ? p->row_end : NULL,
                             pages ? p->row_last : NULL,
                             pages ? NULL : a->v};
        for (size_t k = 0; i == 0 && k < sizeof all / sizeof *all; k++)
            wf_free_aligned((void *)(uintptr_t)all[k]);
        if (pages)
            wf_free_aligned((void *)(uintptr_t)p->spans);
    }
    wf_free_aligned(w->ops);
}

/* ---- timing ---- */

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(bench *b, const work *w)
{
    double  t[RUNS_MAX], spent = 0.0;
    int     n = 0;
    wf_exec ex = {.pool = b->pool, .ops = &b->ops};
    if (wf_op_run(&ex, &w->ops[0]) != WEFT_OK)
        fail("the op failed");
    for (; n < RUNS_MAX && (n < 3 || spent < b->seconds); n++) {
        double start = now(b->threads);
        if (wf_op_run(&ex, &w->ops[(n + 1) % w->n_ops]) != WEFT_OK)
            fail("the op failed");
        t[n] = now(b->threads) - start;
        spent += t[n];
    }
    wf_free_aligned(ex.scratch);
    qsort(t, (size_t)n, sizeof *t, ascending);
    return t[n / 2];
}

static void print_shape(bench *b, const shape *s)
{
    if (b->only != NULL && strstr(s->what, b->only) == NULL)
        return;
    work   w = s->page_type < 0 ? packed_work(s) : pages_work(b, s);
    double t = median(b, &w);
    printf("  %-27s %9.2f ms %7.1f GFLOP/s %4.0f %% of fp32", s->what, t * 1e3, w.flop / t * 1e-9,
           b->flops > 0.0 ? 100.0 * w.flop / t / b->flops : 0.0);
    if (w.read > 0.0)
        printf(" %7.1f GB/s %4.0f %% of reading", w.read / t * 1e-9, 100.0 * w.read / t / b->bytes);
    printf("\n");
    fflush(stdout);
    work_free(&w);
}

static void run(bench *b)
{
    wf_cpu_choice choice;
    weft_error    err = {0};
    if (wf_cpu_choose("max", b->isa, &choice, &err) != WEFT_OK)
        fail(err.message);
    if (wf_pool_create(b->threads, &b->pool, &err) != WEFT_OK)
        fail(err.message);
    wf_ops_init(&b->ops, choice.flags);
    measure_limits(b);
    printf("%s, %d threads: fp32 %.1f GFLOP/s, reading %.1f GB/s\n", b->ops.isa, b->threads,
           b->flops * 1e-9, b->bytes * 1e-9);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        print_shape(b, &shapes[i]);
    wf_pool_destroy(&b->pool);
}

int main(int argc, char **argv)
{
    bench   b = {.isa = "auto", .seconds = 0.5};
    int32_t threads = 0;
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 == argc)
            fail("an option has no value");
        if (strcmp(argv[i], "--isa") == 0)
            b.isa = argv[i + 1];
        else if (strcmp(argv[i], "--only") == 0)
            b.only = argv[i + 1];
        else if (strcmp(argv[i], "--threads") == 0)
            threads = atoi(argv[i + 1]);
        else if (strcmp(argv[i], "--seconds") == 0)
            b.seconds = atof(argv[i + 1]);
        else
            fail("--isa LEVEL, --threads N, --seconds S, --only WORD");
    }
    for (b.threads = threads > 0 ? threads : 1; b.threads <= (threads > 0 ? threads : 2);
         b.threads++)
        run(&b);
    return 0;
}
