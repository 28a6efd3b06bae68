/* SPDX-License-Identifier: Apache-2.0 */
/* Reads config.json of the adapter and of its encoder. The range of every value is checked before
 * any size is computed from it. Absent keys take the defaults of UltravoxConfig and WhisperConfig.
 */
#include "ultravox.h"

static weft_status read_encoder(const weft_host *h, const vox_origin *origin, spk_whisper_config *c,
                                weft_error *err)
{
    const plg_keys k = plg_keys_of(h, origin->package, VOX_CONFIG, origin->keys, err);
    return spk_whisper_config_read(&k, "whisper", spk_whisper_keys, c);
}

/* Reads the projector's activation. swiglu multiplies one half of its input by a function of the
 * other, so it halves the width; all others keep it. The default is swiglu for Ultravox and silu
 * for Shuka. */
static weft_status read_activation(const plg_keys *k, int shuka, vox_projector_config *c)
{
    const char *name = shuka ? "silu" : "swiglu";
    weft_status status = plg_keys_str(k, "projector_act", &name);
    c->act = WEFT_ACT_SILU;
    c->gated = strcmp(name, "swiglu") == 0;
    c->mid = c->gated ? c->inner / 2 : c->inner;
    if (status != WEFT_OK)
        return status;
    if (c->gated && c->inner % 2 != 0)
        return weft_fail(k->err, WEFT_E_INVALID,
                         "%s: hidden_size %d must be even: one half gates the other", k->file,
                         c->inner);
    return c->gated ? WEFT_OK : plg_keys_act(k, "projector_act", &c->act);
}

/* Finds out where the second norm of the projector is. The tensors say so, and the key must agree.
 */
static weft_status read_norm(const plg_keys *k, vox_projector_config *c)
{
    const weft_if_weights *w = k->host->get_interface(k->host, WEFT_IF_WEIGHTS);
    const int              mid = w->has(k->host, k->package, "multi_modal_projector.ln_mid.weight");
    const int   post = w->has(k->host, k->package, "multi_modal_projector.ln_post.weight");
    weft_status status = plg_keys_bool(k, "projector_ln_mid", &c->ln_mid);
    if (status != WEFT_OK || (!mid && !post))
        return status;
    if (mid == post || mid != c->ln_mid)
        return weft_fail(k->err, WEFT_E_INVALID,
                         "%s: projector_ln_mid is %s, but the weights have %s", k->file,
                         c->ln_mid ? "true" : "false or absent",
                         mid && post ? "both ln_mid and ln_post"
                         : mid       ? "ln_mid"
                                     : "ln_post");
    return WEFT_OK;
}

/* Refuses a key that asks for attention which this plugin does not have. */
static weft_status refuse(const plg_keys *k)
{
    static const char key[] = "audio_latency_block_size";
    int64_t           v = 0;
    weft_status       status = plg_keys_i64(k, key, INT32_MIN, INT32_MAX, &v);
    if (status == WEFT_OK && v != 0)
        return weft_fail(k->err, WEFT_E_INVALID,
                         "%s: %s is %lld: attention in blocks is not provided; v0.3 to v0.6 have "
                         "none",
                         k->file, key, (long long)v);
    return status;
}

static weft_status check_width(const plg_keys *k, int32_t d_text)
{
    int64_t     d = d_text;
    weft_status status = plg_keys_i64(k, "text_config.hidden_size", 1, 1 << 24, &d);
    if (status == WEFT_OK && d != d_text)
        return weft_fail(k->err, WEFT_E_INVALID,
                         "%s: the adapter is for a text model of width %lld, and the one that is "
                         "open has width %d",
                         k->file, (long long)d, d_text);
    return status;
}

/* The prompt that an adapter brings for transcripts, in which the marker is the recording. */
static weft_status read_prompt(const plg_keys *k, const char **prompt)
{
    static const char key[] = "weft_prompts.transcribe";
    weft_status       status = plg_keys_str(k, key, prompt);
    if (status != WEFT_OK || *prompt == NULL)
        return status;
    const char *at = strstr(*prompt, VOX_MARKER);
    if (at == NULL || strstr(at + 1, VOX_MARKER) != NULL)
        return weft_fail(k->err, WEFT_E_INVALID, "%s: %s must have " VOX_MARKER " once", k->file,
                         key);
    if (strstr(*prompt, "{code}") != NULL)
        return weft_fail(k->err, WEFT_E_INVALID, "%s: %s has {code}, and no language is put there",
                         k->file, key);
    return WEFT_OK;
}

static int is_ascii(const char *text)
{
    while (*text > 0)
        text++;
    return *text == '\0';
}

/* The letters, one of which is the space between words, and the sizes of the tables of words. */
static weft_status read_letters(const plg_keys *k, vox_ctc_config *c)
{
    static const plg_int_key keys[] = {
        {"ctc.places", offsetof(vox_ctc_config, places), 1, 1, 16},
        {"ctc.nodes", offsetof(vox_ctc_config, nodes), 2, 2, 1 << 22},
        {"ctc.words", offsetof(vox_ctc_config, words), 2, 2, 1 << 20},
        {"ctc.pairs", offsetof(vox_ctc_config, pairs), 1, 1, 1 << 22},
        {"ctc.tokens", offsetof(vox_ctc_config, tokens), 1, 1, 1 << 22},
        {"ctc.again", offsetof(vox_ctc_config, again), 0, 0, 1 << 10},
        {"ctc.fill", offsetof(vox_ctc_config, fill), 1, 1, 1 << 10},
        {"ctc.spare", offsetof(vox_ctc_config, spare), 0, 0, 1 << 10},
        {"ctc.beam", offsetof(vox_ctc_config, beam), 128, 1, 1 << 10},
    };
    const char *letters = NULL;
    weft_status status = plg_keys_str(k, "ctc.letters", &letters);
    if (status != WEFT_OK || letters == NULL)
        return status;
    const char *space = strchr(letters, ' ');
    if (space == NULL || strchr(space + 1, ' ') != NULL || !is_ascii(letters))
        return weft_fail(k->err, WEFT_E_INVALID,
                         "%s: ctc.letters must have one space, and no letter beyond ASCII",
                         k->file);
    if (strlen(letters) > VOX_MAX_LETTERS)
        return weft_fail(k->err, WEFT_E_INVALID, "%s: ctc.letters has more than %d letters",
                         k->file, VOX_MAX_LETTERS);
    c->columns = 1 + (int32_t)strlen(letters);
    c->space = 1 + (int32_t)(space - letters);
    c->share = c->bonus = 0;
    c->width = 16;
    status = plg_keys_ints(k, keys, sizeof keys / sizeof *keys, c);
    if (status == WEFT_OK)
        status = plg_keys_f64(k, "ctc.share", 0, 100, &c->share);
    if (status == WEFT_OK)
        status = plg_keys_f64(k, "ctc.bonus", -100, 100, &c->bonus);
    return status == WEFT_OK ? plg_keys_f64(k, "ctc.width", 0, 1000, &c->width) : status;
}

static weft_status read_projector(const plg_keys *k, int shuka, vox_projector_config *c)
{
    static const plg_int_key keys[] = {
        {"stack_factor", offsetof(vox_projector_config, stack), 8, 1, 64},
        {"hidden_size", offsetof(vox_projector_config, inner), 4096, 1, 1 << 20},
        {"num_projector_layers", offsetof(vox_projector_config, n_layers), 0, 0, VOX_MAX_LAYERS},
    };
    weft_status status = refuse(k);
    if (status == WEFT_OK)
        status = plg_keys_ints(k, keys, sizeof keys / sizeof *keys, c);
    if (status == WEFT_OK)
        status = read_letters(k, &c->ctc);
    if (status == WEFT_OK && c->ctc.columns > 0 && c->n_layers == 0)
        return weft_fail(k->err, WEFT_E_INVALID,
                         "%s: ctc.letters is for projectors with num_projector_layers", k->file);
    if (status != WEFT_OK || c->n_layers > 0)
        return status;
    status = read_activation(k, shuka, c);
    return status == WEFT_OK ? read_norm(k, c) : status;
}

/* Checks the architecture. The directory was named by the user, or was chosen for its architecture;
 * so another architecture is a mistake to report, and no reason to stay idle. */
static weft_status check_architecture(const plg_keys *k, int *shuka)
{
    const char *name = "nothing";
    weft_status status = plg_keys_str(k, "architectures[0]", &name);
    *shuka = strcmp(name, VOX_ARCH_SHUKA) == 0;
    if (status == WEFT_OK && !*shuka && strcmp(name, VOX_ARCH) != 0)
        return weft_fail(k->err, WEFT_E_INVALID,
                         "%s: architectures names %.80s, and %s reads " VOX_ARCH
                         " and " VOX_ARCH_SHUKA,
                         k->file, name, VOX_ID);
    return status;
}

/* Frames of silence that the adapter was made with, behind every recording. */
static weft_status read_silence(const plg_keys *k, vox_config *c)
{
    int64_t     n = 0;
    weft_status status = plg_keys_i64(k, "weft_silence", 0, c->chunk, &n);
    c->silence = (int32_t)n;
    c->front.silence = c->silence * VOX_HOP;
    return status;
}

static void set_front(const weft_host *h, const weft_package *p, vox_config *c)
{
    spk_whisper_config *e = &c->encoder;
    e->bins = vox_origin_bins(h, p, &c->origin, e->d, e->bins);
    c->front = spk_features_whisper(e->bins);
    c->front.fill = VOX_HOP;
    c->front.least = VOX_LEAST;
    c->chunk = e->positions < VOX_CHUNK / 2 ? 2 * e->positions : VOX_CHUNK;
}

weft_status vox_config_read(const weft_host *h, const weft_package *p, int32_t d_text,
                            vox_config *out, weft_error *err)
{
    const plg_keys k = plg_keys_of(h, p, VOX_CONFIG, "", err);
    int            shuka = 0;
    memset(out, 0, sizeof *out);
    out->projector.d_text = d_text;
    weft_status status = check_architecture(&k, &shuka);
    if (status == WEFT_OK)
        status = read_projector(&k, shuka, &out->projector);
    if (status == WEFT_OK)
        status = check_width(&k, d_text);
    if (status == WEFT_OK)
        status = read_prompt(&k, &out->prompt);
    if (status == WEFT_OK)
        status = vox_origin_find(h, p, &out->origin, err);
    if (status == WEFT_OK)
        status = read_encoder(h, &out->origin, &out->encoder, err);
    if (status == WEFT_OK) {
        set_front(h, p, out);
        vox_languages_read(h, out->origin.package, out->languages);
        status = read_silence(&k, out);
    }
    return status;
}
