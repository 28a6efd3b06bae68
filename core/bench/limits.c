/* SPDX-License-Identifier: Apache-2.0 */
/* The limits of the machine: each is the best of a few runs, all threads at work together, since
 * other work on a machine only ever slows a run down. */
#include <string.h>

#include "core/base/mem.h"
#include "core/base/status.h"
#include "core/base/time.h"
#include "core/bench/memory.h"
#include "weft/bench.h"

#define RUNS 3 /* before a time counts as long enough */
#define PEAK_RUNS                                                                                  \
    16 /* many short ones: one of them is not disturbed, however busy the machine is */
#define PEAK_S 0.006
#define NOW_S 0.02      /* of a look at what the machine gives now */
#define NOW_ROUNDS 4000 /* between two looks at the clock */

struct weft_bench_limits {
    wf_pool        *pool;
    double         *rates; /* of each thread */
    wf_bench_memory memory;
    uint32_t        cpu;
    int32_t         reserved;
};

/* One measurement of them. */
typedef struct measuring {
    weft_bench_limits  *of;
    weft_bench_limit_fn fn;
    void               *ctx;
    weft_error         *err;
} measuring;

static weft_status give(measuring *m, const char *name, const char *unit, double value,
                        int32_t threads)
{
    weft_bench_limit l = {.hdr = WEFT_HDR(weft_bench_limit),
                          .name = name,
                          .unit = unit,
                          .value = value,
                          .threads = threads};
    return m->fn(m->ctx, &l) == 0 ? WEFT_OK : wf_fail(m->err, WEFT_E_CANCELLED, "cancelled");
}

/* ---- arithmetic ---- */

typedef struct peak_job {
    const wf_peak *p;
    uint64_t       rounds;
} peak_job;

static void run_peak(void *ctx, int32_t index, int32_t count)
{
    const peak_job *j = ctx;
    (void)index;
    (void)count;
    j->p->run(j->rounds);
}

static double seconds_of(measuring *m, peak_job *j)
{
    double start = wf_now_s();
    wf_pool_run(m->of->pool, run_peak, j);
    return wf_now_s() - start;
}

/* So many rounds that one run takes long enough to be timed. Other work only lengthens a run, and
 * would pass for work of its own: the least of a few runs counts. */
static void find_rounds(measuring *m, peak_job *j)
{
    for (double least = 0; least < PEAK_S / 2; j->rounds *= 2) {
        least = PEAK_S;
        for (int i = 0; i < RUNS; i++) {
            double s = seconds_of(m, j);
            least = s < least ? s : least;
        }
    }
}

static weft_status measure_peak(measuring *m, const wf_peak *p)
{
    peak_job j = {p, 1000};
    double   best = 0;
    int32_t  threads = wf_pool_threads(m->of->pool);
    find_rounds(m, &j);
    for (int i = 0; i < PEAK_RUNS; i++) {
        double rate = p->round * (double)j.rounds * threads / seconds_of(m, &j);
        best = rate > best ? rate : best;
    }
    return give(m, p->name, p->unit, best * 1e-9, threads);
}

/* ---- as it is now ---- */

typedef struct now_job {
    const wf_peak *p;
    double        *rates;
} now_job;

/* Each thread is timed by itself: none waits for a slower one. */
static void run_peak_now(void *ctx, int32_t index, int32_t count)
{
    const now_job *j = ctx;
    double         done = 0, start = wf_now_s(), taken = 0;
    (void)count;
    for (; taken < NOW_S; taken = wf_now_s() - start) {
        j->p->run(NOW_ROUNDS);
        done += NOW_ROUNDS;
    }
    j->rates[index] = done * j->p->round / taken;
}

/* Of a peak, or of reading where p is NULL: all threads together. */
static double rate_now(const weft_bench_limits *l, const wf_peak *p)
{
    now_job job = {p, l->rates};
    double  sum = 0;
    if (p != NULL)
        wf_pool_run(l->pool, run_peak_now, &job);
    else
        wf_bench_read_now(&l->memory, NOW_S, l->rates);
    for (int32_t i = 0; i < wf_pool_threads(l->pool); i++)
        sum += l->rates[i];
    return sum;
}

weft_status weft_bench_limits_now(weft_bench_limits *l, const char *name, double *value,
                                  weft_error *err)
{
    const wf_peak *p = wf_peak_find(name);
    double         rate = 0;
    if (p != NULL || strcmp(name, "read") == 0)
        rate = rate_now(l, p);
    else if (strcmp(name, "read.file") == 0)
        rate = wf_bench_read_file_now(&l->memory);
    else
        return wf_fail(err, WEFT_E_NOTFOUND, "%.80s is no limit of this machine", name);
    *value = rate * 1e-9;
    return rate > 0 ? WEFT_OK : wf_fail(err, WEFT_E_IO, "a file in memory cannot be read");
}

/* ---- all ---- */

/* GB/s of threads together. */
static weft_status give_read(measuring *m, const char *name, double rate, int32_t threads)
{
    return give(m, name, "GB/s", rate * 1e-9, threads);
}

static weft_status measure_reads(measuring *m)
{
    wf_bench_memory *memory = &m->of->memory;
    int32_t          threads = wf_pool_threads(m->of->pool);
    weft_status      status = give_read(m, "read.plain", wf_bench_read_plain(memory), threads);
    if (status == WEFT_OK)
        status = give_read(m, "read.prefetch", wf_bench_read_prefetched(memory, false), threads);
    if (status == WEFT_OK && memory->huge != NULL)
        status = give_read(m, "read.huge", wf_bench_read_prefetched(memory, true), threads);
    if (status != WEFT_OK)
        return status;
    double rate = wf_bench_read_file(memory);
    if (rate <= 0)
        return wf_fail(m->err, WEFT_E_IO, "a file in memory cannot be read");
    return give_read(m, "read.file", rate, 1);
}

weft_status weft_bench_limits_create(int32_t threads, weft_bench_limits **out, weft_error *err)
{
    *out = NULL;
    weft_bench_limits *l = wf_zalloc(sizeof *l);
    if (l == NULL)
        return wf_fail_nomem(err, sizeof *l, "measuring limits");
    l->cpu = wf_bench_cpu();
    weft_status status = wf_pool_create(threads, &l->pool, err);
    if (status == WEFT_OK)
        l->rates = wf_zalloc_n((size_t)wf_pool_threads(l->pool), sizeof *l->rates);
    if (status == WEFT_OK && l->rates == NULL)
        status = wf_fail_nomem(err, sizeof *l->rates, "measuring limits");
    if (status == WEFT_OK)
        status = wf_bench_memory_create(l->pool, l->cpu, &l->memory, err);
    if (status != WEFT_OK)
        weft_bench_limits_destroy(&l);
    *out = l;
    return status;
}

weft_status weft_bench_limits_measure(weft_bench_limits *l, weft_bench_limit_fn fn, void *ctx,
                                      weft_error *err)
{
    measuring   m = {l, fn, ctx, err};
    weft_status status = measure_reads(&m);
    for (const wf_peak *p = wf_peaks; status == WEFT_OK && p->name != NULL; p++)
        if ((l->cpu & p->needs) == p->needs)
            status = measure_peak(&m, p);
    return status;
}

void weft_bench_limits_destroy(weft_bench_limits **l)
{
    if (*l == NULL)
        return;
    wf_bench_memory_destroy(&(*l)->memory);
    wf_pool_destroy(&(*l)->pool);
    wf_free((*l)->rates);
    wf_free(*l);
    *l = NULL;
}
