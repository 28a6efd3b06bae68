/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptor, entry, and the checkpoint component that they declare. The list of layers of a text
 * map must live until deinit, so it is kept in the plugin's slot of the engine (weft_host.slot). */
#include "checkpoints.h"

typedef struct record {
    int32_t layers[CKP_MAX_LAYERS];
} record;

static weft_status init(const weft_host *h, weft_error *err)
{
    record *r = h->alloc(h, sizeof *r, 16);
    if (r == NULL)
        return weft_fail(err, WEFT_E_NOMEM, "out of memory for %s", CKP_ID);
    for (int32_t i = 0; i < CKP_MAX_LAYERS; i++)
        r->layers[i] = i;
    *h->slot = r;
    return WEFT_OK;
}

static void deinit(const weft_host *h)
{
    h->free(h, *h->slot);
    *h->slot = NULL;
}

static weft_status text_map(const weft_host *h, const weft_package *p, weft_text_map *out,
                            weft_error *err)
{
    const plg_keys k = plg_keys_of(h, p, CKP_CONFIG, "", err);
    const record  *r = *h->slot;
    const char    *name = "";
    weft_status    status = plg_keys_str(&k, "architectures[0]", &name);
    if (status != WEFT_OK)
        return status;
    const ckp_family *f = ckp_family_of(name);
    if (f == NULL)
        return weft_fail(err, WEFT_E_UNSUPPORTED, "config.json: %s does not know \"%.100s\"",
                         CKP_ID, name);
    int64_t n = f->layers;
    status = plg_keys_i64(&k, "num_hidden_layers", 1, CKP_MAX_LAYERS, &n);
    weft_text_map map = {.hdr = WEFT_HDR(weft_text_map),
                         .config_path = "",
                         .defaults = f->defaults,
                         .prefix = "model.",
                         .head = "lm_head.weight",
                         .layers = r->layers,
                         .n_layers = (int32_t)n};
    if (status == WEFT_OK)
        status = f->more(&k, &map);
    if (status != WEFT_OK)
        return status;
    if (out->hdr.size < map.hdr.size)
        return weft_fail(err, WEFT_E_VERSION, "%s needs a host that knows other text models",
                         CKP_ID);
    memcpy(out, &map, map.hdr.size);
    return WEFT_OK;
}

static const weft_checkpoint checkpoint = {WEFT_HDR(weft_checkpoint), text_map};

static const char *const needs[] = {WEFT_IF_PACKAGE, NULL};

static const weft_component components[] = {
    {WEFT_HDR(weft_component), WEFT_C_CHECKPOINT, "text", &checkpoint},
};

static const weft_descriptor descriptor = {
    .hdr = WEFT_HDR(weft_descriptor),
    .id = CKP_ID,
    .name = "Text models that are a Llama by their numbers",
    .version = CKP_VERSION,
    .vendor = "weft",
    .license_spdx = "Apache-2.0",
    .needs_host = needs,
    .components = components,
    .n_components = sizeof components / sizeof *components,
};

WEFT_PLUGIN(CKP_ID, CKP_VERSION,
            "components=checkpoint:text\n"
            "architectures=GraniteForCausalLM,MistralForCausalLM,Qwen2ForCausalLM\n",
            &descriptor, init, deinit)
