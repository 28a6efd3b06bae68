/* SPDX-License-Identifier: Apache-2.0 */
/* linear with q8 and q4 weights beside bf16 ones, on shapes of a 1B model, cold: every call takes
 * other weights, so that they come from memory as in a model.
 *
 *     bench/quant [LEVEL [THREADS [ROWS]]]        such as: bench/quant avx2 1
 *
 * ROWS is 1, 8 or 512: those shapes alone.
 * For one row: bytes of weights a second, and their share of what plain reading reaches in the same
 * run. For more: multiplications and additions a second, and how many times bf16's those are. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/cpu.h"
#include "core/base/mem.h"
#include "core/device/cpu/internal.h"

#define COLD_BYTES ((int64_t)256 << 20) /* more than the last cache holds */
#define REPEATS 5

typedef struct shape {
    int64_t m, n, k;
} shape;

static const shape shapes[] = {
    {1, 2048, 2048},  {1, 16384, 2048},   {1, 2048, 8192},
    {8, 16384, 2048}, {512, 16384, 2048}, {512, 2048, 8192},
};

/* One thread is timed by the CPU time that it was given, so that other work costs little. */
static double now_s(const wf_exec *ex)
{
    struct timespec t;
    clock_gettime(wf_pool_threads(ex->pool) == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void *memory(int64_t bytes)
{
    void *p = wf_alloc_aligned((size_t)bytes);
    if (p == NULL) {
        fprintf(stderr, "quant: no memory\n");
        exit(1);
    }
    memset(p, 1, (size_t)bytes);
    return p;
}

typedef struct reading {
    const uint8_t   *p;
    _Atomic uint64_t sum; /* so that reading is not left out */
} reading;

static void read_all(void *ctx, int64_t begin, int64_t end)
{
    reading *r = ctx;
    uint64_t sum = 0;
    for (int64_t i = begin; i < end; i += 64) {
        uint64_t v;
        __builtin_prefetch(r->p + i + 2048);
        memcpy(&v, r->p + i, sizeof v);
        sum += v;
    }
    r->sum += sum;
}

/* Bytes a second. */
static double read_bandwidth(wf_exec *ex)
{
    reading r = {memory(COLD_BYTES), 0};
    double  best = 1e9;
    for (int i = 0; i < REPEATS; i++) {
        double t = now_s(ex);
        wf_range_run(ex, COLD_BYTES, 1 << 16, read_all, &r);
        t = now_s(ex) - t;
        best = t < best ? t : best;
    }
    wf_free_aligned((void *)(uintptr_t)r.p);
    return (double)COLD_BYTES / best;
}

static double middle_of(double *t)
{
    for (int i = 1; i < REPEATS; i++)
        for (int k = i; k > 0 && t[k] < t[k - 1]; k--) {
            double held = t[k];
            t[k] = t[k - 1];
            t[k - 1] = held;
        }
    return t[REPEATS / 2];
}

/* x of which every seventh group is wide, as in a model, and takes a second plane. */
static float *rows_of_x(shape s)
{
    float *x = memory(s.m * s.k * 4);
    for (int64_t i = 0; i < s.m * s.k; i++)
        x[i] = (float)(i % 5 - 2) * (i % s.k / WF_GROUP % 7 == 3 ? 8.0f : 1.0f);
    return x;
}

/* Seconds of one call; the weights are as many as COLD_BYTES hold. Their values are all the same:
 * the time does not depend on them. */
static double seconds(wf_exec *ex, shape s, int32_t format)
{
    int64_t  each = (int64_t)ex->ops->weight_bytes(format, s.n, s.k), n = COLD_BYTES / each + 1;
    uint8_t *w = memory(n * each);
    float   *x = rows_of_x(s), *y = memory(s.m * s.n * 4);
    double   t[REPEATS];
    int64_t  calls = s.m > 8 ? 1 : n;
    for (int i = 0; i < REPEATS; i++) {
        double start = now_s(ex);
        for (int64_t c = 0; c < calls; c++) {
            wf_op op = {.kind = WF_OP_LINEAR,
                        .u.linear = {.y = y,
                                     .x = x,
                                     .w = {w + (i + c) % n * each, s.n, s.k, format, 0},
                                     .m = s.m,
                                     .x_stride = s.k,
                                     .y_stride = s.n,
                                     .scale = 1.0f}};
            if (wf_op_run(ex, &op) != WEFT_OK)
                exit(1);
        }
        t[i] = (now_s(ex) - start) / (double)calls;
    }
    wf_free_aligned(w);
    wf_free_aligned(x);
    wf_free_aligned(y);
    return middle_of(t);
}

static void print_shape(wf_exec *ex, shape s, double bandwidth)
{
    static const int32_t formats[] = {WF_BF16, WF_Q8, WF_Q4};
    double               bf16 = 0.0;
    for (int i = 0; i < 3; i++) {
        double t = seconds(ex, s, formats[i]);
        double flop = 2.0 * (double)s.m * (double)s.n * (double)s.k;
        double bytes = (double)(s.n * wf_row_bytes(formats[i], s.k)) / t;
        bf16 = i == 0 ? t : bf16;
        printf("%4lld x %5lld x %5lld  %-4s %10.1f us %8.1f GFLOP/s  %4.2f x bf16 %7.1f GB/s %3.0f "
               "%% of reading\n",
               (long long)s.m, (long long)s.k, (long long)s.n, wf_format_name(formats[i]), t * 1e6,
               flop / t * 1e-9, bf16 / t, bytes * 1e-9, 100.0 * bytes / bandwidth);
        fflush(stdout);
    }
}

int main(int argc, char **argv)
{
    uint64_t flags = wf_cpu_detect();
    int      rows = argc > 3 ? atoi(argv[3]) : 0;
    wf_ops   ops;
    wf_exec  ex = {.ops = &ops};
    if (argc > 1 && wf_cpu_mask(argv[1], &flags, NULL) != WEFT_OK)
        return 2;
    if (argc > 3 && rows != 1 && rows != 8 && rows != 512)
        return 2;
    if (wf_pool_create(argc > 2 ? atoi(argv[2]) : 0, &ex.pool, NULL) != WEFT_OK)
        return 1;
    wf_ops_init(&ops, flags);
    double bandwidth = read_bandwidth(&ex);
    printf("%s, %d threads; reading: %.1f GB/s\n", ops.isa, wf_pool_threads(ex.pool),
           bandwidth * 1e-9);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        if (rows == 0 || shapes[i].m == rows)
            print_shape(&ex, shapes[i], bandwidth);
    wf_free_aligned(ex.scratch);
    wf_pool_destroy(&ex.pool);
    return 0;
}
