/* SPDX-License-Identifier: Apache-2.0 */
/* The interface of an adapter family. An adapter turns the encoder's rows into tokens: rows of the
 * text model's width. */
#ifndef SPK_ADAPTER_H
#define SPK_ADAPTER_H

#include "run.h"

typedef struct spk_adapter {
    /* Reads the family's keys. On entry c->d_in is the encoder's width, and c->d_out the text
     * model's where it is known. [setup] */
    weft_status (*config)(const plg_keys *k, spk_adapter_config *c);
    /* Sets s->n_tokens and s->n_real_tokens from s->n_rows and s->n_real. [any] */
    void (*sizes)(const spk_adapter_config *c, spk_sizes *s);
    /* Asks for every weight under prefix. w->layers has room for c->n_layers. [setup] */
    void (*ask)(plg_request *r, const spk_adapter_config *c, const char *prefix,
                spk_adapter_weights *w);
    /* Lays its buffers out in a and, where r is not NULL, enqueues the work, as spk_encoder's
     * encode does: from x [n_rows, d_in], which it may overwrite, to out [n_tokens, d_out].
     * [encode] */
    void (*encode)(spk_run *r, const spk_adapter_config *c, const spk_adapter_weights *w,
                   const spk_sizes *s, const weft_tensor *x, const weft_tensor *out, plg_arena *a);
} spk_adapter;

extern const spk_adapter spk_paper_adapter, spk_w2vbert_adapter;

#endif
