/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a still picture from its decoder and prepares it for an encoder. */
#ifndef VIS_PICTURE_H
#define VIS_PICTURE_H

#include "preprocess.h"
#include "weft/sdk.h"

/* Reads the picture of media, whose size is in media->info, blends it with white where it is
 * transparent, and prepares it in `grid`, which must have been chosen for that size. The result
 * goes to dst, f32 [max_tiles, 3, tile, tile]. LIMIT where the picture is too large, NOMEM, or the
 * decoder's failure. [worker] */
weft_status vis_picture_read(const plg_pool *pool, const weft_media *media,
                             const vis_image_config *cfg, const vis_grid *grid, float *dst,
                             weft_error *err);

#endif
