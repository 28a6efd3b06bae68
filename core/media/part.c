/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of recordings, as modalities read them. */
#include "core/media/part.h"

#include <string.h>

#include "core/base/sized.h"
#include "core/base/status.h"
#include "core/io/text.h"
#include "core/media/fill.h"
#include "core/plugin/visit.h"

static weft_status call_audio(const wf_part *p, int64_t n, const weft_tensor *place, int64_t *got,
                              weft_error *err)
{
    wf_visit    v;
    wf_fill     f;
    char        what[160];
    weft_status status = wf_fill_begin(&f, place, p->validate != 0, err);
    if (status != WEFT_OK)
        return status;
    *got = 0;
    wf_visit_begin(&v, p->segmenter, "read_audio", p->file, 0);
    v.bytes = place->bytes;
    status = wf_visit_end(&v, p->of->read_audio(p->of->ctx, n, &f.view, got, &v.why), err);
    if (status == WEFT_OK && (*got < 0 || *got > n))
        status = wf_visit_wrong(&v, err, "%lld samples where %lld were asked for", (long long)*got,
                                (long long)n);
    uint64_t bytes = status == WEFT_OK ? (uint64_t)*got * (place->bytes / (uint64_t)n) : 0;
    if (status == WEFT_OK && wf_fill_fault(&f, bytes, what, sizeof what))
        status = wf_visit_wrong(&v, err, "%s", what);
    wf_fill_end(&f, status == WEFT_OK ? bytes : 0);
    return status;
}

static weft_status read_audio(void *ctx, int64_t n, const weft_tensor *dst, int64_t *got,
                              weft_error *err)
{
    wf_part    *p = ctx;
    weft_tensor place;
    weft_status status = wf_fill_samples(p->info.channels, n, dst, got, &place, err);
    return status == WEFT_OK && n > 0 ? call_audio(p, n, &place, got, err) : status;
}

static weft_status no_frames(void *ctx, const int64_t *time_us, uint32_t n, const weft_tensor *dst,
                             int64_t *at_us, weft_error *err)
{
    (void)ctx, (void)time_us, (void)n, (void)dst, (void)at_us;
    return wf_fail(err, WEFT_E_UNSUPPORTED, "parts of a recording give no frames");
}

static weft_status no_rows(void *ctx, int64_t n, const weft_tensor *dst, int64_t *got,
                           weft_error *err)
{
    (void)ctx, (void)n, (void)dst, (void)got;
    return wf_fail(err, WEFT_E_UNSUPPORTED, "parts of a recording give no readings");
}

static const char *fault(const weft_media *m, const char *kind)
{
    if (!WEFT_HAS(m, weft_media, read_audio))
        return "a segment without a weft_media, or one whose size is not set";
    if (m->read_audio == NULL)
        return "a segment without samples";
    const weft_media_info *i = m->info;
    if (!WEFT_HAS(i, weft_media_info, duration_us) || i->hdr.size > sizeof *i)
        return "a segment without a weft_media_info, or of another size";
    if (i->kind == NULL || strcmp(i->kind, kind) != 0)
        return "a segment of another kind than its recording";
    if (i->width < 0 || i->height < 0 || i->channels < 1 || i->sample_rate < 0 ||
        i->n_samples < -1 || i->duration_us < -1)
        return "a segment whose sizes cannot be";
    return NULL;
}

weft_status wf_part_open(wf_plugin *segmenter, const char *file, const char *kind,
                         const weft_media *media, bool validate, wf_part *out, weft_error *err)
{
    const char *why = fault(media, kind);
    if (why != NULL)
        return wf_fail_stage(err,
                             wf_fail(err, WEFT_E_INTERNAL, "%s: %s gave %s in run",
                                     wf_quote(file).s, wf_plugin_id(segmenter), why),
                             WEFT_STAGE_PLUGIN);
    *out = (wf_part){media, segmenter, file, validate, 0, {.kind = NULL}, {.ctx = NULL}};
    wf_take_sized(&out->info, sizeof out->info, _Alignof(weft_media_info), media->info);
    out->pub = (weft_media){WEFT_HDR(weft_media), out, &out->info, no_frames, read_audio, no_rows};
    return WEFT_OK;
}
