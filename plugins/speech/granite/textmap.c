/* SPDX-License-Identifier: Apache-2.0 */
/* The checkpoint component, which tells the host where in a directory the text model is: under
 * text_config a Granite, which is a Llama with four multipliers. The list of layers of a text map
 * must live until deinit, so it is kept in the plugin's slot of the engine (weft_host.slot). */
#include "granite.h"

#include "../../common/scales.h"

typedef struct record {
    int32_t layers[GSP_MAX_TEXT_LAYERS];
} record;

/* GraniteConfig's defaults. */
static const char defaults[] =
    "{\"vocab_size\": 32000, \"hidden_size\": 4096, \"intermediate_size\": 11008,"
    " \"num_attention_heads\": 32, \"max_position_embeddings\": 2048}";

weft_status gsp_textmap_init(const weft_host *h, weft_error *err)
{
    record *r = h->alloc(h, sizeof *r, 16);
    if (r == NULL)
        return weft_fail(err, WEFT_E_NOMEM, "out of memory for %s", GSP_ID);
    for (int32_t i = 0; i < GSP_MAX_TEXT_LAYERS; i++)
        r->layers[i] = i;
    *h->slot = r;
    return WEFT_OK;
}

void gsp_textmap_deinit(const weft_host *h)
{
    h->free(h, *h->slot);
    *h->slot = NULL;
}

static weft_status check_type(const plg_keys *k)
{
    const char *type = "granite";
    weft_status status = plg_keys_str(k, "model_type", &type);
    if (status != WEFT_OK || strcmp(type, "granite") == 0)
        return status;
    return weft_fail(k->err, WEFT_E_UNSUPPORTED,
                     "%s: %smodel_type is \"%.40s\", and only granite is known", k->file, k->prefix,
                     type);
}

static weft_status text_map(const weft_host *h, const weft_package *p, weft_text_map *out,
                            weft_error *err)
{
    const plg_keys k = plg_keys_of(h, p, GSP_CONFIG, "text_config.", err);
    const record  *r = *h->slot;
    int64_t        n = 32;
    weft_text_map  map = {.hdr = WEFT_HDR(weft_text_map),
                          .config_path = "text_config",
                          .defaults = defaults,
                          .prefix = "language_model.model.",
                          .head = "language_model.lm_head.weight",
                          .layers = r->layers};
    weft_status    status = check_type(&k);
    if (status == WEFT_OK)
        status = plg_keys_i64(&k, "num_hidden_layers", 1, GSP_MAX_TEXT_LAYERS, &n);
    if (status == WEFT_OK)
        status = plg_scales_read(&k, &map);
    if (status == WEFT_OK)
        status = gsp_lora_read(h, p, &map, err);
    if (status != WEFT_OK)
        return status;
    map.n_layers = (int32_t)n;
    if (out->hdr.size < map.hdr.size)
        return weft_fail(err, WEFT_E_VERSION, "%s needs a host that knows other text models",
                         GSP_ID);
    memcpy(out, &map, map.hdr.size);
    return WEFT_OK;
}

const weft_checkpoint gsp_checkpoint = {WEFT_HDR(weft_checkpoint), text_map};
