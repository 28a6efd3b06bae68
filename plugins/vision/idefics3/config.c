/* SPDX-License-Identifier: Apache-2.0 */
/* Reads config.json and preprocessor_config.json into structs. The range of every value is checked
 * before any size is computed from it.
 *
 * Absent keys take the reference classes' defaults (Idefics3Config, Idefics3VisionConfig,
 * Idefics3ImageProcessor of transformers 4.49): save_pretrained leaves out whatever equals them. */
#include "idefics3.h"

#include "../../common/keys.h"

#define AT(field) offsetof(id3_config, field)
#define COUNT(keys) (sizeof(keys) / sizeof *(keys))
#define LONGEST(KEY) KEY ".longest_edge"

static const plg_int_key text_keys[] = {
    {"text_config.num_hidden_layers", AT(n_layers), 32, 1, VIS_TOWER_MAX_LAYERS},
    {"text_config.hidden_size", AT(d_text), 4096, 1, 65536},
};

static const plg_int_key vision_keys[] = {
    {"vision_config.image_size", AT(tower.tile), 224, 1, 65536},
    {"vision_config.patch_size", AT(tower.patch), 32, 1, 1024},
    {"vision_config.hidden_size", AT(tower.d), 1152, 1, 65536},
    {"vision_config.intermediate_size", AT(tower.d_ffn), 3072, 1, 1 << 20},
    {"vision_config.num_hidden_layers", AT(tower.n_layers), 12, 1, VIS_TOWER_MAX_LAYERS},
    {"vision_config.num_attention_heads", AT(tower.n_heads), 16, 1, 4096},
    {"scale_factor", AT(scale), 2, 1, 64},
    {"image_token_id", AT(image_id), 128257, 0, 1 << 24},
};

static weft_status check_vision(const plg_keys *k, id3_config *c)
{
    vis_tower_config *t = &c->tower;
    const int64_t     side = t->tile / t->patch;
    if (t->d % t->n_heads != 0)
        return weft_fail(
            k->err, WEFT_E_INVALID,
            "%s: vision_config.hidden_size %d is no multiple of its %d attention heads", k->file,
            t->d, t->n_heads);
    if (side < 1 || side * side > VIS_TOWER_MAX_ROWS || side % c->scale != 0)
        return weft_fail(
            k->err, WEFT_E_INVALID,
            "%s: vision_config.image_size %d makes %lld patches of %d a side, of which "
            "scale_factor %d makes no whole tokens",
            k->file, t->tile, (long long)side, t->patch, c->scale);
    t->side = (int32_t)side;
    t->n = t->side * t->side;
    t->has_post = t->has_patch_bias = 1;
    c->seq = (t->side / c->scale) * (t->side / c->scale);
    return WEFT_OK;
}

static weft_status read_vision(const plg_keys *k, id3_config *c)
{
    double      eps = 1e-6;
    weft_status status = plg_keys_ints(k, vision_keys, COUNT(vision_keys), c);
    if (status == WEFT_OK)
        status = plg_keys_f64(k, "vision_config.layer_norm_eps", 0.0, 1.0, &eps);
    c->tower.eps = (float)eps;
    c->tower.act = WEFT_ACT_TANH_GELU;
    if (status == WEFT_OK)
        status = plg_keys_act(k, "vision_config.hidden_act", &c->tower.act);
    return status == WEFT_OK ? check_vision(k, c) : status;
}

/* UNSUPPORTED where the directory is of another architecture, and so not for this plugin. */
static weft_status check_architecture(const plg_keys *k)
{
    const char *name = "nothing";
    weft_status status = plg_keys_str(k, "architectures[0]", &name);
    if (status == WEFT_OK && strcmp(name, ID3_ARCHITECTURE) != 0 &&
        strcmp(name, ID3_ARCHITECTURE_SMOL) != 0)
        return weft_fail(k->err, WEFT_E_UNSUPPORTED,
                         "%s: architectures names %.80s, and %s reads %s and %s", k->file, name,
                         ID3_ID, ID3_ARCHITECTURE, ID3_ARCHITECTURE_SMOL);
    return status;
}

/* The sizes of preprocessor_config.json. */
static weft_status read_sizes(const plg_keys *k, id3_config *c)
{
    int64_t     edge = c->edge, tile = c->tower.tile, filter = 1;
    weft_status status = plg_keys_i64(k, LONGEST("size"), 1, ID3_MAX_EDGE, &edge);
    if (status == WEFT_OK)
        status = plg_keys_i64(k, LONGEST("max_image_size"), 1, 65536, &tile);
    if (status == WEFT_OK)
        status = plg_keys_i64(k, "resample", 0, 5, &filter);
    if (status == WEFT_OK)
        status = plg_keys_bool(k, "do_image_splitting", &c->splits);
    if (status != WEFT_OK)
        return status;
    c->edge = (int32_t)edge;
    if (tile != c->tower.tile)
        return weft_fail(k->err, WEFT_E_INVALID,
                         "%s says " LONGEST("max_image_size") " %lld, but vision_config.image_size "
                                                              "of %s is %d",
                         k->file, (long long)tile, ID3_CONFIG, c->tower.tile);
    if (filter != 1)
        return weft_fail(k->err, WEFT_E_UNSUPPORTED,
                         "%s: resample is %lld, and only 1 (Lanczos) is known", k->file,
                         (long long)filter);
    return WEFT_OK;
}

#define CLIPS "video_sampling"
/* What SmolVLM2's directories say of clips; without it the model knows none. */
static weft_status read_clips(const plg_keys *k, id3_config *c)
{
    int64_t     most = 0, edge = c->tower.tile;
    double      fps = 1.0;
    weft_status status = plg_keys_i64(k, CLIPS ".max_frames", 1, ID3_MAX_FRAMES, &most);
    if (status == WEFT_OK)
        status = plg_keys_f64(k, CLIPS ".fps", 0.0, 1000.0, &fps);
    if (status == WEFT_OK)
        status = plg_keys_i64(k, LONGEST(CLIPS ".video_size"), 1, c->tower.tile, &edge);
    c->clip = (id3_sampling){fps, (int32_t)most, (int32_t)edge};
    return status;
}

static weft_status read_processor(const weft_host *h, const weft_package *p, id3_config *c,
                                  weft_error *err)
{
    static const float     half[3] = {0.5f, 0.5f, 0.5f};
    const plg_keys         k = plg_keys_of(h, p, ID3_PREPROCESSOR, "", err);
    int32_t                there;
    const vis_image_config image = {.tile = c->tower.tile,
                                    .max_tiles = 1,
                                    .mean = {0.5f, 0.5f, 0.5f},
                                    .std = {0.5f, 0.5f, 0.5f},
                                    .rescale = 1.0 / 255.0};
    c->image = image;
    c->edge = 4 * c->tower.tile < ID3_MAX_EDGE ? 4 * c->tower.tile : ID3_MAX_EDGE;
    c->splits = 1;
    weft_status status = plg_keys_has_file(&k, &there);
    if (status == WEFT_OK && there)
        status = read_sizes(&k, c);
    if (status == WEFT_OK && there)
        status = read_clips(&k, c);
    if (status == WEFT_OK && there)
        status = plg_keys_channels(&k, "image_mean", -1e6, half, c->image.mean);
    if (status == WEFT_OK && there) /* values are divided by std, so it must not round to 0 */
        status = plg_keys_channels(&k, "image_std", 1e-12, half, c->image.std);
    if (status == WEFT_OK && (c->edge + c->tower.tile - 1) / c->tower.tile > ID3_MAX_SIDE)
        return weft_fail(err, WEFT_E_INVALID,
                         "%s: " LONGEST("size") " %d makes more than %d tiles of %d pixels a side",
                         k.file, c->edge, ID3_MAX_SIDE, c->tower.tile);
    return status;
}

weft_status id3_config_read_text(const weft_host *h, const weft_package *p, id3_config *out,
                                 weft_error *err)
{
    const plg_keys k = plg_keys_of(h, p, ID3_CONFIG, "", err);
    memset(out, 0, sizeof *out);
    weft_status status = plg_keys_ints(&k, text_keys, COUNT(text_keys), out);
    if (status == WEFT_OK)
        status = plg_keys_bool(&k, "text_config.tie_word_embeddings", &out->tied);
    return status;
}

weft_status id3_config_read(const weft_host *h, const weft_package *p, id3_config *out,
                            weft_error *err)
{
    const plg_keys k = plg_keys_of(h, p, ID3_CONFIG, "", err);
    memset(out, 0, sizeof *out);
    weft_status status = check_architecture(&k);
    if (status == WEFT_OK)
        status = id3_config_read_text(h, p, out, err);
    if (status == WEFT_OK)
        status = read_vision(&k, out);
    out->describe =
        id3_reads_pages(h, p) ? "Convert this page to docling." : "Can you describe this image?";
    out->describe_clip = "Can you describe this video in detail?";
    if (status == WEFT_OK)
        status = plg_keys_str(&k, "weft_prompts.describe", &out->describe);
    if (status == WEFT_OK)
        status = plg_keys_str(&k, "weft_prompts.describe_video", &out->describe_clip);
    return status == WEFT_OK ? read_processor(h, p, out, err) : status;
}
