/* SPDX-License-Identifier: Apache-2.0 */
/* The checkpoint component, which tells the host where in a directory the text model is: under
 * text_config a Granite, which is a Llama with four multipliers. */
#include "granite.h"

#include "../../common/scales.h"

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
    const plg_keys   k = plg_keys_of(h, p, GSP_CONFIG, "text_config.", err);
    int64_t          n = PLG_GRANITE_LAYERS;
    const plg_names *names = plg_names_of(h, p, GSP_PROBE);
    weft_text_map    map = {.hdr = WEFT_HDR(weft_text_map),
                            .config_path = "text_config",
                            .defaults = plg_granite_defaults,
                            .prefix = names->text,
                            .head = names->head};
    weft_status      status = check_type(&k);
    if (status == WEFT_OK)
        status = plg_keys_i64(&k, "num_hidden_layers", 1, PLG_TEXTMAP_LAYERS, &n);
    if (status == WEFT_OK)
        status = plg_scales_read(&k, &map);
    if (status == WEFT_OK)
        status = gsp_lora_read(h, p, &map, err);
    if (status != WEFT_OK)
        return status;
    map.n_layers = (int32_t)n;
    return plg_textmap_give(h, GSP_ID, &map, out, err);
}

const weft_checkpoint gsp_checkpoint = {WEFT_HDR(weft_checkpoint), text_map};
