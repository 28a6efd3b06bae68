/* SPDX-License-Identifier: Apache-2.0 */
/* Queues: a stream each. Ops wait in a list until something needs what they do; then the whole list
 * is launched, so that graph.c can know it again. */
#include "cuda/internal.h"

#include <string.h>

#define OPS_MOST 8192 /* of a list: a longer one is launched in parts */

weft_status wf_cuda_queue_create(wf_device *dev, weft_queue **out, weft_error *err)
{
    wf_cuda_device       *d = (wf_cuda_device *)dev;
    const wf_cuda_driver *driver = d->driver;
    wf_cuda_queue        *q = wf_zalloc(sizeof *q);
    if (q == NULL)
        return wf_fail_nomem(err, sizeof *q, "a queue");
    q->base.device = dev;
    q->why = (weft_error)WF_ERROR_INIT;
    weft_status status = wf_cuda_enter(d, err);
    if (status != WEFT_OK) {
        wf_free(q);
        return status;
    }
    CUresult r = driver->cuStreamCreate(&q->stream, CU_STREAM_NON_BLOCKING);
    if (r == CUDA_SUCCESS && (r = driver->cuEventCreate(&q->event, CU_EVENT_DISABLE_TIMING)) != 0)
        (void)driver->cuStreamDestroy(q->stream);
    wf_cuda_leave(d);
    if (r != CUDA_SUCCESS) {
        wf_free(q);
        return wf_cuda_fail(driver, r, "making a stream", err);
    }
    *out = &q->base;
    return WEFT_OK;
}

/* After a wait: nothing uses the scratch that was outgrown. */
static void free_retired(wf_cuda_queue *q)
{
    for (int64_t i = 0; i < q->n_retired; i++)
        wf_cuda_free(q->base.device, q->retired[i]);
    q->n_retired = 0;
}

void wf_cuda_queue_destroy(weft_queue *queue)
{
    wf_cuda_queue  *q = (wf_cuda_queue *)queue;
    wf_cuda_device *d = wf_cuda_of(q);
    bool            entered = wf_cuda_enter(d, NULL) == WEFT_OK;
    (void)d->driver->cuStreamSynchronize(q->stream);
    wf_cuda_graphs_free(q);
    (void)d->driver->cuEventDestroy(q->event);
    (void)d->driver->cuStreamDestroy(q->stream);
    if (entered)
        wf_cuda_leave(d);
    free_retired(q);
    if (q->scratch != NULL)
        wf_cuda_free(queue->device, q->scratch);
    d->scratch -= q->scratch_bytes;
    wf_cuda_graph_free(queue->device, q->capture);
    wf_free(q->retired);
    wf_free(q->ops);
    wf_free(q);
}

/* Launches the list. With the context entered. */
static weft_status flush(wf_cuda_queue *q, weft_error *err)
{
    weft_status status = q->n_ops > 0 ? wf_cuda_run_list(q, err) : WEFT_OK;
    q->n_ops = 0;
    return status;
}

weft_status wf_cuda_submit(weft_queue *queue, const wf_op *op, weft_error *err)
{
    wf_cuda_queue *q = (wf_cuda_queue *)queue;
    weft_status    status = WEFT_OK;
    if (q->capture != NULL)
        return wf_cuda_record(q, op, err);
    if (q->n_ops == OPS_MOST && (status = wf_cuda_enter(wf_cuda_of(q), err)) == WEFT_OK) {
        status = flush(q, err);
        wf_cuda_leave(wf_cuda_of(q));
    }
    if (status == WEFT_OK && q->n_ops == q->cap_ops) {
        int64_t cap = q->cap_ops > 0 ? q->cap_ops * 2 : 256;
        wf_op  *ops = wf_realloc(q->ops, (size_t)cap * sizeof *ops);
        if (ops == NULL)
            return wf_fail_nomem(err, (uint64_t)cap * sizeof *ops, "queued ops");
        q->ops = ops;
        q->cap_ops = cap;
    }
    if (status == WEFT_OK)
        q->ops[q->n_ops++] = *op;
    return status;
}

/* What comes before is launched, then the copy: r is its result. */
static weft_status told(wf_cuda_queue *q, CUresult r, const char *what, weft_error *err)
{
    return r == CUDA_SUCCESS ? WEFT_OK : wf_cuda_fail(wf_cuda_of(q)->driver, r, what, err);
}

weft_status wf_cuda_upload(weft_queue *queue, void *dst, const void *src, uint64_t bytes,
                           weft_error *err)
{
    wf_cuda_queue  *q = (wf_cuda_queue *)queue;
    wf_cuda_device *d = wf_cuda_of(q);
    if (q->capture != NULL)
        return wf_cuda_record_copy(q, WF_CUDA_UPLOAD, dst, src, bytes, err);
    weft_status status = wf_cuda_enter(d, err);
    if (status != WEFT_OK)
        return status;
    status = flush(q, err);
    if (status == WEFT_OK)
        status = told(q,
                      d->driver->cuMemcpyHtoDAsync((CUdeviceptr)(uintptr_t)dst, src, (size_t)bytes,
                                                   q->stream),
                      "a copy to the GPU", err);
    wf_cuda_leave(d);
    return status;
}

weft_status wf_cuda_download(weft_queue *queue, void *dst, const void *src, uint64_t bytes,
                             weft_error *err)
{
    wf_cuda_queue  *q = (wf_cuda_queue *)queue;
    wf_cuda_device *d = wf_cuda_of(q);
    if (q->capture != NULL)
        return wf_cuda_record_copy(q, WF_CUDA_DOWNLOAD, dst, src, bytes, err);
    weft_status status = wf_cuda_enter(d, err);
    if (status != WEFT_OK)
        return status;
    status = flush(q, err);
    if (status == WEFT_OK)
        status = told(q,
                      d->driver->cuMemcpyDtoHAsync(dst, (CUdeviceptr)(uintptr_t)src, (size_t)bytes,
                                                   q->stream),
                      "a copy from the GPU", err);
    wf_cuda_leave(d);
    return status;
}

weft_status wf_cuda_zero(weft_queue *queue, void *dst, uint64_t bytes, weft_error *err)
{
    wf_cuda_queue  *q = (wf_cuda_queue *)queue;
    wf_cuda_device *d = wf_cuda_of(q);
    if (q->capture != NULL)
        return wf_cuda_record_copy(q, WF_CUDA_ZERO, dst, NULL, bytes, err);
    weft_status status = wf_cuda_enter(d, err);
    if (status != WEFT_OK)
        return status;
    status = flush(q, err);
    if (status == WEFT_OK)
        status = told(
            q, d->driver->cuMemsetD8Async((CUdeviceptr)(uintptr_t)dst, 0, (size_t)bytes, q->stream),
            "zeroing memory", err);
    wf_cuda_leave(d);
    return status;
}

static weft_status not_now(weft_error *err, const char *what)
{
    return wf_fail(err, WEFT_E_STATE, "device cuda: %s while a queue records", what);
}

weft_status wf_cuda_after(weft_queue *queue, weft_queue *earlier, weft_error *err)
{
    wf_cuda_queue  *q = (wf_cuda_queue *)queue, *e = (wf_cuda_queue *)earlier;
    wf_cuda_device *d = wf_cuda_of(q);
    if (q->capture != NULL || e->capture != NULL)
        return not_now(err, "after");
    weft_status status = wf_cuda_enter(d, err);
    if (status != WEFT_OK)
        return status;
    (void)flush(e,
                e->why.code == WEFT_OK ? &e->why : NULL); /* what fails is told by its own wait */
    status = flush(q, err);
    if (status == WEFT_OK) {
        CUresult r = d->driver->cuEventRecord(e->event, e->stream);
        if (r == CUDA_SUCCESS)
            r = d->driver->cuStreamWaitEvent(q->stream, e->event, 0);
        status = told(q, r, "putting two streams in order", err);
    }
    wf_cuda_leave(d);
    return status;
}

weft_status wf_cuda_wait(weft_queue *queue, weft_error *err)
{
    wf_cuda_queue  *q = (wf_cuda_queue *)queue;
    wf_cuda_device *d = wf_cuda_of(q);
    if (q->capture != NULL)
        return not_now(err, "wait");
    weft_status status = wf_cuda_enter(d, err);
    if (status != WEFT_OK) {
        q->n_ops = 0; /* the caller gives up what they work on */
        return status;
    }
    status = flush(q, err);
    CUresult r = d->driver->cuStreamSynchronize(q->stream);
    if (r != CUDA_SUCCESS && status == WEFT_OK)
        status = told(q, r, "the GPU's work", err);
    wf_cuda_leave(d);
    free_retired(q);
    if (status == WEFT_OK && q->why.code != WEFT_OK)
        status = wf_fail_as(err, &q->why);
    q->why = (weft_error)WF_ERROR_INIT;
    return status;
}

/* Work that failed counts as done: the wait tells of it. */
weft_status wf_cuda_done(weft_queue *queue, bool *done, weft_error *err)
{
    wf_cuda_queue  *q = (wf_cuda_queue *)queue;
    wf_cuda_device *d = wf_cuda_of(q);
    if (q->capture != NULL)
        return not_now(err, "done");
    weft_status status = wf_cuda_enter(d, err);
    if (status != WEFT_OK)
        return status;
    if (flush(q, q->why.code == WEFT_OK ? &q->why : NULL) == WEFT_OK)
        *done = d->driver->cuStreamQuery(q->stream) != CUDA_ERROR_NOT_READY;
    else
        *done = true;
    wf_cuda_leave(d);
    return WEFT_OK;
}
