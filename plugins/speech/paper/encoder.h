/* SPDX-License-Identifier: Apache-2.0 */
/* The interface of an encoder family. An encoder turns rows into rows: it reads rows of `stack`
 * frames side by side and gives as many rows of the encoder's own width. It knows neither how
 * frames are made of sound nor who reads what it gives. */
#ifndef SPK_ENCODER_H
#define SPK_ENCODER_H

#include "run.h"

typedef struct spk_encoder {
    const char *model_type; /* the family's name in encoder_config */
    /* The front end (samples to frames) of directories without a preprocessor_config.json. */
    spk_features_config (*front)(void);
    int32_t masks_padding;  /* 1: a last row whose last frame is padding is masked */
    int32_t stacked_output; /* 1: the output "features" holds rows; 0: it holds frames */
    /* Reads the family's keys, all of which are optional. INVALID or UNSUPPORTED names the key.
     * [setup] */
    weft_status (*config)(const plg_keys *k, spk_encoder_config *c);
    /* Asks for every weight under prefix (plugins/common/request.h). w->blocks has room for
     * c->n_layers. [setup] */
    void (*ask)(plg_request *r, const spk_encoder_config *c, const char *prefix,
                spk_encoder_weights *w);
    /* Lays its buffers out in the arena a. With r NULL it does no more: that is how scratch memory
     * is counted (a->base is then NULL too). Otherwise it enqueues the encoder, from rows [n_rows,
     * d_in], which it may overwrite, to x [n_rows, d]. [encode] */
    void (*encode)(spk_run *r, const spk_encoder_config *c, const spk_encoder_weights *w,
                   const spk_sizes *s, const weft_tensor *rows, const weft_tensor *x, plg_arena *a);
} spk_encoder;

extern const spk_encoder spk_conformer, spk_w2vbert;
/* The family of this model_type; NULL where there is none. [any] */
const spk_encoder *spk_encoder_find(const char *model_type);

#endif
