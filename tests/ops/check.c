/* SPDX-License-Identifier: Apache-2.0 */
/* The harness of the op tests: check.h says what for. */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/base/cpu.h"

#define GUARD_BYTES 256
#define GUARD_VALUE 0x5c
#define SCRATCH_BYTES (256 << 10) /* more than most cases need */
#define BUFFERS_MAX 512
#define LEVELS_MAX 9

typedef struct buffer {
    uint8_t *base;
    size_t   bytes;
} buffer;

static uint64_t state;
static int      benching;
static buffer   buffers[BUFFERS_MAX];
static int32_t  n_buffers;

static const int32_t thread_counts[] = {1, 2, 3, 8};
static wf_pool      *pools[4];
static const char   *level_names[LEVELS_MAX];
static uint64_t      level_flags[LEVELS_MAX];
static wf_ops        level_ops[LEVELS_MAX];
static void (*level_before[LEVELS_MAX])(void);
static int32_t n_levels;

/* ---- random ---- */

void check_seed(uint64_t seed)
{
    state = seed * 0x9e3779b97f4a7c15ull + 1;
}

/* xorshift64*: the tests only need it to be the same everywhere. */
uint32_t check_random(void)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (uint32_t)((state * 0x2545f4914f6cdd1dull) >> 32);
}

int64_t check_between(int64_t low, int64_t high)
{
    return low + (int64_t)(check_random() % (uint64_t)(high - low + 1));
}

float check_float(check_fill fill)
{
    float unit = (float)(int32_t)check_random() * 0x1p-31f;
    switch (fill) {
    case CHECK_ZERO:
        return unit < 0.0f ? -0.0f : 0.0f;
    case CHECK_LARGE:
        return unit * 1e17f;
    case CHECK_DENORMAL:
        return unit * 0x1p-126f;
    case CHECK_MIXED:
        return ldexpf(unit, (int)check_between(-30, 30));
    default:
        return unit;
    }
}

/* ---- guarded memory ---- */

void *check_bytes(uint64_t bytes)
{
    assert_true(n_buffers < BUFFERS_MAX);
    size_t   inner = (size_t)bytes, all = inner + 2 * GUARD_BYTES;
    uint8_t *p = NULL;
    assert_int_equal(posix_memalign((void **)&p, 64, all), 0);
    memset(p, GUARD_VALUE, all);
    memset(p + GUARD_BYTES, 0xa5, inner);
    buffers[n_buffers++] = (buffer){p, inner};
    return p + GUARD_BYTES;
}

float *check_floats(int64_t n, check_fill fill)
{
    float *p = check_bytes((uint64_t)n * 4);
    for (int64_t i = 0; i < n; i++)
        p[i] = check_float(fill);
    return p;
}

static int guard_holds(const uint8_t *p)
{
    for (int i = 0; i < GUARD_BYTES; i++) {
        if (p[i] != GUARD_VALUE)
            return 0;
    }
    return 1;
}

void check_free_all(void)
{
    int held = 1;
    for (int32_t i = 0; i < n_buffers; i++) {
        uint8_t *p = buffers[i].base;
        held = held && guard_holds(p) && guard_holds(p + GUARD_BYTES + buffers[i].bytes);
        free(p);
    }
    n_buffers = 0;
    if (!held)
        fail_msg("a guard byte around a buffer was overwritten");
}

/* ---- levels ---- */

int32_t check_levels(void)
{
    return n_levels;
}

const char *check_level_name(int32_t level)
{
    return level_names[level];
}

uint64_t check_level_flags(int32_t level)
{
    return level_flags[level];
}

const wf_ops *check_ops(int32_t level)
{
    return &level_ops[level];
}

void check_add_level(const char *name, uint64_t flags, const wf_ops *ops, void (*before)(void))
{
    assert_true(n_levels < LEVELS_MAX);
    level_names[n_levels] = name;
    level_flags[n_levels] = flags;
    level_before[n_levels] = before;
    level_ops[n_levels++] = *ops;
}

static void find_levels(void)
{
    static const char *const names[] = {"none",       "avx2", "avxvnni", "avx512", "avx512vnni",
                                        "avx512bf16", "amx",  "neon",    "dotprod"};
    wf_ops                   ops;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        uint64_t flags;
        if (wf_cpu_mask(names[i], &flags, NULL) != WEFT_OK || (flags & ~wf_cpu_detect()) != 0)
            continue;
        wf_ops_init(&ops, flags);
        check_add_level(names[i], flags, &ops, NULL);
    }
}

static wf_pool *pool_of(int32_t threads)
{
    for (size_t i = 0; i < 4; i++) {
        if (thread_counts[i] == threads)
            return pools[i];
    }
    return NULL;
}

/* Scratch starts as NaNs: what an op reads of it before writing shows. */
void check_run(int32_t level, int32_t threads, const wf_op *op)
{
    wf_exec ex = {pool_of(threads), &level_ops[level], NULL, 0};
    assert_non_null(wf_exec_scratch(&ex, SCRATCH_BYTES));
    memset(ex.scratch, 0xff, SCRATCH_BYTES);
    if (level_before[level] != NULL)
        level_before[level]();
    weft_status status = wf_op_run(&ex, op);
    wf_free_aligned(ex.scratch);
    assert_int_equal(status, WEFT_OK);
}

wf_weight check_weight(int32_t level, int32_t dtype, const float *src, int64_t n, int64_t k)
{
    uint64_t  bytes = level_ops[level].weight_bytes(dtype, n, k);
    wf_weight w = {check_bytes(bytes), n, k, dtype, 0};
    memset(w.data, 0, (size_t)bytes);
    wf_op op = {.kind = WF_OP_PACK, .u.pack = {w, src, 0, n, WF_F32, 0}};
    check_run(level, 2, &op);
    return w;
}

wf_kv check_kv(int32_t dtype, int32_t n_kv_heads, int32_t head_dim, int32_t n_pages,
               int32_t pool_pages)
{
    int32_t n_pools = (n_pages + pool_pages - 1) / pool_pages;
    int64_t bytes = wf_cpu_page_bytes(dtype, WF_KEY_BLOCK, n_kv_heads, head_dim);
    void  **pool = check_bytes((uint64_t)n_pools * sizeof *pool);
    assert_true(bytes > 0);
    for (int32_t i = 0; i < n_pools; i++)
        pool[i] = check_bytes((uint64_t)(pool_pages * bytes));
    return (wf_kv){pool, bytes, dtype, n_kv_heads, head_dim, WF_KEY_BLOCK, pool_pages, 0};
}

uint8_t *check_page(const wf_kv *kv, int64_t page)
{
    return (uint8_t *)kv->pools[page / kv->pool_pages] + page % kv->pool_pages * kv->page_bytes;
}

float check_rounded(float f, int32_t dtype)
{
    if (dtype == WF_F32)
        return f;
    return dtype == WF_BF16 ? wf_round_bf16(f) : wf_from_f16(wf_to_f16(f));
}

/* ---- comparisons ---- */

void check_canary(float *y, int64_t m, int64_t n, int64_t stride)
{
    for (int64_t r = 0; r < m; r++) {
        for (int64_t i = n; i < stride; i++)
            y[r * stride + i] = CHECK_CANARY;
    }
}

static int same(float a, float b)
{
    return wf_bits(a) == wf_bits(b) || (a != a && b != b);
}

void check_same(const float *y, const float *expected, int64_t m, int64_t n, int64_t stride,
                const char *what)
{
    for (int64_t r = 0; r < m; r++) {
        for (int64_t i = 0; i < stride; i++) {
            float a = y[r * stride + i], e = i < n ? expected[r * stride + i] : CHECK_CANARY;
            if (!same(a, e))
                fail_msg("%s: row %lld of %lld, column %lld of %lld: %.9g (%08x) where %.9g (%08x) "
                         "was expected",
                         what, (long long)r, (long long)m, (long long)i, (long long)n, (double)a,
                         wf_bits(a), (double)e, wf_bits(e));
        }
    }
}

void check_nmse(const float *y, const double *e, int64_t m, int64_t n, int64_t stride, double bound,
                double floor, const char *what)
{
    double error = 0.0, scale = 0.0;
    for (int64_t r = 0; r < m; r++) {
        for (int64_t i = 0; i < n; i++) {
            double d = (double)y[r * stride + i] - e[r * n + i];
            error += d * d;
            scale += e[r * n + i] * e[r * n + i];
        }
    }
    if (!(error <= bound * scale + floor))
        fail_msg("%s: squared error %.3g of %.3g (%.3g) is over %.3g", what, error, scale,
                 error / scale, bound);
}

/* ---- bench ---- */

/* One thread is timed by the CPU time it was given: other work on the machine then costs it little.
 */
static double now(int32_t threads)
{
    struct timespec t;
    clock_gettime(threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int check_is_benching(void)
{
    return benching;
}

void check_bench(const char *name, int32_t level, int32_t threads, const wf_op *op, double flop,
                 double bytes)
{
    if (!benching)
        return;
    wf_exec ex = {pool_of(threads), &level_ops[level], NULL, 0};
    double  best = 1e9, start = now(threads);
    for (int i = 0; i < 3 || (now(threads) - start < 0.3 && i < 1000); i++) {
        double t = now(threads);
        assert_int_equal(wf_op_run(&ex, op), WEFT_OK);
        t = now(threads) - t;
        best = t < best ? t : best;
    }
    wf_free_aligned(ex.scratch);
    printf("%-34s %-10s %dt %10.1f us %8.1f GFLOP/s %7.1f GB/s\n", name, level_names[level],
           threads, best * 1e6, flop / best * 1e-9, bytes / best * 1e-9);
}

static void no_more(void)
{
}

int check_main(int argc, char **argv, const struct CMUnitTest *tests, size_t n_tests)
{
    return check_main_with(argc, argv, tests, n_tests, no_more);
}

int check_main_with(int argc, char **argv, const struct CMUnitTest *tests, size_t n_tests,
                    void (*more)(void))
{
    const char *seed = getenv("WEFT_SEED");
    uint64_t    number = seed != NULL ? strtoull(seed, NULL, 10) : (uint64_t)time(NULL);
    printf("seed: WEFT_SEED=%llu\n", (unsigned long long)number);
    check_seed(number);
    for (int i = 1; i < argc; i++)
        benching = benching || strcmp(argv[i], "--bench") == 0;
    for (size_t i = 0; i < 4; i++) {
        if (wf_pool_create(thread_counts[i], &pools[i], NULL) != WEFT_OK)
            return 1;
    }
    find_levels();
    more();
    int failed = _cmocka_run_group_tests("ops", tests, n_tests, NULL, NULL);
    for (size_t i = 0; i < 4; i++)
        wf_pool_destroy(&pools[i]);
    return failed;
}
