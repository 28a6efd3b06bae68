/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin's kernel over the pool: arguments point into the op's own copy of their values. */
#include "core/device/cpu/internal.h"
#include "core/device/device.h"

static void run_worker(void *ctx, int32_t index, int32_t count)
{
    wf_kernel_op    *a = ctx;
    const wf_kernel *k = a->kernel;
    void            *args[WF_KERNEL_ARGS];
    for (uint32_t i = 0; i < k->n_args; i++)
        args[i] = a->data + k->offset[i];
    weft_range range = {0, 0, index, 0};
    wf_share(a->n, a->grain > 0 ? a->grain : 1, index, count, &range.begin, &range.end);
    if (range.begin < range.end)
        k->cpu(&range, args);
}

weft_status wf_kernel_ref(wf_exec *ex, const wf_kernel_op *a)
{
    wf_kernel_op copy = *a;
    if (a->n <= 0)
        return WEFT_OK;
    if (a->kernel->n_args > WF_KERNEL_ARGS)
        return WEFT_E_INTERNAL;
    wf_pool_run(ex->pool, run_worker, &copy);
    return WEFT_OK;
}
