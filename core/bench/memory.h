/* SPDX-License-Identifier: Apache-2.0 */
/* Memory to read, and how fast it is read. It is kept between measurements: getting it costs a
 * virtual machine, whose free pages its host has to find first, more time than reading it. */
#ifndef WF_BENCH_MEMORY_H
#define WF_BENCH_MEMORY_H

#include <stdbool.h>

#include "core/base/threads.h"
#include "core/bench/peaks.h"

typedef struct wf_bench_memory {
    wf_pool  *pool; /* borrowed: its threads read together */
    wf_reader read;
    uint8_t  *plain, *huge; /* of bytes each; huge is NULL where the system has no huge pages */
    uint8_t  *block;        /* what a piece of the file is read into */
    uint64_t  bytes;
    uint64_t *sums;            /* of each thread */
    int32_t   fd;              /* a file of bytes in memory */
    bool      huge_is_fastest; /* the way in which reading was fastest so far: the memory, */
    uint64_t  ahead;           /* the distance of prefetching (0: none), */
    double    fastest;         /* and the rate */
} wf_bench_memory;

/* Gets memory that is larger than the caches of the pool's threads, and touches all of it. NOMEM:
 * there is none. On failure nothing is left. */
weft_status wf_bench_memory_create(wf_pool *pool, uint32_t cpu, wf_bench_memory *out,
                                   weft_error *err);
void        wf_bench_memory_destroy(wf_bench_memory *m); /* m may be all zeros */

/* Bytes a second, each the best of a few runs: without prefetch, with the best of several
 * distances, and of the file by one thread. huge: of huge pages, which have to be there. */
double wf_bench_read_plain(wf_bench_memory *m);
double wf_bench_read_prefetched(wf_bench_memory *m, bool huge);
double wf_bench_read_file(const wf_bench_memory *m); /* 0: it could not be read */

/* Bytes a second as they are now, not at best: of reading for so many seconds in the way that was
 * fastest so far, in rates those of each thread, and of reading the file once. */
void   wf_bench_read_now(const wf_bench_memory *m, double seconds, double *rates);
double wf_bench_read_file_now(const wf_bench_memory *m);

#endif
