/* SPDX-License-Identifier: Apache-2.0 */
/* How near linear comes to what the machine can do, shape by shape:
 *
 *     bench/linear [--isa LEVEL] [--format bf16|f32|f16] [--m M] [--threads N] [--seconds S]
 *
 * For each shape the best and the median of as many runs as fit into S seconds (default 0.5), and
 * the share that the median is of the limit that counts: of the peak of the level's instruction, or
 * of read bandwidth where the weights take longer to read than to multiply. Both limits are
 * measured just before. Every run takes another copy of the weights, so that none lies in a cache.
 * One thread is timed by the CPU time that it was given, so that other work on the machine costs
 * little; two and more by the clock. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/mem.h"
#include "core/bench/cases.h"
#include "core/bench/peaks.h"
#include "core/device/cpu/choose.h"
#include "core/device/cpu/dispatch.h"

#define COLD_BYTES ((uint64_t)384 << 20) /* of copies: more than any cache */
#define READ_BYTES (512 << 20)
#define READ_RUNS 7
#define PEAK_ROUNDS (1 << 18) /* a few milliseconds, so that some run is not interrupted */
#define PEAK_RUNS 40
#define AHEAD_BYTES 1536 /* of what is read: near the best on every machine measured */
#define RUNS_MAX 400
#define COPIES_MAX 256

typedef struct shape {
    int64_t     m, n, k;
    const char *what;
} shape;

static const shape shapes[] = {
    {1, 2048, 2048, "1B, one token: q, o"},       {1, 8192, 2048, "1B, one token: gate, up"},
    {1, 2048, 8192, "1B, one token: down"},       {1, 128256, 2048, "1B, one token: head"},
    {8, 2048, 2048, "1B, batch of 8: q, o"},      {8, 8192, 2048, "1B, batch of 8: gate, up"},
    {8, 2048, 8192, "1B, batch of 8: down"},      {512, 2048, 2048, "1B, prefill: q, o"},
    {512, 8192, 2048, "1B, prefill: gate, up"},   {512, 2048, 8192, "1B, prefill: down"},
    {1601, 1280, 1280, "ViT-H tile: q, k, v, o"}, {1601, 5120, 1280, "ViT-H tile: fc1"},
    {1601, 1280, 5120, "ViT-H tile: fc2"}};

typedef struct options {
    const char *isa, *format;
    int64_t     m;
    int32_t     threads; /* 0: one and two */
    double      seconds;
} options;

typedef struct bench {
    options  o;
    wf_ops   ops;
    wf_pool *pool;
    int32_t  threads, format;
    double   flops, bytes; /* a second: what these threads can multiply and add, and read */
} bench;

static _Noreturn void fail(const char *why)
{
    fprintf(stderr, "linear: %s\n", why);
    exit(1);
}

static void *need(size_t bytes)
{
    void *p = wf_alloc_aligned(bytes);
    if (p == NULL)
        fail("out of memory");
    return p;
}

static double seconds(int32_t threads)
{
    struct timespec t;
    clock_gettime(threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* ---- limits ---- */

typedef struct limit {
    const wf_peak *peak;
    wf_reader      read;
    const uint8_t *data;
    uint64_t       sum[64]; /* one a thread: what is summed is read */
} limit;

static void multiply_share(void *ctx, int32_t index, int32_t count)
{
    const limit *l = ctx;
    (void)index;
    (void)count;
    l->peak->run(PEAK_ROUNDS);
}

static void read_share(void *ctx, int32_t index, int32_t count)
{
    limit  *l = ctx;
    int64_t begin, end;
    wf_share(READ_BYTES, 4096, index, count, &begin, &end);
    l->sum[index % 64] = l->read(l->data + begin, (uint64_t)(end - begin), AHEAD_BYTES);
}

static double best_time(const bench *b, wf_pool_fn fn, limit *l, int32_t runs)
{
    double best = 1e9;
    for (int32_t i = 0; i < runs; i++) {
        double t = seconds(b->threads);
        wf_pool_run(b->pool, fn, l);
        t = seconds(b->threads) - t;
        best = t < best ? t : best;
    }
    return best;
}

/* A level of which no loop is known has no peak: 0. */
static void measure_limits(bench *b)
{
    limit    l = {.peak = wf_peak_find(wf_bench_peak(b->ops.isa, b->format)),
                  .read = wf_reader_of(wf_bench_cpu())};
    uint8_t *data = need(READ_BYTES);
    memset(data, 1, READ_BYTES);
    l.data = data;
    b->flops = 0.0;
    if (l.peak != NULL)
        b->flops =
            l.peak->round * PEAK_ROUNDS * b->threads / best_time(b, multiply_share, &l, PEAK_RUNS);
    b->bytes = READ_BYTES / best_time(b, read_share, &l, READ_RUNS);
    wf_free_aligned(data);
}

/* ---- a shape ---- */

typedef struct work {
    wf_linear op;
    wf_weight copy[COPIES_MAX];
    int32_t   copies;
    float    *src;
} work;

static float *numbers(int64_t n)
{
    float   *p = need((size_t)n * 4);
    uint64_t state = 88172645463325252u;
    for (int64_t i = 0; i < n; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        p[i] = (float)(int32_t)(state >> 32) * 0x1p-31f;
    }
    return p;
}

static void make(const bench *b, const shape *s, work *w)
{
    uint64_t bytes = b->ops.weight_bytes(b->format, s->n, s->k);
    int64_t  want = (int64_t)(COLD_BYTES / bytes) + 1;
    wf_exec  ex = {b->pool, &b->ops, NULL, 0};
    float   *src = numbers(s->n * s->k);
    w->copies = (int32_t)(want < COPIES_MAX ? want : COPIES_MAX);
    w->op = (wf_linear){.x = numbers(s->m * s->k),
                        .y = need((size_t)(s->m * s->n) * 4),
                        .m = s->m,
                        .x_stride = s->k,
                        .y_stride = s->n,
                        .scale = 1.0f};
    for (int32_t i = 0; i < w->copies; i++) {
        w->copy[i] = (wf_weight){need((size_t)bytes), s->n, s->k, b->format, 0};
        wf_op op = {.kind = WF_OP_PACK, .u.pack = {w->copy[i], src, 0, s->n, WF_F32, 0}};
        if (wf_op_run(&ex, &op) != WEFT_OK)
            fail("out of memory");
    }
    wf_free_aligned(src);
}

static void drop(work *w)
{
    for (int32_t i = 0; i < w->copies; i++)
        wf_free_aligned(w->copy[i].data);
    wf_free_aligned((void *)(uintptr_t)w->op.x);
    wf_free_aligned(w->op.y);
}

/* Times of single runs, ascending. */
static int32_t measure(const bench *b, work *w, double *times)
{
    wf_exec ex = {b->pool, &b->ops, NULL, 0};
    double  start = seconds(b->threads);
    int32_t n = -1; /* the first run is a warm-up */
    while (n < RUNS_MAX && (n < 5 || seconds(b->threads) - start < b->o.seconds)) {
        wf_op op = {.kind = WF_OP_LINEAR, .u.linear = w->op};
        op.u.linear.w = w->copy[(n + 1) % w->copies];
        double t = seconds(b->threads);
        if (wf_op_run(&ex, &op) != WEFT_OK)
            fail("out of memory");
        if (n >= 0)
            times[n] = seconds(b->threads) - t;
        n++;
    }
    wf_free_aligned(ex.scratch);
    qsort(times, (size_t)n, sizeof *times, ascending);
    return n;
}

static void bench_shape(const bench *b, const shape *s)
{
    work   w;
    double times[RUNS_MAX];
    make(b, s, &w);
    int32_t n = measure(b, &w, times);
    double  flop = 2.0 * (double)s->m * (double)s->n * (double)s->k;
    double  bytes = (double)(s->n * s->k * wf_dtype_bytes(b->format));
    double  by_flops = b->flops > 0.0 ? flop / b->flops : 0.0, by_bytes = bytes / b->bytes;
    double  least = by_flops > by_bytes ? by_flops : by_bytes, median = times[n / 2];
    printf("%-24s %4lld x %4lld x %6lld %8.1f GF/s %6.1f GB/s %4.0f %% of %s, best %3.0f %% (%d)\n",
           s->what, (long long)s->m, (long long)s->k, (long long)s->n, flop / median * 1e-9,
           bytes / median * 1e-9, 100.0 * least / median,
           by_flops > by_bytes ? "peak" : "bandwidth", 100.0 * least / times[0], (int)n);
    fflush(stdout);
    drop(&w);
}

/* ---- the command ---- */

static void bench_threads(bench *b, int32_t threads)
{
    weft_error err = {.hdr = WEFT_HDR(weft_error)};
    b->threads = threads;
    if (wf_pool_create(threads, &b->pool, &err) != WEFT_OK)
        fail(err.message);
    measure_limits(b);
    printf("%s by %s, %d threads: peak %.1f GF/s, read %.1f GB/s\n", b->o.format, b->ops.isa,
           threads, b->flops * 1e-9, b->bytes * 1e-9);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        if (b->o.m == 0 || b->o.m == shapes[i].m)
            bench_shape(b, &shapes[i]);
    wf_pool_destroy(&b->pool);
}

static void parse(options *o, int argc, char **argv)
{
    *o = (options){"auto", "bf16", 0, 0, 0.5};
    for (int i = 1; i < argc; i += 2) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--isa") == 0)
            o->isa = value;
        else if (strcmp(argv[i], "--format") == 0)
            o->format = value;
        else if (strcmp(argv[i], "--m") == 0)
            o->m = atoll(value);
        else if (strcmp(argv[i], "--threads") == 0)
            o->threads = atoi(value);
        else if (strcmp(argv[i], "--seconds") == 0)
            o->seconds = atof(value);
        else
            fail("usage: linear [--isa LEVEL] [--format bf16|f32|f16] [--m M] [--threads N] "
                 "[--seconds S]");
    }
}

int main(int argc, char **argv)
{
    static bench  b;
    wf_cpu_choice c;
    weft_error    err = {.hdr = WEFT_HDR(weft_error)};
    parse(&b.o, argc, argv);
    for (b.format = WF_F32; strcmp(wf_format_name(b.format), b.o.format) != 0; b.format++)
        if (b.format > WF_F16)
            fail("the format is one of f32, bf16, f16");
    if (wf_cpu_choose("max", b.o.isa, &c, &err) != WEFT_OK)
        fail(err.message);
    wf_ops_init(&b.ops, c.flags);
    for (int32_t threads = 1; threads <= 2; threads++)
        if (b.o.threads == 0 && threads <= wf_pool_default_threads())
            bench_threads(&b, threads);
    if (b.o.threads > 0)
        bench_threads(&b, b.o.threads);
    return 0;
}
