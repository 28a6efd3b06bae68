/* SPDX-License-Identifier: Apache-2.0 */
/* Host and source of the decoders' fuzz targets. */
#include "input.h"

#include <stdlib.h>

weft_status weft_plugin_entry(const weft_hello *hello, weft_plugin *out, weft_error *err);

static struct input {
    const uint8_t *p;
    size_t         n, chop;
    int            is_pipe;
    int64_t        blocks;
} current;

static void *host_alloc(const weft_host *h, uint64_t bytes, uint64_t align)
{
    void *p = NULL;
    (void)h;
    if (posix_memalign(&p, align < 16 ? 16 : (size_t)align, (size_t)bytes) != 0)
        return NULL;
    current.blocks++;
    return p;
}

static void host_free(const weft_host *h, void *p)
{
    (void)h;
    current.blocks -= p != NULL;
    free(p);
}

static int32_t host_cancelled(const weft_host *h)
{
    (void)h;
    return 0;
}

const weft_host fuzz_host = {.hdr = WEFT_HDR(weft_host),
                             .alloc = host_alloc,
                             .free = host_free,
                             .cancelled = host_cancelled};

static int64_t read_at(void *ctx, uint64_t offset, void *dst, uint64_t n)
{
    const struct input *in = ctx;
    if (offset >= in->n)
        return 0;
    n = n < in->n - offset ? n : in->n - offset;
    if (in->chop != 0 && n > in->chop)
        n = in->chop;
    memcpy(dst, in->p + offset, n);
    return (int64_t)n;
}

static int64_t length(void *ctx)
{
    const struct input *in = ctx;
    return in->is_pipe ? -1 : (int64_t)in->n;
}

const weft_decoder *fuzz_decoder(const weft_host *h)
{
    weft_hello hello = {
        WEFT_HDR(weft_hello), WEFT_MAGIC, WEFT_ABI_MAJOR, WEFT_ABI_MINOR, 0, "fuzz", "0"};
    weft_plugin me = {.hdr = WEFT_HDR(weft_plugin)};
    if (weft_plugin_entry(&hello, &me, NULL) != WEFT_OK || me.init(h, NULL) != WEFT_OK)
        abort();
    return me.desc->components[0].vtable;
}

weft_source fuzz_begin(const uint8_t *data, size_t n, int is_pipe, size_t chop)
{
    weft_source src = {WEFT_HDR(weft_source), &current, read_at, length};
    current = (struct input){.p = data, .n = n, .chop = chop, .is_pipe = is_pipe};
    return src;
}

void fuzz_end(void)
{
    if (current.blocks != 0)
        abort();
}
