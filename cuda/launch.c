/* SPDX-License-Identifier: Apache-2.0 */
/* Launching one kernel, and the scratch that some ops need. */
#include "cuda/internal.h"

#include "cuda/images.h"

#define GRID_X_MOST INT32_MAX
#define GRID_YZ_MOST 65535

weft_status wf_cuda_launch(wf_cuda_queue *q, int32_t kernel, wf_cuda_grid g, const void *arg,
                           weft_error *err)
{
    wf_cuda_device *d = wf_cuda_of(q);
    const char     *name = wf_cuda_entry_at(kernel)->name;
    void           *args[] = {(void *)(uintptr_t)arg};
    if (g.x <= 0 || g.y <= 0 || g.z <= 0)
        return WEFT_OK;
    if (g.x > GRID_X_MOST || g.y > GRID_YZ_MOST || g.z > GRID_YZ_MOST)
        return wf_fail(
            err, WEFT_E_LIMIT,
            "device cuda: %s would need %lld x %lld x %lld blocks, more than a GPU takes", name,
            (long long)g.x, (long long)g.y, (long long)g.z);
    if (g.shared_bytes > d->shared_most)
        return wf_fail(err, WEFT_E_UNSUPPORTED,
                       "device cuda: %s needs %d bytes of shared memory, and %s has %d: the heads "
                       "are too wide",
                       name, g.shared_bytes, d->isa, d->shared_most);
    CUresult r = d->driver->cuLaunchKernel(d->functions[kernel], (unsigned)g.x, (unsigned)g.y,
                                           (unsigned)g.z, (unsigned)g.threads, 1, 1,
                                           (unsigned)g.shared_bytes, q->stream, args, NULL);
    return r == CUDA_SUCCESS ? WEFT_OK : wf_cuda_fail(d->driver, r, name, err);
}

/* Remembers memory that queued work may still use. */
static weft_status retire(wf_cuda_queue *q, void *p, weft_error *err)
{
    if (q->n_retired == q->cap_retired) {
        int64_t cap = q->cap_retired * 2 + 8;
        void  **list = wf_realloc(q->retired, (size_t)cap * sizeof *list);
        if (list == NULL)
            return wf_fail_nomem(err, (uint64_t)cap * sizeof *list, "a queue");
        q->retired = list;
        q->cap_retired = cap;
    }
    q->retired[q->n_retired++] = p;
    return WEFT_OK;
}

weft_status wf_cuda_scratch(wf_cuda_queue *q, uint64_t bytes, void **out, weft_error *err)
{
    void *p = NULL;
    if (bytes > q->scratch_bytes) {
        uint64_t    more = bytes > UINT64_MAX / 2 ? bytes : bytes + bytes / 2; /* seldom again */
        weft_status status = wf_cuda_alloc(q->base.device, more, &p, err);
        if (status == WEFT_E_NOMEM)
            status = wf_cuda_alloc(q->base.device, more = bytes, &p, err);
        if (status != WEFT_OK)
            return status;
        if (q->scratch != NULL && (status = retire(q, q->scratch, err)) != WEFT_OK) {
            wf_cuda_free(q->base.device, p);
            return status;
        }
        wf_cuda_of(q)->epoch++; /* kept graphs have the old one */
        wf_cuda_of(q)->scratch += more - q->scratch_bytes;
        q->scratch = p;
        q->scratch_bytes = more;
    }
    *out = q->scratch;
    return WEFT_OK;
}
