/* SPDX-License-Identifier: Apache-2.0 */
/* weft/services/vision_encoder.h: weft.vision's picture encoder, for plugins that see through it.
 *
 * Owner: weft.vision. weft.video gives it the frames of clips; another plugin may give it whatever
 * it has as pixels. A frame goes grid -> preprocess -> encode:
 *
 *     open(service, h, NULL, &e, err)         the encoder of the live image adapter
 *     grid(e, width, height, &g, err)         into how many tiles a picture of this size is cut
 *     preprocess(e, &g, rgb, pixels, err)     u8 to normalised tiles, on the host
 *     encode(e, q, &g, pixels, n, rows, ...)  tiles to rows, on a queue
 *
 * Arithmetic: docs/MODEL.md, "Llama 3.2 Vision", steps 1 to 6 and the encoder up to `features`:
 * the rows are the encoder's own (final state and captured states side by side), not yet projected
 * into a text core's width. */
#ifndef WEFT_SERVICES_VISION_ENCODER_H
#define WEFT_SERVICES_VISION_ENCODER_H

#include "../package.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weft_vision_encoder weft_vision_encoder; /* an encoder that was opened */

typedef struct weft_vision_sizes {
    weft_hdr hdr;
    int32_t  tile;      /* side of a square tile, in pixels */
    int32_t  max_tiles; /* tiles that a picture's tensor holds; unused ones are zeros */
    int32_t  rows;      /* rows of one tile */
    int32_t  width;     /* of a row */
    int32_t  max_batch; /* pictures that one encode takes at most */
    int32_t  reserved;
    uint64_t parameters; /* read for this encoder alone: 0 where the image adapter's is shared */
} weft_vision_sizes;

/* How a picture is cut; frozen. rows * cols tiles are used. */
typedef struct weft_vision_grid {
    int32_t rows, cols, new_width, new_height; /* sizes 0: of tensors, there is no picture */
    int32_t ratio_id, num_tiles;               /* the reference's aspect_ratio_ids and num_tiles */
} weft_vision_grid;

#define WEFT_IF_VISION_ENCODER "weft.vision_encoder/1"
typedef struct weft_if_vision_encoder {
    weft_hdr hdr;
    /* p: an Mllama directory, whose encoder is then the caller's own; NULL: the encoder of the live
     * image adapter, whose weights are shared (NOTFOUND where there is none). h is the caller's
     * host. Config only. On success the caller closes *out; on failure *out is NULL. [setup] */
    weft_status (*open)(void *service, const weft_host *h, const weft_package *p,
                        weft_vision_encoder **out, weft_error *err);
    /* Weights; before encode. [setup] */
    weft_status (*load)(weft_vision_encoder *e, weft_error *err);
    void (*close)(weft_vision_encoder *e);                               /* NULL is fine. [setup] */
    void (*sizes)(const weft_vision_encoder *e, weft_vision_sizes *out); /* [any] */
    /* LIMIT: too large, or a line more than a picture. [any] */
    weft_status (*grid)(const weft_vision_encoder *e, int32_t width, int32_t height,
                        weft_vision_grid *out, weft_error *err);
    /* The grid of prepared tensors; INVALID: none of this encoder's. [any] */
    weft_status (*grid_of)(const weft_vision_encoder *e, int64_t ratio_id, int64_t num_tiles,
                           weft_vision_grid *out, weft_error *err);
    /* rgb: u8 [height, width, 3 or 4] of the size that the grid was asked for, where 4 overwritten
     * (put over white); pixels: host f32 [max_tiles, 3, tile, tile], all written. [worker] */
    weft_status (*preprocess)(const weft_vision_encoder *e, const weft_vision_grid *g,
                              const weft_tensor *rgb, const weft_tensor *pixels, weft_error *err);
    /* Back to a picture for a person: rgb u8 [rows * tile, cols * tile, 3] of one picture's used
     * tiles. [worker] */
    void (*show)(const weft_vision_encoder *e, const weft_vision_grid *g, const weft_tensor *pixels,
                 const weft_tensor *rgb);
    /* Device bytes that encoding n pictures of num_tiles tiles needs. [any] */
    uint64_t (*scratch_bytes)(const weft_vision_encoder *e, int32_t num_tiles, int32_t n);
    /* pixels: f32 [n, max_tiles, 3, tile, tile]; all n pictures are cut by *g; out: f32, C order,
     * [n, num_tiles * rows, width]; n is 1..max_batch. A picture's bytes do not depend on the
     * others. [encode] */
    weft_status (*encode)(const weft_vision_encoder *e, weft_queue *q, const weft_vision_grid *g,
                          const weft_tensor *pixels, int32_t n, const weft_tensor *out,
                          const weft_tensor *scratch, weft_error *err);
    /* Gives sink the weights that load() will get for this encoder alone: none where the image
     * adapter's is shared. [setup] */
    weft_status (*weights)(const weft_vision_encoder *e, const weft_weight_sink *sink,
                           weft_error *err);
} weft_if_vision_encoder;

#ifdef __cplusplus
}
#endif
#endif
