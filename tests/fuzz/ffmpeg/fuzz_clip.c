/* SPDX-License-Identifier: Apache-2.0 */
/* libFuzzer: any bytes through weft.ffmpeg: probe, open, info, frames or samples, close, under
 * small limits. The first byte is not the file's: it picks the kind and how the bytes arrive (short
 * reads, a pipe), so that one corpus covers all ways. Aborts where the decoder breaks its contract.
 * FFmpeg itself is not instrumented: what is searched is the glue around it. */
#include "weft/sdk.h"

#include <stdlib.h>

#define MAX_PIXELS  65536u
#define MAX_BLOCKS  64
#define BLOCK       4096

int         LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
weft_status weft_plugin_entry(const weft_hello *hello, weft_plugin *out, weft_error *err);

typedef struct input {
    const uint8_t *p;
    size_t         n;
    int            is_pipe, chop;
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

static int64_t read_at(void *ctx, uint64_t offset, void *dst, uint64_t n)
{
    const input *in = ctx;
    if (offset >= in->n)
        return 0;
    n = n < in->n - offset ? n : in->n - offset;
    if (in->chop && n > 61)
        n = 61;
    memcpy(dst, in->p + offset, n);
    return (int64_t)n;
}

static int64_t length(void *ctx)
{
    const input *in = ctx;
    return in->is_pipe ? -1 : (int64_t)in->n;
}

static const weft_decoder *decoder(const weft_host *h)
{
    weft_hello  hello = { WEFT_HDR(weft_hello), WEFT_MAGIC, WEFT_ABI_MAJOR,
                          WEFT_ABI_MINOR, 0, "fuzz", "0" };
    weft_plugin me = { .hdr = WEFT_HDR(weft_plugin) };
    if (weft_plugin_entry(&hello, &me, NULL) != WEFT_OK || me.init(h, NULL) != WEFT_OK)
        abort();
    return me.desc->components[0].vtable;
}

static void read_frames(const weft_decoder *d, void *dec, const weft_media_info *info)
{
    int64_t       times[3] = { info->duration_us, 0, info->duration_us / 2 }, at[3];
    uint32_t      n = strcmp(info->kind, "image") == 0 ? 1 : 3;
    const int64_t shape[4] = { n, info->height, info->width, info->has_alpha ? 4 : 3 };
    weft_tensor   t = weft_view(NULL, NULL, WEFT_U8, 4, shape);
    if ((uint64_t)info->width * (uint64_t)info->height > MAX_PIXELS)
        abort();
    t.data = malloc(t.bytes);
    d->read_frames(dec, times, n, &t, at, NULL);
    free(t.data);
}

static void read_audio(const weft_decoder *d, void *dec, const weft_media_info *info)
{
    int64_t       got = 0;
    const int64_t shape[2] = { BLOCK, info->channels };
    weft_tensor   t = weft_view(NULL, NULL, WEFT_F32, 2, shape);
    t.data = malloc(t.bytes);
    for (int i = 0; i < MAX_BLOCKS; i++)
        if (d->read_audio(dec, BLOCK, &t, &got, NULL) != WEFT_OK || got < BLOCK)
            break;
    free(t.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const kinds[] = { "video", "audio", "image", "video" };
    const weft_host          host = { .hdr = WEFT_HDR(weft_host), .alloc = host_alloc,
                                      .free = host_free };
    weft_limits         lim = { .hdr = WEFT_HDR(weft_limits), .max_pixels = MAX_PIXELS };
    weft_error          err = { .hdr = WEFT_HDR(weft_error) };
    weft_media_info     info = { .hdr = WEFT_HDR(weft_media_info) };
    const weft_decoder *d = decoder(&host);
    void               *dec = NULL;
    if (size == 0)
        return 0;
    const char *kind = kinds[data[0] % 4];
    current = (input){ data + 1, size - 1, data[0] >> 2 & 1, data[0] >> 3 & 1, 0 };
    weft_source src = { WEFT_HDR(weft_source), &current, read_at, length };
    weft_probe  probe = { WEFT_HDR(weft_probe), kind, data + 1, size - 1, NULL };
    d->probe(&probe);
    if (d->open(&host, &src, kind, &lim, &dec, &err) == WEFT_OK) {
        if (d->info(dec, &info, &err) != WEFT_OK)
            abort();
        if (strcmp(kind, "audio") == 0)
            read_audio(d, dec, &info);
        else
            read_frames(d, dec, &info);
        d->close(dec);
    } else if (dec != NULL || strlen(err.message) < 10) {
        abort();
    }
    if (current.blocks != 0)
        abort();
    return 0;
}
