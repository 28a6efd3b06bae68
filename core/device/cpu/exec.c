/* SPDX-License-Identifier: Apache-2.0 */
/* What every CPU body works with: scratch that grows, and work cut over threads. */
#include "core/device/cpu/internal.h"

void *wf_exec_scratch(wf_exec *ex, size_t bytes)
{
    if (bytes <= ex->scratch_bytes && ex->scratch != NULL)
        return ex->scratch;
    wf_free_aligned(ex->scratch);
    ex->scratch = wf_alloc_aligned(bytes);
    ex->scratch_bytes = ex->scratch != NULL ? bytes : 0;
    return ex->scratch;
}

typedef struct range_job {
    wf_range_fn fn;
    void       *ctx;
} range_job;

static void run_range(void *arg, int32_t index, int64_t begin, int64_t end)
{
    const range_job *j = arg;
    (void)index;
    j->fn(j->ctx, begin, end);
}

void wf_range_run(wf_exec *ex, int64_t n, int64_t grain, wf_range_fn fn, void *ctx)
{
    range_job job = {fn, ctx};
    wf_pool_deal(ex->pool, n, grain, run_range, &job);
}
