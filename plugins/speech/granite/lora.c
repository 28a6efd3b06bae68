/* SPDX-License-Identifier: Apache-2.0 */
/* The LoRA of Granite Speech 3.3: a low-rank update of the text model's projections, which is on
 * where there is sound (transformers, GraniteSpeechForConditionalGeneration.generate). It lies in
 * peft's two files beside the others. */
#include "granite.h"

#include <math.h>

#define ADAPTER "adapter_config.json"
#define WEIGHTS "adapter_model.safetensors"
/* What peft's names begin with: those of the model that it wraps, as transformers writes them or as
 * they lie in the memory of transformers 5. */
#define SAVED "base_model.model.language_model.model."
#define MEMORY "base_model.model.model.language_model."

/* One of target_modules. */
static weft_status read_target(const plg_keys *k, int64_t i, uint32_t *of)
{
    static const struct {
        const char *name;
        uint32_t    bit;
    } known[] = {{"q_proj", WEFT_UPDATE_Q}, {"k_proj", WEFT_UPDATE_K}, {"v_proj", WEFT_UPDATE_V}};
    char        key[40];
    const char *name = "nothing";
    snprintf(key, sizeof key, "target_modules[%d]", (int)i);
    weft_status status = plg_keys_str(k, key, &name);
    if (status != WEFT_OK)
        return status;
    for (size_t j = 0; j < sizeof known / sizeof *known; j++)
        if (strcmp(known[j].name, name) == 0) {
            *of |= known[j].bit;
            return WEFT_OK;
        }
    return weft_fail(k->err, WEFT_E_UNSUPPORTED,
                     ADAPTER ": target_modules has \"%.60s\", and weft runs a LoRA of q_proj, "
                             "k_proj and v_proj",
                     name);
}

static weft_status read_targets(const plg_keys *k, uint32_t *of)
{
    int64_t     n = -1;
    weft_status status = plg_keys_count(k, "target_modules", 64, &n);
    for (int64_t i = 0; i < n && status == WEFT_OK; i++)
        status = read_target(k, i, of);
    if (status == WEFT_OK && *of == 0)
        return weft_fail(k->err, WEFT_E_UNSUPPORTED, ADAPTER ": target_modules names no module");
    return status;
}

/* What peft can do beside W x + scale * B (A x), each where its key is not empty, none or false. */
static weft_status refuse_others(const plg_keys *k)
{
    static const char *const flags[] = {"use_dora", "fan_in_fan_out", "lora_bias", "use_qalora"};
    static const char *const lists[] = {"rank_pattern", "alpha_pattern", "layers_to_transform",
                                        "modules_to_save", "layer_replication"};
    const char              *bias = "none", *type = "LORA", *wrong = NULL;
    weft_status              status = plg_keys_str(k, "bias", &bias);
    if (status == WEFT_OK)
        status = plg_keys_str(k, "peft_type", &type);
    for (size_t i = 0; i < sizeof flags / sizeof *flags && status == WEFT_OK; i++) {
        int32_t on = 0;
        status = plg_keys_bool(k, flags[i], &on);
        wrong = on ? flags[i] : wrong;
    }
    for (size_t i = 0; i < sizeof lists / sizeof *lists && status == WEFT_OK; i++) {
        int64_t n = 0;
        status = plg_keys_count(k, lists[i], 1 << 20, &n);
        wrong = n > 0 ? lists[i] : wrong;
    }
    if (strcmp(bias, "none") != 0)
        wrong = "bias";
    if (strcmp(type, "LORA") != 0)
        wrong = "peft_type";
    if (status != WEFT_OK || wrong == NULL)
        return status;
    return weft_fail(k->err, WEFT_E_UNSUPPORTED,
                     ADAPTER ": %s asks for more than a plain LoRA, which is all that weft runs",
                     wrong);
}

/* A file of tensors begins with their names; all of one file begin alike. */
static const char *prefix_of(const plg_keys *k)
{
    weft_source s = {.hdr = WEFT_HDR(weft_source)};
    char        bytes[8192];
    if (k->from->open(k->host, k->package, WEIGHTS, &s, NULL) != WEFT_OK)
        return SAVED;
    const int64_t n = s.read_at(s.ctx, 0, bytes, sizeof bytes);
    return n > 0 && memmem(bytes, (size_t)n, MEMORY, sizeof MEMORY - 1) != NULL ? MEMORY : SAVED;
}

static weft_status read_adapter(const plg_keys *k, weft_text_map *map)
{
    int64_t     rank = 8;
    double      alpha = 8;
    int32_t     stable = 0;
    weft_status status = refuse_others(k);
    if (status == WEFT_OK)
        status = plg_keys_i64(k, "r", 1, 4096, &rank);
    if (status == WEFT_OK)
        status = plg_keys_f64(k, "lora_alpha", -1e5, 1e5, &alpha);
    if (status == WEFT_OK)
        status = plg_keys_bool(k, "use_rslora", &stable);
    if (status == WEFT_OK)
        status = read_targets(k, &map->update_of);
    map->update_file = WEIGHTS;
    map->update_prefix = prefix_of(k);
    map->update_stream = GSP_STREAM;
    map->update_rank = (int32_t)rank;
    map->update_scale = (float)(alpha / (stable ? sqrt((double)rank) : (double)rank));
    return status;
}

weft_status gsp_lora_read(const weft_host *h, const weft_package *p, weft_text_map *map,
                          weft_error *err)
{
    const plg_keys top = plg_keys_of(h, p, GSP_CONFIG, "", err);
    const plg_keys k = plg_keys_of(h, p, ADAPTER, "", err);
    int32_t        wanted = 1, there = 0;
    weft_status    status = plg_keys_bool(&top, "has_lora_adapter", &wanted);
    if (status == WEFT_OK && wanted)
        status = plg_keys_has_file(&k, &there);
    if (status != WEFT_OK || !wanted)
        return status;
    if (there)
        return read_adapter(&k, map);
    return weft_fail(err, WEFT_E_CORRUPT,
                     "%s: has_lora_adapter is true, and " ADAPTER
                     " is missing: download it and " WEIGHTS " too",
                     top.file);
}
