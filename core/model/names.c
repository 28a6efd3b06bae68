/* SPDX-License-Identifier: Apache-2.0 */
/* Names and shapes of a text core's tensors. */
#include "core/model/names.h"

#include <stdio.h>

static const char *const layer_names[WF_LAYER_TENSORS] = {
    "input_layernorm",  "self_attn.q_proj", "self_attn.k_proj",
    "self_attn.v_proj", "self_attn.o_proj", "post_attention_layernorm",
    "mlp.gate_proj",    "mlp.up_proj",      "mlp.down_proj",
};

void wf_layer_name(char *out, const wf_names *n, int32_t layer, int32_t which)
{
    snprintf(out, WF_NAME_BYTES, "%slayers.%d.%s.weight", n->prefix,
             n->layers != NULL ? n->layers[layer] : layer, layer_names[which]);
}

void wf_bias_name(char *out, const wf_names *n, int32_t layer, int32_t which)
{
    snprintf(out, WF_NAME_BYTES, "%slayers.%d.%s.bias", n->prefix,
             n->layers != NULL ? n->layers[layer] : layer, layer_names[which]);
}

void wf_update_name(char *out, const wf_names *n, int32_t layer, int32_t which, char part)
{
    snprintf(out, WF_NAME_BYTES, "%slayers.%d.%s.lora_%c.weight", n->update,
             n->layers != NULL ? n->layers[layer] : layer, layer_names[which], part);
}

void wf_top_name(char *out, const wf_names *n, const char *name)
{
    snprintf(out, WF_NAME_BYTES, "%s%s", n->prefix, name);
}

wf_want wf_layer_want(const wf_config *c, int32_t which, const char *name)
{
    int64_t q = (int64_t)c->n_heads * c->head_dim, kv = (int64_t)c->n_kv_heads * c->head_dim;
    int64_t d = c->d_model, f = c->d_ffn;
    switch (which) {
    case WF_Q:
        return (wf_want){name, 2, {q, d}};
    case WF_K:
    case WF_V:
        return (wf_want){name, 2, {kv, d}};
    case WF_O:
        return (wf_want){name, 2, {d, q}};
    case WF_GATE_PROJ:
    case WF_UP_PROJ:
        return (wf_want){name, 2, {f, d}};
    case WF_DOWN_PROJ:
        return (wf_want){name, 2, {d, f}};
    default:
        return (wf_want){name, 1, {d}};
    }
}

wf_names wf_names_of(const wf_config *c, const weft_text_map *map)
{
    if (map == NULL)
        return (wf_names){.prefix = "model.", .head = "lm_head.weight"};
    return (wf_names){map->prefix,
                      map->head,
                      c->extra > 0 ? map->extra_embedding : NULL,
                      c->extra > 0 ? map->extra_head : NULL,
                      map->layers,
                      c->update_rank > 0 ? map->update_prefix : NULL};
}
