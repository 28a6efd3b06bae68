/* SPDX-License-Identifier: Apache-2.0 */
/* A pool with a fixed number of threads. All of them run the same function, each with its own
 * index. Which of them does a part of the work never changes a result: the function chooses its
 * share from (index, count), or parts that do not depend on each other are dealt out. */
#ifndef WF_THREADS_H
#define WF_THREADS_H

#include <stdint.h>

#include "weft/base.h"

typedef struct wf_pool wf_pool;
typedef void (*wf_pool_fn)(void *ctx, int32_t index, int32_t count);

/* Makes a pool of n_threads threads (1..256), the caller's own included; 0 means
 * wf_pool_default_threads(). The pool has fewer where the system does not give so many. */
weft_status wf_pool_create(int32_t n_threads, wf_pool **out, weft_error *err);
void        wf_pool_destroy(wf_pool **pool); /* joins the threads; *pool may be NULL */
int32_t     wf_pool_threads(const wf_pool *pool);

/* Lets every thread of the pool stay on a CPU of its own, of those that the caller may use. The
 * caller's own thread stays free, and the first of these CPUs is left to it: threads that it starts
 * later would stay where it is. INVALID: there are fewer CPUs than threads. UNSUPPORTED: the system
 * does not let a thread choose. [setup] */
weft_status wf_pool_pin(wf_pool *pool, weft_error *err);

/* Runs fn once on each thread and returns when all are done. One caller at a time. Where pool is
 * NULL or has one thread, runs fn(ctx, 0, 1) on the caller's thread. Allocates nothing. Every
 * thread is taken to run for the plugin that the caller runs for (core/base/running.h), and its
 * floating-point mode is put back. */
void wf_pool_run(wf_pool *pool, wf_pool_fn fn, void *ctx);

/* Calls fn for all of 0..n-1, some units at a time (grain of them, the last time what is left). A
 * thread begins with its own share, ascending, and goes on with what others have not begun: one
 * whose CPU has other work as well, or is a slower one, holds nobody up. Who does what depends on
 * timing, so that results must not depend on it. index: the thread's, 0..threads-1. Else as
 * wf_pool_run. */
typedef void (*wf_deal_fn)(void *ctx, int32_t index, int64_t begin, int64_t end);
void wf_pool_deal(wf_pool *pool, int64_t n, int64_t grain, wf_deal_fn fn, void *ctx);

/* min(CPU affinity, cgroup v1/v2 CPU quota rounded up), at least 1, at most 256. */
int32_t wf_pool_default_threads(void);

/* The share [*begin, *end) of 0..n-1 that thread `index` of `count` has to do, in units of `grain`.
 */
static inline void wf_share(int64_t n, int64_t grain, int32_t index, int32_t count, int64_t *begin,
                            int64_t *end)
{
    int64_t units = (n + grain - 1) / grain;
    int64_t b = units * index / count * grain, e = units * (index + 1) / count * grain;
    *begin = b < n ? b : n;
    *end = e < n ? e : n;
}

#endif
