/* SPDX-License-Identifier: Apache-2.0 */
/* What the tensors of a text core are called in a directory, and their shapes: transformers'
 * LlamaForCausalLM, through the text map where the directory wraps it in something larger. */
#ifndef WF_NAMES_H
#define WF_NAMES_H

#include "core/model/config.h"
#include "core/model/want.h"

typedef struct wf_names { /* how this directory spells them; borrowed from the map */
    const char    *prefix, *head, *extra_embed, *extra_head; /* extra_*: NULL: none */
    const int32_t *layers;                                   /* NULL: 0, 1, 2, ... */
    const char    *update; /* what names of the low-rank update begin with; NULL: none */
} wf_names;

enum wf_layer_tensor {
    WF_NORM_ATTN,
    WF_Q,
    WF_K,
    WF_V,
    WF_O,
    WF_NORM_FFN,
    WF_GATE_PROJ,
    WF_UP_PROJ,
    WF_DOWN_PROJ,
    WF_LAYER_TENSORS
};

#define WF_BIASES 3 /* of WF_Q, WF_K and WF_V, which follow one another */

/* Whether the low-rank update is of WF_Q, WF_K or WF_V. */
static inline bool wf_is_updated(const wf_config *c, int32_t which)
{
    return (c->update_of & WEFT_UPDATE_Q << (which - WF_Q)) != 0;
}

/* map NULL: a plain Llama directory. c: for its extra rows. */
wf_names wf_names_of(const wf_config *c, const weft_text_map *map);
/* Each writes a name to out [WF_NAME_BYTES]. which: wf_layer_tensor. */
void wf_layer_name(char *out, const wf_names *n, int32_t layer, int32_t which);
void wf_bias_name(char *out, const wf_names *n, int32_t layer, int32_t which);
/* part: 'A' or 'B'. */
void wf_update_name(char *out, const wf_names *n, int32_t layer, int32_t which, char part);
void wf_top_name(char *out, const wf_names *n, const char *name);
/* The shape of a layer's tensor. */
wf_want wf_layer_want(const wf_config *c, int32_t which, const char *name);

#endif
