/* SPDX-License-Identifier: Apache-2.0 */
/* The harness that the PNG and the JPEG target share; linked with one module's sources. */
#include "still_fuzz.h"

#include "../input.h"

#include <stdlib.h>

#define MAX_PIXELS 65536u

static weft_tensor frame(const weft_media_info *info)
{
    const int64_t shape[4] = {1, info->height, info->width, info->has_alpha ? 4 : 3};
    weft_tensor   t = weft_view(NULL, NULL, WEFT_U8, 4, shape);
    t.data = malloc(t.bytes);
    return t;
}

static void read_opened(const weft_decoder *d, void *dec, weft_error *err)
{
    weft_media_info info = {.hdr = WEFT_HDR(weft_media_info)};
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
    weft_limits lim = {WEFT_HDR(weft_limits), MAX_PIXELS, UINT64_MAX, 1, 0, UINT64_MAX, 0, NULL};
    weft_error  err = {.hdr = WEFT_HDR(weft_error)};
    weft_probe  probe = {WEFT_HDR(weft_probe), "image", data, size, NULL};
    const weft_decoder *d = fuzz_decoder(&fuzz_host);
    void               *dec = NULL;
    weft_source         src = fuzz_begin(data, size, size % 2 != 0, size % 3 == 0 ? 7 : 0);
    d->probe(&probe);
    if (d->open(&fuzz_host, &src, "image", &lim, &dec, &err) == WEFT_OK) {
        read_opened(d, dec, &err);
        d->close(dec);
    }
    fuzz_end();
}
