/* SPDX-License-Identifier: Apache-2.0 */
/* Device memory within a budget, and pinned host memory. */
#include <stdlib.h>
#include <string.h>

#include "fake.h"

static result f_cuMemAlloc(address *p, size_t bytes)
{
    const result r = enter(true);
    if (r != OK)
        return r;
    if (bytes == 0)
        return leave(INVALID_VALUE);
    *p = bytes <= it.memory_left ? ptx_alloc(it.memory, bytes) : 0;
    if (*p == 0)
        return leave(OUT_OF_MEMORY);
    it.memory_left -= bytes;
    it.device_blocks++;
    return leave(OK);
}

/* Waits for all work first, as the real one does. */
static result f_cuMemFree(address p)
{
    uint64_t     begin;
    const size_t bytes = (enter_surely(), ptx_range(it.memory, p, &begin));
    if (p == 0)
        return leave(OK);
    if (bytes == 0 || begin != p)
        return leave(INVALID_VALUE);
    const result r = run_all();
    ptx_release(it.memory, p);
    it.memory_left += bytes;
    it.device_blocks--;
    return leave(r);
}

static result f_cuMemGetInfo(size_t *free_bytes, size_t *total)
{
    const result r = enter(true);
    if (r != OK)
        return r;
    *free_bytes = (size_t)it.memory_left;
    *total = (size_t)it.memory_total;
    return leave(OK);
}

static result f_cuMemHostAlloc(void **p, size_t bytes, unsigned flags)
{
    const result r = enter(true);
    if (r != OK)
        return r;
    if (bytes == 0 || (flags & ~7u) != 0)
        return leave(INVALID_VALUE);
    *p = bytes < SIZE_MAX / 2 ? aligned_alloc(4096, (bytes + 4095) / 4096 * 4096) : NULL;
    void **pinned =
        *p != NULL ? realloc(it.pinned, (it.host_blocks + 1) * 2 * sizeof *pinned) : NULL;
    if (pinned == NULL) {
        free(*p);
        return leave(OUT_OF_MEMORY);
    }
    it.pinned = pinned;
    pinned[2 * it.host_blocks] = *p;
    pinned[2 * it.host_blocks + 1] = (uint8_t *)*p + bytes;
    it.host_blocks++;
    return leave(OK);
}

static bool is_pinned(const void *p, size_t bytes)
{
    const uint8_t *from = p;
    for (uint64_t i = 0; i < it.host_blocks; i++)
        if (from >= (uint8_t *)it.pinned[2 * i] && from + bytes <= (uint8_t *)it.pinned[2 * i + 1])
            return true;
    return false;
}

static result f_cuMemFreeHost(void *p)
{
    enter_surely();
    const result r = run_all(); /* a copy may be under way */
    for (uint64_t i = 0; i < it.host_blocks; i++)
        if (it.pinned[2 * i] == p) {
            it.host_blocks--;
            it.pinned[2 * i] = it.pinned[2 * it.host_blocks];
            it.pinned[2 * i + 1] = it.pinned[2 * it.host_blocks + 1];
            break;
        }
    free(p);
    if (it.host_blocks == 0) {
        free(it.pinned);
        it.pinned = NULL;
    }
    return leave(r);
}

static result copy(stream *s, const work *w, address at)
{
    if (w->bytes == 0)
        return OK;
    return ptx_host(it.memory, at, w->bytes) != NULL ? push(s, w) : INVALID_VALUE;
}

static result f_cuMemcpyHtoDAsync(address to, const void *from, size_t bytes, void *handle)
{
    const result r = enter(true);
    if (r != OK)
        return r;
    work w = {.kind = DO_UPLOAD, .to = to, .host = (void *)(uintptr_t)from, .bytes = bytes};
    return leave(copy(stream_of(handle), &w, to));
}

static result f_cuMemcpyDtoHAsync(void *to, address from, size_t bytes, void *handle)
{
    const result r = enter(true);
    if (r != OK)
        return r;
    work w = {.kind = DO_DOWNLOAD, .from = from, .host = to, .bytes = bytes};
    it.pageable += !is_pinned(to, bytes);
    return leave(copy(stream_of(handle), &w, from));
}

static result f_cuMemcpyDtoDAsync(address to, address from, size_t bytes, void *handle)
{
    const result r = enter(true);
    if (r != OK)
        return r;
    work w = {.kind = DO_COPY, .to = to, .from = from, .bytes = bytes};
    if (bytes != 0 && ptx_host(it.memory, from, bytes) == NULL)
        return leave(INVALID_VALUE);
    return leave(copy(stream_of(handle), &w, to));
}

static result f_cuMemsetD8Async(address to, unsigned char value, size_t n, void *handle)
{
    const result r = enter(true);
    if (r != OK)
        return r;
    work w = {.kind = DO_SET, .to = to, .value = value, .bytes = n};
    return leave(copy(stream_of(handle), &w, to));
}

void *entry_of_memory(const char *name)
{
    static const entry all[] = {
        ENTRY(cuMemAlloc),        ENTRY(cuMemFree),         ENTRY(cuMemGetInfo),
        ENTRY(cuMemHostAlloc),    ENTRY(cuMemFreeHost),     ENTRY(cuMemcpyHtoDAsync),
        ENTRY(cuMemcpyDtoHAsync), ENTRY(cuMemcpyDtoDAsync), ENTRY(cuMemsetD8Async),
    };
    return entry_in(all, sizeof all / sizeof *all, name);
}
