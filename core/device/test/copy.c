/* SPDX-License-Identifier: Apache-2.0 */
/* Copies between the host and the test device. Until a copy has run, its host side holds poison:
 * whoever reads it too early sees that, whoever changes or frees it is found. */
#include <string.h>

#include "core/base/mem.h"
#include "core/device/test/internal.h"

/* The host side of a copy; NULL: c is none. */
static uint8_t *host_side(const wf_test_command *c)
{
    return c->kind == WF_TEST_UPLOAD ? c->src : c->kind == WF_TEST_DOWNLOAD ? c->dst : NULL;
}

static bool shares(const wf_test_command *c, const uint8_t *p, uint64_t bytes)
{
    const uint8_t *at = host_side(c);
    return at != NULL && at < p + bytes && p < at + c->bytes;
}

/* What c has kept of p[0..bytes) goes over it: the caller may upload the same memory twice. */
static void overlay(const wf_test_command *c, const uint8_t *p, uint64_t bytes, uint8_t *out)
{
    const uint8_t *src = c->src;
    const uint8_t *from = src > p ? src : p;
    const uint8_t *to = src + c->bytes < p + bytes ? src + c->bytes : p + bytes;
    memcpy(out + (from - p), c->kept + (from - src), (size_t)(to - from));
}

/* Looks for work not yet run that has p[0..bytes) as its host side; kept (NULL: it is to be
 * written) gets what stood there. Returns whether there is any. */
static bool find_shared(wf_test_device *d, wf_test_queue *q, const uint8_t *p, uint64_t bytes,
                        uint8_t *kept)
{
    bool found = false;
    for (int32_t i = 0; i < WF_TEST_QUEUES; i++)
        for (wf_test_command *c = d->slots[i].head; c != NULL; c = c->next) {
            if (!shares(c, p, bytes))
                continue;
            found = true;
            if (kept == NULL)
                c->guarded = false; /* two downloads: which is first, the queues say */
            else if (c->kind == WF_TEST_UPLOAD)
                overlay(c, p, bytes, kept);
            else
                wf_test_mistake(d, &q->why, "upload", "read too early",
                                "its source is what a download has yet to write");
        }
    return found;
}

/* With the device locked. */
static weft_status check_capture(wf_test_device *d, const void *host, uint64_t bytes,
                                 weft_error *err)
{
    const uint8_t *p = host;
    for (const wf_test_host *h = d->host; h != NULL; h = h->next)
        if (p >= h->p && bytes <= h->bytes && p + bytes <= h->p + h->bytes)
            return WEFT_OK;
    return wf_fail(err, WEFT_E_INVALID,
                   "async-test: a captured copy has its host side outside of the device's host "
                   "memory");
}

static weft_status captured(wf_test_queue *q, const wf_test_command *c, weft_error *err)
{
    wf_test_device *d = (wf_test_device *)q->base.device;
    pthread_mutex_lock(&d->lock);
    weft_status status = check_capture(d, host_side(c), c->bytes, err);
    pthread_mutex_unlock(&d->lock);
    return status == WEFT_OK ? wf_test_record(q, c, err) : status;
}

weft_status wf_test_graph_check(wf_test_device *d, const wf_graph *g, weft_error *err)
{
    weft_status status = WEFT_OK;
    pthread_mutex_lock(&d->lock);
    for (const wf_test_command *c = g->head; c != NULL && status == WEFT_OK; c = c->next)
        if (host_side(c) != NULL)
            status = check_capture(d, host_side(c), c->bytes, err);
    pthread_mutex_unlock(&d->lock);
    return status;
}

weft_status wf_test_upload(weft_queue *queue, void *dst, const void *src, uint64_t bytes,
                           weft_error *err)
{
    wf_test_queue  *q = (wf_test_queue *)queue;
    wf_test_device *d = (wf_test_device *)queue->device;
    wf_test_command c = {
        .kind = WF_TEST_UPLOAD, .dst = dst, .src = (void *)(uintptr_t)src, .bytes = bytes};
    if (q->capture != NULL)
        return captured(q, &c, err);
    c.kept = wf_alloc((size_t)bytes);
    if (c.kept == NULL)
        return wf_fail_nomem(err, bytes, "a queued upload");
    memcpy(c.kept, src, (size_t)bytes);
    pthread_mutex_lock(&d->lock);
    c.guarded = !find_shared(d, q, src, bytes, c.kept);
    pthread_mutex_unlock(&d->lock);
    weft_status status = wf_test_record(q, &c, err);
    if (status != WEFT_OK)
        wf_free(c.kept);
    else if (c.guarded)
        wf_poison_fill(c.src, bytes);
    return status;
}

weft_status wf_test_download(weft_queue *queue, void *dst, const void *src, uint64_t bytes,
                             weft_error *err)
{
    wf_test_queue  *q = (wf_test_queue *)queue;
    wf_test_device *d = (wf_test_device *)queue->device;
    wf_test_command c = {
        .kind = WF_TEST_DOWNLOAD, .dst = dst, .src = (void *)(uintptr_t)src, .bytes = bytes};
    if (q->capture != NULL)
        return captured(q, &c, err);
    pthread_mutex_lock(&d->lock);
    c.guarded = !find_shared(d, q, dst, bytes, NULL);
    pthread_mutex_unlock(&d->lock);
    weft_status status = wf_test_record(q, &c, err);
    if (status == WEFT_OK && c.guarded)
        wf_poison_fill(dst, bytes);
    return status;
}

/* Is the host side still as it was left? Else nothing is written there. */
static bool untouched(wf_test_device *d, wf_test_queue *q, const wf_test_command *c)
{
    bool up = c->kind == WF_TEST_UPLOAD;
    if (!c->guarded || wf_poison_holds(host_side(c), c->bytes))
        return true;
    wf_test_mistake(d, &q->why, up ? "upload" : "download", "host memory changed",
                    "its %s was written or freed before the copy ran",
                    up ? "source" : "destination");
    return false;
}

void wf_test_copy_run(wf_test_device *d, wf_test_queue *q, wf_test_command *c)
{
    bool whole = untouched(d, q, c);
    if (c->kind == WF_TEST_UPLOAD) {
        memcpy(c->dst, c->kept, (size_t)c->bytes);
        if (whole && c->guarded)
            memcpy(c->src, c->kept, (size_t)c->bytes);
    } else if (whole) {
        memcpy(c->dst, c->src, (size_t)c->bytes);
    }
    c->guarded = false;
}

void wf_test_copy_drop(wf_test_command *c)
{
    if (c->kind == WF_TEST_UPLOAD && c->guarded && wf_poison_holds(c->src, c->bytes))
        memcpy(c->src, c->kept, (size_t)c->bytes);
    c->guarded = false;
}
