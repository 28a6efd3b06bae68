/* SPDX-License-Identifier: Apache-2.0 */
/* The calls that the core makes, handed to whichever device it has. */
#include "core/device/device.h"

#include <assert.h>

weft_status wf_device_alloc(wf_device *d, uint64_t bytes, void **out, weft_error *err)
{
    assert(bytes > 0);
    *out = NULL;
    return d->fns->alloc(d, bytes, out, err);
}

void wf_device_free(wf_device *d, void *p)
{
    if (p != NULL)
        d->fns->free(d, p);
}

weft_status wf_device_memory(wf_device *d, uint64_t *free, uint64_t *total, weft_error *err)
{
    *free = *total = 0;
    return d->fns->memory(d, free, total, err);
}

weft_status wf_device_host_alloc(wf_device *d, uint64_t bytes, void **out, weft_error *err)
{
    assert(bytes > 0);
    *out = NULL;
    return d->fns->host_alloc(d, bytes, out, err);
}

void wf_device_host_free(wf_device *d, void *p)
{
    if (p != NULL)
        d->fns->host_free(d, p);
}

void wf_device_destroy(wf_device **d)
{
    if (*d != NULL)
        (*d)->fns->destroy(*d);
    *d = NULL;
}

weft_status wf_device_weight_bytes(wf_device *d, int32_t format, int64_t n, int64_t k,
                                   uint64_t *bytes, weft_error *err)
{
    *bytes = 0;
    return d->fns->weight_bytes(d, format, n, k, bytes, err);
}

int64_t wf_device_page_bytes(wf_device *d, int32_t dtype, int32_t page_tokens, int32_t n_kv_heads,
                             int32_t head_dim)
{
    return d->fns->page_bytes(d, dtype, page_tokens, n_kv_heads, head_dim);
}

weft_status wf_queue_create(wf_device *d, weft_queue **out, weft_error *err)
{
    *out = NULL;
    return d->fns->queue_create(d, out, err);
}

void wf_queue_destroy(weft_queue **q)
{
    if (*q != NULL)
        (*q)->device->fns->queue_destroy(*q);
    *q = NULL;
}

weft_status wf_queue_submit(weft_queue *q, const wf_op *op, weft_error *err)
{
    return q->device->fns->submit(q, op, err);
}

weft_status wf_queue_upload(weft_queue *q, void *dst, const void *src, uint64_t bytes,
                            weft_error *err)
{
    return bytes == 0 ? WEFT_OK : q->device->fns->upload(q, dst, src, bytes, err);
}

weft_status wf_queue_download(weft_queue *q, void *dst, const void *src, uint64_t bytes,
                              weft_error *err)
{
    return bytes == 0 ? WEFT_OK : q->device->fns->download(q, dst, src, bytes, err);
}

weft_status wf_queue_zero(weft_queue *q, void *dst, uint64_t bytes, weft_error *err)
{
    return bytes == 0 ? WEFT_OK : q->device->fns->zero(q, dst, bytes, err);
}

weft_status wf_queue_after(weft_queue *q, weft_queue *earlier, weft_error *err)
{
    assert(q->device == earlier->device);
    return q == earlier ? WEFT_OK : q->device->fns->after(q, earlier, err);
}

weft_status wf_queue_wait(weft_queue *q, weft_error *err)
{
    return q->device->fns->wait(q, err);
}

weft_status wf_queue_done(weft_queue *q, bool *done, weft_error *err)
{
    *done = false;
    return q->device->fns->done(q, done, err);
}

static weft_status records_nothing(const wf_device *d, weft_error *err)
{
    return wf_fail(err, WEFT_E_UNSUPPORTED, "%s records no work for later", d->name);
}

weft_status wf_queue_capture_begin(weft_queue *q, weft_error *err)
{
    wf_device *d = q->device;
    return d->fns->capture_begin != NULL ? d->fns->capture_begin(q, err) : records_nothing(d, err);
}

weft_status wf_queue_capture_end(weft_queue *q, wf_graph **out, weft_error *err)
{
    wf_device *d = q->device;
    *out = NULL;
    return d->fns->capture_end != NULL ? d->fns->capture_end(q, out, err) : records_nothing(d, err);
}

weft_status wf_queue_replay(weft_queue *q, wf_graph *g, weft_error *err)
{
    wf_device *d = q->device;
    return d->fns->replay != NULL ? d->fns->replay(q, g, err) : records_nothing(d, err);
}

void wf_graph_free(wf_device *d, wf_graph *g)
{
    if (g != NULL)
        d->fns->graph_free(d, g);
}
