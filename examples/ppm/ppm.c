/* SPDX-License-Identifier: Apache-2.0 */
/* A decoder of one page: binary PPM (P6, 8 bits) to the pixels of a picture. It sees bytes, limits
 * and host buffers, nothing of models: whatever model takes pictures takes these too.
 * Format: netpbm.sourceforge.net/doc/ppm.html */
#include <weft/sdk.h>

#include <stdbool.h>

typedef struct ppm {
    const weft_host *host;
    weft_source      src; /* the host's struct dies with open; what it points to does not */
    int64_t          width, height;
    uint64_t         pixels_at; /* offset of the first pixel */
} ppm;

static int32_t probe(const weft_probe *in)
{
    const uint8_t *h = in->head;
    return in->head_bytes > 2 && h[0] == 'P' && h[1] == '6' && h[2] <= ' ' ? WEFT_PROBE_MAGIC
                                                                           : WEFT_PROBE_NO;
}

/* The next number of a header; comments run from # to the end of a line. -1: there is none. */
static int64_t number(const uint8_t *head, int64_t n, int64_t *at)
{
    int64_t v = -1;
    while (*at < n &&
           (head[*at] == '#' || head[*at] == ' ' || (head[*at] >= '\t' && head[*at] <= '\r'))) {
        bool comment = head[*at] == '#';
        while (comment && *at < n && head[*at] != '\n')
            ++*at;
        *at += *at < n;
    }
    for (; *at < n && head[*at] >= '0' && head[*at] <= '9' && v < 1000000000; ++*at)
        v = (v < 0 ? 0 : v) * 10 + (head[*at] - '0');
    return v;
}

static weft_status read_header(ppm *p, const weft_limits *lim, weft_error *err)
{
    uint8_t head[512];
    int64_t n = p->src.read_at(p->src.ctx, 0, head, sizeof head), at = 2, max;
    if (n < 0)
        return weft_fail(err, (weft_status)n, "the PPM header could not be read");
    p->width = number(head, n, &at);
    p->height = number(head, n, &at);
    max = number(head, n, &at);
    if (p->width < 1 || p->height < 1 || max != 255 || at >= n)
        return weft_fail(err, WEFT_E_CORRUPT,
                         "the PPM header gives no size, or not 8 bits a sample");
    if ((uint64_t)p->width > lim->max_side || (uint64_t)p->height > lim->max_side)
        return weft_fail(err, WEFT_E_LIMIT, "%lldx%lld is over --max-side", (long long)p->width,
                         (long long)p->height);
    if ((uint64_t)(p->width * p->height) > lim->max_pixels)
        return weft_fail(err, WEFT_E_LIMIT, "%lldx%lld is over --max-pixels", (long long)p->width,
                         (long long)p->height);
    p->pixels_at = (uint64_t)at + 1; /* one blank ends the header */
    return WEFT_OK;
}

static weft_status ppm_open(const weft_host *h, const weft_source *src, const char *kind,
                            const weft_limits *lim, void **dec, weft_error *err)
{
    ppm *p = (ppm *)h->alloc(h, sizeof *p, 16);
    (void)kind;
    if (p == NULL)
        return weft_fail(err, WEFT_E_NOMEM, "out of memory for a PPM reader");
    p->host = h;
    p->src = *src;
    weft_status status = read_header(p, lim, err);
    if (status == WEFT_OK)
        *dec = p;
    else
        h->free(h, p);
    return status;
}

static weft_status info(void *dec, weft_media_info *out, weft_error *err)
{
    const ppm *p = (const ppm *)dec;
    (void)err;
    out->width = (int32_t)p->width;
    out->height = (int32_t)p->height; /* has_alpha stays 0: frames of 3 channels */
    return WEFT_OK;
}

static weft_status read_frames(void *dec, const int64_t *time_us, uint32_t n,
                               const weft_tensor *dst, int64_t *at_us, weft_error *err)
{
    const ppm *p = (const ppm *)dec;
    uint64_t   need = (uint64_t)(p->width * p->height * 3);
    (void)time_us; /* a still is the same at any time */
    if (n != 1 || dst->bytes < need)
        return weft_fail(err, WEFT_E_INVALID, "a PPM is one frame of %llu bytes",
                         (unsigned long long)need);
    at_us[0] = 0;
    int64_t got = p->src.read_at(p->src.ctx, p->pixels_at, dst->data, need);
    if (got < 0)
        return weft_fail(err, (weft_status)got, "the pixels could not be read");
    return got == (int64_t)need
               ? WEFT_OK
               : weft_fail(err, WEFT_E_CORRUPT, "it ends after %lld of %llu bytes of pixels",
                           (long long)got, (unsigned long long)need);
}

static void ppm_close(void *dec)
{
    ppm *p = (ppm *)dec;
    p->host->free(p->host, p);
}

static const char *const  kinds[] = {"image", NULL};
static const weft_decoder decoder = {
    .hdr = WEFT_HDR(weft_decoder),
    .kinds = kinds,
    .probe = probe,
    .open = ppm_open,
    .info = info,
    .read_frames = read_frames,
    .close = ppm_close,
};
static const weft_component components[] = {
    {WEFT_HDR(weft_component), WEFT_C_DECODER, "ppm", &decoder}};
static const weft_descriptor descriptor = {
    .hdr = WEFT_HDR(weft_descriptor),
    .id = "org.example.ppm",
    .name = "PPM pictures",
    .version = "0.1.0",
    .vendor = "Example",
    .license_spdx = "Apache-2.0",
    .url = "",
    .components = components,
    .n_components = 1,
};
WEFT_PLUGIN("org.example.ppm", "0.1.0", "components=decoder:ppm\nkinds=image\nmagic=0:5036\n",
            &descriptor, NULL, NULL)
