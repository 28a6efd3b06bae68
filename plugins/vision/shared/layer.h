/* SPDX-License-Identifier: Apache-2.0 */
/* The tensor names of a gated cross-attention layer, which adapters fill into a weft_xattn
 * (weft/hooks.h has the formula). The names in Mllama's and in Idefics's directories differ in four
 * places. */
#ifndef VIS_LAYER_H
#define VIS_LAYER_H

#include "../../common/request.h"
#include "weft/hooks.h"

typedef enum vis_layer_style { VIS_LAYER_MLLAMA, VIS_LAYER_IDEFICS } vis_layer_style;

#define VIS_LAYER_TENSORS 13

typedef struct vis_layer_names {
    char at[VIS_LAYER_TENSORS][PLG_MAX_NAME];
} vis_layer_names;

/* Writes the names of a layer to `names` and points the weight names of *x at them, so `names` must
 * outlive *x. A name is `prefix`, which ends in a dot, and the style's name of the tensor. norm_q
 * and norm_k are set only where x->flags has WEFT_XATTN_QK_NORM. [any] */
void vis_layer_name(weft_xattn *x, vis_layer_style style, const char *prefix,
                    vis_layer_names *names);

#endif
