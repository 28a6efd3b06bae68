/* SPDX-License-Identifier: Apache-2.0 */
/* libFuzzer: any bytes through weft.sndfile: the header walks and formats' ways of this project,
 * and the libraries behind them. Odd lengths are pipes; every third source reads by sevens. Seeds:
 * corpus/, and tests/fixtures/speech/spoken.opus. Leaks of libvorbis, whose headers libsndfile does
 * not clear when it cannot open them, are not reported: run with -detect_leaks=0 to leave out all
 * others as well. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "weft/decoder.h"
#include "weft/plugin.h"

#define SAMPLES_MAX 1000000u
#define BLOCK 4096

int         LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);
weft_status weft_plugin_entry(const weft_hello *hello, weft_plugin *out, weft_error *err);

const char *__lsan_default_suppressions(void)
{
    return "leak:libvorbis\n";
}

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
    weft_hello hello = {
        WEFT_HDR(weft_hello), WEFT_MAGIC, WEFT_ABI_MAJOR, WEFT_ABI_MINOR, 0, "fuzz", "0"};
    weft_plugin me = {.hdr = WEFT_HDR(weft_plugin)};
    if (weft_plugin_entry(&hello, &me, NULL) != WEFT_OK)
        abort();
    return me.desc->components[0].vtable;
}

/* Reads to the end; what the decoder gives must be sound. */
static void read_opened(const weft_decoder *d, void *dec, weft_error *err)
{
    weft_media_info info = {.hdr = WEFT_HDR(weft_media_info)};
    int64_t         got = BLOCK, all = 0;
    if (d->info(dec, &info, err) != WEFT_OK || info.channels < 1 || info.channels > 8)
        abort();
    float      *p = malloc((size_t)BLOCK * (size_t)info.channels * sizeof *p);
    weft_tensor t = {.data = p,
                     .bytes = (uint64_t)BLOCK * (uint64_t)info.channels * sizeof *p,
                     .device_type = WEFT_DEV_CPU,
                     .dtype = {WEFT_DT_FLOAT, 32, 1},
                     .ndim = 2,
                     .shape = {BLOCK, info.channels},
                     .stride = {info.channels, 1}};
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
    weft_host           host = {.hdr = WEFT_HDR(weft_host),
                                .alloc = host_alloc,
                                .free = host_free,
                                .cancelled = host_cancelled};
    weft_limits         lim = {.hdr = WEFT_HDR(weft_limits), .max_samples = SAMPLES_MAX};
    weft_error          err = {.hdr = WEFT_HDR(weft_error)};
    weft_probe          probe = {WEFT_HDR(weft_probe), "audio", data, size, NULL};
    const weft_decoder *d = decoder();
    void               *dec = NULL;
    current = (input){data, size, 0};
    weft_source src = {WEFT_HDR(weft_source), &current, read_at, length};
    d->probe(&probe);
    if (d->open(&host, &src, "audio", &lim, &dec, &err) == WEFT_OK) {
        read_opened(d, dec, &err);
        d->close(dec);
    }
    if (current.blocks != 0)
        abort();
    return 0;
}
