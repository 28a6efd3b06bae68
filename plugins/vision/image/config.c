/* SPDX-License-Identifier: Apache-2.0 */
/* Reads config.json into structs. The range of every value is checked before any size is computed
 * from it.
 *
 * Absent keys take the reference classes' defaults (MllamaTextConfig, MllamaVisionConfig,
 * MllamaConfig of transformers 4.49): save_pretrained leaves out whatever equals them. */
#include "../../common/keys.h"
#include "vision.h"

#define TEXT_AT(field) offsetof(vis_text_config, field)
#define CONFIG_AT(field) offsetof(vis_config, field)

static const plg_int_key text_keys[] = {
    {"text_config.num_hidden_layers", TEXT_AT(n_layers), 40, 1, VIS_MAX_LAYERS},
    {"text_config.hidden_size", TEXT_AT(d_model), 4096, 1, 65536},
    {"text_config.intermediate_size", TEXT_AT(d_ffn), 14336, 1, 1 << 20},
    {"text_config.num_attention_heads", TEXT_AT(n_heads), 32, 1, 4096},
    {"text_config.num_key_value_heads", TEXT_AT(n_kv_heads), 8, 1, 4096},
    {"text_config.vocab_size", TEXT_AT(vocab), 128256, 1, 1 << 24},
};

static const plg_int_key config_keys[] = {
    {"image_token_index", CONFIG_AT(image_token), 128256, 0, 1 << 24},
    {"hook_order", CONFIG_AT(hook_order), 0, -1000000, 1000000},
    {"vision_config.image_size", CONFIG_AT(tile), 448, 1, 65536},
    {"vision_config.patch_size", CONFIG_AT(patch), 14, 1, 1024},
    {"vision_config.num_channels", CONFIG_AT(n_channels), 3, 3, 3},
    {"vision_config.hidden_size", CONFIG_AT(d), 1280, 1, 65536},
    {"vision_config.intermediate_size", CONFIG_AT(d_ffn), 5120, 1, 1 << 20},
    {"vision_config.num_hidden_layers", CONFIG_AT(n_layers), 32, 1, VIS_MAX_LAYERS},
    {"vision_config.num_global_layers", CONFIG_AT(n_global), 8, 0, VIS_MAX_LAYERS},
    {"vision_config.max_num_tiles", CONFIG_AT(max_tiles), 4, 1, VIS_MAX_TILES},
};

/* Reads which layers are cross-attention layers. Where the key is absent they are every fifth layer
 * from the fourth on, as in the released models. */
static weft_status read_cross(const plg_keys *k, vis_text_config *c)
{
    static const char list[] = "text_config.cross_attention_layers";
    int64_t           n, layer;
    weft_status       status = plg_keys_count(k, list, c->n_layers, &n);
    if (status != WEFT_OK)
        return status;
    for (int32_t i = 3; n < 0 && i <= 38 && i < c->n_layers; i += 5)
        c->is_cross[i] = 1;
    for (int64_t i = 0; i < n; i++) {
        status = plg_keys_entry(k, list, i, 0, c->n_layers - 1, &layer);
        if (status != WEFT_OK)
            return status;
        c->is_cross[layer] = 1;
    }
    c->n_self = c->n_layers;
    for (int32_t i = 0; i < c->n_layers; i++)
        c->n_self -= c->is_cross[i];
    return WEFT_OK;
}

static weft_status read_text(const plg_keys *k, vis_text_config *c)
{
    double      eps = 1e-5;
    weft_status status = plg_keys_ints(k, text_keys, sizeof text_keys / sizeof *text_keys, c);
    if (status == WEFT_OK)
        status = plg_keys_f64(k, "text_config.rms_norm_eps", 0.0, 1.0, &eps);
    if (status == WEFT_OK)
        status = read_cross(k, c);
    if (status != WEFT_OK)
        return status;
    c->norm_eps = (float)eps;
    if (c->n_heads % c->n_kv_heads != 0)
        return weft_fail(
            k->err, WEFT_E_INVALID,
            "%s: text_config has %d attention heads, which %d key/value heads cannot share",
            k->file, c->n_heads, c->n_kv_heads);
    if (c->d_model % c->n_heads != 0)
        return weft_fail(k->err, WEFT_E_INVALID,
                         "%s: text_config.hidden_size %d is no multiple of its %d attention heads",
                         k->file, c->d_model, c->n_heads);
    return WEFT_OK;
}

static weft_status read_heads(const plg_keys *k, vis_config *c)
{
    int64_t     heads = 16;
    weft_status status = plg_keys_i64(k, "vision_config.num_attention_heads", 1, 4096, &heads);
    if (status == WEFT_OK) /* the key that the reference writes wins over its alias */
        status = plg_keys_i64(k, "vision_config.attention_heads", 1, 4096, &heads);
    if (status != WEFT_OK)
        return status;
    c->n_heads = (int32_t)heads;
    if (c->d % c->n_heads != 0)
        return weft_fail(
            k->err, WEFT_E_INVALID,
            "%s: vision_config.hidden_size %d is no multiple of its %d attention heads", k->file,
            c->d, c->n_heads);
    return WEFT_OK;
}

static weft_status read_capture(const plg_keys *k, vis_config *c)
{
    static const char    list[] = "vision_config.intermediate_layers_indices";
    static const int64_t released[] = {3, 7, 15, 23, 30};
    int64_t              n;
    weft_status          status = plg_keys_count(k, list, VIS_MAX_CAPTURE, &n);
    c->n_capture = n < 0 ? 5 : (int32_t)n;
    for (int32_t i = 0; status == WEFT_OK && i < c->n_capture; i++) {
        int64_t layer = 0;
        if (n < 0)
            layer = released[i];
        else
            status = plg_keys_entry(k, list, i, 0, (int64_t)c->n_layers - 1, &layer);
        if (status == WEFT_OK && layer >= c->n_layers)
            return weft_fail(
                k->err, WEFT_E_INVALID,
                "%s: vision_config has %d layers, so %s must say which of them are captured",
                k->file, c->n_layers, list);
        c->capture[i] = (int32_t)layer;
    }
    return status;
}

static weft_status read_ratio(const plg_keys *k, const char *list, int64_t i, int32_t max_tiles)
{
    char    pair[96];
    int64_t rows = 0, cols = 0;
    snprintf(pair, sizeof pair, "%s[%lld]", list, (long long)i);
    weft_status status = plg_keys_entry(k, pair, 0, 1, max_tiles, &rows);
    if (status == WEFT_OK)
        status = plg_keys_entry(k, pair, 1, 1, max_tiles, &cols);
    if (status == WEFT_OK && rows * cols > max_tiles)
        return weft_fail(k->err, WEFT_E_INVALID,
                         "%s: %s is more than the %d tiles of max_num_tiles", k->file, pair,
                         max_tiles);
    return status;
}

static weft_status read_ratios(const plg_keys *k, vis_config *c)
{
    static const char list[] = "vision_config.supported_aspect_ratios";
    int32_t           n_grids = vis_grid_count(c->max_tiles);
    int64_t           n;
    weft_status       status = plg_keys_count(k, list, VIS_MAX_TILES * VIS_MAX_TILES, &n);
    c->n_ratios = n < 0 ? n_grids : (int32_t)n;
    for (int64_t i = 0; status == WEFT_OK && i < n; i++)
        status = read_ratio(k, list, i, c->max_tiles);
    if (status == WEFT_OK && c->n_ratios < n_grids)
        return weft_fail(
            k->err, WEFT_E_INVALID,
            "%s: %s has %d entries, and the %d tiles of max_num_tiles can be laid out in %d ways",
            k->file, list, c->n_ratios, c->max_tiles, n_grids);
    return status;
}

/* Computes what follows from the keys. n is never a multiple of 8 (g * g + 1 is 1, 2 or 5 modulo
 * 8), so there always is padding. */
static weft_status derive(const plg_keys *k, vis_config *c)
{
    int64_t grid = c->tile / c->patch, n = grid * grid + 1, padded = (n + 7) / 8 * 8;
    if (grid < 1 || padded * c->max_tiles > VIS_MAX_TOKENS)
        return weft_fail(k->err, WEFT_E_INVALID,
                         "%s: %d tiles of vision_config.image_size %d in patches of %d make %lld "
                         "tokens, and 8 to "
                         "%d are possible",
                         k->file, c->max_tiles, c->tile, c->patch,
                         (long long)(grid < 1 ? 0 : padded * c->max_tiles), VIS_MAX_TOKENS);
    c->n = (int32_t)n;
    c->n_padded = (int32_t)padded;
    c->d_out = c->d * (1 + c->n_capture);

    int64_t     d_out = 7680;
    weft_status status = plg_keys_i64(k, "vision_config.vision_output_dim", 1, INT32_MAX, &d_out);
    if (status == WEFT_OK && d_out != c->d_out)
        return weft_fail(k->err, WEFT_E_INVALID,
                         "%s: vision_config.vision_output_dim is %lld, but hidden_size %d and %d "
                         "captured layers "
                         "make %d",
                         k->file, (long long)d_out, c->d, c->n_capture, c->d_out);
    return status;
}

static weft_status read_vision(const plg_keys *k, vis_config *c)
{
    double      eps = 1e-5;
    weft_status status = plg_keys_ints(k, config_keys, sizeof config_keys / sizeof *config_keys, c);
    if (status == WEFT_OK)
        status = plg_keys_f64(k, "vision_config.norm_eps", 0.0, 1.0, &eps);
    c->norm_eps = (float)eps;
    if (status == WEFT_OK)
        status = read_heads(k, c);
    c->act = WEFT_ACT_GELU;
    if (status == WEFT_OK)
        status = plg_keys_act(k, "vision_config.hidden_act", &c->act);
    if (status == WEFT_OK)
        status = read_capture(k, c);
    if (status == WEFT_OK)
        status = read_ratios(k, c);
    return status == WEFT_OK ? derive(k, c) : status;
}

/* UNSUPPORTED where the directory is of another architecture, and so not for this plugin. */
static weft_status check_architecture(const plg_keys *k)
{
    const char *name = "nothing";
    weft_status status = plg_keys_str(k, "architectures[0]", &name);
    if (status == WEFT_OK && strcmp(name, VIS_ARCHITECTURE) != 0)
        return weft_fail(k->err, WEFT_E_UNSUPPORTED,
                         "%s: architectures names %.80s, and %s reads %s", k->file, name, VIS_ID,
                         VIS_ARCHITECTURE);
    return status;
}

weft_status vis_config_read_text(const weft_host *h, const weft_package *p, vis_text_config *out,
                                 weft_error *err)
{
    const plg_keys k = plg_keys_of(h, p, VIS_CONFIG, "", err);
    memset(out, 0, sizeof *out);
    return read_text(&k, out);
}

weft_status vis_config_read(const weft_host *h, const weft_package *p, vis_config *out,
                            weft_error *err)
{
    const plg_keys k = plg_keys_of(h, p, VIS_CONFIG, "", err);
    memset(out, 0, sizeof *out);
    weft_status status = check_architecture(&k);
    if (status == WEFT_OK)
        status = read_text(&k, &out->text);
    if (status == WEFT_OK)
        status = read_vision(&k, out);
    out->describe = "Describe this picture.";
    if (status == WEFT_OK)
        status = plg_keys_str(&k, "weft_prompts.describe", &out->describe);
    return status == WEFT_OK ? vis_processor_read(h, p, out, err) : status;
}
