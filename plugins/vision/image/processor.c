/* SPDX-License-Identifier: Apache-2.0 */
/* Reads preprocessor_config.json, which says how a picture becomes the encoder's pixel_values.
 *
 * Absent keys take MllamaImageProcessor's defaults (transformers 4.49). The file itself may be
 * absent too; the size and the number of tiles are then those that config.json states for the
 * encoder. */
#include "../../common/keys.h"
#include "vision.h"

typedef struct switches { /* booleans, all true in the reference */
    int32_t resize, pad, rescale, normalize;
} switches;

#define BILINEAR 2 /* Pillow's number for it */

static weft_status read_switches(const plg_keys *k, switches *s)
{
    const switches on = {1, 1, 1, 1};
    int64_t        resample = BILINEAR;
    *s = on;
    weft_status status = plg_keys_bool(k, "do_resize", &s->resize);
    if (status == WEFT_OK)
        status = plg_keys_bool(k, "do_pad", &s->pad);
    if (status == WEFT_OK)
        status = plg_keys_bool(k, "do_rescale", &s->rescale);
    if (status == WEFT_OK)
        status = plg_keys_bool(k, "do_normalize", &s->normalize);
    if (status == WEFT_OK)
        status = plg_keys_i64(k, "resample", 0, 5, &resample);
    if (status != WEFT_OK)
        return status;
    if (!s->resize || !s->pad || resample != BILINEAR)
        return weft_fail(k->err, WEFT_E_UNSUPPORTED,
                         "%s: do_resize and do_pad must be true and resample %d (bilinear)",
                         k->file, BILINEAR);
    return WEFT_OK;
}

static weft_status read_sizes(const plg_keys *k, const vis_config *c, vis_image_config *out)
{
    int64_t     height = 224, width = 224, tiles = 4;
    weft_status status = plg_keys_i64(k, "size.height", 1, 65536, &height);
    if (status == WEFT_OK)
        status = plg_keys_i64(k, "size.width", 1, 65536, &width);
    if (status == WEFT_OK)
        status = plg_keys_i64(k, "max_image_tiles", 1, VIS_MAX_TILES, &tiles);
    if (status != WEFT_OK)
        return status;
    if (height != c->tile || width != c->tile || tiles != c->max_tiles)
        return weft_fail(
            k->err, WEFT_E_INVALID,
            "%s says %lld tiles of %lld x %lld pixels, but %s says %d of %d x %d (image_size, "
            "max_num_tiles)",
            k->file, (long long)tiles, (long long)width, (long long)height, VIS_CONFIG,
            c->max_tiles, c->tile, c->tile);
    out->tile = c->tile;
    out->max_tiles = c->max_tiles;
    return WEFT_OK;
}

static weft_status read_values(const plg_keys *k, vis_image_config *out)
{
    static const float half[3] = {0.5f, 0.5f, 0.5f};
    switches           s;
    out->rescale = 1.0 / 255.0;
    weft_status status = read_switches(k, &s);
    if (status == WEFT_OK)
        status = plg_keys_f64(k, "rescale_factor", 0.0, 1e6, &out->rescale);
    if (status == WEFT_OK)
        status = plg_keys_channels(k, "image_mean", -1e6, half, out->mean);
    if (status == WEFT_OK) /* values are divided by std, so it must not round to 0 */
        status = plg_keys_channels(k, "image_std", 1e-12, half, out->std);
    if (status != WEFT_OK)
        return status;
    if (!s.rescale)
        out->rescale = 1.0;
    for (int i = 0; !s.normalize && i < 3; i++) {
        out->mean[i] = 0.0f;
        out->std[i] = 1.0f;
    }
    return WEFT_OK;
}

/* The configuration of a directory that does not have the file. */
static vis_image_config defaults_for(const vis_config *c)
{
    vis_image_config image = {.tile = c->tile,
                              .max_tiles = c->max_tiles,
                              .rescale = 1.0 / 255.0,
                              .mean = {0.5f, 0.5f, 0.5f},
                              .std = {0.5f, 0.5f, 0.5f}};
    return image;
}

weft_status vis_processor_read(const weft_host *h, const weft_package *p, vis_config *c,
                               weft_error *err)
{
    const plg_keys k = plg_keys_of(h, p, VIS_PREPROCESSOR, "", err);
    int32_t        there;
    weft_status    status = plg_keys_has_file(&k, &there);
    if (status != WEFT_OK)
        return status;
    if (!there) {
        c->image = defaults_for(c);
        return WEFT_OK;
    }
    status = read_sizes(&k, c, &c->image);
    return status == WEFT_OK ? read_values(&k, &c->image) : status;
}
