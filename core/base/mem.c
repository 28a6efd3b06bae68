/* SPDX-License-Identifier: Apache-2.0 */
/* All allocations of the library. */
#include "core/base/mem.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define HUGE_BYTES ((size_t)2 << 20)

/* AddressSanitizer watches the bounds of what malloc gives, and of nothing else. */
#if defined __has_feature
#if __has_feature(address_sanitizer)
#define WATCHED
#endif
#endif
#if defined __SANITIZE_ADDRESS__ || defined WATCHED
#define MAPPED_BYTES SIZE_MAX
#else
#define MAPPED_BYTES ((size_t)1 << 20) /* from here on a block is mapped on its own */
#endif

static atomic_uint_fast64_t count;
static atomic_uint_fast64_t fail_from; /* value of count at which to fail; 0: never */
static atomic_bool          fail_on;   /* fail everything from there on */

void wf_mem_fail_at(uint64_t n, bool forever)
{
    atomic_store(&fail_on, forever);
    atomic_store(&fail_from, n == 0 ? 0 : atomic_load(&count) + n);
}

uint64_t wf_mem_count(void)
{
    return atomic_load(&count);
}

static bool allowed(void)
{
    uint64_t mine = atomic_fetch_add(&count, 1) + 1;
    uint64_t from = atomic_load(&fail_from);
    return from == 0 || (atomic_load(&fail_on) ? mine < from : mine != from);
}

void *wf_alloc(size_t bytes)
{
    return allowed() ? malloc(bytes != 0 ? bytes : 1) : NULL;
}

void *wf_zalloc(size_t bytes)
{
    return allowed() ? calloc(1, bytes != 0 ? bytes : 1) : NULL;
}

void *wf_zalloc_n(size_t n, size_t each)
{
    uint64_t bytes;
    if (!wf_mul(n, each, &bytes) || bytes > SIZE_MAX)
        return NULL;
    return wf_zalloc((size_t)bytes);
}

void *wf_realloc(void *p, size_t bytes)
{
    return allowed() ? realloc(p, bytes != 0 ? bytes : 1) : NULL;
}

char *wf_strndup(const char *s, size_t n)
{
    char *d = wf_alloc(n + 1);
    if (d == NULL)
        return NULL;
    memcpy(d, s, n);
    d[n] = '\0';
    return d;
}

char *wf_strdup(const char *s)
{
    return wf_strndup(s, strlen(s));
}

void wf_free(void *p)
{
    free(p);
}

/* ---- aligned memory ---- */

/* Stands in the WF_ALIGN bytes before what the caller gets. */
typedef struct origin {
    void  *base;
    size_t mapped; /* bytes to unmap; 0: base is malloc's */
} origin;

static void *with_origin(void *data, void *base, size_t mapped)
{
    origin o = {base, mapped};
    memcpy((uint8_t *)data - WF_ALIGN, &o, sizeof o);
    return data;
}

static void *from_heap(size_t bytes)
{
    void *p = NULL;
    if (posix_memalign(&p, WF_ALIGN, bytes + WF_ALIGN) != 0)
        return NULL;
    return with_origin((uint8_t *)p + WF_ALIGN, p, 0);
}

/* Pages of its own, which the system has back when they are freed. malloc keeps what it once had
 * beneath other blocks, so that opening a large model again and again would take more each time. */
static void *from_system(size_t bytes)
{
    size_t align = bytes >= HUGE_BYTES ? HUGE_BYTES : WF_ALIGN,
           page = (size_t)sysconf(_SC_PAGESIZE);
    size_t   want = (bytes + align + page - 1) / page * page;
    uint8_t *base = mmap(NULL, want, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED)
        return NULL;
    uint8_t *data = base + (align - (uintptr_t)base % align);
    uint8_t *first = data - WF_ALIGN - ((uintptr_t)data - WF_ALIGN) % page;
    uint8_t *end = data + bytes + (page - ((uintptr_t)data + bytes) % page) % page;
    if (first > base)
        (void)munmap(base, (size_t)(first - base));
    if (end < base + want)
        (void)munmap(end, (size_t)(base + want - end));
    /* Only a hint: where the kernel declines, pages stay small. */
    if (align == HUGE_BYTES)
        (void)madvise(data, bytes, MADV_HUGEPAGE);
    return with_origin(data, first, (size_t)(end - first));
}

void *wf_alloc_aligned(size_t bytes)
{
    if (!allowed() || bytes > SIZE_MAX - 2 * HUGE_BYTES)
        return NULL;
    size_t rounded = bytes != 0 ? (bytes + WF_ALIGN - 1) / WF_ALIGN * WF_ALIGN : WF_ALIGN;
    return rounded >= MAPPED_BYTES ? from_system(rounded) : from_heap(rounded);
}

void wf_free_aligned(void *p)
{
    origin o;
    if (p == NULL)
        return;
    memcpy(&o, (uint8_t *)p - WF_ALIGN, sizeof o);
    if (o.mapped != 0)
        (void)munmap(o.base, o.mapped);
    else
        free(o.base);
}
