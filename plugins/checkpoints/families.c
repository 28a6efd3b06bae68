/* SPDX-License-Identifier: Apache-2.0 */
/* The table of families. Defaults are those of transformers' configuration classes. */
#include "checkpoints.h"

#include "../common/scales.h"

/* GraniteForCausalLM (models/granite): four multipliers. */
static weft_status granite(const plg_keys *k, weft_text_map *map)
{
    return plg_scales_read(k, map);
}

/* MistralForCausalLM (models/mistral): a Llama, unless its attention looks back only so far. A
 * window as long as the context is none. */
static weft_status mistral(const plg_keys *k, weft_text_map *map)
{
    int64_t     window = 0, positions = 131072;
    weft_status status = plg_keys_i64(k, "sliding_window", 0, INT64_MAX, &window);
    (void)map;
    if (status == WEFT_OK)
        status = plg_keys_i64(k, "max_position_embeddings", 1, INT32_MAX, &positions);
    if (status != WEFT_OK || window == 0 || window >= positions)
        return status;
    return weft_fail(k->err, WEFT_E_UNSUPPORTED,
                     "config.json: sliding_window is %lld, and weft has no sliding window: use a "
                     "Mistral without one, such as Mistral 7B v0.2 or later",
                     (long long)window);
}

/* Qwen2ForCausalLM (models/qwen2): q, k and v have biases. */
static weft_status qwen2(const plg_keys *k, weft_text_map *map)
{
    int32_t     window = 0;
    weft_status status = plg_keys_bool(k, "use_sliding_window", &window);
    map->flags = WEFT_TEXT_QKV_BIAS;
    if (status != WEFT_OK || window == 0)
        return status;
    return weft_fail(k->err, WEFT_E_UNSUPPORTED,
                     "config.json: use_sliding_window is true, and weft has no sliding window");
}

static const ckp_family families[] = {
    {"GraniteForCausalLM",
     "{\"vocab_size\": 32000, \"hidden_size\": 4096, \"intermediate_size\": 11008,"
     " \"num_attention_heads\": 32, \"max_position_embeddings\": 2048}",
     32, granite},
    {"MistralForCausalLM",
     "{\"vocab_size\": 32000, \"hidden_size\": 4096, \"intermediate_size\": 14336,"
     " \"num_attention_heads\": 32, \"num_key_value_heads\": 8,"
     " \"max_position_embeddings\": 131072}",
     32, mistral},
    {"Qwen2ForCausalLM",
     "{\"vocab_size\": 151936, \"hidden_size\": 4096, \"intermediate_size\": 22016,"
     " \"num_attention_heads\": 32, \"num_key_value_heads\": 32,"
     " \"max_position_embeddings\": 32768}",
     32, qwen2},
};

const ckp_family *ckp_family_of(const char *architecture)
{
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        if (strcmp(families[i].architecture, architecture) == 0)
            return &families[i];
    return NULL;
}
