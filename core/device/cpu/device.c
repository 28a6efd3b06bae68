/* SPDX-License-Identifier: Apache-2.0 */
/* Host memory as a device: an op has run when submit returns. */
#include "core/base/mem.h"
#include "core/device/builtin.h"
#include "core/device/cpu/device.h"

#include <pthread.h>
#include <string.h>

typedef struct cpu_device {
    wf_device       base;
    wf_ops          ops;
    wf_pool        *pool;
    pthread_mutex_t lock; /* the pool takes one caller at a time */
} cpu_device;

typedef struct cpu_queue {
    weft_queue base;
    wf_exec    exec;
} cpu_queue;

static weft_status cpu_alloc(wf_device *d, uint64_t bytes, void **out, weft_error *err)
{
    (void)d;
    *out = bytes <= SIZE_MAX ? wf_alloc_aligned((size_t)bytes) : NULL;
    return *out != NULL ? WEFT_OK : wf_fail_nomem(err, bytes, "the model on the CPU");
}

static void cpu_free(wf_device *d, void *p)
{
    (void)d;
    wf_free_aligned(p);
}

/* Any host memory will do. */
static weft_status cpu_host_alloc(wf_device *d, uint64_t bytes, void **out, weft_error *err)
{
    (void)d;
    *out = bytes <= SIZE_MAX ? wf_alloc_aligned((size_t)bytes) : NULL;
    return *out != NULL ? WEFT_OK : wf_fail_nomem(err, bytes, "copies from and to the CPU");
}

static weft_status cpu_memory(wf_device *d, uint64_t *free, uint64_t *total, weft_error *err)
{
    (void)d;
    return wf_cpu_memory(free, total, err);
}

static weft_status cpu_weight_bytes(wf_device *d, int32_t format, int64_t n, int64_t k,
                                    uint64_t *bytes, weft_error *err)
{
    return wf_cpu_weight_bytes(&((cpu_device *)d)->ops, format, n, k, bytes, err);
}

static int64_t cpu_page_bytes(wf_device *d, int32_t dtype, int32_t page_tokens, int32_t n_kv_heads,
                              int32_t head_dim)
{
    (void)d;
    return wf_cpu_page_bytes(dtype, page_tokens, n_kv_heads, head_dim);
}

static weft_status cpu_kernel_create(wf_device *d, wf_image *code, const wf_kernel_decl *k,
                                     wf_kernel **out, weft_error *err)
{
    (void)d;
    (void)code;
    return wf_cpu_kernel_create(k, out, err);
}

static weft_status cpu_queue_create(wf_device *d, weft_queue **out, weft_error *err)
{
    cpu_queue *q = wf_zalloc(sizeof *q);
    if (q == NULL)
        return wf_fail_nomem(err, sizeof *q, "a queue");
    q->base.device = d;
    q->exec.pool = ((cpu_device *)d)->pool;
    q->exec.ops = &((cpu_device *)d)->ops;
    *out = &q->base;
    return WEFT_OK;
}

static void cpu_queue_destroy(weft_queue *queue)
{
    cpu_queue *q = (cpu_queue *)queue;
    wf_free_aligned(q->exec.scratch);
    wf_free(q);
}

static weft_status cpu_submit(weft_queue *queue, const wf_op *op, weft_error *err)
{
    cpu_device *d = (cpu_device *)queue->device;
    pthread_mutex_lock(&d->lock);
    weft_status status = wf_op_run(&((cpu_queue *)queue)->exec, op);
    pthread_mutex_unlock(&d->lock);
    return status == WEFT_OK ? status : wf_fail(err, status, "out of memory for a step's scratch");
}

static weft_status cpu_copy(weft_queue *q, void *dst, const void *src, uint64_t bytes,
                            weft_error *err)
{
    (void)q;
    (void)err;
    memcpy(dst, src, (size_t)bytes);
    return WEFT_OK;
}

static weft_status cpu_zero(weft_queue *q, void *dst, uint64_t bytes, weft_error *err)
{
    (void)q;
    (void)err;
    memset(dst, 0, (size_t)bytes);
    return WEFT_OK;
}

static weft_status cpu_after(weft_queue *q, weft_queue *earlier, weft_error *err)
{
    (void)q;
    (void)earlier;
    (void)err;
    return WEFT_OK;
}

static weft_status cpu_wait(weft_queue *q, weft_error *err)
{
    (void)q;
    (void)err;
    return WEFT_OK;
}

static weft_status cpu_done(weft_queue *q, bool *done, weft_error *err)
{
    (void)q;
    (void)err;
    *done = true;
    return WEFT_OK;
}

static void cpu_destroy(wf_device *d)
{
    pthread_mutex_destroy(&((cpu_device *)d)->lock);
    wf_free(d);
}

static const wf_device_fns fns = {
    .alloc = cpu_alloc,
    .free = cpu_free,
    .memory = cpu_memory,
    .host_alloc = cpu_host_alloc,
    .host_free = cpu_free,
    .weight_bytes = cpu_weight_bytes,
    .page_bytes = cpu_page_bytes,
    .kernel_create = cpu_kernel_create,
    .kernel_destroy = wf_cpu_kernel_destroy,
    .queue_create = cpu_queue_create,
    .queue_destroy = cpu_queue_destroy,
    .submit = cpu_submit,
    .upload = cpu_copy,
    .download = cpu_copy,
    .zero = cpu_zero,
    .after = cpu_after,
    .wait = cpu_wait,
    .done = cpu_done,
    .destroy = cpu_destroy,
};

weft_status wf_device_cpu_create(wf_pool *pool, uint64_t cpu_flags, wf_device **out,
                                 weft_error *err)
{
    cpu_device *d = wf_zalloc(sizeof *d);
    *out = NULL;
    if (d == NULL)
        return wf_fail_nomem(err, sizeof *d, "the CPU device");
    d->base.fns = &fns;
    d->base.name = "cpu";
    d->base.type = WEFT_DEV_CPU;
    d->base.reads_host = true;
    d->pool = pool;
    pthread_mutex_init(&d->lock, NULL);
    wf_ops_init(&d->ops, cpu_flags);
    d->base.isa = d->ops.isa;
    *out = &d->base;
    return WEFT_OK;
}
