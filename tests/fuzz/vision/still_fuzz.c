/* SPDX-License-Identifier: Apache-2.0 */
/* The harness that the PNG and the JPEG target share; linked with one module's sources. */
#include "still_fuzz.h"

#include "weft/decoder.h"
#include "weft/plugin.h"

#include <stdlib.h>
#include <string.h>

#define MAX_PIXELS 65536u

weft_status weft_plugin_entry(const weft_hello *hello, weft_plugin *out, weft_error *err);

typedef struct input {
    const uint8_t *p;
    size_t         n;
    int64_t        blocks;
} input;

static input current; /* a fuzz target runs one input at a time */

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

static int64_t read_at(void *ctx, uint64_t offset, void *dst, uint64_t n)
{
    const input *in = ctx;
    if (offset >= in->n)
        return 0;
    n = n < in->n - offset ? n : in->n - offset;
    if (in->n % 3 == 0 && n > 7)
        n = 7;
    memcpy(dst, in->p + offset, n);
    return (int64_t)n;
}

static int64_t length(void *ctx)
{
    const input *in = ctx;
    return in->n % 2 != 0 ? -1 : (int64_t)in->n;
}

static const weft_decoder *decoder(void)
{
    weft_hello  hello = { WEFT_HDR(weft_hello), WEFT_MAGIC, WEFT_ABI_MAJOR,
                          WEFT_ABI_MINOR, 0, "fuzz", "0" };
    weft_plugin me = { .hdr = WEFT_HDR(weft_plugin) };
    if (weft_plugin_entry(&hello, &me, NULL) != WEFT_OK)
        abort();
    return me.desc->components[0].vtable;
}

static weft_tensor frame(const weft_media_info *info)
{
    weft_tensor t;
    int64_t     shape[4] = { 1, info->height, info->width, info->has_alpha ? 4 : 3 };
    memset(&t, 0, sizeof t);
    t.device_type = WEFT_DEV_CPU;
    t.dtype = (weft_dtype){ WEFT_DT_UINT, 8, 1 };
    t.ndim = 4;
    t.bytes = 1;
    for (int i = 3; i >= 0; i--) {
        t.shape[i] = shape[i];
        t.stride[i] = (int64_t)t.bytes;
        t.bytes *= (uint64_t)shape[i];
    }
    t.data = malloc(t.bytes);
    return t;
}

static void read_opened(const weft_decoder *d, void *dec, weft_error *err)
{
    weft_media_info info = { .hdr = WEFT_HDR(weft_media_info) };
    if (d->info(dec, &info, err) != WEFT_OK)
        abort();
    if ((uint64_t)info.width * (uint64_t)info.height > MAX_PIXELS)
        abort();
    weft_tensor t = frame(&info);
    d->read_frames(dec, NULL, 1, &t, NULL, err);
    d->read_frames(dec, NULL, 1, &t, NULL, err);
    free(t.data);
}

void still_fuzz(const uint8_t *data, size_t size)
{
    weft_host host = { .hdr = WEFT_HDR(weft_host), .alloc = host_alloc, .free = host_free,
                       .cancelled = host_cancelled };
    weft_limits         lim = { .hdr = WEFT_HDR(weft_limits), .max_pixels = MAX_PIXELS };
    weft_error          err = { .hdr = WEFT_HDR(weft_error) };
    weft_probe          probe = { WEFT_HDR(weft_probe), "image", data, size, NULL };
    const weft_decoder *d = decoder();
    void               *dec = NULL;
    current = (input){ data, size, 0 };
    weft_source src = { WEFT_HDR(weft_source), &current, read_at, length };
    d->probe(&probe);
    if (d->open(&host, &src, "image", &lim, &dec, &err) == WEFT_OK) {
        read_opened(d, dec, &err);
        d->close(dec);
    }
    if (current.blocks != 0)
        abort();
}
