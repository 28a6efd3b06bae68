/* SPDX-License-Identifier: Apache-2.0 */
/* The device's memory. What is large is asked of the driver by itself; what is small shares slabs,
 * because the driver hands out whole pages of 2 MiB. All that is held stays within a budget: what
 * was free when the device was made, less a reserve for the driver's own needs (modules, graphs,
 * local memory), so that a step is not the first to learn that nothing is left. */
#include "cuda/internal.h"

#define SLAB_BYTES ((uint64_t)16 << 20)
#define LARGE_BYTES ((uint64_t)1 << 20) /* from here on an allocation is a slab of its own */
#define RESERVE_BYTES ((uint64_t)384 << 20)
#define RESERVE_SHARE 32 /* on small devices the reserve is this part of what is free */
#define SCRATCH_BYTES ((uint64_t)128 << 20) /* what ops of two queues come to want */

typedef struct block { /* of a slab, in address order */
    struct block *next;
    uint64_t      offset, bytes;
    bool          live;
} block;

struct wf_cuda_slab {
    wf_cuda_slab *next;
    CUdeviceptr   base;
    uint64_t      bytes;
    block        *blocks;
};

weft_status wf_cuda_memory_init(wf_cuda_device *d, weft_error *err)
{
    size_t   free = 0, total = 0;
    CUresult r = d->driver->cuMemGetInfo(&free, &total);
    if (r != CUDA_SUCCESS)
        return wf_cuda_fail(d->driver, r, "asking for the free memory", err);
    uint64_t reserve = free / RESERVE_SHARE < RESERVE_BYTES ? free / RESERVE_SHARE : RESERVE_BYTES;
    d->total = total;
    d->memory.budget = free - reserve;
    return WEFT_OK;
}

static void slab_free(wf_cuda_device *d, wf_cuda_slab *s)
{
    while (s->blocks != NULL) {
        block *b = s->blocks;
        s->blocks = b->next;
        wf_free(b);
    }
    if (s->base != 0)
        (void)d->driver->cuMemFree(s->base);
    d->memory.held -= s->bytes;
    wf_free(s);
}

void wf_cuda_memory_free(wf_cuda_device *d)
{
    while (d->memory.slabs != NULL) {
        wf_cuda_slab *s = d->memory.slabs;
        d->memory.slabs = s->next;
        slab_free(d, s);
    }
}

/* A slab of whole pages with one free block; *out NULL on failure. */
static weft_status slab_add(wf_cuda_device *d, uint64_t bytes, wf_cuda_slab **out, weft_error *err)
{
    wf_cuda_memory *m = &d->memory;
    *out = NULL;
    if (bytes > m->budget || m->held > m->budget - bytes)
        return wf_fail(err, WEFT_E_NOMEM,
                       "device cuda: out of memory (%llu bytes wanted, %llu of %llu are in use)",
                       (unsigned long long)bytes, (unsigned long long)m->held,
                       (unsigned long long)m->budget);
    wf_cuda_slab *s = wf_zalloc(sizeof *s);
    block        *b = wf_zalloc(sizeof *b);
    if (s == NULL || b == NULL) {
        wf_free(s);
        wf_free(b);
        return wf_fail_nomem(err, sizeof *s, "the device's memory");
    }
    CUresult r = d->driver->cuMemAlloc(&s->base, (size_t)bytes);
    if (r != CUDA_SUCCESS) {
        wf_free(s);
        wf_free(b);
        return wf_cuda_fail(d->driver, r, "an allocation", err);
    }
    s->bytes = b->bytes = bytes;
    s->blocks = b;
    s->next = m->slabs;
    m->slabs = s;
    m->held += bytes;
    *out = s;
    return WEFT_OK;
}

/* The first `bytes` of a free block; the rest stays one. */
static bool block_take(block *b, uint64_t bytes)
{
    if (b->bytes > bytes) {
        block *rest = wf_zalloc(sizeof *rest);
        if (rest == NULL)
            return false;
        *rest = (block){b->next, b->offset + bytes, b->bytes - bytes, false};
        b->next = rest;
        b->bytes = bytes;
    }
    b->live = true;
    return true;
}

/* A block of that size in a slab that is shared; NULL: there is none. */
static void *take_small(wf_cuda_memory *m, uint64_t bytes)
{
    for (wf_cuda_slab *s = m->slabs; s != NULL; s = s->next)
        for (block *b = s->blocks; b != NULL && s->bytes == SLAB_BYTES; b = b->next)
            if (!b->live && b->bytes >= bytes && block_take(b, bytes))
                return (void *)(uintptr_t)(s->base + b->offset);
    return NULL;
}

static weft_status take(wf_cuda_device *d, uint64_t bytes, void **out, weft_error *err)
{
    wf_cuda_slab *s;
    bool          small = bytes < LARGE_BYTES;
    *out = small ? take_small(&d->memory, bytes) : NULL;
    if (*out != NULL)
        return WEFT_OK;
    weft_status status = slab_add(d, small ? SLAB_BYTES : bytes, &s, err);
    if (status == WEFT_E_NOMEM && small) /* one of its own: there is no room for one to share */
        status = slab_add(d, bytes, &s, err);
    if (status != WEFT_OK)
        return status;
    if (!block_take(s->blocks, bytes))
        return wf_fail_nomem(err, sizeof(block), "the device's memory");
    *out = (void *)(uintptr_t)s->base;
    return WEFT_OK;
}

weft_status wf_cuda_alloc(wf_device *dev, uint64_t bytes, void **out, weft_error *err)
{
    wf_cuda_device *d = (wf_cuda_device *)dev;
    const uint64_t  each = 256; /* what kernels may count on, and whole sectors of memory */
    if (bytes > UINT64_MAX - SLAB_BYTES)
        return wf_fail_nomem(err, bytes, "the device cuda");
    bytes = (bytes + each - 1) / each * each;
    if (bytes == SLAB_BYTES)
        bytes += each; /* a slab of that size would be taken for one that is shared */
    weft_status status = wf_cuda_enter(d, err);
    if (status != WEFT_OK)
        return status;
    pthread_mutex_lock(&d->memory.lock);
    status = take(d, bytes, out, err);
    pthread_mutex_unlock(&d->memory.lock);
    wf_cuda_leave(d);
    return status;
}

/* Joins free neighbours; returns whether the slab is one free block. */
static bool merge(wf_cuda_slab *s)
{
    for (block *b = s->blocks; b != NULL && b->next != NULL;) {
        block *n = b->next;
        if (b->live || n->live) {
            b = n;
            continue;
        }
        b->bytes += n->bytes;
        b->next = n->next;
        wf_free(n);
    }
    return !s->blocks->live && s->blocks->next == NULL;
}

static bool give(wf_cuda_slab *s, CUdeviceptr p)
{
    for (block *b = s->blocks; b != NULL; b = b->next)
        if (b->live && s->base + b->offset == p) {
            b->live = false;
            return true;
        }
    return false;
}

void wf_cuda_free(wf_device *dev, void *p)
{
    wf_cuda_device *d = (wf_cuda_device *)dev;
    CUdeviceptr     at = (CUdeviceptr)(uintptr_t)p;
    bool            entered = wf_cuda_enter(d, NULL) == WEFT_OK;
    pthread_mutex_lock(&d->memory.lock);
    for (wf_cuda_slab **link = &d->memory.slabs; *link != NULL; link = &(*link)->next) {
        wf_cuda_slab *s = *link;
        if (at < s->base || at >= s->base + s->bytes || !give(s, at))
            continue;
        if (merge(s)) {
            *link = s->next;
            slab_free(d, s);
        }
        break;
    }
    pthread_mutex_unlock(&d->memory.lock);
    if (entered)
        wf_cuda_leave(d);
}

/* Scratch that queues will still take is spoken for. */
weft_status wf_cuda_memory_left(wf_device *dev, uint64_t *free, uint64_t *total, weft_error *err)
{
    wf_cuda_device *d = (wf_cuda_device *)dev;
    size_t          now = 0, all = 0;
    weft_status     status = wf_cuda_enter(d, err);
    if (status != WEFT_OK)
        return status;
    CUresult r = d->driver->cuMemGetInfo(&now, &all);
    wf_cuda_leave(d);
    if (r != CUDA_SUCCESS)
        return wf_cuda_fail(d->driver, r, "asking for the free memory", err);
    pthread_mutex_lock(&d->memory.lock);
    uint64_t left = d->memory.budget - d->memory.held;
    pthread_mutex_unlock(&d->memory.lock);
    *free = left < now ? left : now;
    uint64_t scratch = d->scratch < SCRATCH_BYTES ? SCRATCH_BYTES - d->scratch : 0;
    *free -= scratch < *free ? scratch : *free;
    *total = all;
    return WEFT_OK;
}

weft_status wf_cuda_host_alloc(wf_device *dev, uint64_t bytes, void **out, weft_error *err)
{
    wf_cuda_device *d = (wf_cuda_device *)dev;
    weft_status     status = wf_cuda_enter(d, err);
    if (status != WEFT_OK)
        return status;
    CUresult r = d->driver->cuMemHostAlloc(out, (size_t)bytes, CU_MEMHOSTALLOC_PORTABLE);
    wf_cuda_leave(d);
    return r == CUDA_SUCCESS
               ? WEFT_OK
               : wf_cuda_fail(d->driver, r, "an allocation of pinned host memory", err);
}

void wf_cuda_host_free(wf_device *dev, void *p)
{
    wf_cuda_device *d = (wf_cuda_device *)dev;
    bool            entered = wf_cuda_enter(d, NULL) == WEFT_OK;
    (void)d->driver->cuMemFreeHost(p);
    if (entered)
        wf_cuda_leave(d);
}
