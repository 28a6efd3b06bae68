/* SPDX-License-Identifier: Apache-2.0 */
#include "core/bench/memory.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/base/status.h"
#include "core/base/time.h"
#include "core/device/cpu/device.h"

#define RUNS 3  /* of PARTS each */
#define PARTS 4 /* of the memory that is read, timed one by one: other work slows fewer of them */
#define EACH ((uint64_t)64 << 20) /* of a thread */
#define USUAL ((uint64_t)128 << 20)
#define MOST ((uint64_t)1 << 30)
#define LEAST EACH
#define FILE_BLOCK ((uint64_t)1 << 20) /* as dd is mostly called */
#define PIECE ((int64_t)1 << 20)       /* that is read between two looks at the clock */
#define UNIT 4096                      /* threads' shares of the memory are a multiple of it */
#define CACHES 4                       /* levels that the system tells of */

/* ---- getting it ---- */

/* Bytes of the largest cache that the first CPU has; 0: the system does not say. (sysconf() tells
 * what all cores of a socket have together, most of which a few threads do not see.) */
static uint64_t largest_cache(void)
{
    uint64_t largest = 0;
    for (int i = 0; i < CACHES; i++) {
        char               path[64];
        unsigned long long kib = 0;
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/size", i);
        FILE *f = fopen(path, "re");
        if (f != NULL && fscanf(f, "%lluK", &kib) == 1 && kib << 10 > largest)
            largest = kib << 10;
        if (f != NULL)
            fclose(f);
    }
    return largest;
}

/* More than caches hold, and far less than the machine has: it is held while models are measured.
 * 0: there is not enough. */
static uint64_t bytes_to_read(int32_t threads)
{
    uint64_t free_bytes, total, bytes = EACH * (uint64_t)threads, cache = largest_cache();
    bytes = bytes < USUAL ? USUAL : bytes;
    bytes = cache < MOST && bytes < 4 * cache ? 4 * cache : bytes;
    bytes = bytes < MOST ? bytes : MOST;
    if (wf_cpu_memory(&free_bytes, &total, NULL) == WEFT_OK) {
        if (free_bytes / 8 < LEAST)
            return 0;
        uint64_t share = free_bytes / 32 < LEAST ? LEAST : free_bytes / 32;
        bytes = bytes < share ? bytes : share;
    }
    return bytes / FILE_BLOCK * FILE_BLOCK;
}

typedef struct touch_job {
    uint8_t *p;
    uint64_t bytes;
} touch_job;

static void run_touch(void *ctx, int32_t index, int32_t count)
{
    const touch_job *j = ctx;
    int64_t          begin, end;
    wf_share((int64_t)j->bytes, UNIT, index, count, &begin, &end);
    memset(j->p + begin, 1, (size_t)(end - begin));
}

/* NULL: there is none, or no huge pages. */
static uint8_t *touched(const wf_bench_memory *m, int advice)
{
    void *p =
        mmap(NULL, (size_t)m->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    if (madvise(p, (size_t)m->bytes, advice) != 0 && advice == MADV_HUGEPAGE) {
        munmap(p, (size_t)m->bytes);
        return NULL;
    }
    touch_job j = {p, m->bytes};
    wf_pool_run(m->pool, run_touch, &j);
    return p;
}

static bool fill_file(const wf_bench_memory *m)
{
    memset(m->block, 1, (size_t)FILE_BLOCK);
    for (uint64_t at = 0; at < m->bytes; at += FILE_BLOCK)
        if (pwrite(m->fd, m->block, (size_t)FILE_BLOCK, (off_t)at) != (ssize_t)FILE_BLOCK)
            return false;
    return true;
}

weft_status wf_bench_memory_create(wf_pool *pool, uint32_t cpu, wf_bench_memory *out,
                                   weft_error *err)
{
    *out = (wf_bench_memory){.pool = pool, .read = wf_reader_of(cpu), .fd = -1};
    out->bytes = bytes_to_read(wf_pool_threads(pool));
    if (out->bytes > 0) {
        out->sums = wf_zalloc_n((size_t)wf_pool_threads(pool), sizeof *out->sums);
        out->block = wf_alloc_aligned((size_t)FILE_BLOCK);
        out->plain = touched(out, MADV_NOHUGEPAGE);
        out->huge = touched(out, MADV_HUGEPAGE);
        out->fd = memfd_create("weft-bench", MFD_CLOEXEC);
    }
    if (out->sums != NULL && out->block != NULL && out->plain != NULL && out->fd >= 0 &&
        fill_file(out))
        return WEFT_OK;
    uint64_t asked = out->bytes > 0 ? out->bytes : LEAST;
    wf_bench_memory_destroy(out);
    return wf_fail_nomem(err, asked, "measuring how fast memory is read");
}

void wf_bench_memory_destroy(wf_bench_memory *m)
{
    if (m->bytes == 0)
        return;
    if (m->plain != NULL)
        munmap(m->plain, (size_t)m->bytes);
    if (m->huge != NULL)
        munmap(m->huge, (size_t)m->bytes);
    if (m->fd >= 0)
        close(m->fd);
    wf_free_aligned(m->block);
    wf_free(m->sums);
    *m = (wf_bench_memory){0};
}

/* ---- reading it ---- */

typedef struct read_job {
    const wf_bench_memory *m;
    const uint8_t         *p;
    uint64_t               bytes, ahead;
} read_job;

static void run_read(void *ctx, int32_t index, int32_t count)
{
    const read_job *j = ctx;
    int64_t         begin, end;
    wf_share((int64_t)j->bytes, UNIT, index, count, &begin, &end);
    j->m->sums[index] ^= j->m->read(j->p + begin, (uint64_t)(end - begin), j->ahead);
}

static double best_rate(wf_bench_memory *m, bool huge, uint64_t ahead)
{
    const uint8_t *p = huge ? m->huge : m->plain;
    double         best = 0;
    for (uint64_t i = 0; i < RUNS * PARTS; i++) {
        uint64_t bytes = m->bytes / PARTS;
        read_job part = {m, p + i % PARTS * bytes, bytes, ahead};
        double   start = wf_now_s();
        wf_pool_run(m->pool, run_read, &part);
        double rate = (double)bytes / (wf_now_s() - start);
        best = rate > best ? rate : best;
    }
    if (best > m->fastest) {
        m->fastest = best;
        m->huge_is_fastest = huge;
        m->ahead = ahead;
    }
    return best;
}

double wf_bench_read_plain(wf_bench_memory *m)
{
    return best_rate(m, false, 0);
}

double wf_bench_read_prefetched(wf_bench_memory *m, bool huge)
{
    static const uint64_t distances[] = {512, 1024, 1536, 2048, 4096};
    double                best = 0;
    for (size_t i = 0; i < sizeof distances / sizeof *distances; i++) {
        double rate = best_rate(m, huge, distances[i]);
        best = rate > best ? rate : best;
    }
    return best;
}

typedef struct now_job {
    const wf_bench_memory *m;
    double                 seconds, *rates;
} now_job;

/* A thread goes over its share in pieces, from the beginning again at its end. */
static void run_read_now(void *ctx, int32_t index, int32_t count)
{
    const now_job         *j = ctx;
    const wf_bench_memory *m = j->m;
    const uint8_t         *p = m->huge_is_fastest ? m->huge : m->plain;
    uint64_t               done = 0, sum = 0;
    int64_t                begin, end;
    double                 start = wf_now_s(), taken = 0;
    wf_share((int64_t)m->bytes, UNIT, index, count, &begin, &end);
    for (int64_t at = begin; taken < j->seconds && begin < end; taken = wf_now_s() - start) {
        int64_t n = end - at < PIECE ? end - at : PIECE;
        sum ^= m->read(p + at, (uint64_t)n, m->ahead);
        done += (uint64_t)n;
        at = at + n < end ? at + n : begin;
    }
    m->sums[index] ^= sum;
    j->rates[index] = taken > 0 ? (double)done / taken : 0;
}

void wf_bench_read_now(const wf_bench_memory *m, double seconds, double *rates)
{
    now_job job = {m, seconds, rates};
    wf_pool_run(m->pool, run_read_now, &job);
}

double wf_bench_read_file_now(const wf_bench_memory *m)
{
    double start = wf_now_s();
    for (uint64_t at = 0; at < m->bytes; at += FILE_BLOCK)
        if (pread(m->fd, m->block, (size_t)FILE_BLOCK, (off_t)at) != (ssize_t)FILE_BLOCK)
            return 0;
    return (double)m->bytes / (wf_now_s() - start);
}

double wf_bench_read_file(const wf_bench_memory *m)
{
    double best = 0;
    for (int i = 0; i < RUNS; i++) {
        double rate = wf_bench_read_file_now(m);
        best = rate > best ? rate : best;
    }
    return best;
}
