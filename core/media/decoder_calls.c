/* SPDX-License-Identifier: Apache-2.0 */
/* The calls into decoders. */
#include <string.h>

#include "core/base/log.h"
#include "core/io/text.h"
#include "core/media/calls.h"
#include "core/media/fill.h"
#include "core/plugin/visit.h"

int32_t wf_decoder_probe(const weft_decoder *vt, wf_plugin *plugin, const weft_probe *p)
{
    wf_visit v;
    wf_visit_begin(&v, plugin, "probe", p->name_hint, WF_VISIT_QUICK);
    int32_t score = vt->probe(p);
    (void)wf_visit_end(&v, WEFT_OK, NULL);
    score = score < WEFT_PROBE_NO        ? WEFT_PROBE_NO
            : score > WEFT_PROBE_CERTAIN ? WEFT_PROBE_CERTAIN
                                         : score;
    if (score > WEFT_PROBE_NO)
        wf_log(WEFT_LOG_DEBUG, "%s: probe of %s as \"%s\": %d of %d", wf_plugin_id(plugin),
               p->name_hint != NULL ? wf_quote(p->name_hint).s : "bytes", p->kind, score,
               WEFT_PROBE_CERTAIN);
    return score;
}

weft_status wf_decoder_open(wf_decoding *d, const weft_source *src, const weft_limits *lim,
                            weft_error *err)
{
    wf_visit v;
    d->dec = NULL;
    wf_visit_begin(&v, d->plugin, "open", d->file, 0);
    weft_status status = d->vt->open(wf_plugin_host(d->plugin), src, d->kind, lim, &d->dec, &v.why);
    status = wf_visit_end(&v, status, err);
    if (status != WEFT_OK)
        d->dec = NULL; /* a decoder that failed to open left nothing to close */
    else if (d->dec == NULL)
        status = wf_visit_wrong(&v, err, "OK and no decoder");
    return status;
}

static weft_status check_info(const wf_decoding *d, const wf_visit *v, const weft_media_info *i,
                              weft_error *err)
{
    if (i->hdr.size < offsetof(weft_media_info, width) || i->hdr.size > sizeof *i)
        return wf_visit_wrong(v, err, "a weft_media_info of %u bytes where %zu are possible",
                              i->hdr.size, sizeof *i);
    if (i->kind == NULL || strcmp(i->kind, d->kind) != 0)
        return wf_visit_wrong(v, err, "media of kind %.60s where \"%s\" was opened",
                              i->kind != NULL ? wf_quote(i->kind).s : "NULL", d->kind);
    if (i->width < 0 || i->height < 0 || i->channels < 0 || i->sample_rate < 0)
        return wf_visit_wrong(v, err, "a size of %dx%d, %d channels, %d samples a second", i->width,
                              i->height, i->channels, i->sample_rate);
    if (i->n_rows < -1 || i->row_width < 0)
        return wf_visit_wrong(v, err, "%lld rows of %d readings", (long long)i->n_rows,
                              i->row_width);
    if (i->n_samples < -1 || i->duration_us < -1)
        return wf_visit_wrong(v, err, "%lld samples and %lld us (-1: unknown)",
                              (long long)i->n_samples, (long long)i->duration_us);
    if (i->fps_num < 0 || i->fps_den < 0 || (i->fps_num == 0) != (i->fps_den == 0))
        return wf_visit_wrong(v, err, "%d / %d frames a second", i->fps_num, i->fps_den);
    return WEFT_OK;
}

weft_status wf_decoder_info(const wf_decoding *d, weft_media_info *out, weft_error *err)
{
    wf_visit v;
    *out = (weft_media_info){.hdr = WEFT_HDR(weft_media_info), .kind = d->kind};
    wf_visit_begin(&v, d->plugin, "info", d->file, 0);
    weft_status status = wf_visit_end(&v, d->vt->info(d->dec, out, &v.why), err);
    return status == WEFT_OK ? check_info(d, &v, out, err) : status;
}

/* What a call left in f, of which it says that it filled `bytes`. */
static weft_status filled(wf_fill *f, const wf_visit *v, weft_status status, uint64_t bytes,
                          weft_error *err)
{
    char what[160];
    if (status == WEFT_OK && wf_fill_fault(f, bytes, what, sizeof what))
        status = wf_visit_wrong(v, err, "%s", what);
    wf_fill_end(f, status == WEFT_OK ? bytes : 0);
    return status;
}

weft_status wf_decoder_frames(const wf_decoding *d, const int64_t *time_us, uint32_t n,
                              const weft_tensor *dst, int64_t *at_us, weft_error *err)
{
    wf_visit v;
    wf_fill  f;
    if (d->vt->read_frames == NULL)
        return wf_fail(err, WEFT_E_UNSUPPORTED, "%s gives no frames", wf_plugin_id(d->plugin));
    weft_status status = wf_fill_begin(&f, dst, d->validate != 0, err);
    if (status != WEFT_OK)
        return status;
    memmove(at_us, time_us, n * sizeof *at_us);
    wf_visit_begin(&v, d->plugin, "read_frames", d->file, 0);
    v.bytes = dst->bytes;
    status = d->vt->read_frames(d->dec, time_us, n, &f.view, at_us, &v.why);
    status = wf_visit_end(&v, status, err);
    return filled(&f, &v, status, dst->bytes, err);
}

typedef weft_status (*read_fn)(void *dec, int64_t n, const weft_tensor *dst, int64_t *got,
                               weft_error *err);

/* The next n of what fn gives, by its name in the table and what it gives in words. */
static weft_status read_next(const wf_decoding *d, read_fn fn, const char *name, const char *what,
                             int64_t n, const weft_tensor *dst, int64_t *got, weft_error *err)
{
    wf_visit v;
    wf_fill  f;
    *got = 0;
    if (fn == NULL)
        return wf_fail(err, WEFT_E_UNSUPPORTED, "%s gives no %s", wf_plugin_id(d->plugin), what);
    weft_status status = wf_fill_begin(&f, dst, d->validate != 0, err);
    if (status != WEFT_OK)
        return status;
    wf_visit_begin(&v, d->plugin, name, d->file, 0);
    v.bytes = dst->bytes;
    status = wf_visit_end(&v, fn(d->dec, n, &f.view, got, &v.why), err);
    /* Whoever asked believes the count: it is where the samples in dst end. */
    if (status == WEFT_OK && (*got < 0 || *got > n))
        status = wf_visit_wrong(&v, err, "%lld %s where %lld were asked for", (long long)*got, what,
                                (long long)n);
    return filled(&f, &v, status,
                  status == WEFT_OK ? (uint64_t)*got * (dst->bytes / (uint64_t)n) : 0, err);
}

weft_status wf_decoder_audio(const wf_decoding *d, int64_t n, const weft_tensor *dst, int64_t *got,
                             weft_error *err)
{
    return read_next(d, d->vt->read_audio, "read_audio", "samples", n, dst, got, err);
}

weft_status wf_decoder_rows(const wf_decoding *d, int64_t n, const weft_tensor *dst, int64_t *got,
                            weft_error *err)
{
    return read_next(d, d->vt->read_rows, "read_rows", "readings", n, dst, got, err);
}

void wf_decoder_close(wf_decoding *d)
{
    wf_visit v;
    if (d->dec == NULL)
        return;
    wf_visit_begin(&v, d->plugin, "close", d->file, 0);
    d->vt->close(d->dec);
    (void)wf_visit_end(&v, WEFT_OK, NULL);
    d->dec = NULL;
}
