/* SPDX-License-Identifier: Apache-2.0 */
/* The limits of the machine: each is the best of a few runs, all threads at work together, since
 * other work on a machine only ever slows a run down. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/base/threads.h"
#include "core/base/status.h"
#include "core/base/time.h"
#include "core/bench/peaks.h"
#include "core/device/cpu/device.h"
#include "weft/bench.h"

#define RUNS 3 /* of PARTS each */
#define PEAK_RUNS                                                                                  \
    16 /* many short ones: one of them is not disturbed, however busy the machine is */
#define PEAK_S 0.006
#define PARTS 4 /* of the memory that is read, timed one by one for the same reason */
#define EACH ((uint64_t)64 << 20) /* of a thread */
#define USUAL ((uint64_t)256 << 20)
#define MOST ((uint64_t)1 << 30)
#define LEAST EACH
#define FILE_BLOCK ((uint64_t)1 << 20)
#define UNIT 4096 /* shares of the memory are a multiple of it */

typedef struct measuring {
    wf_pool            *pool;
    weft_bench_limit_fn fn;
    void               *ctx;
    weft_error         *err;
    uint32_t            cpu;
    int32_t             reserved;
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
    wf_pool_run(m->pool, run_peak, j);
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
    int32_t  threads = wf_pool_threads(m->pool);
    find_rounds(m, &j);
    for (int i = 0; i < PEAK_RUNS; i++) {
        double rate = p->round * (double)j.rounds * threads / seconds_of(m, &j);
        best = rate > best ? rate : best;
    }
    return give(m, p->name, p->unit, best * 1e-9, threads);
}

/* ---- memory ---- */

typedef struct read_job {
    wf_reader read;
    uint8_t  *p;
    uint64_t  bytes, ahead;
    uint64_t *sums; /* of each thread */
} read_job;

static void run_read(void *ctx, int32_t index, int32_t count)
{
    const read_job *j = ctx;
    int64_t         begin, end;
    wf_share((int64_t)j->bytes, UNIT, index, count, &begin, &end);
    j->sums[index] ^= j->read(j->p + begin, (uint64_t)(end - begin), j->ahead);
}

static void run_touch(void *ctx, int32_t index, int32_t count)
{
    const read_job *j = ctx;
    int64_t         begin, end;
    wf_share((int64_t)j->bytes, UNIT, index, count, &begin, &end);
    memset(j->p + begin, 1, (size_t)(end - begin));
}

static double best_rate(measuring *m, read_job *j)
{
    double   best = 0;
    read_job part = *j;
    part.bytes = j->bytes / (PARTS * UNIT) * UNIT;
    for (int i = 0; i < RUNS * PARTS; i++) {
        part.p = j->p + (uint64_t)(i % PARTS) * part.bytes;
        double start = wf_now_s();
        wf_pool_run(m->pool, run_read, &part);
        double rate = (double)part.bytes / (wf_now_s() - start);
        best = rate > best ? rate : best;
    }
    return best;
}

static double best_prefetched(measuring *m, read_job *j)
{
    static const uint64_t distances[] = {512, 1024, 1536, 2048, 4096};
    double                best = 0;
    for (size_t i = 0; i < sizeof distances / sizeof *distances; i++) {
        j->ahead = distances[i];
        double rate = best_rate(m, j);
        best = rate > best ? rate : best;
    }
    j->ahead = 0;
    return best;
}

/* Bytes of the last cache that the CPU tells of; 0: of none. */
static uint64_t last_cache(void)
{
#ifdef _SC_LEVEL3_CACHE_SIZE
    const long bytes = sysconf(_SC_LEVEL3_CACHE_SIZE);
    return bytes > 0 ? (uint64_t)bytes : 0;
#else
    return 0;
#endif
}

/* As much memory as is sensible to take: more than caches hold, far less than the machine has, and
 * not so much that a run spends its time on getting it. */
static uint64_t bytes_to_read(int32_t threads)
{
    uint64_t free_bytes, total, bytes = EACH * (uint64_t)threads;
    bytes = bytes < 4 * last_cache() ? 4 * last_cache() : bytes;
    bytes = bytes < USUAL ? USUAL : bytes < MOST ? bytes : MOST;
    if (wf_cpu_memory(&free_bytes, &total, NULL) == WEFT_OK && free_bytes / 8 < bytes)
        bytes = free_bytes / 8;
    return bytes / UNIT * UNIT;
}

static weft_status read_on(measuring *m, read_job *j, int advice)
{
    weft_status status = WEFT_OK;
    int32_t     threads = wf_pool_threads(m->pool);
    void       *p =
        mmap(NULL, (size_t)j->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return wf_fail_nomem(m->err, j->bytes, "measuring how fast memory is read");
    bool huge = madvise(p, (size_t)j->bytes, advice) == 0 && advice == MADV_HUGEPAGE;
    j->p = p;
    wf_pool_run(m->pool, run_touch, j);
    if (advice == MADV_NOHUGEPAGE) {
        status = give(m, "read.plain", "GB/s", best_rate(m, j) * 1e-9, threads);
        if (status == WEFT_OK)
            status = give(m, "read.prefetch", "GB/s", best_prefetched(m, j) * 1e-9, threads);
    } else if (huge) {
        status = give(m, "read.huge", "GB/s", best_prefetched(m, j) * 1e-9, threads);
    }
    munmap(p, (size_t)j->bytes);
    return status;
}

static weft_status measure_reads(measuring *m)
{
    read_job j = {.read = wf_reader_of(m->cpu), .bytes = bytes_to_read(wf_pool_threads(m->pool))};
    if (j.bytes < LEAST)
        return wf_fail_nomem(m->err, LEAST, "measuring how fast memory is read");
    j.sums = wf_zalloc_n((size_t)wf_pool_threads(m->pool), sizeof *j.sums);
    if (j.sums == NULL)
        return wf_fail_nomem(m->err, sizeof *j.sums, "measuring how fast memory is read");
    weft_status status = read_on(m, &j, MADV_NOHUGEPAGE);
    if (status == WEFT_OK)
        status = read_on(m, &j, MADV_HUGEPAGE);
    wf_free(j.sums);
    return status;
}

/* ---- files ---- */

/* Reads the file once; the rate, or 0: it could not be read whole. */
static double rate_of_file(int fd, void *block, uint64_t bytes)
{
    double start = wf_now_s();
    for (uint64_t at = 0; at < bytes; at += FILE_BLOCK)
        if (pread(fd, block, (size_t)FILE_BLOCK, (off_t)at) != (ssize_t)FILE_BLOCK)
            return 0;
    return (double)bytes / (wf_now_s() - start);
}

static bool fill_file(int fd, const void *block, uint64_t bytes)
{
    for (uint64_t at = 0; at < bytes; at += FILE_BLOCK)
        if (pwrite(fd, block, (size_t)FILE_BLOCK, (off_t)at) != (ssize_t)FILE_BLOCK)
            return false;
    return true;
}

static weft_status measure_file(measuring *m)
{
    uint64_t bytes = bytes_to_read(1);
    uint8_t *block = wf_alloc_aligned((size_t)FILE_BLOCK);
    int      fd = memfd_create("weft-bench", MFD_CLOEXEC);
    double   best = 0;
    bytes = bytes / FILE_BLOCK * FILE_BLOCK;
    if (block != NULL)
        memset(block, 1, (size_t)FILE_BLOCK);
    if (block != NULL && fd >= 0 && fill_file(fd, block, bytes))
        for (int i = 0; i < RUNS; i++) {
            double rate = rate_of_file(fd, block, bytes);
            best = rate > best ? rate : best;
        }
    if (fd >= 0)
        close(fd);
    wf_free_aligned(block);
    if (best <= 0)
        return wf_fail_nomem(m->err, bytes, "measuring how fast a file is read");
    return give(m, "read.file", "GB/s", best * 1e-9, 1);
}

static weft_status measure_all(measuring *m)
{
    weft_status status = measure_reads(m);
    if (status == WEFT_OK)
        status = measure_file(m);
    for (const wf_peak *p = wf_peaks; status == WEFT_OK && p->name != NULL; p++)
        if ((m->cpu & p->needs) == p->needs)
            status = measure_peak(m, p);
    return status;
}

weft_status weft_bench_limits(int32_t threads, weft_bench_limit_fn fn, void *ctx, weft_error *err)
{
    measuring   m = {.fn = fn, .ctx = ctx, .err = err, .cpu = wf_bench_cpu()};
    weft_status status = wf_pool_create(threads, &m.pool, err);
    if (status != WEFT_OK)
        return status;
    status = measure_all(&m);
    wf_pool_destroy(&m.pool);
    return status;
}
