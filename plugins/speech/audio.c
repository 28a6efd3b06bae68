/* SPDX-License-Identifier: Apache-2.0 */
/* From a recording to the encoder's input, by features.c. */
#include "speech.h"

/* Samples that come without a rate are a tensor's, at the model's own. */
static weft_media_info info_of(const weft_media *media, const spk_carried *what)
{
    const uint32_t  size = media->info->hdr.size;
    weft_media_info info;
    memset(&info, 0, sizeof info);
    memcpy(&info, media->info, size < sizeof info ? size : sizeof info);
    info.hdr.size = (uint32_t)sizeof info;
    if (info.sample_rate == 0)
        info.sample_rate = what->sample_rate;
    return info;
}

weft_status spk_preprocess(void *self, const weft_media *media, const weft_plan *p,
                           const weft_tensor *inputs, weft_error *err)
{
    const spk_modality *m = self;
    spk_carried         what;
    int64_t             got = 0;
    memcpy(&what, p->opaque, sizeof what);
    const weft_media_info info = info_of(media, &what);
    if (what.sample_rate == 0 || info.sample_rate != what.sample_rate)
        return weft_fail(err, WEFT_E_STATE, "%s: the plan is not this recording's", SPK_ID);
    weft_media same = {WEFT_HDR(weft_media), media->ctx, &info, media->read_frames,
                       media->read_audio};
    weft_status status = spk_features_read(&m->mel, &same, what.skip, what.n_samples,
                                           inputs[0].data, what.n_frames, &got, err);
    if (status == WEFT_OK && got < what.n_frames)
        return weft_fail(err, WEFT_E_CORRUPT,
                         "it ends early: %lld frames of sound are there of the %lld that its "
                         "header announces",
                         (long long)got, (long long)what.n_frames);
    return status;
}
