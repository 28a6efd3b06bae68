/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptor, entry, and the checkpoint component that they declare. */
#include "checkpoints.h"

#include "../common/textmap.h"

static weft_status text_map(const weft_host *h, const weft_package *p, weft_text_map *out,
                            weft_error *err)
{
    const plg_keys k = plg_keys_of(h, p, CKP_CONFIG, "", err);
    const char    *name = "";
    weft_status    status = plg_keys_str(&k, "architectures[0]", &name);
    if (status != WEFT_OK)
        return status;
    const ckp_family *f = ckp_family_of(name);
    if (f == NULL)
        return weft_fail(err, WEFT_E_UNSUPPORTED, "config.json: %s does not know \"%.100s\"",
                         CKP_ID, name);
    int64_t n = f->layers;
    status = plg_keys_i64(&k, "num_hidden_layers", 1, PLG_TEXTMAP_LAYERS, &n);
    weft_text_map map = {.hdr = WEFT_HDR(weft_text_map),
                         .config_path = "",
                         .defaults = f->defaults,
                         .prefix = "model.",
                         .head = "lm_head.weight",
                         .n_layers = (int32_t)n};
    if (status == WEFT_OK)
        status = f->more(&k, &map);
    return status == WEFT_OK ? plg_textmap_give(h, CKP_ID, &map, out, err) : status;
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
            &descriptor, plg_textmap_init, plg_textmap_deinit)
