/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin's kernel over the pool: arguments point into the op's own copy of their values. */
#include "core/device/cpu/internal.h"
#include "core/device/device.h"

#define CALLS 16 /* that a thread makes about, so that others can take some of them */

static void run_range(void *ctx, int32_t index, int64_t begin, int64_t end)
{
    wf_kernel_op    *a = ctx;
    const wf_kernel *k = a->kernel;
    void            *args[WF_KERNEL_ARGS];
    for (uint32_t i = 0; i < k->n_args; i++)
        args[i] = a->data + k->offset[i];
    weft_range range = {begin, end, index, 0};
    k->cpu(&range, args);
}

weft_status wf_kernel_ref(wf_exec *ex, const wf_kernel_op *a)
{
    wf_kernel_op copy = *a;
    if (a->n <= 0)
        return WEFT_OK;
    if (a->kernel->n_args > WF_KERNEL_ARGS)
        return WEFT_E_INTERNAL;
    int64_t grain = a->grain > 0 ? a->grain : 1, calls = CALLS * wf_pool_threads(ex->pool);
    int64_t grains = (a->n / grain + calls - 1) / calls; /* of a call */
    wf_pool_deal(ex->pool, a->n, grains > 1 ? grains * grain : grain, run_range, &copy);
    return WEFT_OK;
}
