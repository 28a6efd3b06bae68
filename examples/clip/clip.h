/* SPDX-License-Identifier: Apache-2.0 */
/* org.example.clip, shared by its files: clip.c (weights and life) and encoder.c (an item). */
#ifndef CLIP_H
#define CLIP_H

#include <weft/sdk.h>

#define CLIP_ID "org.example.clip"
#define CLIP_STREAM CLIP_ID "/patches"
#define CLIP_NAME 96 /* bytes of the longest name of a weight */

/* Sizes, as shapes of weights name them. ROWS: the class row and a row for each patch. */
enum { NONE, D, FFN, P, THREE, ROWS, TEXT, IMAGE, LAYERS, HEADS, N_SIZES };

enum { CLASS, PATCH, POSITION, PRE_W, PRE_B, POST_W, POST_B, PROJ_W, PROJ_B, CLIP_WHOLE };
/* A weight's bias follows it. */
enum {
    LN1_W,
    LN1_B,
    Q_W,
    Q_B,
    K_W,
    K_B,
    V_W,
    V_B,
    OUT_W,
    OUT_B,
    LN2_W,
    LN2_B,
    FC1_W,
    FC1_B,
    FC2_W,
    FC2_B,
    CLIP_LAYER
};

typedef struct clip_weight {
    const char *name;
    uint32_t    use;
    int32_t     shape[5]; /* sizes, up to NONE */
} clip_weight;

typedef struct clip {
    const weft_host       *host;
    const weft_package    *package;
    const weft_if_package *files;
    const weft_if_weights *weights;
    const weft_if_ops     *ops;
    const weft_if_pool    *pool;
    weft_tensor           *w; /* CLIP_WHOLE, then CLIP_LAYER for each layer */
    int64_t                size[N_SIZES];
    int64_t                side; /* patches along a side */
} clip;

/* Those of weft_modality, of the same names. */
weft_status clip_plan(void *self, const weft_media_info *mi, const weft_request *rq,
                      const weft_limits *lim, weft_plan *out, weft_error *err);
weft_status clip_plan_inputs(void *self, const weft_tensor *inputs, const char *const *names,
                             uint32_t n, weft_plan *out, uint32_t cap, uint32_t *n_items,
                             weft_error *err);
weft_status clip_preprocess(void *self, const weft_media *m, const weft_plan *p,
                            const weft_tensor *inputs, weft_error *err);
weft_status clip_encode(void *self, const weft_encode_item *items, uint32_t n, weft_queue *q,
                        const weft_tensor *scratch, weft_error *err);

#endif
