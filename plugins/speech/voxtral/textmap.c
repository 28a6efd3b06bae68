/* SPDX-License-Identifier: Apache-2.0 */
/* The checkpoint component, which tells the host where in a directory the text model is: it is a
 * plain Llama, its values under text_config and its tensors under language_model. */
#include "voxtral.h"

/* VoxtralConfig's own defaults for a Llama, then LlamaConfig's. */
static const char defaults[] =
    "{\"vocab_size\": 131072, \"hidden_size\": 3072, \"intermediate_size\": 8192,"
    " \"num_hidden_layers\": 30, \"num_key_value_heads\": 8, \"max_position_embeddings\": 131072,"
    " \"rms_norm_eps\": 1e-5, \"rope_theta\": 100000000.0, \"head_dim\": 128,"
    " \"num_attention_heads\": 32}";

static const plg_int_key n_layers_key[] = {
    {"text_config.num_hidden_layers", 0, 30, 1, PLG_TEXTMAP_LAYERS}};

static weft_status text_map(const weft_host *h, const weft_package *p, weft_text_map *out,
                            weft_error *err)
{
    int32_t        n = 0;
    const plg_keys k = plg_keys_of(h, p, VXT_CONFIG, "", err);
    weft_status    status = plg_keys_ints(&k, n_layers_key, 1, &n);
    if (status != WEFT_OK)
        return status;
    const plg_names *names = plg_names_of(h, p, VXT_PROBE);
    weft_text_map    map = {.hdr = WEFT_HDR(weft_text_map),
                            .config_path = "text_config",
                            .defaults = defaults,
                            .prefix = names->text,
                            .head = names->head,
                            .n_layers = n};
    return plg_textmap_give(h, VXT_ID, &map, out, err);
}

const weft_checkpoint vxt_checkpoint = {WEFT_HDR(weft_checkpoint), text_map};
