/* SPDX-License-Identifier: Apache-2.0 */
/* An adapter family: the encoder's rows to tokens. */
#ifndef SPK_ADAPTER_H
#define SPK_ADAPTER_H

#include "run.h"

typedef struct spk_adapter {
    /* Its keys; c->d_in holds the encoder's width, c->d_out the text model's where it is known. */
    weft_status (*config)(const plg_keys *k, spk_adapter_config *c);
    /* n_tokens and n_real_tokens from n_rows and n_real. [any] */
    void (*sizes)(const spk_adapter_config *c, spk_sizes *s);
    /* w->layers has room for n_layers. */
    void (*ask)(plg_request *r, const spk_adapter_config *c, const char *prefix,
                spk_adapter_weights *w);
    /* As spk_encoder's: x [n_rows, d_in] (changed on the way) to out [n_tokens, d_out]. [encode] */
    void (*encode)(spk_run *r, const spk_adapter_config *c, const spk_adapter_weights *w,
                   const spk_sizes *s, const weft_tensor *x, const weft_tensor *out, plg_arena *a);
} spk_adapter;

extern const spk_adapter spk_paper_adapter, spk_w2vbert_adapter;

#endif
