/* SPDX-License-Identifier: Apache-2.0 */
/* An encoder family: rows of stacked frames to rows of the encoder's width. It knows neither how
 * frames are made nor who reads its rows. */
#ifndef SPK_ENCODER_H
#define SPK_ENCODER_H

#include "run.h"

typedef struct spk_encoder {
    const char *model_type;             /* of encoder_config */
    spk_features_config (*front)(void); /* where there is no preprocessor_config.json */
    int32_t masks_padding;  /* a last row whose last frame is padding is not looked at */
    int32_t stacked_output; /* "features" is shown as rows, not as frames */
    /* Its keys, all optional; INVALID or UNSUPPORTED names the key. [setup] */
    weft_status (*config)(const plg_keys *k, spk_encoder_config *c);
    /* Names start with prefix; w->blocks has room for n_layers. */
    void (*ask)(plg_request *r, const spk_encoder_config *c, const char *prefix,
                spk_encoder_weights *w);
    /* Lays buffers out (for counting too: a->base NULL), then, where r is not NULL, enqueues: rows
     * [n_rows, d_in] (changed on the way) to x [n_rows, d]. [encode] */
    void (*encode)(spk_run *r, const spk_encoder_config *c, const spk_encoder_weights *w,
                   const spk_sizes *s, const weft_tensor *rows, const weft_tensor *x, plg_arena *a);
} spk_encoder;

extern const spk_encoder spk_conformer, spk_w2vbert;
/* NULL: not known. */
const spk_encoder *spk_encoder_find(const char *model_type);

#endif
