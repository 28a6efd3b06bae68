/* SPDX-License-Identifier: Apache-2.0 */
/* libFuzzer: any bytes through weft.ffmpeg: probe, open, info, frames or samples, close, under
 * small limits. The first byte is not the file's: it picks the kind and how the bytes arrive (short
 * reads, a pipe), so that one corpus covers all ways. Aborts where the decoder breaks its contract.
 * FFmpeg itself is not instrumented: what is searched is the glue around it. */
#include "../input.h"

#include <stdlib.h>

#define MAX_PIXELS 65536u
#define MAX_BLOCKS 64
#define BLOCK 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_frames(const weft_decoder *d, void *dec, const weft_media_info *info)
{
    int64_t       times[3] = {info->duration_us, 0, info->duration_us / 2}, at[3];
    uint32_t      n = strcmp(info->kind, "image") == 0 ? 1 : 3;
    const int64_t shape[4] = {n, info->height, info->width, info->has_alpha ? 4 : 3};
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
    const int64_t shape[2] = {BLOCK, info->channels};
    weft_tensor   t = weft_view(NULL, NULL, WEFT_F32, 2, shape);
    t.data = malloc(t.bytes);
    for (int i = 0; i < MAX_BLOCKS; i++)
        if (d->read_audio(dec, BLOCK, &t, &got, NULL) != WEFT_OK || got < BLOCK)
            break;
    free(t.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const kinds[] = {"video", "audio", "image", "video"};
    weft_limits              lim = {
                     WEFT_HDR(weft_limits), MAX_PIXELS, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, 0, NULL};
    weft_error          err = {.hdr = WEFT_HDR(weft_error)};
    weft_media_info     info = {.hdr = WEFT_HDR(weft_media_info)};
    weft_host           host = fuzz_host;
    const weft_decoder *d = fuzz_decoder(&host);
    void               *dec = NULL;
    host.cancelled = NULL; /* a host need not have it */
    if (size == 0)
        return 0;
    const char *kind = kinds[data[0] % 4];
    weft_source src = fuzz_begin(data + 1, size - 1, data[0] >> 2 & 1, data[0] >> 3 & 1 ? 61 : 0);
    weft_probe  probe = {WEFT_HDR(weft_probe), kind, data + 1, size - 1, NULL};
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
    fuzz_end();
    return 0;
}
