/* SPDX-License-Identifier: Apache-2.0 */
/* The decoder, whose files are "SIZES" and a byte a sample, and a segmenter that makes of a
 * recording one part. */
#include "sizes.h"

typedef struct decoder {
    const weft_host *host;
    weft_source      src;
    uint64_t         at;
} decoder;

static weft_probe probe_seen; /* a probe has no host to tell of it */

static int32_t probe(const weft_probe *p)
{
    probe_seen.hdr = p->hdr;
    return p->head_bytes >= HEAD && memcmp(p->head, "SIZES", HEAD) == 0 ? WEFT_PROBE_MAGIC
                                                                        : WEFT_PROBE_NO;
}

static weft_status dec_open(const weft_host *h, const weft_source *src, const char *kind,
                            const weft_limits *lim, void **out, weft_error *err)
{
    (void)kind;
    HANDED(h, weft_probe, &probe_seen);
    HANDED(h, weft_source, src);
    HANDED(h, weft_limits, lim);
    HANDED(h, weft_error, err);
    decoder *d = (decoder *)h->alloc(h, sizeof *d, 16);
    if (d == NULL)
        return weft_fail(err, WEFT_E_NOMEM, "no memory");
    *d = (decoder){h, *src, HEAD};
    *out = d;
    return WEFT_OK;
}

static weft_status dec_info(void *self, weft_media_info *out, weft_error *err)
{
    decoder *d = (decoder *)self;
    (void)err;
    HANDED(d->host, weft_media_info, out);
    out->channels = 1;
    out->sample_rate = 1000;
    out->n_samples = d->src.length(d->src.ctx) - HEAD;
    out->duration_us = out->n_samples * 1000;
    return WEFT_OK;
}

static weft_status dec_read(void *self, int64_t n, const weft_tensor *dst, int64_t *got,
                            weft_error *err)
{
    decoder *d = (decoder *)self;
    float   *out = (float *)dst->data;
    (void)err;
    for (*got = 0; *got < n; ++*got) {
        uint8_t byte;
        if (d->src.read_at(d->src.ctx, d->at, &byte, 1) != 1)
            break;
        out[*got] = (float)byte / 100.0f;
        d->at++;
    }
    return WEFT_OK;
}

static void dec_close(void *self)
{
    decoder *d = (decoder *)self;
    d->host->free(d->host, d);
}

/* ---- segmenter ---- */

typedef struct part {
    float   value[MAX_ROWS];
    int64_t n, at;
} part;

static weft_status part_read(void *ctx, int64_t n, const weft_tensor *dst, int64_t *got,
                             weft_error *err)
{
    part *p = (part *)ctx;
    (void)err;
    *got = n < p->n - p->at ? n : p->n - p->at;
    memcpy(dst->data, p->value + p->at, (size_t)*got * sizeof(float));
    p->at += *got;
    return WEFT_OK;
}

/* All of the recording. */
static weft_status cut(const weft_host *h, const weft_media *m, int64_t max_us,
                       const weft_segment_sink *sink, weft_error *err)
{
    part          p = {.n = 0};
    const int64_t shape[2] = {MAX_ROWS, 1};
    weft_tensor   dst = weft_view(NULL, p.value, WEFT_F32, 2, shape);
    GROWN(weft_media_info) info;
    GROWN(weft_media) media;
    GROWN(weft_segment) s;
    (void)max_us;
    HANDED(h, weft_media, m);
    HANDED(h, weft_media_info, m->info);
    HANDED(h, weft_segment_sink, sink);
    weft_status status = m->read_audio(m->ctx, MAX_ROWS, &dst, &p.n, err);
    if (status != WEFT_OK)
        return status;
    /* This one's own size stays: the host knows all of it, and takes no larger one. */
    info.known = *m->info;
    info.known.n_samples = p.n;
    media.known = (weft_media){.ctx = &p, .info = &info.known, .read_audio = part_read};
    s.known = (weft_segment){.start_us = 0, .end_us = p.n * 1000, .media = &media.known};
    GROW(weft_media, &media);
    GROW(weft_segment, &s);
    return sink->push(sink->ctx, &s.known, err);
}

static const char *const kinds[] = {KIND, NULL};
grown_decoder            sizes_decoder = {.known = {.kinds = kinds,
                                                    .probe = probe,
                                                    .open = dec_open,
                                                    .info = dec_info,
                                                    .read_audio = dec_read,
                                                    .close = dec_close}};
grown_segmenter          sizes_segmenter = {.known = {.kinds = kinds, .run = cut}};
