/* SPDX-License-Identifier: Apache-2.0 */
/* A fixed pool of threads and one way to use it: everybody runs the same function with their own
 * index. Work is cut statically from (index, count), so that results never depend on timing. */
#ifndef WF_POOL_H
#define WF_POOL_H

#include <stdint.h>

#include "weft/base.h"

typedef struct wf_pool wf_pool;
typedef void (*wf_pool_fn)(void *ctx, int32_t index, int32_t count);

/* n_threads 1..256, the caller's own thread included; 0: wf_pool_default_threads(). */
weft_status wf_pool_create(int32_t n_threads, wf_pool **out, weft_error *err);
void        wf_pool_destroy(wf_pool **pool); /* joins; NULL inside is fine */
int32_t     wf_pool_threads(const wf_pool *pool);

/* Runs fn once per thread and returns when all are done. One caller at a time. pool NULL or of one
 * thread: fn(ctx, 0, 1) on the caller. No allocation. Every thread is taken to run for the plugin
 * that the caller runs for (core/base/running.h), and its floating-point mode is put back. */
void wf_pool_run(wf_pool *pool, wf_pool_fn fn, void *ctx);

/* min(CPU affinity, cgroup v1/v2 CPU quota rounded up), at least 1, at most 256. */
int32_t wf_pool_default_threads(void);

/* The part of 0..n-1 that belongs to index of count, in units of grain. */
static inline void wf_share(int64_t n, int64_t grain, int32_t index, int32_t count, int64_t *begin,
                            int64_t *end)
{
    int64_t units = (n + grain - 1) / grain;
    int64_t b = units * index / count * grain, e = units * (index + 1) / count * grain;
    *begin = b < n ? b : n;
    *end = e < n ? e : n;
}

#endif
