/* SPDX-License-Identifier: Apache-2.0 */
/* Reads config.json into a struct. The range of every value is checked before any size is computed
 * from it. Absent keys take the paper's sizes for the 8B text core where the paper states them
 * (sections 7.2, 7.4), and otherwise the sizes of Mllama's layers and of Idefics's resampler; see
 * docs/VIDEO_LAYOUT.md. */
#include "video.h"

#include "../../common/keys.h"

#define AT(field) offsetof(vid_config, field)

static const plg_int_key keys[] = {
    {"text_hidden_size", AT(d_text), 4096, 1, 65536},
    {"text_num_hidden_layers", AT(n_text_layers), 32, 1, 512},
    {"num_attention_heads", AT(n_heads), 32, 1, 4096},
    {"num_key_value_heads", AT(n_kv_heads), 8, 1, 4096},
    {"intermediate_size", AT(d_ffn), 14336, 1, 1 << 20},
    {"hook_order", AT(hook_order), -1, -1000000, 1000000},
    {"video_token_index", AT(marker_id), -1, -1, 1 << 24},
    {"encoder_output_dim", AT(d_encoder), 7680, 1, 1 << 22},
    {"max_frames", AT(max_frames), 64, 1, VID_MAX_FRAMES},
    {"frames_per_group", AT(group), 32, 1, VID_MAX_FRAMES},
    {"resampler_config.hidden_size", AT(resampler.d), 1280, 1, 65536},
    {"resampler_config.num_hidden_layers", AT(resampler.depth), 6, 1, VIS_RESAMPLER_MAX_DEPTH},
    {"resampler_config.num_latents", AT(resampler.n_latents), 64, 1, 65536},
    {"resampler_config.num_attention_heads", AT(resampler.n_heads), 16, 1, 4096},
    {"resampler_config.head_dim", AT(resampler.head_dim), 96, 1, 4096},
};

/* Reads the keys whose default depends on another key. */
static weft_status read_derived(const plg_keys *k, vid_config *c)
{
    int64_t     head_dim = c->d_text / c->n_heads, d_ffn = 4 * (int64_t)c->resampler.d;
    int64_t     n_frames = c->max_frames;
    weft_status status = plg_keys_i64(k, "head_dim", 1, 4096, &head_dim);
    if (status == WEFT_OK)
        status = plg_keys_i64(k, "resampler_config.intermediate_size", 1, 1 << 20, &d_ffn);
    if (status == WEFT_OK)
        status = plg_keys_i64(k, "num_frames", 1, c->max_frames, &n_frames);
    c->head_dim = (int32_t)head_dim;
    c->resampler.d_ffn = (int32_t)d_ffn;
    c->n_frames = (int32_t)n_frames;
    return status;
}

static weft_status read_floats(const plg_keys *k, vid_config *c)
{
    double      norm_eps = 1e-5, eps = 1e-5;
    weft_status status = plg_keys_f64(k, "rms_norm_eps", 0.0, 1.0, &norm_eps);
    if (status == WEFT_OK)
        status = plg_keys_f64(k, "resampler_config.layer_norm_eps", 0.0, 1.0, &eps);
    c->norm_eps = (float)norm_eps;
    c->resampler.eps = (float)eps;
    c->resampler.qk_norm = 1;
    return status == WEFT_OK
               ? plg_keys_bool(k, "resampler_config.qk_layer_norms", &c->resampler.qk_norm)
               : status;
}

/* Reads where the cross-attention layers are. The default comes before every fourth image layer of
 * the 8B core: its eight image layers are at 3, 7, ... 31. */
static weft_status read_sites(const plg_keys *k, vid_config *c)
{
    static const char    list[] = "cross_attention_layers";
    static const int64_t paper[] = {15, 31};
    int64_t              n, at = 0;
    weft_status          status = plg_keys_count(k, list, VID_MAX_SITES, &n);
    if (status == WEFT_OK && n == 0)
        return weft_fail(k->err, WEFT_E_INVALID, "%s: %s is empty: nothing would read a clip",
                         k->file, list);
    c->n_sites = n < 0 ? 2 : (int32_t)n;
    for (int32_t i = 0; status == WEFT_OK && i < c->n_sites; i++) {
        const int64_t least = i > 0 ? c->site[i - 1] + 1 : 0;
        if (n < 0)
            at = paper[i];
        else
            status = plg_keys_entry(k, list, i, least, c->n_text_layers, &at);
        if (status == WEFT_OK && at > c->n_text_layers)
            return weft_fail(
                k->err, WEFT_E_INVALID,
                "%s: text_num_hidden_layers is %d, so %s must say before which of them "
                "a clip is read",
                k->file, c->n_text_layers, list);
        c->site[i] = (int32_t)at;
    }
    return status;
}

static weft_status check(const plg_keys *k, const vid_config *c)
{
    if (c->n_heads % c->n_kv_heads != 0)
        return weft_fail(k->err, WEFT_E_INVALID,
                         "%s: %d attention heads cannot share %d key/value heads", k->file,
                         c->n_heads, c->n_kv_heads);
    return vis_resampler_check(&c->resampler, k->file, k->err);
}

/* UNSUPPORTED where the directory is of another architecture, and so not for this plugin. */
static weft_status check_architecture(const plg_keys *k)
{
    const char *name = "nothing";
    weft_status status = plg_keys_str(k, "architectures[0]", &name);
    if (status == WEFT_OK && strcmp(name, VID_ARCHITECTURE) != 0)
        return weft_fail(k->err, WEFT_E_UNSUPPORTED,
                         "%s: architectures names %.80s, and %s reads %s", k->file, name, VID_ID,
                         VID_ARCHITECTURE);
    return status;
}

weft_status vid_config_read(const weft_host *h, const weft_package *p, vid_config *out,
                            weft_error *err)
{
    const plg_keys k = plg_keys_of(h, p, VID_CONFIG, "", err);
    memset(out, 0, sizeof *out);
    out->marker = "<|video|>";
    out->describe = "Describe this video.";
    weft_status status = check_architecture(&k);
    if (status == WEFT_OK)
        status = plg_keys_ints(&k, keys, sizeof keys / sizeof *keys, out);
    if (status == WEFT_OK)
        status = read_derived(&k, out);
    if (status == WEFT_OK)
        status = read_floats(&k, out);
    if (status == WEFT_OK)
        status = read_sites(&k, out);
    if (status == WEFT_OK)
        status = plg_keys_str(&k, "video_token", &out->marker);
    if (status == WEFT_OK)
        status = plg_keys_str(&k, "weft_prompts.describe", &out->describe);
    return status == WEFT_OK ? check(&k, out) : status;
}
