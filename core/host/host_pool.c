/* SPDX-License-Identifier: Apache-2.0 */
/* weft.pool/1: the host's threads for what a plugin computes on the host. */
#include "core/host/lent.h"

/* One call of run, seen by every thread. */
typedef struct job {
    int64_t      grain;
    weft_pool_fn fn;
    void        *ctx;
} job;

static void run_pieces(void *ctx, int32_t index, int64_t begin, int64_t end)
{
    const job *j = ctx;
    (void)index;
    for (; begin < end; begin += j->grain)
        j->fn(j->ctx, begin, end - begin < j->grain ? end : begin + j->grain);
}

/* The pool has one caller at a time: whoever comes while it works does the work alone, which a call
 * from within fn always does. */
static void pool_run(const weft_host *h, int64_t n, int64_t grain, weft_pool_fn fn, void *ctx)
{
    wf_hosts *all = wf_lent_of(h)->all;
    job       j = {grain < 1 ? 1 : grain, fn, ctx};
    if (n < 1 || fn == NULL)
        return;
    if (j.grain > n)
        j.grain = n;
    if (atomic_flag_test_and_set(&all->pool_busy)) {
        run_pieces(&j, 0, 0, n);
        return;
    }
    wf_pool_deal(all->cfg.pool, n, j.grain, run_pieces, &j);
    atomic_flag_clear(&all->pool_busy);
}

const weft_if_pool wf_host_threads = {WEFT_HDR(weft_if_pool), pool_run};
