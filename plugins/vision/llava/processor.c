/* SPDX-License-Identifier: Apache-2.0 */
/* Reads preprocessor_config.json, which may be absent. CLIP's processor fits the shorter side and
 * cuts the middle out; SigLIP's fits both. Which of the two a directory has is told by its size:
 * shortest_edge, or height and width; without the file by the tower. */
#include "llava.h"

static weft_status read_sizes(const plg_keys *k, llv_config *c)
{
    int64_t     edge = -1, height = -1, crop = c->tower.tile, filter = 3;
    weft_status status = plg_keys_i64(k, "size.shortest_edge", 1, 65536, &edge);
    if (status == WEFT_OK)
        status = plg_keys_i64(k, "size.height", 1, 65536, &height);
    if (status == WEFT_OK)
        status = plg_keys_i64(k, "crop_size.height", 1, 65536, &crop);
    if (status == WEFT_OK)
        status = plg_keys_i64(k, "resample", 0, 5, &filter);
    if (status != WEFT_OK)
        return status;
    if (edge > 0 || height > 0)
        c->fit = edge > 0 ? LLV_FIT_CROP : LLV_FIT_STRETCH;
    const int64_t side = edge > 0 ? edge : height > 0 ? height : c->tower.tile;
    if (side != c->tower.tile || (c->fit == LLV_FIT_CROP && crop != c->tower.tile))
        return weft_fail(
            k->err, WEFT_E_INVALID,
            "%s makes pictures of %lld pixels, but vision_config.image_size of %s is %d", k->file,
            (long long)(side != c->tower.tile ? side : crop), LLV_CONFIG, c->tower.tile);
    if (filter != 3)
        return weft_fail(k->err, WEFT_E_UNSUPPORTED,
                         "%s: resample is %lld, and only 3 (bicubic) is known", k->file,
                         (long long)filter);
    return WEFT_OK;
}

weft_status llv_processor_read(const weft_host *h, const weft_package *p, llv_config *c,
                               weft_error *err)
{
    static const float clip_mean[3] = {0.48145466f, 0.4578275f, 0.40821073f};
    static const float clip_std[3] = {0.26862954f, 0.26130258f, 0.27577711f};
    static const float half[3] = {0.5f, 0.5f, 0.5f};
    const int          is_clip = c->tower.has_class;
    const float       *mean = is_clip ? clip_mean : half, *std = is_clip ? clip_std : half;
    const plg_keys     k = plg_keys_of(h, p, LLV_PREPROCESSOR, "", err);
    int32_t            there;
    c->fit = is_clip ? LLV_FIT_CROP : LLV_FIT_STRETCH;
    c->image.tile = c->tower.tile;
    c->image.max_tiles = 1;
    c->image.rescale = 1.0 / 255.0;
    memcpy(c->image.mean, mean, sizeof c->image.mean);
    memcpy(c->image.std, std, sizeof c->image.std);
    weft_status status = plg_keys_has_file(&k, &there);
    if (status != WEFT_OK || !there)
        return status;
    status = read_sizes(&k, c);
    if (status == WEFT_OK)
        status = plg_keys_channels(&k, "image_mean", -1e6, mean, c->image.mean);
    if (status == WEFT_OK) /* values are divided by std, so it must not round to 0 */
        status = plg_keys_channels(&k, "image_std", 1e-12, std, c->image.std);
    return status;
}
