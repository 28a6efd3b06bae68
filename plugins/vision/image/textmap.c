/* SPDX-License-Identifier: Apache-2.0 */
/* The checkpoint component, which tells the host how a directory of MllamaForConditionalGeneration
 * holds a plain Llama.
 *
 * text_config numbers self- and cross-attention layers together; the core is given the numbers of
 * the self-attention layers. embed_tokens has 8 rows more than the vocabulary; one of them is the
 * marker's, which the adapter asks for.
 *
 * The list of layers of a text map must live until deinit, so it is kept in the plugin's slot of
 * the engine (weft_host.slot). */
#include "vision.h"

/* MllamaTextConfig's defaults where they differ from Llama's, or where Llama has none. */
static const char defaults[] =
    "{\"vocab_size\": 128256, \"hidden_size\": 4096, \"num_hidden_layers\": 40,"
    " \"num_attention_heads\": 32, \"num_key_value_heads\": 8,"
    " \"intermediate_size\": 14336, \"rope_theta\": 500000.0,"
    " \"rms_norm_eps\": 1e-5, \"max_position_embeddings\": 131072,"
    " \"hidden_act\": \"silu\", \"tie_word_embeddings\": false,"
    " \"bos_token_id\": 128000, \"eos_token_id\": 128001}";

static weft_status text_map(const weft_host *h, const weft_package *p, weft_text_map *out,
                            weft_error *err)
{
    const vis_names *names = vis_names_of(h, p);
    vis_engine      *r = *h->slot;
    vis_text_config  c;
    weft_status      status = vis_config_read_text(h, p, &c, err);
    if (status != WEFT_OK)
        return status;
    if (r == NULL)
        return weft_fail(err, WEFT_E_STATE, "%s: text_map was called before init", VIS_ID);
    if (c.n_self == 0)
        return weft_fail(err, WEFT_E_INVALID,
                         "%s: text_config has no self-attention layer, all %d are in "
                         "cross_attention_layers",
                         VIS_CONFIG, c.n_layers);
    for (int32_t i = 0, n = 0; i < c.n_layers; i++)
        if (!c.is_cross[i])
            r->layers[n++] = i;
    weft_text_map map = {.hdr = WEFT_HDR(weft_text_map),
                         .config_path = "text_config",
                         .defaults = defaults,
                         .prefix = names->text,
                         .head = names->head,
                         .layers = r->layers,
                         .n_layers = c.n_self};
    if (out->hdr.size < map.hdr.size)
        map.hdr.size = out->hdr.size;
    memcpy(out, &map, map.hdr.size);
    return WEFT_OK;
}

const weft_checkpoint vis_checkpoint = {WEFT_HDR(weft_checkpoint), text_map};
