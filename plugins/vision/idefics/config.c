/* SPDX-License-Identifier: Apache-2.0 */
/* Reads config.json and preprocessor_config.json into structs. The range of every value is checked
 * before any size is computed from it.
 *
 * Absent keys take the reference classes' defaults (IdeficsConfig, IdeficsVisionConfig,
 * IdeficsPerceiverConfig, IdeficsImageProcessor of transformers 4.49): save_pretrained leaves out
 * whatever equals them. */
#include "idefics.h"

#include "../../common/keys.h"

#define TEXT_AT(field) offsetof(idf_text, field)
#define CONFIG_AT(field) offsetof(idf_config, field)
#define RESAMPLER_AT(field) offsetof(vis_resampler_config, field)
#define COUNT(keys) (sizeof(keys) / sizeof *(keys))

static const plg_int_key text_keys[] = {
    {"num_hidden_layers", TEXT_AT(n_layers), 32, 1, IDF_MAX_LAYERS},
    {"hidden_size", TEXT_AT(d_model), 4096, 1, 65536},
    {"intermediate_size", TEXT_AT(d_ffn), 11008, 1, 1 << 20},
    {"num_attention_heads", TEXT_AT(n_heads), 32, 1, 4096},
    {"vocab_size", TEXT_AT(vocab), 32000, 1, 1 << 24},
    {"additional_vocab_size", TEXT_AT(extra), 0, 2, 1 << 16},
    {"cross_layer_interval", TEXT_AT(interval), 1, 1, IDF_MAX_LAYERS},
    {"eos_token_id", TEXT_AT(eos), 2, 0, 1 << 24},
};

static const plg_int_key vision_keys[] = {
    {"vision_config.image_size", CONFIG_AT(tile), 224, 1, 65536},
    {"vision_config.patch_size", CONFIG_AT(patch), 14, 1, 1024},
    {"vision_config.num_channels", CONFIG_AT(n_channels), 3, 3, 3},
    {"vision_config.embed_dim", CONFIG_AT(d), 768, 1, 65536},
    {"vision_config.intermediate_size", CONFIG_AT(d_ffn), 5120, 1, 1 << 20},
    {"vision_config.num_hidden_layers", CONFIG_AT(n_layers), 32, 1, IDF_MAX_LAYERS},
    {"vision_config.num_attention_heads", CONFIG_AT(n_heads), 16, 1, 4096},
};

static const plg_int_key resampler_keys[] = {
    {"perceiver_config.resampler_n_latents", RESAMPLER_AT(n_latents), 64, 1, 65536},
    {"perceiver_config.resampler_depth", RESAMPLER_AT(depth), 6, 1, VIS_RESAMPLER_MAX_DEPTH},
    {"perceiver_config.resampler_n_heads", RESAMPLER_AT(n_heads), 16, 1, 4096},
    {"perceiver_config.resampler_head_dim", RESAMPLER_AT(head_dim), 96, 1, 4096},
};

static weft_status check_text(const plg_keys *k, const idf_text *c)
{
    if (c->n_layers % c->interval != 0)
        return weft_fail(k->err, WEFT_E_INVALID,
                         "%s: num_hidden_layers %d is no multiple of cross_layer_interval %d",
                         k->file, c->n_layers, c->interval);
    if (c->d_model % c->n_heads != 0)
        return weft_fail(k->err, WEFT_E_INVALID,
                         "%s: hidden_size %d is no multiple of its %d attention heads", k->file,
                         c->d_model, c->n_heads);
    if (c->extra < 2)
        return weft_fail(k->err, WEFT_E_INVALID,
                         "%s: additional_vocab_size is %d, and a picture needs the "
                         "tokens " IDF_AROUND " and " IDF_MARKER " behind the vocabulary",
                         k->file, c->extra);
    return WEFT_OK;
}

static weft_status read_text(const plg_keys *k, idf_text *c)
{
    double      eps = 1e-6;
    const char *alpha = "float";
    weft_status status = plg_keys_ints(k, text_keys, COUNT(text_keys), c);
    if (status == WEFT_OK)
        status = plg_keys_f64(k, "rms_norm_eps", 0.0, 1.0, &eps);
    if (status == WEFT_OK)
        status = plg_keys_bool(k, "qk_layer_norms", &c->qk_norm);
    if (status == WEFT_OK)
        status = plg_keys_str(k, "alpha_type", &alpha);
    if (status != WEFT_OK)
        return status;
    c->norm_eps = (float)eps;
    c->gate_each = strcmp(alpha, "vector") == 0;
    if (!c->gate_each && strcmp(alpha, "float") != 0)
        return weft_fail(k->err, WEFT_E_UNSUPPORTED,
                         "%s: alpha_type is \"%.40s\", and only float and vector are known",
                         k->file, alpha);
    return check_text(k, c);
}

static weft_status check_vision(const plg_keys *k, idf_config *c)
{
    const int64_t grid = c->tile / c->patch, n = grid * grid + 1;
    if (c->d % c->n_heads != 0)
        return weft_fail(k->err, WEFT_E_INVALID,
                         "%s: vision_config.embed_dim %d is no multiple of its %d attention heads",
                         k->file, c->d, c->n_heads);
    if (grid < 1 || n > IDF_MAX_ROWS)
        return weft_fail(k->err, WEFT_E_INVALID,
                         "%s: vision_config.image_size %d in patches of %d makes %lld rows, and 2 "
                         "to %d are possible",
                         k->file, c->tile, c->patch, (long long)(grid < 1 ? 0 : n), IDF_MAX_ROWS);
    c->n = (int32_t)n;
    return WEFT_OK;
}

static weft_status read_vision(const plg_keys *k, idf_config *c)
{
    double      eps = 1e-5;
    weft_status status = plg_keys_ints(k, vision_keys, COUNT(vision_keys), c);
    if (status == WEFT_OK)
        status = plg_keys_f64(k, "vision_config.layer_norm_eps", 0.0, 1.0, &eps);
    c->norm_eps = (float)eps;
    c->act = WEFT_ACT_GELU;
    if (status == WEFT_OK)
        status = plg_keys_act(k, "vision_config.hidden_act", &c->act);
    return status == WEFT_OK ? check_vision(k, c) : status;
}

static weft_status read_resampler(const plg_keys *k, idf_config *c)
{
    vis_resampler_config *r = &c->resampler;
    weft_status           status = plg_keys_bool(k, "use_resampler", &c->use_resampler);
    if (status != WEFT_OK || !c->use_resampler)
        return status;
    status = plg_keys_ints(k, resampler_keys, COUNT(resampler_keys), r);
    if (status == WEFT_OK)
        status = plg_keys_bool(k, "perceiver_config.qk_layer_norms_perceiver", &r->qk_norm);
    r->d = c->d;
    r->d_ffn = 4 * c->d;
    r->eps = 1e-5f; /* PyTorch's default: the reference passes none */
    return status == WEFT_OK ? vis_resampler_check(r, k->file, k->err) : status;
}

/* UNSUPPORTED where the directory is of another architecture, and so not for this plugin. */
static weft_status check_architecture(const plg_keys *k)
{
    const char *name = "nothing";
    weft_status status = plg_keys_str(k, "architectures[0]", &name);
    if (status == WEFT_OK && strcmp(name, IDF_ARCHITECTURE) != 0)
        return weft_fail(k->err, WEFT_E_UNSUPPORTED,
                         "%s: architectures names %.80s, and %s reads %s", k->file, name, IDF_ID,
                         IDF_ARCHITECTURE);
    return status;
}

/* preprocessor_config.json, which may be absent. */
static weft_status read_processor(const weft_host *h, const weft_package *p, idf_config *c,
                                  weft_error *err)
{
    static const float     mean[3] = {0.48145466f, 0.4578275f, 0.40821073f};
    static const float     std[3] = {0.26862954f, 0.26130258f, 0.27577711f};
    const plg_keys         k = plg_keys_of(h, p, IDF_PREPROCESSOR, "", err);
    int64_t                side = c->tile;
    int32_t                there;
    const vis_image_config image = {.tile = c->tile,
                                    .max_tiles = 1,
                                    .mean = {mean[0], mean[1], mean[2]},
                                    .std = {std[0], std[1], std[2]},
                                    .rescale = 1.0 / 255.0,
                                    .bicubic = 1};
    c->image = image;
    weft_status status = plg_keys_has_file(&k, &there);
    if (status != WEFT_OK || !there)
        return status;
    status = plg_keys_i64(&k, "image_size", 1, 65536, &side);
    if (status == WEFT_OK && side != c->tile)
        return weft_fail(err, WEFT_E_INVALID,
                         "%s says image_size %lld, but vision_config.image_size of %s is %d",
                         k.file, (long long)side, IDF_CONFIG, c->tile);
    if (status == WEFT_OK)
        status = plg_keys_channels(&k, "image_mean", -1e6, mean, c->image.mean);
    if (status == WEFT_OK) /* values are divided by std, so it must not round to 0 */
        status = plg_keys_channels(&k, "image_std", 1e-12, std, c->image.std);
    return status;
}

weft_status idf_config_read_text(const weft_host *h, const weft_package *p, idf_text *out,
                                 weft_error *err)
{
    const plg_keys k = plg_keys_of(h, p, IDF_CONFIG, "", err);
    memset(out, 0, sizeof *out);
    return read_text(&k, out);
}

weft_status idf_config_read(const weft_host *h, const weft_package *p, idf_config *out,
                            weft_error *err)
{
    const plg_keys k = plg_keys_of(h, p, IDF_CONFIG, "", err);
    memset(out, 0, sizeof *out);
    weft_status status = check_architecture(&k);
    if (status == WEFT_OK)
        status = read_text(&k, &out->text);
    if (status == WEFT_OK)
        status = read_vision(&k, out);
    if (status == WEFT_OK)
        status = read_resampler(&k, out);
    /* The instruct models have a third additional token, <end_of_utterance>, and follow
     * instructions. The other models can only continue a text. */
    out->describe = out->text.extra > 2 ? "Describe this picture."
                                        : "Question: What is in this picture? Answer:";
    if (status == WEFT_OK)
        status = plg_keys_str(&k, "weft_prompts.describe", &out->describe);
    return status == WEFT_OK ? read_processor(h, p, out, err) : status;
}
