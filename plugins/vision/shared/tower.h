/* SPDX-License-Identifier: Apache-2.0 */
/* The vision transformers CLIP and SigLIP, which many picture models begin with:
 *
 *   x = conv(pixels; kernel = stride = patch) [+ bias], patches line by line
 *   x = [class row; x] where there is one;  x += positions;  x = LN(x; pre_layrnorm) where there is
 * one x += Attn(LN1 x);  x += FC2(act(FC1(LN2 x)))              n_layers times, with biases
 * (block.h) x = LN(x; post_layernorm) where there is one
 *
 * CLIP has the class row, the norm before the blocks and no bias of the patches; SigLIP has the
 * bias alone. Which layers run and whether the norm behind them does is the model's. Pixels beyond
 * the last whole patch are ignored. Sources: transformers 4.49 models/siglip, models/clip, and
 * models/idefics3 (Idefics3VisionTransformer), which hides patches from each other by a mask. */
#ifndef VIS_TOWER_H
#define VIS_TOWER_H

#include "block.h"

#define VIS_TOWER_MAX_LAYERS 512
#define VIS_TOWER_MAX_ROWS (1 << 20)

typedef struct vis_tower_config {
    int32_t tile, patch; /* pixels of a side */
    int32_t side;        /* patches of a side: tile / patch, rounded down */
    int32_t n;           /* rows: side * side, and the class row where there is one */
    int32_t d, d_ffn, n_heads;
    int32_t n_layers; /* that run; a directory may hold more */
    int32_t act;      /* WEFT_ACT_* */
    int32_t has_class, has_pre, has_post, has_patch_bias;
    float   eps;
} vis_tower_config;

typedef struct vis_tower {
    const vis_tower_config *config;    /* borrowed */
    plg_pair                patch;     /* [d, 3, patch, patch] */
    weft_tensor             class_row; /* [d] */
    weft_tensor             pos;       /* [n, d] */
    plg_pair                pre, post; /* [d] */
    vis_block              *blocks;    /* [n_layers] */
} vis_tower;

/* Memory for the weights of a tower of that config, which outlives it. NOMEM; *t is then zeroed.
 * [setup] */
weft_status vis_tower_init(vis_tower *t, const weft_host *h, const vis_tower_config *c,
                           weft_error *err);
void        vis_tower_free(vis_tower *t, const weft_host *h);
/* Asks for all weights under the prefix, which ends in a dot. [setup] */
void vis_tower_ask(plg_request *r, vis_tower *t, const char *prefix);

/* Which patches of a tile count, where not all do. A hidden patch is computed like the others and
 * seen by none of them. */
typedef struct vis_tower_mask {
    const int32_t *positions; /* [n]: the row of pos that each row is given */
    const int32_t *keys;      /* [n_keys]: the rows that count, ascending */
    int32_t        n_keys;    /* 1 at least */
} vis_tower_mask;

/* Sees x after `layer` blocks, 0 to n_layers: at 0 after the norm before them. Enqueues copies, as
 * a rule. [encode] */
typedef struct vis_tower_tap {
    void (*take)(plg_run *r, void *ctx, int32_t layer);
    void *ctx;
} vis_tower_tap;

/* Bytes of device memory that one run needs. [any] */
uint64_t vis_tower_scratch_bytes(const vis_tower_config *c);
/* Enqueues the tower over one tile: pixels, f32 [3, tile, tile], to x, f32 [n, d]. mask: NULL where
 * every patch counts. tap: NULL where x at the end is all that is wanted. scratch: at least
 * vis_tower_scratch_bytes. Once r->status is an error it does nothing. [encode] */
void vis_tower_run(plg_run *r, const vis_tower *t, const weft_tensor *pixels,
                   const vis_tower_mask *mask, const vis_tower_tap *tap, const weft_tensor *x,
                   const weft_tensor *scratch);

#endif
