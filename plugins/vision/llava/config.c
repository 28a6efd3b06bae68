/* SPDX-License-Identifier: Apache-2.0 */
/* Reads config.json into structs. The range of every value is checked before any size is computed
 * from it.
 *
 * Absent keys take the reference classes' defaults (LlavaConfig, LlavaNextConfig, CLIPVisionConfig,
 * SiglipVisionConfig of transformers 4.49): save_pretrained leaves out whatever equals them. */
#include "llava.h"

#define AT(field) offsetof(llv_config, field)
#define COUNT(keys) (sizeof(keys) / sizeof *(keys))
#define VISION "vision_config."

static const plg_int_key clip_keys[] = {
    {VISION "image_size", AT(tower.tile), 224, 1, 65536},
    {VISION "patch_size", AT(tower.patch), 32, 1, 1024},
    {VISION "hidden_size", AT(tower.d), 768, 1, 65536},
    {VISION "intermediate_size", AT(tower.d_ffn), 3072, 1, 1 << 20},
    {VISION "num_hidden_layers", AT(tower.n_layers), 12, 1, VIS_TOWER_MAX_LAYERS},
    {VISION "num_attention_heads", AT(tower.n_heads), 12, 1, 4096},
};

static const plg_int_key text_keys[] = {
    {"text_config.hidden_size", AT(d_text), 4096, 1, 65536},
    {"image_token_index", AT(image_id), 32000, 0, 1 << 24},
};

/* UNSUPPORTED where the directory is of another architecture, and so not for this plugin. */
static weft_status check_architecture(const plg_keys *k, llv_config *c)
{
    const char *name = "nothing";
    weft_status status = plg_keys_str(k, "architectures[0]", &name);
    c->is_next = strcmp(name, LLV_ARCHITECTURE_NEXT) == 0;
    if (status == WEFT_OK && !c->is_next && strcmp(name, LLV_ARCHITECTURE) != 0)
        return weft_fail(k->err, WEFT_E_UNSUPPORTED,
                         "%s: architectures names %.80s, and %s reads %s and %s", k->file, name,
                         LLV_ID, LLV_ARCHITECTURE, LLV_ARCHITECTURE_NEXT);
    return status;
}

static weft_status check_tower(const plg_keys *k, llv_config *c)
{
    vis_tower_config *t = &c->tower;
    const int64_t     side = t->tile / t->patch, n = side * side + t->has_class;
    if (t->d % t->n_heads != 0)
        return weft_fail(k->err, WEFT_E_INVALID,
                         "%s: " VISION "hidden_size %d is no multiple of its %d attention heads",
                         k->file, t->d, t->n_heads);
    if (n < 2 || n > VIS_TOWER_MAX_ROWS)
        return weft_fail(k->err, WEFT_E_INVALID,
                         "%s: " VISION
                         "image_size %d in patches of %d makes %lld rows, and 2 to %d "
                         "are possible",
                         k->file, t->tile, t->patch, (long long)n, VIS_TOWER_MAX_ROWS);
    t->side = (int32_t)side;
    t->n = (int32_t)n;
    return WEFT_OK;
}

static weft_status read_tower(const plg_keys *k, llv_config *c)
{
    const char *type = "clip_vision_model";
    weft_status status = plg_keys_str(k, VISION "model_type", &type);
    int         siglip = strcmp(type, "siglip_vision_model") == 0;
    double      eps = siglip ? 1e-6 : 1e-5;
    plg_int_key keys[COUNT(clip_keys)];
    if (status == WEFT_OK && !siglip && strcmp(type, "clip_vision_model") != 0)
        return weft_fail(k->err, WEFT_E_UNSUPPORTED,
                         "%s: " VISION "model_type is \"%.40s\", and clip_vision_model and "
                         "siglip_vision_model are known",
                         k->file, type);
    memcpy(keys, clip_keys, sizeof keys);
    keys[1].dflt = siglip ? 16 : 32;
    c->tower.act = siglip ? WEFT_ACT_TANH_GELU : WEFT_ACT_QUICK_GELU;
    c->tower.has_class = c->tower.has_pre = !siglip;
    c->tower.has_patch_bias = siglip;
    if (status == WEFT_OK)
        status = plg_keys_ints(k, keys, COUNT(keys), c);
    if (status == WEFT_OK)
        status = plg_keys_f64(k, VISION "layer_norm_eps", 0.0, 1.0, &eps);
    if (status == WEFT_OK)
        status = plg_keys_act(k, VISION "hidden_act", &c->tower.act);
    c->tower.eps = (float)eps;
    return status == WEFT_OK ? check_tower(k, c) : status;
}

/* A layer counted from the embeddings (0), or backwards from the last one (-1). */
static weft_status take_layer(const plg_keys *k, llv_config *c, int64_t given)
{
    const int64_t n = c->tower.n_layers, at = given < 0 ? n + 1 + given : given;
    if (at < 0 || at > n)
        return weft_fail(k->err, WEFT_E_INVALID,
                         "%s: vision_feature_layer %lld, and the tower has %lld layers", k->file,
                         (long long)given, (long long)n);
    c->layers[c->n_layers++] = (int32_t)at;
    return WEFT_OK;
}

static weft_status read_layers(const plg_keys *k, llv_config *c)
{
    static const char list[] = "vision_feature_layer";
    int64_t           n = -1, at = -2;
    weft_error        none = {.hdr = WEFT_HDR(weft_error)};
    plg_keys          quiet = *k;
    quiet.err = &none; /* one number, and no list, is the rule */
    weft_status status = plg_keys_count(&quiet, list, LLV_MAX_LAYERS, &n);
    if (status != WEFT_OK || n < 0) {
        status = plg_keys_i64(k, list, -VIS_TOWER_MAX_LAYERS, VIS_TOWER_MAX_LAYERS, &at);
        return status == WEFT_OK ? take_layer(k, c, at) : status;
    }
    for (int64_t i = 0; i < n && status == WEFT_OK; i++) {
        status = plg_keys_entry(k, list, i, -VIS_TOWER_MAX_LAYERS, VIS_TOWER_MAX_LAYERS, &at);
        if (status == WEFT_OK)
            status = take_layer(k, c, at);
    }
    return n == 0 ? weft_fail(k->err, WEFT_E_INVALID, "%s: %s is an empty list", k->file, list)
                  : status;
}

static weft_status read_projector(const plg_keys *k, llv_config *c)
{
    const char *strategy = "default";
    weft_status status = plg_keys_str(k, "vision_feature_select_strategy", &strategy);
    c->act = WEFT_ACT_GELU;
    c->has_bias = 1;
    if (status == WEFT_OK)
        status = plg_keys_act(k, "projector_hidden_act", &c->act);
    if (status == WEFT_OK)
        status = plg_keys_bool(k, "multimodal_projector_bias", &c->has_bias);
    if (status != WEFT_OK)
        return status;
    c->drops_first = strcmp(strategy, "default") == 0;
    if (!c->drops_first && strcmp(strategy, "full") != 0)
        return weft_fail(
            k->err, WEFT_E_UNSUPPORTED,
            "%s: vision_feature_select_strategy is \"%.40s\", and default and full are "
            "known",
            k->file, strategy);
    c->rows = c->tower.n - c->drops_first;
    if (c->is_next && c->rows != c->tower.side * c->tower.side)
        return weft_fail(
            k->err, WEFT_E_INVALID,
            "%s: vision_feature_select_strategy \"%.40s\" leaves %d rows of %d patches, "
            "and LLaVA-NeXT needs one of each",
            k->file, strategy, c->rows, c->tower.side * c->tower.side);
    return WEFT_OK;
}

/* The tower need not run beyond the deepest layer that is read. */
static void stop_early(llv_config *c)
{
    int32_t most = 0;
    for (int32_t i = 0; i < c->n_layers; i++)
        most = c->layers[i] > most ? c->layers[i] : most;
    c->tower.n_layers = most > 1 ? most : 1;
}

static weft_status read_resolution(const plg_keys *k, llv_config *c, int64_t i)
{
    char        key[64];
    int64_t     side[2] = {0, 0};
    weft_status status = WEFT_OK;
    snprintf(key, sizeof key, "image_grid_pinpoints[%lld]", (long long)i);
    for (int a = 0; a < 2 && status == WEFT_OK; a++)
        status = plg_keys_entry(k, key, a, 1, 65536, &side[a]);
    if (status != WEFT_OK)
        return status;
    const int64_t tiles = (side[0] / c->tower.tile) * (side[1] / c->tower.tile);
    if (side[0] % c->tower.tile != 0 || side[1] % c->tower.tile != 0 || tiles > LLV_MAX_TILES)
        return weft_fail(k->err, WEFT_E_INVALID,
                         "%s: %s is %lld x %lld, which is not made of 1 to %d tiles of %d pixels",
                         k->file, key, (long long)side[0], (long long)side[1], LLV_MAX_TILES,
                         c->tower.tile);
    c->resolutions[c->n_resolutions++] = (llv_size){(int32_t)side[1], (int32_t)side[0]};
    return WEFT_OK;
}

static weft_status read_resolutions(const weft_host *h, const weft_package *p, const plg_keys *k,
                                    llv_config *c)
{
    static const llv_size  usual[] = {{2, 1}, {1, 2}, {2, 2}, {1, 3}, {3, 1}};
    int64_t                n = -1;
    const weft_if_weights *w = h->get_interface(h, WEFT_IF_WEIGHTS);
    c->has_newline = w->has(h, p, llv_names_of(h, p)->newline);
    weft_status status = plg_keys_count(k, "image_grid_pinpoints", LLV_MAX_RESOLUTIONS, &n);
    for (int64_t i = 0; i < n && status == WEFT_OK; i++)
        status = read_resolution(k, c, i);
    if (status != WEFT_OK || n > 0)
        return status;
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) /* LlavaNextConfig's, in tiles */
        c->resolutions[c->n_resolutions++] =
            (llv_size){usual[i].width * c->tower.tile, usual[i].height * c->tower.tile};
    return WEFT_OK;
}

weft_status llv_config_read(const weft_host *h, const weft_package *p, llv_config *out,
                            weft_error *err)
{
    const plg_keys k = plg_keys_of(h, p, LLV_CONFIG, "", err);
    int64_t        id = -1;
    memset(out, 0, sizeof *out);
    weft_status status = check_architecture(&k, out);
    if (status == WEFT_OK)
        status = plg_keys_ints(&k, text_keys, COUNT(text_keys), out);
    if (status == WEFT_OK) /* later releases call it so */
        status = plg_keys_i64(&k, "image_token_id", 0, 1 << 24, &id);
    out->image_id = id >= 0 ? (int32_t)id : out->image_id;
    if (status == WEFT_OK)
        status = read_tower(&k, out);
    if (status == WEFT_OK)
        status = read_layers(&k, out);
    if (status == WEFT_OK)
        status = read_projector(&k, out);
    if (status == WEFT_OK && out->is_next)
        status = read_resolutions(h, p, &k, out);
    out->describe = "What is shown in this image?";
    if (status == WEFT_OK)
        status = plg_keys_str(&k, "weft_prompts.describe", &out->describe);
    if (status == WEFT_OK)
        stop_early(out);
    return status == WEFT_OK ? llv_processor_read(h, p, out, err) : status;
}
