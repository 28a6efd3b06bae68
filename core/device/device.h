/* SPDX-License-Identifier: Apache-2.0 */
/* The device seam. A device owns memory, queues, copies, weights, the layout of K/V pages, kernels,
 * and what its ops do (core/ops/op.h). Code above it never dereferences a device address and never
 * asks which device it has; what it needs on the host it downloads (free of cost on the CPU).
 *
 * A queue runs its work in order; nothing is promised to have run before wf_queue_wait(), and two
 * queues run in any order but for wf_queue_after(). Memory that queued work uses is freed only
 * after a wait. One thread at a time per queue; the functions of a device that take no queue may be
 * called from any thread. A device module (core/device/module.h) fills the same table. */
#ifndef WF_DEVICE_H
#define WF_DEVICE_H

#include <stdbool.h>

#include "core/base/status.h"
#include "core/ops/op.h"
#include "weft/kernels.h"

typedef struct wf_device wf_device;
typedef struct wf_image  wf_image; /* functions for a device, loaded; NULL: the device runs none */
typedef struct wf_graph  wf_graph; /* work of a queue, recorded */

/* What a plugin says of a kernel. */
typedef struct wf_kernel_decl {
    const char     *name;     /* for messages; outlives the kernel */
    const char     *function; /* its name in the image; NULL: it has none */
    weft_cpu_kernel cpu;
    const uint32_t *arg_bytes; /* [n_args] */
    uint32_t        n_args, reserved;
} wf_kernel_decl;

/* A kernel of one device: both faces of it under one handle. First member of what a device makes of
 * it. The value of argument i stands at offset[i] of wf_kernel_op.data. */
struct wf_kernel {
    wf_device      *device;
    const char     *name;
    weft_cpu_kernel cpu;
    uint32_t        arg_bytes[WF_KERNEL_ARGS], offset[WF_KERNEL_ARGS];
    uint32_t        n_args, reserved;
};

/* How a kernel is launched: a CPU runs items 0..n-1 in chunks of grain, a GPU the grid. */
typedef struct wf_launch {
    int64_t  n, grain;
    uint32_t grid[3], block[3], shared_bytes, reserved;
} wf_launch;

typedef struct wf_device_fns {
    weft_status (*alloc)(wf_device *d, uint64_t bytes, void **out, weft_error *err);
    void (*free)(wf_device *d, void *p);
    weft_status (*memory)(wf_device *d, uint64_t *free, uint64_t *total, weft_error *err);
    weft_status (*host_alloc)(wf_device *d, uint64_t bytes, void **out, weft_error *err);
    void (*host_free)(wf_device *d, void *p);

    weft_status (*weight_bytes)(wf_device *d, int32_t format, int64_t n, int64_t k, uint64_t *bytes,
                                weft_error *err);
    int64_t (*page_bytes)(wf_device *d, int32_t dtype, int32_t page_tokens, int32_t n_kv_heads,
                          int32_t head_dim);

    /* NULL: the device runs CPU bodies and needs no image. */
    weft_status (*image_load)(wf_device *d, const void *data, uint64_t bytes, wf_image **out,
                              weft_error *err);
    void (*image_unload)(wf_device *d, wf_image *code);
    /* Allocates; wf_kernel_create fills what is common. code may be NULL. A device that runs
     * images checks arg_bytes against the function's own parameters here. */
    weft_status (*kernel_create)(wf_device *d, wf_image *code, const wf_kernel_decl *k,
                                 wf_kernel **out, weft_error *err);
    void (*kernel_destroy)(wf_kernel *k);

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
    weft_status (*done)(weft_queue *q, bool *done, weft_error *err);

    /* All four or none. */
    weft_status (*capture_begin)(weft_queue *q, weft_error *err);
    weft_status (*capture_end)(weft_queue *q, wf_graph **out, weft_error *err);
    weft_status (*replay)(weft_queue *q, wf_graph *g, weft_error *err);
    void (*graph_free)(wf_device *d, wf_graph *g);

    void (*destroy)(wf_device *d);
} wf_device_fns;

/* First member of every device. */
struct wf_device {
    const wf_device_fns *fns;
    const char          *name;     /* as the user gives it: "cpu" */
    const char          *isa;      /* what it computes with, for reports: "avx2" */
    int32_t              type, id; /* WEFT_DEV_* and which one of that type */
    bool reads_host;  /* ops take sources in host memory as well: nothing is uploaded for them */
    bool keeps_lists; /* ops that come again in the same list are cheaper: steps have few sizes */
};

/* First member of every queue. */
struct weft_queue {
    wf_device *device;
};

void wf_device_destroy(wf_device **d); /* its queues and kernels are gone; NULL inside is fine */

/* ---- memory ---- */

/* bytes > 0, WF_ALIGN-aligned; contents undefined. NOMEM leaves *out NULL. */
weft_status wf_device_alloc(wf_device *d, uint64_t bytes, void **out, weft_error *err);
void        wf_device_free(wf_device *d, void *p); /* NULL is fine */
/* What may still be allocated, about, and what there is in all. */
weft_status wf_device_memory(wf_device *d, uint64_t *free, uint64_t *total, weft_error *err);
/* Host memory that copies from and to the device reach fastest, and the only one that captured
 * copies may use. bytes > 0, WF_ALIGN-aligned, contents undefined; NOMEM leaves *out NULL. */
weft_status wf_device_host_alloc(wf_device *d, uint64_t bytes, void **out, weft_error *err);
void        wf_device_host_free(wf_device *d, void *p); /* NULL is fine */

/* ---- weights and pages ---- */

/* Device memory that a weight [n, k] of a format takes (n, k > 0), a multiple of WF_ALIGN.
 * UNSUPPORTED: this device cannot hold the format. LIMIT: the size overflows. */
weft_status wf_device_weight_bytes(wf_device *d, int32_t format, int64_t n, int64_t k,
                                   uint64_t *bytes, weft_error *err);
/* Bytes of a page of keys and values of page_tokens tokens of one layer; 0: this device has no such
 * page, or the size overflows. */
int64_t wf_device_page_bytes(wf_device *d, int32_t dtype, int32_t page_tokens, int32_t n_kv_heads,
                             int32_t head_dim);

/* ---- kernels ---- */

/* Loads an image of functions; data stays valid until the unload. On a device that runs CPU bodies
 * *out is NULL and the status OK. */
weft_status wf_image_load(wf_device *d, const void *data, uint64_t bytes, wf_image **out,
                          weft_error *err);
void        wf_image_unload(wf_device *d, wf_image *code); /* its kernels are gone; NULL is fine */
/* Where the values of k's arguments stand: one after the other, each at a multiple of 16 so that
 * any type is aligned. false: they are too many or too large. */
bool wf_kernel_place(const wf_kernel_decl *k, uint32_t offset[WF_KERNEL_ARGS]);
/* LIMIT: more than WF_KERNEL_ARGS arguments or WF_KERNEL_BYTES of them. On success *out is the
 * caller's until wf_kernel_destroy. */
weft_status wf_kernel_create(wf_device *d, wf_image *code, const wf_kernel_decl *k, wf_kernel **out,
                             weft_error *err);
void        wf_kernel_destroy(wf_kernel **k); /* after a wait; NULL inside is fine */
/* Enqueues a launch; args [n_args] point to the values, which are copied. Pointers among them are
 * device addresses. */
weft_status wf_queue_launch(weft_queue *q, const wf_kernel *k, const wf_launch *l,
                            void *const *args, weft_error *err);

/* ---- queues ---- */

weft_status wf_queue_create(wf_device *d, weft_queue **out, weft_error *err);
void        wf_queue_destroy(weft_queue **q); /* drops what has not run */
/* The op is copied; what it points to is not. */
weft_status wf_queue_submit(weft_queue *q, const wf_op *op, weft_error *err);
/* src must stay as it is until the queue has passed the copy. */
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
/* Whether everything submitted so far has run: *done says that wf_queue_wait would return at once.
 * It never waits itself, and a caller that asks again and again is told true at some time. What
 * came of the work is told by the wait alone, and memory is freed after that, not after this. Not
 * OK, with *done false: the device cannot be asked.
 *
 * The CPU runs work within the call that submits it, on the one pool of threads: there *done is
 * always true, two queues never run at the same time, and an encoder that is given to its queue has
 * run before the step beside it begins. */
weft_status wf_queue_done(weft_queue *q, bool *done, weft_error *err);

/* ---- capture: work recorded once and run many times ----
 * From begin to end the queue keeps what it is given and runs none of it: ops, copies and zeroing.
 * Not taken are wf_queue_after, wf_queue_wait and wf_queue_done (STATE). Ops are kept with their
 * values and addresses, so that whatever they read must be at the same place at every replay;
 * copies keep their addresses too, must have their host side in memory of wf_device_host_alloc,
 * which stays as long as the graph is replayed, and move what stands there when the replay runs.
 * begin, end and replay answer UNSUPPORTED on a device that cannot capture; end of what was not
 * begun, and begin and replay while the queue records, are STATE. */
weft_status wf_queue_capture_begin(weft_queue *q, weft_error *err);
weft_status wf_queue_capture_end(weft_queue *q, wf_graph **out, weft_error *err);
weft_status wf_queue_replay(weft_queue *q, wf_graph *g, weft_error *err);
void        wf_graph_free(wf_device *d, wf_graph *g); /* after a wait; NULL is fine */

#endif
