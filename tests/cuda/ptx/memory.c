/* SPDX-License-Identifier: Apache-2.0 */
/* Device memory: allocations in ascending order, each with its shadow. */
#include <stdlib.h>

#include "inside.h"

ptx_memory *ptx_memory_new(void)
{
    ptx_memory *m = calloc(1, sizeof *m);
    if (m != NULL)
        m->now = 1;
    return m;
}

bool pt_segment_init(pt_segment *s, uint64_t base, uint64_t bytes)
{
    *s = (pt_segment){.base = base, .bytes = bytes, .shift = 2};
    s->known = calloc(1, bytes + 16);
    return s->known != NULL;
}

void pt_segment_close(pt_segment *s)
{
    free(s->known);
    free(s->cell);
    free(s->data);
    *s = (pt_segment){0};
}

void ptx_memory_free(ptx_memory *m)
{
    if (m == NULL)
        return;
    for (size_t i = 0; i < m->n; i++)
        pt_segment_close(&m->all[i]);
    free(m->all);
    free(m);
}

static bool grow(ptx_memory *m)
{
    if (m->n < m->room)
        return true;
    const size_t room = m->room * 2 + 16;
    pt_segment  *all = realloc(m->all, room * sizeof *all);
    if (all == NULL)
        return false;
    m->all = all;
    m->room = room;
    return true;
}

/* The first segment whose end lies past `at`. */
static size_t after(const ptx_memory *m, uint64_t at)
{
    size_t low = 0, high = m->n;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (m->all[middle].base + m->all[middle].bytes <= at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint64_t ptx_alloc(ptx_memory *m, size_t bytes)
{
    pt_segment s;
    if (bytes == 0 || bytes > SIZE_MAX / 2 || !grow(m))
        return 0;
    const size_t whole = (bytes + 255) / 256 * 256;
    uint8_t     *data = aligned_alloc(256, whole);
    if (data == NULL)
        return 0;
    memset(data, 0xff, whole); /* a value that nobody wrote is a NaN */
    const uint64_t base = (uint64_t)(uintptr_t)data + PTX_WINDOW;
    if (!pt_segment_init(&s, base, bytes)) {
        free(data);
        return 0;
    }
    s.data = data;
    const size_t k = after(m, base);
    memmove(m->all + k + 1, m->all + k, (m->n - k) * sizeof s);
    m->all[k] = s;
    m->n++;
    return base;
}

bool ptx_release(ptx_memory *m, uint64_t at)
{
    const size_t k = after(m, at);
    if (k == m->n || m->all[k].base != at)
        return false;
    pt_segment_close(&m->all[k]);
    m->n--;
    memmove(m->all + k, m->all + k + 1, (m->n - k) * sizeof *m->all);
    return true;
}

pt_segment *pt_segment_at(ptx_memory *m, uint64_t at, uint64_t bytes)
{
    for (int pass = 0; pass < 2; pass++) {
        pt_segment *s = m->last < m->n ? &m->all[m->last] : NULL;
        if (s != NULL && at >= s->base && at - s->base < s->bytes)
            return bytes <= s->bytes - (at - s->base) ? s : NULL;
        m->last = after(m, at);
    }
    return NULL;
}

void *ptx_host(ptx_memory *m, uint64_t at, size_t bytes)
{
    pt_segment *s = pt_segment_at(m, at, bytes);
    return s != NULL ? s->data + (at - s->base) : NULL;
}

void ptx_define(ptx_memory *m, uint64_t at, size_t bytes)
{
    pt_segment *s = pt_segment_at(m, at, bytes);
    if (s != NULL)
        memset(s->known + (at - s->base), K_DEFINED, bytes);
}

size_t ptx_undefined(ptx_memory *m, uint64_t at, size_t bytes)
{
    pt_segment *s = pt_segment_at(m, at, bytes);
    size_t      n = 0;
    for (size_t i = 0; s != NULL && i < bytes; i++)
        n += s->known[at - s->base + i] != K_DEFINED;
    return s != NULL ? n : bytes;
}

size_t ptx_range(ptx_memory *m, uint64_t at, uint64_t *begin)
{
    pt_segment *s = pt_segment_at(m, at, 1);
    *begin = s != NULL ? s->base : 0;
    return s != NULL ? (size_t)s->bytes : 0;
}
