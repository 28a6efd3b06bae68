/* SPDX-License-Identifier: Apache-2.0 */
/* Takes a recording through mixing, resampling and log-mel, one block at a time. */
#include "features.h"

#include "mixer.h"

#include "weft/sdk.h"

#define BLOCK 4096 /* samples of the recording at a time */

int64_t spk_features_frames(const spk_features_config *c, const weft_media_info *info,
                            int64_t first, int64_t count)
{
    int64_t n = info->n_samples - first;
    if (info->n_samples < 0 && count < 0)
        return -1;
    if (info->n_samples < 0 || (count >= 0 && count < n))
        n = count;
    return n <= 0 ? 0 : spk_mel_frames(c, spk_resampled(n, info->sample_rate));
}

/* One recording that is being read. release() frees it, however far it got. */
typedef struct reader {
    const weft_host  *host;
    const weft_media *media;
    spk_mixer         mixer;
    spk_resampler     resampler;
    spk_mel_run       run;
    float            *block; /* [BLOCK, channels] */
    float            *at_16k;
    int64_t           skip, left; /* left -1: to the end */
} reader;

static void release(reader *r)
{
    spk_resampler_deinit(&r->resampler);
    spk_mel_run_deinit(&r->run);
    r->host->free(r->host, r->block);
    r->host->free(r->host, r->at_16k);
}

static weft_status prepare(reader *r, const spk_mel *mel, float *out, int64_t frames_max,
                           weft_error *err)
{
    const weft_media_info *i = r->media->info;
    if (i->channels < 1 || i->channels > 64)
        return weft_fail(err, WEFT_E_INVALID, "a recording of %d channels cannot be mixed",
                         i->channels);
    spk_mixer_init(&r->mixer, r->host, i->channels);
    weft_status st = spk_resampler_init(&r->resampler, r->host, i->sample_rate, err);
    if (st == WEFT_OK)
        st = spk_mel_run_init(&r->run, mel, out, frames_max, err);
    if (st != WEFT_OK)
        return st;
    uint64_t n = (uint64_t)spk_resampler_bound(&r->resampler, BLOCK);
    r->block = r->host->alloc(r->host, (uint64_t)BLOCK * (uint64_t)i->channels * sizeof(float), 64);
    r->at_16k = r->host->alloc(r->host, n * sizeof(float), 64);
    if (r->block == NULL || r->at_16k == NULL)
        return weft_fail(err, WEFT_E_NOMEM, "there is not enough memory to read the recording");
    return WEFT_OK;
}

/* Reads and processes the next block. *more becomes 0 when nothing follows it. */
static weft_status step(reader *r, int *more, weft_error *err)
{
    int32_t     channels = r->media->info->channels;
    int64_t     shape[2] = {BLOCK, channels}, got = 0, want = BLOCK;
    int64_t     wanted = r->left < 0 ? INT64_MAX : r->skip + r->left;
    weft_tensor t = weft_view(NULL, r->block, WEFT_F32, 2, shape);
    if (wanted < want)
        want = shape[0] = t.shape[0] = wanted;
    t.bytes = (uint64_t)(want * channels) * sizeof(float);
    weft_status st = r->media->read_audio(r->media->ctx, want, &t, &got, err);
    if (st != WEFT_OK)
        return st;
    int64_t drop = r->skip < got ? r->skip : got, n = got - drop;
    r->skip -= drop;
    if (r->left >= 0)
        r->left -= n;
    spk_mixer_push(&r->mixer, r->block + drop * channels, n, r->block);
    spk_mel_push(&r->run, r->at_16k, spk_resampler_push(&r->resampler, r->block, n, r->at_16k));
    *more = got == want && r->left != 0;
    return WEFT_OK;
}

static weft_status read_all(reader *r, weft_error *err)
{
    int more = r->left != 0;
    while (more) {
        weft_status st = step(r, &more, err);
        if (st != WEFT_OK)
            return st;
        if (r->host->cancelled != NULL && r->host->cancelled(r->host))
            return weft_fail(err, WEFT_E_CANCELLED, "reading the recording was cancelled");
    }
    spk_mel_push(&r->run, r->at_16k, spk_resampler_end(&r->resampler, r->at_16k));
    return WEFT_OK;
}

weft_status spk_features_read(const spk_mel *mel, const weft_media *m, int64_t first, int64_t count,
                              float *out, int64_t frames_max, int64_t *frames, weft_error *err)
{
    reader r;
    memset(&r, 0, sizeof r);
    r.host = mel->host;
    r.media = m;
    r.skip = first > 0 ? first : 0;
    r.left = count;
    *frames = 0;
    weft_status st = prepare(&r, mel, out, frames_max, err);
    if (st == WEFT_OK)
        st = read_all(&r, err);
    if (st == WEFT_OK)
        *frames = spk_mel_end(&r.run);
    release(&r);
    return st;
}

weft_status spk_features_of(const spk_mel *mel, const float *samples, int64_t n, float *out,
                            int64_t frames_max, int64_t *frames, weft_error *err)
{
    spk_mel_run run;
    *frames = 0;
    weft_status st = spk_mel_run_init(&run, mel, out, frames_max, err);
    if (st != WEFT_OK)
        return st;
    spk_mel_push(&run, samples, n);
    *frames = spk_mel_end(&run);
    spk_mel_run_deinit(&run);
    return WEFT_OK;
}
