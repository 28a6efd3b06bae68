/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of cuda/ share: the device, its memory, its queues, and how ops are launched.
 *
 * A queue is a stream. Ops that it is given are kept in a list and launched when a copy, another
 * queue or a wait needs them (queue.c); a list that has come before is replayed as a CUDA graph
 * (graph.c). Each op is launched by one function of table.c's table. */
#ifndef WF_CUDA_INTERNAL_H
#define WF_CUDA_INTERNAL_H

#include <pthread.h>
#include <stdbool.h>

#include "core/base/mem.h"
#include "core/device/module.h"
#include "cuda/driver.h"
#include "cuda/kernels/list.h"

/* ---- memory (memory.c) ---- */

typedef struct wf_cuda_slab wf_cuda_slab;

typedef struct wf_cuda_memory {
    wf_cuda_slab   *slabs;
    uint64_t        held, budget; /* bytes asked of the driver, and how many that may be */
    pthread_mutex_t lock;
} wf_cuda_memory;

typedef struct wf_cuda_blas wf_cuda_blas; /* blas.c */
typedef struct wf_cuda_dnn  wf_cuda_dnn;  /* dnn.c */

/* ---- the device (device.c) ---- */

typedef struct wf_cuda_device {
    wf_device             base;
    const wf_cuda_driver *driver;
    CUdevice              device;
    CUcontext             context;
    char                  isa[16];
    int32_t               n_sms, capability; /* 90 is sm_90 */
    int32_t               shared_most;       /* bytes that a block may have */
    bool                  deterministic;     /* wf_device_config */
    uint64_t              total;
    CUmodule              modules[WF_CUDA_IMAGES];
    CUfunction            functions[WF_CUDA_KERNELS];
    wf_cuda_memory        memory;
    uint64_t _Atomic      epoch;     /* counts what makes kept graphs stale */
    uint64_t _Atomic      scratch;   /* what queues hold for ops */
    wf_cuda_blas         *blas;      /* NULL: none, or nobody has looked for it */
    wf_cuda_dnn          *dnn;       /* the same */
    pthread_mutex_t       blas_lock; /* of both */
    bool                  blas_tried, dnn_tried;
    int32_t               recording; /* graphs at this moment; with the lock */
    void (*log)(int32_t level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
} wf_cuda_device;

/* Makes the device's context the thread's, and gives the thread back what it had. */
weft_status wf_cuda_enter(wf_cuda_device *d, weft_error *err);
void        wf_cuda_leave(wf_cuda_device *d);

void wf_cuda_blas_free(wf_cuda_blas *b); /* NULL is fine */
void wf_cuda_dnn_free(wf_cuda_dnn *b);   /* NULL is fine */

/* The 0-th device, opened: wf_device_module.create. */
weft_status wf_cuda_create(const wf_device_config *c, int32_t index, wf_device **out,
                           weft_error *err);

weft_status wf_cuda_memory_init(wf_cuda_device *d, weft_error *err);
void        wf_cuda_memory_free(wf_cuda_device *d); /* all of it; the context is entered */
weft_status wf_cuda_alloc(wf_device *d, uint64_t bytes, void **out, weft_error *err);
void        wf_cuda_free(wf_device *d, void *p);
weft_status wf_cuda_memory_left(wf_device *d, uint64_t *free, uint64_t *total, weft_error *err);
weft_status wf_cuda_host_alloc(wf_device *d, uint64_t bytes, void **out, weft_error *err);
void        wf_cuda_host_free(wf_device *d, void *p);

/* ---- layouts (layout.c) ----
 * A plain weight is rows [n, k_padded] of its elements, k padded with zeros to whole 16 bytes. q8
 * and q4 are rows of 32 or 16 bytes a group, then [n, groups] scales (f16), then in q4 [n, groups]
 * minima (f16); the bytes of a group stand in the order of wf_linear's formats (core/ops/op.h). */
weft_status wf_cuda_weight_bytes(wf_device *d, int32_t format, int64_t n, int64_t k,
                                 uint64_t *bytes, weft_error *err);
int64_t     wf_cuda_page_bytes(wf_device *d, int32_t dtype, int32_t page_tokens, int32_t n_kv_heads,
                               int32_t head_dim);

/* ---- plugins' kernels (kernel.c) ---- */

typedef struct wf_cuda_kernel {
    wf_kernel  base;
    CUfunction function; /* NULL: it has no GPU body, and a launch says so */
} wf_cuda_kernel;

weft_status wf_cuda_image_load(wf_device *d, const void *data, uint64_t bytes, wf_image **out,
                               weft_error *err);
void        wf_cuda_image_unload(wf_device *d, wf_image *code);
weft_status wf_cuda_kernel_create(wf_device *d, wf_image *code, const wf_kernel_decl *k,
                                  wf_kernel **out, weft_error *err);
void        wf_cuda_kernel_destroy(wf_kernel *k);

/* ---- queues (queue.c) ---- */

typedef struct wf_cuda_graphs  wf_cuda_graphs;
typedef struct wf_cuda_command wf_cuda_command; /* of a wf_graph */

typedef struct wf_cuda_queue {
    weft_queue      base;
    CUstream        stream;
    CUevent         event; /* what other queues wait for */
    wf_op          *ops;   /* [n_ops] not launched yet */
    int64_t         n_ops, cap_ops;
    void           *scratch; /* of ops that need some */
    uint64_t        scratch_bytes;
    void          **retired; /* scratch that queued work may still use, freed after a wait */
    int64_t         n_retired, cap_retired;
    wf_cuda_graphs *graphs;
    wf_graph       *capture; /* NULL: none is being recorded */
    weft_error      why;     /* the first failure not yet told */
} wf_cuda_queue;

static inline wf_cuda_device *wf_cuda_of(const wf_cuda_queue *q)
{
    return (wf_cuda_device *)q->base.device;
}

weft_status wf_cuda_queue_create(wf_device *d, weft_queue **out, weft_error *err);
void        wf_cuda_queue_destroy(weft_queue *q);
weft_status wf_cuda_submit(weft_queue *q, const wf_op *op, weft_error *err);
weft_status wf_cuda_upload(weft_queue *q, void *dst, const void *src, uint64_t bytes,
                           weft_error *err);
weft_status wf_cuda_download(weft_queue *q, void *dst, const void *src, uint64_t bytes,
                             weft_error *err);
weft_status wf_cuda_zero(weft_queue *q, void *dst, uint64_t bytes, weft_error *err);
weft_status wf_cuda_after(weft_queue *q, weft_queue *earlier, weft_error *err);
weft_status wf_cuda_wait(weft_queue *q, weft_error *err);
weft_status wf_cuda_done(weft_queue *q, bool *done, weft_error *err);

/* capture.c */
weft_status wf_cuda_capture_begin(weft_queue *q, weft_error *err);
weft_status wf_cuda_capture_end(weft_queue *q, wf_graph **out, weft_error *err);
weft_status wf_cuda_replay(weft_queue *q, wf_graph *g, weft_error *err);
void        wf_cuda_graph_free(wf_device *d, wf_graph *g);
/* Keeps what the queue is given while it records. */
weft_status wf_cuda_record(wf_cuda_queue *q, const wf_op *op, weft_error *err);
weft_status wf_cuda_record_copy(wf_cuda_queue *q, int32_t kind, void *dst, const void *src,
                                uint64_t bytes, weft_error *err);
enum { WF_CUDA_OP, WF_CUDA_UPLOAD, WF_CUDA_DOWNLOAD, WF_CUDA_ZERO };

/* graph.c: launches the queue's list of ops, as a graph where the list has come before. The context
 * is entered. */
weft_status wf_cuda_run_list(wf_cuda_queue *q, weft_error *err);
void        wf_cuda_graphs_free(wf_cuda_queue *q);

/* ---- launches (launch.c, table.c) ---- */

/* Memory for one op on q, WF_ALIGN-aligned; what an earlier op had there is gone by then, since the
 * queue runs in order. */
weft_status wf_cuda_scratch(wf_cuda_queue *q, uint64_t bytes, void **out, weft_error *err);

typedef struct wf_cuda_grid {
    int64_t x, y, z;
    int32_t threads, shared_bytes;
} wf_cuda_grid;

/* Launches a kernel of list.h, whose one argument is the struct at arg. A grid with no block is
 * nothing to do; LIMIT: it is larger than a GPU takes. */
weft_status wf_cuda_launch(wf_cuda_queue *q, int32_t kernel, wf_cuda_grid g, const void *arg,
                           weft_error *err);
/* Blocks of `each` items for n of them. */
static inline int64_t wf_cuda_blocks(int64_t n, int64_t each)
{
    return n > 0 ? (n + each - 1) / each : 0;
}

/* Launches what op needs. */
weft_status wf_cuda_run_op(wf_cuda_queue *q, const wf_op *op, weft_error *err);

/* Shared memory that attention takes for heads of that width (cuda/kernels/attend.cuh). */
int32_t wf_cuda_tile_bytes(int64_t head_dim);

/* run_linear.c: a product of at most so many rows (the grid's second axis ends there) in memory of
 * wf_cuda_product_bytes. */
#define WF_CUDA_PRODUCT_ROWS ((int64_t)65535 * 16)
uint64_t    wf_cuda_product_bytes(wf_cuda_queue *q, const wf_linear *a);
weft_status wf_cuda_multiply(wf_cuda_queue *q, const wf_linear *a, void *memory, weft_error *err);

/* run_linear.c, run_conv.c, run_attend.c */
weft_status wf_cuda_linear(wf_cuda_queue *q, const wf_linear *a, weft_error *err);
weft_status wf_cuda_conv(wf_cuda_queue *q, const wf_conv *a, weft_error *err);
weft_status wf_cuda_pack(wf_cuda_queue *q, const wf_pack *a, weft_error *err);
weft_status wf_cuda_attend_pages(wf_cuda_queue *q, const wf_attend_pages *a, weft_error *err);
weft_status wf_cuda_attend(wf_cuda_queue *q, const wf_attend *a, weft_error *err);
weft_status wf_cuda_best(wf_cuda_queue *q, const wf_best *a, weft_error *err);

#endif
