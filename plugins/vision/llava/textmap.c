/* SPDX-License-Identifier: Apache-2.0 */
/* The checkpoint component, which tells the host where in a directory the text model is: under
 * text_config a Llama, whose tensors begin in one of two ways (llv_names_of).
 *
 * The list of layers of a text map must live until deinit, so it is kept in the plugin's slot of
 * the engine (weft_host.slot). */
#include "llava.h"

typedef struct record {
    int32_t layers[VIS_TOWER_MAX_LAYERS];
} record;

/* LlamaConfig's defaults, which the released directories rely on. */
#define LLAMA                                                                                      \
    "\"vocab_size\": 32000, \"hidden_size\": 4096, \"intermediate_size\": 11008,"                  \
    " \"num_hidden_layers\": 32, \"num_attention_heads\": 32, \"rope_theta\": 10000.0,"            \
    " \"rms_norm_eps\": 1e-6, \"max_position_embeddings\": 2048"

static const char defaults[] = "{" LLAMA "}";

static const plg_int_key n_layers_key[] = {
    {"text_config.num_hidden_layers", 0, 32, 1, VIS_TOWER_MAX_LAYERS}};

weft_status llv_textmap_init(const weft_host *h, weft_error *err)
{
    record *r = h->alloc(h, sizeof *r, 16);
    if (r == NULL)
        return weft_fail(err, WEFT_E_NOMEM, "out of memory for %s", LLV_ID);
    *h->slot = r;
    return WEFT_OK;
}

void llv_textmap_deinit(const weft_host *h)
{
    h->free(h, *h->slot);
    *h->slot = NULL;
}

static weft_status text_map(const weft_host *h, const weft_package *p, weft_text_map *out,
                            weft_error *err)
{
    record          *r = *h->slot;
    int32_t          n = 0;
    const plg_keys   k = plg_keys_of(h, p, LLV_CONFIG, "", err);
    const llv_names *names = llv_names_of(h, p);
    weft_status      status = plg_keys_ints(&k, n_layers_key, 1, &n);
    if (status != WEFT_OK)
        return status;
    if (r == NULL)
        return weft_fail(err, WEFT_E_STATE, "%s: text_map was called before init", LLV_ID);
    for (int32_t i = 0; i < n; i++)
        r->layers[i] = i;
    weft_text_map map = {.hdr = WEFT_HDR(weft_text_map),
                         .config_path = "text_config",
                         .defaults = defaults,
                         .prefix = names->text,
                         .head = names->head,
                         .layers = r->layers,
                         .n_layers = n};
    if (out->hdr.size < map.hdr.size)
        map.hdr.size = out->hdr.size;
    memcpy(out, &map, map.hdr.size);
    return WEFT_OK;
}

const weft_checkpoint llv_checkpoint = {WEFT_HDR(weft_checkpoint), text_map};
