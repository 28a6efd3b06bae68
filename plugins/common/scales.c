/* SPDX-License-Identifier: Apache-2.0 */
/* Source: transformers models/granite/modeling_granite.py: the embeddings are multiplied, attention
 * has its own scaling, both branches of a layer are multiplied, and the logits are divided. */
#include "scales.h"

const char plg_granite_defaults[] =
    "{\"vocab_size\": 32000, \"hidden_size\": 4096, \"intermediate_size\": 11008,"
    " \"num_attention_heads\": 32, \"max_position_embeddings\": 2048}";

weft_status plg_scales_read(const plg_keys *k, weft_text_map *map)
{
    const struct {
        const char *key;
        float      *to;
    } scales[] = {
        {"embedding_multiplier", &map->embedding_scale},
        {"attention_multiplier", &map->attention_scale},
        {"residual_multiplier", &map->residual_scale},
        {"logits_scaling", &map->logits_divisor},
    };
    for (size_t i = 0; i < sizeof scales / sizeof *scales; i++) {
        double      v = 1;
        weft_status status = plg_keys_f64(k, scales[i].key, 1e-5, 1e5, &v);
        if (status != WEFT_OK)
            return status;
        *scales[i].to = (float)v;
    }
    return WEFT_OK;
}
