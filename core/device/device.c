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

void wf_device_destroy(wf_device **d)
{
    if (*d != NULL)
        (*d)->fns->destroy(*d);
    *d = NULL;
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
