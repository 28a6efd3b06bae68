/* SPDX-License-Identifier: Apache-2.0 */
/* Allocations of the test device. */
#include "core/device/test/memory.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/base/mem.h"

#define PAGE_BYTES 4096u
#define CANARY 0xC3

void wf_poison_fill(void *p, uint64_t bytes)
{
    uint8_t *at = p;
    for (uint64_t i = 0; i < bytes; i++)
        at[i] = wf_poison_at(at + i);
}

static bool holds(const uint8_t *seen, const uint8_t *p, uint64_t bytes)
{
    for (uint64_t i = 0; i < bytes; i++)
        if (seen[i] != wf_poison_at(p + i))
            return false;
    return true;
}

bool wf_poison_holds(const void *p, uint64_t bytes)
{
    uint8_t        seen[PAGE_BYTES];
    const uint8_t *at = p;
    for (uint64_t n; bytes > 0; bytes -= n, at += n) {
        n = bytes < sizeof seen ? bytes : sizeof seen;
        struct iovec to = {seen, n}, from = {(void *)(uintptr_t)at, n};
        ssize_t      got = process_vm_readv(getpid(), &to, 1, &from, 1, 0);
        if (got < 0 &&
            errno !=
                EFAULT) /* process_vm_readv is not allowed here, so a bad address would crash */
            memcpy(seen, at, n);
        else if (got != (ssize_t)n)
            return false;
        if (!holds(seen, at, n))
            return false;
    }
    return true;
}

weft_status wf_test_memory_init(wf_test_memory *m, weft_error *err)
{
    void *p[2] = {MAP_FAILED, MAP_FAILED};
    for (int i = 0; i < 2; i++)
        p[i] = mmap(NULL, (size_t)WF_TEST_BYTES, i == 0 ? PROT_NONE : PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    m->base = p[0] != MAP_FAILED ? p[0] : NULL;
    m->written = p[1] != MAP_FAILED ? p[1] : NULL;
    if (m->base == NULL || m->written == NULL)
        return wf_fail_nomem(err, WF_TEST_BYTES, "the async-test device's address range");
    m->blocks = wf_zalloc(sizeof *m->blocks);
    if (m->blocks == NULL)
        return wf_fail_nomem(err, sizeof *m->blocks, "the async-test device");
    m->blocks->bytes = WF_TEST_BYTES;
    return WEFT_OK;
}

void wf_test_memory_free(wf_test_memory *m)
{
    while (m->blocks != NULL) {
        wf_test_block *b = m->blocks;
        m->blocks = b->next;
        wf_free(b);
    }
    if (m->base != NULL)
        munmap(m->base, (size_t)WF_TEST_BYTES);
    if (m->written != NULL)
        munmap(m->written, (size_t)WF_TEST_BYTES);
}

void wf_test_memory_open(wf_test_memory *m)
{
    mprotect(m->base, (size_t)WF_TEST_BYTES, PROT_READ | PROT_WRITE);
}

void wf_test_memory_shut(wf_test_memory *m)
{
    mprotect(m->base, (size_t)WF_TEST_BYTES, PROT_NONE);
}

uint8_t *wf_test_block_data(const wf_test_memory *m, const wf_test_block *b)
{
    return m->base + b->offset + WF_ALIGN;
}

static void fresh(wf_test_memory *m, const wf_test_block *b)
{
    uint8_t *at = m->base + b->offset;
    mprotect(at, (size_t)b->bytes, PROT_READ | PROT_WRITE);
    memset(at, CANARY, WF_ALIGN);
    wf_poison_fill(at + WF_ALIGN, b->asked);
    memset(at + WF_ALIGN + b->asked, CANARY, (size_t)(b->bytes - WF_ALIGN - b->asked));
    mprotect(at, (size_t)b->bytes, PROT_NONE);
}

/* The first free block at or after `from` of at least need bytes. */
static wf_test_block *find_free(const wf_test_memory *m, uint64_t from, uint64_t need)
{
    wf_test_block *b = m->blocks;
    while (b != NULL && (b->live || b->bytes < need || b->offset < from))
        b = b->next;
    return b;
}

/* Cuts b to `need` bytes; false: out of memory. */
static bool split(wf_test_block *b, uint64_t need)
{
    if (b->bytes == need)
        return true;
    wf_test_block *rest = wf_zalloc(sizeof *rest);
    if (rest == NULL)
        return false;
    *rest = *b;
    rest->offset += need;
    rest->bytes -= need;
    b->next = rest;
    b->bytes = need;
    return true;
}

void *wf_test_memory_take(wf_test_memory *m, uint64_t bytes)
{
    if (bytes > WF_TEST_BYTES / 2)
        return NULL;
    uint64_t       need = (bytes + 2 * WF_ALIGN + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
    wf_test_block *b = find_free(m, m->cursor, need);
    if (b == NULL)
        b = find_free(m, 0, need);
    if (b == NULL || !split(b, need))
        return NULL;
    b->live = 1;
    b->asked = bytes;
    m->cursor = b->offset + need;
    fresh(m, b);
    return wf_test_block_data(m, b);
}

static void merge(wf_test_memory *m)
{
    for (wf_test_block *b = m->blocks; b != NULL && b->next != NULL;) {
        wf_test_block *n = b->next;
        if (b->live || n->live || b->freed != n->freed) {
            b = n;
            continue;
        }
        b->bytes += n->bytes;
        b->next = n->next;
        wf_free(n);
    }
}

bool wf_test_memory_give(wf_test_memory *m, void *p, bool *intact)
{
    wf_test_block *b = wf_test_memory_block(m, p);
    *intact = true;
    if (b == NULL || !b->live || wf_test_block_data(m, b) != (uint8_t *)p)
        return false;
    uint8_t *at = m->base + b->offset;
    mprotect(at, (size_t)b->bytes, PROT_READ | PROT_WRITE);
    *intact = wf_test_block_check(m, b);
    mprotect(at, (size_t)b->bytes, PROT_NONE);
    madvise(at, (size_t)b->bytes, MADV_DONTNEED);
    madvise(m->written + b->offset, (size_t)b->bytes, MADV_DONTNEED);
    b->live = 0;
    b->freed = 1;
    merge(m);
    return true;
}

uint64_t wf_test_memory_left(const wf_test_memory *m)
{
    uint64_t left = 0;
    for (const wf_test_block *b = m->blocks; b != NULL; b = b->next)
        left += b->live ? 0 : b->bytes;
    return left;
}

bool wf_test_memory_has(const wf_test_memory *m, const void *p)
{
    uintptr_t at = (uintptr_t)p, base = (uintptr_t)m->base;
    return at >= base && at - base < WF_TEST_BYTES;
}

wf_test_block *wf_test_memory_block(const wf_test_memory *m, const void *p)
{
    wf_test_block *b = m->blocks;
    if (!wf_test_memory_has(m, p))
        return NULL;
    uint64_t at = (uint64_t)((const uint8_t *)p - m->base);
    while (b != NULL && at - b->offset >= b->bytes)
        b = b->next;
    return b;
}

static bool restore(uint8_t *p, uint64_t n)
{
    bool whole = true;
    for (uint64_t i = 0; i < n; i++)
        whole = whole && p[i] == CANARY;
    if (!whole)
        memset(p, CANARY, (size_t)n);
    return whole;
}

bool wf_test_block_check(wf_test_memory *m, const wf_test_block *b)
{
    uint8_t *at = m->base + b->offset, *end = at + WF_ALIGN + b->asked;
    bool     before = restore(at, WF_ALIGN);
    return restore(end, b->bytes - WF_ALIGN - b->asked) && before;
}

void wf_test_block_find_written(wf_test_memory *m, const wf_test_block *b)
{
    uint8_t *p = wf_test_block_data(m, b), *w = wf_test_written(m, p);
    for (uint64_t i = 0; i < b->asked; i += 4) {
        uint64_t n = b->asked - i < 4 ? b->asked - i : 4;
        if (w[i] == 0 && !holds(p + i, p + i, n))
            memset(w + i, 1, (size_t)n);
    }
}
