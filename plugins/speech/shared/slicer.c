/* SPDX-License-Identifier: Apache-2.0 */
/* The loop of a segmenter. */
#include "slicer.h"

#include "../../common/decoder.h"
#include "mixer.h"
#include "resample.h"

typedef struct slicer {
    const weft_host  *host;
    const weft_media *media;
    const spk_ear    *ear;
    int64_t           block; /* samples read at a time: 0.1 s, for live input */
    float            *read;  /* [block, channels] */
    float            *at_16k;
    spk_mixer         mixer;
    spk_resampler     resampler;
    spk_cutter        cutter;
    spk_voice_frame   frames[SPK_CUTTER_FRAMES];
} slicer;

static void stop(slicer *s)
{
    const weft_host *h = s->host;
    spk_cutter_deinit(&s->cutter);
    spk_resampler_deinit(&s->resampler);
    h->free(h, s->read);
    h->free(h, s->at_16k);
    h->free(h, s);
}

static weft_status start(slicer *s, int64_t max_us, const weft_segment_sink *sink, weft_error *err)
{
    const weft_media_info *i = s->media->info;
    const weft_host       *h = s->host;
    if (i->channels < 1 || i->channels > 64 || i->sample_rate < 1000)
        return weft_fail(err, WEFT_E_INVALID, "a recording of %d channels at %d Hz cannot be cut",
                         i->channels, i->sample_rate);
    s->block = i->sample_rate / 10;
    spk_mixer_init(&s->mixer, h, i->channels);
    weft_status st = spk_resampler_init(&s->resampler, h, i->sample_rate, err);
    /* Samples are given before the frames made of them: by the reach of the resampler's filter, by
     * what the ear waits for, and by one block, whose samples come all at once. */
    int64_t ahead =
        s->resampler.half + (int64_t)i->sample_rate * s->ear->ahead_ms / 1000 + s->block;
    if (st == WEFT_OK)
        st = spk_cutter_init(&s->cutter, h, i, max_us, ahead, s->ear->heard, sink, err);
    if (st != WEFT_OK)
        return st;
    uint64_t n = (uint64_t)spk_resampler_bound(&s->resampler, s->block);
    s->read = h->alloc(h, (uint64_t)s->block * (uint64_t)i->channels * sizeof(float), 64);
    s->at_16k = h->alloc(h, n * sizeof(float), 64);
    if (s->read == NULL || s->at_16k == NULL)
        return weft_fail(err, WEFT_E_NOMEM, "there is not enough memory to read the recording");
    return WEFT_OK;
}

/* Reads the next block and cuts it. *more becomes 0 when nothing follows it. */
static weft_status step(slicer *s, int *more, weft_error *err)
{
    int32_t     channels = s->media->info->channels;
    int64_t     shape[2] = {s->block, channels}, got = 0;
    weft_tensor t = weft_view(NULL, s->read, WEFT_F32, 2, shape);
    weft_status st = s->media->read_audio(s->media->ctx, s->block, &t, &got, err);
    if (st != WEFT_OK)
        return st;
    *more = got == s->block;
    spk_mixer_push(&s->mixer, s->read, got, s->read);
    st = spk_cutter_samples(&s->cutter, s->read, got, err);
    if (st != WEFT_OK)
        return st;
    int64_t n = spk_resampler_push(&s->resampler, s->read, got, s->at_16k);
    n = s->ear->push(s->ear->ctx, s->at_16k, n, s->frames);
    return spk_cutter_frames(&s->cutter, s->frames, n, err);
}

static weft_status finish(slicer *s, weft_error *err)
{
    int64_t     n = spk_resampler_end(&s->resampler, s->at_16k);
    weft_status st;
    n = s->ear->push(s->ear->ctx, s->at_16k, n, s->frames);
    st = spk_cutter_frames(&s->cutter, s->frames, n, err);
    if (st != WEFT_OK)
        return st;
    n = s->ear->end(s->ear->ctx, s->frames);
    st = spk_cutter_frames(&s->cutter, s->frames, n, err);
    return st == WEFT_OK ? spk_cutter_end(&s->cutter, err) : st;
}

weft_status spk_slice(const weft_host *h, const weft_media *m, int64_t max_us, const spk_ear *ear,
                      const weft_segment_sink *sink, weft_error *err)
{
    slicer *s = h->alloc(h, sizeof *s, 64);
    int     more = 1;
    if (s == NULL)
        return weft_fail(err, WEFT_E_NOMEM, "there is not enough memory to cut the recording");
    memset(s, 0, sizeof *s);
    s->host = h;
    s->media = m;
    s->ear = ear;
    weft_status st = start(s, max_us, sink, err);
    while (st == WEFT_OK && more) {
        st = step(s, &more, err);
        if (st == WEFT_OK && h->cancelled != NULL && h->cancelled(h))
            st = weft_fail(err, WEFT_E_CANCELLED, "cutting the recording was cancelled");
    }
    if (st == WEFT_OK)
        st = finish(s, err);
    stop(s);
    return st;
}
