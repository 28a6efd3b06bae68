/* SPDX-License-Identifier: Apache-2.0 */
/* The image encoder of weft.vision as a service: a factory, since a video adapter may bring a tower of its own.
 * Owner: weft.vision. */
#ifndef WEFT_SERVICES_VISION_ENCODER_H
#define WEFT_SERVICES_VISION_ENCODER_H

#include "../modality.h"

#ifdef __cplusplus
extern "C" {
#endif

#define WEFT_S_VISION_ENCODER "weft.vision-encoder/1"

typedef struct weft_vision_encoder_info {
    weft_hdr hdr;
    int32_t  tile, channels;     /* pixels are [tiles, channels, tile, tile] f32 */
    int32_t  max_tiles;          /* tiles of one picture; the encoder always runs all of them */
    int32_t  n, d, reserved;     /* output: rows per tile and their width */
    uint64_t scratch_bytes;      /* device, for one picture */
    uint64_t parameters;
} weft_vision_encoder_info;

/* One encoder on one package. All as in weft_modality. */
typedef struct weft_vision_encoder {
    weft_hdr hdr;
    /* Reads the config of p; prefix: of its tensors ("vision_model.", "model.vision_model."). UNSUPPORTED: not a layout that
     * is known. projected 1: rows after the multimodal projector, 0: as the tower gives them. [setup] */
    weft_status (*open)(void *service, const weft_host *user, const weft_package *p, int32_t projected, void **enc,
                        weft_error *err);
    weft_status (*load)(void *enc, weft_error *err);                       /* [setup] */
    void (*close)(void *enc);                                              /* [setup] */
    weft_status (*info)(void *enc, weft_vision_encoder_info *out, weft_error *err); /* [any] */
    /* width x height RGB(A) u8 to pixels [max_tiles, channels, tile, tile] f32 and {aspect ratio id, number of tiles}.
     * [worker] */
    weft_status (*preprocess)(void *enc, const weft_tensor *rgb, const weft_tensor *pixels, int64_t grid[2], weft_error *err);
    /* One picture: pixels on the device, grid as above; out [max_tiles * n, d] f32, unused tiles' rows 0. [encode] */
    weft_status (*encode)(void *enc, const weft_host *user, weft_queue *q, const weft_tensor *pixels, const int64_t grid[2],
                          const weft_tensor *out, const weft_tensor *scratch, weft_error *err);
} weft_vision_encoder;

#ifdef __cplusplus
}
#endif
#endif
