/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures of one frame: WebP, GIF (its first frame) and AVIF. Their headers do not reliably tell
 * whether there is alpha or how the picture is to be turned, so the picture is decoded when the
 * file is opened, and kept. A picture that ends early is refused, as a PNG is. */
#include "clip.h"

#include "weft/sdk.h"

static weft_status check_whole(clip_dec *d, weft_error *err)
{
    if (d->damaged == 0 && d->now->decode_error_flags == 0 &&
        (d->now->flags & AV_FRAME_FLAG_CORRUPT) == 0)
        return WEFT_OK;
    return clip_fail(d, AVERROR_INVALIDDATA, err);
}

weft_status clip_still_init(clip_dec *d, weft_error *err)
{
    weft_status st = clip_show(d, 0, err);
    if (st == WEFT_OK)
        st = check_whole(d, err);
    if (st == WEFT_OK)
        st = clip_picture_init(d, err);
    if (st != WEFT_OK)
        return st;
    uint64_t n =
        (uint64_t)d->picture.width * (uint64_t)d->picture.height * (uint64_t)d->picture.channels;
    if (n > d->max_decoded_bytes)
        return weft_fail(err, WEFT_E_LIMIT,
                         "the picture takes %llu bytes of pixels and the limit is %llu; scale it "
                         "down or raise --max-decoded-bytes",
                         (unsigned long long)n, (unsigned long long)d->max_decoded_bytes);
    return WEFT_OK;
}
