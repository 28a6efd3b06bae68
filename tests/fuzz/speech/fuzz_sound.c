/* SPDX-License-Identifier: Apache-2.0 */
/* libFuzzer: any bytes through weft.sndfile: the header walks and formats' ways of this project,
 * and the libraries behind them. Odd lengths are pipes; every third source reads by sevens. Leaks
 * of libvorbis, whose headers libsndfile does not clear when it cannot open them, are not reported:
 * run with -detect_leaks=0 to leave out all others as well. */
#include "../input.h"

#include <stdlib.h>

#define SAMPLES_MAX 1000000u
#define BLOCK 4096

int         LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
    return "leak:libvorbis\n";
}

/* Reads to the end; what the decoder gives must be sound. */
static void read_opened(const weft_decoder *d, void *dec, weft_error *err)
{
    weft_media_info info = {.hdr = WEFT_HDR(weft_media_info)};
    int64_t         got = BLOCK, all = 0;
    if (d->info(dec, &info, err) != WEFT_OK || info.channels < 1 || info.channels > 8)
        abort();
    const int64_t shape[2] = {BLOCK, info.channels};
    weft_tensor   t = weft_view(NULL, NULL, WEFT_F32, 2, shape);
    float        *p = malloc(t.bytes);
    t.data = p;
    while (got == BLOCK && d->read_audio(dec, BLOCK, &t, &got, err) == WEFT_OK) {
        for (int64_t i = 0; i < got * info.channels; i++)
            if (!(p[i] >= -1e10f && p[i] <= 1e10f))
                abort();
        all += got;
    }
    if (all > SAMPLES_MAX)
        abort();
    free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    weft_limits         lim = {.hdr = WEFT_HDR(weft_limits), .max_samples = SAMPLES_MAX};
    weft_error          err = {.hdr = WEFT_HDR(weft_error)};
    weft_probe          probe = {WEFT_HDR(weft_probe), "audio", data, size, NULL};
    const weft_decoder *d = fuzz_decoder(&fuzz_host);
    void               *dec = NULL;
    weft_source         src = fuzz_begin(data, size, size % 2 != 0, size % 3 == 0 ? 7 : 0);
    d->probe(&probe);
    if (d->open(&fuzz_host, &src, "audio", &lim, &dec, &err) == WEFT_OK) {
        read_opened(d, dec, &err);
        d->close(dec);
    }
    fuzz_end();
    return 0;
}
