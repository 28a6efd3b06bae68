/* SPDX-License-Identifier: Apache-2.0 */
/* The device seam: buffers, queues, copies and ops. Code above it never dereferences a device
 * address; what it needs on the host it downloads (free of cost on the CPU).
 *
 * A queue runs its work in order; nothing is promised to have run before wf_queue_wait(). Memory
 * that queued work uses is freed only after a wait. One thread at a time per queue. */
#ifndef WF_DEVICE_H
#define WF_DEVICE_H

#include "core/ops/op.h"

typedef struct wf_device wf_device;

typedef struct wf_device_fns {
    weft_status (*alloc)(wf_device *d, uint64_t bytes, void **out, weft_error *err);
    void (*free)(wf_device *d, void *p);
    weft_status (*queue_create)(wf_device *d, weft_queue **out, weft_error *err);
    void (*queue_destroy)(weft_queue *q);
    weft_status (*submit)(weft_queue *q, const wf_op *op, weft_error *err);
    weft_status (*upload)(weft_queue *q, void *dst, const void *src, uint64_t bytes,
                          weft_error *err);
    weft_status (*download)(weft_queue *q, void *dst, const void *src, uint64_t bytes,
                            weft_error *err);
    weft_status (*zero)(weft_queue *q, void *dst, uint64_t bytes, weft_error *err);
    weft_status (*after)(weft_queue *q, weft_queue *earlier, weft_error *err);
    weft_status (*wait)(weft_queue *q, weft_error *err);
    void (*destroy)(wf_device *d);
} wf_device_fns;

struct wf_device {
    const wf_device_fns *fns;
    const char          *name;     /* "cpu", "async-test" */
    int32_t              type, id; /* WEFT_DEV_* */
    wf_ops               ops;      /* weight_bytes of this device's layout; the rest is the CPU's */
};

/* First member of every queue. */
struct weft_queue {
    wf_device *device;
};

/* Host memory as a device; ops run at submit on pool (borrowed) with the variants of cpu_flags. */
weft_status wf_device_cpu_create(wf_pool *pool, uint64_t cpu_flags, wf_device **out,
                                 weft_error *err);
/* The same arithmetic behind an asynchronous front: device_test.c says how it provokes mistakes. */
weft_status wf_device_test_create(wf_pool *pool, uint64_t cpu_flags, uint64_t seed, wf_device **out,
                                  weft_error *err);
void        wf_device_destroy(wf_device **d);

/* bytes > 0, WF_ALIGN-aligned; contents undefined. NOMEM leaves *out NULL. */
weft_status wf_device_alloc(wf_device *d, uint64_t bytes, void **out, weft_error *err);
void        wf_device_free(wf_device *d, void *p); /* NULL is fine */

weft_status wf_queue_create(wf_device *d, weft_queue **out, weft_error *err);
void        wf_queue_destroy(weft_queue **q); /* drops what has not run */
/* The op is copied; what it points to is not. */
weft_status wf_queue_submit(weft_queue *q, const wf_op *op, weft_error *err);
/* src must stay as it is until the queue has passed it; see wf_queue_upload_copy. */
weft_status wf_queue_upload(weft_queue *q, void *dst, const void *src, uint64_t bytes,
                            weft_error *err);
/* dst is written by the time of the next wait. */
weft_status wf_queue_download(weft_queue *q, void *dst, const void *src, uint64_t bytes,
                              weft_error *err);
weft_status wf_queue_zero(weft_queue *q, void *dst, uint64_t bytes, weft_error *err);
/* What is submitted to q from now on runs after what was submitted to earlier so far. */
weft_status wf_queue_after(weft_queue *q, weft_queue *earlier, weft_error *err);
/* Runs everything submitted so far; the first failure of any of it is returned, once. */
weft_status wf_queue_wait(weft_queue *q, weft_error *err);

#endif
