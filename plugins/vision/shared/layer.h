/* SPDX-License-Identifier: Apache-2.0 */
/* The tensors of a gated cross-attention layer by name: what the adapters of this folder say of one
 * (weft/hooks.h has the formula), Mllama's layers and Idefics's differing in four names. */
#ifndef VIS_LAYER_H
#define VIS_LAYER_H

#include "../../common/request.h"
#include "weft/hooks.h"

typedef enum vis_layer_style { VIS_LAYER_MLLAMA, VIS_LAYER_IDEFICS } vis_layer_style;

#define VIS_LAYER_TENSORS 13

typedef struct vis_layer_names {
    char at[VIS_LAYER_TENSORS][PLG_MAX_NAME];
} vis_layer_names;

/* Points the weight names of *x at `names`, which must outlive it: `prefix` (ending in a dot) and
 * the style's name of each; norm_q and norm_k only where x->flags has WEFT_XATTN_QK_NORM. [any] */
void vis_layer_name(weft_xattn *x, vis_layer_style style, const char *prefix,
                    vis_layer_names *names);

#endif
