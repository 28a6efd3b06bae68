/* SPDX-License-Identifier: Apache-2.0 */
/* A device that behaves as unlike a CPU as it legally may, with the CPU's arithmetic: what passes
 * on it makes no assumption that a GPU would break.
 *
 *  - Its memory is one reserved range that is unreadable except while its own ops run.
 *  - A queue records ops and runs nothing before somebody waits; then the queues' heads run in a
 * random order that respects wf_queue_after.
 *  - The source of an upload is overwritten until the copy has run, and the destination of a
 * download is: whoever reads or frees either too early sees it. */
#include "core/base/mem.h"
#include "core/device/builtin.h"
#include "core/device/cpu/device.h"

#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#define ARENA_BYTES ((uint64_t)8 << 30) /* address space only */
#define PAGE_BYTES 4096u
#define MAX_QUEUES 16
#define POISON 0xA5

enum command_kind { CMD_OP, CMD_UPLOAD, CMD_DOWNLOAD, CMD_ZERO, CMD_AFTER };

typedef struct test_queue test_queue;

typedef struct command {
    struct command *next;
    int32_t         kind;
    wf_op           op;
    void           *dst;
    void           *src;  /* of the caller: given back its contents when an upload has run */
    uint8_t        *kept; /* an upload's bytes meanwhile */
    uint64_t        bytes;
    test_queue     *earlier; /* CMD_AFTER: its `done` must have reached `ticket` */
    uint64_t        ticket;
} command;

struct test_queue {
    weft_queue  base;
    wf_exec     exec;
    command    *head, *tail;
    uint64_t    submitted, done;
    weft_status failed; /* first failure not yet reported */
};

typedef struct block { /* of the arena, in address order */
    struct block *next;
    uint64_t      offset, bytes;
    int32_t       used, reserved;
} block;

typedef struct test_device {
    wf_device       base;
    wf_ops          ops;
    wf_pool        *pool;
    uint8_t        *arena;
    block          *blocks;
    test_queue     *queues[MAX_QUEUES];
    uint64_t        random;
    pthread_mutex_t lock;
} test_device;

static uint64_t next_random(test_device *d)
{
    d->random ^= d->random << 13;
    d->random ^= d->random >> 7;
    d->random ^= d->random << 17;
    return d->random;
}

/* First fit; blocks are page-aligned so that neighbours never share a page. */
static weft_status arena_take(test_device *d, uint64_t bytes, void **out)
{
    uint64_t need = (bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
    for (block *b = d->blocks; b != NULL; b = b->next) {
        if (b->used || b->bytes < need)
            continue;
        if (b->bytes > need) {
            block *rest = wf_zalloc(sizeof *rest);
            if (rest == NULL)
                return WEFT_E_NOMEM;
            rest->next = b->next;
            rest->offset = b->offset + need;
            rest->bytes = b->bytes - need;
            b->next = rest;
            b->bytes = need;
        }
        b->used = 1;
        *out = d->arena + b->offset;
        return WEFT_OK;
    }
    return WEFT_E_NOMEM;
}

static void arena_merge(test_device *d)
{
    for (block *b = d->blocks; b != NULL && b->next != NULL;) {
        block *n = b->next;
        if (b->used || n->used) {
            b = n;
            continue;
        }
        b->bytes += n->bytes;
        b->next = n->next;
        wf_free(n);
    }
}

static weft_status test_alloc(wf_device *dev, uint64_t bytes, void **out, weft_error *err)
{
    test_device *d = (test_device *)dev;
    pthread_mutex_lock(&d->lock);
    weft_status status = bytes <= ARENA_BYTES ? arena_take(d, bytes, out) : WEFT_E_NOMEM;
    pthread_mutex_unlock(&d->lock);
    return status == WEFT_OK ? status : wf_fail_nomem(err, bytes, "the async-test device");
}

static void test_free(wf_device *dev, void *p)
{
    test_device *d = (test_device *)dev;
    pthread_mutex_lock(&d->lock);
    for (block *b = d->blocks; b != NULL; b = b->next)
        if (d->arena + b->offset == (uint8_t *)p)
            b->used = 0;
    arena_merge(d);
    pthread_mutex_unlock(&d->lock);
}

static weft_status test_memory(wf_device *dev, uint64_t *free, uint64_t *total, weft_error *err)
{
    test_device *d = (test_device *)dev;
    (void)err;
    *total = ARENA_BYTES;
    pthread_mutex_lock(&d->lock);
    for (block *b = d->blocks; b != NULL; b = b->next)
        *free += b->used ? 0 : b->bytes;
    pthread_mutex_unlock(&d->lock);
    return WEFT_OK;
}

static weft_status test_host_alloc(wf_device *d, uint64_t bytes, void **out, weft_error *err)
{
    *out = bytes <= SIZE_MAX ? wf_alloc_aligned((size_t)bytes) : NULL;
    return *out != NULL ? WEFT_OK : wf_fail_nomem(err, bytes, d->name);
}

static void test_host_free(wf_device *d, void *p)
{
    (void)d;
    wf_free_aligned(p);
}

static weft_status test_weight_bytes(wf_device *d, int32_t format, int64_t n, int64_t k,
                                     uint64_t *bytes, weft_error *err)
{
    return wf_cpu_weight_bytes(&((test_device *)d)->ops, format, n, k, bytes, err);
}

static int64_t test_page_bytes(wf_device *d, int32_t dtype, int32_t page_tokens, int32_t n_kv_heads,
                               int32_t head_dim)
{
    (void)d;
    return wf_cpu_page_bytes(dtype, page_tokens, n_kv_heads, head_dim);
}

static weft_status test_kernel_create(wf_device *d, wf_image *image, const wf_kernel_decl *k,
                                      wf_kernel **out, weft_error *err)
{
    (void)d;
    (void)image;
    return wf_cpu_kernel_create(k, out, err);
}

static weft_status test_queue_create(wf_device *dev, weft_queue **out, weft_error *err)
{
    test_device *d = (test_device *)dev;
    test_queue  *q = wf_zalloc(sizeof *q);
    if (q == NULL)
        return wf_fail_nomem(err, sizeof *q, "a queue");
    q->base.device = dev;
    q->exec.pool = d->pool;
    q->exec.ops = &d->ops;
    pthread_mutex_lock(&d->lock);
    for (int32_t i = 0; i < MAX_QUEUES && *out == NULL; i++) {
        if (d->queues[i] != NULL)
            continue;
        d->queues[i] = q;
        *out = &q->base;
    }
    pthread_mutex_unlock(&d->lock);
    if (*out != NULL)
        return WEFT_OK;
    wf_free(q);
    return wf_fail(err, WEFT_E_LIMIT, "the async-test device has no queue left of %d", MAX_QUEUES);
}

static void command_finish(test_queue *q)
{
    command *c = q->head;
    q->head = c->next;
    if (q->head == NULL)
        q->tail = NULL;
    q->done++;
    wf_free(c->kept);
    wf_free(c);
}

static void test_queue_destroy(weft_queue *queue)
{
    test_queue  *q = (test_queue *)queue;
    test_device *d = (test_device *)queue->device;
    pthread_mutex_lock(&d->lock);
    while (q->head != NULL) {
        if (q->head->kind == CMD_UPLOAD)
            memcpy(q->head->src, q->head->kept, (size_t)q->head->bytes);
        command_finish(q);
    }
    for (int32_t i = 0; i < MAX_QUEUES; i++)
        if (d->queues[i] == q)
            d->queues[i] = NULL;
    pthread_mutex_unlock(&d->lock);
    wf_free_aligned(q->exec.scratch);
    wf_free(q);
}

static weft_status record(weft_queue *queue, const command *what, weft_error *err)
{
    test_queue  *q = (test_queue *)queue;
    test_device *d = (test_device *)queue->device;
    command     *c = wf_alloc(sizeof *c);
    if (c == NULL)
        return wf_fail_nomem(err, sizeof *c, "a queued op");
    *c = *what;
    c->next = NULL;
    pthread_mutex_lock(&d->lock);
    if (q->tail != NULL)
        q->tail->next = c;
    else
        q->head = c;
    q->tail = c;
    q->submitted++;
    pthread_mutex_unlock(&d->lock);
    return WEFT_OK;
}

static weft_status test_submit(weft_queue *q, const wf_op *op, weft_error *err)
{
    command c = {.kind = CMD_OP, .op = *op};
    return record(q, &c, err);
}

static weft_status test_upload(weft_queue *q, void *dst, const void *src, uint64_t bytes,
                               weft_error *err)
{
    command c = {.kind = CMD_UPLOAD, .dst = dst, .src = (void *)(uintptr_t)src, .bytes = bytes};
    c.kept = wf_alloc((size_t)bytes);
    if (c.kept == NULL)
        return wf_fail_nomem(err, bytes, "a queued upload");
    memcpy(c.kept, src, (size_t)bytes);
    weft_status status = record(q, &c, err);
    if (status == WEFT_OK)
        memset(c.src, POISON, (size_t)bytes);
    else
        wf_free(c.kept);
    return status;
}

static weft_status test_download(weft_queue *q, void *dst, const void *src, uint64_t bytes,
                                 weft_error *err)
{
    command c = {.kind = CMD_DOWNLOAD, .dst = dst, .src = (void *)(uintptr_t)src, .bytes = bytes};
    memset(dst, POISON, (size_t)bytes);
    return record(q, &c, err);
}

static weft_status test_zero(weft_queue *q, void *dst, uint64_t bytes, weft_error *err)
{
    command c = {.kind = CMD_ZERO, .dst = dst, .bytes = bytes};
    return record(q, &c, err);
}

static weft_status test_after(weft_queue *q, weft_queue *earlier, weft_error *err)
{
    test_queue *e = (test_queue *)earlier;
    command     c = {.kind = CMD_AFTER, .earlier = e, .ticket = e->submitted};
    return record(q, &c, err);
}

static void run_head(test_queue *q)
{
    command    *c = q->head;
    weft_status status = WEFT_OK;
    switch (c->kind) {
    case CMD_OP:
        status = wf_op_run(&q->exec, &c->op);
        break;
    case CMD_UPLOAD:
        memcpy(c->dst, c->kept, (size_t)c->bytes);
        memcpy(c->src, c->kept, (size_t)c->bytes);
        break;
    case CMD_DOWNLOAD:
        memcpy(c->dst, c->src, (size_t)c->bytes);
        break;
    case CMD_ZERO:
        memset(c->dst, 0, (size_t)c->bytes);
        break;
    default:
        break;
    }
    if (status != WEFT_OK && q->failed == WEFT_OK)
        q->failed = status;
    command_finish(q);
}

static int32_t head_may_run(const test_queue *q)
{
    return q != NULL && q->head != NULL &&
           (q->head->kind != CMD_AFTER || q->head->earlier->done >= q->head->ticket);
}

/* Runs one head chosen at random among those that may run; there always is one while q has work,
 * since what a queue waits for was submitted before. */
static void run_one(test_device *d)
{
    int32_t at = (int32_t)(next_random(d) % MAX_QUEUES);
    while (!head_may_run(d->queues[at]))
        at = (at + 1) % MAX_QUEUES;
    run_head(d->queues[at]);
}

static weft_status test_wait(weft_queue *queue, weft_error *err)
{
    test_queue  *q = (test_queue *)queue;
    test_device *d = (test_device *)queue->device;
    pthread_mutex_lock(&d->lock);
    mprotect(d->arena, (size_t)ARENA_BYTES, PROT_READ | PROT_WRITE);
    while (q->head != NULL)
        run_one(d);
    mprotect(d->arena, (size_t)ARENA_BYTES, PROT_NONE);
    weft_status status = q->failed;
    q->failed = WEFT_OK;
    pthread_mutex_unlock(&d->lock);
    return status == WEFT_OK ? status : wf_fail(err, status, "out of memory for a step's scratch");
}

static void test_destroy(wf_device *dev)
{
    test_device *d = (test_device *)dev;
    while (d->blocks != NULL) {
        block *b = d->blocks;
        d->blocks = b->next;
        wf_free(b);
    }
    if (d->arena != NULL)
        munmap(d->arena, (size_t)ARENA_BYTES);
    pthread_mutex_destroy(&d->lock);
    wf_free(d);
}

static const wf_device_fns fns = {
    .alloc = test_alloc,
    .free = test_free,
    .memory = test_memory,
    .host_alloc = test_host_alloc,
    .host_free = test_host_free,
    .weight_bytes = test_weight_bytes,
    .page_bytes = test_page_bytes,
    .kernel_create = test_kernel_create,
    .kernel_destroy = wf_cpu_kernel_destroy,
    .queue_create = test_queue_create,
    .queue_destroy = test_queue_destroy,
    .submit = test_submit,
    .upload = test_upload,
    .download = test_download,
    .zero = test_zero,
    .after = test_after,
    .wait = test_wait,
    .destroy = test_destroy,
};

static weft_status reserve(test_device *d, weft_error *err)
{
    void *p = mmap(NULL, (size_t)ARENA_BYTES, PROT_NONE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        return wf_fail_nomem(err, ARENA_BYTES, "the async-test device's address range");
    d->arena = p;
    d->blocks = wf_zalloc(sizeof *d->blocks);
    if (d->blocks == NULL)
        return wf_fail_nomem(err, sizeof *d->blocks, "the async-test device");
    d->blocks->bytes = ARENA_BYTES;
    return WEFT_OK;
}

weft_status wf_device_test_create(wf_pool *pool, uint64_t cpu_flags, uint64_t seed, wf_device **out,
                                  weft_error *err)
{
    test_device *d = wf_zalloc(sizeof *d);
    *out = NULL;
    if (d == NULL)
        return wf_fail_nomem(err, sizeof *d, "the async-test device");
    d->base.fns = &fns;
    d->base.name = "async-test";
    d->base.type = WEFT_DEV_OTHER; /* it says that it is not a CPU */
    d->pool = pool;
    d->random = seed * 2 + 1;
    pthread_mutex_init(&d->lock, NULL);
    wf_ops_init(&d->ops, cpu_flags);
    d->base.isa = d->ops.isa;
    weft_status status = reserve(d, err);
    if (status != WEFT_OK) {
        test_destroy(&d->base);
        return status;
    }
    *out = &d->base;
    return WEFT_OK;
}
