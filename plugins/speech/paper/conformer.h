/* SPDX-License-Identifier: Apache-2.0 */
/* What all conformer encoders share: the block, the names of its weights and its buffers. A family
 * states what sets it apart in one spk_conformer_kind. */
#ifndef SPK_CONFORMER_H
#define SPK_CONFORMER_H

#include "encoder.h"

/* Device buffers of one encode, [rows, columns]. `wide` holds the intermediate results of a block.
 */
typedef struct spk_conformer_run {
    const spk_encoder_config *c;
    spk_run                  *r;
    int64_t                   n_rows, n_keys;     /* keys: the rows that attention may look at */
    weft_tensor               x, h;               /* [n_rows, d] */
    weft_tensor               wide;               /* [n_rows, max(3 d, d_ffn)] */
    weft_tensor               table;              /* rotary: [n_rows, head_dim] */
    weft_tensor               bounds_q, bounds_k; /* i32 [2] */
} spk_conformer_run;

typedef struct spk_conformer_kind {
    int32_t input_norm;  /* a layer norm stands before the projection */
    int32_t causal_conv; /* kernel - 1 zeros before the first row instead of half of that around */
    int32_t relative;    /* a distance table stands beside the attention's weights */
    /* Enqueues, once an encode, what attend needs; may be NULL. */
    void (*prepare)(spk_conformer_run *f);
    /* Enqueues attention of q, k and v, all [n_rows, d], into f->h. q and k may be overwritten. */
    void (*attend)(spk_conformer_run *f, const spk_mha *w, const weft_tensor *q,
                   const weft_tensor *k, const weft_tensor *v);
} spk_conformer_kind;

/* Reads the keys that all conformers have. On entry *c holds the family's defaults. [setup] */
weft_status spk_conformer_config(const plg_keys *k, spk_encoder_config *c);
void spk_conformer_ask(plg_request *r, const spk_conformer_kind *kind, const spk_encoder_config *c,
                       const char *prefix, spk_encoder_weights *w);
void spk_conformer_encode(spk_run *r, const spk_conformer_kind *kind, const spk_encoder_config *c,
                          const spk_encoder_weights *w, const spk_sizes *s, const weft_tensor *rows,
                          const weft_tensor *x, plg_arena *a);

#endif
