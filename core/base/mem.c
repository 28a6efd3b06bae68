/* SPDX-License-Identifier: Apache-2.0 */
/* All allocations of the library. */
#include "core/base/mem.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_BYTES ((size_t)2 << 20)

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

void *wf_alloc_aligned(size_t bytes)
{
    size_t align = bytes >= HUGE_BYTES ? HUGE_BYTES : WF_ALIGN;
    void  *p = NULL;
    if (!allowed() || bytes > SIZE_MAX - align)
        return NULL;
    size_t rounded = (bytes + WF_ALIGN - 1) / WF_ALIGN * WF_ALIGN;
    if (posix_memalign(&p, align, rounded != 0 ? rounded : WF_ALIGN) != 0)
        return NULL;
    /* Only a hint: where the kernel declines, pages stay small. */
    if (align == HUGE_BYTES)
        (void)madvise(p, rounded, MADV_HUGEPAGE);
    return p;
}

void wf_free_aligned(void *p)
{
    free(p);
}
