/* SPDX-License-Identifier: Apache-2.0 */
/* A still on its way from the decoder to the encoder's pixels. */
#ifndef VIS_PICTURE_H
#define VIS_PICTURE_H

#include "preprocess.h"
#include "weft/sdk.h"

/* Reads the picture of media, of the size in its info, puts alpha over white and prepares it in
 * this grid, which was chosen for that size: dst f32 [max_tiles, 3, tile, tile]. LIMIT where it is
 * too large, NOMEM, or what the decoder says. [worker] */
weft_status vis_picture_read(const weft_host *h, const weft_media *media,
                             const vis_image_config *cfg, const vis_grid *grid, float *dst,
                             weft_error *err);

#endif
