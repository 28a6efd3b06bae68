/* SPDX-License-Identifier: Apache-2.0 */
/* Memory. Every allocation of the core, and all memory that plugins get from the host, comes from
 * the functions here, so that a test can make the nth allocation fail. Any thread. */
#ifndef WF_MEM_H
#define WF_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WF_ALIGN 64u /* a cache line, and the widest vector */

void *wf_alloc(size_t bytes);             /* uninitialised, 16-aligned; NULL: out of memory */
void *wf_zalloc(size_t bytes);            /* zeroed, 16-aligned */
void *wf_zalloc_n(size_t n, size_t each); /* zeroed n * each; NULL also on overflow */
void *wf_realloc(void *p, size_t bytes);  /* p unchanged on NULL */
char *wf_strdup(const char *s);
char *wf_strndup(const char *s, size_t n); /* n bytes and a NUL */
void  wf_free(void *p);                    /* frees what the functions above gave, or NULL */

/* Uninitialised memory, aligned to WF_ALIGN. Of 1 MiB and more it is mapped on its own, and goes
 * back to the system as soon as it is freed; for 2 MiB and more huge pages are asked for. Freed
 * with wf_free_aligned. */
void *wf_alloc_aligned(size_t bytes);
void  wf_free_aligned(void *p);

/* For tests: the nth allocation from now on fails (1 is the next), and with `forever` all after it
 * too. 0 turns this off. */
void     wf_mem_fail_at(uint64_t n, bool forever);
uint64_t wf_mem_count(void); /* allocations asked for since the program began */

/* Checked arithmetic for sizes that come from files. On overflow they return false and leave *out
 * untouched. */
static inline bool wf_mul(uint64_t a, uint64_t b, uint64_t *out)
{
    uint64_t r;
    if (__builtin_mul_overflow(a, b, &r))
        return false;
    *out = r;
    return true;
}
static inline bool wf_add(uint64_t a, uint64_t b, uint64_t *out)
{
    uint64_t r;
    if (__builtin_add_overflow(a, b, &r))
        return false;
    *out = r;
    return true;
}

#endif
