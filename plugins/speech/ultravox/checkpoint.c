/* SPDX-License-Identifier: Apache-2.0 */
/* The checkpoint component, which tells the host where in a directory the text model is. Some early
 * directories (v0.3 8B, v0.4 8B) hold their whole text model under language_model., with its
 * numbers in text_config. The others only name a text model in text_model_id. The list of layers of
 * a text map must live until deinit, so it is kept in the plugin's slot of the engine
 * (weft_host.slot). */
#include "ultravox.h"

#define TEXT_PREFIX "language_model.model."
#define TEXT_HEAD "language_model.lm_head.weight"

typedef struct record {
    int32_t layers[VOX_MAX_LAYERS];
} record;

weft_status vox_checkpoint_init(const weft_host *h, weft_error *err)
{
    record *r = h->alloc(h, sizeof *r, 16);
    if (r == NULL)
        return weft_fail(err, WEFT_E_NOMEM, "out of memory for %s", VOX_ID);
    for (int32_t i = 0; i < VOX_MAX_LAYERS; i++)
        r->layers[i] = i;
    *h->slot = r;
    weft_status status = vox_words_add(h, err);
    if (status != WEFT_OK)
        vox_checkpoint_deinit(h);
    return status;
}

void vox_checkpoint_deinit(const weft_host *h)
{
    h->free(h, *h->slot);
    *h->slot = NULL;
}

static weft_status missing(const plg_keys *k)
{
    const char *id = "it was made for";
    weft_status status = plg_keys_str(k, "text_model_id", &id);
    if (status != WEFT_OK)
        return status;
    return weft_fail(k->err, WEFT_E_NOTFOUND,
                     "the text model %.120s is not in this directory: download it, open it (-m "
                     "DIR) and name this directory with --set " VOX_ID ".weights=DIR",
                     id);
}

static weft_status text_map(const weft_host *h, const weft_package *p, weft_text_map *out,
                            weft_error *err)
{
    const weft_if_weights *weights = h->get_interface(h, WEFT_IF_WEIGHTS);
    const plg_keys         k = plg_keys_of(h, p, VOX_CONFIG, "", err);
    const record          *r = *h->slot;
    int64_t                n = 32; /* LlamaConfig's default */
    if (!weights->has(h, p, TEXT_PREFIX "embed_tokens.weight"))
        return missing(&k);
    weft_status status = plg_keys_i64(&k, "text_config.num_hidden_layers", 1, VOX_MAX_LAYERS, &n);
    if (status != WEFT_OK)
        return status;
    weft_text_map map = {.hdr = WEFT_HDR(weft_text_map),
                         .config_path = "text_config",
                         .prefix = TEXT_PREFIX,
                         .head = TEXT_HEAD,
                         .layers = r->layers,
                         .n_layers = (int32_t)n};
    if (out->hdr.size < map.hdr.size)
        map.hdr.size = out->hdr.size;
    memcpy(out, &map, map.hdr.size);
    return WEFT_OK;
}

const weft_checkpoint vox_checkpoint = {WEFT_HDR(weft_checkpoint), text_map};
