/* SPDX-License-Identifier: Apache-2.0 */
/* Names of cross-attention tensors. Sources: transformers 4.49 models/mllama,
 * MllamaCrossAttentionDecoderLayer; models/idefics, IdeficsGatedCrossAttentionLayer. */
#include "layer.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* Where a name goes, and what it is in the two styles. */
static const struct tensor {
    size_t      field;
    const char *name[2];
} tensors[VIS_LAYER_TENSORS] = {
    {offsetof(weft_xattn, w_q), {"cross_attn.q_proj.weight", "cross_attn.q_proj.weight"}},
    {offsetof(weft_xattn, w_k), {"cross_attn.k_proj.weight", "cross_attn.k_proj.weight"}},
    {offsetof(weft_xattn, w_v), {"cross_attn.v_proj.weight", "cross_attn.v_proj.weight"}},
    {offsetof(weft_xattn, w_o), {"cross_attn.o_proj.weight", "cross_attn.o_proj.weight"}},
    {offsetof(weft_xattn, norm_in), {"input_layernorm.weight", "input_layernorm.weight"}},
    {offsetof(weft_xattn, norm_q), {"cross_attn.q_norm.weight", "cross_attn.q_layer_norm.weight"}},
    {offsetof(weft_xattn, norm_k), {"cross_attn.k_norm.weight", "cross_attn.k_layer_norm.weight"}},
    {offsetof(weft_xattn, gate_attn), {"cross_attn_attn_gate", "alpha_cross_attn"}},
    {offsetof(weft_xattn, norm_ffn),
     {"post_attention_layernorm.weight", "post_attention_layernorm.weight"}},
    {offsetof(weft_xattn, w_gate), {"mlp.gate_proj.weight", "mlp.gate_proj.weight"}},
    {offsetof(weft_xattn, w_up), {"mlp.up_proj.weight", "mlp.up_proj.weight"}},
    {offsetof(weft_xattn, w_down), {"mlp.down_proj.weight", "mlp.down_proj.weight"}},
    {offsetof(weft_xattn, gate_ffn), {"cross_attn_mlp_gate", "alpha_dense"}},
};

void vis_layer_name(weft_xattn *x, vis_layer_style style, const char *prefix,
                    vis_layer_names *names)
{
    for (int i = 0; i < VIS_LAYER_TENSORS; i++) {
        const char *name = names->at[i];
        snprintf(names->at[i], PLG_MAX_NAME, "%s%s", prefix, tensors[i].name[style]);
        memcpy((char *)x + tensors[i].field, &name, sizeof name);
    }
    if ((x->flags & WEFT_XATTN_QK_NORM) == 0)
        x->norm_q = x->norm_k = NULL;
}
