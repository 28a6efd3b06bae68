/* SPDX-License-Identifier: Apache-2.0 */
/* The table of families. Defaults are those of transformers' configuration classes. */
#include "checkpoints.h"

#include "../common/scales.h"

/* GraniteForCausalLM (models/granite): four multipliers. */
static weft_status granite(const plg_keys *k, weft_text_map *map)
{
    return plg_scales_read(k, map);
}

#define WINDOW "sliding_window"

/* Whether the file has the key at all: plg_keys_i64 leaves a key that is null as it leaves one that
 * is absent. The file is known to be JSON, so its name in quotes is the key. */
static weft_status has_window(const plg_keys *k, int *there)
{
    static const char key[] = "\"" WINDOW "\"";
    char              part[4096];
    weft_source       file = {.hdr = WEFT_HDR(weft_source)};
    int64_t           got = sizeof part;
    weft_status       status = k->from->open(k->host, k->package, k->file, &file, k->err);
    *there = 0;
    /* Parts overlap, since the key may stand where one ends. */
    for (uint64_t at = 0; status == WEFT_OK && got == sizeof part && !*there;
         at += sizeof part - sizeof key) {
        got = file.read_at(file.ctx, at, part, sizeof part);
        if (got < 0)
            return weft_fail(k->err, (weft_status)got, "%s cannot be read", k->file);
        *there = memmem(part, (size_t)got, key, sizeof key - 1) != NULL;
    }
    return status;
}

/* The window, 0 where there is none: that is said by null, and a key that is absent means 4096. */
static weft_status read_window(const plg_keys *k, int64_t *window)
{
    int         there = 0;
    weft_status status = plg_keys_i64(k, WINDOW, 0, INT64_MAX, window);
    if (status != WEFT_OK || *window != 0)
        return status;
    status = has_window(k, &there);
    *window = there ? 0 : 4096;
    return status;
}

/* MistralForCausalLM (models/mistral): a Llama, unless its attention looks back only so far. A
 * window as long as the context is none. */
static weft_status mistral(const plg_keys *k, weft_text_map *map)
{
    int64_t     window = 0, positions = 131072;
    weft_status status = read_window(k, &window);
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
    {"GraniteForCausalLM", plg_granite_defaults, PLG_GRANITE_LAYERS, granite},
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
